"""Adds the events of annotated documents to their relations, as labelled pairs."""

from dataclasses import replace

from ..event_pairs import event_pairs
from ..event_types import EventSchema
from .annotated import Annotated, AnnotatedRelation
from .report import Report


def with_event_pairs(annotated: Annotated, schema: EventSchema, report: Report) -> Annotated:
    """A document with the pairs of its events among its relations.

    Args:
        annotated: a document whose events the schema allows.
        schema: the types of events; see :func:`.event_pairs.event_pairs`.
        report: takes note of events that have no pair.
    """
    places = {mention.id: (mention.start, mention.end) for mention in annotated.mentions}
    known = {(rel.head, rel.label, rel.tail) for rel in annotated.relations}
    relations = list(annotated.relations)
    for event in annotated.events:
        pairs = event_pairs(event.arguments, event.trigger, schema[event.label], places.__getitem__)
        if not pairs:
            message = "events of one mention, which have no pairs to learn"
            report.note(message, place=annotated.place)
        for head, label, tail in pairs:
            if (head, label, tail) not in known:
                known.add((head, label, tail))
                relations.append(AnnotatedRelation(head, tail, label, event.score))
    return replace(annotated, relations=relations)
