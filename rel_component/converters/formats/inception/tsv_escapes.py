"""Escapes of WebAnno TSV, whose reserved characters have a backslash before them."""

import re
from typing import List, Match

_VALUE_ESCAPES = {"\t": "\\t", "\n": "\\n", "->": "\\->"}
_TEXT_ESCAPES = {
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
    "\b": "\\b",
    "\\": "\\\\",
    **{chr(code): "\\" + chr(code) for code in range(32) if not 7 < code < 14},
}
_VALUE_SIGNS = {escape[1:]: sign for sign, escape in _VALUE_ESCAPES.items()}
_TEXT_SIGNS = {escape[1:]: sign for sign, escape in _TEXT_ESCAPES.items()}

_RESERVED = re.compile(r"->|[\\\[\]|_;\t\n*]")
_ESCAPE_IN_VALUE = re.compile(r"\\(->|[\\\[\]|_;tn*])")
_ESCAPE_IN_TEXT = re.compile(r"\\([\\tnfrb\x00-\x07\x0e-\x1f])")
_CONTROL = re.compile(r"[\\\x00-\x08\x09\x0a\x0c-\x1f]")
_PIECE = re.compile(r"\\.|[^\\]|\\$", re.DOTALL)


def escape_value(value: str) -> str:
    """A value as it stands in a cell."""
    return _RESERVED.sub(lambda m: _VALUE_ESCAPES.get(m[0], "\\" + m[0]), value)


def unescape_value(cell: str) -> str:
    """The value of a cell; a backslash before anything else stays."""
    return _ESCAPE_IN_VALUE.sub(lambda m: _VALUE_SIGNS.get(m[1], m[1]), cell)


def escape_text(line: str) -> str:
    """A line of a sentence as it stands after ``#Text=``."""
    return _CONTROL.sub(lambda m: _TEXT_ESCAPES.get(m[0], m[0]), line)


def unescape_text(line: str) -> str:
    """A line of a sentence."""

    def sign(match: Match[str]) -> str:
        return _TEXT_SIGNS.get(match[1], match[1])

    return _ESCAPE_IN_TEXT.sub(sign, line)


def split_cell(cell: str, separator: str) -> List[str]:
    """The parts of a cell between separators that have no backslash before them."""
    if separator not in cell:
        return [cell]
    parts = [""]
    for piece in _PIECE.findall(cell):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts
