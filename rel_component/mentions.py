"""The mentions of documents as arrays: entities, or the spans of a span group."""

from typing import Iterable, List, Optional, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span

from .types import Mentions

MentionRow = Tuple[int, int, int]
"""Start and exclusive end in tokens, entity type as StringStore hash."""


def mention_spans(doc: Doc, spans_key: Optional[str] = None) -> Sequence[Span]:
    """The mentions of a document as Spans.

    doc: the document.
    spans_key: name of a span group; None: the entities.
    """
    if spans_key is None:
        return doc.ents
    return list(doc.spans[spans_key]) if spans_key in doc.spans else []


def read_mentions(docs: Sequence[Doc], spans_key: Optional[str] = None) -> Mentions:
    """The mentions of a batch of documents; equal spans of one type count once.

    docs: the documents.
    spans_key: name of a span group; None: the entities.
    """
    return _to_arrays([_rows(mention_spans(doc, spans_key)) for doc in docs])


def read_training_mentions(
    predicted: Sequence[Doc], reference: Sequence[Doc], spans_key: Optional[str] = None
) -> Mentions:
    """The mentions of predicted documents joined with those of the reference.

    Reference mentions are carried over by their characters; those that do not start and end at
    token boundaries of the predicted document are left out.

    predicted: the documents whose tokens count.
    reference: annotated documents with the same texts.
    spans_key: name of a span group; None: the entities.
    """
    rows = []
    for doc, annotated in zip(predicted, reference):
        found = _rows(mention_spans(doc, spans_key))
        for span in mention_spans(annotated, spans_key):
            carried = doc.char_span(span.start_char, span.end_char, label=span.label)
            if carried is not None:
                found.add((carried.start, carried.end, span.label))
        rows.append(found)
    return _to_arrays(rows)


def _rows(spans: Iterable[Span]) -> Set[MentionRow]:
    return {(span.start, span.end, span.label) for span in spans if span.end > span.start}


def _to_arrays(rows: List[Set[MentionRow]]) -> Mentions:
    ordered = [row for doc_rows in rows for row in sorted(doc_rows)]
    return Mentions(
        spans=numpy.asarray([row[:2] for row in ordered], dtype="int32").reshape(-1, 2),
        types=numpy.asarray([row[2] for row in ordered], dtype="uint64"),
        lengths=numpy.asarray([len(doc_rows) for doc_rows in rows], dtype="int32"),
    )
