"""Scores of events against a reference."""

from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Set, Tuple

from spacy.training import Example

from ..event_types import EventSchema
from ..events import Event, canonical_event, event_key, get_events
from ..mentions import TypedKey, typed_key
from ..types import ScorerFunction
from .counts import Key, LabelScores

EVENT_SCORE_WEIGHTS: Dict[str, Optional[float]] = {
    "events_micro_f": 1.0,
    "events_micro_p": 0.0,
    "events_micro_r": 0.0,
    "events_arguments_micro_f": 0.0,
    "events_partial_micro_f": 0.0,
    "events_any_micro_f": None,
    "events_per_type": None,
}
"""Weights of the scores in training; None: the score is not shown in the table."""

_Parts = FrozenSet[Tuple[str, TypedKey]]


def make_event_scorer() -> ScorerFunction:
    """The scorer of event components (``rel_component.event_scorer.v1``)."""
    return score_events


def score_events(
    examples: Iterable[Example],
    *,
    schema: Optional[EventSchema] = None,
    **_: Any,
) -> Dict[str, Any]:
    """Compare the events of predicted documents with those of the reference.

    Groups of scores are named as those of :func:`.score_relations`:

    - ``events``: records. Label, trigger, and all arguments with their roles are right.
    - ``events_arguments``: single arguments, with label and trigger of their event.
    - ``events_any``: records without their labels: right mentions in right roles.
    - ``events_partial``: an event counts by its share of common mentions with the most similar one of
      its label on the other side, intersection by union, if they share two mentions or are equal; the
      partial match of Tiktinsky et al. 2022 (https://aclanthology.org/2022.naacl-main.233/), micro
      alone.

    ``events_per_type`` has the scores of records of each label, ``events_n`` is the number of
    annotated ones. Without any event, ``events`` scores are 0 and others None.

    Args:
        examples: predicted and reference documents.
        schema: says which roles can be exchanged.
    """
    groups = {name: LabelScores() for name in ("events", "events_arguments", "events_any")}
    shares: Dict[str, List[float]] = {"p": [], "r": []}
    for eg in examples:
        for name, counts in count_events(eg, schema=schema).items():
            groups[name].update(counts)
        for key, found in share_events(eg, schema=schema).items():
            shares[key] += found
    scores: Dict[str, Any] = {}
    for name, group in groups.items():
        scores.update(group.to_dict(name, empty=0.0 if name == "events" else None))
    scores.update(_partial(shares))
    scores["events_per_type"] = {
        label: {**prf.to_dict(), "n": prf.tp + prf.fn}
        for label, prf in sorted(groups["events"].counts.items())
    }
    return scores


def count_events(eg: Example, *, schema: Optional[EventSchema] = None) -> Dict[str, LabelScores]:
    """Counts of the events of one document in each group but the partial; see :func:`score_events`."""
    return _count(*_sides(eg, schema))


def share_events(eg: Example, *, schema: Optional[EventSchema] = None) -> Dict[str, List[float]]:
    """The share of each predicted event of one document, ``p``, and of each annotated one, ``r``."""
    gold, predicted = _sides(eg, schema)
    return {"p": _shares(predicted, gold), "r": _shares(gold, predicted)}


def _sides(eg: Example, schema: Optional[EventSchema]) -> List[List[Event]]:
    """The annotated and the predicted events."""
    docs = (eg.reference, eg.predicted)
    return [[canonical_event(event, schema) for event in get_events(doc)] for doc in docs]


def _count(gold: List[Event], predicted: List[Event]) -> Dict[str, LabelScores]:
    counts = {name: LabelScores() for name in ("events", "events_arguments", "events_any")}
    sides = (gold, predicted)
    counts["events"].add(*({event_key(event) for event in events} for events in sides))
    counts["events_arguments"].add(*(_argument_keys(events) for events in sides))
    unlabelled = ({(key[0], "", key[2]) for key in map(event_key, events)} for events in sides)
    counts["events_any"].add(*unlabelled)
    return counts


def _argument_keys(events: List[Event]) -> Set[Key]:
    return {
        ((trigger, role), label, place)
        for trigger, label, arguments in map(event_key, events)
        for role, place in arguments
    }


def _shares(events: List[Event], others: List[Event]) -> List[float]:
    """What each event has in common with the most similar one of its label."""
    by_label: Dict[str, List[_Parts]] = {}
    for other in others:
        by_label.setdefault(other.label, []).append(_parts(other))
    shares = []
    for event in events:
        parts, best = _parts(event), 0.0
        for candidate in by_label.get(event.label, ()):
            common = len(parts & candidate)
            if common > 1 or parts == candidate:
                best = max(best, common / len(parts | candidate))
        shares.append(best)
    return shares


def _parts(event: Event) -> _Parts:
    return frozenset((role, typed_key(span)) for role, span in event.parts)


def _partial(shares: Dict[str, List[float]]) -> Dict[str, Optional[float]]:
    if not any(shares.values()):
        return dict.fromkeys(f"events_partial_micro_{key}" for key in "prf")
    p, r = (sum(shares[key]) / max(len(shares[key]), 1) for key in "pr")
    f = 2 * p * r / (p + r) if p + r else 0.0
    return {f"events_partial_micro_{key}": value for key, value in zip("prf", (p, r, f))}
