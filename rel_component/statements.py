"""How the words that state a relation are stored with it, and read from JSON.

Stored in plain values, offsets in characters and relative to the head of the relation, as the relation
itself is (see :mod:`rel_component.annotations`)::

    (((start, length), ...), ((role, start, length), ...), modality, (word, polarity, start, length))

of the predicate, the further arguments and the attribution, which is empty where there is none.
"""

from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span

from .errors import shown
from .types import MODALITIES, POLARITIES, Attribution, Statement

_Find = Callable[[Any, Any], Optional[Span]]


def stored_statement(statement: Statement, origin: int) -> Tuple[Any, ...]:
    """The plain values of a statement.

    Args:
        statement: the statement.
        origin: where the head of its relation starts, in characters.
    """

    def place(span: Span) -> Tuple[int, int]:
        return span.start_char - origin, span.end_char - span.start_char

    attribution: Tuple[Any, ...] = ()
    if statement.attribution is not None:
        told = statement.attribution
        attribution = (told.word, told.polarity, *(place(told.source) if told.source else ()))
    return (
        tuple(place(span) for span in statement.predicate),
        tuple((role, *place(span)) for role, span in statement.arguments),
        statement.modality,
        attribution,
    )


def read_statement(doc: Doc, row: Sequence[Any], origin: int) -> Statement:
    """The statement of stored values; parts that a shorter Doc lost are left out.

    Args:
        doc: the document.
        row: the values.
        origin: where the head of its relation starts, in characters.

    Raises:
        TypeError, ValueError: if the values are no statement.
    """
    last = doc[-1] if len(doc) else None
    end = last.idx + len(last) if last is not None else 0

    def find(start: Any, length: Any) -> Optional[Span]:
        if type(start) is not int or type(length) is not int or length <= 0:
            raise ValueError(f"{shown((start, length))} is no place")
        start += origin
        inside = start >= 0 and start + length <= end
        return doc.char_span(start, start + length, alignment_mode="expand") if inside else None

    fragments, arguments, modality, told = row
    word, polarity, *place = told if told else ("", "")
    return _make(
        [find(*fragment) for fragment in fragments],
        [(role, find(start, length)) for role, start, length in arguments],
        modality,
        (word, polarity, find(*place) if place else None) if told else None,
    )


def statement_of_json(doc: Doc, data: Any) -> Statement:
    """Read the JSON form of a statement.

    Args:
        doc: the document.
        data: see :meth:`.types.Statement.to_json`.

    Raises:
        ValueError: if it has another form, or does not fit the document.
    """

    def find(item: Any) -> Span:
        start, end = item["start_char"], item["end_char"]
        span = doc.char_span(start, end) if type(start) is type(end) is int else None
        if span is None or span.text != item.get("text", span.text):
            raise ValueError(f"{shown(item)} is no part of the text")
        return span

    try:
        told: Optional[Mapping[str, Any]] = data.get("attribution")
        source = told.get("source") if told else None
        return _make(
            [find(item) for item in data["predicate"]],
            [(item["role"], find(item)) for item in data.get("arguments", ())],
            data.get("modality", ""),
            (told["word"], told.get("polarity", ""), source and find(source)) if told else None,
        )
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as err:
        raise ValueError(f"{shown(data)} is no statement: {type(err).__name__}: {err}") from None


def _make(
    fragments: List[Optional[Span]],
    arguments: List[Tuple[Any, Optional[Span]]],
    modality: Any,
    told: Optional[Tuple[Any, Any, Optional[Span]]],
) -> Statement:
    if modality not in ("", *MODALITIES):
        raise ValueError(f"the modality is {shown(modality)}; known are {', '.join(MODALITIES)}")
    words = [role for role, _ in arguments] + ([told[0]] if told else [])
    if not all(isinstance(word, str) for word in words):
        raise TypeError("roles and words of attribution have to be strings")
    if told and told[1] not in ("", *POLARITIES):
        raise ValueError(f"the polarity of the attribution is {shown(told[1])}")
    return Statement(
        tuple(span for span in fragments if span is not None),
        tuple((role, span) for role, span in arguments if span is not None),
        modality,
        Attribution(*told) if told else None,
    )
