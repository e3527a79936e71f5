"""Runs of consecutive rows, by start and exclusive end."""

from typing import Any, Tuple

import numpy

from ..types import Int32Array


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
