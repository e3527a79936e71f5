"""Other labels for a relation extractor that reads them."""

import gc
import pickle

import numpy
import pytest
import spacy
import torch

from rel_component.errors import ConfigError, SchemaError
from rel_component.pipeline.label_reading import moved_by_examples, parse_example
from rel_component.relation_types import RelationType

from .label_readers import DESCRIPTIONS, examples, found, learned


def test_labels_are_read_anew_by_the_encoder_of_another_pipeline(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")

    def read():
        extractor.set_schema({"IN": "the head is in the tail", "NEAR": "it is near it"})
        return extractor.model.get_ref("output_layer").attrs["labels"]

    expected = read()
    with torch.no_grad():
        for values in nlp.get_pipe("shared_encoder").model.shims[0]._model.parameters():
            values.normal_()
    nlp.from_bytes(nlp.to_bytes())
    assert numpy.abs(read() - expected).max() > 0.1
    nlp.from_bytes(trained.to_bytes())
    numpy.testing.assert_allclose(read(), expected, atol=1e-5)


def test_another_schema_changes_no_weights(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    founded, _ = examples(nlp)
    nlp.get_pipe("shared_encoder")(founded.predicted)
    extractor.set_schema(
        {"OTHER": "in", "MADE": {"description": DESCRIPTIONS["FOUNDED"], "head": "PERSON"}}
    )
    assert extractor.labels == ("OTHER", "MADE")
    assert extractor.output_labels == ("NO_RELATION", "OTHER", "MADE")
    extractor.set_schema(trained.get_pipe("relation_extractor").schema)
    # columns follow the labels
    swapped = dict(reversed(DESCRIPTIONS.items()))
    before = extractor.predict([founded.predicted]).values
    extractor.set_schema(swapped)
    numpy.testing.assert_allclose(
        extractor.predict([founded.predicted]).values[:, ::-1], before, rtol=1e-4
    )


def test_a_schema_of_events_is_one_of_their_pairs(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    roles = {"buyer": {"max": 1}, "seller": {"max": 1}}
    extractor.set_schema({"events": [{"label": "DEAL", "trigger": True, "roles": roles}]})
    assert extractor.labels == ("DEAL:trigger>buyer", "DEAL:trigger>seller")
    assert list(extractor.schema.events) == ["DEAL"]


def test_the_event_extractor_makes_the_events_of_another_schema(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    events = nlp.add_pipe("event_extractor")
    set_schema, roles = nlp.get_pipe("relation_extractor").set_schema, {"buyer": {}, "seller": {}}
    deal, sale = ({"events": [{"label": label, "roles": roles}]} for label in ("DEAL", "SALE"))
    set_schema(deal)
    set_schema(sale)
    assert list(events.events) == ["SALE"]
    events.set_schema(sale)
    with pytest.warns(UserWarning, match="makes no events of the types DEAL: give"):
        set_schema(deal)
    assert list(events.events) == ["SALE"]


def pickled(nlp):
    return pickle.loads(pickle.dumps(nlp))


def sourced(nlp):
    other = spacy.blank("en")
    for name in nlp.pipe_names:
        other.add_pipe(name, source=nlp)
    return other


@pytest.mark.parametrize("copied", [pickled, sourced])
def test_a_copied_pipeline_takes_another_schema(trained, copied):
    def copy():
        nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
        nlp.add_pipe("event_extractor")
        return copied(nlp)

    nlp = copy()  # and the pipeline that it was made of is gone
    gc.collect()
    example = "<head>bo</head> met <tail>cy</tail> ."
    relation = {"label": "MET", "examples": [example]}
    event = {"label": "DEAL", "roles": {"buyer": {}, "seller": {}}}
    nlp.get_pipe("relation_extractor").set_schema({"relations": [relation], "events": [event]})
    assert list(nlp.get_pipe("event_extractor").events) == ["DEAL"]


def test_the_schema_of_a_disabled_extractor_is_known_when_it_is_enabled(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    events = nlp.add_pipe("event_extractor")
    with nlp.select_pipes(disable="relation_extractor"):
        deal = {"events": [{"label": "DEAL", "roles": {"buyer": {}, "seller": {}}}]}
        nlp.get_pipe("relation_extractor").set_schema(deal)
    assert list(events.events) == ["DEAL"]


def test_labels_are_saved(trained, tmp_path):
    trained.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    for example in examples(nlp):
        assert found(nlp, example) == found(trained, example)
    nlp.get_pipe("relation_extractor").set_schema({f"R{i}": f"number {i}" for i in range(40)})
    nlp.to_disk(tmp_path / "other")
    other = spacy.load(tmp_path / "other").get_pipe("relation_extractor")
    assert len(other.labels) == 40


@pytest.mark.parametrize(
    ("name", "damaged", "message"),
    [
        ("labels", numpy.full((2, 32), numpy.nan, dtype="float32"), "finite numbers of the shape"),
        ("shifts", numpy.full(2, numpy.inf, dtype="float32"), "shifts of the labels are no finite"),
        ("shifts", numpy.zeros(3, dtype="float32"), "one for each label"),
        ("shifts", "0", "one for each label"),
    ],
)
def test_damaged_label_vectors_are_refused(trained, name, damaged, message):
    extractor = trained.get_pipe("relation_extractor")
    scorer = extractor.model.get_ref("output_layer")
    kept = scorer.attrs[name]
    scorer.attrs[name] = damaged
    data = extractor.to_bytes()
    scorer.attrs[name] = kept
    other = learned(steps=0).get_pipe("relation_extractor")
    with pytest.raises(ConfigError, match=message):
        other.from_bytes(data)


def test_shifts_of_labels_are_saved_and_follow_their_labels(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    shown = ["<head>bo</head> met <tail>cy</tail>", "<head>di</head> saw <tail>ed</tail>"]
    extractor.set_schema({"X": {"examples": shown}, "Y": "made in"})
    shifts = extractor.model.get_ref("output_layer").attrs["shifts"]
    assert shifts[0] != 0 == shifts[1]
    doc = nlp(examples(nlp)[1].predicted)
    scores = extractor.predict([doc]).values
    other = learned(steps=0).get_pipe("relation_extractor").from_bytes(extractor.to_bytes())
    numpy.testing.assert_array_equal(other.predict([doc]).values, scores)
    extractor.add_label("Z")
    assert extractor.model.get_ref("output_layer").attrs["shifts"].tolist() == [*shifts, 0.0]


@pytest.mark.parametrize("is_saved", [True, False])  # an earlier version saved none
def test_a_saved_state_without_shifts_is_taken_back(trained, is_saved):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    attrs = extractor.model.get_ref("output_layer").attrs
    if not is_saved:
        del attrs["shifts"]
    data = extractor.to_bytes()
    shown = ["<head>bo</head> met <tail>cy</tail>", "<head>di</head> saw <tail>ed</tail>"]
    extractor.set_schema({"X": {"examples": shown}, "Y": "made in"})
    assert attrs["shifts"] is not None
    extractor.from_bytes(data)
    assert attrs["shifts"] is None


def test_examples_move_a_label(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    met = examples(nlp)[1].predicted
    nlp.get_pipe("shared_encoder")(met)
    scores = []
    for shown in ([], ["<head>bo</head> met <tail>cy</tail> ."]):
        extractor.set_schema({"X": {"description": "made in", "examples": shown}})
        scores.append(float(extractor.predict([met]).values[0, 0]))
    assert scores[1] > scores[0] + 0.01


def test_many_examples_bring_no_label_near_to_all_pairs():
    label, own, shared = numpy.eye(3, dtype="float32")
    pairs = numpy.stack([0.8 * shared + 0.6 * own] * 5)
    (moved,), _ = moved_by_examples(label[None], [0] * 5, pairs, 0.6 * shared)
    assert moved @ own > 0.4
    assert moved @ shared < 0.1


def test_a_label_scores_as_before_for_what_its_examples_have_in_common():
    label, own, shared, other = numpy.eye(4, dtype="float32")
    pairs = numpy.stack([0.8 * shared + 0.6 * own] * 20)  # one of them changes little
    (moved,), (shift,) = moved_by_examples(label[None], [0] * 20, pairs, 0.4 * shared)
    assert moved @ pairs[0] > 0.3
    assert abs(moved @ pairs[0] + shift - label @ pairs[0]) < 0.01
    assert moved @ other + shift < -0.3
    (_,), (shift,) = moved_by_examples(label[None], [0], pairs[:1], 0.6 * shared)
    assert shift == 0  # nobody knows how a label would have scored for its only example


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("bo met cy", "expected one <head>"),
        ("<head>bo</head> met <head>cy</head> <tail>x</tail>", "<head> occurs twice"),
        ("<head></head> met <tail>cy</tail>", "no word between <head>"),
        ("<head> </head> met <tail>cy</tail>", "no word between <head>"),
        ("<head>bo</head><tail>cy</tail>", "same token, or none"),
    ],
)
def test_examples_that_cannot_be_read(trained, example, message):
    extractor = trained.get_pipe("relation_extractor")
    with pytest.raises(SchemaError, match=message):
        extractor.set_schema({"X": {"examples": [example]}})
    assert extractor.labels == ("FOUNDED", "MET")


def test_space_around_the_mentions_of_an_example_does_not_count():
    kind = RelationType("X")
    tight = parse_example(kind, "then <head>bo</head> met <tail>cy</tail>")
    loose = parse_example(kind, "then<head> bo </head>met<tail> cy</tail>")
    assert loose[:3] == tight[:3]


def test_what_is_refused_changes_nothing(trained):
    extractor = trained.get_pipe("relation_extractor")
    with pytest.raises(SchemaError):
        extractor.set_schema({}, offset=9.0)
    assert extractor.labels == ("FOUNDED", "MET")
    assert extractor.state.get("label_offset", 0.0) == 0.0


def test_a_batch_has_one_schema(trained, monkeypatch):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    met = nlp.get_pipe("shared_encoder")(examples(nlp)[1].predicted)
    others = [{"A": "met", "B": "made", "C": "saw"}, {"D": "met", "E": "made"}]
    generate = extractor.candidates

    def change_meanwhile(*args):
        candidates = generate(*args)
        if others:  # as another thread might
            extractor.set_schema(others.pop(0))
        return candidates

    monkeypatch.setattr(extractor, "candidates", change_meanwhile)
    scores = extractor.predict([met])
    assert scores.candidates.schema.labels == extractor.labels == ("D", "E")
    monkeypatch.setattr(extractor, "candidates", generate)
    numpy.testing.assert_array_equal(scores.values, extractor.predict([met]).values)


def test_a_label_is_asked_about_once_its_vector_is_read(trained, monkeypatch):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    met = nlp.get_pipe("shared_encoder")(examples(nlp)[1].predicted)
    read, meanwhile = extractor._label_reader.vectors, []

    def predict_meanwhile(*args):  # as another thread might
        meanwhile.append(extractor.predict([met]).candidates.schema.labels)
        return read(*args)

    monkeypatch.setattr(extractor._label_reader, "vectors", predict_meanwhile)
    extractor.add_types([RelationType("LEFT"), RelationType("SAW")])
    assert meanwhile == [("FOUNDED", "MET")]
    assert extractor.predict([met]).values.shape == (2, 4)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, "no label"),
        ([], "expected a schema or a mapping"),
        ({"X": 3}, "expected a description"),
        ({"X": {"descriptoin": "x"}}, 'did you mean "description"'),
    ],
)
def test_schemas_that_are_refused(trained, schema, message):
    with pytest.raises(SchemaError, match=message):
        trained.get_pipe("relation_extractor").set_schema(schema)


def test_models_that_learn_their_labels_take_no_other_schema():
    nlp = spacy.blank("en")
    extractor = nlp.add_pipe("relation_extractor")
    with pytest.raises(ConfigError, match="not initialised"):
        extractor.set_schema({"X": "x"})
    nlp.initialize(lambda: examples(nlp))
    with pytest.raises(ConfigError, match="has learned its labels"):
        extractor.set_schema({"X": "x"})


def test_a_label_is_added_with_its_vector(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    before = found(nlp, examples(nlp)[1])
    assert extractor.add_label("FRIEND_OF") == 1
    labels = extractor.model.get_ref("output_layer").attrs["labels"]
    assert labels.shape[0] == 3
    assert numpy.linalg.norm(labels[2]) == pytest.approx(1.0, abs=1e-4)
    assert set(before) <= set(found(nlp, examples(nlp)[1]))


def test_an_offset_is_added_to_all_labels_and_saved(trained):
    nlp = spacy.blank("en").from_config(trained.config).from_bytes(trained.to_bytes())
    extractor = nlp.get_pipe("relation_extractor")
    met = nlp.get_pipe("shared_encoder")(examples(nlp)[1].predicted)
    candidates = extractor.predict([met]).candidates
    before = extractor.model.predict(([met], candidates))
    extractor.set_schema(extractor.schema, offset=1.5)
    after = extractor.model.predict(([met], candidates))
    numpy.testing.assert_allclose(after - before, [[0, 1.5, 1.5]] * 2, atol=1e-4)
    loaded = spacy.blank("en").from_config(trained.config).from_bytes(nlp.to_bytes())
    other = loaded.get_pipe("relation_extractor")
    other.set_schema(DESCRIPTIONS)
    numpy.testing.assert_allclose(other.model.predict(([met], candidates)), after, rtol=1e-4)
    with pytest.raises(ConfigError, match="offset must be a finite number"):
        other.set_schema(DESCRIPTIONS, offset=float("nan"))
