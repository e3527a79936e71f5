"""Events of case reports, PHEE of Sun et al. 2022, https://github.com/ZhaoyueSun/PHEE.

One JSON object a line: a sentence as ``context``, and the events of its annotator, each with a
``Trigger`` and roles, which hold lists of their mentions and further roles::

    {"id": "a_1", "context": "...", "is_mult_event": false, "annotations": [{"events": [{
     "event_id": "E1", "event_type": "Adverse_event", "Trigger": {"text": [["due to"]], "start": [[7]],
     "entity_id": ["T1"]}, "Treatment": {..., "Drug": {...}}}]}]}

A role inside of another one is called ``Treatment.Drug``; a mention has the last part as its type, and
several parts of a text, ``[["a", "b"]]``, are fragments of one. What else a role says, such as the
``value`` of ``Negated``, is an attribute of the event. Events inside of a role, the ``Combination`` of
drugs, are events of their own.
"""

from typing import Any, Dict, Iterator, List, Tuple

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedEvent, AnnotatedMention, MentionId
from ..format import AnnotationFormat
from ..records import Record, get, get_items, json_detector, json_reader, read_meta
from ..report import Report

TRIGGER = "Trigger"

_FIELDS = frozenset({"id", "context", "annotations"})
_MENTION_KEYS = frozenset({"text", "start", "entity_id"})
_MAX_DEPTH = 10


class _Reader:
    """The mentions and events of one sentence."""

    def __init__(self) -> None:
        self.mentions: Dict[MentionId, AnnotatedMention] = {}
        self.events: List[AnnotatedEvent] = []

    def event(self, data: Record, depth: int = 0) -> None:
        label, name = get(data, "event_type", str), get(data, "event_id", str)
        arguments: List[Tuple[str, MentionId]] = []
        attributes: Dict[str, Any] = {}
        inner: List[Record] = []
        for key, value in data.items():
            if isinstance(value, dict):
                arguments += self._role(key, value, attributes, inner, depth)
            elif key not in ("event_type", "event_id"):
                attributes[key] = value
        triggers = [key for role, key in arguments if role == TRIGGER]
        if len(triggers) > 1:
            raise DataError(f"event {name:.60}: {len(triggers)} triggers; expected one")
        roles = tuple(part for part in arguments if part[0] != TRIGGER)
        trigger = triggers[0] if triggers else None
        self.events.append(AnnotatedEvent(label, roles, trigger, id=name, attributes=attributes))
        for record in inner:
            self.event(record, depth + 1)

    def _role(
        self,
        role: str,
        data: Record,
        attributes: Dict[str, Any],
        inner: List[Record],
        depth: int,
    ) -> Iterator[Tuple[str, MentionId]]:
        if depth > _MAX_DEPTH:
            raise DataError(f'"{role:.60}": nested more than {_MAX_DEPTH} levels deep')
        for texts, starts, name in _rows(data, role):
            places = tuple((start, start + len(text)) for text, start in zip(texts, starts))
            found = AnnotatedMention(
                name,
                places[0][0],
                places[-1][1],
                role.rpartition(".")[2],
                fragments=places if len(places) > 1 else (),
            )
            yield role, self.mentions.setdefault(name, found).id
        for key, value in data.items():
            if isinstance(value, dict):
                yield from self._role(f"{role}.{key}", value, attributes, inner, depth + 1)
            elif isinstance(value, list) and key not in _MENTION_KEYS:
                inner += get_items(data, key, dict)
            elif key not in _MENTION_KEYS:
                attributes[f"{role}.{key}"] = value


def _rows(data: Record, role: str) -> Iterator[Tuple[List[str], List[int], str]]:
    """The texts, starts and id of each mention of a role."""
    columns = [get_items(data, key, list) for key in ("text", "start")]
    names = get_items(data, "entity_id", str)
    if {len(column) for column in columns} != {len(names)}:
        raise DataError(f'"{role:.60}": expected as many texts and starts as ids, {len(names)}')
    for texts, starts, name in zip(*columns, names):
        fits = len(texts) == len(starts) > 0 and all(type(start) is int for start in starts)
        if not fits or not all(isinstance(text, str) and text for text in texts):
            raise DataError(f'"{role:.60}": {shown(texts)} at {shown(starts)} are no mention')
        yield texts, starts, name


def _read(record: Record, place: str, report: Report) -> Annotated:
    text, reader = get(record, "context", str), _Reader()
    for annotation in get_items(record, "annotations", dict):
        for event in get_items(annotation, "events", dict):
            reader.event(event)
    return Annotated(
        place=place,
        text=text,
        mentions=list(reader.mentions.values()),
        events=reader.events,
        meta=read_meta(record, _FIELDS - {"id"}),
    )


FORMAT = AnnotationFormat(
    name="phee",
    description="events of case reports, JSONL of PHEE, Sun et al. 2022",
    read=json_reader(_read),
    looks_like=json_detector(
        lambda record: isinstance(record.get("context"), str) and "annotations" in record
    ),
    sample="""\
{"id": "d1", "context": "Nausea due to aspirin.", "is_mult_event": false, "annotations": [{"events": [\
{"event_id": "E1", "event_type": "Adverse_event", \
"Trigger": {"text": [["due to"]], "start": [[7]], "entity_id": ["T1"]}, \
"Effect": {"text": [["Nausea"]], "start": [[0]], "entity_id": ["T2"]}, \
"Treatment": {"text": [["aspirin"]], "start": [[14]], "entity_id": ["T3"], \
"Drug": {"text": [["aspirin"]], "start": [[14]], "entity_id": ["T4"]}}}]}]}
""",
)
