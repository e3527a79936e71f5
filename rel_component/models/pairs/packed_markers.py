"""``rel_component.PackedMarkers.v1``: levitated markers and pooled mentions, in one pass of a text.

An encoder of its own reads the text once, with a marker before each mention. Pairs are scored by the
pooled states of their mentions, as in SpanPair, by two markers that see the text and each other
(``layers/torch_packed_markers.py``), and by the state of the special token before the text. Both
directions of a pair share their markers.

With `prune`, a first scorer, which has no markers, looks at all pairs, and only those get markers to
which it gives a chance (``first_pass.py``). It learns from its own logits, for which
``Candidates.asks_first`` asks.
"""

from copy import copy
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import ArgsKwargs, Model, torch2xp, xp2torch
from thinc.types import Floats2d

from ...candidates import Candidates, PairModelT
from ...errors import ConfigError
from ...layers.affine import move_outputs, resize_output
from ...layers.marker_inputs import MarkerBlock, TextBatch
from ...layers.rows import count_within, gather_vectors, on_device, rows_of_runs
from ...layers.windows import make_windows
from ...layers.word_pieces import insert_pieces, split_into_pieces, tokens_of_pieces
from ...types import BoolArray, Int32Array, Precision
from .first_pass import promising_pairs
from .mention_pairs import closest_mentions, unordered
from .pair_scorer import Pairs, PairScorer

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d


def build_packed_markers(
    name: str,
    reset_layers: int = 0,
    mark_mentions: bool = True,
    marker_layer: Optional[int] = None,
    max_pieces: int = 4096,
    pooling: List[str] = ["mean", "max"],  # noqa: B006  # never changed; shown in filled configs
    hidden_size: int = 256,
    type_size: int = 32,
    context: bool = True,
    outside: int = 10,
    max_context: int = 64,
    product: bool = True,
    dropout: float = 0.2,
    block_size: int = 1024,
    prune: Optional[float] = None,
    pairs_per_mention: Optional[int] = 5,
    precision: Precision = "float32",
    grad_scaler_config: Dict[str, Any] = {},  # noqa: B006  # as above
    transformer_config: Dict[str, Any] = {},  # noqa: B006  # as above
    nO: Optional[int] = None,
) -> PairModelT:
    """Build a PackedMarkers model.

    Markers that the text does not see are those of PURE's approximation (Zhong and Chen 2021,
    https://aclanthology.org/2021.naacl-main.5), packed as in PL-Marker (Ye et al. 2022,
    https://aclanthology.org/2022.acl-long.337). A text that is longer than the encoder's window is
    read in overlapping windows; the markers of a pair that fits in none read one window each.

    Args:
        name: a folder with an encoder, or its name on a hub; see
            :func:`~rel_component.models.encoder.build_encoder`, also for `precision` and
            `transformer_config`.
        reset_layers: number of the encoder's last layers that start from random weights.
        mark_mentions: whether the text is read with a marker before each mention, and with the
            types and numbers of the mentions added to their pieces.
        marker_layer: number of the encoder's layers that only the text passes, 0 to all but one;
            the more, the faster. None: half of them.
        max_pieces: the most word pieces that pass the encoder at a time, padding included.
        pooling: how the tokens of a mention are pooled, see
            :func:`~rel_component.models.pairs.span_pair.build_span_pair`, also for the next six.
        hidden_size: width of the hidden layer.
        type_size: width of the entity-type embeddings.
        context: whether the tokens between the mentions count.
        outside: number of tokens before the first and after the second mention that count.
        max_context: number of tokens at each end of a long context that count.
        product: whether the product of projections of head and tail counts.
        dropout: probability of dropping a value of mentions, markers and the hidden layer; training
            sets it to its own rate.
        block_size: number of pairs whose markers are in memory at a time.
        prune: the least probability of any relation, by a first scorer without markers, with which a
            pair gets markers in use; the others keep the logits of that scorer. 0: all get some.
            None: there is no such scorer. A trained pipeline can be loaded with another number.
        pairs_per_mention: the most pairs with markers in a document, regardless of direction, for
            each of its mentions; the more probable ones get them, so that time grows with the number
            of mentions and not with that of pairs. Counts only with `prune`. None: any number.
        precision: type of number in which the encoder computes.
        grad_scaler_config: options of Thinc's ``PyTorchGradScaler`` for ``float16``.
        transformer_config: more arguments of ``from_pretrained``, e.g. a revision.
        nO: number of outputs; set by the component.

    Raises:
        ConfigError: if a number is out of range or the device cannot compute in `precision`, or at
            initialisation if the encoder is of an unsupported kind.
    """
    from ...layers.torch_encoder import EncoderShim
    from ...layers.torch_packed_markers import PackedMarkerEncoder

    if max_pieces < 1:
        raise ConfigError(f"max_pieces must be 1 or more, got {max_pieces}")
    if prune is not None and not 0 <= prune < 1:
        raise ConfigError(f"prune must lie in [0, 1), or be null, got {prune}")
    if pairs_per_mention is not None and pairs_per_mention < 1:
        raise ConfigError(f"pairs_per_mention must be 1 or more, got {pairs_per_mention}")
    make_scorer = partial(
        PairScorer,
        pooling=pooling,
        hidden_size=hidden_size,
        type_size=type_size,
        context=context,
        outside=outside,
        max_context=max_context,
        product=product,
        dropout=dropout,
        nO=nO,
    )
    scorers = {"scorer": make_scorer(block_size=block_size, features=True)}
    if prune is not None:
        scorers["first_scorer"] = make_scorer(block_size=_FIRST_BLOCK)
    shim = EncoderShim(PackedMarkerEncoder, precision=precision, grad_scaler=grad_scaler_config)
    return Model(
        "packed_markers",
        partial(forward, prune=prune, per_mention=pairs_per_mention),
        init=init,
        layers=list(scorers.values()),
        shims=[shim],
        dims={"nO": nO},
        refs=dict(scorers),
        attrs={
            "name": name,
            "transformer_config": transformer_config,
            "reset_layers": reset_layers,
            "mark_mentions": mark_mentions,
            "marker_layer": marker_layer,
            "max_pieces": max_pieces,
            "block_size": block_size,
            "resize_output": _resize_scorers,
            "move_outputs": _move_outputs,
            "scores_first": prune is not None,
        },
    )


_FIRST_BLOCK = 4096  # pairs, as in SpanPair


def forward(
    model: PairModelT, X: InT, is_train: bool, *, prune: Optional[float], per_mention: Optional[int]
) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of the candidate pairs, with backprop to the encoder."""
    docs, candidates = X
    layout = _Layout(model, docs, candidates)
    if is_train:
        return _update(model, layout)
    shim = model.shims[0]
    states, _ = shim.predict(ArgsKwargs((layout.text, (), model.attrs["max_pieces"]), {}))
    tokens = _to_xp(model, states.tokens)
    if prune is None:
        return _mark_and_score(model, layout, states, tokens), lambda dY: []
    logits = model.get_ref("first_scorer").predict(Pairs(docs, candidates, tokens))
    if candidates.asks_first:
        marked = _mark_and_score(model, layout, states, tokens)
        return model.ops.xp.concatenate([marked, logits], axis=1), lambda dY: []
    chosen = promising_pairs(
        model.ops, logits, candidates, layout.mentions, least=prune, per_mention=per_mention
    )
    rows = on_device(model.ops, numpy.flatnonzero(chosen))
    logits[rows] = _mark_and_score(model, layout.select(chosen), states, tokens)
    return logits, lambda dY: []


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> PairModelT:
    """Load the encoder, unless it has weights, and take the widths from a sample."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
    shim: Any = model.shims[0]
    scorer = model.get_ref("scorer")
    options = {key: model.attrs[key] for key in ("mark_mentions", "marker_layer")}
    shim.load_pretrained(model.attrs, **options)
    if X is not None:
        width = shim._model.width
        ops = model.ops
        sample = Pairs(X[0], X[1], ops.alloc2f(1, width), lambda rows: ops.alloc2f(0, 3 * width))
        scorer.initialize(X=sample, Y=Y)
        if model.has_ref("first_scorer"):
            model.get_ref("first_scorer").initialize(X=sample._replace(features=None), Y=Y)
    return model


def _mark_and_score(
    model: PairModelT, layout: "_Layout", states: Any, tokens: Floats2d
) -> Floats2d:
    """Logits of pairs with their markers, block by block."""
    shim = model.shims[0]

    def features(rows: slice) -> Floats2d:
        groups, of_pair = unordered(layout.mentions[rows])
        _, markers = shim.predict(ArgsKwargs((states, [layout.block(groups)]), {}))
        return layout.by_pair(_to_xp(model, markers), rows, of_pair)[0]

    pairs = Pairs(layout.docs, layout.candidates, tokens, features)
    return model.get_ref("scorer").predict(pairs)


def _update(model: PairModelT, layout: "_Layout") -> Tuple[Floats2d, Callable[[Floats2d], Any]]:
    shim, size = model.shims[0], max(model.attrs["block_size"] // 2, 1)
    groups, of_pair = unordered(layout.mentions)
    blocks = [layout.block(groups[i : i + size]) for i in range(0, len(groups), size)]
    inputs = ArgsKwargs((layout.text, blocks, model.attrs["max_pieces"]), {})
    (states, markers), backprop_encoder = shim.begin_update(inputs)

    if markers is None:
        features = model.ops.alloc2f(0, 3 * states.tokens.shape[1])
    else:
        everything = slice(0, len(layout.mentions))
        features, backprop_pairs = layout.by_pair(_to_xp(model, markers), everything, of_pair)
    tokens = _to_xp(model, states.tokens)
    pairs = Pairs(layout.docs, layout.candidates, tokens, lambda rows: features[rows])
    logits, backprop_scorer = model.get_ref("scorer")(pairs, True)
    n_labels, asks_first = logits.shape[1], layout.candidates.asks_first
    if asks_first:
        first, backprop_first = model.get_ref("first_scorer")(pairs._replace(features=None), True)
        logits = model.ops.xp.concatenate([logits, first], axis=1)

    def backprop(d_logits: Floats2d) -> Any:
        gradient = backprop_scorer(model.ops.as_contig(d_logits[:, :n_labels]))
        tensors, gradients = [states.tokens], [gradient.tokens]
        if asks_first:
            d_first = model.ops.as_contig(d_logits[:, n_labels:])
            gradients = [gradient.tokens + backprop_first(d_first).tokens]
        if markers is not None:
            tensors.append(markers)
            gradients.append(backprop_pairs(gradient.features))
        given = tuple(xp2torch(X, device=states.tokens.device) for X in gradients)
        backprop_encoder(ArgsKwargs((tuple(tensors),), {"grad_tensors": given}))
        return layout.docs

    return logits, backprop


def _resize_scorers(model: PairModelT, nO: int) -> PairModelT:
    """See :func:`.resize_output`; the first scorer has the same outputs."""
    if model.has_ref("first_scorer"):
        resize_output(model.get_ref("first_scorer"), nO)
    resize_output(model, nO)
    return model


def _move_outputs(model: PairModelT, groups: Sequence[Sequence[int]]) -> PairModelT:
    """See :func:`.move_outputs`; the first scorer has the same outputs."""
    if model.has_ref("first_scorer"):
        move_outputs(model.get_ref("first_scorer"), groups)
    move_outputs(model, groups)
    return model


def _to_xp(model: PairModelT, tensor: Any) -> Any:
    return model.ops.asarray(torch2xp(tensor.detach()))


class _Layout:
    """Builds the inputs of the encoder from a batch; see ``layers/marker_inputs.py``."""

    def __init__(self, model: PairModelT, docs: List[Doc], candidates: Candidates) -> None:
        module = model.shims[0]._model
        if module is None:
            raise ConfigError("PackedMarkers is not initialised: it has no encoder yet")
        self.ops, self.docs, self.candidates = model.ops, docs, candidates
        self.mentions = closest_mentions(candidates)  # (n_pairs, 2)
        self._pieces = split_into_pieces(module.tokenizer, docs)
        spans = candidates.mentions.spans_by_doc
        if module.mark_mentions:
            marker = module.tokenizer.mask_token_id
            self._pieces = [
                insert_pieces(pieces, part[:, 0], marker)
                for pieces, part in zip(self._pieces, spans)
            ]
        before, after = module.special_ids
        windows = make_windows(self._pieces, module.max_pieces, before=before, after=after)
        runs = [
            pieces.starts[part] + begin
            for pieces, part, begin in zip(self._pieces, spans, windows.first_of_doc)
        ]
        # the pieces of each mention. Shape: (n_mentions, 2)
        self._runs = numpy.concatenate(runs) if runs else numpy.zeros((0, 2), dtype="int32")
        mention, marked = rows_of_runs(self._runs)
        self.text = TextBatch(
            windows=windows,
            tokens=tokens_of_pieces(self._pieces),
            n_tokens=sum(map(len, docs)),
            marked=marked,
            types=candidates.mentions.types[mention],
            numbers=count_within(candidates.mentions.lengths)[mention],
        )

    def select(self, rows: BoolArray) -> "_Layout":
        """The same text with some of the pairs.

        Args:
            rows: mask of the pairs to keep. *Shape:* ``(n_pairs,)``
        """
        part = copy(self)
        part.candidates, part.mentions = self.candidates.select(rows), self.mentions[rows]
        return part

    def block(self, groups: Int32Array) -> MarkerBlock:
        """The markers of some pairs.

        Args:
            groups: first and second mention of each pair. *Shape:* ``(n_groups, 2)``
        """
        windows, mentions = self.text.windows, self.candidates.mentions
        runs = self._runs[groups]  # (n_groups, 2, 2)
        docs = mentions.docs[groups[:, 0]]
        low, high = runs[..., 0].min(axis=1), runs[..., 1].max(axis=1)
        joint = windows.nearest(docs, low, high)
        fits = windows.contain(joint, low, high)
        own = [windows.nearest(docs, *runs[:, side].T) for side in (0, 1)]
        chosen = numpy.where(fits[:, None], joint[:, None], numpy.stack(own, axis=1))
        rows = numpy.stack(windows.rows(chosen, runs[..., 0], runs[..., 1]), axis=-1)
        return MarkerBlock(chosen.astype("int32"), rows, mentions.types[groups])

    def by_pair(
        self, markers: Any, rows: slice, of_pair: Int32Array
    ) -> Tuple[Floats2d, Callable[[Floats2d], Any]]:
        """States of the markers of head and tail, and of the special token, and the way back.

        Args:
            markers: states of all groups. *Shape:* ``(n_groups, 3, width)``
            rows: the pairs.
            of_pair: group of each pair. *Shape:* ``(n_pairs,)``

        Returns:
            *Shape:* ``(n_pairs, 3 * width)``, and a function of its gradient.
        """
        mentions = self.mentions[rows]
        head_second = (mentions[:, 0] > mentions[:, 1]).astype("int32")
        special = numpy.full_like(head_second, 2)
        side = numpy.stack([head_second, 1 - head_second, special], axis=1)
        cells = of_pair[:, None] * 3 + side
        return gather_vectors(self.ops, markers, cells, markers.shape[2])
