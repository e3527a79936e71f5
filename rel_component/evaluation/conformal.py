"""Sets of labels that hold the right one with a wished probability: split conformal prediction.

See Vovk et al. 2005 (https://doi.org/10.1007/b106715), and for classes of their own Vovk 2012
(https://proceedings.mlr.press/v25/vovk12.html). Pairs of one document resemble each other, and only
documents can be exchanged: each document has one score, the worst of its pairs, so that the sets of all
pairs of a new document hold the right labels together.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Sequence, Tuple

import numpy
import numpy.typing as npt

from ..errors import ConfigError, shown
from ..types import NO_RELATION, BoolArray, Int32Array
from .intervals import Floats


@dataclass(frozen=True)
class LabelSets:
    """The least probabilities with which labels belong to the set of a pair.

    Pairs with a relation and pairs without have limits of their own (they are classes of their own in
    calibration), since almost all pairs have none.

    Args:
        coverage: the wished share of documents in which the sets of all related pairs hold all of their
            labels, and of those in which the sets of all unrelated pairs hold NO_RELATION.
        related: the least probability of a label; 0: all labels are in each set, because there are too
            few documents or none of them has a relation.
        unrelated: the least probability of NO_RELATION.

    Raises:
        ConfigError: if a number is no probability.
    """

    coverage: float
    related: float
    unrelated: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) not in (int, float) or not 0.0 <= value <= 1.0:
                raise ConfigError(f"label sets: {name} {shown(value)}; expected a probability")

    def to_dict(self) -> Dict[str, float]:
        """A dict for JSON."""
        return asdict(self)

    def members(self, probabilities: Floats) -> BoolArray:
        """Which labels belong to the sets of pairs.

        Args:
            probabilities: see :func:`with_none`. *Shape:* ``(n_pairs, 1 + n_labels)``

        Returns:
            *Shape:* ``(n_pairs, 1 + n_labels)``
        """
        limits = numpy.full(probabilities.shape[1], self.related)
        limits[:1] = self.unrelated
        return numpy.asarray(probabilities >= limits)

    def of_pairs(self, probabilities: Floats, labels: Sequence[str]) -> List[Tuple[str, ...]]:
        """The sets of pairs, the most probable label first.

        Args:
            probabilities: see :func:`with_none`. *Shape:* ``(n_pairs, 1 + n_labels)``
            labels: the labels, NO_RELATION not among them.
        """
        names = (NO_RELATION, *labels)
        members, order = self.members(probabilities), numpy.argsort(-probabilities, axis=1)
        return [
            tuple(names[j] for j in columns if members[i, j]) for i, columns in enumerate(order)
        ]


def with_none(probabilities: Floats, *, exclusive: bool) -> Floats:
    """Probabilities of NO_RELATION and of all labels.

    Where labels are not exclusive, NO_RELATION has what the most probable one leaves.

    Args:
        probabilities: of the labels, without NO_RELATION. *Shape:* ``(n_pairs, n_labels)``
        exclusive: whether the labels are.

    Returns:
        *Shape:* ``(n_pairs, 1 + n_labels)``
    """
    if exclusive:
        taken = probabilities.sum(axis=1, keepdims=True)
    else:
        taken = probabilities.max(axis=1, keepdims=True, initial=0.0)
    return numpy.concatenate([numpy.clip(1.0 - taken, 0.0, 1.0), probabilities], axis=1)


def fit_label_sets(
    probabilities: Floats,
    annotated: npt.NDArray[Any],
    docs: Int32Array,
    *,
    coverage: float = 0.9,
) -> LabelSets:
    """Limits with which the sets of all pairs of a new document hold the right labels.

    Args:
        probabilities: see :func:`with_none`. *Shape:* ``(n_pairs, 1 + n_labels)``
        annotated: whether pairs have labels. *Shape:* ``(n_pairs, n_labels)``
        docs: document of each pair. *Shape:* ``(n_pairs,)``
        coverage: share of documents, in (0, 1).

    Raises:
        ConfigError: if the coverage is out of range.
    """
    if not 0.0 < coverage < 1.0:
        raise ConfigError(f"coverage must lie between 0 and 1, got {coverage}")
    right = _right(annotated)
    limits = []
    for part in (slice(1, None), slice(0, 1)):
        worst = numpy.full(
            int(docs.max(initial=-1)) + 1, numpy.inf
        )  # the least probability of a right label
        rows, columns = numpy.nonzero(right[:, part])
        numpy.minimum.at(worst, docs[rows], probabilities[:, part][rows, columns])
        worst = numpy.sort(worst[numpy.isfinite(worst)])  # of documents that have such pairs
        # as many documents may be below it as the coverage leaves of these and a new one
        rank = math.floor((1 - coverage) * (len(worst) + 1) + 1e-9)
        # digits that files keep; a lower limit holds more
        limits.append(math.floor(worst[rank - 1] * 1e6) / 1e6 if rank else 0.0)
    return LabelSets(coverage, *limits)


@dataclass(frozen=True)
class Coverage:
    """What sets of labels hold.

    Attributes:
        documents: share of documents in which the sets of all related pairs hold all their labels, of
            those that have such pairs.
        unrelated_documents: the same for pairs without relation, and NO_RELATION.
        related: share of the labels of related pairs that are in the sets.
        unrelated: share of the pairs without relation whose set holds NO_RELATION.
        size: mean number of labels in the set of a related pair, NO_RELATION included.
        certain: share of pairs whose set holds one label only.
    """

    documents: float
    unrelated_documents: float
    related: float
    unrelated: float
    size: float
    certain: float

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON, with None in place of nan."""
        return {k: None if math.isnan(v) else v for k, v in vars(self).items()}


def measure_coverage(
    sets: LabelSets,
    probabilities: Floats,
    annotated: npt.NDArray[Any],
    docs: Int32Array,
) -> Coverage:
    """Measure what sets of labels hold, on other documents than they were calibrated on.

    Args:
        sets: the sets.
        probabilities: see :func:`fit_label_sets`, also for the rest.
        annotated: whether pairs have labels.
        docs: document of each pair.
    """
    members, right = sets.members(probabilities), _right(annotated)
    shares = []
    for part in (slice(1, None), slice(0, 1)):
        rows, columns = numpy.nonzero(right[:, part])
        held = members[:, part][rows, columns]
        has_pairs, document = numpy.unique(docs[rows], return_inverse=True)
        missed = numpy.bincount(document, weights=~held, minlength=len(has_pairs))
        shares.append((_mean(missed == 0), _mean(held)))
    sizes = members.sum(axis=1)
    (documents, related), (unrelated_documents, unrelated) = shares
    is_related = right[:, 1:].any(axis=1)
    return Coverage(
        documents,
        unrelated_documents,
        related,
        unrelated,
        _mean(sizes[is_related]),
        _mean(sizes == 1),
    )


def _right(annotated: npt.NDArray[Any]) -> BoolArray:
    """The labels of pairs, NO_RELATION first, which is that of pairs without any."""
    found = numpy.asarray(annotated, dtype="bool")
    return numpy.concatenate([~found.any(axis=1, keepdims=True), found], axis=1)


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
