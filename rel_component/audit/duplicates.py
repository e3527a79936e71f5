"""Documents that occur more than once, word for word or nearly."""

from collections import defaultdict
from typing import Collection, Dict, FrozenSet, Iterator, List, NamedTuple, Tuple

from spacy.tokens import Span

from ..documents import relation_keys
from ..events import Event
from .context import AuditContext
from .documents import AuditedDoc
from .findings import Finding, Place, Section

EventWords = Tuple[str, FrozenSet[Tuple[str, str, str]]]
"""Label of an event, and role, words and entity type of its parts: comparable between tokenisations."""

_SHOWN = 6


class Duplicates(NamedTuple):
    """Duplicates of a corpus.

    Attributes:
        same: groups of documents with the same words.
        near: pairs of other documents that are near-duplicates, with their similarity.
    """

    same: List[List[AuditedDoc]]
    near: List[Tuple[AuditedDoc, AuditedDoc, float]]


def check_duplicates(context: AuditContext) -> Section:
    """Find duplicates and near-duplicates, within splits and between them."""
    section = Section(
        "duplicates",
        "Duplicates",
        "Texts are compared without case, punctuation and spaces; near-duplicates share at least "
        f"{context.options.similarity:.0%} of their pairs of neighbouring words. What held-out splits "
        "repeat of training is listed under leakage.",
        context.options.max_findings,
    )
    found, symmetric = find_duplicates(context), context.schema.symmetric_labels
    section.figures["documents that repeat another one"] = sum(len(g) - 1 for g in found.same)
    section.figures["pairs of near-duplicates"] = len(found.near)
    section.add("The same text, annotated differently", _contradictions(found, symmetric))
    section.add("The same text", _repetitions(found, symmetric))
    section.add("Near-duplicates", _near(found))
    return section


def find_duplicates(context: AuditContext) -> Duplicates:
    """Group documents with the same words, and pair other near-duplicates."""
    groups: Dict[bytes, List[AuditedDoc]] = defaultdict(list)
    for doc in context.docs:
        if len(doc.words):
            groups[doc.words.tobytes()].append(doc)
    near = []
    for i, j, similarity in context.similar:
        first, second = context.docs[i], context.docs[j]
        if first.words.tobytes() != second.words.tobytes():
            near.append((first, second, similarity))
    return Duplicates([group for group in groups.values() if len(group) > 1], near)


def _contradictions(found: Duplicates, symmetric: Collection[str]) -> Iterator[Finding]:
    for group in found.same:
        kinds: Dict[FrozenSet[object], List[AuditedDoc]] = defaultdict(list)
        for doc in group:
            kinds[_annotation(doc, symmetric)].append(doc)
        if len(kinds) > 1:
            docs = [doc for docs in kinds.values() for doc in docs[:1]]
            yield Finding(
                "error",
                f"{_names(group)} have the same text and {len(kinds)} different annotations.",
                [Place.first(doc) for doc in docs[:_SHOWN]],
                len(group),
            )


def _repetitions(found: Duplicates, symmetric: Collection[str]) -> Iterator[Finding]:
    for group in found.same:
        if len({_annotation(doc, symmetric) for doc in group}) > 1:
            continue
        for held_out in (False, True):
            docs = [doc for doc in group if doc.split.held_out == held_out]
            if len(docs) > 1:
                yield Finding(
                    "warning",
                    f"{_names(docs)} have the same text and annotation.",
                    [Place.first(doc) for doc in docs[:_SHOWN]],
                    len(docs),
                )


def _near(found: Duplicates) -> Iterator[Finding]:
    for first, second, similarity in found.near:
        if first.split.held_out == second.split.held_out:
            yield Finding(
                "warning",
                f"{first.name} and {second.name} share {similarity:.0%} of their pairs of words.",
                [Place.first(first), Place.first(second)],
                similarity,
            )


def _annotation(doc: AuditedDoc, symmetric: Collection[str]) -> FrozenSet[object]:
    """Relations and events by the words of their arguments: comparable between tokenisations."""
    relations = relation_keys(doc.relations, symmetric, _words_and_type)
    return frozenset(relations.union(map(event_words, doc.events)))


def _words_and_type(span: Span) -> Tuple[str, str]:
    return span.text.casefold(), span.label_


def event_words(event: Event) -> EventWords:
    """The label of an event, and the roles, words and types of its arguments and its trigger."""
    return event.label, frozenset((role, *_words_and_type(span)) for role, span in event.parts)


def _names(group: List[AuditedDoc]) -> str:
    names = [doc.name for doc in group[:_SHOWN]]
    more = len(group) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
