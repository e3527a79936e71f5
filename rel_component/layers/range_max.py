"""Maximum over many ranges of rows of one matrix, by a sparse table.

Level k of the table holds the maximum of every run of 2^k rows. A range is covered by two runs,
which may overlap, so that its maximum takes two look-ups however long it is::

    rows      a b c d e f g
    range       [------)        b..f, 4 rows: level 2 at b, twice
    range       [--------)      b..g, 5 rows: level 2 at b and at c

See Bender and Farach-Colton (2000), The LCA problem revisited, section 3.
"""

from typing import Any

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, Ints2d

from ..types import Int32Array


class RangeMax:
    """Element-wise maxima of ranges of rows; the maximum of an empty range is zero.

    A range longer than twice `max_run` is represented by its first and its last `max_run` rows.

    Args:
        ops: array library of the device of X.
        X: the rows. *Shape:* ``(n_rows, width)``
        max_run: length of the longest runs in the table, in rows; a power of two.
        is_train: whether :meth:`backprop` will be needed.
    """

    def __init__(self, ops: Ops, X: Floats2d, *, max_run: int, is_train: bool) -> None:
        self.ops = ops
        self.n_rows, self.width = X.shape
        self.n_levels = max(1, min(self.n_rows, max_run).bit_length())
        n = self.n_rows
        self._values = ops.alloc2f(self.n_levels * n + 1, self.width)  # last row: empty range
        self._values[:n] = X
        self._sources: Any = None
        if is_train:
            self._sources = ops.xp.full(self._values.shape, n, dtype="int32")
            self._sources[:n] = ops.xp.arange(n, dtype="int32")[:, None]
        for level in range(1, self.n_levels):
            self._fill(level)

    def _fill(self, level: int) -> None:
        xp, n, half = self.ops.xp, self.n_rows, 1 << (level - 1)
        n_runs = n - 2 * half + 1
        below, here = (level - 1) * n, level * n
        left, right = slice(below, below + n_runs), slice(below + half, below + half + n_runs)
        target = slice(here, here + n_runs)
        xp.maximum(self._values[left], self._values[right], out=self._values[target])
        if self._sources is not None:
            self._sources[target] = xp.where(
                self._values[left] >= self._values[right], self._sources[left], self._sources[right]
            )

    def cover(self, starts: Int32Array, ends: Int32Array) -> Int32Array:
        """The two runs that cover each range.

        Args:
            starts: first row of each range. *Shape:* ``(n_ranges,)``
            ends: exclusive end of each range. *Shape:* ``(n_ranges,)``

        Returns:
            rows of the table. *Shape:* ``(n_ranges, 2)``
        """
        lengths = numpy.maximum(ends - starts, 0)
        levels = numpy.minimum(numpy.frexp(lengths)[1] - 1, self.n_levels - 1)
        base = levels * self.n_rows
        runs = numpy.stack([base + starts, base + ends - (1 << numpy.maximum(levels, 0))], axis=1)
        runs[lengths == 0] = self.n_levels * self.n_rows
        return runs.astype("int32")

    def __call__(self, runs: Ints2d) -> Floats2d:
        """Look up the maximum of each range.

        Args:
            runs: rows of the table, see :meth:`cover`. *Shape:* ``(n_ranges, 2)``

        Returns:
            *Shape:* ``(n_ranges, width)``
        """
        xp = self.ops.xp
        Y = xp.take(self._values, runs[:, 0], axis=0)
        return xp.maximum(Y, xp.take(self._values, runs[:, 1], axis=0), out=Y)

    def winners(self, runs: Ints2d) -> Any:
        """The row that each maximum came from, ``n_rows`` for an empty range.

        Args:
            runs: rows of the table. *Shape:* ``(n_ranges, 2)``

        Returns:
            *Shape:* ``(n_ranges, width)``
        """
        left, right = runs[:, 0], runs[:, 1]
        return self.ops.xp.where(
            self._values[left] >= self._values[right], self._sources[left], self._sources[right]
        )

    def backprop(self, runs: Ints2d, dY: Floats2d) -> Floats2d:
        """The gradient of X: the gradient of a maximum goes to the row it came from.

        Args:
            runs: rows of the table. *Shape:* ``(n_ranges, 2)``
            dY: gradient of the maxima. *Shape:* ``(n_ranges, width)``

        Returns:
            *Shape:* ``(n_rows, width)``
        """
        ops, xp = self.ops, self.ops.xp
        cells = self.winners(runs).astype("int64") * self.width + xp.arange(
            self.width
        )  # (n_ranges, width)
        # one more row than X takes the gradient of empty ranges
        dX = ops.alloc1f((self.n_rows + 1) * self.width)
        ops.scatter_add(dX, cells.reshape(-1), ops.reshape1f(ops.as_contig(dY), dY.size))
        return ops.reshape2f(dX, self.n_rows + 1, self.width)[: self.n_rows]
