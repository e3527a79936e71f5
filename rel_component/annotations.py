"""``doc._.rel``: the relations of a Doc, stored in the Doc itself.

Relations are kept in ``doc.user_data`` in the form of span extension values, one entry per
head mention, so that spaCy's own machinery carries them along: ``to_bytes``, ``DocBin``, ``copy``,
``n_process``, and with shifted offsets ``Doc.from_docs`` and ``Span.as_doc``::

    ("._.", "rel_component.rel", head start, head end): ((label, score, head type, tail type,
                                                         tail start - head start, tail length), ...)

followed by the knowledge-base ids of head and tail if one of them is set, or if evidence follows: where
the sentences that show the relation start, relative to the head; that by the polarity, if it is set or a
statement follows; and that by the statement (see :mod:`rel_component.statements`), if there is one.

Offsets are characters, so that retokenisation keeps them, and the tail is relative to the head, so
that it stays correct when spaCy shifts the head. Everything stored is an int, a float or a string.
"""

from functools import cache, cached_property
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    SupportsIndex,
    Tuple,
    Union,
    overload,
)

import numpy
from spacy.tokens import Doc, Span

from .documents import RelationKey, register_attribute, relation_key, sentence_starts, stored_keys
from .errors import AnnotationError, shown
from .mentions import CLUSTER_GROUP, typed_key
from .relation_forms import (
    RelationLike,
    TokenPairDict,
    check_polarity,
    check_score,
    describe,
    read_relations,
    score_rank,
)
from .statements import read_statement, stored_statement
from .types import Int32Array, Relation

DEFAULT_ATTR = "rel"


class RelationView(Tuple[Relation, ...]):
    """Typed, read-only view of the relations that a Doc has now, in document order.

    Indexing by position gives a :class:`Relation`; indexing by a pair of token positions, and
    ``keys``, ``items``, ``values`` and ``get``, read the dict form (see :meth:`as_dict`). As a tuple
    of relations, which are dicts, it can be written by any JSON library.

    Args:
        doc: the Doc to read.
        attr: name of the extension attribute.

    Raises:
        AnnotationError: if the user data of the Doc has something else in place of relations.
    """

    doc: Doc
    attr: str
    to_html: ClassVar[Optional[Callable[["RelationView"], str]]] = None
    """What draws a view for notebooks; the package sets it, because drawings are a room above."""

    def __new__(cls, doc: Doc, attr: str = DEFAULT_ATTR) -> "RelationView":
        """Read the relations."""
        view = super().__new__(cls, _read(doc, _storage_name(attr)))
        view.doc, view.attr = doc, attr
        return view

    def _repr_html_(self) -> Optional[str]:
        draw = type(self).to_html
        return None if draw is None else draw(self)

    @cached_property
    def _by_tokens(self) -> Dict[Tuple[int, int], Dict[str, float]]:
        return self.as_dict()

    def __contains__(self, item: object) -> bool:
        if isinstance(item, tuple) and len(item) == 2:
            return item in self._by_tokens
        return super().__contains__(item)

    # a slice is a list, which compares with lists
    @overload  # type: ignore[override]
    def __getitem__(self, index: SupportsIndex) -> Relation: ...

    @overload
    def __getitem__(self, index: slice) -> List[Relation]: ...

    @overload
    def __getitem__(self, index: Tuple[int, int]) -> Dict[str, float]: ...

    def __getitem__(
        self, index: Union[SupportsIndex, slice, Tuple[int, int]]
    ) -> Union[Relation, List[Relation], Dict[str, float]]:
        if isinstance(index, tuple):
            return self._by_tokens[index]
        return list(self)[index]

    def __copy__(self) -> "RelationView":
        return self

    def __reduce__(self) -> Tuple[Any, ...]:
        return RelationView, (self.doc, self.attr)  # spans cannot be pickled without their Doc

    def __repr__(self) -> str:
        return "[" + ", ".join(map(str, self)) + "]"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping):
            return self._by_tokens == other
        return isinstance(other, (list, tuple)) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def between(self, head: Span, tail: Span) -> List[Relation]:
        """The relations between mentions of exactly these tokens."""
        return [rel for rel in self if _same(rel.head, head) and _same(rel.tail, tail)]

    def of(self, span: Span) -> List[Relation]:
        """The relations that have exactly these tokens as head or tail."""
        return [rel for rel in self if _same(rel.head, span) or _same(rel.tail, span)]

    def to_json(self) -> List[Dict[str, Any]]:
        """A list of plain dicts, see :meth:`Relation.to_json`."""
        return [rel.to_json() for rel in self]

    def as_dict(self) -> Dict[Tuple[int, int], Dict[str, float]]:
        """``{(head.start, tail.start): {label: score}}``, positions in tokens.

        Mentions that share their first token share a key here (the higher score stays), and
        relations without a score have 1.0; iterate the view where that matters.
        """
        data: Dict[Tuple[int, int], Dict[str, float]] = {}
        for rel in self:
            scores = data.setdefault((rel.head.start, rel.tail.start), {})
            score = 1.0 if rel.score is None else rel.score
            scores[rel.label] = max(score, scores.get(rel.label, 0.0))
        return data

    def keys(self) -> Iterable[Tuple[int, int]]:
        """Keys of the dict form."""
        return self._by_tokens.keys()

    def values(self) -> Iterable[Dict[str, float]]:
        """Values of the dict form."""
        return self._by_tokens.values()

    def items(self) -> Iterable[Tuple[Tuple[int, int], Dict[str, float]]]:
        """Items of the dict form."""
        return self._by_tokens.items()

    def get(self, key: Tuple[int, int], default: Any = None) -> Any:
        """Value of the dict form, or `default`."""
        return self._by_tokens.get(key, default)


def get_relations(doc: Doc, attr: str = DEFAULT_ATTR) -> RelationView:
    """The relations of a Doc."""
    return RelationView(doc, attr)


def set_relations(
    doc: Doc,
    relations: Union[Iterable[RelationLike], TokenPairDict],
    attr: str = DEFAULT_ATTR,
) -> None:
    """Replace the relations of a Doc.

    Args:
        doc: the Doc to change.
        relations: :class:`Relation` objects, ``(head, label, tail)`` or
            ``(head, label, tail, score)`` tuples with Spans of this Doc, dicts as
            :meth:`Relation.to_json` gives them, whose offsets in characters have to begin and end
            with a token, or the dict form ``{(head.start, tail.start): {label: score}}``, whose
            positions must be first tokens of entities in ``doc.ents``, of mentions of relations
            that the Doc has, or of spans in ``doc.spans``, and whose scores of 0 mean "no such
            relation"; a relation that the Doc has keeps its evidence, polarity and statement in it.
            Of relations with the same head, label and tail the one with the highest
            score stays, of equals the first, with the evidence of all. A score may be None: not known.
        attr: name of the extension attribute.

    Raises:
        AnnotationError: if a span belongs to another Doc, is empty or no mention starts at a
            position, if a score is no probability, if evidence is no sentence of the Doc, if a
            polarity is not known, or if a value has another form.
    """
    rows = read_relations(doc, relations, lambda: get_relations(doc, attr))
    best: Dict[RelationKey, Relation] = {}
    kb_ids: Dict[RelationKey, Tuple[str, ...]] = {}
    evidence: Dict[RelationKey, Set[int]] = {}
    starts = sentence_starts(doc) if any(rel.evidence for rel in rows) else None
    for rel in rows:
        key = relation_key(rel)
        if key not in best or score_rank(rel.score) > score_rank(best[key].score):
            best[key] = rel
        if rel.head.kb_id or rel.tail.kb_id:
            kb_ids[key] = (rel.head.kb_id_, rel.tail.kb_id_)
        if rel.evidence:
            places = _sentence_places(doc, rel, starts)
            evidence.setdefault(key, set()).update(places)
    stored: Dict[Tuple[int, int], List[Tuple[Any, ...]]] = {}
    for key, rel in best.items():
        (start, end, head_type), label, (tail_start, tail_end, tail_type) = key
        score = None if rel.score is None else float(rel.score)
        row = (label, score, head_type, tail_type, tail_start - start, tail_end - tail_start)
        more: Tuple[Any, ...] = kb_ids.get(key, ())
        if key in evidence or rel.polarity or rel.statement:
            more = (*(more or ("", "")), tuple(sorted(evidence.get(key, ()))))
        if rel.polarity or rel.statement:
            more = (*more, rel.polarity)
        if rel.statement:
            more = (*more, stored_statement(rel.statement, start))
        stored.setdefault((start, end), []).append((*row, *more))
    name = _storage_name(attr)
    clear_relations(doc, attr)
    user_data: Dict[Any, Any] = doc.user_data
    for (start, end), values in stored.items():
        user_data[("._.", name, start, end)] = tuple(values)


def clear_relations(doc: Doc, attr: str = DEFAULT_ATTR) -> None:
    """Remove the relations of a Doc."""
    for key in stored_keys(doc, _storage_name(attr)):
        del doc.user_data[key]


def install_extension(attr: str = DEFAULT_ATTR) -> None:
    """Register the extension attribute ``doc._.<attr>`` as the view of the relations.

    Raises:
        ExtensionConflict: if another package has registered it.
    """
    register_attribute(
        attr,
        get_relations,
        set_relations,
        "Choose another name for the relations: "
        'nlp.add_pipe("relation_extractor", config={"attr": "relations"}).',
        attr=attr,
    )


def find_spans_key(docs: Iterable[Doc], attr: str = DEFAULT_ATTR) -> Optional[str]:
    """The span group that holds the mentions of documents; None: the entities.

    A group is chosen if it has heads and tails of relations that are no entities, or the most spans
    where there are neither relations nor entities. Clusters are no mentions.
    """
    arguments: Dict[Optional[str], int] = {None: 0}
    sizes: Dict[Optional[str], int] = {None: 0}
    for doc in docs:
        relations = get_relations(doc, attr)
        ends = {typed_key(span) for rel in relations for span in (rel.head, rel.tail)}
        groups = {name: doc.spans[name] for name in doc.spans if not CLUSTER_GROUP.fullmatch(name)}
        for name, spans in ((None, doc.ents), *groups.items()):
            sizes[name] = sizes.get(name, 0) + len(spans)
            arguments[name] = arguments.get(name, 0) + len(ends & set(map(typed_key, spans)))
    counts = arguments if any(arguments.values()) or sizes[None] else sizes
    return max(counts, key=lambda name: counts[name])  # the first of equals


def _storage_name(attr: str) -> str:
    # A dot cannot occur in an attribute name, so no span extension of a user can meet this one.
    return f"rel_component.{attr}"


def _same(span: Span, other: Span) -> bool:
    return bool(span.start == other.start and span.end == other.end)


def _read(doc: Doc, name: str) -> List[Relation]:
    relations = []
    data: Dict[Any, Any] = doc.user_data
    find_starts = cache(lambda: sentence_starts(doc))  # of the whole Doc: once, if at all
    for key in stored_keys(doc, name):
        rows = data[key]
        try:
            found = [_from_row(doc, find_starts, key[2], key[3], *row) for row in rows]
        except (LookupError, OverflowError, TypeError, ValueError) as err:
            raise AnnotationError(
                f"{describe(doc)}: doc.user_data[{shown(key)}] holds no relations as this package "
                f"writes them, but {shown(rows)}: {err}. Delete the entry, and assign to doc._.rel."
            ) from None
        relations += [rel for rel in found if rel is not None]
    relations.sort(
        key=lambda rel: (rel.head.start, rel.head.end, rel.tail.start, rel.tail.end, rel.label)
    )
    return relations


def _from_row(
    doc: Doc,
    find_starts: Callable[[], Optional[Int32Array]],
    head_start: int,
    head_end: int,
    label: str,
    score: Optional[float],
    head_type: str,
    tail_type: str,
    offset: int,
    length: int,
    *more: Any,
) -> Optional[Relation]:
    """The relation of a row; None if the Doc was cut from a longer one that had both mentions."""
    if len(more) == 1:
        raise ValueError("one id of two")
    found: Tuple[Any, ...] = (*more, *("", "", (), "", ())[len(more) :])
    head_id, tail_id, evidence, polarity, row = found
    names = (label, head_type, tail_type, head_id, tail_id, polarity)
    if not all(isinstance(name, str) for name in names):
        raise TypeError("labels, types, ids and polarities have to be strings")
    check_polarity(polarity)
    if not all(
        isinstance(value, int) for value in (head_start, head_end, offset, length, *evidence)
    ):
        raise TypeError("offsets have to be integers")
    if head_end <= head_start or length <= 0:
        raise ValueError("a mention has no characters")
    check_score(score)
    tail_start = head_start + offset
    head = _span(doc, head_start, head_end, head_type, head_id)
    tail = _span(doc, tail_start, tail_start + length, tail_type, tail_id)
    if head is None or tail is None:
        return None
    numbers: Sequence[int] = ()
    if evidence and (starts := find_starts()) is not None:
        n_characters = doc[-1].idx + len(doc[-1].text_with_ws)
        places = [head_start + place for place in evidence]
        inside = [place for place in places if 0 <= place < n_characters]
        numbers = (numpy.searchsorted(starts, inside, side="right") - 1).tolist()
    statement = read_statement(doc, row, head_start) if row else None
    return Relation(head, label, tail, score, numbers, polarity, statement)


def _sentence_places(doc: Doc, rel: Relation, starts: Any) -> List[int]:
    """Where the sentences of the evidence of a relation start, relative to its head."""
    n_sentences = 0 if starts is None else len(starts)
    if any(type(i) is not int or not 0 <= i < n_sentences for i in rel.evidence):
        raise AnnotationError(
            f"The evidence of {rel} is {shown(rel.evidence)}: expected numbers of sentences, and "
            f"{describe(doc)} has {n_sentences}."
        )
    return [int(starts[i]) - rel.head.start_char for i in rel.evidence]


def _span(doc: Doc, start: int, end: int, label: str, kb_id: str) -> Optional[Span]:
    last = doc[-1] if len(doc) else None
    if last is None or start < 0 or end > last.idx + len(last):
        return None
    return doc.char_span(start, end, label=label, kb_id=kb_id, alignment_mode="expand")


install_extension()
