"""Pipelines with encoders in int8."""

import numpy
import pytest
import spacy
import torch
from safetensors.torch import load, save

from rel_component import quantize
from rel_component.errors import ConfigError
from rel_component.pipelines import load_pipeline
from rel_component.spacy_files import write_docs

from ..cli.helpers import run, run_json
from ..encoders import tiny_encoder
from ..helpers import facts, make_doc, make_example
from ..pipeline.saved_pipelines import edit_encoder, make_joint

pytestmark = pytest.mark.filterwarnings('ignore:Precision "int8"')  # of CPUs without instructions

TEXT = "Acme hired Ada"
MENTIONS = [(0, 1, "ORG"), (2, 3, "PERSON")]
FACTS = [(1, "WORKS_AT", 0), (0, "HIRED", 1)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    nlp = make_joint()
    doc = make_doc(nlp.vocab, TEXT, MENTIONS, FACTS)
    write_docs([doc], folder / "dev.spacy")
    nlp.to_disk(folder / "joint")
    return folder


@pytest.fixture(scope="module")
def made(trained):
    result = quantize(trained / "joint", trained / "int8", dev=trained / "dev.spacy", max_loss=100)
    assert result.encoders == ["components.shared_encoder.model"]
    assert result.f1[0] - result.f1[1] == result.loss / 100
    assert result.speed > 0
    return trained / "int8"


@pytest.mark.slow
def test_it_loads_like_any_other_pipeline(trained, made):
    before, after = (spacy.load(folder) for folder in (trained / "joint", made))
    expected, found = (nlp(TEXT).tensor for nlp in (before, after))
    assert numpy.linalg.norm(found - expected) < 0.05 * numpy.linalg.norm(expected)
    assert after.config["components"]["shared_encoder"]["model"]["precision"] == "int8"
    again = spacy.util.load_model_from_config(after.config).from_bytes(after.to_bytes())
    numpy.testing.assert_array_equal(again(TEXT).tensor, found)
    for doc in after.pipe([TEXT] * 3, batch_size=2):
        numpy.testing.assert_allclose(doc.tensor, found, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_it_is_not_trained(made):
    nlp = spacy.load(made)
    example = make_example(make_doc(nlp.vocab, TEXT, MENTIONS, FACTS))
    with pytest.raises(ConfigError, match="cannot be trained"):
        nlp.update([example], sgd=nlp.resume_training())
    with pytest.raises(ConfigError, match="no encoder that could be in int8"):
        quantize(nlp, made.with_name("twice"))


@pytest.mark.slow
def test_a_loss_that_is_not_accepted_leaves_nothing(trained, tmp_path):
    dev = trained / "dev.spacy"
    with pytest.raises(ConfigError, match="a loss of -101 is accepted"):
        quantize(trained / "joint", tmp_path / "int8", dev=dev, max_loss=-101)
    assert list(tmp_path.iterdir()) == []


def _no_number(weights):
    name = next(name for name in weights if name.endswith(".scale"))
    weights[name][0] = float("nan")


def _wider(weights):
    name = next(name for name in weights if name.endswith(".values"))
    weights[name] = weights[name].repeat(2, 1)


def _half_in_float32(weights):
    name = next(name for name in weights if name.endswith(".values"))
    weights[name] = weights[name].float()


@pytest.mark.parametrize("damage", [_no_number, _wider, _half_in_float32])
@pytest.mark.slow
def test_what_is_no_encoder_in_int8_is_refused(damage, trained, tmp_path):
    quantize(trained / "joint", tmp_path / "int8")

    def edit(state):
        weights = load(state["weights"])
        damage(weights)
        state["weights"] = save(weights)

    edit_encoder(tmp_path / "int8" / "shared_encoder" / "model", edit)
    with pytest.raises(ConfigError, match=r"shared_encoder/model cannot be loaded: weights of"):
        load_pipeline(tmp_path / "int8")


@pytest.mark.parametrize("kind", ["bert", "distilbert", "deberta", "deberta-v2"])
@pytest.mark.parametrize("architecture", ["EntityMarkers", "PackedMarkers"])
@pytest.mark.slow
def test_encoders_of_marked_pairs(architecture, kind, tmp_path):
    nlp = spacy.blank("en")
    model = {"@architectures": f"rel_component.{architecture}.v1", "name": tiny_encoder(kind)}
    extractor = nlp.add_pipe("relation_extractor", config={"model": model})
    doc = make_doc(nlp.vocab, TEXT, MENTIONS, FACTS)
    nlp.initialize(lambda: [make_example(doc)])
    result = quantize(nlp, tmp_path / "int8")
    assert result.encoders == ["components.relation_extractor.model"]
    rounded = spacy.load(tmp_path / "int8").get_pipe("relation_extractor")
    (_, expected), (_, found) = (pipe.predict([doc]) for pipe in (extractor, rounded))
    assert float(numpy.abs(found - expected).max()) < 0.1
    assert any(x.dtype == torch.int8 for x in rounded.model.shims[0]._model.state_dict().values())


@pytest.mark.slow
def test_command(trained, tmp_path):
    output = run("quantize", trained / "joint", tmp_path / "one")
    assert "size in MB" in output
    assert "F1 was not measured" in output
    options = ("--dev", trained / "dev.spacy", "--max-loss", "100")
    found = run_json("quantize", trained / "joint", tmp_path / "two", *options)
    assert found["bytes"]["after"] > 0
    assert found["speed"] > 0
    assert isinstance(facts(spacy.load(tmp_path / "two")(TEXT)), list)
