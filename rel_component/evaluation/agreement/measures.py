"""How far annotators agree on mentions and relations."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Callable, Collection, Dict, Hashable, List, Optional, Sequence, Tuple

import numpy

from .coefficients import (
    Floats,
    alpha_of,
    alpha_sums,
    cohen_sums,
    fleiss_sums,
    kappa_of,
    ratio,
)
from .documents import Annotation, DocumentProblem, SharedDoc, SharedDocuments
from .figures import Figure, Pairwise, Resampler, to_figure, to_pairwise
from .pairs import PairLimits, RatedPairs, RelationCounts, rate_pairs

_Facts = Collection[Tuple[str, Hashable]]
"""Label and place of mentions or relations."""

_ANY = "*"  # the label of facts whose label does not count


@dataclass(frozen=True)
class F1Agreement:
    """F1 between annotators: 2 * both / (facts of one + facts of the other).

    Attributes:
        overall: over all labels together.
        per_label: for each label; empty if labels do not count.
    """

    overall: Pairwise
    per_label: Dict[str, Pairwise]

    def to_dict(self) -> Dict[str, Any]:
        """Plain data."""
        return {
            "overall": self.overall.to_dict(),
            "per_label": {label: value.to_dict() for label, value in self.per_label.items()},
        }


@dataclass(frozen=True)
class Coefficients:
    """Agreement beyond chance; see :mod:`.coefficients`.

    Attributes:
        cohen: Cohen's kappa. Of more than two annotators the mean is that of Light (1971), Measures
            of Response Agreement for Qualitative Data. Psychological Bulletin 76(5), 365-377.
        fleiss: Fleiss' kappa, over documents that all annotators have.
        alpha: Krippendorff's alpha, nominal.
    """

    cohen: Pairwise
    fleiss: Figure
    alpha: Figure

    def to_dict(self) -> Dict[str, Any]:
        """Plain data."""
        return {
            "cohen": self.cohen.to_dict(),
            "fleiss": self.fleiss.to_dict(),
            "alpha": self.alpha.to_dict(),
        }


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree.

    Attributes:
        annotators: their names.
        n_docs: how many documents each of them has.
        n_shared: documents that at least two have; the figures are over these.
        problems: documents that not all have.
        mentions: ``strict``: span and type; ``span``: without the type.
        relations: ``strict``: spans and types of both mentions, label and direction;
            ``undirected``: head and tail may be exchanged; ``agreed_mentions``: strict, only
            relations between mentions that all annotators of the document have.
        n_pairs: units of the coefficients: ordered pairs of mentions that all annotators of the
            document have, as far as the limits allow them.
        n_complete: those of documents that all annotators have.
        n_unrelated: those that nobody relates. They are most of them, and what is agreed on them is
            NO_RELATION.
        relation_counts: where the relations of each annotator go.
        coefficients: the set of labels of a pair, empty for NO_RELATION, is its category.
        per_label: one label against the rest, over the same pairs.
    """

    annotators: Sequence[str]
    n_docs: Dict[str, int]
    n_shared: int
    problems: Sequence[DocumentProblem]
    mentions: Dict[str, F1Agreement]
    relations: Dict[str, F1Agreement]
    n_pairs: int
    n_complete: int
    n_unrelated: int
    relation_counts: Dict[str, RelationCounts]
    coefficients: Coefficients
    per_label: Dict[str, Coefficients]

    def to_dict(self) -> Dict[str, Any]:
        """Plain data."""
        return {
            "annotators": list(self.annotators),
            "documents": {
                "by_annotator": self.n_docs,
                "shared": self.n_shared,
                "problems": [problem.to_dict() for problem in self.problems],
            },
            "mentions": {name: group.to_dict() for name, group in self.mentions.items()},
            "relations": {name: group.to_dict() for name, group in self.relations.items()},
            "pairs": {
                "all": self.n_pairs,
                "complete": self.n_complete,
                "unrelated": self.n_unrelated,
                "relations": {name: vars(n) for name, n in self.relation_counts.items()},
            },
            "coefficients": {
                "overall": self.coefficients.to_dict(),
                "per_label": {label: value.to_dict() for label, value in self.per_label.items()},
            },
        }


def measure_agreement(
    shared: SharedDocuments,
    *,
    limits: Optional[PairLimits] = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """How far annotators agree on mentions, on relations, and on relations between agreed mentions.

    Args:
        shared: the documents, see :func:`.documents.match_documents`.
        limits: which pairs of agreed mentions the coefficients are over; None: all.
        n_resamples: draws of the bootstrap; 0: no intervals.
        seed: of the bootstrap.

    Raises:
        ConfigError: if a distance in sentences is asked for and a document has no sentences.
    """
    resampler = Resampler(len(shared.docs), n_resamples, seed)

    def f1(facts: Callable[[SharedDoc, Annotation], _Facts]) -> F1Agreement:
        return _f1_agreement(shared, facts, resampler)

    pairs = rate_pairs(shared, limits or PairLimits())
    coefficients, per_label = _coefficients(shared.names, pairs, resampler)
    return Agreement(
        annotators=shared.names,
        n_docs=shared.n_docs,
        n_shared=len(shared.docs),
        problems=shared.problems,
        mentions={"strict": f1(_typed_mentions), "span": f1(_mention_spans)},
        relations={
            "strict": f1(_directed),
            "undirected": f1(_undirected),
            "agreed_mentions": f1(_between_agreed),
        },
        n_pairs=pairs.n_pairs,
        n_complete=pairs.n_complete,
        n_unrelated=pairs.n_unrelated,
        relation_counts=pairs.relations,
        coefficients=coefficients,
        per_label=per_label,
    )


def _typed_mentions(doc: SharedDoc, annotation: Annotation) -> _Facts:
    return {(label, (start, end)) for start, end, label in annotation.mentions}


def _mention_spans(doc: SharedDoc, annotation: Annotation) -> _Facts:
    return {(_ANY, key[:2]) for key in annotation.mentions}


def _directed(doc: SharedDoc, annotation: Annotation) -> _Facts:
    return {(label, (head, tail)) for head, label, tail in annotation.relations}


def _undirected(doc: SharedDoc, annotation: Annotation) -> _Facts:
    return {(label, tuple(sorted((head, tail)))) for head, label, tail in annotation.relations}


def _between_agreed(doc: SharedDoc, annotation: Annotation) -> _Facts:
    return {
        (label, (head, tail))
        for head, label, tail in annotation.relations
        if head in doc.agreed and tail in doc.agreed
    }


def _f1_agreement(
    shared: SharedDocuments,
    facts: Callable[[SharedDoc, Annotation], _Facts],
    resampler: Resampler,
) -> F1Agreement:
    found = [
        [None if said is None else set(facts(doc, said)) for said in doc.annotations]
        for doc in shared.docs
    ]
    labels = sorted({label for row in found for said in row for label, _ in said or ()})
    names = list(combinations(shared.names, 2))
    columns = list(combinations(range(len(shared.names)), 2))
    index = {label: k for k, label in enumerate(labels)}
    counts = numpy.zeros((len(found), len(names), len(labels), 3))
    for i, row in enumerate(found):
        for j, (a, b) in enumerate(columns):
            first, second = row[a], row[b]
            if first is not None and second is not None:
                for k, some in enumerate((first & second, first - second, second - first)):
                    for label, _ in some:
                        counts[i, j, index[label], k] += 1
    sums = resampler.sum(counts)  # (1 + n_resamples, n_pairs, n_labels, 3)
    return F1Agreement(
        overall=_f1(sums.sum(axis=2), names),
        per_label={
            label: _f1(sums[:, :, k], names) for label, k in index.items() if labels != [_ANY]
        },
    )


def _f1(sums: Floats, names: Sequence[Tuple[str, str]]) -> Pairwise:
    """Args:
    sums: *Shape:* ``(1 + n_resamples, n_pairs, 3)``.
    """
    values = ratio(2 * sums[..., 0], 2 * sums[..., 0] + sums[..., 1] + sums[..., 2])
    figures = to_pairwise(
        values, names, lambda _: "neither annotator has any in the documents of both"
    )
    counts = {
        pair: (int(both), int(first), int(second))
        for pair, (both, first, second) in zip(names, sums[0])
    }
    return replace(figures, counts=counts)


def _coefficients(
    names: Sequence[str], pairs: RatedPairs, resampler: Resampler
) -> Tuple[Coefficients, Dict[str, Coefficients]]:
    columns = [list(pair) for pair in combinations(range(len(names)), 2)]
    by_document: List[List[Floats]] = [[] for _ in range(6)]
    # Also without documents, the sums have to have their shapes.
    empty = numpy.zeros((0, len(names)), dtype="int32")
    for ratings in [*pairs.ratings, empty]:
        for offset, votes in ((0, pairs.votes(ratings)), (3, pairs.label_votes(ratings))):
            of_pairs = numpy.stack([cohen_sums(votes[:, column]) for column in columns])
            for k, sums in enumerate((of_pairs, fleiss_sums(votes), alpha_sums(votes))):
                by_document[offset + k].append(sums)
    cohen, fleiss, alpha, *of_labels = (
        resampler.sum(numpy.stack(sums)[:-1]) for sums in by_document
    )
    per_label = {}
    for k, label in enumerate(pairs.labels):
        of_label = (of_labels[0][:, :, k], of_labels[1][:, k], of_labels[2][:, k])
        per_label[label] = _of_sums(names, *of_label)
    return _of_sums(names, cohen, fleiss, alpha), per_label


def _of_sums(names: Sequence[str], cohen: Floats, fleiss: Floats, alpha: Floats) -> Coefficients:
    """Coefficients of sums.

    Args:
        cohen: *Shape:* ``(1 + n_resamples, n_pairs, n_sums)``
        fleiss, alpha: *Shape:* ``(1 + n_resamples, n_sums)``
    """
    return Coefficients(
        cohen=to_pairwise(
            kappa_of(cohen), list(combinations(names, 2)), lambda i: _reason(cohen[0, i])
        ),
        fleiss=to_figure(kappa_of(fleiss), lambda: _reason(fleiss[0])),
        alpha=to_figure(alpha_of(alpha), lambda: _reason(alpha[0])),
    )


def _reason(sums: Floats) -> str:
    if sums[0] == 0:
        return "no pairs of agreed mentions"
    return "all pairs are of one category for every annotator"
