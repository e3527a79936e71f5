"""doccano's JSONL of sequence labelling, with relations or without.

Projects without relations export ``"label": [[0, 4, "PERSON"], ...]``; older versions call it ``labels``
or ``entities``, and the text ``data``. Other fields are columns of the imported data: meta.

Offsets are UTF-16 units in current versions (https://github.com/doccano/doccano/issues/2290) and were
characters before; for texts where that makes a difference, see :func:`_read_offsets`. Projects that
"count grapheme clusters as one character" cannot be told apart, and cannot be read where that makes a
difference.
"""

from dataclasses import replace
from itertools import count
from typing import Dict, List, Optional

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..checks import mention_place
from ..format import AnnotationFormat
from ..records import (
    Record,
    first_records,
    get,
    get_id,
    get_items,
    json_reader,
    json_writer,
    read_attributes,
    read_meta,
    write_meta,
)
from ..report import Report
from ._utf16 import from_utf16, has_astral, to_utf16

UNIT_FIELD, UTF16 = "offset_unit", "utf-16"
"""A column of written texts in which the unit makes a difference; doccano keeps it."""

_SPAN_FIELDS = ("entities", "label", "labels")
_FIELDS = {"text", "data", "relations", "annotations", UNIT_FIELD, *_SPAN_FIELDS}


def _read(record: Record, place: str, report: Report) -> Annotated:
    if "annotations" in record:
        raise DataError('"annotations": labels by number; export "JSONL (text labels)" instead')
    text_field = "text" if "text" in record else "data"
    there = [key for key in _SPAN_FIELDS if key in record]
    span_field = next((key for key in there if record[key]), [*there, "entities"][0])
    is_utf16 = record.get(UNIT_FIELD) == UTF16
    used = {text_field, span_field, "relations", *([UNIT_FIELD] if is_utf16 else [])}
    meta = read_meta({k: v for k, v in record.items() if (k, v) != ("Comments", [])}, used)
    text = get(record, text_field, str)
    annotated = Annotated(
        place=place,
        text=text,
        mentions=_mentions(record, span_field),
        relations=[
            AnnotatedRelation(
                head=get_id(item, "from_id"),
                tail=get_id(item, "to_id"),
                label=get(item, "type", str),
                id=get_id(item, "id") if item.get("id") is not None else None,
                attributes=read_attributes(item, {"id", "from_id", "to_id", "type"}),
            )
            for item in get_items(record, "relations", dict)
        ],
        meta=meta,
    )
    if has_astral(text):
        annotated.mentions = _read_offsets(annotated, is_utf16, report)
    return annotated


def _mentions(record: Record, key: str) -> List[AnnotatedMention]:
    items = get(record, key, list, default=[])
    named = [item for item in items if isinstance(item, dict) and item.get("id") is not None]
    used = {get_id(item, "id") for item in named}
    free = (number for number in count() if number not in used)
    mentions = []
    for item in items:
        if isinstance(item, list) and len(item) == 3:
            item = dict(zip(("start_offset", "end_offset", "label"), item))
        if not isinstance(item, dict):
            raise DataError(
                f'"{key}": expected [start, end, label] or an object, got {shown(item)}'
            )
        mentions.append(
            AnnotatedMention(
                id=next(free) if item.get("id") is None else get_id(item, "id"),
                start=get(item, "start_offset", int),
                end=get(item, "end_offset", int),
                label=get(item, "label", str),
                attributes=read_attributes(item, {"id", "start_offset", "end_offset", "label"}),
            )
        )
    return mentions


def _read_offsets(annotated: Annotated, is_utf16: bool, report: Report) -> List[AnnotatedMention]:
    """The mentions with offsets in characters.

    Where the file does not say what the unit is, it is that by which more mentions begin and end
    where a word does, and UTF-16 if there is no difference.
    """
    text, mentions = annotated.text or "", annotated.mentions
    convert = from_utf16(text)
    converted = []
    outside = []
    for mention in mentions:
        start, end = convert(mention.start), convert(mention.end)
        if start is None or end is None:
            outside.append(mention)
        else:
            converted.append(replace(mention, start=start, end=end))
    if not is_utf16 and mentions != converted:
        n_characters = sum(_is_words(text, mention) for mention in mentions)
        n_utf16 = sum(_is_words(text, mention) for mention in converted)
        is_utf16 = n_utf16 >= n_characters
        message = "documents with emojis and the like whose offsets were taken for "
        message += "UTF-16 units" if is_utf16 else "characters"
        report.note(message, place=annotated.place)
    if not is_utf16:
        return mentions
    for mention in outside:
        message = f"UTF-16 units {mention.start}:{mention.end} are not a range of characters"
        report.problem(message, place=mention_place(annotated, mention), skips="mention")
    return converted


def _is_words(text: str, mention: AnnotatedMention) -> bool:
    start, end = mention.start, mention.end
    if not 0 <= start < end <= len(text) or text[start].isspace() or text[end - 1].isspace():
        return False
    cut_before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    cut_after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return not cut_before and not cut_after


def _to_record(annotated: Annotated, report: Report) -> Record:
    text = annotated.text or ""
    convert = to_utf16(text)
    ids = _numbers([mention.id for mention in annotated.mentions], annotated, report)
    named = [relation.id for relation in annotated.relations if relation.id is not None]
    relation_ids = _numbers(named, annotated, report)
    record = write_meta(annotated, _FIELDS)
    if has_astral(text):
        record[UNIT_FIELD] = UTF16
    record["text"] = text
    record["entities"] = [
        {
            "id": ids[mention.id],
            "label": mention.label,
            "start_offset": convert(mention.start),
            "end_offset": convert(mention.end),
        }
        for mention in annotated.mentions
    ]
    record["relations"] = [
        {
            **({} if relation.id is None else {"id": relation_ids[relation.id]}),
            "from_id": ids[relation.head],
            "to_id": ids[relation.tail],
            "type": relation.label,
        }
        for relation in annotated.relations
    ]
    return record


def _numbers(
    names: List[MentionId], annotated: Annotated, report: Report
) -> Dict[MentionId, MentionId]:
    """A number for each name: itself if all are numbers."""
    if all(isinstance(name, int) for name in names):
        return {name: name for name in names}
    report.note("documents whose annotations got numbers for names", place=annotated.place)
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _looks_like(head: str) -> bool:
    fits = [_record_fits(record) for record in first_records(head)]
    return any(fit is True for fit in fits) and not any(fit is False for fit in fits)


def _record_fits(record: Record) -> Optional[bool]:
    """True for a record of doccano's, False for another; None if nothing in it tells."""
    if not isinstance(record.get("text", record.get("data")), str):
        return False
    if "Comments" in record or UNIT_FIELD in record:
        return True
    fits = [
        [type(part) for part in item] == [int, int, str]
        if isinstance(item, list)
        else isinstance(item, dict)
        and ("from_id" if key == "relations" else "start_offset") in item
        for key in ("relations", "annotations", *_SPAN_FIELDS)
        if isinstance(record.get(key), list)
        for item in record[key]
    ]
    return all(fits) if fits else None


FORMAT = AnnotationFormat(
    name="doccano",
    description="doccano's JSONL of sequence labelling",
    read=json_reader(_read),
    write=json_writer(_to_record),
    looks_like=_looks_like,
    holds=frozenset({"relation_ids", "id", "meta"}),
    sample="""\
{"id": 7, "text": "Jobs founded Apple", "source": "example", "entities": [\
{"id": 1, "label": "PERSON", "start_offset": 0, "end_offset": 4}, \
{"id": 2, "label": "ORG", "start_offset": 13, "end_offset": 18}], \
"relations": [{"id": 3, "from_id": 2, "to_id": 1, "type": "FOUNDED_BY"}], "Comments": []}
""",
)
