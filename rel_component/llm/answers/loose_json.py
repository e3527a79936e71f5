"""JSON as language models write it: whatever in a text can be read as objects and lists.

Read are: values between words, several of them, trailing and missing commas, single and curly quotes,
quotes inside of strings, bare words, names of values and tuples of Python, comments, brackets that are
missing, doubled or mismatched, and values that are cut off. The time is proportional to the text.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple, Type, TypeVar

MAX_DEPTH = 20
"""Brackets inside of each other; deeper ones are read as if they stood by themselves."""

_OPENING = re.compile(r"[\[{]")
_TOKEN = re.compile(
    r"""
      (?P<open>[\[{(])
    | (?P<close>[\]})])
    | (?P<comma>[,;])
    | (?P<colon>:|=>?)
    | (?P<comment>//[^\n]*|\#[^\n]*|/\*[^*]*\*/)
    | (?P<double>"(?:[^"\\\n]+|QUOTED|"(?=[ \t]*\w|"\s{0,20}[,:\]}]))*(?P<end_double>"?))
    | (?P<single>'(?:[^'\\\n]+|QUOTED|'(?=[ \t]*\w|'\s{0,20}[,:\]}]))*(?P<end_single>'?))
    | (?P<curly>[“”„][^“”„\n]*(?P<end_curly>[“”„]?))
    | (?P<bare>[^\s\[\]{}(),:;="'“”„]+(?:[^\[\]{}(),:;="“”„\n]+|\([^\[\]{}(),:;="“”„\n]*\))*)
    """
    # a pair of backslash and character; a line break, if the string ends soon and nothing opens before
    .replace("QUOTED", r"""\\(?:[^\n]|(?=\n)|\Z)|\n(?=[^"'\\{}\[\]]{0,200}["']\s{0,20}[,\]}])"""),
    re.X,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\s\S])")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_COMMENT = re.compile(r"\s(?://|#).*|/\*.*")
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None, "nan": None}
_CLOSES = {"]": "[", "}": "{", ")": "("}

_TextT = TypeVar("_TextT", bound="Text")


class Text(str):
    """A string, and the place of its first character in the text that it was read from."""

    start: Optional[int] = None

    @classmethod
    def at(cls: Type[_TextT], text: str, start: int) -> _TextT:
        """Make one."""
        made = cls(text)
        made.start = start
        return made


class BareText(Text):
    """A string without quotes."""


class Object(Dict[Any, Any]):
    """An object. cut: whether the text ends before it does."""

    cut = False


class Array(List[Any]):
    """A list. cut: whether the text ends before it does."""

    cut = False


class Broken:
    """A string in a list that has no end."""


@dataclass
class LooseValues:
    """The values in a text.

    Attributes:
        values: the outermost objects and lists.
        is_open: whether the last of them is not closed.
        is_cut: whether the text ends inside of a string or word of it.
        end: the place in the text behind the last of them.
    """

    values: List[Any] = field(default_factory=list)
    is_open: bool = False
    is_cut: bool = False
    end: int = 0


def loose_values(text: str) -> LooseValues:
    """The objects and lists in a text. Never raises.

    Objects are of the class :class:`Object`, lists of :class:`Array`, strings of :class:`Text`. A key
    that an object has already begins a new object.
    """
    reader = _Reader(text)
    place = 0
    while True:
        opening = _OPENING.search(text, place)
        if opening is None:
            break
        place = reader.read(opening.start())
    return reader.result


class _Frame:
    """Brackets that are open. key, after_colon: of the value that comes next."""

    __slots__ = ("after_colon", "items", "key", "opener", "pairs")

    def __init__(self, opener: str, key: Any = None) -> None:
        self.opener = opener
        self.pairs = Object()
        self.items = Array()
        self.key = key
        self.after_colon = False

    def add(self, value: Any) -> None:
        """Add a value, or the key of one."""
        if self.opener != "{":
            self.items.append(value)
        elif self.key is not None:
            self.pairs[self.key] = value
            self.key, self.after_colon = None, False
        elif isinstance(value, (dict, list)):
            self.items.append(value)
        else:
            self.key = value

    def end_item(self) -> None:
        """What a comma does: a key without value has none."""
        if self.key is not None:
            if self.after_colon:
                self.pairs[self.key] = None
            else:
                self.items.append(self.key)
        self.key, self.after_colon = None, False

    def value(self) -> Any:
        """The object or list that was read."""
        if self.opener != "{" or (self.items and not self.pairs):
            return self.items
        others = [item for item in self.items if isinstance(item, (dict, list))]
        return Array([self.pairs, *others]) if others else self.pairs


class _Reader:
    """Reads values into `result`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.result = LooseValues()
        self.stack: List[_Frame] = []

    def read(self, start: int) -> int:
        """Read the value that opens at a place; returns the place behind it."""
        place, n_read = start, len(self.result.values)
        broken = False
        while True:
            match = _TOKEN.search(self.text, place)
            if match is None:
                break
            place = match.end()
            kind, token = str(match.lastgroup), match.group()
            if kind == "open":
                self._open(token)
            elif kind == "close":
                self._close(token)
                if not self.stack:
                    self.result.end = place
                    return place
            elif kind == "comma":
                self.stack[-1].end_item()
            elif kind == "colon":
                self._colon()
            elif kind != "comment":
                value, broken = self._scalar(kind, match)
                if broken:
                    broken = place == len(self.text)
                    self._break_off(broken)
                else:
                    self.stack[-1].add(value)
        self._end(broken, n_read)
        return len(self.text)

    def _open(self, opener: str) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.opener == "{" and not frame.after_colon:
            if opener == "(":
                return
            if frame.pairs:
                self._pop()  # its bracket is missing
            frame.key = None
        if len(self.stack) == MAX_DEPTH:
            while self.stack:
                self._pop()
        self.stack.append(_Frame(opener))

    def _close(self, closer: str) -> None:
        opener = _CLOSES[closer]
        if self.stack[-1].opener == opener or opener in [frame.opener for frame in self.stack]:
            while self._pop() != opener:
                pass  # brackets inside that are missing

    def _pop(self) -> str:
        frame = self.stack.pop()
        frame.end_item()
        self._put(frame.value())
        return frame.opener

    def _put(self, value: Any) -> None:
        if self.stack:
            self.stack[-1].add(value)
        else:
            self.result.values.append(value)

    def _break_off(self, at_end: bool) -> None:
        """Leave out a string without end, and the key that it may be the value of."""
        frame = self.stack[-1]
        frame.key, frame.after_colon = None, False
        if frame.opener != "{" and not at_end:
            frame.items.append(Broken())

    def _colon(self) -> None:
        frame = self.stack[-1]
        if frame.key is not None and frame.key in frame.pairs:
            key, frame.key = frame.key, None
            self._pop()
            frame = _Frame("{", key)
            self.stack.append(frame)
        frame.after_colon = frame.key is not None

    def _scalar(self, kind: str, match: "re.Match[str]") -> Tuple[Any, bool]:
        """A string, number or word, and whether it is not whole."""
        token, start = match.group(), match.start()
        if kind == "bare":
            token = _COMMENT.sub("", token).rstrip()
            if token.lower() in _WORDS:
                return _WORDS[token.lower()], False
            if _NUMBER.fullmatch(token):
                return _number(token), match.end() == len(self.text)
            return BareText.at(token, start), match.end() == len(self.text)
        quote = match[f"end_{kind}"]
        body = token[1 : len(token) - len(quote)]
        return Text.at(_unescaped(body), start + 1), not quote

    def _end(self, broken: bool, n_read: int) -> None:
        """Close what is open at the end of the text."""
        if not self.stack:
            return
        for frame in self.stack:
            frame.pairs.cut = frame.items.cut = True
        if self.stack[-1].after_colon:
            self.stack[-1].key, self.stack[-1].after_colon = None, False
            broken = True
        while self.stack:
            self._pop()
        self.result.is_open, self.result.is_cut = True, broken
        self.result.end = len(self.text)


def _number(token: str) -> Any:
    return int(token) if len(token) < 19 and token.lstrip("-").isdigit() else float(token)


def _unescaped(body: str) -> str:
    if "\\" not in body:
        return body
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError:
        return _ESCAPE.sub(_character, body)


def _character(match: "re.Match[str]") -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)
