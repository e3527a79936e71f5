import pytest

from rel_component.audit.duplicates import check_duplicates
from rel_component.audit.event_checks import check_events
from rel_component.audit.html import render_html
from rel_component.audit.report import run_audit
from rel_component.audit.schema_checks import check_schema
from rel_component.events import Event
from rel_component.schema import RelationSchema

from ..helpers import add_event_pairs, make_doc
from .corpora import group, make_context

WORDS = "Acme hired Ada and Bob , so Brix merged with Acme"
ACME, HIRED, ADA, BOB, BRIX, MERGED, AGAIN = range(7)
MENTIONS = [
    (0, 1, "ORG"),
    (1, 2, "VERB"),
    (2, 3, "PERSON"),
    (4, 5, "PERSON"),
    (7, 8, "ORG"),
    (8, 9, "VERB"),
    (10, 11, "ORG"),
]
SCHEMA = RelationSchema.from_dict(
    {
        "events": [
            {
                "label": "HIRING",
                "trigger": ["VERB"],
                "roles": {"who": ["PERSON"], "by": {"max": 1}},
            },
            {
                "label": "MERGER",
                "roles": {"one": {"types": ["ORG"], "min": 1}, "other": ["ORG"]},
                "symmetric": ["one", "other"],
            },
        ]
    }
)
NOT_ALLOWED = "Events that the schema does not allow"
TWICE = "The same event twice"
CONTRADICTED = "Events that another copy of the text contradicts"


@pytest.fixture
def doc(vocab):
    def make(*events):
        """events: label, arguments as roles and positions of mentions, and the trigger or None."""
        doc = make_doc(vocab, WORDS, MENTIONS)
        doc._.events = [
            Event(
                label,
                tuple((role, doc.ents[i]) for role, i in arguments),
                None if trigger is None else doc.ents[trigger],
            )
            for label, arguments, trigger in events
        ]
        return doc

    return make


HIRING = ("HIRING", [("who", ADA), ("by", ACME)], HIRED)
MERGER = ("MERGER", [("one", BRIX), ("other", AGAIN)], None)


def check(*docs, schema=SCHEMA):
    return check_events(make_context(docs, schema=schema))


def test_types_and_roles_are_counted(doc):
    section = check(doc(HIRING, MERGER), doc(("HIRING", [("who", ADA), ("who", BOB)], HIRED)))
    tables = {table.title: [list(row) for row in table.rows] for table in section.tables}
    assert tables["Events by type"] == [["HIRING", 2, 2 / 3], ["MERGER", 1, 1 / 3]]
    assert tables["Roles of events"][:2] == [
        ["HIRING", "by", 1, 0.5, 1, 1],
        ["HIRING", "who", 2, 1.0, 3, 2],
    ]
    assert ["HIRING", "(trigger)", "VERB", 2, 1.0] in tables["Entity types by role"]
    assert section.figures == {"events": 3, "events with a trigger": 2, "arguments": 6}


def test_events_that_fit_have_no_errors(doc):
    assert check(doc(HIRING, MERGER)).count("error") == 0


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (("HIRING", [("boss", ADA)], HIRED), "no role"),
        (("HIRING", [("who", ACME)], HIRED), "who of HIRING is ORG"),
        (("HIRING", [("by", ACME), ("by", BRIX)], HIRED), "has 2 of by; allowed: 0 to 1"),
        (("MERGER", [("other", BRIX)], None), "has 0 of one; allowed: 1 or more"),
        (("HIRING", [("who", ADA)], None), "needs a trigger"),
        (("FIRING", [("who", ADA)], HIRED), "unknown event"),
    ],
)
def test_violations_are_errors_with_their_place(doc, event, words):
    (finding,) = group(check(doc(event)), NOT_ALLOWED)
    assert finding.severity == "error"
    assert words in finding.message
    assert finding.places[0].to_json()["arguments"][0]["role"] == event[1][0][0]


def test_without_a_schema_nothing_is_forbidden(doc):
    assert not group(check(doc(("FIRING", [("who", ADA)], HIRED)), schema=None), NOT_ALLOWED)


@pytest.mark.parametrize(
    ("event", "other", "words"),
    [
        (HIRING, (*HIRING[:2], MERGED), "with another trigger"),
        (HIRING, ("HIRING", [("who", ADA)], HIRED), "a part of the other's"),
        (MERGER, ("MERGER", [("one", AGAIN), ("other", BRIX)], None), "roles exchanged"),
    ],
)
def test_repetitions(doc, event, other, words):
    (finding,) = group(check(doc(event, other)), TWICE)
    assert words in finding.message


def test_other_events_of_a_type_are_no_repetitions(doc):
    other = ("HIRING", [("who", BOB), ("by", ACME)], HIRED)
    section = check(doc(HIRING, other))
    assert not group(section, TWICE)
    (finding,) = group(section, "Events of one type that share a trigger")
    assert finding.message.startswith("'hired' is the trigger of 2 HIRING")


def test_copies_of_a_text_contradict_each_other(doc):
    copy = doc(MERGER, ("HIRING", [("who", BOB), ("by", ACME)], HIRED))
    (finding,) = group(check(doc(HIRING, MERGER), copy), CONTRADICTED)
    assert finding.message == (
        "HIRING [hired](who: Ada, by: Acme) in train 0, and HIRING [hired](who: Bob, by: Acme) in "
        "train 1, which has the same text."
    )
    section = check_duplicates(make_context([doc(HIRING, MERGER), copy]))
    assert len(group(section, "The same text, annotated differently")) == 1


def test_types_with_few_examples(doc):
    findings = group(check(doc(HIRING)), "Types of events with few examples")
    assert [finding.message.split(" examples")[0] for finding in findings] == [
        "MERGER has no",
        "HIRING has 1",
    ]


def test_pairs_of_events_are_no_unknown_labels(doc):
    events = doc(HIRING, MERGER)
    add_event_pairs(events, SCHEMA.events)
    section = check_schema(make_context([events], schema=SCHEMA))
    assert not group(section, "Relations that the schema does not allow")


def test_the_report_has_a_section_of_events_where_there_are_some(doc):
    report = run_audit(make_context([doc(("HIRING", [("boss", ADA)], HIRED))], schema=SCHEMA))
    assert "events" in report.to_json()["sections"]
    html = render_html(report)
    assert '<mark class="head">hired<small>trigger</small></mark>' in html
    assert '<mark class="tail">Ada<small>boss</small></mark>' in html
    assert "events" not in run_audit(make_context([doc()])).to_json()["sections"]
