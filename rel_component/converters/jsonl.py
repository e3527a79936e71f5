"""The package's own format: one JSON object a line, offsets in characters.

::

    {"id": "doc1", "text": "Apple was founded by Steve Jobs.",
     "entities": [{"id": "T1", "start": 0, "end": 5, "label": "ORG"},
                  {"id": "T2", "start": 21, "end": 31, "label": "PERSON"}],
     "relations": [{"head": "T1", "tail": "T2", "label": "FOUNDED_BY"}],
     "meta": {"source": "example"}}

``id`` and ``meta`` are optional; ends are exclusive; ids of entities are strings or integers, unique
in their document.
"""

from pathlib import Path
from typing import Iterator, Union

from ..errors import DataError
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation
from .records import Record, get, get_objects, read_json_lines
from .report import Report


def read_jsonl(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of the package's own format (converter ``jsonl``).

    path: the file. report: takes note of what cannot be used.
    """
    for place, record in read_json_lines(path, report):
        try:
            yield _read(record, place)
        except DataError as err:
            report.problem(err.message, place=place, skips="document")


def _read(record: Record, place: str) -> Annotated:
    meta = dict(get(record, "meta", dict, place, default={}))
    if "id" in record:
        meta["id"] = record["id"]
    return Annotated(
        place=place,
        text=get(record, "text", str, place),
        mentions=[
            AnnotatedMention(
                id=_id(item, "id", place),
                start=get(item, "start", int, place),
                end=get(item, "end", int, place),
                label=get(item, "label", str, place),
            )
            for item in get_objects(record, "entities", place)
        ],
        relations=[
            AnnotatedRelation(
                head=_id(item, "head", place),
                tail=_id(item, "tail", place),
                label=get(item, "label", str, place),
            )
            for item in get_objects(record, "relations", place)
        ],
        meta=meta,
    )


def _id(item: Record, key: str, place: str) -> Union[int, str]:
    value = item.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return str(get(item, key, str, place))
