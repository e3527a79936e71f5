"""``rel_component.SpanPair.v1``: pairs of pooled mentions over a shared tok2vec or transformer.

The scorer has two layers. Its first layer is linear in everything that describes a pair, so it is
applied to each mention, entity type, distance and token once, and a pair only adds up rows::

    hidden = relu( head[h] + tail[t] + types[type h, type t] + distance[h, t]
                   + max(context between h and t) )                              (hidden width)
    logits = hidden · W + b                                                      (labels)

Pairs are scored in blocks, so that memory does not grow with the number of pairs but for logits.
"""

from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import Dropout, Embed, HashEmbed, Linear, Model, Ops
from thinc.types import Floats2d, Ints2d

from ..layers.range_max import RangeMax
from ..layers.span_pooling import SpanPooling
from ..types import Candidates, Int32Array, PairModelT

InT = Tuple[List[Doc], Candidates]
OutT = Floats2d

_BUCKETS = numpy.asarray([1, 2, 3, 4, 5, 8, 12, 16, 24, 32, 64], dtype="int32")
N_COUNTS = 6
N_DISTANCES = 2 * (len(_BUCKETS) + 2)
_NEW_LABEL_BIAS = -10.0  # below any learned logit, so that old predictions stay as they are
_N_TYPE_ROWS = 512  # a type hashes to 4 of these rows, so that types practically never collide


def build_span_pair(
    tok2vec: Model[List[Doc], List[Floats2d]],
    pooling: List[str] = ["mean", "max"],  # noqa: B006  # never changed; shown in filled configs
    hidden_size: int = 256,
    type_size: int = 32,
    context: bool = True,
    max_context: int = 64,
    outside: int = 0,
    product: bool = False,
    dropout: float = 0.2,
    block_size: int = 4096,
    nO: Optional[int] = None,
) -> PairModelT:
    """Build a SpanPair model.

    The decomposition of the first layer over mentions is that of biaffine and additive span-pair
    scorers, e.g. Lee et al. 2017 (https://aclanthology.org/D17-1018); the max-pooled context between
    the mentions is that of SpERT (Eberts and Ulges 2020, https://arxiv.org/abs/1909.07755).

    tok2vec: vectors of the tokens, a layer of its own or a listener. *Shape:* ``(n_tokens, width)``
        for each document.
    pooling: how the tokens of a mention are pooled, side by side: ``mean``, ``max``, ``first``,
        ``last``, ``attention``.
    hidden_size: width of the hidden layer.
    type_size: width of the entity-type embeddings.
    context: whether the tokens between the mentions count.
    max_context: where more than twice as many tokens lie between the mentions, the first and the
        last `max_context` of them count; a power of two.
    dropout: probability of dropping a value of the mention vectors and of the hidden layer.
    block_size: number of pairs scored at a time in prediction.
    nO: number of outputs; set by the component.

    :raises ConfigError: if a pooling is unknown.
    """
    layers = {
        "tok2vec": tok2vec,
        "pooling": SpanPooling(pooling),
        "types": HashEmbed(type_size, _N_TYPE_ROWS, dropout=None, seed=11),
        "type_pairs": HashEmbed(hidden_size, _N_TYPE_ROWS, dropout=None, seed=12),
        "head": Linear(hidden_size),
        "tail": Linear(hidden_size),
        "distance": Embed(hidden_size, N_DISTANCES),
        "order": Embed(hidden_size, 3 * N_COUNTS),
        "mention_dropout": Dropout(dropout),
        "hidden_dropout": Dropout(dropout),
        "output_layer": Linear(nO, hidden_size),
    }
    if product:
        layers["head_factor"] = Linear(hidden_size)
        layers["tail_factor"] = Linear(hidden_size)
    regions = ["between"] if context else []
    regions += ["left", "right"] if outside else []
    for region in regions:
        layers[region] = Linear(hidden_size)
    model: PairModelT = Model(
        "span_pair",
        forward,
        init=init,
        layers=list(layers.values()),
        dims={"nO": nO},
        refs=dict(layers),
        attrs={
            "max_context": max_context,
            "block_size": block_size,
            "regions": regions,
            "outside": outside,
            "product": product,
            "resize_output": resize_output,
        },
    )
    return model


def forward(model: PairModelT, X: InT, is_train: bool) -> Tuple[OutT, Callable[[OutT], Any]]:
    docs, candidates = X
    ops = model.ops
    token_vectors, backprop_tok2vec = model.get_ref("tok2vec")(docs, is_train)
    width = model.get_ref("pooling").get_dim("nI")
    tokens = _concatenate(ops, token_vectors, width)  # (n_tokens, width)
    index = _index_pairs(docs, candidates, model.attrs["outside"])
    rows, backprop_rows = _rows(model, tokens, candidates, index, is_train)
    rows, factors = rows
    between, backprop_between = _between(model, tokens, index, is_train)
    if is_train:
        logits, backprop_pairs = _score_train(model, rows, factors, between, index)
    else:
        logits = _score(model, rows, factors, between, index)

    def backprop(d_logits: OutT) -> Any:
        d_hidden, d_factors = backprop_pairs(d_logits)  # (n_pairs, hidden)
        d_rows = ops.alloc2f(*rows.shape)
        for column in range(index.keys.shape[1]):
            keys = ops.asarray1i(numpy.ascontiguousarray(index.keys[:, column]))
            ops.scatter_add(d_rows, keys, d_hidden)
        d_tokens = backprop_rows(d_rows, d_factors)
        d_tokens += backprop_between(d_hidden)
        splits = numpy.cumsum([len(doc) for doc in docs])[:-1].tolist()
        # a copy each: listeners add to the arrays they are given
        return backprop_tok2vec([part.copy() for part in ops.xp.split(d_tokens, splits)])

    return logits, backprop


def init(model: PairModelT, X: Optional[InT] = None, Y: Optional[OutT] = None) -> PairModelT:
    if Y is not None and model.has_dim("nO") is None:
        model.set_dim("nO", Y.shape[1])
        model.get_ref("output_layer").set_dim("nO", Y.shape[1])
    tok2vec = model.get_ref("tok2vec")
    docs = X[0] if X is not None else None
    tok2vec.initialize(X=docs)
    if docs is None:
        return model
    width = tok2vec.predict(docs)[0].shape[1]
    pooling = model.get_ref("pooling")
    pooling.set_dim("nI", width)
    pooling.initialize()
    mention_width = pooling.get_dim("nO") + model.get_ref("types").get_dim("nO")
    for name in ("head", "tail"):
        model.get_ref(name).set_dim("nI", mention_width)
    for name in model.attrs["regions"]:
        model.get_ref(name).set_dim("nI", width)
    if model.attrs["product"]:
        for name in ("head_factor", "tail_factor"):
            model.get_ref(name).set_dim("nI", mention_width)
    for layer in model.layers:
        if layer is not tok2vec and layer is not pooling:
            layer.initialize()
    return model


def resize_output(model: PairModelT, nO: int) -> PairModelT:
    """Give the output layer more labels; the new ones come last and start out improbable.

    model: an initialised SpanPair model.
    nO: new number of outputs, at least the present one.
    """
    old = model.get_ref("output_layer")
    new = Linear(nO, old.get_dim("nI"))
    new.initialize()
    for name in ("W", "b"):
        values = model.ops.xp.zeros_like(new.get_param(name))
        if name == "b":
            values += _NEW_LABEL_BIAS
        values[: old.get_dim("nO")] = old.get_param(name)
        new.set_param(name, values)
    model.layers[model.layers.index(old)] = new
    model.set_ref("output_layer", new)
    model.set_dim("nO", nO, force=True)
    return model


@dataclass(frozen=True)
class _PairIndex:
    """Where the parts of each pair are found.

    keys: rows of the table of summands: head, tail, type pair, distance. *Shape:* ``(n_pairs, 4)``
    type_pairs: code of each distinct pair of entity types. *Shape:* ``(n_type_pairs,)``
    spans: mentions as rows of the tokens of the batch. *Shape:* ``(n_mentions, 2)``
    gaps: tokens between head and tail as rows of the same. *Shape:* ``(n_pairs, 2)``
    """

    keys: Int32Array
    type_pairs: Any
    spans: Int32Array
    gaps: Any


def _index_pairs(docs: Sequence[Doc], candidates: Candidates, outside: int) -> _PairIndex:
    mentions, n_entities = candidates.mentions, candidates.n_entities
    doc_lengths = numpy.asarray([len(doc) for doc in docs], dtype="int32")
    offsets = numpy.cumsum(doc_lengths) - doc_lengths
    spans = (mentions.spans + offsets[mentions.docs][:, None]).astype("int32")
    first = candidates.first_mentions
    head, tail = candidates.pairs[:, 0], candidates.pairs[:, 1]
    head_spans, tail_spans = spans[first[head]], spans[first[tail]]
    gaps = numpy.stack(
        [
            numpy.minimum(head_spans[:, 1], tail_spans[:, 1]),
            numpy.maximum(head_spans[:, 0], tail_spans[:, 0]),
        ],
        axis=1,
    )
    # Distinct types first, so that pairs are sorted as small integers and not as hashes
    types, type_index = numpy.unique(mentions.types[first], return_inverse=True)
    codes = type_index[head] * max(len(types), 1) + type_index[tail]
    distinct, code_index = numpy.unique(codes, return_inverse=True)
    head_types, tail_types = numpy.divmod(distinct, max(len(types), 1))
    # an odd multiplier makes the code of (PERSON, ORG) differ from that of (ORG, PERSON)
    type_pairs = types[head_types] * numpy.uint64(0x9E3779B97F4A7C15) + types[tail_types]
    distances = _distances(head_spans, tail_spans, gaps)
    n_summands = (n_entities, n_entities, len(distinct), N_DISTANCES, N_COUNTS, N_COUNTS)
    bases = numpy.cumsum((0, *n_summands))
    n_types = max(len(types), 1)
    mention_types = numpy.searchsorted(types, mentions.types)
    prefix = numpy.zeros((n_types, len(mentions) + 1), dtype="int32")
    prefix[:, 1:] = numpy.cumsum(numpy.arange(n_types)[:, None] == mention_types, axis=1)
    low = numpy.minimum(first[head], first[tail])
    high = numpy.maximum(first[head], first[tail])
    counts = [
        numpy.minimum(c, N_COUNTS - 1)
        for c in (
            high - low - 1,
            prefix[mention_types[first[tail]], high] - prefix[mention_types[first[tail]], low + 1],
            prefix[mention_types[first[head]], high] - prefix[mention_types[first[head]], low + 1],
        )
    ]
    keys = numpy.stack([head, tail, code_index, distances, *counts], axis=1) + bases
    g = {"between": gaps.astype("int32")}
    if outside:
        md = mentions.docs[first[head]]
        a = numpy.minimum(head_spans[:, 0], tail_spans[:, 0])
        b = numpy.maximum(head_spans[:, 1], tail_spans[:, 1])
        g["left"] = numpy.stack([numpy.maximum(a - outside, offsets[md]), a], axis=1).astype(
            "int32"
        )
        g["right"] = numpy.stack(
            [b, numpy.minimum(b + outside, offsets[md] + doc_lengths[md])], axis=1
        ).astype("int32")
    return _PairIndex(keys.astype("int32"), type_pairs, spans, g)


def _distances(head: Int32Array, tail: Int32Array, gaps: Int32Array) -> Int32Array:
    """Bucket of the number of tokens between head and tail, apart for the two orders.

    Mentions that share tokens have a bucket of their own.
    """
    lengths = gaps[:, 1] - gaps[:, 0]
    buckets = numpy.where(lengths < 0, len(_BUCKETS) + 1, numpy.digitize(lengths, _BUCKETS))
    head_first = (head[:, 0] < tail[:, 0]) | (
        (head[:, 0] == tail[:, 0]) & (head[:, 1] < tail[:, 1])
    )
    return buckets + head_first * (len(_BUCKETS) + 2)


def _concatenate(ops: Ops, arrays: List[Floats2d], width: int) -> Floats2d:
    # Documents without tokens may come with a width of zero.
    full = [array for array in arrays if array.shape[0]]
    if not full:
        return ops.alloc2f(0, width)
    return ops.xp.concatenate(full) if len(full) > 1 else full[0]


def _rows(
    model: PairModelT, tokens: Floats2d, candidates: Candidates, index: _PairIndex, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """The summands of all pairs: heads, tails, type pairs, distances. *Shape:* ``(n_rows, hidden)``"""
    ops = model.ops
    pooled, backprop_pooling = model.get_ref("pooling")((tokens, index.spans), is_train)
    type_ids = ops.asarray(candidates.mentions.types, dtype="uint64")
    types, backprop_types = model.get_ref("types")(type_ids, is_train)
    mentions = ops.xp.concatenate([pooled, types], axis=1)  # (n_mentions, mention width)
    mentions, backprop_dropout = model.get_ref("mention_dropout")(mentions, is_train)
    entities, backprop_entities = _mean_by_entity(ops, mentions, candidates)
    heads, backprop_heads = model.get_ref("head")(entities, is_train)
    tails, backprop_tails = model.get_ref("tail")(entities, is_train)
    pair_ids = ops.asarray(index.type_pairs, dtype="uint64")
    type_pairs, backprop_type_pairs = model.get_ref("type_pairs")(pair_ids, is_train)
    all_distances = ops.xp.arange(N_DISTANCES, dtype="int32")
    distances, backprop_distances = model.get_ref("distance")(all_distances, is_train)
    order, backprop_order = model.get_ref("order")(
        ops.xp.arange(3 * N_COUNTS, dtype="int32"), is_train
    )
    parts = [heads, tails, type_pairs, distances, order]
    factors = None
    if model.attrs["product"]:
        hf, bp_hf = model.get_ref("head_factor")(entities, is_train)
        tf, bp_tf = model.get_ref("tail_factor")(entities, is_train)
        factors = (hf, tf)
    splits = numpy.cumsum([part.shape[0] for part in parts])[:-1].tolist()

    def backprop(d_rows: Floats2d, d_factors) -> Floats2d:
        d_heads, d_tails, d_type_pairs, d_distances, d_order = ops.xp.split(d_rows, splits)
        backprop_order(d_order)
        backprop_distances(d_distances)
        if len(d_type_pairs):  # HashEmbed cannot go back over no rows
            backprop_type_pairs(d_type_pairs)
        d_ent = backprop_heads(d_heads) + backprop_tails(d_tails)
        if factors is not None:
            d_ent += bp_hf(d_factors[0]) + bp_tf(d_factors[1])
        d_mentions = backprop_entities(d_ent)
        d_mentions = backprop_dropout(d_mentions)
        width = pooled.shape[1]
        if len(d_mentions):
            backprop_types(ops.as_contig(d_mentions[:, width:]))
        d_tokens, _ = backprop_pooling(ops.as_contig(d_mentions[:, :width]))
        return d_tokens

    return (ops.xp.concatenate(parts), factors), backprop


def _mean_by_entity(
    ops: Ops, mentions: Floats2d, candidates: Candidates
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """Mean of the mentions of each entity. *Shape:* ``(n_entities, mention width)``"""
    n_entities = candidates.n_entities
    if numpy.array_equal(candidates.entities, numpy.arange(len(candidates.mentions))):
        return mentions, lambda d_entities: d_entities
    entities = ops.asarray1i(candidates.entities)
    counts = numpy.bincount(candidates.entities, minlength=n_entities).astype("float32")
    shares = ops.asarray2f((1.0 / counts[candidates.entities])[:, None])
    means = ops.alloc2f(n_entities, mentions.shape[1])
    ops.scatter_add(means, entities, mentions * shares)
    return means, lambda d_means: d_means[entities] * shares


def _between(model, tokens, index, is_train):
    """Tables of the projected tokens, from which the context of each pair is looked up."""
    tables, bps = {}, {}
    for name in model.attrs["regions"]:
        projected, bps[name] = model.get_ref(name)(tokens, is_train)
        tables[name] = RangeMax(
            model.ops, projected, max_run=model.attrs["max_context"], is_train=is_train
        )

    def backprop(d_hidden: Floats2d) -> Floats2d:
        d_tokens = model.ops.alloc2f(*tokens.shape)
        for name, table in tables.items():
            d_tokens += bps[name](table.backprop(_runs(model.ops, table, index, name), d_hidden))
        return d_tokens

    return tables, backprop


def _runs(ops: Ops, table: RangeMax, index: _PairIndex, name) -> Ints2d:
    return ops.asarray2i(table.cover(index.gaps[name][:, 0], index.gaps[name][:, 1]))


def _score(model, rows, factors, between, index):
    output_layer = model.get_ref("output_layer")
    logits = model.ops.alloc2f(len(index.keys), model.get_dim("nO"))
    for start, end in _blocks(len(index.keys), model.attrs["block_size"]):
        block = _PairIndex(
            index.keys[start:end],
            index.type_pairs,
            index.spans,
            {k: v[start:end] for k, v in index.gaps.items()},
        )
        hidden = _hidden(model.ops, rows, factors, between, block)
        logits[start:end] = output_layer.predict(hidden)
    return logits


def _score_train(model, rows, factors, between, index):
    ops = model.ops
    hidden = _hidden(ops, rows, factors, between, index)  # (n_pairs, hidden)
    dropped, backprop_dropout = model.get_ref("hidden_dropout")(hidden, True)
    logits, backprop_output = model.get_ref("output_layer")(dropped, True)

    def backprop(d_logits: Floats2d):
        d_hidden = backprop_dropout(backprop_output(d_logits)) * (hidden > 0)
        d_factors = None
        if factors is not None:
            n = factors[0].shape[0]
            h = ops.asarray1i(numpy.ascontiguousarray(index.keys[:, 0]))
            t = ops.asarray1i(numpy.ascontiguousarray(index.keys[:, 1] - n))
            d_factors = (ops.alloc2f(*factors[0].shape), ops.alloc2f(*factors[1].shape))
            ops.scatter_add(d_factors[0], h, d_hidden * factors[1][t])
            ops.scatter_add(d_factors[1], t, d_hidden * factors[0][h])
        return d_hidden, d_factors

    return logits, backprop


def _hidden(ops, rows, factors, between, index):
    """The hidden layer of some pairs. *Shape:* ``(n_pairs, hidden)``"""
    if not len(index.keys):
        return ops.alloc2f(0, rows.shape[1])
    hidden = ops.gather_add(rows, ops.asarray2i(index.keys))
    for name, table in between.items():
        hidden += table(_runs(ops, table, index, name))
    if factors is not None:
        n = factors[0].shape[0]
        hidden += (
            factors[0][ops.asarray1i(index.keys[:, 0])]
            * factors[1][ops.asarray1i(index.keys[:, 1] - n)]
        )
    return ops.relu(hidden, inplace=True)


def _blocks(n_pairs: int, block_size: int) -> Iterator[Tuple[int, int]]:
    for start in range(0, n_pairs, block_size):
        yield start, min(start + block_size, n_pairs)
