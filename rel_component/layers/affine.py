"""An affine layer on the array library's own matrix product."""

from typing import Any, Callable, List, Optional, Sequence, Tuple, cast

from thinc.api import Model, glorot_uniform_init
from thinc.layers.resizable import resize_linear_weighted
from thinc.types import Floats1d, Floats2d

InT = Floats2d
OutT = Floats2d

_NEW_LABEL_BIAS = -10.0  # a label added to a trained model stays silent until it is learned


def Affine(nO: Optional[int] = None, nI: Optional[int] = None) -> Model[InT, OutT]:
    """``Y = X · Wᵀ + b``, with parameters as in ``thinc.api.Linear``.

    An output may have several rows of parameters, see :func:`move_outputs`: it is then the logsumexp of
    what these give, so that probabilities by a softmax are added up.

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
        attrs={"sizes": None},  # how many rows each output has; None: one
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], InT]]:
    """Multiply and add."""
    W = cast(Floats2d, model.get_param("W"))
    b = cast(Floats1d, model.get_param("b"))
    Y = model.ops.xp.dot(X, W.T)
    Y += b
    spread: Callable[[OutT], OutT] = lambda dY: dY  # noqa: E731  # as most layers need no other
    if model.attrs["sizes"] is not None:
        Y, spread = _joined(model, Y)

    def backprop(dY: OutT) -> InT:
        dY = spread(dY)
        model.inc_grad("b", dY.sum(axis=0))
        model.inc_grad("W", model.ops.xp.dot(dY.T, X))
        return model.ops.xp.dot(dY, W)

    return Y, backprop


def input_gradient(model: Model[InT, OutT], X: InT, dY: OutT) -> InT:
    """The gradient of the input by that of the output, without gradients of the parameters."""
    W = cast(Floats2d, model.get_param("W"))
    if model.attrs["sizes"] is not None:
        b = cast(Floats1d, model.get_param("b"))
        _, spread = _joined(model, model.ops.xp.dot(X, W.T) + b)
        dY = spread(dY)
    return model.ops.xp.dot(dY, W)


def _joined(model: Model[InT, OutT], rows: Floats2d) -> Tuple[OutT, Callable[[OutT], Floats2d]]:
    """The outputs by what their rows of parameters give, and the way back to these."""
    xp, sizes = model.ops.xp, model.attrs["sizes"]
    begins = [sum(sizes[:i]) for i in range(len(sizes))]
    several = [(i, begins[i], begins[i] + n) for i, n in enumerate(sizes) if n > 1]
    Y: Any = rows[:, xp.asarray(begins)]
    shares: List[Any] = []
    for i, begin, end in several:
        part: Any = rows[:, begin:end]
        highest = part.max(axis=1, keepdims=True)
        exp = xp.exp(part - highest)
        total = exp.sum(axis=1, keepdims=True)
        Y[:, i] = (highest + xp.log(total))[:, 0]
        shares.append(exp / total)

    def spread(dY: OutT) -> Floats2d:
        outputs: Any = dY
        d_rows: Any = xp.zeros_like(rows)
        d_rows[:, xp.asarray(begins)] = outputs
        for (i, begin, end), share in zip(several, shares):
            d_rows[:, begin:end] = outputs[:, i : i + 1] * share
        return cast(Floats2d, d_rows)

    return cast(OutT, Y), spread


def init(
    model: Model[InT, OutT], X: Optional[InT] = None, Y: Optional[OutT] = None
) -> Model[InT, OutT]:
    """Take the dimensions from a sample, and draw the weights."""
    if X is not None and model.has_dim("nI") is None:
        model.set_dim("nI", X.shape[1])
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    shape = (model.get_dim("nO"), model.get_dim("nI"))
    model.attrs["sizes"] = None
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
        if old.attrs["sizes"] is None:
            new = resize_linear_weighted(old, nO, fill_defaults={"b": _NEW_LABEL_BIAS})
        else:
            new = Affine(nO, old.get_dim("nI"))
            new.attrs["sizes"] = [*old.attrs["sizes"], *[1] * (nO - old.get_dim("nO"))]
            for name, filler in (("W", 0.0), ("b", _NEW_LABEL_BIAS)):
                rows: Any = old.get_param(name)
                resized = model.ops.alloc((sum(new.attrs["sizes"]), *rows.shape[1:]))
                resized[:] = filler
                resized[: len(rows)] = rows
                new.set_param(name, resized)
        _replace_output(model, new)
    model.set_dim("nO", nO, force=True)
    return model


def move_outputs(model: Model[Any, Any], groups: Sequence[Sequence[int]]) -> Model[Any, Any]:
    """Give an initialised model other outputs, made of those that it has; nothing is learned.

    Args:
        model: see :func:`resize_output`.
        groups: for each new output the old ones that it stands for, at least one. An old one may
            occur several times, or not at all.
    """
    if model.has_ref("scorer"):
        move_outputs(model.get_ref("scorer"), groups)
    else:
        old = model.get_ref("output_layer")
        before = old.attrs["sizes"] or [1] * old.get_dim("nO")
        places = [[*range(sum(before[:i]), sum(before[: i + 1]))] for i in range(len(before))]
        rows = [[row for output in group for row in places[output]] for group in groups]
        new = Affine(len(groups), old.get_dim("nI"))
        taken = [row for group in rows for row in group]
        for name in ("W", "b"):
            values: Any = old.get_param(name)
            new.set_param(name, values[model.ops.xp.asarray(taken)].copy())
        if len(taken) > len(groups):
            new.attrs["sizes"] = [len(group) for group in rows]
        _replace_output(model, new)
    model.set_dim("nO", len(groups), force=True)
    return model


def _replace_output(model: Model[Any, Any], new: Model[Any, Any]) -> None:
    old = model.get_ref("output_layer")
    model.layers[model.layers.index(old)] = new
    model.set_ref("output_layer", new)
