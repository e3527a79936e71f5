"""The relation types of a task: labels, descriptions, argument types, symmetry and inverses.

A schema file is YAML or JSON::

    relations:
      - label: FOUNDED_BY
        description: The head organisation was founded by the tail.
        head: [ORG]              # allowed entity types; left out or empty: any
        tail: [PERSON, ORG]
        inverse: FOUNDER_OF      # optional: label of the same fact read from tail to head
        asymmetric: true         # optional: never holds in both directions at once
      - label: PARTNER_OF
        symmetric: true          # optional: head and tail can be exchanged
        head: [ORG]
        tail: [ORG]
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy
import srsly
from spacy.tokens import Doc

from .annotations import DEFAULT_ATTR, get_relations
from .documents import document_id, relation_key
from .errors import DataError, SchemaError, did_you_mean, listed, shown
from .files import complete_file
from .types import NO_RELATION, BoolArray, Relation
from .yaml_files import read_yaml_or_json

_KEYS = ("label", "description", "head", "tail", "symmetric", "asymmetric", "inverse")


@dataclass(frozen=True)
class RelationType:
    """One type of relation.

    Attributes:
        label: name of the type, e.g. ``FOUNDED_BY``.
        description: meaning of the relation, in words.
        head: entity types allowed as head; empty: any.
        tail: entity types allowed as tail; empty: any.
        symmetric: whether head and tail can be exchanged.
        asymmetric: whether it holds in one direction at most: nobody is their parent's parent.
        inverse: label of the same fact read from tail to head.
    """

    label: str
    description: str = ""
    head: Tuple[str, ...] = ()
    tail: Tuple[str, ...] = ()
    symmetric: bool = False
    asymmetric: bool = False
    inverse: Optional[str] = None

    def allows(self, head: str, tail: str) -> bool:
        """Whether the relation may hold between mentions of two entity types.

        Args:
            head: entity type of the head.
            tail: entity type of the tail.
        """
        return self._fits(head, tail) or (self.symmetric and self._fits(tail, head))

    def to_dict(self) -> Dict[str, Any]:
        """The entry of the schema file, without keys that have their defaults."""
        values = {key: getattr(self, key) for key in _KEYS}
        values.update(head=list(self.head), tail=list(self.tail))
        return {key: value for key, value in values.items() if value}

    def _fits(self, head: str, tail: str) -> bool:
        return (not self.head or head in self.head) and (not self.tail or tail in self.tail)


@dataclass(frozen=True)
class SchemaViolation:
    """A relation in data that the schema does not allow.

    Attributes:
        doc: position of the document.
        relation: the relation at fault.
        message: what is wrong with it.
    """

    doc: int
    relation: Relation
    message: str

    @property
    def id(self) -> str:
        """The id that the document has from its annotation file, empty if none."""
        return document_id(self.relation.head.doc)


class RelationSchema(Mapping[str, RelationType]):
    """The relation types of a task by label, in a fixed order.

    Args:
        types: the relation types.

    Raises:
        SchemaError: if a label occurs twice or is reserved, or if inverses disagree.
    """

    def __init__(self, types: Iterable[RelationType] = ()) -> None:
        self._types: Dict[str, RelationType] = {}
        for i, rel_type in enumerate(types):
            if rel_type.label in self._types:
                raise SchemaError(
                    f"relations[{i}].label: {shown(rel_type.label)} is declared twice"
                )
            self._types[rel_type.label] = rel_type
        _check_types(self._types)

    def __getitem__(self, label: str) -> RelationType:
        return self._types[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __repr__(self) -> str:
        return f"RelationSchema({list(self._types.values())!r})"

    @property
    def labels(self) -> Tuple[str, ...]:
        """The labels in order."""
        return tuple(self._types)

    @property
    def symmetric_labels(self) -> Tuple[str, ...]:
        """The labels of the symmetric types."""
        return tuple(label for label, rel_type in self.items() if rel_type.symmetric)

    @property
    def asymmetric_labels(self) -> Tuple[str, ...]:
        """The labels of the asymmetric types."""
        return tuple(label for label, rel_type in self.items() if rel_type.asymmetric)

    @classmethod
    def from_dict(cls, data: Any, *, source: str = "schema") -> "RelationSchema":
        """Build a schema from the content of a schema file.

        Args:
            data: ``{"relations": [...]}``.
            source: where the data comes from, for error messages, e.g. a path.

        Raises:
            SchemaError: naming the source and the key at fault.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("relations"), (list, tuple)):
            raise SchemaError(f'{source}: expected a mapping with a list under "relations"')
        unknown = sorted(str(key) for key in data if key != "relations")
        if unknown:
            raise SchemaError(f'{source}: {unknown[0]:.60}: unknown key; accepted: "relations"')
        types = [
            _parse_type(item, f"{source}: relations[{i}]")
            for i, item in enumerate(data["relations"])
        ]
        try:
            return cls(types)
        except SchemaError as err:
            raise SchemaError(f"{source}: {err}") from None

    def to_dict(self) -> Dict[str, Any]:
        """The content of the schema file."""
        return {"relations": [rel_type.to_dict() for rel_type in self.values()]}

    @classmethod
    def from_file(cls, path: Union[str, Path]) -> "RelationSchema":
        """Read a schema file, JSON if its name ends in ``.json`` and YAML otherwise.

        Raises:
            SchemaError: if the file is missing, cannot be parsed or is not a schema.
        """
        try:
            data = read_yaml_or_json(Path(path))
        except DataError as err:
            raise SchemaError(str(err)) from err
        return cls.from_dict(data, source=str(path))

    def to_file(self, path: Union[str, Path]) -> None:
        """Write a schema file, JSON if its name ends in ``.json`` and YAML otherwise.

        Args:
            path: the file to write; its folder is made if necessary.

        Raises:
            DataError: if it cannot be written.
        """
        write = srsly.write_json if Path(path).suffix == ".json" else srsly.write_yaml
        with complete_file(path) as part:
            write(part, self.to_dict())

    @classmethod
    def from_docs(cls, docs: Iterable[Doc], *, attr: str = DEFAULT_ATTR) -> "RelationSchema":
        """Infer labels and argument types from annotated documents, both in alphabetical order.

        Descriptions, symmetry and inverses are not in the data; add them with :meth:`merge`.

        Args:
            docs: annotated documents.
            attr: name of the extension attribute.
        """
        arguments: Dict[str, Tuple[Counter[str], Counter[str]]] = {}
        for doc in docs:
            for rel in get_relations(doc, attr):
                heads, tails = arguments.setdefault(rel.label, (Counter(), Counter()))
                heads[rel.head.label_] += 1
                tails[rel.tail.label_] += 1
        # A mention without type puts no constraint on the types of that argument.
        return cls(
            RelationType(
                label,
                head=() if "" in heads else tuple(sorted(heads)),
                tail=() if "" in tails else tuple(sorted(tails)),
            )
            for label, (heads, tails) in sorted(arguments.items())
        )

    @classmethod
    def from_labels(cls, labels: Any, inferred: "RelationSchema") -> "RelationSchema":
        """The schema that the option `labels` of ``initialize`` stands for.

        Args:
            labels: the labels, or a whole schema as :meth:`to_dict` gives it.
            inferred: says the argument types of labels.
        """
        if isinstance(labels, Mapping):
            return cls.from_dict(labels, source="labels")
        return cls(inferred.get(label, RelationType(label)) for label in labels)

    def merge(self, other: "RelationSchema") -> "RelationSchema":
        """A schema with the types of this one, replaced by those of `other` or followed by them."""
        return RelationSchema({**self._types, **other._types}.values())

    def add(self, label: str) -> "RelationSchema":
        """This schema, with one more type without constraints if it lacks `label`."""
        return self if label in self else RelationSchema([*self.values(), RelationType(label)])

    def allowed(self, types: Sequence[str], labels: Sequence[str]) -> BoolArray:
        """Which labels are allowed between which entity types.

        Args:
            types: entity types.
            labels: labels; a label that the schema lacks is allowed everywhere.

        Returns:
            *Shape:* ``(n_types, n_types, n_labels)``, head type first.
        """
        table = numpy.ones((len(types), len(types), len(labels)), dtype="bool")
        for k, label in enumerate(labels):
            if label in self:
                rel_type = self[label]
                table[:, :, k] = [[rel_type.allows(h, t) for t in types] for h in types]
        return table

    def with_inverses(self, relations: Iterable[Relation]) -> List[Relation]:
        """Add the relations that follow from some by the inverses of the schema.

        Args:
            relations: relations of one Doc.

        Returns:
            the relations, and after them their inverses with the same scores, each once.
        """
        result = list(relations)
        known = {relation_key(rel) for rel in result}
        for rel in list(result):
            label = self[rel.label].inverse if rel.label in self else None
            if label is not None:
                inverse = Relation(rel.tail, label, rel.head, rel.score)
                if relation_key(inverse) not in known:
                    known.add(relation_key(inverse))
                    result.append(inverse)
        return result

    def validate(self, docs: Iterable[Doc], *, attr: str = DEFAULT_ATTR) -> List[SchemaViolation]:
        """Find the relations in annotated documents that the schema does not allow.

        Args:
            docs: annotated documents.
            attr: name of the extension attribute.
        """
        return [
            SchemaViolation(i, rel, message)
            for i, doc in enumerate(docs)
            for rel in get_relations(doc, attr)
            if (message := self.check(rel)) is not None
        ]

    def check(self, relation: Relation) -> Optional[str]:
        """Why the schema does not allow a relation; None if it does."""
        if relation.label not in self:
            return f"unknown label {shown(relation.label)}; known: {listed(self)}"
        rel_type = self[relation.label]
        if not rel_type.allows(relation.head.label_, relation.tail.label_):
            return (
                f"{relation.label} does not hold between {relation.head.label_ or 'untyped'} and "
                f"{relation.tail.label_ or 'untyped'}; allowed: {_types(rel_type.head)} to "
                f"{_types(rel_type.tail)}"
            )
        if (relation.head.start, relation.head.end) == (relation.tail.start, relation.tail.end):
            return f"{relation.label} between a mention and itself"
        return None


def read_schema(path: Optional[Path] = None) -> Optional[RelationSchema]:
    """Read a schema file from a config (``rel_component.read_schema.v1``).

    Args:
        path: a YAML or JSON file, see the top of this module; None: no schema is given.

    Raises:
        SchemaError: see :meth:`RelationSchema.from_file`.
    """
    return None if path is None else RelationSchema.from_file(path)


def _types(types: Sequence[str]) -> str:
    return "|".join(types) or "any"


def _check_types(types: Dict[str, RelationType]) -> None:
    for i, rel_type in enumerate(types.values()):
        place = f"relations[{i}]"
        if not rel_type.label or rel_type.label == NO_RELATION:
            raise SchemaError(f"{place}.label: {shown(rel_type.label)} is empty or reserved")
        if rel_type.symmetric and rel_type.asymmetric:
            raise SchemaError(f"{place}.asymmetric: {rel_type.label} is symmetric already")
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


def _parse_type(item: Any, place: str) -> RelationType:
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
        if key in ("head", "tail"):
            names = [value] if isinstance(value, str) else value
            if not isinstance(names, (list, tuple)) or not all(_is_name(name) for name in names):
                raise SchemaError(
                    f"{place}.{key}: expected a list of entity types, got {shown(value)}"
                )
            values[key] = tuple(names)
        elif not isinstance(value, bool if key in ("symmetric", "asymmetric") else str):
            expected = "true or false" if key in ("symmetric", "asymmetric") else "a string"
            raise SchemaError(f"{place}.{key}: expected {expected}, got {shown(value)}")
    if not values.get("label"):
        raise SchemaError(f"{place}.label: missing or empty")
    return RelationType(**values)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""
