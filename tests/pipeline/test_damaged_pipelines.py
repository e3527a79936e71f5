"""A damaged or inconsistent pipeline is one error when it is loaded, which names the file."""

import gc
import json
import os
from pathlib import Path
from shutil import rmtree

import numpy
import pytest
import spacy
import srsly
from safetensors.torch import load, save
from spacy.tokens import Span

from rel_component.errors import ConfigError
from rel_component.pipelines import load_pipeline

from ..encoders import TINY_TOK2VEC
from .saved_pipelines import (
    COMPONENTS,
    FILES,
    edit_encoder,
    edit_json,
    edit_model,
    stamp,
)

MODELS = [file for file in FILES if file.endswith("model")]


def assert_refused(joint, folder, place):
    name = Path(place).parts[0]
    with pytest.raises(ConfigError) as caught:
        joint.get_pipe(name).from_disk(folder / name, exclude=["vocab"])
    assert str(folder / place) in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert gc.isenabled()


def replace(place):
    """Put the data of another file of the pipeline in the place."""
    return lambda file: file.write_bytes((file.parent.parent / place).read_bytes())


def flip(share):
    def damage(file):
        data = bytearray(file.read_bytes())
        data[int(share * (len(data) - 1))] ^= 0x10
        file.write_bytes(data)

    return damage


def cut(share):
    return lambda file: file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])


@pytest.mark.parametrize("place", FILES)
@pytest.mark.parametrize("damage", [Path.unlink, cut(0.5)], ids=["missing", "half"])
def test_missing_and_cut_files(joint, folder, place, damage):
    damage(folder / place)
    assert_refused(joint, folder, place)


@pytest.mark.parametrize("place", FILES[-2:])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(cut(0), id="empty"),
        pytest.param(cut(0.99), id="cut"),
        pytest.param(lambda file: file.write_bytes(b"\0" * file.stat().st_size), id="zeros"),
        pytest.param(lambda file: file.write_bytes(b"{" * 100_000), id="braces"),
        pytest.param(lambda file: file.write_text("<html>not found</html>"), id="web page"),
        pytest.param(lambda file: file.write_text("null"), id="null"),
        pytest.param(lambda file: file.write_text("[]"), id="list"),
        pytest.param(lambda file: file.write_bytes(b"\xc1\xff\xfe"), id="no text"),
        pytest.param(lambda file: file.write_bytes(file.read_bytes() + b"}"), id="longer"),
    ],
)
def test_damaged_files(joint, folder, place, damage):
    damage(folder / place)
    assert_refused(joint, folder, place)


@pytest.mark.parametrize("place", MODELS)
@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(flip(share), id=f"flipped at {share}") for share in (0, 0.1, 0.5, 0.9, 1)),
        pytest.param(replace("shared_encoder/model"), id="of the encoder"),
        pytest.param(replace("span_recognizer/model"), id="of the recogniser"),
    ],
)
def test_flipped_and_exchanged_weights(joint, folder, place, damage):
    before = (folder / place).read_bytes()
    damage(folder / place)
    if (folder / place).read_bytes() != before:
        assert_refused(joint, folder, place)


EXTRACTOR, RECOGNIZER = "relation_extractor/cfg", "span_recognizer/cfg"


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize(
    ("place", "edit"),
    [
        (EXTRACTOR, lambda cfg: cfg["schema"]["relations"].reverse()),
        (EXTRACTOR, lambda cfg: cfg["schema"]["relations"].pop()),
        (EXTRACTOR, lambda cfg: cfg["schema"]["relations"].append({"label": "MORE"})),
        (EXTRACTOR, lambda cfg: cfg["schema"]["relations"][0].update(label="OTHER")),
        (EXTRACTOR, lambda cfg: cfg["schema"]["relations"][0].update(label=7)),
        (EXTRACTOR, lambda cfg: cfg["schema"].pop("relations")),
        (EXTRACTOR, lambda cfg: cfg.clear()),
        (RECOGNIZER, lambda cfg: cfg["labels"].reverse()),
        (RECOGNIZER, lambda cfg: cfg["labels"].pop()),
        (RECOGNIZER, lambda cfg: cfg["labels"].append("MORE")),
        (RECOGNIZER, lambda cfg: cfg["labels"].append(cfg["labels"][0])),
        (RECOGNIZER, lambda cfg: cfg.update(labels=None)),
        (RECOGNIZER, lambda cfg: cfg.clear()),
    ],
)
def test_labels_that_are_not_those_of_the_weights(joint, folder, place, edit, stamped):
    edit_json(folder / place, edit)
    if stamped:
        stamp((folder / place).parent)
    assert_refused(joint, folder, Path(place).parent)


def first_parameter(message):
    return next(params for params in message["params"] if params.get("W") is not None)


def block_size(message):
    return next(attrs for attrs in message["attrs"] if "block_size" in attrs)


def spoil(value):
    def edit(message):
        params = first_parameter(message)
        params["W"] = params["W"].copy()
        params["W"].flat[3] = value

    return edit


@pytest.mark.parametrize("place", MODELS[1:])
@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(spoil(numpy.nan), id="NaN"),
        pytest.param(spoil(numpy.inf), id="infinite"),
        pytest.param(lambda m: first_parameter(m).update(W=None), id="missing"),
        pytest.param(lambda m: first_parameter(m).update(W="text"), id="text"),
        pytest.param(lambda m: first_parameter(m).update(W=numpy.zeros((2, 3), "f")), id="shape"),
        pytest.param(lambda m: first_parameter(m).update(b=numpy.zeros(4, "i")), id="integers"),
        pytest.param(lambda m: m["nodes"][0]["dims"].update(nO=9), id="outputs"),
        pytest.param(lambda m: m["nodes"][0]["refs"].update(tok2vec=99), id="reference"),
        pytest.param(lambda m: m["nodes"].pop(), id="layer"),
        pytest.param(lambda m: m.pop("params"), id="no weights"),
        pytest.param(lambda m: block_size(m).update(block_size=b"\x00"), id="attribute 0"),
        pytest.param(lambda m: block_size(m).update(block_size=b"\xc0"), id="attribute null"),
        pytest.param(lambda m: m["attrs"][0].update(resize_output=b"\x01"), id="function"),
        pytest.param(lambda m: m["attrs"][0].update(outputs=b"\x90"), id="names of outputs"),
    ],
)
def test_weights_that_do_not_fit(joint, folder, place, edit):
    edit_model(folder / place, edit)
    assert_refused(joint, folder, place)


@pytest.mark.parametrize("place", [MODELS[1], RECOGNIZER])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_files_that_are_none(joint, folder, place, make):
    (folder / place).unlink()
    make(folder / place)
    try:
        assert_refused(joint, folder, place)
    finally:
        rmtree(folder / place) if (folder / place).is_dir() else (folder / place).unlink()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of some layers
@pytest.mark.parametrize("name", COMPONENTS[1:])
def test_weights_too_large_to_compute_with(joint, name):
    saved = joint.get_pipe(name).model.to_bytes()
    for node in joint.get_pipe(name).model.walk():
        for param in node.param_names:
            node.set_param(param, numpy.full_like(node.get_param(param), 1e38))
    doc = joint.make_doc("Acme hired Ada")
    doc.ents = [Span(doc, 0, 1, label="ORG"), Span(doc, 2, 3, label="PERSON")]
    with pytest.raises(ConfigError, match=f"{name}: the model computed scores that are no numbers"):
        joint(doc)
    joint.get_pipe(name).model.from_bytes(saved)


def edit_weights(edit):
    def change(state):
        weights = load(state["weights"])
        edit(weights, next(name for name in weights if name.endswith("query.weight")))
        state["weights"] = save(weights)

    return change


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(dict.clear, id="empty"),
        pytest.param(lambda state: state.pop("options"), id="no options"),
        pytest.param(lambda state: state.update(weights=state["weights"][:-1]), id="cut"),
        pytest.param(lambda state: state["tokenizer"].pop("tokenizer.json"), id="no tokenizer"),
        pytest.param(lambda state: state["tokenizer"].update({"tokenizer.json": b"{}"}), id="{}"),
        pytest.param(edit_weights(lambda W, name: W.pop(name)), id="missing"),
        pytest.param(edit_weights(lambda W, name: W.update(more=W[name] + 1)), id="more"),
        pytest.param(edit_weights(lambda W, name: W.update({name: W[name][:3] + 0})), id="shape"),
        pytest.param(edit_weights(lambda W, name: W.update({name: W[name].double()})), id="double"),
        pytest.param(edit_weights(lambda W, name: W[name].fill_(float("nan"))), id="NaN"),
    ],
)
def test_encoders_that_do_not_fit(joint, folder, edit):
    edit_encoder(folder / "shared_encoder/model", edit)
    assert_refused(joint, folder, "shared_encoder/model")


def test_checksums_that_were_removed(joint, folder):
    edit_json(folder / RECOGNIZER, lambda cfg: cfg.pop("sha256"))
    assert_refused(joint, folder, "span_recognizer/model")


def test_pipelines_of_earlier_versions_load_with_a_warning(joint, folder):
    edit_model(folder / "span_recognizer/model", lambda m: m["attrs"][0].pop("outputs"))
    edit_json(folder / RECOGNIZER, lambda cfg: cfg.pop("sha256"))
    with pytest.warns(UserWarning, match="span_recognizer/cfg has no checksums"):
        joint.from_disk(folder)


@pytest.mark.parametrize("name", COMPONENTS)
def test_damaged_bytes(joint, name):
    pipe = joint.get_pipe(name)
    data = pipe.to_bytes(exclude=["vocab"])
    parts = srsly.msgpack_loads(data)
    flipped = bytearray(parts["model"])
    flipped[len(flipped) // 2] ^= 1
    for damaged, place in (
        (data[:-1], name),
        (b"", name),
        (srsly.msgpack_dumps({"cfg": parts["cfg"]}), f"{name}, model"),
        (srsly.msgpack_dumps({**parts, "cfg": parts["cfg"][:-9]}), f"{name}, cfg"),
        (srsly.msgpack_dumps({**parts, "model": bytes(flipped)}), f"{name}, model"),
    ):
        with pytest.raises(ConfigError, match=place):
            pipe.from_bytes(damaged, exclude=["vocab"])
    pipe.from_bytes(data, exclude=["vocab"])
    pipe.from_bytes(data, exclude=["vocab", "model"]).from_bytes(data, exclude=["vocab", "cfg"])


def test_a_component_alone_has_its_vocabulary_with_it(joint, tmp_path):
    pipe = joint.get_pipe("span_recognizer")
    pipe.to_disk(tmp_path)
    pipe.from_disk(tmp_path).from_bytes(pipe.to_bytes())
    (tmp_path / "vocab/strings.json").write_text("{")
    with pytest.raises(ConfigError, match="vocab cannot be loaded"):
        pipe.from_disk(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "place"),
    [
        ({"components.relation_extractor.exclusive": False}, "relation_extractor/model"),
        ({"components.span_recognizer.model.hidden_size": 9}, "span_recognizer/model"),
        ({"components.span_recognizer.model.shape_size": 0}, "span_recognizer/model"),
    ],
)
def test_options_that_the_weights_were_not_trained_with(folder, overrides, place):
    with pytest.raises(ConfigError, match=place):
        spacy.load(folder, config=overrides)


def test_an_encoder_of_another_width_is_not_listened_to(joint):
    recognizer = spacy.blank("en").add_pipe("span_recognizer", source=joint)
    model = {**TINY_TOK2VEC, "width": 8}
    other = spacy.blank("en").add_pipe("shared_encoder", config={"model": model})
    other.model.initialize()
    other.find_listeners(recognizer)
    assert other.listeners == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("meta.json", "{"),
        ("meta.json", "[]"),
        ("meta.json", "{}"),
        ("config.cfg", "[nlp"),
        ("config.cfg", ""),
        ("vocab/strings.json", '["a'),
        ("vocab/vectors.cfg", "x"),
        ("tokenizer", "x"),
        ("config.cfg", None),
    ],
)
def test_commands_name_the_parts_that_spacy_reads(folder, place, text):
    if text is None:
        (folder / place).unlink()
    else:
        (folder / place).write_text(text)
    with pytest.raises(ConfigError, match=f"{folder / Path(place).parts[0]}") as caught:
        load_pipeline(folder)
    assert "cannot be loaded" in str(caught.value)


@pytest.mark.slow
def test_commands_name_a_component_that_comes_too_early(folder):
    def reorder(*names):
        config = (folder / "config.cfg").read_text()
        start = config.index("pipeline = ")
        end = config.index("\n", start)
        new = f"pipeline = {json.dumps(names)}"
        (folder / "config.cfg").write_text(config[:start] + new + config[end:])

    reorder("shared_encoder", "relation_extractor", "span_recognizer")
    with pytest.raises(ConfigError, match="relation_extractor comes before span_recognizer"):
        spacy.load(folder)
    reorder("span_recognizer", "shared_encoder", "relation_extractor")
    with pytest.raises(
        ConfigError, match="span_recognizer needs the vectors of an encoder before it"
    ):
        load_pipeline(folder)
    reorder("span_recognizer", "relation_extractor")
    with pytest.raises(ConfigError, match="put shared_encoder first"):
        load_pipeline(folder)
