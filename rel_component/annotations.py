"""``doc._.rel``: the relations of a Doc, stored in the Doc itself.

Relations are kept in ``doc.user_data`` in the form of span extension values, one entry per
head mention, so that spaCy's own machinery carries them along: ``to_bytes``, ``DocBin``, ``copy``,
``n_process``, and with shifted offsets ``Doc.from_docs`` and ``Span.as_doc``::

    ("._.", "rel_component.rel", head start, head end): ((label, score, head type, tail type,
                                                         tail start - head start, tail length), ...)

followed by the knowledge-base ids of head and tail if one of them is set.

Offsets are characters, so that retokenisation keeps them, and the tail is relative to the head, so
that it stays correct when spaCy shifts the head. Everything stored is an int, a float or a string.
"""

from functools import cached_property, partial
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
    overload,
)

import srsly
from spacy.tokens import Doc, Span

from .documents import RelationKey, relation_key
from .errors import AnnotationError, ExtensionConflict
from .types import Relation

DEFAULT_ATTR = "rel"

RelationLike = Union[Relation, Tuple[Span, str, Span], Tuple[Span, str, Span, Optional[float]]]
TokenPairDict = Mapping[Tuple[int, int], Mapping[str, float]]
_Entry = Tuple[Any, Tuple[Any, ...]]
"""A key of ``doc.user_data`` and its value, see above."""


class RelationView(Sequence[Relation]):
    """Typed, read-only view of the relations that a Doc has now, in document order.

    Indexing by position gives a :class:`Relation`; indexing by a pair of token positions, and
    ``keys``, ``items``, ``values`` and ``get``, read the dict form (see :meth:`as_dict`).

    Args:
        doc: the Doc to read.
        attr: name of the extension attribute.
    """

    def __init__(self, doc: Doc, attr: str = DEFAULT_ATTR) -> None:
        self._doc = doc
        name, data = _storage_name(attr), doc.user_data.items()
        self._entries: List[_Entry] = [(key, rows) for key, rows in data if _is_stored(key, name)]

    @cached_property
    def _relations(self) -> List[Relation]:
        return _read(self._doc, self._entries)

    @cached_property
    def _by_tokens(self) -> Dict[Tuple[int, int], Dict[str, float]]:
        return self.as_dict()

    def __len__(self) -> int:
        return len(self._relations)

    def __iter__(self) -> Iterator[Relation]:
        return iter(self._relations)

    def __contains__(self, item: Any) -> bool:
        if isinstance(item, tuple) and len(item) == 2:
            return item in self._by_tokens
        return item in self._relations

    @overload
    def __getitem__(self, index: int) -> Relation: ...

    @overload
    def __getitem__(self, index: slice) -> List[Relation]: ...

    @overload
    def __getitem__(self, index: Tuple[int, int]) -> Dict[str, float]: ...

    def __getitem__(
        self, index: Union[int, slice, Tuple[int, int]]
    ) -> Union[Relation, List[Relation], Dict[str, float]]:
        if isinstance(index, tuple):
            return self._by_tokens[index]
        return self._relations[index]

    def __repr__(self) -> str:
        return "[" + ", ".join(map(str, self._relations)) + "]"

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, RelationView):
            return self._relations == other._relations
        if isinstance(other, Mapping):
            return self._by_tokens == other
        return isinstance(other, list) and self._relations == other

    def __json__(self) -> str:
        """JSON text, the hook by which ``Doc.to_json(underscore=["rel"])`` can be written."""
        return str(srsly.json_dumps(self.to_json()))

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
            ``(head, label, tail, score)`` tuples with Spans of this Doc, or the dict form
            ``{(head.start, tail.start): {label: score}}``, whose positions must be first tokens of
            entities in ``doc.ents`` and whose scores of 0 mean "no such relation". Of relations
            with the same head, label and tail the one with the highest score stays. A score may be
            None: not known.
        attr: name of the extension attribute.

    Raises:
        AnnotationError: if a span belongs to another Doc, is empty or no entity starts at a
            position, or if a value has another form.
    """
    if isinstance(relations, Mapping):
        rows = _from_dict(doc, relations)
    else:
        rows = [_check(doc, item) for item in relations]
    best: Dict[RelationKey, Optional[float]] = {}
    kb_ids: Dict[RelationKey, Tuple[str, ...]] = {}
    for rel in rows:
        key = relation_key(rel)
        best[key] = _higher(rel.score, best.get(key))
        if rel.head.kb_id or rel.tail.kb_id:
            kb_ids[key] = (rel.head.kb_id_, rel.tail.kb_id_)
    stored: Dict[Tuple[int, int], List[Tuple[Any, ...]]] = {}
    for key, score in best.items():
        (start, end, head_type), label, (tail_start, tail_end, tail_type) = key
        row = (label, score, head_type, tail_type, tail_start - start, tail_end - tail_start)
        stored.setdefault((start, end), []).append((*row, *kb_ids.get(key, ())))
    name = _storage_name(attr)
    clear_relations(doc, attr)
    user_data: Dict[Any, Any] = doc.user_data
    for (start, end), values in stored.items():
        user_data[("._.", name, start, end)] = tuple(values)


def clear_relations(doc: Doc, attr: str = DEFAULT_ATTR) -> None:
    """Remove the relations of a Doc."""
    for key in [key for key in doc.user_data if _is_stored(key, _storage_name(attr))]:
        del doc.user_data[key]


def install_extension(attr: str = DEFAULT_ATTR) -> None:
    """Register the extension attribute ``doc._.<attr>`` as the view of the relations.

    Raises:
        ExtensionConflict: if another package has registered it.
    """
    if Doc.has_extension(attr):
        getter = Doc.get_extension(attr)[2]
        if isinstance(getter, partial) and getter.func is get_relations:
            return
        raise ExtensionConflict(
            f"The extension attribute Doc._.{attr} is already registered by other code. Choose "
            f'another name for the relations: nlp.add_pipe("relation_extractor", '
            f'config={{"attr": "relations"}}).'
        )
    getter, setter = partial(get_relations, attr=attr), partial(set_relations, attr=attr)
    Doc.set_extension(attr, getter=getter, setter=setter)


def _storage_name(attr: str) -> str:
    # A dot cannot occur in an attribute name, so no span extension of a user can meet this one.
    return f"rel_component.{attr}"


def _is_stored(key: Any, name: str) -> bool:
    return isinstance(key, tuple) and len(key) == 4 and key[0] == "._." and key[1] == name


def _higher(score: Optional[float], other: Optional[float]) -> Optional[float]:
    known = [float(value) for value in (score, other) if value is not None]
    return max(known) if known else None


def _same(span: Span, other: Span) -> bool:
    return bool(span.start == other.start and span.end == other.end)


def _read(doc: Doc, entries: List[_Entry]) -> List[Relation]:
    relations = []
    for (_, _, head_start, head_end), rows in entries:
        for label, score, head_type, tail_type, offset, length, *kb_ids in rows:
            head_id, tail_id = kb_ids or ("", "")
            head = _span(doc, head_start, head_end, head_type, head_id)
            tail_start = head_start + offset
            tail = _span(doc, tail_start, tail_start + length, tail_type, tail_id)
            if head is not None and tail is not None:
                relations.append(Relation(head, label, tail, score))
    relations.sort(
        key=lambda rel: (rel.head.start, rel.head.end, rel.tail.start, rel.tail.end, rel.label)
    )
    return relations


def _span(doc: Doc, start: int, end: int, label: str, kb_id: str) -> Optional[Span]:
    # Outside of the text: the Doc was cut from a longer one, which had the other mention.
    last = doc[-1] if len(doc) else None
    if last is None or start < 0 or end > last.idx + len(last):
        return None
    return doc.char_span(start, end, label=label, kb_id=kb_id, alignment_mode="expand")


def _check(doc: Doc, item: Any) -> Relation:
    if isinstance(item, Relation):
        rel = item
    elif isinstance(item, (tuple, list)) and len(item) in (3, 4):
        rel = Relation(*item)
    else:
        raise AnnotationError(
            f"Cannot store {item!r} as a relation: expected a Relation, (head, label, tail) or "
            "(head, label, tail, score)."
        )
    for role, span in (("head", rel.head), ("tail", rel.tail)):
        if not isinstance(span, Span):
            raise AnnotationError(f"The {role} of {item!r} is not a Span.")
        if span.doc is not doc:
            raise AnnotationError(
                f"The {role} {span.text!r} belongs to another Doc; take it from the Doc whose "
                "relations are set."
            )
        if len(span) == 0:
            raise AnnotationError(f"The {role} of {item!r} has no tokens.")
    if not isinstance(rel.label, str) or not rel.label:
        raise AnnotationError(f"The label of {item!r} is not a string.")
    return rel


def _from_dict(doc: Doc, data: TokenPairDict) -> List[Relation]:
    by_start = {ent.start: ent for ent in doc.ents}
    rows = []
    for key, scores in data.items():
        if not (isinstance(key, tuple) and len(key) == 2 and isinstance(scores, Mapping)):
            raise AnnotationError(
                f"Cannot store {key!r}: {scores!r}: expected (head.start, tail.start): {{label: score}}."
            )
        for position in key:
            if position not in by_start:
                raise AnnotationError(
                    f"No entity in doc.ents starts at token {position!r}. Set doc.ents first, or "
                    "assign relations with Spans."
                )
        for label, score in scores.items():
            if score > 0:
                rows.append(Relation(by_start[key[0]], label, by_start[key[1]], float(score)))
    return rows


install_extension()
