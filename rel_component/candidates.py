"""Candidate pairs: which head/tail pairs of entities a pair model is asked about."""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Callable, Dict, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

import numpy
from spacy.strings import StringStore
from spacy.symbols import PROPN
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .documents import asked_labels, sentence_numbers
from .errors import ConfigError
from .layers.rows import rows_of_runs
from .mentions import Mentions, read_clusters, type_indices
from .schema import RelationSchema
from .types import BoolArray, Int32Array


@dataclass(frozen=True)
class Candidates:
    """The head/tail pairs of a batch of documents that a pair model is asked about.

    Attributes:
        schema: the relation types that the pairs are asked about; a pair model may read their
            labels and descriptions.
        mentions: the mentions of the batch.
        entities: *Shape:* ``(n_mentions,)``, the entity that each mention belongs to, numbered
            through the batch in the order of their first mentions. Each mention is an entity of its
            own unless coreference clusters are given.
        pairs: *Shape:* ``(n_pairs, 2)``, entity of the head and entity of the tail, grouped by
            document.
        lengths: *Shape:* ``(n_docs,)``, pairs per document.
        named: *Shape:* ``(n_mentions,)``, which mentions can represent their entity, because they
            are names; None: all of them.
        asks_evidence: whether a model that finds evidence gives, in columns after those of the
            labels, how much each sentence of the document speaks for a pair.
        asks_first: whether a model that prunes pairs by a first scorer gives, in columns after those
            of the labels, the logits of that scorer, and prunes none.
    """

    schema: RelationSchema
    mentions: Mentions
    entities: Int32Array
    pairs: Int32Array
    lengths: Int32Array
    named: Optional[BoolArray] = None
    asks_evidence: bool = False
    asks_first: bool = False

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

    @cached_property
    def representatives(self) -> Int32Array:
        """Index of the mention that represents each entity. *Shape:* ``(n_entities,)``.

        It is the first one that is named, or the first one if none is. The entity has its type.
        """
        named = numpy.ones(len(self.mentions), dtype="bool") if self.named is None else self.named
        order = numpy.lexsort((~named, self.entities))  # stable: mentions stay in text order
        begins = numpy.searchsorted(self.entities[order], numpy.arange(self.n_entities))
        return order[begins].astype("int32")

    def allowed_labels(self, strings: StringStore) -> Tuple[BoolArray, Int32Array, Int32Array]:
        """The labels that the schema allows between the entity types of the batch.

        Args:
            strings: the string store of the documents.

        Returns:
            a table, *Shape:* ``(n_types, n_types, n_labels)``, and the types of the head and of the
            tail of each pair as its rows and columns, *Shape:* ``(n_pairs,)`` each.
        """
        names, head, tail = self._argument_types(strings)
        return self.schema.allowed(names, self.schema.labels), head, tail

    def expected_labels(self, strings: StringStore) -> BoolArray:
        """The labels that the schema expects between the entity types of each pair.

        Args:
            strings: the string store of the documents.

        Returns:
            *Shape:* ``(n_pairs, n_labels)``
        """
        names, head, tail = self._argument_types(strings)
        return self.schema.expected(names, self.schema.labels)[head, tail]

    def asked_labels(self, docs: Sequence[Doc]) -> Optional[BoolArray]:
        """The labels that each pair is asked about, see :func:`.ask_only`; None: all.

        Args:
            docs: the documents of the batch.

        Returns:
            *Shape:* ``(n_pairs, n_labels)``
        """
        asked = [asked_labels(doc) for doc in docs]
        if all(labels is None for labels in asked):
            return None
        rows = [
            [labels is None or label in labels for label in self.schema.labels] for labels in asked
        ]
        return numpy.asarray(rows, dtype="bool")[self.pair_docs]

    def _argument_types(self, strings: StringStore) -> Tuple[Sequence[str], Int32Array, Int32Array]:
        names, types = type_indices(strings, self.mentions.types)
        head, tail = types[self.representatives][self.pairs].T
        return names, head, tail

    def select(self, rows: BoolArray) -> "Candidates":
        """A copy with some of the pairs and all mentions.

        Args:
            rows: mask of the pairs to keep. *Shape:* ``(n_pairs,)``
        """
        lengths = numpy.bincount(self.pair_docs[rows], minlength=len(self.lengths))
        return replace(self, pairs=self.pairs[rows], lengths=lengths.astype("int32"))

    def twice(self) -> "Candidates":
        """The candidates of a batch of documents followed by a copy of it."""
        mentions = {key: numpy.concatenate([v, v]) for key, v in vars(self.mentions).items()}
        return replace(
            self,
            mentions=Mentions(**mentions),
            entities=numpy.concatenate([self.entities, self.entities + self.n_entities]),
            pairs=numpy.concatenate([self.pairs, self.pairs + self.n_entities]),
            lengths=numpy.concatenate([self.lengths] * 2),
            named=None if self.named is None else numpy.concatenate([self.named] * 2),
        )


class ScoredPairs(NamedTuple):
    """Candidate pairs with their probabilities or logits.

    Attributes:
        candidates: the pairs.
        values: *Shape:* ``(n_pairs, n_outputs)``
    """

    candidates: Candidates
    values: Floats2d


PairModelT = Model[Tuple[List[Doc], Candidates], Floats2d]
"""Scores candidate pairs: logits, *Shape:* ``(n_pairs, n_labels)``."""

CandidateGenerator = Callable[[Sequence[Doc], Mentions, RelationSchema], Candidates]

_FAR = numpy.int64(1) << 40  # larger than any position inside a document


def configure_candidate_pairs(
    max_token_distance: Union[int, Literal["auto"], None] = "auto",
    max_sentence_distance: Optional[int] = None,
    use_schema: bool = True,
    max_pairs: Optional[int] = 1_000_000,
    clusters: Optional[str] = None,
) -> CandidateGenerator:
    """Ordered pairs of the entities of a document (``rel_component.candidate_pairs.v1``).

    Without clusters each mention is an entity. The options combine: two entities are paired if a
    mention of one and a mention of the other satisfy all of them. A mention is never paired with
    another mention of the same tokens.

    Args:
        max_token_distance: the most tokens between the two mentions; None: any number. ``auto``: in
            training any number, and in use the most that a relation had in training, at least 32:
            a model knows nothing of mentions that are further apart.
        max_sentence_distance: 0 for pairs within a sentence, 1 for neighbouring sentences, and so
            on; None: any. Needs sentence boundaries in the documents.
        use_schema: only pairs of entity types between which the schema allows a relation.
        max_pairs: the most pairs of mentions of a document, before the schema is applied; in a
            larger document the mentions nearest to each other are paired, with one warning. None:
            no limit.
        clusters: prefix of the span groups that hold coreference clusters, as ``coref_clusters``
            for ``coref_clusters_1``, ``coref_clusters_2`` and so on. Mentions with the tokens of
            spans of one cluster are one entity, and a span of several clusters belongs to the
            first. Spans of a cluster that are no mentions are left out. None: no clusters.

    Raises:
        ConfigError: if an option is out of range.
    """
    for name, least, value in (
        ("max_token_distance", 0, max_token_distance),
        ("max_sentence_distance", 0, max_sentence_distance),
        ("max_pairs", 2, max_pairs),
    ):
        if isinstance(value, int) and value < least:
            raise ConfigError(f"{name} must be {least} or more, got {value}")
    return partial(
        _generate,
        max_token_distance=max_token_distance,
        max_sentence_distance=max_sentence_distance,
        use_schema=use_schema,
        max_pairs=max_pairs,
        clusters=clusters,
    )


def with_learned_distance(
    generator: CandidateGenerator, farthest: Optional[int]
) -> CandidateGenerator:
    """A candidate generator as it is in use: with the distance that was learned, if it is ``auto``.

    Args:
        generator: any candidate generator.
        farthest: the most tokens between the mentions of a relation in training; None: not known.
    """
    options = generator.keywords if isinstance(generator, partial) else {}
    if farthest is None or options.get("max_token_distance") != "auto":
        return generator
    return partial(generator, max_token_distance=max(farthest, _LEAST_LEARNED))


_LEAST_LEARNED = 32  # tokens; few documents may hold short sentences only


def _generate(
    docs: Sequence[Doc],
    mentions: Mentions,
    schema: RelationSchema,
    *,
    max_token_distance: Union[int, Literal["auto"], None],
    max_sentence_distance: Optional[int],
    use_schema: bool,
    max_pairs: Optional[int],
    clusters: Optional[str],
) -> Candidates:
    # for each mention, the index after the last mention that is near enough
    last = numpy.repeat(numpy.cumsum(mentions.lengths), mentions.lengths).astype("int32")
    if isinstance(max_token_distance, int):
        last = numpy.minimum(last, _last_within_tokens(mentions, max_token_distance))
    if max_sentence_distance is not None:
        last = numpy.minimum(last, _last_within_sentences(docs, mentions, max_sentence_distance))
    if max_pairs is not None:
        last = _cap(mentions, last, max_pairs)
    begins = numpy.arange(1, len(mentions) + 1, dtype="int32")
    first, second = rows_of_runs(numpy.stack([begins, last], axis=1))
    # each pair followed by its reverse, so that the pairs of a document stay together
    pairs = numpy.stack([first, second, second, first], axis=1).reshape(-1, 2)
    pairs = pairs[(mentions.spans[pairs[:, 0]] != mentions.spans[pairs[:, 1]]).any(axis=1)]
    entities, named = numpy.arange(len(mentions), dtype="int32"), None
    if clusters is not None:
        entities, named = _cluster(docs, mentions, clusters)
        pairs = _distinct_pairs(entities[pairs], len(mentions))
    doc_of = numpy.zeros(len(mentions), dtype="int32")
    doc_of[entities] = mentions.docs
    lengths = numpy.bincount(doc_of[pairs[:, 0]], minlength=len(docs)).astype("int32")
    candidates = Candidates(schema, mentions, entities, pairs, lengths, named)
    if not use_schema or not len(schema) or not len(pairs):
        return candidates
    table, head, tail = candidates.allowed_labels(docs[0].vocab.strings)
    possible: BoolArray = numpy.any(table, axis=2)
    return candidates.select(possible[head, tail])


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
    per_doc = [numpy.zeros((0,), dtype="int32")]
    for doc, spans in zip(docs, mentions.spans_by_doc):
        numbers = sentence_numbers(doc)
        if numbers is not None:
            per_doc.append(numbers[spans[:, 0]])
        elif len(doc):
            raise ConfigError(
                "max_sentence_distance needs sentence boundaries: add a sentencizer, senter or "
                "parser before the relation extractor (and to annotating_components in training)."
            )
    return numpy.concatenate(per_doc)


def _cluster(docs: Sequence[Doc], mentions: Mentions, prefix: str) -> Tuple[Int32Array, BoolArray]:
    """The entity of each mention, and whether it is a name. *Shape:* ``(n_mentions,)`` both."""
    entities, named = [numpy.zeros((0,), dtype="int32")], [numpy.zeros((0,), dtype="bool")]
    n_entities = 0
    for doc, spans in zip(docs, mentions.spans_by_doc):
        rows = [(int(start), int(end)) for start, end in spans]
        clusters = read_clusters(doc, prefix)
        cluster_of: Dict[Tuple[int, int], int] = {}
        for i, cluster in enumerate(clusters):
            for span in cluster:
                cluster_of.setdefault((span.start, span.end), i)
        keys = [cluster_of.get(row, len(clusters) + i) for i, row in enumerate(rows)]
        numbers = {key: n_entities + i for i, key in enumerate(dict.fromkeys(keys))}
        n_entities += len(numbers)
        entities.append(numpy.asarray([numbers[key] for key in keys], dtype="int32"))
        ents = {(ent.start, ent.end) for ent in doc.ents}
        n_proper = numpy.cumsum([0, *(token.pos == PROPN for token in doc)])
        named.append(
            numpy.asarray([row in ents for row in rows], dtype="bool")
            | (n_proper[spans[:, 1]] > n_proper[spans[:, 0]])
        )
    return numpy.concatenate(entities), numpy.concatenate(named)


def _distinct_pairs(pairs: Int32Array, n: int) -> Int32Array:
    """The pairs of two entities below `n`, sorted, each once."""
    codes = pairs[:, 0].astype("int64") * n + pairs[:, 1]
    codes = numpy.unique(codes[pairs[:, 0] != pairs[:, 1]])
    return numpy.stack(numpy.divmod(codes, max(n, 1)), axis=1).astype("int32")


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
