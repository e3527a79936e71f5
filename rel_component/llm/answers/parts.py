"""The parts of statements in JSON objects, under the names that models and graph builders give them."""

import re
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Optional

Parts = Dict[str, Any]
"""The values of an object by part: ``head``, ``label``, ``entities`` and so on."""

# names without separators and capitals
_SIDES = {
    "head": "head|subject|subj|source|src|from|entity1|arg1|argument1|node1|startnode|dep|h",
    "tail": "tail|object|obj|target|destination|dest|to|entity2|arg2|argument2|node2|endnode|t",
}
_SIDE = re.compile(
    "(?:" + "|".join(f"(?P<{side}>{names})" for side, names in _SIDES.items()) + ")"
    "(?:node|entity|mention|name|text|id)*(?P<type>type|label|category)?"
)
_NAMES = {
    "label": "label",
    "relation": "relation predicate relationship relationtype relationshiptype relationlabel "
    "relationname reltype rel edgetype edgelabel edge r",
    "type": "type entitytype category class",
    "answer": "answer",
    "name": "name entityname",
    "text": "text mention entity value span",
    "id": "id mentionid entityid",
    "relations": "relations triples triplets facts relationships edges links",
    "entities": "entities mentions nodes",
}
_PART_OF_NAME = {name: part for part, names in _NAMES.items() for name in names.split()}
_SEPARATORS = re.compile(r"[\s_-]+")


def parts_of(item: Mapping[Any, Any], keys: Optional[Mapping[str, str]] = None) -> Parts:
    """Return the values of an object by part, the first value where names mean the same part.

    Args:
        item: the object. Values under names that stand for no part are left out.
        keys: parts by plain name, besides the usual names.
    """
    parts: Parts = {}
    for name, value in item.items():
        part = part_of(name, keys)
        if part and parts.get(part) is None:
            parts[part] = value
    return parts


def part_of(name: Any, keys: Optional[Mapping[str, str]] = None) -> str:
    """Return the part that a name stands for, or an empty string."""
    plain = plain_name(str(name))
    return (keys or {}).get(plain) or _usual_part(plain)


@lru_cache(maxsize=1024)
def plain_name(name: str) -> str:
    """Return a name without white space, dashes, underscores and capitals."""
    return _SEPARATORS.sub("", name).lower()


def first_of(parts: Parts, *names: str) -> Any:
    """Return the value of the first of some parts that has one."""
    return next((parts[name] for name in names if parts.get(name) is not None), None)


def listed(value: Any) -> List[Any]:
    """Return an array as it is, and any other value in an array."""
    return value if isinstance(value, list) else [value]


def word_of(value: Any) -> Optional[str]:
    """Return a string or whole number as a string, None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _usual_part(plain: str) -> str:
    side = _SIDE.fullmatch(plain)
    if side is None:
        return _PART_OF_NAME.get(plain, "")
    return ("head" if side["head"] else "tail") + ("_type" if side["type"] else "")
