"""Layers of BERT-like encoders in int8: what queries, keys and values read is rounded once."""

from typing import Any, Dict, Iterable, List, Optional

import torch
from torch import Tensor
from torch.nn import functional as F

from .torch_adapters import are_left_out, in_use
from .torch_bert import BertEncoder
from .torch_int8 import Int8Linear, has_int8, multiply, round_rows


class Int8Layers:
    """All layers of an encoder, which holds them; they compute what it does, without gradients.

    Args:
        encoder: an encoder in int8.
    """

    def __init__(self, encoder: BertEncoder) -> None:
        self._encoder: Any = encoder
        self._joined: Dict[bool, List[List[Tensor]]] = {}  # with adapters and without

    @classmethod
    def of(cls, encoder: Any) -> Optional["Int8Layers"]:
        """The layers of an encoder in int8; None, if they are not those of BERT."""
        return cls(encoder) if isinstance(encoder, BertEncoder) and has_int8() else None

    def __call__(self, vectors: Tensor, is_piece: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            vectors: embeddings of the pieces. *Shape:* ``(n, length, embedding width)``
            is_piece: what is no padding. *Shape:* ``(n, length)``

        Returns:
            the last states of all cells. *Shape:* ``(n * length, width)``
        """
        states = self._encoder.embeddings(vectors).flatten(0, 1)
        n_heads = self._encoder.config.num_attention_heads
        mask = is_piece[:, None, None]  # (n, 1, 1, length)
        for layer, joined in zip(self._encoder.encoder.layer, self._joined_layers()):
            parts = multiply(*round_rows(states), *joined)  # (n * length, 3 * width)
            parts = parts.view(*is_piece.shape, 3, n_heads, -1)
            q, k, v = parts.permute(2, 0, 3, 1, 4)  # (n, n_heads, length, width of a head)
            context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            context = context.transpose(1, 2).reshape(states.shape)
            output = layer.attention.output
            states = output.LayerNorm(output.dense(context).add_(states))
            inner = layer.intermediate(states)
            states = layer.output.LayerNorm(layer.output.dense(inner).add_(states))
        return states

    def _joined_layers(self) -> List[List[Tensor]]:
        """The queries, keys and values of each layer, as one linear layer that is in use."""
        key = are_left_out()
        if key not in self._joined:
            own = [layer.attention.self for layer in self._encoder.encoder.layer]
            self._joined[key] = [_join(map(in_use, (x.query, x.key, x.value))) for x in own]
        return self._joined[key]


def _join(parts: Iterable[Int8Linear]) -> List[Tensor]:
    return [torch.cat(tensors) for tensors in zip(*((x.values, x.scale, x.bias) for x in parts))]
