"""An inverted index of the character trigrams of many names, in plain arrays.

A query takes the rarest of its trigrams up to a number of entries of the index, so that its time does
not grow with the number of names.
"""

from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

import numpy
import numpy.typing as npt

from ..types import FloatArray, Int32Array

Arrays = Mapping[str, npt.NDArray[Any]]

_CHUNK = 100_000  # names whose trigrams are made at a time
_BUDGET = 8_000  # entries of the index that a query reads
_MULTIPLIERS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)  # odd, of xxHash


def build_trigrams(names: Sequence[str]) -> Dict[str, npt.NDArray[Any]]:
    """Build the index.

    Args:
        names: the names, :func:`.folded`.

    Returns:
        ``gram_hashes``, sorted, of *Shape:* ``(n_grams,)``; ``gram_starts``, where the names of each
        begin, of *Shape:* ``(n_grams + 1,)``; ``gram_names``, *Shape:* ``(n_entries,)``; and ``norms``
        of the tf-idf vectors of the names, *Shape:* ``(n_names,)``.
    """
    chunks = [
        _keys(names[start : start + _CHUNK]) + numpy.uint64(start)
        for start in range(0, len(names), _CHUNK)
    ]
    keys = numpy.concatenate([*chunks, numpy.zeros(0, dtype="uint64")])
    chunks.clear()
    keys.sort()
    gram_of = (keys >> numpy.uint64(32)).astype("uint32")
    gram_names = (keys & numpy.uint64(0xFFFFFFFF)).astype("int32")
    del keys
    begins = numpy.flatnonzero(numpy.diff(gram_of, prepend=numpy.uint32(0)) != 0)
    if len(gram_of) and (not len(begins) or begins[0]):
        begins = numpy.concatenate([[0], begins])
    starts = numpy.append(begins, len(gram_of)).astype("int64")
    squares = _idf(len(names), numpy.diff(starts)) ** 2
    weights = numpy.repeat(squares, numpy.diff(starts))
    norms = numpy.sqrt(numpy.bincount(gram_names, weights=weights, minlength=len(names)))
    return {
        "gram_hashes": gram_of[begins],
        "gram_starts": starts,
        "gram_names": gram_names,
        "norms": norms.astype("float32"),
    }


def search_trigrams(arrays: Arrays, name: str, n: int) -> Tuple[Int32Array, FloatArray]:
    """The names that share most with a name.

    Args:
        arrays: those of :func:`build_trigrams`.
        name: the name, :func:`.folded`.
        n: the most names.

    Returns:
        indices of names, the most similar first, and the cosines of their tf-idf vectors with that of
        `name`. *Shape:* ``(n_found,)`` both
    """
    hashes, starts = arrays["gram_hashes"], arrays["gram_starts"]
    grams = (_keys([name]) >> numpy.uint64(32)).astype("uint32")
    at = numpy.searchsorted(hashes, grams)
    known = at < len(hashes)
    known[known] = hashes[at[known]] == grams[known]
    begins = starts[at[known]]
    counts = starts[at[known] + 1] - begins
    n_names = len(arrays["norms"])
    squares = _idf(n_names, counts) ** 2
    norm = float(numpy.sqrt(squares.sum() + (~known).sum() * _idf(n_names, numpy.ones(1))[0] ** 2))
    rarest = numpy.argsort(counts, kind="stable")
    rarest = rarest[: max(1, int((numpy.cumsum(counts[rarest]) <= _BUDGET).sum()))]
    entries = [
        arrays["gram_names"][start : start + count]
        for start, count in zip(begins[rarest].tolist(), counts[rarest].tolist())
    ]
    if not entries:
        return numpy.zeros(0, dtype="int32"), numpy.zeros(0, dtype="float32")
    weights = numpy.repeat(squares[rarest], counts[rarest])
    shared = numpy.bincount(numpy.concatenate(entries), weights=weights)
    names = numpy.flatnonzero(shared)
    cosines = shared[names] / (arrays["norms"][names] * norm)
    if len(names) > n:
        best = numpy.argpartition(cosines, -n)[-n:]
        names, cosines = names[best], cosines[best]
    order = numpy.lexsort((names, -cosines))
    return names[order].astype("int32"), cosines[order].astype("float32")


def _keys(names: Iterable[str]) -> npt.NDArray[numpy.uint64]:
    """The trigrams of names, each once: hash in the upper and index of the name in the lower half."""
    joined = "".join(f" {name.replace(chr(0), ' ')} \0" for name in names)
    codes = numpy.frombuffer(joined.encode("utf-32-le"), dtype="uint32")
    number = numpy.cumsum(codes == 0)
    first, second, third = codes[:-2], codes[1:-1], codes[2:]
    hashes = sum(
        (part * numpy.uint32(by) for part, by in zip((first, second, third), _MULTIPLIERS)),
        numpy.zeros(len(third), dtype="uint32"),
    )
    hashes ^= hashes >> numpy.uint32(15)
    within = (second != 0) & (third != 0) & (first != 0)
    keys = (hashes.astype("uint64") << numpy.uint64(32)) | number[:-2].astype("uint64")
    keys = numpy.sort(keys[within])
    return keys[numpy.diff(keys, prepend=numpy.uint64(0)) != 0]


def _idf(n_names: int, counts: npt.NDArray[Any]) -> npt.NDArray[numpy.float64]:
    return numpy.log(1.0 + n_names / numpy.maximum(counts.astype("float64"), 1.0))


def is_partition(starts: npt.NDArray[Any], n: int) -> bool:
    """Whether numbers say where the parts of `n` things begin, in order, with `n` as the last one."""
    if not len(starts) or int(starts[0]) != 0 or int(starts[-1]) != n:
        return False
    return bool((numpy.diff(starts) >= 0).all())


def check_trigrams(arrays: Arrays) -> List[str]:
    """What is wrong with the arrays of an index that was loaded; nothing if it can be searched."""
    starts, entries = arrays["gram_starts"], arrays["gram_names"]
    n_names = len(arrays["norms"])
    wrong = []
    if len(starts) != len(arrays["gram_hashes"]) + 1 or not is_partition(starts, len(entries)):
        wrong.append("gram_starts")
    if len(entries) and (int(entries.min()) < 0 or int(entries.max()) >= n_names):
        wrong.append("gram_names")
    if n_names and not bool((numpy.asarray(arrays["norms"]) >= 0).all()):
        wrong.append("norms")
    return wrong
