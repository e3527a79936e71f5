"""From the values in a reply to the relations and entities that they state.

The values may have other names for the parts of a relation than those that were asked for, and the
nestings of well-known graph builders. Every complete statement is read; what cannot be read is counted.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...types import NO_RELATION
from .json_values import JsonReader
from .notations import find_triples

NOT_JSON = "not_json"
"""Reason of a drop: nothing in the reply can be read."""

MALFORMED_ITEM = "malformed_item"
"""Reason of a drop: a statement without head, label and tail."""

TRUNCATED = "truncated"
"""Reason of a drop: a statement that is cut off, or broken JSON that is too long to be repaired."""

MAX_DEPTH = 20
"""Objects, arrays and strings of JSON inside each other that are read."""

MAX_PRODUCT = 100
"""Relations that one object with arrays of heads, labels and tails may state."""

_NOTHING = re.compile(
    r"[\W_]*(?:none|nothing|null|nil|n/?a|unrelated|not related|"
    r"(?:\w+ ){0,6}?no[ _-]?(?:\w+ ){0,3}?relation(?:ship)?s?(?: \w+){0,8})[\W_]*",
    re.IGNORECASE,
)
_LABEL_ALONE = re.compile(
    r"[\W_]*(?:(?:the )?(?:answer|label|relation)(?: is)?\W{1,5})?(?P<label>\w+(?:[ -]\w+){0,3})[\W_]*",
    re.IGNORECASE,
)

# Names in objects without separators and capitals, and the part that they stand for
_SIDES = {
    "head": "head|subject|subj|source|src|from|entity1|arg1|argument1|node1|startnode|dep|h",
    "tail": "tail|object|obj|target|destination|dest|to|entity2|arg2|argument2|node2|endnode|t",
}
_SIDE = re.compile(
    "(?:" + "|".join(f"(?P<{side}>{names})" for side, names in _SIDES.items()) + ")"
    "(?:node|entity|mention|name|text|id)*(?P<type>type|label|category)?"
)
_PARTS = {
    "label": "label",
    "relation": "relation predicate relationship relationtype relationshiptype relationlabel "
    "relationname reltype rel edgetype edgelabel edge r",
    "type": "type entitytype category class",
    "answer": "answer",
    "text": "text name mention entity entityname value span",
    "id": "id mentionid entityid",
    "relations": "relations triples triplets facts relationships edges links",
    "entities": "entities mentions nodes",
}
_PART_OF_NAME = {name: part for part, names in _PARTS.items() for name in names.split()}
_SEPARATORS = re.compile(r"[\s_-]+")

Parts = Dict[str, Any]
"""The values of an object by the parts of a statement that their names stand for."""


@dataclass(frozen=True)
class StatedArgument:
    """The head or tail of a stated relation.

    Attributes:
        text: its words, or an id that is written as text.
        id: an id beside the words, or instead of them.
        type: entity type.
    """

    text: Optional[str] = None
    id: Optional[str] = None
    type: Optional[str] = None

    @property
    def name(self) -> str:
        """The words, or the id if there are none."""
        return self.text or self.id or ""


@dataclass(frozen=True)
class StatedRelation:
    """A relation as a reply states it.

    Attributes:
        head: None where the question was about one pair.
        label: the label as it is written.
        tail: None where the question was about one pair.
        score: probability of the tokens of the label; None: not known.
    """

    head: Optional[StatedArgument]
    label: str
    tail: Optional[StatedArgument]
    score: Optional[float] = None


@dataclass(frozen=True)
class StatedEntity:
    """An entity as a reply lists it."""

    text: str
    type: str = ""
    id: Optional[str] = None


@dataclass(frozen=True)
class Statements:
    """All that a reply states.

    Attributes:
        relations: the complete ones, in their order.
        entities: the complete ones, in their order.
        as_asked: whether the reply is strict JSON of the form that was asked for.
        problems: number of statements that could not be read, by reason.
    """

    relations: Tuple[StatedRelation, ...] = ()
    entities: Tuple[StatedEntity, ...] = ()
    as_asked: bool = True
    problems: Mapping[str, int] = field(default_factory=dict)


def states_nothing(text: str) -> bool:
    """Tell whether a text says in words that there is no relation."""
    text = text.strip()
    return len(text) <= 150 and (text.upper() == NO_RELATION or bool(_NOTHING.fullmatch(text)))


class StatementReader:
    """Collects the statements in values, whatever their nesting and the names of their parts.

    Attributes:
        relations: the complete relations.
        entities: the complete entities.
        problems: what is not complete, by reason.

    Args:
        keys: names of head, label and tail besides the usual ones.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.relations: List[StatedRelation] = []
        self.entities: List[StatedEntity] = []
        self.problems: Counter[str] = Counter()
        self._keys = dict(zip(map(_plain_name, keys), ("head", "label", "tail")))
        self._json = JsonReader()

    def read_json(self, value: Any) -> None:
        """Read a reply that is strict JSON."""
        if isinstance(value, str):
            self.read_text(value)
        elif value is None or isinstance(value, (dict, list)):
            self._read(value)
        else:
            self.problems[NOT_JSON] += 1

    def read_text(self, text: str, *, is_cut: bool = False) -> None:
        """Read a reply that is not strict JSON."""
        values = self._json.values(text, is_cut=is_cut)
        for value in values:
            self._read(value)
        if not values and not self._json.is_cut and not (states_nothing(text) and not is_cut):
            self._read_words(text, is_cut)
        if self._json.is_cut and not self.problems[TRUNCATED]:
            self.problems[TRUNCATED] += 1

    def _read_words(self, text: str, is_cut: bool) -> None:
        """Read a text without JSON."""
        if is_cut:  # the last line may be incomplete
            text = text[: text.rfind("\n") + 1]
        triples = find_triples(text)
        for triple in triples:
            self._add_relations(*triple)
        label = _LABEL_ALONE.fullmatch(text) if len(text) <= 100 else None
        if is_cut:
            self.problems[TRUNCATED] += 1
        elif not triples and label is not None:
            self.relations.append(StatedRelation(None, label["label"], None))
        elif not triples:
            self.problems[NOT_JSON] += 1

    def _read(self, value: Any, label: Any = None, depth: int = 0) -> None:
        """Read a value.

        Args:
            value: the value.
            label: name under which the value stands, the label of relations that state none.
            depth: number of values around it.
        """
        if depth > MAX_DEPTH:
            self._count_malformed()
        elif isinstance(value, dict):
            self._read_object(value, label, depth)
        elif isinstance(value, list):
            self._read_array(value, label, depth)
        elif isinstance(value, str):
            self._read_string(value, depth)
        elif value is not None:
            self._count_malformed()

    def _read_object(self, value: Dict[Any, Any], label: Any, depth: int) -> None:
        parts = self._parts(value)
        stated = _first(parts, "label", "relation", "type", "answer", "text") or label
        has_sides = "head" in parts and "tail" in parts
        if has_sides and (stated or not {"entities", "relations"} & parts.keys()):
            self._add_relations(parts["head"], stated, parts["tail"], parts)
        elif "entities" in parts or "relations" in parts:
            self._read_entities(parts.get("entities"), depth + 1)
            self._read(parts.get("relations"), depth=depth + 1)
        elif not self._add_pair_labels(parts):
            self._read_other(value, parts, depth)

    def _read_other(self, value: Dict[Any, Any], parts: Parts, depth: int) -> None:
        """Read an object that is neither a relation nor has lists under the usual names."""
        inside = {
            name: part
            for name, part in value.items()
            if self._part(name) not in ("head", "tail") and part and _may_hold_statements(part)
        }
        for name, part in inside.items():
            self._read(part, name, depth + 1)
        if inside or not value or self._add_entity(parts):
            return
        if not any(isinstance(part, str) and states_nothing(part) for part in value.values()):
            self._count_malformed()

    def _read_array(self, value: List[Any], label: Any, depth: int) -> None:
        if _is_triple(value):
            self._add_relations(*value[:3])
        elif label is not None and len(value) == 2 and all(map(_argument, value)):
            self._add_relations(value[0], label, value[1])
        else:
            for item in value:
                self._read(item, label, depth + 1)

    def _read_string(self, text: str, depth: int) -> None:
        """Read a string in the place of a statement: JSON, or another notation."""
        values = self._json.values(text)
        for value in values:
            self._read(value, depth=depth + 1)
        if values or states_nothing(text) or not text.strip():
            return
        triples = find_triples(text)
        for triple in triples:
            self._add_relations(*triple)
        if not triples:
            self._count_malformed()

    def _read_entities(self, value: Any, depth: int) -> None:
        """Read what stands in the place of the list of entities."""
        if depth > MAX_DEPTH:
            self._count_malformed()
        elif isinstance(value, list):
            if len(value) == 2 and depth > 1 and all(isinstance(item, str) for item in value):
                value = [{"text": value[0], "type": value[1]}]
            for item in value:
                self._read_entities(item, depth + 1)
        elif isinstance(value, dict):
            parts = self._parts(value)
            if "head" in parts and "tail" in parts:
                self._read(value, depth=depth)  # mem0 states relations there
            elif not self._add_entity(parts):
                for name, part in value.items():
                    self._read_entity_of(name, part, depth)
        elif isinstance(value, str):
            values = self._json.values(value)
            if values:
                for item in values:
                    self._read_entities(item, depth + 1)
            elif value.strip() and not states_nothing(value):
                self.entities.append(StatedEntity(value.strip()))
        elif value is not None:
            self._count_malformed()

    def _read_entity_of(self, name: Any, part: Any, depth: int) -> None:
        """Read entities that stand under a name: their type, their id or their words."""
        if isinstance(part, list):
            for item in part:
                self._read_entities(
                    {"text": item, "type": name} if _word(item) else item, depth + 1
                )
        elif isinstance(part, dict):
            has_text = "text" in self._parts(part)
            self._read_entities({"id" if has_text else "text": name, **part}, depth + 1)
        elif not self._add_entity({"text": name, "type": part}):
            self._count_malformed()

    def _part(self, name: Any) -> str:
        """Return the part that a name stands for, or an empty string."""
        plain = _plain_name(name)
        return self._keys.get(plain) or _usual_part(plain)

    def _parts(self, item: Mapping[Any, Any]) -> Parts:
        """Return the values of an object by part, the first value where there are several."""
        parts: Parts = {}
        for name, value in item.items():
            part = self._part(name)
            if part and parts.get(part) is None:
                parts[part] = value
        return parts

    def _add_relations(
        self, head: Any, label: Any, tail: Any, parts: Optional[Parts] = None
    ) -> None:
        """Note the relations between heads and tails, or count a malformed statement."""
        parts = parts or {}
        heads = _arguments(head, parts.get("head_type"))
        labels = [_label(item) for item in _listed(label)]
        tails = _arguments(tail, parts.get("tail_type"))
        n_relations = len(heads) * len(labels) * len(tails)
        if None in (*heads, *labels, *tails) or not 0 < n_relations <= MAX_PRODUCT:
            self._count_malformed()
        else:
            self.relations += [
                StatedRelation(first, str(written), second)
                for first in heads
                for written in labels
                for second in tails
            ]

    def _add_pair_labels(self, parts: Parts) -> bool:
        """Note the labels of a reply about one pair; return whether the object is such a reply."""
        name = next((n for n in ("label", "relation", "type", "answer") if n in parts), None)
        if name is None or {"head", "tail", "text", "id"} & parts.keys():
            return False
        if parts[name] is None:
            return True
        labels = [item.strip() for item in _listed(parts[name]) if isinstance(item, str)]
        if not all(labels) or not labels or len(labels) < len(_listed(parts[name])):
            return False
        self.relations += [StatedRelation(None, label, None) for label in labels]
        return True

    def _add_entity(self, parts: Parts) -> bool:
        """Note an entity; return whether the object is one."""
        text, kind = _word(_first(parts, "text", "id")), _first(parts, "type", "label")
        if not text or isinstance(kind, (dict, list)):
            return False
        self.entities.append(StatedEntity(text, _word(kind) or "", _word(parts.get("id"))))
        return True

    def _count_malformed(self) -> None:
        self.problems[MALFORMED_ITEM] += 1


def _plain_name(name: Any) -> str:
    """Return a name without white space, dashes, underscores and capitals."""
    return _SEPARATORS.sub("", str(name)).lower()


@lru_cache(maxsize=1024)
def _usual_part(plain: str) -> str:
    """Return the part that a plain name usually stands for, or an empty string."""
    side = _SIDE.fullmatch(plain)
    if side is None:
        return _PART_OF_NAME.get(plain, "")
    return ("head" if side["head"] else "tail") + ("_type" if side["type"] else "")


def _first(parts: Parts, *names: str) -> Any:
    return next((parts[name] for name in names if parts.get(name) is not None), None)


def _listed(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]


def _is_triple(items: List[Any]) -> bool:
    """Tell whether an array is head, label and tail, and maybe something more."""
    return (
        len(items) in (3, 4)
        and isinstance(items[1], str)
        and _argument(items[0]) is not None
        and _argument(items[2]) is not None
        and not any(isinstance(item, str) and find_triples(item) for item in items[:3])
    )


def _may_hold_statements(value: Any) -> bool:
    is_json = isinstance(value, str) and value.strip()[:1] in ("[", "{")
    return is_json or isinstance(value, (dict, list))


def _arguments(value: Any, kinds: Any) -> List[Optional[StatedArgument]]:
    """Return the arguments in a value, each with its type where there are as many types."""
    values, types = _listed(value), _listed(kinds)
    types = types if len(types) == len(values) else types[:1] * len(values)
    return [_argument(item, kind) for item, kind in zip(values, types)]


def _argument(value: Any, kind: Any = None) -> Optional[StatedArgument]:
    if isinstance(value, dict):
        parts: Parts = {}
        for name, part in value.items():
            parts.setdefault(_usual_part(_plain_name(name)), part)
        text, own_id = _word(parts.get("text")), _word(parts.get("id"))
        if not (text or own_id) or "head" in parts or "tail" in parts:
            return None
        kind = _first(parts, "type", "label") if kind is None else kind
        return StatedArgument(text, own_id, _word(kind))
    word = _word(value)
    if word is None:
        return None
    if isinstance(value, str):
        return StatedArgument(text=word, type=_word(kind))
    return StatedArgument(id=word, type=_word(kind))


def _label(value: Any) -> Optional[str]:
    """Return a label, which may be the name of an object or the only name in it."""
    if isinstance(value, dict):
        parts = {_usual_part(_plain_name(name)): part for name, part in value.items()}
        named = _first(parts, "text", "label", "relation", "type")
        value = next(iter(value)) if named is None and len(value) == 1 else named
    return (value.strip() or None) if isinstance(value, str) else None


def _word(value: Any) -> Optional[str]:
    """Return a string or whole number as a string, None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None
