"""Labels that are renamed, merged, split and removed."""

import json

import numpy
import pytest
import spacy
from thinc.api import Adam

from rel_component import RelationSchema, convert, get_relations
from rel_component.converters.details import relation_details
from rel_component.documents import ask_only, asked_labels
from rel_component.errors import ConfigError, DataError, SchemaError
from rel_component.evolution.migrate import migrate, migrate_extractor
from rel_component.evolution.migration import Migration
from rel_component.layers.affine import Affine, input_gradient, move_outputs
from rel_component.schema import RelationType
from rel_component.spacy_files import read_docs, write_docs

from ..cli.helpers import run, run_json
from ..helpers import facts, make_doc, make_example
from ..pipeline.saved_pipelines import edit_model
from ..pipeline.test_rehearsal import TINY

TEXT = "Acme hired Ada in Rome"
MENTIONS = [(0, 1, "ORG"), (2, 3, "PERSON"), (4, 5, "GPE")]
SCHEMA = {
    "relations": [
        {"label": "WORKS_AT", "head": ["PERSON"], "tail": ["ORG"], "inverse": "HIRED"},
        {"label": "HIRED", "head": ["ORG"], "tail": ["PERSON"]},
        {"label": "LED", "head": ["PERSON"], "tail": ["ORG"], "description": "leads"},
        {"label": "IN", "head": ["ORG", "PERSON"], "tail": ["GPE"]},
        {"label": "NEAR"},
    ]
}
MIGRATION = {
    "rename": {"HIRED": "EMPLOYS"},
    "merge": {"WORKS_FOR": ["WORKS_AT", "LED"]},
    "split": {"IN": {"SEAT": {"head": ["ORG"]}, "HOME": {"head": ["PERSON"]}}},
    "remove": ["NEAR"],
}
FACTS = [(1, "WORKS_AT", 0), (0, "HIRED", 1), (0, "IN", 2), (1, "IN", 2), (0, "NEAR", 1)]
AFTERWARDS = {
    ("Ada", "WORKS_FOR", "Acme"),
    ("Acme", "EMPLOYS", "Ada"),
    ("Acme", "SEAT", "Rome"),
    ("Ada", "HOME", "Rome"),
}


def _doc(vocab, relations=()):
    return make_doc(vocab, TEXT, MENTIONS, relations)


def _pipeline(**options):
    nlp = spacy.blank("en")
    extractor = nlp.add_pipe("relation_extractor", config={"model": TINY, **options})
    example = make_example(_doc(nlp.vocab, FACTS[:3]))
    extractor.initialize(lambda: [example], nlp=nlp, labels=SCHEMA)
    output = extractor.model.get_ref("scorer").get_ref("output_layer")
    output.get_param("b")[:] = numpy.random.default_rng(0).normal(size=output.get_dim("nO"))
    return nlp, extractor


def _scores(extractor, doc):
    found = extractor.predict([doc])
    return {
        (tuple(map(int, pair)), label): float(value)
        for pair, row in zip(found.candidates.pairs, found.values)
        for label, value in zip(extractor.output_labels, row)
    }


def _check(before, after):
    """All that a migration says of probabilities, where labels are exclusive."""
    for pair in {pair for pair, _ in after}:
        assert after[pair, "EMPLOYS"] == pytest.approx(before[pair, "HIRED"], rel=1e-4)
        both = before[pair, "WORKS_AT"] + before[pair, "LED"]
        assert after[pair, "WORKS_FOR"] == pytest.approx(both, rel=1e-4)
        none = before[pair, "NO_RELATION"] + before[pair, "NEAR"]
        assert after[pair, "NO_RELATION"] == pytest.approx(none, rel=1e-4)
    assert after[(0, 2), "SEAT"] == pytest.approx(before[(0, 2), "IN"], rel=1e-4)
    assert after[(0, 2), "HOME"] == 0
    assert after[(1, 2), "HOME"] == pytest.approx(before[(1, 2), "IN"], rel=1e-4)


@pytest.mark.slow
def test_a_trained_pipeline_keeps_what_it_has_learned(tmp_path):
    nlp, extractor = _pipeline(
        decoder={"@misc": "rel_component.decoder.v1", "thresholds": {"HIRED": 0.4, "LED": 0.2}}
    )
    nlp.meta["performance"] = {"rel_micro_f": 0.5, "ents_f": 0.5}
    nlp.to_disk(tmp_path / "before")
    (tmp_path / "migration.yaml").write_text(json.dumps(MIGRATION), encoding="utf8")
    found = migrate(tmp_path / "before", tmp_path / "migration.yaml", tmp_path / "after")
    assert found.becomes["IN"] == ("SEAT", "HOME")
    after = spacy.load(tmp_path / "after")
    moved = after.get_pipe("relation_extractor")
    assert moved.labels == ("WORKS_FOR", "EMPLOYS", "SEAT", "HOME")
    assert moved.schema["WORKS_FOR"].description == "leads"
    assert moved.schema["HOME"].head == ("PERSON",)
    assert moved.decoder.label_thresholds == {"EMPLOYS": 0.4, "WORKS_FOR": 0.2}
    assert after.meta["performance"] == {"ents_f": 0.5}
    _check(_scores(extractor, _doc(nlp.vocab)), _scores(moved, _doc(after.vocab)))


def test_weights_of_labels_follow_and_can_be_loaded_again(tmp_path):
    weights = {"HIRED": 2.0, "WORKS_AT": 1.0, "LED": 3.0, "NO_RELATION": 0.5}
    loss = {"@losses": "rel_component.cross_entropy.v1", "class_weights": weights}
    nlp, _ = _pipeline(loss=loss)
    migration = Migration.from_dict(
        {"rename": {"HIRED": "org:hired"}, "merge": {"per:for": ["WORKS_AT", "LED"]}}
    )
    migrate(nlp, migration, tmp_path / "once")
    back = Migration.from_dict({"rename": {"org:hired": "HIRED", "per:for": "FOR"}})
    migrate(tmp_path / "once", back, tmp_path / "twice")
    for name, expected in (
        ("once", [["org:hired", 2.0], ["per:for", 2.0], ["NO_RELATION", 0.5]]),
        ("twice", {"HIRED": 2.0, "FOR": 2.0, "NO_RELATION": 0.5}),
    ):
        block = spacy.load(tmp_path / name).config["components"]["relation_extractor"]
        assert block["loss"]["class_weights"] == expected


@pytest.mark.slow
def test_what_was_moved_learns_and_grows(tmp_path):
    nlp, extractor = _pipeline()
    migrate_extractor(extractor, Migration.from_dict(MIGRATION))
    before = _scores(extractor, _doc(nlp.vocab))
    extractor.add_label("NEW")
    after = _scores(extractor, _doc(nlp.vocab))
    assert max(abs(after[key] - value) for key, value in before.items()) < 0.01
    example = make_example(_doc(nlp.vocab, [(1, "WORKS_FOR", 0), (0, "SEAT", 2), (0, "NEW", 1)]))
    sgd, losses = Adam(0.02), [{} for _ in range(25)]
    for found in losses:
        nlp.update([example], sgd=sgd, losses=found)
    assert losses[-1]["relation_extractor"] < 0.5 * losses[0]["relation_extractor"]
    again = Migration.from_dict({"merge": {"ALL": ["WORKS_FOR", "EMPLOYS"]}, "remove": ["NEW"]})
    before = _scores(extractor, _doc(nlp.vocab))
    migrate_extractor(extractor, again)
    after = _scores(extractor, _doc(nlp.vocab))
    both = before[(1, 0), "WORKS_FOR"] + before[(1, 0), "EMPLOYS"]
    assert after[(1, 0), "ALL"] == pytest.approx(both, rel=1e-3)
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline").get_pipe("relation_extractor")
    assert _scores(loaded, _doc(loaded.vocab)) == pytest.approx(after, abs=1e-5)
    edit_model(tmp_path / "pipeline/relation_extractor/model", _other_sizes)
    with pytest.raises(ConfigError, match="rows of the outputs"):
        spacy.load(tmp_path / "pipeline")


def _other_sizes(message):
    import srsly

    for attrs in message["attrs"]:
        sizes = srsly.msgpack_loads(attrs["sizes"]) if "sizes" in attrs else None
        if sizes is not None:
            attrs["sizes"] = srsly.msgpack_dumps([1_000_000_000, *sizes[1:]])


def test_labels_that_are_not_exclusive():
    nlp, extractor = _pipeline(
        exclusive=False, loss={"@losses": "rel_component.binary_cross_entropy.v1"}
    )
    before = _scores(extractor, _doc(nlp.vocab))
    migrate_extractor(extractor, Migration.from_dict(MIGRATION))
    after = _scores(extractor, _doc(nlp.vocab))
    assert after[(0, 2), "SEAT"] == pytest.approx(before[(0, 2), "IN"], rel=1e-4)
    assert after[(1, 0), "WORKS_FOR"] >= max(before[(1, 0), "WORKS_AT"], before[(1, 0), "LED"])
    assert set(extractor.output_labels) == {"WORKS_FOR", "EMPLOYS", "SEAT", "HOME"}


def _with_parts_of_near(**options):
    nlp, extractor = _pipeline(**options)
    doc = _doc(nlp.vocab)
    whole = _scores(extractor, doc)
    parts = {"TO": {"tail": ["ORG"]}, "AT": {"tail": ["PERSON"]}, "BY": {"tail": ["GPE"]}}
    migrate_extractor(extractor, Migration.from_dict({"split": {"NEAR": parts}}))
    return extractor, doc, whole


@pytest.mark.parametrize(
    "options",
    [{}, {"exclusive": False, "loss": {"@losses": "rel_component.binary_cross_entropy.v1"}}],
)
def test_parts_that_are_merged_again_count_once(options):
    extractor, doc, whole = _with_parts_of_near(**options)
    migrate_extractor(extractor, Migration.from_dict({"merge": {"ON": ["TO", "BY"]}}))
    some = _scores(extractor, doc)
    assert some[(0, 2), "ON"] == pytest.approx(whole[(0, 2), "NEAR"], rel=1e-4)
    assert (some[(0, 1), "ON"], some[(0, 2), "AT"]) == (0, 0)
    migrate_extractor(extractor, Migration.from_dict({"merge": {"NEAR": ["AT", "ON"]}}))
    assert _scores(extractor, doc) == pytest.approx(whole, rel=1e-4)


def test_parts_that_are_removed_take_nothing_from_the_others():
    extractor, doc, whole = _with_parts_of_near()
    migrate_extractor(extractor, Migration.from_dict({"remove": ["TO"]}))
    some = _scores(extractor, doc)
    assert some[(0, 2), "BY"] == pytest.approx(whole[(0, 2), "NEAR"], rel=1e-4)
    migrate_extractor(extractor, Migration.from_dict({"remove": ["AT", "BY"]}))
    none = whole[(0, 2), "NO_RELATION"] + whole[(0, 2), "NEAR"]
    assert _scores(extractor, doc)[(0, 2), "NO_RELATION"] == pytest.approx(none, rel=1e-4)


def test_the_gradient_of_joined_outputs():
    rng = numpy.random.default_rng(0)
    owner = spacy.blank("en").add_pipe("relation_extractor", config={"model": TINY}).model
    layer = Affine(3, 4)
    layer.initialize()
    scorer = owner.get_ref("scorer")
    scorer.layers[scorer.layers.index(scorer.get_ref("output_layer"))] = layer
    scorer.set_ref("output_layer", layer)
    owner.set_dim("nO", 3)
    move_outputs(owner, [[0, 2], [1]])
    layer = scorer.get_ref("output_layer")
    X, dY = rng.normal(size=(5, 4)).astype("float32"), rng.normal(size=(5, 2)).astype("float32")
    Y, backprop = layer(X, is_train=True)
    assert Y.shape == (5, 2)
    dX = backprop(dY)
    numpy.testing.assert_allclose(input_gradient(layer, X, dY), dX, rtol=1e-5)
    step = numpy.zeros_like(X)
    step[1, 2] = 1e-2
    slope = ((layer.predict(X + step) - layer.predict(X - step)) * dY).sum() / 2e-2
    assert dX[1, 2] == pytest.approx(slope, abs=1e-3)


def test_new_weights_have_a_row_for_each_output():
    layer = Affine(2, 4)
    layer.attrs["sizes"] = [2, 1]
    layer.initialize()
    X = numpy.ones((3, 4), dtype="float32")
    numpy.testing.assert_allclose(layer.predict(X), X @ layer.get_param("W").T, rtol=1e-5)


def test_corpora_and_schema_files(vocab, tmp_path):
    migration = Migration.from_dict(MIGRATION)
    doc = _doc(vocab, [*FACTS, (1, "LED", 0)])
    doc.spans["more"] = [doc[0:2]]
    doc[1].tag_ = "VBD"
    ask_only(doc, ["LED", "IN", "NEAR"])
    (tmp_path / "docs").mkdir()
    spacy.tokens.DocBin(["TAG", "ENT_TYPE", "ENT_IOB"], store_user_data=True, docs=[doc]).to_disk(
        tmp_path / "docs/a.spacy"
    )
    found = migrate(tmp_path / "docs", migration, tmp_path / "new")
    assert found.counts["LED", "WORKS_FOR"] == 1
    assert found.counts["NEAR", None] == 1
    (moved,) = read_docs(tmp_path / "new/a.spacy", spacy.blank("en"))
    assert set(facts(moved)) == AFTERWARDS
    assert asked_labels(moved) == {"WORKS_FOR", "SEAT", "HOME"}
    assert moved[1].tag_ == "VBD"
    assert len(moved.spans["more"]) == 1

    RelationSchema.from_dict(SCHEMA).to_file(tmp_path / "schema.yaml")
    migrate(tmp_path / "schema.yaml", migration, tmp_path / "new.yaml")
    schema = RelationSchema.from_file(tmp_path / "new.yaml")
    assert schema.labels == ("WORKS_FOR", "EMPLOYS", "SEAT", "HOME")
    assert schema["WORKS_FOR"].inverse is None  # LED had another one
    assert schema["HOME"].tail == ("GPE",)

    record = {
        "text": "Ada led Acme",
        "mine": [1],
        "entities": [
            {"id": "a", "start": 0, "end": 3, "label": "PERSON"},
            {"id": 2, "start": 8, "end": 12, "label": "ORG"},
        ],
        "relations": [
            {"head": "a", "tail": 2, "label": "LED", "note": "x"},
            {"head": "a", "tail": 2, "label": "WORKS_AT"},
        ],
    }
    (tmp_path / "docs.jsonl").write_text(json.dumps(record) + "\n", encoding="utf8")
    (tmp_path / "m.yaml").write_text(json.dumps(MIGRATION), encoding="utf8")
    found = run_json(
        "migrate", tmp_path / "docs.jsonl", tmp_path / "m.yaml", tmp_path / "new.jsonl"
    )
    assert "NEAR" in found["notes"][0]
    (line,) = (tmp_path / "new.jsonl").read_text(encoding="utf8").splitlines()
    changed = {"head": "a", "tail": 2, "label": "WORKS_FOR", "note": "x"}
    assert json.loads(line) == {**record, "relations": [changed]}


def test_events_stay_and_their_pairs_with_them():
    events = [{"label": "FOUNDING", "roles": {"founder": ["PERSON"], "org": ["ORG"]}}]
    schema = RelationSchema.from_dict({**SCHEMA, "events": events}).with_event_pairs()
    moved = Migration.from_dict(MIGRATION).new_schema(schema)
    assert moved.events.keys() == {"FOUNDING"}
    assert "FOUNDING:founder>org" in moved
    with pytest.raises(SchemaError, match="pair of the event 'FOUNDING'"):
        Migration.from_dict({"rename": {"FOUNDING:founder>org": "FOUNDED"}}).new_schema(schema)


@pytest.mark.parametrize(
    ("relations", "merge", "inverses"),
    [
        ([("OWNS", "OWNED_BY"), ("OWNED_BY", None), ("RUNS", None)], ["OWNS", "RUNS"], {}),
        ([("OWNED_BY", "OWNS"), ("OWNS", None), ("RUNS", None)], ["OWNS", "RUNS"], {}),
        ([("OWNS", "OWNED_BY"), ("OWNED_BY", None)], ["OWNS", "OWNED_BY"], {}),
        (
            [("CITY_OF", "HAS"), ("COUNTRY_OF", "HAS"), ("HAS", None)],
            ["CITY_OF", "COUNTRY_OF"],
            {"NEW": "HAS"},
        ),
    ],
)
def test_a_merged_type_has_the_inverse_that_all_have(relations, merge, inverses):
    items = [
        {"label": label, "inverse": inverse, "asymmetric": True} for label, inverse in relations
    ]
    migration = Migration.from_dict({"merge": {"NEW": merge}})
    schema = migration.new_schema(RelationSchema.from_dict({"relations": items}))
    assert {label: kind.inverse for label, kind in schema.items() if kind.inverse} == inverses
    assert not schema["NEW"].asymmetric  # it may be each of them in one direction


def test_ids_and_attributes_follow_their_relations(vocab, tmp_path):
    record = {
        "text": "Ada led Acme",
        "entities": [
            {"id": 1, "start": 0, "end": 3, "label": "PERSON"},
            {"id": 2, "start": 8, "end": 12, "label": "ORG"},
        ],
        "sentences": [0],
        "relations": [
            {"head": 1, "tail": 2, "label": "LED", "id": "r1", "polarity": "negated", "score": 0.5},
            {"head": 1, "tail": 2, "label": "RAN", "id": "r2", "sure": True, "evidence": [0]},
            {"head": 2, "tail": 1, "label": "A", "id": "a"},
            {"head": 2, "tail": 1, "label": "B", "id": "b"},
        ],
    }
    migration = Migration.from_dict(
        {"merge": {"R": ["LED", "RAN"]}, "rename": {"A": "B", "B": "A"}}
    )
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n", encoding="utf8")
    convert(tmp_path / "a.jsonl", tmp_path / "a.spacy")
    migrate(tmp_path / "a.spacy", migration, tmp_path / "b.spacy")
    (doc,) = read_docs(tmp_path / "b.spacy", spacy.blank("en"))
    details = {
        rel.label: relation_details(doc, rel.label, rel.head, rel.tail)[::2]
        for rel in get_relations(doc)
    }
    assert details == {"R": ("r2", {"sure": True}), "A": ("b", {}), "B": ("a", {})}


def test_of_records_that_become_one_the_best_stays_with_all_evidence(tmp_path):
    ends = {"head": 1, "tail": "1"}
    twice = {**ends, "label": "OTHER"}
    relations = [
        {**ends, "label": "LED", "score": 0.4, "polarity": "negated", "evidence": [1]},
        {**ends, "label": "RAN", "score": 0.9, "evidence": [0]},
        {"head": "1", "tail": 1, "label": "RAN"},
        twice,
        twice,
    ]
    entities = [{"id": 1, "start": 0, "end": 3}, {"id": "1", "start": 4, "end": 7}]
    record = {"text": "Ada led", "entities": entities, "sentences": [0, 4], "relations": relations}
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n", encoding="utf8")
    migration = Migration.from_dict({"merge": {"R": ["LED", "RAN"]}})
    migrate(tmp_path / "a.jsonl", migration, tmp_path / "b.jsonl")
    assert json.loads((tmp_path / "b.jsonl").read_text(encoding="utf8"))["relations"] == [
        {**ends, "label": "R", "score": 0.9, "evidence": [0, 1]},
        {"head": "1", "tail": 1, "label": "R"},
        twice,
        twice,
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rename": {"LEFT": "QUIT"}}, "both .LEFT. and .QUIT. become .QUIT.; .*under merge"),
        ({"merge": {"QUIT": ["LEFT", "LED"]}}, "a label .QUIT. already; name it among"),
    ],
)
def test_a_corpus_has_no_two_labels_that_become_one_unsaid(vocab, tmp_path, data, message):
    docs = [_doc(vocab, [(1, label, 0)]) for label in ("LEFT", "QUIT")]
    write_docs(docs, tmp_path / "a.spacy")
    convert(tmp_path / "a.spacy", tmp_path / "a.jsonl", to="jsonl")
    for ending, place in (("spacy", "document 2"), ("jsonl", "line 2")):
        output = tmp_path / f"new.{ending}"
        with pytest.raises(DataError, match=rf"a\.{ending}, {place}.*{message}"):
            migrate(tmp_path / f"a.{ending}", Migration.from_dict(data), output)
        assert not output.exists()


def test_a_relation_that_fits_no_part_leaves_nothing(vocab, tmp_path):
    doc = _doc(vocab, [(2, "IN", 2)])
    doc.user_data["meta"] = {"id": "d7"}
    write_docs([doc], tmp_path / "docs.spacy")
    with pytest.raises(DataError, match=r"document 1, d7: .*no part holds between 'GPE'"):
        migrate(tmp_path / "docs.spacy", Migration.from_dict(MIGRATION), tmp_path / "new.spacy")
    assert [path.name for path in tmp_path.iterdir()] == ["docs.spacy"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected a mapping"),
        ({}, "nothing to do"),
        ({"renames": {}}, "did you mean"),
        ({"rename": {"A": 1}}, "rename.A"),
        ({"rename": {"A": "B"}, "remove": ["A"]}, "'A' of before occurs twice"),
        ({"rename": {"A": "C", "B": "C"}}, "'C' of afterwards occurs twice"),
        ({"rename": {"A": "NO_RELATION"}}, "reserved"),
        ({"split": {"A": {"B": {}}}}, "two or more"),
        ({"split": {"A": {"B": {"head": ["X"]}, "C": {"tail": ["X"]}}}}, "types of head or tail"),
        ({"split": {"A": {"B": {"heads": ["X"]}, "C": {}}}}, "unknown key"),
        ({"merge": {"A": []}}, "merge.A"),
    ],
)
def test_files_that_are_no_migrations(data, message):
    with pytest.raises(SchemaError, match=message):
        Migration.from_dict(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rename": {"LEAD": "RUN"}}, "did you mean .LED"),
        ({"rename": {"LED": "HIRED"}}, "say so under merge"),
        ({"merge": {"HIRED": ["LED", "IN"]}}, "name it among those"),
        ({"remove": ["WORKS_AT", "HIRED", "LED", "IN", "NEAR"]}, "no label would be left"),
    ],
)
def test_migrations_that_do_not_fit(data, message):
    _, extractor = _pipeline()
    with pytest.raises(SchemaError, match=message):
        migrate_extractor(extractor, Migration.from_dict(data))


def _split_near(symmetric=False, **options):
    parts = {"SEAT": {"head": ["ORG"], **options}, "HOME": {"head": ["PERSON"], **options}}
    for part in parts.values():
        part["symmetric"] = symmetric
    return Migration.from_dict({"split": {"NEAR": parts}})


def test_a_symmetric_label_is_split_in_both_directions():
    migration = _split_near(symmetric=True, tail=["GPE"])
    assert migration.new_label("NEAR", "ORG", "GPE") == "SEAT"
    assert migration.new_label("NEAR", "GPE", "ORG") == "SEAT"
    with pytest.raises(SchemaError, match="let the parts say symmetric: true"):
        _split_near(tail=["GPE"]).new_label("NEAR", "GPE", "ORG")


def test_parts_of_a_symmetric_label_differ_in_both_directions():
    with pytest.raises(SchemaError, match="between the same entity types in either direction"):
        _split_near(symmetric=True)
    schema = RelationSchema([RelationType("NEAR", symmetric=True)])
    with pytest.raises(SchemaError, match="between the same entity types in either direction"):
        _split_near().new_schema(schema)
    assert set(_split_near(tail=["GPE"]).new_schema(schema).symmetric_labels) == {"SEAT", "HOME"}


def test_parts_of_a_symmetric_label_differ_by_the_types_that_they_inherit():
    near = RelationType("NEAR", head=("PERSON", "ORG"), tail=("LOC",), symmetric=True)
    schema = _split_near().new_schema(RelationSchema([near]))
    assert {label: (kind.head, kind.tail, kind.symmetric) for label, kind in schema.items()} == {
        "SEAT": (("ORG",), ("LOC",), True),
        "HOME": (("PERSON",), ("LOC",), True),
    }


def test_labels_may_change_places():
    _, extractor = _pipeline()
    migrate_extractor(extractor, Migration.from_dict({"rename": {"LED": "IN", "IN": "LED"}}))
    assert extractor.labels == ("WORKS_AT", "HIRED", "IN", "LED", "NEAR")


def test_what_is_not_there_is_named():
    with pytest.raises(DataError, match=r"nofile\.jsonl: there is no such file or folder"):
        migrate("nofile.jsonl", Migration.from_dict({"remove": ["A"]}), "out.jsonl")


def test_what_is_no_pipeline(tmp_path):
    (tmp_path / "m.yaml").write_text("remove: [A]", encoding="utf8")
    spacy.blank("en").to_disk(tmp_path / "blank")
    output = run("migrate", tmp_path / "blank", tmp_path / "m.yaml", tmp_path / "new", code=1)
    assert "no trained relation_extractor" in output
    assert not (tmp_path / "new").exists()
