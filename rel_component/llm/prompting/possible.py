"""Which relations mentions may have, as a schema says."""

from collections import Counter
from itertools import permutations
from typing import Collection, Dict, List, Mapping, Optional, Tuple

from spacy.tokens import Span

from ...margins import PairKey, pair_key
from ...schema import RelationSchema
from .answer_schema import AllowedRelations

Mentions = Mapping[str, Span]
"""Mentions by their ids in a prompt."""


class PossibleRelations:
    """The relations that a language model may state between given mentions.

    Args:
        schema: the relation types.
        open_labels: whether it may state others too, between any mentions.

    Attributes:
        labels: the labels that it may state; empty: any.
    """

    def __init__(self, schema: RelationSchema, *, open_labels: bool) -> None:
        self.labels: Tuple[str, ...] = () if open_labels else schema.labels
        self._schema = schema
        self._open_labels = open_labels
        self._labels_between: Dict[Tuple[str, str], Tuple[str, ...]] = {}
        self._symmetric_between: Dict[Tuple[str, str], bool] = {}

    def labels_between(self, head: str, tail: str) -> Tuple[str, ...]:
        """The labels that are possible between two entity types; empty if any label is.

        Args:
            head: entity type of the head.
            tail: entity type of the tail.
        """
        key = (head, tail)
        if key not in self._labels_between:
            self._labels_between[key] = tuple(
                label for label in self.labels if self._schema.allows(label, head, tail)
            )
        return self._labels_between[key]

    def pairs(
        self, mentions: Mentions, chosen: Optional[Collection[PairKey]] = None
    ) -> List[Tuple[str, str]]:
        """The pairs of mentions, by their ids, that may be related.

        Two mentions that can only have symmetric relations are one pair, in the order of the ids.

        Args:
            mentions: the mentions.
            chosen: only these pairs; None: all.
        """
        return [
            (head, tail)
            for (i, (head, first)), (j, (tail, second)) in permutations(
                enumerate(mentions.items()), 2
            )
            if (first.start, first.end) != (second.start, second.end)
            and (chosen is None or pair_key(first, second) in chosen)
            and self._related(first.label_, second.label_)
            and (i < j or not self._symmetric(first.label_, second.label_))
        ]

    def concerned(self, mentions: Mentions, chosen: Collection[PairKey]) -> Dict[str, Span]:
        """The mentions that are in a pair of :meth:`pairs`."""
        kept = {key for pair in self.pairs(mentions, chosen) for key in pair}
        return {key: span for key, span in mentions.items() if key in kept}

    def n_pairs(self, mentions: Mentions) -> int:
        """The number of pairs that may be related, counted by types."""
        types = Counter(span.label_ for span in mentions.values())
        return sum(
            n_heads * (n_tails - (head == tail))
            for head, n_heads in types.items()
            for tail, n_tails in types.items()
            if self._related(head, tail)
        )

    def groups(self, mentions: Mentions) -> List[AllowedRelations]:
        """The possible labels, grouped by the mentions that they may relate."""
        if self._open_labels:
            return [((), list(mentions), list(mentions))]
        groups: Dict[Tuple[Tuple[str, ...], Tuple[str, ...]], List[str]] = {}
        for label, rel_type in self._schema.items():
            # a symmetric type has two: head and tail of its types, and the other way round
            first, second = rel_type.head, rel_type.tail
            if rel_type.inferred:
                first, second = (), ()
            sides = [(first, second)]
            if rel_type.symmetric and first != second:
                sides.append((second, first))
            for types_of_sides in sides:
                heads, tails = (
                    tuple(
                        key for key, span in mentions.items() if not types or span.label_ in types
                    )
                    for types in types_of_sides
                )
                if len({*heads, *tails}) > 1 and heads and tails:
                    groups.setdefault((heads, tails), []).append(label)
        return [(labels, heads, tails) for (heads, tails), labels in groups.items()]

    def _related(self, head: str, tail: str) -> bool:
        return self._open_labels or bool(self.labels_between(head, tail))

    def _symmetric(self, head: str, tail: str) -> bool:
        key = (head, tail)
        if key not in self._symmetric_between:
            labels = {*self.labels_between(head, tail), *self.labels_between(tail, head)}
            symmetric = bool(labels) and labels <= {*self._schema.symmetric_labels}
            self._symmetric_between[key] = symmetric
        return self._symmetric_between[key]
