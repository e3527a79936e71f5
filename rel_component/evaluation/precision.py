"""Thresholds with which a wished share of the reported relations is right."""

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, NamedTuple, Optional

import numpy
import numpy.typing as npt
from scipy.stats import beta

from ..errors import ConfigError
from .counts import PRF
from .intervals import Floats
from .thresholds import ScoredRelations

_CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_N_FOLDS = 5


class Expected(NamedTuple):
    """What thresholds are expected to do on other documents, by cross-validation.

    Attributes:
        precision: share of right ones among the reported relations.
        recall: share of the annotated relations that are reported.
    """

    precision: float
    recall: float


@dataclass(frozen=True)
class PrecisionThresholds:
    """Thresholds for a wished precision.

    Attributes:
        wished: the precision.
        common: threshold of the labels without one of their own; 1: there is none that reaches it.
        own: thresholds of labels with enough relations.
        confidence: of the bound that has to reach the wished precision.
        expected: on other documents.
    """

    wished: float
    common: float
    own: Dict[str, float]
    confidence: float
    expected: Expected

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "wished": self.wished,
            "threshold": self.common,
            "thresholds": dict(self.own),
            "confidence": self.confidence,
            "expected": self.expected._asdict(),
        }


def thresholds_for_precision(
    found: ScoredRelations, wished: float, *, labels: Collection[str], min_support: int = 100
) -> PrecisionThresholds:
    """The lowest thresholds with which a wished share of the reported relations is right.

    Of the relations above a threshold, the lower bound of Clopper and Pearson 1934
    (https://doi.org/10.1093/biomet/26.4.404) for the share of right ones has to reach the wished
    precision. How sure it has to be, and whether labels have thresholds of their own, is what does best
    in cross-validation over documents: of what reaches the wished precision there, that with the
    highest recall; if nothing does, that with the highest precision.

    Args:
        found: the relations of annotated documents, down to a low threshold.
        wished: the precision, in (0, 1).
        labels: labels that may have a threshold of their own.
        min_support: the fewest relations found of a label with a threshold of its own.

    Raises:
        ConfigError: if the wished precision is out of range.
    """
    if not 0.0 < wished < 1.0:
        raise ConfigError(f"precision must lie between 0 and 1, got {wished}")
    counts = numpy.bincount(found.columns, minlength=len(found.labels))
    frequent = [
        j for j, label in enumerate(found.labels) if label in labels and counts[j] >= min_support
    ]
    folds = fold_numbers(len(found.annotated), _N_FOLDS)[found.docs]
    n_annotated = int(found.annotated.sum())
    best: Optional[PrecisionThresholds] = None
    for own in [frequent, []] if frequent else [[]]:
        for confidence in _CONFIDENCES:
            right = kept = 0
            for fold in range(_N_FOLDS):
                train, rest = folds != fold, folds == fold
                limits = _limits(found, train, own, wished, confidence)
                reported = rest & (found.scores >= limits[found.columns])
                kept += int(reported.sum())
                right += int((reported & found.right).sum())
            prf = PRF(right, kept - right, n_annotated - right)
            expected = Expected(prf.precision, prf.recall)
            everything = numpy.ones(len(found.scores), dtype="bool")
            limits = _limits(found, everything, own, wished, confidence)
            common = _limit(found, ~numpy.isin(found.columns, own), wished, confidence)
            chosen = PrecisionThresholds(
                wished,
                common,
                {found.labels[j]: float(limits[j]) for j in own},
                confidence,
                expected,
            )
            if best is None or _rank(chosen) > _rank(best):
                best = chosen
    assert best is not None  # there is at least one confidence
    return best


def _rank(chosen: PrecisionThresholds) -> Any:
    expected = chosen.expected
    reaches = expected.precision >= chosen.wished
    return (reaches, expected.recall if reaches else expected.precision)


def _limits(
    found: ScoredRelations,
    rows: npt.NDArray[Any],
    own: List[int],
    wished: float,
    confidence: float,
) -> Floats:
    """The threshold of each label. *Shape:* ``(n_labels,)``."""
    limits = numpy.full(
        len(found.labels), _limit(found, rows & ~numpy.isin(found.columns, own), wished, confidence)
    )
    for j in own:
        limits[j] = _limit(found, rows & (found.columns == j), wished, confidence)
    return limits


def _limit(
    found: ScoredRelations, rows: npt.NDArray[Any], wished: float, confidence: float
) -> float:
    """The lowest threshold above which the bound of the precision reaches the wished one, or 1."""
    order = numpy.argsort(-found.scores[rows], kind="stable")
    scores, right = found.scores[rows][order], numpy.cumsum(found.right[rows][order])
    n = numpy.arange(1, len(scores) + 1)
    bounds = numpy.nan_to_num(beta.ppf(1 - confidence, right, n - right + 1))
    is_cut = numpy.append(scores[:-1] > scores[1:], True)[: len(scores)]
    enough = numpy.flatnonzero((bounds >= wished) & is_cut)
    if not len(enough):
        return 1.0
    last = enough[-1]
    least = float(scores[last])
    below = float(scores[last + 1]) if last + 1 < len(scores) else -1.0
    middle = least if below < 0 else (least + below) / 2
    for limit in (round(middle, 4), middle):  # decoders compare it as float32
        if below < float(numpy.float32(limit)) <= least:
            return limit
    return least


def fold_numbers(n_docs: int, n_folds: int) -> npt.NDArray[numpy.int64]:
    """The fold of each document, at random, always the same. *Shape:* ``(n_docs,)``."""
    order = numpy.random.default_rng(0).permutation(n_docs)
    folds = numpy.empty(n_docs, dtype="int64")
    folds[order] = numpy.arange(n_docs) % n_folds
    return folds
