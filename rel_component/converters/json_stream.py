"""JSON values one after the other, from a stream that is read no further than the next one needs.

The decoder is that of the standard library, whose ``raw_decode`` goes on where it has stopped. It names
the position of an error, and refuses what it cannot keep. ijson turns lone surrogates into question
marks, and takes memory for nested lists that grows with the square of their depth.
"""

import io
import json
import math
import re
from collections import Counter
from contextlib import suppress
from typing import Any, Dict, Iterator, List, Optional, TextIO, Tuple

from ..errors import DataError, shown

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACES = re.compile(r"[ \t\r\n]*")
_CHUNK = 1 << 16


def parse_json(text: str) -> Any:
    """Decode a JSON text.

    Args:
        text: a text with one value.

    Returns:
        The value.

    Raises:
        DataError: if the text is broken, or has values that other programs do not read: lone
            surrogates, infinite or very large numbers, very deep nesting, keys that occur twice.
    """
    try:
        value = _DECODER.decode(text)
        _reject_lone_surrogates(value, text, 0, len(text))
    except (ValueError, RecursionError) as err:
        raise DataError(f"broken JSON: {err}") from err
    return value


def read_values(source: TextIO, longest: Optional[int] = None) -> Iterator[Any]:
    """Read the values of a stream.

    Args:
        source: one list, or values that follow each other.
        longest: about the most characters of a value; None: any number.

    Returns:
        The items of the list, or the values.

    Raises:
        ValueError: if a value is broken or too long, or the list does not end where the stream does.
        RecursionError: if a value is nested too deeply.
    """
    yield from _read_values(_Buffer(source, longest=longest))


def _read_values(buffer: "_Buffer") -> Iterator[Any]:
    if buffer.peek() != "[":
        while buffer.peek():
            yield buffer.value()
        return
    delimiter = buffer.next()
    if buffer.peek() == "]":
        delimiter = buffer.next()
    while delimiter in ("[", ","):
        yield buffer.value()
        delimiter = buffer.next()
    if delimiter != "]":
        raise ValueError(f"expected a comma or the end of the list, got {delimiter or 'nothing'!r}")
    if buffer.peek():
        raise ValueError(f"{buffer.peek()!r} after the end of the list")


def first_values(head: str) -> Iterator[Any]:
    """The values at the beginning of a file, up to the first one that is broken or incomplete.

    Lone surrogates are no obstacle: they spoil a record, and not the format of its file.
    """
    with suppress(ValueError, RecursionError):
        yield from _read_values(_Buffer(io.StringIO(head.lstrip("\ufeff")), surrogates=True))


class _Buffer:
    """The part of a stream that has been read but not yet decoded."""

    def __init__(
        self, source: TextIO, *, surrogates: bool = False, longest: Optional[int] = None
    ) -> None:
        self._source = source
        self._longest = longest
        self._surrogates = surrogates
        self._text = ""
        self._position = 0

    def peek(self) -> str:
        """The next character that is not white space, empty at the end."""
        while True:
            match = _SPACES.match(self._text, self._position)
            self._position = match.end() if match else self._position
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read_more():
                return ""

    def next(self) -> str:
        """The same character; the position moves behind it."""
        character = self.peek()
        self._position += len(character)
        return character

    def value(self) -> Any:
        """The next value; the position moves behind it."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._position)
            except ValueError:
                if self._read_more():
                    continue
                raise
            # A number may go on after what is at hand.
            if end == len(self._text) and self._read_more():
                continue
            if not self._surrogates:
                _reject_lone_surrogates(value, self._text, self._position, end)
            self._position = end
            return value

    def _read_more(self) -> bool:
        rest = self._text[self._position :]
        if self._longest is not None and len(rest) > self._longest:
            raise ValueError(f"more than {self._longest:,} characters, or without an end")
        more = self._source.read(max(_CHUNK, len(rest)))
        self._text, self._position = rest + more, 0
        return bool(more)


def _reject_lone_surrogates(value: Any, text: str, start: int, end: int) -> None:
    r"""Refuse values with ``\\ud83d`` and the like alone, which cannot be encoded."""
    if _SURROGATE.search(text, start, end):
        json.dumps(value, ensure_ascii=False).encode("utf8")


def _integer(digits: str) -> int:
    value = int(digits)
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{digits:.30} has more than 64 bits")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits:.30} is not a finite number")
    return value


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """The object of these pairs, of which a dict would keep the last of equal keys alone."""
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise ValueError(f"the key {shown(twice)} occurs twice in an object")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_finite, parse_constant=_finite
)
