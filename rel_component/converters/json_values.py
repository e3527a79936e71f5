"""JSON values one after the other, from a stream that is read no further than the next one needs."""

import io
import json
import math
import re
from typing import Any, Iterator, TextIO

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_SPACES = re.compile(r"[ \t\r\n]*")
_CHUNK = 1 << 16


def read_items(buffer: "JsonBuffer") -> Iterator[Any]:
    """The items of a list that is all there is.

    Raises:
        ValueError: if it is no list, broken, or something follows.
    """
    if buffer.next() != "[":
        raise ValueError("expected a list of objects")
    if buffer.peek() == "]":
        sign = buffer.next()
    else:
        sign = ","
        while sign == ",":
            yield buffer.value()
            sign = buffer.next()
    if sign != "]":
        raise ValueError(f"expected a comma or the end of the list, got {sign or 'nothing'!r}")
    if buffer.peek():
        raise ValueError(f"{buffer.peek()!r} after the end of the list")


def read_values(buffer: "JsonBuffer") -> Iterator[Any]:
    """Values that follow each other.

    Raises:
        ValueError: if one is broken.
    """
    while buffer.peek():
        yield buffer.value()


def buffer_of(head: str) -> "JsonBuffer":
    """A buffer of a text."""
    return JsonBuffer(io.StringIO(head.lstrip("\ufeff")))


class JsonBuffer:
    """The JSON values of a stream."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
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
        """The same, and go on after it."""
        character = self.peek()
        self._position += len(character)
        return character

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._position)
            except ValueError:
                if self._read_more():
                    continue
                raise
            # A number may go on after what is at hand.
            if end == len(self._text) and self._read_more():
                continue
            reject_halves(value, self._text, self._position, end)
            self._position = end
            return value

    def _read_more(self) -> bool:
        rest = self._text[self._position :]
        more = self._source.read(max(_CHUNK, len(rest)))
        self._text, self._position = rest + more, 0
        return bool(more)


def reject_halves(value: Any, text: str, start: int, end: int) -> None:
    r"""Halves of characters, ``\\ud83d`` without the other one, cannot be encoded.

    Raises:
        ValueError: if there are any between `start` and `end` of the text of a value.
    """
    if _HALF.search(text, start, end):
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


DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_finite, parse_constant=_finite)
"""Takes no numbers that are infinite or have more than 64 bits."""
