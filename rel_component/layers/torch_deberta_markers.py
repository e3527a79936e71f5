"""Markers for DeBERTa, whose attention depends on the distance between two pieces.

The layers of DeBERTa compute keys, values and distances in one piece, so that text and markers pass
them side by side: a mask hides the markers from the text and from other groups, and a marker has the
position of its mention. The text is therefore read again for every block of markers.
"""

from typing import Any, List

import numpy
import torch
from torch import Tensor
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

from ..errors import ConfigError
from ..types import Int32Array
from .windows import Windows

_MAX_GROUPS = 64


class DebertaMarkerLayers:
    """The layers of a DeBERTa encoder of any version, from `first_layer` on.

    See He et al. 2021 (https://arxiv.org/abs/2006.03654), section 3.1, for its attention.

    Args:
        encoder: a DeBERTa of the package transformers.
        first_layer: number of layers that markers do not pass.
    """

    def __init__(self, encoder: Any, first_layer: int) -> None:
        if first_layer == 0 and getattr(encoder.encoder, "conv", None) is not None:
            raise ConfigError(
                "With this encoder, marker_layer must be 1 or more: text alone passes "
                "its convolution"
            )
        self._encoder = [encoder]  # not registered again as a submodule
        self._first_layer = first_layer

    def __call__(
        self,
        markers: Tensor,
        first: Tensor,
        windows: Windows,
        of_markers: Int32Array,
        rows: Int32Array,
    ) -> Tensor:
        """Apply the layers to markers.

        Args:
            markers: hidden states of the markers at `first_layer`. *Shape:*
                ``(n_groups, 2, width)``
            first: hidden states of the text at `first_layer`. *Shape:* ``(n_rows, width)``
            windows: windows of the text.
            of_markers: the window that each marker reads. *Shape:* ``(n_groups, 2)``
            rows: start and exclusive end of the mention of each marker. *Shape:*
                ``(n_groups, 2, 2)``

        Returns:
            *Shape:* ``(n_groups, 2, width)``
        """
        keys, inverse = numpy.unique(of_markers, axis=0, return_inverse=True)
        groups: List[Any] = []
        parts: List[Tensor] = []
        for k, key in enumerate(keys):
            members = numpy.flatnonzero(inverse.reshape(-1) == k)
            for start in range(0, len(members), _MAX_GROUPS):
                some = members[start : start + _MAX_GROUPS]
                groups.append(some)
                parts.append(self._row(markers, first, windows, key, some, rows))
        order = torch.from_numpy(numpy.argsort(numpy.concatenate(groups))).to(markers.device)
        return torch.cat(parts)[order].float()

    def _row(
        self,
        markers: Tensor,
        first: Tensor,
        windows: Windows,
        key: Int32Array,
        groups: Any,
        rows: Int32Array,
    ) -> Tensor:
        """Encode groups that read the same one or two windows. *Shape:* ``(n_groups, 2, width)``."""
        read = numpy.unique(key)
        text = numpy.concatenate([numpy.arange(*windows.bounds[w : w + 2]) for w in read])
        owner = numpy.repeat(read, windows.bounds[read + 1] - windows.bounds[read])
        shift = windows.first_pieces[owner] - windows.bounds[owner]  # row to place in the document
        mention = rows[groups][:, :, 0].reshape(-1)
        own = numpy.tile(key, len(groups))
        positions = numpy.concatenate(
            [text + shift, mention + windows.first_pieces[own] - windows.bounds[own]]
        )
        window = numpy.concatenate([owner, own])
        group = numpy.concatenate(
            [numpy.full(len(text), -1), numpy.repeat(numpy.arange(len(groups)), 2)]
        )
        is_text = group < 0
        sees = (window[:, None] == window) & is_text  # everything sees the text of its window
        sees |= (group[:, None] == group) & ~is_text  # markers see their group
        device = markers.device
        states = torch.cat(
            [first[torch.from_numpy(text).to(device)], markers[groups].flatten(0, 1)]
        )[None]
        mask = torch.from_numpy(sees)[None, None].to(device)
        return self._run(states, mask, torch.from_numpy(positions).to(device))[0, len(text) :].view(
            len(groups), 2, -1
        )

    def _run(self, states: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        encoder = self._encoder[0].encoder
        distances = positions[:, None] - positions
        buckets = getattr(encoder, "position_buckets", -1)
        if buckets > 0:
            distances = make_log_bucket_position(distances, buckets, encoder.max_relative_positions)
        for layer in encoder.layer[self._first_layer :]:
            states = layer(
                states,
                mask,
                relative_pos=distances.long()[None],
                rel_embeddings=encoder.get_rel_embedding(),
            )[0]
        return states
