"""Rows of runs and of vectors, written out."""

import numpy
import pytest
from thinc.api import NumpyOps

from rel_component.documents import white_space
from rel_component.layers.rows import (
    count_within,
    gather_vectors,
    join_rows,
    rectify,
    rows_of_runs,
)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([], []), ([0, 0], []), ([2], [0, 1]), ([1, 0, 3], [0, 0, 1, 2])],
)
def test_numbers_within_groups(sizes, expected):
    assert count_within(numpy.asarray(sizes, dtype="int32")).tolist() == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], ([], [])),
        ([[3, 3]], ([], [])),
        ([[1, 3], [5, 5], [2, 4]], ([0, 0, 2, 2], [1, 2, 2, 3])),
    ],
)
def test_rows_of_runs(runs, expected):
    run, rows = rows_of_runs(numpy.asarray(runs, dtype="int32").reshape(-1, 2))
    assert (run.tolist(), rows.tolist()) == expected


def test_vectors_side_by_side_and_their_gradients():
    X = numpy.arange(6, dtype="float32").reshape(1, 6)  # vectors (0, 1), (2, 3) and (4, 5)
    rows, backprop = gather_vectors(NumpyOps(), X, numpy.asarray([[2, 0], [0, 0]]), 2)
    assert rows.tolist() == [[4, 5, 0, 1], [0, 1, 0, 1]]
    assert backprop(rows + 1).tolist() == [[3, 6, 0, 0, 5, 6]]


def test_rows_of_one_array_are_not_copied_and_gradients_are():
    ops, empty, X = NumpyOps(), numpy.zeros((0, 0), "f"), numpy.ones((2, 3), "f")
    rows, split = join_rows(ops, [empty, X], 3)
    assert rows is X
    parts = split(X)
    assert [part.shape for part in parts] == [(0, 3), (2, 3)]
    assert not numpy.shares_memory(parts[1], X)
    both, _ = join_rows(ops, [X, X], 3)
    assert both.shape == (4, 3)


def test_rectified_values_are_those_of_thinc():
    X = numpy.asarray([[1.0, -2.0, 0.0, numpy.nan]], "f")
    expected = NumpyOps().relu(X)
    found = rectify(NumpyOps(), X)
    assert found is X
    numpy.testing.assert_array_equal(found, expected)


def test_white_space_is_that_of_python():
    text = "".join(map(chr, range(0x3100))) + chr(0x10FFFF)
    assert white_space(text).tolist() == [*map(str.isspace, text), False]
