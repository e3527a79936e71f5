"""CrossRE's JSONL: one sentence a line.

::

    {"doc_key": "ai-1", "sentence": ["Jobs", "founded", "Apple"],
     "ner": [[0, 0, "person"], [2, 2, "organisation"]],
     "relations": [[2, 2, 0, 0, "origin", "founder", false, false]]}

Offsets are tokens, the last one inclusive. A relation goes from the first to the second mention; after
its label come an explanation, whether the annotator was uncertain, and whether the syntax is ambiguous.
These are its attributes ``explanation``, ``uncertain`` and ``syntax_ambiguity``. Described at
https://github.com/mainlp/CrossRE.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List

from ...errors import DataError
from ..annotated import Annotated, AnnotatedRelation
from ..format import AnnotationFormat
from ..records import (
    Record,
    get_id,
    note_unread,
    objects_on_lines,
    read_each,
    read_json_lines,
    write_json_lines,
)
from ..report import Report
from ._sentences import read_words
from ._token_spans import ends_by_id, get_lists, ids_by_ends, read_mentions, read_relation

_EXPLANATION, _FLAGS = "explanation", ("uncertain", "syntax_ambiguity")
_FIELDS = frozenset({"doc_key", "sentence", "ner", "relations"})


def read_crossre(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of CrossRE (format ``crossre``).

    Args:
        path: the file.
        report: takes note of what cannot be used.
    """
    records = read_json_lines(path, report)
    yield from read_each(records, _read, report, key="doc_key", form=", document {}")


def write_crossre(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of CrossRE's format.

    Args:
        documents: with words.
        path: the file.
        report: takes note of attributes and spaces, which the format lacks.
    """
    write_json_lines((_to_record(annotated, report) for annotated in documents), path)


def _read(record: Record, place: str, report: Report) -> Annotated:
    words = read_words(record.get("sentence"), "sentence", place)
    mentions = read_mentions(get_lists(record, "ner", place), place, report)
    ids = ids_by_ends(mentions)
    relations = []
    for item in get_lists(record, "relations", place):
        try:
            relation = replace(read_relation(item, ids), attributes=_attributes(item[5:]))
        except DataError as err:
            report.problem(err.message, place=place, skips="relation")
            continue
        relations.append(relation)
    note_unread(record, _FIELDS, place, report)
    return Annotated(
        place=place,
        words=words,
        mentions=mentions,
        relations=relations,
        sentence_starts=[0],
        meta={"id": get_id(record, "doc_key", place)} if "doc_key" in record else {},
    )


def _attributes(remarks: List[Any]) -> Dict[str, Any]:
    """What stands after the label of a relation, where it says anything."""
    explanation = {_EXPLANATION: remarks[0]} if remarks and remarks[0] else {}
    flags = {name: value for name, value in zip(_FLAGS, remarks[1:]) if value}
    return {**explanation, **flags}


def _to_record(annotated: Annotated, report: Report) -> Record:
    if not all((annotated.spaces or [])[:-1]):
        report.note("crossre does not say where there are no spaces", place=annotated.place)
    if len(annotated.sentence_starts or []) > 1:
        report.note("crossre takes each document as one sentence", place=annotated.place)
    ends = ends_by_id(annotated, "crossre", report)
    record: Record = {"doc_key": annotated.meta["id"]} if "id" in annotated.meta else {}
    record["sentence"] = annotated.words
    record["ner"] = [[*ends[mention.id], mention.label] for mention in annotated.mentions]
    record["relations"] = [
        [*ends[relation.head], *ends[relation.tail], relation.label, *_remarks(relation)]
        for relation in annotated.relations
    ]
    others = sum(
        not relation.attributes.keys() <= {_EXPLANATION, *_FLAGS}
        for relation in annotated.relations
    )
    if others:
        message = "relations with attributes that crossre does not hold"
        report.note(message, place=annotated.place, count=others)
    return record


def _remarks(relation: AnnotatedRelation) -> List[Any]:
    attributes = relation.attributes
    flags = [attributes.get(name, False) for name in _FLAGS]
    return [attributes.get(_EXPLANATION, ""), *flags]


def _looks_like(head: str) -> bool:
    records = objects_on_lines(head)
    return bool(records) and all(
        isinstance(record.get("sentence"), list) and "ner" in record for record in records
    )


FORMAT = AnnotationFormat(
    name="crossre",
    description="the JSONL of CrossRE",
    read=read_crossre,
    write=write_crossre,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "sentences", "relation_attributes", "id"}),
    unit="tokens",
)
