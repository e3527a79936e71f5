import pytest

from rel_component.evaluation.confusion import confuse_labels
from rel_component.evaluation.thresholds import ScoredRelations
from rel_component.types import NO_RELATION

from ..helpers import make_doc, make_example

A, B, C = (0, 1, "X"), (1, 2, "X"), (2, 3, "Y")


def compare(vocab, gold, found, **options):
    reference = make_doc(vocab, "a b c", [A, B, C], gold)
    example = make_example(reference, [A, B, C], relations=found)
    return confuse_labels([example], **options)


@pytest.mark.parametrize(
    ("gold", "found", "expected"),
    [
        ([(0, "K", 1)], [(0, "K", 1)], {("K", "K"): 1}),
        ([(0, "K", 1)], [(0, "L", 1)], {("K", "L"): 1}),
        ([(0, "K", 1)], [], {("K", NO_RELATION): 1}),
        ([], [(0, "K", 1)], {(NO_RELATION, "K"): 1}),
        ([(0, "K", 1)], [(1, "K", 0)], {("K", NO_RELATION): 1, (NO_RELATION, "K"): 1}),
        (
            [(0, "K", 1), (0, "M", 1), (0, "N", 1)],
            [(0, "L", 1), (0, "M", 1)],
            {("K", "L"): 1, ("M", "M"): 1, ("N", NO_RELATION): 1},
        ),
    ],
)
def test_labels_of_equal_pairs_are_compared(vocab, gold, found, expected):
    assert compare(vocab, gold, found) == expected


def test_the_direction_of_symmetric_labels_does_not_count(vocab):
    assert compare(vocab, [(0, "K", 1)], [(1, "K", 0)], symmetric=["K"]) == {("K", "K"): 1}


def test_a_curve_has_a_point_for_each_probability(vocab):
    gold = make_doc(vocab, "a b c", [A, B, C], [(0, "K", 1), (1, "K", 2), (0, "K", 2)])
    found = make_doc(
        vocab,
        "a b c",
        [A, B, C],
        [(0, "K", 1, 0.9), (1, "K", 0, 0.5), (1, "K", 2, 0.5), (2, "L", 0, 0.3)],
    )
    scored = ScoredRelations.collect([(gold._.rel, found._.rel)])
    assert scored.curve("K") == [
        (pytest.approx(0.9), 1, pytest.approx(1 / 3)),
        (0.5, pytest.approx(2 / 3), pytest.approx(2 / 3)),
    ]
    assert scored.curve("L") == []
