"""Estimates with confidence intervals, by the percentile bootstrap over documents (Efron 1979).

https://doi.org/10.1214/aos/1176344552
"""

from dataclasses import dataclass
from typing import Any, Callable, Dict

import numpy
import numpy.typing as npt

from ..errors import ConfigError

Floats = npt.NDArray[numpy.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval.

    Attributes:
        value: the value over all documents, nan if it is not defined.
        low: lower end of the interval, over those resampled documents for which the value is
            defined; nan if there are none.
        high: upper end of the interval.
        reason: why the value is not defined, empty if it is.
    """

    value: float
    low: float
    high: float
    reason: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON, with None in place of nan."""
        values = {"value": self.value, "low": self.low, "high": self.high}
        data: Dict[str, Any] = {k: None if numpy.isnan(v) else v for k, v in values.items()}
        return {**data, "reason": self.reason} if self.reason else data


_MAX_DRAWN = 500_000_000  # documents of all draws, 8 bytes each


class Bootstrap:
    """Sums over the documents, and over documents drawn with replacement.

    All sums are over the same draws, and equal seeds give equal draws, so that estimates can be
    compared.

    Args:
        n_docs: number of documents.
        n_resamples: number of draws; 0: no intervals.
        seed: seed of the draws.

    Raises:
        ConfigError: if the draws take too much memory.
    """

    def __init__(self, n_docs: int, n_resamples: int, seed: int) -> None:
        # One document drawn again and again is no sample.
        n_resamples = n_resamples if n_docs > 1 else 0
        if n_resamples * n_docs > _MAX_DRAWN:
            raise ConfigError(
                f"{n_resamples} resampled corpora of {n_docs} documents take too much memory; "
                f"--resamples {_MAX_DRAWN // n_docs} is possible"
            )
        draws = numpy.random.default_rng(seed).multinomial(
            n_docs, numpy.full(max(n_docs, 1), 1 / max(n_docs, 1)), n_resamples
        )
        self._weights = numpy.ones((1 + n_resamples, n_docs))
        self._weights[1:] = draws[:, :n_docs]

    def sum(self, by_document: npt.NDArray[Any]) -> Floats:
        """Sum counts; the first row of the result is over the documents as they are.

        Args:
            by_document: *Shape:* ``(n_docs, ...)``

        Returns:
            *Shape:* ``(1 + n_resamples, ...)``
        """
        rest = by_document.shape[1:]
        flat = by_document.reshape(len(by_document), int(numpy.prod(rest))).astype("float64")
        sums: Floats = (self._weights @ flat).reshape(len(self._weights), *rest)
        return sums


METRICS = ("micro_p", "micro_r", "micro_f", "macro_p", "macro_r", "macro_f")


def relation_metrics(counts: Floats) -> Floats:
    """The metrics of counts of relations, in the order of :data:`METRICS`; 0 if nothing occurs.

    Args:
        counts: true positives, false positives and false negatives of each label.
            *Shape:* ``(n, n_labels, 3)``

    Returns:
        *Shape:* ``(n, n_metrics)``
    """
    micro = prf(counts.sum(axis=1))
    occurs = counts.sum(axis=2) > 0
    n_labels = numpy.maximum(occurs.sum(axis=1, keepdims=True), 1)
    macro = prf(counts).sum(axis=1) / n_labels
    return numpy.concatenate([micro, macro], axis=1)


def prf(counts: Floats) -> Floats:
    """Precision, recall and F1 of true positives, false positives and false negatives; 0 if undefined.

    Args:
        counts: the counts. *Shape:* ``(..., 3)``

    Returns:
        *Shape:* ``(..., 3)``
    """
    tp, fp, fn = numpy.moveaxis(counts, -1, 0)
    sums = numpy.stack([tp + fp, tp + fn, (2 * tp + fp + fn) / 2], axis=-1)
    return numpy.nan_to_num(ratio(tp[..., None], sums))


def estimate(values: Floats, reason: Callable[[], str] = str) -> Estimate:
    """An estimate and its interval.

    Args:
        values: the value, and after it the values of resampled documents. *Shape:*
            ``(1 + n_resamples,)``
        reason: says why the value is not defined; it is only called then.
    """
    value = float(values[0])
    if numpy.isnan(value):
        return Estimate(value, numpy.nan, numpy.nan, reason())
    drawn = values[1:][~numpy.isnan(values[1:])]
    low, high = numpy.percentile(drawn, [2.5, 97.5]) if len(drawn) else (numpy.nan, numpy.nan)
    return Estimate(value, float(low), float(high))


def ratio(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> Floats:
    """Divide, with nan where the denominator is 0.

    Args:
        numerator: *Shape:* ``(...)``
        denominator: *Shape:* ``(...)``

    Returns:
        *Shape:* ``(...)``
    """
    numerator, denominator = numpy.broadcast_arrays(numerator, denominator)
    result = numpy.full(numerator.shape, numpy.nan)
    numpy.divide(numerator, denominator, out=result, where=denominator != 0)
    return result
