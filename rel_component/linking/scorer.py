"""``rel_component.CandidateScorer.v1``: a logistic layer over the features of candidates.

Its first weights are sensible ones for names of people, places, organisations and terms, so that it can
be used without training.
"""

from typing import Dict, Tuple, cast

import numpy
from thinc.api import Adam, Linear, Model
from thinc.types import Floats2d

from ..errors import ConfigError, did_you_mean, listed, shown
from ..types import FloatArray, Int32Array
from .candidates import FEATURES, LinkCandidates

_BIAS = -4.5
_WEIGHTS = {
    "same letters": 0.3,
    "same name": 3.0,
    "same words": 2.0,
    "trigrams": 1.5,
    "similarity": 3.0,
    "first name": 0.3,
    "share in training": 3.0,
    "not seen in training": -1.5,
    "abbreviation": 0.3,
    "longer name": -1.5,
    "own name beside it": -1.5,
    "type": 0.7,
    "other type": -3.0,
    "prior": 0.4,
    "context": 1.0,
    "short": -2.0,
    "ambiguity": -0.2,
    "meant elsewhere": 0.5,
    "shared words": 1.0,
    "in the text": 2.5,
    "other words": -1.5,
}


def build_candidate_scorer(
    weights: Dict[str, float] = {},  # noqa: B006  # never changed; shown in filled configs
    bias: float = _BIAS,
) -> Model[Floats2d, Floats2d]:
    """Build a CandidateScorer, which gives each candidate the logarithm of its odds against no link.

    Args:
        weights: first weights of features, in place of those of :data:`FEATURES` that it has.
        bias: the first logit of a candidate whose features are all 0.

    Returns:
        a model from features, *Shape:* ``(n_candidates, n_features)``, to logits, *Shape:*
        ``(n_candidates, 1)``

    Raises:
        ConfigError: if there is no such feature.
    """
    for name in weights:
        if name not in FEATURES:
            raise ConfigError(
                f"no feature of candidates is named {shown(name)}{did_you_mean(name, FEATURES)} "
                f"There are: {listed(FEATURES)}"
            )
    model = Linear(nO=1, nI=len(FEATURES))
    values = {**_WEIGHTS, **weights}
    model.set_param("W", model.ops.asarray2f([[values[name] for name in FEATURES]]))
    model.set_param("b", model.ops.asarray1f([bias]))
    return model


def link_loss(
    logits: FloatArray, candidates: LinkCandidates, right: Int32Array
) -> Tuple[float, FloatArray]:
    """The cross-entropy of the right candidate of each mention, or of none, whose logit is 0.

    Args:
        logits: *Shape:* ``(n_candidates,)``
        candidates: the candidates.
        right: for each mention which of its candidates is right, -1: none. *Shape:* ``(n_mentions,)``

    Returns:
        the sum over the mentions, and the gradient of the logits. *Shape:* ``(n_candidates,)``
    """
    filled = candidates.lengths > 0
    lengths, starts = candidates.lengths[filled], candidates.starts[filled]
    if not len(starts):
        return 0.0, logits
    highest = numpy.maximum(numpy.maximum.reduceat(logits, starts), 0.0)
    odds = numpy.exp(logits - numpy.repeat(highest, lengths))
    totals = numpy.add.reduceat(odds, starts) + numpy.exp(-highest)
    gradient = odds / numpy.repeat(totals, lengths)
    has_right = right[filled] >= 0
    rows = (starts + right[filled])[has_right]
    chosen = numpy.where(has_right, 0.0, -highest)
    chosen[has_right] = (logits - numpy.repeat(highest, lengths))[rows]
    gradient[rows] -= 1.0
    return float((numpy.log(totals) - chosen).sum()), gradient.astype("float32")


def fit(
    model: Model[Floats2d, Floats2d],
    candidates: LinkCandidates,
    right: Int32Array,
    *,
    steps: int = 200,
    decay: float = 0.001,
) -> None:
    """Fit the weights of a scorer to annotated links, all of them at once.

    Args:
        model: see :func:`build_candidate_scorer`.
        candidates: the candidates of the mentions.
        right: see :func:`link_loss`.
        steps: steps of Adam.
        decay: weight of the squared distance from the weights before.
    """
    features = model.ops.asarray2f(cast(Floats2d, candidates.features))
    before = {name: model.get_param(name).copy() for name in model.param_names}
    optimizer = Adam(0.05)
    n_mentions = max(1, len(candidates.lengths))
    for _ in range(steps):
        logits, backprop = model.begin_update(features)
        _, gradient = link_loss(model.ops.to_numpy(logits)[:, 0], candidates, right)
        backprop(model.ops.asarray2f(cast(Floats2d, gradient[:, None] / n_mentions)))
        for name, start in before.items():
            model.inc_grad(name, decay * (model.get_param(name) - start))
        model.finish_update(optimizer)
