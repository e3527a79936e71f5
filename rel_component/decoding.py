"""From probabilities of candidate pairs to relations."""

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy
from spacy.tokens import Doc, Span

from .candidates import type_indices
from .schema import RelationSchema
from .types import BoolArray, Candidates, FloatArray, Int32Array, Mentions, Relation


def decode(
    docs: Sequence[Doc],
    candidates: Candidates,
    probabilities: FloatArray,
    schema: RelationSchema,
    *,
    exclusive: bool,
    threshold: Optional[float] = None,
    thresholds: Optional[Mapping[str, float]] = None,
    one_direction: bool = False,
    mention_weight: float = 0.0,
    overlapping: bool = True,
) -> List[List[Relation]]:
    """The relations of each document.

    Nothing that the schema forbids comes out: labels that are not allowed between the entity types
    of a pair do not compete. A symmetric relation is reported once, from the mention that comes
    first in the text, with the higher score of the two directions, and an asymmetric one only in the
    direction with the higher score. An entity of several mentions is
    represented by the first of them.

    Args:
        docs: the documents.
        candidates: the pairs of the documents.
        probabilities: *Shape:* ``(n_pairs, n_labels)``, columns in the order of the schema; with
            exclusive labels one more column, NO_RELATION, stands before them.
        schema: the relation types.
        exclusive: at most one label a pair, the most probable one; otherwise each label on its own.
        threshold: the least probability to report. None: with exclusive labels any that is higher
            than that of NO_RELATION, otherwise 0.5.
        thresholds: the same for single labels, before `threshold`.
        one_direction: whether of the two directions of a pair only that with the highest score
            counts.
        mention_weight: exponent of the product of the probabilities of both mentions, by which that
            of a relation is multiplied; 0.0: it counts as it is.
        overlapping: whether the mentions of the relations of a document may overlap. If not,
            relations give way to more probable ones whose mentions share tokens with theirs and are
            not the same.
    """
    if not candidates.n_pairs:
        return [[] for _ in docs]
    if mention_weight:
        probabilities = _weigh(probabilities, candidates, mention_weight, exclusive=exclusive)
    allowed = _allowed(docs, candidates, schema)
    limits = _limits(schema.labels, exclusive, threshold, thresholds or {})
    if exclusive:
        found = _most_probable_labels(probabilities, allowed, limits)
    else:
        found = _probable_labels(probabilities, allowed, limits)
    found = _without_opposites(found, candidates.pairs, schema, one_direction=one_direction)
    if not overlapping:
        found = _without_overlaps(found, candidates)
    return _relations(docs, candidates, found, schema)


class _Found(NamedTuple):
    """What was found: pair, label and probability of each relation."""

    rows: Int32Array
    columns: Int32Array
    scores: FloatArray

    def keep(self, kept: BoolArray) -> "_Found":
        return _Found(self.rows[kept], self.columns[kept], self.scores[kept])


def _allowed(docs: Sequence[Doc], candidates: Candidates, schema: RelationSchema) -> BoolArray:
    """Labels that the schema allows for each pair. *Shape:* ``(n_pairs, n_labels)``."""
    mentions = candidates.mentions
    names, types = type_indices(docs[0].vocab.strings, mentions.types)
    types = types[candidates.first_mentions]
    table = schema.allowed(names, schema.labels)
    return table[types[candidates.pairs[:, 0]], types[candidates.pairs[:, 1]]]


def _limits(
    labels: Sequence[str],
    exclusive: bool,
    threshold: Optional[float],
    thresholds: Mapping[str, float],
) -> FloatArray:
    """The least probability of each label; NaN where NO_RELATION decides. *Shape:* ``(n_labels,)``."""
    if threshold is None:
        threshold = numpy.nan if exclusive else 0.5
    return numpy.asarray([thresholds.get(label, threshold) for label in labels], dtype="float32")


def _most_probable_labels(
    probabilities: FloatArray, allowed: BoolArray, limits: FloatArray
) -> _Found:
    """At most one label a pair; the first column is NO_RELATION."""
    none = probabilities[:, 0]
    all_scores = numpy.where(allowed, probabilities[:, 1:], -1.0)
    columns = all_scores.argmax(axis=1).astype("int32")
    scores = all_scores[numpy.arange(len(columns)), columns]
    limit = limits[columns]
    accepted = numpy.where(numpy.isnan(limit), scores > none, scores >= limit) & (scores >= 0)
    rows = numpy.arange(len(columns), dtype="int32")
    return _Found(rows, columns, scores).keep(accepted)


def _probable_labels(probabilities: FloatArray, allowed: BoolArray, limits: FloatArray) -> _Found:
    """Any number of labels a pair."""
    rows, columns = numpy.argwhere((probabilities >= limits) & allowed).astype("int32").T
    return _Found(rows, columns, probabilities[rows, columns])


def _without_opposites(
    found: _Found, pairs: Int32Array, schema: RelationSchema, *, one_direction: bool
) -> _Found:
    """Leave out labels, asymmetric or all, whose pair has a better one in the other direction."""
    labels = schema.labels
    asymmetric = [labels.index(label) for label in schema.asymmetric_labels]
    if not one_direction and not asymmetric:
        return found
    groups = numpy.zeros_like(found.columns) if one_direction else found.columns
    kept = _better_direction(pairs[found.rows], groups, found.scores)
    if not one_direction:
        kept |= ~numpy.isin(found.columns, asymmetric)
    return found.keep(kept)


def _better_direction(pairs: Int32Array, groups: Int32Array, scores: FloatArray) -> BoolArray:
    """Whether no relation of the same group in the other direction has a higher score.

    The first one if they tie.
    """
    best: Dict[Tuple[int, int, int], Tuple[float, int]] = {}
    keys = [(int(min(pair)), int(max(pair)), int(group)) for pair, group in zip(pairs, groups)]
    for (head, _tail), key, score in zip(pairs, keys, scores):
        if key not in best or score > best[key][0]:
            best[key] = (float(score), int(head))
    kept = [best[key][1] == int(head) for (head, _), key in zip(pairs, keys)]
    return numpy.asarray(kept, dtype=bool)


def _weigh(
    probabilities: FloatArray, candidates: Candidates, weight: float, *, exclusive: bool
) -> FloatArray:
    """Probabilities of the relations, given that they are 0 unless both mentions are right."""
    scores = candidates.mentions.scores[candidates.first_mentions] ** weight
    factors = scores[candidates.pairs].prod(axis=1, keepdims=True)
    if not exclusive:
        return probabilities * factors
    related = probabilities[:, 1:] * factors
    return numpy.concatenate([1.0 - related.sum(axis=1, keepdims=True), related], axis=1)


def _without_overlaps(found: _Found, candidates: Candidates) -> _Found:
    """Leave out relations with a mention that overlaps one of a more probable relation."""
    mentions, pairs = candidates.mentions, candidates.pairs[found.rows]
    owners: Dict[Tuple[int, int], int] = {}  # mention that has taken a token of a document
    kept = numpy.zeros(len(pairs), dtype=bool)
    for i in numpy.argsort(-found.scores, kind="stable"):
        tokens = {
            (int(mentions.docs[mention]), token): int(mention)
            for mention in candidates.first_mentions[pairs[i]]
            for token in range(*mentions.spans[mention])
        }
        kept[i] = all(owners.get(token, mention) == mention for token, mention in tokens.items())
        if kept[i]:
            owners.update(tokens)
    return found.keep(kept)


def _relations(
    docs: Sequence[Doc], candidates: Candidates, found: _Found, schema: RelationSchema
) -> List[List[Relation]]:
    """The relations of each document, symmetric ones once."""
    labels, mentions, first = schema.labels, candidates.mentions, candidates.first_mentions
    symmetric = {labels.index(label) for label in schema.symmetric_labels}
    scores: Dict[Tuple[int, int, int], float] = {}
    for (head, tail), column, score in zip(candidates.pairs[found.rows], *found[1:]):
        if int(column) in symmetric and first[tail] < first[head]:
            head, tail = tail, head
        key = (int(head), int(tail), int(column))
        scores[key] = max(float(score), scores.get(key, 0.0))
    result: List[List[Relation]] = [[] for _ in docs]
    for (head, tail, column), score in scores.items():
        doc_index = int(mentions.docs[first[head]])
        head_span, tail_span = (
            _span(docs[doc_index], mentions, first[entity]) for entity in (head, tail)
        )
        result[doc_index].append(Relation(head_span, labels[column], tail_span, score))
    return result


def _span(doc: Doc, mentions: Mentions, mention: int) -> Span:
    start, end = (int(value) for value in mentions.spans[mention])
    return Span(doc, start, end, label=int(mentions.types[mention]))
