"""Low-rank adapters: the only weights of an encoder that learn, and can be left out at any time."""

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import Tensor, nn

from ..errors import ConfigError


class AdaptedLinear(nn.Linear):
    """A linear layer that keeps its weights, and adds a product of two narrow ones that learn.

    ``y = W x + b + up · down · x``, where `up` starts at zero: Hu et al. 2021
    (https://arxiv.org/abs/2106.09685).

    Args:
        linear: the layer, whose weights are taken over.
        rank: width between `down` and `up`.
    """

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__(
            linear.in_features,
            linear.out_features,
            bias=linear.bias is not None,
            device=linear.weight.device,
        )
        self.weight, self.bias = linear.weight, linear.bias
        device = linear.weight.device
        self.down = nn.Parameter(torch.empty(rank, linear.in_features, device=device))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank, device=device))
        nn.init.normal_(self.down, std=linear.in_features**-0.5)
        self.is_adapted = True

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply and add."""
        outputs = super().forward(inputs)
        if not self.is_adapted:
            return outputs
        narrow = nn.functional.linear(inputs, self.down)
        return outputs + nn.functional.linear(narrow, self.up)


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
        if type(child) is nn.Linear
    ]
    if not found:
        raise ConfigError("the encoder has no linear layers for adapters: set adapter_rank = 0")
    for parent, name, child in found:
        setattr(parent, name, AdaptedLinear(child, rank))


@contextmanager
def without_adapters(encoder: nn.Module) -> Iterator[None]:
    """Let an encoder compute what it did before it was adapted, for a while.

    Args:
        encoder: a model of the package transformers.
    """
    layers = [layer for layer in encoder.modules() if isinstance(layer, AdaptedLinear)]
    for layer in layers:
        layer.is_adapted = False
    try:
        yield
    finally:
        for layer in layers:
            layer.is_adapted = True
