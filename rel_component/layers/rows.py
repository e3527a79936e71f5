"""Rows of arrays: joined from several arrays, on a device, in blocks and in runs."""

from typing import Any, Callable, Iterator, List, Sequence, Tuple, cast

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, Ints1d

from ..types import Int32Array


def join_rows(
    ops: Ops, arrays: Sequence[Floats2d], width: int
) -> Tuple[Floats2d, Callable[[Floats2d], List[Floats2d]]]:
    """Put the rows of several arrays below each other.

    Args:
        ops: array library of the result.
        arrays: *Shape:* ``(n, width)`` each; those without rows may have another width.
        width: width of the result if no array has rows.

    Returns:
        the rows, those of a single array without a copy, and a function that takes an array of the same
        shape apart again.
    """
    full = [array for array in arrays if array.shape[0]]
    if len(full) == 1:  # of a long document it would be as large as all else
        rows = ops.as_contig(full[0])
    else:
        rows = ops.xp.concatenate(full) if full else ops.alloc2f(0, width)
    splits = numpy.cumsum([array.shape[0] for array in arrays])[:-1].tolist()

    def split(d_rows: Floats2d) -> List[Floats2d]:
        # a copy each: listeners add to the arrays they are given
        return [part.copy() for part in ops.xp.split(d_rows, splits)]

    return rows, split


def rectify(ops: Ops, X: Floats2d) -> Floats2d:
    """Set what is below zero to zero, in place: a tenth of the time of thinc's, which tests each value.

    Args:
        ops: array library of X.
        X: *Shape:* ``(n, width)``
    """
    Y: Floats2d = ops.xp.maximum(X, 0, out=X)
    return Y


def gather_vectors(
    ops: Ops, X: Any, cells: Int32Array, width: int
) -> Tuple[Floats2d, Callable[[Floats2d], Any]]:
    """Put some of the vectors side by side of which an array consists.

    Args:
        ops: array library of X.
        X: any number of vectors, in an array of any shape.
        cells: the vectors of each row, counted through X. *Shape:* ``(n, n_vectors)``
        width: width of a vector.

    Returns:
        the rows, *Shape:* ``(n, n_vectors * width)``, and their backprop.
    """
    vectors = X.reshape(-1, width)
    places = on_device(ops, cells.astype("int32"))

    def backprop(dY: Floats2d) -> Any:
        dX = ops.alloc2f(*vectors.shape)
        ops.scatter_add(dX, places.reshape(-1), ops.reshape2f(dY, -1, width))
        return dX.reshape(X.shape)

    return vectors[places].reshape(len(cells), -1), backprop


def on_device(ops: Ops, values: Any) -> Any:
    """Copy an array from the host to the device of `ops`."""
    return ops.asarray(cast(Ints1d, numpy.ascontiguousarray(values)))


def blocks(n_rows: int, block_size: int) -> Iterator[slice]:
    """Split rows into slices of at most `block_size`."""
    for start in range(0, n_rows, block_size):
        yield slice(start, min(start + block_size, n_rows))


def count_within(sizes: Any) -> Int32Array:
    """Number from 0 on within each of consecutive groups.

    Args:
        sizes: of the groups. *Shape:* ``(n_groups,)``

    Returns:
        *Shape:* ``(sum of the sizes,)``
    """
    begins = numpy.cumsum(sizes) - sizes
    return (numpy.arange(numpy.sum(sizes)) - numpy.repeat(begins, sizes)).astype("int32")


def rows_of_runs(runs: Int32Array) -> Tuple[Int32Array, Int32Array]:
    """All rows of some runs, which may overlap, one run after the other.

    Args:
        runs: *Shape:* ``(n_runs, 2)``

    Returns:
        the run of each row, and the row. *Shape:* ``(n,)`` each
    """
    sizes = runs[:, 1] - runs[:, 0]
    run = numpy.repeat(numpy.arange(len(runs), dtype="int32"), sizes)
    return run, numpy.repeat(runs[:, 0], sizes) + count_within(sizes)
