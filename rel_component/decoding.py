"""From probabilities of candidate pairs to relations."""

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

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

    docs: the documents.
    candidates: the pairs of the documents.
    probabilities: *Shape:* ``(n_pairs, n_labels)``, columns in the order of the schema; with
        exclusive labels one more column, NO_RELATION, stands before them.
    schema: the relation types.
    exclusive: at most one label a pair, the most probable one; otherwise each label on its own.
    threshold: the least probability to report. None: with exclusive labels any that is higher than
        that of NO_RELATION, otherwise 0.5.
    thresholds: the same for single labels, before `threshold`.
    one_direction: whether of the two directions of a pair only that with the highest score counts.
    mention_weight: exponent of the product of the probabilities of both mentions, by which that of a
        relation is multiplied; 0.0: it counts as it is.
    overlapping: whether the mentions of the relations of a document may overlap. If not, relations
        give way to more probable ones whose mentions share tokens with theirs and are not the same.
    """
    if not candidates.n_pairs:
        return [[] for _ in docs]
    labels = schema.labels
    if mention_weight:
        probabilities = _weigh(probabilities, candidates, mention_weight, exclusive=exclusive)
    allowed = _allowed(docs, candidates, schema)
    limits = _limits(labels, exclusive, threshold, thresholds or {})
    if exclusive:
        rows, columns = _best_label(probabilities, allowed, limits)
        probabilities = probabilities[:, 1:]
    else:
        found_at = numpy.argwhere((probabilities >= limits) & allowed)
        rows, columns = found_at.astype("int32").T
    scores = probabilities[rows, columns]
    asymmetric = numpy.isin(columns, [labels.index(label) for label in schema.asymmetric_labels])
    # directions compete whatever the labels, or only with the same label
    rivals = numpy.zeros_like(columns) if one_direction else columns
    if one_direction or asymmetric.any():
        kept = _better_direction(candidates.pairs[rows], rivals, scores)
        kept |= not one_direction and ~asymmetric
        rows, columns, scores = rows[kept], columns[kept], scores[kept]
    if not overlapping:
        kept = _without_overlaps(candidates, candidates.pairs[rows], scores)
        rows, columns, scores = rows[kept], columns[kept], scores[kept]
    found: Dict[Tuple[int, int, int], float] = {}
    first = candidates.first_mentions
    symmetric = {labels.index(label) for label in schema.symmetric_labels}
    for (head, tail), column, score in zip(candidates.pairs[rows], columns, scores):
        if int(column) in symmetric and first[tail] < first[head]:
            head, tail = tail, head
        key = (int(head), int(tail), int(column))
        found[key] = max(float(score), found.get(key, 0.0))
    result: List[List[Relation]] = [[] for _ in docs]
    mention_docs = candidates.mentions.docs
    for (head, tail, column), score in found.items():
        doc_index = int(mention_docs[first[head]])
        head_span, tail_span = (
            _span(docs[doc_index], candidates.mentions, first[entity]) for entity in (head, tail)
        )
        result[doc_index].append(Relation(head_span, labels[column], tail_span, score))
    return result


def _allowed(docs: Sequence[Doc], candidates: Candidates, schema: RelationSchema) -> BoolArray:
    """Labels that the schema allows for each pair. *Shape:* ``(n_pairs, n_labels)``"""
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
    """The least probability of each label; NaN where NO_RELATION decides. *Shape:* ``(n_labels,)``"""
    if threshold is None:
        threshold = numpy.nan if exclusive else 0.5
    return numpy.asarray([thresholds.get(label, threshold) for label in labels], dtype="float32")


def _best_label(
    probabilities: FloatArray, allowed: BoolArray, limits: FloatArray
) -> Tuple[Int32Array, Int32Array]:
    none = probabilities[:, 0]
    scores = numpy.where(allowed, probabilities[:, 1:], -1.0)
    best = scores.argmax(axis=1)
    score = scores[numpy.arange(len(scores)), best]
    limit = limits[best]
    accepted = numpy.where(numpy.isnan(limit), score > none, score >= limit) & (score >= 0)
    rows = numpy.nonzero(accepted)[0]
    return rows.astype("int32"), best[rows].astype("int32")


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


def _without_overlaps(candidates: Candidates, pairs: Int32Array, scores: FloatArray) -> BoolArray:
    """Whether no mention of a relation overlaps with another one of a more probable relation."""
    mentions, first = candidates.mentions, candidates.first_mentions
    owners: Dict[Tuple[int, int], int] = {}  # mention that has taken a token of a document
    kept = numpy.zeros(len(pairs), dtype=bool)
    for i in numpy.argsort(-scores, kind="stable"):
        tokens = {
            (int(mentions.docs[mention]), token): int(mention)
            for mention in first[pairs[i]]
            for token in range(*mentions.spans[mention])
        }
        kept[i] = all(owners.get(token, mention) == mention for token, mention in tokens.items())
        if kept[i]:
            owners.update(tokens)
    return kept


def _span(doc: Doc, mentions: Mentions, mention: int) -> Span:
    start, end = (int(value) for value in mentions.spans[mention])
    return Span(doc, start, end, label=int(mentions.types[mention]))
