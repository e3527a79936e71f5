"""Recorded replies, bad and odd ones, about one document: what comes out and what is counted."""

import json
from pathlib import Path

import pytest

from rel_component.llm.answers.parsing import parse_answer
from rel_component.llm.answers.validation import validate_answer

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
    return validate_answer(
        parse_answer(reply, finish_reason=finish_reason),
        doc,
        SCHEMA,
        mentions=shown[mode],
        pair=PAIR if mode == "pair" else None,
        entity_types=ENTITY_TYPES,
        **options,
    )


def assert_sound(doc, reading):
    """Nothing outside the schema, and nothing outside the document."""
    assert len(reading.relations) == len(reading.positions)
    for rel in reading.relations:
        assert SCHEMA[rel.label].allows(rel.head.label_, rel.tail.label_)
        assert rel.score is None
    sides = [side for rel in reading.relations for side in (rel.head, rel.tail)]
    for span in [*sides, *reading.entities]:
        assert span.doc is doc
        assert 0 <= span.start < span.end <= len(doc)
        assert span.label_ in ENTITY_TYPES


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_comes_out_is_sound_and_what_does_not_is_counted(doc, case):
    before = doc.to_bytes()
    reading = read(doc, case["reply"], mode=case["mode"], finish_reason=case["finish_reason"])
    found = [[rel.head.text, rel.label, rel.tail.text] for rel in reading.relations]
    assert found == case["expected"]
    assert (reading.dropped, reading.repaired) == (case["dropped"], case["repaired"])
    assert_sound(doc, reading)
    assert doc.to_bytes() == before


@pytest.mark.parametrize("mode", ["mentions", "text", "pair"])
@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_every_reply_can_be_read_in_every_mode_wherever_it_is_cut(doc, mode, finish_reason):
    for case in CASES:
        reply = case["reply"][:400]
        for end in {len(reply), *range(0, len(reply), 37)}:
            reading = read(doc, reply[:end], mode=mode, finish_reason=finish_reason)
            assert_sound(doc, reading)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_positions_are_those_of_the_labels(doc, case):
    reading = read(doc, case["reply"], mode=case["mode"], finish_reason=case["finish_reason"])
    for rel, position in zip(reading.relations, reading.positions):
        if position is not None and not reading.repaired:
            assert case["reply"].startswith(rel.label, position)


def test_all_errors_can_be_sent(doc):
    for case in CASES:
        reading = read(doc, case["reply"], mode=case["mode"], finish_reason=case["finish_reason"])
        assert bool(reading.errors) == bool(reading.dropped)
        assert all(len(error.encode()) < 1000 for error in reading.errors)
