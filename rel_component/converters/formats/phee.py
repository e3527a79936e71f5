"""Events of case reports, PHEE of Sun et al. 2022, https://github.com/ZhaoyueSun/PHEE.

One JSON object a line: a sentence as ``context``, and the events of its annotator, each with a
``Trigger`` and roles, which hold lists of their mentions and further roles::

    {"id": "a_1", "context": "...", "is_mult_event": false, "annotations": [{"events": [{
     "event_id": "E1", "event_type": "Adverse_event", "Trigger": {"text": [["due to"]], "start": [[7]],
     "entity_id": ["T1"]}, "Treatment": {..., "Drug": {...}}}]}]}

A role inside of another one is called ``Treatment.Drug``; a mention has the last part as its type, and
several parts of a text, ``[["a", "b"]]``, are fragments of one. What else a role says, such as the
``value`` of ``Negated``, is an attribute of the event. Events inside of a role, the ``Combination`` of
drugs, are events of their own. They are written beside the others, and mentions that are in no event
not at all.
"""

from typing import Any, Dict, Iterator, List, Optional, Tuple

from ...errors import DataError, shown
from ..annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    MentionId,
    string_ids,
)
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_items,
    json_detector,
    json_reader,
    json_writer,
    read_meta,
    write_meta,
)
from ..report import Report

TRIGGER = "Trigger"

_EVENT_KEYS = frozenset({"event_type", "event_id"})
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
            elif key not in _EVENT_KEYS:
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
            # parts of a mention may be listed in the order of its meaning
            places = tuple(sorted((start, start + len(text)) for text, start in zip(texts, starts)))
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


class _Writer:
    """The events of one document as records."""

    def __init__(self, annotated: Annotated, report: Report) -> None:
        self.annotated = annotated
        self.report = report
        self.mentions = {mention.id: mention for mention in annotated.mentions}
        self.names = string_ids([*self.mentions])

    def event(self, event: AnnotatedEvent, number: int) -> Record:
        name = f"E{number}" if event.id is None else str(event.id)
        record: Record = {"event_type": event.label, "event_id": name}
        triggers = [] if event.trigger is None else [(TRIGGER, event.trigger)]
        for role, _ in event.arguments:
            self._note(role == TRIGGER, f"roles with the name {TRIGGER}")
        arguments = [part for part in event.arguments if part[0] != TRIGGER]
        for role, key in (*triggers, *arguments):
            found = self._role(record, role.split("."))
            if found is not None:
                self._add(found, role, key)
        for name, value in event.attributes.items():
            self._attribute(record, name, value)
        self._note(event.score != 1.0, "scores of events")
        return record

    def _role(self, record: Record, parts: List[str]) -> Optional[Record]:
        """The record of a role inside of those around it; None if the format cannot have it."""
        keys = _EVENT_KEYS
        is_deep = len(parts) > _MAX_DEPTH
        for part in parts:
            if part in keys or is_deep:
                self._note(True, "roles with the names of fields, or in more than 10 others")
                return None
            record, keys = record.setdefault(part, {}), _MENTION_KEYS
        return record

    def _add(self, record: Record, role: str, key: MentionId) -> None:
        mention, text = self.mentions[key], self.annotated.text or ""
        places = mention.fragments or ((mention.start, mention.end),)
        row = {
            "text": [text[start:end] for start, end in places],
            "start": [start for start, _ in places],
            "entity_id": self.names[key],
        }
        for name, value in row.items():
            record.setdefault(name, []).append(value)
        self._note(mention.label != role.rpartition(".")[2], "types of mentions")

    def _attribute(self, record: Record, name: str, value: Any) -> None:
        """Add an attribute to the role that it is about, if there is one."""
        role, _, last = name.rpartition(".")
        place: Any = record
        for part in role.split(".") if role else ():
            place = place.get(part) if isinstance(place, dict) else None
        is_nested = role and isinstance(place, dict) and not isinstance(value, list)
        if is_nested and last not in _MENTION_KEYS | place.keys() and not isinstance(value, dict):
            place[last] = value
        elif name in record or isinstance(value, dict):
            self._note(True, "attributes of events that are objects, or have names of roles")
        else:
            record[name] = value

    def _note(self, is_lost: bool, what: str) -> None:
        if is_lost:
            self.report.note(f"{what}, which phee does not hold", place=self.annotated.place)


def _to_record(annotated: Annotated, report: Report) -> Record:
    writer = _Writer(annotated, report)
    events = [writer.event(event, i) for i, event in enumerate(annotated.events, start=1)]
    used = {key for event in annotated.events for key in event.mentions}
    n_alone = sum(mention.id not in used for mention in annotated.mentions)
    lost = {"relations": len(annotated.relations), "mentions of no event": n_alone}
    for what, n in lost.items():
        if n:
            report.note(f"{what}, which phee does not hold", place=annotated.place, count=n)
    fields = {"context": annotated.text or "", "annotations": [{"events": events}]}
    return {**write_meta(annotated, _FIELDS), **fields}


FORMAT = AnnotationFormat(
    name="phee",
    description="events of case reports, JSONL of PHEE, Sun et al. 2022",
    read=json_reader(_read),
    write=json_writer(_to_record),
    holds=frozenset({"fragments", "events", "id", "meta"}),
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
