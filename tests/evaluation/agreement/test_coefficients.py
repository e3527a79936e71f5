"""Coefficients against reference implementations and published examples."""

import warnings
from collections import Counter

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rel_component.evaluation.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from rel_component.evaluation.agreement.coefficients import MISSING

_ = MISSING
N_CATEGORIES = 4
CLOSE = {"abs": 1e-9, "rel": 0, "nan_ok": True}


def ratings(n_annotators, *, lowest=0, max_units=40):
    """Ratings of some units, of few categories or of one, so that all degenerate cases occur."""
    return st.tuples(st.integers(0, max_units), st.integers(1, N_CATEGORIES)).flatmap(
        lambda size: arrays(
            "int32", (size[0], n_annotators), elements=st.integers(lowest, size[1] - 1)
        )
    )


def several_annotators(**options):
    return st.integers(2, 5).flatmap(lambda n: ratings(n, **options))


@given(ratings(2))
def test_cohen_is_that_of_scikit_learn(data):
    metrics = pytest.importorskip("sklearn.metrics")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where kappa is not defined
        expected = metrics.cohen_kappa_score(*data.T) if len(data) else numpy.nan
    assert cohen_kappa(data) == pytest.approx(expected, **CLOSE)


@given(several_annotators())
def test_fleiss_is_that_of_statsmodels(data):
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    expected = numpy.nan
    if len(data):
        table, _categories = inter_rater.aggregate_raters(data)
        with numpy.errstate(all="ignore"):  # it divides by 0 where kappa is not defined
            expected = inter_rater.fleiss_kappa(table)
    assert fleiss_kappa(data) == pytest.approx(expected, **CLOSE)


@given(several_annotators(lowest=MISSING))
def test_alpha_follows_from_pairs_of_values(data):
    units = [[value for value in row if value != MISSING] for row in data.tolist()]
    units = [unit for unit in units if len(unit) > 1]
    totals = Counter(value for unit in units for value in unit)
    n = sum(totals.values())
    differing = sum(sum(a != b for a in unit for b in unit) / (len(unit) - 1) for unit in units)
    by_chance = sum(totals[a] * totals[b] for a in totals for b in totals if a != b)
    expected = 1 - (differing / n) / (by_chance / (n * (n - 1))) if by_chance else numpy.nan
    assert krippendorff_alpha(data) == pytest.approx(expected, **CLOSE)


# K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability: sections A, B and C. The last one
# is the example of Content Analysis with three observers and missing values.
PUBLISHED = {
    "binary": (0.095, ["0100000010", "1110010000"]),
    "nominal": (0.692, ["112243335441", "212223335444"]),
    "missing values": (0.743, ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]),
    "three observers": (0.691, [".....34121133.3", "1.213343.......", "..21344.21133.4"]),
}


@pytest.mark.parametrize("example", PUBLISHED)
def test_alpha_is_that_of_published_examples(example):
    expected, observers = PUBLISHED[example]
    data = numpy.asarray([[_ if c == "." else int(c) for c in row] for row in observers]).T
    assert krippendorff_alpha(data) == pytest.approx(expected, abs=5e-4)


def test_units_that_cannot_be_compared_are_left_out():
    seen = numpy.asarray([[0, 0, 0], [1, 1, 1], [0, 1, 1]])
    alone = numpy.asarray([[_, _, 2], [_, _, _]])
    partly = numpy.asarray([[_, 1, 2]])
    assert krippendorff_alpha(numpy.concatenate([seen, alone])) == krippendorff_alpha(seen)
    assert krippendorff_alpha(numpy.concatenate([seen, partly])) < krippendorff_alpha(seen)
    assert fleiss_kappa(numpy.concatenate([seen, alone, partly])) == fleiss_kappa(seen)
    assert cohen_kappa(numpy.concatenate([seen, partly])[:, :2]) == cohen_kappa(seen[:, :2])


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, krippendorff_alpha])
@pytest.mark.parametrize(
    "data",
    [
        numpy.zeros((0, 2), dtype="int32"),
        numpy.full((3, 2), MISSING),
        numpy.zeros((1, 2), dtype="int32"),
        numpy.full((5, 2), 3),
    ],
    ids=["no units", "nobody saw any", "one unit", "one category"],
)
def test_without_variation_nothing_is_defined(coefficient, data):
    assert numpy.isnan(coefficient(data))
