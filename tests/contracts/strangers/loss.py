"""A loss: the squared distance of sigmoids from the targets, for multiple labels."""

from typing import Sequence, Tuple

from thinc.types import Floats2d

from rel_component.errors import ConfigError
from rel_component.losses import sigmoid
from rel_component.types import LossFunction


def build() -> LossFunction:
    return squared_distance


def squared_distance(
    logits: Floats2d, targets: Floats2d, *, labels: Sequence[str], exclusive: bool
) -> Tuple[float, Floats2d]:
    if exclusive:
        raise ConfigError("The squared distance is for multiple labels: set exclusive = false.")
    n_pairs = max(len(logits), 1)
    p = sigmoid(logits)
    gradient = 2 * (p - targets) * p * (1 - p) / n_pairs
    return float(((p - targets) ** 2).sum() / n_pairs), gradient.astype(logits.dtype)
