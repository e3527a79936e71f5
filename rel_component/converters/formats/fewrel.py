"""FewRel's JSON: sentences with one pair of entities, by relation.

``h`` and ``t`` have a name, an identifier of Wikidata, and the tokens of each mention. There are no
entity types. An entity with several mentions is a cluster; the relation is read as one of the first
mentions. A list of sentences, where ``relation`` may name the relation, is read too. Han et al. 2018,
https://github.com/thunlp/FewRel.
"""

import re
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from ...errors import DataError, shown
from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..json_stream import parse_json
from ..records import (
    Record,
    first_records,
    get,
    read_beginning,
    read_each,
    read_meta,
    read_records,
    to_json,
    write_meta,
)
from ..report import Report
from ..text_files import read_text
from ._sentences import read_words
from ._single_pairs import single_pairs

_FIELDS = frozenset({"tokens", "h", "t", "relation"})

ENTITY = "ENTITY"
"""Entity type of the mentions; the data has none."""


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    """The documents of a file; one with lists by relation is held in memory."""
    if not _LISTS.match(read_beginning(path)):
        records = read_records(path, report, lines=False)
        return read_each(((place, ("", record)) for place, record in records), _read, report)
    try:
        content = parse_json(read_text(path))
    except DataError as err:
        raise DataError(err.message, place=str(path)) from err
    return read_each(_items(content, path, report), _read, report)


def _items(
    content: Dict[str, Any], path: Path, report: Report
) -> Iterator[Tuple[str, Tuple[str, Any]]]:
    """Each sentence with its relation, and their place."""
    for label, items in content.items():
        place = f"{path}, relation {label:.60}"
        if not isinstance(items, list):
            report.problem(f"expected a list, got {shown(items)}", place=place, skips="document")
            continue
        for i, item in enumerate(items):
            yield f"{place}, document {i}", (label, item)


def _write_file(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    places: Dict[str, List[Tuple[int, int]]] = {}
    # The file is ordered by relation, the documents are not.
    with tempfile.TemporaryFile() as spool, open_output(path) as output:
        for annotated in documents:
            for head, tail, relation in single_pairs(annotated, "fewrel", report, negatives=False):
                if relation is not None:
                    line = to_json(_to_record(annotated, head, tail, report)).encode("utf8")
                    places.setdefault(relation.label, []).append((spool.tell(), len(line)))
                    spool.write(line)
        output.write("{")
        before = "\n"
        for label, lines in places.items():
            output.write(f"{before}{to_json(label)}: [\n")
            for i, (start, length) in enumerate(lines):
                spool.seek(start)
                output.write((",\n" if i else "") + spool.read(length).decode("utf8"))
            output.write("\n]")
            before = ",\n"
        output.write("\n}\n")


def _read(item: Tuple[str, Any], place: str, report: Report) -> Annotated:
    label, record = item
    if not isinstance(record, dict):
        raise DataError(f"expected an object, got {shown(record)}")
    entities = [_read_entity(record, role) for role in "ht"]
    label = label or get(record, "relation", str, default="")
    return Annotated(
        place=place,
        words=read_words(record, "tokens"),
        mentions=[mention for entity in entities for mention in entity],
        relations=[AnnotatedRelation("h0", "t0", label)] if label else [],
        clusters=[[mention.id for mention in entity] for entity in entities if len(entity) > 1],
        sentence_starts=[0],
        meta=read_meta(record, _FIELDS),
    )


def _read_entity(record: Record, role: str) -> List[AnnotatedMention]:
    value = get(record, role, list)
    if len(value) != 3 or not isinstance(value[2], list) or not value[2]:
        raise DataError(f'"{role}": expected [name, id, lists of tokens], got {shown(value)}')
    kb_id = "" if value[1] is None else str(value[1])
    return [read_tokens(tokens, f"{role}{i}", kb_id, role) for i, tokens in enumerate(value[2])]


def read_tokens(tokens: Any, key: str, kb_id: str, role: str) -> AnnotatedMention:
    """Read the tokens of one mention of an entity; a DataError if they are no list of integers."""
    if not isinstance(tokens, list) or not tokens or not all(type(k) is int for k in tokens):
        raise DataError(f'"{role}": expected the tokens of a mention, got {shown(tokens)}')
    fragments: List[Tuple[int, int]] = []
    for token in tokens:
        if fragments and fragments[-1][1] == token:
            fragments[-1] = (fragments[-1][0], token + 1)
        else:
            fragments.append((token, token + 1))
    start, end = fragments[0][0], fragments[-1][1]
    several = tuple(fragments) if len(fragments) > 1 else ()
    return AnnotatedMention(key, start, end, ENTITY, kb_id=kb_id, fragments=several)


def _to_record(
    annotated: Annotated, head: AnnotatedMention, tail: AnnotatedMention, report: Report
) -> Record:
    words = annotated.words or []
    record: Record = {**write_meta(annotated, _FIELDS), "tokens": words}
    for role, mention in (("h", head), ("t", tail)):
        if mention.label != ENTITY:
            report.note("entity types, which fewrel does not hold", place=annotated.place)
        cluster = next((c for c in annotated.clusters if mention.id in c), [])
        others = [m for m in annotated.mentions if m.id in cluster and m.id != mention.id]
        positions = [_tokens(item) for item in (mention, *others)]
        name = " ".join(words[token] for token in positions[0]).lower()
        record[role] = [name, mention.kb_id, positions]
    return record


def _tokens(mention: AnnotatedMention) -> List[int]:
    fragments = mention.fragments or ((mention.start, mention.end),)
    return [token for start, end in fragments for token in range(start, end)]


_LISTS = re.compile(r'\{\s*(?:"(?:[^"\\]|\\.)*"\s*:\s*\[\s*[{\]]|\})')
_BEGINNING = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[\s*\{')


def _looks_like(head: str) -> bool:
    text = head.lstrip("\ufeff")
    beginning = _BEGINNING.match(text)
    if beginning is not None:
        text = "[" + text[beginning.end() - 1 :]
    records = first_records(text)
    return bool(records) and {"tokens", "h", "t"} <= records[0].keys()


FORMAT = AnnotationFormat(
    name="fewrel",
    description="the JSON of FewRel",
    read=_read_file,
    write=_write_file,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "sentences", "clusters", "fragments", "kb_ids", "id", "meta"}),
    unit="tokens",
    sample="""\
{"P112": [{"tokens": ["Jobs", "founded", "Apple"],
           "h": ["apple", "Q312", [[2]]], "t": ["jobs", "Q19837", [[0]]]}]}
""",
)
