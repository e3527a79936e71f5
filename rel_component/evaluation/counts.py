"""Counts of what is right, spurious and missed, and the scores of them."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import AbstractSet, Any, Dict, List, Optional, Sequence, Tuple

import numpy

from ..types import Int32Array

Key = Tuple[Any, str, Any]
"""What is compared, with its label in the middle; see :func:`.documents.relation_key`."""


@dataclass
class PRF:
    """Counts, with precision, recall and F1.

    Attributes:
        tp: true positives.
        fp: false positives.
        fn: false negatives.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    @property
    def precision(self) -> float:
        """Share of the predicted ones that are right, 0 if nothing was predicted."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """Share of the annotated ones that were predicted, 0 if nothing was annotated."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0

    def to_dict(self) -> Dict[str, float]:
        """``{"p": precision, "r": recall, "f": f1}``."""
        return {"p": self.precision, "r": self.recall, "f": self.f1}

    def __add__(self, other: "PRF") -> "PRF":
        return PRF(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


@dataclass
class LabelScores:
    """Counts per label, with micro and macro scores.

    Attributes:
        counts: the counts; of other labels they are 0.
    """

    counts: Dict[str, PRF] = field(default_factory=lambda: defaultdict(PRF))

    def add(self, gold: AbstractSet[Key], predicted: AbstractSet[Key]) -> None:
        """Count the relations of one document.

        Args:
            gold: keys of the annotated relations, see :func:`.documents.relation_key`.
            predicted: keys of the predicted relations.
        """
        for _, label, _ in gold & predicted:
            self.counts[label].tp += 1
        for _, label, _ in predicted - gold:
            self.counts[label].fp += 1
        for _, label, _ in gold - predicted:
            self.counts[label].fn += 1

    def update(self, other: "LabelScores") -> None:
        """Add the counts of other documents."""
        for label, prf in other.counts.items():
            self.counts[label] += prf

    @property
    def micro(self) -> PRF:
        """Counts of all labels together."""
        return sum(self.counts.values(), PRF())

    @property
    def macro(self) -> Dict[str, float]:
        """Unweighted means over the labels that were annotated or predicted."""
        values = list(self.counts.values())
        n = max(len(values), 1)
        return {
            # exact sums, because the order of the labels is that of a set
            "p": math.fsum(prf.precision for prf in values) / n,
            "r": math.fsum(prf.recall for prf in values) / n,
            "f": math.fsum(prf.f1 for prf in values) / n,
        }

    def to_dict(self, prefix: str, *, empty: Optional[float] = None) -> Dict[str, Any]:
        """Micro and macro scores under ``<prefix>_micro_p`` and so on.

        Args:
            prefix: name of the scores.
            empty: the scores if nothing was annotated or predicted.

        Returns:
            the scores, and under ``<prefix>_n`` the number of annotated relations.
        """
        total = self.micro
        micro, macro = total.to_dict(), self.macro
        occurs = total != PRF()
        scores: Dict[str, Any] = {f"{prefix}_n": total.tp + total.fn}
        for key in ("p", "r", "f"):
            scores[f"{prefix}_micro_{key}"] = micro[key] if occurs else empty
            scores[f"{prefix}_macro_{key}"] = macro[key] if occurs else empty
        return scores


def stack_counts(scores: Sequence[LabelScores]) -> Tuple[List[str], Int32Array]:
    """Several counts as one array.

    Args:
        scores: counts per label, e.g. of each document.

    Returns:
        the labels that occur, in alphabetical order, and for each of the scores and labels true
        positives, false positives and false negatives. *Shape:* ``(n_scores, n_labels, 3)``
    """
    labels = sorted({label for counts in scores for label in counts.counts})
    stacked = numpy.zeros((len(scores), len(labels), 3), dtype="int32")
    for i, counts in enumerate(scores):
        for label, prf in counts.counts.items():
            stacked[i, labels.index(label)] = (prf.tp, prf.fp, prf.fn)
    return labels, stacked
