"""Alignment of character offsets with tokens."""

from typing import Literal, Optional

from spacy.tokens import Doc, Span

from ..errors import DataError

AlignmentMode = Literal["strict", "contract", "expand"]


def align_span(
    doc: Doc, start: int, end: int, label: str, *, mode: AlignmentMode = "strict"
) -> Optional[Span]:
    """Find the tokens at a range of characters.

    Leading and trailing white space of the range is ignored.

    Args:
        doc: the document.
        start: first character of ``doc.text`` in the range.
        end: the character after the last one.
        label: label of the span.
        mode: what to do where the range does not begin and end with a token: ``strict``, None;
            ``contract``, the tokens inside of it, None if there is none; ``expand``, all tokens it
            touches.

    Raises:
        DataError: if the range is empty or not inside of the text.
    """
    text = doc.text
    if not 0 <= start < end <= len(text):
        raise DataError(f"characters {start}:{end} are not a range of a text of {len(text)}")
    inside = text[start:end]
    if inside.isspace():
        raise DataError(f"characters {start}:{end} are only white space")
    start += len(inside) - len(inside.lstrip())
    end -= len(inside) - len(inside.rstrip())
    return doc.char_span(start, end, label=label, alignment_mode=mode)


def describe_misalignment(doc: Doc, start: int, end: int) -> str:
    """The range and the tokens that it cuts, for a message."""
    tokens = doc.char_span(start, end, alignment_mode="expand")
    words = [token.text for token in tokens] if tokens is not None else []
    return (
        f"characters {start}:{end}, {doc.text[start:end]!r}, do not begin and end with a token; the "
        f"tokens there are {words}"
    )
