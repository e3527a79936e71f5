"""An affine layer on the array library's own matrix product."""

from typing import Callable, Optional, Tuple, cast

from thinc.api import Model, glorot_uniform_init
from thinc.types import Floats1d, Floats2d

InT = Floats2d
OutT = Floats2d

_NEW_LABEL_BIAS = -10.0  # a label added to a trained model stays silent until it is learned


def Affine(nO: Optional[int] = None, nI: Optional[int] = None) -> Model[InT, OutT]:
    """``Y = X · Wᵀ + b``, with parameters as in ``thinc.api.Linear``.

    On CPUs for which thinc's BLIS has no kernels, numpy's matrix product is several times faster;
    this layer is for the products that are made for every token and every pair.

    Args:
        nO: width of the output.
        nI: width of the input.

    Returns:
        a layer from *Shape:* ``(n, nI)`` to ``(n, nO)``
    """
    return Model(
        "affine",
        forward,
        init=init,
        dims={"nO": nO, "nI": nI},
        params={"W": None, "b": None},
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], InT]]:
    """Multiply and add."""
    W = cast(Floats2d, model.get_param("W"))
    b = cast(Floats1d, model.get_param("b"))
    Y = model.ops.xp.dot(X, W.T)
    Y += b

    def backprop(dY: OutT) -> InT:
        model.inc_grad("b", dY.sum(axis=0))
        model.inc_grad("W", model.ops.xp.dot(dY.T, X))
        return model.ops.xp.dot(dY, W)

    return Y, backprop


def init(
    model: Model[InT, OutT], X: Optional[InT] = None, Y: Optional[OutT] = None
) -> Model[InT, OutT]:
    """Take the dimensions from a sample, and draw the weights."""
    if X is not None and model.has_dim("nI") is None:
        model.set_dim("nI", X.shape[1])
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    shape = (model.get_dim("nO"), model.get_dim("nI"))
    model.set_param("W", glorot_uniform_init(model.ops, shape))
    model.set_param("b", model.ops.alloc1f(shape[0]))
    return model


def resized(old: Model[InT, OutT], nO: int) -> Model[InT, OutT]:
    """A copy of an affine output layer with more outputs, which come last and start out improbable.

    Args:
        old: the layer to copy.
        nO: new number of outputs, at least the present one.
    """
    new = Affine(nO, old.get_dim("nI"))
    new.initialize()
    for name, start in (("W", 0.0), ("b", _NEW_LABEL_BIAS)):
        values = old.ops.xp.full_like(new.get_param(name), start)
        values[: old.get_dim("nO")] = old.get_param(name)
        new.set_param(name, values)
    return new
