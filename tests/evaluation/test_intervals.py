"""Estimates with intervals by the bootstrap."""

import math

import numpy
import pytest

from rel_component.errors import ConfigError
from rel_component.evaluation.intervals import Bootstrap, Estimate, estimate, ratio


def test_the_first_sum_is_over_the_documents_as_they_are():
    counts = numpy.arange(12).reshape(4, 3)
    sums = Bootstrap(4, 10, seed=0).sum(counts)
    assert sums.shape == (11, 3)
    assert sums[0].tolist() == counts.sum(axis=0).tolist()


def test_every_draw_has_as_many_documents():
    sums = Bootstrap(5, 100, seed=1).sum(numpy.eye(5))
    assert (sums.sum(axis=1) == 5).all()
    assert len({tuple(row) for row in sums}) > 50


def test_equal_seeds_give_equal_draws():
    counts = numpy.arange(6)
    first, same, other = (Bootstrap(6, 20, seed).sum(counts) for seed in (3, 3, 4))
    assert first.tolist() == same.tolist() != other.tolist()


def test_one_document_gives_no_interval():
    values = Bootstrap(1, 100, seed=0).sum(numpy.asarray([7]))
    assert estimate(values).to_dict() == {"value": 7.0, "low": None, "high": None}


def test_the_interval_is_that_of_percentiles_over_defined_values():
    values = numpy.asarray([0.5, *numpy.linspace(0, 1, 41), numpy.nan])
    found = estimate(values)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))


def test_what_is_not_defined_has_a_reason():
    found = estimate(numpy.asarray([numpy.nan, 1.0]), lambda: "nothing to count")
    assert found.reason == "nothing to count"
    assert math.isnan(found.low)
    assert found.to_dict()["value"] is None
    assert Estimate(1.0, 0.0, 1.0).to_dict() == {"value": 1.0, "low": 0.0, "high": 1.0}


def test_a_ratio_without_denominator_is_not_defined():
    found = ratio(numpy.asarray([1.0, 1.0]), numpy.asarray([2.0, 0.0]))
    assert found[0] == 0.5
    assert numpy.isnan(found[1])


def test_draws_that_fit_into_no_memory_are_refused():
    with pytest.raises(ConfigError, match="--resamples 250000000 is possible"):
        Bootstrap(2, 10**9, seed=0)
