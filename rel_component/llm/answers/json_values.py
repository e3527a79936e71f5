"""JSON values in the text of a reply; json-repair reads those that are broken."""

import json
import re
from typing import Any, Dict, List, Optional, Tuple

from ...packages import import_package

MAX_REPAIRED = 8_000
"""Characters of broken JSON that are repaired in a reply, about 2,500 tokens.

The time that json-repair takes grows with the square of the length of a hostile text: 1.7 seconds for
8,000 characters of quotes. Valid JSON is read at any length, also behind what is repaired.
"""

# an opening bracket that is not one of a sentence, as those of "[1]" and "{M1}" are, or the name of
# the first part of an object without its bracket
_OPENING = re.compile(
    r"""[\[{](?=\s*(?:["'“„\[{(\]}#]|/[/*]|[^\W\d]\w*["']?\s*[:=]))|^[ \t]*"\w+"\s*:""",
    re.MULTILINE,
)
# strings on one line are skipped with the brackets in them; without a limit to their length, a
# quotation mark before each of many others would take quadratic time
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.){0,300}"|(?::\s{0,20})?[\[{]|[\]}]')

# json-repair does not join escaped surrogate pairs
_SURROGATE_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class JsonReader:
    """Finds the JSON values in the texts of one reply.

    Attributes:
        is_cut: whether a text ended inside a value, or was too long to be repaired.
    """

    def __init__(self) -> None:
        self.is_cut = False
        self._n_left = MAX_REPAIRED

    def values(self, text: str, *, is_cut: bool = False) -> List[Any]:
        """Return the outermost objects and arrays in a text, repaired if they are broken.

        Args:
            text: JSON, JSON between words or in code fences, several JSON texts, or none.
            is_cut: whether the text was cut off. What follows the last closing bracket of a value
                that has no end is then left out.

        Raises:
            ConfigError: if a value is broken and json-repair is not installed.
        """
        values: List[Any] = []
        place = 0
        while opening := _OPENING.search(text, place):
            start = opening.start()
            value, place = _valid_value(text, start) or self._repaired_value(text, start, is_cut)
            if value is not None:
                values.append(value)
        return values

    def _repaired_value(self, text: str, start: int, is_cut: bool) -> Tuple[Any, int]:
        """Return a broken value, None if nothing of it is left, and the place behind it."""
        bracket = "" if text[start] in "[{" else "{"
        end, is_open = _value_end(text, start, depth=len(bracket))
        broken = bracket + text[start:end]
        if is_open:
            broken = self._without_cut_end(broken, is_cut and end == len(text))
        if len(broken) > self._n_left:
            broken, self.is_cut = _to_last_bracket(broken[: self._n_left]), True
            self._n_left = len(broken)
            if broken:  # the statements behind it may be valid
                end = start + len(broken) - len(bracket)
        self._n_left -= len(broken)
        return ((_repair(broken) or None) if broken else None), end

    def _without_cut_end(self, broken: str, is_cut: bool) -> str:
        """Leave out an incomplete statement at the end of a value that has no closing bracket."""
        whole = _to_last_bracket(broken)
        rest = broken[len(whole) :].rstrip()
        if not is_cut and rest[-1:] in ('"', "'"):
            return broken  # only brackets are missing
        self.is_cut |= is_cut or any(map(str.isalnum, rest))
        return whole


def load_json(text: str) -> Any:
    """Decode strict JSON. An object in which a name occurs twice becomes an array of objects.

    Raises:
        ValueError: if the text is not JSON.
        RecursionError: if it is nested too deeply.
    """
    return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_split_repeated)


def _split_repeated(pairs: List[Tuple[str, Any]]) -> Any:
    """Make an object, or several where names are repeated, so that no value is lost."""
    objects: List[Dict[str, Any]] = [{}]
    for name, value in pairs:
        if name in objects[-1]:
            objects.append({})
        objects[-1][name] = value
    return objects[0] if len(objects) == 1 else objects


# it accepts line breaks in strings, which strict JSON does not
_DECODER = json.JSONDecoder(object_pairs_hook=_split_repeated, strict=False)


def _valid_value(text: str, start: int) -> Optional[Tuple[Any, int]]:
    """Return the value that starts at a place and the place behind it, None if it is broken."""
    try:
        return _DECODER.raw_decode(text, start) if text[start] in "[{" else None
    except (ValueError, RecursionError):
        return None


def _value_end(text: str, start: int, *, depth: int) -> Tuple[int, bool]:
    """Return where a broken value ends by its brackets, and whether one of them is open there."""
    is_object = text[start] != "["
    for match in _BRACKET.finditer(text, start):
        if match[0] == "{" and is_object and depth == 1 and match.start() > start:
            return match.start(), True  # another value begins: an object in it would have a name
        if match[0][-1] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
            if not depth:
                return match.end(), False
    return len(text), True


def _to_last_bracket(text: str) -> str:
    return text[: max(text.rfind(bracket) for bracket in "]})") + 1]


def _repair(text: str) -> Any:
    """Repair a broken value; returns its text if that is not possible."""
    text = _SURROGATE_PAIR.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), text)
    json_repair = import_package("json_repair", "llm")
    try:
        return json_repair.repair_json(text, return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError):  # nested too deeply
        return text
