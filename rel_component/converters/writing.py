"""Writes annotated documents in a format, and notes in the report what the format cannot hold."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar, cast

from spacy.language import Language

from ..errors import ConfigError
from ..files import check_ending
from .annotated import Annotated, AnnotatedMention, AnnotatedRelation, in_characters
from .builder import AlignmentMode, tokenize
from .checks import mention_place, with_mentions
from .format import AnnotationFormat, Facet, WriteFunction, get_format, get_formats
from .report import Report

_LOST: Dict[Facet, str] = {
    "tokens": "documents whose tokens",
    "spaces": "documents whose spaces",
    "sentences": "documents whose sentences",
    "several_sentences": "documents whose limits of sentences",
    "clusters": "clusters of mentions",
    "kb_ids": "mentions whose knowledge-base ids",
    "mention_attributes": "mentions whose attributes",
    "scores": "relations whose scores",
    "relation_ids": "relations whose ids",
    "evidence": "relations whose evidence",
    "relation_attributes": "relations whose attributes",
    "events": "events, which",
    "id": "documents whose ids",
    "meta": "documents whose meta",
}
"""The beginning of the note on a facet that a format does not hold."""

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
    format_name: str,
    nlp: Language,
    report: Report,
    *,
    alignment: AlignmentMode = "strict",
) -> None:
    """Write annotated documents, one after the other.

    Args:
        documents: valid ones, see :func:`.checks.check_documents`.
        path: the file, or folder, to write; its folder is made if necessary.
        format_name: name of a format that can be written.
        nlp: its tokenizer makes the tokens where the format needs them and the documents have none.
        report: takes note of what the format cannot hold.
        alignment: what to do then with mentions that do not begin and end with a token.

    Raises:
        ConfigError: if there is no such format, or it is only read.
        DataError: at the first problem, if the report stops at problems.
    """
    target = writable_format(format_name, path)
    if target.unit == "tokens":
        documents = _in_tokens(documents, nlp, report, alignment)
    reduced = (keep_what_fits(annotated, target, report) for annotated in documents)
    cast(WriteFunction, target.write)(_counted(reduced, report), Path(path), report)


def writable_format(name: str, path: Optional[Path]) -> AnnotationFormat:
    """Find a registered format that can be written.

    Args:
        name: its name.
        path: the file or folder to write; None: it is not asked for.

    Raises:
        ConfigError: if there is no such format, it is only read, or the file has the ending of Docs.
    """
    check_ending(path, docs=False)
    target = get_format(name)
    if target.write is None:
        writable = [other for other, known in get_formats().items() if known.write is not None]
        raise ConfigError(f"{name} is only read; formats to write: {', '.join(writable)}")
    return target


def keep_what_fits(annotated: Annotated, target: AnnotationFormat, report: Report) -> Annotated:
    """A valid document, with words if the format needs them, without what the format cannot hold."""
    lost: Dict[Facet, int] = {}
    if target.unit == "characters":
        lost["tokens"] = int(annotated.words is not None)
        annotated = in_characters(annotated)
    changes: Dict[str, Any] = {}
    holds = target.holds
    if annotated.words is not None and "spaces" not in holds:
        lost["spaces"] = int(not all((annotated.spaces or [])[:-1]))
        changes["spaces"] = None
    starts = annotated.sentence_starts
    if "sentences" not in holds:
        lost["sentences"] = int(starts is not None)
        changes["sentence_starts"] = None
    elif "several_sentences" not in holds and starts is not None and len(starts) > 1:
        lost["several_sentences"] = 1
        changes["sentence_starts"] = [0]
    if "clusters" not in holds:
        lost["clusters"] = len(annotated.clusters)
        changes["clusters"] = []
    if "events" not in holds:
        lost["events"] = len(annotated.events)
        changes["events"] = []
    kept = {"id"} & holds | target.meta_fields
    if "meta" in holds:
        kept |= annotated.meta.keys() - {"id"}
    changes["meta"] = {key: value for key, value in annotated.meta.items() if key in kept}
    lost["id"] = int("id" in annotated.meta.keys() - kept)
    lost["meta"] = int(bool(annotated.meta.keys() - kept - {"id"}))
    annotated = _without_mentions(replace(annotated, **changes), target, report)
    mentions, relations = annotated.mentions, annotated.relations
    for facet in _MENTION_FIELDS.keys() - holds:
        mentions, lost[facet] = _without(mentions, *_MENTION_FIELDS[facet])
    for facet in _RELATION_FIELDS.keys() - holds:
        relations, lost[facet] = _without(relations, *_RELATION_FIELDS[facet])
    for facet, message in _LOST.items():
        if lost.get(facet):
            message = f"{message} {target.name} does not hold"
            report.note(message, place=annotated.place, count=lost[facet])
    return replace(annotated, mentions=mentions, relations=relations)


def _without(items: List[_Item], name: str, empty: Any) -> Tuple[List[_Item], int]:
    """The items with a field left empty, and how many had something there."""
    filled = [getattr(item, name) != empty for item in items]
    return [replace(item, **{name: copy(empty)}) for item in items], sum(filled)


def _without_mentions(annotated: Annotated, target: AnnotationFormat, report: Report) -> Annotated:
    """The document without discontinuous and unlabelled mentions, if these do not fit."""
    kept = []
    in_use = annotated.in_use
    for mention in annotated.mentions:
        place = mention_place(annotated, mention)
        if mention.fragments and "fragments" not in target.holds:
            message = f"a discontinuous mention, which {target.name} does not hold"
            report.problem(message, place=place, skips="mention")
        elif mention.label or "unlabelled" in target.holds:
            kept.append(mention)
        elif mention.id in in_use:
            message = f"a mention without a label, which {target.name} does not hold"
            report.problem(message, place=place, skips="mention")
        else:  # only its cluster is lost with it
            report.note(f"mentions without a label {target.name} does not hold", place=place)
    return with_mentions(annotated, kept, report)


def _in_tokens(
    documents: Iterable[Annotated], nlp: Language, report: Report, alignment: AlignmentMode
) -> Iterator[Annotated]:
    """The documents with words: those that have none go through the tokenizer."""
    for annotated in documents:
        with report.skipping("document", annotated.place):
            if annotated.words is None:
                _, annotated = tokenize(annotated, nlp, report, alignment=alignment)
            yield annotated


def _counted(documents: Iterable[Annotated], report: Report) -> Iterator[Annotated]:
    """The documents; each is counted, without what was left out of it, when it has been written."""
    for annotated in documents:
        before = dict(report.skipped)
        yield annotated
        lost = {kind: n - before.get(kind, 0) for kind, n in report.skipped.items()}
        if not lost["document"]:
            report.documents += 1
            report.mentions += len(annotated.mentions) - lost["mention"]
            report.relations += len(annotated.relations) - lost["relation"]
            report.events += len(annotated.events) - lost.get("event", 0)
