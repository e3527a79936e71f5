"""Pooled token vectors of spans against numpy."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.errors import ConfigError
from rel_component.layers.span_pooling import REDUCERS, SpanPooling

from ..gradients import assert_gradients

WIDTH = 3
FINE = {"n_cells": None, "eps": 2e-3, "rtol": 1e-2, "atol": 1e-2}
all_reducers = pytest.mark.parametrize("name", list(REDUCERS))


def pooling(*names):
    model = SpanPooling(names)
    model.set_dim("nI", WIDTH)
    return model.initialize()


def token_vectors(n_tokens=8, seed=0):
    return numpy.random.default_rng(seed).normal(size=(n_tokens, WIDTH)).astype("float32")


def spans_of(*rows):
    return numpy.asarray(rows, dtype="int32").reshape(-1, 2)


def attention(rows, query):
    weights = numpy.exp(rows @ query)
    return (rows * (weights / weights.sum())[:, None]).sum(axis=0)


def query_of(model):
    (node,) = (node for node in model.walk() if node.has_param("Q"))
    return node.get_param("Q").reshape(-1)


def brute_force(name, tokens, spans, model):
    reduce = {
        "mean": lambda rows: rows.mean(axis=0),
        "max": lambda rows: rows.max(axis=0),
        "first": lambda rows: rows[0],
        "last": lambda rows: rows[-1],
        "attention": lambda rows: attention(rows, query_of(model)),
    }[name]
    return numpy.stack([reduce(tokens[start:end]) for start, end in spans])


def randomise_query(model):
    for node in model.walk():
        if node.has_param("Q"):
            values = numpy.random.default_rng(1).normal(size=node.get_param("Q").shape)
            node.set_param("Q", values.astype("float32"))
    return model


spans_strategy = st.lists(
    st.tuples(st.integers(0, 7), st.integers(1, 8)).map(lambda row: (row[0], min(sum(row), 8))),
    min_size=1,
    max_size=8,
)


@all_reducers
@given(spans=spans_strategy, seed=st.integers(0, 99))
def test_vectors_are_those_of_numpy(name, spans, seed):
    model = randomise_query(pooling(name))
    tokens, spans = token_vectors(seed=seed), spans_of(*spans)
    expected = brute_force(name, tokens, spans, model)
    numpy.testing.assert_allclose(model.predict((tokens, spans)), expected, rtol=1e-4, atol=1e-5)


@all_reducers
def test_numeric_gradient_of_tokens(name):
    model = randomise_query(pooling(name))
    tokens, spans = token_vectors(), spans_of((0, 3), (1, 2), (0, 8), (0, 3), (6, 8))
    dY = numpy.random.default_rng(2).normal(size=(len(spans), WIDTH)).astype("float32")
    _, backprop = model.begin_update((tokens, spans))
    d_tokens, _ = backprop(dY)

    def loss():
        return float((model.predict((tokens, spans)).astype("float64") * dY).sum())

    assert_gradients(loss, tokens, d_tokens, **FINE)


def test_numeric_gradient_of_the_attention():
    model = randomise_query(pooling("attention"))
    (node,) = (node for node in model.walk() if node.has_param("Q"))
    tokens, spans = token_vectors(), spans_of((0, 3), (1, 8))
    _, backprop = model.begin_update((tokens, spans))
    backprop(numpy.ones((2, WIDTH), dtype="float32"))

    def loss():
        return float(model.predict((tokens, spans)).astype("float64").sum())

    assert_gradients(loss, node.get_param("Q"), node.get_grad("Q"), **FINE)


def test_reducers_stand_side_by_side_in_the_given_order():
    tokens, spans = token_vectors(), spans_of((0, 3), (2, 5))
    Y = pooling("last", "mean").predict((tokens, spans))
    expected = [pooling(name).predict((tokens, spans)) for name in ("last", "mean")]
    numpy.testing.assert_allclose(Y, numpy.concatenate(expected, axis=1))


def test_no_spans():
    model = pooling("mean", "max")
    tokens = token_vectors()
    Y, backprop = model.begin_update((tokens, spans_of()))
    assert Y.shape == (0, 2 * WIDTH)
    assert not backprop(Y)[0].any()


def test_error_for_an_unknown_reducer():
    with pytest.raises(ConfigError, match="Unknown pooling 'sum'; accepted: mean, max"):
        SpanPooling(["mean", "sum"])


def test_error_without_reducers():
    with pytest.raises(ConfigError, match="pooling is empty"):
        SpanPooling([])
