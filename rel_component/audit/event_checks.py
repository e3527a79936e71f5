"""Counts of events and their roles, and events that the schema or other events contradict."""

from collections import Counter, defaultdict
from itertools import combinations
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..event_types import EventType
from ..events import Event
from .context import AuditContext
from .counts import SHOWN, count_by_label, few_examples
from .documents import AuditedDoc, Position, position
from .duplicates import EventWords, event_words, find_duplicates
from .findings import Cell, Finding, Place, Section, Table

_MOST = 100
"""The most events of a document that are compared with each other, of those that share a mention or a
type."""


def check_events(context: AuditContext) -> Section:
    """Count events by type and role; find violations of the schema, repetitions and contradictions."""
    has_types = context.given_schema is not None and len(context.given_schema.events) > 0
    section = Section(
        "events",
        "Events",
        "Checked against the events of the schema."
        if has_types
        else "No schema with events was given: events are only compared with each other.",
        context.options.max_findings,
    )
    splits = {split.name: context.docs_of(split) for split in context.splits}
    events = [event for doc in context.docs for event in doc.events]
    section.figures = {
        "events": len(events),
        "events with a trigger": sum(event.trigger is not None for event in events),
        "arguments": sum(len(event.arguments) for event in events),
    }
    section.tables += [
        count_by_label("Events by type", splits, lambda doc: [e.label for e in doc.events]),
        _roles(events),
        _filler_types(events),
    ]
    section.add("Events that the schema does not allow", _violations(context))
    section.add("The same event twice", _repetitions(context))
    section.add("Events of one type that share a trigger", _shared_triggers(context.docs))
    section.add("Events that another copy of the text contradicts", _contradictions(context))
    section.add("Types of events with few examples", _few_examples(context, events))
    return section


def _roles(events: Sequence[Event]) -> Table:
    totals = Counter(event.label for event in events)
    fillers: Dict[Tuple[str, str], List[int]] = defaultdict(list)
    for event in events:
        for role, n in Counter(role for role, _ in event.arguments).items():
            fillers[event.label, role].append(n)
    rows: List[List[Cell]] = [
        [label, role, len(ns), len(ns) / totals[label], sum(ns), max(ns)]
        for (label, role), ns in sorted(fillers.items())
    ]
    header = ["event", "role", "events with it", "share", "mentions", "most in one event"]
    return Table("Roles of events", header, rows, bars=[3], shares=[3])


def _filler_types(events: Sequence[Event]) -> Table:
    counts = Counter(
        (event.label, role or "(trigger)", span.label_ or "untyped")
        for event in events
        for role, span in event.parts
    )
    totals: Counter[Tuple[str, str]] = Counter()
    for (label, role, _), n in counts.items():
        totals[label, role] += n
    return Table(
        "Entity types by role",
        ["event", "role", "entity type", "mentions", "share of the role"],
        [[*key, n, n / totals[key[:2]]] for key, n in sorted(counts.items())],
        bars=[4],
        shares=[4],
    )


def _violations(context: AuditContext) -> Iterator[Finding]:
    types = None if context.given_schema is None else context.given_schema.events
    if not types:
        return
    for doc in context.docs:
        for event in doc.events:
            roles = [(role, span.label_) for role, span in event.arguments]
            trigger = None if event.trigger is None else event.trigger.label_
            message = types.check(event.label, roles, trigger)
            if message is not None:
                yield Finding("error", f"{event}: {message}.", [Place.of_event(doc, event)])


def _repetitions(context: AuditContext) -> Iterator[Finding]:
    """Events whose arguments are those of another one of their type, or a part of these."""
    for doc in context.docs:
        by_mention: Dict[object, List[int]] = defaultdict(list)
        for i, event in enumerate(doc.events):
            for mention in {position(span) for _, span in event.arguments}:
                by_mention[event.label, mention].append(i)
        groups = (group[:_MOST] for group in by_mention.values())
        pairs = {pair for group in groups for pair in combinations(group, 2)}
        for i, j in sorted(pairs):
            first, second = doc.events[i], doc.events[j]
            message = _repetition(first, second, context.event_type(first.label))
            if message is not None:
                places = [Place.of_event(doc, event) for event in (first, second)]
                yield Finding("warning", f"{first} and {second}: {message}.", places)


def _repetition(first: Event, second: Event, kind: Optional[EventType]) -> Optional[str]:
    """In which way two events of one type say the same; None if they do not."""
    arguments = [
        {
            (role if kind is None else kind.canonical(role), position(span))
            for role, span in event.arguments
        }
        for event in (first, second)
    ]
    triggers = [e.trigger if e.trigger is None else position(e.trigger) for e in (first, second)]
    if arguments[0] == arguments[1]:
        if triggers[0] != triggers[1]:
            return "the same arguments, with another trigger"
        return "the same, with roles exchanged or other entity types"
    if triggers[0] != triggers[1]:
        return None
    smaller, larger = sorted(arguments, key=len)
    return "the arguments of one are a part of the other's" if smaller < larger else None


def _shared_triggers(docs: Sequence[AuditedDoc]) -> Iterator[Finding]:
    for doc in docs:
        groups: Dict[Tuple[str, Position], List[Event]] = defaultdict(list)
        for event in doc.events:
            if event.trigger is not None:
                groups[event.label, position(event.trigger)].append(event)
        for events in groups.values():
            if len(events) > 1:
                yield Finding(
                    "info",
                    f"{events[0].spans[0].text!r} is the trigger of {len(events)} {events[0].label}; "
                    "made of pairs they are one event.",
                    [Place.of_event(doc, event) for event in events[:SHOWN]],
                    len(events),
                )


def _contradictions(context: AuditContext) -> Iterator[Finding]:
    """Events that have other arguments where the same text is annotated again."""
    for group in find_duplicates(context).same:
        for first, second in combinations(group[:SHOWN], 2):
            for event, other in _differing(first, second):
                yield Finding(
                    "error",
                    f"{event} in {first.name}, and {other} in {second.name}, which has the same text.",
                    [Place.of_event(first, event), Place.of_event(second, other)],
                )


def _differing(first: AuditedDoc, second: AuditedDoc) -> Iterator[Tuple[Event, Event]]:
    """Events of two documents with the same words, and type, not equal, which share an argument."""
    left, right = ({event_words(event): event for event in doc.events} for doc in (first, second))
    unmatched: Dict[str, List[EventWords]] = defaultdict(list)
    for key in sorted(right.keys() - left.keys(), key=str):
        if len(unmatched[key[0]]) < _MOST:
            unmatched[key[0]].append(key)
    for label, words in sorted(left.keys() - right.keys(), key=str):
        others = unmatched[label]
        best = max(others, key=lambda key: len(words & key[1]), default=None)
        if best is not None and words & best[1]:
            others.remove(best)
            yield left[label, words], right[best]


def _few_examples(context: AuditContext, events: Sequence[Event]) -> List[Finding]:
    known = dict.fromkeys(sorted({event.label for event in events}))
    if context.given_schema is not None:
        known = {**dict.fromkeys(context.given_schema.events), **known}
    places: Dict[str, List[Place]] = {label: [] for label in known}
    for doc in context.train_docs:
        for event in doc.events:
            places[event.label].append(Place.of_event(doc, event))
    return few_examples(places)
