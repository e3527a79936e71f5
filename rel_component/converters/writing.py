"""Writes annotated documents in a format, and says what the format cannot hold."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Tuple, TypeVar

from spacy.language import Language

from ..errors import ConfigError
from .alignment import AlignmentMode
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation, in_characters
from .builder import build_docs
from .checks import keep_members, relation_place
from .format import AnnotationFormat, Facet, get_format, get_formats
from .from_doc import to_annotated
from .report import Report

_ALL_SPANS = "rel_component.mentions"

_LOST: Dict[Facet, str] = {
    "tokens": "documents whose tokens",
    "sentences": "documents whose sentences",
    "clusters": "clusters of mentions",
    "kb_ids": "mentions whose knowledge-base ids",
    "mention_attributes": "mentions whose attributes",
    "scores": "relations whose scores",
    "relation_ids": "relations whose ids",
    "evidence": "relations whose evidence",
    "relation_attributes": "relations whose attributes",
    "id": "documents whose ids",
    "meta": "documents whose meta",
}


_MENTION_FIELDS: Dict[Facet, Tuple[str, Any]] = {
    "kb_ids": ("kb_id", ""),
    "mention_attributes": ("attributes", {}),
}
_RELATION_FIELDS: Dict[Facet, Tuple[str, Any]] = {
    "scores": ("score", 1.0),
    "relation_ids": ("id", None),
    "evidence": ("evidence", ()),
    "relation_attributes": ("attributes", {}),
}

_Item = TypeVar("_Item", AnnotatedMention, AnnotatedRelation)


def write_file(
    documents: Iterable[Annotated],
    path: Path,
    format: str,
    nlp: Language,
    report: Report,
    *,
    alignment: AlignmentMode = "strict",
) -> None:
    """Write annotated documents, one after the other.

    Args:
        documents: valid ones, see :func:`.checks.check_documents`.
        path: the file, or folder, to write; its folder is made if necessary.
        format: name of a format that can be written.
        nlp: its tokenizer makes the tokens where the format needs them and the documents have none.
        report: takes note of what the format cannot hold.
        alignment: what to do then with mentions that do not begin and end with a token.

    Raises:
        ConfigError: if there is no such format, or it is only read.
        DataError: at the first problem, if the report stops at problems.
    """
    target = get_format(format)
    if target.write is None:
        writable = [name for name, other in get_formats().items() if other.write is not None]
        raise ConfigError(f"{format} is only read; formats to write: {', '.join(writable)}")
    if target.unit == "tokens":
        documents = _in_tokens(documents, nlp, report, alignment)
    reduced = (keep_what_fits(annotated, target, report) for annotated in documents)
    target.write(_counted(reduced, report), Path(path), report)


def keep_what_fits(annotated: Annotated, target: AnnotationFormat, report: Report) -> Annotated:
    """A document without what a format cannot hold.

    Args:
        annotated: a valid document, with words if the format needs them.
        target: the format.
        report: takes note of what goes.
    """
    lost: Dict[Facet, int] = {}
    if target.unit == "characters":
        lost["tokens"] = int(annotated.words is not None)
        annotated = in_characters(annotated)
    holds = target.holds
    annotated = _without_mentions(annotated, target, report)
    mentions, relations = annotated.mentions, annotated.relations
    for facet in _MENTION_FIELDS.keys() - holds:
        mentions, lost[facet] = _without(mentions, *_MENTION_FIELDS[facet])
    for facet in _RELATION_FIELDS.keys() - holds:
        relations, lost[facet] = _without(relations, *_RELATION_FIELDS[facet])
    changes: Dict[str, Any] = {}
    if "clusters" not in holds:
        lost["clusters"] = len(annotated.clusters)
        changes["clusters"] = []
    if "sentences" not in holds:
        lost["sentences"] = int(annotated.sentence_starts is not None)
        changes["sentence_starts"] = None
    changes["meta"] = {
        key: value
        for key, value in annotated.meta.items()
        if ("id" if key == "id" else "meta") in holds
    }
    if "id" not in holds:
        lost["id"] = int("id" in annotated.meta)
    if "meta" not in holds:
        lost["meta"] = int(bool(annotated.meta.keys() - {"id"}))
    for facet in _LOST:
        count = lost.get(facet, 0)
        if count:
            message = f"{_LOST[facet]} {target.name} does not hold"
            report.note(message, place=annotated.place, count=count)
    return replace(annotated, mentions=mentions, relations=relations, **changes)


def _without(items: List[_Item], name: str, empty: Any) -> Tuple[List[_Item], int]:
    """The items with a field left empty, and how many had something there."""
    filled = [getattr(item, name) != empty for item in items]
    emptied = [
        replace(item, **{name: copy(empty)}) if is_filled else item
        for item, is_filled in zip(items, filled)
    ]
    return emptied, sum(filled)


def _without_mentions(annotated: Annotated, target: AnnotationFormat, report: Report) -> Annotated:
    """The document without discontinuous and unlabelled mentions, if these do not fit."""
    kept = {}
    related = {id for relation in annotated.relations for id in (relation.head, relation.tail)}
    for mention in annotated.mentions:
        place = f"{annotated.place}, mention {mention.id!s:.60}"
        if mention.pieces and "pieces" not in target.holds:
            message = f"a discontinuous mention, which {target.name} does not hold"
        elif not mention.label and "unlabelled" not in target.holds:
            if mention.id not in related:  # only its cluster is lost with it
                message = f"mentions without a label {target.name} does not hold"
                report.note(message, place=place)
                continue
            message = f"a mention without a label, which {target.name} does not hold"
        else:
            kept[mention.id] = mention
            continue
        report.problem(message, place=place, skips="mention")
    if len(kept) == len(annotated.mentions):
        return annotated
    relations = []
    for relation in annotated.relations:
        missing = [key for key in (relation.head, relation.tail) if key not in kept]
        if missing:
            message = f"its mention {missing[0]!s:.60} was left out"
            place = relation_place(annotated, relation)
            report.problem(message, place=place, skips="relation")
        else:
            relations.append(relation)
    return replace(
        annotated,
        mentions=list(kept.values()),
        relations=relations,
        clusters=(
            keep_members(annotated, kept, report)
            if "clusters" in target.holds
            else annotated.clusters
        ),
    )


def _in_tokens(
    documents: Iterable[Annotated], nlp: Language, report: Report, alignment: AlignmentMode
) -> Iterator[Annotated]:
    """The documents with words: those that have none go through the tokenizer."""
    for annotated in documents:
        if annotated.words is not None:
            yield annotated
            continue
        # The report counts what is written, not what the tokenizer makes of it.
        counts = replace(report, documents=0, mentions=0, relations=0, duplicates=0)
        docs = build_docs([annotated], nlp, counts, alignment=alignment, spans_key=_ALL_SPANS)
        for doc in docs:
            tokenized = to_annotated(doc, place=annotated.place, spans_key=_ALL_SPANS)
            if annotated.sentence_starts is None:
                tokenized.sentence_starts = None
            yield tokenized


def _counted(documents: Iterable[Annotated], report: Report) -> Iterator[Annotated]:
    """The documents; each is counted, without what was left out of it, when it has been written."""
    for annotated in documents:
        before = dict(report.skipped)
        yield annotated
        lost = {kind: report.skipped[kind] - number for kind, number in before.items()}
        if not lost["document"]:
            report.documents += 1
            report.mentions += len(annotated.mentions) - lost["mention"]
            report.relations += len(annotated.relations) - lost["relation"]
