"""Events as labelled pairs, for models of relations to learn: the one place where pairs are made."""

from itertools import combinations
from typing import Any, Callable, Iterable, List, Tuple

from .errors import SchemaError
from .event_types import TRIGGER, EventType


def event_pairs(
    arguments: Iterable[Tuple[str, Any]],
    trigger: Any,
    kind: EventType,
    place: Callable[[Any], Any],
) -> List[Tuple[Any, str, Any]]:
    """The labelled pairs of the mentions of an event.

    Args:
        arguments: role and mention of each argument.
        trigger: the trigger; None: there is none.
        kind: the type of the event.
        place: where a mention is; pairs of a mention with itself are left out, and of two of one role,
            the first in the text comes first.

    Returns:
        head, label and tail of each pair. An event without trigger needs two arguments to have one.

    Raises:
        SchemaError: if the type lacks a role, or has a trigger and the event none.
    """
    order = {role.name: i for i, role in enumerate(kind.pair_roles)}
    parts = []
    for role, mention in arguments:
        name = kind.canonical(role)
        if name not in order:
            raise SchemaError(f"{kind.check([(role, '')], None)}")
        parts.append((order[name], place(mention), name, mention))
    if kind.trigger is not None:
        if trigger is None:
            raise SchemaError(f"{kind.label} needs a trigger")
        return [
            (trigger, kind.pair_label(TRIGGER, name), mention)
            for _, where, name, mention in parts
            if where != place(trigger)
        ]
    parts.sort(key=lambda part: part[:2])
    labels = {pair.label for pair in kind.pair_types()}
    pairs = (
        (head, kind.pair_label(first, second), tail)
        for (_, start, first, head), (_, other, second, tail) in combinations(parts, 2)
        if start != other
    )
    return [pair for pair in pairs if pair[1] in labels]
