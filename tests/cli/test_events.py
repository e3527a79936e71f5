"""Events in the rows of ``spacy rel extract``."""

import json

import pytest

from .conftest import TEXTS, lines, reply
from .helpers import run, run_json, run_rows

PAIR = "FOUNDING:org>founder"
EVENTS = {
    "relations": [{"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"]}],
    "events": [{"label": "FOUNDING", "roles": {"org": {"max": 1}, "founder": {"max": 1}}}],
}


@pytest.fixture
def with_events(config, tmp_path):
    """A config of a pipeline whose answers are a relation and a pair of an event."""
    text = config.read_text(encoding="utf8")
    text = text.replace('"llm_relation_extractor"]', '"llm_relation_extractor","event_extractor"]')
    text = text.replace(
        "[initialize]\n",
        '[components.event_extractor]\nfactory = "event_extractor"\n[initialize]\n',
    )
    (tmp_path / "schema.json").write_text(json.dumps(EVENTS), encoding="utf8")
    pair = {"head": "M1", "label": PAIR, "tail": "M2"}
    lines(tmp_path / "replies.jsonl", [reply({**pair, "label": "FOUNDED_BY"}, pair)])
    path = tmp_path / "events.cfg"
    path.write_text(text, encoding="utf8")
    return path


def test_an_event_is_a_row_in_place_of_its_pairs(with_events):
    assert run_rows("extract", with_events, "--text", TEXTS[0]) == [
        ["1", "Acme", "FOUNDED_BY", "Ada Bell", "-", TEXTS[0]],
        ["1", "-", "FOUNDING", "org: Acme; founder: Ada Bell", "1.00", TEXTS[0]],
    ]


@pytest.mark.parametrize("label", ["FOUNDING", "FOUNDED_BY", PAIR])
def test_labels_choose_events_and_pairs(with_events, label):
    given = ("extract", with_events, "--text", TEXTS[0], "--label", label)
    assert [row[2] for row in run_rows(*given)] == [label]


def test_json_has_events_and_pairs(with_events):
    record = run_json("extract", with_events, "--text", TEXTS[0])
    assert [rel["label"] for rel in record["relations"]] == ["FOUNDED_BY", PAIR]
    assert [event["label"] for event in record["events"]] == ["FOUNDING"]


def test_events_are_counted(with_events):
    output = run("extract", with_events, "--text", TEXTS[0])
    assert "1 documents, 1 relations, 1 events" in output


def test_scores_of_events_have_intervals(with_events, tmp_path):
    texts = ["Acme was founded by Ada Bell.", "Orbit was founded by Bo Lee."]
    ends = [(0, 4, 20, 28), (0, 5, 21, 27)]
    records = [
        {
            "text": text,
            "entities": [
                {"id": 0, "start": a, "end": b, "label": "ORG"},
                {"id": 1, "start": c, "end": d, "label": "PERSON"},
            ],
            "events": [
                {
                    "label": "FOUNDING",
                    "arguments": [{"role": "org", "mention": 0}, {"role": "founder", "mention": 1}],
                }
            ],
        }
        for text, (a, b, c, d) in zip(texts, ends)
    ]
    pair = {"head": "M1", "label": PAIR, "tail": "M2"}
    lines(tmp_path / "replies.jsonl", [reply(pair), reply()])
    data = lines(tmp_path / "gold.jsonl", records)
    scores = run_json("evaluate", with_events, data, "--gold-entities")
    interval = scores["events_micro_r_interval"]
    assert (interval["low"], interval["value"], interval["high"]) == (0.0, 0.5, 1.0)
    assert scores["events_per_type_interval"]["FOUNDING"]["p"]["value"] == 1.0
