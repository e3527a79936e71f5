"""An encoder that gives one vector a token."""

from typing import Any, Dict

import numpy
import torch
from torch import Tensor

from ..errors import ConfigError
from ..types import FloatArray, Int32Array
from .torch_adapters import add_adapters, without_adapters
from .torch_encoder import PretrainedEncoder
from .windows import Windows


class TokenEncoder(PretrainedEncoder):
    """The mean of the last states of the word pieces of each token.

    A token that lies inside of a piece has the state of that.

    Args:
        encoder: a model of the package transformers.
        tokenizer: its fast tokenizer.
        adapter_rank: width of low-rank adapters, which learn in place of the encoder; 0: none.
    """

    def __init__(self, encoder: Any, tokenizer: Any, adapter_rank: int = 0) -> None:
        super().__init__(encoder, tokenizer)
        self.adapter_rank = adapter_rank
        if adapter_rank:
            add_adapters(encoder, adapter_rank)

    def forward(
        self,
        windows: Windows,
        tokens: Int32Array,
        n_tokens: int,
        max_pieces: int,
        inside: Int32Array,
    ) -> Tensor:
        """Encode documents.

        Args:
            windows: windows of the documents.
            tokens: token of each piece, numbered through the documents. *Shape:* ``(n_pieces,)``
            n_tokens: number of tokens of all documents.
            max_pieces: the most pieces that pass the encoder at a time, padding included; in
                training, the states inside the encoder are computed again in backprop for more.
            inside: tokens in which no piece begins, and the piece that each lies in. *Shape:*
                ``(n_inside, 2)``

        Returns:
            *Shape:* ``(n_tokens, width)``
        """
        bounds = windows.bounds
        if torch.is_grad_enabled() or bounds[-1] <= _MAX_ROWS:
            states = self.encode(windows.ids, bounds, max_pieces, save_memory=True)[-1]
            return self._of_tokens(states[self.index(windows.home)], tokens, n_tokens, inside)
        states = torch.empty(len(windows.home), self.width, device=self.device)
        first = 0
        while first < len(windows):  # the states of some windows at a time, those at home are kept
            last = int(numpy.searchsorted(bounds, bounds[first] + _MAX_ROWS, side="right")) - 1
            last = max(last, first + 1)
            low, high = bounds[first], bounds[last]
            part = self.encode(windows.ids[low:high], bounds[first : last + 1] - low, max_pieces)
            here = numpy.flatnonzero((windows.home >= low) & (windows.home < high))
            states[self.index(here)] = part[-1][self.index(windows.home[here] - low)].float()
            first = last
        return self._of_tokens(states, tokens, n_tokens, inside)

    def _of_tokens(
        self, states: Tensor, tokens: Int32Array, n_tokens: int, inside: Int32Array
    ) -> Tensor:
        if len(inside):
            states = torch.cat([states, states[self.index(inside[:, 1])]])
            tokens = numpy.concatenate([tokens, inside[:, 0]])
        return self.mean_by_token(states, tokens, n_tokens)

    def sentences(self, ids: Int32Array, bounds: Int32Array, max_pieces: int) -> FloatArray:
        """The means of the last states of sequences, by the encoder without its adapters.

        Args:
            ids: the pieces of the sequences, special ones included. *Shape:* ``(n_rows,)``
            bounds: first row of each sequence, and the number of rows. *Shape:*
                ``(n_sequences + 1,)``
            max_pieces: the most pieces that pass the encoder at a time, padding included.

        Returns:
            vectors on the host. *Shape:* ``(n_sequences, width)``
        """
        self.eval()
        sizes = numpy.diff(bounds)
        owners = numpy.repeat(numpy.arange(len(sizes), dtype="int32"), sizes)
        with torch.no_grad(), without_adapters():
            states = self.encode(ids, bounds, max_pieces)[-1]
            means: FloatArray = self.mean_by_token(states, owners, len(sizes)).cpu().numpy()
        return means

    def options(self) -> Dict[str, Any]:
        """See :meth:`.PretrainedEncoder.options`."""
        return {"adapter_rank": self.adapter_rank} if self.adapter_rank else {}

    def attention(self, ids: Int32Array, layer: int) -> FloatArray:
        """What each piece of a window attends to, the mean of the heads of a layer.

        Args:
            ids: the pieces, special ones included. *Shape:* ``(n_pieces,)``
            layer: the layer, counted from 0, or from the last one: -1.

        Returns:
            shares that sum up to 1 in each row, on the host. *Shape:* ``(n_pieces, n_pieces)``

        Raises:
            ConfigError: if there is no such layer, or the encoder does not give its attention.
        """
        self.eval()
        with torch.no_grad():
            output = self.encoder(input_ids=self.index(ids)[None], output_attentions=True)
        layers = output.attentions or ()
        if not -len(layers) <= layer < len(layers):
            raise ConfigError(
                f"layer {layer}: the encoder gives the attention of {len(layers)} layers, which are "
                "counted from 0, or from the last one: -1"
            )
        shares: FloatArray = layers[layer][0].mean(dim=0).float().cpu().numpy()
        return shares


_MAX_ROWS = 65536  # rows of windows whose states are in memory at a time in prediction
