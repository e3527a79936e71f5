"""brat's standoff: for each text ``NAME.txt`` a file ``NAME.ann``, one annotation a line.

::

    T1<TAB>PERSON 0 4<TAB>Jobs                          mention; fragments are separated by ;
    R1<TAB>FOUNDED_BY Arg1:T2 Arg2:T1                   relation from the first to the second
    E1<TAB>Founding:T3 Founder:T1 Organisation:T2       event
    *<TAB>Equiv T1 T4                                   cluster
    A1<TAB>Confidence R1 High                           attribute; M is the same
    N1<TAB>Reference T1 Wikidata:Q19837<TAB>Steve Jobs  knowledge-base id
    #1<TAB>AnnotatorNotes T1<TAB>a note

An event is read as such, and as relations from its trigger to each argument, labelled with the role; an
event in a role is its trigger there, while its attributes and notes are its own. ``Negation`` and
``Speculation`` of relations and events are their polarity and modality. brat has no
mentions across lines: fragments with nothing but white space between them are one mention. Offsets are
characters of the text file; the text of the mentions tells if they are UTF-16 units, or count line ends
or a byte order mark otherwise than they are. Lines with ``*`` and another name than Equiv are relations
that are symmetric and transitive: each mention has one to the next.

The BioNLP shared tasks divide a file: ``NAME.a1`` has mentions, and ``NAME.a2``, ``NAME.rel`` or
``NAME.co`` what is to be found. They are read as one file, and ``OntoBiotope Annotation:T1
Referent:OBT:1`` as a knowledge-base id.
Described at https://brat.nlplab.org/standoff.html.
"""

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Dict, Iterator, List, Match, Optional, Tuple

from ...errors import DataError
from ...files import files_below
from ..annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
)
from ..format import AnnotationFormat
from ..records import read_each
from ..report import Report
from ..text_files import read_lines, read_text
from ._document_files import document_files
from ._shown import ShownText
from .brat_writer import (
    ARGUMENTS,
    ENDING,
    EQUIVALENCE,
    FLAGS,
    NO_DATABASE,
    without_number,
    write_brat,
)

_SPAN = re.compile(r"(\S+) (\d{1,15} \d{1,15}(?:;\d{1,15} \d{1,15})*) *")
_REFERENCE = re.compile(r"(\S+) (\S+) (\S+?):(\S+) *")
_NORMALIZATION = re.compile(r"(\S+) Annotation:(\S+) Referent:(\S+)")
_LINE = re.compile(r"([TREAMN#]\w*|\*)\t")

_FIRST = ".a1"
_PARTS = (_FIRST, ".a2", ".rel", ".co")
"""Endings of the files that the BioNLP shared tasks have in the place of one."""


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    for text_file in files_below(path, ".txt") if path.is_dir() else []:
        if not any(text_file.with_suffix(ending).exists() for ending in (ENDING, _FIRST)):
            report.note("texts without an .ann file were left out", place=str(text_file))
    if path.is_dir() or path.suffix not in _PARTS:
        yield from read_each(document_files(path, ENDING), _read, report)
    if path.is_dir() or path.suffix in _PARTS:
        parts = document_files(path, _FIRST if path.is_dir() else path.suffix)
        yield from read_each(parts, _read, report)


def _read(source: Tuple[Path, str], place: str, report: Report) -> Annotated:
    file, name = source
    # brat counts a byte order mark as a character
    document = _Document(file, read_text(file.with_suffix(".txt"), "utf-8"), report)
    parts = [file.with_suffix(ending) for ending in _PARTS] if file.suffix in _PARTS else [file]
    lines = [
        (f"{part}, line {number}", line)
        for part in parts
        if part == file or part.exists()
        for number, line in read_lines(part)
    ]
    return document.read(lines, {"id": name})


def _looks_like(head: str) -> bool:
    lines = [line for line in head.split("\n") if line.strip()]
    complete = lines[:-1] or lines
    return bool(lines) and all(_LINE.match(line) for line in complete)


@dataclass
class _Document:
    """The annotations of one file. Triggers stand for their events."""

    file: Path
    text: str
    report: Report
    mentions: Dict[MentionId, AnnotatedMention] = field(default_factory=dict)
    relations: Dict[str, AnnotatedRelation] = field(default_factory=dict)
    triggers: Dict[str, str] = field(default_factory=dict)
    clusters: Dict[int, List[str]] = field(default_factory=dict)
    cluster_of: Dict[str, int] = field(default_factory=dict)
    events: Dict[str, AnnotatedEvent] = field(default_factory=dict)
    symmetric: List[AnnotatedRelation] = field(default_factory=list)
    shown: ShownText = field(default_factory=lambda: ShownText(""))

    def read(self, lines: List[Tuple[str, str]], meta: Dict[str, Any]) -> Annotated:
        """Read lines with their places, mentions before what refers to them: their order is free."""
        spans = [line.split("\t") for _, line in lines if line.startswith("T")]
        matches = [(_SPAN.fullmatch(parts[1]), parts) for parts in spans if len(parts) > 2]
        items = [(_fragments(match), parts[2]) for match, parts in matches if match is not None]
        self.shown = ShownText(self.text, items)
        for kinds in ("T", "E", "R", "*", "AM", "N", "#"):
            for place, line in lines:
                if line[:1] in kinds:
                    self._read_line(place, line)
        for place, line in lines:
            if line[:1] not in "TERAMN#*":
                self.report.problem(
                    f"not an annotation: {line[:40]!r}", place=place, skips="mention"
                )
        events = [self._with_targets(event) for event in self.events.values()]
        flat = [
            AnnotatedRelation(event.trigger, mention, role)
            for event in events
            for role, mention in event.arguments
            if event.trigger not in (None, mention)
        ]
        return Annotated(
            place=str(self.file),
            text=self.text,
            mentions=list(self.mentions.values()),
            relations=[*self.relations.values(), *self.symmetric, *flat],
            events=events,
            clusters=[[*members] for members in self.clusters.values()],
            meta=meta,
        )

    def _read_line(self, place: str, line: str) -> None:
        key, _, rest = line.partition("\t")
        data, _, tail = rest.partition("\t")
        read, kind = {
            "T": (self._mention, "mention"),
            "E": (self._event, "relation"),
            "R": (self._relation, "relation"),
            "*": (self._equiv, "equivalences"),
            "A": (self._attribute, "attributes"),
            "M": (self._attribute, "attributes"),
            "N": (self._reference, "knowledge-base ids"),
            "#": (self._note, "notes"),
        }[line[0]]
        message = read(key, data, tail)
        if message is not None and line[0] in "TRE":
            self.report.problem(message, place=place, skips=kind)
        elif message is not None:
            self.report.note(f"{kind} that are broken or of something unknown", place=place)

    def _mention(self, key: str, data: str, tail: str) -> Optional[str]:
        match = _SPAN.fullmatch(data)
        if match is None:
            return f"expected a type, a start and an end, got {data[:60]!r}"
        if key in self.mentions:
            return f"two mentions are called {key}"
        try:
            fragments = self.shown.find(_fragments(match), tail)
        except DataError as err:
            return err.message
        joined = _join(fragments, self.text)
        if len(joined) < len(fragments):
            message = "fragments of mentions with only white space between them were joined"
            self.report.note(message, place=str(self.file))
        self.mentions[key] = AnnotatedMention(
            key,
            joined[0][0],
            joined[-1][1],
            match[1],
            fragments=tuple(joined) if len(joined) > 1 else (),
        )
        return None

    def _event(self, key: str, data: str, tail: str) -> Optional[str]:
        parts = [part.partition(":")[::2] for part in data.split()]
        if not parts or not all(role and target for role, target in parts):
            return f"expected roles and what fills them, got {data[:60]!r}"
        if key in self.triggers:
            return f"two events are called {key}"
        (label, trigger), arguments = parts[0], parts[1:]
        self.triggers[key] = trigger
        roles = [role for role, _ in arguments]
        named = tuple((without_number(role, roles), target) for role, target in arguments)
        self.events[key] = AnnotatedEvent(label, named, trigger, id=key)
        message = "events: read as relations from their triggers to their arguments"
        self.report.note(message, place=str(self.file))
        return None

    def _relation(self, key: str, data: str, tail: str) -> Optional[str]:
        label, *arguments = data.split()[:4] or [""]
        parts = [argument.partition(":")[::2] for argument in arguments]
        if len(parts) != 2 or not all(role and target for role, target in parts):
            return f"expected a type and two arguments, got {data[:60]!r}"
        if key in self.relations:
            return f"two relations are called {key}"
        if {role for role, _ in parts} == {"Arg1", "Arg2"}:
            parts.sort()  # names say which is which, in whatever order they are written
        (first, head), (second, tail) = parts
        names = [first, second]
        self.relations[key] = AnnotatedRelation(
            self._target(head),
            self._target(tail),
            label,
            id=key,
            attributes={} if names == ["Arg1", "Arg2"] else {ARGUMENTS: names},
        )
        return None

    def _equiv(self, key: str, data: str, tail: str) -> Optional[str]:
        label, *names = data.split() or [""]
        members = [self._target(name) for name in names]
        if not members:
            return "no members"
        if label != EQUIVALENCE:
            pairs = list(pairwise(members))
            self.symmetric += [
                AnnotatedRelation(head, tail, label, attributes={ARGUMENTS: "*"})
                for head, tail in pairs
            ]
            return None if pairs else "a single member"
        # Equivalences that share a mention are one.
        known = [self.cluster_of[name] for name in members if name in self.cluster_of]
        number = known[0] if known else len(self.cluster_of)
        cluster = self.clusters.setdefault(number, [])
        others = [key for other in known if other != number for key in self.clusters.pop(other, [])]
        new = [*others, *(name for name in members if name not in self.cluster_of)]
        cluster += dict.fromkeys(new)
        self.cluster_of.update(dict.fromkeys(new, number))
        return None

    def _attribute(self, key: str, data: str, tail: str) -> Optional[str]:
        name, *rest = data.split(maxsplit=2) or [""]
        if not rest:
            return "no target"
        value: Any = rest[1] if len(rest) > 1 else True
        return self._annotate(rest[0], name, value.rstrip() if isinstance(value, str) else value)

    def _reference(self, key: str, data: str, tail: str) -> Optional[str]:
        match = _REFERENCE.fullmatch(_NORMALIZATION.sub(r"Reference \2 \1:\3", data))
        target = self._target(match[2]) if match is not None else ""
        if match is None or target not in self.mentions:
            return "unknown"
        mention = self.mentions[target]
        if mention.kb_id:
            message = "mentions with several knowledge-base ids, of which the first was read"
            self.report.note(message, place=str(self.file))
            return None
        name = tail.strip()
        if name and name != self.text[mention.start : mention.end]:
            message = "names of knowledge-base entries, which are not read"
            self.report.note(message, place=str(self.file))
        kb_id = match[4] if match[3] == NO_DATABASE else f"{match[3]}:{match[4]}"
        self.mentions[target] = replace(mention, kb_id=kb_id)
        return None

    def _note(self, key: str, data: str, tail: str) -> Optional[str]:
        parts = data.split()
        if len(parts) != 2:
            return "no target"
        return self._annotate(parts[1], f"#{parts[0]}", tail)

    def _annotate(self, target: str, name: str, value: Any) -> Optional[str]:
        """Add an attribute to what has this id; of equal names the values become a list."""
        flag = value is True
        if flag and target not in self.mentions:
            name, value = FLAGS.get(name, (name, value))
        holders: List[Dict[Any, Any]] = [self.mentions, self.relations, self.events]
        for items in holders:
            if target in items:
                attributes = items[target].attributes
                if name in attributes:
                    before = attributes[name]
                    if flag and before == value:
                        return None
                    value = [*(before if isinstance(before, list) else [before]), value]
                items[target] = replace(items[target], attributes={**attributes, name: value})
                return None
        return "unknown"

    def _with_targets(self, event: AnnotatedEvent) -> AnnotatedEvent:
        """The event with mentions in the place of events."""
        arguments = tuple((role, self._target(str(key))) for role, key in event.arguments)
        return replace(event, arguments=arguments, trigger=self._target(str(event.trigger)))

    def _target(self, key: str) -> str:
        """The id of a mention: an event's is that of its trigger."""
        return self.triggers.get(key, key)


def _fragments(match: Match[str]) -> List[Tuple[int, int]]:
    numbers = [[int(n) for n in fragment.split(" ")] for fragment in match[2].split(";")]
    return [(start, end) for start, end in numbers]


def _join(fragments: List[Tuple[int, int]], text: str) -> List[Tuple[int, int]]:
    """The fragments, those as one that have only white space between them."""
    joined = fragments[:1]
    for start, end in fragments[1:]:
        first, last = joined[-1]
        if last <= start and not text[last:start].strip():
            joined[-1] = (first, end)
        else:
            joined.append((start, end))
    return joined


FORMAT = AnnotationFormat(
    name="brat",
    description="brat's standoff, .txt and .ann, and that of BioNLP, .txt, .a1 and .a2",
    read=_read_file,
    write=write_brat,
    looks_like=_looks_like,
    holds=frozenset(
        {
            *("clusters", "fragments", "kb_ids", "mention_attributes"),
            *("relation_ids", "relation_attributes", "events", "id"),
        }
    ),
    folder=ENDING,
    more_endings=frozenset({_FIRST}),
    sample={
        "example.ann": "T1\tPERSON 0 4\tJobs\n"
        "T2\tORG 13 18\tApple\n"
        "T3\tPERSON 20 22\tHe\n"
        "T4\tFounding 5 12\tfounded\n"
        "R1\tFOUNDED_BY Arg1:T2 Arg2:T1\n"
        "E1\tFounding:T4 Founder:T1 Organisation:T2\n"
        "*\tEquiv T1 T3\n"
        "A1\tConfidence R1 High\n"
        "A2\tNegation E1\n"
        "N1\tReference T1 Wikidata:Q19837\tJobs\n"
        "#1\tAnnotatorNotes T1\ta note\n",
        "example.txt": "Jobs founded Apple. He left.\n",
    },
)
