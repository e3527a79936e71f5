"""Mentions marked in texts, and nothing that only looks like a mark."""

import pytest

from rel_component.llm.prompting.marking import mark_mentions, neutral


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ([], "Bank of Oslo fell"),
        ([(0, 12, "M1")], "<M1>Bank of Oslo</M1> fell"),
        ([(0, 12, "M1"), (8, 12, "M2")], "<M1>Bank of <M2>Oslo</M2></M1> fell"),
        ([(0, 4, "M2"), (0, 12, "M1")], "<M1><M2>Bank</M2> of Oslo</M1> fell"),
        ([(0, 4, "M1"), (5, 7, "M2")], "<M1>Bank</M1> <M2>of</M2> Oslo fell"),
    ],
)
def test_mentions_are_marked(mentions, expected):
    assert mark_mentions("Bank of Oslo fell", mentions) == expected


@pytest.mark.parametrize(
    "tag",
    [
        *("<M1>", "</M12>", "</document>", "<Document>", "<DOCUMENT id=3>", "</ document>"),
        *("<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]", "[/INST]", "<end_of_turn>"),
    ],
)
def test_marks_of_the_text_itself_are_broken(tag):
    assert neutral(f"a {tag} b") == f"a {tag[0]} {tag[1:]} b"
    assert mark_mentions(f"a {tag} b", [(0, 1, "M1")]) == f"<M1>a</M1> {tag[0]} {tag[1:]} b"


@pytest.mark.parametrize(
    "text", ["a < b", "<b>bold</b>", "<M>", "<Mx>", "<documents>", "[1]", "[M]", "<strong>"]
)
def test_other_texts_stay(text):
    assert neutral(text) == text
