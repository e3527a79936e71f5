"""Rows of runs, written out."""

import numpy
import pytest

from rel_component.layers.rows import count_within, rows_of_runs


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
