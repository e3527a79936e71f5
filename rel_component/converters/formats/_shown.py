"""The text that a file shows for a mention, which tells what its offsets count.

Beside characters of the text as it is, these may be UTF-16 units; line ends may count otherwise than
they are, where a program such as git has changed them, and so may a byte order mark.
"""

from functools import lru_cache
from itertools import accumulate, product
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from ...errors import DataError
from ..annotated import BYTE_ORDER_MARK
from ._utf16 import has_astral

Range = Tuple[int, int]
_Items = Iterable[Tuple[Sequence[Range], str]]


def find_shown(text: str, start: int, end: int, shown: str) -> Range:
    """The range of a mention in characters, whatever its offsets count.

    Args:
        text: the text of the document.
        start: where the mention starts.
        end: where it ends.
        shown: its text; empty: the offsets are believed.

    Raises:
        DataError: if this text is not there, apart from white space.
    """
    return _shown_text(text).find([(start, end)], shown)[0]


class ShownText:
    """The text of a document, and the ways in which offsets may count it.

    Args:
        text: the text.
        items: ranges and text of each mention; what fits more of them is tried first.
    """

    def __init__(self, text: str, items: _Items = ()) -> None:
        self._text = text
        self._countings: List[_Counting] = []
        if not all(self._is_exact(ranges, shown) for ranges, shown in items):
            fits = {
                counting: sum(self._is_exact(counting.ranges(r), shown) for r, shown in items)
                for counting in _countings(text)
            }
            self._countings = sorted(fits, key=lambda counting: -fits[counting])

    def find(self, ranges: Sequence[Range], shown: str) -> List[Range]:
        """The ranges in characters.

        Args:
            ranges: the fragments of a mention.
            shown: its text; empty: the ranges are believed.

        Raises:
            DataError: if this text is not there, apart from white space.
        """
        if not self._countings and self._is_exact(ranges, shown):
            return list(ranges)
        self._countings = self._countings or _countings(self._text)
        for fits in (self._is_exact, self._is_similar):
            for counting in self._countings:
                found = counting.ranges(ranges)
                if found is not None and fits(found, shown):
                    # What fits one mention is tried first for those that follow.
                    self._countings.remove(counting)
                    self._countings.insert(0, counting)
                    return found
        if not shown.strip():
            return list(ranges)
        start, end = ranges[0][0], ranges[-1][1]
        there = self._text[max(start, 0) : max(end, 0)]
        raise DataError(
            f"its text is {shown[:40]!r}, but {start}:{end} of the document is {there[:40]!r}"
        )

    def _is_exact(self, ranges: Optional[Sequence[Range]], shown: str) -> bool:
        if ranges is None or not shown.strip():
            return ranges is not None
        return shown == " ".join(self._parts(ranges))

    def _is_similar(self, ranges: Sequence[Range], shown: str) -> bool:
        return _plain(shown) == _plain("".join(self._parts(ranges)))

    def _parts(self, ranges: Sequence[Range]) -> List[str]:
        return [self._text[max(start, 0) : max(end, 0)] for start, end in ranges]


_shown_text = lru_cache(maxsize=1)(ShownText)


class _Counting:
    """A way in which offsets count a text.

    Args:
        text: the text.
        utf16: they count UTF-16 units.
        breaks: they count CRLF as one character, or LF as two where the text has no CRLF.
        mark: they do not count the mark at the beginning of the text, or one that is not there.
    """

    def __init__(
        self, text: str, utf16: bool = False, breaks: bool = False, mark: bool = False
    ) -> None:
        widths = [2 if utf16 and character > "\uffff" else 1 for character in text]
        if breaks:
            width = 1 if "\r\n" in text else 2
            for i, character in enumerate(text):
                if character == "\n":
                    widths[i] = width
                    if i and text[i - 1] == "\r":
                        widths[i - 1] = 0
        has_mark = text.startswith(BYTE_ORDER_MARK)
        if mark and has_mark:
            widths[0] = 0
        offsets = list(accumulate(widths, initial=int(mark and not has_mark)))
        # Where characters count nothing, a mention begins after them, and ends before.
        self._starts: Dict[int, int] = {offset: i for i, offset in enumerate(offsets)}
        self._ends: Dict[int, int] = {}
        for i, offset in enumerate(offsets):
            self._ends.setdefault(offset, i)

    def ranges(self, ranges: Sequence[Range]) -> Optional[List[Range]]:
        """The ranges in characters; None if an offset does not exist."""
        if not all(start in self._starts and end in self._ends for start, end in ranges):
            return None
        return [(self._starts[start], self._ends[end]) for start, end in ranges]


def _countings(text: str) -> List[_Counting]:
    """The ways in which offsets may count a text, the likely ones first."""
    choices = product((False, has_astral(text)), (False, "\n" in text), (False, True))
    return [_Counting(text, *choice) for choice in sorted(set(choices), key=sum)]


def _plain(text: str) -> str:
    """A text without white space, of which browsers and others change some, and without marks."""
    return "".join(text.replace("\\n", "").replace(BYTE_ORDER_MARK, "").split())
