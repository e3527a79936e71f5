"""From the heads and tails that a reply states to spans of the document."""

import re
from collections import Counter
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span

from ...mentions import normalize_name, words_of
from .grounding import MAX_NAME, Grounder, bare_name, same_names
from .statements import StatedArgument, StatedEntity

UNKNOWN_MENTION = "unknown_mention"
"""Reason of a drop: the argument is none of the given mentions, or contradicts itself."""

NOT_IN_TEXT = "not_in_text"
"""Reason of a drop: the document does not hold the name."""

WRONG_TYPE = "wrong_type"
"""Reason of a drop: the entity has no type, or one that is not accepted."""

TYPE_SPELLING = "type_spelling"
"""Repair: an entity type with other capitals, spaces or punctuation."""

MAX_WORD = 60
"""Characters of a label or an entity type, where any is accepted."""

SpansByType = Dict[Optional[str], List[Span]]
"""The spans that an argument may mean, by entity type; None: no type is stated."""

_ID = re.compile(r"[<\[(]{0,2}(M|ENT|)([0-9]{1,6})[>\])]{0,2}", re.IGNORECASE)
_ID_BEFORE = re.compile(r"[<\[(]?(M[0-9]{1,6})\b[>\])]?\W*", re.IGNORECASE)
_ID_BEHIND = re.compile(r"\s*[(\[<]/?(M[0-9]{1,6})[)\]>]$", re.IGNORECASE)
_TYPE_BEHIND = re.compile(r"([^:]{1,200}):\s?([A-Za-z_]\w{0,50})")


class Drop(Exception):
    """A statement cannot be used.

    Args:
        reason: the reason under which reports count it.
        message: what is wrong, for the model.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class GivenMentions:
    """Finds arguments among given mentions, by their ids or names.

    Args:
        mentions: the mentions by id.
        knows_numbers: whether 1 means M1; not where the reply counts from 0.
    """

    def __init__(self, mentions: Mapping[str, Span], *, knows_numbers: bool = True) -> None:
        self._mentions = mentions
        self._spans = list(mentions.values())
        self._texts = [span.text for span in self._spans]
        self._knows_numbers = knows_numbers
        self._names: Dict[str, str] = {}  # of ids that the reply itself gives to mentions
        self._own_numbers: Dict[str, str] = {}  # the names of mentions that the reply itself counts
        self._by_name: Dict[str, List[Span]] = {}

    def add(self, stated: StatedEntity) -> None:
        """Note an id that the reply gives to a mention.

        Raises:
            Drop: if there is no such mention.
        """
        if stated.id is not None and stated.id.isdigit() and self._with_name(stated.text):
            self._own_numbers[stated.id] = stated.text
            return
        self.find(StatedArgument(stated.text, stated.id))
        if stated.id is not None:
            self._names.setdefault(stated.id, stated.text)

    def find(self, argument: StatedArgument) -> SpansByType:
        """Return the mentions that an argument may mean, at least one.

        Raises:
            Drop: if there is none.
        """
        own = self._own_numbers.get(argument.id or argument.name)
        text_id, name = ("", own) if own is not None else _split_id(argument.name)
        given = None if own is not None else self._with_id(argument.id) or self._with_id(text_id)
        named = self._with_name(name)
        if given is None and not named:
            named = self._with_name(self._names.get(argument.name, ""))
        if (given is None and not named) or (given is not None and named and given not in named):
            known = ", ".join(self._mentions)
            raise Drop(UNKNOWN_MENTION, f"{quoted(argument.name)} is not one of {known}")
        spans_by_type: SpansByType = {}
        for span in named if given is None else [given]:
            spans_by_type.setdefault(span.label_, []).append(span)
        return spans_by_type

    def _with_id(self, stated: Optional[str]) -> Optional[Span]:
        match = _ID.fullmatch(stated.strip()) if stated else None
        if match is None:
            return None
        prefix, number = match[1].upper(), int(match[2])
        if prefix == "ENT":
            number += 1  # of spacy-llm, which counts from 0
        elif not prefix and not self._knows_numbers:
            return None
        return self._mentions.get(f"M{number}")

    def _with_name(self, name: str) -> List[Span]:
        if name not in self._by_name:
            same = same_names(name, self._texts) or same_names(_split_type(name)[0], self._texts)
            self._by_name[name] = [self._spans[i] for i in same]
        return self._by_name[name]


class NamedEntities:
    """Finds arguments that are names of entities in the document, which the reply may list too.

    Args:
        doc: the document.
        window: where to look; None: everywhere.
        entity_types: types that entities may have; empty: any.
        min_similarity: see :class:`Grounder`.
        repaired: where repairs are counted.

    Attributes:
        listed: the first place of each entity that the reply lists, with its type if it has one.
    """

    def __init__(
        self,
        doc: Doc,
        window: Optional[Span],
        entity_types: Sequence[str],
        min_similarity: float,
        repaired: "Counter[str]",
    ) -> None:
        self._grounder = Grounder(doc, window=window, min_similarity=min_similarity)
        self._entity_types = entity_types
        self._repaired = repaired
        self.listed: List[Tuple[Span, Optional[str]]] = []
        self._names: Dict[str, str] = {}  # of the listed entities, by id, name and bare name
        self._types: Dict[Tuple[int, int], List[str]] = {}  # stated ones, by first place

    def add(self, stated: StatedEntity) -> None:
        """Note an entity that the reply lists.

        Raises:
            Drop: if it cannot be used.
        """
        spans, kind = self._places(stated.text)
        kind = stated.type or kind
        accepted = self._accepted(kind)
        if kind and accepted is None:
            known = ", ".join(self._entity_types) or f"words of at most {MAX_WORD} characters"
            raise Drop(WRONG_TYPE, f"type {quoted(kind)} is not one of {known}")
        for key in (stated.id, stated.text, bare_name(stated.text[:MAX_NAME])):
            if key:
                self._names.setdefault(key, stated.text)
        types = self._types.setdefault(_place(spans), [])
        if accepted is not None and accepted not in types:
            types.append(accepted)
        self.listed.append((spans[0], accepted))

    def find(self, argument: StatedArgument) -> SpansByType:
        """Return the places that an argument may mean, at least one.

        Raises:
            Drop: if there is none.
        """
        keys = (argument.id, argument.name, bare_name(argument.name[:MAX_NAME]))
        listed = next((self._names[key] for key in keys if key in self._names), argument.name)
        spans, kind = self._places(listed)
        accepted = self._accepted(argument.type or kind)
        if accepted is not None:
            return {accepted: spans}
        types: Sequence[Optional[str]] = self._types.get(_place(spans)) or [None]
        return dict.fromkeys(types, spans)

    def _places(self, name: str) -> Tuple[List[Span], str]:
        """Return where a name stands, and the type behind it if it has one: ``Apple (ORG)``."""
        bare, kind = _split_type(name)
        spans = self._grounder.find(name, fuzzy=not kind)
        if spans:
            return spans, ""
        spans = self._grounder.find(bare) if kind else []
        if not spans:
            raise Drop(NOT_IN_TEXT, f"{quoted(name)} is not in the document")
        return spans, kind

    def _accepted(self, stated: str) -> Optional[str]:
        """Return the type that is meant, or None if there is none or it is not accepted."""
        if not self._entity_types:
            return stated if is_word(stated) else None
        if stated in self._entity_types:
            return stated
        same = [
            kind
            for kind in self._entity_types
            if normalized_word(kind) == normalized_word(stated) != ""
        ]
        if len(same) != 1:
            return None
        self._repaired[TYPE_SPELLING] += 1
        return same[0]


def normalized_word(word: str) -> str:
    """Return a label or type without capitals, spaces and punctuation."""
    return "".join(words_of(normalize_name(word)))


def is_word(word: str) -> bool:
    """Tell whether a label or type is printable and short, where any is accepted."""
    return 0 < len(word) <= MAX_WORD and word.isprintable() and not word.isspace()


def quoted(text: str) -> str:
    """Return the words of a reply, short enough for a message."""
    return repr(text[:MAX_WORD])


def _split_type(name: str) -> Tuple[str, str]:
    """Return a name and the type in brackets or behind a colon, which is empty if there is none."""
    name = name.strip()
    opener = {")": "(", "]": "["}.get(name[-1:])
    if opener is None:
        match = _TYPE_BEHIND.fullmatch(name)
        return (match[1].strip(), match[2]) if match else (name, "")
    bare, _, kind = name[:-1].rpartition(opener)
    return (bare.strip(), kind.strip()) if bare.strip() and kind.strip() else (name, "")


def _split_id(text: str) -> Tuple[str, str]:
    """Return the id in a text, if there is one, and the name beside it."""
    text = text.strip()
    if _ID.fullmatch(text):
        return text, text if text.isdigit() else ""
    before, behind = _ID_BEFORE.match(text), _ID_BEHIND.search(text)
    if before is None and behind is None:
        return "", text
    ids = [match[1] for match in (before, behind) if match]
    start, end = before.end() if before else 0, behind.start() if behind else len(text)
    return ids[0], text[start:end]


def _place(spans: Sequence[Span]) -> Tuple[int, int]:
    return spans[0].start, spans[0].end
