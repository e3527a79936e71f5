"""A migration: labels that are renamed, merged, split by argument types, or removed.

It is a YAML or JSON file. Each label of before occurs once at most, and all happens at the
same time::

    rename:
      WORKS_AT: EMPLOYED_BY
    merge:
      LOCATED_IN: [CITY_OF, COUNTRY_OF]   # the new label first
    split:
      FOUNDED_BY:                         # parts that differ in the types of head or tail
        FOUNDED_BY_PERSON: {tail: [PERSON]}
        FOUNDED_BY_ORG: {tail: [ORG], description: the head was founded by the company}
    remove: [MENTIONS]

Parts of a symmetric label may say ``symmetric: true``: corpora have no schema that does.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ..errors import DataError, SchemaError, did_you_mean, listed, shown
from ..relation_types import RelationType, partners
from ..schema import RelationSchema
from ..types import NO_RELATION
from ..yaml_files import read_yaml_or_json

_KEYS = ("rename", "merge", "split", "remove")
_PART_KEYS = ("head", "tail", "description", "symmetric")


@dataclass(frozen=True)
class Migration:
    """What becomes of labels.

    Args:
        rename: new labels by old ones.
        merge: old labels by the new one that takes their place.
        split: parts, as relation types with their argument types, by the old label.
        remove: old labels that nothing takes the place of.
        source: where it comes from, for messages.

    Raises:
        SchemaError: if it contradicts itself.
    """

    rename: Mapping[str, str]
    merge: Mapping[str, Tuple[str, ...]]
    split: Mapping[str, Tuple[RelationType, ...]]
    remove: Tuple[str, ...]
    source: str = "migration"

    def __post_init__(self) -> None:
        old = self._old_labels
        parts = [part.label for group in self.split.values() for part in group]
        new = [*self.rename.values(), *self.merge, *parts]
        for labels, when in ((old, "before"), (new, "afterwards")):
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                raise SchemaError(
                    f"{self.source}: the label {shown(twice[0])} of {when} occurs twice"
                )
        if NO_RELATION in {*old, *new}:
            raise SchemaError(f"{self.source}: the label {NO_RELATION} is reserved")
        if not old:
            raise SchemaError(f"{self.source}: nothing to do; expected some of {', '.join(_KEYS)}")
        for label in self.split:
            self._check_parts(label, self.split[label])

    @classmethod
    def from_dict(cls, data: Any, *, source: str = "migration") -> "Migration":
        """Read the content of a migration file.

        Args:
            data: the content.
            source: where it comes from, for messages.

        Raises:
            SchemaError: naming the key at fault.
        """
        if not isinstance(data, Mapping):
            raise SchemaError(f"{source}: expected a mapping with the keys {', '.join(_KEYS)}")
        for key in data:
            if key not in _KEYS:
                raise SchemaError(
                    f"{source}: {shown(key)}: unknown key{did_you_mean(key, _KEYS)}; accepted: "
                    f"{', '.join(_KEYS)}"
                )
        values = {key: data.get(key) or {} for key in _KEYS}
        for key in ("rename", "merge", "split"):
            if not isinstance(values[key], Mapping) or not all(map(_is_name, values[key])):
                raise SchemaError(f"{source}: {key}: expected a mapping of labels")
        for old, new in values["rename"].items():
            if not _is_name(new):
                raise SchemaError(f"{source}: rename.{old}: expected a label, got {shown(new)}")
        merge = {new: _names(old, f"{source}: merge.{new}") for new, old in values["merge"].items()}
        split = {
            old: _parts(parts, f"{source}: split.{old}") for old, parts in values["split"].items()
        }
        remove = _names(values["remove"] or [], f"{source}: remove", least=0)
        return cls(dict(values["rename"]), merge, split, remove, source)

    @classmethod
    def from_file(cls, path: Union[str, Path]) -> "Migration":
        """Read a migration file, JSON if its name ends in ``.json`` and YAML otherwise.

        Raises:
            SchemaError: if it is missing, cannot be parsed, or is no migration.
        """
        try:
            data = read_yaml_or_json(Path(path))
        except DataError as err:
            raise SchemaError(str(err)) from err
        return cls.from_dict(data, source=str(path))

    def new_labels(self, label: str) -> Tuple[str, ...]:
        """What a label becomes: one label, those of its parts, or none.

        Args:
            label: a label of before; one that the migration does not name stays.
        """
        if label in self.remove:
            return ()
        if label in self.split:
            return tuple(part.label for part in self.split[label])
        for new, labels in self.merge.items():
            if label in labels:
                return (new,)
        return (self.rename.get(label, label),)

    def new_label(self, label: str, head: str, tail: str) -> Optional[str]:
        """What the label of a relation becomes; None: the relation is removed.

        Args:
            label: its label of before.
            head: entity type of the head.
            tail: entity type of the tail.

        Raises:
            SchemaError: if no part of a split label may hold between the types.
        """
        if label not in self.split:
            return next(iter(self.new_labels(label)), None)
        for part in self.split[label]:
            if part.expects(head, tail):
                return part.label
        raise SchemaError(
            f"{self.source}: split.{label}: no part holds between {shown(head)} and {shown(tail)}; "
            f"parts: {listed(f'{part.label} {part.arguments}' for part in self.split[label])}; if the "
            "label is symmetric, let the parts say symmetric: true"
        )

    def new_schema(self, schema: RelationSchema) -> RelationSchema:
        """A schema with the labels of afterwards.

        A merged type has the argument types of all, the first description, and is symmetric if all are.
        Inverses follow; gone are those of labels that were split or removed, and of merged ones of which
        some had another inverse or none.

        Args:
            schema: the schema of before.

        Raises:
            SchemaError: if it lacks a label of the migration, a new label is there already, a label
                is that of a pair of an event, or parts of a symmetric type may hold between the same
                entity types.
        """
        self._check_events(schema)
        self._check(schema.labels)
        types: Dict[str, RelationType] = {}
        for label, kind in schema.items():
            if label in self.split:
                parts = [_as_part(kind, part) for part in self.split[label]]
                self._check_parts(label, parts)
                types.update((part.label, part) for part in parts)
                continue
            for new in self.new_labels(label):
                kind = replace(kind, label=new, inverse=self._new_inverse(schema, kind, new))
                types[new] = _merged(types[new], kind) if new in types else kind
        return RelationSchema(types.values(), schema.events.values())

    def groups(self, old: Sequence[str], new: Sequence[str]) -> List[List[int]]:
        """For each label of afterwards, the positions of the labels of before that it stands for."""
        return [
            [i for i, label in enumerate(old) if name in self.new_labels(label)] for name in new
        ]

    def _new_inverse(self, schema: RelationSchema, kind: RelationType, new: str) -> Optional[str]:
        """The inverse of a type that becomes `new`; a union has one that all of its parts have."""
        inverse = self.new_labels(kind.inverse) if kind.inverse else ()
        if len(inverse) != 1 or inverse[0] == new:
            return None
        for one, other in ((new, inverse[0]), (inverse[0], new)):
            for label in self.merge.get(one, ()):
                found = {x for partner in partners(label, schema) for x in self.new_labels(partner)}
                if found != {other}:
                    return None
        return inverse[0]

    @property
    def _old_labels(self) -> List[str]:
        merged = [label for group in self.merge.values() for label in group]
        return [*self.rename, *merged, *self.split, *self.remove]

    def _check_events(self, schema: RelationSchema) -> None:
        """Events stay as they are, and so do the pairs that they are found by."""
        pairs = {
            pair.label: kind.label for kind in schema.events.values() for pair in kind.pair_types()
        }
        for label in self._old_labels:
            if label in pairs:
                raise SchemaError(
                    f"{self.source}: {shown(label)} is a pair of the event {shown(pairs[label])}, and "
                    "events cannot be migrated; leave it out"
                )

    def _check_parts(self, label: str, parts: Sequence[RelationType]) -> None:
        for i, part in enumerate(parts):
            for other in parts[:i]:
                exchanged = replace(other, head=other.tail, tail=other.head)
                either_way = part.symmetric or other.symmetric
                if not _disjoint(part, other) or (either_way and not _disjoint(part, exchanged)):
                    how = " in either direction" if either_way else ""
                    raise SchemaError(
                        f"{self.source}: split.{label}: {shown(other.label)} and {shown(part.label)} "
                        f"may hold between the same entity types{how}; give them types of head or tail "
                        "that differ"
                    )

    def check_apart(self, labels: Sequence[str]) -> None:
        """Make sure that different labels become the same one only where they are merged.

        Args:
            labels: labels of before.

        Raises:
            SchemaError: naming the labels.
        """
        becomes: Dict[str, str] = {}
        for label in labels:
            for new in self.new_labels(label):
                before = becomes.setdefault(new, label)
                if before != label and new not in self.merge:
                    raise SchemaError(
                        f"{self.source}: both {shown(before)} and {shown(label)} become "
                        f"{shown(new)}; if that is meant, say so under merge"
                    )
                if new in self.merge and label not in self.merge[new]:
                    raise SchemaError(
                        f"{self.source}: merge.{new}: there is a label {shown(label)} already; name it "
                        "among those that are merged"
                    )

    def _check(self, labels: Sequence[str]) -> None:
        for label in self._old_labels:
            if label not in labels:
                raise SchemaError(
                    f"{self.source}: unknown label {shown(label)}{did_you_mean(label, labels)}; "
                    f"known: {listed(labels)}"
                )
        self.check_apart(labels)


def _merged(one: RelationType, other: RelationType) -> RelationType:
    """One type for two, which both have its label; their facts may be each other's inverses."""
    return RelationType(
        one.label,
        one.description or other.description,
        _union(one.head, other.head),
        _union(one.tail, other.tail),
        symmetric=one.symmetric and other.symmetric,
        inverse=one.inverse or other.inverse,
        inferred=one.inferred or other.inferred,
        aliases=tuple(dict.fromkeys((*one.aliases, *other.aliases))),
        examples=tuple(dict.fromkeys((*one.examples, *other.examples))),
    )


def _as_part(kind: RelationType, part: RelationType) -> RelationType:
    return replace(
        kind,
        label=part.label,
        description=part.description or kind.description,
        head=part.head or kind.head,
        tail=part.tail or kind.tail,
        symmetric=kind.symmetric or part.symmetric,
        inferred=False,
        inverse=None,
        examples=(),
    )


def _union(one: Tuple[str, ...], other: Tuple[str, ...]) -> Tuple[str, ...]:
    """Entity types of either; none are any."""
    return tuple(dict.fromkeys((*one, *other))) if one and other else ()


def _disjoint(one: RelationType, other: RelationType) -> bool:
    pairs = ((one.head, other.head), (one.tail, other.tail))
    return any(a and b and not set(a) & set(b) for a, b in pairs)


def _parts(parts: Any, place: str) -> Tuple[RelationType, ...]:
    if not isinstance(parts, Mapping) or len(parts) < 2 or not all(map(_is_name, parts)):
        raise SchemaError(f"{place}: expected two or more labels, with their types of head or tail")
    found = []
    for label, options in parts.items():
        if not isinstance(options, Mapping):
            raise SchemaError(f"{place}.{label}: expected a mapping, got {shown(options)}")
        for key in options:
            if key not in _PART_KEYS:
                raise SchemaError(
                    f"{place}.{label}: {shown(key)}: unknown key; accepted: {', '.join(_PART_KEYS)}"
                )
        description = options.get("description", "")
        if not isinstance(description, str):
            raise SchemaError(f"{place}.{label}.description: expected a text")
        symmetric = options.get("symmetric", False)
        if not isinstance(symmetric, bool):
            raise SchemaError(f"{place}.{label}.symmetric: expected true or false")
        types = {
            key: _names(options[key], f"{place}.{label}.{key}") if key in options else ()
            for key in ("head", "tail")
        }
        found.append(RelationType(label, description, types["head"], types["tail"], symmetric))
    return tuple(found)


def _names(value: Any, place: str, *, least: int = 1) -> Tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or len(names) < least or not all(map(_is_name, names)):
        raise SchemaError(f"{place}: expected a list of names, got {shown(value)}")
    return tuple(names)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""
