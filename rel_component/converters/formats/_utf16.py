"""Offsets that count in UTF-16 units, as JavaScript does, where Python counts characters."""

from itertools import accumulate
from typing import Callable, Dict, Optional


def has_astral(text: str) -> bool:
    """Whether a text has characters that are two UTF-16 units, such as emojis."""
    return not text.isascii() and max(text) > "\uffff"


def to_utf16(text: str) -> Callable[[int], int]:
    """The function from offsets in characters, at most the length of the text, to UTF-16 units."""
    if not has_astral(text):
        return lambda offset: offset
    units = [0, *accumulate(1 + (character > "\uffff") for character in text)]
    return lambda offset: units[offset]


def from_utf16(text: str) -> Callable[[int], Optional[int]]:
    """The function from offsets in UTF-16 units to characters, None where there is no such offset."""
    if not has_astral(text):
        return lambda offset: offset if 0 <= offset <= len(text) else None
    units = accumulate(1 + (character > "\uffff") for character in text)
    offsets: Dict[int, int] = {0: 0, **{unit: i for i, unit in enumerate(units, start=1)}}
    return offsets.get
