"""Encode sequences with markers, and pick the states that represent a pair."""

from typing import Any, Dict, List, Sequence

import torch
from torch import Tensor

from ..types import Int32Array
from .marked_sequences import MarkedSequences
from .rows import rows_of_runs
from .torch_encoder import PretrainedEncoder

REPRESENTATIONS = {"cls": 1, "start": 2, "mean": 2, "between": 1}
"""Parts of the representation of a pair, and how many vectors each consists of."""


class MarkedSequenceEncoder(PretrainedEncoder):
    """An encoder whose vocabulary has markers.

    Args:
        encoder: see :func:`load_pretrained`.
        tokenizer: see :func:`load_pretrained`.
        representation: names of :data:`REPRESENTATIONS`.
    """

    def __init__(self, encoder: Any, tokenizer: Any, *, representation: Sequence[str]) -> None:
        super().__init__(encoder, tokenizer)
        self.representation = list(representation)

    def options(self) -> Dict[str, Any]:
        """See :meth:`PretrainedEncoder.options`."""
        return {"representation": self.representation}

    @property
    def n_features(self) -> int:
        """Width of the representation of a pair."""
        return self.width * sum(REPRESENTATIONS[name] for name in self.representation)

    def add_markers(self, markers: Sequence[str]) -> None:
        """Add special tokens to the vocabulary; their embeddings start at random."""
        new = [marker for marker in markers if marker not in self.tokenizer.get_vocab()]
        if not new:
            return
        self.tokenizer.add_pieces(new)
        self.encoder.resize_token_embeddings(len(self.tokenizer), mean_resizing=False)
        weights = self.encoder.get_input_embeddings().weight
        vocabulary = self.tokenizer.added_tokens_encoder
        with torch.no_grad():
            ids = [vocabulary[marker] for marker in new]
            scale = self.encoder.config.initializer_range
            weights[ids] = scale * torch.randn(len(ids), weights.shape[1]).to(weights.device)

    def forward(self, sequences: MarkedSequences, max_pieces: int = 4096) -> Tensor:
        """Representations of pairs. *Shape:* ``(n_pairs, n_features)``.

        Args:
            sequences: the sequences of the pairs.
            max_pieces: the most pieces that pass the encoder at a time, padding included.
        """
        if not len(sequences.first):
            return torch.zeros(0, self.n_features, device=self.device)
        (states,) = self.encode(sequences.ids, sequences.bounds, max_pieces, save_memory=True)
        parts: List[Tensor] = []
        for name in self.representation:
            if name == "cls":  # a pair in two sequences has their mean
                parts.append(states[self.index(sequences.first)].mean(dim=1))
            elif name == "start":
                parts.append(states[self.index(sequences.starts)].flatten(1))
            elif name == "mean":
                runs = sequences.mentions.reshape(-1, 2)
                parts.append(self._reduce(states, runs, "mean").view(len(sequences.first), -1))
            else:  # a pair in two sequences has their maximum
                runs = sequences.between.reshape(-1, 2)
                maxima = self._reduce(states, runs, "amax")
                parts.append(maxima.view(len(sequences.first), 2, -1).amax(dim=1))
        return torch.cat(parts, dim=1).float()

    def _reduce(self, states: Tensor, runs: Int32Array, how: str) -> Tensor:
        """Reduce runs of rows. *Shape:* ``(n_runs, width)``."""
        run, places = rows_of_runs(runs)
        rows = states[self.index(places)]
        target = states.new_zeros(len(runs), states.shape[1])
        index = self.index(run)[:, None].expand_as(rows)
        return target.scatter_reduce(0, index, rows, how, include_self=False)
