"""Token vectors of a batch as the rows of one array, document after document."""

from typing import Any, Callable, Iterator, List, Sequence, Tuple, cast

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, Ints1d


def join_rows(
    ops: Ops, arrays: Sequence[Floats2d], width: int
) -> Tuple[Floats2d, Callable[[Floats2d], List[Floats2d]]]:
    """Put the rows of several arrays below each other.

    Args:
        ops: array library of the result.
        arrays: *Shape:* ``(n, width)`` each; those without rows may have another width.
        width: width of the result if no array has rows.

    Returns:
        the rows, and a function that takes an array of the same shape apart again.
    """
    full = [array for array in arrays if array.shape[0]]
    rows = ops.xp.concatenate(full) if full else ops.alloc2f(0, width)
    splits = numpy.cumsum([array.shape[0] for array in arrays])[:-1].tolist()

    def split(d_rows: Floats2d) -> List[Floats2d]:
        # a copy each: listeners add to the arrays they are given
        return [part.copy() for part in ops.xp.split(d_rows, splits)]

    return rows, split


def on_device(ops: Ops, values: Any) -> Any:
    """Copy an array from the host to the device of `ops`.

    Args:
        ops: array library of the device.
        values: an array of the host.
    """
    return ops.asarray(cast(Ints1d, numpy.ascontiguousarray(values)))


def blocks(n_rows: int, block_size: int) -> Iterator[slice]:
    """Split rows into slices of at most `block_size`.

    Args:
        n_rows: number of rows.
        block_size: the most rows of a slice.
    """
    for start in range(0, n_rows, block_size):
        yield slice(start, min(start + block_size, n_rows))
