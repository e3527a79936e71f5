"""Temperatures that make probabilities come true, and thresholds that decide as before."""

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy
from scipy.optimize import minimize

from ..decoding import ThresholdDecoder
from ..label_numbers import for_config
from ..probabilities import HIGHEST_TEMPERATURE, LEAST_TEMPERATURE, Temperature
from ..types import FloatArray, Int32Array
from .intervals import Floats

_LEAST = {True: 1e-30, False: 1e-7}  # of probabilities: as far as float32 tells softmax and sigmoid
_SPREAD = 0.25  # standard deviation of the logarithm of a label's temperature, before data
_FLOOR = 1e-12


@dataclass(frozen=True)
class LabelledPairs:
    """Candidate pairs of annotated documents with the probabilities of their labels.

    Attributes:
        labels: the labels.
        exclusive: whether a pair has at most one of them.
        log_odds: those of the labels, against NO_RELATION if they are exclusive, at the temperature 1.
            *Shape:* ``(n_pairs, n_labels)``
        factors: what the decoder multiplies their probabilities by, 0 for labels that the schema
            forbids. *Shape:* ``(n_pairs, n_labels)``
        annotated: whether a pair is annotated with a label. *Shape:* ``(n_pairs, n_labels)``
        docs: document of each pair. *Shape:* ``(n_pairs,)``
    """

    labels: Tuple[str, ...]
    exclusive: bool
    log_odds: Floats
    factors: Floats
    annotated: FloatArray
    docs: Int32Array

    def select(self, rows: Any) -> "LabelledPairs":
        """Some of the pairs."""
        parts = ("log_odds", "factors", "annotated", "docs")
        return replace(self, **{name: getattr(self, name)[rows] for name in parts})

    def probabilities(self, temperature: Temperature) -> Floats:
        """The probabilities of the labels as relations have them. *Shape:* ``(n_pairs, n_labels)``."""
        log_odds: Any = self.log_odds
        values: Floats = self.factors * _probabilities(
            numpy.asarray(temperature.divide(log_odds, self.labels)), exclusive=self.exclusive
        )
        return values


def log_odds_of(probabilities: FloatArray, *, exclusive: bool) -> Floats:
    """The log-odds that probabilities were computed from.

    Args:
        probabilities: *Shape:* ``(n_pairs, n_outputs)``, NO_RELATION first if they are exclusive.
        exclusive: whether the labels are.

    Returns:
        *Shape:* ``(n_pairs, n_labels)``
    """
    values = numpy.maximum(probabilities.astype("float64"), _LEAST[exclusive])
    if exclusive:
        return numpy.asarray(numpy.log(values[:, 1:]) - numpy.log(values[:, :1]))
    values = numpy.minimum(values, 1 - _LEAST[False])
    return numpy.asarray(numpy.log(values) - numpy.log1p(-values))


def fit_temperature(pairs: LabelledPairs, *, per_label: bool = False) -> Temperature:
    """The temperature with which annotated labels are most probable.

    The negative log-likelihood is that of the probabilities as relations have them, the probabilities of
    their mentions included. Temperatures of single labels stay near to that of all: their logarithms
    are normally distributed around its logarithm, with a standard deviation of 0.25.

    Args:
        pairs: pairs of documents that the model was not trained on.
        per_label: whether labels have temperatures of their own.

    Returns:
        the temperature, 1 without pairs that have a label.
    """
    if not pairs.annotated.any():
        return Temperature()
    n_labels = len(pairs.labels)

    def common(x: Floats) -> Tuple[float, Floats]:
        loss, gradient = _loss(pairs, numpy.repeat(x, n_labels))
        return loss, gradient.sum(keepdims=True)

    (start,) = _minimum(common, numpy.zeros(1))
    found = Temperature(round(float(numpy.exp(start)), 4))
    if not per_label:
        return found

    def by_label(x: Floats) -> Tuple[float, Floats]:
        loss, gradient = _loss(pairs, x)
        distance = (x - start) / _SPREAD
        return loss + float(distance @ distance) / 2, gradient + distance / _SPREAD

    values = numpy.exp(_minimum(by_label, numpy.full(n_labels, start)))
    own = {label: round(float(value), 4) for label, value in zip(pairs.labels, values)}
    return replace(found, labels=own)


def _minimum(function: Any, start: Floats) -> Floats:
    bounds = [(numpy.log(LEAST_TEMPERATURE), numpy.log(HIGHEST_TEMPERATURE))] * len(start)
    found: Floats = minimize(function, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def _loss(pairs: LabelledPairs, log_temperatures: Floats) -> Tuple[float, Floats]:
    """The negative log-likelihood, and its gradient by the logarithms of the temperatures."""
    scaled = pairs.log_odds * numpy.exp(-log_temperatures)
    own = _probabilities(scaled, exclusive=pairs.exclusive)
    y = numpy.asarray(pairs.annotated, dtype="float64")
    q = numpy.clip(pairs.factors * own, _FLOOR, 1 - _FLOOR)
    if pairs.exclusive:
        rest = numpy.maximum(1.0 - q.sum(axis=1, keepdims=True), _FLOOR)
        none = ~y.any(axis=1, keepdims=True)
        y = y / numpy.maximum(y.sum(axis=1, keepdims=True), 1)  # labels of a pair share it
        loss = -(y * numpy.log(q)).sum() - (none * numpy.log(rest)).sum()
        d_own = pairs.factors * (none / rest - y / q)
        d_scaled = own * (d_own - (d_own * own).sum(axis=1, keepdims=True))
    else:
        loss = -(y * numpy.log(q) + (1 - y) * numpy.log1p(-q)).sum()
        d_own = pairs.factors * ((1 - y) / (1 - q) - y / q)
        d_scaled = d_own * own * (1 - own)
    return float(loss), -(d_scaled * scaled).sum(axis=0)


def _probabilities(log_odds: Floats, *, exclusive: bool) -> Floats:
    if not exclusive:
        return numpy.asarray(0.5 * (1.0 + numpy.tanh(0.5 * log_odds)))
    top = numpy.maximum(log_odds.max(axis=1, initial=0.0, keepdims=True), 0.0)
    exp = numpy.exp(log_odds - top)
    return numpy.asarray(exp / (exp.sum(axis=1, keepdims=True) + numpy.exp(-top)))


def map_thresholds(
    decoder: ThresholdDecoder, pairs: LabelledPairs, before: Temperature, after: Temperature
) -> ThresholdDecoder:
    """A decoder that decides after calibration as it did before.

    Where labels are not exclusive and nothing else weighs the probabilities, each threshold has an exact
    counterpart. Elsewhere the probability of a label also depends on the other labels of the pair and
    on its mentions: of the thresholds with which the fewest of these pairs are decided otherwise, that
    next to the counterpart is taken.

    Args:
        decoder: the decoder.
        pairs: pairs of annotated documents.
        before: the temperature that its thresholds are for.
        after: the temperature that thresholds are wanted for.
    """
    old, new = pairs.probabilities(before), pairs.probabilities(after)
    counts = numpy.ones_like(old, dtype="bool")
    if pairs.exclusive:  # only the most probable label of a pair is asked about
        counts = numpy.arange(old.shape[1]) == old.argmax(axis=1)[:, None]
    own, common = decoder.label_thresholds, decoder.threshold
    if common is None and not pairs.exclusive:
        common = 0.5

    def mapped(threshold: float, columns: Sequence[int], label: str) -> float:
        if threshold in (0.0, 1.0):
            return threshold
        kept = counts[:, columns]
        cells = (old[:, columns][kept] >= threshold, new[:, columns][kept])
        ratios = [t.labels.get(label, t.common) for t in (before, after)]
        found = _agreeing(*cells, _counterpart(threshold, ratios[0] / ratios[1]))
        return round(found, 6)

    columns_of = {label: j for j, label in enumerate(pairs.labels)}
    labels: Dict[str, float] = {
        label: mapped(value, [columns_of[label]], label)
        for label, value in own.items()
        if label in columns_of
    }
    if common is not None and after.labels != before.labels:
        # labels with one threshold have temperatures of their own
        labels |= {
            label: mapped(common, [j], label) for label, j in columns_of.items() if label not in own
        }
    rest = [j for label, j in columns_of.items() if label not in labels]
    new_common: Optional[float] = decoder.threshold
    if common is not None and rest:
        new_common = mapped(common, rest, "")
    return replace(decoder, threshold=new_common, thresholds=for_config(labels))


def _counterpart(threshold: float, ratio: float) -> float:
    """The threshold whose log-odds are those of another one times a ratio."""
    return float(1.0 / (1.0 + ((1.0 - threshold) / threshold) ** ratio))


def _agreeing(accepted: Any, scores: Floats, wanted: float) -> float:
    """The threshold nearest to the wanted one with which as many as possible are decided as before."""
    order = numpy.argsort(-scores, kind="stable")
    scores, was = scores[order], accepted[order].astype("int64")
    # decided otherwise if the first i are accepted. Shape: (n + 1,)
    wrong = numpy.concatenate([[0], numpy.cumsum(1 - was)]) + was.sum()
    wrong = wrong - numpy.concatenate([[0], numpy.cumsum(was)])
    high = numpy.concatenate([[1.0], scores])  # a threshold lies in (low, high]
    low = numpy.concatenate([scores, [0.0]])
    is_cut = (high > low) & (wrong == wrong[high > low].min(initial=len(scores) + 1))
    if not is_cut.any():
        return wanted
    inside = is_cut & (low < wanted) & (wanted <= high)
    if inside.any():
        return wanted
    middles: List[float] = ((low + high) / 2)[is_cut].tolist()
    return min(middles, key=lambda value: abs(value - wanted))
