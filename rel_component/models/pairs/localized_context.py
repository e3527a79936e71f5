"""The tokens of a document that matter to a pair of entities.

Each entity attends to the tokens of its document. What matters to a pair is what both attend to: the
product of their weights, normalised, which is an attention by the sum of their queries::

    weight of token i for (h, t)   exp(score[h, i]) * exp(score[t, i]) / sum over the tokens
    score[e, i] = query[e] · key[i] / sqrt(size) + bias[place of i from the mentions of e]
    context (h, t) = sum of weight * value[i]

It is the localized context of ATLOP (Zhou et al. 2021, https://arxiv.org/abs/2010.11304, section 4.2)
with an attention of its own in place of the encoder's, so that any token vectors will do. The share of
the attention that lies in a sentence says how much the sentence is evidence, see DREEAM (Ma et al. 2023,
https://arxiv.org/abs/2302.08675). Both are equal for the two directions of a pair.
"""

from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, cast

import numpy
from spacy.tokens import Doc
from thinc.api import Model, Ops, zero_init
from thinc.types import Floats2d

from ...candidates import Candidates
from ...layers.affine import Affine
from ...layers.rows import blocks, on_device, rows_of_runs
from ...layers.span_pooling import SpanPooling
from ...types import Int32Array
from .entity_pooling import mean_by_entity
from .entity_sentences import EntitySentences, entity_sentences
from .mention_pairs import unordered
from .pair_scorer import Pairs

N_PLACES = 4
"""Places of a token from the mentions of an entity: in one, in its sentence, next to it, elsewhere."""

_MAX_CELLS = 1 << 21  # weights at a time, so that pairs of long documents are taken in small blocks
_MAX_FACTORS = 1 << 26  # of a document that are kept; for longer ones they are made block by block
_LOWEST = -30.0  # from the highest score of an entity: products of two weights do not underflow


@dataclass(frozen=True)
class Contexts:
    """The localized contexts of the pairs of a batch.

    Attributes:
        groups: the row of each pair in `rows`, one for both directions. *Shape:* ``(n_pairs,)``
        rows: the contexts. *Shape:* ``(n_groups, context size)``
        shares: of the attention in each sentence; None unless they are asked for. *Shape:*
            ``(n_groups, n_sentences)``
    """

    groups: Any
    rows: Floats2d
    shares: Optional[Floats2d]

    def features(self, pairs: slice) -> Floats2d:
        """The contexts of some pairs. *Shape:* ``(n_pairs, context size)``."""
        return self.rows[self.groups[pairs]]

    def evidence(self) -> Floats2d:
        """The shares of all pairs. *Shape:* ``(n_pairs, n_sentences)``."""
        if self.shares is None:
            raise ValueError("the candidates do not ask for evidence")
        return self.shares[self.groups]


InT = Pairs
OutT = Contexts
Gradients = Tuple[Optional[Floats2d], Optional[Floats2d]]
"""Gradients of the features and of the evidence of all pairs, in the shapes of these."""


def LocalizedContext(attention_size: int, context_size: int) -> Model[InT, OutT]:
    """Attend to what both entities of a pair attend to.

    Args:
        attention_size: width of queries and keys.
        context_size: width of the values, and of the contexts.

    Returns:
        a layer from :class:`.Pairs` to :class:`Contexts`; backprop takes their gradients and gives
        that of the tokens.
    """
    layers: List[Model[Any, Any]] = [
        SpanPooling(["mean"]),
        Affine(attention_size),
        Affine(attention_size),
        Affine(context_size),
    ]
    names = ("pooling", "query", "key", "value")
    return Model(
        "localized_context",
        forward,
        init=init,
        layers=layers,
        refs=dict(zip(names, layers)),
        params={"place": None},
    )


def forward(
    model: Model[InT, OutT], pairs: InT, is_train: bool
) -> Tuple[OutT, Callable[[Gradients], Floats2d]]:
    """The contexts of all pairs, and the way back to the tokens."""
    ops, candidates, tokens = model.ops, pairs.candidates, pairs.tokens
    lengths = numpy.asarray([len(doc) for doc in pairs.docs], dtype="int32")
    begins = numpy.cumsum(lengths) - lengths
    spans = candidates.mentions.spans + begins[candidates.mentions.docs][:, None].astype("int32")
    pooled, backprop_pooling = model.get_ref("pooling")((tokens, spans), is_train)
    entities, backprop_mean = mean_by_entity(ops, pooled, candidates)
    queries, backprop_queries = model.get_ref("query")(entities, is_train)
    keys, backprop_keys = model.get_ref("key")(tokens, is_train)
    values, backprop_values = model.get_ref("value")(tokens, is_train)
    place: Any = model.get_param("place")
    groups, group_of = unordered(candidates.pairs)
    group_of = on_device(ops, group_of)
    parts = list(_documents(pairs.docs, candidates, begins, groups))
    n_sentences = max((part.found.n_sentences for part in parts), default=0)
    rows = ops.alloc2f(len(groups), values.shape[1])
    shares = ops.alloc2f(len(groups), n_sentences) if candidates.asks_evidence else None
    ones = ops.alloc2f(len(tokens), 1) + 1.0
    summed = ops.xp.concatenate([values, ones], axis=1)  # so that one product has the sums as well
    for part in parts:
        one_hot = part.one_hot(ops)
        for block, _, products in part.products(ops, queries, keys, place):
            sums = ops.xp.dot(products, summed[part.tokens])
            rows[block] = sums[:, :-1] / sums[:, -1:]
            if shares is not None:
                in_sentences = ops.xp.dot(products, one_hot)
                shares[block, : part.found.n_sentences] = in_sentences / sums[:, -1:]

    def backprop(d: Gradients) -> Floats2d:
        d_rows, d_shares = (_by_group(ops, array, group_of, len(groups)) for array in d)
        d_queries, d_keys = ops.alloc2f(*queries.shape), ops.alloc2f(*keys.shape)
        d_values, d_place = ops.alloc2f(*values.shape), ops.alloc1f(N_PLACES)
        for part in parts:
            d_scores = ops.alloc2f(len(part.found.distances), len(part.found.sentences))
            one_hot = part.one_hot(ops)
            for block, local, products in part.products(ops, queries, keys, place):
                weights = products / products.sum(axis=1, keepdims=True)
                d_weights = ops.alloc2f(*weights.shape)
                if d_rows is not None:
                    d_weights += ops.xp.dot(d_rows[block], values[part.tokens].T)
                    d_values[part.tokens] += ops.xp.dot(weights.T, d_rows[block])
                if d_shares is not None:
                    d_block = d_shares[block, : part.found.n_sentences]
                    d_weights += ops.xp.dot(d_block, one_hot.T)
                mean = (weights * d_weights).sum(axis=1, keepdims=True)
                d_sum = weights * (d_weights - mean)  # of the scores of head and tail together
                for column in local.T:
                    ops.scatter_add(d_scores, on_device(ops, column), d_sum)
            entities, scale = part.found.entities, queries.shape[1] ** -0.5
            d_queries[entities] += scale * ops.xp.dot(d_scores, keys[part.tokens])
            d_keys[part.tokens] += scale * ops.xp.dot(d_scores.T, queries[entities])
            places = on_device(ops, part.places())
            for i in range(N_PLACES):
                d_place[i] += d_scores[places == i].sum()
        model.inc_grad("place", d_place)
        d_pooled = backprop_mean(backprop_queries(d_queries))
        d_tokens, _ = backprop_pooling(ops.as_contig(d_pooled))
        return d_tokens + backprop_keys(d_keys) + backprop_values(d_values)

    return Contexts(group_of, rows, shares), backprop


def init(
    model: Model[InT, OutT], X: Optional[InT] = None, Y: Optional[OutT] = None
) -> Model[InT, OutT]:
    """Take the width from a sample; at first all places count alike."""
    if X is not None:
        for layer in model.layers:
            layer.set_dim("nI", X.tokens.shape[1])
    for layer in model.layers:
        layer.initialize()
    model.set_param("place", zero_init(model.ops, (N_PLACES,)))
    return model


@dataclass(frozen=True)
class _Part:
    """The pairs of one document.

    Attributes:
        found: its entities and sentences.
        tokens: its tokens in the batch.
        groups: its pairs without direction, in the batch.
        pairs: their entities, numbered in the document. *Shape:* ``(n_groups, 2)``
    """

    found: EntitySentences
    tokens: slice
    groups: slice
    pairs: Int32Array

    def products(
        self, ops: Ops, queries: Floats2d, keys: Floats2d, place: Any
    ) -> Iterator[Tuple[slice, Int32Array, Floats2d]]:
        """For blocks of groups: rows, entities, and weights of the tokens before division."""
        n_tokens = len(self.found.sentences)
        own_queries, own_keys = queries[self.found.entities], keys[self.tokens]
        scale = queries.shape[1] ** -0.5

        def factors(entities: Any) -> Floats2d:
            """Exponentials of scores, from the highest of each entity. *Shape:* ``(n, n_tokens)``."""
            scores = scale * ops.xp.dot(own_queries[on_device(ops, entities)], own_keys.T)
            scores += place[on_device(ops, self.places(entities))]
            scores -= scores.max(axis=1, keepdims=True)
            return ops.xp.exp(ops.xp.maximum(scores, _LOWEST))

        n_entities = len(self.found.distances)
        everything = None
        if len(self.pairs) and n_entities * n_tokens <= _MAX_FACTORS:
            everything = factors(numpy.arange(n_entities))
        for block in blocks(len(self.pairs), max(_MAX_CELLS // max(n_tokens, 1), 1)):
            local = self.pairs[block]
            rows: Any = local
            table = everything
            if table is None:
                entities, inverse = numpy.unique(local, return_inverse=True)
                table, rows = factors(entities), inverse.reshape(-1, 2)
            head, tail = (on_device(ops, column) for column in rows.T)
            products = table[head]
            products *= table[tail]
            begin = self.groups.start
            yield slice(begin + block.start, begin + block.stop), local, products

    def places(self, entities: Any = None) -> Any:
        """The place of each token from entities, or from all. *Shape:* ``(n_entities, n_tokens)``."""
        found = self.found
        apart = found.distances if entities is None else found.distances[entities]
        places = numpy.minimum(apart + 1, N_PLACES - 1)[:, found.sentences]
        positions = numpy.full(len(found.distances), -1)
        positions[slice(None) if entities is None else entities] = numpy.arange(len(apart))
        mention, token = rows_of_runs(found.spans)
        row = positions[found.mentions[mention]]
        places[row[row >= 0], token[row >= 0]] = 0
        return places

    def one_hot(self, ops: Ops) -> Floats2d:
        """Which token is in which sentence. *Shape:* ``(n_tokens, n_sentences)``."""
        table = numpy.eye(self.found.n_sentences, dtype="float32")[self.found.sentences]
        return ops.asarray2f(cast(Floats2d, table))


def _documents(
    docs: Sequence[Doc], candidates: Candidates, begins: Any, groups: Int32Array
) -> Iterator[_Part]:
    """The pairs of each document that has some; groups are in the order of documents."""
    for doc, begin, found in zip(docs, begins.tolist(), entity_sentences(docs, candidates)):
        first, last = numpy.searchsorted(
            groups[:, 0], (found.entities.start, found.entities.stop)
        ).tolist()
        if first < last:
            pairs = groups[first:last] - found.entities.start
            yield _Part(found, slice(begin, begin + len(doc)), slice(first, last), pairs)


def _by_group(
    ops: Ops, gradient: Optional[Floats2d], group_of: Any, n_groups: int
) -> Optional[Floats2d]:
    """The sum over both directions of each pair. *Shape:* ``(n_groups, width)``."""
    if gradient is None:
        return None
    summed = ops.alloc2f(n_groups, gradient.shape[1])
    ops.scatter_add(summed, group_of, ops.as_contig(gradient))
    return summed
