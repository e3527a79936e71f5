"""UBIAI's JSON: a list of documents with their mentions, under ``tokens``, and relations.

::

    [{"documentName": "d1.txt", "document": "Jobs founded Apple",
      "tokens": [{"text": "Jobs", "start": 0, "end": 4, "token_start": 0, "token_end": 0,
                  "entityLabel": "PERSON"}, ...],
      "relations": [{"head": 2, "child": 0, "relationLabel": "FOUNDED_BY"}]}]

Offsets are characters, ends exclusive. ``head`` and ``child`` are the first tokens of mentions
(https://github.com/walidamamou/relation_extraction_transformer), in files without ``token_start`` the
positions of mentions in their list. A relation goes from head to child. The numbers of tokens are
written as words and other characters count; only relations refer to them.
"""

import re
from bisect import bisect_right
from collections import Counter
from typing import Dict, List

from ...errors import DataError
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..checks import relation_place
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
from ._shown import find_shown

_NAME, _TEXTS = "documentName", ("document", "text")
_FIELDS = frozenset({*_TEXTS, "tokens", "relations"})
_TOKEN = re.compile(r"\w+|[^\w\s]")


def _read(record: Record, place: str, report: Report) -> Annotated:
    text = get(record, next((key for key in _TEXTS if key in record), _TEXTS[0]), str)
    annotated = Annotated(place, text, meta=read_meta(record, _FIELDS, _NAME))
    items = get_items(record, "tokens", dict)
    for i, item in enumerate(items):
        with report.skipping("mention", f"{place}, mention {i}"):
            annotated.mentions.append(_read_mention(item, i, text))
    positions = _positions(items)
    if any(len(numbers) > 1 for numbers in positions.values()):
        message = "several mentions begin with one token: relations are of the first of them"
        report.note(message, place=place)
    for i, item in enumerate(get_items(record, "relations", dict)):
        with report.skipping("relation", f"{place}, relation {i}"):
            head, tail = (_find(item, role, positions) for role in ("head", "child"))
            label = get(item, "relationLabel", str)
            annotated.relations.append(AnnotatedRelation(head, tail, label))
    return annotated


def _read_mention(item: Record, number: int, text: str) -> AnnotatedMention:
    words = get(item, "text", str, default="")
    start, end = find_shown(text, get(item, "start", int), get(item, "end", int), words)
    return AnnotatedMention(number, start, end, get(item, "entityLabel", str))


def _positions(items: List[Record]) -> Dict[int, List[int]]:
    """The mentions that each number in a relation means."""
    positions: Dict[int, List[int]] = {}
    numbered = all("token_start" in item for item in items)
    for i, item in enumerate(items):
        positions.setdefault(get(item, "token_start", int) if numbered else i, []).append(i)
    return positions


def _find(item: Record, role: str, positions: Dict[int, List[int]]) -> int:
    number = get(item, role, int)
    if number not in positions:
        raise DataError(f'"{role}": no mention begins with token {number}')
    return positions[number][0]


def _to_record(annotated: Annotated, report: Report) -> Record:
    text = annotated.text or ""
    starts = [token.start() for token in _TOKEN.finditer(text)]
    tokens = {
        mention.id: {
            "text": text[mention.start : mention.end],
            "start": mention.start,
            "end": mention.end,
            "token_start": bisect_right(starts, mention.start) - 1,
            "token_end": bisect_right(starts, mention.end - 1) - 1,
            "entityLabel": mention.label,
        }
        for mention in annotated.mentions
    }
    relations = []
    for relation in annotated.relations:
        head, child = (tokens[key]["token_start"] for key in (relation.head, relation.tail))
        if head == child:
            message = "a relation of mentions that begin with one token, which ubiai does not hold"
            report.problem(message, place=relation_place(annotated, relation), skips="relation")
        else:
            relations.append({"head": head, "child": child, "relationLabel": relation.label})
    record = write_meta(annotated, _FIELDS, _NAME)
    record["document"] = text
    record["tokens"] = list(tokens.values())
    record["relations"] = relations
    firsts = Counter(token["token_start"] for token in tokens.values())
    shared = sum(firsts[tokens[key]["token_start"]] > 1 for key in annotated.related)
    if shared:
        message = "relations of mentions that begin with one token, which ubiai mixes up"
        report.note(message, place=annotated.place, count=shared)
    return record


def _fits(record: Record) -> bool:
    items = record.get("tokens")
    return (
        isinstance(record.get("document"), str)
        and isinstance(items, list)
        and all(isinstance(item, dict) and "entityLabel" in item for item in items)
    )


FORMAT = AnnotationFormat(
    name="ubiai",
    description="UBIAI's JSON",
    read=json_reader(_read, name=_NAME, lines=False),
    write=json_writer(_to_record, lines=False),
    looks_like=json_detector(_fits),
    holds=frozenset({"id", "meta"}),
    sample="""\
[{"documentName": "d1.txt", "document": "Jobs founded Apple", "tokens": [
    {"text": "Jobs", "start": 0, "end": 4, "token_start": 0, "token_end": 0,
     "entityLabel": "PERSON"},
    {"text": "Apple", "start": 13, "end": 18, "token_start": 2, "token_end": 2,
     "entityLabel": "ORG"}],
  "relations": [{"head": 2, "child": 0, "relationLabel": "FOUNDED_BY"}]}]
""",
)
