"""Whether weights of tokens are those of the model: figures of faithfulness.

The first two are of DeYoung et al. 2020 (https://aclanthology.org/2020.acl-main.408), means over the
shares 1, 5, 10, 20 and 50 % of the tokens, at least one (the area over the perturbation curve).
"""

import math
from typing import List, Sequence

import numpy
import numpy.typing as npt
from scipy.stats import kendalltau

from .probe import Floats, Probe, probability

FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)


def comprehensiveness(
    probe: Probe, weights: Floats, fractions: Sequence[float] = FRACTIONS
) -> float:
    """What the probability loses if the weightiest tokens are masked; more is better.

    Args:
        probe: the relation.
        weights: of the tokens. *Shape:* ``(n_tokens,)``
        fractions: shares of the tokens.
    """
    scores = probe.score([probe.masked(top) for top in _tops(weights, fractions)])
    return float(numpy.mean([probability(probe.log_odds) - probability(s) for s in scores]))


def sufficiency(probe: Probe, weights: Floats, fractions: Sequence[float] = FRACTIONS) -> float:
    """What the probability loses if all but the weightiest tokens are masked; less is better.

    Args:
        probe: the relation.
        weights: of the tokens. *Shape:* ``(n_tokens,)``
        fractions: shares of the tokens.
    """
    everything = set(range(len(weights)))
    scores = probe.score(
        [probe.masked(everything - set(top.tolist())) for top in _tops(weights, fractions)]
    )
    return float(numpy.mean([probability(probe.log_odds) - probability(s) for s in scores]))


def agreement(weights: Floats, others: Floats) -> float:
    """Kendall's tau between the weights of two methods, such as any and occlusion.

    Args:
        weights: *Shape:* ``(n_tokens,)``
        others: *Shape:* ``(n_tokens,)``
    """
    return float(kendalltau(weights, others).statistic)


def random_weights(n_tokens: int, seed: int = 0) -> Floats:
    """Weights that say nothing, to compare with. *Shape:* ``(n_tokens,)``."""
    return numpy.random.default_rng(seed).random(n_tokens)


def _tops(weights: Floats, fractions: Sequence[float]) -> List[npt.NDArray[numpy.int64]]:
    order = numpy.argsort(-numpy.asarray(weights), kind="stable")
    return [order[: max(1, math.ceil(fraction * len(order)))] for fraction in fractions]
