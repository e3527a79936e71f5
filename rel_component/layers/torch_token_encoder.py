"""An encoder that gives one vector a token."""

import numpy
import torch
from torch import Tensor

from ..errors import ConfigError
from ..types import FloatArray, Int32Array
from .torch_encoder import PretrainedEncoder
from .windows import Windows


class TokenEncoder(PretrainedEncoder):
    """The mean of the last states of the word pieces of each token."""

    def forward(
        self, windows: Windows, tokens: Int32Array, n_tokens: int, max_pieces: int
    ) -> Tensor:
        """Encode documents.

        Args:
            windows: windows of the documents.
            tokens: token of each piece, numbered through the documents. *Shape:* ``(n_pieces,)``
            n_tokens: number of tokens of all documents.
            max_pieces: the most pieces that pass the encoder at a time, padding included; in
                training, the states inside the encoder are computed again in backprop for more.

        Returns:
            *Shape:* ``(n_tokens, width)``
        """
        bounds = windows.bounds
        if torch.is_grad_enabled() or bounds[-1] <= _MAX_ROWS:
            states = self.encode(windows.ids, bounds, max_pieces, save_memory=True)[-1]
            return self.mean_by_token(states[self.index(windows.home)], tokens, n_tokens)
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
        return self.mean_by_token(states, tokens, n_tokens)

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
