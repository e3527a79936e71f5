"""Related and unrelated pairs of mentions: the examples of the baseline classifier."""

import random
from dataclasses import dataclass
from itertools import islice
from typing import Collection, Dict, Iterator, List, Sequence, Set, Tuple

import numpy
from spacy.tokens import Span

from ..schema import RelationSchema
from ..types import NO_RELATION
from .documents import AuditedDoc, Position, position, token_distance

FORWARD, BACKWARD, BOTH = ">", "<", "="


@dataclass(frozen=True, eq=False)
class MentionPair:
    """Two mentions of a document, the one that comes first in the text first.

    Attributes:
        doc: the document.
        first: the mention that comes first.
        second: the other mention.
        labels: annotated labels, each with its direction: ``ACQUIRED>`` from the first mention
            to the second, ``ACQUIRED<`` back, ``PARTNER_OF=`` if it is symmetric; empty if the two
            are not related.
    """

    doc: AuditedDoc
    first: Span
    second: Span
    labels: Tuple[str, ...] = ()

    @property
    def given(self) -> str:
        """The first annotated label with its direction, ``NO_RELATION`` if there is none."""
        return self.labels[0] if self.labels else NO_RELATION


def plain(label: str) -> str:
    """A label without its direction."""
    return label if label == NO_RELATION else label[:-1]


def reverse(label: str) -> str:
    """The label with the opposite direction."""
    turned = {FORWARD: BACKWARD, BACKWARD: FORWARD}
    return label if label == NO_RELATION else label[:-1] + turned.get(label[-1], label[-1])


def arguments(pair: MentionPair, label: str) -> Tuple[Span, Span]:
    """Head and tail of a pair for a label."""
    return (pair.second, pair.first) if label.endswith(BACKWARD) else (pair.first, pair.second)


def collect_pairs(
    docs: Sequence[AuditedDoc],
    schema: RelationSchema,
    *,
    max_unrelated: int = 100_000,
    seed: int = 0,
) -> List[MentionPair]:
    """All related pairs, and pairs that could be related but are not.

    Unrelated pairs are those of entity types between which the schema expects a relation, that
    are not further apart than 99 of 100 related ones.

    Args:
        docs: the documents.
        schema: the relation types.
        max_unrelated: the most unrelated pairs; if there are more, that many are drawn.
        seed: seed of the draw.
    """
    distances = [token_distance(rel) for doc in docs for rel in doc.relations]
    reach = int(numpy.quantile(distances, 0.99)) if distances else 0
    related: List[MentionPair] = []
    unrelated: List[MentionPair] = []
    rng = random.Random(seed)
    n_seen = 0
    fits = allowed_types(docs, schema)
    fits |= {(tail, head) for head, tail in fits}
    for doc in docs:
        labels = _labels(doc, schema.symmetric_labels)
        for first, second in _candidates(doc.mentions, reach, fits, set(labels)):
            key = (position(first), position(second))
            if key in labels:
                related.append(MentionPair(doc, first, second, tuple(labels.pop(key))))
                continue
            n_seen += 1  # a reservoir: each unrelated pair is kept with the same probability
            slot = len(unrelated) if n_seen <= max_unrelated else rng.randrange(n_seen)
            if slot < max_unrelated:
                unrelated[slot : slot + 1] = [MentionPair(doc, first, second)]
    return related + unrelated


def allowed_types(docs: Sequence[AuditedDoc], schema: RelationSchema) -> Set[Tuple[str, str]]:
    """Entity types of head and tail between which the schema expects a relation."""
    types = {span.label_ for doc in docs for span in doc.mentions}
    return {
        (head, tail)
        for head in types
        for tail in types
        if any(rel_type.expects(head, tail) for rel_type in schema.values())
    }


_PairKey = Tuple[Position, Position]


def _labels(doc: AuditedDoc, symmetric: Collection[str]) -> Dict[_PairKey, List[str]]:
    labels: Dict[_PairKey, List[str]] = {}
    for rel in doc.relations:
        head, tail = position(rel.head), position(rel.tail)
        if head == tail:
            continue
        way = BOTH if rel.label in symmetric else FORWARD if head < tail else BACKWARD
        found = labels.setdefault((min(head, tail), max(head, tail)), [])
        if rel.label + way not in found:
            found.append(rel.label + way)
    return labels


def _candidates(
    mentions: Sequence[Span], reach: int, fits: Set[Tuple[str, str]], related: Set[_PairKey]
) -> Iterator[Tuple[Span, Span]]:
    """Pairs of mentions in text order that are related, or near and of fitting types."""
    for i, first in enumerate(mentions):
        for second in islice(mentions, i + 1, None):
            if position(first) == position(second):
                continue
            near = second.start - first.end <= reach and (first.label_, second.label_) in fits
            if near or (position(first), position(second)) in related:
                yield first, second
