"""PubTator's text format, in which BioRED, BC5CDR and others are distributed.

::

    14510914|t|Hypothyroidism due to a deletion in NIS
    14510914|a|We report on a woman with hypothyroidism.
    14510914<TAB>0<TAB>14<TAB>Hypothyroidism<TAB>Disease<TAB>D007037   mention, with a concept
    14510914<TAB>36<TAB>39<TAB>NIS<TAB>Gene<TAB>6528
    14510914<TAB>Association<TAB>D007037<TAB>6528<TAB>Novel            relation of two concepts

The text is title and abstract with a line break between them; offsets are characters. Mentions of one
concept are an entity, and the concept is their knowledge-base id; a relation, which lies between
concepts, is read as one of their first mentions. The last column of a relation may say whether it is
new. Entities without a concept are written as ``NIL1``, ``NIL2``. Described at
https://www.ncbi.nlm.nih.gov/research/pubtator3/tutorial and in Luo et al. 2022, arXiv 2204.04263.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from ...errors import DataError, shown
from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..checks import keep_fitting
from ..format import AnnotationFormat
from ..records import read_each
from ..report import Report
from ..text_files import read_lines
from ._shown import find_shown

NOVELTY = "novelty"
"""Attribute of relations that says whether they are new."""

CONCEPTS = "concepts"
"""Attribute of relations of one of several concepts of a mention: all pairs of concepts that have it."""

_TITLE = re.compile(r"([^|\t]*)\|([ta])\|(.*)", re.DOTALL)
_FIELD = re.compile(r"[^\t\r\n]+")
_ID = re.compile(r"[^|\t\r\n]+")
_BREAK = re.compile(r"[\r\n]")
_PARTS = re.compile(r"[,;|]")
_NIL = re.compile(r"NIL\d+")
_NO_CONCEPT = frozenset({"", "-", "-1"})

_Line = Tuple[str, str]
_Columns = Tuple[str, ...]
_Found = Tuple[AnnotatedRelation, List[str]]


@dataclass
class _Lines:
    """One document: its title and abstract, and the other lines with their places."""

    name: str
    texts: List[str] = field(default_factory=list)
    others: List[_Line] = field(default_factory=list)


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    return read_each(_documents(path, report), _read, report)


def _documents(path: Path, report: Report) -> Iterator[Tuple[str, _Lines]]:
    place, lines = "", None
    for number, line in read_lines(path):
        match = _TITLE.fullmatch(line)
        if match and (match[2] == "t" or lines is None or lines.name != match[1]):
            if lines is not None:
                yield place, lines
            place, lines = f"{path}, line {number}, document {match[1]:.60}", _Lines(match[1])
        if lines is None:
            message = f"expected a document's id and its title after |t|, got {shown(line)}"
            report.problem(message, place=f"{path}, line {number}", skips="document")
        elif match:
            lines.texts.append(match[3])
        else:
            lines.others.append((f"{path}, line {number}", line))
    if lines is not None:
        yield place, lines


def _read(lines: _Lines, place: str, report: Report) -> Annotated:
    annotated = Annotated(place, "\n".join(lines.texts).rstrip("\n"), meta={"id": lines.name})
    entities: Dict[str, List[MentionId]] = {}
    rows = [(where, line.split("\t")) for where, line in lines.others]
    for where, columns in rows:
        is_mention = _is_mention(columns)
        with report.skipping("mention" if is_mention else "relation", where):
            if columns[0] != lines.name:
                raise DataError(
                    f"expected a line of document {shown(lines.name)}, got {shown(columns)}"
                )
            if is_mention:
                mention = _read_mention(columns, len(annotated.mentions), annotated)
                if mention.kb_id:
                    entities.setdefault(mention.kb_id, []).append(mention.id)
                if _NIL.fullmatch(mention.kb_id):
                    mention = replace(mention, kb_id="")
                annotated.mentions.append(mention)
                if len(columns) > 6:
                    report.note("names of concepts, which are not read", place=where)
    firsts = first_mentions(entities)
    found: List[_Found] = []
    for where, columns in rows:
        if columns[0] == lines.name and not _is_mention(columns):
            with report.skipping("relation", where):
                found.append(_read_relation(columns, firsts))
    annotated.relations += _with_concepts(found, entities)
    annotated.clusters += [members for members in entities.values() if len(members) > 1]
    return annotated


def first_mentions(entities: Dict[str, List[MentionId]]) -> Dict[str, MentionId]:
    """The mention that stands for each concept, also for those that only mentions of several have."""
    firsts = {concept: members[0] for concept, members in entities.items()}
    for concept, members in entities.items():
        for part in filter(None, _PARTS.split(concept)):
            firsts.setdefault(part, members[0])
    return firsts


def _is_mention(columns: List[str]) -> bool:
    return len(columns) > 4 and columns[1].isdecimal() and columns[2].isdecimal()


def _read_mention(columns: List[str], number: int, annotated: Annotated) -> AnnotatedMention:
    if max(len(columns[1]), len(columns[2])) > 15:
        raise DataError(f"expected a start and an end, got {columns[1][:40]!r}")
    start, end = find_shown(annotated.text or "", int(columns[1]), int(columns[2]), columns[3])
    concept = columns[5] if len(columns) > 5 else ""
    kb_id = "" if concept in _NO_CONCEPT else concept
    return AnnotatedMention(number, start, end, columns[4], kb_id=kb_id)


def _read_relation(columns: List[str], firsts: Dict[str, MentionId]) -> _Found:
    """A relation and its concepts."""
    if not 4 <= len(columns) <= 5:
        raise DataError(f"expected a relation and two concepts, got {shown(columns[1:])}")
    concepts = []
    for concept in columns[2:4]:
        # PubTator 3 writes the type before the concept: Gene|6528.
        known = [name for name in (concept, concept.partition("|")[2]) if name in firsts]
        if not known:
            raise DataError(f"no mention has the concept {shown(concept)}")
        concepts.append(known[0])
    head, tail = (firsts[concept] for concept in concepts)
    attributes = {NOVELTY: columns[4]} if len(columns) > 4 else {}
    return AnnotatedRelation(head, tail, columns[1], attributes=attributes), concepts


def _with_concepts(
    found: List[_Found], entities: Dict[str, List[MentionId]]
) -> Iterator[AnnotatedRelation]:
    """The relations; those of the same mentions, of which a Doc keeps one, say all their concepts."""
    pairs: Dict[Any, List[List[str]]] = {}
    for relation, concepts in found:
        same = pairs.setdefault(_key(relation), [])
        if concepts not in same:
            same.append(concepts)
    for relation, _ in found:
        same = pairs[_key(relation)]
        if any(concept not in entities for concepts in same for concept in concepts):
            relation = replace(relation, attributes={**relation.attributes, CONCEPTS: same})
        yield relation


def _key(relation: AnnotatedRelation) -> Any:
    return relation.head, relation.tail, relation.label, relation.attributes.get(NOVELTY)


def _write_file(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    with open_output(path) as output:
        for number, annotated in enumerate(documents, start=1):
            name = str(annotated.meta.get("id", number))
            if not _ID.fullmatch(name):
                report.note("documents whose ids pubtator does not allow", place=annotated.place)
                name = str(number)
            output.writelines(f"{line}\n" for line in _to_lines(annotated, name, report))
            output.write("\n")


def _to_lines(annotated: Annotated, name: str, report: Report) -> Iterator[str]:
    annotated = keep_fitting(
        annotated,
        report,
        lambda mention: _label_problem(mention.label),
        lambda relation, head, tail: _label_problem(relation.label),
    )
    text = annotated.text or ""
    title, line_break, abstract = text.partition("\n")
    if _BREAK.search(title + abstract) or (line_break and not abstract):
        report.note("documents whose line breaks became spaces", place=annotated.place)
    yield f"{name}|t|{_BREAK.sub(' ', title)}"
    yield f"{name}|a|{_BREAK.sub(' ', abstract)}"
    concepts = _concepts(annotated, report)
    for mention in annotated.mentions:
        shown = re.sub(r"\s", " ", text[mention.start : mention.end])
        concept = concepts.get(mention.id, "-")
        yield "\t".join((name, str(mention.start), str(mention.end), shown, mention.label, concept))
    for columns in _relation_columns(annotated, concepts, report):
        yield "\t".join((name, *columns))


def _relation_columns(
    annotated: Annotated, concepts: Dict[MentionId, str], report: Report
) -> Iterator[_Columns]:
    """Label, concepts of head and tail, and novelty of the relations."""
    written: Set[_Columns] = set()
    for relation in annotated.relations:
        ends = concepts[relation.head], concepts[relation.tail]
        if ends[0] == ends[1]:
            report.note("relations between mentions of one concept", place=annotated.place)
            continue
        attributes = dict(relation.attributes)
        novelty = attributes.get(NOVELTY)
        last: _Columns = ()
        if isinstance(novelty, str) and _FIELD.fullmatch(novelty):
            last = (attributes.pop(NOVELTY),)
        pairs = [ends]
        if _are_parts(attributes.get(CONCEPTS), ends):
            pairs = [(head, tail) for head, tail in attributes.pop(CONCEPTS)]
        if attributes:
            message = "relations with attributes that pubtator does not hold"
            report.note(message, place=annotated.place)
        for pair in pairs:
            row = (relation.label, *pair, *last)
            if pairs == [ends] or row not in written:
                yield row
            written.add(row)


def _are_parts(pairs: Any, ends: Tuple[str, str]) -> bool:
    """Whether there are pairs of concepts, each of them one of those of a mention, or all."""
    known = [(own, *_PARTS.split(own)) for own in ends]
    return (
        isinstance(pairs, list)
        and bool(pairs)
        and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
        and all(part in parts and part for pair in pairs for part, parts in zip(pair, known))
    )


def _concepts(annotated: Annotated, report: Report) -> Dict[MentionId, str]:
    """The concept of each mention that has one, is in a cluster or a relation."""
    place = annotated.place
    own: Dict[MentionId, str] = {}
    for mention in annotated.mentions:
        kb_id = mention.kb_id
        if kb_id and (not _FIELD.fullmatch(kb_id) or _NIL.fullmatch(kb_id) or kb_id in _NO_CONCEPT):
            report.note("knowledge-base ids that pubtator does not allow", place=place)
            kb_id = ""
        own[mention.id] = kb_id
    members = {key for cluster in annotated.clusters for key in cluster}
    related = annotated.related
    concepts: Dict[MentionId, str] = {}
    used: Dict[str, int] = {}
    for i, entity in enumerate(
        [*annotated.clusters, *([key] for key in own if key not in members)]
    ):
        ids = {own[key] for key in entity}
        if len(ids) > 1:
            report.note("clusters whose mentions have different knowledge-base ids", place=place)
        for key in entity:
            concept = own[key] or max(ids)
            if not concept and (len(entity) > 1 or key in related):
                concept = f"NIL{i + 1}"
            if concept:
                concepts[key] = concept
                if used.setdefault(concept, i) != i:
                    message = "entities with one knowledge-base id, which pubtator takes for one"
                    report.note(message, place=place)
    return concepts


def _label_problem(label: str) -> Optional[str]:
    if _FIELD.fullmatch(label) and not label.isdecimal():
        return None
    return f"pubtator allows neither tabs and line breaks nor numbers as labels: {shown(label)}"


def _looks_like(head: str) -> bool:
    lines = [line for line in head.lstrip("\ufeff").split("\n", 20) if line.strip()]
    match = _TITLE.fullmatch(lines[0]) if lines else None
    return match is not None and match[2] == "t" and match[1].strip() != ""


FORMAT = AnnotationFormat(
    name="pubtator",
    description="PubTator's text format, e.g. BioRED, BC5CDR",
    read=_read_file,
    write=_write_file,
    looks_like=_looks_like,
    holds=frozenset({"clusters", "kb_ids", "relation_attributes", "id"}),
    sample="""\
14510914|t|Hypothyroidism due to a deletion in NIS
14510914|a|We report on a woman with hypothyroidism.
14510914\t0\t14\tHypothyroidism\tDisease\tD007037
14510914\t36\t39\tNIS\tGene\t6528
14510914\t66\t80\thypothyroidism\tDisease\tD007037
14510914\tAssociation\tD007037\t6528\tNovel

""",
)
