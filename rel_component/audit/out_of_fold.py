"""Out-of-fold predictions: each pair is classified by a model that has not seen its document.

The baseline classifier is a logistic regression of each label against the rest, over hashed binary
features.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy

from ..evaluation.counts import PRF
from ..packages import import_package
from ..types import NO_RELATION, FloatArray
from .pairs import MentionPair

_N_FEATURES = 2**18  # bounds the memory of a classifier, whatever the size of the corpus
_EPOCHS = 10
_L2 = 1e-5


@dataclass(frozen=True)
class OutOfFoldPredictions:
    """Probabilities of directed labels for pairs.

    Attributes:
        pairs: the pairs.
        labels: the annotated label of each pair.
        classes: all labels.
        probabilities: *Shape:* ``(n_pairs, n_classes)``
    """

    pairs: Sequence[MentionPair]
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
    def thresholds(self) -> FloatArray:
        """Mean probability of each label over the pairs that have it. *Shape:* ``(n_classes,)``.

        A pair with at least this probability counts as one of the label (Northcutt et al. 2021,
        https://doi.org/10.1613/jair.1.12125). No threshold is above 0.99: the probabilities of a
        classifier that is sure of everything differ by chance.
        """
        targets = numpy.asarray([self.columns[label] for label in self.labels], dtype="int64")
        own = self.probabilities[numpy.arange(len(targets)), targets]
        sums = numpy.bincount(targets, weights=own, minlength=len(self.classes))
        counts = numpy.bincount(targets, minlength=len(self.classes))
        return numpy.minimum(sums / numpy.maximum(counts, 1), 0.99).astype("float32")

    def score(self) -> PRF:
        """Micro scores of the most probable labels; each pair is asked for one of its labels."""
        prf = PRF()
        for label, best in zip(self.labels, self.best):
            right = label == best
            prf.tp += right and label != NO_RELATION
            prf.fp += not right and best != NO_RELATION
            prf.fn += not right and label != NO_RELATION
        return prf


def predict_out_of_fold(
    rows: Iterable[Sequence[str]],
    labels: Sequence[str],
    groups: Sequence[int],
    *,
    folds: int = 10,
    max_rows: int = 30_000,
    seed: int = 0,
) -> Tuple[List[str], FloatArray]:
    """Probabilities of each row by a classifier that has not seen its group.

    Args:
        rows: features of each row; they are read once, so that a generator of them needs no memory.
        labels: label of each row.
        groups: group of each row, e.g. its document; a group stays in one fold.
        folds: number of folds.
        max_rows: the most rows to learn from; of more, so many are drawn.
        seed: seed of everything random.

    Returns:
        the classes, and probabilities, which are all 0 if there are no other groups to learn from.
        *Shape:* ``(n_rows, n_classes)``

    Raises:
        ConfigError: if scikit-learn is not installed.
    """
    classes, targets = numpy.unique(numpy.asarray(labels, dtype=object), return_inverse=True)
    result = numpy.zeros((len(labels), len(classes)), dtype="float32")
    n_folds = min(folds, len(set(groups)))
    if n_folds < 2:
        return classes.tolist(), result
    X = _encode(rows)  # (n_rows, n_features)
    split = import_package("sklearn.model_selection", "audit").GroupKFold(
        n_folds, shuffle=True, random_state=seed
    )
    random = numpy.random.default_rng(seed)
    for seen, asked in split.split(X, groups=numpy.asarray(groups)):
        if len(seen) > max_rows:
            seen = random.choice(seen, max_rows, replace=False)
        known = numpy.unique(targets[seen])
        result[numpy.ix_(asked, known)] = (
            1.0 if len(known) == 1 else _predict(X[seen], targets[seen], X[asked], seed)
        )
    return classes.tolist(), result


def _encode(rows: Iterable[Sequence[str]]) -> Any:
    """Rows of hashed binary features, each of length 1 so that many features do not weigh more."""
    hasher = import_package("sklearn.feature_extraction", "audit").FeatureHasher(
        _N_FEATURES, input_type="string", dtype="float32", alternate_sign=False
    )
    X = hasher.transform(set(row) for row in rows)
    X = X[:, numpy.unique(X.indices)]  # columns that occur
    return import_package("sklearn.preprocessing", "audit").normalize(X)


def _predict(X: Any, targets: Any, asked: Any, seed: int) -> FloatArray:
    model = import_package("sklearn.linear_model", "audit").SGDClassifier(
        loss="log_loss", alpha=_L2, max_iter=_EPOCHS, tol=None, average=True, random_state=seed
    )
    probabilities: FloatArray = model.fit(X, targets).predict_proba(asked)
    return probabilities
