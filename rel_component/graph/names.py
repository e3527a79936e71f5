"""Which entities of documents are one node, and the text that all formats can hold."""

import re
from collections import Counter
from datetime import date
from functools import lru_cache
from typing import Collection, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ..converters.annotated import AnnotatedMention
from ..mentions import normalize_name
from ..models.pairs.coref_categories import DETERMINERS, PRONOUNS
from ..types import NO_LINK

KB_PREFIX, NAME_PREFIX, MENTION_PREFIX, EVENT_PREFIX = "kb:", "name:", "mention:", "event:"
_PREFIXES = (KB_PREFIX, NAME_PREFIX, MENTION_PREFIX, EVENT_PREFIX)

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class NamedEntity(NamedTuple):
    """An entity of one document.

    Attributes:
        key: id of its node.
        kb_id: its id in a knowledge base, empty if none.
        names: the names that it has in the document, each with the type of its mention.
    """

    key: str
    kb_id: str
    names: "Collection[tuple[str, str]]"


class KnownNames:
    """Names of entities of many documents, as ``spacy rel canonicalize`` writes them.

    Args:
        entities: id, names and types of each.
    """

    def __init__(self, entities: Iterable["tuple[str, Iterable[str], Iterable[str]]"] = ()) -> None:
        self._by_name: Dict[str, Dict[str, frozenset[str]]] = {}
        for entity_id, names, types in entities:
            for name in names:
                known = self._by_name.setdefault(normalize_name(name), {})
                known[entity_id] = frozenset(types)

    def find(self, name: str, label: str) -> str:
        """The id of the only entity of that name whose types fit; empty if there are none or several."""
        known = self._by_name.get(normalize_name(name), {}) if self._by_name else {}
        fitting = [
            entity_id
            for entity_id, types in known.items()
            if not label or not types or label in types
        ]
        return fitting[0] if len(fitting) == 1 else ""


def writable(text: str) -> str:
    """A text without the characters that XML and databases refuse, of the same length.

    Characters of control have pictures of them in their place (U+2400 and following), except for tabs
    and line breaks; halves of pairs and what is no character become U+FFFD.
    """
    return _UNWRITABLE.sub(_picture, text) if _UNWRITABLE.search(text) else text


def find_entity(
    members: Sequence[AnnotatedMention],
    own: AnnotatedMention,
    text: str,
    known: KnownNames,
    place: str,
) -> NamedEntity:
    """The node of an entity of a document.

    It is that of its id in a knowledge base, which `own` has or another mention; or of the id that its
    name has in many documents; or else of its name without case, and its type. Words that are no name,
    see :func:`is_name`, are a node of their document.

    Args:
        members: its mentions, of which `own` is one.
        own: the mention that takes part in a relation.
        text: text of the document.
        known: names of entities of many documents.
        place: name of the document, unique among all.
    """
    if len(members) == 1:
        name, label, kb_id = _name(own, text), writable(own.label), _linked(own)
        names: Collection[Tuple[str, str]] = [(name, label)]
    else:
        labelled = [mention for mention in members if mention.label] or list(members)
        counts = Counter((_name(mention, text), writable(mention.label)) for mention in labelled)
        counts = Counter({pair: n for pair, n in counts.items() if is_name(*pair)}) or counts
        kb_id = next(filter(None, map(_linked, (own, *members))), "")
        names, (name, label) = counts, _representative(counts)
    kb_id = writable(kb_id) or known.find(name, label)
    if kb_id:
        escaped = kb_id.startswith(_PREFIXES)
        return NamedEntity(f"{KB_PREFIX}{kb_id}" if escaped else kb_id, kb_id, names)
    if is_name(name, label):
        return NamedEntity(name_key(name, label), "", names)
    return NamedEntity(
        f"{MENTION_PREFIX}{writable(place)}:{_escaped(normalize_name(name))}", "", names
    )


def is_name(name: str, label: str) -> bool:
    """Whether words may mean the same in another document.

    English pronouns do not, nor do words without a type that have neither a capital nor a digit, but for
    a determiner at their beginning: "The company". Scripts without case are not judged.

    Args:
        name: the words.
        label: type of the entity; empty: none.
    """
    first, *others = name.split() or [""]
    if not others and first.lower() in PRONOUNS and (first.islower() or first.istitle()):
        return False
    rest = " ".join(others) if others and first.lower() in DETERMINERS else name
    return bool(label) or not rest.islower() or any(character.isdigit() for character in rest)


@lru_cache(maxsize=1 << 16)
def name_key(name: str, label: str) -> str:
    """The id of a node that has no other one."""
    return f"{NAME_PREFIX}{_escaped(label)}:{normalize_name(name) or name}"


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace(":", "%3A")


def most_frequent(counts: "Counter[str]") -> str:
    """The most frequent name, of those the longest, and of those the first one of the alphabet."""
    return min(counts, key=lambda name: (-counts[name], -len(name), name), default="")


def _representative(names: "Counter[tuple[str, str]]") -> "tuple[str, str]":
    """The name with most capitalised words, and the most frequent type."""
    if len(names) == 1:
        return next(iter(names))
    by_name: Counter[str] = Counter()
    by_type: Counter[str] = Counter()
    for (name, label), count in names.items():
        by_name[name] += count
        by_type[label] += count

    def rank(name: str) -> "tuple[int, int, int, str]":
        words: List[str] = name.split()
        capitals = sum(not word[0].islower() and word[0].isalnum() for word in words)
        return capitals, by_name[name], -len(name), name

    return max(by_name, key=rank), most_frequent(by_type)


def _linked(mention: AnnotatedMention) -> str:
    """The id of a mention in a knowledge base; empty if it has none."""
    return "" if mention.kb_id in NO_LINK else mention.kb_id


def _name(mention: AnnotatedMention, text: str) -> str:
    """The words of a mention; where it has no letters, the characters themselves."""
    written = text[mention.start : mention.end]
    if mention.fragments:
        written = " ".join(text[start:end] for start, end in mention.fragments)
    written = writable(written)
    return " ".join(written.split()) or written


def _picture(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def day(value: object) -> Optional[str]:
    """The date of a document: year, month and day of ISO 8601 as far as given; None if it is none."""
    found = _DAY.match(str(value)) if isinstance(value, (str, int)) else None
    if found is None or (found["day"] and not _is_date(found[1])):
        return None
    return found[1]


_DAY = re.compile(
    r"\s*(\d{4}(?:-(?:0[1-9]|1[0-2])(?P<day>-\d\d)?)?)(?:(?<=-\d\d)[T ][\d:.,+\-Z ]*)?\s*\Z",
    re.ASCII,
)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
