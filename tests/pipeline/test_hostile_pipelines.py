"""Loading a pipeline of anybody runs no code, writes no file, asks nothing and contacts nobody."""

import json
import os
import pickle
import re
import sys

import pytest
import spacy
import srsly
import torch
from safetensors.torch import load, save

from rel_component.errors import ConfigError
from rel_component.models.pairs.packed_markers import build_packed_markers
from rel_component.pipeline.weight_checks import check_parameters

from ..encoders import tiny_encoder
from .saved_pipelines import edit_encoder, edit_model

_seen = []
_watching = False


def _hook(event, arguments):
    if _watching and (
        event.startswith(
            ("socket", "subprocess", "os.system", "os.exec", "builtins.input", "pickle")
        )
        or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        or event
        in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "shutil.copyfile")
    ):
        _seen.append((event, arguments))


@pytest.fixture
def watched():
    """What is written, started, asked and contacted during the test."""
    global _watching
    if not hasattr(sys, "_rel_component_hook"):  # a hook cannot be taken away again
        sys._rel_component_hook = True
        sys.addaudithook(_hook)
    _seen.clear()
    _watching = True
    yield _seen
    _watching = False


def test_a_sound_pipeline_is_only_read(folder, watched):
    nlp = spacy.load(folder)
    assert watched == []
    assert len(nlp("Acme hired Ada")) == 3


CODE = {"auto_map": {"AutoTokenizer": ["code.Tokenizer", "code.Tokenizer"]}}


def config(**options):
    def edit(state):
        settings = {**json.loads(state["config"]), **options}
        state["config"] = json.dumps(settings)

    return edit


def tokenizer_config(**options):
    def edit(state):
        settings = {**json.loads(state["tokenizer"]["tokenizer_config.json"]), **options}
        state["tokenizer"]["tokenizer_config.json"] = json.dumps(settings).encode()

    return edit


def file(name, data=b"print('hello')"):
    return lambda state: state["tokenizer"].update({name: data})


def pickled(state):
    weights = {name: X.numpy() for name, X in load(state["weights"]).items()}
    state["weights"] = pickle.dumps(weights)


def header(**entries):
    """Weights with other entries in the header of the safetensors file."""

    def edit(state):
        data = state["weights"]
        size = int.from_bytes(data[:8], "little")
        head = {**json.loads(data[8 : 8 + size]), **entries}
        text = json.dumps(head).encode()
        state["weights"] = len(text).to_bytes(8, "little") + text + data[8 + size :]

    return edit


def more_weights(state):
    weights = load(state["weights"])
    for i in range(2, 40):
        weights[f"encoder.encoder.layer.{i}.x"] = torch.zeros(1)
    state["weights"] = save(weights)


HOSTILE = {
    "absolute name": file("/tmp/rel_component_hello.py"),
    "name outside": file("../hello.py"),
    "name in a folder": file("a/hello.py"),
    "module": file("code.py"),
    "number as name": file(7),
    "code of a tokenizer": tokenizer_config(**CODE),
    "code of an encoder": config(**CODE),
    "other kind": config(model_type="gpt2"),
    "kind with a backbone": config(model_type="timm_backbone"),
    "no kind": config(model_type=None),
    "list as kind": config(model_type=["bert"]),
    "nested kind": config(model_type={"model_type": "bert"}),
    "backbone": config(backbone="resnet50", use_pretrained_backbone=True),
    "kernels of a hub": config(attn_implementation="kernels-community/flash-attn"),
    "kernels of a hub, private": config(_attn_implementation="kernels-community/flash-attn"),
    "quantization": config(quantization_config={"quant_method": "bitsandbytes"}),
    "wide": config(hidden_size=1 << 22),
    "too wide": config(hidden_size=1 << 60),
    "many pieces": config(vocab_size=1 << 23),
    "many layers": config(num_hidden_layers=1 << 23),
    "wide inside": config(intermediate_size=1 << 23),
    "long window": config(max_position_embeddings=1 << 23),
    "no heads": config(num_attention_heads=0),
    "odd heads": config(num_attention_heads=5),
    "negative": config(vocab_size=-5),
    "text as size": config(hidden_size="16"),
    "nested size": config(hidden_size={"a": 1}),
    "activation": config(hidden_act="os.system"),
    "no activation": config(hidden_act=None),
    "pruned": config(pruned_heads={"0": [0, 1, 2, 3]}),
    "layers of crumbs": more_weights,
    "unknown option": lambda state: state["options"].update(build=1),
    "pickled weights": pickled,
    "torch.save": lambda state: state.update(weights=b"PK\x03\x04" + b"0" * 100),
    "long header": lambda state: state.update(weights=b"\xff" * 8 + state["weights"][8:]),
    "beyond the end": header(x={"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}),
    "overlapping": header(x={"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}),
    "no tokenizer": file("tokenizer.json", b"{}"),
    "deep tokenizer": file("tokenizer.json", b"[" * 100_000),
    "high piece": lambda state: state["tokenizer"].update(
        {
            "tokenizer.json": re.sub(
                rb'"\[UNK\]": ?1\b', b'"[UNK]": 2147483648', state["tokenizer"]["tokenizer.json"]
            )
        }
    ),
    "deep settings": file("tokenizer_config.json", b"[" * 100_000),
    "text as file": file("tokenizer.json", "{}"),
    "pieces without embeddings": tokenizer_config(additional_special_tokens=["<1>", "<2>"]),
    "no first piece": tokenizer_config(cls_token=None),
    "deep config": lambda state: state.update(config="[" * 100_000),
    "list as state": lambda state: state.update(tokenizer=[]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_encoders(joint, folder, watched, name):
    edit_encoder(folder / "shared_encoder/model", HOSTILE[name])
    watched.clear()
    with pytest.raises(ConfigError, match="shared_encoder/model cannot be loaded"):
        joint.get_pipe("shared_encoder").from_disk(folder / "shared_encoder", exclude=["vocab"])
    assert watched == []


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda m: m["shims"][0].__setitem__(0, pickle.dumps({})), id="pickle"),
        pytest.param(lambda m: m["shims"][0].append(b""), id="another shim"),
        pytest.param(lambda m: m["attrs"][0].update(name=pickle.dumps("x")), id="attribute"),
        pytest.param(lambda m: m["attrs"][0].update(max_pieces=b"\xff"), id="negative"),
        pytest.param(
            lambda m: m["shims"][0].__setitem__(
                0, srsly.msgpack_dumps({"config": {}, "state": b""})
            ),
            id="no encoder",
        ),
    ],
)
def test_hostile_models(joint, folder, watched, edit):
    edit_model(folder / "shared_encoder/model", edit)
    watched.clear()
    with pytest.raises(ConfigError, match="shared_encoder/model cannot be loaded"):
        joint.get_pipe("shared_encoder").from_disk(folder / "shared_encoder", exclude=["vocab"])
    assert watched == []


def test_options_of_an_encoder_are_those_of_its_model():
    model = build_packed_markers(tiny_encoder()).initialize()
    check_parameters(model)
    model.attrs["mark_mentions"] = False
    with pytest.raises(
        ConfigError, match="the option mark_mentions = True, and a model with False"
    ):
        check_parameters(model)
