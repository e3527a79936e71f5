"""Scores of coreference clusters: MUC, B3, CEAFe and their mean, LEA, and mentions.

MUC, B3 and CEAFe, whose mean F1 is the score of the CoNLL shared tasks, are defined in Pradhan et al.
2014, https://aclanthology.org/P14-2006/; LEA in Moosavi and Strube 2016,
https://aclanthology.org/P16-1060/. Numerators and denominators are added up over documents, as the
official scorer does.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Collection, Dict, Hashable, Iterable, List, Optional, Set, Tuple

import numpy
from spacy.tokens import Doc
from spacy.training import Example

from ..mentions import CLUSTER_PREFIX, read_clusters, trimmed
from ..types import ScorerFunction

METRICS = ("muc", "b3", "ceafe", "lea", "mentions")

COREFERENCE_SCORE_WEIGHTS: Dict[str, Optional[float]] = {
    "coref_conll_f": 1.0,
    "coref_lea_f": 0.0,
    "coref_mentions_f": 0.0,
    **{
        f"coref_{name}": None for name in ("muc_f", "b3_f", "ceafe_f", "no_singletons_conll_f", "n")
    },
}
"""Weights of the scores in training; None: the score is not shown in the table."""

Clusters = Iterable[Collection[Hashable]]
"""For each entity its mentions, as anything that is equal for the same mention."""

_Sets = List[Set[Hashable]]
_Overlaps = Dict[Tuple[int, int], int]


@dataclass
class Ratio:
    """Precision and recall as sums over documents.

    Attributes:
        right_predicted: what is right of the predicted clusters.
        predicted: the most that it could be.
        right_annotated: what is found of the annotated clusters.
        annotated: the most that it could be.
    """

    right_predicted: float = 0.0
    predicted: float = 0.0
    right_annotated: float = 0.0
    annotated: float = 0.0

    def add(self, predicted: Tuple[float, float], annotated: Tuple[float, float]) -> None:
        """Add the numerators and denominators of one document."""
        self.right_predicted += predicted[0]
        self.predicted += predicted[1]
        self.right_annotated += annotated[0]
        self.annotated += annotated[1]

    def to_dict(self) -> Dict[str, float]:
        """``{"p": precision, "r": recall, "f": f1}``; 0 where nothing is divided by nothing."""
        p = self.right_predicted / self.predicted if self.predicted else 0.0
        r = self.right_annotated / self.annotated if self.annotated else 0.0
        return {"p": p, "r": r, "f": 2 * p * r / (p + r) if p + r else 0.0}


@dataclass
class CoreferenceScores:
    """The scores of a corpus.

    Attributes:
        singletons: whether entities of one mention count. They raise B3, CEAFe and LEA, while MUC
            does not see them.
        ratios: the sums of each metric.
        n_clusters: number of annotated entities that count.
    """

    singletons: bool = True
    ratios: Dict[str, Ratio] = field(default_factory=lambda: {name: Ratio() for name in METRICS})
    n_clusters: int = 0

    def add(self, annotated: Clusters, predicted: Clusters) -> None:
        """Count the clusters of one document.

        Args:
            annotated: the entities of the reference. A mention in two of them counts in the first.
            predicted: the entities that were found, the same.
        """
        gold, found = (_partition(each, self.singletons) for each in (annotated, predicted))
        numbers = {mention: j for j, cluster in enumerate(found) for mention in cluster}
        overlaps: _Overlaps = Counter(
            (i, numbers[mention])
            for i, cluster in enumerate(gold)
            for mention in cluster
            if mention in numbers
        )
        reverse = {(j, i): n for (i, j), n in overlaps.items()}
        for name, sums in (("muc", _muc), ("b3", _b3), ("lea", _lea)):
            self.ratios[name].add(sums(found, gold, reverse), sums(gold, found, overlaps))
        similarity = _best_alignment(gold, found, overlaps)
        self.ratios["ceafe"].add((similarity, len(found)), (similarity, len(gold)))
        shared = sum(overlaps.values())
        self.ratios["mentions"].add((shared, sum(map(len, found))), (shared, sum(map(len, gold))))
        self.n_clusters += len(gold)

    def to_dict(self, prefix: str = "coref") -> Dict[str, float]:
        """The scores as ``<prefix>_muc_p`` and so on, with ``<prefix>_conll_f``.

        Returns:
            the scores, and the number of annotated entities as ``<prefix>_n``.
        """
        by_metric = {name: ratio.to_dict() for name, ratio in self.ratios.items()}
        scores = {
            f"{prefix}_{name}_{k}": v for name, prf in by_metric.items() for k, v in prf.items()
        }
        scores[f"{prefix}_conll_f"] = fmean(by_metric[name]["f"] for name in ("muc", "b3", "ceafe"))
        scores[f"{prefix}_n"] = self.n_clusters
        return scores


def make_coreference_scorer() -> ScorerFunction:
    """The scorer of coreference components (``rel_component.coreference_scorer.v1``)."""
    return score_clusters


def score_clusters(
    examples: Iterable[Example], *, prefix: str = CLUSTER_PREFIX, **_: Any
) -> Dict[str, Any]:
    """Compare the clusters of predicted documents with those of the reference.

    ``coref_<metric>_p``, ``_r`` and ``_f`` of :data:`METRICS`, ``coref_conll_f`` and the number of
    annotated entities ``coref_n`` count the entities of one mention; those of
    ``coref_no_singletons`` do not. Mentions are compared by their characters. All are None where no
    reference has clusters.

    Args:
        examples: predicted and reference documents.
        prefix: name of the span groups, see :func:`.read_clusters`.
    """
    groups = count_clusters(examples, prefix)
    occurs = groups["coref"].n_clusters > 0
    return {
        name: value if occurs else None
        for prefix, scores in groups.items()
        for name, value in scores.to_dict(prefix).items()
    }


def count_clusters(
    examples: Iterable[Example], prefix: str = CLUSTER_PREFIX
) -> Dict[str, CoreferenceScores]:
    """The sums behind the scores of each group; see :func:`score_clusters`."""
    groups = {
        "coref": CoreferenceScores(),
        "coref_no_singletons": CoreferenceScores(singletons=False),
    }
    for eg in examples:
        clusters = [_characters(doc, prefix) for doc in (eg.reference, eg.predicted)]
        for scores in groups.values():
            scores.add(*clusters)
    return groups


def _characters(doc: Doc, prefix: str) -> List[List[Tuple[int, int]]]:
    return [[trimmed(span) for span in cluster] for cluster in read_clusters(doc, prefix)]


def _partition(clusters: Clusters, singletons: bool) -> _Sets:
    """The clusters as sets that share no mention."""
    seen: Set[Hashable] = set()
    sets: _Sets = []
    for cluster in clusters:
        members = set(cluster) - seen
        seen |= members
        if len(members) > (0 if singletons else 1):
            sets.append(members)
    return sets


def _muc(clusters: _Sets, _: _Sets, overlaps: _Overlaps) -> Tuple[float, float]:
    """Links of the clusters that the others have too, and all links."""
    parts = len(overlaps) + sum(map(len, clusters)) - sum(overlaps.values())
    n_mentions = sum(map(len, clusters))
    return n_mentions - parts, n_mentions - len(clusters)


def _b3(clusters: _Sets, _: _Sets, overlaps: _Overlaps) -> Tuple[float, float]:
    right = sum(n * n / len(clusters[i]) for (i, _), n in overlaps.items())
    return right, sum(map(len, clusters))


def _lea(clusters: _Sets, others: _Sets, overlaps: _Overlaps) -> Tuple[float, float]:
    """Resolved links of each cluster, weighted by its size; a single mention is linked to itself."""
    right = 0.0
    for (i, j), n in overlaps.items():
        size = len(clusters[i])
        if size > 1:
            right += size * n * (n - 1) / (size * (size - 1))
        elif len(others[j]) == 1:
            right += 1
    return right, sum(map(len, clusters))


def _best_alignment(gold: _Sets, found: _Sets, overlaps: _Overlaps) -> float:
    """The greatest sum of similarities (Dice) of a one-to-one alignment of clusters.

    Clusters that share no mention are no use to each other, so that each group of clusters which are
    connected by mentions is aligned for itself.
    """
    from scipy.optimize import linear_sum_assignment

    total = 0.0
    for group in _connected(overlaps):
        rows, columns = ({k: n for n, k in enumerate(dict.fromkeys(side))} for side in zip(*group))
        similarities = numpy.zeros((len(rows), len(columns)))
        for i, j in group:
            similarity = 2 * overlaps[i, j] / (len(gold[i]) + len(found[j]))
            similarities[rows[i], columns[j]] = similarity
        if 1 in similarities.shape:
            total += float(similarities.max())
        else:
            total += float(similarities[linear_sum_assignment(similarities, maximize=True)].sum())
    return total


def _connected(overlaps: _Overlaps) -> List[List[Tuple[int, int]]]:
    """The overlaps in groups that share no cluster, neither an annotated nor a found one."""
    by_gold: Dict[int, List[Tuple[int, int]]] = defaultdict(list)
    by_found: Dict[int, List[Tuple[int, int]]] = defaultdict(list)
    for pair in overlaps:
        by_gold[pair[0]].append(pair)
        by_found[pair[1]].append(pair)
    groups = []
    seen: Set[Tuple[int, int]] = set()
    for start in overlaps:
        if start in seen:
            continue
        seen.add(start)
        group = [start]
        for i, j in group:  # grows while it is read
            # each cluster is asked once: pop, so that a large one does not cost its square
            for pair in by_gold.pop(i, []) + by_found.pop(j, []):
                if pair not in seen:
                    seen.add(pair)
                    group.append(pair)
        groups.append(group)
    return groups
