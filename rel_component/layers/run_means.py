"""The means of many runs of rows, which may overlap, from one cumulative sum."""

from typing import Any, Callable, Tuple

from thinc.api import Ops
from thinc.types import Floats2d

from ..types import Int32Array
from .rows import on_device


def run_means(
    ops: Ops, rows: Floats2d, runs: Int32Array
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """The means of runs of rows.

    Args:
        ops: array library of the rows.
        rows: *Shape:* ``(n_rows, width)``
        runs: start and exclusive end of each run, none of them empty. *Shape:* ``(n_runs, 2)``

    Returns:
        the means, *Shape:* ``(n_runs, width)``, and the way back to the rows.
    """
    xp: Any = ops.xp
    starts, ends = on_device(ops, runs.T)
    sizes = (ends - starts)[:, None].astype("float32")
    sums = xp.zeros((len(rows) + 1, rows.shape[1]), dtype="float64")  # floats would lose digits
    xp.cumsum(rows, axis=0, dtype="float64", out=sums[1:])
    means = ((sums[ends] - sums[starts]) / sizes).astype("float32")

    def backprop(d_means: Floats2d) -> Floats2d:
        share = d_means / sizes
        # a run adds its share from its start on, and takes it back at its end
        changes = ops.alloc2f(len(rows) + 1, rows.shape[1])
        ops.scatter_add(changes, starts, share)
        ops.scatter_add(changes, ends, -share)
        return xp.cumsum(changes[:-1], axis=0, dtype="float64").astype("float32")

    return means, backprop
