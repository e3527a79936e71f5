"""The tables of a pair scorer: what is computed once for each entity, type, distance and token."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

import numpy
from thinc.api import Model
from thinc.types import Floats2d

from ...candidates import Candidates
from ...layers.range_max import RangeMax
from ...layers.rows import on_device
from ...types import Int32Array
from .entity_pooling import logsumexp_by_entity, mean_by_entity
from .entity_sentences import N_MEETINGS
from .pair_index import N_COUNTERS, N_COUNTS, N_DISTANCES, PairIndex

MAX_TOKENS = 16384
"""There is memory in prediction for the tables of so many tokens."""

_POOLING = {"mean": mean_by_entity, "logsumexp": logsumexp_by_entity}


@dataclass(frozen=True)
class Parts:
    """The tables whose rows pairs add up.

    Attributes:
        rows: the summands of the hidden layer, see `PairIndex.keys`. *Shape:* ``(n_rows, hidden)``
        factors: projections of heads and tails for their product, if it is used. *Shape:*
            ``(n_entities, hidden)`` each
        tables: maxima over the projected tokens, by region; none in prediction for many tokens, see
            :data:`MAX_TOKENS`.
    """

    rows: Floats2d
    factors: Optional[Tuple[Floats2d, Floats2d]]
    tables: Dict[str, RangeMax]


@dataclass(frozen=True)
class PartGradients:
    """Gradients of the parts; those of the tables are of the projected tokens."""

    rows: Floats2d
    factors: Optional[Tuple[Floats2d, Floats2d]]
    tables: Dict[str, Floats2d]


def make_parts(
    model: Model[Any, Any],
    tokens: Floats2d,
    candidates: Candidates,
    index: PairIndex,
    is_train: bool,
) -> Tuple[Parts, Callable[[PartGradients], Floats2d]]:
    """Compute the tables of a pair scorer, and the way back to the tokens."""
    ops = model.ops
    entities, backprop_entities = _entities(model, tokens, candidates, index, is_train)
    backprops: Dict[str, Callable[[Any], Any]] = {}

    def apply(name: str, inputs: Any) -> Floats2d:
        Y, backprops[name] = model.get_ref(name)(inputs, is_train)
        return Y

    summands = {
        "head": apply("head", entities),
        "tail": apply("tail", entities),
        "type_pairs": apply("type_pairs", on_device(ops, index.type_pairs)),
        "distances": apply("distances", ops.xp.arange(N_DISTANCES, dtype="int32")),
        "counts": apply("counts", ops.xp.arange(N_COUNTERS * N_COUNTS, dtype="int32")),
    }
    if model.attrs["sentences"]:
        summands["meetings"] = apply("meetings", ops.xp.arange(N_MEETINGS, dtype="int32"))
    if model.has_ref("categories"):
        n_categories = model.get_ref("categories").get_dim("nV")
        summands["categories"] = apply("categories", ops.xp.arange(n_categories, dtype="int32"))
    factors = None
    if model.attrs["product"]:
        factors = (apply("head_factor", entities), apply("tail_factor", entities))
    tables = {
        name: range_max(model, apply(name, tokens), index.regions[name], is_train=is_train)
        for name in model.attrs["regions"]
        if is_train or len(tokens) <= MAX_TOKENS
    }
    splits = numpy.cumsum([rows.shape[0] for rows in summands.values()])[:-1].tolist()

    def backprop(d: PartGradients) -> Floats2d:
        d_entities = ops.alloc2f(*entities.shape)
        for name, d_rows in zip(summands, ops.xp.split(d.rows, splits)):
            if not len(d_rows):  # embeddings cannot go back over no rows
                continue
            d_inputs = backprops[name](d_rows)
            if name in ("head", "tail"):
                d_entities += d_inputs
        if d.factors is not None:
            d_entities += backprops["head_factor"](d.factors[0])
            d_entities += backprops["tail_factor"](d.factors[1])
        d_tokens = backprop_entities(d_entities)
        for name, d_projected in d.tables.items():
            d_tokens += backprops[name](d_projected)
        return d_tokens

    return Parts(ops.xp.concatenate(list(summands.values())), factors, tables), backprop


def range_max(
    model: Model[Any, Any], projected: Floats2d, runs: Int32Array, *, is_train: bool
) -> RangeMax:
    """The maxima over some runs of projected tokens, without the levels of a table that none needs."""
    longest = max(int((runs[:, 1] - runs[:, 0]).max(initial=1)), 1)
    max_run = min(model.attrs["max_context"], 1 << (longest.bit_length() - 1))
    return RangeMax(model.ops, projected, max_run=max_run, is_train=is_train)


def _entities(
    model: Model[Any, Any],
    tokens: Floats2d,
    candidates: Candidates,
    index: PairIndex,
    is_train: bool,
) -> Tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """Pooled tokens and type of each entity. *Shape:* ``(n_entities, mention width)``."""
    ops = model.ops
    pooled, backprop_pooling = model.get_ref("pooling")((tokens, index.spans), is_train)
    type_ids = on_device(ops, candidates.mentions.types)
    types, backprop_types = model.get_ref("types")(type_ids, is_train)
    mentions = ops.xp.concatenate([pooled, types], axis=1)  # (n_mentions, mention width)
    mentions, backprop_dropout = model.get_ref("mention_dropout")(mentions, is_train)
    pool = _POOLING[model.attrs["entity_pooling"]]
    entities, backprop_pool = pool(ops, mentions, candidates)

    def backprop(d_entities: Floats2d) -> Floats2d:
        d_mentions = backprop_dropout(backprop_pool(d_entities))
        width = pooled.shape[1]
        if len(d_mentions):
            backprop_types(ops.as_contig(d_mentions[:, width:]))
        d_tokens, _ = backprop_pooling(ops.as_contig(d_mentions[:, :width]))
        return d_tokens

    return entities, backprop
