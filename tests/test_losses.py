"""Losses: hand-computed values, and what the contract of losses does not say."""

from functools import partial
from math import log

import numpy
import pytest
from thinc.api import Config

from rel_component.errors import ConfigError
from rel_component.label_numbers import for_config, read_numbers
from rel_component.losses import (
    class_weights_of,
    configure_adaptive_focal,
    configure_adaptive_threshold,
    configure_binary_cross_entropy,
    configure_cross_entropy,
    configure_focal,
    disagreement,
    marginal_antecedents,
)

from .gradients import assert_gradients

EXCLUSIVE = ("NO_RELATION", "A", "B")
MULTIPLE = ("A", "B", "C")
WEIGHTS = {"NO_RELATION": 0.25, "A": 2.0}
FINE = {"n_cells": None, "eps": 1e-6, "rtol": 1e-5, "atol": 1e-8}

# beside the default gamma; name, loss, exclusive
FOCAL_LOSSES = [
    ("exclusive, gamma 0.5", configure_focal(0.5), True),
    ("exclusive, gamma 1", configure_focal(1.0, WEIGHTS), True),
    ("multiple, gamma 0.5", configure_focal(0.5, WEIGHTS), False),
]
focal_losses = pytest.mark.parametrize(
    ("loss", "exclusive"), [row[1:] for row in FOCAL_LOSSES], ids=[row[0] for row in FOCAL_LOSSES]
)


def evaluate(loss, logits, targets, exclusive):
    labels = EXCLUSIVE if exclusive else MULTIPLE
    X, Y = numpy.asarray(logits, dtype="float64"), numpy.asarray(targets, dtype="float64")
    return loss(X, Y, labels=labels[: X.shape[1]], exclusive=exclusive)


# Logits log(2) and 0 are the odds 2 : 1, so that probabilities are 2/3 and 1/3.


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (configure_cross_entropy(), (log(3 / 2) + log(3)) / 2),
        (configure_cross_entropy(WEIGHTS), (0.25 * log(3 / 2) + 2 * log(3)) / 2),
        (configure_focal(0.0), (log(3 / 2) + log(3)) / 2),
        (configure_focal(2.0), (log(3 / 2) / 9 + log(3) * 4 / 9) / 2),
        (configure_focal(1.0, WEIGHTS), (0.25 * log(3 / 2) / 3 + 2 * log(3) * 2 / 3) / 2),
    ],
)
def test_exclusive_losses_by_hand(loss, expected):
    value, _ = evaluate(loss, [[log(2), 0], [log(2), 0]], [[1, 0], [0, 1]], True)
    assert value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (configure_binary_cross_entropy(), log(3 / 2) + log(2)),
        (configure_binary_cross_entropy(WEIGHTS), 2 * log(3 / 2) + log(2)),
        (configure_focal(0.0), log(3 / 2) + log(2)),
        (configure_focal(2.0), log(3 / 2) / 9 + log(2) / 4),
        (configure_focal(1.0, {"A": 2.0}), 2 * log(3 / 2) / 3 + log(2) / 2),
    ],
)
def test_multiple_losses_by_hand(loss, expected):
    value, _ = evaluate(loss, [[log(2), 0]], [[1, 0]], False)
    assert value == pytest.approx(expected)


def test_weights_may_be_pairs_and_a_key_that_a_config_loses_is_refused():
    loss = configure_binary_cross_entropy([["org:founded_by", 3.0]])
    one = numpy.asarray([[1.0]])
    value, _ = loss(0 * one, one, labels=["org:founded_by"], exclusive=False)
    assert value == pytest.approx(3 * log(2))
    for build in (configure_binary_cross_entropy, configure_cross_entropy):
        with pytest.raises(ConfigError, match=r'class_weights = \[\["org:founded_by", 3.0\]'):
            build({"A": 1.0, "org:founded_by": 3.0})
    with pytest.raises(ConfigError, match="class_weights must be numbers by label, or pairs"):
        configure_focal(1.0, [["A"]])


@pytest.mark.parametrize(
    "label", ["org:x", "a=b", "@a", "#a", ";a", "[a]", " a", "a ", "", "a-b.c d"]
)
def test_numbers_by_label_come_back_from_a_config(label):
    config = Config({"loss": {"class_weights": for_config({label: 2.0, "B": 1.0})}})
    read = Config().from_str(config.to_str())["loss"]["class_weights"]
    assert read_numbers(read, "class_weights") == {label: 2.0, "B": 1.0}
    assert isinstance(read, dict) == (label == "a-b.c d")


def test_weights_of_losses_of_others_are_none_of_labels():
    assert class_weights_of(configure_focal(1.0, WEIGHTS)) == WEIGHTS
    assert class_weights_of(configure_adaptive_focal()) == {}
    assert class_weights_of(partial(disagreement, weights=[1.0, 2.0])) == {}


def test_weights_of_multiple_labels_leave_negatives_alone():
    value, _ = evaluate(configure_binary_cross_entropy({"A": 5.0}), [[0.0]], [[0]], False)
    assert value == pytest.approx(log(2))


def test_a_pair_with_two_labels_shares_the_probability():
    value, gradient = evaluate(configure_cross_entropy(), [[0, 0, 0]], [[0, 0.5, 0.5]], True)
    assert value == pytest.approx(log(3))
    numpy.testing.assert_allclose(gradient, [[1 / 3, 1 / 3 - 1 / 2, 1 / 3 - 1 / 2]])


@focal_losses
def test_gradients(loss, exclusive):
    rng = numpy.random.default_rng(0)
    X = rng.normal(size=(4, 3))
    Y = numpy.eye(3)[[0, 1, 2, 0]] if exclusive else numpy.asarray(rng.random((4, 3)) < 0.5, "f8")
    _, gradient = evaluate(loss, X, Y, exclusive)
    assert_gradients(lambda: evaluate(loss, X, Y, exclusive)[0], X, gradient, **FINE)


@focal_losses
def test_extreme_logits_give_finite_gradients(loss, exclusive):
    X = numpy.asarray([[80.0, -80.0, 0.0], [-80.0, 80.0, 0.0]], dtype="float32")
    Y = numpy.asarray([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype="float32")
    value, gradient = loss(X, Y, labels=EXCLUSIVE, exclusive=exclusive)
    assert numpy.isfinite(value)
    assert numpy.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("loss", "exclusive", "message"),
    [
        (configure_cross_entropy(), False, "cross_entropy needs exclusive labels"),
        (configure_binary_cross_entropy(), True, "binary_cross_entropy is for multiple labels"),
    ],
)
def test_error_for_a_loss_that_does_not_fit(loss, exclusive, message):
    with pytest.raises(ConfigError, match=message):
        evaluate(loss, [[0, 0]], [[1, 0]], exclusive)


def test_error_for_a_negative_gamma():
    with pytest.raises(ConfigError, match="gamma must be 0 or more, got -1"):
        configure_focal(gamma=-1)


# Adaptive threshold: columns NO_RELATION (the threshold), A, B


def adaptive(logits, targets, labels=EXCLUSIVE):
    X, Y = numpy.asarray(logits, dtype="float64"), numpy.asarray(targets, dtype="float64")
    return configure_adaptive_threshold()(X, Y, labels=labels, exclusive=False)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        # odds of threshold, A and B are 1 : 2 : 1
        ([1, 0, 0], log(4)),  # the threshold against all
        ([0, 1, 0], log(3 / 2) + log(2)),  # A against the threshold, the threshold against B
        ([0, 0.5, 0.5], log(4 / 2) + log(4) + log(1)),  # both against the threshold
    ],
)
def test_adaptive_threshold_by_hand(targets, expected):
    value, _ = adaptive([[0, log(2), 0]], [targets])
    assert value == pytest.approx(expected)


def test_error_without_a_column_for_the_threshold():
    with pytest.raises(ConfigError, match="adaptive_threshold needs exclusive = false and"):
        adaptive([[0, 0]], [[1, 0]], labels=MULTIPLE)


# Disagreement of two predictions


def test_disagreement_by_hand():
    first, second = numpy.asarray([[log(2), 0.0]]), numpy.asarray([[0.0, log(2)]])
    value, _, _ = disagreement(first, second, exclusive=True)
    assert value == pytest.approx(log(2) / 3)  # 2/3 log 2 - 1/3 log 2, both ways the same


def test_disagreement_of_multiple_labels_by_hand():
    value, _, _ = disagreement(numpy.asarray([[log(2)]]), numpy.asarray([[0.0]]), exclusive=False)
    there = 2 / 3 * log(4 / 3) + 1 / 3 * log(2 / 3)
    back = 1 / 2 * log(3 / 4) + 1 / 2 * log(3 / 2)
    assert value == pytest.approx((there + back) / 2)


@pytest.mark.parametrize("exclusive", [True, False])
def test_gradients_of_the_disagreement(exclusive):
    rng = numpy.random.default_rng(0)
    first, second = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    _, *gradients = disagreement(first, second, exclusive=exclusive)

    def loss():
        return disagreement(first, second, exclusive=exclusive)[0]

    for X, gradient in zip((first, second), gradients):
        assert_gradients(loss, X, gradient, **FINE)


@pytest.mark.parametrize("exclusive", [True, False])
def test_equal_predictions_agree(exclusive):
    X = numpy.asarray([[3.0, -1.0]])
    value, d_first, d_second = disagreement(X, X, exclusive=exclusive)
    assert value == 0.0
    assert not d_first.any()
    assert not d_second.any()


def test_adaptive_focal_by_hand():
    """The logits of two labels that hold are log 3 and 0 above the threshold."""
    X, Y = numpy.asarray([[0, log(3), 0]]), numpy.asarray([[0, 0.5, 0.5]])
    value, _ = configure_adaptive_focal(gamma=2.0)(X, Y, labels=EXCLUSIVE, exclusive=False)
    # no label is to stay below the threshold, so that the other part is 0
    expected = -(1 + 0.25**2) * log(0.75) - (1 + 0.5**2) * log(0.5)
    assert value == pytest.approx(expected, rel=1e-5)


def test_focal_weight_of_labels_that_hold_only():
    X, Y = numpy.asarray([[0.5, 1, -1]]), numpy.asarray([[1, 0, 0]])
    values = [
        configure()(X, Y, labels=EXCLUSIVE, exclusive=False)[0]
        for configure in (configure_adaptive_focal, configure_adaptive_threshold)
    ]
    assert values[0] == values[1]
    with pytest.raises(ConfigError, match="adaptive_focal needs exclusive = false and"):
        configure_adaptive_focal()(X, Y, labels=MULTIPLE, exclusive=False)
    with pytest.raises(ConfigError, match="gamma must be 0 or more, got -1"):
        configure_adaptive_focal(gamma=-1.0)


# Antecedents: scores log(2) and 0, beside the null antecedent with 0, are the odds 2 : 1 : 1.


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ([True, False], log(2)),  # 2 of 4
        ([False, True], log(4)),
        ([True, True], log(4 / 3)),  # either will do
        ([False, False], log(4)),  # the null antecedent
    ],
)
def test_marginal_antecedents_by_hand(gold, expected):
    scores = numpy.asarray([[log(2)], [0.0]])
    value, _ = marginal_antecedents(scores, numpy.asarray(gold), numpy.asarray([3, 3]))
    assert value == pytest.approx(expected)


def test_gradient_of_marginal_antecedents():
    rng = numpy.random.default_rng(0)
    scores, gold = rng.normal(size=(12, 1)), rng.random(12) < 0.4
    anaphors = numpy.asarray([5, 1, 1, 1, 5, 2, 8, 8, 8, 8, 1, 5])  # in no order
    _, gradient = marginal_antecedents(scores, gold, anaphors)
    assert_gradients(
        lambda: marginal_antecedents(scores, gold, anaphors)[0], scores, gradient, **FINE
    )


def test_marginal_antecedents_of_no_and_of_extreme_scores():
    none, anaphors = numpy.zeros((0, 1), dtype="float32"), numpy.zeros(0, dtype="int32")
    value, gradient = marginal_antecedents(none, anaphors > 0, anaphors)
    assert (value, gradient.shape, gradient.dtype) == (0.0, (0, 1), "float32")
    scores = numpy.asarray([[300.0], [-300.0]], dtype="float32")
    value, gradient = marginal_antecedents(
        scores, numpy.asarray([False, True]), numpy.asarray([0, 0])
    )
    assert value == pytest.approx(600.0)
    assert gradient.dtype == "float32"
    numpy.testing.assert_allclose(gradient, [[1.0], [-1.0]])
