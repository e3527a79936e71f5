"""The package's own format: one JSON object a line, offsets in characters.

::

    {"id": "doc1", "text": "Apple was founded by Steve Jobs.",
     "entities": [{"id": "T1", "start": 0, "end": 5, "label": "ORG"},
                  {"id": "T2", "start": 21, "end": 31, "label": "PERSON"}],
     "relations": [{"head": "T1", "tail": "T2", "label": "FOUNDED_BY"}],
     "meta": {"source": "example"}}

Ends are exclusive; ids of entities are strings or integers, unique in their document. Optional are:
``id`` and ``meta`` of the document, its ``sentences`` (where they start, in characters) and ``clusters``
(lists of ids of entities that are the same); ``kb_id``, ``attributes`` and ``pieces`` (``[[start, end],
...]`` of a discontinuous mention) of an entity; ``id``, ``score``, ``evidence`` (positions in
``sentences``) and ``attributes`` of a relation.
"""

from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional, Tuple

from ...errors import DataError
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_id,
    get_objects,
    objects_on_lines,
    read_each,
    read_json_lines,
    write_json_lines,
)
from ..report import Report


def read_jsonl(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of the package's own format (format ``jsonl``).

    Args:
        path: the file.
        report: takes note of what cannot be used.
    """
    records = read_json_lines(path, report)
    yield from read_each(records, lambda record, place, _: _read(record, place), report)


def write_jsonl(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of the package's own format; all of an annotated document fits into it.

    Args:
        documents: with offsets in characters.
        path: the file.
        report: nothing to take note of.
    """
    write_json_lines(map(_to_record, documents), path)


def _read(record: Record, place: str) -> Annotated:
    meta = dict(get(record, "meta", dict, place, default={}))
    if "id" in record:
        meta["id"] = record["id"]
    starts = record.get("sentences")
    return Annotated(
        place=place,
        text=get(record, "text", str, place),
        mentions=[_mention(item, place) for item in get_objects(record, "entities", place)],
        relations=[_relation(item, place) for item in get_objects(record, "relations", place)],
        clusters=_clusters(record, place),
        sentence_starts=None if starts is None else list(_integers(record, "sentences", place)),
        meta=meta,
    )


def _mention(item: Record, place: str) -> AnnotatedMention:
    pieces = get(item, "pieces", list, place, default=[])
    if not all(isinstance(piece, list) and len(piece) == 2 for piece in pieces):
        raise DataError(f'"pieces": expected pairs of integers, got {pieces!r:.60}', place=place)
    return AnnotatedMention(
        id=get_id(item, "id", place),
        start=get(item, "start", int, place),
        end=get(item, "end", int, place),
        label=get(item, "label", str, place),
        kb_id=get(item, "kb_id", str, place, default=""),
        pieces=tuple(_pair(piece, place) for piece in pieces),
        attributes=get(item, "attributes", dict, place, default={}),
    )


def _relation(item: Record, place: str) -> AnnotatedRelation:
    return AnnotatedRelation(
        head=get_id(item, "head", place),
        tail=get_id(item, "tail", place),
        label=get(item, "label", str, place),
        score=_score(item, place),
        id=get_id(item, "id", place) if item.get("id") is not None else None,
        evidence=_integers(item, "evidence", place),
        attributes=get(item, "attributes", dict, place, default={}),
    )


def _score(item: Record, place: str) -> Optional[float]:
    value = item.get("score", 1.0)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise DataError(f'"score": expected a number from 0 to 1, got {value!r:.60}', place=place)
    return float(value)


def _clusters(record: Record, place: str) -> List[List[MentionId]]:
    clusters = []
    for i, members in enumerate(get(record, "clusters", list, place, default=[])):
        if not isinstance(members, list):
            raise DataError(f'"clusters"[{i}]: expected a list, got {members!r:.60}', place=place)
        clusters.append([get_id({"id": member}, "id", place) for member in members])
    return clusters


def _integers(item: Record, key: str, place: str) -> Tuple[int, ...]:
    values = get(item, key, list, place, default=[])
    return tuple(get({key: value}, key, int, place) for value in values)


def _pair(piece: List[Any], place: str) -> Tuple[int, int]:
    start, end = _integers({"pieces": piece}, "pieces", place)
    return start, end


def _to_record(annotated: Annotated) -> Record:
    meta = dict(annotated.meta)
    record: Record = {"id": meta.pop("id")} if "id" in meta else {}
    record["text"] = annotated.text
    record["entities"] = [_mention_record(mention) for mention in annotated.mentions]
    record["relations"] = [_relation_record(relation) for relation in annotated.relations]
    if annotated.clusters:
        record["clusters"] = annotated.clusters
    if annotated.sentence_starts is not None:
        record["sentences"] = annotated.sentence_starts
    if meta:
        record["meta"] = meta
    return record


def _mention_record(mention: AnnotatedMention) -> Record:
    record: Record = {
        "id": mention.id,
        "start": mention.start,
        "end": mention.end,
        "label": mention.label,
    }
    for key in ("kb_id", "pieces", "attributes"):
        if getattr(mention, key):
            record[key] = getattr(mention, key)
    return record


def _relation_record(relation: AnnotatedRelation) -> Record:
    record: Record = {} if relation.id is None else {"id": relation.id}
    record.update(head=relation.head, tail=relation.tail, label=relation.label)
    if relation.score != 1.0:
        record["score"] = relation.score
    if relation.evidence:
        record["evidence"] = relation.evidence
    if relation.attributes:
        record["attributes"] = relation.attributes
    return record


_KEYS = frozenset({"id", "text", "entities", "relations", "clusters", "sentences", "meta"})


def _looks_like(head: str) -> bool:
    records = objects_on_lines(head)
    return bool(records) and all(
        isinstance(record.get("text"), str)
        and record.keys() <= _KEYS
        and all({"label", "start", "end"} <= item.keys() for item in _objects(record, "entities"))
        and all({"label", "head", "tail"} <= item.keys() for item in _objects(record, "relations"))
        for record in records
    )


def _objects(record: Record, key: str) -> List[Record]:
    items = record.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


FORMAT = AnnotationFormat(
    name="jsonl",
    description="the package's own JSONL",
    read=read_jsonl,
    write=write_jsonl,
    looks_like=_looks_like,
    holds=frozenset(
        {
            "sentences",
            "clusters",
            "unlabelled",
            "pieces",
            "kb_ids",
            "mention_attributes",
            "scores",
            "relation_ids",
            "evidence",
            "relation_attributes",
            "id",
            "meta",
        }
    ),
)
