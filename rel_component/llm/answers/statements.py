"""Statements in values: what objects and lists say, under whatever names."""

import re
from collections import Counter
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from ...types import NO_RELATION
from .loose_json import BareText, Text, loose_values
from .part_names import (
    ENTITIES,
    HEAD,
    HEAD_TYPE,
    ID,
    LABEL,
    RELATIONS,
    TAIL,
    TAIL_TYPE,
    TEXT,
    TYPE,
    Parts,
    first_of,
    parts_of,
    plain_name,
)
from .stated import Argument, StatedEntity, StatedRelation
from .wording import worded_label, worded_triples

MALFORMED_ITEM = "malformed_item"
"""Reason of a drop: a statement without head, label and tail."""

TRUNCATED = "truncated"
"""Reason of a drop: a statement that is cut off at the end of the answer."""

MAX_CHARACTERS = 100_000
"""Characters of a text that are read where it is not JSON."""

MAX_PRODUCT = 100
"""Relations that one object with lists of heads, labels and tails may stand for."""

_NONE = re.compile(
    r"[\W_]*(?:none|nothing|null|nil|n/?a|unrelated|not related|"
    r"(?:\w+ ){0,6}?no[ _-]?(?:\w+ ){0,3}?relation(?:ship)?s?(?: \w+){0,8})[\W_]*",
    re.IGNORECASE,
)


def states_nothing(text: str) -> bool:
    """Whether a text says in words that there is no relation."""
    text = text.strip()
    return len(text) <= 150 and (text.upper() == NO_RELATION or bool(_NONE.fullmatch(text)))


class StatementReader:
    """Collects the statements of values as :func:`loose_values` gives them.

    relations, entities: the whole ones, in their order.
    problems: what is not whole, by reason.

    Args:
        keys: names for head, label and tail, besides the usual ones.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self.relations: List[StatedRelation] = []
        self.entities: List[StatedEntity] = []
        self.problems: Counter[str] = Counter()
        own: List[Tuple[str, ...]] = [(plain_name(key),) for key in keys] or [(), (), ()]
        self._head, self._label, self._tail = own[0] + HEAD, own[1] + LABEL, own[2] + TAIL
        self._label_alone = (*own[1], "label", "relation")
        self._sides = {*self._head, *self._tail}
        self._has_places = True

    def read(self, value: Any) -> bool:
        """Read a value; returns whether it is an answer or a statement, or a part of one."""
        if isinstance(value, dict):
            return self._read_object(value)
        if isinstance(value, list):
            if value and len(value) < 3 and all(map(_is_bare, value)):
                return False  # [1] or [Apple] in a sentence
            self._read_list(value)
            return True
        return value is None or (isinstance(value, str) and self._read_inside(value))

    def read_all(self, values: Iterable[Any]) -> bool:
        """Read values; returns whether one of them is an answer or a statement, or a part of one."""
        return any([self.read(value) for value in values])  # noqa: C419  # reads all of them

    def read_words(self, text: str, *, is_whole: bool = True) -> bool:
        """Read triples in words, or a label that is the whole text; returns whether there are any."""
        triples = worded_triples(text)
        for head, label, tail, place in triples:
            self._add({}, head, Text.at(label, place), tail)
        alone = worded_label(text) if is_whole and not triples else None
        if alone is not None:
            self._note(None, Text.at(*alone), None)
        return bool(triples) or alone is not None

    def is_as_asked(self, value: Any) -> bool:
        """Whether decoded JSON has the form that prompts ask for."""
        if not isinstance(value, dict):
            return False
        if len(value) == 1 and "relations" not in value:
            ((key, label),) = value.items()
            return plain_name(key) in self._label_alone and isinstance(label, str)
        entities, relations = value.get("entities", []), value.get("relations")
        return (
            set(value) <= {"entities", "relations"}
            and isinstance(entities, list)
            and isinstance(relations, list)
            and all(_is_object(item, 2) and {"text", "type"} == item.keys() for item in entities)
            and all(_is_object(item, 3) and self._is_relation(item) for item in relations)
        )

    # Objects

    def _read_object(self, value: Dict[Any, Any], label: Any = None) -> bool:
        """Read an object, an answer or a statement. label: under which it stands, if under one."""
        parts = parts_of(value)
        head, tail = first_of(parts, self._head), first_of(parts, self._tail)
        stated = first_of(parts, self._label)
        if stated is None and head is not None and tail is not None:
            stated = parts.get("name", label)
        may_be_whole = not (head is None or stated is None or tail is None)
        whole = may_be_whole and self._add(parts, head, stated, tail)
        lists = [name for name in (*ENTITIES, *RELATIONS) if name in parts]
        for name in lists:
            if name in ENTITIES:
                self._read_entities(parts[name])
            else:
                self._read_relations(parts[name])
        if whole or lists or (not value and not _is_cut(value)):
            return True
        if self._read_other(value, parts):
            return True
        if value and all(map(_is_bare, value)):
            return False  # braces of something else
        self._drop(value)
        return True

    def _read_other(self, value: Dict[Any, Any], parts: Parts) -> bool:
        """Read an object that is neither a relation nor has lists under the usual names."""
        sides = self._sides & parts.keys()
        inside = {
            key: part
            for key, part in value.items()
            if isinstance(part, (dict, list)) and part and not self._is_part(key, part)
        }
        if inside and all(map(_is_bare, value)):
            return self.read_all(inside.values())
        for key, part in inside.items():
            self._read_under(key, part)
        texts = [part for part in parts.values() if isinstance(part, str)]
        if inside or sum(map(self._read_encoded, texts)):
            return True
        if sides:
            return False
        return self._add_entity(parts) or self._add_labels(parts) or any(map(states_nothing, texts))

    def _read_relations(self, value: Any) -> None:
        """Read what stands in the place of the list of relations."""
        if isinstance(value, dict):
            parts = parts_of(value)
            named = self._sides & parts.keys()
            if named or not any(isinstance(part, (dict, list)) for part in value.values()):
                self._read_item(value)
            else:
                for key, part in value.items():
                    self._read_under(key, part)
        elif isinstance(value, list):
            self._read_list(value)
        else:
            self._read_item(value)

    def _read_under(self, key: Any, value: Any) -> None:
        """Read a value under a name that may be the label of the relations in it."""
        is_pair = isinstance(value, list) and len(value) == 2
        if is_pair and self._is_triple([value[0], key, value[1]]):
            self._read_item(value, key)
        else:
            self._read_list(_listed(value), key)

    def _read_entities(self, value: Any) -> None:
        """Read what stands in the place of the list of entities."""
        if isinstance(value, list):
            for item in value:
                self._read_entity(item)
        elif not isinstance(value, dict):
            self._read_entity(value)
        elif not self._add_entity(parts_of(value)):
            for key, part in value.items():
                if isinstance(part, list):  # names by type
                    for name in part:
                        self._read_entity([name, key] if isinstance(name, str) else name)
                elif isinstance(part, dict):  # objects by id or by name
                    has_name = not set(TEXT).isdisjoint(parts_of(part))
                    self._read_entity({"id" if has_name else "text": key, **part})
                else:  # types by name
                    self._read_entity({"text": key, "type": part})

    def _read_entity(self, item: Any) -> None:
        if isinstance(item, list) and len(item) == 2:
            item = {"text": item[0], "type": item[1]}
        elif isinstance(item, str):
            item = {} if states_nothing(item) or not item.strip() else {"text": item}
        if item in (None, {}, []):
            return
        parts = parts_of(item) if isinstance(item, dict) else {}
        if (_is_cut(item) and first_of(parts, TYPE) is None) or not self._add_entity(parts):
            self._drop(item)

    # Lists

    def _read_list(self, value: List[Any], label: Any = None) -> None:
        if self._is_triple(value):
            self._add({}, *value[:3])
        elif _is_cut(value) and _all_scalars(value) and not any(map(_is_worded, value)):
            self._drop(value)
        else:
            for item in value:
                self._read_item(item, label)

    def _read_item(self, item: Any, label: Any = None) -> None:
        """Read what should be a relation. label: under which it stands, if under one."""
        if isinstance(item, dict):
            is_read = not item or self._read_object(item, label)
        elif isinstance(item, list):
            is_read = not item or self._add_pair(item, label)
            if not is_read and (self._is_triple(item) or not _all_scalars(item)):
                self._read_list(item, label)
                is_read = True
        elif isinstance(item, BareText):
            is_read = not _is_worded(item) or self.read_words(item)
        elif isinstance(item, str):
            is_read = not item.strip() or self._read_inside(item)
        else:
            is_read = item is None
        if not is_read:
            self._drop(item)

    def _is_triple(self, item: List[Any]) -> bool:
        """Whether a list is head, label and tail, and maybe something more."""
        return (
            len(item) in (3, 4)
            and isinstance(item[1], str)
            and _argument(item[0]) is not None
            and _argument(item[2]) is not None
            and not any(isinstance(part, dict) and self._is_relation(part) for part in item)
            and not any(map(_is_worded, item[:3]))
        )

    def _is_part(self, key: Any, value: Any) -> bool:
        """Whether an object or list is head, tail or labels rather than something else inside."""
        name = plain_name(key)
        is_label = name in self._label and isinstance(value, list) and _all_scalars(value)
        return is_label or name in self._head or name in self._tail

    def _is_relation(self, item: Dict[Any, Any]) -> bool:
        names = parts_of(item).keys()
        return all(not names.isdisjoint(part) for part in (self._head, self._label, self._tail))

    # Strings

    def _read_inside(self, text: str) -> bool:
        """Read a string that holds an answer or a statement."""
        if states_nothing(text) or self._read_encoded(text):
            return True
        if len(text) > MAX_CHARACTERS:
            return False
        had_places, self._has_places = self._has_places, False
        is_read = self.read_words(text)
        self._has_places = had_places
        return is_read

    def _read_encoded(self, text: str) -> bool:
        """Read JSON in a string."""
        text = text.strip()
        if not 2 < len(text) <= MAX_CHARACTERS or text[0] + text[-1] not in ("{}", "[]"):
            return False
        if not self._has_places:
            return False
        self._has_places = False  # which also keeps strings in strings out
        is_read = self.read_all(loose_values(text).values)
        self._has_places = True
        return is_read

    # Statements

    def _add(self, parts: Parts, head: Any, label: Any, tail: Any) -> bool:
        """Note the relations of heads, labels and tails; returns whether there are all of them."""
        head_type, tail_type = first_of(parts, HEAD_TYPE), first_of(parts, TAIL_TYPE)
        heads = [_argument(part, head_type) for part in _listed(head)]
        labels = [_label(part) for part in _listed(label)]
        tails = [_argument(part, tail_type) for part in _listed(tail)]
        if not 0 < len(heads) * len(labels) * len(tails) <= MAX_PRODUCT:
            return False
        if None in heads or None in labels or None in tails:
            return False
        for first in heads:
            for written in labels:
                for second in tails:
                    self._note(first, written, second)
        return True

    def _add_pair(self, item: List[Any], label: Any) -> bool:
        """Note the relation of a head and a tail under their label."""
        return len(item) == 2 and label is not None and self._add({}, item[0], label, item[1])

    def _add_labels(self, parts: Parts) -> bool:
        """Note the labels of an answer about a pair."""
        name = next((name for name in self._label if name in parts), None)
        if name is None or not {*TEXT, *ID}.isdisjoint(parts):
            return False
        labels = [_label(part) for part in _listed(parts[name])]
        if None in labels:
            return parts[name] is None
        for label in labels:
            self._note(None, label, None)
        return True

    def _note(
        self, head: Optional[Argument], label: Optional[Text], tail: Optional[Argument]
    ) -> None:
        place = label.start if label is not None and self._has_places else None
        self.relations.append(StatedRelation(head, str(label), tail, place))

    def _add_entity(self, parts: Parts) -> bool:
        name, kind, id = first_of(parts, TEXT), first_of(parts, TYPE), first_of(parts, ID)
        argument = _argument(name) if not isinstance(name, dict) else None
        if argument is None or isinstance(kind, (dict, list)):
            return False
        text = argument.text or argument.id or ""
        self.entities.append(StatedEntity(text, _word(kind) or "", _word(id)))
        return True

    def _drop(self, value: Any) -> None:
        self.problems[TRUNCATED if _is_cut(value) else MALFORMED_ITEM] += 1


def _listed(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]


def _argument(value: Any, kind: Any = None) -> Optional[Argument]:
    if isinstance(value, dict):
        parts = parts_of(value)
        text, id = _word(first_of(parts, TEXT)), _word(first_of(parts, ID))
        kind = first_of(parts, TYPE) if kind is None else kind
        return Argument(text, id, _word(kind)) if text or id else None
    word = _word(value)
    if word is None:
        return None
    if isinstance(value, str):
        return Argument(text=word, type=_word(kind))
    return Argument(id=word, type=_word(kind))


def _label(value: Any) -> Optional[Text]:
    if isinstance(value, dict):
        value = first_of(parts_of(value), ("name", *LABEL, *TEXT))
    if not isinstance(value, str) or not value.strip():
        return None
    label = Text(value.strip())
    if isinstance(value, Text) and value.start is not None:
        label.start = value.start + len(value) - len(value.lstrip())
    return label


def _word(value: Any) -> Optional[str]:
    """A string or whole number as a string, None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return str(value).strip() or None if isinstance(value, str) else None


def _is_object(item: Any, n_parts: int) -> bool:
    """Whether a value is an object of so many strings."""
    return (
        isinstance(item, dict)
        and len(item) == n_parts
        and all(isinstance(part, str) for part in item.values())
    )


def _all_scalars(items: Iterable[Any]) -> bool:
    return not any(isinstance(item, (dict, list)) for item in items)


def _is_bare(value: Any) -> bool:
    return isinstance(value, (BareText, int, float))


def _is_cut(value: Any) -> bool:
    return getattr(value, "cut", False)


def _is_worded(value: Any) -> bool:
    return isinstance(value, str) and bool(worded_triples(value))
