"""Pipelines of each kind of probabilities, made too sure of themselves and calibrated."""

import json
from functools import cache

import numpy
import pytest
import spacy
from spacy.tokens import DocBin

from rel_component import calibrate
from rel_component.annotations import get_relations
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.errors import ConfigError, DataError
from rel_component.evaluation.calibrate import label_sets, saved_label_sets
from rel_component.evaluation.calibration_page import render_calibration
from rel_component.probabilities import Temperature, to_probabilities

from ..encoders import TINY_TOK2VEC
from ..helpers import make_doc, make_example

MODEL = {
    "@architectures": "rel_component.SpanPair.v1",
    "hidden_size": 16,
    "tok2vec": TINY_TOK2VEC,
}
KINDS = {
    "exclusive": {},
    "multiple": {
        "exclusive": False,
        "loss": {"@losses": "rel_component.binary_cross_entropy.v1"},
    },
    "adaptive": {
        "exclusive": False,
        "adaptive_threshold": True,
        "loss": {"@losses": "rel_component.adaptive_threshold.v1"},
    },
}
ORG, PERSON = (0, 1, "ORG"), (3, 4, "PERSON")


def references(vocab, n_each=20):
    """Where Acme may hire Ada, one of four documents says that it does; at Orbit three of four."""
    return [
        make_doc(vocab, f"{name} may hire Ada", [ORG, PERSON], [(0, label, 1)] * (i % 4 < n))
        for i in range(n_each)
        for name, label, n in (("Acme", "HIRES", 1), ("Orbit", "FOUNDED_BY", 3))
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "dev.spacy"
    DocBin(docs=references(spacy.blank("xx").vocab), store_user_data=True).to_disk(path)
    return path


def blank(kind):
    nlp = spacy.blank("xx")
    nlp.add_pipe("relation_extractor", config={"model": MODEL, **KINDS[kind]})
    return nlp


@cache
def overconfident(kind):
    """A pipeline, as bytes, whose logits are three times those that were learned."""
    spacy.util.fix_random_seed(0)
    nlp = blank(kind)
    examples = [make_example(doc) for doc in references(nlp.vocab, 4)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    output = nlp.get_pipe("relation_extractor").model.get_ref("scorer").get_ref("output_layer")
    for name in output.param_names:
        output.set_param(name, 3 * output.get_param(name))
    return nlp.to_bytes()


@pytest.fixture
def nlp():
    return blank("exclusive").from_bytes(overconfident("exclusive"))


def relations(nlp, data):
    docs = nlp.pipe(eg.predicted for eg in make_relation_corpus(data)(nlp))
    return [[(str(rel), rel.score) for rel in get_relations(doc)] for doc in docs]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_calibrated_scores_come_true_and_the_relations_stay(kind, data, tmp_path):
    nlp = blank(kind).from_bytes(overconfident(kind))
    before = relations(nlp, data)
    same, told = calibrate(nlp, data, test_path=data)
    assert same is nlp
    after = relations(nlp, data)
    names = [[[name for name, _ in doc] for doc in docs] for docs in (before, after)]
    assert names[0] == names[1]
    assert told.n_changed == 0
    assert nlp.get_pipe("relation_extractor").temperature == told.temperature
    assert told.temperature.common > 1.5
    scores = [score for doc in after for name, score in doc if "FOUNDED_BY" in name]
    assert scores == pytest.approx([0.75] * 20, abs=0.12)
    assert told.after.possible.ece.value < told.before.possible.ece.value
    assert told.after.pairs.brier.value < told.before.pairs.brier.value
    # saved and loaded, and not kept by a pipeline that is initialised again
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert relations(loaded, data) == after
    saved = saved_label_sets(loaded, "relation_extractor")
    assert saved.to_dict() == pytest.approx(told.sets.to_dict())
    extractor = loaded.get_pipe("relation_extractor")
    loaded.initialize(lambda: list(make_relation_corpus(data)(loaded)))
    assert extractor.temperature is None
    assert "temperature" not in extractor.state


@pytest.mark.slow
def test_calibrating_again_changes_nothing(nlp, data):
    calibrate(nlp, data, per_label=True)
    extractor = nlp.get_pipe("relation_extractor")
    decoder, temperature = extractor.decoder, extractor.temperature
    _, told = calibrate(nlp, data, per_label=True)
    assert extractor.temperature == temperature
    assert extractor.decoder.label_thresholds == pytest.approx(decoder.label_thresholds)
    assert told.measured_on == ""
    json.dumps(told.to_dict(), allow_nan=False)


def test_a_wished_precision_has_thresholds_of_its_own(nlp, data):
    _, told = calibrate(nlp, data, precision=0.6)
    assert {name for doc in relations(nlp, data) for name, _ in doc} == {"(Orbit, FOUNDED_BY, Ada)"}
    assert told.precision.expected.precision == pytest.approx(0.75, abs=0.1)
    threshold = nlp.get_pipe_config("relation_extractor")["decoder"]["threshold"]
    assert threshold == nlp.get_pipe("relation_extractor").decoder.threshold


def test_sets_of_labels_of_new_documents(nlp, data):
    with pytest.raises(ConfigError, match="is not calibrated: use spacy rel calibrate"):
        label_sets(nlp, [])
    calibrate(nlp, data)
    doc = make_doc(nlp.vocab, "Orbit may hire Ada", [ORG, PERSON])
    ((found, *_),) = label_sets(nlp, [doc])
    relation, labels = found
    assert str(relation) == "(Orbit, FOUNDED_BY, Ada)"
    assert set(labels) == {"FOUNDED_BY", "NO_RELATION"}
    assert label_sets(nlp, []) == []


def test_the_page_of_a_report(nlp, data):
    _, told = calibrate(nlp, data)
    page = render_calibration(told, title="<script>alert(1)</script>")
    assert page.count("<svg") == 12
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_documents_without_relations_cannot_calibrate(nlp, tmp_path):
    DocBin(docs=[make_doc(nlp.vocab, "Acme may hire Ada", [ORG, PERSON])] * 3).to_disk(
        tmp_path / "none.spacy"
    )
    with pytest.raises(DataError, match=r"none.spacy: no candidate pair .* has a relation"):
        calibrate(nlp, tmp_path / "none.spacy")
    assert nlp.get_pipe("relation_extractor").temperature is None


def test_a_pipeline_without_trained_extractor_cannot_be_calibrated(data):
    with pytest.raises(ConfigError, match="has no trained relation_extractor"):
        calibrate(spacy.blank("xx"), data)


@pytest.mark.parametrize(
    "saved",
    [
        {"common": 0, "labels": {}},
        {"common": True, "labels": {}},
        {"common": 1.0, "labels": {"A": "2"}},
        {"common": 1.0, "labels": []},
        {"common": float("nan"), "labels": {}},
        {"common": 1.0},
        7,
    ],
)
def test_a_damaged_temperature_is_refused(nlp, saved):
    extractor = nlp.get_pipe("relation_extractor")
    with pytest.raises(ConfigError, match="temperature"):
        extractor.take_state({**extractor.state, "temperature": saved})


def test_a_temperature_divides_log_odds():
    logits = numpy.asarray([[0.5, 1.0, -2.0]])
    calibrated = to_probabilities(
        logits, exclusive=True, temperature=Temperature(2.0), labels=["A", "B"]
    )
    numpy.testing.assert_allclose(calibrated, to_probabilities(logits / 2, exclusive=True))
    own = to_probabilities(
        logits,
        exclusive=False,
        adaptive_threshold=True,
        temperature=Temperature(2.0, {"B": 5.0}),
        labels=["A", "B"],
    )
    expected = to_probabilities(numpy.asarray([[0.25, -0.5]]), exclusive=False)
    numpy.testing.assert_allclose(own, expected)
