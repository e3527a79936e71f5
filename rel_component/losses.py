"""Losses over candidate pairs.

A loss is a :class:`~rel_component.types.LossFunction`. It is the mean over the pairs. With exclusive
labels the outputs pass a softmax and each row of the targets sums to 1; otherwise each output passes a
sigmoid, and targets are 0.0 or 1.0. With exclusive labels, and with a learned threshold, the first label
is ``NO_RELATION``.
"""

from functools import partial
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy
from thinc.api import get_array_module
from thinc.types import Floats2d

from .errors import ConfigError
from .label_numbers import LabelNumbers, check_keys, read_numbers
from .layers.rows import count_within
from .probabilities import sigmoid, softmax
from .types import NO_RELATION, BoolArray, Int32Array, LossFunction

_NEEDS_EXCLUSIVE = (
    "cross_entropy needs exclusive labels: set exclusive = true, or use "
    "rel_component.binary_cross_entropy.v1 or rel_component.focal.v1."
)
_NEEDS_MULTIPLE = (
    "binary_cross_entropy is for multiple labels: set exclusive = false, or use "
    "rel_component.cross_entropy.v1 or rel_component.focal.v1."
)


def configure_cross_entropy(class_weights: LabelNumbers = None) -> LossFunction:
    """Categorical cross-entropy for exclusive labels (``rel_component.cross_entropy.v1``).

    Args:
        class_weights: factors of the loss by label, ``NO_RELATION`` included; 1.0 where not given. Or
            pairs of label and factor, for labels that cannot be keys of a config, such as
            ``org:founded_by``.

    Raises:
        ConfigError: if a weight is negative, a label no key of a config, or at the first call if
            labels are not exclusive.
    """
    return partial(_focal, gamma=0.0, weights=_read_weights(class_weights), needs=True)


def configure_focal(gamma: float = 2.0, class_weights: LabelNumbers = None) -> LossFunction:
    """Focal loss, which gives easy pairs less weight (``rel_component.focal.v1``).

    It works with exclusive and with multiple labels (Lin et al. 2017,
    https://arxiv.org/abs/1708.02002).

    Args:
        gamma: focusing exponent, 0 or more; 0 is cross-entropy.
        class_weights: factors of the loss by label, ``NO_RELATION`` included; 1.0 where not given. Or
            pairs of label and factor, for labels that cannot be keys of a config, such as
            ``org:founded_by``.

    Raises:
        ConfigError: if gamma or a weight is negative, or a label no key of a config.
    """
    if gamma < 0:
        raise ConfigError(f"gamma must be 0 or more, got {gamma}")
    return partial(_focal, gamma=gamma, weights=_read_weights(class_weights))


def configure_binary_cross_entropy(class_weights: LabelNumbers = None) -> LossFunction:
    """Binary cross-entropy for multiple labels (``rel_component.binary_cross_entropy.v1``).

    Args:
        class_weights: factors of the positive part of the loss by label, or pairs of label and factor;
            1.0 where not given.

    Raises:
        ConfigError: if a weight is negative, a label no key of a config, or at the first call if
            labels are exclusive.
    """
    return partial(_focal, gamma=0.0, weights=_read_weights(class_weights), needs=False)


def configure_adaptive_threshold() -> LossFunction:
    """Adaptive-threshold loss for multiple labels (``rel_component.adaptive_threshold.v1``).

    Each pair learns a threshold of its own, the logit of ``NO_RELATION``: labels that hold are to
    rise above it, and the others to stay below. The loss needs no tuned threshold and suffers little
    from the many pairs without relation. It is for components with ``adaptive_threshold = true``.
    See Zhou et al. 2021 (https://arxiv.org/abs/2010.11304), section 4.1.

    Raises:
        ConfigError: at the first call if there is no column for the threshold.
    """
    return _adaptive_threshold


def configure_adaptive_focal(gamma: float = 1.0) -> LossFunction:
    """Adaptive-threshold loss that gives hard labels more weight (``rel_component.adaptive_focal.v1``).

    Each label that holds is compared with the threshold alone, so that the labels of one pair do not
    push each other down, and weighs the more the less probable it still is. For the other labels it
    is ``rel_component.adaptive_threshold.v1``. It helps labels with few examples. See Tan et al. 2022
    (https://aclanthology.org/2022.findings-acl.132/), section 2.3.

    Args:
        gamma: focusing exponent, 0 or more; 0 gives each label that holds the same weight.

    Raises:
        ConfigError: if gamma is negative, or at the first call if there is no column for the
            threshold.
    """
    if gamma < 0:
        raise ConfigError(f"gamma must be 0 or more, got {gamma}")
    return partial(_adaptive_threshold, gamma=gamma)


def disagreement(
    first: Floats2d, second: Floats2d, *, exclusive: bool
) -> Tuple[float, Floats2d, Floats2d]:
    """The symmetric Kullback-Leibler divergence of two predictions for the same pairs.

    Between two passes under different dropout it regularises training: R-Drop, Liang et al. 2021
    (https://arxiv.org/abs/2106.14448).

    Args:
        first: logits of one pass. *Shape:* ``(n_pairs, n_labels)``
        second: logits of the other pass. *Shape:* ``(n_pairs, n_labels)``
        exclusive: softmax over the columns if True, a sigmoid for each of them if False.

    Returns:
        the mean over the pairs, and the gradients of both. *Shape:* ``(n_pairs, n_labels)``
    """
    xp = get_array_module(first)
    if not first.shape[0]:
        return 0.0, xp.zeros_like(first), xp.zeros_like(second)
    squash = softmax if exclusive else sigmoid
    p: Any = squash(first)
    q: Any = squash(second)
    # The logits may stand for the log-probabilities: their difference is the same up to a constant
    # by row, which p - q, with a sum of zero, does not see. For sigmoids they are the log-odds.
    gap: Any = first - second
    scale = 0.5 / first.shape[0]
    loss = float(((p - q) * gap).sum()) * scale
    if exclusive:
        d_first = p * (gap - (p * gap).sum(axis=1, keepdims=True)) + (p - q)
        d_second = -q * (gap - (q * gap).sum(axis=1, keepdims=True)) - (p - q)
    else:
        d_first = p * (1.0 - p) * gap + (p - q)
        d_second = -q * (1.0 - q) * gap - (p - q)
    return loss, (d_first * scale).astype(first.dtype), (d_second * scale).astype(first.dtype)


def divergence(
    logits: Floats2d,
    target: Floats2d,
    *,
    exclusive: bool,
    relative: bool = False,
    rows: Optional[BoolArray] = None,
) -> Tuple[float, Floats2d]:
    """The Kullback-Leibler divergence of predictions from those that they are to equal.

    Args:
        logits: *Shape:* ``(n, n_columns)``
        target: logits that learn nothing. *Shape:* ``(n, n_columns)``
        exclusive: softmax over the columns if True, a sigmoid for each of them if False.
        relative: whether the sigmoids are those of differences to the first column.
        rows: which rows count; None: all. *Shape:* ``(n,)``

    Returns:
        the mean over the rows that count, and the gradient of the logits. *Shape:* ``(n, n_columns)``
    """
    xp = get_array_module(logits)
    d_logits: Any = xp.zeros_like(logits)
    n = logits.shape[0] if rows is None else int(rows.sum())
    if not n:
        return 0.0, d_logits
    q: Any = logits
    p: Any = target
    if relative and not exclusive:
        q, p = q[:, 1:] - q[:, :1], p[:, 1:] - p[:, :1]
    if exclusive:
        log_q, log_p = (x - _log_sum(xp, x) for x in (q, p))
        losses = (xp.exp(log_p) * (log_p - log_q)).sum(axis=1)
        gradient = xp.exp(log_q) - xp.exp(log_p)
    else:
        on = sigmoid(p) * (xp.logaddexp(0, -q) - xp.logaddexp(0, -p))
        off = sigmoid(-p) * (xp.logaddexp(0, q) - xp.logaddexp(0, p))
        losses = (on + off).sum(axis=1)
        gradient = sigmoid(q) - sigmoid(p)
    if rows is not None:
        losses, gradient = losses * rows, gradient * rows[:, None]
    if relative and not exclusive:
        gradient = xp.concatenate([-gradient.sum(axis=1, keepdims=True), gradient], axis=1)
    d_logits[:] = gradient / n
    return float(losses.sum()) / n, d_logits


def _log_sum(xp: Any, logits: Any) -> Any:
    """The logarithm of the sum of the exponentials of each row. *Shape:* ``(n, 1)``."""
    highest = logits.max(axis=1, keepdims=True)
    return highest + xp.log(xp.exp(logits - highest).sum(axis=1, keepdims=True))


def with_agreement(loss: LossFunction, weight: float) -> LossFunction:
    """A loss that pulls two passes of the same pairs towards each other.

    Args:
        loss: the loss of each pass.
        weight: factor of the :func:`disagreement` between the passes.

    Returns:
        a loss whose logits are those of both passes, one below the other, and whose targets are
        those of one pass. Its value is the sum over both passes.
    """

    def loss_of_two(
        logits: Floats2d, targets: Floats2d, *, labels: Sequence[str], exclusive: bool
    ) -> Tuple[float, Floats2d]:
        xp = get_array_module(logits)
        passes = xp.split(logits, 2)
        values, gradients = zip(
            *(loss(one, targets, labels=labels, exclusive=exclusive) for one in passes)
        )
        gap, *d_gap = disagreement(*passes, exclusive=exclusive)
        d_logits = xp.concatenate(gradients) + weight * xp.concatenate(d_gap)
        return sum(values) + weight * gap, d_logits.astype(logits.dtype)

    return loss_of_two


def marginal_antecedents(
    scores: Floats2d, gold: BoolArray, anaphors: Int32Array
) -> Tuple[float, Floats2d]:
    """The negative log-likelihood of the right antecedents of each anaphor, whichever it takes.

    The antecedents of an anaphor compete with each other and with a null antecedent, whose score is
    0 and which is right where no other is. The probabilities of all that are right are added up:
    Lee et al. 2017 (https://aclanthology.org/D17-1018), section 5.

    Args:
        scores: of pairs of an antecedent with an anaphor. *Shape:* ``(n_pairs, 1)``
        gold: whether the two are coreferent. *Shape:* ``(n_pairs,)``
        anaphors: number of the anaphor of each pair, in any order. *Shape:* ``(n_pairs,)``

    Returns:
        the mean over the anaphors, and the gradient. *Shape:* ``(n_pairs, 1)``
    """
    xp = get_array_module(scores)
    if not len(scores):
        return 0.0, xp.zeros_like(scores)
    # a row for each anaphor: the null antecedent, and the others in the columns after it
    order = numpy.argsort(anaphors, kind="stable")
    _, sizes = numpy.unique(anaphors, return_counts=True)
    rows = xp.asarray(numpy.repeat(numpy.arange(len(sizes)), sizes))
    columns = xp.asarray(count_within(sizes) + 1)
    table = xp.zeros((len(sizes), int(sizes.max()) + 1), dtype=scores.dtype)
    candidates, right = xp.zeros(table.shape, dtype="bool"), xp.zeros(table.shape, dtype="bool")
    table[rows, columns] = scores[xp.asarray(order), 0]
    right[rows, columns] = xp.asarray(gold[order])
    candidates[rows, columns] = True
    candidates[:, 0] = True
    right[:, 0] = ~right.any(axis=1)
    log_p, p = _masked_log_softmax(table, candidates)
    log_q, q = _masked_log_softmax(table, right)
    # the probability of one that is right, by its share of them, is that of all that are right
    total = ((log_p[right] - log_q[right]) * q[right]).sum()
    d_scores = xp.zeros_like(scores)
    d_scores[xp.asarray(order), 0] = (p - q)[rows, columns] / len(sizes)
    return -float(total) / len(sizes), d_scores


def class_weights_of(loss: LossFunction) -> Dict[str, float]:
    """The class weights of a loss of this module; none if it has none, or is of another package."""
    if isinstance(loss, partial) and loss.func is _focal:
        return dict(loss.keywords["weights"])
    return {}


def _read_weights(class_weights: LabelNumbers) -> Dict[str, float]:
    check_keys(class_weights, "class_weights")
    weights = read_numbers(class_weights, "class_weights")
    for label, weight in weights.items():
        if weight < 0:
            raise ConfigError(f"class_weights.{label} must be 0 or more, got {weight}")
    return weights


def _focal(
    logits: Floats2d,
    targets: Floats2d,
    *,
    labels: Sequence[str],
    exclusive: bool,
    gamma: float,
    weights: Dict[str, float],
    needs: Optional[bool] = None,
) -> Tuple[float, Floats2d]:
    """The loss with weights of labels; `needs`: the value of `exclusive` that it is for, if one."""
    if needs is not None and needs != exclusive:
        raise ConfigError(_NEEDS_EXCLUSIVE if needs else _NEEDS_MULTIPLE)
    xp = get_array_module(logits)
    n_pairs = logits.shape[0]
    if not n_pairs:
        return 0.0, xp.zeros_like(logits)
    row = xp.asarray([[weights.get(label, 1.0) for label in labels]], dtype="float32")
    compute = _softmax_loss if exclusive else _sigmoid_loss
    loss, d_logits = compute(xp, logits, targets, row, gamma)
    return float(loss) / n_pairs, (d_logits / n_pairs).astype(logits.dtype)


def _adaptive_threshold(
    logits: Floats2d,
    targets: Floats2d,
    *,
    labels: Sequence[str],
    exclusive: bool,
    gamma: Optional[float] = None,
) -> Tuple[float, Floats2d]:
    """The loss with a threshold; `gamma`: the exponent of its focal variant, if it is that one."""
    if exclusive or not labels or labels[0] != NO_RELATION:
        name = "adaptive_threshold" if gamma is None else "adaptive_focal"
        raise ConfigError(f"{name} needs exclusive = false and adaptive_threshold = true.")
    xp = get_array_module(logits)
    n_pairs = logits.shape[0]
    if not n_pairs:
        return 0.0, xp.zeros_like(logits)
    positive = targets > 0
    positive[:, 0] = False
    threshold = xp.zeros_like(positive)
    threshold[:, 0] = True
    # the labels that hold against the threshold, and the threshold against the other labels
    log_q, q = _masked_log_softmax(logits, ~positive)
    if gamma is None:
        log_p, p = _masked_log_softmax(logits, positive | threshold)
        n_positive = positive.sum(axis=1, keepdims=True)
        total, d_positive = log_p[positive].sum(), n_positive * p - positive
    else:
        total, d_positive = _above_threshold(xp, logits, positive, gamma)
    total += log_q[threshold].sum()
    d_logits = d_positive + q - threshold
    return -float(total) / n_pairs, (d_logits / n_pairs).astype(logits.dtype)


def _above_threshold(xp: Any, logits: Any, positive: Any, gamma: float) -> Tuple[Any, Any]:
    """Weighted log-probabilities that labels rise above the first column, and the loss's gradient."""
    z = logits - logits[:, :1]
    log_p = -xp.logaddexp(0.0, -z)
    rest = 1.0 - xp.exp(log_p)
    weight = 1.0 + rest**gamma
    total = (weight * log_p)[positive].sum()
    # loss = -(1 + (1 - p)^gamma) * log p of z
    d_z = positive * (gamma * rest**gamma * xp.exp(log_p) * log_p - rest * weight)
    d_z[:, 0] = -d_z.sum(axis=1)
    return total, d_z


def _masked_log_softmax(logits: Floats2d, mask: Any) -> Tuple[Any, Any]:
    """Log-probabilities and probabilities over the columns of a mask; the others have none."""
    xp = get_array_module(logits)
    masked = xp.where(mask, logits, -xp.inf)
    shifted = masked - xp.max(masked, axis=1, keepdims=True)
    exp = xp.exp(shifted)
    total = exp.sum(axis=1, keepdims=True)
    return shifted - xp.log(total), exp / total


def _softmax_loss(
    xp: Any, logits: Any, targets: Any, weights: Any, gamma: float
) -> Tuple[Any, Any]:
    """The sum over all pairs, and its gradient."""
    shifted = logits - xp.max(logits, axis=1, keepdims=True)
    log_p = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
    p = xp.exp(log_p)
    factors = targets * weights
    # loss = sum_k factor_k * -(1 - p_k)^gamma * log p_k; with u_k its derivative by log p_k,
    # d loss / d logit_j = u_j - p_j * sum_k u_k
    rest = xp.clip(1.0 - p, 1e-7, 1.0)
    u = -factors * rest**gamma
    loss = (u * log_p).sum()
    if gamma:
        u += factors * gamma * rest ** (gamma - 1.0) * p * log_p
    return loss, u - p * u.sum(axis=1, keepdims=True)


def _sigmoid_loss(
    xp: Any, logits: Any, targets: Any, weights: Any, gamma: float
) -> Tuple[Any, Any]:
    """The sum over all pairs, and its gradient."""
    # With z the logit of being right, p = sigmoid(z) and loss = -(1 - p)^gamma * log p
    sign = 2.0 * targets - 1.0
    log_p = -xp.logaddexp(0.0, -sign * logits)
    p = xp.exp(log_p)
    rest = xp.clip(1.0 - p, 1e-7, 1.0)
    factors = xp.where(targets > 0, weights, 1.0)
    d_z = -factors * rest ** (gamma + 1.0)
    if gamma:
        d_z += factors * gamma * rest**gamma * p * log_p
    return -(factors * rest**gamma * log_p).sum(), sign * d_z
