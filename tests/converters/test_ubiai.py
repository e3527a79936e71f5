"""UBIAI's JSON, on documents of the form of its export."""

import pytest

from .files import notes, read_text

DOCUMENT = {
    "documentName": "jobs.txt",
    "document": "5+ years of C++, or a BS",
    "tokens": [
        {"text": "5+ years", "start": 0, "end": 8, "token_start": 0, "token_end": 2},
        {"text": "C++", "start": 12, "end": 15, "token_start": 4, "token_end": 4},
        {"text": "BS", "start": 22, "end": 24, "token_start": 8, "token_end": 8},
    ],
    "relations": [{"child": 4, "head": 0, "relationLabel": "EXPERIENCE_IN"}],
}
for token, label in zip(DOCUMENT["tokens"], ("EXPERIENCE", "SKILLS", "DIPLOMA")):
    token["entityLabel"] = label


def test_relations_name_first_tokens(tmp_path):
    (annotated,), report = read_text(tmp_path, [DOCUMENT], "ubiai", on_error="stop")
    texts = [annotated.text[m.start : m.end] for m in annotated.mentions]
    assert texts == ["5+ years", "C++", "BS"]
    ((head, label, tail),) = [(r.head, r.label, r.tail) for r in annotated.relations]
    assert (texts[head], label, texts[tail]) == ("5+ years", "EXPERIENCE_IN", "C++")
    assert (annotated.meta, report.notes) == ({"id": "jobs.txt"}, {})


def test_relations_name_mentions_where_tokens_have_no_numbers(tmp_path):
    tokens = [{k: v for k, v in t.items() if k[:6] != "token_"} for t in DOCUMENT["tokens"]]
    relations = [{"child": 2, "head": 1, "relationLabel": "X"}]
    content = [{**DOCUMENT, "tokens": tokens, "relations": relations}]
    (annotated,), _ = read_text(tmp_path, content, "ubiai", on_error="stop")
    assert [(r.head, r.tail) for r in annotated.relations] == [(1, 2)]


def test_mentions_that_begin_together(tmp_path):
    other = {**DOCUMENT["tokens"][0], "end": 2, "text": "5+"}
    content = [{**DOCUMENT, "tokens": [*DOCUMENT["tokens"], other]}]
    (annotated,), report = read_text(tmp_path, content, "ubiai", on_error="stop")
    assert [(r.head, r.tail) for r in annotated.relations] == [(0, 1)]
    assert list(notes(report).values()) == [1]


@pytest.mark.parametrize(
    ("changed", "message", "lost"),
    [
        ({"relations": [{"child": 1, "head": 0, "relationLabel": "X"}]}, "begins with token 1", 1),
        ({"relations": [{"child": 4, "relationLabel": "X"}]}, 'relation 0: "head": expected', 1),
        (
            {"document": "6+ years of C++, or a BS"},
            "its text is '5+ years', but 0:8 of the document is '6+",
            1,
        ),
        ({"document": 1}, '"document": expected a string', 0),
    ],
)
def test_problems_name_the_place(tmp_path, changed, message, lost):
    found, report = read_text(tmp_path, [{**DOCUMENT, **changed}], "ubiai")
    assert f"{tmp_path / 'data'}, document 0, documentName jobs.txt" in report.problems[0]
    assert message in report.problems[0]
    assert len(found) == lost
