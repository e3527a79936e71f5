"""Relations in the lines of a text instead of JSON.

Lines may be numbered, have bullets, or be rows of a table::

    (Apple, FOUNDED_BY, Steve Jobs)         Apple | FOUNDED_BY | Steve Jobs
    FOUNDED_BY(Apple, Steve Jobs)           Apple --FOUNDED_BY--> Steve Jobs
    Apple FOUNDED_BY Steve Jobs             head: Apple, label: FOUNDED_BY, tail: Steve Jobs
"""

import re
from typing import Callable, Iterator, List, Optional, Tuple

MAX_LINE = 500
"""Characters of a line that is looked at."""

MIN_TRIPLE = 5
"""Characters of the shortest triple, ``a|b|c``."""

WordedTriple = Tuple[str, str, str, int]
"""Head, label, tail, and the place of the label in the text."""

_BULLET = re.compile(r"\s*(?:[-*+•]\s|\d{1,4}[.):]\s?|>)?\s*")
_PART = r"""[ ]?("[^"\n]{1,100}"|[^(),|"\n]{1,100})"""
_IN_BRACKETS = re.compile(rf"[(<]{_PART},{_PART},{_PART}[)>]")
_FUNCTION = re.compile(rf"(?<!\w)([^\W\d]\w{{0,59}})\({_PART},{_PART}\)")
_BARS = re.compile(r"[|\t]")
_ARROWS = re.compile(r"-{1,9}\[|\]-{1,9}>?|[-=]{1,9}>|-{2,9}|[→⟶]")
_IDS = re.compile(r"(\[?M\d{1,6}\]?)\s(.{1,100})\s(\[?M\d{1,6}\]?)\W*")
_CAPITALS = re.compile(r"(?<=\s)[A-Z]{1,30}(?:_[A-Z]{1,30}){1,9}(?=\s)")
_NAMED_PART = re.compile(
    r"""(?<!\w)(?P<name>head|subject|entity[ ]?1|label|relation|predicate|tail|object|entity[ ]?2)
    (?:[ ]entity|[ ]type)?["'*`]{0,3}\s?[:=]["'*`]{0,3}[ \t]{0,20}
    (?P<value>[^\n]{1,200}?)\s?(?=[,;|]\s?["'*`]{0,3}(?:head|subject|entity|label|relation|
                                  predicate|tail|object)|\n|\Z)""",
    re.I | re.X,
)
_ROLES = {"head": 0, "subject": 0, "entity1": 0, "label": 1, "relation": 1, "predicate": 1}
_LABEL = re.compile(
    r"[\W_]*(?:(?:the )?(?:answer|label|relation)(?: is)?\W{1,5})?(?P<label>\w+(?:[ -]\w+){0,3})[\W_]*",
    re.I,
)
_QUOTES = "\"'`*<>[] \t"

_Part = Tuple[str, int]


def worded_triples(text: str) -> List[WordedTriple]:
    """The relations that the lines of a text state, in their order."""
    if len(text) < MIN_TRIPLE:
        return []
    named = _named_parts(text)
    if named:
        return named
    triples = []
    start = 0
    for line in text.splitlines(keepends=True):
        if len(line) <= MAX_LINE:
            for parts in _line(line):
                head, (label, place), tail = (_stripped(*part) for part in parts)
                if _is_name(head[0]) and _is_name(label) and _is_name(tail[0]):
                    triples.append((head[0], label, tail[0], start + place))
        start += len(line)
    return triples


def worded_label(text: str) -> Optional[Tuple[str, int]]:
    """The label, and its place, if a text is nothing else."""
    match = _LABEL.fullmatch(text) if len(text) <= 100 else None
    return (match["label"], match.start("label")) if match else None


def _line(line: str) -> Iterator[List[_Part]]:
    """The parts of the triples in a line, each with its place."""
    found = [[(m[i], m.start(i)) for i in (1, 2, 3)] for m in _IN_BRACKETS.finditer(line)]
    found += [[(m[i], m.start(i)) for i in (2, 1, 3)] for m in _FUNCTION.finditer(line)]
    if found:
        yield from found
        return
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    line = line.rstrip()
    for split in _SPLITS:
        parts = split(line, start)
        if len(parts) == 3:
            yield parts
            return


def _split_at(pattern: "re.Pattern[str]", line: str, start: int) -> List[_Part]:
    parts = []
    for match in pattern.finditer(line, start):
        parts.append((line[start : match.start()], start))
        start = match.end()
    return [*parts, (line[start:], start)]


def _split_at_bars(line: str, start: int) -> List[_Part]:
    parts = _split_at(_BARS, line, start)
    return [part for part in parts if part[0].strip()]  # rows begin and end with a bar


def _split_at_arrows(line: str, start: int) -> List[_Part]:
    return _split_at(_ARROWS, line, start)


def _split_at_ids(line: str, start: int) -> List[_Part]:
    match = _IDS.fullmatch(line, start)
    return [(match[i], match.start(i)) for i in (1, 2, 3)] if match else []


def _split_at_capitals(line: str, start: int) -> List[_Part]:
    labels = list(_CAPITALS.finditer(line, start))
    if len(labels) != 1:
        return []
    first, end = labels[0].span()
    return [(line[start:first], start), (labels[0][0], first), (line[end:], end)]


_SPLITS: List[Callable[[str, int], List[_Part]]] = [
    _split_at_bars,
    _split_at_arrows,
    _split_at_ids,
    _split_at_capitals,
]


def _stripped(part: str, place: int) -> _Part:
    left = part.lstrip(_QUOTES)
    return left.rstrip(_QUOTES + ".;,"), place + len(part) - len(left)


def _is_name(part: str) -> bool:
    """Whether it may be a name or label, and not the heading of a table or a rule in it."""
    return any(c.isalnum() for c in part) and part.lower() not in (*_ROLES, "tail", "object")


def _named_parts(text: str) -> List[WordedTriple]:
    """Triples whose parts stand behind their names, in one line or in several."""
    triples = []
    parts: List[Optional[_Part]] = [None, None, None]
    for match in _NAMED_PART.finditer(text):
        role = _ROLES.get(match["name"].lower().replace(" ", ""), 2)
        if parts[role] is not None:
            parts = [None, None, None]
        parts[role] = _stripped(match["value"], match.start("value"))
        head, label, tail = parts
        if head and label and tail:
            triples.append((head[0], *label, tail[0]))
            parts = [None, None, None]
    return [
        (head, label, tail, place)
        for head, label, place, tail in triples
        if head and label and tail
    ]
