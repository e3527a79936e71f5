"""From probabilities of spans to mentions, and from annotated mentions to classes."""

import numpy
import pytest
from spacy.tokens import Doc, Span

from rel_component.mentions import (
    blocked_tokens,
    read_mentions,
    recognised_entities,
    scored_mentions,
)
from rel_component.pipeline.recognition import (
    annotated_classes,
    annotated_labels,
    enumerate_spans,
    recognize,
    write_mentions,
)

from ..helpers import make_doc, make_example

LABELS = ["ORG", "PERSON"]


def probabilities(docs, max_width, **rows):
    """Certainty of none, but for spans of the batch named as ``t<start>_<end>``."""
    spans = enumerate_spans(docs, max_width)
    values = numpy.tile(numpy.asarray([1.0, 0.0, 0.0], dtype="float32"), (len(spans), 1))
    for name, row in rows.items():
        start, end = (int(part) for part in name[1:].split("_"))
        values[(spans == (start, end)).all(axis=1)] = row
    return spans, values


def found(docs, spans, values, threshold=None, min_score=0.1, max_mentions=1.0):
    limits = {"threshold": threshold, "min_score": min_score, "max_mentions": max_mentions}
    results = recognize(docs, spans, values, **limits)
    return [
        [
            (*span, LABELS[label], round(float(score), 2), bool(is_entity))
            for span, label, score, is_entity in zip(
                result.spans.tolist(), result.labels, result.scores, result.is_entity
            )
        ]
        for result in results
    ]


def test_probable_types_are_mentions_and_the_best_beyond_none_is_an_entity(vocab):
    docs = [make_doc(vocab, "a b"), make_doc(vocab, ""), make_doc(vocab, "c d")]
    spans, values = probabilities(
        docs,
        2,
        t0_1=[0.3, 0.2, 0.5],  # two types
        t2_4=[0.8, 0.2, 0.0],  # improbable
        t3_4=[0.95, 0.05, 0.0],  # too improbable
    )
    expected = [[(0, 1, "ORG", 0.2, False), (0, 1, "PERSON", 0.5, True)], []]
    assert found(docs, spans, values) == [*expected, [(0, 2, "ORG", 0.2, False)]]
    assert found(docs, spans, values, threshold=0.2)[2] == [(0, 2, "ORG", 0.2, True)]
    assert found(docs, spans, values, threshold=0.6, min_score=0.4) == [
        [(0, 1, "PERSON", 0.5, False)],
        [],
        [],
    ]


def test_an_entity_is_a_mention_however_improbable(vocab):
    docs = [make_doc(vocab, "a")]
    spans, values = probabilities(docs, 1, t0_1=[0.3, 0.4, 0.3])
    assert found(docs, spans, values, min_score=0.9) == [[(0, 1, "ORG", 0.4, True)]]


def test_the_most_probable_mentions_are_kept(vocab):
    docs = [make_doc(vocab, "a b c d e"), make_doc(vocab, "f")]
    scores = {f"t{i}_{i + 1}": [0.9 - i / 10, 0.1 + i / 10, 0.0] for i in range(5)}
    spans, values = probabilities(docs, 2, **scores, t5_6=[0.7, 0.3, 0.0])
    first, second = found(docs, spans, values, max_mentions=0.4)
    assert [mention[0] for mention in first] == [3, 4]
    assert len(second) == 1


def test_all_entities_are_kept_but_those_within_better_ones(vocab):
    docs = [make_doc(vocab, "Moscow ITAR-TASS"), make_doc(vocab, "A , B , C , D")]
    certain = {f"t{i}_{i + 1}": [0.1, 0.9, 0.0] for i in (0, 1, 2, 4, 6, 8)}
    spans, values = probabilities(docs, 2, **certain, t2_4=[0.2, 0.8, 0.0])
    first, second = found(docs, spans, values, max_mentions=0.1)
    assert [mention[:2] for mention in first] == [(0, 1), (1, 2)]
    assert [mention[:2] for mention in second] == [(0, 1), (2, 3), (4, 5), (6, 7)]


def test_no_documents_and_no_spans(vocab):
    assert found([], *probabilities([], 2)) == []
    assert found([make_doc(vocab, "")], *probabilities([make_doc(vocab, "")], 2)) == [[]]


def written(doc, **rows):
    spans, values = probabilities([doc], 3, **rows)
    (result,) = recognize([doc], spans, values, threshold=None, min_score=0.1, max_mentions=1.0)
    write_mentions(doc, result, LABELS, "mentions")
    scored = scored_mentions(doc, "mentions")
    return [(span.start, span.end, span.label_, round(score, 2)) for span, score in scored]


def entities(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def test_overlapping_mentions_are_kept_and_the_better_entity_wins(vocab):
    doc = make_doc(vocab, "University of Oslo")
    mentions = written(doc, t0_3=[0.2, 0.8, 0.0], t2_3=[0.3, 0.7, 0.0])
    assert mentions == [(0, 3, "ORG", 0.8), (2, 3, "ORG", 0.7)]
    assert entities(doc) == [(0, 3, "ORG")]


def test_entities_that_are_there_stay(vocab):
    doc = make_doc(vocab, "University of Oslo", [(2, 3, "GPE")])
    mentions = written(doc, t0_3=[0.2, 0.8, 0.0], t0_1=[0.4, 0.0, 0.6])
    assert mentions == [(0, 1, "PERSON", 0.6), (0, 3, "ORG", 0.8), (2, 3, "GPE", 1.0)]
    assert entities(doc) == [(0, 1, "PERSON"), (2, 3, "GPE")]
    assert recognised_entities(doc, "mentions") == {(0, 10, "PERSON")}


def test_spans_of_the_group_that_others_have_written_stay(vocab):
    doc = make_doc(vocab, "University of Oslo")
    doc.spans["mentions"] = [Span(doc, 2, 3, label="CITY")]
    mentions = written(doc, t0_3=[0.2, 0.8, 0.0])
    assert mentions == [(0, 3, "ORG", 0.8), (2, 3, "CITY", 1.0)]
    assert entities(doc) == [(0, 3, "ORG")]
    doc.set_ents([])
    assert written(doc, t0_1=[0.4, 0.0, 0.6]) == [(0, 1, "PERSON", 0.6), (2, 3, "CITY", 1.0)]
    del doc.spans["mentions"].attrs["is_given"]  # as an earlier version has written the group
    doc.set_ents([])
    assert written(doc, t0_3=[0.2, 0.8, 0.0]) == [(0, 3, "ORG", 0.8)]


def test_blocked_tokens_are_in_no_entity(vocab):
    doc = make_doc(vocab, "University of Oslo")
    doc.set_ents([], blocked=[doc[1:2]])
    written(doc, t0_3=[0.2, 0.8, 0.0], t2_3=[0.3, 0.7, 0.0])
    assert entities(doc) == [(2, 3, "ORG")]
    assert [span.text for span in blocked_tokens(doc)] == ["of"]


def test_no_span_begins_or_ends_with_white_space(vocab):
    docs = [make_doc(vocab, ["\n", "a", " \n", "b", "\u3000"]), make_doc(vocab, [" "])]
    assert enumerate_spans(docs, 3).tolist() == [[1, 2], [1, 4], [3, 4]]
    annotated = make_doc(vocab, ["\n", "a", " \n", "b", "\u3000"], [(0, 3, "ORG"), (4, 5, "ORG")])
    spans = enumerate_spans([annotated], 3)
    classes = annotated_classes([make_example(annotated, [])], spans, LABELS, None)
    assert spans[classes > 0].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("between", "crosses"), [("\n\n", False), ("\r\n \r\n", False), ("\n", True), (" ", True)]
)
def test_no_span_goes_beyond_a_blank_line(vocab, between, crosses):
    docs = [make_doc(vocab, "c d"), make_doc(vocab, ["a", between, "b"], spaces=[False] * 3)]
    assert ([2, 5] in enumerate_spans(docs, 3).tolist()) is crosses


def test_scores_survive_bytes_and_reach_the_mentions(vocab):
    doc = make_doc(vocab, "University of Oslo")
    written(doc, t0_3=[0.2, 0.8, 0.0], t2_3=[0.7, 0.3, 0.0])
    loaded = Doc(vocab).from_bytes(doc.to_bytes())
    numpy.testing.assert_allclose(read_mentions([loaded], "mentions").scores, [0.8, 0.3])
    loaded.spans["mentions"].append(Span(loaded, 0, 1, label="ORG"))  # scores are out of date
    numpy.testing.assert_allclose(read_mentions([loaded], "mentions").scores, [1.0, 1.0, 1.0])


@pytest.mark.parametrize("spans_key", [None, "mentions"])
def test_classes_of_annotated_mentions(vocab, spans_key):
    reference = make_doc(
        vocab, "New-York Times", [(0, 2, "ORG")], spans_key=spans_key, spaces=[True, False]
    )
    other = make_doc(vocab, "x Ada y", [(1, 2, "PERSON"), (2, 3, "OTHER")], spans_key=spans_key)
    predicted = make_doc(vocab, ["New", "-", "York", "Times"], spaces=[False, False, True, False])
    examples = [make_example(reference), make_example(other, [])]
    examples[0].predicted = predicted
    docs = [eg.predicted for eg in examples]
    spans = enumerate_spans(docs, 4)
    classes = annotated_classes(examples, spans, LABELS, spans_key)
    named = {tuple(span): LABELS[k - 1] for span, k in zip(spans.tolist(), classes) if k}
    assert named == {(0, 4): "ORG", (5, 6): "PERSON"}
    short = enumerate_spans(docs, 2)
    assert annotated_classes(examples, short, LABELS, spans_key).tolist().count(1) == 0
    references = [eg.reference for eg in examples]
    assert annotated_labels(references, spans_key) == ["ORG", "OTHER", "PERSON"]
