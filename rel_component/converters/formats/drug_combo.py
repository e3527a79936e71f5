"""Combinations of drugs of Tiktinsky et al. 2022, https://github.com/allenai/drug-combo-extraction.

One JSON object a line: a sentence, its drugs as ``spans`` with offsets in characters, and ``rels``, each
with a ``class`` and the drugs that it combines::

    {"doc_id": "d1", "sentence": "A with B", "spans": [{"span_id": 0, "text": "A", "start": 0, "end": 1},
     ...], "rels": [{"class": "POS", "spans": [0, 1], "is_context_needed": false}]}

A combination is an event whose role ``drug`` all drugs of it have.
"""

from typing import Any, Dict, FrozenSet, List

from ..annotated import Annotated, AnnotatedEvent, AnnotatedMention
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_id,
    get_items,
    json_detector,
    json_reader,
    json_writer,
    read_attributes,
    read_meta,
    write_meta,
)
from ..report import Report

ROLE, TYPE = "drug", "DRUG"

_FIELDS = frozenset({"doc_id", "sentence", "spans", "rels"})
_EVENT_KEYS = frozenset({"class", "spans"})
_SPAN_KEYS = frozenset({"span_id", "text", "start", "end", "token_start", "token_end"})


def _read(record: Record, place: str, report: Report) -> Annotated:
    text = get(record, "sentence", str)
    mentions = []
    for item in get_items(record, "spans", dict):
        start, end = get(item, "start", int), get(item, "end", int)
        if "text" in item and item["text"] != text[max(start, 0) : max(end, 0)]:
            report.note("drugs with another text than that of their offsets", place=place)
        mentions.append(
            AnnotatedMention(
                get_id(item, "span_id"),
                start,
                end,
                TYPE,
                attributes=read_attributes(item, _SPAN_KEYS),
            )
        )
    return Annotated(
        place=place,
        text=text,
        mentions=mentions,
        events=[_event(item) for item in get_items(record, "rels", dict)],
        meta=read_meta(record, _FIELDS - {"doc_id"}, "doc_id"),
    )


def _event(item: Record) -> AnnotatedEvent:
    drugs = tuple((ROLE, get_id({"spans": key}, "spans")) for key in get(item, "spans", list))
    attributes = read_attributes(item, _EVENT_KEYS)
    return AnnotatedEvent(get(item, "class", str), drugs, attributes=attributes)


def _to_record(annotated: Annotated, report: Report) -> Record:
    text, numbers = annotated.text or "", {m.id: i for i, m in enumerate(annotated.mentions)}
    spans: List[Dict[str, Any]] = []
    for mention in annotated.mentions:
        place = {"start": mention.start, "end": mention.end}
        shown = {"span_id": numbers[mention.id], "text": text[mention.start : mention.end], **place}
        spans.append({**_attributes(mention.attributes, _SPAN_KEYS), **shown})
        if mention.label != TYPE:
            report.note("types of mentions that drug_combo does not hold", place=annotated.place)
    rels = []
    for event in annotated.events:
        if event.trigger is not None or event.score != 1.0 or event.id is not None:
            message = "triggers, scores and ids of events that drug_combo does not hold"
            report.note(message, place=annotated.place)
        if any(role != ROLE for role, _ in event.arguments):
            report.note("roles of events that drug_combo does not hold", place=annotated.place)
        keys = [numbers[key] for _, key in event.arguments]
        others = _attributes(event.attributes, _EVENT_KEYS)
        rels.append({**others, "class": event.label, "spans": keys})
    if annotated.relations:
        message = "relations, which drug_combo does not hold"
        report.note(message, place=annotated.place, count=len(annotated.relations))
    fields = {"sentence": text, "spans": spans, "rels": rels}
    return {**write_meta(annotated, _FIELDS, "doc_id"), **fields}


def _attributes(attributes: Record, fields: FrozenSet[str]) -> Record:
    """The attributes as :func:`.records.read_attributes` reads them."""
    hidden = {key: attributes[key] for key in attributes if key in fields or key == "attributes"}
    others = {key: value for key, value in attributes.items() if key not in hidden}
    return {**others, "attributes": hidden} if hidden else others


FORMAT = AnnotationFormat(
    name="drug_combo",
    description="combinations of drugs, JSONL of Tiktinsky et al. 2022",
    read=json_reader(_read, name="doc_id"),
    write=json_writer(_to_record),
    looks_like=json_detector(
        lambda record: {"sentence", "spans", "rels"} <= record.keys() and "doc_id" in record
    ),
    holds=frozenset({"mention_attributes", "events", "id", "meta"}),
    sample="""\
{"doc_id": "d1", "sentence": "Aspirin with heparin helps .", "spans": [\
{"span_id": 0, "text": "Aspirin", "start": 0, "end": 7, "token_start": 0, "token_end": 1}, \
{"span_id": 1, "text": "heparin", "start": 13, "end": 20, "token_start": 2, "token_end": 3}], \
"rels": [{"class": "POS", "spans": [0, 1], "is_context_needed": false}], "source": "example"}
""",
)
