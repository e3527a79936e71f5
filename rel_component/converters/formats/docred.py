"""The JSON of DocRED and Re-DocRED: documents with entities, relations between these, and evidence.

::

    [{"title": "Apple", "sents": [["Jobs", "founded", "Apple", "."], ["He", "left", "."]],
      "vertexSet": [[{"name": "Jobs", "sent_id": 0, "pos": [0, 1], "type": "PER"},
                     {"name": "He", "sent_id": 1, "pos": [0, 1], "type": "PER"}],
                    [{"name": "Apple", "sent_id": 0, "pos": [2, 3], "type": "ORG"}]],
      "labels": [{"h": 1, "t": 0, "r": "P112", "evidence": [0]}]}]

Positions are tokens of the sentence, ends exclusive; ``h`` and ``t`` are positions in ``vertexSet``,
whose items are the entities. A relation is annotated once for two entities, and read as one of their
first mentions (or of those that no other entity has). Described at https://github.com/thunlp/DocRED/tree/master/data.
"""

from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ...errors import DataError
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_id,
    get_objects,
    objects_in_list,
    read_each,
    read_json_list,
    write_json_list,
)
from ..report import Report
from ._sentences import Sentences, read_sentences, sentence_starts, split_sentences

_Entities = List[List[AnnotatedMention]]


def read_docred(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of DocRED or Re-DocRED (format ``docred``).

    Args:
        path: the file, e.g. ``dev_revised.json``.
        report: takes note of what cannot be used.

    Raises:
        DataError: if the file is no JSON list.
    """
    records = read_json_list(path, report)
    yield from read_each(records, _read, report, key="title", form=" ({})")


def write_docred(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of DocRED's format; mentions in no cluster are entities of their own.

    Args:
        documents: with words.
        path: the file.
        report: takes note of mentions that cross a sentence, and of relations that are one of the
            same entities.
    """
    write_json_list((_to_record(annotated, report) for annotated in documents), path)


def _read(record: Record, place: str, report: Report) -> Annotated:
    sentences = read_sentences(get(record, "sents", list, place), "sents", place)
    entities = _read_entities(record, sentences, place, report)
    return Annotated(
        place=place,
        words=sentences.words,
        mentions=[mention for entity in entities for mention in entity],
        relations=_read_relations(record, sentences, entities, place, report),
        clusters=[[mention.id for mention in entity] for entity in entities if entity],
        sentence_starts=sentences.starts,
        meta={"id": get_id(record, "title", place)} if "title" in record else {},
    )


def _read_entities(record: Record, sentences: Sentences, place: str, report: Report) -> _Entities:
    entities: _Entities = []
    number = 0
    for i, vertex in enumerate(get(record, "vertexSet", list, place)):
        entity: Dict[Tuple[int, int, str], AnnotatedMention] = {}
        for item in get_objects({"vertexSet": vertex}, "vertexSet", place):
            try:
                start, end, label = _read_mention(item, sentences, place)
            except DataError as err:
                report.problem(err.message, place=f"{place}, entity {i}", skips="mention")
                continue
            if (start, end, label) in entity:
                report.note("mentions that one entity lists twice", place=place)
                continue
            entity[start, end, label] = AnnotatedMention(number, start, end, label)
            number += 1
        entities.append(list(entity.values()))
    return entities


def _read_mention(item: Record, sentences: Sentences, place: str) -> Tuple[int, int, str]:
    sentence = get(item, "sent_id", int, place)
    position = get(item, "pos", list, place)
    if len(position) != 2 or not all(type(token) is int for token in position):
        raise DataError(f'"pos": expected two integers, got {position!r:.60}', place=place)
    if not 0 <= sentence < len(sentences.lengths):
        raise DataError(f"there is no sentence {sentence}", place=place)
    start, end = position
    if not 0 <= start < end <= sentences.lengths[sentence]:
        length = sentences.lengths[sentence]
        message = f"tokens {start}:{end} are not a range of the {length} of sentence {sentence}"
        raise DataError(message, place=place)
    offset = sentences.offsets[sentence]
    return offset + start, offset + end, get(item, "type", str, place)


def _read_relations(
    record: Record, sentences: Sentences, entities: _Entities, place: str, report: Report
) -> List[AnnotatedRelation]:
    shared = Counter((m.start, m.end) for entity in entities for m in entity)
    ids = [_mention_of_entity(entity, shared) for entity in entities]
    relations = []
    for i, item in enumerate(get_objects(record, "labels", place)):
        try:
            head, tail = (_end(item, key, ids, place) for key in "ht")
            label = get(item, "r", str, place)
            evidence = get(item, "evidence", list, place, default=[])
        except DataError as err:
            report.problem(err.message, place=f"{place}, label {i}", skips="relation")
            continue
        numbers = [sentences.number(k) if type(k) is int else None for k in evidence]
        known = tuple(number for number in numbers if number is not None)
        if len(known) < len(evidence):
            lost = len(evidence) - len(known)
            report.note("evidence that is no sentence of the document", place=place, count=lost)
        relations.append(AnnotatedRelation(head, tail, label, evidence=known))
    return relations


def _mention_of_entity(
    entity: List[AnnotatedMention], shared: Mapping[Any, int]
) -> Optional[MentionId]:
    """The mention that stands for an entity: the first, but rather one that no other entity has."""
    own = [mention for mention in entity if shared[mention.start, mention.end] == 1]
    return next((mention.id for mention in [*own, *entity]), None)


def _end(item: Record, key: str, ids: Sequence[Optional[MentionId]], place: str) -> MentionId:
    number = get(item, key, int, place)
    id = ids[number] if 0 <= number < len(ids) else None
    if id is None:
        raise DataError(f'"{key}": there is no entity {number}, or it has no mention', place=place)
    return id


def _to_record(annotated: Annotated, report: Report) -> Record:
    if not all((annotated.spaces or [])[:-1]):
        report.note("docred does not say where there are no spaces", place=annotated.place)
    words, starts = annotated.words or [], sentence_starts(annotated)
    ends = [*starts[1:], len(words)]
    items: Dict[MentionId, Record] = {}
    for mention in annotated.mentions:
        sentence = bisect_right(starts, mention.start) - 1
        if mention.end > ends[sentence]:
            place = f"{annotated.place}, mention {mention.id!s:.60}"
            message = "a mention that crosses the end of a sentence, which docred does not hold"
            report.problem(message, place=place, skips="mention")
            continue
        offset = starts[sentence]
        items[mention.id] = {
            "name": " ".join(words[mention.start : mention.end]),
            "sent_id": sentence,
            "pos": [mention.start - offset, mention.end - offset],
            "type": mention.label,
        }
    entities = _entity_ids(annotated, items)
    record: Record = {"title": annotated.meta["id"]} if "id" in annotated.meta else {}
    record["sents"] = split_sentences(annotated)
    record["vertexSet"] = [[items[key] for key in entity] for entity in entities]
    record["labels"] = _labels(annotated, entities, report)
    return record


def _entity_ids(annotated: Annotated, items: Dict[MentionId, Record]) -> List[List[MentionId]]:
    """The ids of the mentions of each entity."""
    clusters = [[key for key in cluster if key in items] for cluster in annotated.clusters]
    members = {key for cluster in clusters for key in cluster}
    return [*filter(None, clusters), *([key] for key in items if key not in members)]


def _labels(annotated: Annotated, entities: List[List[MentionId]], report: Report) -> List[Record]:
    numbers = {key: i for i, entity in enumerate(entities) for key in entity}
    evidence: Dict[Tuple[int, int, str], Set[int]] = {}
    for relation in annotated.relations:
        head, tail = numbers.get(relation.head), numbers.get(relation.tail)
        place = f"{annotated.place}, relation {relation.label:.60}"
        if head is None or tail is None:
            report.problem("its mention was left out", place=place, skips="relation")
        elif head == tail:
            message = "a relation of an entity to itself, which docred does not hold"
            report.problem(message, place=place, skips="relation")
        else:
            key = (head, tail, relation.label)
            if key in evidence:
                message = "relations of other mentions of the same entities, written as one"
                report.note(message, place=annotated.place)
            evidence.setdefault(key, set()).update(relation.evidence)
    return [
        {"h": head, "t": tail, "r": label, "evidence": sorted(sentences)}
        for (head, tail, label), sentences in evidence.items()
    ]


def _looks_like(head: str) -> bool:
    records = objects_in_list(head)
    return bool(records) and all({"sents", "vertexSet"} <= record.keys() for record in records)


FORMAT = AnnotationFormat(
    name="docred",
    description="the JSON of DocRED and Re-DocRED",
    read=read_docred,
    write=write_docred,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "sentences", "clusters", "evidence", "id"}),
    unit="tokens",
)
