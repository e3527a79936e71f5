"""Writing of BioC's JSON; see :mod:`.bioc`."""

from bisect import bisect_right
from itertools import count
from pathlib import Path
from typing import Dict, Iterable, List

from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId, string_ids
from ..records import Record, to_json
from ..report import Report

EQUIV = "Equiv"
"""Type of relations that are clusters."""

HEAD_TAIL = ["head", "tail"]

ROLES = "roles"
"""Attribute of relations whose nodes have other roles than head and tail."""

_TAILS = frozenset({"tail", "object", "target", "arg2", "to"})


def write_bioc(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of one collection, one document after the other."""
    with open_output(path) as output:
        output.write('{\n"source": "", "date": "", "key": "", "infons": {}, "documents": [')
        separator = "\n"
        for annotated in documents:
            output.write(separator + to_json(_to_document(annotated, report)))
            separator = ",\n"
        output.write("\n]}\n")


def _to_document(annotated: Annotated, report: Report) -> Record:
    ids = string_ids([mention.id for mention in annotated.mentions])
    meta = dict(annotated.meta)
    name = str(meta.pop("id", ""))
    relations = [_to_relation(annotated, relation, ids, report) for relation in annotated.relations]
    for cluster in annotated.clusters:
        nodes = [{"refid": ids[key], "role": ""} for key in cluster]
        relations.append({"id": None, "infons": {"type": EQUIV}, "nodes": nodes})
    free = (f"R{number}" for number in count(1))
    used = {relation["id"] for relation in relations}
    for relation in relations:
        if relation["id"] is None:
            relation["id"] = next(key for key in free if key not in used)
    return {
        "id": name,
        "infons": meta,
        "passages": [_to_passage(annotated, ids, report)],
        "annotations": [],
        "relations": relations,
    }


def _to_passage(annotated: Annotated, ids: Dict[MentionId, str], report: Report) -> Record:
    """The text as one passage, or as one of sentences if they are known."""
    text, starts = annotated.text or "", sorted({0, *(annotated.sentence_starts or [])})
    annotations = [_to_annotation(annotated, m, ids[m.id], report) for m in annotated.mentions]
    passage: Record = {"offset": 0, "infons": {}, "text": text, "sentences": []}
    if annotated.sentence_starts is None:
        return {**passage, "annotations": annotations, "relations": []}
    sentences: List[Record] = [
        {"offset": start, "infons": {}, "text": text[start:end], "annotations": [], "relations": []}
        for start, end in zip(starts, [*starts[1:], len(text)])
    ]
    for mention, annotation in zip(annotated.mentions, annotations):
        sentences[bisect_right(starts, mention.start) - 1]["annotations"].append(annotation)
    return {**passage, "text": "", "sentences": sentences, "annotations": [], "relations": []}


def _to_annotation(
    annotated: Annotated, mention: AnnotatedMention, name: str, report: Report
) -> Record:
    text = annotated.text or ""
    fragments = mention.fragments or ((mention.start, mention.end),)
    own: Record = {"type": mention.label, "identifier": mention.kb_id}
    return {
        "id": name,
        "infons": _with_attributes(own, mention.attributes, annotated.place, report),
        "text": " ".join(text[start:end] for start, end in fragments),
        "locations": [{"offset": start, "length": end - start} for start, end in fragments],
    }


def _to_relation(
    annotated: Annotated, relation: AnnotatedRelation, ids: Dict[MentionId, str], report: Report
) -> Record:
    attributes, roles = dict(relation.attributes), HEAD_TAIL
    named = attributes.get(ROLES)
    pair = named if isinstance(named, list) else []
    if (
        [type(role) for role in pair] == [str, str]
        and any(pair)
        and pair != HEAD_TAIL
        and not begins_with_tail(pair)
    ):
        roles = attributes.pop(ROLES)
    own: Record = {"type": relation.label}
    if relation.score != 1.0 or "score" in attributes:
        own["score"] = relation.score
    ends = ids[relation.head], ids[relation.tail]
    return {
        "id": relation.id,
        "infons": _with_attributes(own, attributes, annotated.place, report),
        "nodes": [{"refid": refid, "role": role} for refid, role in zip(ends, roles)],
    }


def _with_attributes(own: Record, attributes: Record, place: str, report: Report) -> Record:
    """The infons: what BioC itself says, and the attributes of other names."""
    lost = own.keys() & attributes.keys()
    if lost:
        report.note("attributes whose names bioc uses", place=place, count=len(lost))
    return {**attributes, **own}


def begins_with_tail(roles: List[str]) -> bool:
    """Whether the roles of two nodes say that the second one is the head."""
    return [role.lower() in _TAILS for role in roles] == [True, False]
