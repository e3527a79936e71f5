"""Levitated markers: an encoder reads a text once, and markers for any number of pairs after it.

The text is read with marks on all of its mentions: a piece before each mention, which says that one
begins, and the mention's type and number, which are added to the embeddings of that piece and of the
mention's own. Such solid markers cost a piece each, however many pairs there are.

The markers of a pair, one for each of its mentions, start in the middle of the encoder: from the mean
of the states of the mention's pieces there, the mention's type, and whether it is the first or the
second of the two. They pass the remaining layers together, see the text and each other, and are seen
by nothing else. See PL-Marker (Ye et al. 2022, https://aclanthology.org/2022.acl-long.337) and PURE
(Zhong and Chen 2021, https://aclanthology.org/2021.naacl-main.5).
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import ConfigError
from ..types import HashArray, Int32Array
from .marker_inputs import MarkerBlock, TextBatch
from .rows import rows_of_runs
from .torch_encoder import PretrainedEncoder
from .torch_marker_layers import KeysValues, MarkerLayers, MarkerLayout
from .windows import Windows

_WITHOUT_MARKERS = ("mpnet", "modernbert")
N_TYPE_ROWS = 512
N_NUMBERS = 16  # mentions of a document are told apart by their numbers, modulo this


@dataclass(frozen=True)
class TextStates:
    """The states of a text, which are computed once for all markers.

    Attributes:
        windows: windows of the text.
        tokens: mean of the last states of the pieces of each token. *Shape:* ``(n_tokens, width)``
        classes: last states of the first special token of each window. *Shape:*
            ``(n_windows, width)``
        first: hidden states at the layer where markers start. *Shape:* ``(n_rows, width)``
        keys_values: keys and values of each layer from there on. *Shape:* ``(n_rows, width)`` each
    """

    windows: Windows
    tokens: Tensor
    classes: Tensor
    first: Tensor
    keys_values: List[KeysValues]


class _Head(nn.Module):
    """Learned vectors: marks on mentions in the text, and the initial states of markers."""

    def __init__(self, width: int, embedding_width: int) -> None:
        super().__init__()
        self.marks = nn.Embedding(N_TYPE_ROWS + N_NUMBERS, embedding_width)
        self.roles = nn.Embedding(2, width)
        self.types = nn.Embedding(2 * N_TYPE_ROWS, width)
        self.norm = nn.LayerNorm(width)
        for embedding in (self.marks, self.roles, self.types):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, means: Tensor, types: Tensor) -> Tensor:
        """The initial states of markers. *Shape:* ``(n_groups, 2, width)``.

        Args:
            means: mean hidden state of each mention. *Shape:* ``(n_groups, 2, width)``
            types: row of each entity type. *Shape:* ``(n_groups, 2)``
        """
        roles = torch.arange(2, device=types.device)  # first and second in the text
        markers = means + self.roles(roles) + self.types(types + roles * N_TYPE_ROWS)
        result: Tensor = self.norm(markers)
        return result


class PackedMarkerEncoder(PretrainedEncoder):
    """An encoder for texts and, apart from them, markers.

    Args:
        encoder: see :func:`load_pretrained`.
        tokenizer: see :func:`load_pretrained`.
        marker_layer: number of layers that only the text passes. None: half of them.
        mark_mentions: whether the text is read with marks on its mentions.

    Raises:
        ConfigError: if the encoder has no such layer or is of a kind that markers cannot use, or its
            tokenizer has no token for a mark.
    """

    def __init__(
        self,
        encoder: Any,
        tokenizer: Any,
        *,
        marker_layer: Optional[int] = None,
        mark_mentions: bool = True,
    ) -> None:
        super().__init__(encoder, tokenizer)
        if encoder.config.model_type in _WITHOUT_MARKERS:
            raise ConfigError(
                f"PackedMarkers cannot use an encoder of the kind {encoder.config.model_type!r}, whose "
                "attention knows the places of pieces: take EntityMarkers or SpanPair"
            )
        n_layers = encoder.config.num_hidden_layers
        self.marker_layer = n_layers // 2 if marker_layer is None else marker_layer
        if not 0 <= self.marker_layer < n_layers:
            raise ConfigError(
                f"marker_layer must lie in [0, {n_layers - 1}], got {self.marker_layer}"
            )
        if mark_mentions and tokenizer.mask_token_id is None:
            raise ConfigError(
                "The tokenizer has no mask token, which is what marks a mention: set "
                "mark_mentions = false"
            )
        self.n_layers = n_layers
        self._layers: Any = None
        self._deberta: Any = None
        if encoder.config.model_type.startswith("deberta"):
            from .torch_deberta_markers import DebertaMarkerLayers  # imports transformers

            self._deberta = DebertaMarkerLayers(encoder, self.marker_layer)
        else:
            self._layers = MarkerLayers(encoder)
        self.mark_mentions = mark_mentions
        self.head = _Head(self.width, encoder.get_input_embeddings().weight.shape[1])

    def options(self) -> Dict[str, Any]:
        """See :meth:`PretrainedEncoder.options`."""
        return {"marker_layer": self.marker_layer, "mark_mentions": self.mark_mentions}

    def forward(
        self, text: Any, blocks: Sequence[MarkerBlock] = (), max_pieces: int = 4096
    ) -> Tuple[TextStates, Optional[Tensor]]:
        """Encode a text, unless its states are given, and markers.

        Args:
            text: a :class:`TextBatch`, or its :class:`TextStates`.
            blocks: pairs; in training, each of several blocks is computed again in backprop, so
                that only one of them is in memory.
            max_pieces: the most pieces that pass the encoder at a time, padding included.

        Returns:
            the states of the text; and, if there are pairs, the states of the two markers of each
            pair and the mean of the first special tokens of their windows. *Shape:*
            ``(n_groups, 3, width)``
        """
        states = text if isinstance(text, TextStates) else self._read(text, max_pieces)
        if not blocks:
            return states, None
        if len(blocks) == 1 or not torch.is_grad_enabled():
            markers = [self._mark(states, block) for block in blocks]
        else:
            markers = [checkpoint(self._mark, states, b, use_reentrant=False) for b in blocks]
        read = numpy.concatenate([block.windows for block in blocks])  # (n_groups, 2)
        classes = states.classes[self.index(read)].mean(dim=1, keepdim=True)
        return states, torch.cat([torch.cat(markers), classes], dim=1)

    def _read(self, text: TextBatch, max_pieces: int) -> TextStates:
        windows, k = text.windows, self.marker_layer
        states = self.encode(
            windows.ids,
            windows.bounds,
            max_pieces,
            added=self._marks(text) if self.mark_mentions else None,
            n_last=self.n_layers - k + 1,
        )  # (n_layers - k + 1, n_rows, width)
        keys_values = [
            self._layers.keys_values(layer, H)
            for layer, H in enumerate(states[:-1], start=k)
            if self._layers is not None
        ]
        classes = states[-1][self.index(windows.bounds[:-1])].float()
        pieces = states[-1][self.index(windows.home)]
        tokens = self.mean_by_token(pieces, text.tokens, text.n_tokens)
        return TextStates(windows, tokens, classes, states[0], keys_values)

    def _marks(self, text: TextBatch) -> Tensor:
        """The marks of each row: types and numbers of the mentions that its piece is part of.

        *Shape:* ``(n_rows, embedding width)``
        """
        values = self.head.marks(self.index(_type_rows(text.types)))
        numbers = text.numbers.astype("int64") % N_NUMBERS + N_TYPE_ROWS
        values = values + self.head.marks(self.index(numbers))
        # the last row, without a mark, is for special tokens
        by_piece = values.new_zeros(len(text.windows.home) + 1, values.shape[1])
        by_piece = by_piece.index_add(0, self.index(text.marked), values)
        return by_piece[self.index(text.windows.pieces)]

    def _mark(self, states: TextStates, block: MarkerBlock) -> Tensor:
        """*Shape:* ``(n_groups, 2, width)``."""
        means = self._means(states.first, block.rows.reshape(-1, 2)).view(len(block), 2, -1)
        markers = self.head(means, self.index(_type_rows(block.types)))
        if self._deberta is not None:
            return self._deberta(markers, states.first, states.windows, block.windows, block.rows)
        layout = self._lay_out(states.windows, block.windows.reshape(-1))
        for layer, keys_values in enumerate(states.keys_values, start=self.marker_layer):
            markers = self._layers(layer, markers, keys_values, layout, self.training)
        return markers.float()

    def _means(self, states: Tensor, runs: Int32Array) -> Tensor:
        """Means of runs of rows. *Shape:* ``(n_runs, width)``."""
        distinct, inverse = numpy.unique(runs, axis=0, return_inverse=True)
        run, rows = rows_of_runs(distinct)
        lengths = distinct[:, 1] - distinct[:, 0]
        means = states.new_zeros(len(distinct), states.shape[1])
        means = means.index_add(0, self.index(run), states[self.index(rows)])
        means = means / self.index(lengths)[:, None].to(means.dtype)
        return means[self.index(inverse.reshape(-1))]

    def _lay_out(self, windows: Windows, of_markers: Int32Array) -> MarkerLayout:
        """Rows of markers of the same window; see :class:`MarkerLayout`."""
        size = int(min(numpy.bincount(of_markers).max(), _MAX_ROW))
        order = numpy.argsort(of_markers, kind="stable")
        in_order = of_markers[order]
        # place of each marker among those of its window
        place = numpy.arange(len(order)) - numpy.searchsorted(in_order, in_order)
        new_row = (place % size == 0).astype("int64")
        row = numpy.cumsum(new_row) - 1
        cells = numpy.empty(len(order), dtype="int64")
        cells[order] = row * size + place % size
        window_of_row = in_order[new_row == 1]
        begins, ends = windows.bounds[window_of_row], windows.bounds[window_of_row + 1]
        places = numpy.arange((ends - begins).max())
        text = numpy.minimum(begins[:, None] + places, ends[:, None] - 1)
        mask = begins[:, None] + places < ends[:, None]
        return MarkerLayout(
            cells=self.index(cells),
            n_rows=len(window_of_row),
            size=size,
            text=self.index(text),
            mask=self.index(mask),
        )


def _type_rows(types: HashArray) -> Any:
    return (types % numpy.uint64(N_TYPE_ROWS)).astype("int64")


_MAX_ROW = 64  # markers in a row: large enough for matrix products, small enough to waste little
