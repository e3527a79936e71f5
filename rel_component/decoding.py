"""From probabilities of candidate pairs to relations."""

import math
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple

import numpy
from spacy.tokens import Doc, Span

from .candidates import Candidates
from .errors import ConfigError
from .label_numbers import LabelNumbers, check_keys, for_config, read_numbers
from .mentions import Mentions
from .types import BoolArray, FloatArray, Int32Array, Relation


class Decoder(Protocol):
    """Turns probabilities into relations: the type of the ``decoder`` of a relation extractor."""

    def __call__(
        self,
        docs: Sequence[Doc],
        candidates: Candidates,
        probabilities: FloatArray,
        *,
        exclusive: bool,
    ) -> List[List[Relation]]:
        """Choose the relations of each document.

        Args:
            docs: the documents.
            candidates: the pairs of the documents, with the schema.
            probabilities: *Shape:* ``(n_pairs, n_labels)``, columns in the order of the schema;
                with exclusive labels one more column, NO_RELATION, stands before them.
            exclusive: whether a pair has at most one label.

        Returns:
            the relations of each document.
        """
        ...


@dataclass(frozen=True)
class ThresholdDecoder:
    """Reports the relations that are probable enough (``rel_component.decoder.v1``).

    Labels that the schema forbids between the entity types of a pair are never reported and do not
    compete; where its types were inferred from few documents, those that it does not expect are less
    probable. A symmetric relation is reported once, from the mention that comes first in the text,
    with the higher score of the two directions, and an asymmetric one only in the direction with
    the higher score. An entity of several mentions is represented by its first named mention.

    Args:
        threshold: the least probability of a relation, in [0, 1]. None: with exclusive labels any
            that is higher than that of NO_RELATION, otherwise 0.5.
        thresholds: thresholds of single labels, which come before `threshold`; or pairs of label and
            threshold, for labels that cannot be keys of a config, such as ``org:founded_by``.
        one_label: whether of several labels of a pair only the most probable one counts.
        one_direction: whether of the two directions of a pair only that with the most probable
            relation counts.
        mention_weight: how much the probabilities of the mentions count: the probability of a
            relation is multiplied by the product of the probabilities of its mentions, raised to
            this power. Mentions have probabilities if their span group has them in
            ``attrs["scores"]``.
        unexpected_weight: factor of the probability of a relation between entity types that the
            schema allows and does not expect, in [0, 1]; see :attr:`.RelationType.inferred`.
        overlapping: whether the mentions of the relations of a document may overlap. If not, a
            relation is left out where a more probable one has a mention that shares tokens with one
            of its mentions and is not the same.
        inverses: whether a relation whose type has an inverse in the schema is reported from tail
            to head too, under the label of the inverse.

    Raises:
        ConfigError: if a number is out of range, or a label no key of a config.
    """

    threshold: Optional[float] = None
    thresholds: LabelNumbers = None
    one_label: bool = False
    one_direction: bool = False
    mention_weight: float = 0.0
    unexpected_weight: float = 1.0
    overlapping: bool = True
    inverses: bool = False

    def __post_init__(self) -> None:
        check_keys(self.thresholds, "decoder.thresholds")
        object.__setattr__(self, "thresholds", for_config(self.label_thresholds))
        places = {f"thresholds.{label}": value for label, value in self.label_thresholds.items()}
        places["unexpected_weight"] = self.unexpected_weight
        for place, value in {"threshold": self.threshold, **places}.items():
            if value is not None and not 0.0 <= value <= 1.0:
                raise ConfigError(f"decoder.{place} must lie in [0, 1], got {value}")
        if not 0.0 <= self.mention_weight < math.inf:
            raise ConfigError(
                f"decoder.mention_weight must be 0 or more, got {self.mention_weight}"
            )

    @property
    def label_thresholds(self) -> Dict[str, float]:
        """The thresholds of single labels."""
        return read_numbers(self.thresholds, "decoder.thresholds")

    def __call__(
        self,
        docs: Sequence[Doc],
        candidates: Candidates,
        probabilities: FloatArray,
        *,
        exclusive: bool,
    ) -> List[List[Relation]]:
        """Choose the relations of each document; see :class:`Decoder`."""
        if not candidates.n_pairs:
            return [[] for _ in docs]
        for factors in self.factors(docs, candidates):
            probabilities = _weigh(probabilities, factors, exclusive=exclusive)
        table, head, tail = candidates.allowed_labels(docs[0].vocab.strings)
        limits = self._limits(candidates.schema.labels, exclusive=exclusive)
        choose = _most_probable_labels if exclusive else _probable_labels
        chosen = choose(probabilities, table[head, tail], limits)
        if self.one_label:
            chosen = _best_label(chosen)
        chosen = _without_opposites(chosen, candidates, one_direction=self.one_direction)
        if not self.overlapping:
            chosen = _without_overlaps(chosen, candidates)
        relations = _relations(docs, candidates, chosen)
        if self.inverses:
            relations = [candidates.schema.with_inverses(group) for group in relations]
        return relations

    def factors(self, docs: Sequence[Doc], candidates: Candidates) -> List[FloatArray]:
        """What the probabilities of relations are multiplied by, before thresholds are applied.

        Args:
            docs: the documents.
            candidates: their pairs.

        Returns:
            factors in [0, 1], in turn. *Shape:* ``(n_pairs, 1)`` or ``(n_pairs, n_labels)`` each
        """
        found = []
        if self.mention_weight:
            found.append(_mention_factors(candidates, self.mention_weight))
        if self.unexpected_weight < 1 and any(kind.inferred for kind in candidates.schema.values()):
            expected = candidates.expected_labels(docs[0].vocab.strings)
            found.append(numpy.where(expected, 1.0, self.unexpected_weight).astype("float32"))
        return found

    def _limits(self, labels: Sequence[str], *, exclusive: bool) -> FloatArray:
        """The threshold of each label; NaN where NO_RELATION decides. *Shape:* ``(n_labels,)``."""
        common = self.threshold
        if common is None:
            common = numpy.nan if exclusive else 0.5
        own = self.label_thresholds
        return numpy.asarray([own.get(label, common) for label in labels], dtype="float32")


class _LabelledPairs(NamedTuple):
    """Pairs with a label: row of the pair, column of the label and probability of each."""

    rows: Int32Array
    columns: Int32Array
    scores: FloatArray

    def keep(self, kept: BoolArray) -> "_LabelledPairs":
        return _LabelledPairs(self.rows[kept], self.columns[kept], self.scores[kept])


def _most_probable_labels(
    probabilities: FloatArray, allowed: BoolArray, limits: FloatArray
) -> _LabelledPairs:
    """At most one label a pair; the first column is NO_RELATION."""
    none = probabilities[:, 0]
    all_scores = numpy.where(allowed, probabilities[:, 1:], -1.0)
    columns = all_scores.argmax(axis=1).astype("int32")
    scores = all_scores[numpy.arange(len(columns)), columns]
    limit = limits[columns]
    accepted = numpy.where(numpy.isnan(limit), scores > none, scores >= limit) & (scores > 0)
    rows = numpy.arange(len(columns), dtype="int32")
    return _LabelledPairs(rows, columns, scores).keep(accepted)


def _probable_labels(
    probabilities: FloatArray, allowed: BoolArray, limits: FloatArray
) -> _LabelledPairs:
    """Any number of labels a pair; 0 is the probability of those that were not asked about."""
    accepted = (probabilities >= limits) & (probabilities > 0) & allowed
    rows, columns = numpy.argwhere(accepted).astype("int32").T
    return _LabelledPairs(rows, columns, probabilities[rows, columns])


def _best_label(chosen: _LabelledPairs) -> _LabelledPairs:
    """Of each pair the most probable label; of equal ones, that which comes first in the schema."""
    order = numpy.argsort(-chosen.scores, kind="stable")
    _, first = numpy.unique(chosen.rows[order], return_index=True)
    kept = numpy.zeros(len(order), dtype=bool)
    kept[order[first]] = True
    return chosen.keep(kept)


def _without_opposites(
    chosen: _LabelledPairs, candidates: Candidates, *, one_direction: bool
) -> _LabelledPairs:
    """Leave out labels whose pair has a more probable one in the other direction.

    With `one_direction` all labels of a pair compete, otherwise each asymmetric label with itself.
    """
    labels = candidates.schema.labels
    asymmetric = [labels.index(label) for label in candidates.schema.asymmetric_labels]
    if not one_direction and not asymmetric:
        return chosen
    groups = numpy.zeros_like(chosen.columns) if one_direction else chosen.columns
    kept = _better_direction(candidates.pairs[chosen.rows], groups, chosen.scores)
    if not one_direction:
        kept |= ~numpy.isin(chosen.columns, asymmetric)
    return chosen.keep(kept)


def _better_direction(pairs: Int32Array, groups: Int32Array, scores: FloatArray) -> BoolArray:
    """Mask of the relations that no relation of their group in the other direction outscores.

    Of relations with equal scores, the first one is kept.
    """
    best: Dict[Tuple[int, int, int], Tuple[float, int]] = {}
    keys = [(int(min(pair)), int(max(pair)), int(group)) for pair, group in zip(pairs, groups)]
    for (head, _tail), key, score in zip(pairs, keys, scores):
        if key not in best or score > best[key][0]:
            best[key] = (float(score), int(head))
    kept = [best[key][1] == int(head) for (head, _), key in zip(pairs, keys)]
    return numpy.asarray(kept, dtype=bool)


def _mention_factors(candidates: Candidates, weight: float) -> FloatArray:
    """What makes relations improbable whose mentions are: *Shape:* ``(n_pairs, 1)``."""
    scores = candidates.mentions.scores[candidates.representatives] ** weight
    return scores[candidates.pairs].prod(axis=1, keepdims=True)


def _weigh(probabilities: FloatArray, factors: FloatArray, *, exclusive: bool) -> FloatArray:
    """Probabilities of the relations times factors of at most 1; NO_RELATION gets what is left."""
    if not exclusive:
        return probabilities * factors
    related = probabilities[:, 1:] * factors
    return numpy.concatenate([1.0 - related.sum(axis=1, keepdims=True), related], axis=1)


def _without_overlaps(chosen: _LabelledPairs, candidates: Candidates) -> _LabelledPairs:
    """Leave out relations with a mention that overlaps one of a more probable relation."""
    spans, doc_of = candidates.mentions.spans, candidates.mentions.docs
    pairs = candidates.representatives[candidates.pairs[chosen.rows]]
    owners: Dict[Tuple[int, int], int] = {}  # mention that has taken a token of a document
    kept = numpy.zeros(len(pairs), dtype=bool)
    for i in numpy.argsort(-chosen.scores, kind="stable"):
        tokens = {
            (int(doc_of[mention]), token): int(mention)
            for mention in pairs[i]
            for token in range(*spans[mention])
        }
        kept[i] = all(owners.get(token, mention) == mention for token, mention in tokens.items())
        if kept[i]:
            owners.update(tokens)
    return chosen.keep(kept)


def _relations(
    docs: Sequence[Doc], candidates: Candidates, chosen: _LabelledPairs
) -> List[List[Relation]]:
    """The relations of each document, symmetric ones once."""
    labels, mentions = candidates.schema.labels, candidates.mentions
    doc_of, represented_by = mentions.docs, candidates.representatives
    symmetric = {labels.index(label) for label in candidates.schema.symmetric_labels}
    scores: Dict[Tuple[int, int, int], float] = {}
    for (head, tail), column, score in zip(candidates.pairs[chosen.rows], *chosen[1:]):
        if int(column) in symmetric and represented_by[tail] < represented_by[head]:
            head, tail = tail, head
        key = (int(head), int(tail), int(column))
        scores[key] = max(float(score), scores.get(key, 0.0))
    result: List[List[Relation]] = [[] for _ in docs]
    for (head, tail, column), score in scores.items():
        i = int(doc_of[represented_by[head]])
        head_span, tail_span = (
            _span(docs[i], mentions, represented_by[entity]) for entity in (head, tail)
        )
        result[i].append(Relation(head_span, labels[column], tail_span, score))
    return result


def _span(doc: Doc, mentions: Mentions, mention: int) -> Span:
    start, end = (int(value) for value in mentions.spans[mention])
    kb_id = int(mentions.kb_ids[mention])
    return Span(doc, start, end, label=int(mentions.types[mention]), kb_id=kb_id)
