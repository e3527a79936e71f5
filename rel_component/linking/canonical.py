"""Names to entities without a knowledge base: one id and one display name over many documents.

Each entity of a document, a coreference cluster or the mentions of one name, joins the entity that is
most like it, or becomes a new one:

- the same name, but for case, accents, the order of words and what companies add, joins;
- a name with a few other letters joins if it has most of them, or many and a neighbour in common, an
  entity that both occur with;
- a part of a name (``Sanders``, ``IBM``) joins only if it fits one entity, and has a neighbour in
  common with it.

Types must not differ, and entities of one document are never one: its clusters say which of its names
are one entity. Documents are taken in their order, so that the result depends on nothing else;
later documents can be added to entities that were saved.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from spacy.tokens import Doc, Span

from ..converters.records import get, read_records
from ..converters.report import Report
from ..documents import document_id
from ..errors import DataError, shown
from ..files import open_output
from ..mentions import mention_spans, read_clusters
from ..packages import import_package
from .names import folded, loose_key

_SAME, _ALIKE = 0.92, 0.8  # similarity of names that join, and that join with a neighbour in common
_MOST_NEIGHBOURS = 200  # of an entity
_MOST_NAMES = 50  # of an entity that are compared, those that are equal aside
_MOST_BLOCKED = 50  # entities that a name is compared with, those of equal names aside
_LONGEST_ACRONYM = 10
_EQUAL, _INITIALS = "=", "."  # beginnings of keys of the index
_LEFT_OUT = frozenset(
    {
        *("inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited"),
        *("llc", "plc", "gmbh", "ag", "sa", "the"),
    }
)
"""Words that do not tell names apart."""


@dataclass
class CanonicalEntity:
    """An entity of many documents.

    Attributes:
        id: its identifier.
        names: how often each name of it occurs, as written.
        types: how often each type occurs.
        neighbours: keys of the names that occur in the same documents, with the number of these.
        documents: number of documents.
    """

    id: str
    names: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    neighbours: Counter[str] = field(default_factory=Counter)
    documents: int = 0

    @property
    def name(self) -> str:
        """The display name: the most frequent one of those with most words."""
        longest = max(len(folded(name).split()) for name in self.names)
        most = [name for name in self.names if len(folded(name).split()) == min(longest, 4)]
        return max(most or self.names, key=lambda name: (self.names[name], len(name), name))

    def to_json(self) -> Dict[str, Any]:
        """The entity as JSON data."""
        return {
            "id": self.id,
            "name": self.name,
            "names": dict(self.names.most_common()),
            "types": dict(self.types.most_common()),
            "documents": self.documents,
            "neighbours": dict(self.neighbours.most_common(_MOST_NEIGHBOURS)),
        }


class Join(NamedTuple):
    """Why an entity of a document was joined with one of others, or became a new one.

    Attributes:
        document: id of the document, or its number.
        name: the name that the entity has in the document.
        type: its type.
        id: the entity it was joined with.
        to: the name of that entity.
        reason: ``new``, ``same name``, ``similar name``, ``similar name and neighbour`` or ``part of
            a name and neighbour``.
        similarity: of the names, in [0, 1].
        neighbours: names in common.
    """

    document: str
    name: str
    type: str
    id: str
    to: str
    reason: str
    similarity: float
    neighbours: List[str]


class _Local(NamedTuple):
    """An entity of one document: its names, type, key, and mentions."""

    names: Counter[str]
    type: str
    spans: List[Span]

    @property
    def name(self) -> str:
        return max(self.names, key=lambda name: (len(folded(name)), self.names[name], name))


class _Option(NamedTuple):
    """A known entity that one of a document can be, and what speaks for it."""

    rank: Tuple[int, int, float, int]
    id: str
    reason: str
    similarity: float
    neighbours: List[str]


class Canonicalizer:
    """Gives the entities of documents an id each, the same in all documents.

    Args:
        entities: those of earlier documents.
        spans_key: span group of the mentions; None: the entities.
        prefix: beginning of the ids.

    Attributes:
        entities: those of all documents, by their ids.
        joins: what was joined in the last document, and why.
    """

    def __init__(
        self,
        entities: Iterable[CanonicalEntity] = (),
        *,
        spans_key: Optional[str] = None,
        prefix: str = "E",
    ) -> None:
        self.entities: Dict[str, CanonicalEntity] = {}
        self.joins: List[Join] = []
        self._spans_key = spans_key
        self._prefix = prefix
        self._blocks: Dict[Tuple[str, str], Dict[str, None]] = {}  # by type: ordered sets of ids
        self._types: Dict[str, None] = {}
        self._keys: Dict[str, Dict[str, None]] = {}  # of the names of each entity
        self._n_docs = self._n_ids = 0
        self._similarity: Any = import_package("rapidfuzz.fuzz", "linking").ratio
        for entity in entities:
            self.entities[entity.id] = entity
            for name in entity.names:
                self._index(name, entity)

    def add(self, doc: Doc) -> Dict[Tuple[int, int], str]:
        """Give the entities of a document their ids, and remember the document.

        Args:
            doc: the document; it is not changed.

        Returns:
            the id of each mention, by its first and exclusive last token.
        """
        self._n_docs += 1
        self.joins = []
        document = document_id(doc) or str(self._n_docs)
        local = _local_entities(doc, self._spans_key)
        keys = [_key(entity.name) for entity in local]
        ids: Dict[Tuple[int, int], str] = {}
        for number, (entity, option) in enumerate(zip(local, self._choose(local, keys))):
            join = self._join(entity, option, document)
            self.joins.append(join)
            target = self.entities.setdefault(join.id, CanonicalEntity(join.id))
            new = [name for name in entity.names if name not in target.names]
            target.names.update(entity.names)
            if entity.type:
                new = new if entity.type in target.types else list(target.names)
                target.types[entity.type] += 1
            for name in new:
                self._index(name, target)
            target.documents += 1
            target.neighbours.update(_near(keys, number))
            if len(target.neighbours) > 2 * _MOST_NEIGHBOURS:
                target.neighbours = Counter(dict(target.neighbours.most_common(_MOST_NEIGHBOURS)))
            ids.update({(span.start, span.end): join.id for span in entity.spans})
        return ids

    def _choose(self, local: Sequence[_Local], keys: Sequence[str]) -> List[Optional[_Option]]:
        """The known entity of each one of a document, no two the same one; None: it is new."""
        names = set(keys)
        options = [
            (option, number)
            for number, entity in enumerate(local)
            for option in self._options(entity, names, keys[number])
        ]
        chosen: List[Optional[_Option]] = [None] * len(local)
        taken: Set[str] = set()
        for option, number in sorted(options, key=lambda pair: pair[0].rank, reverse=True):
            if chosen[number] is None and option.id not in taken:
                chosen[number] = option
                taken.add(option.id)
        return chosen

    def _options(self, entity: _Local, names: Set[str], own: str) -> List[_Option]:
        """The known entities that one of a document can be, of whose names `own` is not another one."""
        found: List[_Option] = []
        n_parts = 0
        for entity_id in self._candidates(entity):
            other = self.entities[entity_id]
            if entity.type and other.types and entity.type not in other.types:
                continue
            shared = sorted((names & other.neighbours.keys()) - {own})
            level, similarity = self._compare(entity.name, entity_id)
            n_parts += level == 1
            reason = _REASONS.get((level, bool(shared) or level == 4))
            if reason is not None:
                rank = (level, len(shared), similarity, other.documents)
                found.append(_Option(rank, entity_id, reason, similarity, shared))
        return [option for option in found if option.rank[0] > 1 or n_parts == 1]

    def _join(self, entity: _Local, option: Optional[_Option], document: str) -> Join:
        """Why an entity of a document is which one."""
        if option is None:
            found, name = self._new_id(), entity.name
            return Join(document, name, entity.type, found, name, "new", 1.0, [])
        _, found, reason, similarity, shared = option
        to, similarity = self.entities[found].name, round(similarity, 3)
        return Join(document, entity.name, entity.type, found, to, reason, similarity, shared[:5])

    def _compare(self, name: str, entity_id: str) -> Tuple[int, float]:
        """4 for the same name, 3 and 2 for more and less similar ones, 1 for a part, 0 otherwise."""
        key, known = _key(name), self._keys[entity_id]
        if key in known:
            return 4, 1.0
        level, best = 0, 0.0
        for other in islice(known, _MOST_NAMES):
            similarity = float(self._similarity(key, other)) / 100.0
            unlike = min(len(key), len(other)) < 5 or _numbers(key) != _numbers(other)
            found = 0 if unlike else 3 if similarity >= _SAME else 2 if similarity >= _ALIKE else 0
            if not found and _is_part(key, other):
                found = 1
            level, best = max((level, best), (found, similarity))
        return level, best

    def _candidates(self, entity: _Local) -> List[str]:
        found: Dict[str, None] = {}
        types = dict.fromkeys((entity.type, "")) if entity.type else self._types
        for block in _blocks(entity.name):
            for ids in (self._blocks.get((type, block), {}) for type in types):
                if block.startswith(_EQUAL):
                    found.update(ids)
                elif len(ids) <= _MOST_BLOCKED or block.startswith(_INITIALS):
                    found.update(dict.fromkeys(islice(ids, _MOST_BLOCKED)))
        return list(found)

    def _new_id(self) -> str:
        while True:
            self._n_ids += 1
            if (name := f"{self._prefix}{self._n_ids:06}") not in self.entities:
                return name

    def _index(self, name: str, entity: CanonicalEntity) -> None:
        self._keys.setdefault(entity.id, {})[_key(name)] = None
        for type in entity.types or ("",):
            self._types[type] = None
            for block in _blocks(name):
                self._blocks.setdefault((type, block), {})[entity.id] = None


_REASONS = {
    (4, True): "same name",
    (3, True): "similar name",
    (3, False): "similar name",
    (2, True): "similar name and neighbour",
    (1, True): "part of a name and neighbour",
}


def canonicalize(
    docs: Iterable[Doc], canonicalizer: Optional[Canonicalizer] = None
) -> Iterator[Tuple[Doc, Dict[Tuple[int, int], str]]]:
    """Give the same names in many documents one id.

    Args:
        docs: the documents, which are not changed.
        canonicalizer: knows the entities of earlier documents, and afterwards those of these; after each
            its `joins` say what was joined and why. None: there are none.

    Returns:
        for each document the id of each mention, by its first and exclusive last token.
    """
    known = canonicalizer or Canonicalizer()
    for doc in docs:
        yield doc, known.add(doc)


def read_canonical(path: Union[str, Path]) -> List[CanonicalEntity]:
    """Read the entities that :func:`write_canonical` has written.

    Args:
        path: the JSONL file.

    Raises:
        DataError: if it is missing, damaged, or has an id twice.
    """
    found: Dict[str, CanonicalEntity] = {}
    for place, record in read_records(Path(path), Report()):
        entity = CanonicalEntity(get(record, "id", str, place))
        counts = [_counts(record, key, place) for key in ("names", "types", "neighbours")]
        entity.names, entity.types, entity.neighbours = counts
        entity.documents = get(record, "documents", int, place)
        if not entity.names or entity.id in found:
            raise DataError("expected an id that occurs once, and names", place=place)
        found[entity.id] = entity
    return list(found.values())


def write_canonical(entities: Iterable[CanonicalEntity], path: Union[str, Path]) -> None:
    """Write entities to a JSONL file, which is whole or absent.

    Raises:
        DataError: if it cannot be written.
    """
    with open_output(Path(path)) as output:
        for entity in entities:
            output.write(json.dumps(entity.to_json(), ensure_ascii=False) + "\n")


def _counts(record: Dict[str, Any], key: str, place: str) -> "Counter[str]":
    values = get(record, key, dict, place)
    if not all(type(n) is int and n >= 0 for n in values.values()):
        raise DataError(f"{key}: expected counts, got {shown(values)}", place=place)
    return Counter(values)


def _local_entities(doc: Doc, spans_key: Optional[str]) -> List[_Local]:
    """The entities of a document in the order of their first mentions."""
    group: Dict[Tuple[int, int], int] = {}
    for number, cluster in enumerate(read_clusters(doc)):
        for span in cluster:
            group.setdefault((span.start, span.end), number)
    found: Dict[Any, _Local] = {}
    by_name: Dict[Tuple[str, str], Any] = {}
    for span in sorted(mention_spans(doc, spans_key), key=lambda span: (span.start, span.end)):
        name = " ".join(span.text.split())
        if not folded(name):
            continue
        own = (_key(name), span.label_)
        cluster_number = group.get((span.start, span.end))
        # mentions of one name are one entity, unless clusters tell them apart
        key = by_name.get(own, own) if cluster_number is None else cluster_number
        by_name.setdefault(own, key)
        entity = found.setdefault(key, _Local(Counter(), span.label_, []))
        entity.names[name] += 1
        entity.spans.append(span)
    return list(found.values())


def _near(keys: Sequence[str], number: int) -> List[str]:
    """The other names of a document that an entity has as neighbours; of very many the nearest ones."""
    first = max(0, min(number - _MOST_NEIGHBOURS // 2, len(keys) - _MOST_NEIGHBOURS - 1))
    near = dict.fromkeys(keys[first : first + _MOST_NEIGHBOURS + 1])
    return [key for key in near if key != keys[number]]


def _key(name: str) -> str:
    words = folded(name).split()
    kept = [word for word in words if word not in _LEFT_OUT]
    return loose_key(" ".join(kept or words))


def _blocks(name: str) -> List[str]:
    """The keys of the index: the name itself, its words without their ends, and its initials."""
    words = [word for word in folded(name).split() if word not in _LEFT_OUT]
    initials = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)
    blocks = [f"{_EQUAL}{_key(name)}", *(f"+{word[:5]}" for word in words if len(word) > 2)]
    if 0 < len(initials) <= _LONGEST_ACRONYM:  # of a name of one word its letters
        blocks.append(f"{_INITIALS}{initials}")
    return list(dict.fromkeys(blocks))


def _is_part(key: str, other: str) -> bool:
    """Whether one name has all words of the other one, or its initials."""
    words, others = sorted((key.split(), other.split()), key=len)
    if not words or len(words) == len(others):
        return False
    initials = sorted(word[0] for word in others)
    is_acronym = len(words) == 1 and len(others) > 1 and sorted(words[0]) == initials
    return set(words) <= set(others) or is_acronym


def _numbers(key: str) -> Sequence[str]:
    return [word for word in key.split() if any(c.isdigit() for c in word)]
