"""The component ``event_extractor``: alone, and after a relation extractor that learns pairs."""

import json

import pytest
import spacy
import srsly
from spacy.tokens import Doc
from spacy.training import Example

from rel_component.annotations import install_extension, set_relations
from rel_component.errors import ConfigError, ExtensionConflict, SchemaError
from rel_component.events import Event, set_events
from rel_component.inference.extract import choose_relations, to_record
from rel_component.pipelines import event_types
from rel_component.schema import RelationSchema

from ..encoders import TINY_TOK2VEC
from ..helpers import add_event_pairs, facts, make_doc, make_example
from ..llm.pipelines import make_pipeline, replay

EVENTS = {
    "events": [
        {
            "label": "MERGER",
            "roles": {
                "party": {"types": ["ORG"], "min": 2},
                "result": {"types": ["UNIT"], "max": 1},
            },
        }
    ]
}
TEXTS = [
    ("The merger of Google and DeepMind resulted in a division", True),
    ("The merger of Shell and Total resulted in a unit", True),
    ("The lawyers of Google and DeepMind met in a division", False),
    ("The lawyers of Shell and Total met in a unit", False),
]


def annotated(vocab, text, merges):
    doc = make_doc(vocab, text, [(3, 4, "ORG"), (5, 6, "ORG"), (9, 10, "UNIT")])
    roles = ("party", "party", "result")
    events = [Event("MERGER", tuple(zip(roles, doc.ents)))] if merges else []
    set_events(doc, events)
    add_event_pairs(doc, RelationSchema.from_dict(EVENTS).events)
    return doc


@pytest.mark.slow
def test_pairs_are_learned_and_events_found(tmp_path):
    nlp = spacy.blank("en")
    model = {"@architectures": "rel_component.SpanPair.v1", "tok2vec": TINY_TOK2VEC}
    extractor = nlp.add_pipe("relation_extractor", config={"model": model})
    events = nlp.add_pipe("event_extractor")
    references = [annotated(nlp.vocab, *item) for item in TEXTS]
    examples = [make_example(doc) for doc in references]
    schema = RelationSchema.from_dict(EVENTS)
    extractor.initialize(lambda: examples, nlp=nlp, relation_schema=schema)
    events.initialize(nlp=nlp)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    scores = nlp.evaluate([make_example(doc) for doc in references])
    assert scores["events_micro_f"] == scores["rel_micro_f"] == 1.0
    nlp.to_disk(tmp_path)
    [doc] = spacy.load(tmp_path).pipe([make_example(references[0]).predicted])
    [event] = doc._.events
    assert str(event) == "MERGER(party: Google, party: DeepMind, result: division)"
    assert 0.5 < event.score <= 1.0


def test_pairs_can_be_taken_away():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("event_extractor", config={"event_schema": EVENTS, "keep_pairs": False})
    label = "MERGER:party>party"
    doc = make_doc(
        nlp.vocab, "a b c", [(0, 1, "ORG"), (1, 2, "ORG")], [(0, label, 1), (0, "NEAR", 1)]
    )
    assert [str(e) for e in pipe(doc)._.events] == ["MERGER(party: a, party: b)"]
    assert facts(doc) == [("a", "NEAR", "b")]
    copy = spacy.blank("en").add_pipe("event_extractor").from_bytes(pipe.to_bytes())
    assert copy.events.keys() == pipe.events.keys()
    pipe(doc)
    assert doc._.events == ()  # no pairs any more


def test_types_of_events_are_needed():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("event_extractor")
    for ask in (lambda: pipe(nlp.make_doc("a")), lambda: pipe.initialize(nlp=nlp)):
        with pytest.raises(ConfigError, match="no types of events: put them under `events`"):
            ask()
    with pytest.raises(ConfigError, match='no types under "events"'):
        pipe.set_schema({"relations": ["A"]})
    with pytest.raises(SchemaError, match=r"event_schema: events\[0\].label"):
        pipe.set_schema({"events": [{}]})
    with pytest.raises(ConfigError, match=r"threshold: 2\.0 is no probability"):
        nlp.add_pipe("event_extractor", name="other", config={"threshold": 2.0})


def other_events(label):
    return {"events": [{"label": label, "roles": {"a": {}, "b": {}}}]}


def test_types_of_events_follow_the_schema_unless_they_are_its_own(tmp_path):
    nlp = make_pipeline(replay(tmp_path), relation_schema=EVENTS)
    prompted, events = nlp.get_pipe("llm_relation_extractor"), nlp.add_pipe("event_extractor")
    assert [*events.events] == ["MERGER"]
    prompted.schema = RelationSchema.from_dict(other_events("DEAL"))
    loaded = spacy.blank("en").add_pipe("event_extractor").from_bytes(events.to_bytes())
    for pipe in (events, loaded):
        pipe.initialize(nlp=nlp)
        assert [*pipe.events] == ["DEAL"]
    events.set_schema(other_events("SALE"))
    loaded.from_bytes(events.to_bytes())
    for pipe in (events, loaded):
        pipe.initialize(nlp=nlp)
        assert [*pipe.events] == ["SALE"]


def test_types_of_an_earlier_version_are_its_own(tmp_path):
    nlp = make_pipeline(replay(tmp_path), relation_schema=other_events("DEAL"))
    events = nlp.add_pipe("event_extractor")
    saved = {"schema": json.dumps(RelationSchema.from_dict(EVENTS).to_dict())}
    events.from_bytes(srsly.msgpack_dumps(saved), exclude=["vocab"])
    loaded = spacy.blank("en").add_pipe("event_extractor").from_bytes(events.to_bytes())
    for pipe in (events, loaded):
        pipe.initialize(nlp=nlp)
        assert [*pipe.events] == ["MERGER"]


def test_types_of_events_are_those_of_the_last_extractor_that_has_some(tmp_path):
    nlp = make_pipeline(replay(tmp_path))
    backend = replay(tmp_path)
    try:
        for name, label in (("first", "DEAL"), ("second", "SALE")):
            config = {"backend": backend, "relation_schema": other_events(label), "attr": "links"}
            nlp.add_pipe("llm_relation_extractor", name, config=config)
        events = nlp.add_pipe("event_extractor", after="second")
        assert ([*events.events], events.relations_attr) == (["SALE"], "links")
    finally:
        Doc.remove_extension("links")


def test_attribute_of_other_code_is_a_conflict():
    Doc.set_extension("happenings", default=None)
    try:
        with pytest.raises(ExtensionConflict, match="happenings is already registered"):
            spacy.blank("en").add_pipe("event_extractor", config={"attr": "happenings"})
    finally:
        Doc.remove_extension("happenings")


def test_another_attribute_is_another_name_of_the_same_events():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("event_extractor", config={"event_schema": EVENTS, "attr": "records"})
    try:
        doc = pipe(annotated(nlp.vocab, *TEXTS[0]))
        gold = annotated(nlp.vocab, *TEXTS[0])
        assert pipe.score([Example(doc, gold)])["events_micro_f"] == 1.0
        assert [event["label"] for event in to_record(doc)["events"]] == ["MERGER"]
        choose_relations(doc, labels=["NEAR"])
        assert doc._.records == ()
    finally:
        Doc.remove_extension("records")


def test_two_extractors_keep_the_events_of_each_other():
    nlp = spacy.blank("en")
    install_extension("links")
    try:
        for label, attr in (("DEAL", "rel"), ("SALE", "links")):
            config = {"event_schema": other_events(label), "relations_attr": attr}
            nlp.add_pipe("event_extractor", attr, config=config)
        doc = make_doc(nlp.vocab, "a b", [(0, 1, "ORG"), (1, 2, "ORG")], [(0, "DEAL:a>b", 1)])
        set_relations(doc, [(doc.ents[1], "SALE:a>b", doc.ents[0])], "links")
        for _ in range(2):
            assert [str(event) for event in nlp(doc)._.events] == [
                "DEAL(a: a, b: b)",
                "SALE(a: b, b: a)",
            ]
        assert [*event_types(nlp)] == ["DEAL", "SALE"]
    finally:
        Doc.remove_extension("links")


def test_pairs_are_read_where_the_relation_extractor_writes_them(tmp_path):
    nlp = make_pipeline(replay(tmp_path), relation_schema=EVENTS, attr="links")
    try:
        assert nlp.add_pipe("event_extractor").relations_attr == "links"
    finally:
        Doc.remove_extension("links")


@pytest.mark.parametrize("own", [None, RelationSchema.from_dict(EVENTS)])
def test_pairs_are_read_of_an_extractor_that_is_given_its_schema_later(tmp_path, own):
    nlp = spacy.blank("en")
    model = {"@architectures": "rel_component.SpanPair.v1", "tok2vec": TINY_TOK2VEC}
    first = nlp.add_pipe("relation_extractor", "first", config={"model": model})
    config = {"model": model, "attr": "links"}
    try:
        second = nlp.add_pipe("relation_extractor", "second", config=config)
        events = nlp.add_pipe("event_extractor")
        examples = [make_example(annotated(nlp.vocab, *TEXTS[2]))]
        schemas = map(RelationSchema.from_dict, ({"relations": ["NEAR"]}, EVENTS))
        for pipe, schema in zip((first, second), schemas):
            pipe.initialize(lambda: examples, nlp=nlp, relation_schema=schema)
        events.initialize(nlp=nlp, event_schema=own)
        nlp.to_disk(tmp_path)
        for pipe in (events, spacy.load(tmp_path).get_pipe("event_extractor")):
            assert (pipe.relations_attr, [*pipe.events]) == ("links", ["MERGER"])
    finally:
        Doc.remove_extension("links")


def test_prompted_model_finds_pairs_of_events(tmp_path):
    found = [
        {"head": "M1", "label": "MERGER:party>party", "tail": "M2"},
        {"head": "M1", "label": "MERGER:party>result", "tail": "M3"},
        {"head": "M2", "label": "MERGER:party>result", "tail": "M3"},
        {"head": "M3", "label": "MERGER:party>result", "tail": "M1"},  # the types do not fit
    ]
    nlp = make_pipeline(
        replay(tmp_path, {"text": json.dumps({"relations": found})}), relation_schema=EVENTS
    )
    events = nlp.add_pipe("event_extractor")
    prompted = nlp.get_pipe("llm_relation_extractor")
    assert prompted.labels == ("MERGER:party>party", "MERGER:party>result")
    doc = annotated(nlp.vocab, *TEXTS[0])
    assert [str(event) for event in events(prompted(doc))._.events] == [
        "MERGER(party: Google, party: DeepMind, result: division)"
    ]
