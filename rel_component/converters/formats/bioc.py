"""BioC's JSON: collections of documents of passages, with annotations, and relations between these.

::

    {"documents": [{"id": "d1", "infons": {}, "passages": [
        {"offset": 0, "infons": {"type": "title"}, "text": "Jobs founded Apple", "sentences": [],
         "annotations": [{"id": "1", "text": "Jobs", "infons": {"type": "Person", "identifier": "Q1"},
                          "locations": [{"offset": 0, "length": 4}]}, ...]}],
      "relations": [{"id": "R1", "infons": {"type": "founded"}, "nodes": [
          {"refid": "1", "role": "head"}, {"refid": "2", "role": "tail"}]}]}]}

Annotations and relations may belong to a document, a passage or a sentence; offsets are those of the
whole document. Passages are joined with line breaks, sentences with spaces. The first node of a
relation is its head, unless roles say otherwise. A relation without nodes lies between the two
concepts in its infons, as in BioRED and BC5CDR: then the mentions of a concept are an entity. A relation
of type ``Equiv`` is a cluster. Lists and lines of documents, and PubTator's, are read too.
Comeau et al. 2013, https://doi.org/10.1093/database/bat064.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from ...errors import DataError, shown
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..format import AnnotationFormat
from ..records import (
    Record,
    first_records,
    get,
    get_id,
    get_items,
    read_each,
    read_records,
)
from ..report import Report
from ._shown import find_shown
from .bioc_writer import EQUIV, HEAD_TAIL, ROLES, begins_with_tail, write_bioc
from .pubtator import first_mentions

_COLLECTIONS = ("documents", "PubTator3")
_IDENTIFIERS = ("identifier", "MESH", "MeSH", "CUI", "OMIM", "NCBI GENE", "NCBI Gene")
_TYPES = ("type", "relation")
_PROBABILITY = re.compile(r"0(\.\d+)?|1(\.0+)?")
_PARTS = frozenset({"id", "infons", "passages", "annotations", "relations"})


@dataclass
class _Piece:
    """A passage with a text, or a sentence.

    Attributes:
        offset: its first character, as the file counts.
        text: its text.
        separator: what stands before it, unless it begins where the piece before it ends.
        annotations: what is annotated in it.
        sentences: where sentences start in its text; none: not known.
        start: its first character in the text of the document.
    """

    offset: int
    text: str
    separator: str
    annotations: List[Record]
    sentences: List[int]
    start: int = 0


class _Layout:
    """Where the characters that the file counts are in the text of the document."""

    def __init__(self, text: str, pieces: Iterable[_Piece]) -> None:
        self._text = text
        self._pieces = sorted(pieces, key=lambda piece: piece.offset)
        self._offsets = [piece.offset for piece in self._pieces]

    def find(self, offset: int, length: int, text: str, own: Optional[_Piece]) -> Tuple[int, int]:
        """The range of a location, in the piece it belongs to if it is known, else in any."""
        piece = own
        if piece is None or not 0 <= offset - piece.offset < len(piece.text):
            piece = self._piece(offset)
        last = self._piece(offset + length - 1)
        start = offset - piece.offset
        if start + length <= len(piece.text) or last.offset <= piece.offset:
            start, end = find_shown(piece.text, start, start + length, text)
            if end <= len(piece.text):
                return piece.start + start, piece.start + end
            raise DataError(f"characters {offset}:{offset + length} are not in a passage")
        end = last.start + offset + length - last.offset
        return find_shown(self._text, piece.start + start, end, text)

    def _piece(self, offset: int) -> _Piece:
        """The last piece that begins at or before an offset."""
        number = bisect_right(self._offsets, offset) - 1
        if number < 0:
            raise DataError(f"no passage has character {offset}")
        return self._pieces[number]


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    return read_each(_documents(path, report), _read, report)


def _documents(path: Path, report: Report) -> Iterator[Tuple[str, Record]]:
    for place, record in read_records(path, report, lines=False):
        key = next((key for key in _COLLECTIONS if key in record), None)
        if key is None:
            yield place, record
            continue
        documents = record[key]
        if not isinstance(documents, list):
            message = f'"{key}": expected a list, got {shown(documents)}'
            report.problem(message, place=place, skips="document")
            continue
        for i, document in enumerate(documents):
            where = f"{place}, document {i}"
            if isinstance(document, dict):
                yield f"{where}, id {document.get('id')!s:.60}", document
            else:
                message = f"expected an object, got {shown(document)}"
                report.problem(message, place=where, skips="document")


def _read(record: Record, place: str, report: Report) -> Annotated:
    others = {key: value for key, value in record.items() if key not in _PARTS}
    meta = {**others, **get(record, "infons", dict, default={})}
    if record.get("id") is not None:
        meta["id"] = get_id(record, "id")
    get(record, "passages", list)
    passages = get_items(record, "passages", dict)
    pieces, loose, relations = _read_pieces(passages)
    annotated = Annotated(place, _join(pieces), meta=meta)
    starts = [piece.start + start for piece in pieces for start in piece.sentences]
    if starts:
        annotated.sentence_starts = sorted(set(starts))
    n_infons = sum(bool(passage.get("infons")) for passage in passages)
    if n_infons:
        report.note("infons of passages, which are not read", place=place, count=n_infons)
    loose += get_items(record, "annotations", dict)
    names = _read_mentions(annotated, pieces, loose, report)
    relations += get_items(record, "relations", dict)
    _read_relations(annotated, relations, names, report)
    return annotated


def _read_pieces(passages: List[Record]) -> Tuple[List[_Piece], List[Record], List[Record]]:
    """The passages with a text, of others the sentences; annotations of these others; all relations."""
    pieces: List[_Piece] = []
    loose: List[Record] = []
    relations: List[Record] = []
    for passage in passages:
        sentences = get_items(passage, "sentences", dict)
        inside = [get_items(sentence, "annotations", dict) for sentence in sentences]
        own = get_items(passage, "annotations", dict)
        text = get(passage, "text", str, default="")
        if text or not sentences:
            offset = get(passage, "offset", int)
            starts = [get(sentence, "offset", int) - offset for sentence in sentences]
            pieces.append(_Piece(offset, text, "\n", [*own, *chain(*inside)], starts))
        else:
            loose += own
            for i, (sentence, annotations) in enumerate(zip(sentences, inside)):
                offset, text = get(sentence, "offset", int), get(sentence, "text", str)
                pieces.append(_Piece(offset, text, " " if i else "\n", annotations, [0]))
        for part in (*sentences, passage):
            relations += get_items(part, "relations", dict)
    return pieces, loose, relations


def _join(pieces: List[_Piece]) -> str:
    """The text of all pieces, each of which is told where it starts."""
    parts: List[str] = []
    length = end = 0
    for piece in pieces:
        if parts and piece.offset != end:
            parts.append(piece.separator)
            length += len(piece.separator)
        piece.start = length
        parts.append(piece.text)
        length += len(piece.text)
        end = piece.offset + len(piece.text)
    return "".join(parts)


def _read_mentions(
    annotated: Annotated, pieces: List[_Piece], loose: List[Record], report: Report
) -> Dict[MentionId, MentionId]:
    """Add the mentions; the mention that each id in the file stands for."""
    layout = _Layout(annotated.text or "", pieces)
    names: Dict[MentionId, MentionId] = {}
    items = [(item, piece) for piece in pieces for item in piece.annotations]
    for item, own in [*items, *((item, None) for item in loose)]:
        with report.skipping("mention", f"{annotated.place}, mention {item.get('id')!s:.60}"):
            name = get_id(item, "id")
            mention = _read_mention(item, name, own, layout)
            if name in names:
                message = "annotations with one id, of which relations are of the first"
                report.note(message, place=annotated.place)
                mention = replace(mention, id=f"{name}#{len(annotated.mentions)}")
            names.setdefault(name, mention.id)
            annotated.mentions.append(mention)
    return names


def _read_mention(
    item: Record, name: MentionId, own: Optional[_Piece], layout: _Layout
) -> AnnotatedMention:
    attributes = dict(get(item, "infons", dict, default={}))
    label = get({"type": attributes.pop("type", None)}, "type", str, default="")
    key = next((key for key in _IDENTIFIERS if isinstance(attributes.get(key), str)), None)
    kb_id = attributes.pop(key) if key is not None else ""
    text = get(item, "text", str, default="")
    locations = get_items(item, "locations", dict)
    fragments = sorted(
        layout.find(
            get(location, "offset", int),
            get(location, "length", int),
            text if len(locations) == 1 else "",
            own,
        )
        for location in locations
    )
    if not fragments:
        raise DataError("an annotation without location")
    several = tuple(fragments) if len(fragments) > 1 else ()
    start, end = fragments[0][0], fragments[-1][1]
    return AnnotatedMention(name, start, end, label, kb_id, several, attributes)


def _read_relations(
    annotated: Annotated, items: List[Record], names: Dict[MentionId, MentionId], report: Report
) -> None:
    entities: Dict[str, List[MentionId]] = {}
    for mention in annotated.mentions:
        if mention.kb_id:
            entities.setdefault(mention.kb_id, []).append(mention.id)
    concepts = first_mentions(entities)
    of_concepts = False
    for i, item in enumerate(items):
        with report.skipping("relation", f"{annotated.place}, relation {item.get('id', i)!s:.60}"):
            nodes = get_items(item, "nodes", dict)
            infons = dict(get(item, "infons", dict, default={}))
            if _is_cluster(nodes, infons):
                annotated.clusters.append([_mention_of(node, names) for node in nodes])
                continue
            if len(nodes) == 2:
                head, tail = _ends_of_nodes(nodes, infons, names)
            else:
                head, tail = _ends_of_concepts(nodes, infons, concepts)
                of_concepts = True
            annotated.relations.append(_read_relation(item, head, tail, infons))
    if of_concepts:
        annotated.clusters += [members for members in entities.values() if len(members) > 1]


def _is_cluster(nodes: List[Record], infons: Record) -> bool:
    return infons.get("type") == EQUIV and not any(node.get("role") in HEAD_TAIL for node in nodes)


def _mention_of(node: Record, names: Dict[MentionId, MentionId]) -> MentionId:
    name: MentionId = get_id(node, "refid")
    return names.get(name, name)


def _ends_of_nodes(
    nodes: List[Record], infons: Record, names: Dict[MentionId, MentionId]
) -> Tuple[MentionId, MentionId]:
    """Head and tail; roles other than these go to the infons."""
    roles = [get(node, "role", str, default="") for node in nodes]
    if begins_with_tail(roles):
        nodes, roles = nodes[::-1], roles[::-1]
    if any(roles) and roles != HEAD_TAIL:
        infons[ROLES] = roles
    return _mention_of(nodes[0], names), _mention_of(nodes[1], names)


def _ends_of_concepts(
    nodes: List[Record], infons: Record, concepts: Dict[str, MentionId]
) -> Tuple[MentionId, MentionId]:
    """The first mentions of the two concepts that the infons have; they are taken from these."""
    found: Dict[str, MentionId] = {}
    for key, value in infons.items():
        concept = value.get("identifier") if isinstance(value, dict) else value
        if key not in _TYPES and isinstance(concept, str) and concept in concepts:
            found[key] = concepts[concept]
    if len(found) != 2:
        raise DataError(
            f"a relation of {len(nodes)} annotations and {len(found)} concepts; expected two"
        )
    head, tail = (found[key] for key in found if infons.pop(key))
    return head, tail


def _read_relation(
    item: Record, head: MentionId, tail: MentionId, infons: Record
) -> AnnotatedRelation:
    key = next((key for key in _TYPES if key in infons), _TYPES[0])
    label = get({key: infons.pop(key, None)}, key, str, default="")
    score = _pop_score(infons)
    name = get_id(item, "id") if item.get("id") is not None else None
    return AnnotatedRelation(head, tail, label, score, name, attributes=infons)


def _pop_score(infons: Record) -> Optional[float]:
    """The probability that the infons have, 1.0 without one; a score that is none remains there."""
    value = infons.get("score", 1.0)
    if isinstance(value, str) and _PROBABILITY.fullmatch(value):
        value = float(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 <= value <= 1):
        return 1.0
    infons.pop("score", None)
    return None if value is None else float(value)


_COLLECTION = re.compile(r'\s*\{.*?"(?:documents|PubTator3)"\s*:\s*\[', re.DOTALL)


def _looks_like(head: str) -> bool:
    text = head.lstrip("\ufeff")
    beginning = _COLLECTION.match(text)
    records = first_records("[" + text[beginning.end() :] if beginning else text)
    return bool(records) and all("passages" in record for record in records)


FORMAT = AnnotationFormat(
    name="bioc",
    description="BioC's JSON",
    read=_read_file,
    write=write_bioc,
    looks_like=_looks_like,
    holds=frozenset(
        {
            *("sentences", "several_sentences", "clusters", "fragments", "kb_ids"),
            *("mention_attributes", "scores", "relation_ids", "relation_attributes"),
            *("id", "meta"),
        }
    ),
    sample="""\
{
"source": "example", "date": "", "key": "", "infons": {}, "documents": [
{"id": "d1", "infons": {"source": "news"}, "passages": [
  {"offset": 0, "infons": {}, "text": "", "sentences": [
    {"offset": 0, "infons": {}, "text": "Jobs founded Apple.", "annotations": [
      {"id": "1", "infons": {"type": "Person", "identifier": "Q19837"}, "text": "Jobs",
       "locations": [{"offset": 0, "length": 4}]},
      {"id": "2", "infons": {"type": "Company", "sure": "yes"}, "text": "Apple",
       "locations": [{"offset": 13, "length": 5}]}], "relations": []},
    {"offset": 20, "infons": {}, "text": "He left.", "annotations": [
      {"id": "3", "infons": {"type": "Person"}, "text": "He",
       "locations": [{"offset": 20, "length": 2}]}], "relations": []}],
   "annotations": [], "relations": []}],
 "annotations": [], "relations": [
  {"id": "R1", "infons": {"type": "founded"}, "nodes": [
    {"refid": "1", "role": "head"}, {"refid": "2", "role": "tail"}]},
  {"id": "R2", "infons": {"type": "Equiv"}, "nodes": [
    {"refid": "1", "role": ""}, {"refid": "3", "role": ""}]}]}
]}
""",
)
