"""Low-rank adapters: the only weights of an encoder that learn, and can be left out at any time."""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Dict, Iterator

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from .torch_int8 import Int8Linear, round_rows

_ARE_LEFT_OUT: ContextVar[bool] = ContextVar("_ARE_LEFT_OUT", default=False)
"""Whether this thread computes without adapters; others may be using the same encoder."""


class Adapted(nn.Module):
    """A linear layer that keeps its weights, and adds a product of two narrow ones that learn.

    ``y = W x + b + up · down · x``, where `up` starts at zero: Hu et al. 2021
    (https://arxiv.org/abs/2106.09685).
    """

    down: nn.Parameter
    up: nn.Parameter

    def _adapt(self, n_in: int, n_out: int, rank: int) -> None:
        """Set the narrow layers, `rank` wide."""
        self.down = nn.Parameter(torch.empty(rank, n_in))
        self.up = nn.Parameter(torch.zeros(n_out, rank))
        nn.init.normal_(self.down, std=n_in**-0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply and add."""
        outputs: Tensor = super().forward(inputs)
        if are_left_out():
            return outputs
        narrow = nn.functional.linear(inputs, self.down)
        return outputs + nn.functional.linear(narrow, self.up)


class AdaptedLinear(Adapted, nn.Linear):
    """One over a layer in float32.

    Args:
        linear: the layer, whose weights are taken over.
        rank: width between `down` and `up`.
    """

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        n_in, n_out, device = linear.in_features, linear.out_features, linear.weight.device
        super().__init__(n_in, n_out, bias=linear.bias is not None, device=device)
        self.weight, self.bias = linear.weight, linear.bias
        self._adapt(n_in, n_out, rank)
        self.to(device)


class AdaptedInt8Linear(Adapted, Int8Linear):
    """One over a layer in int8, which does not learn: to predict, the two are one layer in int8.

    Args:
        linear: the layer, whose weights are taken over.
        rank: width between `down` and `up`.
    """

    def __init__(self, linear: Int8Linear, rank: int) -> None:
        n_out, n_in = linear.values.shape
        super().__init__(n_in, n_out)
        self.values, self.scale, self.bias = linear.values, linear.scale, linear.bias
        self._adapt(n_in, n_out, rank)
        self.to(linear.values.device)

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply and add."""
        if torch.is_grad_enabled():
            return super().forward(inputs)
        return Int8Linear.forward(in_use(self), inputs)

    @cached_property
    def merged(self) -> Int8Linear:
        """The layer with its adapter."""
        n_out, n_in = self.values.shape
        with torch.no_grad():
            layer = Int8Linear(n_in, n_out)
            layer.values, steps = round_rows(self.weight + self.up @ self.down)
            layer.scale, layer.bias = steps[:, 0], self.bias
        return layer


def in_use(layer: Int8Linear) -> Int8Linear:
    """The layer that predicts in the place of one in int8: with its adapter, if it has one in use."""
    if isinstance(layer, AdaptedInt8Linear) and not are_left_out():
        return layer.merged
    return layer


def add_adapters(encoder: nn.Module, rank: int) -> None:
    """Freeze an encoder, and give each linear layer inside of it an adapter.

    Args:
        encoder: a model of the package transformers, which is changed.
        rank: width of the adapters.

    Raises:
        ConfigError: if the encoder has no linear layers.
    """
    encoder.requires_grad_(False)
    found = [
        (parent, name, child)
        for parent in encoder.modules()
        for name, child in parent.named_children()
        if type(child) in _ADAPTED
    ]
    if not found:
        raise ConfigError("the encoder has no linear layers for adapters: set adapter_rank = 0")
    for parent, name, child in found:
        setattr(parent, name, _ADAPTED[type(child)](child, rank))


_ADAPTED: Dict[type, Any] = {nn.Linear: AdaptedLinear, Int8Linear: AdaptedInt8Linear}


def are_left_out() -> bool:
    """Whether encoders compute as they did before they were adapted, in this thread."""
    return _ARE_LEFT_OUT.get()


@contextmanager
def without_adapters() -> Iterator[None]:
    """Let encoders compute what they did before they were adapted, for a while and in this thread."""
    token = _ARE_LEFT_OUT.set(True)
    try:
        yield
    finally:
        _ARE_LEFT_OUT.reset(token)
