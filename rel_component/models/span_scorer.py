"""``rel_component.SpanScorer.v1``: every span up to a width is scored as a mention of each type.

A span is represented by its first and its last token, its width and the maximum over its tokens. The
hidden layer is the rectified sum of a projection of each of them, as in the span classifiers of Lee et
al. 2017 (https://aclanthology.org/D17-1018) and SpERT (Eberts and Ulges 2020,
https://arxiv.org/abs/1909.07755). The projections are made once a token, so that a span costs four
additions of rows and the output layer.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy
from spacy.attrs import SHAPE
from spacy.tokens import Doc
from thinc.api import Dropout, Embed, HashEmbed, Model
from thinc.types import Floats2d, Ints2d

from ..errors import ConfigError
from ..layers.affine import Affine, resize_output
from ..layers.range_max import RangeMax
from ..layers.rows import blocks, join_rows, on_device, rectify
from ..types import Int32Array, SpanModelT

_N_SHAPE_ROWS = 1024  # a shape hashes to 4 of these rows
_CACHED_SPANS = 2048  # whose hidden layer stays in the cache of a CPU core
_MAX_TOKENS = 16384  # whose projections are in memory at a time in prediction

InT = Tuple[List[Doc], Int32Array]
OutT = Floats2d


def build_span_scorer(
    tok2vec: Model[List[Doc], List[Floats2d]],
    hidden_size: int = 256,
    shape_size: int = 32,
    max_width: int = 12,
    dropout: float = 0.2,
    block_size: int = 16384,
    nO: Optional[int] = None,
) -> SpanModelT:
    """Build a model that scores spans (``rel_component.SpanScorer.v1``).

    Args:
        tok2vec: vectors of the tokens, a layer of its own or a listener. *Shape:*
            ``(n_tokens, width)`` for each document.
        hidden_size: width of the hidden layer.
        shape_size: width of the embedding of a token's shape (``Xxxx``, ``XXdd``), which is put
            beside its vector, because many encoders are uncased. 0: none.
        max_width: the most tokens of a span.
        dropout: probability of dropping a value of the token vectors and of the hidden layer;
            training sets it to its own rate.
        block_size: number of spans scored at a time in prediction.
        nO: number of outputs; set by the component.

    Raises:
        ConfigError: if a number is out of range.
    """
    if max_width < 1 or block_size < 1 or shape_size < 0:
        raise ConfigError("max_width and block_size must be 1 or more, shape_size 0 or more")
    layers: Dict[str, Model[Any, Any]] = {
        "tok2vec": tok2vec,
        "token_dropout": Dropout(dropout),
        "first": Affine(hidden_size),
        "last": Affine(hidden_size),
        "inside": Affine(hidden_size),
        "widths": Embed(hidden_size, max_width),
        "hidden_dropout": Dropout(dropout),
        "output_layer": Affine(nO, hidden_size),
    }
    if shape_size:
        layers["shapes"] = HashEmbed(shape_size, _N_SHAPE_ROWS, dropout=None, seed=13)
    return Model(
        "span_scorer",
        forward,
        init=init,
        layers=list(layers.values()),
        dims={"nI": None, "nO": nO},
        refs=dict(layers),
        attrs={
            "max_width": max_width,
            "block_size": block_size,
            "resize_output": resize_output,
        },
    )


def forward(model: SpanModelT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], Any]]:
    """The logits of all spans, and the way back to the token vectors."""
    docs, spans = X
    ops = model.ops
    vectors, backprop_tok2vec = model.get_ref("tok2vec")(docs, is_train)
    tokens, split = join_rows(ops, vectors, model.get_dim("nI"))
    width = tokens.shape[1]
    if model.has_ref("shapes"):
        ids = [doc.to_array(SHAPE) for doc in docs]
        shape_ids = on_device(ops, numpy.concatenate(ids) if ids else numpy.zeros(0, "uint64"))
        shapes, backprop_shapes = model.get_ref("shapes")(shape_ids, is_train)
        tokens = ops.xp.concatenate([tokens, shapes], axis=1)
    dropped, backprop_dropout = model.get_ref("token_dropout")(tokens, is_train)
    logits, backprop_spans = _score(model, dropped, spans, is_train)

    def backprop(d_logits: OutT) -> Any:
        d_tokens = backprop_dropout(backprop_spans(d_logits))
        if model.has_ref("shapes") and len(d_tokens):  # embeddings cannot go back over no rows
            backprop_shapes(ops.as_contig(d_tokens[:, width:]))
        return backprop_tok2vec(split(d_tokens[:, :width]))

    return logits, backprop


def init(model: SpanModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> SpanModelT:
    """Initialise the encoder, and then the layers above it by the width of its vectors."""
    tok2vec = model.get_ref("tok2vec")
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
        model.get_ref("output_layer").set_dim("nO", Y.shape[1])
    if X is None:
        tok2vec.initialize()
        return model
    docs, _ = X
    tok2vec.initialize(X=docs)
    width = tok2vec.predict(docs)[0].shape[1]
    model.set_dim("nI", width)
    width += model.get_ref("shapes").get_dim("nO") if model.has_ref("shapes") else 0
    for name in ("first", "last", "inside"):
        model.get_ref(name).set_dim("nI", width)
    for layer in model.layers:
        if layer is not tok2vec:
            layer.initialize()
    return model


def _score(
    model: SpanModelT, tokens: Floats2d, spans: Int32Array, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """Logits of all spans, in blocks unless the hidden layer is needed for the way back."""
    ops, output_layer = model.ops, model.get_ref("output_layer")
    n_tokens = len(tokens)
    if n_tokens > _MAX_TOKENS and not is_train:
        starts = blocks(n_tokens, _MAX_TOKENS - model.attrs["max_width"])
        parts = [_score_part(model, tokens, spans, part) for part in starts]
        return ops.xp.concatenate(parts), lambda d_logits: tokens
    first, backprop_first = model.get_ref("first")(tokens, is_train)
    last, backprop_last = model.get_ref("last")(tokens, is_train)
    inside, backprop_inside = model.get_ref("inside")(tokens, is_train)
    all_widths = ops.xp.arange(model.attrs["max_width"], dtype="int32")
    widths, backprop_widths = model.get_ref("widths")(all_widths, is_train)
    rows = ops.xp.concatenate([first, last, widths])  # (2 * n_tokens + max_width, hidden)
    longest_run = 1 << (len(all_widths).bit_length() - 1)  # the power of two below the widths
    table = RangeMax(ops, inside, max_run=longest_run, is_train=is_train)

    def places(part: slice) -> Tuple[Ints2d, Ints2d]:
        """Rows to add up, *Shape:* ``(n, 3)``, and runs of the table, *Shape:* ``(n, 2)``."""
        starts, ends = spans[part].T
        columns = [starts, n_tokens + ends - 1, 2 * n_tokens + ends - starts - 1]
        keys = numpy.stack(columns, axis=1)
        return on_device(ops, keys), on_device(ops, table.cover(starts, ends))

    def hidden_layer(keys: Ints2d, runs: Ints2d) -> Floats2d:
        if not len(keys):
            return ops.alloc2f(0, rows.shape[1])
        hidden = ops.gather_add(rows, keys)
        hidden += table(runs)
        return rectify(ops, hidden)

    if is_train:
        keys, runs = places(slice(None))
        hidden = hidden_layer(keys, runs)  # (n_spans, hidden)
        dropped, backprop_dropout = model.get_ref("hidden_dropout")(hidden, True)
        logits, backprop_output = output_layer(dropped, True)
    else:
        logits = ops.alloc2f(len(spans), model.get_dim("nO"))
        size = model.attrs["block_size"]
        size = min(size, _CACHED_SPANS) if ops.device_type == "cpu" else size
        for part in blocks(len(spans), size):
            logits[part] = output_layer.predict(hidden_layer(*places(part)))

    def backprop(d_logits: Floats2d) -> Floats2d:
        d_hidden = backprop_dropout(backprop_output(d_logits)) * (hidden > 0)
        d_rows = ops.alloc2f(*rows.shape)
        for column in keys.T:
            ops.scatter_add(d_rows, ops.as_contig(column), d_hidden)
        backprop_widths(d_rows[2 * n_tokens :])
        d_tokens = backprop_first(d_rows[:n_tokens])
        d_tokens += backprop_last(d_rows[n_tokens : 2 * n_tokens])
        d_tokens += backprop_inside(table.backprop(runs, d_hidden))
        return d_tokens

    return logits, backprop


def _score_part(model: SpanModelT, tokens: Floats2d, spans: Int32Array, starts: slice) -> Floats2d:
    """Logits of the spans that start at some of the tokens; spans are ordered by their start."""
    first, last = numpy.searchsorted(spans[:, 0], [starts.start, starts.stop])
    end = min(starts.stop + model.attrs["max_width"], len(tokens))
    part = spans[first:last] - starts.start
    return _score(model, tokens[starts.start : end], part, False)[0]
