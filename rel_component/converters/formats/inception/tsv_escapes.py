"""Escapes of WebAnno TSV, whose reserved characters have a backslash before them."""

import re
from typing import Dict, List

_IN_VALUE = {"\t": "\\t", "\n": "\\n", "->": "\\->"}
_IN_VALUE.update({character: f"\\{character}" for character in "\\[]|_;*"})
_IN_TEXT = {chr(code): f"\\{chr(code)}" for code in range(32) if not 7 < code < 14}
_IN_TEXT.update({"\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\b": "\\b", "\\": "\\\\"})

_PART = re.compile(r"\\.|[^\\]|\\$", re.DOTALL)


def escape_value(value: str) -> str:
    """A value as it stands in a cell."""
    return _replace(value, _IN_VALUE)


def unescape_value(cell: str) -> str:
    """The value of a cell; a backslash before anything else stays."""
    return _replace(cell, {escape: character for character, escape in _IN_VALUE.items()})


def escape_text(line: str) -> str:
    """A line of a sentence as it stands after ``#Text=``."""
    return _replace(line, _IN_TEXT)


def unescape_text(line: str) -> str:
    """A line of a sentence."""
    return _replace(line, {escape: character for character, escape in _IN_TEXT.items()})


def _replace(text: str, replacements: Dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, replacements)), lambda m: replacements[m[0]], text)


def split_cell(cell: str) -> List[str]:
    """The parts of a cell between bars that have no backslash before them."""
    parts = [""]
    for part in _PART.findall(cell):
        if part == "|":
            parts.append("")
        else:
            parts[-1] += part
    return parts
