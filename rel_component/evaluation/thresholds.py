"""Precision and recall of relations at several thresholds, and the choice of thresholds by them."""

from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy

from ..documents import RelationKey, relation_key, relation_keys
from ..types import BoolArray, FloatArray, Int32Array, Relation
from .counts import PRF
from .intervals import METRICS, Bootstrap, Floats, relation_metrics

THRESHOLDS = tuple(i / 20 for i in range(1, 20))
"""0.05 to 0.95."""

_MICRO_F, _MACRO_F = METRICS.index("micro_f"), METRICS.index("macro_f")
_N_RESAMPLES = 100
_USUAL, _USUAL_SUPPORT = 0.2, 100  # a threshold, and the number of relations that speak for it
_COMMON_SUPPORT = 40  # the same for the common threshold as that of a label


@dataclass(frozen=True)
class ScoredRelations:
    """The relations that a pipeline finds, and how many are annotated.

    Attributes:
        labels: the labels of both, in alphabetical order.
        annotated: *Shape:* ``(n_docs, n_labels)``, number of annotated relations.
        docs: *Shape:* ``(n_found,)``, document of each relation that is found.
        columns: *Shape:* ``(n_found,)``, its label.
        scores: *Shape:* ``(n_found,)``, its probability.
        right: *Shape:* ``(n_found,)``, whether it is annotated.
    """

    labels: Tuple[str, ...]
    annotated: Int32Array
    docs: Int32Array
    columns: Int32Array
    scores: FloatArray
    right: BoolArray

    @classmethod
    def collect(
        cls,
        annotated_and_found: Iterable[Tuple[Iterable[Relation], Iterable[Relation]]],
        symmetric: Collection[str] = (),
    ) -> "ScoredRelations":
        """Compare relations strictly.

        Args:
            annotated_and_found: the relations of each document. One that is found twice counts
                once, with the higher probability; one without probability is certain.
            symmetric: labels whose direction does not count.
        """
        gold: List[Tuple[int, str]] = []
        found: List[Tuple[int, str, float, bool]] = []
        n_docs = 0
        for i, (annotated, relations) in enumerate(annotated_and_found):
            keys = relation_keys(annotated, symmetric)
            best: Dict[RelationKey, float] = {}
            for rel in relations:
                key = relation_key(rel, symmetric)
                best[key] = max(1.0 if rel.score is None else rel.score, best.get(key, 0.0))
            gold += [(i, label) for _, label, _ in keys]
            found += [(i, key[1], score, key in keys) for key, score in best.items()]
            n_docs = i + 1
        labels = sorted({label for _, label in gold} | {label for _, label, *_ in found})
        column = {label: j for j, label in enumerate(labels)}
        n_annotated = numpy.zeros((n_docs, len(labels)), dtype="int32")
        for i, label in gold:
            n_annotated[i, column[label]] += 1
        return cls(
            tuple(labels),
            n_annotated,
            numpy.asarray([i for i, *_ in found], dtype="int32"),
            numpy.asarray([column[label] for _, label, *_ in found], dtype="int32"),
            numpy.asarray([score for *_, score, _ in found], dtype="float64"),
            numpy.asarray([right for *_, right in found], dtype="bool"),
        )

    def counts(self, threshold: float = 0.0) -> Int32Array:
        """Right, spurious and missed relations if those below a threshold are left out.

        Returns:
            *Shape:* ``(n_docs, n_labels, 3)``
        """
        kept = self.scores >= threshold
        found = numpy.zeros((*self.annotated.shape, 2), dtype="int32")  # spurious, right
        rest = (self.docs[kept], self.columns[kept], self.right[kept].astype("int32"))
        numpy.add.at(found, rest, 1)
        spurious, right = numpy.moveaxis(found, -1, 0)
        return numpy.stack([right, spurious, self.annotated - right], axis=-1)

    def by_threshold(self, thresholds: Sequence[float] = THRESHOLDS) -> List[Dict[str, Any]]:
        """Strict scores of the relations that are at least so probable.

        Returns:
            for each threshold a dict with ``threshold``, ``p``, ``r`` and ``f``.
        """
        return [
            {"threshold": t, **PRF(*self.counts(t).sum(axis=(0, 1)).tolist()).to_dict()}
            for t in thresholds
        ]

    def curve(self, label: str) -> List[Tuple[float, float, float]]:
        """Precision and recall of a label at each of its probabilities.

        Returns:
            threshold, precision and recall, from the highest threshold to the lowest; nothing if the
            label is not annotated, or not found.
        """
        column = self.labels.index(label)
        n_annotated = int(self.annotated[:, column].sum())
        own = self.columns == column
        order = numpy.argsort(-self.scores[own], kind="stable")
        scores, right = self.scores[own][order], numpy.cumsum(self.right[own][order])
        lasts = numpy.flatnonzero(numpy.diff(scores, append=-1.0))  # of equal probabilities
        return [
            (float(scores[i]), float(right[i] / (i + 1)), float(right[i] / n_annotated))
            for i in lasts.tolist()
            if n_annotated
        ]


class Thresholds(NamedTuple):
    """Thresholds of a decoder.

    Attributes:
        common: that of all labels without one of their own.
        own: those of single labels.
    """

    common: float
    own: Dict[str, float]


def choose_thresholds(
    found: ScoredRelations,
    *,
    labels: Collection[str],
    min_support: int,
    least: float,
) -> Thresholds:
    """Choose the thresholds with which the F1 on these documents is best, and likely to last.

    F1 hardly changes between many thresholds, and the best one of few documents is a matter of
    chance. Therefore each threshold is the mean of those that are best for documents drawn with
    replacement (bagging, Breiman 1996, https://doi.org/10.1007/BF00058655), in the middle where F1
    is flat. The common one is pulled, as if 100 more relations had spoken for it, to 0.2, which was
    best on average where models had learned from few documents, or to half of the F1 if that is
    less: were all probabilities right, it would be best (Lipton et al. 2014,
    https://doi.org/10.1007/978-3-662-44851-9_15). That of a label is pulled to the common one, as
    if 40 more had.

    Args:
        found: the relations down to the least threshold.
        labels: labels that may have a threshold of their own.
        min_support: the fewest annotated relations of a label with a threshold of its own.
        least: the least threshold.

    Returns:
        the common threshold, by the mean of micro and macro F1, and that of each label with enough
        relations, by its F1.
    """
    draws = Bootstrap(len(found.annotated), _N_RESAMPLES, seed=0)
    grid = [t for t in THRESHOLDS if t >= least] or [least]
    counts = numpy.stack([draws.sum(found.counts(t)) for t in grid])
    metrics = numpy.stack([relation_metrics(each) for each in counts])
    n_annotated = found.annotated.sum(axis=0).tolist()
    best = _bagged(metrics[:, :, [_MICRO_F, _MACRO_F]].mean(axis=-1), grid)
    usual = min(_USUAL, metrics[:, :, _MICRO_F].max(axis=0).mean() / 2)
    common = _pulled(best, sum(n_annotated), max(usual, least), _USUAL_SUPPORT)
    own: Dict[str, float] = {}
    for j, (label, n) in enumerate(zip(found.labels, n_annotated)):
        if label in labels and n >= min_support:
            f1 = numpy.stack([relation_metrics(each[:, [j]])[:, _MICRO_F] for each in counts])
            own[label] = _pulled(_bagged(f1, grid), n, common, _COMMON_SUPPORT)
    return Thresholds(common, own)


def _bagged(f1: Floats, grid: Sequence[float]) -> float:
    """The mean of the best thresholds; of equal ones the middle counts.

    Args:
        f1: *Shape:* ``(n_thresholds, 1 + n_resamples)``
        grid: the thresholds.
    """
    is_best = f1 >= f1.max(axis=0) - 1e-9
    means = (numpy.asarray(grid) @ is_best) / is_best.sum(axis=0)
    return float(means.mean())


def _pulled(value: float, n: int, other: float, n_other: int) -> float:
    """The mean of two thresholds, weighed by the relations behind them; two digits."""
    return round(float(n * value + n_other * other) / (n + n_other), 2)
