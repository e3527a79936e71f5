"""Windows of word pieces that fit into an encoder, for texts of any length.

A text that is longer than the encoder's window is covered by windows at even distances, by default at
most half a window apart. The states of a piece are taken from the window whose middle is nearest to it::

    pieces      0 . . . . . . . . . . . . . . . . . 18
    windows     [------------)
                      [------------)
                             [------------)
    home        0 0 0 0 0 0 0 1 1 1 1 1 2 2 2 2 2 2
"""

from dataclasses import dataclass, replace
from typing import Any, List, Sequence, Tuple

import numpy

from ..types import Int32Array
from .word_pieces import WordPieces


@dataclass(frozen=True)
class Windows:
    """The windows of a batch of documents; pieces are numbered through the batch.

    The states of all windows lie below each other in a table, special tokens included.

    Attributes:
        ids: the pieces of each row of that table. *Shape:* ``(n_rows,)``
        bounds: first row of each window, and the number of rows. *Shape:* ``(n_windows + 1,)``
        first_pieces: first piece of each window. *Shape:* ``(n_windows,)``
        first_windows: first window of each document, and the number of windows. *Shape:*
            ``(n_docs + 1,)``
        first_of_doc: first piece of each document, and the number of pieces. *Shape:*
            ``(n_docs + 1,)``
        home: row of each piece in the window whose middle is nearest. *Shape:* ``(n_pieces,)``
    """

    ids: Int32Array
    bounds: Int32Array
    first_pieces: Int32Array
    first_windows: Int32Array
    first_of_doc: Int32Array
    home: Int32Array

    def __len__(self) -> int:
        return len(self.first_pieces)

    @property
    def lengths(self) -> Int32Array:
        """Pieces of each window, without special tokens. *Shape:* ``(n_windows,)``."""
        return numpy.diff(self.bounds) - 2

    @property
    def pieces(self) -> Int32Array:
        """The piece of each row; special tokens have the number of pieces. *Shape:* ``(n_rows,)``."""
        sizes = numpy.diff(self.bounds)
        shift = numpy.repeat(self.first_pieces - self.bounds[:-1] - 1, sizes)
        pieces = numpy.arange(len(shift), dtype="int32") + shift
        pieces[[*self.bounds[:-1], *(self.bounds[1:] - 1)]] = self.first_of_doc[-1]
        return pieces

    def nearest(self, docs: Int32Array, starts: Int32Array, ends: Int32Array) -> Int32Array:
        """The window whose middle is nearest to each run of pieces. *Shape:* ``(n_runs,)``.

        Args:
            docs: document of each run. *Shape:* ``(n_runs,)``
            starts: first piece of each run. *Shape:* ``(n_runs,)``
            ends: exclusive end of each run. *Shape:* ``(n_runs,)``
        """
        first, last = self.first_windows[docs], self.first_windows[docs + 1] - 1
        begin = self.first_of_doc[docs]
        step = (self.first_pieces[last] - begin) / numpy.maximum(last - first, 1)
        middle = (starts + ends) / 2 - begin - self.lengths[first] / 2
        place = numpy.rint(middle / numpy.maximum(step, 1)).astype("int32")
        return numpy.clip(first + place, first, last).astype("int32")

    def contain(self, windows: Int32Array, starts: Int32Array, ends: Int32Array) -> numpy.ndarray:
        """Whether runs of pieces lie within windows. *Shape:* ``(n_runs,)``, bool."""
        first = self.first_pieces[windows]
        return (starts >= first) & (ends <= first + self.lengths[windows])

    def rows(
        self, windows: Int32Array, starts: Int32Array, ends: Int32Array
    ) -> Tuple[Int32Array, Int32Array]:
        """Rows of runs of pieces, cut to the windows, at least one row each.

        A run without pieces is represented by the piece after it, or the end of the window.
        """
        first, bounds = self.first_pieces[windows], self.bounds
        low, high = bounds[windows] + 1, bounds[windows + 1] - 1
        begin = numpy.clip(low + starts - first, low, high)
        end = numpy.clip(low + ends - first, begin + 1, numpy.maximum(high, begin + 1))
        return begin.astype("int32"), end.astype("int32")


def make_windows(
    pieces: Sequence[WordPieces], size: int, *, before: int, after: int, overlap: float = 0.5
) -> Windows:
    """Cover documents by windows.

    Args:
        pieces: pieces of the documents.
        size: the most pieces of a window, special tokens not counted.
        before: id of the special token before a text.
        after: id of the special token after a text.
        overlap: the least share of a window that the next one covers again, in [0, 0.5].
    """
    step = max(size - int(size * overlap + 0.5), size // 2, 1)
    ids: List[Int32Array] = []
    first_pieces: List[int] = []
    first_windows, first_of_doc = [0], [0]
    for doc in pieces:
        n, begin = len(doc), first_of_doc[-1]
        n_windows = 1 if n <= size else 1 + -(-(n - size) // step)
        starts = numpy.rint(numpy.linspace(0, max(n - size, 0), n_windows)).astype("int32")
        for start in starts:
            ids.append(numpy.concatenate([[before], doc.ids[start : start + size], [after]]))
            first_pieces.append(begin + int(start))
        first_windows.append(len(first_pieces))
        first_of_doc.append(begin + n)
    windows = Windows(
        ids=numpy.concatenate(ids).astype("int32") if ids else numpy.zeros(0, dtype="int32"),
        bounds=_int32(numpy.cumsum([0, *map(len, ids)])),
        first_pieces=_int32(first_pieces),
        first_windows=_int32(first_windows),
        first_of_doc=_int32(first_of_doc),
        home=numpy.zeros(0, dtype="int32"),
    )
    own = numpy.arange(first_of_doc[-1], dtype="int32")
    docs = numpy.repeat(numpy.arange(len(pieces)), numpy.diff(windows.first_of_doc))
    nearest = windows.nearest(_int32(docs), own, own + 1)
    home, _ = windows.rows(nearest, own, own + 1)
    return replace(windows, home=home)


def padded_batches(bounds: Int32Array, max_pieces: int, min_pieces: int = 0) -> List[Int32Array]:
    """Batches of sequences of about the same length.

    Args:
        bounds: first row of each sequence, and the number of rows. *Shape:* ``(n_sequences + 1,)``
        max_pieces: the most pieces of a batch, padding included; one sequence is always possible.
        min_pieces: a batch of so many pieces takes no sequence that is much shorter than its
            longest.

    Returns:
        for each batch the row of each piece, -1 for padding. *Shape:* ``(n, length)``
    """
    sizes = numpy.diff(bounds)
    batches: List[List[int]] = []
    for sequence in numpy.argsort(-sizes, kind="stable"):  # the first of a batch is its longest
        longest = sizes[batches[-1][0]] if batches else 0
        n_pieces = len(batches[-1]) * longest if batches else 0
        is_short = sizes[sequence] < _MIN_FILL * longest and n_pieces >= min_pieces
        if not batches or n_pieces + longest > max_pieces or is_short:
            batches.append([])
        batches[-1].append(int(sequence))
    result = []
    for batch in batches:
        places = numpy.arange(sizes[batch[0]])
        rows = bounds[batch][:, None] + places
        result.append(numpy.where(places < sizes[batch][:, None], rows, -1).astype("int32"))
    return result


_MIN_FILL = 0.85  # a shorter sequence is mostly not worth its padding


def _int32(values: Any) -> Int32Array:
    return numpy.asarray(values, dtype="int32")
