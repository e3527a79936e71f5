"""The sentences in which the entities of a document are mentioned."""

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy
from spacy.tokens import Doc

from ...candidates import Candidates
from ...documents import sentence_numbers
from ...types import Int8Array, Int32Array

N_MEETINGS = 9
"""Buckets of pairs: three or more, two or one sentence with both; 1, 2, 3, 4, 5, more apart."""

_FARTHEST = 6
_MAX_CELLS = 1 << 24


@dataclass(frozen=True)
class EntitySentences:
    """Entities and pairs of one document, and how far sentences are from its entities.

    Attributes:
        entities: its entities in the batch.
        rows: its pairs in the batch.
        pairs: head and tail, numbered in the document. *Shape:* ``(n_pairs, 2)``
        mentions: the entity of each mention, numbered in the document. *Shape:* ``(n_mentions,)``
        spans: its mentions. *Shape:* ``(n_mentions, 2)``
        sentences: the sentence of each token, all 0 where they are not known. *Shape:* ``(n_tokens,)``
        distances: sentences from each sentence to the nearest mention, at most 6, in bytes.
            *Shape:* ``(n_entities, n_sentences)``
    """

    entities: slice
    rows: slice
    pairs: Int32Array
    mentions: Int32Array
    spans: Int32Array
    sentences: Int32Array
    distances: Int8Array

    @property
    def n_sentences(self) -> int:
        """Number of sentences of the document."""
        return int(self.distances.shape[1])

    @property
    def meetings(self) -> Int32Array:
        """The bucket of each pair, see :data:`N_MEETINGS`. *Shape:* ``(n_pairs,)``."""
        n_pairs = len(self.pairs)
        buckets = numpy.zeros(n_pairs, dtype="int32")
        step = max(_MAX_CELLS // max(self.n_sentences, 1), 1)
        for start in range(0, n_pairs, step):
            head, tail = self.pairs[start : start + step].T
            apart = self.distances[head]
            apart[self.distances[tail] > 0] = _FARTHEST  # of the head, where the tail is
            shared = 3 - numpy.minimum(numpy.count_nonzero(apart == 0, axis=1), 3)
            buckets[start : start + step] = numpy.where(shared < 3, shared, apart.min(axis=1) + 2)
        return buckets


def entity_sentences(docs: Sequence[Doc], candidates: Candidates) -> List[EntitySentences]:
    """Find the sentences of all entities of a batch, document by document."""
    mentions = candidates.mentions
    doc_of = numpy.zeros(candidates.n_entities, dtype="int32")
    doc_of[candidates.entities] = mentions.docs
    # entities are numbered document by document
    counts = numpy.bincount(doc_of, minlength=len(docs))
    found = []
    for doc, n_entities, end, owners, spans, n_pairs, last_row in zip(
        docs,
        counts.tolist(),
        numpy.cumsum(counts).tolist(),
        numpy.split(candidates.entities, numpy.cumsum(mentions.lengths)[:-1]),
        mentions.spans_by_doc,
        candidates.lengths.tolist(),
        numpy.cumsum(candidates.lengths).tolist(),
    ):
        sentences = sentence_numbers(doc)
        if sentences is None:
            sentences = numpy.zeros(len(doc), dtype="int32")
        n_sentences = int(sentences[-1]) + 1 if len(doc) else 0
        begin, rows = end - n_entities, slice(last_row - n_pairs, last_row)
        distances = _distances((owners - begin, sentences[spans[:, 0]]), n_entities, n_sentences)
        pairs = candidates.pairs[rows] - begin
        found.append(
            EntitySentences(
                slice(begin, end), rows, pairs, owners - begin, spans, sentences, distances
            )
        )
    return found


def _distances(
    occurrences: Tuple[Int32Array, Int32Array], n_entities: int, n_sentences: int
) -> Int8Array:
    """Sentences to the nearest one before and after, by running maxima of positions."""
    numbers = numpy.arange(n_sentences, dtype="int32")
    before = numpy.full((n_entities, n_sentences), -_FARTHEST, dtype="int32")
    after = numpy.full((n_entities, n_sentences), n_sentences + _FARTHEST, dtype="int32")
    before[occurrences] = after[occurrences] = occurrences[1]
    before = numpy.maximum.accumulate(before, axis=1)
    after = numpy.minimum.accumulate(after[:, ::-1], axis=1)[:, ::-1]
    nearest = numpy.minimum(numbers - before, after - numbers)
    return numpy.minimum(nearest, _FARTHEST).astype("int8")
