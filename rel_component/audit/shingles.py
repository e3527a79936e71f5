"""Near-duplicates of texts by MinHash and locality-sensitive hashing (Broder 1997).

https://doi.org/10.1109/SEQUEN.1997.666900
"""

from itertools import pairwise
from typing import List, Sequence, Set, Tuple

import numpy

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
    if not width:
        return words
    n = len(words) - width + 1
    result = numpy.zeros(n, dtype="uint64")
    for i in range(width):
        result = _scramble(result * _MIX + words[i : i + n])
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
    """
    filled = [i for i, text in enumerate(texts) if len(text)]
    if len(filled) < 2:
        return []
    candidates: Set[Tuple[int, int]] = set()
    for band in _bands([texts[i] for i in filled]):
        order = numpy.argsort(band, kind="stable")
        runs = numpy.flatnonzero(numpy.diff(band[order])) + 1
        for run in numpy.split(order, runs):
            members = run.tolist()
            candidates.update(pairwise(members))
            candidates.update((members[0], other) for other in members[2:])
    result = []
    for i, j in sorted(candidates):
        similarity = jaccard(texts[filled[i]], texts[filled[j]])
        if similarity >= threshold:
            result.append((filled[i], filled[j], similarity))
    return result


def _bands(texts: Sequence[HashArray]) -> List[HashArray]:
    """One hash for each band of the signature of each text."""
    values = numpy.concatenate(texts)
    lengths = numpy.asarray([len(text) for text in texts])
    begins = numpy.cumsum(lengths) - lengths
    seeds = numpy.random.default_rng(0).integers(1, 2**63, size=(_BANDS, _ROWS), dtype="uint64")
    bands = []
    for band_seeds in seeds:
        band = numpy.zeros(len(texts), dtype="uint64")
        for seed in band_seeds:
            least = numpy.minimum.reduceat(_scramble(values ^ seed), begins)
            band = _scramble(band * _MIX + least)
        bands.append(band)
    return bands


def _scramble(values: HashArray) -> HashArray:
    """A bijection of 64-bit numbers in which every bit depends on all bits (splitmix64)."""
    values = (values ^ (values >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return values ^ (values >> numpy.uint64(31))
