"""The relation types of a task: labels, descriptions, argument types, symmetry and inverses.

Their files are described in :mod:`rel_component.schema_files`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy
import srsly
from spacy.tokens import Doc

from .annotations import DEFAULT_ATTR, get_relations
from .documents import document_id, relation_key
from .errors import DataError, SchemaError, listed, shown
from .event_types import EventSchema, EventType
from .files import open_output
from .relation_types import RelationType, check_types
from .schema_files import parse_schema, schema_yaml
from .schema_inference import infer_types
from .types import BoolArray, Relation
from .yaml_files import read_yaml_or_json

_MOST_TABLES = 64

__all__ = ["RelationSchema", "RelationType", "SchemaViolation", "read_schema"]


@dataclass(frozen=True)
class SchemaViolation:
    """A relation in data that the schema does not allow, or does not expect.

    Attributes:
        doc: position of the document.
        relation: the relation at fault.
        message: what is wrong with it.
        forbidden: whether it is not allowed; otherwise it is only not expected.
    """

    doc: int
    relation: Relation
    message: str
    forbidden: bool = True

    @property
    def id(self) -> str:
        """The id that the document has from its annotation file, empty if none."""
        return document_id(self.relation.head.doc)


class RelationSchema(Mapping[str, RelationType]):
    """The relation types of a task by label, in a fixed order.

    Args:
        types: the relation types.
        events: the types of events.

    Attributes:
        events: the types of events, an :class:`.EventSchema`.
        reasons: for a schema of :meth:`from_docs`, why types have their direction, inverse and
            degree, in words, by label; otherwise empty.

    Raises:
        SchemaError: if a label occurs twice or is reserved, or if inverses disagree.
    """

    def __init__(
        self, types: Iterable[RelationType] = (), events: Iterable[EventType] = ()
    ) -> None:
        self.events = EventSchema(events)
        self.reasons: Dict[str, Tuple[str, ...]] = {}
        self._types: Dict[str, RelationType] = {}
        # each batch asks several times, mostly about the types of the batch before
        self._tables: Dict[Tuple[str, Tuple[str, ...], Tuple[str, ...]], BoolArray] = {}
        for i, rel_type in enumerate(types):
            if rel_type.label in self._types:
                raise SchemaError(
                    f"relations[{i}].label: {shown(rel_type.label)} is declared twice"
                )
            self._types[rel_type.label] = rel_type
        check_types(self._types)

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

    def allows(self, label: str, head: str, tail: str) -> bool:
        """Whether a relation may hold between mentions of two entity types.

        A label whose argument types are inferred allows all types that the schema names. It allows
        others only if all labels are inferred: otherwise few types are missing in the schema.

        Args:
            label: label of the relation; one that the schema lacks is allowed everywhere.
            head: entity type of the head.
            tail: entity type of the tail.
        """
        if label not in self or self[label].expects(head, tail):
            return True
        named = self._argument_types
        return self[label].inferred and (named is None or {head, tail} <= named)

    @cached_property
    def _argument_types(self) -> Optional[FrozenSet[str]]:
        """The entity types of all heads and tails; None: any may be one."""
        kinds = self.values()
        if all(kind.inferred for kind in kinds) or not all(
            kind.head and kind.tail for kind in kinds
        ):
            return None
        return frozenset(name for kind in kinds for name in (*kind.head, *kind.tail))

    @classmethod
    def from_dict(cls, data: Any, *, source: str = "schema") -> "RelationSchema":
        """Build a schema from the content of a schema file.

        Args:
            data: ``{"relations": [...], "events": [...]}``, of which one may be left out.
            source: where the data comes from, for error messages, e.g. a path.

        Raises:
            SchemaError: naming the source and the key at fault.
        """
        types, events = parse_schema(data, source)
        try:
            return cls(types, events)
        except SchemaError as err:
            raise SchemaError(f"{source}: {err}") from None

    def to_dict(self) -> Dict[str, Any]:
        """The content of the schema file."""
        data = {"relations": [rel_type.to_dict() for rel_type in self.values()]}
        if self.events:
            data["events"] = [kind.to_dict() for kind in self.events.values()]
        return data

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

    def to_yaml(self) -> str:
        """The content of a YAML schema file, with :attr:`reasons` as comments."""
        return schema_yaml(self.to_dict(), self.reasons)

    def to_file(self, path: Union[str, Path]) -> None:
        """Write a schema file, JSON if its name ends in ``.json`` and YAML otherwise.

        Args:
            path: the file to write; its folder is made if necessary.

        Raises:
            DataError: if it cannot be written.
        """
        is_json = Path(path).suffix == ".json"
        text = srsly.json_dumps(self.to_dict(), indent=2) if is_json else self.to_yaml()
        with open_output(Path(path)) as output:
            output.write(text)

    @classmethod
    def from_docs(cls, docs: Iterable[Doc], *, attr: str = DEFAULT_ATTR) -> "RelationSchema":
        """Infer relation types from annotated documents, in alphabetical order.

        Argument types that few documents show are marked as inferred, and forbid nothing. Types are
        symmetric, asymmetric or inverses of each other where the documents show it; :attr:`reasons`
        says what that rests on. Descriptions are not in the data; add them with :meth:`merge`.

        Args:
            docs: annotated documents.
            attr: name of the extension attribute.
        """
        inferred = infer_types(docs, attr=attr)
        schema = cls(rel_type for rel_type, _ in inferred)
        schema.reasons = {rel_type.label: reasons for rel_type, reasons in inferred if reasons}
        return schema

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
        events = {**self.events, **other.events}
        return RelationSchema({**self._types, **other._types}.values(), events.values())

    def with_event_pairs(self) -> "RelationSchema":
        """This schema, with the relation types of the pairs that its events consist of."""
        pairs = {pair.label: pair for pair in self.events.pair_types()}
        return RelationSchema({**self._types, **pairs}.values(), self.events.values())

    def add(self, label: str) -> "RelationSchema":
        """This schema, with one more type without constraints if it lacks `label`."""
        if label in self:
            return self
        return RelationSchema([*self.values(), RelationType(label)], self.events.values())

    def allowed(self, types: Sequence[str], labels: Sequence[str]) -> BoolArray:
        """Which labels are allowed between which entity types.

        Args:
            types: entity types.
            labels: labels; a label that the schema lacks is allowed everywhere.

        Returns:
            *Shape:* ``(n_types, n_types, n_labels)``, head type first.
        """
        return self._table(self.allows, "allowed", types, labels)

    def expected(self, types: Sequence[str], labels: Sequence[str]) -> BoolArray:
        """Which labels are expected between which entity types; those that are not may be allowed.

        Args:
            types: entity types.
            labels: labels; a label that the schema lacks is expected everywhere.

        Returns:
            *Shape:* ``(n_types, n_types, n_labels)``, head type first.
        """

        def expects(label: str, head: str, tail: str) -> bool:
            return label not in self or self[label].expects(head, tail)

        return self._table(expects, "expected", types, labels)

    def _table(
        self,
        fits: Callable[[str, str, str], bool],
        name: str,
        types: Sequence[str],
        labels: Sequence[str],
    ) -> BoolArray:
        key = (name, tuple(types), tuple(labels))
        table = self._tables.get(key)
        if table is None:
            table = numpy.ones((len(types), len(types), len(labels)), dtype="bool")
            for k, label in enumerate(labels):
                table[:, :, k] = [[fits(label, h, t) for t in types] for h in types]
            table.setflags(write=False)
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
            self._tables[key] = table
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
                inverse = Relation(rel.tail, label, rel.head, rel.score, rel.evidence, rel.polarity)
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

    def find_unexpected(
        self, docs: Iterable[Doc], *, attr: str = DEFAULT_ATTR
    ) -> List[SchemaViolation]:
        """Find the relations in annotated documents that are allowed and not expected.

        Args:
            docs: annotated documents.
            attr: name of the extension attribute.
        """
        return [
            SchemaViolation(i, rel, message, forbidden=False)
            for i, doc in enumerate(docs)
            for rel in get_relations(doc, attr)
            if (message := self.remark(rel)) is not None
        ]

    def remark(self, relation: Relation) -> Optional[str]:
        """Why the schema does not expect a relation that it allows; None if it does."""
        rel_type = self.get(relation.label)
        types = (relation.head.label_, relation.tail.label_)
        if rel_type is None or rel_type.expects(*types) or not self.allows(relation.label, *types):
            return None
        return (
            f"{relation.label} is not expected between {_between(relation)}; inferred: "
            f"{rel_type.arguments}"
        )

    def check(self, relation: Relation) -> Optional[str]:
        """Why the schema does not allow a relation; None if it does."""
        if relation.label not in self:
            return f"unknown label {shown(relation.label)}; known: {listed(self)}"
        rel_type = self[relation.label]
        if not self.allows(relation.label, relation.head.label_, relation.tail.label_):
            allowed = "types that the schema names" if rel_type.inferred else rel_type.arguments
            return (
                f"{relation.label} does not hold between {_between(relation)}; allowed: {allowed}"
            )
        if (relation.head.start, relation.head.end) == (relation.tail.start, relation.tail.end):
            return f"{relation.label} between a mention and itself"
        return None


def _between(relation: Relation) -> str:
    return f"{relation.head.label_ or 'untyped'} and {relation.tail.label_ or 'untyped'}"


def read_schema(path: Optional[Path] = None) -> Optional[RelationSchema]:
    """Read a schema file from a config (``rel_component.read_schema.v1``).

    Args:
        path: a YAML or JSON file, see :mod:`rel_component.schema_files`; None: no schema is given.

    Raises:
        SchemaError: see :meth:`RelationSchema.from_file`.
    """
    return None if path is None else RelationSchema.from_file(path)
