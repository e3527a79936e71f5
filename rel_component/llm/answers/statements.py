"""From the values in a reply to the relations and entities that they state.

The values may have other names for the parts of a relation than those that were asked for, and the
nestings of well-known graph builders. Every complete statement is read; what cannot be read is counted.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...types import NO_RELATION
from .json_values import JsonReader
from .notations import find_triples, is_cypher
from .parts import Parts, first_of, listed, part_of, parts_of, plain_name, word_of

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

MAX_QUOTES = 8
"""Quotes of one statement that are read."""

_NOTHING = re.compile(
    r"[\W_]*(?:none|nothing|null|nil|n/?a|unrelated|not related|"
    r"(?:\w+ ){0,6}?no[ _-]?(?:\w+ ){0,3}?relation(?:ship)?s?(?: \w+){0,8})[\W_]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[a-zA-Z]{0,5}[_-]?\d{1,9}")
_LABEL_ALONE = re.compile(
    r"(?!```)[\W_]*(?:(?:the )?(?:answer|label|relation)(?: is)?\W{1,5})?"
    r"(?P<label>\w+(?:[ -]\w+){0,3})[\W_]*",
    re.IGNORECASE,
)


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
        quotes: the words that it is read from, as the reply quotes them.
        polarity: whether it holds, as the reply says it; None: it does not.
    """

    head: Optional[StatedArgument]
    label: str
    tail: Optional[StatedArgument]
    score: Optional[float] = None
    quotes: Tuple[str, ...] = ()
    polarity: Optional[str] = None


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
        problems: number of statements that could not be read, by reason.

    Args:
        keys: names of head, label and tail besides the usual ones.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.relations: List[StatedRelation] = []
        self.entities: List[StatedEntity] = []
        self.problems: Counter[str] = Counter()
        self._keys = dict(zip(map(plain_name, keys), ("head", "label", "tail")))
        self._json = JsonReader()
        self._n_blank = 0  # items of arrays in the place of a statement that state nothing

    def read_json(self, value: Any) -> None:
        """Read a reply that is strict JSON."""
        if isinstance(value, str):
            self.read_text(value)
        elif value is None or isinstance(value, (dict, list)):
            self._read(value)
            self._count_blanks()
        else:
            self.problems[NOT_JSON] += 1

    def read_text(self, text: str, *, is_cut: bool = False) -> None:
        """Read a reply that is not strict JSON."""
        values = [] if is_cypher(text) else self._json.values(text, is_cut=is_cut)
        for value in values:
            self._read(value)
        self._count_blanks()
        if is_cut and not values:
            self._add_triples(text[: text.rfind("\n") + 1])  # the last line may be incomplete
            self.problems[TRUNCATED] += 1
        elif self._json.is_cut:
            self.problems[TRUNCATED] += 1
        elif not values and not states_nothing(text) and not self._add_triples(text):
            label = _LABEL_ALONE.fullmatch(text) if len(text) <= 100 else None
            if label is not None:
                self.relations.append(StatedRelation(None, label["label"], None))
            else:
                self.problems[NOT_JSON] += 1

    def _read(self, value: Any, label: Any = None, depth: int = 0) -> None:
        """Read a value, which may stand under a name: the label of relations that state none."""
        if depth > MAX_DEPTH:
            self._count_malformed()
        elif isinstance(value, dict):
            self._read_object(value, label, depth)
        elif isinstance(value, list):
            self._read_array(value, label, depth)
        elif isinstance(value, str):
            values = self._json.values(value)
            for item in values:
                self._read(item, label, depth + 1)
            is_empty = states_nothing(value) or not value.strip()
            if not values and not is_empty and not self._add_triples(value):
                self._count_malformed()
        elif value is not None:
            self._count_malformed()

    def _read_object(self, value: Dict[Any, Any], label: Any, depth: int) -> None:
        parts = parts_of(value, self._keys)
        stated = first_of(parts, "label", "relation", "type", "answer", "name", "link") or label
        has_sides = "head" in parts and "tail" in parts
        if has_sides and (stated or not {"entities", "relations"} & parts.keys()):
            self._add_relations(parts["head"], stated, parts["tail"], parts)
        elif "entities" in parts or "relations" in parts:
            listed_entities, relation = parts.get("entities"), first_of(parts, "label", "relation")
            if relation is not None and "relations" not in parts and _is_pair(listed_entities):
                head, tail = listed(listed_entities)
                self._add_relations(head, relation, tail)
                return
            self._read_entities(listed_entities, depth + 1)
            if "relations" in parts:
                self._read(parts["relations"], depth=depth + 1)
            else:  # they may stand under any name
                self._read_inside(value, parts, depth)
        elif "pairs" in parts and {"label", "relation", "type"} & parts.keys():
            self._read(parts["pairs"], stated, depth + 1)
        elif not self._add_pair_labels(parts):
            self._read_other(value, parts, depth)

    def _read_other(self, value: Dict[Any, Any], parts: Parts, depth: int) -> None:
        """Read an object that is neither a relation nor has lists under the usual names."""
        if self._read_inside(value, parts, depth) or not value or self._add_entity(parts):
            return
        if all(part in ([], {}) for part in value.values()):
            return  # labels without relations
        if not any(isinstance(part, str) and states_nothing(part) for part in value.values()):
            self._count_malformed()

    def _read_inside(self, value: Dict[Any, Any], parts: Parts, depth: int) -> bool:
        """Read what an object holds under names of its own; return whether there is anything."""
        label = first_of(parts, "label", "relation", "type")
        inside = {
            name: part
            for name, part in value.items()
            if part_of(name, self._keys) not in ("head", "tail", "entities")
            and _may_hold_statements(part)
        }
        for name, part in inside.items():
            self._read(part, label if isinstance(label, str) else name, depth + 1)
        return bool(inside)

    def _read_array(self, value: List[Any], label: Any, depth: int) -> None:
        if _is_triple(value):
            if not all(isinstance(item, str) and part_of(item, self._keys) for item in value):
                head, written, tail, *more = value  # and no heading of columns
                self._add_relations(head, written, tail, {"quote": more})
        elif label is not None and _is_pair(value):
            self._add_relations(value[0], label, value[1])
        else:
            for item in value:
                self._n_blank += item in (None, "", [], {})
                self._read(item, label, depth + 1)

    def _read_entities(self, value: Any, depth: int) -> None:
        """Read a value in the place of the list of entities."""
        if depth > MAX_DEPTH:
            self._count_malformed()
        elif isinstance(value, list):
            if len(value) == 2 and depth > 1 and all(isinstance(item, str) for item in value):
                value = [{"text": value[0], "type": value[1]}]
            for item in value:
                self._read_entities(item, depth + 1)
        elif isinstance(value, dict):
            parts = parts_of(value, self._keys)
            if "head" in parts and "tail" in parts:
                self._read(value, depth=depth)  # mem0 states relations there
            elif not self._add_entity(parts):
                for name, part in value.items():
                    self._read_entity_of(name, part, depth)
        elif isinstance(value, str):
            values = self._json.values(value)
            for item in values:
                self._read_entities(item, depth + 1)
            if not values and value.strip() and not states_nothing(value):
                self.entities.append(StatedEntity(value.strip()))
        elif value is not None:
            self._count_malformed()

    def _read_entity_of(self, name: Any, part: Any, depth: int) -> None:
        """Read entities that stand under a name: their type, their id or their words."""
        if isinstance(part, list):
            for item in part:
                entity = {"text": item, "type": name} if word_of(item) else item
                self._read_entities(entity, depth + 1)
        elif isinstance(part, dict):
            has_text = {"text", "name"} & parts_of(part).keys()
            self._read_entities({"id" if has_text else "text": name, **part}, depth + 1)
        elif not self._add_entity({"text": name, "type": part}):
            self._count_malformed()

    def _add_relations(
        self, head: Any, label: Any, tail: Any, parts: Optional[Parts] = None
    ) -> None:
        """Note the relations between heads and tails, or count a malformed statement."""
        parts = parts or {}
        heads = _arguments(head, parts.get("head_type"))
        labels = [_label(item) for item in listed(label)]
        tails = _arguments(tail, parts.get("tail_type"))
        n_relations = len(heads) * len(labels) * len(tails)
        if None in (*heads, *labels, *tails) or not 0 < n_relations <= MAX_PRODUCT:
            self._count_malformed()
            return
        are_columns = len(heads) == len(labels) == len(tails)
        rows = zip(heads, labels, tails) if are_columns else product(heads, labels, tails)
        self.relations += [
            StatedRelation(first, str(written), second, None, *_claims(parts))
            for first, written, second in rows
        ]

    def _add_triples(self, text: str) -> bool:
        """Note the relations in a text without JSON; return whether there are any."""
        triples = find_triples(text)
        for triple in triples:
            self._add_relations(*triple)
        return bool(triples)

    def _add_pair_labels(self, parts: Parts) -> bool:
        """Note the labels of a reply about one pair; return whether the object is such a reply."""
        part = next((n for n in ("label", "relation", "type", "answer") if n in parts), None)
        if part is None or {"head", "tail", "text", "name", "id"} & parts.keys():
            return False
        labels = [] if parts[part] is None else listed(parts[part])
        if not all(isinstance(label, str) and label.strip() for label in labels):
            return False
        self.relations += [
            StatedRelation(None, label.strip(), None, None, *_claims(parts)) for label in labels
        ]
        return True

    def _add_entity(self, parts: Parts) -> bool:
        """Note an entity; return whether the object is one."""
        names, own_id = ["text", "name", "id"], word_of(parts.get("id"))
        kinds = listed(first_of(parts, "type", "label"))
        if own_id and _NUMBER.fullmatch(own_id) and not {"text", "name", "type"} & parts.keys():
            names, kinds = ["label", "id"], [None]  # a node whose name is its label
        text = word_of(first_of(parts, *names))
        if not text or len(kinds) > 1 or isinstance(kinds[0], (dict, list)):
            return False
        if {"head", "tail", "link"} & parts.keys():
            return False  # an incomplete relation
        self.entities.append(StatedEntity(text, word_of(kinds[0]) or "", own_id))
        return True

    def _count_malformed(self) -> None:
        self.problems[MALFORMED_ITEM] += 1

    def _count_blanks(self) -> None:
        """Count a reply that holds nothing but blank items: it does not say that there is nothing."""
        if self._n_blank and not (self.relations or self.problems):
            self._count_malformed()


def _is_triple(items: List[Any]) -> bool:
    """Tell whether an array is head, label and tail, and maybe something more."""
    return (
        len(items) in (3, 4)
        and isinstance(items[1], str)
        and _argument(items[0]) is not None
        and _argument(items[2]) is not None
        and not any(isinstance(item, str) and find_triples(item) for item in items[:3])
    )


def _is_pair(value: Any) -> bool:
    """Tell whether a value is an array of a head and a tail."""
    return isinstance(value, list) and len(value) == 2 and all(map(_argument, value))


def _may_hold_statements(value: Any) -> bool:
    is_json = isinstance(value, str) and value.strip()[:1] in ("[", "{")
    return is_json or bool(value and isinstance(value, (dict, list)))


def _arguments(value: Any, kinds: Any) -> List[Optional[StatedArgument]]:
    """Return the arguments in a value, each with its type where there are as many types."""
    values, types = listed(value), listed(kinds)
    types = types if len(types) == len(values) else types[:1] * len(values)
    return [_argument(item, kind) for item, kind in zip(values, types)]


def _argument(value: Any, kind: Any = None) -> Optional[StatedArgument]:
    """Return an argument, a string, a number or an object with its words or id."""
    if not isinstance(value, dict):
        text, own_id = (value, None) if isinstance(value, str) else (None, value)
    else:
        parts = parts_of(value)
        text, own_id = first_of(parts, "text", "name"), parts.get("id")
        kind = listed(first_of(parts, "type", "label"))[0] if kind is None else kind
        if "head" in parts or "tail" in parts:
            return None  # a relation with an id
    argument = StatedArgument(word_of(text), word_of(own_id), word_of(kind))
    return argument if argument.name else None


def _claims(parts: Parts) -> Tuple[Tuple[str, ...], Optional[str]]:
    """Return the quotes and the polarity of a statement."""
    quotes = tuple(quote for quote in listed(parts.get("quote")) if isinstance(quote, str))
    return quotes[:MAX_QUOTES], word_of(parts.get("polarity"))


def _label(value: Any) -> Optional[str]:
    """Return a label, which may be the name of an object or the only name in it."""
    if isinstance(value, dict):
        named = first_of(parts_of(value), "name", "text", "label", "relation", "type")
        value = next(iter(value)) if named is None and len(value) == 1 else named
    return (value.strip() or None) if isinstance(value, str) else None
