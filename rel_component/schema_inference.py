"""What annotated documents show about relation types: argument types, direction and inverses.

How much is needed was chosen on subsets of 50 to 400 documents of CoNLL04, BioRED, Re-DocRED,
KnowledgeNet and the business corpus; docs/data.md has the figures.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from typing import (
    Collection,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from spacy.tokens import Doc

from .annotations import DEFAULT_ATTR, get_relations
from .errors import shown
from .mentions import typed_key
from .relation_types import RelationType

_MOST_UNSEEN = 0.03  # share of further relations that argument types may forbid
_PRIOR = 8  # documents in which types are as often unseen as with the average label
_BOTH_WAYS = 0.5  # share of the relations of a symmetric type that are annotated in both directions
_LEAST_BOTH = 6  # of these relations: three pairs
_BALANCED = 0.2  # share of the rarer order of two types, where head and tail can be exchanged
_UNDIRECTED = 0.15  # the same over all labels, where no label shows a direction
_LEAST_ORDERED = 10  # relations between two types that show a direction, if one order is rare
_MIXED = 0.05  # share of that order, up to which it may be a mistake
_LEAST_DIRECTED = 20  # relations that must show a direction, or that there is none
_ONE_ORDER = 0.95  # share of heads that come first, from which the order of the text decides
_INVERSE = 0.8  # share of relations of both types that hold under the other label from tail to head
_LEAST_INVERSE = 5


class _Seen(NamedTuple):
    """An annotated relation: index of its document, types, and labels from tail to head."""

    doc: int
    head: str
    tail: str
    head_first: bool
    turned: Collection[str]


class InferredType(NamedTuple):
    """A relation type as documents show it.

    Attributes:
        rel_type: the relation type.
        reasons: why it has its flags and its inverse, in words, and what the documents leave open.
    """

    rel_type: RelationType
    reasons: Tuple[str, ...]


def infer_types(docs: Iterable[Doc], *, attr: str = DEFAULT_ATTR) -> List[InferredType]:
    """The relation types of annotated documents, in alphabetical order.

    Args:
        docs: annotated documents.
        attr: name of the extension attribute.
    """
    seen = dict(sorted(_read(docs, attr).items()))
    undirected = _why_undirected(seen.values())
    symmetric = {
        label: reason
        for label, relations in seen.items()
        if (reason := _why_symmetric(label, relations) or undirected) is not None
    }
    inverses = _inverses({label: rels for label, rels in seen.items() if label not in symmetric})
    types: Dict[str, RelationType] = {}
    reasons: Dict[str, List[str]] = {label: [] for label in seen}
    for label, relations in seen.items():
        rel_type = RelationType(
            label,
            head=_types(rel.head for rel in relations),
            tail=_types(rel.tail for rel in relations),
            symmetric=label in symmetric,
        )
        if label in symmetric:
            reasons[label].append(symmetric[label])
        else:
            rel_type, told = _with_direction(rel_type, relations)
            reasons[label] += told
        if label in inverses:
            inverse, reason = inverses[label]
            rel_type = replace(rel_type, inverse=inverse)
            reasons[label].append(reason)
        types[label] = rel_type
    for label, reason in _too_uncertain(types, seen).items():
        types[label] = replace(types[label], inferred=True)
        reasons[label].append(reason)
    return [InferredType(types[label], tuple(reasons[label])) for label in seen]


def _read(docs: Iterable[Doc], attr: str) -> Dict[str, List[_Seen]]:
    seen: Dict[str, List[_Seen]] = defaultdict(list)
    for i, doc in enumerate(docs):
        labels: Dict[object, Set[str]] = defaultdict(set)
        for rel in get_relations(doc, attr):
            labels[typed_key(rel.head), typed_key(rel.tail)].add(rel.label)
        for rel in get_relations(doc, attr):
            head, tail = typed_key(rel.head), typed_key(rel.tail)
            turned = labels.get((tail, head), ()) if head != tail else ()
            seen[rel.label].append(_Seen(i, rel.head.label_, rel.tail.label_, head < tail, turned))
    return seen


def _types(types: Iterable[str]) -> Tuple[str, ...]:
    found = set(types)
    # A mention without type puts no constraint on the types of that argument.
    return () if "" in found else tuple(sorted(found))


def _why_symmetric(label: str, relations: Sequence[_Seen]) -> Optional[str]:
    """Why head and tail can be exchanged; None if the documents do not show it."""
    both = sum(label in rel.turned for rel in relations)
    if both >= max(_LEAST_BOTH, _BOTH_WAYS * len(relations)):
        return f"symmetric: {both} of {len(relations)} relations are annotated in both directions"
    rarer, total = _orders(relations)
    if total < _LEAST_DIRECTED or rarer < _BALANCED * total:
        return None
    return (
        f"symmetric: of {total} relations between two types, {rarer} have the one as head and "
        f"{total - rarer} the other"
    )


def _why_undirected(seen: Collection[Sequence[_Seen]]) -> Optional[str]:
    """Why relations of all labels have no direction; None if the documents do not show it.

    Corpora without directions write their relations down in any order, those of rare labels too,
    which show little by themselves.
    """
    orders = [_orders(relations) for relations in seen]
    rarer, total = (sum(column) for column in zip(*orders)) if orders else (0, 0)
    directed = any(n >= _LEAST_ORDERED and least <= _MIXED * n for least, n in orders)
    if directed or total < _LEAST_DIRECTED or rarer < _UNDIRECTED * total:
        return None
    return (
        f"symmetric: of {total} relations of any label between two types, {rarer} have them in the "
        "rarer order, and no label shows a direction"
    )


def _orders(relations: Sequence[_Seen]) -> Tuple[int, int]:
    """Relations between two types: those in the rarer order of their types, and all.

    Where one of the two types is always the head, none is in the rarer order.
    """
    orders: Counter[Tuple[str, str]] = Counter(
        (rel.head, rel.tail) for rel in relations if rel.head and rel.tail and rel.head != rel.tail
    )
    rarer = sum(min(n, orders[tail, head]) for (head, tail), n in orders.items()) // 2
    return rarer, orders.total()


def _inverses(seen: Mapping[str, Sequence[_Seen]]) -> Dict[str, Tuple[str, str]]:
    """The inverse of labels that have one, and why."""
    found: Dict[str, Tuple[str, str]] = {}
    for label, relations in seen.items():
        turned = Counter(other for rel in relations for other in rel.turned if other in seen)
        for other, n in sorted(turned.items(), key=lambda item: (-item[1], item[0]))[:1]:
            largest = max(len(relations), len(seen[other]))
            if other != label and n >= max(_LEAST_INVERSE, _INVERSE * largest):
                told = f"inverse: {n} of {len(relations)} relations are {shown(other)} from tail to head"
                found[label] = (other, told)
    # of several labels that hold from tail to head, one at most is the inverse
    return {
        label: (other, told)
        for label, (other, told) in found.items()
        if other in found and found[other][0] == label
    }


def _with_direction(
    rel_type: RelationType, relations: Sequence[_Seen]
) -> Tuple[RelationType, List[str]]:
    """The type, asymmetric if it never holds both ways though its arguments would allow that.

    Undirected types are often annotated once, with either mention as head. So where two types occur
    in both orders, a type is not asymmetric; nor where the head is whatever comes first.
    """
    turnable = [rel for rel in relations if rel_type.expects(rel.tail, rel.head)]
    n = len(turnable)
    rarer, total = _orders(relations)
    mixed = rarer > _MIXED * total or any(rel_type.label in rel.turned for rel in turnable)
    if n < _LEAST_DIRECTED or mixed:
        return rel_type, []
    n_first = sum(rel.head_first for rel in turnable)
    if n_first >= _ONE_ORDER * n:
        return rel_type, [
            f"direction is open: in {n_first} of {n} relations whose types can be exchanged the head "
            "comes first in the text; say symmetric: true if head and tail mean the same"
        ]
    reason = f"asymmetric: none of {n} relations whose types can be exchanged holds both ways"
    return replace(rel_type, asymmetric=True), [reason]


def _too_uncertain(
    types: Mapping[str, RelationType], seen: Mapping[str, Sequence[_Seen]]
) -> Dict[str, str]:
    """The labels whose argument types would forbid too many further relations, and why.

    The share that they would forbid is estimated by leaving out each document in turn (Good-Turing
    over documents, because the relations of one resemble each other). A label of few documents
    takes after the average one: where every other has clear types, it may have them too.
    """
    kinds = {
        kind for relations in seen.values() for rel in relations for kind in (rel.head, rel.tail)
    }
    if len(kinds) == 1:
        return {}  # there is no other type to forbid
    shares = {
        label: _unseen_shares(rel_type, seen[label])
        for label, rel_type in types.items()
        if rel_type.head or rel_type.tail
    }
    everything = [share for own in shares.values() for share in own]
    average = (sum(everything) + 0.5) / (len(everything) + 1)
    result = {}
    for label, own in shares.items():
        share = (sum(own) + _PRIOR * average) / (len(own) + _PRIOR)
        if share > _MOST_UNSEEN:
            result[label] = (
                f"inferred: going by {len(own)} documents, {100 * share:.0f} % of further relations "
                "may have other argument types, so that these forbid nothing"
            )
    return result


def _unseen_shares(rel_type: RelationType, relations: Sequence[_Seen]) -> List[float]:
    """For each document the share of its relations whose types no other document shows."""
    heads: Dict[str, Set[int]] = defaultdict(set)
    tails: Dict[str, Set[int]] = defaultdict(set)
    for rel in relations:
        heads[rel.head].add(rel.doc)
        tails[rel.tail].add(rel.doc)

    def expected(doc: int, head: str, tail: str) -> bool:
        return all(
            not types or len(docs_of[kind]) > (doc in docs_of[kind])
            for types, docs_of, kind in ((rel_type.head, heads, head), (rel_type.tail, tails, tail))
        )

    unseen: Dict[int, List[bool]] = defaultdict(list)
    for doc, head, tail, *_ in relations:
        known = expected(doc, head, tail) or (rel_type.symmetric and expected(doc, tail, head))
        unseen[doc].append(not known)
    return [sum(missed) / len(missed) for missed in unseen.values()]
