"""The text that a file shows for a mention, which tells what its offsets count."""

from functools import lru_cache
from typing import Callable, Optional, Tuple

from ...errors import DataError
from ._utf16 import from_utf16, has_astral


def find_shown(text: str, start: int, end: int, shown: str) -> Tuple[int, int]:
    """The range of a mention in characters; its offsets may be UTF-16 units.

    Args:
        text: the text of the document.
        start: where the mention starts.
        end: where it ends.
        shown: its text; empty: the offsets are believed.

    Raises:
        DataError: if this text is not there, apart from white space.
    """
    if not shown or _same(text[max(start, 0) : max(end, 0)], shown):
        return start, end
    convert = _converter(text)
    if convert is not None:
        first, last = convert(start), convert(end)
        if first is not None and last is not None and _same(text[first:last], shown):
            return first, last
    there = text[max(start, 0) : max(end, 0)]
    raise DataError(
        f"its text is {shown[:40]!r}, but {start}:{end} of the document is {there[:40]!r}"
    )


@lru_cache(maxsize=1)
def _converter(text: str) -> Optional[Callable[[int], Optional[int]]]:
    return from_utf16(text) if has_astral(text) else None


def _same(text: str, shown: str) -> bool:
    return text == shown or "".join(text.split()) == "".join(shown.split())
