"""The package's own format: one JSON object a line, offsets in characters.

Ends are exclusive; ids of entities are unique in their document. Other fields are kept, those beside the
text in ``meta``. Optional are:
``id`` and ``meta`` of the document, its ``sentences`` (where they start, in characters) and ``clusters``
(lists of ids of entities that are the same); ``kb_id``, ``attributes`` and ``fragments`` (``[[start,
end], ...]`` of a discontinuous mention) of an entity; ``id``, ``score``, ``evidence`` (positions in
``sentences``), ``polarity``, ``statement`` (the words of an open relation) and ``attributes`` of a
relation. The ``text`` of an entity is for people;
another one than that of its offsets becomes an attribute. A document may have ``events``, and these
``arguments`` (a role and the id of an entity each), a ``trigger``, ``id``, ``score`` and ``attributes``.
"""

from dataclasses import replace
from typing import Any, Dict, List, Tuple, Union, get_args

from ...errors import DataError, shown
from ...types import POLARITIES
from ..annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
    in_characters,
)
from ..format import AnnotationFormat, Facet
from ..records import (
    Record,
    first_records,
    get,
    get_id,
    get_items,
    get_score,
    json_reader,
    json_writer,
    read_attributes,
    read_meta,
)
from ..report import Report

KEYS = frozenset({"id", "text", "entities", "relations", "events", "clusters", "sentences", "meta"})
_NEEDED = {
    "entities": {"start", "end"},
    "relations": {"label", "head", "tail"},
    "events": {"label", "arguments"},
}
_ITEMS: Dict[str, Any] = {"clusters": list, "sentences": int, **dict.fromkeys(_NEEDED, dict)}
_MENTION_KEYS = frozenset({"id", "start", "end", "label", "kb_id", "fragments", "pieces"})
_RELATION_KEYS = frozenset({"id", "head", "tail", "label", "score", "evidence"})
_EVENT_KEYS = frozenset({"id", "label", "trigger", "arguments", "score"})


def _read(record: Record, place: str, report: Report) -> Annotated:
    has_sentences = record.get("sentences") is not None
    has_events = any(_NEEDED["events"] <= item.keys() for item in _objects(record, "events"))
    if record.get("events") and not has_events:
        report.note('"events" without "label" and "arguments", which are kept as meta', place=place)
    text = get(record, "text", str)
    return Annotated(
        place=place,
        text=text,
        mentions=[_mention(item, text) for item in get_items(record, "entities", dict)],
        relations=[_relation(item) for item in get_items(record, "relations", dict)],
        events=[_event(item) for item in get_items(record, "events", dict)] if has_events else [],
        clusters=[
            [get_id({"clusters": member}, "clusters") for member in members]
            for members in get_items(record, "clusters", list)
        ],
        sentence_starts=get_items(record, "sentences", int) if has_sentences else None,
        meta=read_meta(record, KEYS - ({"id", "meta"} if has_events else {"id", "meta", "events"})),
    )


def _mention(item: Record, text: str) -> AnnotatedMention:
    key = "pieces" if "pieces" in item else "fragments"  # their name in older files
    mention = AnnotatedMention(
        id=get_id(item, "id"),
        start=get(item, "start", int),
        end=get(item, "end", int),
        label=get(item, "label", str, default=""),
        kb_id=get(item, "kb_id", str, default=""),
        fragments=tuple(_range(fragment) for fragment in get_items(item, key, list)),
        attributes=read_attributes(item, _MENTION_KEYS),
    )
    if mention.attributes.get("text") == text[mention.start : mention.end]:
        del mention.attributes["text"]
    return mention


def _range(fragment: List[Any]) -> Tuple[int, int]:
    if len(fragment) != 2 or not all(type(position) is int for position in fragment):
        raise DataError(f'"fragments": expected pairs of integers, got {shown(fragment)}')
    return fragment[0], fragment[1]


def _relation(item: Record) -> AnnotatedRelation:
    return AnnotatedRelation(
        head=get_id(item, "head"),
        tail=get_id(item, "tail"),
        label=get(item, "label", str),
        score=get_score(item, default=1.0),
        id=get_id(item, "id") if item.get("id") is not None else None,
        evidence=tuple(get_items(item, "evidence", int)),
        attributes=read_attributes(item, _RELATION_KEYS),
    )


def _event(item: Record) -> AnnotatedEvent:
    return AnnotatedEvent(
        label=get(item, "label", str),
        arguments=tuple(
            (get(part, "role", str), get_id(part, "mention"))
            for part in get_items(item, "arguments", dict)
        ),
        trigger=get_id(item, "trigger") if item.get("trigger") is not None else None,
        score=get_score(item, default=1.0),
        id=get_id(item, "id") if item.get("id") is not None else None,
        attributes=read_attributes(item, _EVENT_KEYS),
    )


def _event_record(event: AnnotatedEvent) -> Record:
    arguments = [{"role": role, "mention": key} for role, key in event.arguments]
    trigger = {} if event.trigger is None else {"trigger": event.trigger}
    others = {
        k: v for k, v in _without_defaults(event).items() if k not in ("trigger", "arguments")
    }
    return {**others, **trigger, "arguments": arguments}


def to_record(annotated: Annotated) -> Record:
    """The record of a document."""
    annotated = in_characters(annotated)
    meta = dict(annotated.meta)
    record: Record = {"id": meta.pop("id")} if "id" in meta else {}
    record["text"] = annotated.text
    record["entities"] = [_without_defaults(mention) for mention in annotated.mentions]
    record["relations"] = [_relation_record(relation) for relation in annotated.relations]
    if annotated.events:
        record["events"] = [_event_record(event) for event in annotated.events]
    if annotated.clusters:
        record["clusters"] = annotated.clusters
    if annotated.sentence_starts is not None:
        record["sentences"] = annotated.sentence_starts
    if meta:
        record["meta"] = meta
    return record


_DEFAULTS: Record = {
    **{"id": None, "kb_id": "", "fragments": ()},
    **{"score": 1.0, "evidence": (), "attributes": {}},
}


def _without_defaults(item: Union[AnnotatedMention, AnnotatedRelation, AnnotatedEvent]) -> Record:
    fields = {"id": item.id, **vars(item)}
    return {k: value for k, value in fields.items() if k not in _DEFAULTS or value != _DEFAULTS[k]}


def _relation_record(relation: AnnotatedRelation) -> Record:
    others = dict(relation.attributes)
    known = {"polarity": others.pop("polarity")} if others.get("polarity") in POLARITIES else {}
    if isinstance(others.get("statement"), dict):
        known["statement"] = others.pop("statement")
    return {**_without_defaults(replace(relation, attributes=others)), **known}


def _looks_like(head: str) -> bool:
    records = first_records(head)
    tells = any(_objects(record, "entities") for record in records)
    return bool(records) and all(
        _fits(record) and (tells or record.keys() <= KEYS) for record in records
    )


def _fits(record: Record) -> bool:
    return isinstance(record.get("text"), str) and all(
        _NEEDED[key] <= item.keys()
        for key in ("entities", "relations")
        for item in _objects(record, key)
    )


def is_annotation(key: str, value: Any) -> bool:
    """Whether a field of a record is an annotation, and no other one of this name."""
    if key not in _ITEMS or value is None:
        return key in _ITEMS
    return isinstance(value, list) and all(
        isinstance(item, _ITEMS[key]) and (key not in _NEEDED or _NEEDED[key] <= item.keys())
        for item in value
    )


def _objects(record: Record, key: str) -> List[Record]:
    items = record.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


FORMAT = AnnotationFormat(
    name="jsonl",
    description="the package's own JSONL",
    read=json_reader(_read),
    write=json_writer(lambda annotated, report: to_record(annotated)),
    looks_like=_looks_like,
    holds=frozenset(get_args(Facet)) - {"tokens", "spaces"},
    sample="""\
{"id": "d1", "text": "Jobs founded Apple. He left.", "entities": [\
{"id": "T1", "start": 0, "end": 4, "label": "PERSON", "kb_id": "Q19837"}, \
{"id": "T2", "start": 13, "end": 18, "label": "ORG", "attributes": {"sure": true}}, \
{"id": "T3", "start": 20, "end": 22, "label": "PERSON"}], "relations": [\
{"id": "R1", "head": "T2", "tail": "T1", "label": "FOUNDED_BY", "score": 0.75, "evidence": [0]}], \
"events": [{"id": "E1", "label": "FOUNDING", "arguments": [\
{"role": "founder", "mention": "T1"}, \
{"role": "organisation", "mention": "T2"}]}], \
"clusters": [["T1", "T3"]], "sentences": [0, 20], "meta": {"source": "example"}}
{"text": "Nothing here."}
""",
)
