"""The files of examples for spacy-llm's relation extraction task: YAML, JSON or JSONL.

``dep`` and ``dest``, head and tail of the relation, are positions in ``ents``, or ``ENT1`` and the like.
Described at https://spacy.io/api/large-language-models#rel-v1.
"""

import json
import re
from pathlib import Path
from typing import Iterable, Iterator, Tuple

import srsly

from ...errors import DataError, shown
from ...files import open_output
from ...yaml_files import parse_yaml
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..json_stream import parse_json
from ..records import (
    Record,
    first_records,
    get,
    get_items,
    read_beginning,
    read_each,
    read_meta,
    read_records,
    write_records,
)
from ..report import Report
from ..text_files import read_text

_YAML_ITEM = re.compile(r"(?:\s*(?:#.*|---.*)?\n)*\s*-\s+[\"']?(?:text|ents|relations)[\"']?\s*:")
_ENTS_IN_YAML = re.compile(r"^[\s-]+[\"']?ents[\"']?\s*:", re.MULTILINE)


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    """The documents of a file of YAML or JSON, as its first character tells."""
    is_json = read_beginning(path)[:1] in ("{", "[")
    records = read_records(path, report) if is_json else _yaml_records(path, report)
    return read_each(records, _read, report)


def _write_file(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write YAML, one JSON list or, if the path has none of their endings, JSONL."""
    records = map(_to_record, documents)
    if path.suffix not in (".yml", ".yaml"):
        write_records(records, path, lines=path.suffix != ".json")
        return
    with open_output(path) as output:
        empty = True
        for record in records:
            output.write(srsly.yaml_dumps([record]))
            empty = False
        output.write("[]\n" if empty else "")


def _yaml_records(path: Path, report: Report) -> Iterator[Tuple[str, Record]]:
    try:
        items = parse_yaml(read_text(path))
    except DataError as err:
        raise DataError(err.message, place=str(path)) from err
    if items is None:
        return
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        raise DataError(f"expected a list of examples, got {shown(items)}", place=str(path))
    for i, item in enumerate(items):
        place = f"{path}, document {i}"
        try:
            record = parse_json(json.dumps(item))
            if not isinstance(record, dict):
                raise DataError(f"expected an object, got {shown(item)}")
        except (TypeError, ValueError) as err:  # YAML has dates and more, which JSON has not
            message = err.message if isinstance(err, DataError) else str(err)
            report.problem(message, place=place, skips="document")
            continue
        yield place, record


def _read(record: Record, place: str, report: Report) -> Annotated:
    mentions = [
        AnnotatedMention(
            i,
            get(item, "start_char", int),
            get(item, "end_char", int),
            get(item, "label", str),
        )
        for i, item in enumerate(get_items(record, "ents", dict))
    ]
    relations = []
    for item in get_items(record, "relations", dict):
        with report.skipping("relation", place):
            head, tail = _position(item, "dep"), _position(item, "dest")
            relations.append(AnnotatedRelation(head, tail, get(item, "relation", str)))
    return Annotated(
        place=place,
        text=get(record, "text", str),
        mentions=mentions,
        relations=relations,
        meta=read_meta(record, {"text", "ents", "relations"}),
    )


def _position(item: Record, key: str) -> int:
    value = item.get(key)
    match = re.fullmatch(r"(?:ENT)?(\d{1,9})", value) if isinstance(value, str) else None
    return int(match[1]) if match else int(get(item, key, int))


def _to_record(annotated: Annotated) -> Record:
    # spacy-llm takes mentions in the order of the text.
    mentions = sorted(annotated.mentions, key=lambda mention: (mention.start, mention.end))
    positions = {mention.id: i for i, mention in enumerate(mentions)}
    return {
        "text": annotated.text,
        "ents": [
            {"start_char": mention.start, "end_char": mention.end, "label": mention.label}
            for mention in mentions
        ],
        "relations": [
            {
                "dep": positions[relation.head],
                "dest": positions[relation.tail],
                "relation": relation.label,
            }
            for relation in annotated.relations
        ],
    }


def _looks_like(head: str) -> bool:
    records = first_records(head)
    if records:
        return all("text" in record and _has_examples_keys(record) for record in records)
    start = head.lstrip("\ufeff")
    return _YAML_ITEM.match(start) is not None and _ENTS_IN_YAML.search(start) is not None


def _has_examples_keys(record: Record) -> bool:
    items = record.get("relations")
    relations = items if isinstance(items, list) else []
    return "ents" in record or any(
        isinstance(x, dict) and {"dep", "dest"} <= x.keys() for x in relations
    )


FORMAT = AnnotationFormat(
    name="spacy_llm",
    description="examples for spacy-llm's REL task",
    read=_read_file,
    write=_write_file,
    looks_like=_looks_like,
    sample="""\
- text: Jobs founded Apple
  ents:
    - {start_char: 0, end_char: 4, label: PERSON}
    - {start_char: 13, end_char: 18, label: ORG}
  relations:
    - {dep: 1, dest: 0, relation: FOUNDED_BY}
""",
)
