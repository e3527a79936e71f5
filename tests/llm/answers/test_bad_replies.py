"""Replies about one document that are not as asked: what comes out, and what is counted.

Among them are the shapes in which well-known graph builders state relations.
"""

import json
from pathlib import Path

import pytest

from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.answers.relations import validate_statements
from rel_component.llm.types import Reply

from ..business import ENTITY_TYPES, SCHEMA, business_doc, business_mentions

LINES = (Path(__file__).parent / "bad_replies.jsonl").read_text(encoding="utf8").splitlines()
CASES = [json.loads(line) for line in LINES]
PAIR = ("M1", "M2")


@pytest.fixture(scope="module")
def doc():
    return business_doc()


def read(doc, reply, *, mode, finish_reason="stop", **options):
    given = business_mentions(doc)
    shown = {"mentions": given, "pair": {key: given[key] for key in PAIR}, "text": None}
    return validate_statements(
        read_statements(Reply(reply, finish_reason)),
        doc,
        SCHEMA,
        mentions=shown[mode],
        pair=PAIR if mode == "pair" else None,
        entity_types=ENTITY_TYPES,
        **options,
    )


def assert_sound(doc, validated):
    """Nothing outside the schema, and nothing outside the document."""
    for rel in validated.relations:
        assert SCHEMA[rel.label].allows(rel.head.label_, rel.tail.label_)
        assert rel.score is None
    sides = [side for rel in validated.relations for side in (rel.head, rel.tail)]
    for span in [*sides, *validated.entities]:
        assert span.doc is doc
        assert 0 <= span.start < span.end <= len(doc)
        assert span.label_ in ENTITY_TYPES


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_comes_out_is_sound_and_what_does_not_is_counted(doc, case):
    before = doc.to_bytes()
    validated = read(doc, case["reply"], mode=case["mode"], finish_reason=case["finish_reason"])
    found = [[rel.head.text, rel.label, rel.tail.text] for rel in validated.relations]
    assert found == case["expected"]
    assert (validated.dropped, validated.repaired) == (case["dropped"], case["repaired"])
    assert_sound(doc, validated)
    assert doc.to_bytes() == before


@pytest.mark.parametrize("mode", ["mentions", "text", "pair"])
@pytest.mark.parametrize("finish_reason", ["stop", "length"])
@pytest.mark.slow
def test_every_reply_can_be_read_in_every_mode_wherever_it_is_cut(doc, mode, finish_reason):
    for case in CASES:
        reply = case["reply"][:400]
        for end in {len(reply), *range(0, len(reply), 37)}:
            validated = read(doc, reply[:end], mode=mode, finish_reason=finish_reason)
            assert_sound(doc, validated)


def test_all_errors_can_be_sent(doc):
    for case in CASES:
        validated = read(doc, case["reply"], mode=case["mode"], finish_reason=case["finish_reason"])
        assert bool(validated.errors) == bool(validated.dropped)
        assert all(len(error.encode()) < 1000 for error in validated.errors)
