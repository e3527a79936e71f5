"""The JSON of DocRED and Re-DocRED: documents with entities, relations between these, and evidence.

Positions are tokens of the sentence, ends exclusive; ``h`` and ``t`` are positions in ``vertexSet``,
whose items are the entities. A relation is annotated once for two entities, and read as one of their
first mentions (or of those that no other entity has). Described at https://github.com/thunlp/DocRED/tree/master/data.
"""

from bisect import bisect_right
from collections import Counter
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..checks import keep_fitting
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
from ._entities import entity_relations, list_entities
from ._sentences import Sentences, read_sentences, sentence_ranges, split_sentences

_FIELDS, _NAME = frozenset({"sents", "vertexSet", "labels"}), "title"

_NAMES_ON_HUB = {"head": "h", "tail": "t", "relation_id": "r"}
"""Keys of relations that the copy on the Hugging Face hub has, which stores them by column."""

_Entities = List[List[AnnotatedMention]]


def _read(record: Record, place: str, report: Report) -> Annotated:
    sentences = read_sentences(record, "sents")
    entities = _read_entities(record, sentences, place, report)
    return Annotated(
        place=place,
        words=sentences.words,
        mentions=[mention for entity in entities for mention in entity],
        relations=_read_relations(record, sentences, entities, place, report),
        clusters=[[mention.id for mention in entity] for entity in entities if entity],
        sentence_starts=sentences.starts,
        meta=read_meta(record, _FIELDS, _NAME),
    )


def _read_entities(record: Record, sentences: Sentences, place: str, report: Report) -> _Entities:
    entities: _Entities = []
    number = 0
    for i, vertex in enumerate(get(record, "vertexSet", list)):
        entity: Dict[Tuple[int, int, str], AnnotatedMention] = {}
        for item in get_items({"vertexSet": vertex}, "vertexSet", dict):
            with report.skipping("mention", f"{place}, entity {i}"):
                start, end, label = _read_mention(item, sentences)
                if (start, end, label) in entity:
                    report.note("mentions that one entity lists twice", place=place)
                    continue
                entity[start, end, label] = AnnotatedMention(number, start, end, label)
                number += 1
        entities.append(list(entity.values()))
    return entities


def _read_mention(item: Record, sentences: Sentences) -> Tuple[int, int, str]:
    sentence = get(item, "sent_id", int)
    position = get(item, "pos", list)
    if len(position) != 2 or not all(type(token) is int for token in position):
        raise DataError(f'"pos": expected two integers, got {shown(position)}')
    if not 0 <= sentence < len(sentences.lengths):
        raise DataError(f"there is no sentence {sentence}")
    start, end = position
    if not 0 <= start < end <= sentences.lengths[sentence]:
        length = sentences.lengths[sentence]
        message = f"tokens {start}:{end} are not a range of the {length} of sentence {sentence}"
        raise DataError(message)
    offset = sentences.offsets[sentence]
    return offset + start, offset + end, get(item, "type", str)


def _read_relations(
    record: Record, sentences: Sentences, entities: _Entities, place: str, report: Report
) -> List[AnnotatedRelation]:
    shared = Counter((m.start, m.end) for entity in entities for m in entity)
    relations = []
    for i, item in enumerate(get_items(record, "labels", dict)):
        item = {_NAMES_ON_HUB.get(key, key): value for key, value in item.items()}
        with report.skipping("relation", f"{place}, label {i}"):
            head, tail = (_argument(item, key, entities, shared) for key in "ht")
            label = get(item, "r", str)
            numbers = get(item, "evidence", list, default=[])
            evidence = sentences.read_evidence(numbers, place, report)
            relations.append(AnnotatedRelation(head, tail, label, evidence=evidence))
    return relations


def _argument(item: Record, key: str, entities: _Entities, shared: Mapping[Any, int]) -> MentionId:
    """The mention that stands for an entity: the first, but rather one that no other entity has."""
    number = get(item, key, int)
    entity = entities[number] if 0 <= number < len(entities) else []
    own = [mention for mention in entity if shared[mention.start, mention.end] == 1]
    if not entity:
        raise DataError(f'"{key}": there is no entity {number}, or it has no mention')
    return [*own, *entity][0].id


def _to_record(annotated: Annotated, report: Report) -> Record:
    words, ranges = annotated.words or [], sentence_ranges(annotated)
    starts = [start for start, _ in ranges]

    def sentence_of(mention: AnnotatedMention) -> int:
        return bisect_right(starts, mention.start) - 1

    def problem(mention: AnnotatedMention) -> Optional[str]:
        if mention.end <= ranges[sentence_of(mention)][1]:
            return None
        return "a mention that crosses the end of a sentence, which docred does not hold"

    annotated = keep_fitting(annotated, report, problem)
    items: Dict[MentionId, Record] = {}
    for mention in annotated.mentions:
        sentence = sentence_of(mention)
        items[mention.id] = {
            "name": " ".join(words[mention.start : mention.end]),
            "sent_id": sentence,
            "pos": [mention.start - starts[sentence], mention.end - starts[sentence]],
            "type": mention.label,
        }
    entities = list_entities(annotated)
    record = write_meta(annotated, _FIELDS, _NAME)
    record["sents"] = split_sentences(annotated)
    record["vertexSet"] = [[items[key] for key in entity] for entity in entities]
    record["labels"] = [
        {"h": head, "t": tail, "r": label, "evidence": sorted(evidence)}
        for (head, tail, label), evidence in entity_relations(
            annotated, entities, FORMAT.name, report
        ).items()
    ]
    return record


FORMAT = AnnotationFormat(
    name="docred",
    description="the JSON of DocRED and Re-DocRED",
    read=json_reader(_read, name=_NAME, lines=False),
    write=json_writer(_to_record, lines=False),
    looks_like=json_detector(lambda record: {"sents", "vertexSet"} <= record.keys()),
    holds=frozenset(
        {"tokens", "sentences", "several_sentences", "clusters", "evidence", "id", "meta"}
    ),
    unit="tokens",
    sample="""\
[{"title": "Apple", "sents": [["Jobs", "founded", "Apple", "."], ["He", "left", "."]],
  "vertexSet": [[{"name": "Jobs", "sent_id": 0, "pos": [0, 1], "type": "PER"},
                 {"name": "He", "sent_id": 1, "pos": [0, 1], "type": "PER"}],
                [{"name": "Apple", "sent_id": 0, "pos": [2, 3], "type": "ORG"}]],
  "labels": [{"h": 1, "t": 0, "r": "P112", "evidence": [0]}]}]
""",
)
