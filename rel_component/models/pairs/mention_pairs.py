"""The two mentions by which pair models know the place of a pair of entities."""

from typing import Tuple

import numpy

from ...candidates import Candidates
from ...layers.rows import count_within
from ...types import Int32Array


def closest_mentions(candidates: Candidates) -> Int32Array:
    """For each pair of entities, the mentions of head and tail with the fewest tokens between them.

    If several are equally near, the first in the text are taken.

    Returns:
        indices of mentions. *Shape:* ``(n_pairs, 2)``
    """
    entities, pairs = candidates.entities, candidates.pairs
    if numpy.array_equal(entities, numpy.arange(len(entities))) or not len(pairs):
        return pairs
    counts = numpy.bincount(entities).astype("int32")
    sizes = numpy.cumsum(counts[pairs].prod(axis=1, dtype="int64"))
    # few combinations of mentions at a time: an entity may have thousands of mentions
    limits = numpy.arange(_MAX_COMBINATIONS, sizes[-1], _MAX_COMBINATIONS)
    parts = numpy.split(pairs, numpy.unique(numpy.searchsorted(sizes, limits)))
    return numpy.concatenate([_closest(candidates, counts, part) for part in parts if len(part)])


_MAX_COMBINATIONS = 1 << 20


def _closest(candidates: Candidates, counts: Int32Array, pairs: Int32Array) -> Int32Array:
    members = numpy.argsort(candidates.entities, kind="stable")  # mentions, entity by entity
    begins = numpy.cumsum(counts) - counts
    # all combinations of a mention of the head with one of the tail, pair by pair
    n_heads, n_tails = counts[pairs[:, 0]], counts[pairs[:, 1]]
    sizes = n_heads * n_tails
    pair = numpy.repeat(numpy.arange(len(pairs)), sizes)
    place = count_within(sizes)
    head = members[begins[pairs[pair, 0]] + place // n_tails[pair]]
    tail = members[begins[pairs[pair, 1]] + place % n_tails[pair]]
    spans = candidates.mentions.spans
    gaps = _gaps(spans[head], spans[tail])
    order = numpy.lexsort((tail, head, gaps, pair))
    best = order[numpy.searchsorted(pair, numpy.arange(len(pairs)))]
    return numpy.stack([head[best], tail[best]], axis=1).astype("int32")


def widest_gap(candidates: Candidates) -> int:
    """The most tokens between the closest mentions of a pair; 0 if they overlap."""
    head, tail = candidates.mentions.spans[closest_mentions(candidates).T]
    return max(int(_gaps(head, tail).max()), 0)


def _gaps(head: Int32Array, tail: Int32Array) -> Int32Array:
    """Tokens between spans, below 0 where they overlap. *Shape:* ``(n,)``."""
    return numpy.maximum(head[:, 0], tail[:, 0]) - numpy.minimum(head[:, 1], tail[:, 1])


def unordered(mentions: Int32Array) -> Tuple[Int32Array, Int32Array]:
    """The distinct pairs of mentions, regardless of direction.

    Args:
        mentions: head and tail of each pair. *Shape:* ``(n_pairs, 2)``

    Returns:
        first and second mention of each group, *Shape:* ``(n_groups, 2)``, and the group of each
        pair, *Shape:* ``(n_pairs,)``
    """
    n = int(mentions.max()) + 1 if len(mentions) else 1
    # one number for two mentions: they are sorted many times faster than rows
    low, high = mentions.min(axis=1).astype("int64"), mentions.max(axis=1)
    codes, inverse = numpy.unique(low * n + high, return_inverse=True)
    groups = numpy.stack(numpy.divmod(codes, n), axis=1)
    return groups.astype("int32"), inverse.reshape(-1).astype("int32")
