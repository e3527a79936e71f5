"""The forms in which relations may be assigned to ``doc._.rel``, checked against their Doc."""

from typing import Any, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy
from spacy.tokens import Doc, Span

from .documents import document_id
from .errors import AnnotationError, shown
from .span_groups import current_spans
from .statements import statement_of_json
from .types import POLARITIES, Relation

RelationLike = Union[
    Mapping[str, Any],  # a Relation, or its JSON form
    Tuple[Span, str, Span],
    Tuple[Span, str, Span, Optional[float]],
]
TokenPairDict = Mapping[Tuple[int, int], Mapping[str, float]]


def read_relations(
    doc: Doc,
    relations: Union[Iterable[RelationLike], TokenPairDict],
    known: Callable[[], Iterable[Relation]],
) -> List[Relation]:
    """The relations that someone assigns to a Doc.

    Args:
        doc: the Doc.
        relations: see :func:`.set_relations`.
        known: gives the relations that the Doc has; the dict form may be about their mentions.

    Raises:
        AnnotationError: if one of them does not fit the Doc, or has another form.
    """
    if isinstance(relations, Mapping):
        return _from_dict(doc, relations, known())
    if isinstance(relations, Iterable):
        return [_check(doc, item) for item in relations]
    raise AnnotationError(f"Cannot store {shown(relations)}: expected a list of relations.")


def describe(doc: Doc) -> str:
    """A document in messages: its id, or else its first words."""
    return f"document {document_id(doc) or shown(doc[:10].text)}"


def check_score(score: Any) -> None:
    """Check a probability, which may be None.

    Raises:
        ValueError: if it is none.
    """
    is_number = isinstance(score, (int, float, numpy.number)) and not isinstance(score, bool)
    # sums of probabilities in 32 bits may exceed 1 a little
    if score is not None and not (is_number and 0.0 <= score <= 1.0 + 1e-5):
        raise ValueError(f"the score is {shown(score)}, and no probability in [0, 1]")


def score_rank(score: Optional[float]) -> float:
    """The rank of a relation or event among its equals, of which the one with the highest stays.

    Args:
        score: its score; one that is not known has the lowest rank.
    """
    return -1.0 if score is None else float(score)


def check_polarity(polarity: Any) -> None:
    """Check a polarity, which may be empty.

    Raises:
        ValueError: if it is none.
    """
    if polarity not in ("", *POLARITIES):
        raise ValueError(f"the polarity is {shown(polarity)}; known are {', '.join(POLARITIES)}")


def _check(doc: Doc, item: Any) -> Relation:
    if isinstance(item, Relation):
        parts: Sequence[Any] = (
            *(item.head, item.label, item.tail, item.score),
            *(item.evidence, item.polarity, item.statement),
        )
    elif isinstance(item, Mapping):
        parts = _from_json(doc, item)
    elif isinstance(item, (tuple, list)) and len(item) in (3, 4):
        parts = (*item, 1.0)[:4] + ((), "", None)
    else:
        raise AnnotationError(
            f"Cannot store {shown(item)} as a relation: expected a Relation, (head, label, tail), "
            "(head, label, tail, score), or a dict as to_json gives it."
        )
    head, label, tail, score, evidence, polarity, statement = parts
    for role, span in (("head", head), ("tail", tail)):
        if not isinstance(span, Span):
            raise AnnotationError(f"The {role} of {shown(item)} is not a Span.")
        if span.doc is not doc:
            raise AnnotationError(
                f"The {role} {shown(span.text)} belongs to another Doc; take it from the Doc whose "
                "relations are set."
            )
        if len(span) == 0:
            raise AnnotationError(f"The {role} of {shown(item)} has no tokens.")
    if statement is not None and any(span.doc is not doc for span in statement.spans):
        raise AnnotationError(f"The statement of {shown(item)} belongs to another Doc.")
    if not isinstance(label, str) or not label:
        raise AnnotationError(f"The label of {shown(item)} is not a string.")
    try:
        check_score(score)
        check_polarity(polarity)
    except ValueError as err:
        raise AnnotationError(f"Cannot store {shown(item)}: {err}.") from None
    if isinstance(item, Relation):
        return item
    return Relation(head, label, tail, score, evidence, polarity, statement)


def _from_json(doc: Doc, item: Mapping[str, Any]) -> Tuple[Any, ...]:
    spans = []
    for role in ("head", "tail"):
        data: Any = item.get(role)
        try:
            start, end, label, kb_id = (
                data["start_char"],
                data["end_char"],
                data.get("label", ""),
                data.get("kb_id", ""),
            )
            span = doc.char_span(start, end, label=label, kb_id=kb_id)
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as err:
            raise AnnotationError(
                f"The {role} of {shown(item)} is {shown(data)}: expected an object with start_char, "
                f"end_char and label, as to_json gives it ({type(err).__name__}: {err})."
            ) from None
        if span is None or span.text != data.get("text", span.text):
            raise AnnotationError(
                f"Characters {start}:{end} of {describe(doc)} do not begin and end with a token, "
                f"or are not the {role} {shown(data.get('text'))}."
            )
        spans.append(span)
    evidence = item.get("evidence", ())
    if not isinstance(evidence, (list, tuple)) or not all(type(i) is int for i in evidence):
        raise AnnotationError(
            f"The evidence of {shown(item)} is {shown(evidence)}: expected numbers of sentences."
        )
    try:
        given = item.get("statement")
        statement = None if given is None else statement_of_json(doc, given)
    except ValueError as err:
        raise AnnotationError(f"The statement of {shown(item)}: {err}.") from None
    more = (item.get("score", 1.0), evidence, item.get("polarity", ""), statement)
    return (spans[0], item.get("label"), spans[1], *more)


def _from_dict(doc: Doc, data: TokenPairDict, relations: Iterable[Relation]) -> List[Relation]:
    known = {(rel.head.start, rel.tail.start, rel.label): rel for rel in relations}
    arguments = [span for rel in known.values() for span in (rel.head, rel.tail)]
    spans = [span for group in doc.spans.values() for span in current_spans(group)]
    by_start = {span.start: span for span in (*spans, *arguments, *doc.ents)}
    rows = []
    for key, scores in data.items():
        if not (isinstance(key, tuple) and len(key) == 2 and isinstance(scores, Mapping)):
            raise AnnotationError(
                f"Cannot store {shown(key)}: {shown(scores)}: expected (head.start, tail.start): "
                "{label: score}."
            )
        for position in key:
            if position not in by_start:
                raise AnnotationError(
                    f"No entity in doc.ents starts at token {shown(position)}, and no other mention. "
                    "Set doc.ents first, or assign relations with Spans."
                )
        for label, score in scores.items():
            if score == 0:
                continue
            same = known.get((*key, label))  # perhaps of mentions that are no entities
            head, tail = (same.head, same.tail) if same else (by_start[key[0]], by_start[key[1]])
            more = (same.evidence, same.polarity, same.statement) if same else ()
            rows.append(_check(doc, Relation(head, label, tail, score, *more)))
    return rows
