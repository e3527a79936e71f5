"""Linear layers in int8, and encoders made of them."""

import numpy
import pytest
import torch

from rel_component.errors import ConfigError
from rel_component.layers import torch_int8
from rel_component.layers.torch_adapters import Adapted, without_adapters
from rel_component.layers.torch_int8 import Int8Linear, to_int8
from rel_component.models.encoder import build_encoder

from ..encoders import KINDS, tiny_encoder
from ..helpers import make_doc

pytestmark = pytest.mark.filterwarnings('ignore:Precision "int8"')  # of CPUs without instructions

TEXTS = ("Ada and Bo of Acme Labs met Cy in Oslo", "", "Acme hired Ada")


@pytest.fixture(params=[True, False], ids=["int8", "float32"])
def instructions(request, monkeypatch):
    if request.param and not torch_int8.has_int8():
        pytest.skip("no instructions for int8")
    monkeypatch.setattr(torch_int8, "has_int8", lambda: request.param)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_in_int8_is_nearly_the_same(bias, instructions):
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(32, 48, bias=bias))
    inputs = torch.randn(5, 7, 32)
    with torch.no_grad():
        expected = layers(inputs)
        to_int8(layers)
        found = layers(inputs)
    assert type(layers[0]) is Int8Linear
    assert float((found - expected).abs().max()) < 0.02 * float(expected.abs().max())
    torch.testing.assert_close(layers(inputs), found, atol=0.05, rtol=0.0)  # with gradients


def test_rows_do_not_depend_on_each_other(instructions):
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(16, 8))
    to_int8(layers)
    rows = torch.randn(6, 16)
    rows[3] *= 1e6
    rows[4] = 0.0
    with torch.no_grad():
        together = layers(rows)
        for row, expected in zip(rows, together):
            torch.testing.assert_close(layers(row[None])[0], expected, atol=1e-6, rtol=1e-5)
        assert layers(rows[:0]).shape == (0, 8)
    assert together.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_encoder(kind, vocab):
    docs = [make_doc(vocab, text) for text in TEXTS]
    exact, rounded = (build_encoder(tiny_encoder(kind), precision=p) for p in ("float32", "int8"))
    for model in (exact, rounded):
        model.initialize(X=docs)
    expected = numpy.concatenate(exact.predict(docs))
    found = numpy.concatenate(rounded.predict(docs))
    assert numpy.linalg.norm(found - expected) < 0.05 * numpy.linalg.norm(expected)
    module = rounded.shims[0]._model
    if module._int8_layers is not None:  # all at once, in place of layer by layer
        module._int8_layers = None
        again = numpy.concatenate(rounded.predict(docs))
        numpy.testing.assert_allclose(again, found, rtol=1e-5, atol=1e-6)
    # the same from weights that were saved in float32, and from those in int8
    for data in (exact.to_bytes(), rounded.to_bytes()):
        loaded = build_encoder("/no/such/folder", precision="int8").from_bytes(data)
        again = numpy.concatenate(loaded.predict(docs))
        numpy.testing.assert_allclose(again, found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_adapters_stay_and_can_be_left_out(kind, vocab, instructions):
    docs = [make_doc(vocab, text) for text in TEXTS]
    exact, bare = (build_encoder(tiny_encoder(kind), adapter_rank=rank) for rank in (2, 0))
    for model in (exact, bare):
        model.initialize(X=docs)
    module = exact.shims[0]._model
    for layer in module.modules():
        if isinstance(layer, Adapted):
            torch.nn.init.normal_(layer.up, std=0.5)
    rounded = build_encoder("/no/such/folder", precision="int8", adapter_rank=2)
    rounded.from_bytes(exact.to_bytes())
    again = build_encoder("/no/such/folder", precision="int8", adapter_rank=2)
    again.from_bytes(rounded.to_bytes())
    expected, plain, found, loaded = (
        numpy.concatenate(model.predict(docs)) for model in (exact, bare, rounded, again)
    )
    norm = numpy.linalg.norm(expected)
    assert numpy.linalg.norm(expected - plain) > 0.2 * norm
    assert numpy.linalg.norm(found - expected) < 0.05 * norm
    numpy.testing.assert_allclose(loaded, found, rtol=1e-4, atol=1e-5)
    with without_adapters():
        found = numpy.concatenate(rounded.predict(docs))
    assert numpy.linalg.norm(found - plain) < 0.05 * norm


def test_int8_is_not_trained_and_does_not_become_float32(vocab):
    docs = [make_doc(vocab, text) for text in TEXTS]
    model = build_encoder(tiny_encoder(), precision="int8")
    model.initialize(X=docs)
    with pytest.raises(ConfigError, match=r'"int8" cannot be trained: .*frozen_components'):
        model.begin_update(docs)
    with pytest.raises(ConfigError, match='set precision to "int8"'):
        build_encoder(tiny_encoder()).from_bytes(model.to_bytes())


def test_a_cpu_without_instructions(monkeypatch):
    monkeypatch.setattr("rel_component.layers.torch_encoder.has_int8", lambda: False)
    with pytest.warns(UserWarning, match="PyTorch finds none here"):
        build_encoder(tiny_encoder(), precision="int8")
