"""Near-duplicates of texts by MinHash and locality-sensitive hashing (Broder 1997).

https://doi.org/10.1109/SEQUEN.1997.666900
"""

from itertools import pairwise
from typing import List, Sequence, Set, Tuple

import numpy

from ..packages import import_package
from ..types import HashArray

SimilarPair = Tuple[int, int, float]
"""Positions of two texts, the smaller first, and the Jaccard similarity of their shingles."""

_WIDTH = 2  # words of a shingle
_ROWS = 4  # hash values that must agree: two texts meet in one of the bands with 1-(1-s^4)^24
_BANDS = 24
_MIX = numpy.uint64(0x9E3779B97F4A7C15)


def shingles(words: HashArray) -> HashArray:
    """The distinct pairs of neighbouring words, or the word if there is only one, as hashes.

    Args:
        words: hashes of the words of a text. *Shape:* ``(n_words,)``

    Returns:
        sorted. *Shape:* ``(n_shingles,)``
    """
    width = min(_WIDTH, len(words))
    n = len(words) - width + 1
    result = numpy.zeros(n if width else 0, dtype="uint64")
    for i in range(width):
        result = result * _MIX + words[i : i + n]
    return numpy.unique(result)


def jaccard(first: HashArray, second: HashArray) -> float:
    """Shared shingles as a share of all shingles of two texts, 0 if they have none."""
    shared = len(numpy.intersect1d(first, second, assume_unique=True))
    total = len(first) + len(second) - shared
    return shared / total if total else 0.0


def find_similar(texts: Sequence[HashArray], threshold: float) -> List[SimilarPair]:
    """Pairs of texts with many shingles in common, in time about linear in their number.

    Of many texts that are all alike, each is paired with its neighbour and the first of them only.

    Args:
        texts: the shingles of each text.
        threshold: the least Jaccard similarity, in (0, 1].

    Raises:
        ConfigError: if datasketch is not installed.
    """
    datasketch = import_package("datasketch", "audit")
    n_hashes = _BANDS * _ROWS
    empty = datasketch.MinHash(n_hashes, hashfunc=int, scheme="affine64")
    index = datasketch.MinHashLSH(num_perm=n_hashes, params=(_BANDS, _ROWS))
    for i, text in enumerate(texts):
        if len(text):
            signature = empty.copy()
            signature.update_batch(text.tolist())
            index.insert(i, signature)
    candidates: Set[Tuple[int, int]] = set()
    for band in index.hashtables:
        for members in map(sorted, map(band.get, band.keys())):
            candidates.update(pairwise(members))
            candidates.update((members[0], other) for other in members[2:])
    similarities = ((i, j, jaccard(texts[i], texts[j])) for i, j in sorted(candidates))
    return [pair for pair in similarities if pair[2] >= threshold]
