"""An encoder that gives one vector a token."""

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
        states = self.encode(windows.ids, windows.bounds, max_pieces, save_memory=True)
        return self.mean_by_token(states[-1], windows, tokens, n_tokens)
