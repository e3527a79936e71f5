"""Rows of entities from the rows of their mentions."""

from typing import Callable, Tuple, cast

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, Ints1d

from ...candidates import Candidates
from ...layers.rows import on_device

Pooled = Tuple[Floats2d, Callable[[Floats2d], Floats2d]]


def mean_by_entity(ops: Ops, mentions: Floats2d, candidates: Candidates) -> Pooled:
    """Mean of the mentions of each entity. *Shape:* ``(n_entities, mention width)``."""
    if _are_mentions(candidates):
        return mentions, lambda d_entities: d_entities
    entities = ops.asarray1i(cast(Ints1d, candidates.entities))
    counts = numpy.bincount(candidates.entities).astype("float32")
    shares = ops.asarray2f(cast(Floats2d, (1.0 / counts[candidates.entities])[:, None]))
    means = ops.alloc2f(candidates.n_entities, mentions.shape[1])
    ops.scatter_add(means, entities, mentions * shares)
    return means, lambda d_means: d_means[entities] * shares


def logsumexp_by_entity(ops: Ops, mentions: Floats2d, candidates: Candidates) -> Pooled:
    """A smooth maximum over the mentions of each entity: the logarithm of the sum of exponentials.

    See Jia et al. 2019 (https://aclanthology.org/N19-1370). *Shape:* ``(n_entities, mention width)``
    """
    if _are_mentions(candidates):
        return mentions, lambda d_entities: d_entities
    xp = ops.xp
    order = numpy.argsort(candidates.entities, kind="stable")
    lengths = on_device(ops, numpy.bincount(candidates.entities).astype("int32"))
    rows, places = on_device(ops, candidates.entities[order]), on_device(ops, order)
    ordered = ops.as_contig(mentions[places])  # mentions, entity by entity
    highest, _ = ops.reduce_max(ordered, lengths)
    sums = ops.reduce_sum(xp.exp(ordered - highest[rows]), lengths)
    pooled = highest + xp.log(sums)

    def backprop(d_pooled: Floats2d) -> Floats2d:
        d_mentions = ops.alloc2f(*mentions.shape)
        d_mentions[places] = d_pooled[rows] * xp.exp(ordered - pooled[rows])
        return d_mentions

    return pooled, backprop


def _are_mentions(candidates: Candidates) -> bool:
    """Whether each mention is an entity of its own."""
    return numpy.array_equal(candidates.entities, numpy.arange(len(candidates.mentions)))
