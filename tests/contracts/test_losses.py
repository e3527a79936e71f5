"""The contract of losses over candidate pairs, over every registered function that returns one.

A new loss is tested here as soon as it is registered. The function says that it returns a
``LossFunction``, and its arguments have defaults. A loss that is not for a kind of labels raises a
``ConfigError`` for them.
"""

import inspect

import numpy
import pytest
import spacy
import srsly

from rel_component.errors import ConfigError
from rel_component.types import NO_RELATION, LossFunction

from ..gradients import assert_gradients
from .registered import each_registered

every_loss = each_registered("thinc_losses", LossFunction)

KINDS = [
    {"labels": (NO_RELATION, "A", "B"), "exclusive": True},
    {"labels": ("A", "B", "C"), "exclusive": False},
    {"labels": (NO_RELATION, "A", "B"), "exclusive": False},  # a threshold of its own for each pair
]


def kinds_of(loss):
    """The kinds of labels that a loss is for."""
    kinds = []
    for kind in KINDS:
        try:
            loss(*pairs(kind), **kind)
        except ConfigError:
            continue
        kinds.append(kind)
    assert kinds
    return kinds


def pairs(kind, dtype="float64"):
    """Logits and targets of five pairs; one of them holds two relations."""
    X = numpy.random.default_rng(0).normal(size=(5, 3))
    if kind["exclusive"] or NO_RELATION in kind["labels"]:
        Y = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0.5, 0.5]]
    else:
        Y = [[0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 1]]
    return X.astype(dtype), numpy.asarray(Y, dtype=dtype)


@pytest.fixture
def build(name):
    return spacy.registry.get("losses", name)


@pytest.fixture
def loss(build):
    return build()


def assert_numeric_gradient(loss, kind):
    X, Y = pairs(kind)
    _, gradient = loss(X, Y, **kind)
    assert gradient.shape == X.shape
    assert_gradients(
        lambda: loss(X, Y, **kind)[0], X, gradient, n_cells=None, eps=1e-6, rtol=1e-5, atol=1e-8
    )


@every_loss
def test_numeric_gradient(loss):
    for kind in kinds_of(loss):
        assert_numeric_gradient(loss, kind)


@every_loss
def test_the_gradient_leads_to_a_smaller_loss(loss):
    for kind in kinds_of(loss):
        X, Y = pairs(kind)
        value, gradient = loss(X, Y, **kind)
        assert loss(X - 0.1 * gradient, Y, **kind)[0] < value


@every_loss
def test_no_pairs(loss):
    for kind in kinds_of(loss):
        X, Y = (array[:0] for array in pairs(kind, "float32"))
        value, gradient = loss(X, Y, **kind)
        assert (value, gradient.shape, gradient.dtype) == (0.0, (0, 3), "float32")


@every_loss
def test_the_loss_is_a_mean_over_pairs(loss):
    for kind in kinds_of(loss):
        X, Y = pairs(kind)
        one, d_one = loss(X, Y, **kind)
        two, d_two = loss(numpy.tile(X, (2, 1)), numpy.tile(Y, (2, 1)), **kind)
        assert two == pytest.approx(one)
        numpy.testing.assert_allclose(d_two, numpy.tile(d_one, (2, 1)) / 2)


@every_loss
def test_float32_stays_float32(loss):
    for kind in kinds_of(loss):
        value, gradient = loss(*pairs(kind, "float32"), **kind)
        assert isinstance(value, float)
        assert gradient.dtype == "float32"


@every_loss
def test_extreme_logits_give_finite_gradients(loss):
    for kind in kinds_of(loss):
        X, Y = pairs(kind, "float32")
        value, gradient = loss(X * 80.0, Y, **kind)
        assert numpy.isfinite(value)
        assert numpy.isfinite(gradient).all()


@every_loss
def test_logits_and_targets_are_left_alone(loss):
    for kind in kinds_of(loss):
        X, Y = pairs(kind)
        loss(X, Y, **kind)
        for array, expected in zip((X, Y), pairs(kind)):
            numpy.testing.assert_array_equal(array, expected)


@every_loss
def test_weights_of_labels(build):
    if "class_weights" not in inspect.signature(build).parameters:
        pytest.skip("has no weights")
    plain, weighted = build(), build(class_weights={"A": 3.0})
    for kind in kinds_of(plain):
        X, Y = pairs(kind)
        assert weighted(X, Y, **kind)[0] > plain(X, Y, **kind)[0]
        assert_numeric_gradient(weighted, kind)
    with pytest.raises(ConfigError, match=r"class_weights\.A must be 0 or more, got -1"):
        build(class_weights={"A": -1.0})


@every_loss
def test_a_copy_gives_the_same(loss):
    copy = srsly.pickle_loads(srsly.pickle_dumps(loss))
    for kind in kinds_of(loss):
        value, gradient = loss(*pairs(kind), **kind)
        again, d_again = copy(*pairs(kind), **kind)
        assert again == value
        numpy.testing.assert_array_equal(d_again, gradient)
