"""JSON schemas of answers for the endpoint, and example answers for the prompt."""

from typing import Any, Dict, Optional, Sequence, Tuple

import srsly

from ...types import NO_RELATION
from ..types import JsonSchema

Keys = Tuple[str, str, str]
"""Names of head, label and tail in answers."""

AllowedRelations = Tuple[Sequence[str], Sequence[str], Sequence[str]]
"""Labels, and the ids of the mentions that may be their heads and their tails."""

MAX_NAME = 100
"""Characters of a name in an answer."""

MAX_LABEL = 60
"""Characters of a label that is not in the schema."""


def relations_schema(
    keys: Keys, allowed: Sequence[AllowedRelations], *, max_relations: int
) -> JsonSchema:
    """Return the schema of an answer about given mentions: a list of relations between their ids.

    Args:
        keys: names of head, label and tail.
        allowed: labels with the mentions that they may relate; no labels: any.
        max_relations: the most relations; without a limit small models repeat themselves for ever.
    """
    head, label, tail = keys
    items = [
        _object({head: _one_of(heads), label: _one_of(labels, MAX_LABEL), tail: _one_of(tails)})
        for labels, heads, tails in allowed
    ]
    item = items[0] if len(items) == 1 else {"anyOf": items}
    return _object({"relations": _array(item, max_relations)})


def entities_and_relations_schema(
    keys: Keys,
    labels: Sequence[str],
    entity_types: Sequence[str],
    *,
    max_entities: int,
    max_relations: int,
) -> JsonSchema:
    """Return the schema of an answer about a text: its entities and the relations between them.

    Args:
        keys: names of head, label and tail.
        labels: the labels; empty: any.
        entity_types: types of entities; empty: any.
        max_entities: the most entities.
        max_relations: the most relations.
    """
    head, label, tail = keys
    name = _one_of((), MAX_NAME)
    entity = _object({"text": name, "type": _one_of(entity_types, MAX_LABEL)})
    relation = _object({head: name, label: _one_of(labels, MAX_LABEL), tail: name})
    return _object(
        {"entities": _array(entity, max_entities), "relations": _array(relation, max_relations)}
    )


def label_schema(key: str, labels: Sequence[str]) -> JsonSchema:
    """Return the schema of an answer about one pair: a label, or NO_RELATION.

    Args:
        key: name of the label.
        labels: those that the pair allows; empty: any.
    """
    return _object({key: _one_of([*labels, NO_RELATION] if labels else (), MAX_LABEL)})


def relations_answer(
    keys: Keys,
    relations: Sequence[Tuple[str, str, str]],
    entities: Optional[Sequence[Tuple[str, str]]] = None,
) -> str:
    """Return an answer about a document.

    Args:
        keys: names of head, label and tail.
        relations: id or text of the head, label, and id or text of the tail of each relation.
        entities: text and type of each entity; None: mentions are given.
    """
    answer = {"relations": [dict(zip(keys, rel)) for rel in relations]}
    if entities is not None:
        answer = {"entities": [{"text": text, "type": kind} for text, kind in entities], **answer}
    return str(srsly.json_dumps(answer))


def label_answer(key: str, label: str) -> str:
    """Return an answer about one pair."""
    return str(srsly.json_dumps({key: label}))


def _array(item: JsonSchema, limit: int) -> JsonSchema:
    return {"type": "array", "items": item, "maxItems": limit}


def _one_of(values: Sequence[str], max_length: int = MAX_NAME) -> JsonSchema:
    """Return the schema of one of some strings, or of any short string if there are none."""
    if values:
        return {"type": "string", "enum": list(values)}
    return {"type": "string", "maxLength": max_length}


def _object(properties: Dict[str, Any]) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
