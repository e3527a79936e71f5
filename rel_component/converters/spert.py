"""SpERT's JSON, in which CoNLL04 is distributed: one list of sentences.

::

    [{"tokens": ["Jobs", "founded", "Apple"],
      "entities": [{"type": "Peop", "start": 0, "end": 1}, {"type": "Org", "start": 2, "end": 3}],
      "relations": [{"type": "Founded", "head": 0, "tail": 1}], "orig_id": 7}]

Offsets are tokens, ends exclusive; relations name entities by their position in the list. Described
at https://github.com/lavis-nlp/spert.
"""

from pathlib import Path
from typing import Iterator

import srsly

from ..errors import DataError
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation
from .records import Record, get, get_objects, read_lines
from .report import Report


def read_spert(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of SpERT's format (converter ``spert``).

    path: the file. report: takes note of what cannot be used.

    :raises DataError: if the file is no JSON list.
    """
    try:
        records = srsly.json_loads("\n".join(line for _, line in read_lines(path)))
    except ValueError as err:
        if isinstance(err, DataError):
            raise
        raise DataError(f"broken JSON: {err}", place=str(path)) from err
    if not isinstance(records, list):
        raise DataError("expected a list of sentences", place=str(path))
    for i, record in enumerate(records):
        place = f"{path}, document {i}"
        try:
            if not isinstance(record, dict):
                raise DataError(f"expected an object, got {record!r:.60}")
            if "orig_id" in record:
                place += f" (orig_id {record['orig_id']})"
            yield _read(record, place)
        except DataError as err:
            report.problem(err.message, place=place, skips="document")


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
        one_sentence=True,
        meta={"id": record["orig_id"]} if "orig_id" in record else {},
    )
