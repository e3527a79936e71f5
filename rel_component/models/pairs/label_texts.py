"""What a schema says of its labels as texts, and these as vectors."""

import re
from typing import Callable, List, Sequence

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
    main = [main_texts(kind) for kind in schema.values()]
    others = [alias_texts(kind) for kind in schema.values()]
    texts = [text for group in (*main, *others) for text in group]
    vectors = encode(list(dict.fromkeys(texts)))
    rows = {text: vectors[i] for i, text in enumerate(dict.fromkeys(texts))}
    found = []
    for own, aliases in zip(main, others):
        vector = numpy.mean([rows[text] for text in own], axis=0)
        if aliases:
            vector = vector + numpy.mean([rows[text] for text in aliases], axis=0)
        found.append(vector / numpy.linalg.norm(vector))
    return numpy.asarray(found, dtype="float32").reshape(len(schema), vectors.shape[1])


def main_texts(kind: RelationType) -> List[str]:
    """The name of a label, its description, and both."""
    name = words_of(kind.label) or kind.label
    if not kind.description:
        return [name]
    description = _with_types(kind)
    return [name, description, f"{name}: {description}"]


def alias_texts(kind: RelationType) -> List[str]:
    """Other names of a label."""
    return [words_of(alias) or alias for alias in kind.aliases]


def words_of(name: str) -> str:
    """A name in words: ``org:founded_by`` is "org founded by"."""
    return " ".join(_WORDS.findall(_CAMEL.sub(" ", name))).lower()


def _with_types(kind: RelationType) -> str:
    """The description, with entity types in place of the words head and tail."""
    text = kind.description
    for role, types in (("head", kind.head), ("tail", kind.tail)):
        if types:
            words = " or ".join(dict.fromkeys(_word_for(name) for name in types))
            text = re.sub(rf"\b{role}\b", words, text)
    return text


def _word_for(entity_type: str) -> str:
    words = words_of(entity_type) or entity_type
    return _TYPES.get(words, words)
