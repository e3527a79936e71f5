"""Events of annotation formats: read, written, checked against a schema, and made pairs."""

import json

import pytest
import spacy

from rel_component.converters.annotated import AnnotatedEvent
from rel_component.converters.convert import convert
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file
from rel_component.errors import ConfigError, DataError
from rel_component.schema import RelationSchema
from rel_component.spacy_files import read_docs

from ..helpers import facts as relations
from .files import notes, read, read_text

NLP = spacy.blank("en")
MERGER = {
    "id": "d1",
    "text": "The merger of Google and DeepMind resulted in a new AI division.",
    "entities": [
        {"id": "T1", "start": 14, "end": 20, "label": "ORG"},
        {"id": "T2", "start": 25, "end": 33, "label": "ORG"},
        {"id": "T3", "start": 48, "end": 63, "label": "UNIT"},
    ],
    "events": [
        {
            "id": "E1",
            "label": "MERGER",
            "arguments": [
                {"role": "party", "mention": "T1"},
                {"role": "party", "mention": "T2"},
                {"role": "result", "mention": "T3"},
            ],
        }
    ],
}
SCHEMA = RelationSchema.from_dict(
    {"events": [{"label": "MERGER", "roles": {"party": ["ORG"], "result": ["UNIT"]}}]}
)


def with_events(*events):
    return {**MERGER, "events": [{**MERGER["events"][0], **event} for event in events]}


def test_own_format_keeps_events(tmp_path):
    path, text = tmp_path / "data.jsonl", json.dumps(MERGER)
    path.write_text(text, encoding="utf8")
    for source, target, to in (("data.jsonl", "a.spacy", "spacy"), ("a.spacy", "b.jsonl", "jsonl")):
        report = convert(tmp_path / source, tmp_path / target, to=to)
        assert (report.events, report.problems) == (1, [])
    assert read(tmp_path / "b.jsonl", "jsonl")[0][0].events == read(path, "jsonl")[0][0].events
    [doc] = read_docs(tmp_path / "a.spacy", NLP)
    assert str(doc._.events[0]) == "MERGER(party: Google, party: DeepMind, result: new AI division)"


def test_other_fields_called_events_are_kept_as_meta(tmp_path):
    [annotated], report = read_text(tmp_path, {**MERGER, "events": ["a", 1]}, "jsonl")
    assert (annotated.events, annotated.meta["events"]) == ([], ["a", 1])
    assert report.problems == []
    assert list(notes(report)) == [
        '"events" without "label" and "arguments", which are kept as meta'
    ]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"label": "MERGE"}, "unknown event 'MERGE'; known: MERGER"),
        ({"arguments": [{"role": "buyer", "mention": "T1"}]}, "MERGER has no role 'buyer'; known"),
        ({"arguments": [{"role": "party", "mention": "T3"}]}, "party of MERGER is UNIT; allowed"),
        ({"arguments": [{"role": "party", "mention": "T9"}]}, "its mention T9 does not exist"),
        ({"arguments": []}, "0 mentions; expected 1 to 500"),
        ({"arguments": [{"role": "party", "mention": "T1"}] * 501}, "501 mentions"),
        ({"arguments": [{"role": "", "mention": "T1"}]}, "an argument needs a role"),
        ({"trigger": "T1"}, "MERGER has no trigger in the schema"),
    ],
)
def test_what_is_wrong_with_an_event_is_told(tmp_path, event, message):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(with_events({}, event)), encoding="utf8")
    with pytest.raises(DataError, match=r"line 1, document d1, event E1 ME") as caught:
        convert(path, tmp_path / "a.spacy", schema=SCHEMA)
    assert message in str(caught.value)
    report = convert(path, tmp_path / "a.spacy", schema=SCHEMA, on_error="skip")
    assert (report.events, report.skipped["event"]) == (1, 1)


def test_pairs_are_added_to_the_relations(tmp_path):
    path = tmp_path / "data.jsonl"
    one = {"arguments": [{"role": "party", "mention": "T1"}], "id": "E2"}
    path.write_text(json.dumps(with_events({}, one)), encoding="utf8")
    report = convert(path, tmp_path / "a.spacy", schema=SCHEMA, event_pairs=True)
    [doc] = read_docs(tmp_path / "a.spacy", NLP)
    assert relations(doc) == [
        ("Google", "MERGER:party>party", "DeepMind"),
        ("Google", "MERGER:party>result", "new AI division"),
        ("DeepMind", "MERGER:party>result", "new AI division"),
    ]
    assert notes(report) == {"events of one mention, which have no pairs to learn": 1}
    convert(tmp_path / "a.spacy", tmp_path / "b.jsonl", to="jsonl", schema=SCHEMA)
    for schema in (None, RelationSchema.from_dict({"relations": ["A"]})):
        with pytest.raises(
            ConfigError, match="--event-pairs needs a --schema with types of events"
        ):
            convert(path, tmp_path / "c.spacy", schema=schema, event_pairs=True)


BRAT = (
    "T1\tORG 0 4\tAcme\nT2\tORG 10 13\tNeo\nT3\tBuy 5 9\tbuys\nT4\tSay 15 19\tsays\n"
    "E1\tBuy:T3 Buyer:T1 Bought:T2 Bought2:E2\nE2\tSay:T4 What:E1\n"
)


def test_brat_events_in_a_cycle_are_read_and_written(tmp_path):
    (tmp_path / "a.txt").write_text("Acme buys Neo, says Ann.", encoding="utf8")
    [annotated], report = read_text(tmp_path, BRAT.replace("15 19", "15 19"), "brat", file="a.ann")
    assert report.problems == []
    assert annotated.events == [
        AnnotatedEvent("Buy", (("Buyer", "T1"), ("Bought", "T2"), ("Bought", "T4")), "T3", id="E1"),
        AnnotatedEvent("Say", (("What", "T3"),), "T4", id="E2"),
    ]
    assert len(annotated.relations) == 4
    write_file([annotated], tmp_path / "out.ann", "brat", NLP, Report())
    lines = (tmp_path / "out.ann").read_text(encoding="utf8").splitlines()
    assert lines[4:] == ["E1\tBuy:T3 Buyer:T1 Bought:T2 Bought2:T4", "E2\tSay:T4 What:T3"]


def test_brat_negation_and_speculation_are_polarity_and_modality(tmp_path):
    (tmp_path / "a.txt").write_text("Acme buys Neo, says Ann.", encoding="utf8")
    flags = "A1\tNegation E1\nA2\tSpeculation E2\nA3\tNegation R1\nA4\tNegation T1\n"
    [annotated], _ = read_text(
        tmp_path, f"{BRAT}R1\tOwns Arg1:T1 Arg2:T2\n{flags}", "brat", file="a.ann"
    )
    assert [event.attributes for event in annotated.events] == [
        {"polarity": "negated"},
        {"modality": "possible"},
    ]
    assert annotated.relations[0].attributes == {"polarity": "negated"}
    assert annotated.mentions[0].attributes == {"Negation": True}
    write_file([annotated], tmp_path / "out.ann", "brat", NLP, Report())
    lines = (tmp_path / "out.ann").read_text(encoding="utf8").splitlines()
    assert {line.partition("\t")[2] for line in lines} >= {
        line.partition("\t")[2] for line in flags.splitlines()
    }


def test_brat_negation_that_is_repeated_is_one(tmp_path):
    (tmp_path / "a.txt").write_text("Acme buys Neo, says Ann.", encoding="utf8")
    flags = "A1\tNegation E1\nA2\tNegation E1\n"
    [annotated], _ = read_text(tmp_path, f"{BRAT}{flags}", "brat", file="a.ann")
    assert annotated.events[0].attributes == {"polarity": "negated"}


def test_mention_twice_in_a_role_is_one_filler(tmp_path):
    kind = {"label": "MERGER", "roles": {"party": {"min": 2}}}
    schema = RelationSchema.from_dict({"events": [kind]})
    twice = with_events({"arguments": [{"role": "party", "mention": "T1"}] * 2})
    (tmp_path / "data.jsonl").write_text(json.dumps(twice), encoding="utf8")
    with pytest.raises(DataError, match="MERGER has 1 of party; allowed: 2 or more"):
        convert(tmp_path / "data.jsonl", tmp_path / "a.spacy", schema=schema)


def test_brat_notes_events_that_it_does_not_have(tmp_path):
    [annotated], _ = read_text(tmp_path, MERGER, "jsonl")
    write_file([annotated], tmp_path / "out.ann", "brat", NLP, report := Report())
    assert any(message.startswith("events without trigger") for message in notes(report))
    assert "E1" not in (tmp_path / "out.ann").read_text(encoding="utf8")


def test_phee_has_roles_in_roles_and_events_in_events(tmp_path):
    def role(name, start, text, **inner):
        return {"text": [[text]], "start": [[start]], "entity_id": [name], **inner}

    both = {"text": [["A"], ["B"]], "start": [[10], [16]], "entity_id": ["T3", "T4"]}
    inner = {
        "event_id": "E2",
        "event_type": "Combination",
        "Trigger": role("T5", 12, "and"),
        "Drug": both,
    }
    event = {
        "event_id": "E1",
        "event_type": "Adverse_event",
        "Trigger": role("T1", 5, "from"),
        "Effect": role("T2", 0, "Pain"),
        "Treatment": role("T6", 10, "A and B", Drug=both, Combination=[inner]),
        "Speculated": role("T7", 18, "may", value=True),
    }
    record = {"id": "d", "context": "Pain from A and B may.", "annotations": [{"events": [event]}]}
    [annotated], report = read_text(tmp_path, record, "phee")
    assert report.problems == []
    assert annotated.events == [
        AnnotatedEvent(
            "Adverse_event",
            (
                *(("Effect", "T2"), ("Treatment", "T6"), ("Treatment.Drug", "T3")),
                *(("Treatment.Drug", "T4"), ("Speculated", "T7")),
            ),
            "T1",
            id="E1",
            attributes={"Speculated.value": True},
        ),
        AnnotatedEvent("Combination", (("Drug", "T3"), ("Drug", "T4")), "T5", id="E2"),
    ]
    assert {m.id: m.label for m in annotated.mentions}["T3"] == "Drug"
    for change, message in (
        ({"text": [["A"], ["B"]]}, '"Effect": expected as many texts and starts as ids, 1'),
        ({"start": [["x"]]}, "are no mention"),
        ({"entity_id": [3]}, '"entity_id"'),
    ):
        damaged = {**event, "Effect": {**event["Effect"], **change}}
        record["annotations"] = [{"events": [damaged]}]
        _, report = read_text(tmp_path, record, "phee")
        assert message in report.problems[0]


def test_phee_lists_parts_of_a_mention_in_any_order(tmp_path):
    trigger = {"text": [["due", "Pain"]], "start": [[9, 0]], "entity_id": ["T1"]}
    event = {"event_type": "Adverse_event", "event_id": "E1", "Trigger": trigger}
    record = {"id": "d", "context": "Pain was due.", "annotations": [{"events": [event]}]}
    [annotated], report = read_text(tmp_path, record, "phee")
    assert report.problems == []
    [mention] = annotated.mentions
    assert (mention.start, mention.end, mention.fragments) == (0, 12, ((0, 4), (9, 12)))


def test_phee_is_written_as_it_was(tmp_path):
    trigger = {"text": [["due to"]], "start": [[7]], "entity_id": ["T1"]}
    drug = {"text": [["aspirin"], ["it"]], "start": [[14], [22]], "entity_id": ["T2", "T3"]}
    event = {
        "event_type": "Adverse_event",
        "event_id": "E1",
        "Trigger": trigger,
        "Treatment": {"Drug": drug},
        "Negated": {
            "text": [["it", "no"]],
            "start": [[22, 25]],
            "entity_id": ["T4"],
            "value": True,
        },
    }
    record = {
        "id": "d",
        "is_mult_event": False,
        "context": "Nausea due to aspirin it no.",
        "annotations": [{"events": [event]}],
    }
    documents, _ = read_text(tmp_path, record, "phee")
    write_file(documents, tmp_path / "out", "phee", NLP, report := Report())
    assert json.loads((tmp_path / "out").read_text(encoding="utf8")) == record
    assert report.notes == {}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"score": 0.5}, "scores of events"),
        ({"arguments": [{"role": "Drug", "mention": 0}]}, "mentions of no event"),
        ({"arguments": [{"role": "Effect", "mention": 0}]}, "types of mentions"),
        ({"attributes": {"Drug.of": {"a": 1}}}, "attributes of events that are objects"),
        ({"arguments": [{"role": "event_id", "mention": 0}]}, "roles with the names of fields"),
    ],
)
def test_phee_notes_what_it_does_not_have(tmp_path, change, lost):
    entities = [{"id": i, "start": i, "end": i + 1, "label": "Drug"} for i in range(2)]
    roles = [{"role": "Drug", "mention": i} for i in range(2)]
    record = {"text": "ab", "entities": entities, "events": [{"label": "E", "arguments": roles}]}
    record["events"][0].update(change)
    documents, _ = read_text(tmp_path, record, "jsonl")
    write_file(documents, tmp_path / "out", "phee", NLP, report := Report())
    assert any(message.startswith(lost) for message in notes(report))


def test_deep_roles_are_refused(tmp_path):
    value = {}
    for _ in range(40):
        value = {"Sub": value}
    event = {"event_id": "E1", "event_type": "A", "Role": value}
    _, report = read_text(
        tmp_path, {"id": "d", "context": "a", "annotations": [{"events": [event]}]}, "phee"
    )
    assert "nested more than 10 levels deep" in report.problems[0]
