"""Ids and attributes of annotations, and evidence of relations, for which a Doc has no place.

They are kept in ``doc.user_data`` in the form of span extension values, as the relations are (see
:mod:`rel_component.annotations`), one entry per mention and per head mention.
"""

from typing import Any, Dict, Iterable, Tuple

from spacy.tokens import Doc, Span

from .annotated import AnnotatedMention, AnnotatedRelation

_MENTION, _RELATION = "rel_component.mention_details", "rel_component.relation_details"

_TailKey = Tuple[str, str, str, int, int]
"""Label, type of head and tail, and the tail's start and length relative to the head's start."""


def keep_mentions(doc: Doc, mentions: Iterable[Tuple[AnnotatedMention, Span]]) -> None:
    """Keep the ids and attributes of mentions with a document.

    Args:
        doc: the document.
        mentions: each with its span; of equal spans of one label the first one stays.
    """
    for mention, span in mentions:
        entry = _entry(doc, _MENTION, span)
        entry.setdefault(span.label_, (mention.id, mention.attributes))


def keep_relation(doc: Doc, relation: AnnotatedRelation, head: Span, tail: Span) -> None:
    """Keep id, evidence and attributes of a relation with a document, if it has any."""
    if relation.id is not None or relation.evidence or relation.attributes:
        entry = _entry(doc, _RELATION, head)
        details = (relation.id, relation.evidence, relation.attributes)
        entry.setdefault(_tail_key(relation.label, head, tail), details)


def mention_details(doc: Doc, span: Span) -> Tuple[Any, Dict[str, Any]]:
    """Id, None if there is none, and attributes of a mention."""
    name, attributes = _read(doc, _MENTION, span).get(span.label_, (None, {}))
    return name, as_json(attributes)


def relation_details(
    doc: Doc, label: str, head: Span, tail: Span
) -> Tuple[Any, Tuple[int, ...], Dict[str, Any]]:
    """Id, None if there is none, evidence and attributes of a relation."""
    key = _tail_key(label, head, tail)
    name, evidence, attributes = _read(doc, _RELATION, head).get(key, (None, (), {}))
    return name, tuple(evidence), as_json(attributes)


def _tail_key(label: str, head: Span, tail: Span) -> _TailKey:
    """The key of a relation among those of its head."""
    start = tail.start_char - head.start_char
    return (label, head.label_, tail.label_, start, tail.end_char - tail.start_char)


def as_json(value: Any) -> Any:
    """A value with lists in place of tuples, into which a .spacy file turns them."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def _entry(doc: Doc, name: str, span: Span) -> Dict[Any, Any]:
    user_data: Dict[Any, Any] = doc.user_data
    return user_data.setdefault(("._.", name, span.start_char, span.end_char), {})


def _read(doc: Doc, name: str, span: Span) -> Dict[Any, Any]:
    user_data: Dict[Any, Any] = doc.user_data
    return user_data.get(("._.", name, span.start_char, span.end_char), {})
