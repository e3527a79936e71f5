"""Mistakes of a pipeline, attributed to the entities or to the relation between them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, Iterable, List, Literal, Optional, Sequence, Tuple

from spacy.tokens import Span
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import RelationKey, document_id, mentions_by_key, relation_key
from ..event_types import EventSchema
from ..mentions import TypedKey, mention_spans, probable_mentions, typed_key
from ..types import Relation
from .thresholds import ScoredRelations

Kind = Literal["missed", "spurious"]

REASONS = {
    "entity missed": "no predicted mention shares a token with one of the arguments",
    "entity spurious": "no annotated mention shares a token with one of the arguments",
    "wrong span": "an argument has other boundaries",
    "wrong type": "an argument has another entity type",
    "wrong direction": "the same relation holds from tail to head",
    "wrong label": "the arguments have another relation",
    "relation missed": "the arguments are right, and have no relation",
    "relation spurious": "the arguments are right, and have no relation",
}
"""Reasons by name, from the first cause to the last: a mistake counts for the first that applies."""


@dataclass(frozen=True)
class Mistake:
    """An annotated relation that was not predicted, or a predicted one that is not annotated.

    Attributes:
        kind: ``missed`` or ``spurious``.
        reason: one of :data:`REASONS`.
        relation: the relation, in the document that has it.
        instead: what the other document has: a mention or relation, in words; empty if nothing.
        doc: index of the document, from 0 on.
        id: the id that it has from its annotation file, empty if none.
    """

    kind: Kind
    reason: str
    relation: Relation
    instead: str
    doc: int
    id: str = ""

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON, with the sentences or text that hold the relation.

        ``offset`` is the character of the document with which ``text`` begins. Missed relations
        have no score, because nothing was predicted.
        """
        context = self.relation.context
        return {
            "doc": self.doc,
            "id": self.id or None,
            "kind": self.kind,
            "reason": self.reason,
            **self.relation.to_json(),
            "score": None if self.kind == "missed" else self.relation.score,
            "instead": self.instead or None,
            "text": context.text,
            "offset": context.start_char,
        }


@dataclass
class Mistakes:
    """All mistakes in some documents.

    Attributes:
        n_right: number of relations that were predicted as annotated.
        mistakes: the mistakes.
        examples: the documents that were compared, predicted and reference.
        symmetric: labels whose direction does not count.
        spans_key: span group of the mentions; None: the entities.
        attr: name of the extension attribute of the relations.
        event_types: say which roles of events can be exchanged.
        scored: the predicted relations with their probabilities, down to the lowest threshold where
            there is one; None: those of the examples.
    """

    n_right: int = 0
    mistakes: List[Mistake] = field(default_factory=list)
    examples: Sequence[Example] = field(default=(), repr=False)
    symmetric: Collection[str] = ()
    spans_key: Optional[str] = None
    attr: str = DEFAULT_ATTR
    event_types: Optional[EventSchema] = None
    scored: Optional[ScoredRelations] = field(default=None, repr=False)

    def counts(self, kind: Kind) -> Dict[str, int]:
        """Number of mistakes by reason, in the order of :data:`REASONS`."""
        found = Counter(mistake.reason for mistake in self.mistakes if mistake.kind == kind)
        return {reason: found[reason] for reason in REASONS if found[reason]}

    def to_dict(self) -> Dict[str, Any]:
        """Counts: ``right``, and ``missed`` and ``spurious`` by reason."""
        return {
            "right": self.n_right,
            "missed": self.counts("missed"),
            "spurious": self.counts("spurious"),
        }


def find_mistakes(
    examples: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
    event_types: Optional[EventSchema] = None,
) -> Mistakes:
    """Compare the relations of predicted documents with those of the reference, strictly.

    The mentions of a document are its entities, or those of its span group, and the arguments of its
    relations; of the group of a predicted document those that are at least as probable as not.

    Args:
        examples: predicted and reference documents.
        symmetric: labels whose direction does not count.
        spans_key: span group of the mentions, where there is one; None: the entities.
        attr: name of the extension attribute.
        event_types: say which roles of events can be exchanged, for those who compare these.
    """
    examples = list(examples)
    result = Mistakes(
        examples=examples,
        symmetric=symmetric,
        spans_key=spans_key,
        attr=attr,
        event_types=event_types,
    )
    for i, eg in enumerate(examples):
        name = document_id(eg.reference)
        gold_by_key = _by_key(get_relations(eg.reference, attr), symmetric)
        predicted_by_key = _by_key(get_relations(eg.predicted, attr), symmetric)
        gold, predicted = list(gold_by_key.values()), list(predicted_by_key.values())
        annotated = mentions_by_key(mention_spans(eg.reference, spans_key), gold)
        probable = probable_mentions(eg.predicted, spans_key)
        found = mentions_by_key([*eg.predicted.ents, *probable], predicted)
        for key, rel in gold_by_key.items():
            if key in predicted_by_key:
                result.n_right += 1
            else:
                reason, instead = _explain(rel, found, predicted, "missed")
                result.mistakes.append(Mistake("missed", reason, rel, instead, i, name))
        for key, rel in predicted_by_key.items():
            if key not in gold_by_key:
                reason, instead = _explain(rel, annotated, gold, "spurious")
                result.mistakes.append(Mistake("spurious", reason, rel, instead, i, name))
    return result


def _by_key(
    relations: Iterable[Relation], symmetric: Collection[str]
) -> Dict[RelationKey, Relation]:
    """Each relation once: a symmetric one may be annotated in both directions."""
    found: Dict[RelationKey, Relation] = {}
    for rel in relations:
        found.setdefault(relation_key(rel, symmetric), rel)
    return found


def _explain(
    rel: Relation, mentions: Collection[TypedKey], relations: Sequence[Relation], kind: Kind
) -> Tuple[str, str]:
    """The first reason that applies, and what the document of `mentions` has instead."""
    flaws = [_flaw(span, mentions, kind) for span in (rel.head, rel.tail)]
    flaw = min((flaw for flaw in flaws if flaw), key=lambda flaw: _ORDER[flaw[0]], default=None)
    if flaw is not None:
        return flaw
    head, label, tail = relation_key(rel)
    for other in relations:
        if relation_key(other) == (tail, label, head):
            return "wrong direction", str(other)
    for other in relations:
        if {typed_key(other.head), typed_key(other.tail)} == {head, tail}:
            return "wrong label", str(other)
    return f"relation {kind}", ""


def _flaw(span: Span, mentions: Collection[TypedKey], kind: Kind) -> Optional[Tuple[str, str]]:
    """The flaw of an argument, and the mention of the other document in its place."""
    start, end, label = typed_key(span)
    if (start, end, label) in mentions:
        return None
    same = sorted(key for key in mentions if key[:2] == (start, end))
    if same:
        return "wrong type", f"{span.text} ({same[0][2]})"
    overlapping = sorted(key for key in mentions if key[0] < end and start < key[1])
    if overlapping:
        first, last, other = overlapping[0]
        return "wrong span", f"{span.doc.text[first:last]} ({other})"
    return f"entity {kind}", ""


_ORDER = {reason: i for i, reason in enumerate(REASONS)}
