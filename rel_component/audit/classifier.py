"""A small classifier: multinomial logistic regression on sparse binary features."""

import random
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy
from thinc.api import NumpyOps

from ..types import FloatArray, Int32Array

Features = Sequence[str]
Row = Int32Array
"""The features of a row as different numbers."""

_OPS = NumpyOps()
_BATCH = 256
_PREDICTED_AT_ONCE = 2048


class Classifier:
    """Logistic regression, trained with AdaGrad (Duchi et al. 2011) on the rows that a batch touches.

    Each row has length 1, so that rows with many features do not weigh more.

    Args:
        epochs: passes over the data.
        learn_rate: step size.
        l2: decay of the weights in a step.
        min_count: rows that a feature must occur in.
        seed: seed of the order of the rows.
    """

    def __init__(
        self,
        *,
        epochs: int = 8,
        learn_rate: float = 0.5,
        l2: float = 1e-4,
        min_count: int = 2,
        seed: int = 0,
    ) -> None:
        self.epochs, self.learn_rate, self.l2 = epochs, learn_rate, l2
        self.min_count, self.seed = min_count, seed
        self._column = numpy.zeros(0, dtype="int32")
        self._weights: FloatArray = numpy.zeros((1, 0), dtype="float32")

    def fit(self, rows: Sequence[Row], targets: Sequence[int], n_classes: int) -> "Classifier":
        """Learn from rows of features and the numbers of their classes."""
        counts = numpy.bincount(numpy.concatenate(rows))
        kept = counts >= self.min_count
        # column 0 is the bias, which every row has, and stands for features that are not kept
        self._column = numpy.where(kept, numpy.cumsum(kept), 0).astype("int32")
        self._weights = numpy.zeros((int(kept.sum()) + 1, n_classes), dtype="float32")
        squares = numpy.full_like(self._weights, 1e-6)
        order = list(range(len(rows)))
        rng = random.Random(self.seed)
        rng.shuffle(order)
        batches = []
        for i in range(0, len(order), _BATCH):
            chosen = order[i : i + _BATCH]
            flat = _flatten([self._encode(rows[j]) for j in chosen])
            batches.append(
                _Batch.of(flat, numpy.asarray([targets[j] for j in chosen], dtype="int32"))
            )
        for _ in range(self.epochs):
            rng.shuffle(batches)
            for batch in batches:
                self._update(batch, squares)
        return self

    def predict(self, rows: Sequence[Row]) -> FloatArray:
        """Probabilities of the classes. *Shape:* ``(n_rows, n_classes)``."""
        blocks = [numpy.zeros((0, self._weights.shape[1]), dtype="float32")]
        for i in range(0, len(rows), _PREDICTED_AT_ONCE):
            block = [self._encode(row) for row in rows[i : i + _PREDICTED_AT_ONCE]]
            blocks.append(self._forward(_flatten(block)))
        return numpy.concatenate(blocks)

    def _encode(self, row: Row) -> Row:
        columns = self._column[row[row < len(self._column)]]
        return numpy.concatenate([numpy.zeros(1, dtype="int32"), columns[columns > 0]])

    def _forward(self, rows: "_Rows") -> FloatArray:
        sums = _OPS.reduce_sum(self._weights[rows.features], rows.lengths)
        logits = sums / _norms(rows.lengths)
        exp = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        result: FloatArray = exp / exp.sum(axis=1, keepdims=True)
        return result

    def _update(self, batch: "_Batch", squares: FloatArray) -> None:
        lengths, touched = batch.rows.lengths, batch.touched
        errors = self._forward(batch.rows)
        errors[numpy.arange(len(lengths)), batch.targets] -= 1.0
        errors /= _norms(lengths) * len(lengths)
        gradient = self.l2 * self._weights[touched]
        _OPS.scatter_add(gradient, batch.places, errors[batch.owners])
        squares[touched] += gradient**2
        self._weights[touched] -= self.learn_rate * gradient / numpy.sqrt(squares[touched])


class _Rows(NamedTuple):
    """The features of several rows one after the other, and their number per row."""

    features: Row
    lengths: Int32Array


class _Batch(NamedTuple):
    """Rows to learn from.

    among these. targets: the class of each row.

    Attributes:
        owners: the row of each feature.
        touched: the distinct features.
        places: where each feature is
    """

    rows: _Rows
    owners: Row
    touched: Row
    places: Int32Array
    targets: Row

    @classmethod
    def of(cls, rows: _Rows, targets: Row) -> "_Batch":
        touched, places = numpy.unique(rows.features, return_inverse=True)
        owners = numpy.repeat(numpy.arange(len(targets), dtype="int32"), rows.lengths)
        return cls(rows, owners, touched, places.astype("int32"), targets)


def out_of_fold(
    rows: Iterable[Features],
    labels: Sequence[str],
    groups: Sequence[int],
    *,
    folds: int = 10,
    max_rows: int = 30_000,
    seed: int = 0,
) -> Tuple[List[str], FloatArray]:
    """Probabilities of each row by a classifier that has not seen its group.

    Args:
        rows: features; read once, so that a generator of them needs no memory.
        labels: their labels.
        groups: group of each row, e.g. its document; groups stay together.
        folds: number of parts that the groups are dealt to.
        max_rows: the most rows to learn from; more are drawn from.
        seed: seed of everything random.

    Returns:
        the classes, and probabilities of *Shape:* ``(n_rows, n_classes)``.
    """
    rng = random.Random(seed)
    members = sorted(set(groups))
    rng.shuffle(members)
    fold_of = {group: i % folds for i, group in enumerate(members)}
    classes = sorted(set(labels))
    index = {label: i for i, label in enumerate(classes)}
    targets = [index[label] for label in labels]
    encoded = _number(rows)
    result = numpy.zeros((len(labels), len(classes)), dtype="float32")
    for fold in range(folds):
        seen = [i for i, group in enumerate(groups) if fold_of[group] != fold]
        asked = [i for i, group in enumerate(groups) if fold_of[group] == fold]
        if not seen or not asked:
            continue
        seen = rng.sample(seen, max_rows) if len(seen) > max_rows else seen
        model = Classifier(seed=seed)
        model.fit([encoded[i] for i in seen], [targets[i] for i in seen], len(classes))
        result[asked] = model.predict([encoded[i] for i in asked])
    return classes, result


def _number(rows: Iterable[Features]) -> List[Row]:
    numbers: Dict[str, int] = {}
    return [
        numpy.unique([numbers.setdefault(feature, len(numbers)) for feature in row]).astype("int32")
        for row in rows
    ]


def _flatten(rows: Sequence[Row]) -> _Rows:
    lengths = numpy.asarray([len(row) for row in rows], dtype="int32")
    return _Rows(numpy.concatenate(rows), lengths)


def _norms(lengths: Int32Array) -> FloatArray:
    norms: FloatArray = numpy.sqrt(lengths.astype("float32"))[:, None]
    return norms
