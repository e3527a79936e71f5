"""Rules that find which names of a document are of one entity, without a model.

Names are compared by their type: persons by parts of their names, organisations by acronyms and parts,
all of them by spelling, by a name in brackets after the other, and by phrases such as "also known as".
The order of the rules, from exact to loose, is that of Raghunathan et al. 2010,
https://aclanthology.org/D10-1048/; abbreviations in brackets are those of Schwartz and Hearst 2003,
https://psb.stanford.edu/psb-online/proceedings/psb03/schwartz.pdf. Each rule looks names up by a hash
and sees a bounded number of candidates, so that time grows with the number of mentions alone.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import (
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypeVar,
)

from spacy.symbols import PRON
from spacy.tokens import Span

from .name_forms import (
    CLOSING,
    OPENING,
    PersonName,
    acronym_of,
    compatible_order,
    initials,
    is_abbreviation,
    is_alias_phrase,
    is_description,
    is_quote,
    name_tokens,
    person_name,
    same_numeral,
    short_places,
    variants,
)

PERSON, ORGANISATION, PLACE, QUANTITY = "person", "organisation", "place", "quantity"

DEFAULT_KINDS: Mapping[str, Sequence[str]] = {
    PERSON: ("PER", "PERSON", "PEOP", "PEOPLE"),
    ORGANISATION: ("ORG", "ORGANIZATION", "ORGANISATION", "COMPANY", "NORP"),
    PLACE: ("LOC", "GPE", "FAC", "PLACE", "LOCATION"),
    QUANTITY: ("DATE", "TIME", "NUM", "CARDINAL", "ORDINAL", "MONEY", "PERCENT", "QUANTITY"),
}
"""For each kind of name the entity types that are of it, in upper case. Of other types, and of mentions
without one, only what holds for all names is used; of quantities, only that they are equal."""

_T = TypeVar("_T")

_MAX_CANDIDATES = 20
_MAX_TOKENS = 30
"""Longer mentions are no names; they stay alone."""

_MAX_GAP = 6
"""The most tokens between two names that a phrase joins."""


@dataclass(frozen=True)
class _Name:
    """A name, once for all mentions that have the same words and type.

    Attributes:
        first: position of its first mention, in the order of the text.
        tokens: its words as they are compared, see :func:`.name_tokens`.
        words: the same words as they are written.
        kind: one of the four kinds, or its entity type.
    """

    first: int
    tokens: Tuple[str, ...]
    words: Tuple[str, ...]
    kind: str


@dataclass
class _Entities:
    """Which names are of one entity: a forest, whose roots are the first mentions."""

    parents: Dict[int, int] = field(default_factory=dict)

    def find(self, mention: int) -> int:
        while (parent := self.parents.get(mention, mention)) != mention:
            self.parents[mention] = self.parents.get(parent, parent)
            mention = parent
        return mention

    def join(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        self.parents[max(a, b)] = min(a, b)


def name_clusters(
    spans: Sequence[Span], kinds: Mapping[str, Sequence[str]] = DEFAULT_KINDS
) -> List[List[Span]]:
    """Find the entities that names of a document refer to.

    Args:
        spans: the mentions of one document, in any order. Pronouns, where the document has parts of
            speech, stay alone.
        kinds: the entity types of each kind, see :data:`DEFAULT_KINDS`.

    Returns:
        for each entity its mentions, in the order of the text; also entities of one mention.
    """
    if not spans:
        return []
    spans = sorted(spans, key=lambda span: (span.start, span.end))
    words = [token.text for token in spans[0].doc]
    kind_of = {label: kind for kind, labels in kinds.items() for label in labels}
    ranges = [(span.start, span.end) for span in spans]
    known = [
        None
        if all(token.pos == PRON for token in span)
        else kind_of.get(span.label_.upper(), span.label_)
        for span in spans
    ]
    clusters: Dict[int, List[Span]] = defaultdict(list)
    for root, span in zip(cluster_names(words, ranges, known), spans):
        clusters[root].append(span)
    return list(clusters.values())


def cluster_names(
    words: Sequence[str], ranges: Sequence[Tuple[int, int]], kinds: Sequence[Optional[str]]
) -> List[int]:
    """Find the entity of each mention.

    Args:
        words: the tokens of the document.
        ranges: start and exclusive end of each mention, in ascending order.
        kinds: the kind of each mention, or its entity type; None: it is no name and stays alone.

    Returns:
        for each mention the position of the first one of its entity.
    """
    entities = _Entities()
    found: Dict[Tuple[Tuple[str, ...], str], _Name] = {}
    for i, ((start, end), kind) in enumerate(zip(ranges, kinds)):
        if kind is None or end - start > _MAX_TOKENS:
            continue
        tokens, written = name_tokens(words[start:end])
        name = found.setdefault((tokens, kind), _Name(i, tokens, written, kind))
        entities.join(name.first, i)
    names = [name for name in found.values() if name.kind != QUANTITY]
    for a, b in _definitions(words, ranges, kinds):
        entities.join(a, b)
    _join_equal(names, entities)
    _join_places(names, entities)
    _join_acronyms(names, entities)
    _join_persons(names, entities)
    _join_parts(names, entities)
    return [entities.find(i) for i in range(len(ranges))]


def _definitions(
    words: Sequence[str], ranges: Sequence[Tuple[int, int]], kinds: Sequence[Optional[str]]
) -> Iterator[Tuple[int, int]]:
    """Neighbouring mentions of one type of which the text says that they are the same."""
    for i in range(1, len(ranges)):
        (start, end), (next_start, next_end) = ranges[i - 1], ranges[i]
        if kinds[i] != kinds[i - 1] or kinds[i] in (None, QUANTITY):
            continue
        if not 0 < next_start - end <= _MAX_GAP or next_end - next_start > _MAX_TOKENS:
            continue
        before, after = words[max(start, end - _MAX_TOKENS) : end], words[next_start:next_end]
        gap = [word for word in words[end:next_start] if not is_quote(word)]
        follows = words[next_end] if next_end < len(words) else "."
        if len(gap) == 1 and gap[0] in OPENING:
            closed = follows in CLOSING or follows in (";", ",") or is_quote(follows)
            named = kinds[i] not in (PERSON, PLACE)  # "Ann (Bob)", "Paris (France)"
            if closed and (named or is_abbreviation("".join(after), " ".join(before))):
                yield i - 1, i
        elif gap == [","]:
            apposition = is_description(after) and not is_description(before)
            if apposition and not follows[:1].isalnum() and before[0][:1].isupper():
                yield i - 1, i
        elif is_alias_phrase(gap):
            yield i - 1, i


def _join_equal(names: Iterable[_Name], entities: _Entities) -> None:
    """Join names of one kind that have a spelling in common."""
    index: Dict[Tuple[str, str], int] = {}
    for name in names:
        for key in variants(name.tokens, organisation=name.kind == ORGANISATION):
            entities.join(name.first, index.setdefault((key, name.kind), name.first))


def _join_places(names: Iterable[_Name], entities: _Entities) -> None:
    """Join "Thailand" with "Kingdom of Thailand", if only one entity has such a name."""
    places = [name for name in names if name.kind == PLACE]
    shorter = {"".join(name.tokens): name.first for name in places}
    longer: Dict[str, Set[int]] = defaultdict(set)
    for name in places:
        for short in short_places(name.tokens):
            longer[short].add(entities.find(name.first))
    for short, found in longer.items():
        if len(found) == 1 and short in shorter:
            entities.join(shorter[short], *found)


def _join_acronyms(names: Sequence[_Name], entities: _Entities) -> None:
    """Join acronyms with the first name of their type that has these initials."""
    index: Dict[Tuple[str, str], int] = {}
    for name in names:
        if len(name.words) > 1 and name.kind != PERSON:
            for letters in initials(name.words):
                index.setdefault((letters, name.kind), name.first)
    for name in names:
        letters = acronym_of(name.words)
        if letters and name.kind != PERSON and (letters, name.kind) in index:
            entities.join(name.first, index[letters, name.kind])


def _join_persons(names: Sequence[_Name], entities: _Entities) -> None:
    """Join persons: "Ann B. Lee" with "Ann Lee", then "Lee" with the first of that name.

    A name joins an entity only if it goes with all names that this has.
    """
    persons = [(name.first, person_name(name.tokens)) for name in names if name.kind == PERSON]
    by_last: Dict[str, List[Tuple[int, PersonName]]] = defaultdict(list)
    by_token: Dict[str, List[Tuple[int, PersonName]]] = defaultdict(list)

    def among(others: List[Tuple[int, PersonName]], mention: int) -> List[PersonName]:
        entity = entities.find(mention)
        return [other for place, other in others if entities.find(place) == entity]

    for first, person in persons:
        if len(person.tokens) < 2:
            continue
        others = by_last[person.tokens[-1]]
        for other_first, _ in others:
            # "A. Lee" is "Ann Lee" or "Amy Lee", who are two
            if all(
                compatible_order(*_by_length(person, one)) for one in among(others, other_first)
            ):
                entities.join(first, other_first)
                break
        _add(others, (first, person))
        for token in dict.fromkeys(person.tokens):
            _add(by_token[token], (first, person))
    for first, person in persons:
        others = by_token.get(person.tokens[-1], [])
        for other_first, other in others:
            if person.is_part_of(other, earlier=other_first < first) and all(
                same_numeral(person, one) for one in among(others, other_first)
            ):
                entities.join(first, other_first)
                if len(person.tokens) < 2:
                    _add(others, (first, person))
                break


def _by_length(*persons: PersonName) -> List[PersonName]:
    return sorted(persons, key=lambda person: len(person.tokens))


def _join_parts(names: Sequence[_Name], entities: _Entities) -> None:
    """Join a beginning or end of an earlier, longer name with it, if only one entity has such a name.

    Of names that are no organisations, only the end: "Civil War", but not "American".
    """
    begins: Dict[Tuple[str, str], List[_Name]] = defaultdict(list)
    ends: Dict[Tuple[str, str], List[_Name]] = defaultdict(list)
    for name in names:
        if name.kind in (PERSON, PLACE):
            continue
        n = len(name.tokens)
        found: Set[int] = set()
        for other in ends.get((name.tokens[-1], name.kind), ()):
            if len(other.tokens) > n and other.tokens[-n:] == name.tokens:
                found.add(other.first)
        if name.kind == ORGANISATION:
            for other in begins.get((name.tokens[0], name.kind), ()):
                if len(other.tokens) > n and other.tokens[:n] == name.tokens:
                    found.add(other.first)
        if len({entities.find(first) for first in found}) == 1:
            entities.join(name.first, min(found))
        if n > 1:
            _add(begins[name.tokens[0], name.kind], name)
            _add(ends[name.tokens[-1], name.kind], name)


def _add(candidates: List[_T], item: _T) -> None:
    if len(candidates) < _MAX_CANDIDATES:
        candidates.append(item)
