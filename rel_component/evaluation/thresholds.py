"""Precision and recall of relations at several thresholds."""

from typing import Any, Collection, Dict, Iterable, List, Sequence, Tuple

from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import RelationKey, relation_key, relation_keys
from .scoring import PRF

THRESHOLDS = tuple(i / 20 for i in range(1, 20))
"""0.05 to 0.95."""


def scores_by_threshold(
    examples: Iterable[Example],
    *,
    symmetric: Collection[str] = (),
    attr: str = DEFAULT_ATTR,
    thresholds: Sequence[float] = THRESHOLDS,
) -> List[Dict[str, Any]]:
    """Strict scores of the predicted relations that are at least so probable.

    Args:
        examples: documents with all relations down to the least threshold, and as annotated.
        symmetric: labels whose direction does not count.
        attr: name of the extension attribute.
        thresholds: the thresholds.

    Returns:
        for each of them a dict with ``threshold``, ``p``, ``r`` and ``f``.
    """
    n_gold = 0
    found: List[Tuple[float, bool]] = []  # score, and whether it is right
    for eg in examples:
        gold = relation_keys(get_relations(eg.reference, attr), symmetric)
        best: Dict[RelationKey, float] = {}
        for rel in get_relations(eg.predicted, attr):
            key = relation_key(rel, symmetric)
            best[key] = max(1.0 if rel.score is None else rel.score, best.get(key, 0.0))
        n_gold += len(gold)
        found += [(score, key in gold) for key, score in best.items()]
    rows = []
    for threshold in thresholds:
        kept = [right for score, right in found if score >= threshold]
        prf = PRF(sum(kept), len(kept) - sum(kept), n_gold - sum(kept))
        rows.append({"threshold": threshold, **prf.to_dict()})
    return rows
