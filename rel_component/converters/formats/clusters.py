"""Coreference corpora as JSONL: sentences of tokens, and the mentions of each entity.

Positions are tokens of the document, ends exclusive. ``clusters`` are lists of mentions; ``entities``
say the type of an entity too, and its title in Wikipedia or its ``kb_id``::

    {"id": "d1", "sents": [["Jobs", "left", "."], ["He", "sold", "Apple", "."]],
     "entities": [{"type": "person", "mentions": [[0, 1], [3, 4]]}, {"mentions": [[5, 6]]}],
     "relations": [{"head": 0, "tail": 1, "label": "SELLS", "evidence": [1]}]}

A mention of another type than its entity says so: ``[3, 4, "pronoun"]``. Relations, which are optional,
name entities by their position in the list. Mentions of ``clusters`` have no types, and get the label
MENTION. The format ``ontonotes`` reads ``ontonotes_clusters`` instead, for corpora that have clusters by
the rules of OntoNotes too: without entities of one mention.
"""

from functools import partial
from typing import Any, Dict, List, Tuple

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
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
from ._sentences import Sentences, read_sentences, split_sentences

UNTYPED = "MENTION"
"""Label of the mentions of ``clusters``, whose types are not known."""

_ENTITIES, _CLUSTERS, _ONTONOTES = "entities", "clusters", "ontonotes_clusters"
_FIELDS = frozenset({"sents", "relations", _ENTITIES, _CLUSTERS, _ONTONOTES})

_Key = Tuple[int, int, str]


def _read(record: Record, place: str, report: Report, *, scheme: str) -> Annotated:
    sentences = read_sentences(record, "sents")
    if scheme == _ENTITIES and record.get(_ENTITIES) is None:
        scheme = _CLUSTERS
    for other in {_CLUSTERS, _ONTONOTES} & record.keys() - {scheme}:
        report.note(f'"{other}", which are not read beside "{scheme}"', place=place)
    entities = (
        [{"mentions": members} for members in get_items(record, scheme, list)]
        if (scheme != _ENTITIES)
        else get_items(record, scheme, dict)
    )
    types = _types(record) if scheme == _ONTONOTES else {}
    mentions: Dict[_Key, AnnotatedMention] = {}
    clusters: List[List[MentionId]] = []
    for i, entity in enumerate(entities):
        default = get(entity, "type", str, default="") if scheme == _ENTITIES else UNTYPED
        kb_id = get(entity, "kb_id" if "kb_id" in entity else "wikipedia", str, default="")
        clusters.append([])
        for item in get_items(entity, "mentions", list):
            with report.skipping("mention", f"{place}, entity {i}"):
                start, end, label = _read_mention(item, default)
                key = (start, end, types.get((start, end), label))
                found = mentions.setdefault(key, AnnotatedMention(len(mentions), *key, kb_id=kb_id))
                clusters[-1].append(found.id)
    return Annotated(
        place=place,
        words=sentences.words,
        mentions=list(mentions.values()),
        relations=_read_relations(record, sentences, clusters, place, report),
        clusters=[members for members in clusters if members],
        sentence_starts=sentences.starts,
        meta=read_meta(record, _FIELDS),
    )


def _types(record: Record) -> Dict[Tuple[int, int], str]:
    """The type of each mention of the entities of a record, which may be other ones."""
    types: Dict[Tuple[int, int], str] = {}
    for entity in get_items(record, _ENTITIES, dict):
        default = get(entity, "type", str, default=UNTYPED)
        for item in get_items(entity, "mentions", list):
            start, end, label = _read_mention(item, default)
            types.setdefault((start, end), label)
    return types


def _read_mention(item: List[Any], label: str) -> _Key:
    fits = len(item) in (2, 3) and all(type(position) is int for position in item[:2])
    if not fits or not all(isinstance(name, str) for name in item[2:]):
        raise DataError(f"expected [first token, exclusive end], got {shown(item)}")
    return item[0], item[1], item[2] if len(item) == 3 else label


def _read_relations(
    record: Record,
    sentences: Sentences,
    clusters: List[List[MentionId]],
    place: str,
    report: Report,
) -> List[AnnotatedRelation]:
    relations = []
    for i, item in enumerate(get_items(record, "relations", dict)):
        with report.skipping("relation", f"{place}, relation {i}"):
            ends = []
            for key in ("head", "tail"):
                number = get(item, key, int)
                if not 0 <= number < len(clusters) or not clusters[number]:
                    raise DataError(f'"{key}": there is no entity {number}, or it has no mention')
                ends.append(clusters[number][0])
            evidence = sentences.read_evidence(get_items(item, "evidence", int), place, report)
            label = get(item, "label", str)
            relations.append(AnnotatedRelation(ends[0], ends[1], label, evidence=evidence))
    return relations


def _to_record(annotated: Annotated, report: Report) -> Record:
    by_id = {mention.id: mention for mention in annotated.mentions}
    entities = list_entities(annotated)
    record = write_meta(annotated, _FIELDS)
    record["sents"] = split_sentences(annotated)
    record[_ENTITIES] = []
    for entity in entities:
        mentions = [by_id[key] for key in entity]
        label, kb_id = mentions[0].label, max(mention.kb_id for mention in mentions)
        if any(mention.kb_id != kb_id for mention in mentions):
            message = "entities whose mentions have different knowledge-base ids, written with one"
            report.note(message, place=annotated.place)
        item: Record = {"type": label} if label else {}
        item["mentions"] = [
            [m.start, m.end] if m.label == label else [m.start, m.end, m.label] for m in mentions
        ]
        record[_ENTITIES].append({**item, "kb_id": kb_id} if kb_id else item)
    relations = entity_relations(annotated, entities, FORMAT.name, report)
    if relations:
        record["relations"] = [
            {"head": head, "tail": tail, "label": label, "evidence": sorted(evidence)}
            for (head, tail, label), evidence in relations.items()
        ]
    return record


FORMAT = AnnotationFormat(
    name="clusters",
    description="coreference corpora as JSONL",
    read=json_reader(partial(_read, scheme=_ENTITIES)),
    write=json_writer(_to_record),
    looks_like=json_detector(
        lambda record: (
            "sents" in record
            and "vertexSet" not in record
            and bool({_ENTITIES, _CLUSTERS} & record.keys())
        )
    ),
    holds=frozenset(
        {
            *("tokens", "sentences", "several_sentences", "clusters", "unlabelled", "kb_ids"),
            *("evidence", "id", "meta"),
        }
    ),
    unit="tokens",
    sample="""\
{"id": "d1", "genre": "news", \
"sents": [["Jobs", "founded", "Apple", "."], ["He", "left", "."]], "entities": [\
{"type": "person", "wikipedia": "Steve_Jobs", "mentions": [[0, 1], [4, 5, "pronoun"]]}, \
{"type": "organization", "mentions": [[2, 3]]}], \
"relations": [{"head": 1, "tail": 0, "label": "FOUNDED_BY", "evidence": [0]}]}
{"id": "d2", "sents": [["Ann", "saw", "herself", "."]], "clusters": [[[0, 1], [2, 3]]]}
""",
)

ONTONOTES = AnnotationFormat(
    name="ontonotes",
    description="clusters by the rules of OntoNotes, in coreference corpora as JSONL",
    read=json_reader(partial(_read, scheme=_ONTONOTES)),
    looks_like=json_detector(
        lambda record: (
            {"sents", _ONTONOTES} <= record.keys()
            and not {_ENTITIES, _CLUSTERS, "vertexSet"} & record.keys()
        )
    ),
    sample="""\
{"id": "d1", "sents": [["Jobs", "sold", "it", "."], ["He", "left", "Apple", "."]], \
"ontonotes_clusters": [[[0, 1], [4, 5]], [[2, 3], [6, 7]]], \
"relations": [{"head": 0, "tail": 1, "label": "SELLS"}]}
""",
)
