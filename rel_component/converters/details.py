"""Ids and attributes of annotations, for which a Doc has no place.

They are kept in ``doc.user_data`` in the form of span extension values, as the relations are (see
:mod:`rel_component.annotations`), one entry per mention and per head mention.
"""

from typing import Any, Dict, Iterable, Optional, Tuple

from spacy.tokens import Doc, Span

from .annotated import AnnotatedMention, AnnotatedRelation

_MENTION, _RELATION = "rel_component.mention_details", "rel_component.relation_details"

_TailKey = Tuple[str, str, str, int, int]
"""Label, type of head and tail, and the tail's start and length relative to the head's start."""


def keep_mention(doc: Doc, mention: AnnotatedMention, span: Span) -> None:
    """Keep the id and the attributes of a mention; of equal spans of one label those of the first."""
    entry = doc.user_data.setdefault(_place(_MENTION, span), {})
    entry.setdefault(span.label_, (mention.id, mention.attributes))


def keep_relation(doc: Doc, relation: AnnotatedRelation, head: Span, tail: Span) -> None:
    """Keep id and attributes of a relation with a document, if it has any."""
    if relation.id is not None or relation.attributes:
        entry = doc.user_data.setdefault(_place(_RELATION, head), {})
        details = (relation.id, (), relation.attributes)
        entry.setdefault(_tail_key(relation.label, head, tail), details)


def mention_details(doc: Doc, span: Span) -> Tuple[Any, Dict[str, Any]]:
    """Id, None if there is none, and attributes of a mention."""
    entry = doc.user_data.get(_place(_MENTION, span), {})
    name, attributes = entry.get(span.label_, (None, {}))
    return name, as_json(attributes)


def relation_details(
    doc: Doc, label: str, head: Span, tail: Span
) -> Tuple[Any, Tuple[int, ...], Dict[str, Any]]:
    """Id, None if there is none, evidence and attributes of a relation.

    Relations have their evidence with them; files of earlier versions have it here.
    """
    entry = doc.user_data.get(_place(_RELATION, head), {})
    name, evidence, attributes = entry.get(_tail_key(label, head, tail), (None, (), {}))
    return name, tuple(evidence), as_json(attributes)


def rename_relations(doc: Doc, renamed: Iterable[Tuple[Span, str, Span, Optional[str]]]) -> None:
    """Let ids and attributes follow relations whose labels change, all at the same time.

    Args:
        doc: the document.
        renamed: head, label of before, tail and label of afterwards, ``None`` if it is removed; those of
            the first stay where several become one.
    """
    moved: Dict[Any, Any] = {}
    for head, old, tail, new in renamed:
        place = _place(_RELATION, head)
        details = doc.user_data.get(place, {}).pop(_tail_key(old, head, tail), None)
        if new is not None:
            moved.setdefault((place, _tail_key(new, head, tail)), details)
    for (place, key), details in moved.items():
        if details is not None:
            doc.user_data[place][key] = details


def as_json(value: Any) -> Any:
    """A value with lists in place of tuples, into which a .spacy file turns them."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def _place(name: str, span: Span) -> Any:
    """The key of a span extension value, where spaCy's stubs expect a string."""
    return "._.", name, span.start_char, span.end_char


def _tail_key(label: str, head: Span, tail: Span) -> _TailKey:
    start = tail.start_char - head.start_char
    return label, head.label_, tail.label_, start, tail.end_char - tail.start_char
