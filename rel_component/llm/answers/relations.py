"""From statements to relations: each one is checked against the schema and the document.

A relation that comes out has a label of the schema and spans of the document. A statement that does not
fit is dropped and counted under a reason, and the model can be told what is wrong with it.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from spacy.tokens import Doc, Span

from ...documents import RelationKey, relation_key
from ...mentions import typed_key
from ...schema import RelationSchema, RelationType
from ...types import Relation
from ..prompting.claims import NO_CLAIMS, Claims
from .arguments import (
    MAX_WORD,
    WRONG_TYPE,
    Drop,
    GivenMentions,
    NamedEntities,
    SpansByType,
    is_word,
    normalized_word,
    quoted,
)
from .claims import StatedClaims
from .grounding import MIN_SIMILARITY, distance_order, nearest
from .statements import (
    MALFORMED_ITEM,
    NOT_JSON,
    TRUNCATED,
    StatedArgument,
    StatedEntity,
    StatedRelation,
    Statements,
    states_nothing,
)

UNKNOWN_LABEL = "unknown_label"
"""Reason of a drop: the schema has no such label."""

ARGUMENT_TYPES = "argument_types"
"""Reason of a drop: the schema does not allow the label between these types."""

SELF_LOOP = "self_loop"
"""Reason of a drop: head and tail are the same."""

DUPLICATE = "duplicate"
"""Reason of a drop: the relation was stated before."""

LABEL_SPELLING = "label_spelling"
"""Repair: a label with other capitals, spaces or punctuation."""

TYPE_FROM_SCHEMA = "type_from_schema"
"""Repair: an entity without type, where the schema allows only one."""

REVERSED = "reversed_direction"
"""Repair: head and tail exchanged, because the schema only allows that direction."""

INVERSE = "inverse_label"
"""Repair: the inverse of a label, read with head and tail exchanged."""

MAX_ERRORS = 10
"""The most errors that are put into words; all are counted."""

_PROBLEMS = {
    NOT_JSON: "it is not JSON",
    MALFORMED_ITEM: "each relation needs head, label and tail",
    TRUNCATED: "it is cut off; state fewer relations",
}


@dataclass
class ValidatedReply:
    """The relations and entities of a reply that passed all checks.

    Attributes:
        relations: the relations, each with the score that the reply gives it, or None.
        entities: the entities that the reply lists or relates, where mentions were not given.
        dropped: number of statements that were left out, by reason.
        repaired: number of repairs, by kind.
        errors: what is wrong, in words that the model can work with.
        valid: whether the reply was as it should be, with nothing repaired or dropped.
    """

    relations: List[Relation]
    entities: List[Span]
    dropped: "Counter[str]"
    repaired: "Counter[str]"
    errors: List[str]
    valid: bool


def validate_statements(
    statements: Statements,
    doc: Doc,
    schema: RelationSchema,
    *,
    mentions: Optional[Mapping[str, Span]] = None,
    window: Optional[Span] = None,
    pair: Optional[Tuple[str, str]] = None,
    entity_types: Sequence[str] = (),
    open_labels: bool = False,
    min_similarity: float = MIN_SIMILARITY,
    claims: Claims = NO_CLAIMS,
) -> ValidatedReply:
    """Check the statements of a reply.

    An entity that the reply names has a type by the first of these rules that gives one:

    1. the type that the relation states for it;
    2. the type that the list of entities states for it; of several, one that the schema allows;
    3. the only type that the schema allows for it in the relation.

    Types that are not accepted do not count. An entity without type is dropped, unless any types
    are accepted.

    Args:
        statements: what the reply states.
        doc: the document that it is about; it stays as it is.
        schema: the relation types.
        mentions: the given mentions by the ids that the prompt used; None: the reply names
            entities.
        window: the part of the document that the prompt showed; None: all of it.
        pair: ids of the mentions that a question about one pair was about, head first.
        entity_types: types that entities may have; empty: any.
        open_labels: whether labels outside the schema are accepted.
        min_similarity: of names to words of the document, from 0 to 100; see :class:`Grounder`. Given
            mentions are not compared by similarity: the reply should use their ids.
        claims: what the prompt asked for beside head, label and tail. Quotes are looked for in the
            window, and their sentences become the evidence.
    """
    repaired: Counter[str] = Counter()
    arguments: Union[GivenMentions, NamedEntities]
    if mentions is None:
        arguments = NamedEntities(doc, window, entity_types, min_similarity, repaired)
    else:
        arguments = GivenMentions(mentions, knows_numbers=not _counts_from_zero(statements))
    said = StatedClaims(claims, doc, window, repaired)
    validator = _Validator(schema, arguments, repaired, bool(entity_types), open_labels, pair, said)
    for reason, count in statements.problems.items():
        validator.drop(Drop(reason, _PROBLEMS[reason]), "the answer", count)
    for entity in statements.entities:
        validator.add_entity(entity)
    for number, relation in enumerate(statements.relations, start=1):
        validator.add_relation(number, relation)
    entities: List[Span] = []
    if isinstance(arguments, NamedEntities):
        entities = validator.found_entities(arguments.listed)
    return ValidatedReply(
        list(validator.relations.values()),
        entities,
        validator.dropped,
        repaired,
        validator.errors,
        valid=statements.as_asked and not validator.dropped and not repaired,
    )


@dataclass
class _Validator:
    """Checks statements one after the other; the repairs of one that is dropped are taken back."""

    schema: RelationSchema
    arguments: Union[GivenMentions, NamedEntities]
    repaired: "Counter[str]"
    needs_types: bool
    open_labels: bool
    pair: Optional[Tuple[str, str]]
    claims: StatedClaims

    def __post_init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.errors: List[str] = []
        self.relations: Dict[Tuple[RelationKey, str], Relation] = {}

    def drop(self, drop: Drop, place: str, count: int = 1) -> None:
        """Count a statement that cannot be used, and describe what is wrong with it."""
        self.dropped[drop.reason] += count
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(f"{place}: {drop}")

    def add_entity(self, stated: StatedEntity) -> None:
        """Note an entity that the reply lists."""
        try:
            self.arguments.add(stated)
        except Drop as drop:
            self.drop(drop, f"entity {quoted(stated.text)}")

    def add_relation(self, number: int, stated: StatedRelation) -> None:
        """Check a relation, and note it if it passes."""
        if stated.label not in self.schema and states_nothing(stated.label):
            return
        before = Counter(self.repaired)
        try:
            relation = self._relation(stated)
            key = (relation_key(relation, self.schema.symmetric_labels), relation.polarity)
            if key in self.relations:
                raise Drop(DUPLICATE, "is stated twice")
            self.relations[key] = relation
        except Drop as drop:
            self.repaired.clear()
            self.repaired.update(before)
            self.drop(drop, f"relation {number}")

    def found_entities(self, listed: Sequence[Tuple[Span, Optional[str]]]) -> List[Span]:
        """Return the entities of the relations, and the first places of those that are only listed."""
        found = {
            typed_key(span): span
            for rel in self.relations.values()
            for span in (rel.head, rel.tail)
        }
        names: Set[Tuple[str, Optional[str]]] = set()
        for span in found.values():
            names |= {(_folded_text(span), span.label_), (_folded_text(span), None)}
        # those without type last: the same name may be listed with one
        for span, kind in sorted(listed, key=lambda entity: entity[1] is None):
            name = _folded_text(span)
            if (name, kind) in names:
                continue
            if kind is None and self.needs_types:
                self.drop(Drop(WRONG_TYPE, "it has no type"), f"entity {quoted(span.text)}")
                continue
            entity = _typed(span, kind or "")
            found.setdefault(typed_key(entity), entity)
            names |= {(name, kind), (name, None)}
        return sorted(found.values())

    def _relation(self, stated: StatedRelation) -> Relation:
        """Return the relation that a statement means."""
        head, tail = stated.head, stated.tail
        if head is None and tail is None and self.pair is not None:
            head, tail = StatedArgument(id=self.pair[0]), StatedArgument(id=self.pair[1])
        if head is None or tail is None:
            raise Drop(MALFORMED_ITEM, "head or tail is missing")
        label, is_inverse = self._meant_label(stated.label)
        heads, tails = self.arguments.find(head), self.arguments.find(tail)
        first, second = _places(heads), _places(tails)
        if first <= second or second <= first:
            raise Drop(SELF_LOOP, "head and tail are the same")
        if is_inverse:
            heads, tails = tails, heads
        start, name, end = self._directed(label, heads, tails)
        evidence = self.claims.evidence(stated, start, end)
        return Relation(start, name, end, stated.score, evidence, self.claims.polarity(stated))

    def _meant_label(self, stated: str) -> Tuple[str, bool]:
        """Return the label of the schema that is meant, and whether its inverse is stated."""
        if stated in self.schema:
            return stated, False
        for labels, repair in ((self._labels, LABEL_SPELLING), (self._inverses, INVERSE)):
            same = labels.get(normalized_word(stated), [])
            if len(same) == 1:
                self.repaired[repair] += 1
                return same[0], repair == INVERSE
        label = " ".join(stated.split())
        if self.open_labels and is_word(label):
            return label, False
        known = f"at most {MAX_WORD} characters" if self.open_labels else ", ".join(self.schema)
        raise Drop(UNKNOWN_LABEL, f"label {quoted(stated)} is not one of {known}")

    @cached_property
    def _labels(self) -> Dict[str, List[str]]:
        return _by_normalized_word((label, label) for label in self.schema)

    @cached_property
    def _inverses(self) -> Dict[str, List[str]]:
        return _by_normalized_word((rel.inverse or "", label) for label, rel in self.schema.items())

    def _directed(
        self, label: str, heads: SpansByType, tails: SpansByType
    ) -> Tuple[Span, str, Span]:
        """Return the nearest head and tail that the schema allows, exchanged if need be."""
        rel_type = self.schema.get(label) or RelationType(label)
        expected = _fits(heads, rel_type.head) and _fits(tails, rel_type.tail)
        if expected or rel_type.inferred:
            types = (rel_type.head, rel_type.tail)
            head, tail = self._typed_pair(heads, tails, *types, strict=expected)
        elif _fits(heads, rel_type.tail) and _fits(tails, rel_type.head):
            head, tail = self._typed_pair(heads, tails, rel_type.tail, rel_type.head)
            if not rel_type.symmetric:
                head, tail = tail, head
                self.repaired[REVERSED] += 1
        else:
            raise Drop(
                ARGUMENT_TYPES,
                f"{label} goes from {_names(rel_type.head)} to {_names(rel_type.tail)}, "
                f"not from {_names(heads)} to {_names(tails)}",
            )
        return head, label, tail

    def _typed_pair(
        self,
        heads: SpansByType,
        tails: SpansByType,
        head_types: Sequence[str],
        tail_types: Sequence[str],
        *,
        strict: bool = True,
    ) -> Tuple[Span, Span]:
        """Return the nearest head and tail of these types, or of any if they are only expected."""
        pairs = [
            (nearest(head_spans, tail_spans), inferred_head + inferred_tail)
            for head_spans, inferred_head in self._allowed(heads, head_types, strict)
            for tail_spans, inferred_tail in self._allowed(tails, tail_types, strict)
        ]
        if not pairs:
            raise Drop(WRONG_TYPE, "head or tail has no type")
        pair, n_inferred = min(pairs, key=lambda found: distance_order(*found[0]))
        if n_inferred:
            self.repaired[TYPE_FROM_SCHEMA] += n_inferred
        return pair

    def _allowed(
        self, spans_by_type: SpansByType, types: Sequence[str], strict: bool
    ) -> Iterator[Tuple[List[Span], bool]]:
        """Yield the spans of the types that the schema allows, and whether it supplies the type."""
        for kind, spans in spans_by_type.items():
            if kind is not None:
                if not strict or not types or kind in types:
                    yield [_typed(span, kind) for span in spans], False
            elif len(types) == 1:
                yield [_typed(span, types[0]) for span in spans], True
            elif not types and not self.needs_types:
                yield spans, False


def _fits(spans_by_type: SpansByType, types: Sequence[str]) -> bool:
    """Tell whether the types that are stated allow these."""
    return not types or any(kind is None or kind in types for kind in spans_by_type)


def _counts_from_zero(statements: Statements) -> bool:
    """Tell whether there is a mention 0, so that 1 is not the first one."""
    arguments = [side for rel in statements.relations for side in (rel.head, rel.tail) if side]
    return any("0" in (argument.id, argument.text) for argument in arguments)


def _by_normalized_word(pairs: Iterator[Tuple[str, str]]) -> Dict[str, List[str]]:
    labels: Dict[str, List[str]] = {}
    for name, label in pairs:
        if normalized_word(name):
            labels.setdefault(normalized_word(name), []).append(label)
    return labels


def _places(spans_by_type: SpansByType) -> Set[Tuple[int, int]]:
    return {(span.start, span.end) for spans in spans_by_type.values() for span in spans}


def _names(types: "Sequence[Optional[str]] | SpansByType") -> str:
    return "|".join(kind or "untyped" for kind in types) or "any"


def _folded_text(span: Span) -> str:
    return " ".join(span.text.casefold().split())


def _typed(span: Span, label: str) -> Span:
    return span if span.label_ == label else Span(span.doc, span.start, span.end, label=label)
