"""The nouns of the package and the types of its plug-ins."""

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Literal, Optional, Tuple, Union

import numpy
import numpy.typing as npt
from spacy.tokens import Doc, Span
from thinc.api import Model
from thinc.types import Floats2d

NO_RELATION = "NO_RELATION"
"""Name of the class of pairs that hold no relation; never a label of a schema."""

NO_ENTITY = "NO_ENTITY"
"""Name of the class of spans that are no mention; never an entity type."""

Int32Array = npt.NDArray[numpy.int32]
BoolArray = npt.NDArray[numpy.bool_]
HashArray = npt.NDArray[numpy.uint64]
FloatArray = npt.NDArray[numpy.float32]

MixedPrecision = Union[bool, Literal["auto"]]
"""Whether an encoder computes in half precision; ``auto``: in training, where the CPU is made for it."""


@dataclass(frozen=True)
class Relation:
    """One decoded relation between two mentions of a Doc.

    Attributes:
        head: the mention the relation starts from.
        label: the relation type.
        tail: the mention the relation points to.
        score: probability in [0, 1]; 1.0 for annotated relations, None if whoever found the
            relation does not say how sure that is.
    """

    head: Span
    label: str
    tail: Span
    score: Optional[float] = 1.0

    def to_json(self) -> Dict[str, Any]:
        """Plain data: token and character offsets, texts, entity types, label and score."""
        return {
            "head": _span_to_json(self.head),
            "label": self.label,
            "tail": _span_to_json(self.tail),
            "score": self.score,
        }

    def __str__(self) -> str:
        return f"({self.head.text}, {self.label}, {self.tail.text})"


def _span_to_json(span: Span) -> Dict[str, Any]:
    return {
        "text": span.text,
        "label": span.label_,
        "start": span.start,
        "end": span.end,
        "start_char": span.start_char,
        "end_char": span.end_char,
    }


@dataclass(frozen=True)
class Mentions:
    """The mentions of a batch of documents, ordered by document, start and end.

    Arrays live on the host: they come from Python objects and are only used as indices.

    Attributes:
        spans: *Shape:* ``(n_mentions, 2)``, start and exclusive end, tokens of the document.
        types: *Shape:* ``(n_mentions,)``, entity type as the StringStore hash, 0 for none.
        scores: *Shape:* ``(n_mentions,)``, probability of being a mention of that type; 1.0 if
            given.
        lengths: *Shape:* ``(n_docs,)``, mentions per document.
    """

    spans: Int32Array
    types: HashArray
    scores: FloatArray
    lengths: Int32Array

    def __len__(self) -> int:
        return int(self.spans.shape[0])

    @property
    def docs(self) -> Int32Array:
        """Index of the document of each mention. *Shape:* ``(n_mentions,)``."""
        return numpy.repeat(numpy.arange(len(self.lengths), dtype="int32"), self.lengths)


@dataclass(frozen=True)
class Candidates:
    """The head/tail pairs of a batch of documents that a pair model is asked about.

    Attributes:
        mentions: the mentions of the batch.
        entities: *Shape:* ``(n_mentions,)``, the entity that each mention belongs to, numbered
            through the batch; one entity per mention unless coreference clusters are given.
        pairs: *Shape:* ``(n_pairs, 2)``, entity of the head and entity of the tail, grouped by
            document.
        lengths: *Shape:* ``(n_docs,)``, pairs per document.
    """

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
        """The same mentions with only some of the pairs.

        Args:
            rows: mask of the pairs to keep. *Shape:* ``(n_pairs,)``
        """
        lengths = numpy.bincount(self.pair_docs[rows], minlength=len(self.lengths))
        return replace(self, pairs=self.pairs[rows], lengths=lengths.astype("int32"))

    def twice(self) -> "Candidates":
        """The pairs of the same documents twice: of a batch followed by a copy of it."""
        mentions = Mentions(
            spans=numpy.concatenate([self.mentions.spans] * 2),
            types=numpy.concatenate([self.mentions.types] * 2),
            scores=numpy.concatenate([self.mentions.scores] * 2),
            lengths=numpy.concatenate([self.mentions.lengths] * 2),
        )
        return Candidates(
            mentions=mentions,
            entities=numpy.concatenate([self.entities, self.entities + self.n_entities]),
            pairs=numpy.concatenate([self.pairs, self.pairs + self.n_entities]),
            lengths=numpy.concatenate([self.lengths] * 2),
        )


PairModelT = Model[Tuple[List[Doc], Candidates], Floats2d]
"""Scores candidate pairs: logits, *Shape:* ``(n_pairs, n_labels)``."""

SpanModelT = Model[Tuple[List[Doc], Int32Array], Floats2d]
"""Scores spans, rows of the tokens of all documents: logits, *Shape:* ``(n_spans, n_outputs)``."""

LossFunction = Callable[..., Tuple[float, Floats2d]]
"""``loss(logits, targets, *, labels, exclusive) -> (loss, d_logits)``; see ``losses.py``."""

ScorerFunction = Callable[..., Dict[str, Any]]
"""``scorer(examples, **options) -> scores``"""
