"""From labelled pairs to events.

Where events have a trigger, what is paired with one trigger is one event. Otherwise an event is a
maximal clique: mentions in roles of which each two are paired, and that no other one can join
(McDonald et al. 2005, https://aclanthology.org/P05-1061/). Its score is the geometric mean of the
probabilities of its pairs.
"""

import math
from collections import defaultdict
from dataclasses import replace
from functools import partial
from itertools import combinations, islice
from operator import attrgetter
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypeVar,
)

import numpy
import numpy.typing as npt
from spacy.tokens import Span

from .event_types import MAX_ARGUMENTS, TRIGGER, EventSchema, EventType, read_pair_label
from .events import Event, EventArgument
from .mentions import TypedKey, typed_key
from .types import Relation

EXACT = 30
"""Number of mentions that are paired directly or by others up to which all maximal cliques are looked
at, which are 3 ** (n / 3) at most; of more mentions, cliques are grown from the most probable pairs."""

MAX_CLIQUES = 100
"""The most events of one group of mentions that are paired directly or by others, the best ones."""


class Node(NamedTuple):
    """A mention in a role: *(where it is, role)*."""

    place: TypedKey
    role: str


_Member = TypeVar("_Member", int, Node)


class _Graph:
    """The pairs of one type of event in a document, with the spans of the mentions."""

    def __init__(self) -> None:
        self.spans: Dict[TypedKey, Span] = {}
        self.neighbours: Dict[Node, Dict[Node, float]] = defaultdict(dict)

    def add(self, rel: Relation, first: str, second: str) -> None:
        nodes = []
        for span, role in ((rel.head, first), (rel.tail, second)):
            nodes.append(Node(typed_key(span), role))
            self.spans[nodes[-1].place] = span
        score = 1.0 if rel.score is None else float(rel.score)
        for one, other in (nodes, reversed(nodes)):
            self.neighbours[one][other] = max(score, self.neighbours[one].get(other, 0.0))


def decode_events(
    relations: Iterable[Relation],
    schema: EventSchema,
    *,
    threshold: float = 0.0,
    one_label: bool = False,
    one_role: bool = False,
) -> List[Event]:
    """Make events of the relations that are pairs of their roles.

    Args:
        relations: the relations of a document, with their probabilities; others than pairs of the schema
            are left alone.
        schema: the types of events. A role has no more than the most fillers, those with the most
            probable pairs, and events with too few of a role are left out.
        threshold: the least score of an event.
        one_label: whether the same mentions are one event of one type: those of types with the same
            roles and no trigger are held together by the pairs of all these types, and have the
            label whose pairs are most probable.
        one_role: whether a mention has only one role in an event without trigger.

    Returns:
        the events, the most probable ones of each type first.
    """
    graphs: Dict[str, _Graph] = {}
    known = {pair.label for pair in schema.pair_types()}
    for rel in relations:
        parts = read_pair_label(rel.label) if rel.label in known else None
        if parts is not None:
            graphs.setdefault(parts[0], _Graph()).add(rel, *parts[1:])
    events = []
    groups: Dict[Any, List[EventType]] = defaultdict(list)
    for label, kind in schema.items():
        if label in graphs:
            alike = one_label and kind.trigger is None
            groups[(kind.roles, kind.symmetric) if alike else label].append(kind)
    for kinds in groups.values():
        graph, kind = graphs[kinds[0].label], kinds[0]
        if len(kinds) > 1:
            found = _of_one_label(graphs, kinds, one_role)
        elif kind.trigger is not None:
            found = _stars(graph, kind)
        else:
            found = _cliques(graph, kind, one_role)
        events += [event for event in found if (event.score or 0.0) >= threshold]
    return events


def _of_one_label(
    graphs: Dict[str, _Graph], kinds: Sequence[EventType], one_role: bool
) -> Iterator[Event]:
    """The events of several types with the same roles, which hold their mentions together."""
    joined = _Graph()
    for kind in kinds:
        graph = graphs[kind.label]
        joined.spans.update(graph.spans)
        for node, reach in graph.neighbours.items():
            for other, score in reach.items():
                known = joined.neighbours[node].get(other, 0.0)
                joined.neighbours[node][other] = max(score, known)
    for event in _cliques(joined, kinds[0], one_role):
        nodes = [Node(typed_key(span), kinds[0].canonical(role)) for role, span in event.arguments]
        votes = {
            kind.label: sum(
                graphs[kind.label].neighbours.get(a, {}).get(b, 0.0)
                for a, b in combinations(nodes, 2)
            )
            for kind in kinds
        }
        yield replace(event, label=max(votes, key=votes.__getitem__))


def _stars(graph: _Graph, kind: EventType) -> Iterator[Event]:
    for trigger, arguments in graph.neighbours.items():
        if trigger.role == TRIGGER:
            kept = _within_limits([*arguments], attrgetter("role"), arguments.__getitem__, kind)
            if kept is not None:
                score = _mean([_log(arguments[node]) for node in kept])
                yield _event(graph, kind, kept, score, graph.spans[trigger.place])


def _cliques(graph: _Graph, kind: EventType, one_role: bool) -> Iterator[Event]:
    """The events of a type without trigger: of each group the best, none a part of a better one."""
    if not one_role:
        _join_roles(graph)
    for nodes in _groups(graph):
        group = _Group(graph, nodes)
        found: Dict[Tuple[int, ...], float] = {}
        for clique in _all_cliques(group) if len(nodes) <= EXACT else _grown_cliques(group):
            kept = _within_limits(clique, group.role, partial(group.weight, clique), kind)
            members = tuple(sorted(kept or ()))
            logs = group.logs_of_pairs(members)
            if logs:
                found[members] = _mean(logs)
        # larger ones first, so that what limits have cut to a part of another one is noticed
        ranked = sorted(found.items(), key=lambda item: (-item[1], -len(item[0]), item[0]))
        chosen: List[Set[int]] = []
        for members, score in ranked:
            if len(chosen) == MAX_CLIQUES:
                break
            if not any(other.issuperset(members) for other in chosen):
                chosen.append(set(members))
                yield _event(graph, kind, [nodes[i] for i in members], score, None)


class _Group:
    """Mentions that are paired directly or by others, as numbers, in order.

    There can be 60,000 cliques of 30 mentions, and 500 mentions in a clique: numbers are found in
    dicts sooner than mentions, and logarithms are taken once.
    """

    def __init__(self, graph: _Graph, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        number = {node: i for i, node in enumerate(nodes)}
        self.logs: List[Dict[int, float]] = [
            {number[other]: _log(score) for other, score in graph.neighbours[node].items()}
            for node in nodes
        ]

    def role(self, i: int) -> str:
        return self.nodes[i].role

    def weight(self, clique: Sequence[int], i: int) -> float:
        """How probable a mention is beside the others of a clique."""
        logs = self.logs[i]
        return sum(logs[other] for other in clique if other != i)

    def logs_of_pairs(self, clique: Sequence[int]) -> List[float]:
        """The logarithms of the pairs; the roles of one mention are none."""
        places = [self.nodes[i].place[:2] for i in clique]
        several_roles = len(set(places)) < len(places)
        found: List[float] = []
        for n, i in enumerate(clique):
            logs, others = self.logs[i], clique[n + 1 :]
            if several_roles:
                others = [j for j, place in zip(others, places[n + 1 :]) if place != places[n]]
            found += [logs[other] for other in others]
        return found


def _join_roles(graph: _Graph) -> None:
    """Pair the roles of one mention, which no model is asked about, so that it may have several."""
    by_place: Dict[Tuple[int, int], List[Node]] = defaultdict(list)
    for node in sorted(graph.neighbours):
        by_place[node.place[:2]].append(node)
    for nodes in by_place.values():
        for one, other in combinations(nodes, 2):
            graph.neighbours[one].setdefault(other, 1.0)
            graph.neighbours[other].setdefault(one, 1.0)


def _groups(graph: _Graph) -> Iterator[List[Node]]:
    """Mentions that are paired directly or by others."""
    seen: Set[Node] = set()
    for start in sorted(graph.neighbours):
        if start in seen:
            continue
        group, waiting = [], [start]
        seen.add(start)
        while waiting:
            group.append(waiting.pop())
            new = [node for node in graph.neighbours[group[-1]] if node not in seen]
            seen.update(new)
            waiting += new
        yield sorted(group)


def _all_cliques(group: _Group) -> Iterator[List[int]]:
    from networkx import Graph, find_cliques  # takes a while, and few documents need it

    yield from find_cliques(
        Graph((i, other) for i, logs in enumerate(group.logs) for other in logs)
    )


def _grown_cliques(group: _Group) -> Iterator[List[int]]:
    """Cliques that are grown from the most probable pairs which none has yet."""
    pairs = sorted(
        (-log, i, other)
        for i, logs in enumerate(group.logs)
        for other, log in logs.items()
        if i < other
    )
    in_cliques = [0] * len(group.nodes)  # a bit for each clique

    def row(i: int) -> npt.NDArray[numpy.float64]:
        logs = group.logs[i]
        weights = numpy.full(len(group.nodes), -numpy.inf)
        weights[numpy.fromiter(logs, "i8", len(logs))] = numpy.fromiter(
            logs.values(), "f8", len(logs)
        )
        return weights

    def grow() -> Iterator[List[int]]:
        bit = 1
        for _, first, second in pairs:
            if in_cliques[first] & in_cliques[second]:
                continue
            clique = [first, second]
            weights = row(first) + row(second)
            while len(clique) < MAX_ARGUMENTS:
                best = int(weights.argmax())
                if weights[best] == -numpy.inf:
                    break
                clique.append(best)
                weights += row(best)
            for i in clique:
                in_cliques[i] |= bit
            bit <<= 1
            yield clique

    yield from islice(grow(), MAX_CLIQUES)


def _within_limits(
    members: Sequence[_Member],
    role_of: Callable[[_Member], str],
    weight: Callable[[_Member], float],
    kind: EventType,
) -> Optional[List[_Member]]:
    """The mentions that fit the numbers of fillers, the best ones; None if a role has too few."""
    kept: List[_Member] = []
    for role in kind.pair_roles:
        fillers = [member for member in members if role_of(member) == role.name]
        if len(fillers) < role.least:
            return None
        most = MAX_ARGUMENTS if role.most is None else role.most
        if len(fillers) > most or len(members) > MAX_ARGUMENTS:
            fillers.sort(key=lambda member: (-weight(member), member))
        kept += fillers[:most]
    return kept[:MAX_ARGUMENTS] or None


def _event(
    graph: _Graph,
    kind: EventType,
    nodes: Sequence[Node],
    score: float,
    trigger: Optional[Span],
) -> Event:
    arguments = []
    for role in kind.pair_roles:
        places = sorted(node.place for node in nodes if node.role == role.name)
        names = _role_names(kind, role.name, len(places))
        arguments += [EventArgument(n, graph.spans[place]) for n, place in zip(names, places)]
    return Event(kind.label, tuple(arguments), trigger, score)


def _role_names(kind: EventType, name: str, n: int) -> List[str]:
    """The roles of the fillers of a canonical one, in the order of the text."""
    roles = [role for role in kind.roles if role.name in kind.symmetric]
    if name not in kind.symmetric:
        return [name] * n
    names = [role.name for role in roles for _ in range(role.least)]
    for role in roles:
        most = n if role.most is None else role.most
        names += [role.name] * min(most - role.least, n - len(names))
    order = {role.name: i for i, role in enumerate(roles)}
    return sorted(names, key=order.__getitem__)


def _log(score: float) -> float:
    return math.log(max(score, 1e-12))


def _mean(logs: Sequence[float]) -> float:
    """The geometric mean of probabilities."""
    return min(math.exp(math.fsum(logs) / len(logs)), 1.0)
