"""How sure a model is of what it says of pairs, and the pairs of a document that it is unsure of.

The margin is the difference between the two most probable answers, Scheffer et al. 2001
(https://doi.org/10.1007/3-540-44816-0_31).
"""

from typing import Any, Dict, FrozenSet, NamedTuple, Optional, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span

from .annotations import DEFAULT_ATTR
from .candidates import Candidates
from .documents import stored_keys
from .errors import DataError, shown
from .mentions import char_range
from .types import FloatArray, Int32Array

PairKey = FrozenSet[Tuple[int, int]]
"""Start and exclusive end, in characters, of the two mentions of a pair, in any direction."""


class Margins(NamedTuple):
    """How sure a model is of each pair.

    Attributes:
        values: *Shape:* ``(n_pairs,)``, difference between the two most probable answers, in [0, 1];
            where labels do not exclude each other, between yes and no to the least sure of them.
        labels: *Shape:* ``(n_pairs,)``, place in the schema of the most probable label, or the least
            sure one.
    """

    values: FloatArray
    labels: Int32Array


class UnsurePairs(NamedTuple):
    """The pairs of a document that a relation extractor is unsure of.

    Attributes:
        pairs: the pairs.
        n_all: number of all pairs that it was asked about, the two directions counted once.
    """

    pairs: FrozenSet[PairKey]
    n_all: int


def pair_key(*mentions: Span) -> PairKey:
    """The key of a pair of mentions, which does not know its direction; of more, it contains theirs."""
    return frozenset(map(char_range, mentions))


def pair_margins(
    docs: Sequence[Doc], candidates: Candidates, probabilities: FloatArray, *, exclusive: bool
) -> Margins:
    """How sure a model is of pairs, of the labels alone that the schema allows between their types.

    Args:
        docs: the documents of the batch.
        candidates: their pairs, with the schema.
        probabilities: see :class:`.Decoder`. *Shape:* ``(n_pairs, n_outputs)``
        exclusive: whether a pair has at most one label.
    """
    n_labels = len(candidates.schema.labels)
    if not candidates.n_pairs or not n_labels:
        ones = numpy.ones(candidates.n_pairs, dtype="float32")
        return Margins(ones, numpy.zeros(candidates.n_pairs, dtype="int32"))
    table, head, tail = candidates.allowed_labels(docs[0].vocab.strings)
    own = numpy.where(table[head, tail], probabilities[:, -n_labels:], 0.0)
    if not exclusive:
        margins = numpy.abs(2.0 * own - 1.0)
        return Margins(margins.min(axis=1), margins.argmin(axis=1).astype("int32"))
    answers = numpy.concatenate([probabilities[:, :1], own], axis=1)
    second, first = numpy.sort(answers, axis=1)[:, -2:].T
    return Margins(first - second, own.argmax(axis=1).astype("int32"))


def note_unsure_pairs(
    docs: Sequence[Doc],
    candidates: Candidates,
    probabilities: FloatArray,
    below: float,
    *,
    exclusive: bool,
    attr: str = DEFAULT_ATTR,
) -> None:
    """Note in documents which pairs a model is unsure of, in one direction at least.

    Args:
        docs: the documents of the batch.
        candidates: their pairs, with the schema; an entity is known by the mention that represents it.
        probabilities: see :func:`pair_margins`. *Shape:* ``(n_pairs, n_outputs)``
        below: a margin.
        exclusive: whether a pair has at most one label.
        attr: name of the extension attribute of the relations; each has pairs of its own.
    """
    margins = pair_margins(docs, candidates, probabilities, exclusive=exclusive)
    spans = candidates.mentions.spans[candidates.representatives]
    pairs = numpy.sort(candidates.pairs, axis=1)
    bounds = numpy.cumsum([0, *candidates.lengths])
    for doc, start, end in zip(docs, bounds, bounds[1:]):
        own = pairs[start:end]
        unsure = numpy.unique(own[margins.values[start:end] < below], axis=0)
        clear_unsure_pairs(doc, attr)
        # offsets are relative to those of the key, which is shifted where the document is cut or joined
        user_data: Dict[Any, Any] = doc.user_data
        user_data[("._.", _storage_name(attr), 0, 0)] = {
            "pairs": [[_characters(doc, spans[entity]) for entity in pair] for pair in unsure],
            "n_all": len(numpy.unique(own, axis=0)),
        }


def unsure_pairs(doc: Doc, attr: str = DEFAULT_ATTR) -> Optional[UnsurePairs]:
    """The pairs that a relation extractor is unsure of; None: it was not told to note them.

    Args:
        doc: the document.
        attr: name of the extension attribute of its relations.

    Raises:
        DataError: if something else is stored in their place.
    """
    keys = stored_keys(doc, _storage_name(attr))
    pairs: Set[PairKey] = set()
    n_all, end = 0, len(doc.text)
    for key in keys:
        noted: Any = doc.user_data[key]
        try:
            moved = [
                [(key[2] + int(a), key[2] + int(b)) for a, b in pair] for pair in noted["pairs"]
            ]
            n_all += int(noted["n_all"])
        except (KeyError, TypeError, ValueError) as err:
            raise DataError(
                f"doc.user_data[{shown(key)}]: expected pairs of places, and their number, got "
                f"{shown(noted)}"
            ) from err
        # others are of a longer document that this one was cut from
        pairs.update(frozenset(pair) for pair in moved if all(a >= 0 and b <= end for a, b in pair))
    return UnsurePairs(frozenset(pairs), n_all) if keys else None


def clear_unsure_pairs(doc: Doc, attr: str = DEFAULT_ATTR) -> None:
    """Forget the pairs that a relation extractor is unsure of.

    Args:
        doc: the document.
        attr: name of the extension attribute of its relations.
    """
    for key in stored_keys(doc, _storage_name(attr)):
        del doc.user_data[key]


def _storage_name(attr: str) -> str:
    return f"rel_component.unsure.{attr}"


def _characters(doc: Doc, span: Int32Array) -> Tuple[int, int]:
    first, last = doc[int(span[0])], doc[int(span[1]) - 1]
    return first.idx, last.idx + len(last)
