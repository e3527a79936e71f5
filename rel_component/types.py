"""The nouns of the package and the types of its plug-ins."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Literal, Optional, Protocol, Sequence, Tuple

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

Precision = Literal["float32", "bfloat16", "float16", "auto"]
"""Type of number in which an encoder computes where PyTorch considers it safe. ``auto``: bfloat16 in
training on a CPU that has instructions for it, float32 everywhere else."""


@dataclass(frozen=True)
class Relation:
    """One decoded relation between two mentions of a Doc.

    Attributes:
        head: the mention the relation starts from.
        label: the relation type.
        tail: the mention the relation points to.
        score: probability in [0, 1]; 1.0 for annotated relations, None if it is not known.
    """

    head: Span
    label: str
    tail: Span
    score: Optional[float] = 1.0

    def to_json(self) -> Dict[str, Any]:
        """Offsets in tokens and characters, texts, entity types, knowledge-base ids, label, score.

        Head and tail have ``kb_id`` where that is set.
        """
        return {
            "head": _span_to_json(self.head),
            "label": self.label,
            "tail": _span_to_json(self.tail),
            "score": self.score,
        }

    def __str__(self) -> str:
        return f"({self.head.text}, {self.label}, {self.tail.text})"


def _span_to_json(span: Span) -> Dict[str, Any]:
    data = {
        "text": span.text,
        "label": span.label_,
        "start": span.start,
        "end": span.end,
        "start_char": span.start_char,
        "end_char": span.end_char,
    }
    if span.kb_id:
        data["kb_id"] = span.kb_id_
    return data


SpanModelT = Model[Tuple[List[Doc], Int32Array], Floats2d]
"""Scores spans, rows of the tokens of all documents: logits, *Shape:* ``(n_spans, n_outputs)``."""


class LossFunction(Protocol):
    """A loss over candidate pairs; see ``losses.py``."""

    def __call__(
        self, logits: Floats2d, targets: Floats2d, *, labels: Sequence[str], exclusive: bool
    ) -> Tuple[float, Floats2d]:
        """Compare logits with targets.

        Args:
            logits: *Shape:* ``(n_pairs, n_outputs)``
            targets: probabilities of the outputs. *Shape:* ``(n_pairs, n_outputs)``
            labels: labels of the columns.
            exclusive: whether a pair has one label at most; NO_RELATION is the first label then.

        Returns:
            the loss and the gradient of the logits.
        """
        ...


ScorerFunction = Callable[..., Dict[str, Any]]
"""A scorer of a component: from examples and options, such as ``attr``, to scores by name."""
