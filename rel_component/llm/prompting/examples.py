"""Few-shot examples, and the selection of those that a prompt shows."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Literal, Mapping, Optional, Sequence, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc

from ...annotations import DEFAULT_ATTR, get_relations
from ...documents import bare_copy, mentions_by_key
from ...errors import ConfigError, shown
from ...mentions import mention_spans, typed_key
from ...types import POLARITIES, FloatArray

Selection = Literal["fixed", "random", "nearest"]
"""Examples that a prompt shows: the first ones, random ones, or those most similar to the text."""

NEAREST_POOL = 4
"""The selection "nearest" chooses among this many times as many examples as it takes."""


@dataclass(frozen=True)
class PromptExample:
    """An annotated text to show in prompts.

    Attributes:
        text: the text.
        mentions: start and exclusive end in characters and entity type of each.
        relations: position of the head in `mentions`, label, position of the tail.
        vector: what "nearest" compares. *Shape:* ``(width,)``
        polarities: of the relations; empty: all hold.
    """

    text: str
    mentions: Tuple[Tuple[int, int, str], ...]
    relations: Tuple[Tuple[int, str, int], ...]
    vector: Optional[FloatArray] = field(default=None, compare=False, repr=False)
    polarities: Tuple[str, ...] = ()

    @classmethod
    def from_doc(
        cls,
        doc: Doc,
        *,
        spans_key: Optional[str] = None,
        attr: str = DEFAULT_ATTR,
        vector: Optional[FloatArray] = None,
    ) -> "PromptExample":
        """Make an example of an annotated document.

        Args:
            doc: the document.
            spans_key: span group of the mentions; None: the entities.
            attr: name of the extension attribute of the relations.
            vector: vector of the document, for the selection "nearest". *Shape:* ``(width,)``
        """
        relations = get_relations(doc, attr)
        mentions = tuple(mentions_by_key(mention_spans(doc, spans_key), relations))
        place = {key: i for i, key in enumerate(mentions)}
        polar = [rel.polarity for rel in relations]
        return cls(
            text=doc.text,
            mentions=mentions,
            relations=tuple(
                (place[typed_key(rel.head)], rel.label, place[typed_key(rel.tail)])
                for rel in relations
            ),
            vector=vector,
            polarities=tuple(polar) if any(polar) else (),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "PromptExample":
        """Make an example from the values that :meth:`to_dict` returns.

        Raises:
            ConfigError: if they are not those of an example.
        """
        vector = data["vector"]
        example = cls(
            text=data["text"],
            mentions=tuple((start, end, label) for start, end, label in data["mentions"]),
            relations=tuple((head, label, tail) for head, label, tail in data["relations"]),
            vector=None if vector is None else numpy.asarray(vector, dtype="float32"),
            polarities=tuple(data.get("polarities", ())),
        )
        names = [example.text, *(label for *_, label in example.mentions)]
        names += [label for _, label, _ in example.relations]
        places = range(len(example.mentions))
        if (
            not all(isinstance(name, str) for name in names)
            or not all(0 <= start < end <= len(names[0]) for start, end, _ in example.mentions)
            or not all(head in places and tail in places for head, _, tail in example.relations)
            or len(example.polarities) not in (0, len(example.relations))
            or not set(example.polarities) <= {"", *POLARITIES}
            or (example.vector is not None and not numpy.isfinite(example.vector).all())
        ):
            raise ConfigError(f"example {shown(data)}: its parts do not fit together")
        return example

    def to_dict(self) -> Dict[str, Any]:
        """Return the example as JSON values."""
        data: Dict[str, Any] = {
            "text": self.text,
            "mentions": [list(mention) for mention in self.mentions],
            "relations": [list(rel) for rel in self.relations],
            "vector": None if self.vector is None else [float(x) for x in self.vector],
        }
        return {**data, "polarities": list(self.polarities)} if self.polarities else data


class ExampleSelector:
    """Chooses the examples of a prompt: balanced over labels, with an empty answer among them.

    Args:
        examples: all examples.
        n_examples: the most examples in one prompt.
        selection: see :data:`Selection`. The choice depends on the text alone, so that the same text
            always has the same prompt.

    Raises:
        ConfigError: if an option is out of range, or if "nearest" has examples without a vector.
    """

    def __init__(
        self,
        examples: Sequence[PromptExample] = (),
        *,
        n_examples: int = 4,
        selection: Selection = "fixed",
    ) -> None:
        if n_examples < 0:
            raise ConfigError(f"n_examples must be 0 or more, got {n_examples}")
        if selection == "nearest" and any(
            example.vector is None or not example.vector.any() for example in examples
        ):
            raise ConfigError(
                'example_selection "nearest" needs vectors, and the pipeline gives the examples '
                "none: add a component that sets vectors or doc.tensor (a pipeline with word "
                'vectors, tok2vec, shared_encoder), or choose "fixed" or "random"'
            )
        self.examples = list(examples)
        self._texts = [_without_space(example.text) for example in examples]
        self.n_examples = n_examples
        self.selection: Selection = selection
        self._directions: Optional[FloatArray] = None
        if selection == "nearest" and examples:
            vectors = numpy.stack([_unit(example.vector) for example in examples])
            self._directions = vectors.astype("float32")

    def __call__(self, text: str, vector: Optional[FloatArray] = None) -> List[PromptExample]:
        """Return the examples for a text, the most useful one last, next to the question.

        Args:
            text: the text; it is never an example for itself, whatever its white space.
            vector: vector of the text. *Shape:* ``(width,)``
        """
        own = _without_space(text)
        ranking = [i for i in self._ranking(text, vector) if self._texts[i] != own]
        chosen = _balanced([self.examples[i] for i in ranking], self.n_examples)
        return chosen[::-1]

    def _ranking(self, text: str, vector: Optional[FloatArray]) -> List[int]:
        order = list(range(len(self.examples)))
        if self.selection == "random":
            random.Random(f"0 {text}").shuffle(order)
        elif self._directions is not None and vector is not None:
            similarity = self._directions @ _unit(vector)
            order = [int(i) for i in numpy.argsort(-similarity, kind="stable")]
            order = order[: NEAREST_POOL * self.n_examples + 1]
        return order


def document_vectors(docs: Iterable[Doc], nlp: Language, component: str) -> List[FloatArray]:
    """Return the vectors that the components of a pipeline before one of them give to documents.

    Args:
        docs: the documents; they stay as they are.
        nlp: the pipeline.
        component: name of the component; all count if the pipeline has none of that name.
    """
    names = nlp.pipe_names
    later = names[names.index(component) :] if component in names else []
    with nlp.select_pipes(disable=later):
        return [*map(document_vector, nlp.pipe(bare_copy(doc, vocab=nlp.vocab) for doc in docs))]


def document_vector(doc: Doc) -> FloatArray:
    """Return the vector of a document in the memory of the host. *Shape:* ``(width,)``."""
    vector = doc.vector
    return numpy.asarray(vector.get() if hasattr(vector, "get") else vector, dtype="float32")


def _balanced(ranking: Sequence[PromptExample], n_examples: int) -> List[PromptExample]:
    """Return the first examples of a ranking whose labels are rare in the examples before them.

    Of three examples or more, one has no relations, if there is such an example.
    """
    n_examples = min(n_examples, len(ranking))
    empty = next((example for example in ranking if not example.relations), None)
    chosen: List[PromptExample] = []
    if empty is not None and n_examples >= 3:
        chosen.append(empty)
    counts: Counter[str] = Counter()
    left = [example for example in ranking if example is not empty or not chosen]
    quota = 1
    while len(chosen) < n_examples:
        passed = []
        for example in left:
            labels = {label for _, label, _ in example.relations}
            useful = any(counts[label] < quota for label in labels) or (not labels and quota > 1)
            if useful and len(chosen) < n_examples:
                chosen.append(example)
                counts.update(labels)
            else:
                passed.append(example)
        left, quota = passed, quota + 1
    # in the order of the ranking, also the example without relations
    place = {id(example): i for i, example in enumerate(ranking)}
    return sorted(chosen, key=lambda example: place[id(example)])


def _without_space(text: str) -> str:
    return "".join(text.split())


def _unit(vector: Any) -> FloatArray:
    array: FloatArray = numpy.asarray(vector, dtype="float32")
    norm = numpy.linalg.norm(array)
    return (array / norm).astype("float32") if norm else array
