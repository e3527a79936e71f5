"""Writing of brat's standoff; see :mod:`.brat`."""

import re
from itertools import count
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from ...errors import shown
from ...files import open_output
from ..annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
)
from ..checks import keep_fitting
from ..report import Report
from ._document_files import write_document_files

ENDING = ".ann"

ARGUMENTS = "argument names"
"""Attribute of relations whose arguments are not called Arg1 and Arg2; ``*`` of symmetric and transitive
relations, whose arguments have no names. No brat attribute has a space."""

FLAGS = {"Negation": ("polarity", "negated"), "Speculation": ("modality", "possible")}
"""What attributes of relations and events mean that are called so in brat's own examples and BioNLP."""

EQUIVALENCE = "Equiv"

NO_DATABASE = "KB"
"""Name of the knowledge base of ids that do not tell theirs, which brat needs."""

_WORD, _ROLE, _LINE = re.compile(r"\S+"), re.compile(r"[^\s:]+"), re.compile(r"[^\n]+")
_NUMBERED = re.compile(r"(.+?)\d+")
_DATABASE_ID = re.compile(r"[^\s:]+:\S+")


def write_brat(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file ``NAME.ann`` with its text beside it, or a folder of them."""

    def write(annotated: Annotated, file: Path) -> None:
        lines = [f"{line}\n" for line in _Lines(annotated, report).all()]
        with open_output(file.with_suffix(".txt")) as output:
            output.write(annotated.text or "")
        with open_output(file) as output:
            output.writelines(lines)

    write_document_files(documents, path, ENDING, write, report)


class _Lines:
    """The annotations of one document as lines."""

    def __init__(self, annotated: Annotated, report: Report) -> None:
        annotated = keep_fitting(
            annotated,
            report,
            lambda mention: _label_problem(mention.label),
            lambda relation, head, tail: _label_problem(relation.label),
        )
        self._annotated = annotated
        self._report = report
        self._counts: Dict[str, int] = {}
        ids: List[Optional[MentionId]] = [mention.id for mention in annotated.mentions]
        self._names = dict(zip(ids, _names("T", ids)))

    def all(self) -> Iterator[str]:
        """All lines."""
        events = [event for event in self._annotated.events if self._is_event(event)]
        implied = {(e.trigger, role, key) for e in events for role, key in e.arguments}
        implied = {part for part in implied if part[0] != part[2]}
        plain = {
            (relation.head, relation.label, relation.tail)
            for relation in self._annotated.relations
            if relation.id is None and not relation.attributes
        }
        if implied - plain:
            message = (
                "events that are read with relations from their triggers to their arguments, too"
            )
            self._report.note(message, place=self._annotated.place)
        relations = [
            relation
            for relation in self._annotated.relations
            if (relation.head, relation.label, relation.tail) not in implied
            or relation.id is not None
            or relation.attributes
        ]
        for mention in self._annotated.mentions:
            yield self._mention(mention)
        relation_names = _names("R", [relation.id for relation in relations])
        for name, relation in zip(relation_names, relations):
            head, tail = self._names[relation.head], self._names[relation.tail]
            if relation.attributes == {ARGUMENTS: "*"} and relation.label != EQUIVALENCE:
                yield f"*\t{relation.label} {head} {tail}"
                continue
            first, second = self._arguments(relation)
            if relation.id not in (None, name):
                self._lost("names of relations")
            yield f"{name}\t{relation.label} {first}:{head} {second}:{tail}"
        event_names = _names("E", [event.id for event in events])
        for name, event in zip(event_names, events):
            if event.id not in (None, name):
                self._lost("names of events")
            yield self._event(name, event)
        for cluster in self._annotated.clusters:
            yield f"*\t{EQUIVALENCE} {' '.join(self._names[key] for key in cluster)}"
        for mention in self._annotated.mentions:
            yield from self._attributes(self._names[mention.id], mention.attributes)
            yield from self._reference(mention)
        for name, relation in zip(relation_names, relations):
            yield from self._attributes(name, _flagged(relation.attributes))
        for name, event in zip(event_names, events):
            yield from self._attributes(name, _flagged(event.attributes))

    def _mention(self, mention: AnnotatedMention) -> str:
        """A mention; brat wants one fragment for each line of the text."""
        text = self._annotated.text or ""
        fragments = [
            (start + match.start(), start + match.end())
            for start, end in mention.fragments or [(mention.start, mention.end)]
            for match in _LINE.finditer(text[start:end])
        ]
        ranges = ";".join(f"{start} {end}" for start, end in fragments)
        shown = " ".join(text[start:end] for start, end in fragments)
        return f"{self._names[mention.id]}\t{mention.label} {ranges}\t{shown}"

    def _is_event(self, event: AnnotatedEvent) -> bool:
        """Whether brat has such an event; what it does not have of one is noted."""
        roles = [role for role, _ in event.arguments]
        if event.trigger is None or not all(map(_ROLE.fullmatch, [event.label, *roles])):
            self._lost("events without trigger, or with labels or roles of other characters,")
            return False
        written = _numbered(roles)
        if [without_number(role, written) for role in written] != roles:
            self._lost("roles that end with a number")
            return False
        if event.score != 1.0:
            self._lost("scores of events")
        return True

    def _event(self, name: str, event: AnnotatedEvent) -> str:
        roles = _numbered([role for role, _ in event.arguments])
        parts = [f"{event.label}:{self._names[event.mentions[0]]}"]
        parts += [f"{role}:{self._names[key]}" for role, (_, key) in zip(roles, event.arguments)]
        return f"{name}\t{' '.join(parts)}"

    def _arguments(self, relation: AnnotatedRelation) -> Tuple[str, str]:
        names = relation.attributes.get(ARGUMENTS)
        if names is not None:
            if (
                isinstance(names, list)
                and [bool(_ROLE.fullmatch(str(n))) for n in names] == [True] * 2
            ):
                return str(names[0]), str(names[1])
            self._lost("names of arguments")
        return "Arg1", "Arg2"

    def _attributes(self, target: str, attributes: Dict[str, Any]) -> Iterator[str]:
        for name, value in attributes.items():
            if name == ARGUMENTS:
                continue
            values = value if isinstance(value, list) else [value]
            if isinstance(value, list) and len(value) < 2:  # read as one value, or none
                self._lost("lists without several values")
            for item in values:
                if not _WORD.fullmatch(name) or name == "#":
                    self._lost("attributes")
                elif name.startswith("#") and isinstance(item, str):
                    if "\n" in item or item.endswith("\r"):
                        self._lost("line breaks of notes")
                    note = item.replace("\n", " ").rstrip("\r")
                    yield f"{self._next('#')}\t{name[1:]} {target}\t{note}"
                elif item is True:
                    yield f"{self._next('A')}\t{name} {target}"
                elif isinstance(item, str) and _WORD.fullmatch(item):
                    yield f"{self._next('A')}\t{name} {target} {item}"
                else:
                    self._lost("attributes")

    def _reference(self, mention: AnnotatedMention) -> Iterator[str]:
        kb_id = mention.kb_id
        if not kb_id:
            return
        if not _DATABASE_ID.fullmatch(kb_id) or kb_id.startswith(f"{NO_DATABASE}:"):
            kb_id = f"{NO_DATABASE}:{kb_id}"
        if not _DATABASE_ID.fullmatch(kb_id):
            self._lost("knowledge-base ids")
            return
        yield f"{self._next('N')}\tReference {self._names[mention.id]} {kb_id}\t"

    def _next(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}{self._counts[kind]}"

    def _lost(self, what: str) -> None:
        self._report.note(f"{what} that brat does not allow", place=self._annotated.place)


def _flagged(attributes: Dict[str, Any]) -> Dict[str, Any]:
    """Attributes with brat's own names for polarity and modality."""
    names = {item: name for name, item in FLAGS.items()}
    pairs = ((name, value, (name, str(value))) for name, value in attributes.items())
    return {names.get(item, name): item in names or value for name, value, item in pairs}


def _label_problem(label: str) -> Optional[str]:
    if _WORD.fullmatch(label):
        return None
    return f"brat does not allow white space in labels: {shown(label)}"


def _numbered(roles: List[str]) -> List[str]:
    """The roles with numbers from the second one of a name on."""
    counts: Dict[str, int] = {}
    names = []
    for role in roles:
        counts[role] = counts.get(role, 0) + 1
        names.append(role if counts[role] == 1 else f"{role}{counts[role]}")
    return names


def without_number(role: str, roles: List[str]) -> str:
    """The role as which one of several is read: Theme2 is the second Theme.

    Args:
        role: a role of an event.
        roles: all of them.
    """
    match = _NUMBERED.fullmatch(role)
    return match[1] if match is not None and match[1] in roles else role


def _names(kind: str, ids: List[Optional[MentionId]]) -> List[str]:
    """A name for each id, itself if it is one of brat's: T1, R1."""
    pattern = re.compile(rf"{kind}[0-9]+")
    kept = [key if isinstance(key, str) and pattern.fullmatch(key) else None for key in ids]
    taken = set(kept)
    free = (name for number in count(1) if (name := f"{kind}{number}") not in taken)
    used: Set[str] = set()
    names: List[str] = []
    for key in kept:
        name = next(free) if key is None or key in used else key
        used.add(name)
        names.append(name)
    return names
