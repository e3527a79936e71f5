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

_MOST_UNSEEN = 0.05  # share of further relations that argument types may forbid
_BOTH_WAYS = 0.5  # share of the relations of a symmetric type that are annotated in both directions
_LEAST_BOTH = 6  # of these relations: three pairs
_BALANCED = 0.2  # share of the rarer order of two types, where head and tail can be exchanged
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
    seen = _read(docs, attr)
    symmetric = {
        label: reason
        for label, relations in seen.items()
        if (reason := _why_symmetric(label, relations)) is not None
    }
    only_one = len({kind for rels in seen.values() for rel in rels for kind in rel[1:3]}) == 1
    inverses = _inverses({label: rels for label, rels in seen.items() if label not in symmetric})
    result = []
    for label, relations in sorted(seen.items()):
        rel_type = RelationType(
            label,
            head=_types(rel.head for rel in relations),
            tail=_types(rel.tail for rel in relations),
            symmetric=label in symmetric,
        )
        reasons = [symmetric.get(label), *inverses.get(label, ())[1:]]
        if not rel_type.symmetric:
            rel_type, reason = _with_direction(rel_type, relations)
            reasons.append(reason)
        if label in inverses:
            rel_type = replace(rel_type, inverse=inverses[label][0])
        if not only_one:  # with one entity type there is none to forbid
            rel_type, reason = _with_degree(rel_type, relations)
            reasons.append(reason)
        result.append(InferredType(rel_type, tuple(reason for reason in reasons if reason)))
    return result


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
    result = {}
    for label, relations in seen.items():
        turned = Counter(other for rel in relations for other in rel.turned if other in seen)
        for other, n in turned.most_common(1):
            largest = max(len(relations), len(seen[other]))
            if other != label and n >= max(_LEAST_INVERSE, _INVERSE * largest):
                result[label] = (
                    other,
                    f"inverse: {n} of {len(relations)} relations are {shown(other)} from tail to head",
                )
    return result


def _with_direction(
    rel_type: RelationType, relations: Sequence[_Seen]
) -> Tuple[RelationType, Optional[str]]:
    """The type, asymmetric if it never holds both ways though its arguments would allow that.

    Undirected types are often annotated once, with either mention as head. So where two types occur
    in both orders, a type is not asymmetric; nor where the head is whatever comes first.
    """
    turnable = [rel for rel in relations if rel_type.expects(rel.tail, rel.head)]
    n = len(turnable)
    rarer, total = _orders(relations)
    mixed = rarer > _MIXED * total or any(rel_type.label in rel.turned for rel in turnable)
    if n < _LEAST_DIRECTED or mixed:
        return rel_type, None
    n_first = sum(rel.head_first for rel in turnable)
    if n_first >= _ONE_ORDER * n:
        return rel_type, (
            f"direction is open: in {n_first} of {n} relations whose types can be exchanged the head "
            "comes first in the text; say symmetric: true if head and tail mean the same"
        )
    reason = f"asymmetric: none of {n} relations whose types can be exchanged holds both ways"
    return replace(rel_type, asymmetric=True), reason


def _with_degree(
    rel_type: RelationType, relations: Sequence[_Seen]
) -> Tuple[RelationType, Optional[str]]:
    """The type, marked as inferred if its argument types would forbid too many further relations.

    The share that they would forbid is estimated by leaving out each document in turn (Good-Turing
    over documents, because those of one document resemble each other), with half a document of
    either kind added.
    """
    if not (rel_type.head or rel_type.tail):
        return rel_type, None
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
    shares = [sum(missed) / len(missed) for missed in unseen.values()]
    share = (sum(shares) + 0.5) / (len(shares) + 1)
    if share <= _MOST_UNSEEN:
        return rel_type, None
    reason = (
        f"inferred: going by {len(shares)} documents, {100 * share:.0f} % of further relations may "
        "have other argument types, so that these forbid nothing"
    )
    return replace(rel_type, inferred=True), reason
