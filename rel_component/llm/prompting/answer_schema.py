"""JSON schemas of answers for the endpoint, and example answers for the prompt."""

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import srsly

from ...types import NO_RELATION
from ..types import JsonSchema
from .claims import NO_CLAIMS, Claims

Keys = Tuple[str, str, str]
"""Names of head, label and tail in answers."""

AllowedRelations = Tuple[Sequence[str], Sequence[str], Sequence[str]]
"""Labels, and the ids of the mentions that may be their heads and their tails."""

MAX_NAME = 100
"""Characters of a name in an answer."""

MAX_LABEL = 60
"""Characters of a label that is not in the schema."""


def relations_schema(
    keys: Keys,
    allowed: Sequence[AllowedRelations],
    *,
    max_relations: int,
    claims: Claims = NO_CLAIMS,
) -> JsonSchema:
    """Return the schema of an answer about given mentions: a list of relations between their ids.

    Args:
        keys: names of head, label and tail.
        allowed: labels with the mentions that they may relate; no labels: any.
        max_relations: the most relations; without a limit small models repeat themselves for ever.
        claims: what else each relation says.
    """
    head, label, tail = keys
    items = []
    for labels, heads, tails in allowed:
        parts = {head: _one_of(heads), label: _one_of(labels, MAX_LABEL), tail: _one_of(tails)}
        items.append(_object({**parts, **claims.schema()}))
    item = items[0] if len(items) == 1 else {"anyOf": items}
    return _object({"relations": _array(item, max_relations)})


def entities_and_relations_schema(
    keys: Keys,
    labels: Sequence[str],
    entity_types: Sequence[str],
    *,
    max_entities: int,
    max_relations: int,
    claims: Claims = NO_CLAIMS,
) -> JsonSchema:
    """Return the schema of an answer about a text: its entities and the relations between them.

    Args:
        keys: names of head, label and tail.
        labels: the labels; empty: any.
        entity_types: types of entities; empty: any.
        max_entities: the most entities.
        max_relations: the most relations.
        claims: what else each relation says.
    """
    head, label, tail = keys
    name = _one_of((), MAX_NAME)
    entity = _object({"text": name, "type": _one_of(entity_types, MAX_LABEL)})
    parts = {head: name, label: _one_of(labels, MAX_LABEL), tail: name}
    relation = _object({**parts, **claims.schema()})
    return _object(
        {"entities": _array(entity, max_entities), "relations": _array(relation, max_relations)}
    )


def label_schema(key: str, labels: Sequence[str], claims: Claims = NO_CLAIMS) -> JsonSchema:
    """Return the schema of an answer about one pair: a label, or NO_RELATION.

    Args:
        key: name of the label.
        labels: those that the pair allows; empty: any.
        claims: what else the relation says.
    """
    names = [*labels, NO_RELATION] if labels else ()
    return _object({key: _one_of(names, MAX_LABEL), **claims.schema()})


def relations_answer(
    keys: Keys,
    relations: Sequence[Tuple[str, str, str]],
    entities: Optional[Sequence[Tuple[str, str]]] = None,
    said: Sequence[Mapping[str, str]] = (),
) -> str:
    """Return an answer about a document.

    Args:
        keys: names of head, label and tail.
        relations: id or text of the head, label, and id or text of the tail of each relation.
        entities: text and type of each entity; None: mentions are given.
        said: what else each relation says; empty: nothing.
    """
    claims = said or [{}] * len(relations)
    answer = {"relations": [{**dict(zip(keys, rel)), **c} for rel, c in zip(relations, claims)]}
    if entities is not None:
        answer = {"entities": [{"text": text, "type": kind} for text, kind in entities], **answer}
    return str(srsly.json_dumps(answer))


def label_answer(key: str, label: str, said: Optional[Mapping[str, str]] = None) -> str:
    """Return an answer about one pair, with what else the relation says."""
    return str(srsly.json_dumps({key: label, **(said or {})}))


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
