"""Pairs of an antecedent with an anaphor: candidates, annotated ones, and clusters of what is decoded.

As mentions are numbered in the order of the text, an antecedent has a lower number than its anaphor.
"""

from functools import partial
from itertools import chain
from typing import Any, Dict, List, Sequence, Tuple

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..candidates import CandidateGenerator, Candidates
from ..errors import ConfigError
from ..layers.rows import rows_of_runs
from ..mentions import (
    Mentions,
    mention_spans,
    normalize_name,
    read_clusters,
    read_mentions,
    trimmed,
)
from ..schema import RelationSchema, RelationType
from ..types import BoolArray, FloatArray, Int32Array

COREFERENCE = RelationSchema([RelationType("COREFERENCE")])
"""The schema that candidate generators and pair models are given: there is one label."""


def configure_antecedent_pairs(max_antecedents: int = 50) -> CandidateGenerator:
    """Pairs of each mention with those before it (``rel_component.antecedent_pairs.v1``).

    The head of a pair is the antecedent and the tail the anaphor. If the last mention with the same
    words is further away, it takes the place of the furthest one: names are repeated over long
    distances, and all others refer to what was said last.

    Args:
        max_antecedents: the most antecedents of a mention; the nearest ones are taken.

    Raises:
        ConfigError: if the number is out of range.
    """
    if max_antecedents < 1:
        raise ConfigError(f"max_antecedents must be 1 or more, got {max_antecedents}")
    return partial(_generate, max_antecedents=max_antecedents)


def _generate(
    docs: Sequence[Doc], mentions: Mentions, schema: RelationSchema, *, max_antecedents: int
) -> Candidates:
    own = numpy.arange(len(mentions), dtype="int32")
    begins = numpy.repeat(numpy.cumsum(mentions.lengths) - mentions.lengths, mentions.lengths)
    first = numpy.maximum(begins, own - max_antecedents)
    repeated = _last_of_the_same_words(docs, mentions)
    is_far = (repeated >= 0) & (repeated < first)
    first = first + is_far  # mentions before this one are too many
    anaphor, antecedent = rows_of_runs(numpy.stack([first, own], axis=1).astype("int32"))
    heads = numpy.concatenate([repeated[is_far], antecedent])
    tails = numpy.concatenate([own[is_far], anaphor])
    order = numpy.lexsort((heads, tails))
    pairs = numpy.stack([heads, tails], axis=1)[order].astype("int32")
    spans = mentions.spans
    pairs = pairs[(spans[pairs[:, 0]] != spans[pairs[:, 1]]).any(axis=1)]
    lengths = numpy.bincount(mentions.docs[pairs[:, 0]], minlength=len(docs)).astype("int32")
    return Candidates(schema, mentions, own, pairs, lengths)


def _last_of_the_same_words(docs: Sequence[Doc], mentions: Mentions) -> Int32Array:
    """The mention before each one with the same words, or -1. *Shape:* ``(n_mentions,)``."""
    found, begin = [], 0
    for doc, spans in zip(docs, mentions.spans_by_doc):
        last: Dict[str, int] = {}
        for i, (start, end) in enumerate(spans.tolist(), start=begin):
            words = normalize_name(doc[start:end].text)
            found.append(last.get(words, -1))
            last[words] = i
        begin += len(spans)
    return numpy.asarray(found, dtype="int32")


def distinct_mentions(
    docs: Sequence[Doc], spans_key: str, min_score: float = 0.0, gold: Sequence[Doc] = ()
) -> Mentions:
    """The mentions of documents that may corefer: each span once, with its most probable type.

    Args:
        docs: the documents.
        spans_key: span group of the mentions; the entities are those of documents without it.
        min_score: the least probability of a mention.
        gold: annotated documents, whose mentions and clusters are carried over by their characters.
    """
    mentions = read_mentions(docs, spans_key)
    parts: Dict[str, List[Any]] = {key: [] for key in vars(mentions)}
    ends = numpy.cumsum(mentions.lengths)
    for i, doc in enumerate(docs):
        rows: Dict[Tuple[int, int], Tuple[float, int, int]] = {}
        for k in range(int(ends[i] - mentions.lengths[i]), int(ends[i])):
            row = (float(mentions.scores[k]), int(mentions.types[k]), int(mentions.kb_ids[k]))
            start, end = mentions.spans[k].tolist()
            span = (start, end)
            if row[0] >= min_score:
                rows[span] = max(row, rows.get(span, row))
        for annotated in gold[i : i + 1]:
            for given in chain(mention_spans(annotated, spans_key), *read_clusters(annotated)):
                carried = doc.char_span(*trimmed(given), label=given.label)
                if carried and (carried.start, carried.end) not in rows:
                    rows[carried.start, carried.end] = (1.0, given.label, given.kb_id)
        for span in sorted(rows):
            for key, value in zip(("spans", "scores", "types", "kb_ids"), (span, *rows[span])):
                parts[key].append(value)
        parts["lengths"].append(len(rows))
    arrays = {key: numpy.asarray(part, vars(mentions)[key].dtype) for key, part in parts.items()}
    return Mentions(**{**arrays, "spans": arrays["spans"].reshape(-1, 2)})


def gold_pairs(examples: Sequence[Example], candidates: Candidates) -> BoolArray:
    """Whether the annotated clusters say that a pair is coreferent.

    A mention that is in several clusters belongs to the first of them.

    Args:
        examples: the documents.
        candidates: their pairs.

    Returns:
        *Shape:* ``(n_pairs,)``
    """
    clusters: List[int] = []
    n_clusters = 0
    for eg, spans in zip(examples, candidates.mentions.spans_by_doc):
        found: Dict[Tuple[int, int], int] = {}
        for cluster in read_clusters(eg.reference):
            for span in cluster:
                carried = eg.predicted.char_span(*trimmed(span))
                if carried:
                    found.setdefault((carried.start, carried.end), n_clusters)
            n_clusters += 1
        clusters.extend(found.get((start, end), -1) for start, end in spans.tolist())
    head, tail = numpy.asarray(clusters, dtype="int32")[candidates.pairs.T]
    is_gold: BoolArray = (head == tail) & (head >= 0)
    return is_gold


def decode_clusters(
    docs: Sequence[Doc],
    candidates: Candidates,
    scores: FloatArray,
    *,
    null_score: float = 0.0,
    singletons: bool = False,
) -> List[List[List[Span]]]:
    """Join each mention, in the order of the text, with the most probable entity so far.

    An entity has the probabilities of all its mentions among the antecedents, as in the loss, which
    adds up those of all right antecedents.

    Args:
        docs: the documents.
        candidates: pairs of an antecedent with an anaphor, which come in the order of the anaphors.
        scores: of the pairs. *Shape:* ``(n_pairs,)``
        null_score: of the null antecedent, with which a mention begins an entity of its own.
        singletons: whether mentions that are joined with no other are clusters as well.

    Returns:
        the clusters of each document, in the order of their first mentions.
    """
    mentions = candidates.mentions
    heads, tails = candidates.pairs.T
    bounds = numpy.searchsorted(tails, numpy.arange(len(mentions) + 1))
    clusters = numpy.arange(len(mentions))  # of each mention, by its first one
    for i in numpy.flatnonzero(numpy.diff(bounds)):
        own = slice(bounds[i], bounds[i + 1])
        highest = max(float(scores[own].max()), null_score)
        found, places = numpy.unique(clusters[heads[own]], return_inverse=True)
        shares = numpy.bincount(places, weights=numpy.exp(scores[own] - highest))
        if shares.max() > numpy.exp(null_score - highest):
            clusters[i] = found[shares.argmax()]
    result: List[List[List[Span]]] = []
    begin = 0
    for doc, spans in zip(docs, mentions.spans_by_doc):
        members: Dict[int, List[Span]] = {}
        for k, (start, end) in enumerate(spans.tolist(), start=begin):
            span = Span(doc, start, end, label=int(mentions.types[k]))
            members.setdefault(int(clusters[k]), []).append(span)
        begin += len(spans)
        result.append([found for found in members.values() if singletons or len(found) > 1])
    return result
