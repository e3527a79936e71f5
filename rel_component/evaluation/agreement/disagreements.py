"""Disagreements of annotators, to be adjudicated."""

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Literal, Sequence, Tuple

from ...documents import RelationKey
from ...mentions import TypedKey
from .documents import Annotation, SharedDoc, SharedDocuments

Kind = Literal["mention", "relation"]

REASONS: Dict[Kind, Dict[str, str]] = {
    "mention": {
        "presence": "someone has no mention there",
        "span": "the mentions begin or end elsewhere",
        "type": "the mentions have other types",
    },
    "relation": {
        "mentions": "not all have both mentions, with these types",
        "presence": "someone relates the mentions and someone does not",
        "direction": "the relations hold in other directions",
        "label": "the relations have other labels",
    },
}
"""Reasons of disagreements by kind; a disagreement counts for the first that applies."""

_CONTEXT = 100  # characters on each side, where there are no sentences
_Chars = Tuple[int, int]


@dataclass(frozen=True)
class Statement:
    """The annotation of a place by one annotator.

    Attributes:
        mentions: the mentions at the place.
        relations: the relations between them, if the place is a pair of mentions.
    """

    mentions: Sequence[TypedKey]
    relations: Sequence[RelationKey] = ()


@dataclass(frozen=True)
class Disagreement:
    """A mention, or a pair of mentions, that annotators annotate differently.

    Attributes:
        doc: index of the document among those that at least two annotators have, from 0 on.
        id: id of the document, empty if it has none.
        kind: ``mention`` or ``relation``.
        reason: one of :data:`REASONS`.
        spans: characters of the text: a stretch with mentions, or the two mentions of the pair in
            the order of the text.
        says: the annotation of each annotator who has the document.
        document_text: the text of the document.
        context: the characters of the sentences that hold the spans, or around the spans.
    """

    doc: int
    id: str
    kind: Kind
    reason: str
    spans: Sequence[_Chars]
    says: Dict[str, Statement]
    document_text: str
    context: _Chars

    @property
    def text(self) -> str:
        """The context."""
        return self.document_text[slice(*self.context)]

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON; offsets are characters of the document, ``offset`` that of ``text``."""
        return {
            "doc": self.doc,
            "id": self.id,
            "kind": self.kind,
            "reason": self.reason,
            "spans": [self._plain(span) for span in self.spans],
            "says": {name: self._plain_statement(said) for name, said in self.says.items()},
            "text": self.text,
            "offset": self.context[0],
        }

    def describe(self, name: str) -> str:
        """The annotation of an annotator, in words."""
        said = self.says[name]
        if self.kind == "relation":
            relations = [
                f"({self._text(head)}, {label}, {self._text(tail)})"
                for head, label, tail in said.relations
            ]
            return ", ".join(relations) or "no relation"
        return ", ".join(f"{self._text(key)} ({key[2]})" for key in said.mentions) or "no mention"

    def _text(self, key: TypedKey) -> str:
        return self.document_text[key[0] : key[1]]

    def _plain(self, span: _Chars) -> Dict[str, Any]:
        start, end = span
        return {"text": self.document_text[start:end], "start_char": start, "end_char": end}

    def _plain_mention(self, key: TypedKey) -> Dict[str, Any]:
        return {**self._plain(key[:2]), "label": key[2]}

    def _plain_statement(self, said: Statement) -> Dict[str, Any]:
        mentions = [self._plain_mention(key) for key in said.mentions]
        if self.kind == "mention":
            return {"mentions": mentions}
        relations = [
            {"head": self._plain_mention(head), "label": label, "tail": self._plain_mention(tail)}
            for head, label, tail in said.relations
        ]
        return {"mentions": mentions, "relations": relations}


def find_disagreements(shared: SharedDocuments) -> List[Disagreement]:
    """List what annotators disagree on, document by document, mentions before relations.

    Mentions that overlap are one disagreement, and so are the relations of a pair of mentions in both
    directions. A relation between mentions that not all annotators have is a disagreement too.
    """
    found: List[Disagreement] = []
    for i, doc in enumerate(shared.docs):
        said = {name: a for name, a in zip(shared.names, doc.annotations) if a is not None}
        for kind, reason, spans, says in [*_mentions(said), *_relations(doc, said)]:
            context = _context(doc, spans[0][0], max(end for _, end in spans))
            found.append(Disagreement(i, doc.id, kind, reason, spans, says, doc.doc.text, context))
    return found


_Found = Tuple[Kind, str, List[_Chars], Dict[str, Statement]]


def _mentions(said: Dict[str, Annotation]) -> Iterator[_Found]:
    for start, end in _stretches(said):
        says = {
            name: sorted(key for key in annotation.mentions if start <= key[0] < end)
            for name, annotation in said.items()
        }
        if len(set(map(tuple, says.values()))) > 1:
            places = {tuple(key[:2] for key in keys) for keys in says.values()}
            reason = "presence" if () in places else "span" if len(places) > 1 else "type"
            yield (
                "mention",
                reason,
                [(start, end)],
                {name: Statement(keys) for name, keys in says.items()},
            )


def _stretches(said: Dict[str, Annotation]) -> List[_Chars]:
    """The stretches of text that mentions cover, those that overlap joined."""
    stretches: List[_Chars] = []
    for start, end, _ in sorted({key for a in said.values() for key in a.mentions}):
        if stretches and start < stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    return stretches


def _relations(doc: SharedDoc, said: Dict[str, Annotation]) -> Iterator[_Found]:
    by_place: Dict[Tuple[_Chars, ...], Dict[str, List[RelationKey]]] = {}
    for name, annotation in said.items():
        for fact in sorted(annotation.relations):
            place = tuple(sorted((fact[0][:2], fact[2][:2])))
            by_place.setdefault(place, {}).setdefault(name, []).append(fact)
    for place, facts in sorted(by_place.items()):
        says = {
            name: Statement(
                sorted(key for key in annotation.mentions if key[:2] in place),
                facts.get(name, []),
            )
            for name, annotation in said.items()
        }
        if len({tuple(statement.relations) for statement in says.values()}) > 1:
            yield "relation", _relation_reason(doc, list(says.values())), list(place), says


def _relation_reason(doc: SharedDoc, says: Sequence[Statement]) -> str:
    facts = [fact for statement in says for fact in statement.relations]
    if not all(doc.agreed.issuperset((head, tail)) for head, _, tail in facts):
        return "mentions"
    if not all(statement.relations for statement in says):
        return "presence"
    labels = {tuple(sorted({label for _, label, _ in s.relations})) for s in says}
    return "direction" if len(labels) == 1 else "label"


def _context(doc: SharedDoc, start: int, end: int) -> _Chars:
    text, starts = doc.doc.text, doc.sentence_starts
    if starts is not None:
        before, after = starts[starts <= start], starts[starts >= end]
        return int(before.max(initial=0)), int(after.min(initial=len(text)))
    first, last = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    # whole words
    first = text.rfind(" ", 0, first) + 1 if first else 0
    space = text.find(" ", last)
    return first, space if space >= 0 else len(text)
