"""How far probabilities can be trusted: calibration error, Brier score, and selective prediction.

Whatever is scored comes as a probability, and whether it came true: a relation that is reported, or the
most probable label of a pair.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple

import numpy
import numpy.typing as npt

from ..types import BoolArray, Int32Array
from .intervals import Estimate, Floats, estimate

N_BINS = 15

_N_SIMULATED = 200


class ReliabilityBin(NamedTuple):
    """Probabilities next to each other, and how often they came true.

    Attributes:
        n: number of probabilities.
        least: the least of them.
        confidence: their mean.
        share: share that came true.
    """

    n: int
    least: float
    confidence: float
    share: float


class RiskAtCoverage(NamedTuple):
    """What remains wrong if the least probable are left out.

    Attributes:
        coverage: share that is kept.
        threshold: the least probability that is kept.
        risk: share of wrong ones among them.
    """

    coverage: float
    threshold: float
    risk: float


@dataclass(frozen=True)
class Calibration:
    """How well probabilities are calibrated.

    Attributes:
        n: number of probabilities.
        ece: expected calibration error: the mean distance between the mean probability and the share
            that came true, over bins of as many probabilities each. Resampling adds chance, so that
            its interval lies high.
        chance: the ECE that probabilities without any error would have on average, because few
            fall into a bin; that of calibrated probabilities cannot be expected to be lower.
        brier: mean squared distance between the probability and 1 or 0.
        aurc: area under the risk-coverage curve: the mean share of wrong ones over all coverages.
        bins: the reliability diagram, from the lowest to the highest probabilities.
        risks: the risk-coverage curve, at twenty coverages.
    """

    n: int
    ece: Estimate
    chance: float
    brier: Estimate
    aurc: Estimate
    bins: List[ReliabilityBin]
    risks: List[RiskAtCoverage]

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "n": self.n,
            "ece": self.ece.to_dict(),
            "ece_by_chance": None if numpy.isnan(self.chance) else self.chance,
            "brier": self.brier.to_dict(),
            "aurc": self.aurc.to_dict(),
            "bins": [bin_._asdict() for bin_ in self.bins],
            "risks": [risk._asdict() for risk in self.risks],
        }


def measure_calibration(
    scores: npt.NDArray[Any],
    right: BoolArray,
    docs: Int32Array,
    *,
    n_resamples: int = 200,
    seed: int = 0,
) -> Calibration:
    """Measure how well probabilities are calibrated; intervals are over documents.

    Args:
        scores: the probabilities. *Shape:* ``(n,)``
        right: whether what they belong to came true. *Shape:* ``(n,)``
        docs: document of each. *Shape:* ``(n,)``
        n_resamples: number of resampled corpora; 0: no intervals.
        seed: of the resampling.
    """
    scores = numpy.asarray(scores, dtype="float64")
    random = numpy.random.default_rng(seed)
    names, document = numpy.unique(docs, return_inverse=True)
    values = [_measures(scores, right)]
    rows_of = numpy.split(numpy.argsort(document, kind="stable"), _ends(document, len(names)))
    for _ in range(n_resamples if len(names) > 1 else 0):
        drawn = numpy.concatenate([rows_of[i] for i in random.integers(0, len(names), len(names))])
        values.append(_measures(scores[drawn], right[drawn]))
    ece, brier, aurc = (
        estimate(column, lambda: "there are no probabilities") for column in numpy.array(values).T
    )
    chance = [
        expected_calibration_error(scores, random.random(len(scores)) < scores)
        for _ in range(_N_SIMULATED)
    ]
    return Calibration(
        len(scores),
        ece,
        float(numpy.mean(chance)),
        brier,
        aurc,
        reliability(scores, right),
        risk_coverage(scores, right),
    )


def expected_calibration_error(
    scores: Floats, right: npt.NDArray[Any], n_bins: int = N_BINS
) -> float:
    """The expected calibration error over bins of equal numbers (adaptive ECE).

    See Naeini et al. 2015 (https://doi.org/10.1609/aaai.v29i1.9602), and Nixon et al. 2019
    (https://arxiv.org/abs/1904.01685) for equal numbers.

    Args:
        scores: the probabilities. *Shape:* ``(n,)``
        right: whether each came true. *Shape:* ``(n,)``
        n_bins: number of bins.

    Returns:
        The error; nan if there are no probabilities.
    """
    if not len(scores):
        return float("nan")
    order = numpy.argsort(scores, kind="stable")
    distance = scores[order] - numpy.asarray(right, dtype="float64")[order]
    bounds = _bounds(scores[order], n_bins)
    sums = numpy.add.reduceat(distance, bounds)
    return float(numpy.abs(sums).sum() / len(scores))


def reliability(
    scores: Floats, right: npt.NDArray[Any], n_bins: int = N_BINS
) -> List[ReliabilityBin]:
    """The reliability diagram over bins of equal numbers.

    Args:
        scores: the probabilities. *Shape:* ``(n,)``
        right: whether each came true. *Shape:* ``(n,)``
        n_bins: the most bins.
    """
    order = numpy.argsort(scores, kind="stable")
    parts = numpy.split(order, _bounds(scores[order], n_bins)[1:]) if len(scores) else []
    return [
        ReliabilityBin(
            len(part), float(scores[part[0]]), float(scores[part].mean()), float(right[part].mean())
        )
        for part in parts
    ]


def area_under_risk_coverage(scores: Floats, right: npt.NDArray[Any]) -> float:
    """The mean, over all coverages, of the share of wrong ones among the most probable.

    See Geifman et al. 2019 (https://arxiv.org/abs/1805.08206). Equal probabilities are taken in
    their order.

    Args:
        scores: the probabilities. *Shape:* ``(n,)``
        right: whether each came true. *Shape:* ``(n,)``

    Returns:
        The area; nan if there are no probabilities.
    """
    if not len(scores):
        return float("nan")
    return float(_risks(scores, right).mean())


def risk_coverage(
    scores: Floats, right: npt.NDArray[Any], n_points: int = 20
) -> List[RiskAtCoverage]:
    """The risk-coverage curve, from the highest to the lowest probabilities.

    Args:
        scores: the probabilities. *Shape:* ``(n,)``
        right: whether each came true. *Shape:* ``(n,)``
        n_points: the most points.
    """
    n = len(scores)
    if not n:
        return []
    risks, best_first = _risks(scores, right), numpy.sort(scores)[::-1]
    kept = numpy.unique(numpy.ceil(numpy.arange(1, n_points + 1) * n / n_points).astype("int64"))
    return [
        RiskAtCoverage(float(k / n), float(best_first[k - 1]), float(risks[k - 1])) for k in kept
    ]


def _risks(scores: Floats, right: npt.NDArray[Any]) -> Floats:
    order = numpy.argsort(-scores, kind="stable")
    wrong = 1.0 - numpy.asarray(right, dtype="float64")[order]
    risks: Floats = numpy.cumsum(wrong) / numpy.arange(1, len(wrong) + 1)
    return risks


def _measures(scores: Floats, right: BoolArray) -> List[float]:
    brier = float(((scores - right) ** 2).mean()) if len(scores) else float("nan")
    return [
        expected_calibration_error(scores, right),
        brier,
        area_under_risk_coverage(scores, right),
    ]


def _bounds(scores: Floats, n_bins: int) -> npt.NDArray[numpy.int64]:
    """Where bins of equal numbers begin in sorted scores; equal ones fall into one bin."""
    first = numpy.arange(n_bins) * len(scores) // n_bins
    rounded = scores.round(6)
    return numpy.unique(numpy.searchsorted(rounded, rounded[first]))


def _ends(groups: npt.NDArray[Any], n_groups: int) -> npt.NDArray[Any]:
    return numpy.cumsum(numpy.bincount(groups, minlength=n_groups))[:-1]
