"""An encoder that gives one vector a token."""

import numpy
import torch
from torch import Tensor

from ..types import Int32Array
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


_MAX_ROWS = 65536  # rows of windows whose states are in memory at a time in prediction
