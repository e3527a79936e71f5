"""Probabilities of pairs, by hand."""

from math import exp, log

import numpy
import pytest

from rel_component.probabilities import sigmoid, softmax, to_probabilities


def test_probabilities_relative_to_a_threshold():
    found = to_probabilities(
        numpy.asarray([[1.0, 1.0, 1.0 + log(3)]]), exclusive=False, adaptive_threshold=True
    )
    numpy.testing.assert_allclose(found, [[0.5, 0.75]])


def test_softmax():
    X = numpy.asarray([[log(2), 0.0, 0.0], [1000.0, 0.0, -1000.0]])
    numpy.testing.assert_allclose(softmax(X), [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])


def test_sigmoid():
    X = numpy.asarray([[0.0, log(3), -log(3), 1.0], [1000.0, -1000.0, 0.0, 0.0]])
    expected = [[0.5, 0.75, 0.25, 1 / (1 + exp(-1))], [1.0, 0.0, 0.5, 0.5]]
    numpy.testing.assert_allclose(sigmoid(X), expected)


@pytest.mark.parametrize("function", [softmax, sigmoid])
def test_probabilities_of_no_pairs(function):
    assert function(numpy.zeros((0, 3), dtype="float32")).shape == (0, 3)
