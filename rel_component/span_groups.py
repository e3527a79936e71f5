"""Span groups whose spans follow their characters when tokens are merged or split.

spaCy leaves ``doc.spans`` behind then (#12024): spans keep the positions of tokens that are
others now, or that are not there any more, and reading or saving the Doc fails with E035. A group
also holds the characters of its spans, which stay right.
"""

import struct
from typing import List, Optional

import numpy
import srsly
from spacy.tokens import Doc, Span, SpanGroup

_SPAN = struct.Struct(">QQQllll")  # three ids, tokens and characters, as groups are saved


class MovingSpanGroup(SpanGroup):
    """A span group that can be read, copied and saved after tokens of its Doc were merged or split.

    A span that begins or ends inside of a token is widened to it. What is loaded from bytes is
    spaCy's own group again, which :func:`current_spans` reads.
    """

    def __getitem__(self, i: int) -> Span:
        return _current_span(self, range(len(self))[i])

    def to_bytes(self) -> bytes:
        """Serialise the group."""
        current_spans(self)
        return bytes(super().to_bytes())

    def copy(self, doc: Optional[Doc] = None) -> "MovingSpanGroup":
        """A copy of the group, for its own Doc or for another one with the same text."""
        plain = super().copy(doc)
        return MovingSpanGroup(plain.doc, name=plain.name, attrs=plain.attrs, spans=list(plain))


def current_spans(group: SpanGroup) -> List[Span]:
    """The spans of a group, which is mended if tokens of its Doc were merged or split."""
    return [_current_span(group, i) for i in range(len(group))]


def _current_span(group: SpanGroup, i: int) -> Span:
    try:
        span = SpanGroup.__getitem__(group, i)
        if _fits(span):
            return span
    except IndexError:  # beyond the last token
        pass
    _move(group)
    return SpanGroup.__getitem__(group, i)


def _fits(span: Span) -> bool:
    """Whether the tokens of a span are those of its characters."""
    doc, start, end = span.doc, span.start, span.end
    if start < len(doc) and doc[start].idx != span.start_char:
        return False
    return bool(start == end or doc[end - 1].idx + len(doc[end - 1]) == span.end_char)


def _move(group: SpanGroup) -> None:
    """Give the spans the tokens of their characters."""
    doc = group.doc
    begins = numpy.asarray([token.idx for token in doc], dtype="int64")
    message = srsly.msgpack_loads(SpanGroup.to_bytes(group))
    moved = []
    for span_id, kb_id, label, _, _, start_char, end_char in map(_SPAN.unpack, message["spans"]):
        end = int(numpy.searchsorted(begins, end_char, side="left"))
        start = int(numpy.searchsorted(begins, start_char, side="right")) - 1
        start = end if start_char == end_char else start
        span = Span(doc, start, end, label, kb_id=kb_id, span_id=span_id)
        tokens = (span.start, span.end, span.start_char, span.end_char)
        moved.append(_SPAN.pack(span_id, kb_id, label, *tokens))
    group.from_bytes(srsly.msgpack_dumps({**message, "spans": moved}))
