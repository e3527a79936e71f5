"""Maxima of ranges of rows against numpy."""

import numpy
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import NumpyOps

from rel_component.layers.range_max import RangeMax

from ..gradients import assert_gradients

OPS = NumpyOps()


def table_of(X, max_run=64, is_train=True):
    return RangeMax(OPS, X, max_run=max_run, is_train=is_train)


def runs_of(table, ranges):
    ranges = numpy.asarray(ranges, dtype="int32").reshape(-1, 2)
    return OPS.asarray2i(table.cover(ranges[:, 0], ranges[:, 1]))


def brute_force(X, ranges, max_run):
    """Maximum of the rows of each range, without the middle of those that are too long."""
    Y = numpy.zeros((len(ranges), X.shape[1]), dtype="float32")
    for i, (start, end) in enumerate(ranges):
        rows = X[start:end]
        if len(rows) > 2 * max_run:
            rows = numpy.concatenate([rows[:max_run], rows[-max_run:]])
        if len(rows):
            Y[i] = rows.max(axis=0)
    return Y


@st.composite
def ranges_of_rows(draw):
    """A matrix of small whole numbers, in which ties are frequent, ranges and a max_run."""
    n_rows = draw(st.integers(0, 40))
    seed = draw(st.integers(0, 999))
    X = numpy.random.default_rng(seed).integers(-3, 4, size=(n_rows, 3)).astype("float32")
    position = st.integers(0, n_rows)
    ranges = draw(st.lists(st.tuples(position, position), max_size=10))
    return X, ranges, draw(st.sampled_from([1, 2, 4, 8, 64]))


@given(ranges_of_rows())
def test_maxima_are_those_of_numpy(drawn):
    X, ranges, max_run = drawn
    table = table_of(X, max_run)
    numpy.testing.assert_array_equal(table(runs_of(table, ranges)), brute_force(X, ranges, max_run))


@given(ranges_of_rows())
def test_the_gradient_of_each_maximum_goes_to_one_row_that_has_it(drawn):
    X, ranges, max_run = drawn
    table = table_of(X, max_run)
    for start, end in ranges:
        runs = runs_of(table, [(start, end)])
        dX = table.backprop(runs, OPS.alloc2f(1, 3) + 1.0)
        assert dX.sum() == (3.0 if end > start else 0.0)
        rows, columns = dX.nonzero()
        assert ((start <= rows) & (rows < end)).all()
        numpy.testing.assert_array_equal(X[rows, columns], table(runs)[0][columns])


def test_numeric_gradient():
    rng = numpy.random.default_rng(0)
    X = rng.permutation(60).reshape(20, 3).astype("float32")  # no ties
    ranges = [(0, 20), (3, 4), (5, 5), (2, 13), (2, 13), (19, 20)]
    dY = rng.integers(-3, 4, size=(len(ranges), 3)).astype("float32")
    table = table_of(X, max_run=4)
    dX = table.backprop(runs_of(table, ranges), dY)

    def loss():
        table = table_of(X, max_run=4, is_train=False)
        return float((table(runs_of(table, ranges)) * dY).sum())

    assert_gradients(loss, X, dX, n_cells=None, eps=0.25, rtol=1e-7, atol=0.0)


def test_no_ranges():
    table = table_of(OPS.alloc2f(4, 2))
    runs = runs_of(table, [])
    assert table(runs).shape == (0, 2)
    assert table.backprop(runs, OPS.alloc2f(0, 2)).tolist() == [[0.0, 0.0]] * 4
