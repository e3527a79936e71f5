"""The optimizer with two learning rates."""

from pathlib import Path

import numpy
import pytest
import torch
from spacy.util import load_config, load_model_from_config
from thinc.api import constant_then, decaying, registry

from rel_component.models.optimizers import EncoderAdam


def step(optimizer, name, *, key=1):
    """How far one update moves a weight of 0 whose gradient is 1."""
    weights, gradient = numpy.zeros(1, dtype="float32"), numpy.ones(1, dtype="float32")
    weights, _ = optimizer((key, name), weights, gradient)
    return -float(weights[0])


@pytest.mark.parametrize("scale", [0.0, 0.1, 2.0])
def test_dotted_names_have_a_learning_rate_of_their_own(scale):
    plain, scaled = (EncoderAdam(0.01, encoder_scale=factor, L2=0.0) for factor in (1.0, scale))
    own = step(plain, "W", key=1)
    assert step(scaled, "W", key=1) == own
    assert step(scaled, "encoder.layer.0.weight", key=2) == pytest.approx(scale * own, rel=1e-4)


@pytest.mark.parametrize("name", ["W", "encoder.weight"])
def test_schedules(name):
    optimizer = EncoderAdam(constant_then(0.01, 1, decaying(0.0, 0.0)), L2=0.0)
    before = step(optimizer, name)
    for _ in range(2):
        optimizer.step_schedules()
    assert before > 0.0
    assert step(optimizer, name, key=2) == 0.0


def test_parameters_of_pytorch_are_updated_as_pytorch_does():
    rng = numpy.random.default_rng(0)
    weights = rng.normal(size=(4, 3)).astype("float32")
    parameter = torch.nn.Parameter(torch.tensor(weights))
    theirs = torch.optim.AdamW([parameter], lr=0.02, weight_decay=0.1)
    ours = EncoderAdam(0.1, encoder_scale=0.2, L2=0.1, grad_clip=1.0)
    for _ in range(3):
        gradient = rng.normal(size=(4, 3)).astype("float32")  # of a norm above 1
        parameter.grad = torch.tensor(gradient / numpy.linalg.norm(gradient))
        theirs.step()
        weights, gradient = ours((1, "encoder.weight"), weights, gradient)
        assert not gradient.any()
    numpy.testing.assert_allclose(weights, parameter.detach().numpy(), rtol=1e-5)


def test_parameters_of_a_module_are_updated_at_once_as_one_by_one():
    torch.manual_seed(0)
    shapes = {"encoder.weight": (4, 3), "encoder.bias": (3,), "head.weight": (2, 2)}
    module = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in shapes.items()}
    module["encoder.unused"] = torch.nn.Parameter(torch.ones(2))
    single = {name: module[name].detach().numpy().copy() for name in shapes}
    options = {"encoder_scale": 0.2, "grad_clip": 1.0, "use_averages": True}
    at_once, one_by_one = (EncoderAdam(0.1, **options) for _ in range(2))
    for _ in range(3):
        for name, shape in shapes.items():
            gradient = torch.randn(shape)
            one_by_one((1, name), single[name], gradient.numpy().copy())
            module[name].grad = gradient
        at_once.update_parameters(1, module)
        assert all(parameter.grad is None for parameter in module.values())
    for name in shapes:
        numpy.testing.assert_allclose(module[name].detach().numpy(), single[name], rtol=1e-5)
        averages = (optimizer.averages[1, name] for optimizer in (at_once, one_by_one))
        numpy.testing.assert_allclose(*averages, rtol=1e-5)
    assert module["encoder.unused"].tolist() == [1.0, 1.0]
    assert (1, "encoder.unused") not in at_once.averages


def test_the_registered_name():
    config = {"@optimizers": "rel_component.EncoderAdam.v1", "learn_rate": 0.5}
    optimizer = registry.resolve({"optimizer": config})["optimizer"]
    assert optimizer.encoder_scale == 0.2


RECIPES = sorted((Path(__file__).parents[2] / "configs").glob("*.cfg"))
_OTHERS = ("adapt.cfg", "prompt.cfg", "prompt_local.cfg")  # over a pipeline that is there, or none


@pytest.mark.parametrize("recipe", [path for path in RECIPES if path.name not in _OTHERS])
def test_the_optimizer_of_a_recipe_refers_to_nothing_else(recipe):
    config = load_config(recipe, {"paths.encoder": "none"}, interpolate=False)
    nlp = load_model_from_config(config, auto_fill=True)
    optimizer = nlp.resume_training()
    optimizer.step_schedules()
    assert optimizer.learn_rate > 0.0
