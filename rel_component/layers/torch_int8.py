"""Linear layers in int8, for use on a CPU.

Weights have a scale for each output, and inputs one for each row, which is found on the way (vector-wise
quantisation, Dettmers et al. 2022, https://arxiv.org/abs/2208.07339, section 2). A row is therefore
rounded alike whatever else is in its batch, and one large value spoils no other row.
"""

from functools import cache
from typing import Any, Dict, Mapping, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAX_PIECES = 512
"""The most pieces that an encoder in int8 should encode at a time: more do not stay in the cache."""

_INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "amx_int8")
_LARGEST = 127


class Int8Linear(nn.Module):
    """A linear layer whose weights are numbers of 8 bits, times a scale for each output.

    It computes in float32, with the same weights, where there are no instructions for int8, and where
    gradients are asked for.

    Args:
        n_in: width of the inputs.
        n_out: width of the outputs.
    """

    values: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.register_buffer("values", torch.zeros(n_out, n_in, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(n_out))
        self.register_buffer("bias", torch.zeros(n_out))

    @property
    def weight(self) -> Tensor:
        """The weights as those of a layer in float32. *Shape:* ``(n_out, n_in)``."""
        return self.values * self.scale[:, None]

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the outputs. *Shape:* ``(..., n_in)`` to ``(..., n_out)``."""
        if torch.is_grad_enabled() or inputs.device.type != "cpu" or not has_int8():
            return F.linear(inputs, self.weight, self.bias)
        rounded, steps = round_rows(inputs.reshape(-1, inputs.shape[-1]))
        outputs = multiply(rounded, steps, self.values, self.scale, self.bias)
        return outputs.view(*inputs.shape[:-1], len(self.scale))


def to_int8(encoder: nn.Module) -> None:
    """Replace all linear layers of an encoder; embeddings and normalisation stay as they are.

    Args:
        encoder: a model of the package transformers, before something keeps its layers.
    """
    for parent in list(encoder.modules()):
        for name, layer in parent.named_children():
            if type(layer) is nn.Linear:
                setattr(parent, name, _quantized(layer))


def weights_to_int8(weights: Mapping[str, Tensor], module: nn.Module) -> Dict[str, Tensor]:
    """The weights of a module in int8, from those that it has in float32.

    Args:
        weights: weights in float32 by name; what is missing or of another shape is left out.
        module: the module in int8, which may be without memory.
    """
    result = dict(weights)
    for name, layer in module.named_modules():
        matrix = weights.get(f"{name}.weight")
        if isinstance(layer, Int8Linear) and matrix is not None and matrix.dim() == 2:
            values, steps = round_rows(matrix)
            result[f"{name}.values"], result[f"{name}.scale"] = values, steps[:, 0]
            del result[f"{name}.weight"]
            result.setdefault(f"{name}.bias", matrix.new_zeros(len(matrix)))
    return result


def is_int8(module: nn.Module) -> bool:
    """Whether a module has linear layers in int8."""
    return any(isinstance(layer, Int8Linear) for layer in module.modules())


def round_rows(rows: Tensor) -> Tuple[Tensor, Tensor]:
    """Round each row to 255 steps between its largest value and the opposite.

    Args:
        rows: *Shape:* ``(n_rows, n_columns)``

    Returns:
        numbers of steps, int8, and the step of each row. *Shape:* ``(n_rows, 1)``
    """
    steps = rows.abs().amax(dim=1, keepdim=True).div_(_LARGEST).clamp_(min=1e-12)
    return (rows / steps).round_().to(torch.int8), steps


def multiply(rounded: Tensor, steps: Tensor, values: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Multiply rows with weights, both in int8. *Shape:* ``(n_rows, n_out)``.

    Args:
        rounded: the rows. *Shape:* ``(n_rows, n_in)``
        steps: their steps. *Shape:* ``(n_rows, 1)``
        values: the weights. *Shape:* ``(n_out, n_in)``
        scale: their steps. *Shape:* ``(n_out,)``
        bias: what is added. *Shape:* ``(n_out,)``
    """
    outputs = torch._int_mm(rounded, values.t()).float()
    outputs *= steps
    outputs *= scale
    outputs += bias
    return outputs


@cache
def has_int8() -> bool:
    """Whether the CPU has instructions for int8 that PyTorch multiplies with, as far as it can tell.

    Without them sums of two products may not fit into 16 bits.
    """
    find: Any = getattr(torch.cpu, "get_capabilities", dict)  # newer than the oldest PyTorch
    found = find()
    return any(found.get(name, False) for name in _INSTRUCTIONS)


def _quantized(layer: nn.Linear) -> Int8Linear:
    result = Int8Linear(layer.in_features, layer.out_features)
    if layer.weight.is_meta:
        return result
    result.values, steps = round_rows(layer.weight.detach())
    result.scale = steps[:, 0]
    if layer.bias is not None:
        result.bias = layer.bias.detach()
    return result
