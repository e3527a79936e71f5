"""Scores of events, against hand-computed ones."""

import pytest
from spacy.training import Example

from rel_component.evaluation.event_scores import score_events
from rel_component.events import Event, set_events
from rel_component.schema import RelationSchema

from ..helpers import make_doc


def example(vocab, gold, predicted):
    docs = [make_doc(vocab, "a b c d e") for _ in range(2)]
    for doc, events in zip(docs, (predicted, gold)):
        made = [
            Event(label, tuple((role, doc[i : i + 1]) for role, i in arguments))
            for label, *arguments in events
        ]
        set_events(doc, made)
    return Example(*docs)


def test_records_arguments_and_shares(vocab):
    gold = [
        ("M", ("p", 0), ("p", 1), ("r", 2)),
        ("M", ("p", 3), ("p", 4)),
        ("N", ("p", 0), ("p", 3)),
    ]
    predicted = [("M", ("p", 0), ("p", 1)), ("M", ("p", 3), ("p", 4)), ("M", ("p", 0), ("p", 3))]
    scores = score_events([example(vocab, gold, predicted)])
    assert scores["events_n"] == 3
    assert scores["events_micro_p"] == scores["events_micro_r"] == pytest.approx(1 / 3)
    assert scores["events_any_micro_f"] == pytest.approx(2 / 3)
    # gold: M p0 p1 r2 p3 p4, N p0 p3; predicted: M p0 p1 p3 p4
    assert scores["events_arguments_micro_p"] == 1.0
    assert scores["events_arguments_micro_r"] == pytest.approx(4 / 7)
    assert scores["events_partial_micro_p"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["events_partial_micro_r"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["events_per_type"]["N"] == {"p": 0.0, "r": 0.0, "f": 0.0, "n": 1}


def test_roles_that_can_be_exchanged_are_equal(vocab):
    kind = {"label": "M", "roles": {"p": None, "q": None}, "symmetric": ["p", "q"]}
    schema = RelationSchema.from_dict({"events": [kind]}).events
    eg = example(vocab, [("M", ("p", 0), ("q", 1))], [("M", ("q", 0), ("p", 1))])
    assert score_events([eg])["events_micro_f"] == 0.0
    assert score_events([eg], schema=schema)["events_micro_f"] == 1.0


def test_without_events_only_records_have_a_score(vocab):
    scores = score_events([example(vocab, [], [])])
    assert scores["events_micro_f"] == 0.0
    assert scores["events_partial_micro_f"] is None
    assert scores["events_arguments_micro_f"] is None
    assert scores["events_per_type"] == {}
