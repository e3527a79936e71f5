"""The nouns of the package and the types of its plug-ins."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Literal, NoReturn, Optional, Protocol, Sequence, Tuple

import numpy
import numpy.typing as npt
from spacy.tokens import Doc, Span
from thinc.api import Model
from thinc.types import Floats2d

NO_RELATION = "NO_RELATION"
"""Name of the class of pairs that hold no relation; never a label of a schema."""

NO_ENTITY = "NO_ENTITY"
"""Name of the class of spans that are no mention; never an entity type."""

NO_LINK = frozenset({"", "NIL"})
"""Ids that say that a mention has no entity in the knowledge base; ``NIL`` is that of spaCy's entity
linker."""

ASSERTED = "asserted"
POLARITIES = (ASSERTED, "negated", "planned")
"""What a document may say of a relation: that it holds, that it does not, or that it shall."""


MODALITIES = ("possible", "necessary", "conditional", "question")
"""What a document may say of a relation instead of that it holds, or does not."""


def shown_polarity(polarity: object) -> str:
    """What people have to be told of a relation: empty if it holds, or nothing is said of that."""
    return str(polarity) if polarity in POLARITIES and polarity != ASSERTED else ""


Int8Array = npt.NDArray[numpy.int8]
Int32Array = npt.NDArray[numpy.int32]
BoolArray = npt.NDArray[numpy.bool_]
HashArray = npt.NDArray[numpy.uint64]
FloatArray = npt.NDArray[numpy.float32]

Precision = Literal["float32", "bfloat16", "float16", "auto", "int8"]
"""Type of number in which an encoder computes where PyTorch considers it safe. ``auto``: bfloat16 in
training on a CPU that has instructions for it, float32 everywhere else. ``int8``: linear layers in 8
bits, in use alone."""


@dataclass(frozen=True)
class Attribution:
    """Who states something, if it is not the author of the document.

    Attributes:
        word: lemma of the word that says so: ``claim``.
        polarity: ``negated`` if the source does not say it; one of :data:`POLARITIES`, or empty.
        source: who; None: not said.
    """

    word: str
    polarity: str = ""
    source: Optional[Span] = None


@dataclass(frozen=True)
class Statement:
    """The words that state a relation whose label is of no schema.

    Attributes:
        predicate: the words between which no others are.
        arguments: those beside head and tail, with their role, such as a preposition.
        modality: one of :data:`MODALITIES`; empty if it is none of these.
        attribution: who says so, if it is not the author.
    """

    predicate: Tuple[Span, ...]
    arguments: Tuple[Tuple[str, Span], ...] = ()
    modality: str = ""
    attribution: Optional[Attribution] = None

    @property
    def spans(self) -> Tuple[Span, ...]:
        """All of its spans."""
        told = self.attribution
        source = () if told is None or told.source is None else (told.source,)
        return (*self.predicate, *(span for _, span in self.arguments), *source)

    def to_json(self) -> Dict[str, Any]:
        """Offsets and texts of predicate, arguments and source; what is empty is left out."""
        data: Dict[str, Any] = {"predicate": [_place(span) for span in self.predicate]}
        if self.arguments:
            data["arguments"] = [{"role": role, **_place(span)} for role, span in self.arguments]
        if self.modality:
            data["modality"] = self.modality
        if self.attribution is not None:
            told = self.attribution
            data["attribution"] = {"word": told.word}
            if told.polarity:
                data["attribution"]["polarity"] = told.polarity
            if told.source is not None:
                data["attribution"]["source"] = _place(told.source)
        return data


class Relation(Dict[str, Any]):
    """One decoded relation between two mentions of a Doc.

    It is also its own JSON form, see :meth:`to_json`, so that ``json``, ``doc.to_json`` and pandas
    take relations as they are.

    Args:
        head: the mention the relation starts from.
        label: the relation type.
        tail: the mention the relation points to.
        score: probability in [0, 1]; 1.0 for annotated relations, None if it is not known.
        evidence: the sentences that show it, counted from 0 in the Doc; empty if they are not known.
        polarity: one of :data:`POLARITIES`; empty if nothing is said of it, as of annotated relations
            and those of trained models, which hold.
        statement: the words that state it, of open relations; None: not known.
    """

    __slots__ = ("evidence", "head", "label", "polarity", "score", "statement", "tail")
    head: Span
    label: str
    tail: Span
    score: Optional[float]
    evidence: Tuple[int, ...]
    polarity: str
    statement: Optional[Statement]

    def __init__(
        self,
        head: Span,
        label: str,
        tail: Span,
        score: Optional[float] = 1.0,
        evidence: Sequence[int] = (),
        polarity: str = "",
        statement: Optional[Statement] = None,
    ) -> None:
        numbers = tuple(sorted(set(evidence)))
        values = {"head": head, "label": label, "tail": tail, "score": score, "evidence": numbers}
        values.update(polarity=polarity, statement=statement)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        super().__init__(head=span_to_json(head), label=label, tail=span_to_json(tail), score=score)
        if numbers:
            dict.__setitem__(self, "evidence", list(numbers))
        if polarity:
            dict.__setitem__(self, "polarity", polarity)
        if statement is not None:
            dict.__setitem__(self, "statement", statement.to_json())

    @property
    def context(self) -> Span:
        """The sentences that the mentions are in and those between them; see also `evidence`.

        The whole text, where sentence boundaries are not known.
        """
        doc = self.head.doc
        if not doc.has_annotation("SENT_START"):
            return doc[:]
        starts = [doc[span.start].sent.start for span in (self.head, self.tail)]
        ends = [doc[span.end - 1].sent.end for span in (self.head, self.tail)]
        return doc[min(starts) : max(ends)]

    def to_json(self) -> Dict[str, Any]:
        """Offsets in tokens and characters, texts, entity types, knowledge-base ids, label, score.

        Head and tail have ``kb_id``, and the relation ``evidence``, ``polarity`` and ``statement``,
        where that is set. The result can be assigned to ``doc._.rel``.
        """
        return dict(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Relation) and self._parts == other._parts

    def __ne__(self, other: object) -> bool:
        return not self == other

    # a dict has no hash because it can change, which this one cannot
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self._parts)

    def __reduce__(self) -> Tuple[Any, ...]:
        return (Relation, self._parts)

    def __repr__(self) -> str:
        return f"Relation{self._parts}"

    def __str__(self) -> str:
        return f"({self.head.text}, {self.label}, {self.tail.text})"

    @property
    def _parts(self) -> Tuple[Any, ...]:
        parts = (self.head, self.label, self.tail, self.score)
        if self.statement is not None:
            return (*parts, self.evidence, self.polarity, self.statement)
        more = (self.evidence, self.polarity) if self.polarity else (self.evidence,)
        return (*parts, *more) if self.evidence or self.polarity else parts

    def _read_only(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a Relation is read-only: assign another one to doc._.rel")

    __setattr__ = __delattr__ = __setitem__ = __delitem__ = __ior__ = _read_only
    update = setdefault = pop = popitem = clear = _read_only


def _place(span: Span) -> Dict[str, Any]:
    place = {"start_char": span.start_char, "end_char": span.end_char}
    return {"text": span.text, "start": span.start, "end": span.end, **place}


def span_to_json(span: Span) -> Dict[str, Any]:
    """A mention as plain data: text, entity type, offsets in tokens and characters."""
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
