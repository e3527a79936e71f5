"""Whether a pipeline finds relations as well with the names of one group as with those of another."""

import random
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

from ..errors import ConfigError
from ..evaluation.scoring import PRF
from .context import AuditContext
from .documents import AuditedDoc
from .findings import Cell, Finding, Section, Table
from .predictor import Link, annotated_links, compare, in_order
from .rewriting import GivenText, Name, assign_names, rewrite

_GAP = 0.05  # difference of recall that is worth a look, if chance does not explain it


class _GroupScores(NamedTuple):
    prf: PRF
    probability: Optional[float]


def check_name_groups(context: AuditContext) -> Section:
    """Recall, precision and probabilities by group of names, in the same documents."""
    predictor, groups = context.predictor, context.name_groups
    if predictor is None or groups is None:
        raise ConfigError("name groups need a pipeline and lists of names")
    label = groups.type_in({span.label_ for doc in context.docs for span in doc.mentions})
    docs = [doc for doc in context.rewritten_docs if _touching(doc, label)]
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
        scores[group] = _score(docs, texts, label, context)
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
    section.figures["relations counted"] = sum(len(_touching(doc, label)) for doc in docs)
    section.figures["largest difference of recall"] = max(recalls) - min(recalls)
    section.add("Groups with lower recall", _gaps(scores))
    return section


def _with_names(doc: AuditedDoc, label: str, names: Sequence[Name], seed: int) -> GivenText:
    # the same seed for each group: what differs is the names, not the draw
    rng = random.Random(f"{seed} {doc.part.name} {doc.index}")
    ranks = [rng.random() for _ in range(len(doc.mentions))]
    drawn = [names[int(rank * len(names))] for rank in ranks]
    return rewrite(doc, assign_names(doc, {label: drawn}))


def _score(
    docs: Sequence[AuditedDoc], texts: Sequence[GivenText], label: str, context: AuditContext
) -> _GroupScores:
    assert context.predictor is not None
    symmetric = context.schema.symmetric_labels
    prf, probabilities = PRF(), []
    for doc, links in zip(docs, context.predictor.predict(texts)):
        gold = _touching(doc, label, symmetric)
        found = {link for link in in_order(links, symmetric) if _touches(doc, link, label)}
        prf += compare(gold, found)
        for link, score in links.items():
            if score is not None and in_order([link], symmetric) <= gold:
                probabilities.append(score)
    mean = sum(probabilities) / len(probabilities) if probabilities else None
    return _GroupScores(prf, mean)


def _touching(doc: AuditedDoc, label: str, symmetric: Sequence[str] = ()) -> Set[Link]:
    return {
        link for link in in_order(annotated_links(doc), symmetric) if _touches(doc, link, label)
    }


def _touches(doc: AuditedDoc, link: Link, label: str) -> bool:
    return label in (doc.mentions[link[0]].label_, doc.mentions[link[2]].label_)


def _gaps(scores: Dict[str, _GroupScores]) -> Iterator[Finding]:
    best, (top, _) = max(scores.items(), key=lambda item: item[1].prf.recall)
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
