"""A draft of a schema from open relations: which predicates a corpus has, between which types."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Set, Tuple

from spacy.tokens import Doc, Span

from ..annotations import DEFAULT_ATTR, get_relations
from ..errors import shown
from ..mentions import normalize_name, words_of
from ..relation_types import RelationType
from ..schema import RelationSchema
from ..types import NO_RELATION, Relation

N_EXAMPLES = 3
_EXAMPLE = 400  # characters of an example
_MOST_PAIRS = 10_000  # pairs of names of a predicate that are compared
_LEAST_SHARED = 2  # pairs that two predicates for one relation have in common at least
_SHARE = 0.5  # of the pairs of the rarer one
_LEAST_TYPE = 0.1  # share of a relation's heads or tails that a type needs
_PASSIVE = re.compile(r"be (\w+) (?:by|par|von|por|da)")
_Pair = Tuple[str, str]


@dataclass
class Predicate:
    """A relation that a corpus states, by one predicate or by several that mean the same.

    Attributes:
        label: the commonest predicate.
        forms: how often each predicate occurs; that of a passive is read from its agent.
        documents: numbers of the documents that have it.
        negated: how many statements are negated.
        heads: how often each entity type is the head; empty: no entity.
        tails: how often each is the tail.
        pairs: names of head and tail.
        examples: sentences, head and tail marked as in a schema.
    """

    label: str
    forms: "Counter[str]" = field(default_factory=Counter)
    documents: Set[int] = field(default_factory=set)
    negated: int = 0
    heads: "Counter[str]" = field(default_factory=Counter)
    tails: "Counter[str]" = field(default_factory=Counter)
    pairs: Set[_Pair] = field(default_factory=set)
    examples: List[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How often it is stated."""
        return self.forms.total()

    def add(self, other: "Predicate") -> None:
        """Add what another predicate has, which means the same."""
        self.forms.update(other.forms)
        self.documents |= other.documents
        self.negated += other.negated
        self.heads.update(other.heads)
        self.tails.update(other.tails)
        self.pairs |= other.pairs
        self.examples = [*self.examples, *other.examples][:N_EXAMPLES]


def find_predicates(docs: Iterable[Doc], attr: str = DEFAULT_ATTR) -> List[Predicate]:
    """The predicates of open relations, the commonest first.

    The passive with its agent counts as the active. Predicates are joined that hold between the same
    names: at least two pairs, and half of those of the rarer predicate (Lin and Pantel 2001 compare
    paths in that way).

    Args:
        docs: documents with open relations.
        attr: name of the extension attribute.
    """
    found: Dict[str, Predicate] = {}
    for number, doc in enumerate(docs):
        for rel in get_relations(doc, attr):
            _count(found, rel, number)
    ordered = sorted(found.values(), key=lambda one: (-one.count, one.label))
    return sorted(_joined(ordered), key=lambda one: (-one.count, one.label))


def draft_schema(
    predicates: Iterable[Predicate], *, min_count: int = 2, most: int = 50
) -> RelationSchema:
    """Make a schema for people to edit.

    Args:
        predicates: the predicates.
        min_count: statements that a relation needs.
        most: the most relations.

    Returns:
        A schema whose argument types are marked as inferred, with other predicates as aliases, and
        examples; its ``reasons``, which a YAML file has as comments, say how often and by which words
        each relation is stated.
    """
    types: Dict[str, RelationType] = {}
    reasons: Dict[str, Tuple[str, ...]] = {}
    for one in predicates:
        label = "_".join(words_of(one.label)).upper()
        if one.count < min_count or len(types) == most or label in ("", NO_RELATION, *types):
            continue
        aliases = tuple(form for form, _ in one.forms.most_common(5) if form.strip())
        types[label] = RelationType(
            label,
            head=_types(one.heads),
            tail=_types(one.tails),
            inferred=True,
            aliases=aliases,
            examples=tuple(one.examples),
        )
        forms = ", ".join(f"{n} {shown(form)}" for form, n in one.forms.most_common(5))
        negated = f", {one.negated} negated" if one.negated else ""
        told = f"{one.count} statements in {len(one.documents)} documents{negated}: {forms}"
        reasons[label] = (told,)
    schema = RelationSchema(types.values())
    schema.reasons = reasons
    return schema


def _count(found: Dict[str, Predicate], rel: Relation, number: int) -> None:
    head, tail, label = rel.head, rel.tail, rel.label
    passive = _PASSIVE.fullmatch(label)
    if passive is not None:  # "is owned by" says "owns" of its agent
        head, tail, label = tail, head, passive[1]
    one = found.setdefault(label, Predicate(label))
    one.forms[rel.label] += 1
    one.documents.add(number)
    one.negated += rel.polarity == "negated"
    one.heads[_type(head)] += 1
    one.tails[_type(tail)] += 1
    if len(one.pairs) < _MOST_PAIRS:
        one.pairs.add((normalize_name(head.text), normalize_name(tail.text)))
    if len(one.examples) < N_EXAMPLES and rel.polarity != "negated":
        example = _example(rel.context, head, tail)
        one.examples += [example] if example and example not in one.examples else []


def _example(sentence: Span, head: Span, tail: Span) -> str:
    """A sentence with head and tail marked; empty if it is too long, or has such marks itself."""
    text, start = sentence.text, sentence.start_char
    marks = [(head, "head"), (tail, "tail")]
    (first, _), (second, _) = sorted(marks, key=lambda mark: mark[0].start, reverse=True)
    overlap = second.end > first.start
    if len(text) > _EXAMPLE or overlap or any(mark in text for mark in ("head>", "tail>")):
        return ""
    for span, name in sorted(marks, key=lambda mark: mark[0].start, reverse=True):
        a, b = span.start_char - start, span.end_char - start
        text = f"{text[:a]}<{name}>{text[a:b]}</{name}>{text[b:]}"
    return " ".join(text.split())


def _type(span: Span) -> str:
    """The entity type of an argument; that of the entity at its head, if it is a phrase."""
    if span.label_ or not span.doc.has_annotation("DEP"):
        return span.label_
    return span.root.ent_type_


def _types(counts: "Counter[str]") -> Tuple[str, ...]:
    """The types of an argument, none if mostly there is no entity."""
    if counts[""] > counts.total() / 2:
        return ()
    least = _LEAST_TYPE * counts.total()
    return tuple(sorted(kind for kind, n in counts.items() if kind and n >= least))


def _joined(ordered: List[Predicate]) -> List[Predicate]:
    """The predicates, of which those that hold between the same names are one."""
    by_pair: Dict[_Pair, List[int]] = defaultdict(list)
    kept: List[Predicate] = []
    for one in ordered:
        shared: Counter[int] = Counter(i for pair in one.pairs for i in by_pair[pair])
        best: Optional[int] = max(shared, key=lambda i: (shared[i], -i), default=None)
        if best is not None and shared[best] >= max(_LEAST_SHARED, _SHARE * len(one.pairs)):
            kept[best].add(one)
            continue
        for pair in one.pairs:
            if len(by_pair[pair]) < N_EXAMPLES:  # a pair that all have tells little
                by_pair[pair].append(len(kept))
        kept.append(one)
    return kept
