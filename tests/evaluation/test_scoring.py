"""Scores, each computed by hand."""

import pytest
from spacy.training import Example

from rel_component.evaluation.counts import PRF
from rel_component.evaluation.scoring import score_mentions, score_relations
from rel_component.evaluation.thresholds import ScoredRelations

from ..helpers import make_doc

# tokens   0    1   2  3   4    5    6  7    8 .  9
TEXT = "Ada and Bo of Acme Labs met Cy in Oslo ."
ADA, BO, ACME = (0, 1, "PERSON"), (2, 3, "PERSON"), (4, 6, "ORG")
CY, OSLO = (7, 8, "PERSON"), (9, 10, "GPE")
MENTIONS = [ADA, BO, ACME, CY, OSLO]
NAMES = ("Ada", "Bo", "Acme", "Cy", "Oslo")


def annotated(vocab, relations, mentions=MENTIONS, **options):
    """A document with relations in the form ``"Ada WORKS_AT Acme"``."""
    by_name = {name: i for i, name in enumerate(NAMES)}
    triples = [relation.split() for relation in relations]
    rows = [(by_name[head], label, by_name[tail]) for head, label, tail in triples]
    return make_doc(vocab, TEXT, mentions, rows, **options)


def scores_of(*docs, **options):
    """Scores of predicted documents, each followed by its reference."""
    examples = [Example(*pair) for pair in zip(docs[::2], docs[1::2], strict=True)]
    return score_relations(examples, **options)


def figures(scores, group, average="micro"):
    """Precision, recall and F1, rounded."""
    return tuple(round(scores[f"{group}_{average}_{key}"], 3) for key in "prf")


FOUR = ["Ada WORKS_AT Acme", "Bo WORKS_AT Acme", "Cy LIVES_IN Oslo", "Acme LOCATED_IN Oslo"]


RIGHT, WRONG = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("predicted", "gold", "strict", "boundaries", "undirected"),
    [
        (FOUR, FOUR, RIGHT, RIGHT, RIGHT),
        (FOUR[:1], FOUR, *[(1.0, 0.25, 0.4)] * 3),
        (FOUR, FOUR[:1], *[(0.25, 1.0, 0.4)] * 3),
        (["Ada OWNS Acme"], FOUR[:1], WRONG, WRONG, WRONG),
        (["Acme WORKS_AT Ada"], FOUR[:1], WRONG, WRONG, RIGHT),
    ],
)
def test_what_counts_as_right(vocab, predicted, gold, strict, boundaries, undirected):
    scores = scores_of(annotated(vocab, predicted), annotated(vocab, gold))
    assert figures(scores, "rel") == strict
    assert figures(scores, "rel_boundaries") == boundaries
    assert figures(scores, "rel_undirected") == undirected


@pytest.mark.parametrize(("acme", "boundaries"), [((4, 5, "ORG"), WRONG), ((4, 6, "GPE"), RIGHT)])
def test_mentions_have_to_be_right_except_for_their_type(vocab, acme, boundaries):
    predicted = annotated(vocab, FOUR[:1], [ADA, BO, acme, CY, OSLO])
    scores = scores_of(predicted, annotated(vocab, FOUR[:1]))
    assert figures(scores, "rel") == WRONG
    assert figures(scores, "rel_boundaries") == boundaries


def test_relations_of_missed_mentions_are_misses(vocab):
    predicted = make_doc(vocab, TEXT, [ADA, ACME], [(0, "WORKS_AT", 1)])
    scores = scores_of(predicted, annotated(vocab, FOUR))
    assert figures(scores, "rel") == (1.0, 0.25, 0.4)


def test_the_direction_of_symmetric_labels_does_not_count(vocab):
    predicted = annotated(vocab, ["Bo KNOWS Ada", "Acme WORKS_AT Bo"])
    reference = annotated(vocab, ["Ada KNOWS Bo", "Bo WORKS_AT Acme"])
    scores = scores_of(predicted, reference, symmetric=["KNOWS"])
    assert figures(scores, "rel") == (0.5, 0.5, 0.5)


def test_a_symmetric_relation_in_both_directions_counts_once(vocab):
    reference = annotated(vocab, ["Ada KNOWS Bo", "Bo KNOWS Ada"])
    scores = scores_of(annotated(vocab, ["Ada KNOWS Bo"]), reference, symmetric=["KNOWS"])
    assert figures(scores, "rel") == RIGHT


def test_mentions_are_compared_by_characters(vocab):
    words = ["Ada", "and", "Bo", "of", "Acme Labs", "met", "Cy", "in", "Oslo", "."]
    mentions = [ADA, (4, 5, "ORG")]
    predicted = make_doc(vocab, words, mentions, [(0, "WORKS_AT", 1)])
    scores = scores_of(predicted, annotated(vocab, FOUR[:1]))
    assert figures(scores, "rel") == RIGHT


def test_scores_per_type_and_their_means(vocab):
    predicted = annotated(vocab, ["Ada WORKS_AT Acme", "Cy LIVES_IN Oslo", "Ada LIVES_IN Oslo"])
    scores = scores_of(predicted, annotated(vocab, FOUR))
    assert scores["rel_per_type"] == {
        "LIVES_IN": {"p": 0.5, "r": 1.0, "f": pytest.approx(2 / 3), "n": 1},
        "LOCATED_IN": {"p": 0.0, "r": 0.0, "f": 0.0, "n": 1},
        "WORKS_AT": {"p": 1.0, "r": 0.5, "f": pytest.approx(2 / 3), "n": 2},
    }
    assert figures(scores, "rel", "macro") == (0.5, 0.5, 0.444)


def test_micro_scores_add_up_documents(vocab):
    docs = [annotated(vocab, FOUR[:1]), annotated(vocab, FOUR)]
    docs += [annotated(vocab, FOUR[:2]), annotated(vocab, FOUR[:1])]
    assert figures(scores_of(*docs), "rel") == (0.667, 0.4, 0.5)  # 2 right of 3, 5 annotated


def test_equal_offsets_in_two_documents_are_two_facts(vocab):
    docs = [annotated(vocab, FOUR[:1]), annotated(vocab, [])]
    docs += [annotated(vocab, []), annotated(vocab, FOUR[:1])]
    assert figures(scores_of(*docs), "rel") == WRONG


# Sentences


def test_relations_within_and_across_sentences(vocab):
    reference = annotated(vocab, FOUR, sent_starts=[0, 6])  # Acme in the first, Oslo in the second
    predicted = annotated(vocab, [*FOUR[1:3], "Ada KNOWS Cy"])
    scores = scores_of(predicted, reference)
    assert figures(scores, "rel_within_sentence") == (1.0, 0.667, 0.8)
    assert figures(scores, "rel_across_sentences") == WRONG
    unknown = scores_of(annotated(vocab, FOUR), annotated(vocab, FOUR))  # where sentences begin
    assert (unknown["rel_within_sentence_n"], unknown["rel_within_sentence_micro_f"]) == (0, None)


# With NO_RELATION as a class


@pytest.mark.parametrize(
    ("predicted", "gold", "score"),
    [
        # 20 ordered pairs of 5 mentions: 1 relation right, 1 wrong, 3 missed, 15 rightly without:
        # 16 right of 2 relations and 18 pairs without; of 4 relations and 16 pairs without
        (["Ada WORKS_AT Acme", "Ada LIVES_IN Oslo"], FOUR, 16 / 20),
        # a wrong label counts once
        (["Ada OWNS Acme"], FOUR[:1], 19 / 20),
    ],
)
def test_with_none_counts_the_pairs_without_relation(vocab, predicted, gold, score):
    scores = scores_of(annotated(vocab, predicted), annotated(vocab, gold))
    assert figures(scores, "rel_with_none") == (score,) * 3


def test_with_none_counts_pairs_of_mentions_that_are_not_annotated(vocab):
    predicted = make_doc(vocab, TEXT, [ADA, (1, 2, "X")], [(0, "KNOWS", 1)])
    scores = scores_of(predicted, annotated(vocab, [], [ADA, BO]))
    # 2 pairs of annotated mentions without relation, and 1 wrong relation beyond them
    assert figures(scores, "rel_with_none") == (0.667,) * 3


def test_with_none_has_no_class_of_pairs_that_are_all_related(vocab):
    related = ["Ada KNOWS Bo", "Bo LIKES Ada"]
    docs = [annotated(vocab, related, [ADA, BO]) for _ in "ab"]
    assert figures(scores_of(*docs), "rel_with_none", "macro") == RIGHT


def test_with_none_reads_the_span_group(vocab):
    mentions = [(4, 6, "ORG"), (4, 5, "ORG")]
    reference = make_doc(vocab, TEXT, mentions, spans_key="sc")
    scores = scores_of(reference.copy(), reference, spans_key="sc")
    assert figures(scores, "rel_with_none") == RIGHT
    assert scores_of(reference.copy(), reference)["rel_with_none_micro_f"] is None


def test_scores_by_threshold(vocab):
    mentions = [(0, 1, "ORG"), (1, 2, "ORG"), (2, 3, "ORG")]
    reference = make_doc(vocab, "A B C", mentions, [(0, "P", 1), (1, "P", 2), (0, "Q", 2)])
    found = [(1, "P", 0, 0.3), (0, "P", 1, 0.9), (1, "P", 2, 0.4), (2, "Q", 0, 0.8)]
    predicted = make_doc(vocab, "A B C", mentions, found)
    scored = ScoredRelations.collect([(reference._.rel, predicted._.rel)], ["P"])
    rows = scored.by_threshold([0.2, 0.5, 0.95])
    # at 0.2 two P are right, one of them found twice; a Q is missed, and spurious
    assert [(row["p"], row["r"]) for row in rows] == [
        (pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (0.5, pytest.approx(1 / 3)),
        (0.0, 0.0),
    ]


# Nothing to score


def test_no_documents():
    scores = score_relations([])
    assert scores["rel_micro_f"] == 0.0
    assert scores["rel_macro_f"] == 0.0
    assert scores["rel_per_type"] == {}


def test_documents_without_relations(vocab):
    scores = scores_of(annotated(vocab, []), annotated(vocab, []))
    assert scores["rel_micro_f"] == 0.0
    assert figures(scores, "rel_with_none") == RIGHT


def test_another_attribute(vocab):
    predicted, reference = annotated(vocab, FOUR, attr="mine"), annotated(vocab, FOUR, attr="mine")
    assert scores_of(predicted, reference, attr="mine")["rel_micro_f"] == 1.0
    assert scores_of(predicted, reference)["rel_micro_f"] == 0.0


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (PRF(1, 1, 3), (0.5, 0.25, 1 / 3)),
        (PRF(0, 0, 2), (0.0, 0.0, 0.0)),
        (PRF(0, 2, 0), (0.0, 0.0, 0.0)),
        (PRF(), (0.0, 0.0, 0.0)),
    ],
)
def test_precision_recall_and_f1(counts, expected):
    assert (counts.precision, counts.recall, counts.f1) == pytest.approx(expected)


def test_mentions_of_a_span_group_count_by_type(vocab):
    """Nested mentions count; of the three that are found, one has a wrong type."""
    nested = [ACME, (4, 5, "PERSON"), ADA]
    gold = make_doc(vocab, TEXT, nested, spans_key="mentions")
    found = make_doc(vocab, TEXT, [ACME, (4, 5, "ORG"), ADA, (9, 10, "GPE")], spans_key="mentions")
    found.spans["mentions"].attrs["scores"] = [1.0, 0.6, 0.5, 0.4]
    scores = score_mentions([Example(found, gold)], spans_key="mentions")
    assert [scores[f"mentions_{key}"] for key in "prf"] == [pytest.approx(2 / 3)] * 3
    assert {label: prf["f"] for label, prf in scores["mentions_per_type"].items()} == {
        "ORG": pytest.approx(2 / 3),
        "PERSON": pytest.approx(2 / 3),
    }


def test_entities_are_compared_with_a_span_group_where_no_other_mentions_are_found(vocab):
    gold = make_doc(vocab, TEXT, [ACME, (4, 5, "PERSON"), ADA], spans_key="mentions")
    scores = score_mentions([Example(make_doc(vocab, TEXT, [ADA]), gold)], spans_key="mentions")
    assert (scores["mentions_p"], scores["mentions_r"]) == (1.0, pytest.approx(1 / 3))


def test_without_a_span_group_there_is_no_score_of_it(vocab):
    doc = make_doc(vocab, TEXT, [ADA])
    scores = score_mentions([Example(doc, doc)], spans_key="mentions")
    assert scores["ents_f"] == 1.0
    assert scores["mentions_f"] is scores["mentions_per_type"] is None
