"""Scores of a pipeline by groups of names: relations should be found as well with any of them."""

import random
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ..documents import relation_key, relation_keys
from ..evaluation.counts import PRF, LabelScores
from ..types import Relation
from .context import AuditContext
from .documents import AuditedDoc
from .findings import Cell, Finding, Section, Table
from .name_lists import NameGroups
from .predictor import Predictor
from .rewriting import GivenText, Name, assign_names, rewrite

_GAP = 0.05  # difference of recall that is worth a look, if chance does not explain it


_GroupScores = Tuple[PRF, Optional[float]]
"""The scores of a group, and the mean probability of the right relations that are found."""


def check_name_groups(context: AuditContext, predictor: Predictor, groups: NameGroups) -> Section:
    """Compare recall, precision and probabilities of groups of names in the same documents.

    Raises:
        ConfigError: if no mention has the type of the names.
    """
    label = groups.type_in({span.label_ for doc in context.docs for span in doc.mentions})
    docs = [doc for doc in context.rewritten_docs if _touching(doc.relations, label)]
    section = Section(
        "name_groups",
        f"Scores by group of names of {label}",
        f"Every {label} in {len(docs)} documents gets a name of the group; counted are the relations "
        f"that a {label} takes part in. Mean probability is that of the right ones found.",
        context.options.max_findings,
    )
    if not docs:
        return section
    scores: Dict[str, _GroupScores] = {}
    for group, names in groups.groups.items():
        texts = [_with_names(doc, label, names, context.options.seed) for doc in docs]
        scores[group] = _score(predictor, texts, label, context.schema.symmetric_labels)
    rows: List[List[Cell]] = [
        [group, len(groups.groups[group]), prf.precision, prf.recall, prf.f1, probability]
        for group, (prf, probability) in scores.items()
    ]
    section.tables.append(
        Table(
            "Scores by group",
            ["group", "names", "P", "R", "F1", "mean probability"],
            rows,
            bars=[3, 4],
            shares=[2, 3, 4, 5],
        )
    )
    recalls = [prf.recall for prf, _ in scores.values()]
    section.figures["relations counted"] = sum(len(_touching(doc.relations, label)) for doc in docs)
    section.figures["largest difference of recall"] = max(recalls) - min(recalls)
    section.add("Groups with lower recall", _gaps(scores))
    return section


def _with_names(doc: AuditedDoc, label: str, names: Sequence[Name], seed: int) -> GivenText:
    # the same seed for each group: what differs is the names, not the draw
    rng = random.Random(f"{seed} {doc.split.name} {doc.index}")
    ranks = [rng.random() for _ in range(len(doc.mentions))]
    drawn = [names[int(rank * len(names))] for rank in ranks]
    return rewrite(doc, assign_names(doc, {label: drawn}))


def _score(
    predictor: Predictor, texts: Sequence[GivenText], label: str, symmetric: Sequence[str]
) -> _GroupScores:
    scores = LabelScores()
    probabilities: List[float] = []
    for text, predicted in zip(texts, predictor.predict(texts)):
        gold = relation_keys(_touching(text.doc.relations, label), symmetric)
        found = _touching(predicted, label)
        scores.add(gold, relation_keys(found, symmetric))
        probabilities += [
            rel.score
            for rel in found
            if rel.score is not None and relation_key(rel, symmetric) in gold
        ]
    mean = sum(probabilities) / len(probabilities) if probabilities else None
    return scores.micro, mean


def _touching(relations: Iterable[Relation], label: str) -> List[Relation]:
    return [rel for rel in relations if label in (rel.head.label_, rel.tail.label_)]


def _gaps(scores: Dict[str, _GroupScores]) -> Iterator[Finding]:
    best, (top, _) = max(scores.items(), key=lambda item: item[1][0].recall)
    n = top.tp + top.fn
    for group, (prf, _) in scores.items():
        gap = top.recall - prf.recall
        # two standard errors of a difference of independent shares: wider than that of paired ones
        error = 2 * ((top.recall * (1 - top.recall) + prf.recall * (1 - prf.recall)) / n) ** 0.5
        if gap > max(_GAP, error):
            yield Finding(
                "warning",
                f"{group}: recall {100 * prf.recall:.1f} of {n} relations, and "
                f"{100 * top.recall:.1f} with the names of {best}.",
                rank=gap,
            )
