"""Checks of annotated documents; whatever is wrong goes to the report and is left out."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, Callable, Iterable, Iterator, List, Mapping, Optional, Sequence, Set

from ..errors import DataError, shown
from ..event_types import MAX_ARGUMENTS
from ..schema import RelationSchema
from .annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
    without_mark,
)
from .report import Report

RelationProblem = Callable[[AnnotatedRelation, AnnotatedMention, AnnotatedMention], Optional[str]]
"""A function that says what is wrong with a relation between two mentions; None: nothing is."""

NEGATIVE_LABELS = frozenset(
    {*("no-rel", "no_rel", "no rel", "norel"), *("no_relation", "no-relation", "no relation")}
)
"""Labels, in lower case, of relations that say there is none."""

_MAX_DEPTH = 100


def check_documents(
    documents: Iterable[Annotated], report: Report, schema: Optional[RelationSchema] = None
) -> Iterator[Annotated]:
    """Leave out what is wrong in documents.

    Mentions must be ranges of their document with a label, unless they are in clusters or open
    relations, their ids unique; relations must have a label and lie between two mentions; clusters
    must consist of mentions; sentences must start inside of the text. Relations with one of the
    :data:`NEGATIVE_LABELS` that the schema does not declare are negatives.

    Args:
        documents: as a format reads them.
        report: takes note of what is wrong.
        schema: if given, relations it does not allow are wrong, and if it has events, those events;
            the pairs of its events are relations that it allows.

    Raises:
        DataError: at the first problem, if the report stops at problems.
    """
    if schema is not None and schema.events:
        schema = schema.with_event_pairs()
    for given in documents:
        annotated = without_mark(given)
        if annotated is not given:
            report.note("texts began with a byte order mark, which was left out", place=given.place)
        with report.skipping("document", annotated.place):
            _check_document(annotated)
            annotated = _without_negatives(annotated, report, schema)
            relation_problem = partial(_relation_problem, schema=schema)
            fitting = keep_fitting(annotated, report, _mention_check(annotated), relation_problem)
            yield _with_events(fitting, report, schema) if fitting.events else fitting


def _without_negatives(
    annotated: Annotated, report: Report, schema: Optional[RelationSchema]
) -> Annotated:
    """The document without relations whose label says that there is none, which are counted."""
    relations = [
        relation
        for relation in annotated.relations
        if relation.label.lower() not in NEGATIVE_LABELS
        or (schema is not None and relation.label in schema)
    ]
    report.negatives += len(annotated.relations) - len(relations)
    return replace(annotated, relations=relations)


def keep_fitting(
    annotated: Annotated,
    report: Report,
    mention_problem: Callable[[AnnotatedMention], Optional[str]],
    relation_problem: Optional[RelationProblem] = None,
) -> Annotated:
    """Leave out mentions and relations of a document that have a problem.

    Args:
        annotated: the document.
        report: takes note of the problems.
        mention_problem: says what is wrong with a mention; None: nothing is.
        relation_problem: says what is wrong with a relation, given its mentions.

    Raises:
        DataError: at the first problem, if the report stops at problems.
    """
    kept = []
    for mention in annotated.mentions:
        message = mention_problem(mention)
        if message is None:
            kept.append(mention)
        else:
            report.problem(message, place=mention_place(annotated, mention), skips="mention")
    return with_mentions(annotated, kept, report, relation_problem)


def with_mentions(
    annotated: Annotated,
    mentions: Sequence[AnnotatedMention],
    report: Report,
    relation_problem: Optional[RelationProblem] = None,
    *,
    hint: str = "",
) -> Annotated:
    """Leave out mentions of a document, and with them their relations and places in clusters.

    Args:
        annotated: the document.
        mentions: the mentions that remain, which may have other offsets than before.
        report: takes note of relations and members of clusters that are left out.
        relation_problem: says what is wrong with a relation, given its mentions.
        hint: says why two mentions may have become one, for messages.

    Raises:
        DataError: at the first problem, if the report stops at problems.
    """
    by_id = {mention.id: mention for mention in mentions}
    known = {mention.id for mention in annotated.mentions}
    relations = []
    for relation in annotated.relations:
        missing = [key for key in (relation.head, relation.tail) if key not in by_id]
        if missing:
            reason = "was left out" if missing[0] in known else "does not exist"
            message: Optional[str] = f"its mention {missing[0]!s:.60} {reason}"
        else:
            head, tail = by_id[relation.head], by_id[relation.tail]
            message = None
            if (head.start, head.end) == (tail.start, tail.end):
                message = f"head and tail are the same mention{hint}"
            elif relation_problem is not None:
                message = relation_problem(relation, head, tail)
        if message is None:
            relations.append(relation)
        else:
            report.problem(message, place=relation_place(annotated, relation), skips="relation")
    clusters = _with_members(annotated, set(by_id), report)
    events = [
        event
        for given in annotated.events
        if (event := _with_known(given, by_id, known, annotated, report)) is not None
    ]
    return replace(
        annotated, mentions=list(mentions), relations=relations, clusters=clusters, events=events
    )


def _with_known(
    event: AnnotatedEvent,
    by_id: Mapping[MentionId, AnnotatedMention],
    known: Set[MentionId],
    annotated: Annotated,
    report: Report,
) -> Optional[AnnotatedEvent]:
    """An event without the arguments whose mentions were left out; None if it cannot be without."""
    missing = [key for key in event.mentions if key not in by_id]
    if not missing:
        return event
    unknown = [key for key in missing if key not in known]
    arguments = tuple(part for part in event.arguments if part[1] in by_id)
    message = None
    if unknown:
        message = f"its mention {unknown[0]!s:.60} does not exist"
    elif event.trigger in missing or not arguments:
        message = f"its mention {missing[0]!s:.60} was left out"
    if message is not None:
        report.problem(message, place=event_place(annotated, event), skips="event")
        return None
    message = "arguments of events whose mentions were left out"
    report.note(message, place=event_place(annotated, event), count=len(missing))
    return replace(event, arguments=arguments)


def relation_place(annotated: Annotated, relation: AnnotatedRelation) -> str:
    """Where a relation is, for messages."""
    return (
        f"{annotated.place}, relation {relation.label:.60} of {relation.head!s:.60} to "
        f"{relation.tail!s:.60}"
    )


def event_place(annotated: Annotated, event: AnnotatedEvent) -> str:
    """Where an event is, for messages."""
    name = "" if event.id is None else f" {event.id!s:.60}"
    return f"{annotated.place}, event{name} {event.label:.60}"


def mention_place(annotated: Annotated, mention: AnnotatedMention) -> str:
    """Where a mention is, for messages."""
    return f"{annotated.place}, mention {mention.id!s:.60}"


def _with_members(annotated: Annotated, free: Set[MentionId], report: Report) -> List[Any]:
    """The clusters with those of their members that are `free` and in no cluster before."""
    clusters = []
    for cluster in annotated.clusters:
        members = [key for key in dict.fromkeys(cluster) if key in free]
        if len(members) < len(cluster):
            report.note(
                "members of clusters that are no mention, were left out or are in two clusters",
                place=annotated.place,
                count=len(cluster) - len(members),
            )
        free.difference_update(members)
        if members:
            clusters.append(members)
    return clusters


def _check_document(annotated: Annotated) -> None:
    words, spaces, starts = annotated.words, annotated.spaces, annotated.sentence_starts
    if words is not None and not all(words):
        raise DataError(f"token {words.index('')} is empty")
    if words is not None and spaces is not None and len(words) != len(spaces):
        raise DataError(f"{len(words)} tokens, but spaces for {len(spaces)}")
    if starts is not None:
        inside = all(0 <= start < max(annotated.length, 1) for start in starts)
        if not inside or any(a >= b for a, b in pairwise(starts)):
            raise DataError(
                f"sentences start at {starts!s:.60}: expected positions in ascending order, below "
                f"{annotated.length}"
            )
    _check_depth(annotated.meta, "meta")
    for mention in annotated.mentions:
        _check_depth(mention.attributes, "attributes")
    for event in annotated.events:
        _check_depth(event.attributes, "attributes")
    n_sentences = len(starts or [])
    for relation in annotated.relations:
        _check_depth(relation.attributes, "attributes")
        if any(not 0 <= i < n_sentences for i in relation.evidence):
            raise DataError(
                f"evidence {list(relation.evidence)!s:.60}: there are {n_sentences} sentences"
            )


def _check_depth(value: Any, name: str, depth: int = 0) -> None:
    """Refuse nesting that fits neither into JSON nor into a .spacy file."""
    if depth > _MAX_DEPTH:
        raise DataError(f"{name}: nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for item in value.values():
            _check_depth(item, name, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_depth(item, name, depth + 1)


def _mention_check(annotated: Annotated) -> Callable[[AnnotatedMention], Optional[str]]:
    """The function that says what is wrong with a mention, given those before it."""
    members = {key for cluster in annotated.clusters for key in cluster}
    for event in annotated.events:
        members.update(event.mentions)
    for relation in annotated.relations:  # open relations are between phrases of any kind
        if isinstance(relation.attributes.get("statement"), dict):
            members |= {relation.head, relation.tail}
    known: Set[MentionId] = set()

    length = annotated.length

    def check(mention: AnnotatedMention) -> Optional[str]:
        start, end = mention.start, mention.end
        if not mention.label and mention.id not in members:
            return "a mention needs a label; without entity types, give all the same, e.g. ENTITY"
        if not 0 <= start < end <= length:
            if annotated.words is not None:
                return f"tokens {start}:{end} are not a range of {length} tokens"
            return f"characters {start}:{end} are not a range of a text of {length}"
        if annotated.text is not None and annotated.text[start:end].isspace():
            return f"characters {start}:{end} are only white space"
        message = _fragments_problem(mention.fragments, start, end) if mention.fragments else None
        if message is None and mention.id in known:
            return "two mentions have this id"
        if message is None:
            known.add(mention.id)
        return message

    return check


def _fragments_problem(fragments: Sequence[Sequence[int]], start: int, end: int) -> Optional[str]:
    flat = [position for fragment in fragments for position in fragment]
    gaps = [b for a, b in fragments[:-1]] < [a for a, b in fragments[1:]]
    if any(a >= b for a, b in fragments) or sorted(flat) != flat or not gaps:
        return f"fragments {list(fragments)!s:.60}: expected ranges in ascending order"
    if (flat[0], flat[-1]) != (start, end):
        return f"fragments {list(fragments)!s:.60} do not go from {start} to {end}"
    return None


def _relation_problem(
    relation: AnnotatedRelation,
    head: AnnotatedMention,
    tail: AnnotatedMention,
    schema: Optional[RelationSchema],
) -> Optional[str]:
    if not relation.label:
        return "a relation needs a label"
    if schema is not None and relation.label not in schema:
        return f"unknown label {shown(relation.label)}; known: {', '.join(schema) or 'none'}"
    if schema is not None and not schema.allows(relation.label, head.label, tail.label):
        return f"{relation.label} does not hold between {head.label} and {tail.label}"
    return None


def _with_events(
    annotated: Annotated, report: Report, schema: Optional[RelationSchema]
) -> Annotated:
    """The document with the events that have a form, and that the schema allows if it has events."""
    types = {mention.id: mention.label for mention in annotated.mentions}
    events = []
    for event in annotated.events:
        message = _event_problem(event)
        if message is None and schema is not None and schema.events:
            # a mention that fills a role twice fills it once
            roles = [(role, types[key]) for role, key in dict.fromkeys(event.arguments)]
            trigger = None if event.trigger is None else types[event.trigger]
            message = schema.events.check(event.label, roles, trigger)
        if message is None:
            events.append(event)
        else:
            report.problem(message, place=event_place(annotated, event), skips="event")
    return replace(annotated, events=events)


def _event_problem(event: AnnotatedEvent) -> Optional[str]:
    if not event.label:
        return "an event needs a label"
    if not all(role for role, _ in event.arguments):
        return "an argument needs a role"
    if not 0 < len(event.mentions) <= MAX_ARGUMENTS:
        return f"{len(event.mentions)} mentions; expected 1 to {MAX_ARGUMENTS}"
    return None
