"""Measures of the agreement of annotators on mentions and relations."""

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import combinations
from typing import AbstractSet, Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy

from ..counts import LabelScores, stack_counts
from ..intervals import Bootstrap, Estimate, Floats, estimate, ratio
from .coefficients import alpha_of, alpha_sums, cohen_sums, fleiss_sums, kappa_of
from .documents import Annotation, DocumentProblem, SharedDoc, SharedDocuments
from .pairs import PairLimits, RatedPairs, RelationCounts, rate_pairs

_Keys = AbstractSet[Tuple[Any, str, Any]]
"""Start, label and end of mentions, or head, label and tail of relations."""

_ANY = "*"  # the label of mentions whose label does not count


@dataclass(frozen=True)
class Pairwise:
    """An estimate for each pair of annotators.

    Attributes:
        mean: the mean over those pairs for which it is defined.
        pairs: the estimates.
        counts: how many mentions or relations both have, only the first has, and only the second
            has; empty where the estimate does not compare them.
    """

    mean: Estimate
    pairs: Dict[Tuple[str, str], Estimate]
    counts: Dict[Tuple[str, str], Tuple[int, int, int]] = field(default_factory=dict)

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        pairs = []
        for names, value in self.pairs.items():
            row = {"annotators": list(names), **value.to_dict()}
            if names in self.counts:
                row.update(zip(("both", "only_first", "only_second"), self.counts[names]))
            pairs.append(row)
        return {"mean": self.mean.to_dict(), "pairs": pairs}


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
        """A dict for JSON."""
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
    fleiss: Estimate
    alpha: Estimate

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {name: value.to_dict() for name, value in vars(self).items()}


@dataclass(frozen=True)
class Agreement:
    """Measures of the agreement of annotators.

    Attributes:
        annotators: their names.
        n_docs: how many documents each of them has.
        n_shared: number of documents that at least two annotators have; all measures are over
            these.
        problems: documents that not all have.
        mentions: ``strict``: span and type; ``span``: without the type.
        relations: ``strict``: spans and types of both mentions, label and direction;
            ``undirected``: head and tail may be exchanged; ``agreed_mentions``: strict, only
            relations between mentions that all annotators of the document have.
        n_pairs: units of the coefficients: ordered pairs of mentions that all annotators of the
            document have, as far as the limits allow them.
        n_complete: number of units in documents that all annotators have.
        n_unrelated: number of units that nobody relates, which are most units.
        relation_counts: counts of the relations of each annotator.
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
        """A dict for JSON."""
        return {
            "annotators": list(self.annotators),
            "documents": {
                "by_annotator": self.n_docs,
                "shared": self.n_shared,
                "problems": [asdict(problem) for problem in self.problems],
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
    """Measure agreement on mentions, on relations, and on relations between agreed mentions.

    Args:
        shared: the documents, see :func:`.documents.match_documents`.
        limits: which pairs of agreed mentions the coefficients are over; None: all.
        n_resamples: draws of the bootstrap; 0: no intervals.
        seed: of the bootstrap.

    Raises:
        ConfigError: if a distance in sentences is asked for and a document has no sentences.
    """
    bootstrap = Bootstrap(len(shared.docs), n_resamples, seed)

    def f1(read_keys: Callable[[SharedDoc, Annotation], _Keys]) -> F1Agreement:
        return _f1_agreement(shared, read_keys, bootstrap)

    pairs = rate_pairs(shared, limits or PairLimits())
    coefficients, per_label = _coefficients(shared.names, pairs, bootstrap)
    return Agreement(
        annotators=shared.names,
        n_docs=shared.n_docs,
        n_shared=len(shared.docs),
        problems=shared.problems,
        mentions={
            "strict": f1(lambda _, said: {(key[0], key[2], key[1]) for key in said.mentions}),
            "span": f1(lambda _, said: {(key[0], _ANY, key[1]) for key in said.mentions}),
        },
        relations={
            "strict": f1(lambda _, said: said.relations),
            "undirected": f1(
                lambda _, said: {(min(h, t), label, max(h, t)) for h, label, t in said.relations}
            ),
            "agreed_mentions": f1(
                lambda doc, said: {key for key in said.relations if doc.agreed.issuperset(key[::2])}
            ),
        },
        n_pairs=pairs.n_pairs,
        n_complete=pairs.n_complete,
        n_unrelated=pairs.n_unrelated,
        relation_counts=pairs.relations,
        coefficients=coefficients,
        per_label=per_label,
    )


def _f1_agreement(
    shared: SharedDocuments,
    read_keys: Callable[[SharedDoc, Annotation], _Keys],
    bootstrap: Bootstrap,
) -> F1Agreement:
    names = list(combinations(shared.names, 2))
    scores: List[LabelScores] = []
    for doc in shared.docs:
        keys = [None if said is None else read_keys(doc, said) for said in doc.annotations]
        for first, second in combinations(keys, 2):
            scores.append(LabelScores())
            if first is not None and second is not None:
                scores[-1].add(first, second)
    labels, counts = stack_counts(scores)
    sums = bootstrap.sum(counts.reshape(len(shared.docs), len(names), len(labels), 3))
    return F1Agreement(
        overall=_f1(sums.sum(axis=2), names),
        per_label={
            label: _f1(sums[:, :, k], names) for k, label in enumerate(labels) if label != _ANY
        },
    )


def _f1(sums: Floats, names: Sequence[Tuple[str, str]]) -> Pairwise:
    """F1 of pairs. `sums`: of both, of only the second, of only the first, ``(..., n_pairs, 3)``."""
    both, only_second, only_first = numpy.moveaxis(sums, -1, 0)
    values = ratio(2 * both, 2 * both + only_first + only_second)
    counts = zip(both[0], only_first[0], only_second[0])
    return replace(
        _pairwise(values, names, lambda _: "neither annotator has any in the documents of both"),
        counts={pair: (int(b), int(f), int(s)) for pair, (b, f, s) in zip(names, counts)},
    )


def _coefficients(
    names: Sequence[str], pairs: RatedPairs, bootstrap: Bootstrap
) -> Tuple[Coefficients, Dict[str, Coefficients]]:
    columns = [list(pair) for pair in combinations(range(len(names)), 2)]
    by_document: List[List[Floats]] = [[] for _ in range(6)]
    # Also without documents, the sums have to have their shapes.
    empty = numpy.zeros((0, len(names)), dtype="int32"), numpy.zeros(0, dtype="bool")
    for ratings, is_reversed in [*zip(pairs.ratings, pairs.reversed), empty]:
        of_labels = pairs.label_votes(ratings, is_reversed)
        for offset, votes in ((0, pairs.votes(ratings)), (3, of_labels)):
            of_pairs = numpy.stack([cohen_sums(votes[:, column]) for column in columns])
            for k, sums in enumerate((of_pairs, fleiss_sums(votes), alpha_sums(votes))):
                by_document[offset + k].append(sums)
    cohen, fleiss, alpha, *label_sums = (
        bootstrap.sum(numpy.stack(sums)[:-1]) for sums in by_document
    )
    per_label = {}
    for k, label in enumerate(pairs.labels):
        of_label = (label_sums[0][:, :, k], label_sums[1][:, k], label_sums[2][:, k])
        per_label[label] = _of_sums(names, *of_label)
    return _of_sums(names, cohen, fleiss, alpha), per_label


def _of_sums(names: Sequence[str], cohen: Floats, fleiss: Floats, alpha: Floats) -> Coefficients:
    """Coefficients from their sums, ``(..., n_sums)``; `cohen` has one for each pair before them."""
    return Coefficients(
        cohen=_pairwise(
            kappa_of(cohen), list(combinations(names, 2)), lambda i: _reason(cohen[0, i])
        ),
        fleiss=estimate(kappa_of(fleiss), lambda: _reason(fleiss[0])),
        alpha=estimate(alpha_of(alpha), lambda: _reason(alpha[0])),
    )


def _pairwise(
    values: Floats, pairs: Sequence[Tuple[str, str]], reason: Callable[[int], str]
) -> Pairwise:
    """Estimates from values ``(1 + n_resamples, n_pairs)``; `reason` is that of a pair by its index."""
    defined = ~numpy.isnan(values)
    mean = ratio(numpy.where(defined, values, 0).sum(axis=1), defined.sum(axis=1))
    return Pairwise(
        mean=estimate(mean, partial(reason, 0)),
        pairs={names: estimate(values[:, i], partial(reason, i)) for i, names in enumerate(pairs)},
    )


def _reason(sums: Floats) -> str:
    if sums[0] == 0:
        return "no pairs of agreed mentions"
    return "all pairs are of one category for every annotator"
