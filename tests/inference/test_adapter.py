"""Pipelines without the weights of their public encoder, and together with it again."""

import hashlib
import os
import shutil

import numpy
import pytest
import spacy
import srsly
import torch

from rel_component import apply_adapter, quantize, save_adapter
from rel_component.errors import ConfigError, DataError

from ..cli.helpers import run, run_json
from ..encoders import tiny_encoder
from ..helpers import make_doc, make_example
from ..pipeline.saved_pipelines import edit_json, make_joint
from .full_disk import largest_file

TEXT = "Acme hired Ada"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A pipeline of two encoders with adapters, and a component of spaCy's own."""
    nlp = spacy.blank("en")
    encoder = {
        "@architectures": "rel_component.Encoder.v1",
        "name": tiny_encoder(),
        "adapter_rank": 2,
    }
    spans = {"@architectures": "rel_component.SpanScorer.v1", "tok2vec": encoder, "hidden_size": 8}
    nlp.add_pipe("span_recognizer", config={"model": spans})
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("shared_encoder", config={"model": encoder})
    listener = {"@architectures": "rel_component.EncoderListener.v1"}
    pairs = {"@architectures": "rel_component.LabelPair.v1", "tok2vec": listener, "hidden_size": 8}
    nlp.add_pipe("relation_extractor", config={"model": pairs})
    doc = make_doc(nlp.vocab, TEXT, [(0, 1, "ORG"), (2, 3, "PERSON")], [(0, "HIRED", 1)])
    nlp.initialize(lambda: [make_example(doc)])
    sgd = nlp.create_optimizer()
    for _ in range(3):
        nlp.update([make_example(doc)], sgd=sgd, annotates=["sentencizer"])
    nlp.meta["license"] = "MIT"
    folder = tmp_path_factory.mktemp("trained")
    nlp.to_disk(folder / "pipeline")
    return folder / "pipeline"


@pytest.fixture(scope="module")
def written(trained):
    folder = trained.with_name("written")
    summary = save_adapter(trained, folder)
    assert summary.encoder == tiny_encoder()
    assert summary.n_bytes < summary.n_bytes_before
    return folder


def vectors(folder):
    """What a pipeline makes of a text: vectors of tokens, and probabilities of pairs."""
    nlp = spacy.load(folder)
    doc = nlp.make_doc(TEXT)
    doc.spans["mentions"] = doc.ents = [doc.char_span(0, 4, "ORG"), doc.char_span(11, 14, "PERSON")]
    doc = nlp(doc)
    scores = nlp.get_pipe("relation_extractor").predict([doc]).values
    return doc.tensor, scores, nlp.get_pipe("span_recognizer").predict([doc]).values


@pytest.mark.slow
def test_the_pipeline_is_the_same_again(trained, written, tmp_path):
    apply_adapter(written, tiny_encoder(), tmp_path / "again")
    for found, expected in zip(vectors(tmp_path / "again"), vectors(trained)):
        numpy.testing.assert_array_equal(found, expected)
    nlp = spacy.load(tmp_path / "again")
    nlp.get_pipe("relation_extractor").set_schema({"LEFT": "the head left the tail"})


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:Precision "int8"')  # of CPUs without instructions
def test_in_int8_it_still_reads_labels(trained, tmp_path):
    result = quantize(trained, tmp_path / "int8")
    assert result.encoders == [
        "components.span_recognizer.model.tok2vec",
        "components.shared_encoder.model",
    ]
    for found, expected in zip(vectors(tmp_path / "int8"), vectors(trained)):
        assert numpy.linalg.norm(found - expected) < 0.05 * numpy.linalg.norm(expected)
    nlp = spacy.load(tmp_path / "int8")
    nlp.get_pipe("relation_extractor").set_schema({"LEFT": "the head left the tail"})


def test_what_is_written_has_no_public_weights(trained, written):
    files = {file.relative_to(written).as_posix() for file in written.rglob("*") if file.is_file()}
    assert {"adapter.json", "adapter.safetensors", "models.json", "README.md"} <= files
    assert not any(file.endswith("/model") for file in files)
    tensors = (written / "adapter.safetensors").read_bytes()
    assert b"word_embeddings" not in tensors
    card = (written / "README.md").read_text(encoding="utf8")
    assert "license: MIT" in card
    assert "apply-adapter" in card


@pytest.mark.slow
def test_half_of_the_size(trained, written, tmp_path):
    found = run_json("adapter", trained, tmp_path / "half", "--half")
    assert found["n_bytes"] < 0.8 * (written / "adapter.safetensors").stat().st_size
    run("apply-adapter", tmp_path / "half", tiny_encoder(), tmp_path / "again")
    for found, expected in zip(vectors(tmp_path / "again"), vectors(trained)):
        numpy.testing.assert_allclose(found, expected, atol=0.02)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A pipeline whose encoder itself has learned: in every matrix, one of rank 2 and a little noise."""
    nlp = make_joint()
    random = numpy.random.default_rng(0)
    for parameter in nlp.get_pipe("shared_encoder").model.shims[0]._model.parameters():
        shape = parameter.shape
        change = random.normal(size=(*shape[:1], 2)) @ random.normal(size=(2, *shape[1:])) / 50
        change += random.normal(size=shape) / 1_000
        parameter.data += torch.tensor(change, dtype=torch.float32)
    folder = tmp_path_factory.mktemp("tuned")
    nlp.to_disk(folder / "pipeline")
    run("adapter", folder / "pipeline", folder / "shared", "--rank", 2)
    return folder


def test_what_the_encoder_itself_has_learned_is_of_low_rank(tuned, tmp_path):
    apply_adapter(tuned / "shared", tiny_encoder(), tmp_path / "again")
    pipelines = spacy.load(tmp_path / "again"), spacy.load(tuned / "pipeline"), make_joint()
    again, learned, public = (
        torch.cat([value.flatten() for value in shim._model.parameters()]).detach()
        for shim in (nlp.get_pipe("shared_encoder").model.shims[0] for nlp in pipelines)
    )
    assert (again - learned).abs().max() < 0.01 < (learned - public).abs().mean()
    assert pipelines[0](TEXT)._.rel is not None
    cfg = srsly.read_json(tmp_path / "again" / "relation_extractor" / "cfg")
    assert cfg["upstream"]["name"] == "shared_encoder"


def test_a_difference_of_another_shape_is_refused(tuned, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(tuned / "shared", folder)

    def exchange(models):
        weights = models["shared_encoder"]["layers"][-1]["shims"][0]["encoder"]["weights"]
        value = next(value for value in weights.values() if "up" in value)
        value["up"], value["down"] = value["down"], value["up"]

    _models(exchange)(folder)
    with pytest.raises(ConfigError, match="is no product of"):
        apply_adapter(folder, tiny_encoder(), tmp_path / "again")


def test_another_encoder_is_refused(written, tmp_path):
    with pytest.raises(ConfigError, match="is not the encoder that"):
        apply_adapter(written, tiny_encoder("electra"), tmp_path / "again")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_no_damage_of_what_is_read(written, tmp_path):
    copied = max(file.stat().st_size for file in (written / "pipeline").rglob("*"))
    message = "again: cannot be written: File too large"
    with largest_file(copied), pytest.raises(DataError, match=message):
        apply_adapter(written, tiny_encoder(), tmp_path / "again")
    assert not list(tmp_path.iterdir())


def test_a_pipeline_trained_without_adapters(tmp_path):
    nlp = make_joint()
    with pytest.raises(
        ConfigError, match="expected a pipeline with one public encoder, found none"
    ):
        save_adapter(spacy.blank("en"), tmp_path / "out")
    module = nlp.get_pipe("shared_encoder").model.shims[0]._model
    for parameter in module.parameters():
        parameter.data += 0.01
    with pytest.raises(ConfigError, match=r"rank 64.*adapter_rank = 16"):
        save_adapter(nlp, tmp_path / "out")
    with pytest.raises(ConfigError, match="rank: expected a number of 1 or more, got 0"):
        save_adapter(nlp, tmp_path / "out", rank=0)
    assert not list(tmp_path.iterdir())


def _stamp(folder, path):
    """List a file as it is now, as who has intent would."""
    data = (folder / path).read_bytes()
    stamp = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit_json(folder / "adapter.json", lambda content: content["files"].update({path: stamp}))


def _changed(folder):
    with (folder / "adapter.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x07")


def _gone(folder):
    (folder / "models.json").unlink()


def _outside(folder):
    (folder.parent / "outside").write_text("x", encoding="utf8")
    edit_json(folder / "adapter.json", lambda content: content["files"].update({"../outside": {}}))


def _linked(folder):
    shutil.copyfile(folder / "pipeline" / "tokenizer", folder.parent / "elsewhere")
    (folder / "pipeline" / "tokenizer").unlink()
    (folder / "pipeline" / "tokenizer").symlink_to(folder.parent / "elsewhere")


def _linked_folder(folder):
    shutil.move(folder / "pipeline" / "vocab", folder.parent / "vocab")
    (folder / "pipeline" / "vocab").symlink_to(folder.parent / "vocab")


def _models(edit):
    def change(folder):
        edit_json(folder / "models.json", edit)
        _stamp(folder, "models.json")

    return change


def _twice(models):
    params = models["span_recognizer"]["layers"]
    weights = [value for layer in params for value in layer["params"].values() if value]
    weights[0]["$tensor"] = weights[1]["$tensor"]


def _deep(models):
    value = []
    for _ in range(100):
        value = [value]
    models["span_recognizer"]["layers"][0]["attrs"]["max_width"] = value


def _rename(models):
    models["../relation_extractor"] = models.pop("relation_extractor")


def _wider(models):
    models["span_recognizer"]["layers"][0]["attrs"]["max_width"] = "wide"


def _no_tokenizer(folder):
    (folder / "pipeline" / "tokenizer").write_text("no tokenizer", encoding="utf8")
    _stamp(folder, "pipeline/tokenizer")


def _no_layers(models):
    models["shared_encoder"] = ["layers"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_changed, "adapter.safetensors has changed"),
        (_gone, "models.json is missing"),
        (_outside, "not in this folder"),
        (_linked, "tokenizer is missing, or no file in this folder"),
        (_linked_folder, "missing, or no file in this folder"),
        (_no_tokenizer, "damaged/pipeline/tokenizer cannot be loaded"),
        (_models(_twice), "is used twice"),
        (_models(_deep), "nested more than"),
        (_models(_rename), "there is no component '../relation_extractor'"),
        (_models(_wider), "attribute max_width"),
        (_models(_no_layers), "expected a list 'layers'"),
        (_models(lambda models: models.pop("shared_encoder")), "tensors of no model"),
    ],
)
def test_damaged_and_hostile_differences(written, tmp_path, damage, message):
    folder = tmp_path / "damaged"
    shutil.copytree(written, folder)
    damage(folder)
    with pytest.raises(ConfigError, match=message):
        apply_adapter(folder, tiny_encoder(), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "encoder": {}}'])
def test_no_difference(tmp_path, text):
    (tmp_path / "adapter.json").write_text(text, encoding="utf8")
    with pytest.raises(ConfigError, match=r"adapter\.json cannot be loaded"):
        apply_adapter(tmp_path, tiny_encoder(), tmp_path / "again")
