"""From the logits of a model to probabilities."""

from thinc.api import get_array_module
from thinc.types import Floats2d

from .errors import ConfigError


def to_probabilities(
    logits: Floats2d, *, exclusive: bool, adaptive_threshold: bool = False
) -> Floats2d:
    """Probabilities of the labels of pairs, by the kind of labels.

    Args:
        logits: *Shape:* ``(n_pairs, n_outputs)``
        exclusive: softmax over the columns, ``NO_RELATION`` included, if True; otherwise a sigmoid
            of each column.
        adaptive_threshold: whether the first column is a threshold that the others are relative to.

    Returns:
        *Shape:* ``(n_pairs, n_outputs)``, or one column less with an adaptive threshold, which is
        not reported.
    """
    if exclusive:
        return softmax(logits)
    return sigmoid(logits[:, 1:] - logits[:, :1] if adaptive_threshold else logits)


def refuse_nan(probabilities: Floats2d, name: str) -> None:
    """Raise an error where a model computed no numbers, which would be taken for improbable labels.

    Args:
        probabilities: *Shape:* ``(n, n_outputs)``
        name: of the component, for the message.

    Raises:
        ConfigError: if a probability is not a number.
    """
    if bool(get_array_module(probabilities).isnan(probabilities).any()):
        raise ConfigError(
            f"{name}: the model computed scores that are no numbers, because weights or vectors are "
            "too large; try the precision float32 if it is another one, or train again with a lower "
            "learning rate"
        )


def softmax(logits: Floats2d) -> Floats2d:
    """Probabilities of exclusive labels. *Shape:* ``(n_pairs, n_labels)``."""
    xp = get_array_module(logits)
    exp = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


def sigmoid(logits: Floats2d) -> Floats2d:
    """Probabilities of multiple labels. *Shape:* ``(n_pairs, n_labels)``."""
    xp = get_array_module(logits)
    return 0.5 * (1.0 + xp.tanh(0.5 * logits))  # does not overflow
