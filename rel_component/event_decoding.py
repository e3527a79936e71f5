"""From labelled pairs to events.

Where events have a trigger, what is paired with one trigger is one event. Otherwise an event is a
maximal clique: mentions in roles of which each two are paired, and that no other one can join
(McDonald et al. 2005, https://aclanthology.org/P05-1061/). Its score is the geometric mean of the
probabilities of its pairs.
"""

import math
from collections import defaultdict
from dataclasses import replace
from itertools import combinations, islice
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

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
            kept = _within_limits(list(arguments), arguments, kind)
            if kept is not None:
                scores = [arguments[node] for node in kept]
                yield _event(graph, kind, kept, scores, graph.spans[trigger.place])


def _cliques(graph: _Graph, kind: EventType, one_role: bool) -> Iterator[Event]:
    """The events of a type without trigger: of each group the best, none a part of a better one."""
    if not one_role:
        _join_roles(graph)
    for group in _groups(graph):
        found: Dict[Tuple[Node, ...], List[float]] = {}
        cliques = _all_cliques if len(group) <= EXACT else _grown_cliques
        for clique in cliques(graph, group):
            weights = {node: sum(_logs(graph, node, clique)) for node in clique}
            kept = _within_limits(clique, weights, kind)
            pairs = [(a, b) for a, b in combinations(kept or (), 2) if a.place[:2] != b.place[:2]]
            if kept and pairs:
                found[tuple(sorted(kept))] = [graph.neighbours[a][b] for a, b in pairs]
        # larger ones first, so that what limits have cut to a part of another one is noticed
        ranked = sorted(found.items(), key=lambda item: (-_mean(item[1]), -len(item[0]), item[0]))
        chosen: List[Set[Node]] = []
        for nodes, scores in ranked:
            if len(chosen) == MAX_CLIQUES:
                break
            if not any(set(nodes) < other for other in chosen):
                chosen.append(set(nodes))
                yield _event(graph, kind, nodes, scores, None)


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


def _all_cliques(graph: _Graph, group: Sequence[Node]) -> Iterator[List[Node]]:
    from networkx import Graph, find_cliques  # takes a while, and few documents need it

    edges = Graph((node, other) for node in group for other in graph.neighbours[node])
    yield from find_cliques(edges)


def _grown_cliques(graph: _Graph, group: Sequence[Node]) -> Iterator[List[Node]]:
    """Cliques that are grown from the most probable pairs which none has yet."""
    pairs = sorted(
        (-score, node, other)
        for node in group
        for other, score in graph.neighbours[node].items()
        if node < other
    )
    covered: Set[Tuple[Node, Node]] = set()

    def grow() -> Iterator[List[Node]]:
        for _, first, second in pairs:
            if (first, second) in covered:
                continue
            clique = [first, second]
            common = graph.neighbours[first].keys() & graph.neighbours[second].keys()
            weights = {node: sum(_logs(graph, node, clique)) for node in common}
            while weights and len(clique) < MAX_ARGUMENTS:
                best = max(sorted(weights), key=weights.__getitem__)
                clique.append(best)
                reach = graph.neighbours[best]
                weights = {
                    node: weight + _log(reach[node])
                    for node, weight in weights.items()
                    if node in reach
                }
            covered.update(combinations(sorted(clique), 2))
            yield clique

    yield from islice(grow(), MAX_CLIQUES)


def _within_limits(
    nodes: Sequence[Node], weights: Dict[Node, float], kind: EventType
) -> Optional[List[Node]]:
    """The mentions that fit the numbers of fillers, the best ones; None if a role has too few."""
    kept: List[Node] = []
    for role in kind.pair_roles:
        fillers = [node for node in nodes if node.role == role.name]
        if len(fillers) < role.least:
            return None
        fillers.sort(key=lambda node: (-weights[node], node))
        kept += fillers[: role.most]
    return kept[:MAX_ARGUMENTS] or None


def _event(
    graph: _Graph,
    kind: EventType,
    nodes: Sequence[Node],
    scores: Sequence[float],
    trigger: Optional[Span],
) -> Event:
    arguments = []
    for role in kind.pair_roles:
        places = sorted(node.place for node in nodes if node.role == role.name)
        names = _role_names(kind, role.name, len(places))
        arguments += [EventArgument(n, graph.spans[place]) for n, place in zip(names, places)]
    return Event(kind.label, tuple(arguments), trigger, _mean(scores))


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


def _logs(graph: _Graph, node: Node, others: Iterable[Node]) -> Iterator[float]:
    reach: Any = graph.neighbours[node]
    return (_log(reach[other]) for other in others if other != node)


def _log(score: float) -> float:
    return math.log(max(score, 1e-12))


def _mean(scores: Sequence[float]) -> float:
    """The geometric mean."""
    return min(math.exp(math.fsum(map(_log, scores)) / len(scores)), 1.0)
