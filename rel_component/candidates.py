"""Candidate pairs: which head/tail pairs of mentions a pair model is asked about."""

import warnings
from typing import Callable, Optional, Sequence, Tuple

import numpy
from spacy.strings import StringStore
from spacy.tokens import Doc

from .documents import sentence_numbers
from .errors import ConfigError
from .schema import RelationSchema
from .types import BoolArray, Candidates, HashArray, Int32Array, Mentions

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
            mentions=mentions,
            entities=numpy.arange(len(mentions), dtype="int32"),
            pairs=pairs,
            lengths=lengths.astype("int32"),
        )

    return candidate_pairs


def type_indices(strings: StringStore, types: HashArray) -> Tuple[Sequence[str], Int32Array]:
    """The distinct entity types as strings, and for each mention the index of its type.

    Args:
        strings: the string store of the documents.
        types: *Shape:* ``(n_mentions,)``, StringStore hashes.

    Returns:
        names of ``n_types`` types, and indices of *Shape:* ``(n_mentions,)``.
    """
    hashes, indices = numpy.unique(types, return_inverse=True)
    names = [strings[int(value)] if value else "" for value in hashes]
    return names, indices.astype("int32")


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
