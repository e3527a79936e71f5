"""Figures with confidence intervals, by resampling documents."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Dict, Sequence, Tuple

import numpy

from .coefficients import Floats, ratio


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval by the percentile bootstrap over documents (Efron 1979).

    Attributes:
        value: the figure, nan if it is not defined.
        low, high: the interval over those resampled documents for which it is defined; nan if there
            is none.
        reason: why it is not defined, empty if it is.
    """

    value: float
    low: float
    high: float
    reason: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """Plain data, None in place of nan."""
        values = {"value": self.value, "low": self.low, "high": self.high}
        data: Dict[str, Any] = {k: None if numpy.isnan(v) else v for k, v in values.items()}
        return {**data, "reason": self.reason} if self.reason else data


@dataclass(frozen=True)
class Pairwise:
    """A figure of each pair of annotators.

    Attributes:
        mean: the mean over those pairs for which it is defined.
        pairs: the figures.
        counts: how many facts both have, only the first and only the second, where the figure
            compares facts.
    """

    mean: Figure
    pairs: Dict[Tuple[str, str], Figure]
    counts: Dict[Tuple[str, str], Tuple[int, int, int]] = field(default_factory=dict)

    def to_dict(self) -> Dict[str, Any]:
        """Plain data."""
        pairs = []
        for names, figure in self.pairs.items():
            row = {"annotators": list(names), **figure.to_dict()}
            if names in self.counts:
                row.update(zip(("both", "only_first", "only_second"), self.counts[names]))
            pairs.append(row)
        return {"mean": self.mean.to_dict(), "pairs": pairs}


class Resampler:
    """Sums over the documents, and over documents drawn with replacement, the same for all figures.

    Args:
        n_docs: documents.
        n_resamples: draws; 0: no intervals.
        seed: of the draws.
    """

    def __init__(self, n_docs: int, n_resamples: int, seed: int) -> None:
        # One document drawn again and again is no sample.
        n_resamples = n_resamples if n_docs > 1 else 0
        draws = numpy.random.default_rng(seed).multinomial(
            n_docs, numpy.full(max(n_docs, 1), 1 / max(n_docs, 1)), n_resamples
        )
        self._weights = numpy.ones((1 + n_resamples, n_docs))
        self._weights[1:] = draws[:, :n_docs]

    def sum(self, by_document: Floats) -> Floats:
        """Sums: the first one over the documents as they are.

        Args:
            by_document: *Shape:* ``(n_docs, ...)``

        Returns:
            *Shape:* ``(1 + n_resamples, ...)``
        """
        rest = by_document.shape[1:]
        flat = by_document.reshape(len(by_document), int(numpy.prod(rest)))
        sums: Floats = (self._weights @ flat).reshape(len(self._weights), *rest)
        return sums


def to_figure(values: Floats, reason: Callable[[], str]) -> Figure:
    """A figure and its interval.

    Args:
        values: the figure, and after it the figures of resampled documents. *Shape:*
            ``(1 + n_resamples,)``
        reason: says why the figure is not defined; only called then.
    """
    value = float(values[0])
    if numpy.isnan(value):
        return Figure(value, numpy.nan, numpy.nan, reason())
    drawn = values[1:][~numpy.isnan(values[1:])]
    low, high = numpy.percentile(drawn, [2.5, 97.5]) if len(drawn) else (numpy.nan, numpy.nan)
    return Figure(value, float(low), float(high))


def to_pairwise(
    values: Floats, pairs: Sequence[Tuple[str, str]], reason: Callable[[int], str]
) -> Pairwise:
    """The figures of pairs of annotators, and their mean.

    Args:
        values: *Shape:* ``(1 + n_resamples, n_pairs)``
        pairs: the names of the pairs.
        reason: says why the figure of a pair, by index, is not defined.
    """
    defined = ~numpy.isnan(values)
    mean = ratio(numpy.where(defined, values, 0).sum(axis=1), defined.sum(axis=1))
    return Pairwise(
        mean=to_figure(mean, partial(reason, 0)),
        pairs={names: to_figure(values[:, i], partial(reason, i)) for i, names in enumerate(pairs)},
    )
