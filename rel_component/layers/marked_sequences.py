"""Sequences of word pieces with markers around two mentions.

One window holds both mentions, or two windows hold one each where the mentions are too far apart::

    [CLS] [HEAD] Acme Labs [/HEAD] hired [TAIL] Ada [/TAIL] . [SEP]
    [CLS] # ^ org ^ Acme Labs # hired @ * person * Ada @ . [SEP]
    [CLS] [HEAD:ORG] hired [TAIL:PERSON] . [SEP]
"""

from dataclasses import dataclass
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy

from ..types import Int32Array

Run = Tuple[int, int]


class Marks(NamedTuple):
    """Ids that surround a mention.

    Attributes:
        before: ids before the mention.
        after: ids after the mention.
        replace: whether the pieces of the mention are left out.
    """

    before: Sequence[int]
    after: Sequence[int]
    replace: bool = False


@dataclass(frozen=True)
class MarkedSequences:
    """Sequences of many pairs, one after the other, and where to find the parts of each pair.

    Head and tail, in this order, have a sequence each, mostly a common one.

    Attributes:
        ids: ids of all pieces. *Shape:* ``(n_rows,)``
        bounds: first row of each sequence, and the number of rows. *Shape:* ``(n_sequences + 1,)``
        first: first row of the sequence of head and tail. *Shape:* ``(n_pairs, 2)``
        starts: rows of the first marker of head and tail. *Shape:* ``(n_pairs, 2)``
        mentions: rows of the mentions, start and exclusive end. *Shape:* ``(n_pairs, 2, 2)``
        between: rows from one mention to the other; for a pair in two sequences, from the mention
            to the end of the sequence that faces the other. *Shape:* ``(n_pairs, 2, 2)``
        n_apart: number of pairs in two sequences.
        n_cut: number of mentions longer than a window.
    """

    ids: Int32Array
    bounds: Int32Array
    first: Int32Array
    starts: Int32Array
    mentions: Int32Array
    between: Int32Array
    n_apart: int
    n_cut: int


class _Marked(NamedTuple):
    """A sequence; for each mention in it, in the order given: marker, begin and exclusive end."""

    ids: Int32Array
    places: List[Tuple[int, int, int]]


class SequenceBuilder:
    """Collects the sequences of pairs.

    Args:
        size: the most pieces of a sequence, without the special tokens around it.
        before: id of the special token before a sequence.
        after: id of the special token after a sequence.
    """

    def __init__(self, size: int, before: int, after: int) -> None:
        self._size, self._before, self._after = size, before, after
        self._ids: List[Int32Array] = []
        self._n_rows = 0
        self._first: List[List[int]] = []
        self._starts: List[List[int]] = []
        self._mentions: List[List[Run]] = []
        self._between: List[List[Run]] = []
        self._n_apart = self._n_cut = 0

    def add(self, ids: Int32Array, runs: Sequence[Run], marks: Sequence[Marks]) -> None:
        """Add a pair: pieces of its document, and runs of pieces and marks of head and tail."""
        runs = [self._cut(run, mark) for run, mark in zip(runs, marks)]
        n_marks = sum(len(mark.before) + len(mark.after) for mark in marks)
        window = _window(runs, len(ids), self._size - n_marks)
        if window is not None:
            marked = _insert(ids, window, runs, marks)
            head, tail = marked.places
            first = self._append(marked.ids)
            between = _between(head, tail)
            self._store([first, first], [head, tail], [between, between])
            return
        self._n_apart += 1
        places, firsts, betweens = [], [], []
        for side, (run, mark) in enumerate(zip(runs, marks)):
            room = self._size - len(mark.before) - len(mark.after)
            alone = _window([run], len(ids), room)
            marked = _insert(ids, alone or run, [run], [mark])
            (place,) = marked.places
            comes_first = runs[side] < runs[1 - side]
            n = len(marked.ids)
            betweens.append((place[2], n) if comes_first else (0, place[0] + 1))
            places.append(place)
            firsts.append(self._append(marked.ids))
        self._store(firsts, places, betweens)

    def build(self) -> MarkedSequences:
        """The sequences of all pairs that were added."""
        n = len(self._first)
        ends = numpy.cumsum([0, *map(len, self._ids)])
        return MarkedSequences(
            ids=numpy.concatenate(self._ids) if self._ids else numpy.zeros(0, dtype="int32"),
            bounds=ends.astype("int32"),
            first=_int32(self._first, (n, 2)),
            starts=_int32(self._starts, (n, 2)),
            mentions=_int32(self._mentions, (n, 2, 2)),
            between=_int32(self._between, (n, 2, 2)),
            n_apart=self._n_apart,
            n_cut=self._n_cut,
        )

    def _cut(self, run: Run, mark: Marks) -> Run:
        room = max(self._size - len(mark.before) - len(mark.after), 1)
        if run[1] - run[0] <= room:
            return run
        self._n_cut += 1
        return run[0], run[0] + room

    def _append(self, ids: Int32Array) -> int:
        first = self._n_rows
        whole = numpy.concatenate([[self._before], ids, [self._after]]).astype("int32")
        self._ids.append(whole)
        self._n_rows += len(whole)
        return first

    def _store(
        self, firsts: List[int], places: Sequence[Tuple[int, int, int]], between: List[Run]
    ) -> None:
        self._first.append(firsts)
        # rows: places do not count the special token at the beginning
        self._starts.append([f + 1 + start for f, (start, _, _) in zip(firsts, places)])
        self._mentions.append([(f + 1 + a, f + 1 + b) for f, (_, a, b) in zip(firsts, places)])
        self._between.append([(f + 1 + a, f + 1 + b) for f, (a, b) in zip(firsts, between)])


def _window(runs: Sequence[Run], n_pieces: int, size: int) -> Optional[Run]:
    """A window of at most `size` pieces centred on the mentions; None if they do not fit."""
    low, high = min(run[0] for run in runs), max(run[1] for run in runs)
    if n_pieces <= size:
        return 0, n_pieces
    if high - low > size:
        return None
    start = min(max((low + high - size) // 2, 0), n_pieces - size)
    return start, start + size


def _between(head: Tuple[int, int, int], tail: Tuple[int, int, int]) -> Run:
    """From the end of one mention to the marker of the other, at least one piece."""
    low, high = min(head[2], tail[2]), max(head[0], tail[0])
    return min(low, high), max(low, high) + 1


def _insert(ids: Int32Array, window: Run, runs: Sequence[Run], marks: Sequence[Marks]) -> _Marked:
    """The pieces of a window with marks around some mentions.

    Marks of nested mentions are nested; a piece of two mentions that are replaced is left out once.
    """
    # (place, closing before opening, inner before outer when closing, outer first when opening)
    events = []
    for i, (begin, end) in enumerate(runs):
        events.append((begin, 1, -(end - begin), i, marks[i].before))
        events.append((max(end, begin), 0 if end > begin else 2, end - begin, i, marks[i].after))
    kept = numpy.ones(len(ids), dtype=bool)
    for (begin, end), mark in zip(runs, marks):
        if mark.replace:
            kept[begin:end] = False
    parts: List[Int32Array] = []
    n, last = 0, window[0]
    places: List[List[int]] = [[0, 0, 0] for _ in runs]
    for place, order, _, i, inserted in sorted(events, key=lambda event: event[:4]):
        text = ids[last:place][kept[last:place]]
        parts += [text, numpy.asarray(inserted, dtype="int32")]
        n, last = n + len(text), place
        if order == 1:
            places[i][:2] = [n, n if marks[i].replace else n + len(inserted)]
        else:
            places[i][2] = n + len(inserted) if marks[i].replace else n
        n += len(inserted)
    parts.append(ids[last : window[1]][kept[last : window[1]]])
    found = [(start, begin, max(end, begin + 1)) for start, begin, end in places]
    return _Marked(numpy.concatenate(parts), list(found))


def _int32(values: object, shape: Tuple[int, ...]) -> Int32Array:
    return numpy.asarray(values, dtype="int32").reshape(shape)
