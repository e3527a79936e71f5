"""One layer of an encoder, applied to markers that its text does not see.

A marker attends to the text and to the markers of its own group. Since the text does not attend to
markers, its keys and values are computed once, however many markers there are (PURE's approximation,
Zhong and Chen 2021, https://aclanthology.org/2021.naacl-main.5, section 4.4).
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, List, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

KeysValues = Tuple[Tensor, Tensor]


@dataclass(frozen=True)
class MarkerLayout:
    """Where the markers of a block of groups find their text.

    Attention is computed on rows of equal size: a row holds some of the markers of one window and
    all pieces of that window.

    Attributes:
        cells: row and place of each marker. *Shape:* ``(n_groups * group size,)``, as row * size +
            place
        n_rows: number of rows.
        size: number of markers in a row.
        text: the pieces of the window of each row. *Shape:* ``(n_rows, n_pieces)``
        mask: which of them are no padding. *Shape:* ``(n_rows, n_pieces)``, bool
    """

    cells: Tensor
    n_rows: int
    size: int
    text: Tensor
    mask: Tensor


@dataclass(frozen=True)
class _Parts:
    """The parts of a BERT-like layer; ``finish`` is all that follows attention."""

    query: Callable[[Tensor], Tensor]
    key: Callable[[Tensor], Tensor]
    value: Callable[[Tensor], Tensor]
    finish: Callable[[Tensor, Tensor], Tensor]


class MarkerLayers:
    """The layers of a BERT-like or DistilBERT-like encoder, for markers.

    Args:
        encoder: a model of the package transformers whose attention is absolute.
    """

    def __init__(self, encoder: Any) -> None:
        config = encoder.config
        self.n_heads = int(config.num_attention_heads)
        self.dropout = float(
            config.attention_dropout
            if config.model_type == "distilbert"
            else config.attention_probs_dropout_prob
        )
        self._layers = _distilbert(encoder) if config.model_type == "distilbert" else _bert(encoder)

    def keys_values(self, layer: int, states: Tensor) -> KeysValues:
        """Keys and values of the pieces of the text."""
        parts = self._layers[layer]
        return parts.key(states), parts.value(states)

    def __call__(
        self, layer: int, markers: Tensor, text: KeysValues, layout: MarkerLayout, training: bool
    ) -> Tensor:
        """Apply one layer to markers.

        Args:
            layer: number of the layer.
            markers: *Shape:* ``(n_groups, group size, width)``
            text: keys and values of that layer for all pieces.
            layout: where each marker finds its text.
            training: whether dropout is applied.

        Returns:
            *Shape:* ``(n_groups, group size, width)``
        """
        parts, n_heads = self._layers[layer], self.n_heads
        n_groups, group, width = markers.shape
        scale = 1.0 / math.sqrt(width // n_heads)
        heads = (n_groups, group, n_heads, width // n_heads)
        q, k, v = (f(markers).view(heads) for f in (parts.query, parts.key, parts.value))
        keys, values = (
            X[layout.text].unflatten(-1, heads[2:]).transpose(1, 2) for X in text
        )  # (n_rows, n_heads, n_pieces, head width)
        rows = _to_rows(q.reshape(n_groups * group, *heads[2:]), layout)
        scores = torch.matmul(rows, keys.transpose(2, 3)).float() * scale
        scores = scores.masked_fill(~layout.mask[:, None, None], -torch.inf)
        to_text = _from_rows(scores, layout).view(n_groups, group, n_heads, -1)
        to_group = torch.einsum("gihd,gjhd->gihj", q, k).float() * scale
        attention = torch.cat([to_text, to_group], dim=-1).softmax(dim=-1).to(v.dtype)
        attention = F.dropout(attention, self.dropout, training)
        of_text, of_group = attention.split([to_text.shape[-1], group], dim=-1)
        rows = _to_rows(of_text.reshape(n_groups * group, n_heads, -1), layout)
        context = _from_rows(torch.matmul(rows, values), layout).view(heads)
        context = context + torch.einsum("gihj,gjhd->gihd", of_group, v)
        return parts.finish(context.reshape(markers.shape), markers)


def _to_rows(X: Tensor, layout: MarkerLayout) -> Tensor:
    """*Shape:* ``(n_markers, n_heads, d)`` to ``(n_rows, n_heads, size, d)``."""
    cells = X.new_zeros(layout.n_rows * layout.size, *X.shape[1:])
    cells = cells.index_copy(0, layout.cells, X)
    return cells.view(layout.n_rows, layout.size, *X.shape[1:]).transpose(1, 2)


def _from_rows(rows: Tensor, layout: MarkerLayout) -> Tensor:
    """*Shape:* ``(n_rows, n_heads, size, d)`` to ``(n_markers, n_heads, d)``."""
    return rows.transpose(1, 2).flatten(0, 1)[layout.cells]


def _bert(encoder: Any) -> List[_Parts]:
    def parts(layer: Any) -> _Parts:
        attention = layer.attention.self
        return _Parts(attention.query, attention.key, attention.value, partial(_finish_bert, layer))

    return [parts(layer) for layer in encoder.encoder.layer]


def _finish_bert(layer: Any, context: Tensor, markers: Tensor) -> Tensor:
    hidden = layer.attention.output(context, markers)
    result: Tensor = layer.output(layer.intermediate(hidden), hidden)
    return result


def _distilbert(encoder: Any) -> List[_Parts]:
    def parts(layer: Any) -> _Parts:
        own = layer.attention
        return _Parts(own.q_lin, own.k_lin, own.v_lin, partial(_finish_distilbert, layer))

    return [parts(layer) for layer in encoder.transformer.layer]


def _finish_distilbert(layer: Any, context: Tensor, markers: Tensor) -> Tensor:
    hidden = layer.sa_layer_norm(layer.attention.out_lin(context) + markers)
    result: Tensor = layer.output_layer_norm(layer.ffn(hidden) + hidden)
    return result
