"""The names under which answers give the parts of a statement."""

import re
from typing import Any, Dict, Iterable, Mapping

Parts = Mapping[str, Any]
"""The values of an object by their plain names."""

# plain names, the best ones first
HEAD = (
    "head",
    "subject",
    "entity1",
    "source",
    "from",
    "headid",
    "headentity",
    "fromid",
    "dep",
    "arg1",
    "subj",
    "h",
)
LABEL = (
    "label",
    "relation",
    "predicate",
    "relationtype",
    "relationship",
    "relationlabel",
    "reltype",
    "type",
    "rel",
    "answer",
    "r",
)
TAIL = (
    "tail",
    "object",
    "entity2",
    "target",
    "to",
    "tailid",
    "tailentity",
    "toid",
    "dest",
    "arg2",
    "obj",
    "t",
)
HEAD_TYPE = ("headtype", "subjecttype", "entity1type", "sourcetype")
TAIL_TYPE = ("tailtype", "objecttype", "entity2type", "targettype")
RELATIONS = ("relations", "triples", "triplets", "facts", "relationships", "edges")
ENTITIES = ("entities", "mentions", "nodes")
TEXT = ("text", "name", "mention", "entity", "value", "span")
TYPE = ("type", "label", "entitytype", "category")
ID = ("id", "mentionid", "entityid")

_SEPARATORS = re.compile(r"[\s_-]+")


def plain_name(name: Any) -> str:
    """A name without white space, dashes, underscores and capitals."""
    return _SEPARATORS.sub("", str(name)).lower()


def parts_of(item: Mapping[Any, Any]) -> Dict[str, Any]:
    """The values of an object; the first one where names are the same."""
    parts: Dict[str, Any] = {}
    for name, part in item.items():
        parts.setdefault(plain_name(name), part)
    return parts


def first_of(parts: Parts, names: Iterable[str]) -> Any:
    """The value of the first of some names that has one."""
    for name in names:
        value = parts.get(name)
        if value is not None:
            return value
    return None
