"""From labelled pairs to events.

Where events have a trigger, what is paired with one trigger is one event. Otherwise an event is a
maximal clique: mentions in roles of which each two are paired, and that no other one can join
(McDonald et al. 2005, https://aclanthology.org/P05-1061/). Its score is the geometric mean of the
probabilities of its pairs.
"""

import math
from collections import defaultdict
from functools import lru_cache
from itertools import combinations, islice, permutations
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

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
        the events, by type.
    """
    roles_of = {pair.label: read_pair_label(pair.label) for pair in schema.pair_types()}
    spans: Dict[TypedKey, Span] = {}
    pairs: Dict[str, List[_Pair]] = defaultdict(list)
    for rel in relations:
        parts = roles_of.get(rel.label)
        if parts is not None:
            head, tail = typed_key(rel.head), typed_key(rel.tail)
            spans[head], spans[tail] = rel.head, rel.tail
            score = 1.0 if rel.score is None else float(rel.score)
            pairs[parts[0]].append((Node(head, parts[1]), Node(tail, parts[2]), score))
    groups: Dict[Any, List[EventType]] = defaultdict(list)
    for label, kind in schema.items():
        if label in pairs:
            alike = one_label and kind.trigger is None
            groups[(kind.roles, kind.symmetric) if alike else label].append(kind)
    events = []
    for kinds in groups.values():
        graph, kind = _Graph({one.label: pairs[one.label] for one in kinds}), kinds[0]
        starry = kind.trigger is not None
        found = _stars(graph, kind) if starry else _cliques(graph, kind, one_role)
        for members, score in found:
            if score >= threshold:
                kind = kinds[0] if len(kinds) == 1 else _most_probable(graph, kinds, members)
                nodes = [graph.nodes[i] for i in members]
                events.append(_event(kind, nodes, spans, score))
    return events


_Pair = Tuple[Node, Node, float]
_Found = Tuple[List[int], float]
"""The numbers of the mentions of an event in a graph, with a trigger the first, and its score."""


class _Graph:
    """The pairs of a type of event in a document, or of several types with the same roles.

    There are many more pairs than mentions, and dicts find numbers sooner than mentions.

    Attributes:
        nodes: the mentions in roles, in order: their indices are their numbers.
        scores: the probabilities of the pairs of each type, the lower number first.
        neighbours: what each mention is paired with, and the highest probability of that.
    """

    def __init__(self, pairs: Mapping[str, Sequence[_Pair]]) -> None:
        self.nodes = sorted(
            {node for found in pairs.values() for pair in found for node in pair[:2]}
        )
        number = {node: i for i, node in enumerate(self.nodes)}
        self.neighbours: List[Dict[int, float]] = [{} for _ in self.nodes]
        self.scores: Dict[str, Dict[Tuple[int, int], float]] = {label: {} for label in pairs}
        for label, scores in self.scores.items():
            for first, second, score in pairs[label]:
                i, j = sorted((number[first], number[second]))
                if i != j:  # a mention in a role is no pair with itself
                    scores[i, j] = max(score, scores.get((i, j), 0.0))
            for (i, j), score in scores.items():
                score = max(score, self.neighbours[i].get(j, 0.0))
                self.neighbours[i][j] = self.neighbours[j][i] = score

    def join_roles(self) -> None:
        """Pair the roles of one mention, which no model is asked about, so that it may have several."""
        by_place: Dict[Tuple[int, int], List[int]] = defaultdict(list)
        for i, node in enumerate(self.nodes):
            by_place[node.place[:2]].append(i)
        for numbers in by_place.values():
            for i, j in permutations(numbers, 2):
                self.neighbours[i].setdefault(j, 1.0)

    def components(self) -> Iterator[List[int]]:
        """Mentions that are paired directly or by others."""
        seen: Set[int] = set()
        for start in range(len(self.nodes)):
            if start in seen:
                continue
            found, waiting = [], [start]
            seen.add(start)
            while waiting:
                found.append(waiting.pop())
                new = self.neighbours[found[-1]].keys() - seen
                seen |= new
                waiting += new
            yield sorted(found)


class _Group:
    """Mentions in roles that are paired directly or by others, numbered again, in order.

    There can be 60,000 cliques of 30 mentions, and 500 mentions in a clique: logarithms are taken
    once.
    """

    def __init__(
        self, graph: _Graph, members: Sequence[int], neighbours: Iterable[Dict[int, float]]
    ) -> None:
        number = {member: i for i, member in enumerate(members)}
        self.nodes = [graph.nodes[member] for member in members]
        self.logs = [
            {number[other]: _log(score) for other, score in reach.items()} for reach in neighbours
        ]

    def weight(self, clique: Sequence[int], i: int) -> float:
        """How probable a mention is beside those of a clique."""
        return sum(self.logs[i].get(other, 0.0) for other in clique)

    def logs_of_pairs(self, clique: Sequence[int]) -> List[float]:
        """The logarithms of the pairs; the roles of one mention are none."""
        by_place: Dict[Tuple[int, int], Set[int]] = defaultdict(set)
        for i in clique:
            by_place[self.nodes[i].place[:2]].add(i)
        found: List[float] = []
        for n, i in enumerate(clique):
            logs, roles = self.logs[i], by_place[self.nodes[i].place[:2]]
            found += [logs[other] for other in clique[n + 1 :] if other not in roles]
        return found


def _stars(graph: _Graph, kind: EventType) -> Iterator[_Found]:
    """The events of a type with triggers."""
    for trigger, reach in enumerate(graph.neighbours):
        if graph.nodes[trigger].role == TRIGGER:
            members = [trigger, *sorted(reach)]
            group = _Group(graph, members, [{}, *({trigger: reach[i]} for i in members[1:])])
            kept = _within_limits(group, range(len(members)), kind)
            if kept:
                score = _mean([group.logs[i][0] for i in kept])
                yield [trigger, *(members[i] for i in kept)], score


def _cliques(graph: _Graph, kind: EventType, one_role: bool) -> Iterator[_Found]:
    """The events of a type without trigger: of each group the best, none a part of a better one."""
    if not one_role:
        graph.join_roles()
    for numbers in graph.components():
        group = _Group(graph, numbers, [graph.neighbours[i] for i in numbers])
        found: Dict[Tuple[int, ...], float] = {}
        for clique in _all_cliques(group) if len(numbers) <= EXACT else _grown_cliques(group):
            members = tuple(sorted(_within_limits(group, clique, kind)))
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
                yield [numbers[i] for i in members], score


def _most_probable(graph: _Graph, kinds: Sequence[EventType], members: Sequence[int]) -> EventType:
    """The type whose pairs are most probable between some mentions."""
    pairs = [*combinations(members, 2)]
    votes = [sum(graph.scores[kind.label].get(pair, 0.0) for pair in pairs) for kind in kinds]
    return kinds[votes.index(max(votes))]


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

    @lru_cache(2 * MAX_ARGUMENTS)
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


def _within_limits(group: _Group, members: Sequence[int], kind: EventType) -> List[int]:
    """The mentions that fit the numbers of fillers, the best ones; none if a role has too few."""
    kept: List[int] = []
    for role in kind.pair_roles:
        fillers = [i for i in members if group.nodes[i].role == role.name]
        if len(fillers) < role.least:
            return []
        most = MAX_ARGUMENTS if role.most is None else role.most
        if len(fillers) > most or len(members) > MAX_ARGUMENTS:
            fillers.sort(key=lambda i: (-group.weight(members, i), i))
        kept += fillers[:most]
    return kept[: MAX_ARGUMENTS - (kind.trigger is not None)]


def _event(
    kind: EventType, nodes: Sequence[Node], spans: Mapping[TypedKey, Span], score: float
) -> Event:
    arguments = []
    for role in kind.pair_roles:
        places = sorted(node.place for node in nodes if node.role == role.name)
        names = _role_names(kind, role.name, len(places))
        arguments += [EventArgument(n, spans[place]) for n, place in zip(names, places)]
    trigger = None if kind.trigger is None else spans[nodes[0].place]
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
