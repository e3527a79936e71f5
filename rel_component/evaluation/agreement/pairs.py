"""Pairs of mentions as units that annotators rate: with a set of labels, or with NO_RELATION.

The units are the ordered pairs of mentions that all annotators who have the document agree on, spans
and types: of others, an annotator cannot say whether a relation holds. A pair with several labels has
the set of them as its category. Next to that, each label is a variable of its own: a pair has it or
does not have it.

A symmetric relation counts once, for the pair whose head comes first in the text. The pair that is
turned round is no unit of its label, and none at all where mentions of such types have symmetric
relations alone: annotators could not but agree on it.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Callable, Collection, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

import numpy
import numpy.typing as npt

from ...errors import ConfigError
from ...mentions import TypedKey
from ...schema import RelationSchema
from ...types import BoolArray, Int32Array
from .coefficients import MISSING, to_votes
from .documents import PairKey, SharedDoc, SharedDocuments


@dataclass(frozen=True)
class PairLimits:
    """Which pairs of agreed mentions are units.

    Attributes:
        schema: only pairs between whose types it allows a relation; None: all.
        max_sentence_distance: 0 for pairs within a sentence, 1 for neighbouring sentences, and so
            on; None: any.
    """

    schema: Optional[RelationSchema] = None
    max_sentence_distance: Optional[int] = None


@dataclass(frozen=True)
class RelationCounts:
    """Counts of the relations of an annotator.

    Attributes:
        entering: relations of pairs that are units.
        not_agreed: relations with a mention that not all annotators have.
        outside: relations of pairs that the limits leave out, and of mentions with themselves.
    """

    entering: int = 0
    not_agreed: int = 0
    outside: int = 0


@dataclass(frozen=True)
class RatedPairs:
    """The units of documents and how annotators rate them.

    Attributes:
        categories: sets of labels in alphabetical order; the first one is the empty set,
            NO_RELATION.
        ratings: for each document the index of a category, -1 for an annotator who does not have
            the document. *Shape:* ``(n_pairs, n_annotators)``
        relations: the relations of each annotator.
        reversed: for each document which units have a head behind their tail. *Shape:* ``(n_pairs,)``
        symmetric: labels whose direction does not count.
    """

    categories: Sequence[Tuple[str, ...]]
    ratings: Sequence[Int32Array]
    relations: Dict[str, RelationCounts]
    reversed: Sequence[BoolArray]
    symmetric: Collection[str]

    @property
    def labels(self) -> List[str]:
        """The labels that occur, in alphabetical order."""
        return sorted({label for labels in self.categories for label in labels})

    @property
    def n_pairs(self) -> int:
        """Number of units."""
        return sum(len(ratings) for ratings in self.ratings)

    @property
    def n_complete(self) -> int:
        """Number of units that all annotators rate."""
        return sum(int((ratings != MISSING).all(axis=1).sum()) for ratings in self.ratings)

    @property
    def n_unrelated(self) -> int:
        """Number of units that nobody gives a label."""
        return sum(int((ratings <= 0).all(axis=1).sum()) for ratings in self.ratings)

    def votes(self, ratings: Int32Array) -> Int32Array:
        """Votes for categories. *Shape:* ``(n_pairs, n_annotators, n_categories)``."""
        return to_votes(ratings, len(self.categories))

    def label_votes(self, ratings: Int32Array, is_reversed: BoolArray) -> Int32Array:
        """Votes against and for each label. *Shape:* ``(n_pairs, n_annotators, n_labels, 2)``."""
        has = self._members[ratings]  # (n_pairs, n_annotators, n_labels)
        symmetric = numpy.asarray([label in self.symmetric for label in self.labels], dtype="bool")
        seen = (ratings != MISSING)[..., None] & ~(is_reversed[:, None] & symmetric)[:, None]
        votes = numpy.stack([~has, has], axis=-1) & seen[..., None]
        return votes.astype("int32")

    @cached_property
    def _members(self) -> BoolArray:
        """Which labels a category has. *Shape:* ``(n_categories, n_labels)``."""
        labels = self.labels
        members = [[label in category for label in labels] for category in self.categories]
        return numpy.asarray(members, dtype="bool").reshape(len(members), len(labels))


def rate_pairs(shared: SharedDocuments, limits: PairLimits) -> RatedPairs:
    """Rate the pairs of mentions that annotators agree on.

    Raises:
        ConfigError: if a distance in sentences is asked for and a document has no sentences.
    """
    if limits.max_sentence_distance is not None and limits.max_sentence_distance < 0:
        raise ConfigError(
            f"max_sentence_distance must be 0 or more, got {limits.max_sentence_distance}"
        )
    categories: Dict[Tuple[str, ...], int] = {(): 0}
    counts = {name: numpy.zeros(3, dtype="int64") for name in shared.names}
    documents: List[Int32Array] = []
    reversed_: List[BoolArray] = []
    undirected = _undirected_types(shared)
    for doc in shared.docs:
        index = {pair: i for i, pair in enumerate(_units(doc, limits, undirected))}
        reversed_.append(numpy.asarray([tail < head for head, tail in index], dtype="bool"))
        ratings = numpy.zeros((len(index), len(shared.names)), dtype="int32")
        for column, (name, annotation) in enumerate(zip(shared.names, doc.annotations)):
            if annotation is None:
                ratings[:, column] = MISSING
                continue
            for pair, labels in annotation.labels.items():
                if pair in index:
                    category = categories.setdefault(labels, len(categories))
                    ratings[index[pair], column] = category
                    counts[name][0] += len(labels)
                else:
                    counts[name][2 if doc.agreed.issuperset(pair) else 1] += len(labels)
        documents.append(ratings)
    relations = {name: RelationCounts(*map(int, values)) for name, values in counts.items()}
    return RatedPairs(list(categories), documents, relations, reversed_, shared.symmetric)


def _units(doc: SharedDoc, limits: PairLimits, undirected: Set[FrozenSet[str]]) -> List[PairKey]:
    mentions = sorted(doc.agreed)
    n = len(mentions)
    spans = numpy.asarray([key[:2] for key in mentions], dtype="int64").reshape(n, 2)
    keep: BoolArray = (spans[:, None] != spans[None]).any(axis=-1)  # (n, n), head first
    if limits.schema is not None and len(limits.schema):
        keep &= _allowed(mentions, limits.schema)
    else:
        keep &= ~numpy.tril(_between(mentions, partial(_without_direction, undirected)))
    if limits.max_sentence_distance is not None and n:
        sentences = _sentences(doc, spans[:, 0])
        distances = numpy.abs(sentences[:, None] - sentences[None])
        keep &= distances <= limits.max_sentence_distance
    return [(mentions[head], mentions[tail]) for head, tail in zip(*numpy.nonzero(keep))]


def _undirected_types(shared: SharedDocuments) -> Set[FrozenSet[str]]:
    """The types of mentions whose relations are all symmetric, whoever annotates them."""
    labels: Dict[FrozenSet[str], Set[str]] = {}
    for doc in shared.docs if shared.symmetric else ():
        for annotation in doc.available:
            for head, label, tail in annotation.relations:
                labels.setdefault(frozenset((head[2], tail[2])), set()).add(label)
    return {types for types, found in labels.items() if found <= {*shared.symmetric}}


def _allowed(mentions: Sequence[TypedKey], schema: RelationSchema) -> BoolArray:
    """Between which mentions the schema allows a relation. *Shape:* ``(n, n)``."""
    symmetric = schema.symmetric_labels
    directed = [label for label in schema if label not in symmetric]

    def allowed(labels: Sequence[str]) -> BoolArray:
        return _between(
            mentions, lambda types: numpy.asarray(schema.allowed(types, labels).any(axis=2))
        )

    result: BoolArray = allowed(directed) | numpy.triu(allowed(symmetric))
    return result


def _without_direction(undirected: Set[FrozenSet[str]], types: Sequence[str]) -> BoolArray:
    """Between which types all relations are symmetric. *Shape:* ``(n_types, n_types)``."""
    table = [[frozenset((head, tail)) in undirected for tail in types] for head in types]
    return numpy.asarray(table, dtype="bool").reshape(len(types), len(types))


def _between(
    mentions: Sequence[TypedKey], holds: Callable[[Sequence[str]], BoolArray]
) -> BoolArray:
    """What holds between the types of mentions, by a table of them, head first. *Shape:* ``(n, n)``."""
    types = sorted({key[2] for key in mentions})
    indices = numpy.asarray([types.index(key[2]) for key in mentions], dtype="int32")
    return holds(types)[indices[:, None], indices[None]]


def _sentences(doc: SharedDoc, starts: npt.NDArray[numpy.int64]) -> npt.NDArray[numpy.int64]:
    if doc.sentence_starts is None:
        raise ConfigError(
            f"max_sentence_distance needs sentence boundaries; {doc.id or doc.doc.text[:60]!r} has "
            "none. Add a sentencizer, or leave the distance out."
        )
    return numpy.searchsorted(doc.sentence_starts, starts, side="right")
