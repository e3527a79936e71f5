"""An affine layer on the array library's own matrix product."""

from typing import Any, Callable, Optional, Tuple, cast

from thinc.api import Model, glorot_uniform_init
from thinc.layers.resizable import resize_linear_weighted
from thinc.types import Floats1d, Floats2d

InT = Floats2d
OutT = Floats2d

_NEW_LABEL_BIAS = -10.0  # a label added to a trained model stays silent until it is learned


def Affine(nO: Optional[int] = None, nI: Optional[int] = None) -> Model[InT, OutT]:
    """``Y = X · Wᵀ + b``, with parameters as in ``thinc.api.Linear``.

    On CPUs for which thinc's BLIS has no kernels, numpy's matrix product is several times faster;
    this layer is for the products that are made for every token and every pair.

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


def resize_output(model: Model[Any, Any], nO: int) -> Model[Any, Any]:
    """Give an initialised model more outputs; the new ones come last and start out improbable.

    Args:
        model: a model with an affine layer as its reference ``output_layer``, or with a layer of
            that kind as its reference ``scorer``.
        nO: new number of outputs, at least the present one.
    """
    if model.has_ref("scorer"):
        resize_output(model.get_ref("scorer"), nO)
    else:
        old = model.get_ref("output_layer")
        new = resize_linear_weighted(old, nO, fill_defaults={"b": _NEW_LABEL_BIAS})
        model.layers[model.layers.index(old)] = new
        model.set_ref("output_layer", new)
    model.set_dim("nO", nO, force=True)
    return model
