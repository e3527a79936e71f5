"""Where an encoder looks: the attention of head and tail, which does not say why something is found."""

from typing import Any, Dict, List, Sequence, Tuple

import numpy
from spacy.tokens import Span

from ..errors import ConfigError, shown
from ..models.encoder import encoder_inputs
from .attributions import own_encoder
from .probe import DocumentProbe, Floats, Probe


def attention(probes: Sequence[Probe], layer: int = -1) -> List[Dict[str, Floats]]:
    """The attention of heads and tails to the other tokens of their document, the mean of the heads.

    Pieces have the attention that they pay in the window where their vectors come from; that to the
    pieces of a token is summed up, and the mean is taken over the pieces of the mention. The attention
    to special tokens and to head and tail themselves is left out. Attention is no explanation, see Jain
    and Wallace 2019 (https://aclanthology.org/N19-1357).

    Args:
        probes: the relations, of one document.
        layer: the layer, counted from 0, or from the last one: -1.

    Returns:
        for each relation the weights of ``attention of head`` and ``attention of tail``. *Shape:*
        ``(n_tokens,)`` each

    Raises:
        ConfigError: if the pipeline has no encoder of this package, or the encoder no such layer.
    """
    if not probes:
        return []
    ends = [(probe.relation.head, probe.relation.tail) for probe in probes]
    rows = sorted({i for pair in ends for span in pair for i in range(span.start, span.end)})
    table = _table(probes[0].document, rows, layer)

    def weights(pair: Tuple[Span, Span], span: Span) -> Floats:
        first = numpy.searchsorted(rows, span.start)
        found: Floats = table[first : first + len(span)].mean(axis=0)
        for end in pair:
            found[end.start : end.end] = 0.0
        return found

    return [
        {f"attention of {name}": weights(pair, span) for name, span in zip(("head", "tail"), pair)}
        for pair in ends
    ]


def _table(document: DocumentProbe, rows: Sequence[int], layer: int) -> Floats:
    """The attention of some tokens to all. *Shape:* ``(n_rows, n_tokens)``."""
    encoder = own_encoder(document)
    if encoder is None:
        raise ConfigError(
            f"attention: the model {shown(document.extractor.model.name)} reads no encoder of this "
            "package (rel_component.Encoder.v1, shared or not); use gradient or occlusion"
        )
    windows, token_of = encoder_inputs(encoder, [document.base.doc]).args[:2]
    module: Any = encoder.shims[0]._model
    pieces, n_tokens = windows.pieces, len(document.doc)
    table = numpy.zeros((len(rows), n_tokens))
    place = {token: i for i, token in enumerate(rows)}
    for low, high in zip(windows.bounds[:-1], windows.bounds[1:]):
        text = numpy.flatnonzero(pieces[low:high] < len(token_of))
        tokens = token_of[pieces[low:high][text]]
        asked = [
            (i, place[token])
            for i, token in zip(text.tolist(), tokens.tolist())
            if token in place and windows.home[pieces[low + i]] == low + i
        ]
        paid: Any = module.attention(windows.ids[low:high], layer) if asked else None
        for i, row in asked:
            table[row] += numpy.bincount(tokens, weights=paid[i, text], minlength=n_tokens)
    counts = numpy.bincount(token_of, minlength=n_tokens)[list(rows)]
    found: Floats = table / numpy.maximum(counts, 1)[:, None]
    return found
