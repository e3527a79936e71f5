"""The scorer of candidate pairs: pooled mentions, types, context and features of the pairs.

It has two layers. The summands of the first one are computed once for each mention, entity type,
distance and token; a pair only looks up rows and adds them::

    hidden = relu( head[h] + tail[t] + head factor[h] * tail factor[t]
                   + type pair[h, t] + distance[h, t] + mentions between[h, t]
                   + max(tokens between) + max(tokens left) + max(tokens right)
                   + categories[h, t] + features of the pair )                         (hidden width)
    logits = hidden · W + b                                                            (labels)

In prediction, pairs are scored in blocks, so that only the logits grow with their number. The
decomposition of the first layer over mentions is that of additive span-pair scorers, e.g. Lee et al.
2017 (https://aclanthology.org/D17-1018); the max-pooled context between the mentions is that of SpERT
(Eberts and Ulges 2020, https://arxiv.org/abs/1909.07755).
"""

from dataclasses import replace
from typing import Any, Callable, Dict, Literal, NamedTuple, Optional, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import Dropout, Embed, HashEmbed, Model, Ops
from thinc.types import Floats2d, Ints2d

from ...candidates import Candidates
from ...errors import ConfigError
from ...layers.affine import Affine, input_gradient
from ...layers.range_max import RangeMax
from ...layers.rows import blocks, on_device, rectify
from ...layers.span_pooling import SpanPooling
from ...types import Int32Array
from .entity_sentences import N_MEETINGS
from .pair_index import N_COUNTERS, N_COUNTS, N_DISTANCES, PairIndex, index_pairs
from .pair_tables import MAX_TOKENS, PartGradients, Parts, make_parts, range_max

PairFeatures = Callable[[slice], Floats2d]
"""Computes vectors of some pairs, e.g. the states of their markers. *Shape:* ``(n_pairs, width)``"""


class Pairs(NamedTuple):
    """Candidate pairs, and the vectors that they are scored by.

    Attributes:
        docs: the documents.
        candidates: their pairs.
        tokens: vectors of all tokens of the documents. *Shape:* ``(n_tokens, width)``
        features: vectors of the pairs themselves, for models that have them.
        categories: rows of an embedding table, for models that have one. *Shape:*
            ``(n_pairs, n_columns)``
    """

    docs: Sequence[Doc]
    candidates: Candidates
    tokens: Floats2d
    features: Optional[PairFeatures] = None
    categories: Optional[Int32Array] = None


class PairGradients(NamedTuple):
    """Gradients of the tokens and of the features of all pairs, in the shapes of these."""

    tokens: Floats2d
    features: Optional[Floats2d]


OutT = Floats2d
Backprop = Callable[[Any], Any]
PairScorerT = Model[Pairs, OutT]

_N_TYPE_ROWS = 512  # a type hashes to 4 of these rows, so that types practically never collide


def PairScorer(
    *,
    pooling: Sequence[str],
    hidden_size: int,
    type_size: int,
    context: bool,
    outside: int,
    max_context: int,
    product: bool,
    dropout: float,
    block_size: int,
    nO: Optional[int] = None,
    features: bool = False,
    sentences: bool = False,
    entity_pooling: Literal["mean", "logsumexp"] = "mean",
    n_categories: int = 0,
) -> PairScorerT:
    """Score candidate pairs over the vectors of their tokens.

    The arguments are those of :func:`~rel_component.models.pairs.span_pair.build_span_pair`, and
    ``features``: whether the pairs come with features; ``sentences``: whether it counts in how many
    sentences both are mentioned, or how far apart they are; ``entity_pooling``: how the rows of the
    mentions of an entity become one; ``n_categories``: rows of the embedding table of the categories
    of pairs, 0 if they have none. Backprop gives :class:`PairGradients`.

    Raises:
        ConfigError: if a pooling is unknown or a number is out of range.
    """
    if max_context < 1 or max_context & (max_context - 1):
        raise ConfigError(f"max_context must be a power of two, got {max_context}")
    if outside < 0 or block_size < 1:
        raise ConfigError("outside must be 0 or more and block_size 1 or more")
    layers: Dict[str, Model[Any, Any]] = {
        "pooling": SpanPooling(pooling),
        "types": HashEmbed(type_size, _N_TYPE_ROWS, dropout=None, seed=11),
        "mention_dropout": Dropout(dropout),
        "head": Affine(hidden_size),
        "tail": Affine(hidden_size),
        "type_pairs": HashEmbed(hidden_size, _N_TYPE_ROWS, dropout=None, seed=12),
        "distances": Embed(hidden_size, N_DISTANCES),
        "counts": Embed(hidden_size, N_COUNTERS * N_COUNTS),
        "hidden_dropout": Dropout(dropout),
        "output_layer": Affine(nO, hidden_size),
    }
    if product:
        layers.update(head_factor=Affine(hidden_size), tail_factor=Affine(hidden_size))
    if features:
        layers.update(features_dropout=Dropout(dropout), features=Affine(hidden_size))
    if sentences:
        layers["meetings"] = Embed(hidden_size, N_MEETINGS)
    if n_categories:
        layers["categories"] = Embed(hidden_size, n_categories)
    regions = ["between"] * context + ["left", "right"] * bool(outside)
    layers.update({name: Affine(hidden_size) for name in regions})
    return Model(
        "pair_scorer",
        forward,
        init=init,
        layers=list(layers.values()),
        dims={"nI": None, "nO": nO},
        refs=dict(layers),
        attrs={
            "regions": regions,
            "outside": outside,
            "max_context": max_context,
            "product": product,
            "sentences": sentences,
            "entity_pooling": entity_pooling,
            "block_size": block_size,
        },
    )


def forward(
    model: PairScorerT, pairs: Pairs, is_train: bool
) -> Tuple[OutT, Callable[[OutT], PairGradients]]:
    """The logits of pairs, and the gradients of the tokens and of the features."""
    index = _index(model, pairs)
    parts, backprop_parts = make_parts(model, pairs.tokens, pairs.candidates, index, is_train)
    logits, backprop_score = _score(model, pairs, parts, index, is_train)

    def backprop(d_logits: OutT) -> PairGradients:
        d_parts, d_features = backprop_score(d_logits)
        return PairGradients(backprop_parts(d_parts), d_features)

    return logits, backprop


def init(model: PairScorerT, X: Optional[Pairs] = None, Y: Optional[OutT] = None) -> PairScorerT:
    """Take the widths from a sample, and the number of labels from Y."""
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
        model.get_ref("output_layer").set_dim("nO", Y.shape[1])
    if X is None:
        return model
    width, pooling = X.tokens.shape[1], model.get_ref("pooling")
    model.set_dim("nI", width)
    pooling.set_dim("nI", width)
    pooling.initialize()
    mention_width = pooling.get_dim("nO") + model.get_ref("types").get_dim("nO")
    factors = ["head_factor", "tail_factor"] if model.attrs["product"] else []
    for name in ("head", "tail", *factors):
        model.get_ref(name).set_dim("nI", mention_width)
    for name in model.attrs["regions"]:
        model.get_ref(name).set_dim("nI", width)
    if X.features is not None:
        model.get_ref("features").set_dim("nI", X.features(slice(0, 0)).shape[1])
    for layer in model.layers:
        if layer is not pooling:
            layer.initialize()
    return model


def pooled_evidence(model: PairScorerT, pairs: Pairs, d_logits: Floats2d) -> Dict[str, Floats2d]:
    """What each token adds to the logits of pairs by winning the max pooling of its region.

    It needs no gradient but that of the last layer: between the pooling and the logits there is nothing
    but a sum, of which only the positive values go on.

    Args:
        model: the scorer.
        pairs: the pairs; those with features are refused by their models.
        d_logits: weights of the logits of each pair. *Shape:* ``(n_pairs, n_labels)``

    Returns:
        for each region the sum over the dimensions that a token wins. *Shape:* ``(n_pairs, n_tokens)``
    """
    ops = model.ops
    index = _index(model, pairs)
    parts, _ = make_parts(model, pairs.tokens, pairs.candidates, index, True)
    everything = slice(0, len(index))
    projected, _ = _project_features(model, pairs.features, everything, True)
    hidden = _hidden(ops, parts, index, projected)
    weights = input_gradient(model.get_ref("output_layer"), hidden, d_logits) * (hidden > 0)
    found = {}
    for name, table in parts.tables.items():
        runs = _runs(ops, table, index, name)
        # one more column takes what empty regions add, which is nothing
        sums = ops.xp.zeros((len(index), len(pairs.tokens) + 1), dtype="float32")
        rows = ops.xp.arange(len(index))[:, None]
        ops.xp.add.at(sums, (rows, table.winners(runs)), weights * table(runs))
        found[name] = sums[:, :-1]
    return found


def _index(model: PairScorerT, pairs: Pairs) -> PairIndex:
    """The rows of the tables that each pair looks up."""
    return index_pairs(
        pairs.docs,
        pairs.candidates,
        outside=model.attrs["outside"],
        sentences=model.attrs["sentences"],
        categories=pairs.categories,
    )


def _score(
    model: PairScorerT, pairs: Pairs, parts: Parts, index: PairIndex, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Tuple[PartGradients, Optional[Floats2d]]]]:
    """Logits of all pairs, in blocks unless the hidden layer is needed for the way back."""
    ops, output_layer = model.ops, model.get_ref("output_layer")
    everything, features = slice(0, len(index)), pairs.features
    if is_train:
        projected, backprop_features = _project_features(model, features, everything, True)
        hidden = _hidden(ops, parts, index, projected)  # (n_pairs, hidden)
        dropped, backprop_dropout = model.get_ref("hidden_dropout")(hidden, True)
        logits, backprop_output = output_layer(dropped, True)
    else:
        logits = ops.alloc2f(len(index), model.get_dim("nO"))
        for rows in blocks(len(index), model.attrs["block_size"]):
            projected, _ = _project_features(model, features, rows, False)
            block = _nearby(model, pairs.tokens, parts, index[rows])
            logits[rows] = output_layer.predict(_hidden(ops, *block, projected))

    def backprop(d_logits: Floats2d) -> Tuple[PartGradients, Optional[Floats2d]]:
        d_hidden = backprop_dropout(backprop_output(d_logits)) * (hidden > 0)
        return _hidden_gradients(ops, parts, index, d_hidden), backprop_features(d_hidden)

    return logits, backprop


def _nearby(
    model: PairScorerT, tokens: Floats2d, parts: Parts, index: PairIndex
) -> Tuple[Parts, PairIndex]:
    """The tables over the tokens around some pairs, where there is none over all tokens.

    A table takes several times the memory of the tokens, and pairs lie in the order of the text.
    """
    if len(tokens) <= MAX_TOKENS or not len(index):
        return parts, index
    regions = {name: index.regions[name] for name in model.attrs["regions"]}
    runs = numpy.concatenate([*regions.values(), numpy.zeros((0, 2), dtype="int32")])
    runs = runs[runs[:, 1] > runs[:, 0]]
    low, high = (int(runs[:, 0].min()), int(runs[:, 1].max())) if len(runs) else (0, 1)
    nearby = tokens[low:high]
    tables = {
        name: range_max(model, model.get_ref(name).predict(nearby), runs, is_train=False)
        for name, runs in regions.items()
    }
    shifted = {name: numpy.asarray(runs - low) for name, runs in regions.items()}
    return replace(parts, tables=tables), replace(index, regions=shifted)


def _project_features(
    model: PairScorerT, features: Optional[PairFeatures], rows: slice, is_train: bool
) -> Tuple[Optional[Floats2d], Callable[[Floats2d], Optional[Floats2d]]]:
    """The features of pairs, projected to the hidden layer. *Shape:* ``(n_pairs, hidden)``."""
    if features is None:
        return None, lambda d_hidden: None
    dropped, backprop_dropout = model.get_ref("features_dropout")(features(rows), is_train)
    projected, backprop_projection = model.get_ref("features")(dropped, is_train)
    return projected, lambda d_hidden: backprop_dropout(backprop_projection(d_hidden))


def _hidden(
    ops: Ops, parts: Parts, index: PairIndex, projected: Optional[Floats2d] = None
) -> Floats2d:
    """The hidden layer of some pairs. *Shape:* ``(n_pairs, hidden)``."""
    if not len(index):
        return ops.alloc2f(0, parts.rows.shape[1])
    hidden = ops.gather_add(parts.rows, on_device(ops, index.keys))
    for name, table in parts.tables.items():
        hidden += table(_runs(ops, table, index, name))
    if parts.factors is not None:
        head, tail = on_device(ops, index.entities.T)
        product = ops.xp.take(parts.factors[0], head, axis=0)
        product *= ops.xp.take(parts.factors[1], tail, axis=0)
        hidden += product
    if projected is not None:
        hidden += projected
    return rectify(ops, hidden)


def _hidden_gradients(
    ops: Ops, parts: Parts, index: PairIndex, d_hidden: Floats2d
) -> PartGradients:
    d_rows = ops.alloc2f(*parts.rows.shape)
    for column in index.keys.T:
        ops.scatter_add(d_rows, on_device(ops, column), d_hidden)
    d_factors = None
    if parts.factors is not None:
        head, tail = on_device(ops, index.entities.T)
        d_factors = (ops.alloc2f(*parts.factors[0].shape), ops.alloc2f(*parts.factors[1].shape))
        ops.scatter_add(d_factors[0], head, d_hidden * parts.factors[1][tail])
        ops.scatter_add(d_factors[1], tail, d_hidden * parts.factors[0][head])
    d_tables = {
        name: table.backprop(_runs(ops, table, index, name), d_hidden)
        for name, table in parts.tables.items()
    }
    return PartGradients(d_rows, d_factors, d_tables)


def _runs(ops: Ops, table: RangeMax, index: PairIndex, name: str) -> Ints2d:
    starts, ends = index.regions[name].T
    return on_device(ops, table.cover(starts, ends))
