"""Which pairs a costly scorer looks at, by the scores of a cheap one that looked at all of them.

Pruning by a cheap scorer that is trained with the costly one is that of coarse-to-fine inference (Lee et
al. 2018, https://aclanthology.org/N18-2108).
"""

from typing import Any, Optional

import numpy
from thinc.api import Ops
from thinc.types import Floats2d

from ...candidates import Candidates
from ...layers.rows import count_within
from ...types import BoolArray, Int32Array
from .mention_pairs import unordered


def promising_pairs(
    ops: Ops,
    logits: Floats2d,
    candidates: Candidates,
    mentions: Int32Array,
    *,
    least: float,
    per_mention: Optional[int],
) -> BoolArray:
    """The pairs that are probable enough to be related, by their mentions regardless of direction.

    Args:
        ops: array library of the logits.
        logits: those of the cheap scorer. *Shape:* ``(n_pairs, n_labels)``
        candidates: the pairs.
        mentions: two mentions of each pair; pairs of the same two are chosen together. *Shape:*
            ``(n_pairs, 2)``
        least: the least probability that a pair has any relation.
        per_mention: the most pairs of mentions of a document for each of its mentions; the more
            probable ones are chosen. None: any number.

    Returns:
        *Shape:* ``(n_pairs,)``
    """
    if not len(mentions):
        return numpy.zeros(0, dtype="bool")
    groups, of_pair = unordered(mentions)
    scores = numpy.full(len(groups), -numpy.inf)
    odds = _log_odds(ops, logits, logits.shape[1] > len(candidates.schema))
    numpy.maximum.at(scores, of_pair, odds)
    with numpy.errstate(divide="ignore"):  # 0: all pairs
        chosen = scores >= numpy.log(least) - numpy.log1p(-least)
    if per_mention is not None:
        docs = candidates.mentions.docs[groups[:, 0]]
        order = numpy.lexsort((-scores, docs))  # stable: of equal ones the first in the text
        n_docs = len(candidates.mentions.lengths)
        place = count_within(numpy.bincount(docs, minlength=n_docs))
        within = place < per_mention * candidates.mentions.lengths[docs[order]]
        chosen[order[~within]] = False
    result: BoolArray = chosen[of_pair]
    return result


def _log_odds(ops: Ops, logits: Floats2d, none_first: bool) -> numpy.ndarray:
    """Logits of having any relation, or the highest one of labels that do not exclude each other."""
    if not none_first:
        return ops.to_numpy(logits.max(axis=1))
    highest: Any = logits[:, 1:].max(axis=1)
    sums = ops.xp.exp(logits[:, 1:] - highest[:, None]).sum(axis=1)
    return ops.to_numpy(ops.xp.log(sums) + highest - logits[:, 0])
