"""FewRel's JSON: sentences with one pair of entities, by relation.

::

    {"P112": [{"tokens": ["Jobs", "founded", "Apple"],
               "h": ["apple", "Q312", [[2]]], "t": ["jobs", "Q19837", [[0]]]}]}

``h`` and ``t`` have a name, an identifier of Wikidata, and the tokens of each mention. There are no
entity types. An entity with several mentions is a cluster; the relation is read as one of the first
mentions. A list of sentences, where ``relation`` may name the relation, is read too. Han et al. 2018,
https://github.com/thunlp/FewRel.
"""

import re
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from ...errors import DataError
from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation
from ..format import AnnotationFormat
from ..records import (
    Record,
    get,
    objects_in_list,
    parse_json,
    read_text,
    to_json,
)
from ..report import Report
from ._sentences import read_words
from ._single_pairs import Pair, single_pairs

ENTITY = "ENTITY"
"""Entity type of the mentions; the data has none."""


def read_fewrel(path: Path, report: Report) -> Iterator[Annotated]:
    """Read a file of FewRel (format ``fewrel``); the whole file is held in memory.

    Args:
        path: the file, e.g. ``val_wiki.json``.
        report: takes note of what cannot be used.

    Raises:
        DataError: if the file is neither a JSON object nor a list.
    """
    try:
        content = parse_json(read_text(path))
    except DataError as err:
        raise DataError(err.message, place=str(path)) from err
    if isinstance(content, list):
        content = {"": content}
    if not isinstance(content, dict):
        raise DataError("expected an object with a list for each relation", place=str(path))
    for label, items in content.items():
        where = f"{path}, relation {label:.60}" if label else f"{path}"
        if not isinstance(items, list):
            report.problem(f"expected a list, got {items!r:.60}", place=where, skips="document")
            continue
        for i, item in enumerate(items):
            place = f"{where}, document {i}"
            try:
                if not isinstance(item, dict):
                    raise DataError(f"expected an object, got {item!r:.60}")
                annotated = _read(item, label, place)
            except DataError as err:
                report.problem(err.message, place=place, skips="document")
                continue
            yield annotated


def write_fewrel(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    """Write a file of FewRel's format: a sentence for each relation.

    Args:
        documents: with words.
        path: the file.
        report: takes note of what has no place in it.
    """
    places: Dict[str, List[Tuple[int, int]]] = {}
    # The file is ordered by relation, the documents are not.
    with tempfile.TemporaryFile() as spool, open_output(path) as output:
        for annotated in documents:
            for pair in single_pairs(annotated, "fewrel", report, negatives=False):
                if pair.relation is not None:
                    line = to_json(_to_record(pair, report)).encode("utf8")
                    places.setdefault(pair.relation.label, []).append((spool.tell(), len(line)))
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


def _read(record: Record, label: str, place: str) -> Annotated:
    mentions: List[AnnotatedMention] = []
    clusters = []
    for role in "ht":
        entity = _read_entity(record, role, place)
        if len(entity) > 1:
            clusters.append([mention.id for mention in entity])
        mentions.extend(entity)
    label = label or get(record, "relation", str, place, default="")
    relations = [AnnotatedRelation("h0", "t0", label)] if label else []
    return Annotated(
        place=place,
        words=read_words(record.get("tokens"), "tokens", place),
        mentions=mentions,
        relations=relations,
        clusters=list(clusters),
        sentence_starts=[0],
    )


def _read_entity(record: Record, role: str, place: str) -> List[AnnotatedMention]:
    value = get(record, role, list, place)
    if len(value) != 3 or not isinstance(value[2], list) or not value[2]:
        raise DataError(f'"{role}": expected [name, id, lists of tokens], got {value!r:.60}')
    kb_id = value[1] if isinstance(value[1], str) else ""
    return [_read_mention(tokens, f"{role}{i}", kb_id, role) for i, tokens in enumerate(value[2])]


def _read_mention(tokens: Any, id: str, kb_id: str, role: str) -> AnnotatedMention:
    if not isinstance(tokens, list) or not tokens or not all(type(k) is int for k in tokens):
        raise DataError(f'"{role}": expected the tokens of a mention, got {tokens!r:.60}')
    pieces: List[Tuple[int, int]] = []
    for token in tokens:
        if pieces and pieces[-1][1] == token:
            pieces[-1] = (pieces[-1][0], token + 1)
        else:
            pieces.append((token, token + 1))
    start, end = pieces[0][0], pieces[-1][1]
    return AnnotatedMention(
        id, start, end, ENTITY, kb_id=kb_id, pieces=tuple(pieces) if len(pieces) > 1 else ()
    )


def _to_record(pair: Pair, report: Report) -> Record:
    words = pair.annotated.words or []
    record: Record = {"tokens": words}
    for role, mention in (("h", pair.head), ("t", pair.tail)):
        if mention.label != ENTITY:
            report.note("entity types, which fewrel does not hold", place=pair.annotated.place)
        mentions = [mention, *_others(pair.annotated, mention)]
        positions = [_tokens(item) for item in mentions]
        name = " ".join(words[token] for token in positions[0]).lower()
        record[role] = [name, mention.kb_id, positions]
    return record


def _others(annotated: Annotated, mention: AnnotatedMention) -> List[AnnotatedMention]:
    """The other mentions of the entity."""
    cluster = next((c for c in annotated.clusters if mention.id in c), [])
    return [m for m in annotated.mentions if m.id in cluster and m.id != mention.id]


def _tokens(mention: AnnotatedMention) -> List[int]:
    pieces = mention.pieces or ((mention.start, mention.end),)
    return [token for start, end in pieces for token in range(start, end)]


_BEGINNING = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[\s*\{')


def _looks_like(head: str) -> bool:
    keys = {"tokens", "h", "t"}
    records = objects_in_list(head)
    if records:
        return all(keys <= record.keys() for record in records)
    beginning = _BEGINNING.match(head.lstrip("\ufeff"))
    if beginning is None:
        return False
    records = objects_in_list("[" + head.lstrip("\ufeff")[beginning.end() - 1 :])
    return bool(records) and keys <= records[0].keys()


FORMAT = AnnotationFormat(
    name="fewrel",
    description="the JSON of FewRel",
    read=read_fewrel,
    write=write_fewrel,
    looks_like=_looks_like,
    holds=frozenset({"tokens", "sentences", "clusters", "pieces", "kb_ids"}),
    unit="tokens",
)
