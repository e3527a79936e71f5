"""From probabilities to relations."""

from dataclasses import replace

import numpy
import pytest

from rel_component.decoding import ThresholdDecoder
from rel_component.errors import ConfigError
from rel_component.schema import RelationSchema, RelationType

from .helpers import make_candidates, make_doc

TEXT = "Ada joined Acme in Oslo"
ADA, ACME, OSLO = (0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "GPE")
ANY = RelationSchema([RelationType("A"), RelationType("B")])


@pytest.fixture
def doc(vocab):
    """Two mentions: the pairs are (Ada, Acme) and (Acme, Ada)."""
    return make_doc(vocab, TEXT, [ADA, ACME])


def decoded(docs, rows, schema=ANY, *, exclusive, candidates=None, **options):
    """Head, label, tail and score of the relations of each document."""
    candidates = replace(candidates or make_candidates(docs), schema=schema)
    probabilities = numpy.asarray(rows, dtype="float32")
    return [
        [(rel.head.text, rel.label, rel.tail.text, round(rel.score, 3)) for rel in relations]
        for relations in ThresholdDecoder(**options)(
            docs, candidates, probabilities, exclusive=exclusive
        )
    ]


# Exclusive labels: columns NO_RELATION, A, B


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.5, 0.3, 0.2], []),
        ([0.3, 0.5, 0.2], [("Ada", "A", "Acme", 0.5)]),
        ([0.3, 0.2, 0.5], [("Ada", "B", "Acme", 0.5)]),
        ([0.1, 0.4, 0.5], [("Ada", "B", "Acme", 0.5)]),
        ([0.4, 0.4, 0.2], []),
    ],
)
def test_exclusive_takes_the_most_probable_label(doc, row, expected):
    assert decoded([doc], [row, [1, 0, 0]], exclusive=True) == [expected]


@pytest.mark.parametrize(("threshold", "n_relations"), [(0.3, 1), (0.4, 1), (0.5, 0), (0.0, 1)])
def test_an_exclusive_threshold_replaces_the_comparison_with_no_relation(
    doc, threshold, n_relations
):
    rows = [[0.5, 0.4, 0.1], [1, 0, 0]]
    (found,) = decoded([doc], rows, exclusive=True, threshold=threshold)
    assert found[:1] == [("Ada", "A", "Acme", 0.4)][:n_relations]


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_label_that_was_not_asked_about_is_above_no_threshold(doc, exclusive):
    rows = [[0.6, 0.4, 0.0], [1.0, 0.0, 0.0]] if exclusive else [[0.4, 0.0], [0.0, 0.0]]
    expected = [[("Ada", "A", "Acme", 0.4)]]
    assert decoded([doc], rows, exclusive=exclusive, threshold=0.0) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"threshold": 0.7, "thresholds": {"B": 0.55}}, ("Acme", "B", "Ada", 0.6)),
        ({"threshold": 0.7, "thresholds": [["B", 0.55]]}, ("Acme", "B", "Ada", 0.6)),
        ({"thresholds": {"B": 0.7}}, ("Ada", "A", "Acme", 0.6)),
    ],
)
def test_the_threshold_of_a_label_is_for_it_alone(doc, options, expected):
    rows = [[0.4, 0.6, 0.0], [0.4, 0.0, 0.6]]
    assert decoded([doc], rows, exclusive=True, **options) == [[expected]]


# Multiple labels: columns A, B


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["A", "B", "B"]),
        ({"threshold": 0.6}, ["A", "B"]),
        ({"thresholds": {"A": 0.65}}, ["B", "B"]),
        ({"threshold": 0.95, "thresholds": {"B": 0.2}}, ["B", "B"]),
    ],
)
def test_multiple_labels_are_decided_one_by_one(doc, options, expected):
    (found,) = decoded([doc], [[0.6, 0.5], [0.49, 0.9]], exclusive=False, **options)
    assert [label for _, label, _, _ in found] == expected


# Schema


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (1.0, [("Ada", "A", "Acme", 0.6), ("Acme", "A", "Ada", 0.6)]),
        (0.8, [("Ada", "A", "Acme", 0.6)]),  # NO_RELATION gets what A loses: 0.48 against 0.52
        (0.0, [("Ada", "A", "Acme", 0.6)]),
    ],
)
def test_relations_between_types_that_are_not_expected_are_less_probable(doc, weight, expected):
    schema = RelationSchema([RelationType("A", head=("PERSON",), inferred=True)])
    rows = [[0.4, 0.6], [0.4, 0.6]]
    found = decoded([doc], rows, schema, exclusive=True, unexpected_weight=weight)
    assert found == [expected]
    found = decoded([doc], [[0.6], [0.6]], schema, exclusive=False, unexpected_weight=weight)
    assert found == [expected]


def test_forbidden_labels_do_not_compete(doc):
    schema = RelationSchema([RelationType("A", head=("ORG",)), RelationType("B")])
    rows = [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]]
    assert decoded([doc], rows, schema, exclusive=True) == [
        [("Ada", "B", "Acme", 0.3), ("Acme", "A", "Ada", 0.6)]
    ]


def test_a_pair_without_allowed_label_has_no_relation(doc):
    schema = RelationSchema([RelationType("A", head=("GPE",)), RelationType("B", tail=("GPE",))])
    rows = [[0.1, 0.6, 0.3]] * 2
    assert decoded([doc], rows, schema, exclusive=True, threshold=0.0) == [[]]


def test_forbidden_labels_are_not_reported_with_multiple_labels(doc):
    schema = RelationSchema([RelationType("A", head=("ORG",)), RelationType("B")])
    assert decoded([doc], [[0.9, 0.1], [0.9, 0.1]], schema, exclusive=False) == [
        [("Acme", "A", "Ada", 0.9)]
    ]


@pytest.mark.parametrize("rows", [[[0.6], [0.9]], [[0.9], [0.6]], [[0.9], [0.2]], [[0.2], [0.9]]])
def test_a_symmetric_relation_is_reported_once_with_the_higher_score(doc, rows):
    schema = RelationSchema([RelationType("A", symmetric=True)])
    assert decoded([doc], rows, schema, exclusive=False) == [[("Ada", "A", "Acme", 0.9)]]


# One direction


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.9, 0.0], [0.0, 0.6]], [("Ada", "A", "Acme", 0.9)]),
        ([[0.6, 0.0], [0.0, 0.9]], [("Acme", "B", "Ada", 0.9)]),
        ([[0.6, 0.7], [0.0, 0.9]], [("Acme", "B", "Ada", 0.9)]),
        ([[0.6, 0.9], [0.0, 0.7]], [("Ada", "A", "Acme", 0.6), ("Ada", "B", "Acme", 0.9)]),
        ([[0.7, 0.0], [0.7, 0.0]], [("Ada", "A", "Acme", 0.7)]),
    ],
)
def test_the_better_direction_of_two(doc, rows, expected):
    assert decoded([doc], rows, exclusive=False, one_direction=True) == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.6, 0.9], [0.7, 0.0]], [("Ada", "B", "Acme", 0.9), ("Acme", "A", "Ada", 0.7)]),
        ([[0.8, 0.8], [0.2, 0.2]], [("Ada", "A", "Acme", 0.8)]),
        ([[0.2, 0.2], [0.2, 0.2]], []),
    ],
)
def test_the_most_probable_of_several_labels(doc, rows, expected):
    assert decoded([doc], rows, exclusive=False, one_label=True) == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.6, 0.0], [0.9, 0.0]], [("Acme", "A", "Ada", 0.9)]),
        ([[0.6, 0.0], [0.0, 0.9]], [("Ada", "A", "Acme", 0.6), ("Acme", "B", "Ada", 0.9)]),
        ([[0.0, 0.9], [0.0, 0.6]], [("Ada", "B", "Acme", 0.9), ("Acme", "B", "Ada", 0.6)]),
        ([[0.9, 0.9], [0.6, 0.0]], [("Ada", "A", "Acme", 0.9), ("Ada", "B", "Acme", 0.9)]),
    ],
)
def test_an_asymmetric_relation_holds_in_the_better_direction(doc, rows, expected):
    schema = RelationSchema([RelationType("A", asymmetric=True), RelationType("B")])
    assert decoded([doc], rows, schema, exclusive=False) == [expected]


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.5}, r"threshold must lie in \[0, 1\], got 1\.5"),
        (
            {"thresholds": [["A"]]},
            r"numbers by label, or pairs of label and number, got \[\['A'\]\]",
        ),
        ({"thresholds": {"org:a": 0.3}}, r"give pairs .* decoder.thresholds = \[\[.org:a., 0.3\]"),
        ({"thresholds": {"A": -1.0}}, r"thresholds\.A must lie in \[0, 1\], got -1"),
        ({"unexpected_weight": 1.5}, r"unexpected_weight must lie in \[0, 1\], got 1.5"),
        ({"mention_weight": -1.0}, "mention_weight must be 0 or more, got -1"),
        ({"mention_weight": float("nan")}, "mention_weight must be 0 or more, got nan"),
    ],
)
def test_errors_for_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        ThresholdDecoder(**options)


# Documents


def test_relations_go_to_their_documents(vocab, doc):
    empty, single = make_doc(vocab, ""), make_doc(vocab, TEXT, [OSLO])
    other = make_doc(vocab, TEXT, [ACME, OSLO])
    rows = [[0.9, 0], [0, 0], [0, 0], [0, 0.9]]
    assert decoded([empty, doc, single, other], rows, exclusive=False) == [
        [],
        [("Ada", "A", "Acme", 0.9)],
        [],
        [("Oslo", "B", "Acme", 0.9)],
    ]


def test_spans_have_the_types_of_the_mentions(doc):
    probabilities = numpy.asarray([[1, 0], [0, 0]], "f4")
    candidates = make_candidates([doc], ANY)
    (relations,) = ThresholdDecoder()([doc], candidates, probabilities, exclusive=False)
    assert (relations[0].head.label_, relations[0].tail.label_) == ("PERSON", "ORG")


@pytest.mark.parametrize("exclusive", [True, False])
def test_no_pairs(vocab, exclusive):
    docs = [make_doc(vocab, TEXT), make_doc(vocab, "")]
    assert decoded(docs, numpy.zeros((0, 3)), exclusive=exclusive) == [[], []]


# Entities of several mentions


@pytest.fixture
def cluster_doc(vocab):
    return make_doc(vocab, "Ada says she joined Acme", [ADA, (2, 3, "PERSON"), (4, 5, "ORG")])


def clusters(doc, entities):
    """Candidates of two entities, (0, 1) and (1, 0)."""
    return replace(
        make_candidates([doc]),
        entities=numpy.asarray(entities, dtype="int32"),
        pairs=numpy.asarray([[0, 1], [1, 0]], dtype="int32"),
        lengths=numpy.asarray([2], dtype="int32"),
    )


@pytest.mark.parametrize(
    ("entities", "expected"),
    [([0, 0, 1], ("Ada", "A", "Acme", 0.9)), ([1, 1, 0], ("Acme", "A", "Ada", 0.9))],
)
def test_the_first_mention_represents_an_entity(cluster_doc, entities, expected):
    candidates = clusters(cluster_doc, entities)
    found = decoded([cluster_doc], [[0.9, 0], [0, 0]], candidates=candidates, exclusive=False)
    assert found == [[expected]]


@pytest.mark.parametrize("entities", [[0, 0, 1], [1, 1, 0]])
def test_a_symmetric_relation_starts_from_the_entity_that_comes_first(cluster_doc, entities):
    schema = RelationSchema([RelationType("A", symmetric=True)])
    candidates = clusters(cluster_doc, entities)
    found = decoded([cluster_doc], [[0.9], [0.6]], schema, candidates=candidates, exclusive=False)
    assert found == [[("Ada", "A", "Acme", 0.9)]]


# Probabilities of mentions


def uncertain(docs, scores, **options):
    """Candidates whose mentions have probabilities."""
    candidates = make_candidates(docs, **options)
    values = numpy.asarray(scores, dtype="float32")
    return replace(candidates, mentions=replace(candidates.mentions, scores=values))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (0.0, [("Ada", "A", "Acme", 0.9)]),
        (0.5, [("Ada", "A", "Acme", 0.54)]),  # 0.9 * (0.36 * 1.0) ** 0.5
        (1.0, []),  # 0.9 * 0.36: less probable than no relation
    ],
)
def test_a_relation_is_as_probable_as_its_mentions(doc, weight, expected):
    candidates = uncertain([doc], [0.36, 1.0])
    rows = [[0.1, 0.9, 0.0], [1, 0, 0]]
    options = {"exclusive": True, "mention_weight": weight, "candidates": candidates}
    assert decoded([doc], rows, **options) == [expected]


def test_multiple_labels_of_uncertain_mentions(doc):
    candidates = uncertain([doc], [0.81, 1.0])
    options = {"exclusive": False, "mention_weight": 0.5, "candidates": candidates}
    assert decoded([doc], [[0.9, 0.5], [0, 0]], **options) == [[("Ada", "A", "Acme", 0.81)]]


NESTED = [(0, 1, "PERSON"), (2, 3, "ORG"), (2, 5, "ORG")]  # Acme, and Acme in Oslo


@pytest.mark.parametrize(
    ("overlapping", "expected"),
    [
        (True, [("Ada", "A", "Acme", 0.6), ("Ada", "A", "Acme in Oslo", 0.8)]),
        (False, [("Ada", "A", "Acme in Oslo", 0.8)]),
    ],
)
def test_overlapping_mentions(vocab, overlapping, expected):
    docs = [make_doc(vocab, TEXT, NESTED, spans_key="sc")]
    candidates = make_candidates(docs, spans_key="sc")
    scores = {(0, 1): 0.6, (0, 2): 0.8}
    pairs = [tuple(pair) for pair in candidates.pairs.tolist()]
    rows = [[1 - scores.get(pair, 0.0), scores.get(pair, 0.0), 0.0] for pair in pairs]
    options = {"exclusive": True, "candidates": candidates, "overlapping": overlapping}
    assert decoded(docs, rows, **options) == [expected]


@pytest.mark.parametrize("inverses", [True, False])
def test_inverses_are_reported_on_request(doc, inverses):
    schema = RelationSchema([RelationType("A", inverse="A_OF"), RelationType("B")])
    rows = [[0.2, 0.8, 0.0], [0.3, 0.0, 0.7]]
    expected = [("Ada", "A", "Acme", 0.8), ("Acme", "B", "Ada", 0.7)]
    expected += [("Acme", "A_OF", "Ada", 0.8)] * inverses
    assert decoded([doc], rows, schema, exclusive=True, inverses=inverses) == [expected]


def test_a_mention_may_be_in_several_relations_and_documents(vocab):
    docs = [make_doc(vocab, TEXT, [ADA, ACME, OSLO])] * 2
    rows = numpy.tile([0.2, 0.8, 0.0], (12, 1))
    (first, second) = decoded(docs, rows, exclusive=True, overlapping=False)
    assert len(first) == len(second) == 6
