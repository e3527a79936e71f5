"""Labels of a relation extractor whose model reads what the schema says of them."""

import re
from contextlib import contextmanager
from functools import partial
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy
from spacy.language import Language
from spacy.tokens import Span
from thinc.api import Model

from ..candidates import Candidates
from ..documents import set_sentence_starts
from ..errors import ConfigError, SchemaError, shown
from ..mentions import read_mentions
from ..models.encoder import encode_sentences
from ..models.pairs.label_pair import pair_vectors
from ..models.pairs.label_scorer import mean_prototype, unit_rows
from ..models.pairs.label_texts import Encode, label_vectors, vary_labels
from ..relation_types import RelationType
from ..schema import RelationSchema
from ..types import FloatArray

SchemaLike = Union[RelationSchema, Mapping[str, Any]]

_GROUP = "relation_example"  # span group of head and tail
_MARKED = re.compile(r"<(head|tail)>(.*?)</\1>", re.DOTALL)
_PRIOR = 6.0  # the texts of a label count as much as so many examples
_SHARED = 2.0  # so much of the mean prototype of no relation is in every pair, and shows no label
_MAX_CACHED = 100_000  # texts


def reads_labels(model: Model[Any, Any]) -> bool:
    """Whether a pair model reads its labels, and has not learned them."""
    return "set_labels" in model.attrs


class TextVectors:
    """Computes the vectors of texts, and keeps those that it has seen."""

    def __init__(self) -> None:
        self._known: Dict[str, FloatArray] = {}

    def encode(self, encoder: Model[Any, Any], texts: Sequence[str]) -> FloatArray:
        """The vectors of some texts; see :func:`.encode_sentences`.

        Args:
            encoder: the sentence encoder, always the same.
            texts: the texts, at least one.
        """
        known = self._known  # nothing is ever taken out of it, since other threads may be reading
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if len(known) + len(new) > _MAX_CACHED:
            known = self._known = {}
            new = list(dict.fromkeys(texts))
        known.update(zip(new, encode_sentences(encoder, new)))
        return numpy.stack([known[text] for text in texts])


class LabelReader:
    """Computes the vectors of labels.

    Args:
        name: name of the component, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._texts = TextVectors()

    def vectors(
        self,
        model: Model[Any, Any],
        schema: RelationSchema,
        upstream: Any,
        nlp: Language,
    ) -> Tuple[FloatArray, Optional[FloatArray]]:
        """The vectors of the labels of a schema, and their shifts, see :func:`moved_by_examples`.

        Args:
            model: a pair model that reads labels.
            schema: the labels.
            upstream: the component whose vectors the model reads, if it is not the model itself.
            nlp: makes the documents of examples.

        Raises:
            ConfigError: if there is no sentence encoder.
            SchemaError: if an example does not mark one head and one tail.
        """
        vectors, shifts = label_vectors(schema, self._encode(model, upstream)), None
        examples = [
            (row, kind, example)
            for row, kind in enumerate(schema.values())
            for example in kind.examples
        ]
        if examples:
            marked = [parse_example(kind, example) for _, kind, example in examples]
            found = _example_vectors(model, nlp, upstream, marked)
            none = mean_prototype(model.get_ref("output_layer"))
            rows = [row for row, _, _ in examples]
            vectors, shifts = moved_by_examples(vectors, rows, found, none)
        return vectors, shifts

    @contextmanager
    def varied(
        self, model: Model[Any, Any], schema: RelationSchema, upstream: Any
    ) -> Iterator[None]:
        """Let a model see other vectors of its labels for a batch of training, if it has such an option.

        Args:
            model: a pair model.
            schema: its labels.
            upstream: see :meth:`vectors`.
        """
        share = model.attrs.get("label_variation", 0.0)
        if not share:
            yield
            return
        attrs = model.get_ref("output_layer").attrs
        labels = attrs["labels"]
        encode = self._encode(model, upstream)
        attrs["labels"] = unit_rows(numpy, vary_labels(labels, schema, encode, share))
        try:
            yield
        finally:
            attrs["labels"] = labels

    def check_training(self, model: Model[Any, Any], upstream: Any) -> None:
        """Check that an encoder which learns can still read labels as it did before.

        Args:
            model: a pair model that reads labels.
            upstream: see :meth:`vectors`.

        Raises:
            ConfigError: if the encoder itself learns, and not adapters in it.
        """
        if not self._encoder(model, upstream).attrs["adapter_rank"]:
            raise ConfigError(
                f"{self._name}: the encoder that reads the labels would learn, and later read them "
                "otherwise: set adapter_rank = 16 in the block of rel_component.Encoder.v1, or freeze a "
                "shared_encoder, by frozen_components and annotating_components"
            )

    def _encode(self, model: Model[Any, Any], upstream: Any) -> Encode:
        """The sentence encoder, which remembers the vectors of texts."""
        return partial(self._texts.encode, self._encoder(model, upstream))

    def _encoder(self, model: Model[Any, Any], upstream: Any) -> Model[Any, Any]:
        for owner in (model, getattr(upstream, "model", None)):
            for node in owner.walk() if owner is not None else ():
                if node.name == "encoder" and "adapter_rank" in node.attrs:
                    return node
        raise ConfigError(
            f"{self._name}: the model {shown(model.name)} reads labels with the encoder that "
            "reads the texts, and there is none of the kind rel_component.Encoder.v1: set it as "
            "tok2vec, or add shared_encoder with it, with tok2vec = rel_component.EncoderListener.v1"
        )


def as_schema(schema: SchemaLike, name: str) -> RelationSchema:
    """A schema from what people write: a schema, its content, or descriptions by label.

    Args:
        schema: a schema; ``{"relations": [...], "events": [...]}``, of which one may be left out; or
            descriptions, or mappings with the other keys of a relation type, by label.
        name: where it comes from, for messages.

    Raises:
        SchemaError: if it is none of these.
    """
    if isinstance(schema, RelationSchema):
        return schema
    if not isinstance(schema, Mapping):
        raise SchemaError(f"{name}: expected a schema or a mapping, got {shown(schema)}")
    if any(isinstance(schema.get(key), (list, tuple)) for key in ("relations", "events")):
        return RelationSchema.from_dict(schema, source=name)
    items: List[Any] = []
    for label, value in schema.items():
        if isinstance(value, str) or value is None:
            value = {"description": value}
        if not isinstance(value, Mapping):
            raise SchemaError(f"{name}: {shown(label)}: expected a description or a mapping")
        items.append({"label": label, **value})
    return RelationSchema.from_dict({"relations": items}, source=name)


class MarkedText(NamedTuple):
    """A text with the characters of head and tail, and where it was read."""

    text: str
    head: Tuple[int, int]
    tail: Tuple[int, int]
    place: str


def parse_example(kind: RelationType, example: str) -> MarkedText:
    """Read an example of a relation type.

    Args:
        kind: the relation type.
        example: a text in which ``<head>`` and ``<tail>`` mark the two mentions.

    Raises:
        SchemaError: if it does not mark one head and one tail.
    """
    place = f"examples of {shown(kind.label)}: {shown(example)}"
    parts: List[str] = []
    places: Dict[str, Tuple[int, int]] = {}
    end = length = 0
    for match in _MARKED.finditer(example):
        before, role, words = example[end : match.start()], match[1], match[2]
        if role in places:
            raise SchemaError(f"{place}: <{role}> occurs twice")
        if not words.strip():
            raise SchemaError(f"{place}: there is no word between <{role}> and </{role}>")
        start = length + len(before)
        start_of_words = start + len(words) - len(words.lstrip())
        places[role] = (start_of_words, start_of_words + len(words.strip()))
        parts += [before, words]
        length, end = start + len(words), match.end()
    if len(places) < 2:
        raise SchemaError(f"{place}: expected one <head>...</head> and one <tail>...</tail>")
    return MarkedText("".join([*parts, example[end:]]), places["head"], places["tail"], place)


def _example_vectors(
    model: Model[Any, Any], nlp: Language, upstream: Any, marked: Sequence[MarkedText]
) -> FloatArray:
    """The vectors of the pairs of examples. *Shape:* ``(n_examples, width)``."""
    docs, pairs = [], []
    for example in marked:
        doc = nlp.make_doc(example.text)
        head, tail = (
            doc.char_span(*place, label="ENTITY", alignment_mode="expand")
            for place in (example.head, example.tail)
        )
        if head is None or tail is None or _order(head) == _order(tail):
            raise SchemaError(f"{example.place}: head and tail are the same token, or none")
        doc.spans[_GROUP] = [head, tail]
        set_sentence_starts(doc, [i == 0 for i in range(len(doc))])
        docs.append(doc)
        pairs.append((0, 1) if _order(head) < _order(tail) else (1, 0))
    if upstream is not None:
        docs = list(upstream.pipe(docs))
    mentions = read_mentions(docs, _GROUP)
    numbers = numpy.arange(len(docs), dtype="int32")
    candidates = Candidates(
        RelationSchema(),
        mentions,
        numpy.arange(len(mentions), dtype="int32"),
        numpy.asarray(pairs, dtype="int32") + 2 * numbers[:, None],
        numpy.ones(len(docs), dtype="int32"),
    )
    return pair_vectors(model, docs, candidates)


def moved_by_examples(
    vectors: FloatArray, rows: Sequence[int], examples: FloatArray, none: FloatArray
) -> Tuple[FloatArray, FloatArray]:
    """Vectors of labels, moved towards what their examples have beside that which all pairs have.

    Pairs are more like each other than like any text, so that a label which moved to the pairs of its
    examples themselves would be near to every pair. What it came nearer to all pairs by is taken back: a
    label has as high scores as before for its own examples, as the others move it, and lower ones for
    what is unlike them.

    Args:
        vectors: those of the texts of labels, of length 1. *Shape:* ``(n_labels, width)``
        rows: the label of each example. *Shape:* ``(n_examples,)``
        examples: the vectors of the examples, of length 1. *Shape:* ``(n_examples, width)``
        none: the mean prototype of no relation. *Shape:* ``(width,)``

    Returns:
        vectors of length 1, *Shape:* ``(n_labels, width)``, and what is to be added to the cosines of
        each, *Shape:* ``(n_labels,)``
    """
    numbers = numpy.asarray(rows)
    own = examples - _SHARED * none
    sums = _PRIOR * vectors
    numpy.add.at(sums, numbers, own)
    others = unit_rows(numpy, sums[numbers] - own)  # the label of each example without it
    nearer = (examples * (others - vectors[numbers])).sum(axis=1)
    counts = numpy.maximum(numpy.bincount(numbers, minlength=len(vectors)), 1)
    shifts = -numpy.bincount(numbers, weights=nearer, minlength=len(vectors)) / counts
    return unit_rows(numpy, sums), shifts.astype("float32")


def _order(span: Span) -> Tuple[int, int]:
    return span.start, span.end
