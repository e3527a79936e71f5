"""Predictions of a classifier for pairs that it has not learnt from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Dict, List, Sequence

import numpy
import numpy.typing as npt

from ..evaluation.scoring import PRF
from ..types import NO_RELATION, FloatArray
from .pairs import Pair


@dataclass(frozen=True)
class Readings:
    """Probabilities of directed labels for pairs.

    Attributes:
        pairs: the pairs.
        labels: the label of each, as learnt.
        classes: all labels.
        probabilities: *Shape:* ``(n_pairs, n_classes)``.
    """

    pairs: Sequence[Pair]
    labels: Sequence[str]
    classes: Sequence[str]
    probabilities: FloatArray

    @cached_property
    def columns(self) -> Dict[str, int]:
        """The column of each label."""
        return {label: i for i, label in enumerate(self.classes)}

    @cached_property
    def best(self) -> List[str]:
        """The most probable label of each pair."""
        if not len(self.pairs):
            return []
        return [self.classes[i] for i in self.probabilities.argmax(axis=1)]

    def probability(self, row: int, label: str) -> float:
        """Probability of a label for a pair, 0 for labels that were never seen."""
        column = self.columns.get(label)
        return 0.0 if column is None else float(self.probabilities[row, column])

    @cached_property
    def thresholds(self) -> npt.NDArray[numpy.float32]:
        """Mean probability of each label over the pairs that have it. *Shape:* ``(n_classes,)``.

        A pair counts as one of a label from there on (Northcutt et al. 2021,
        https://doi.org/10.1613/jair.1.12125).
        """
        targets = numpy.asarray([self.columns[label] for label in self.labels], dtype="int64")
        own = self.probabilities[numpy.arange(len(targets)), targets]
        sums = numpy.bincount(targets, weights=own, minlength=len(self.classes))
        counts = numpy.bincount(targets, minlength=len(self.classes))
        return (sums / numpy.maximum(counts, 1)).astype("float32")

    def score(self) -> PRF:
        """Micro scores of the most probable labels; each pair is asked for one of its labels."""
        prf = PRF()
        for label, best in zip(self.labels, self.best):
            right = label == best
            prf.tp += right and label != NO_RELATION
            prf.fp += not right and best != NO_RELATION
            prf.fn += not right and label != NO_RELATION
        return prf
