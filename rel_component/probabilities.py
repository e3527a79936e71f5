"""From the logits of a model to probabilities, calibrated ones where a temperature is known."""

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy
from thinc.api import get_array_module
from thinc.types import Floats2d

from .errors import ConfigError, shown
from .types import BoolArray

LEAST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0

_UNASKED = -1e4  # a logit whose probability is 0


@dataclass(frozen=True)
class Temperature:
    """What the log-odds of labels are divided by, so that probabilities are as they come true.

    Above 1, probabilities come nearer to each other. See Guo et al. 2017
    (https://arxiv.org/abs/1706.04599).

    Args:
        common: that of all labels without one of their own.
        labels: those of single labels.

    Raises:
        ConfigError: if one is no number in [0.05, 20].
    """

    common: float = 1.0
    labels: Dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.labels, dict):
            raise ConfigError(
                f"temperature: labels {shown(self.labels)}; expected numbers by label"
            )
        for place, value in {"common": self.common, **self.labels}.items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not LEAST_TEMPERATURE <= value <= HIGHEST_TEMPERATURE:
                raise ConfigError(
                    f"temperature of {shown(place)}: {shown(value)}; expected a number in "
                    f"[{LEAST_TEMPERATURE}, {HIGHEST_TEMPERATURE}]"
                )

    @classmethod
    def from_dict(cls, data: Any) -> "Temperature":
        """Read what :meth:`to_dict` returned.

        Raises:
            ConfigError: if it is something else.
        """
        if not isinstance(data, dict) or data.keys() != {"common", "labels"}:
            raise ConfigError(f"temperature {shown(data)}; expected common and labels")
        return cls(data["common"], data["labels"])

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {"common": self.common, "labels": dict(self.labels)}

    def divide(self, log_odds: Floats2d, labels: Sequence[str]) -> Floats2d:
        """Divide log-odds by the temperatures of their labels.

        Args:
            log_odds: *Shape:* ``(n_pairs, n_labels)``
            labels: those of the columns.
        """
        xp = get_array_module(log_odds)
        values = [self.labels.get(label, self.common) for label in labels]
        return log_odds / xp.asarray(values, dtype=log_odds.dtype)


def to_probabilities(
    logits: Floats2d,
    *,
    exclusive: bool,
    adaptive_threshold: bool = False,
    temperature: Optional[Temperature] = None,
    labels: Sequence[str] = (),
) -> Floats2d:
    """Probabilities of the labels of pairs, by the kind of labels.

    Args:
        logits: *Shape:* ``(n_pairs, n_outputs)``
        exclusive: softmax over the columns, ``NO_RELATION`` included, if True; otherwise a sigmoid
            of each column.
        adaptive_threshold: whether the first column is a threshold that the others are relative to.
        temperature: calibrates the probabilities; None: they are as the model has them. Log-odds
            of exclusive labels are those against ``NO_RELATION``.
        labels: names of the columns, ``NO_RELATION`` and the threshold not among them; only a
            temperature needs them.

    Returns:
        *Shape:* ``(n_pairs, n_outputs)``, or one column less with an adaptive threshold, which is
        not reported.
    """
    if temperature is None:
        if exclusive:
            return softmax(logits)
        return sigmoid(logits[:, 1:] - logits[:, :1] if adaptive_threshold else logits)
    is_relative = exclusive or adaptive_threshold
    log_odds = logits[:, 1:] - logits[:, :1] if is_relative else logits
    log_odds = temperature.divide(log_odds, labels)
    if not exclusive:
        return sigmoid(log_odds)
    xp = get_array_module(logits)
    return softmax(xp.concatenate([xp.zeros_like(logits[:, :1]), log_odds], axis=1))


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


def without_unasked(
    logits: Floats2d, asked: Optional[BoolArray]
) -> Tuple[Floats2d, Optional[Floats2d]]:
    """Make labels that a pair is not asked about improbable.

    Args:
        logits: those of the labels, perhaps after one of NO_RELATION. *Shape:* ``(n_pairs, n_outputs)``
        asked: the labels that each pair is asked about; None: all. *Shape:* ``(n_pairs, n_labels)``

    Returns:
        the logits; and 1.0 where one is asked about, 0.0 where not, by which gradients are multiplied;
        None: all are.
    """
    if asked is None:
        return logits, None
    n_first = logits.shape[1] - asked.shape[1]
    columns = numpy.pad(asked, ((0, 0), (n_first, 0)), constant_values=True)
    xp: Any = get_array_module(logits)
    mask: Any = xp.asarray(columns.astype("float32"))
    return logits * mask + _UNASKED * (1.0 - mask), mask
