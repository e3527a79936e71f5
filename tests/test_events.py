"""Types of events, events of a Doc, their pairs, and events of pairs."""

import json

import numpy
import pytest
from spacy.tokens import Doc, DocBin

from rel_component import event_decoding
from rel_component.errors import AnnotationError, SchemaError
from rel_component.event_decoding import MAX_CLIQUES, decode_events
from rel_component.event_types import MAX_ARGUMENTS, read_pair_label
from rel_component.events import Event, EventArgument, event_key, get_events, set_events
from rel_component.schema import RelationSchema
from rel_component.types import Relation

from .helpers import add_event_pairs, event_relations, facts, make_doc

MERGER = {
    "label": "MERGER",
    "roles": {"party": {"types": ["ORG"], "min": 2}, "result": {"types": ["ORG"], "max": 1}},
}
HIRING = {
    "label": "HIRING",
    "trigger": ["EVENT"],
    "roles": {"who": ["PERSON"], "by": {"types": ["ORG"], "max": 1}},
}
TALK = {"label": "TALK", "roles": {"a": {"max": 1}, "b": {"max": 1}}, "symmetric": ["a", "b"]}
SCHEMA = RelationSchema.from_dict({"events": [MERGER, HIRING, TALK]})
TEXT = "The merger of Google and DeepMind resulted in a new AI division"


@pytest.fixture
def doc(vocab):
    return make_doc(vocab, TEXT, [(3, 4, "ORG"), (5, 6, "ORG"), (9, 12, "ORG")])


def event(doc, label="MERGER", roles=("party", "party", "result"), trigger=None, **options):
    arguments = tuple(EventArgument(role, ent) for role, ent in zip(roles, doc.ents))
    return Event(label, arguments, trigger, **options)


def keys(events):
    return {event_key(found) for found in events}


def test_schema_file_keeps_its_events(tmp_path):
    for name in ("schema.yaml", "schema.json"):
        SCHEMA.to_file(tmp_path / name)
        read = RelationSchema.from_file(tmp_path / name)
        assert (
            read.to_dict()
            == SCHEMA.to_dict()
            == {
                "relations": [],
                "events": [
                    *map(
                        dict,
                        [
                            {**MERGER},
                            {
                                **HIRING,
                                "roles": {
                                    "who": {"types": ["PERSON"]},
                                    "by": HIRING["roles"]["by"],
                                },
                            },
                            TALK,
                        ],
                    )
                ],
            }
        )
    both = RelationSchema.from_dict({"relations": ["A"]}).merge(SCHEMA).add("B")
    assert list(both) == ["A", "B"]
    assert list(both.events) == ["MERGER", "HIRING", "TALK"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": ""}, r"events\[0\].label: missing"),
        ({"roles": {}}, r"events\[0\] \(MERGER\).roles: expected a mapping of 1 to 40 roles"),
        ({"roles": {"trigger": None}}, "'trigger' is no name of a role"),
        ({"roles": {"a>b": None}}, "'a>b' is no name of a role"),
        ({"roles": {"a": {"typs": []}}}, r'roles.a.typs: unknown key, did you mean "types"'),
        ({"roles": {"a": {"min": -1}}}, "roles.a.min: expected an integer from 0 to 500, got -1"),
        ({"roles": {"a": {"min": 3, "max": 2}}}, "roles.a.max: 2 is less than min, 3"),
        ({"roles": {"a": {"max": True}}}, "roles.a.max: expected an integer"),
        ({"symmetric": ["party", "partner"]}, r"\(MERGER\).symmetric: expected two or more of the"),
        ({"trigger": 3}, r"\(MERGER\).trigger: expected a list of entity types, or true"),
        ({"kind": 1}, r"\(MERGER\).kind: unknown key"),
    ],
)
def test_errors_of_schema_files_name_label_role_and_key(change, message):
    with pytest.raises(SchemaError, match=message):
        RelationSchema.from_dict({"events": [{**MERGER, **change}]})


def test_label_of_two_events_is_refused():
    with pytest.raises(SchemaError, match=r"schema: events\[1\].label: 'MERGER' is declared twice"):
        RelationSchema.from_dict({"events": [MERGER, MERGER]})


def test_pairs_are_relation_types():
    types = SCHEMA.with_event_pairs()
    assert list(types) == [
        *("MERGER:party>party", "MERGER:party>result", "HIRING:trigger>who", "HIRING:trigger>by"),
        "TALK:a>a",
    ]
    assert types["MERGER:party>party"].symmetric
    assert not types["MERGER:party>result"].symmetric
    assert types["HIRING:trigger>by"].head == ("EVENT",)
    assert types.with_event_pairs().to_dict() == types.to_dict()
    assert read_pair_label("a:b:c>d") == ("a:b", "c", "d")
    assert read_pair_label("founded") is None


@pytest.mark.parametrize(
    ("roles", "trigger", "message"),
    [
        ([("party", "ORG"), ("party", "ORG")], None, None),
        ([("partie", "ORG")], None, """no role 'partie', did you mean "party"?; known: party"""),
        ([("party", "ORG"), ("party", "GPE")], None, "party of MERGER is GPE; allowed: ORG"),
        ([("party", "ORG")], None, "MERGER has 1 of party; allowed: 2 or more"),
        ([("party", "ORG")] * 2 + [("result", "ORG")] * 2, None, "MERGER has 2 of result"),
        ([("party", "ORG")] * 2, "EVENT", "MERGER has no trigger in the schema"),
    ],
)
def test_events_are_checked_against_their_type(roles, trigger, message):
    found = SCHEMA.events.check("MERGER", roles, trigger)
    assert found is None if message is None else message in found
    assert SCHEMA.events.check("HIRING", [], None) == "HIRING needs a trigger"
    assert "unknown event 'MERGE'" in SCHEMA.events.check("MERGE", roles, trigger)


def test_events_survive_what_spacy_does_with_a_doc(doc, vocab):
    given = [event(doc, score=0.5, id="E1"), event(doc, "HIRING", ["who"], trigger=doc[1:2])]
    doc._.events = given
    assert [str(found) for found in doc._.events] == [
        "HIRING [merger](who: Google)",
        "MERGER(party: Google, party: DeepMind, result: new AI division)",
    ]
    [copy] = DocBin(docs=[doc], store_user_data=True).get_docs(vocab)
    assert keys(copy._.events) == keys(given)
    assert copy._.events[1].id == "E1"
    assert copy._.events[1].score == 0.5
    joined = Doc.from_docs([make_doc(vocab, "Before it ."), doc])
    assert [span.text for span in joined._.events[1].of("party")] == ["Google", "DeepMind"]
    assert [str(found) for found in doc[1:8].as_doc(copy_user_data=True)._.events] == [
        "HIRING [merger](who: Google)"
    ]
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[9:12])
    assert doc._.events[1].of("result")[0].text == "new AI division"


def test_json_of_events_can_be_assigned(doc):
    set_events(doc, [event(doc, trigger=doc[1:2])])
    data = [found.to_json() for found in get_events(doc)]
    assert data[0]["trigger"]["text"] == "merger"
    assert data[0]["arguments"][0]["role"] == "party"
    before = keys(doc._.events)
    doc._.events = []
    assert doc._.events == ()
    doc._.events = data
    assert keys(doc._.events) == before


def test_equal_events_are_one(doc):
    doc._.events = [event(doc, score=0.25), event(doc, score=0.75)]
    assert [found.score for found in doc._.events] == [0.75]


def test_an_event_with_a_score_stays_before_one_without(doc):
    doc._.events = [event(doc, score=None), event(doc, score=0.0)]
    assert [found.score for found in doc._.events] == [0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda doc: "MERGER", "expected a list of events"),
        (lambda doc: ["MERGER"], "expected an Event, or a dict"),
        (lambda doc: [Event("", ())], "have to be strings"),
        (lambda doc: [Event("A", ())], "The event 'A' has 0 mentions; expected 1 to 500"),
        (lambda doc: [Event("A", (("", doc[:1]),))], "expected pairs of a role and a Span"),
        (lambda doc: [Event("A", (("a", doc[0:0]),))], "The a of the event 'A' is .* has tokens"),
        (lambda doc: [Event("A", (("a", doc.copy()[:1]),))], "a Span of this Doc"),
        (lambda doc: [Event("A", (("a", doc[:1]),), score=2.0)], "the score is 2.0"),
        (lambda doc: [Event("A", (("a", doc[:1]),) * 501)], "501 mentions"),
        (lambda doc: [{"label": "A"}], "Cannot store .* as an event: KeyError: 'arguments'"),
        (lambda doc: [{"label": "A", "arguments": [0] * 501}], "501 arguments"),
        (
            lambda doc: [
                {"label": "A", "arguments": [{"role": "a", "start_char": 1, "end_char": 3}]}
            ],
            "does not begin and end with a token",
        ),
    ],
)
def test_what_is_no_event_is_refused(doc, make, message):
    with pytest.raises(AnnotationError, match=message):
        doc._.events = make(doc)


@pytest.mark.parametrize(
    "row",
    [
        ("A", 1.0, ""),
        ("A", 1.0, "", ()),
        ("A", 2.0, "", (("a", 0, 3, "", ""),)),
        ("A", 1.0, "", (("a", 0, 0, "", ""),)),
        ("A", 1.0, "", (("a", 0, "3", "", ""),)),
        ("A", 1.0, "", (("a", 0, 3, None, ""),)),
        ("A", 1.0, "", (("", 0, 3, "", ""), ("", 4, 3, "", ""))),
        ("A", 1.0, "", (("a", 0, 3, "", ""),) * 502),
        (None, 1.0, "", (("a", 0, 3, "", ""),)),
    ],
)
def test_hostile_user_data_is_one_error(doc, row):
    doc.user_data[("._.", "rel_component.events", 0, 3)] = (row,)
    with pytest.raises(AnnotationError, match="holds no events as this package writes them"):
        get_events(doc)


def test_pairs_of_an_event(doc):
    doc._.events = [event(doc), event(doc, "HIRING", ["who"], trigger=doc[1:2])]
    add_event_pairs(doc, SCHEMA.events)
    assert facts(doc) == [
        ("merger", "HIRING:trigger>who", "Google"),
        ("Google", "MERGER:party>party", "DeepMind"),
        ("Google", "MERGER:party>result", "new AI division"),
        ("DeepMind", "MERGER:party>result", "new AI division"),
    ]


def test_event_of_one_argument_has_no_pair(doc):
    assert event_relations(event(doc, roles=["party"]), SCHEMA.events["MERGER"]) == []


def test_unknown_role_and_missing_trigger_are_errors(doc):
    with pytest.raises(SchemaError, match="MERGER has no role 'buyer'"):
        event_relations(event(doc, roles=["party", "buyer"]), SCHEMA.events["MERGER"])
    with pytest.raises(SchemaError, match="HIRING needs a trigger"):
        event_relations(event(doc, "HIRING", ["who"]), SCHEMA.events["HIRING"])


@pytest.mark.parametrize(
    ("label", "roles", "trigger"),
    [
        ("MERGER", ("party", "party", "result"), False),
        ("HIRING", ("who", "who", "by"), True),
        ("TALK", ("a", "b"), False),
        ("TALK", ("b", "a"), False),
    ],
)
def test_pairs_give_the_event_back(doc, label, roles, trigger):
    given = event(doc, label, roles, doc[1:2] if trigger else None)
    [found] = decode_events(event_relations(given, SCHEMA.events[label]), SCHEMA.events)
    if label != "TALK":
        assert event_key(found) == event_key(given)
    assert [role for role, _ in found.arguments] == (["a", "b"] if label == "TALK" else [*roles])
    assert found.score == 1.0


def pairs(doc, label, *found):
    return [Relation(doc[a : a + 1], label, doc[b : b + 1], score) for a, b, score in found]


def test_overlapping_cliques_are_events_with_the_mean_of_their_pairs(vocab):
    doc = make_doc(vocab, "a b c d")
    label = "MERGER:party>party"
    found = decode_events(
        pairs(doc, label, (0, 1, 0.5), (1, 2, 0.5), (0, 2, 0.8), (2, 3, 0.9)), SCHEMA.events
    )
    assert [(len(e.arguments), round(e.score, 4)) for e in found] == [(2, 0.9), (3, 0.5848)]
    assert len(decode_events(pairs(doc, label, (0, 1, 0.5)), SCHEMA.events, threshold=0.6)) == 0


def test_mention_may_have_several_roles(doc):
    given = Event("MERGER", tuple(zip(("party", "party", "result"), (*doc.ents[:2], doc.ents[0]))))
    [found] = decode_events(event_relations(given, SCHEMA.events["MERGER"]), SCHEMA.events)
    assert event_key(found) == event_key(given)
    apart = decode_events(
        event_relations(given, SCHEMA.events["MERGER"]), SCHEMA.events, one_role=True
    )
    assert all(
        len({span for _, span in event.arguments}) == len(event.arguments) for event in apart
    )


def test_types_that_exclude_each_other_hold_mentions_together(vocab):
    doc = make_doc(vocab, "a b c")
    kinds = [{"label": label, "roles": {"x": {"min": 2}}} for label in ("GOOD", "BAD")]
    schema = RelationSchema.from_dict({"events": kinds}).events
    relations = [
        *pairs(doc, "GOOD:x>x", (0, 1, 0.9), (1, 2, 0.8)),
        *pairs(doc, "BAD:x>x", (0, 2, 0.5)),
    ]
    assert len(decode_events(relations, schema)) == 3
    [found] = decode_events(relations, schema, one_label=True)
    assert str(found) == "GOOD(x: a, x: b, x: c)"
    assert found.score == pytest.approx((0.9 * 0.8 * 0.5) ** (1 / 3))


def test_limits_of_roles_keep_the_best_fillers(vocab):
    doc = make_doc(vocab, "a b c d e")
    relations = pairs(doc, "HIRING:trigger>by", (0, 1, 0.5), (0, 2, 0.9))
    [found] = decode_events(relations, SCHEMA.events)
    assert [(role, span.text) for role, span in found.arguments] == [("by", "c")]
    two = RelationSchema.from_dict({"events": [{"label": "A", "roles": {"x": {"max": 2}}}]}).events
    relations = pairs(doc, "A:x>x", (0, 1, 0.5), (0, 2, 0.9), (1, 2, 0.6))
    [found] = decode_events(relations, two)
    assert [span.text for span in found.of("x")] == ["a", "c"]
    assert found.score == pytest.approx(0.9)
    relations = pairs(doc, "MERGER:party>result", (0, 1, 0.5))
    assert decode_events(relations, SCHEMA.events) == []  # two parties are the least


def test_scores_of_numpy_are_stored_as_numbers(doc):
    arguments = (EventArgument("party", doc[3:4]), EventArgument("party", doc[5:6]))
    set_events(doc, [Event("MERGER", arguments, score=numpy.float32(0.5))])
    assert json.loads(json.dumps(get_events(doc)[0].to_json()))["score"] == 0.5


def test_an_event_has_room_for_its_trigger(vocab):
    doc = make_doc(vocab, ["x"] * (MAX_ARGUMENTS + 2))
    arguments = [(0, i, 0.1 if i == 1 else 0.9) for i in range(1, len(doc))]
    events = decode_events(pairs(doc, "HIRING:trigger>who", *arguments), SCHEMA.events)
    set_events(doc, events)
    [found] = get_events(doc)
    assert len(found.spans) == MAX_ARGUMENTS
    assert doc[1:2] not in found.of("who")


@pytest.mark.parametrize("n", [12, 200])
@pytest.mark.slow
def test_complete_graph_of_one_type_is_one_event(vocab, n):
    doc = make_doc(vocab, ["x"] * n)
    complete = [(a, b, 0.9) for a in range(n) for b in range(a)]
    [found] = decode_events(pairs(doc, "MERGER:party>party", *complete), SCHEMA.events)
    assert len(found.arguments) == n <= MAX_ARGUMENTS


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.slow
def test_number_of_events_is_bounded(vocab, n):
    """All pairs but those of neighbouring threes: 3 ** (n / 3) maximal cliques."""
    doc = make_doc(vocab, ["x"] * n)
    edges = [(a, b, 0.9) for a in range(n) for b in range(a) if a // 3 != b // 3]
    found = decode_events(pairs(doc, "MERGER:party>party", *edges), SCHEMA.events)
    assert 1 <= len(found) <= MAX_CLIQUES
    assert all(len(one.arguments) == -(-n // 3) for one in found)


def test_work_for_a_clique_is_not_that_of_its_pairs(vocab, monkeypatch):
    """81 cliques of 54 pairs, whose logarithms are taken once, from both sides."""
    taken = []
    monkeypatch.setattr(event_decoding, "_log", lambda score: taken.append(score) or -score)
    doc = make_doc(vocab, ["x"] * 12)
    edges = [(a, b, 0.9) for a in range(12) for b in range(a) if a // 3 != b // 3]
    assert len(decode_events(pairs(doc, "MERGER:party>party", *edges), SCHEMA.events)) == 81
    assert len(taken) == 2 * len(edges)


def test_cycle_of_events_by_their_triggers_is_decoded(vocab):
    schema = RelationSchema.from_dict(
        {"events": [{"label": "CAUSE", "trigger": True, "roles": {"theme": None}}]}
    ).events
    doc = make_doc(vocab, "a b c")
    cycle = pairs(doc, "CAUSE:trigger>theme", (0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0))
    assert [str(found) for found in decode_events(cycle, schema)] == [
        "CAUSE [a](theme: b)",
        "CAUSE [b](theme: c)",
        "CAUSE [c](theme: a)",
    ]
