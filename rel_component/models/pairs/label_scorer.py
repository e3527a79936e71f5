"""The scores of pair vectors against vectors of labels, and against learned prototypes of no relation.

    score of a label   = scale * (cosine(pair, label) + shift of the label) + bias + offset
    score of none      = logsumexp over prototypes of scale * cosine(pair, prototype)

The vectors of labels are given and learn nothing, so that any others may take their place.
"""

from typing import Any, Callable, Optional, Tuple

import numpy
from thinc.api import Model
from thinc.types import Floats2d

from ...errors import ConfigError, shown
from ...types import FloatArray

InT = Floats2d
OutT = Floats2d
LabelScorerT = Model[InT, OutT]

_EPS = 1e-8  # added to norms


def LabelScorer(n_prototypes: int, scale: float, nO: Optional[int] = None) -> LabelScorerT:
    """Score pair vectors, *Shape:* ``(n_pairs, width)``, against those of labels.

    The output has a column for each label, the score of the label less that of no relation; or, if
    there is one column more than labels, the score of no relation and after it those of the labels.

    Args:
        n_prototypes: number of prototypes of pairs without relation.
        scale: factor of all cosines before training.
        nO: number of outputs; set by the component.

    Raises:
        ConfigError: if a number is out of range.
    """
    if n_prototypes < 1 or not scale > 0:
        raise ConfigError(
            f"n_prototypes must be 1 or more and scale above 0, got {n_prototypes} and {scale}"
        )
    return Model(
        "label_scorer",
        forward,
        init=init,
        dims={"nI": None},
        params={"prototypes": None, "log_scale": None, "bias": None},
        attrs={
            "labels": None,
            "shifts": None,
            "n_outputs": nO,
            "offset": 0.0,
            "n_prototypes": n_prototypes,
            "first_scale": scale,
        },
    )


def set_labels(
    model: LabelScorerT,
    labels: FloatArray,
    n_outputs: int,
    offset: float = 0.0,
    shifts: Optional[FloatArray] = None,
) -> None:
    """Ask about other labels from now on.

    Args:
        model: the scorer.
        labels: a vector for each label, of any length but 0. *Shape:* ``(n_labels, width)``
        n_outputs: number of outputs: that of the labels, or one more.
        offset: what is added to the score of each label.
        shifts: what is added to the cosines of each label; None: nothing. *Shape:* ``(n_labels,)``
    """
    model.attrs["offset"] = float(offset)
    model.attrs["shifts"] = None if shifts is None else shifts.astype("float32")
    model.attrs["labels"] = unit_rows(numpy, labels.astype("float32"))
    model.attrs["n_outputs"] = n_outputs


def mean_prototype(model: LabelScorerT) -> FloatArray:
    """The mean of the prototypes, each of length 1, on the host. *Shape:* ``(width,)``."""
    prototypes: FloatArray = model.ops.to_numpy(model.get_param("prototypes"))
    return unit_rows(numpy, prototypes).mean(axis=0)


def check_labels(model: LabelScorerT) -> None:
    """Check label vectors that were loaded.

    Raises:
        ConfigError: if they are no finite numbers, or do not fit to the outputs.
    """
    labels, offset = model.attrs["labels"], model.attrs["offset"]
    if not model.has_dim("nI"):
        return
    if type(offset) is not float or not numpy.isfinite(offset):
        raise ConfigError(f"the offset of the labels is no finite number: {shown(offset)}")
    n_outputs, width = model.attrs["n_outputs"], model.get_dim("nI")
    if (
        not isinstance(labels, numpy.ndarray)
        or labels.dtype != numpy.float32
        or labels.shape not in [(n_outputs, width), (n_outputs - 1, width)]
        or not numpy.isfinite(labels).all()
    ):
        raise ConfigError(
            f"the vectors of the labels are no finite numbers of the shape ({n_outputs}, {width})"
        )
    shifts = model.attrs["shifts"]
    if shifts is not None and (
        not isinstance(shifts, numpy.ndarray)
        or shifts.dtype != numpy.float32
        or shifts.shape != labels.shape[:1]
        or not numpy.isfinite(shifts).all()
    ):
        raise ConfigError("the shifts of the labels are no finite numbers, one for each label")


def forward(model: LabelScorerT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], InT]]:
    """The scores, and the way back to the pairs; labels have no gradient."""
    ops, xp = model.ops, model.ops.xp
    labels = ops.asarray2f(model.attrs["labels"])  # (n_labels, width)
    raw: Any = model.get_param("prototypes")
    prototypes = unit_rows(xp, raw)
    scale = float(xp.exp(model.get_param("log_scale"))[0])
    bias: Any = model.get_param("bias")
    pairs = unit_rows(xp, X)
    cosines = xp.dot(pairs, labels.T)  # (n_pairs, n_labels)
    near = xp.dot(pairs, prototypes.T)  # (n_pairs, n_prototypes)
    highest = (scale * near).max(axis=1, keepdims=True)
    exp = xp.exp(scale * near - highest)
    total = exp.sum(axis=1, keepdims=True)
    none = highest + xp.log(total)  # (n_pairs, 1)
    shifts = model.attrs["shifts"]
    shifted = cosines if shifts is None else cosines + ops.asarray1f(shifts)
    scores = scale * shifted + (bias[0] + model.attrs["offset"])
    has_none = model.attrs["n_outputs"] > len(labels)
    Y = xp.concatenate([none, scores], axis=1) if has_none else scores - none

    def backprop(dY: OutT) -> InT:
        d_scores: Any = dY[:, 1:] if has_none else dY
        d_none = dY[:, :1] if has_none else -dY.sum(axis=1, keepdims=True)
        d_near = d_none * exp / total
        d_scale = (d_scores * shifted).sum() + (d_near * near).sum()
        model.inc_grad("log_scale", ops.asarray1f([float(d_scale) * scale]))
        model.inc_grad("bias", ops.asarray1f([float(d_scores.sum())]))
        d_prototypes = scale * xp.dot(d_near.T, pairs)
        model.inc_grad("prototypes", _through_norm(xp, raw, prototypes, d_prototypes))
        d_pairs = scale * (xp.dot(d_scores, labels) + xp.dot(d_near, prototypes))
        return _through_norm(xp, X, pairs, d_pairs)

    return Y, backprop


def init(model: LabelScorerT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> LabelScorerT:
    """Draw prototypes; and vectors of labels, until there are others."""
    if X is not None and model.has_dim("nI") is None:
        model.set_dim("nI", X.shape[1])
    width, rng = model.get_dim("nI"), numpy.random.default_rng(0)

    def draw(n: int) -> FloatArray:
        return rng.normal(size=(n, width)).astype("float32")

    prototypes = draw(model.attrs["n_prototypes"]) / width**0.5
    model.set_param("prototypes", model.ops.asarray2f(prototypes))
    model.set_param("log_scale", model.ops.asarray1f([numpy.log(model.attrs["first_scale"])]))
    model.set_param("bias", model.ops.alloc1f(1))
    if model.attrs["labels"] is None:
        n_outputs = model.attrs["n_outputs"] if Y is None else Y.shape[1]
        set_labels(model, draw(n_outputs), n_outputs)
    return model


def unit_rows(xp: Any, rows: Any) -> Any:
    """Rows of length 1, or 0 for those without length."""
    return rows / (xp.linalg.norm(rows, axis=1, keepdims=True) + _EPS)


def _through_norm(xp: Any, rows: Any, units: Any, d_units: Any) -> Any:
    """The gradient of rows by that of :func:`unit_rows`."""
    along = (units * d_units).sum(axis=1, keepdims=True)
    return (d_units - units * along) / (xp.linalg.norm(rows, axis=1, keepdims=True) + _EPS)
