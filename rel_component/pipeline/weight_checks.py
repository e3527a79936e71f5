"""Checks of what was loaded into a model: attributes and weights."""

from typing import Any, Mapping, Sequence

from thinc.api import Model

from ..errors import ConfigError, shown

_LAYERS = (
    "affine",
    "embed",
    "hashembed",
    "layernorm",
    "linear",
    "maxout",
    "mish",
    "relu",
    "softmax",
)
"""Layers whose parameters have no other extents than their dimensions."""


def check_attributes(model: Model[Any, Any], before: Sequence[Mapping[str, Any]]) -> None:
    """Check that attributes which were loaded are of the types that the config gave them.

    Args:
        model: the model.
        before: the attributes of each node before.

    Raises:
        ConfigError: if an attribute is of another type, or a number too small.
    """
    for node, attrs in zip(model.walk(), before):
        for name, old in attrs.items():
            new = node.attrs.get(name)
            is_count = type(old) is int and isinstance(new, (int, float))
            if (old is not None and _kind(new) != _kind(old)) or (is_count and new < min(old, 1)):
                raise ConfigError(
                    f"attribute {name} of the layer {node.name} is {shown(new)}; expected a value like "
                    f"{shown(old)}"
                )


def _kind(value: Any) -> type:
    """The type of a value, as far as MessagePack keeps it."""
    kinds = (bool, (int, float), (list, tuple), Mapping)
    found = (kind for kind in kinds if isinstance(value, kind))
    return next(((kind[0] if isinstance(kind, tuple) else kind) for kind in found), type(value))


def check_parameters(model: Model[Any, Any]) -> None:
    """Check that weights which were loaded are numbers, and have the shapes of their layers.

    Args:
        model: the model.

    Raises:
        ConfigError: if weights are missing, not finite, or of another shape.
    """
    for node in model.walk():
        sizes = [node.get_dim(name) for name in node.dim_names if node.has_dim(name)]
        if node.attrs.get("sizes") is not None:
            sizes.append(_n_rows(node.attrs["sizes"], node))
        for name in node.param_names:
            if not node.has_param(name):
                if model.has_dim("nO") and node.name in _LAYERS:
                    raise ConfigError(f"weights {name} of the layer {node.name} are missing")
                continue
            values: Any = node.get_param(name)
            if values.dtype.kind != "f" or not bool(node.ops.xp.isfinite(values).all()):
                raise ConfigError(
                    f"weights {name} of the layer {node.name} hold values that are no finite numbers"
                )
            if node.name in _LAYERS and not set(values.shape) <= set(sizes):
                raise ConfigError(
                    f"weights {name} of the layer {node.name} have the shape {values.shape}; its "
                    f"dimensions are {sizes}"
                )
        for module in (getattr(shim, "_model", shim) for shim in node.shims):
            if module is None and model.has_dim("nO"):
                raise ConfigError("the weights of the encoder are missing")
            options = module.options() if hasattr(module, "options") else {}
            for name, value in options.items():
                if node.attrs.get(name) not in (None, value):
                    raise ConfigError(
                        f"encoder with the option {name} = {shown(value)}, and a model with "
                        f"{shown(node.attrs[name])}"
                    )


def _n_rows(sizes: Any, node: Model[Any, Any]) -> int:
    """How many rows of weights a layer has whose outputs have several; see ``layers/affine.py``."""
    if (
        not isinstance(sizes, (list, tuple))
        or len(sizes) != node.get_dim("nO")
        or not all(type(n) is int and n > 0 for n in sizes)
        or node.get_param("W").shape[0] != sum(sizes)
    ):
        raise ConfigError(
            f"the rows of the outputs of the layer {node.name} are {shown(sizes)}; expected a number "
            "for each output, and weights for all"
        )
    return sum(sizes)
