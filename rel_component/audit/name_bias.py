"""How well relations are predicted without the text, from names and entity types alone."""

from collections import Counter
from typing import Callable, Dict, List, Sequence, Tuple

from ..types import NO_RELATION
from .context import AuditContext
from .features import canonical, name_features, type_features
from .findings import Cell, Finding, Section, Table
from .pairs import MentionPair

_CLOSE = 0.9  # a blind baseline above this share of the text model's F1 is a warning

_BLIND: Dict[str, Callable[[MentionPair], List[str]]] = {
    "entity types alone": type_features,
    "names alone": name_features,
    "names and types": lambda pair: type_features(pair) + name_features(pair),
}


def check_name_bias(context: AuditContext) -> Section:
    """Compare classifiers that see no word of the text with one that does, cross-validated."""
    section = Section(
        "name_bias",
        "What names and types give away",
        "Micro F1, cross-validated by documents, of classifiers that are shown only the entity types "
        "or names of a pair, in alphabetical order; of the baseline classifier, which is shown the "
        "text; and of the most frequent label. On related pairs they predict the label and its "
        "direction, on all pairs also whether there is a relation. A corpus tests reading if the "
        "baseline classifier is well above the others.",
        context.options.max_findings,
    )
    if not context.can_cross_validate:
        section.intro = "Too few documents have related pairs, so there is nothing to tell."
        return section
    rows: List[List[Cell]] = []
    for name, (related, everything) in _scores(context).items():
        rows.append([name, related, everything])
        section.figures[f"{name}: F1 on related pairs"] = related
        section.figures[f"{name}: F1 on all pairs"] = everything
    section.tables.append(
        Table(
            "Micro F1",
            ["shown", "related pairs", "all pairs"],
            rows,
            bars=[1, 2],
            shares=[1, 2],
        )
    )
    section.add("Too much can be told without reading", _findings(rows))
    section.tables.append(_telling_types(context.related))
    return section


def _scores(context: AuditContext) -> Dict[str, Tuple[float, float]]:
    """F1 on related and on all pairs by what is shown."""
    scores = {
        "nothing (most frequent label)": (_majority(context.related), _majority(context.pairs))
    }
    for name, features in _BLIND.items():
        scores[name] = (
            _blind_f1(context, context.related, features),
            _blind_f1(context, context.pairs, features),
        )
    scores["the text, without names"] = (
        context.related_predictions.score().f1,
        context.predictions.score().f1,
    )
    return scores


def _blind_f1(
    context: AuditContext,
    pairs: Sequence[MentionPair],
    features: Callable[[MentionPair], List[str]],
) -> float:
    turned, labels = zip(*(canonical(pair, pair.given) for pair in pairs))
    return context.cross_validate(turned, features, labels).score().f1


def _majority(pairs: Sequence[MentionPair]) -> float:
    """F1 of the most frequent label, in the order of types and names, for all pairs."""
    counts = Counter(canonical(pair, pair.given)[1] for pair in pairs)
    label, n = min(counts.items(), key=lambda item: (-item[1], item[0]))
    if label == NO_RELATION:
        return 0.0
    return 2 * n / (len(pairs) + sum(counts.values()) - counts[NO_RELATION])


def _findings(rows: Sequence[Sequence[Cell]]) -> List[Finding]:
    reader = rows[-1]
    findings = []
    for name, *values in rows[1:-1]:
        for column, protocol in ((0, "related"), (1, "all")):
            value, read = float(values[column] or 0.0), float(reader[column + 1] or 0.0)
            if read and value >= _CLOSE * read:
                findings.append(
                    Finding(
                        "warning",
                        f"On {protocol} pairs, {name} give F1 {100 * value:.1f}, and the text gives "
                        f"{100 * read:.1f}: scores say little about reading.",
                        rank=value / read,
                    )
                )
    return findings


def _telling_types(related: Sequence[MentionPair]) -> Table:
    """The most frequent label of related pairs by their entity types, with its share."""
    labels: Dict[Tuple[str, str], Counter[str]] = {}
    for pair in related:
        turned, label = canonical(pair, pair.given)
        key = (turned.first.label_, turned.second.label_)
        labels.setdefault(key, Counter())[label[:-1]] += 1
    rows: List[List[Cell]] = []
    for (first, second), counts in sorted(labels.items(), key=lambda i: -sum(i[1].values())):
        total = sum(counts.values())
        label, n = min(counts.items(), key=lambda item: (-item[1], item[0]))
        rows.append([f"{first} and {second}", total, label, n / total])
    return Table(
        "The most frequent label by entity types",
        ["types", "related pairs", "label", "share"],
        rows[:30],
        bars=[3],
        shares=[3],
    )
