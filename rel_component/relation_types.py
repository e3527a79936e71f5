"""One type of relation: its label, description, argument types, direction, degree and inverse."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .errors import SchemaError, did_you_mean, shown
from .types import NO_RELATION

_FLAGS = ("inferred", "symmetric", "asymmetric", "functional", "transitive")
_LISTS = {"head": "entity types", "tail": "entity types", "aliases": "names", "examples": "texts"}
_KEYS = ("label", "description", "head", "tail", *_FLAGS, "inverse", "aliases", "examples")


@dataclass(frozen=True)
class RelationType:
    """One type of relation.

    Attributes:
        label: name of the type, e.g. ``FOUNDED_BY``.
        description: meaning of the relation, in words.
        head: entity types of the head; empty: any.
        tail: entity types of the tail; empty: any.
        symmetric: whether head and tail can be exchanged.
        asymmetric: whether it holds in one direction at most: nobody is their parent's parent.
        inverse: label of the same fact read from tail to head.
        inferred: whether the argument types were read from documents that are too few to rule out
            others. They are what is expected then, and nothing is forbidden.
        functional: whether a head has one tail at most: nobody is born in two places.
        transitive: whether it holds from a to c where it holds from a to b and from b to c.
        aliases: other names of the type, for models that read labels.
        examples: texts that show it, ``<head>Apple</head> was founded by <tail>Jobs</tail>``, for
            models that read labels.
    """

    label: str
    description: str = ""
    head: Tuple[str, ...] = ()
    tail: Tuple[str, ...] = ()
    symmetric: bool = False
    asymmetric: bool = False
    inverse: Optional[str] = None
    inferred: bool = False
    functional: bool = False
    transitive: bool = False
    aliases: Tuple[str, ...] = ()
    examples: Tuple[str, ...] = ()

    def allows(self, head: str, tail: str) -> bool:
        """Whether the relation may hold between mentions of two entity types.

        Args:
            head: entity type of the head.
            tail: entity type of the tail.
        """
        return self.inferred or self.expects(head, tail)

    def expects(self, head: str, tail: str) -> bool:
        """Whether two entity types are among those of head and tail.

        Args:
            head: entity type of the head.
            tail: entity type of the tail.
        """
        return self._fits(head, tail) or (self.symmetric and self._fits(tail, head))

    @property
    def arguments(self) -> str:
        """The argument types in words: ``ORG to PERSON|ORG``."""
        return " to ".join("|".join(types) or "any" for types in (self.head, self.tail))

    def to_dict(self) -> Dict[str, Any]:
        """The entry of the schema file, without keys that have their defaults."""
        values = {key: getattr(self, key) for key in _KEYS}
        values.update({key: list(values[key]) for key in _LISTS})
        return {key: value for key, value in values.items() if value}

    def _fits(self, head: str, tail: str) -> bool:
        return (not self.head or head in self.head) and (not self.tail or tail in self.tail)


def partners(label: str, types: Mapping[str, RelationType]) -> List[str]:
    """The inverse of a type, which may be declared at either of the two.

    Args:
        label: label of the type, which need not be declared.
        types: the types by label.

    Returns:
        one label or none; several if it declares no inverse, and is declared as that of several types.
    """
    declared = types[label].inverse if label in types else None
    return [declared] if declared else [name for name in types if types[name].inverse == label]


def check_types(types: Mapping[str, RelationType]) -> None:
    """Refuse relation types that contradict each other.

    Args:
        types: the types by label.

    Raises:
        SchemaError: if a label is reserved, or inverses or directions disagree.
    """
    for i, rel_type in enumerate(types.values()):
        place = f"relations[{i}]"
        if not rel_type.label.strip() or rel_type.label == NO_RELATION:
            raise SchemaError(f"{place}.label: {shown(rel_type.label)} is empty or reserved")
        if rel_type.symmetric and rel_type.asymmetric:
            raise SchemaError(f"{place}.asymmetric: {rel_type.label} is symmetric already")
        if rel_type.functional and rel_type.transitive:
            raise SchemaError(
                f"{place}.transitive: {rel_type.label} is functional, so that its tails cannot have "
                "tails of their own"
            )
        if rel_type.inverse is None:
            continue
        if rel_type.symmetric:
            raise SchemaError(f"{place}.inverse: the symmetric {rel_type.label} is its own inverse")
        if rel_type.inverse == rel_type.label:
            raise SchemaError(
                f"{place}.inverse: {rel_type.label} is its own inverse; say symmetric: true instead"
            )
        declared = types.get(rel_type.inverse)
        if declared is not None and declared.inverse not in (None, rel_type.label):
            raise SchemaError(
                f"{place}.inverse: {rel_type.inverse} is declared as the inverse of "
                f"{declared.inverse}, not of {rel_type.label}"
            )


def parse_type(item: Any, place: str) -> RelationType:
    """Read an entry of a schema file.

    Args:
        item: the entry: a label, or a mapping.
        place: where it is, for error messages.

    Raises:
        SchemaError: naming the key at fault.
    """
    if isinstance(item, str):
        return RelationType(item)
    if not isinstance(item, Mapping):
        raise SchemaError(f"{place}: expected a mapping with the keys {', '.join(_KEYS)}")
    for key in item:
        if key not in _KEYS:
            raise SchemaError(
                f"{place}.{key!s:.60}: unknown key{did_you_mean(key, _KEYS)}; accepted: "
                f"{', '.join(_KEYS)}"
            )
    values = {key: value for key, value in item.items() if value is not None}
    for key, value in values.items():
        if key in _LISTS:
            names = [value] if isinstance(value, str) else value
            if not isinstance(names, (list, tuple)) or not all(_is_name(name) for name in names):
                raise SchemaError(
                    f"{place}.{key}: expected a list of {_LISTS[key]}, got {shown(value)}"
                )
            values[key] = tuple(names)
        elif not isinstance(value, bool if key in _FLAGS else str):
            expected = "true or false" if key in _FLAGS else "a string"
            raise SchemaError(f"{place}.{key}: expected {expected}, got {shown(value)}")
    if not values.get("label"):
        raise SchemaError(f"{place}.label: missing or empty")
    return RelationType(**values)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""
