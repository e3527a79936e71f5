"""Pool the token vectors of spans."""

from typing import Callable, Dict, Optional, Sequence, Tuple, cast

from thinc.api import (
    Model,
    ParametricAttention,
    chain,
    concatenate,
    reduce_first,
    reduce_last,
    reduce_max,
    reduce_mean,
    reduce_sum,
)
from thinc.types import Floats2d, Ints1d, Ragged

from ..errors import ConfigError, shown
from ..types import Int32Array
from .rows import on_device, rows_of_runs

InT = Tuple[Floats2d, Int32Array]
OutT = Floats2d

REDUCERS: Dict[str, Callable[[], Model[Ragged, Floats2d]]] = {
    "mean": reduce_mean,
    "max": reduce_max,
    "first": reduce_first,
    "last": reduce_last,
    "attention": lambda: chain(ParametricAttention(), reduce_sum()),
}


def SpanPooling(reducers: Sequence[str]) -> Model[InT, OutT]:
    """Pool the token vectors of spans, which may overlap, in one or more ways side by side.

    The input is a pair of token vectors, *Shape:* ``(n_tokens, width)``, and spans, *Shape:*
    ``(n_spans, 2)``, start and exclusive end as rows of these vectors; spans are never empty. The
    output has the *Shape:* ``(n_spans, len(reducers) * width)``.

    Args:
        reducers: names from :data:`REDUCERS`. ``attention`` weighs the tokens by a learned vector.

    Raises:
        ConfigError: if a name is unknown or none is given.
    """
    for name in reducers:
        if name not in REDUCERS:
            raise ConfigError(f"Unknown pooling {shown(name)}; accepted: {', '.join(REDUCERS)}")
    if not reducers:
        raise ConfigError(f"pooling is empty; accepted: {', '.join(REDUCERS)}")
    layer: Model[Ragged, Floats2d] = concatenate(*(REDUCERS[name]() for name in reducers))
    return Model(
        "span_pooling",
        forward,
        init=init,
        layers=[layer],
        dims={"nI": None, "nO": None},
        attrs={"n_reducers": len(reducers)},
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], InT]]:
    """The pooled spans, and the way back to the tokens."""
    tokens, spans = X
    ops = model.ops
    if not len(spans):
        return ops.alloc2f(0, model.get_dim("nO")), lambda dY: (
            ops.alloc2f(*tokens.shape),
            spans,
        )
    lengths = spans[:, 1] - spans[:, 0]
    rows = on_device(ops, rows_of_runs(spans)[1])
    gathered = Ragged(tokens[rows], ops.asarray1i(cast(Ints1d, lengths)))  # (sum of lengths, width)
    Y, backprop_reduce = model.layers[0](gathered, is_train)  # (n_spans, n_reducers * width)

    def backprop(dY: OutT) -> InT:
        d_tokens = ops.alloc2f(*tokens.shape)
        d_gathered = backprop_reduce(dY).dataXd
        ops.scatter_add(d_tokens, rows, ops.as_contig(d_gathered))
        return d_tokens, spans

    return Y, backprop


def init(
    model: Model[InT, OutT], X: Optional[InT] = None, Y: Optional[OutT] = None
) -> Model[InT, OutT]:
    """Take the width from a sample."""
    if X is not None and model.has_dim("nI") is None:
        model.set_dim("nI", X[0].shape[1])
    width = model.get_dim("nI")
    model.set_dim("nO", width * model.attrs["n_reducers"])
    sample = Ragged(model.ops.alloc2f(1, width), model.ops.asarray1i([1]))
    model.layers[0].initialize(X=sample)
    return model
