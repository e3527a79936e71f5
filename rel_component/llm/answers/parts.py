"""The parts of statements in JSON objects, under the names that models and graph builders give them."""

import re
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Optional

Parts = Dict[str, Any]
"""The values of an object by part: ``head``, ``label``, ``entities`` and so on."""

# names without separators and capitals
_FILLER = (
    "(?:node|vertex|entity|mention|concept|term|item|argument|arg|element|relation|rel|edge|"
    "name|text|span|id|uid|key)"
)
_NUMBERED = "node|entity|mention|concept|term|item|argument|arg|element|name|id|e"
_SIDES = {
    "head": "head|subject|subj|sub(?!type)|source|src|from|agent|dep|(?:start|begin|first)(?=[a-z])",
    "tail": "tail|object|obj|target|destination|dest|dst|to|patient|recipient|(?:end|second)(?=[a-z])",
}
_SIDE = re.compile(
    f"{_FILLER}*(?:" + "|".join(f"(?P<{side}>{names})" for side, names in _SIDES.items()) + ")"
    f"{_FILLER}*(?P<type>type|label|category)?"
)
_PATTERNS = {
    "head": f"[hs]|(?:{_NUMBERED})(?:1|a)",
    "tail": f"[to]|(?:{_NUMBERED})(?:2|b)",
    "label": "label",
    "relation": "(?:relation|relationship|predicate|pred|rel|edge|verb)"
    "(?:type|label|name|text|id|class)*|r|p",
    "type": "(?:entity|node|mention)?(?:type|types|labels|category|class|kind)",
    "answer": "answer",
    "name": "(?:entity|node)?name",
    "text": "text|mention|entity|value|span",
    "id": "(?:mention|entity|node)?id",
    "link": "action|property|attribute|link|association|connection",
    "relations": "(?:extracted|new|all|found|final|relation|knowledge|semantic|graph|entity)*"
    "(?:relations|relationships|triples|triplets|edges|links|facts|rels|tuples|statements|assertions)"
    "|(?:relation|relationship|triple|triplet|edge|spo)(?:list|set)",
    "entities": "(?:extracted|new|all|found|final|named|graph)*(?:entities|mentions|nodes|vertices)"
    "|(?:entity|node)list",
    "pairs": "arguments|args|pairs?|participants|instances",
    "start": "start|begin",
    "end": "end",
    "quote": "(?:supporting|source|evidence)?(?:quote|quotes|quotation|excerpt|snippet)(?:text)?"
    "|evidence(?:text|sentence|span)?",
    "polarity": "polarity|modality|factuality",
    "wrapped": "properties|props|data|attributes",
}
_PARTS = re.compile("|".join(f"(?P<{part}>{names})" for part, names in _PATTERNS.items()))
_IDENTIFYING = {"text", "name", "id", "head", "tail"}
_SEPARATORS = re.compile(r"[\s_\-.:/@]+")


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
    start, end = parts.pop("start", None), parts.pop("end", None)
    if _may_be_node(start) and _may_be_node(end):  # and no offsets
        parts = {"head": start, "tail": end, **parts}
    if {"head_type", "tail_type"} <= parts.keys() and not {"head", "tail"} & parts.keys():
        parts["head"], parts["tail"] = parts.pop("head_type"), parts.pop("tail_type")  # as labels
    wrapped = parts.pop("wrapped", None)
    if isinstance(wrapped, dict):
        labelled = {"label", "relation", "type"} & parts.keys()
        for name, value in parts_of(wrapped, keys).items():
            if name in _IDENTIFYING or (name == "label" and not labelled):
                parts.setdefault(name, value)
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


def _may_be_node(value: Any) -> bool:
    return isinstance(value, (str, dict)) and bool(value)


@lru_cache(maxsize=1024)
def _usual_part(plain: str) -> str:
    side = _SIDE.fullmatch(plain)
    if side is None:
        part = _PARTS.fullmatch(plain)
        return (part and part.lastgroup) or ""
    return ("head" if side["head"] else "tail") + ("_type" if side["type"] else "")
