"""Character offsets to tokens."""

import pytest
import spacy

from rel_component.converters.alignment import align_span, describe_misalignment
from rel_component.errors import DataError

DOC = spacy.blank("en")("The  U.S. firm's head")


@pytest.mark.parametrize(
    ("start", "end", "mode", "text"),
    [
        (5, 9, "strict", "U.S."),
        (4, 10, "strict", "U.S."),
        (5, 8, "strict", None),
        (5, 8, "expand", "U.S."),
        (6, 14, "contract", "firm"),
    ],
)
def test_modes(start, end, mode, text):
    span = align_span(DOC, start, end, "ORG", mode=mode)
    assert (span.text if span is not None else None) == text


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (5, 99), (3, 5)])
def test_ranges_that_are_none(start, end):
    with pytest.raises(DataError, match=f"characters {start}:{end}"):
        align_span(DOC, start, end, "ORG")


def test_a_misalignment_shows_the_tokens():
    assert describe_misalignment(DOC, 5, 8).endswith("the tokens there are ['U.S.']")
