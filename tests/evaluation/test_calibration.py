"""Figures of calibration, by hand."""

import math
from dataclasses import replace

import numpy
import pytest

from rel_component.decoding import ThresholdDecoder
from rel_component.errors import ConfigError
from rel_component.evaluation.calibration import (
    area_under_risk_coverage,
    expected_calibration_error,
    measure_calibration,
    reliability,
    risk_coverage,
)
from rel_component.evaluation.conformal import (
    LabelSets,
    fit_label_sets,
    measure_coverage,
    with_none,
)
from rel_component.evaluation.precision import thresholds_for_precision
from rel_component.evaluation.temperature import (
    LabelledPairs,
    _loss,
    fit_temperature,
    log_odds_of,
    map_thresholds,
)
from rel_component.evaluation.thresholds import ScoredRelations
from rel_component.probabilities import Temperature, to_probabilities

SCORES = numpy.asarray([0.9, 0.1, 0.6, 0.4])
RIGHT = numpy.asarray([True, False, False, True])


def test_the_expected_calibration_error_is_the_mean_distance_in_bins_of_equal_numbers():
    # 0.1 and 0.4 of which half is right, 0.6 and 0.9 of which half is right
    assert expected_calibration_error(SCORES, RIGHT, 2) == pytest.approx(0.25)
    assert expected_calibration_error(SCORES, RIGHT, 4) == pytest.approx(
        (0.1 + 0.6 + 0.6 + 0.1) / 4
    )
    assert expected_calibration_error(SCORES, RIGHT, 9) == expected_calibration_error(
        SCORES, RIGHT, 4
    )
    assert math.isnan(expected_calibration_error(SCORES[:0], RIGHT[:0]))


def test_equal_scores_fall_into_one_bin():
    equal = numpy.asarray([0.5] * 6 + [0.8] * 2)
    assert [bin_.n for bin_ in reliability(equal, equal > 0.6, 4)] == [6, 2]


def test_reliability_and_risk_at_coverage():
    low, high = reliability(SCORES, RIGHT, 2)
    assert low == (2, 0.1, pytest.approx(0.25), 0.5)
    assert high == (2, 0.6, pytest.approx(0.75), 0.5)
    curve = risk_coverage(SCORES, RIGHT, 4)
    assert curve == [
        (0.25, 0.9, 0.0),
        (0.5, 0.6, 0.5),
        (0.75, 0.4, pytest.approx(1 / 3)),
        (1, 0.1, 0.5),
    ]
    assert area_under_risk_coverage(SCORES, RIGHT) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert risk_coverage(SCORES[:0], RIGHT[:0]) == []


def test_calibration_of_scores_that_come_true():
    random = numpy.random.default_rng(0)
    scores = random.random(600)
    found = measure_calibration(scores, random.random(600) < scores, numpy.arange(600) // 10)
    assert found.n == 600
    assert abs(found.ece.value - found.chance) < 0.02
    assert found.brier.low < found.brier.value < found.brier.high
    assert found.aurc.low < found.aurc.value < found.aurc.high
    nothing = measure_calibration(scores[:0], RIGHT[:0], numpy.zeros(0, dtype="int32"))
    assert nothing.to_dict()["ece"]["value"] is None


def pairs(exclusive, *, n=400, factor=3.0, seed=0):
    """Pairs whose log-odds are `factor` times those with which their labels were drawn."""
    random = numpy.random.default_rng(seed)
    log_odds = random.normal(-1, 2, (n, 2))
    logits = numpy.concatenate([numpy.zeros((n, 1)), log_odds], axis=1) if exclusive else log_odds
    values = numpy.asarray(to_probabilities(logits, exclusive=exclusive))
    if exclusive:
        drawn = (values.cumsum(axis=1) > random.random((n, 1))).argmax(axis=1)
        annotated = numpy.eye(3)[drawn][:, 1:]
    else:
        annotated = random.random((n, 2)) < values
    return LabelledPairs(
        ("A", "B"),
        exclusive,
        log_odds * factor,
        numpy.ones((n, 2)),
        annotated.astype("float32"),
        numpy.arange(n, dtype="int32") // 4,
    )


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_temperature_is_found(exclusive):
    assert fit_temperature(pairs(exclusive)).common == pytest.approx(3, rel=0.2)
    own = fit_temperature(pairs(exclusive), per_label=True)
    assert own.labels.keys() == {"A", "B"}
    assert all(value == pytest.approx(3, rel=0.3) for value in own.labels.values())


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_gradient_of_the_temperatures(exclusive):
    few = pairs(exclusive, n=30)
    few.factors[:, 0] = 0.8
    at, step = numpy.asarray([0.3, -0.2]), 1e-5
    _, gradient = _loss(few, at)
    for j in range(2):
        moved = numpy.eye(2)[j] * step
        numeric = (_loss(few, at + moved)[0] - _loss(few, at - moved)[0]) / (2 * step)
        assert gradient[j] == pytest.approx(numeric, rel=1e-4)


def test_no_annotated_pair_leaves_probabilities_as_they_are():
    none = pairs(True)
    none.annotated[:] = 0
    assert fit_temperature(none, per_label=True) == Temperature()


@pytest.mark.parametrize("exclusive", [True, False])
def test_log_odds_are_those_of_the_logits(exclusive):
    logits = numpy.asarray([[0.0, 1.5, -2.0], [0.0, -60.0, 3.0]])
    logits = logits if exclusive else logits[:, 1:] / 10
    found = log_odds_of(
        numpy.asarray(to_probabilities(logits, exclusive=exclusive)), exclusive=exclusive
    )
    numpy.testing.assert_allclose(found, logits[:, -2:], rtol=1e-5)


@pytest.mark.parametrize("per_label", [True, False])
def test_thresholds_of_labels_that_are_not_exclusive_decide_exactly_as_before(per_label):
    sample, after = pairs(False), Temperature(3.0, {"A": 1.5} if per_label else {})
    decoder = ThresholdDecoder(threshold=0.3, thresholds={"B": 0.8})
    mapped = map_thresholds(decoder, sample, Temperature(), after)
    others = pairs(False, n=5000, seed=1)
    for label, old in (("A", 0.3), ("B", 0.8)):
        column = others.labels.index(label)
        new = mapped.label_thresholds.get(label, mapped.threshold)
        before = others.probabilities(Temperature())[:, column] >= old
        assert (before == (others.probabilities(after)[:, column] >= new)).all()


def test_thresholds_of_exclusive_labels_decide_almost_as_before():
    sample, after = pairs(True, n=1500), Temperature(2.5)
    mapped = map_thresholds(ThresholdDecoder(threshold=0.3), sample, Temperature(), after)
    values = [sample.probabilities(t).max(axis=1) for t in (Temperature(), after)]
    assert ((values[0] >= 0.3) == (values[1] >= mapped.threshold)).mean() > 0.98
    assert map_thresholds(ThresholdDecoder(), sample, Temperature(), after) == ThresholdDecoder()
    extremes = ThresholdDecoder(threshold=0.0, thresholds={"A": 1.0})
    assert map_thresholds(extremes, sample, Temperature(), after) == extremes


def found_relations(n_docs=100, seed=0):
    """Ten relations a document, which are right as often as their scores say; half are annotated."""
    random = numpy.random.default_rng(seed)
    n = 10 * n_docs
    scores = random.random(n)
    return ScoredRelations(
        ("A", "B"),
        numpy.full((n_docs, 2), 3, dtype="int32"),
        numpy.arange(n, dtype="int32") // 10,
        (numpy.arange(n) % 2).astype("int32"),
        scores,
        random.random(n) < scores,
    )


@pytest.mark.parametrize("wished", [0.8, 0.9])
def test_the_wished_precision_is_reached_on_other_documents(wished):
    chosen = thresholds_for_precision(found_relations(), wished, labels=["A", "B"])
    other = found_relations(500, seed=1)
    limits = numpy.asarray([chosen.own.get(label, chosen.common) for label in other.labels])
    kept = other.scores >= limits[other.columns]
    assert wished - 0.05 < other.right[kept].mean() < wished + 0.08
    assert chosen.expected.precision >= wished


def test_a_threshold_lies_between_scores_that_are_nearly_1():
    found = found_relations()
    right = numpy.arange(len(found.scores)) % 2 == 0
    scores = numpy.where(right, 0.999992, 0.999991).astype("float32")
    nearly_1 = replace(found, scores=scores.astype("float64"), right=right)
    chosen = thresholds_for_precision(nearly_1, 0.9, labels=[])
    assert ((scores >= numpy.float32(chosen.common)) == right).all()


def test_a_precision_out_of_reach_has_the_threshold_1():
    nothing_right = found_relations()
    nothing_right.right[:] = False
    chosen = thresholds_for_precision(nothing_right, 0.9, labels=[])
    assert (chosen.common, chosen.own) == (1.0, {})
    with pytest.raises(ConfigError, match="precision must lie between 0 and 1, got 95"):
        thresholds_for_precision(nothing_right, 95, labels=[])


def test_sets_of_labels_hold_the_right_ones_in_as_many_documents_as_wished():
    held = []
    for seed in range(40):
        values = pairs(True, factor=1.0, seed=seed)
        full = with_none(values.probabilities(Temperature()), exclusive=True)
        calibrated = values.docs < 50
        sets = fit_label_sets(
            full[calibrated], values.annotated[calibrated], values.docs[calibrated], coverage=0.8
        )
        found = measure_coverage(
            sets, full[~calibrated], values.annotated[~calibrated], values.docs[~calibrated]
        )
        held.append((found.documents, found.unrelated_documents))
        assert found.related >= found.documents
    assert numpy.mean(held, axis=0) == pytest.approx([0.81, 0.81], abs=0.03)


def test_sets_of_labels_are_the_labels_that_are_probable_enough():
    sets = LabelSets(0.9, related=0.2, unrelated=0.5)
    values = with_none(numpy.asarray([[0.3, 0.6], [0.05, 0.1]]), exclusive=False)
    assert sets.of_pairs(values, ["A", "B"]) == [("B", "A"), ("NO_RELATION",)]
    numpy.testing.assert_allclose(values[:, 0], [0.4, 0.9])


def test_few_documents_have_sets_of_all_labels():
    sets = fit_label_sets(numpy.ones((1, 3)), numpy.ones((1, 2)), numpy.zeros(1, dtype="int32"))
    assert (sets.related, sets.unrelated) == (0.0, 0.0)


@pytest.mark.parametrize("value", [1.5, "0.2", None, float("nan")])
def test_limits_that_are_no_probabilities_are_refused(value):
    with pytest.raises(ConfigError, match="expected a probability"):
        LabelSets(0.9, value, 0.5)
