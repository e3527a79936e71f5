"""What a schema says of its labels as texts, and these as vectors."""

import re
from typing import Callable, List, Sequence, Tuple

import numpy

from ...relation_types import RelationType
from ...schema import RelationSchema
from ...types import FloatArray

Encode = Callable[[Sequence[str]], FloatArray]
"""Vectors of length 1 of texts. *Shape:* ``(n_texts, width)``"""

_TYPES = {
    "per": "person",
    "peop": "person",
    "people": "person",
    "org": "organization",
    "gpe": "place",
    "loc": "place",
    "fac": "building",
    "norp": "group",
    "misc": "thing",
    "num": "number",
}
"""Words for abbreviated entity types."""

_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


def label_vectors(schema: RelationSchema, encode: Encode) -> FloatArray:
    """The vector of each label: the mean of those of its name, its description and both, and of aliases.

    Args:
        schema: the labels.
        encode: a sentence encoder.

    Returns:
        vectors of length 1. *Shape:* ``(n_labels, width)``
    """
    found = []
    for own, aliases in zip(*_text_vectors(schema, encode)):
        vector = own.mean(axis=0)
        if len(aliases):
            vector = vector + aliases.mean(axis=0)
        found.append(vector / numpy.linalg.norm(vector))
    return numpy.asarray(found, dtype="float32").reshape(len(schema), -1)


def vary_labels(
    labels: FloatArray, schema: RelationSchema, encode: Encode, share: float
) -> FloatArray:
    """Draw vectors of labels that lie between the given ones and random mixtures of their texts.

    In training, a label is not one place then but a region, and the pairs of a label that no training
    had are drawn less to the nearest one that a training had.

    Args:
        labels: the vectors of the labels. *Shape:* ``(n_labels, width)``
        schema: the labels.
        encode: a sentence encoder.
        share: the most that a mixture counts, in [0, 1]; how much it does is drawn for each label.

    Returns:
        *Shape:* ``(n_labels, width)``
    """
    varied = numpy.empty_like(labels)
    for row, (own, aliases) in enumerate(zip(*_text_vectors(schema, encode))):
        texts = numpy.concatenate([own, aliases])
        weights = numpy.random.exponential(size=len(texts)).astype("float32")
        mixture = weights @ texts
        part = numpy.random.uniform(0.0, share)
        varied[row] = (1 - part) * labels[row] + part * mixture / numpy.linalg.norm(mixture)
    return varied


def _text_vectors(
    schema: RelationSchema, encode: Encode
) -> Tuple[List[FloatArray], List[FloatArray]]:
    """For each label, the vectors of :func:`main_texts` and of its other names."""
    groups = [main_texts(kind) for kind in schema.values()]
    groups += [[words_of(name) or name for name in kind.aliases] for kind in schema.values()]
    vectors = encode([text for group in groups for text in group])
    found = numpy.split(vectors, numpy.cumsum([len(group) for group in groups])[:-1])
    return found[: len(schema)], found[len(schema) :]


def main_texts(kind: RelationType) -> List[str]:
    """The name of a label, its description, and both."""
    name = words_of(kind.label) or kind.label
    if not kind.description:
        return [name]
    description = _with_types(kind)
    return [name, description, f"{name}: {description}"]


def words_of(name: str) -> str:
    """A name in words: ``org:founded_by`` is "org founded by"."""
    return " ".join(_WORDS.findall(_CAMEL.sub(" ", name))).lower()


def _with_types(kind: RelationType) -> str:
    """The description, with entity types in place of the words head and tail.

    "the head drug" is "the drug" where that is the type.
    """
    text = kind.description
    for role, types in (("head", kind.head), ("tail", kind.tail)):
        if types:
            words = " or ".join(dict.fromkeys(word_for_type(name) for name in types))
            named = rf"\b{role}\b(?: {re.escape(words)}\b)?"
            text = re.sub(named, words.replace("\\", r"\\"), text)
    return text


def word_for_type(entity_type: str) -> str:
    """An entity type in words: ``GPE`` is "place"."""
    words = words_of(entity_type) or entity_type
    return _TYPES.get(words, words)
