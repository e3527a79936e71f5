"""Candidate pairs as indices into tables that are computed once per token, mention or type."""

from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Sequence

import numpy
from spacy.tokens import Doc

from ...candidates import Candidates
from ...types import HashArray, Int32Array
from .entity_sentences import N_MEETINGS, entity_sentences
from .mention_pairs import closest_mentions

_DISTANCES = numpy.asarray([1, 2, 3, 4, 5, 8, 12, 16, 24, 32, 64], dtype="int32")
N_DISTANCES = 2 * (len(_DISTANCES) + 2)
"""Buckets of the distance between two mentions, for both orders."""

N_COUNTS = 6
"""Buckets of a number of mentions: 0 to 4, and more."""

N_COUNTERS = 3
"""Mentions between head and tail: all, those of the tail's type, those of the head's type."""


@dataclass(frozen=True)
class PairIndex:
    """The rows of the tables that each pair looks up.

    Tokens are rows of the concatenated documents of the batch.

    Attributes:
        spans: the mentions. *Shape:* ``(n_mentions, 2)``, start and exclusive end in tokens.
        type_pairs: a hash of each distinct pair of entity types. *Shape:* ``(n_type_pairs,)``
        entities: head and tail. *Shape:* ``(n_pairs, 2)``
        keys: rows of the table that has, below each other, heads, tails, type pairs, distances and
            counts, and perhaps buckets of sentences and categories. *Shape:* ``(n_pairs, n_keys)``,
            4 + N_COUNTERS keys and one for each of these columns
        regions: runs of tokens by name: ``between`` the mentions, ``left`` and ``right`` of both.
            *Shape:* ``(n_pairs, 2)``, start and exclusive end, empty if the end is not higher.
    """

    spans: Int32Array
    type_pairs: HashArray
    entities: Int32Array
    keys: Int32Array
    regions: Dict[str, Int32Array]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: slice) -> "PairIndex":
        return replace(
            self,
            entities=self.entities[rows],
            keys=self.keys[rows],
            regions={name: runs[rows] for name, runs in self.regions.items()},
        )


def index_pairs(
    docs: Sequence[Doc],
    candidates: Candidates,
    *,
    outside: int,
    sentences: bool = False,
    categories: Optional[Int32Array] = None,
) -> PairIndex:
    """Index the candidate pairs of a batch.

    Regions, types, distances and counts are those of the nearest mentions of head and tail.

    Args:
        docs: the documents.
        candidates: their pairs.
        outside: width of the regions left and right of a pair, in tokens.
        sentences: whether keys have a column for :attr:`.EntitySentences.meetings`.
        categories: rows of a table of their own that each pair looks up besides. *Shape:*
            ``(n_pairs, n_columns)``
    """
    mentions = candidates.mentions
    lengths = numpy.asarray([len(doc) for doc in docs], dtype="int32")
    ends = numpy.cumsum(lengths)
    begins = ends - lengths
    spans = mentions.spans + begins[mentions.docs][:, None]
    head, tail = closest_mentions(candidates).T
    regions = _regions(spans[head], spans[tail])
    doc_of = mentions.docs[head]
    left, right = regions["left"], regions["right"]
    left[:, 0] = numpy.maximum(left[:, 1] - outside, begins[doc_of])
    right[:, 1] = numpy.minimum(right[:, 0] + outside, ends[doc_of])
    # Few distinct types: from here on, pairs are sorted as small integers and not as hashes
    types, type_of = numpy.unique(mentions.types, return_inverse=True)
    n_types = max(len(types), 1)
    codes, code_of = numpy.unique(type_of[head] * n_types + type_of[tail], return_inverse=True)
    columns = [
        *candidates.pairs.T,
        code_of,
        _distances(spans[head], spans[tail], regions["between"]),
        *_counts(head, tail, type_of, n_types),
    ]
    n_entities = candidates.n_entities
    sizes = [n_entities, n_entities, len(codes), N_DISTANCES, *[N_COUNTS] * N_COUNTERS]
    if sentences:
        found = entity_sentences(docs, candidates)
        columns.append(numpy.concatenate([part.meetings for part in found]))
        sizes.append(N_MEETINGS)
    begins_of_tables = numpy.cumsum([0, *sizes])
    keys = numpy.stack(columns, axis=1) + begins_of_tables[:-1]
    if categories is not None:
        keys = numpy.concatenate([keys, categories + begins_of_tables[-1]], axis=1)
    return PairIndex(
        spans=spans.astype("int32"),
        type_pairs=_hash_pairs(types, codes, n_types),
        entities=candidates.pairs,
        keys=keys.astype("int32"),
        regions={name: runs.astype("int32") for name, runs in regions.items()},
    )


def _regions(head: Int32Array, tail: Int32Array) -> Dict[str, Any]:
    """Between the mentions; left and right of both, without their far ends."""
    start, end = numpy.minimum(head[:, 0], tail[:, 0]), numpy.maximum(head[:, 1], tail[:, 1])
    between = (numpy.minimum(head[:, 1], tail[:, 1]), numpy.maximum(head[:, 0], tail[:, 0]))
    return {
        "between": numpy.stack(between, axis=1),
        "left": numpy.stack([start, start], axis=1),
        "right": numpy.stack([end, end], axis=1),
    }


def _distances(head: Int32Array, tail: Int32Array, between: Int32Array) -> Int32Array:
    """Bucket of the number of tokens between head and tail, apart for the two orders.

    Mentions that share tokens have a separate bucket.
    """
    lengths = between[:, 1] - between[:, 0]
    n_buckets = len(_DISTANCES) + 2
    buckets = numpy.where(lengths < 0, n_buckets - 1, numpy.digitize(lengths, _DISTANCES))
    same_start = head[:, 0] == tail[:, 0]
    head_first = (head[:, 0] < tail[:, 0]) | (same_start & (head[:, 1] < tail[:, 1]))
    return (buckets + head_first * n_buckets).astype("int32")


def _counts(head: Int32Array, tail: Int32Array, type_of: Any, n_types: int) -> Sequence[Any]:
    """Numbers of mentions between two mentions, one array for each of the counters."""
    # seen[t, m]: mentions of type t among the first m of the batch
    seen = numpy.zeros((n_types, len(type_of) + 1), dtype="int32")
    seen[:, 1:] = numpy.cumsum(numpy.arange(n_types)[:, None] == type_of, axis=1)
    low, high = numpy.minimum(head, tail), numpy.maximum(head, tail)
    counts = [high - low - 1]
    counts += [seen[type_of[end], high] - seen[type_of[end], low + 1] for end in (tail, head)]
    return [numpy.minimum(count, N_COUNTS - 1) for count in counts]


def _hash_pairs(types: HashArray, codes: Any, n_types: int) -> HashArray:
    head, tail = numpy.divmod(codes, n_types)
    # an odd multiplier makes the hash of (PERSON, ORG) differ from that of (ORG, PERSON)
    return types[head] * numpy.uint64(0x9E3779B97F4A7C15) + types[tail]
