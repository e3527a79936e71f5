"""SpERT's JSON, in which CoNLL04 is distributed: one list of sentences.

::

    [{"tokens": ["Jobs", "founded", "Apple"],
      "entities": [{"type": "Peop", "start": 0, "end": 1}, {"type": "Org", "start": 2, "end": 3}],
      "relations": [{"type": "Founded", "head": 0, "tail": 1}], "orig_id": 7}]

Offsets are tokens, ends exclusive; relations name entities by their position in the list. Described
at https://github.com/lavis-nlp/spert.
"""

from pathlib import Path
from typing import Iterable, Iterator

from ...errors import DataError
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    get_objects,
    objects_in_list,
    read_each,
    read_json_list,
    write_json_list,
)
from ..report import Report


def read_spert(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of SpERT's format (format ``spert``); the whole file is held in memory.

    Args:
        path: the file.
        report: takes note of what cannot be used.

    Raises:
        DataError: if the file is no JSON list.
    """
    records = read_json_list(path, report)
    yield from read_each(
        records,
        lambda record, place, _: _read(record, place),
        report,
        key="orig_id",
        form=" (orig_id {})",
    )


def write_spert(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of SpERT's format.

    Args:
        documents: with words.
        path: the file.
        report: takes note of spaces, which the format lacks.
    """
    write_json_list((_to_record(annotated, report) for annotated in documents), path)


def _read(record: Record, place: str) -> Annotated:
    words = get(record, "tokens", list, place)
    if not all(isinstance(word, str) and word for word in words):
        raise DataError('"tokens": expected a list of strings', place=place)
    return Annotated(
        place=place,
        words=words,
        mentions=[
            AnnotatedMention(
                id=k,
                start=get(item, "start", int, place),
                end=get(item, "end", int, place),
                label=get(item, "type", str, place),
            )
            for k, item in enumerate(get_objects(record, "entities", place))
        ],
        relations=[
            AnnotatedRelation(
                head=get(item, "head", int, place),
                tail=get(item, "tail", int, place),
                label=get(item, "type", str, place),
            )
            for item in get_objects(record, "relations", place)
        ],
        sentence_starts=[0],
        meta={"id": record["orig_id"]} if "orig_id" in record else {},
    )


def _to_record(annotated: Annotated, report: Report) -> Record:
    spaces = (annotated.spaces or [])[:-1]
    if not all(spaces):
        report.note("spert does not say where there are no spaces", place=annotated.place)
    if annotated.sentence_starts is not None and len(annotated.sentence_starts) > 1:
        report.note("spert takes each document as one sentence", place=annotated.place)
    positions = {mention.id: i for i, mention in enumerate(annotated.mentions)}
    record: Record = {
        "tokens": annotated.words,
        "entities": [
            {"type": mention.label, "start": mention.start, "end": mention.end}
            for mention in annotated.mentions
        ],
        "relations": [
            {
                "type": relation.label,
                "head": positions[relation.head],
                "tail": positions[relation.tail],
            }
            for relation in annotated.relations
        ],
    }
    if "id" in annotated.meta:
        record["orig_id"] = annotated.meta["id"]
    return record


def _looks_like(head: str) -> bool:
    records = objects_in_list(head)
    return bool(records) and all({"tokens", "entities"} <= record.keys() for record in records)


FORMAT = AnnotationFormat(
    name="spert",
    description="SpERT's JSON, e.g. CoNLL04",
    read=read_spert,
    write=write_spert,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "sentences", "id"}),
    unit="tokens",
)
