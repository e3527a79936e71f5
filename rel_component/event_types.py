"""One type of event, or of another record of several roles, and the pairs that stand for it.

It is an entry of ``events`` in a schema file, see :mod:`rel_component.schema_files`. An event is
learned and found as labelled pairs of its mentions (McDonald et al. 2005,
https://aclanthology.org/P05-1061/): of each two roles, ``MERGER:party>result``, or, where an event has
a trigger, of this and each role, ``MERGER:trigger>party``. Roles that can be
exchanged are one role there, the first of them.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from .errors import SchemaError, did_you_mean, listed, shown
from .relation_types import RelationType

TRIGGER = "trigger"
"""Stands for the trigger in labels of pairs; no role may have this name."""

MAX_ARGUMENTS = 500
"""The most mentions of an event, its trigger among them."""

_MAX_ROLES = 40
_ROLE = re.compile(r"[^\s:>](?:[^:>\n]*[^\s:>])?")
_PAIR = re.compile(r"(?s)(.+):([^:>\n]+)>([^:>\n]+)")
_KEYS = ("label", "description", "trigger", "symmetric", "roles")
_ROLE_KEYS = ("types", "min", "max")


@dataclass(frozen=True)
class EventRole:
    """A role of an event.

    Attributes:
        name: name of the role, e.g. ``party``.
        types: entity types of what fills it; empty: any.
        least: the least number of fillers.
        most: the most of them; None: any number.
    """

    name: str
    types: Tuple[str, ...] = ()
    least: int = 0
    most: Optional[int] = None

    def to_dict(self) -> Dict[str, Any]:
        """The entry of the schema file, without keys that have their defaults."""
        values = {"types": list(self.types), "min": self.least, "max": self.most}
        return {key: value for key, value in values.items() if value}


@dataclass(frozen=True)
class EventType:
    """A type of event.

    Attributes:
        label: name of the type, e.g. ``MERGER``.
        roles: its roles, in the order of the schema.
        description: meaning of the event, in words.
        symmetric: names of the roles whose fillers can be exchanged.
        trigger: entity types of the mention that stands for the event, empty: any. None: events of
            this type have no trigger, and hold together by their arguments.
    """

    label: str
    roles: Tuple[EventRole, ...]
    description: str = ""
    symmetric: Tuple[str, ...] = ()
    trigger: Optional[Tuple[str, ...]] = None

    @cached_property
    def _by_name(self) -> Dict[str, EventRole]:
        return {role.name: role for role in self.roles}

    def get(self, name: str) -> Optional[EventRole]:
        """The role of a name; None if there is none."""
        return self._by_name.get(name)

    def canonical(self, name: str) -> str:
        """The name that a role has in pairs: that of the first one that it can be exchanged with."""
        return self.symmetric[0] if name in self.symmetric else name

    @cached_property
    def pair_roles(self) -> Tuple[EventRole, ...]:
        """The roles of pairs: those that can be exchanged are one."""
        same = [role for role in self.roles if role.name in self.symmetric]
        if not same:
            return self.roles
        most = [role.most for role in same]
        joined = replace(
            self._by_name[self.symmetric[0]],
            types=()
            if not all(role.types for role in same)
            else tuple(dict.fromkeys(name for role in same for name in role.types)),
            least=sum(role.least for role in same),
            most=None if None in most else sum(value or 0 for value in most),
        )
        others = [role for role in self.roles if role.name not in self.symmetric]
        order = {role.name: i for i, role in enumerate(self.roles)}
        return tuple(sorted([joined, *others], key=lambda role: order[role.name]))

    @property
    def _what(self) -> str:
        return f"{self.label} ({self.description.rstrip('.')})" if self.description else self.label

    def pair_label(self, first: str, second: str) -> str:
        """The label of a pair of two roles, in canonical names; :data:`TRIGGER` is that of a trigger."""
        return f"{self.label}:{first}>{second}"

    def pair_types(self) -> List[RelationType]:
        """The relation types of the pairs that events of this type consist of."""
        if self.trigger is not None:
            return [
                RelationType(
                    self.pair_label(TRIGGER, role.name),
                    f"The tail is {role.name} of the {self._what} that the head stands for.",
                    head=self.trigger,
                    tail=role.types,
                )
                for role in self.pair_roles
            ]
        roles = self.pair_roles
        return [
            RelationType(
                self.pair_label(first.name, second.name),
                f"The head is {first.name}, and the tail {second.name}, of one {self._what}.",
                head=first.types,
                tail=second.types,
                symmetric=first is second,
            )
            for i, first in enumerate(roles)
            for second in roles[i:]
            if first is not second or first.most != 1
        ]

    def check(self, roles: Iterable[Tuple[str, str]], trigger: Optional[str]) -> Optional[str]:
        """Why this type does not allow an event; None if it does.

        Args:
            roles: role and entity type of each argument.
            trigger: entity type of the trigger; None: there is none.
        """
        counts = dict.fromkeys(self._by_name, 0)
        for name, entity_type in roles:
            role = self.get(name)
            if role is None:
                hint = did_you_mean(name, self._by_name)
                return f"{self.label} has no role {shown(name)}{hint}; known: {listed(counts)}"
            if role.types and entity_type not in role.types:
                what = entity_type or "an untyped mention"
                return f"{name} of {self.label} is {what:.60}; allowed: {listed(role.types)}"
            counts[name] += 1
        for role in self.roles:
            n = counts[role.name]
            if n < role.least or (role.most is not None and n > role.most):
                allowed = f"{role.least} {'or more' if role.most is None else f'to {role.most}'}"
                return f"{self.label} has {n} of {role.name}; allowed: {allowed}"
        if self.trigger is None:
            return f"{self.label} has no trigger in the schema" if trigger is not None else None
        if trigger is None:
            return f"{self.label} needs a trigger"
        if self.trigger and trigger not in self.trigger:
            allowed = listed(self.trigger)
            return f"the trigger of {self.label} is {trigger or 'untyped':.60}; allowed: {allowed}"
        return None

    def to_dict(self) -> Dict[str, Any]:
        """The entry of the schema file, without keys that have their defaults."""
        entry: Dict[str, Any] = {"label": self.label}
        if self.description:
            entry["description"] = self.description
        if self.trigger is not None:
            entry["trigger"] = list(self.trigger) or True
        if self.symmetric:
            entry["symmetric"] = list(self.symmetric)
        return {**entry, "roles": {role.name: role.to_dict() for role in self.roles}}


class EventSchema(Mapping[str, EventType]):
    """The types of events of a task by label, in a fixed order.

    Args:
        types: the types.

    Raises:
        SchemaError: if a label occurs twice.
    """

    def __init__(self, types: Iterable[EventType] = ()) -> None:
        self._types: Dict[str, EventType] = {}
        for i, kind in enumerate(types):
            if kind.label in self._types:
                raise SchemaError(f"events[{i}].label: {shown(kind.label)} is declared twice")
            self._types[kind.label] = kind

    def __getitem__(self, label: str) -> EventType:
        return self._types[label]

    def __iter__(self) -> Any:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __repr__(self) -> str:
        return f"EventSchema({list(self._types.values())!r})"

    def pair_types(self) -> List[RelationType]:
        """The relation types of all pairs."""
        return [pair for kind in self.values() for pair in kind.pair_types()]

    def check(
        self, label: str, roles: Iterable[Tuple[str, str]], trigger: Optional[str]
    ) -> Optional[str]:
        """Why the schema does not allow an event; None if it does. See :meth:`EventType.check`."""
        if label not in self:
            return f"unknown event {shown(label)}; known: {listed(self)}"
        return self[label].check(roles, trigger)


def read_pair_label(label: str) -> Optional[Tuple[str, str, str]]:
    """The label of the event, and both roles, of the label of a pair; None if it is none."""
    match = _PAIR.fullmatch(label)
    return None if match is None else (match[1], match[2], match[3])


def parse_event_type(item: Any, place: str) -> EventType:
    """Read an entry of ``events`` in a schema file.

    Args:
        item: the entry.
        place: where it is, for error messages.

    Raises:
        SchemaError: naming label, role and key at fault.
    """
    if not isinstance(item, Mapping):
        raise SchemaError(f"{place}: expected a mapping with the keys {', '.join(_KEYS)}")
    label = item.get("label")
    if not isinstance(label, str) or not label:
        raise SchemaError(f"{place}.label: missing, empty or no string: {shown(label)}")
    place = f"{place} ({label:.60})"
    _refuse_unknown(item, _KEYS, place)
    description = item.get("description") or ""
    if not isinstance(description, str):
        raise SchemaError(f"{place}.description: expected a string, got {shown(description)}")
    given = item.get("roles")
    if not isinstance(given, Mapping) or not given or len(given) > _MAX_ROLES:
        raise SchemaError(
            f"{place}.roles: expected a mapping of 1 to {_MAX_ROLES} roles, got {shown(given)}"
        )
    roles = tuple(_parse_role(name, value, f"{place}.roles") for name, value in given.items())
    symmetric = _names(item.get("symmetric") or (), f"{place}.symmetric", "roles")
    unknown = [name for name in symmetric if name not in given]
    if unknown or len(symmetric) == 1 or len(set(symmetric)) < len(symmetric):
        raise SchemaError(
            f"{place}.symmetric: expected two or more of the roles {listed(given)}, got "
            f"{shown(item['symmetric'])}"
        )
    trigger = item.get("trigger")
    if trigger is True:
        trigger = ()
    elif trigger is False:
        trigger = None
    elif trigger is not None:
        trigger = _names(trigger, f"{place}.trigger", "entity types, or true for any")
    return EventType(label, roles, description, symmetric, trigger)


def _parse_role(name: Any, value: Any, place: str) -> EventRole:
    if not isinstance(name, str) or name == TRIGGER or not _ROLE.fullmatch(name):
        raise SchemaError(
            f"{place}: {shown(name)} is no name of a role: expected a string without : and >, and not "
            f'"{TRIGGER}"'
        )
    place = f"{place}.{name:.60}"
    if value is None or isinstance(value, (str, list, tuple)):
        return EventRole(name, _names(value or (), place, "entity types"))
    if not isinstance(value, Mapping):
        raise SchemaError(f"{place}: expected a mapping with the keys {', '.join(_ROLE_KEYS)}")
    _refuse_unknown(value, _ROLE_KEYS, place)
    least, most = value.get("min") or 0, value.get("max")
    for key, number, lowest in (("min", least, 0), ("max", most, 1)):
        if number is None:
            continue
        if type(number) is not int or not lowest <= number <= MAX_ARGUMENTS:
            raise SchemaError(
                f"{place}.{key}: expected an integer from {lowest} to {MAX_ARGUMENTS}, got "
                f"{shown(number)}"
            )
    if most is not None and most < least:
        raise SchemaError(f"{place}.max: {most} is less than min, {least}")
    return EventRole(
        name, _names(value.get("types") or (), f"{place}.types", "entity types"), least, most
    )


def _refuse_unknown(item: Mapping[Any, Any], known: Tuple[str, ...], place: str) -> None:
    for key in item:
        if key not in known:
            raise SchemaError(
                f"{place}.{key!s:.60}: unknown key{did_you_mean(key, known)}; accepted: "
                f"{', '.join(known)}"
            )


def _names(value: Any, place: str, what: str) -> Tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(
        isinstance(name, str) and name for name in names
    ):
        raise SchemaError(f"{place}: expected a list of {what}, got {shown(value)}")
    return tuple(names)
