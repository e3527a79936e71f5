"""TACRED's JSON, also that of TACREV and Re-TACRED: one pair of mentions a sentence.

::

    [{"id": "61b3", "docid": "AFP_ENG_2007", "token": ["Jobs", "founded", "Apple"],
      "relation": "org:founded_by", "subj_start": 2, "subj_end": 2, "subj_type": "ORGANIZATION",
      "obj_start": 0, "obj_end": 0, "obj_type": "PERSON"}]

Offsets are tokens, the last one inclusive. (The copy on the Hugging Face Hub has exclusive ends.) The
relation goes from subject to object; ``no_relation`` says that there is none. Zhang et al. 2017,
https://nlp.stanford.edu/projects/tacred.
"""

from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from ...errors import DataError
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_id,
    note_unread,
    objects_in_list,
    read_json_list,
    write_json_list,
)
from ..report import Report
from ._sentences import read_words
from ._single_pairs import Pair, single_pairs

NO_RELATION = "no_relation"

_ROLES = ("subj", "obj")
_PARSES = ("stanford_pos", "stanford_ner", "stanford_head", "stanford_deprel")
_FIELDS = frozenset(
    {
        *("id", "docid", "token", "relation", *_PARSES),
        *(f"{role}_{part}" for role in _ROLES for part in ("start", "end", "type")),
    }
)


def read_tacred(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of TACRED (format ``tacred``).

    Args:
        path: the file, e.g. ``train.json``.
        report: takes note of what cannot be used.

    Raises:
        DataError: if the file is no JSON list.
    """
    for place, record in read_json_list(path, report):
        if "id" in record:
            place += f" (id {record['id']!s:.60})"
        try:
            annotated = _read(record, place)
        except DataError as err:
            report.problem(err.message, place=place, skips="document")
            continue
        if record["relation"] == NO_RELATION:
            report.negatives += 1
        if not record.keys().isdisjoint(_PARSES):
            report.note("part-of-speech tags and parses, which are not read", place=place)
        note_unread(record, _FIELDS, place, report)
        yield annotated


def write_tacred(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of TACRED's format: a sentence for each relation.

    A document of two mentions without relation is written as ``no_relation``.

    Args:
        documents: with words.
        path: the file.
        report: takes note of what has no place in it.
    """
    pairs = (
        pair
        for annotated in documents
        for pair in single_pairs(annotated, "tacred", report, negatives=True)
    )
    write_json_list(map(_to_record, pairs), path)


def _read(record: Record, place: str) -> Annotated:
    mentions = []
    for role in _ROLES:
        start, last = (get(record, f"{role}_{end}", int, place) for end in ("start", "end"))
        label = get(record, f"{role}_type", str, place)
        mentions.append(AnnotatedMention(role, start, last + 1, label))
    label = get(record, "relation", str, place)
    meta: Dict[str, Any] = {
        key: get_id(record, key, place) for key in ("id", "docid") if key in record
    }
    relations: List[AnnotatedRelation] = []
    if label != NO_RELATION:
        relations.append(AnnotatedRelation(*_ROLES, label))
    return Annotated(
        place=place,
        words=read_words(record.get("token"), "token", place),
        mentions=mentions,
        relations=relations,
        sentence_starts=[0],
        meta=meta,
    )


def _to_record(pair: Pair) -> Record:
    annotated = pair.annotated
    record: Record = {key: annotated.meta[key] for key in ("id", "docid") if key in annotated.meta}
    record["relation"] = NO_RELATION if pair.relation is None else pair.relation.label
    record["token"] = annotated.words
    ends: Tuple[AnnotatedMention, AnnotatedMention] = (pair.head, pair.tail)
    for role, mention in zip(_ROLES, ends):
        record[f"{role}_start"] = mention.start
        record[f"{role}_end"] = mention.end - 1
        record[f"{role}_type"] = mention.label
    return record


def _looks_like(head: str) -> bool:
    records = objects_in_list(head)
    keys = {"token", "relation", "subj_start", "obj_start"}
    return bool(records) and all(keys <= record.keys() for record in records)


FORMAT = AnnotationFormat(
    name="tacred",
    description="the JSON of TACRED and Re-TACRED",
    read=read_tacred,
    write=write_tacred,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "sentences", "id", "meta"}),
    unit="tokens",
)
