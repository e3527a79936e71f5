"""From open relations to those of a schema, by what the schema says of its labels.

The vector of a tuple is the sum of two of length 1: that of a text, its predicate between words for
the types of its arguments, such as "person be bear in place"; and the mean of the tokens of its
predicate, as a sentence encoder reads them in their document. It is compared with the vectors of
labels, as a model of ``rel_component.LabelPair.v1`` compares a sentence with them before training.
"""

import re
from typing import Any, Dict, List, Optional, Protocol, Sequence, Tuple, runtime_checkable

import numpy
from spacy.tokens import Span

from ..errors import ConfigError, shown
from ..models.encoder import build_encoder
from ..models.pairs.label_scorer import unit_rows
from ..models.pairs.label_texts import label_vectors, word_for_type, words_of
from ..relation_types import RelationType
from ..schema import RelationSchema
from ..types import FloatArray, Relation
from .label_reading import TextVectors
from .weight_checks import check_attributes, check_parameters

_PASSIVE = re.compile(r"be (\w+) by")


@runtime_checkable
class RelationMapping(Protocol):
    """Turns open relations into those of a schema.

    Attributes:
        schema: the relation types that it makes.
    """

    schema: RelationSchema

    def __call__(self, relations: Sequence[Relation]) -> List[Relation]:
        """The relations of the schema that open relations between entities of one document say."""
        ...

    def to_bytes(self) -> bytes:
        """What the component saves of it, so that no other file is needed."""
        ...

    def from_bytes(self, data: bytes) -> Any:
        """Take what was saved."""
        ...


class LabelMapping:
    """Gives an open relation the label whose texts are nearest (``rel_component.label_mapping.v1``).

    Args:
        encoder: a sentence encoder: a folder, or its name on a hub, see :func:`.build_encoder`. It is
            read when it is first needed; saved pipelines hold it, and do not read it again.
        schema: the relation types, as the content of a schema file. Their names, descriptions and
            aliases are read; argument types have to fit, and tell the direction.
        threshold: the least cosine of the tuple and its label, in [-1, 1].

    Raises:
        ConfigError: if the threshold is out of range.
        SchemaError: if the schema is none.
    """

    def __init__(
        self,
        encoder: str,
        schema: Dict[str, Any] = {},  # noqa: B006  # never changed; shown in filled configs
        threshold: float = 0.35,
    ) -> None:
        if not -1.0 <= threshold <= 1.0:
            raise ConfigError(f"threshold: {shown(threshold)} is no cosine in [-1, 1]")
        self.schema = RelationSchema.from_dict(schema or {"relations": []}, source="schema")
        self.threshold = threshold
        self.model: Any = build_encoder(encoder)
        self._texts = TextVectors()
        self._labels: Optional[FloatArray] = None

    def __call__(self, relations: Sequence[Relation]) -> List[Relation]:
        """The relations of the schema that tuples say, with their predicates; others are left out.

        Args:
            relations: open relations between entities of one document.

        Returns:
            relations whose scores are the cosines of tuple and label.

        Raises:
            ConfigError: if there is no schema, or the encoder cannot be read.
        """
        if not self.schema:
            raise ConfigError("label_mapping: there are no relation types; give it a schema")
        if not relations:
            return []
        self._read_encoder()
        if self._labels is None:
            self._labels = label_vectors(self.schema, self._encode)
        active = [_active(rel) for rel in relations]
        cosines = self._vectors(active) @ self._labels.T
        mapped = (self._nearest(rel, row) for rel, row in zip(active, cosines))
        return [rel for rel in mapped if rel is not None]

    def to_bytes(self) -> bytes:
        """The weights of the encoder.

        Raises:
            ConfigError: if the encoder cannot be read.
        """
        self._read_encoder()
        return bytes(self.model.to_bytes())

    def from_bytes(self, data: bytes) -> "LabelMapping":
        """Load the weights of the encoder.

        Args:
            data: what :meth:`to_bytes` returned.

        Raises:
            ConfigError: if they are damaged.
        """
        before = [dict(node.attrs) for node in self.model.walk()]
        self.model.from_bytes(data)
        check_attributes(self.model, before)
        check_parameters(self.model)
        self._texts, self._labels = TextVectors(), None
        return self

    def _read_encoder(self) -> None:
        if self.model.shims[0]._model is None:
            self.model.initialize()

    def _vectors(self, relations: Sequence[Relation]) -> FloatArray:
        """The vectors of tuples of one document, of length 1. *Shape:* ``(n_relations, width)``."""
        tokens = self.model.ops.to_numpy(self.model.predict([relations[0].head.doc])[0])
        means = [tokens[_tokens(rel)].mean(axis=0) for rel in relations]
        texts = self._encode([_text(rel) for rel in relations])
        return unit_rows(numpy, texts + unit_rows(numpy, numpy.stack(means)))

    def _nearest(self, rel: Relation, cosines: FloatArray) -> Optional[Relation]:
        """The relation of the nearest label that the argument types allow; None if none is near."""
        kinds = list(self.schema.values())
        for i in numpy.argsort(-cosines, kind="stable"):
            if cosines[i] < self.threshold:
                return None
            ends = _oriented(rel, kinds[i])
            if ends is not None:
                score = round(min(max(float(cosines[i]), 0.0), 1.0), 4)
                head, tail = ends
                return Relation(head, kinds[i].label, tail, score, (), rel.polarity, rel.statement)
        return None

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        return self._texts.encode(self.model, texts)


def _active(rel: Relation) -> Relation:
    """The passive with its agent as the active: (Acme, be found by, Ann) is (Ann, found, Acme)."""
    passive = _PASSIVE.fullmatch(rel.label)
    if passive is None:
        return rel
    return Relation(rel.tail, passive[1], rel.head, rel.score, (), rel.polarity, rel.statement)


def _text(rel: Relation) -> str:
    """The predicate between words for the types of its arguments."""
    head, tail = (
        word_for_type(span.label_) if span.label_ else "" for span in (rel.head, rel.tail)
    )
    return " ".join(filter(None, [head, rel.label, tail]))


def _tokens(rel: Relation) -> List[int]:
    """The tokens of the predicate; those of the arguments where it is not said, as in appositions."""
    said = () if rel.statement is None else rel.statement.predicate
    return [i for span in said or (rel.head, rel.tail) for i in range(span.start, span.end)]


def _oriented(rel: Relation, kind: RelationType) -> Optional[Tuple[Span, Span]]:
    """Head and tail of a relation type, in the direction that its argument types expect.

    Where they do not tell, the head is the subject, or the agent's counterpart of a type such as
    ``FOUNDED_BY``. None if the types allow no direction.
    """
    head, tail = rel.head, rel.tail
    forward, back = (kind.expects(a.label_, b.label_) for a, b in ((head, tail), (tail, head)))
    if back > forward or (back == forward and words_of(kind.label).endswith(" by")):
        head, tail = tail, head
    return (head, tail) if kind.allows(head.label_, tail.label_) else None
