"""Candidate pairs: which head/tail pairs of mentions a pair model is asked about."""

import warnings
from dataclasses import dataclass, replace
from typing import Callable, List, Optional, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .documents import sentence_numbers
from .errors import ConfigError
from .mentions import Mentions, type_indices
from .schema import RelationSchema
from .types import BoolArray, HashArray, Int32Array


@dataclass(frozen=True)
class Candidates:
    """The head/tail pairs of a batch of documents that a pair model is asked about.

    Attributes:
        schema: the relation types that the pairs are asked about; a pair model may read their
            labels and descriptions.
        mentions: the mentions of the batch.
        entities: *Shape:* ``(n_mentions,)``, the entity that each mention belongs to, numbered
            through the batch; one entity per mention unless coreference clusters are given.
        pairs: *Shape:* ``(n_pairs, 2)``, entity of the head and entity of the tail, grouped by
            document.
        lengths: *Shape:* ``(n_docs,)``, pairs per document.
    """

    schema: RelationSchema
    mentions: Mentions
    entities: Int32Array
    pairs: Int32Array
    lengths: Int32Array

    @property
    def n_pairs(self) -> int:
        """Number of pairs in the batch."""
        return int(self.pairs.shape[0])

    @property
    def n_entities(self) -> int:
        """Number of entities in the batch."""
        return int(self.entities.max()) + 1 if len(self.entities) else 0

    @property
    def pair_docs(self) -> Int32Array:
        """Index of the document of each pair. *Shape:* ``(n_pairs,)``."""
        return numpy.repeat(numpy.arange(len(self.lengths), dtype="int32"), self.lengths)

    @property
    def first_mentions(self) -> Int32Array:
        """Index of the first mention of each entity. *Shape:* ``(n_entities,)``."""
        return numpy.unique(self.entities, return_index=True)[1].astype("int32")

    def select(self, rows: BoolArray) -> "Candidates":
        """A copy with some of the pairs and all mentions.

        Args:
            rows: mask of the pairs to keep. *Shape:* ``(n_pairs,)``
        """
        lengths = numpy.bincount(self.pair_docs[rows], minlength=len(self.lengths))
        return replace(self, pairs=self.pairs[rows], lengths=lengths.astype("int32"))

    def twice(self) -> "Candidates":
        """The candidates of a batch of documents followed by a copy of it."""
        mentions = Mentions(
            spans=numpy.concatenate([self.mentions.spans] * 2),
            types=numpy.concatenate([self.mentions.types] * 2),
            scores=numpy.concatenate([self.mentions.scores] * 2),
            lengths=numpy.concatenate([self.mentions.lengths] * 2),
        )
        return replace(
            self,
            mentions=mentions,
            entities=numpy.concatenate([self.entities, self.entities + self.n_entities]),
            pairs=numpy.concatenate([self.pairs, self.pairs + self.n_entities]),
            lengths=numpy.concatenate([self.lengths] * 2),
        )


PairModelT = Model[Tuple[List[Doc], Candidates], Floats2d]
"""Scores candidate pairs: logits, *Shape:* ``(n_pairs, n_labels)``."""

CandidateGenerator = Callable[[Sequence[Doc], Mentions, RelationSchema], Candidates]

_FAR = numpy.int64(1) << 40  # apart from any position inside a document


def configure_candidate_pairs(
    max_token_distance: Optional[int] = None,
    max_sentence_distance: Optional[int] = None,
    use_schema: bool = True,
    max_pairs: Optional[int] = 1_000_000,
) -> CandidateGenerator:
    """Ordered pairs of the mentions of a document (``rel_component.candidate_pairs.v1``).

    The options combine: a pair has to satisfy all of them. A mention is never paired with another
    mention of the same tokens.

    Args:
        max_token_distance: the most tokens between the two mentions; None: any number.
        max_sentence_distance: 0 for pairs within a sentence, 1 for neighbouring sentences, and so
            on; None: any. Needs sentence boundaries in the documents.
        use_schema: only pairs of entity types between which the schema allows a relation.
        max_pairs: the most pairs of a document, before the schema is applied; in a larger document
            the mentions nearest to each other are paired, with one warning. None: no limit.

    Raises:
        ConfigError: if an option is out of range.
    """
    for name, value in (
        ("max_token_distance", max_token_distance),
        ("max_sentence_distance", max_sentence_distance),
    ):
        if value is not None and value < 0:
            raise ConfigError(f"{name} must be 0 or more, got {value}")
    if max_pairs is not None and max_pairs < 2:
        raise ConfigError(f"max_pairs must be 2 or more, got {max_pairs}")

    def candidate_pairs(
        docs: Sequence[Doc], mentions: Mentions, schema: RelationSchema
    ) -> Candidates:
        last = _last_partner(mentions)
        if max_token_distance is not None:
            last = numpy.minimum(last, _last_within_tokens(mentions, max_token_distance))
        if max_sentence_distance is not None:
            last = numpy.minimum(
                last, _last_within_sentences(docs, mentions, max_sentence_distance)
            )
        if max_pairs is not None:
            last = _cap(mentions, last, max_pairs)
        pairs = _both_directions(_enumerate(last))
        spans = mentions.spans
        keep = (spans[pairs[:, 0]] != spans[pairs[:, 1]]).any(axis=1)
        if use_schema and len(schema):
            keep &= _schema_mask(docs, mentions.types, pairs, schema)
        pairs = pairs[keep]
        lengths = numpy.bincount(mentions.docs[pairs[:, 0]], minlength=len(docs))
        return Candidates(
            schema=schema,
            mentions=mentions,
            entities=numpy.arange(len(mentions), dtype="int32"),
            pairs=pairs,
            lengths=lengths.astype("int32"),
        )

    return candidate_pairs


def _last_partner(mentions: Mentions) -> Int32Array:
    """For each mention, the index after the last mention of its document."""
    ends = numpy.cumsum(mentions.lengths)
    return numpy.repeat(ends, mentions.lengths).astype("int32")


def _last_within_tokens(mentions: Mentions, distance: int) -> Int32Array:
    # Mentions are ordered by document and start: the partners that begin at most `distance` tokens
    # after the end of a mention form a run, whose end a binary search finds.
    offsets = mentions.docs.astype("int64") * _FAR
    starts = offsets + mentions.spans[:, 0]
    limits = offsets + mentions.spans[:, 1] + distance
    return numpy.searchsorted(starts, limits, side="right").astype("int32")


def _last_within_sentences(docs: Sequence[Doc], mentions: Mentions, distance: int) -> Int32Array:
    offsets = mentions.docs.astype("int64") * _FAR
    sentences = offsets + _sentence_indices(docs, mentions)
    return numpy.searchsorted(sentences, sentences + distance, side="right").astype("int32")


def _sentence_indices(docs: Sequence[Doc], mentions: Mentions) -> Int32Array:
    """The sentence in which each mention starts, counted from 0 in its document."""
    per_doc = []
    splits = numpy.cumsum(mentions.lengths)[:-1]
    for doc, spans in zip(docs, numpy.split(mentions.spans, splits)):
        numbers = sentence_numbers(doc)
        if numbers is None:
            raise ConfigError(
                "max_sentence_distance needs sentence boundaries: add a sentencizer, senter or "
                "parser before the relation extractor (and to annotating_components in training)."
            )
        per_doc.append(numbers[spans[:, 0]])
    return numpy.concatenate(per_doc) if per_doc else numpy.zeros((0,), dtype="int32")


def _cap(mentions: Mentions, last: Int32Array, max_pairs: int) -> Int32Array:
    own = numpy.arange(len(mentions), dtype="int32")
    n_pairs = 2 * numpy.bincount(
        mentions.docs, weights=last - own - 1, minlength=len(mentions.lengths)
    ).astype("int64")
    too_many = n_pairs > max_pairs
    if not too_many.any():
        return last
    # n mentions with w partners after each make at most 2 * n * w ordered pairs
    reach = numpy.maximum(max_pairs // (2 * numpy.maximum(mentions.lengths, 1)), 1)
    reach = numpy.where(too_many, reach, mentions.lengths)
    capped = numpy.minimum(last, own + 1 + reach[mentions.docs]).astype("int32")
    # where even one partner each is too many, only the first mentions have one
    begins = numpy.cumsum(mentions.lengths) - mentions.lengths
    lone = too_many[mentions.docs] & (own - begins[mentions.docs] >= max_pairs // 2)
    capped[lone] = own[lone] + 1
    warnings.warn(
        f"A document has more than max_pairs = {max_pairs} candidate pairs: only its mentions "
        "nearest to each other are paired. Set max_token_distance or max_sentence_distance, or "
        "raise max_pairs.",
        stacklevel=3,
    )
    return capped


def _enumerate(last: Int32Array) -> Int32Array:
    """All pairs (i, j) with i < j < last[i], ordered by i. *Shape:* ``(n, 2)``."""
    own = numpy.arange(len(last), dtype="int32")
    counts = last - own - 1
    first = numpy.repeat(own, counts)
    begins = numpy.cumsum(counts) - counts
    second = numpy.arange(len(first), dtype="int32") - numpy.repeat(begins - own - 1, counts)
    return numpy.stack([first, second.astype("int32")], axis=1)


def _both_directions(pairs: Int32Array) -> Int32Array:
    """Each pair followed by its mirror image, so that documents stay together."""
    return numpy.stack([pairs, pairs[:, ::-1]], axis=1).reshape(-1, 2)


def _schema_mask(
    docs: Sequence[Doc], types: HashArray, pairs: Int32Array, schema: RelationSchema
) -> BoolArray:
    if not len(pairs):
        return numpy.zeros((0,), dtype="bool")
    names, indices = type_indices(docs[0].vocab.strings, types)
    allowed: BoolArray = numpy.any(schema.allowed(names, schema.labels), axis=2)
    return allowed[indices[pairs[:, 0]], indices[pairs[:, 1]]]
