"""Mentions as arrays: order, types, span groups, and mentions joined with those of a reference."""

import numpy
import pytest
import spacy
from spacy.tokens import Span

from rel_component.errors import AnnotationError
from rel_component.mentions import (
    add_entities,
    blocked_tokens,
    entity_mentions,
    read_mentions,
    read_training_mentions,
    typed_key,
)

from .helpers import make_doc, make_example

TEXT = "Bank of Oslo hired Ada"
NESTED = [(0, 3, "ORG"), (2, 3, "GPE"), (4, 5, "PERSON")]


def rows(doc, mentions):
    """Start, end and type of all mentions."""
    return [
        (int(start), int(end), doc.vocab.strings[int(kind)] if kind else "")
        for (start, end), kind in zip(mentions.spans, mentions.types, strict=True)
    ]


def test_entities_are_the_mentions(vocab):
    doc = make_doc(vocab, TEXT, [NESTED[0], NESTED[2]])
    assert rows(doc, read_mentions([doc])) == [NESTED[0], NESTED[2]]


def test_documents_without_the_span_group_have_their_entities(vocab):
    docs = [make_doc(vocab, TEXT, [NESTED[0]]), make_doc(vocab, TEXT, NESTED, spans_key="sc")]
    assert read_mentions(docs, "sc").lengths.tolist() == [1, 3]
    docs[0].spans["sc"] = []  # the group is there and says: none
    assert read_mentions(docs, "sc").lengths.tolist() == [0, 3]


def test_annotated_mentions_are_certain(vocab):
    found = make_doc(vocab, TEXT, NESTED[:2], spans_key="sc")
    found.spans["sc"].attrs["scores"] = numpy.asarray([0.3, 0.4], dtype="float32")
    annotated = make_doc(vocab, TEXT, [NESTED[0], NESTED[2]])
    joined = read_training_mentions([found], [annotated], "sc")
    assert rows(found, joined) == NESTED
    numpy.testing.assert_allclose(joined.scores, [1.0, 0.4, 1.0])


@pytest.mark.parametrize("max_positive", [None, 1])
def test_scores_of_spancat(max_positive):
    nlp = spacy.blank("en")
    config = {"threshold": 0.0, "max_positive": max_positive}
    spancat = nlp.add_pipe("spancat", config=config)
    example = make_example(make_doc(nlp.vocab, TEXT, NESTED, spans_key="sc"), [])
    nlp.initialize(lambda: [example])
    doc = nlp(TEXT)
    mentions = read_mentions([doc], "sc")
    n_spans = 5 + 4 + 3  # of one to three tokens
    n_kept = n_spans * (len(spancat.labels) if max_positive is None else 1)
    assert len(mentions) == len(doc.spans["sc"]) == n_kept
    scores = numpy.ravel(doc.spans["sc"].attrs["scores"])
    numpy.testing.assert_allclose(sorted(mentions.scores), sorted(scores))
    assert scores.max() < 1.0


def test_scores_of_a_group_that_was_changed_are_not_read(vocab):
    doc = make_doc(vocab, TEXT, NESTED, spans_key="sc")
    doc.spans["sc"].attrs["scores"] = [0.3, 0.4]
    assert read_mentions([doc], "sc").scores.tolist() == [1.0, 1.0, 1.0]


def test_added_entities_take_the_place_of_what_they_overlap_with(vocab):
    doc = make_doc(vocab, TEXT, [NESTED[1], NESTED[2]])
    spans = [Span(doc, start, end, label=label) for start, end, label in (NESTED[0], (0, 1, "X"))]
    add_entities(doc, spans)
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [NESTED[0], NESTED[2]]
    add_entities(doc, [])
    assert len(doc.ents) == 2


def test_only_entities_that_may_give_way_are_replaced(vocab):
    doc = make_doc(vocab, TEXT, [NESTED[1], NESTED[2]])
    doc.set_ents(list(doc.ents), blocked=[doc[3:4]])
    spans = [Span(doc, start, end, label="X") for start, end in [(0, 3), (3, 4), (4, 5)]]
    add_entities(doc, spans, {typed_key(doc.ents[1])})
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [NESTED[1], (4, 5, "X")]
    assert [span.start for span in blocked_tokens(doc)] == [3]


def test_mentions_have_the_links_of_their_entities(vocab):
    doc = make_doc(vocab, TEXT, spans_key="sc")
    doc.spans["sc"] = [Span(doc, start, end, label) for start, end, label in NESTED]
    doc.ents = [Span(doc, 0, 3, "ORG", kb_id="Q1"), Span(doc, 4, 5, "ORG", kb_id="Q2")]
    assert read_mentions([doc], "sc").kb_ids.tolist() == [doc.vocab.strings["Q1"], 0, 0]
    add_entities(doc, doc.spans["sc"])
    assert [(ent.label_, ent.kb_id_) for ent in doc.ents] == [("ORG", "Q1"), ("PERSON", "")]


def test_rescued_mentions_have_no_white_space_at_their_ends(vocab):
    doc = make_doc(vocab, ["Ada", "\n\n", "left"])
    add_entities(doc, [Span(doc, start, end, label="X") for start, end in [(0, 2), (1, 2), (1, 3)]])
    assert not doc.ents


@pytest.mark.parametrize(
    "scores", [["a"], [float("nan")], [2.0], [-1.0], [None], {"a": 1}, [[1], 2]]
)
def test_error_for_probabilities_that_are_none(vocab, scores):
    doc = make_doc(vocab, TEXT, NESTED[:1], spans_key="sc")
    doc.spans["sc"].attrs["scores"] = scores
    with pytest.raises(AnnotationError, match=r"Bank of Oslo.*expected a probability"):
        read_mentions([doc], "sc")


def test_white_space_is_no_mention_and_not_annotated_as_part_of_one(vocab):
    doc = make_doc(vocab, ["Ada", "\n\n", "left"], [(0, 2, "PERSON")])
    assert rows(doc, read_training_mentions([make_doc(vocab, ["Ada", "\n\n"])], [doc])) == [
        (0, 1, "PERSON")
    ]
    doc.spans["sc"] = [Span(doc, 1, 2, label="PERSON")]
    assert rows(doc, read_mentions([doc], "sc")) == []


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (NESTED, NESTED),
        ([(4, 5, "PERSON"), (0, 3, "ORG"), (0, 1, "ORG")], None),
        ([NESTED[0], NESTED[0]], NESTED[:1]),
        ([(2, 3, "GPE"), (2, 3, "ORG")], None),
        ([(2, 3, "")], None),
        ([(2, 2, "GPE")], []),
    ],
    ids=["nested", "unordered", "equal", "two types", "no type", "empty"],
)
def test_mentions_of_a_span_group(vocab, spans, expected):
    doc = make_doc(vocab, TEXT, spans, spans_key="sc")
    mentions = read_mentions([doc], "sc")
    assert sorted(rows(doc, mentions)) == sorted(spans if expected is None else expected)
    assert mentions.spans.tolist() == sorted(mentions.spans.tolist())
    dtypes = (mentions.spans.dtype, mentions.types.dtype, mentions.lengths.dtype)
    assert dtypes == (numpy.int32, numpy.uint64, numpy.int32)


def test_lengths_and_docs_of_a_batch(vocab):
    docs = [make_doc(vocab, TEXT, [NESTED[0], NESTED[2]]), make_doc(vocab, "")]
    docs.append(make_doc(vocab, "Ada", [(0, 1, "PERSON")]))
    mentions = read_mentions(docs)
    assert mentions.lengths.tolist() == [2, 0, 1]
    assert mentions.docs.tolist() == [0, 0, 2]


@pytest.mark.parametrize("n_docs", [0, 2])
def test_without_mentions_the_arrays_have_no_rows(vocab, n_docs):
    mentions = read_mentions([make_doc(vocab, "Nobody here")] * n_docs)
    assert (mentions.spans.shape, mentions.types.shape) == ((0, 2), (0,))
    assert mentions.lengths.tolist() == [0] * n_docs


def test_training_mentions_are_those_of_both_docs(vocab):
    predicted = make_doc(vocab, TEXT, [(2, 3, "GPE")])
    reference = make_doc(vocab, TEXT, [(0, 3, "ORG"), (4, 5, "PERSON")])
    found = read_training_mentions([predicted, predicted], [reference, predicted.copy()])
    assert rows(predicted, found) == [*NESTED, NESTED[1]]


def test_reference_mentions_are_carried_over_by_characters(vocab):
    split = make_doc(vocab, ["Bank", "of", "Os", "lo"], spaces=[True, True, False, False])
    whole = make_doc(vocab, "Bank of Oslo", [(2, 3, "GPE")], spaces=[True, True, False])
    assert rows(split, read_training_mentions([split], [whole])) == [(2, 4, "GPE")]
    split.ents = [Span(split, 2, 3, label="GPE")]  # inside of a token of the other
    assert rows(whole, read_training_mentions([whole], [split])) == [(2, 3, "GPE")]


def test_all_mentions_of_an_entity_are_reached_from_one(vocab):
    doc = make_doc(vocab, "Ada says she leads Acme and it grows", [(0, 1, "PERSON"), (4, 5, "ORG")])
    doc.spans["coref_clusters_2"] = [doc[4:5], doc[6:7]]
    doc.spans["coref_clusters_1"] = [doc[0:1], doc[2:3]]
    doc.spans["coref_clusters_one"] = [doc[0:8]]
    ada, acme = doc.ents
    assert [span.text for span in entity_mentions(ada)] == ["Ada", "she"]
    assert [span.text for span in entity_mentions(acme)] == ["Acme", "it"]
    assert entity_mentions(doc[7:8]) == [doc[7:8]]
    assert entity_mentions(ada, "other") == [ada]
