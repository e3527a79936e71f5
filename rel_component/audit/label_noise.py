"""Annotations that are likely wrong: conflicts between documents, and confident disagreement."""

from collections import Counter, defaultdict
from typing import Dict, Iterator, List, Sequence, Set, Tuple

import numpy
from spacy.strings import get_string_id

from ..evaluation.known_facts import Fact, fact_of
from ..mentions import normalize_name
from ..types import NO_RELATION, HashArray
from .context import AuditContext
from .findings import Finding, Place, Section, Table
from .out_of_fold import OutOfFoldPredictions
from .pairs import BOTH, MentionPair, arguments, plain, reverse
from .shingles import jaccard, shingles

_AROUND = 6  # words before and after a pair that are compared
_COMPARED = 20  # pairs of one name each pair is compared with


def check_label_noise(context: AuditContext) -> Section:
    """Find conflicting annotations, reversed directions and confident disagreement."""
    section = Section(
        "label_noise",
        "Likely wrong annotations",
        "Candidates, the most suspicious first; many are right. The baseline classifier is a "
        "logistic regression over entity types and the words around a pair, trained on other "
        "documents than that of the pair.",
        context.options.max_findings,
    )
    section.add(
        "The same names in near-same text, annotated differently",
        _conflicts(context.pairs, context),
    )
    section.add("The same names, related the other way round elsewhere", _turned_names(context))
    section.add(
        "The same types and words between, annotated the other way round", _turned(context.related)
    )
    if not context.related:
        return section
    related = context.related_predictions
    section.add(
        "Direction: the baseline classifier predicts the other one", _directions(related, context)
    )
    section.add("Label: the baseline classifier predicts another one", _labels(related, context))
    section.add(
        "Spurious: the baseline classifier predicts no relation", _spurious(context.predictions)
    )
    section.add(
        "Missing: the baseline classifier predicts a relation", _missing(context.predictions)
    )
    section.figures["pairs that the baseline classifier was asked about"] = len(context.pairs)
    section.figures["pairs with an annotated relation"] = len(context.related)
    if context.can_cross_validate:
        section.tables.append(_confusions(related))
    return section


def _conflicts(pairs: Sequence[MentionPair], context: AuditContext) -> Iterator[Finding]:
    by_names: Dict[Tuple[str, str], List[MentionPair]] = defaultdict(list)
    for pair in pairs:
        by_names[normalize_name(pair.first.text), normalize_name(pair.second.text)].append(pair)
    for group in by_names.values():
        if (
            not any(pair.labels for pair in group)
            or len({frozenset(pair.labels) for pair in group}) < 2
        ):
            continue
        words = [_surroundings(pair) for pair in group]
        for i, pair in enumerate(group):
            for j in range(i + 1, min(len(group), i + 1 + _COMPARED)):
                other = group[j]
                if set(pair.labels) == set(other.labels) or pair.doc is other.doc:
                    continue
                similarity = jaccard(words[i], words[j])
                if similarity >= context.options.similarity:
                    yield Finding(
                        "warning",
                        f"{pair.first.text!r} and {pair.second.text!r}: {_describe(pair)} here, "
                        f"{_describe(other)} there; the text around is the same to "
                        f"{similarity:.0%}.",
                        [_place(pair), _place(other)],
                        similarity,
                    )


def _surroundings(pair: MentionPair) -> HashArray:
    """Shingles of the words around a pair, its own mentions and others as their types."""
    words = pair.doc.masked_words
    start, end = max(0, pair.first.start - _AROUND), pair.second.end + _AROUND
    hashes = [get_string_id(word) for word in words[start:end] if word]
    return shingles(numpy.asarray(hashes, dtype="uint64"))


def _turned_names(context: AuditContext) -> Iterator[Finding]:
    """Facts that are annotated in both directions in different documents, the rarer direction."""
    places: Dict[Fact, List[Place]] = defaultdict(list)
    for doc in context.docs:
        for rel in doc.relations:
            places[fact_of(rel)].append(Place.of(doc, rel))
    for (head, label, tail), found in places.items():
        others = places.get((tail, label, head), [])
        if head == tail or len(others) < len(found) or label in context.schema.symmetric_labels:
            continue
        for place in found:
            elsewhere = [other for other in others if other.doc is not place.doc]
            if elsewhere:
                yield Finding(
                    "warning",
                    f"{label} from {place.head} to {place.tail}: between the same names it points "
                    f"the other way {len(elsewhere)} times in other documents.",
                    [place, elsewhere[0]],
                    len(elsewhere) / len(found),
                )


def _turned(related: Sequence[MentionPair]) -> Iterator[Finding]:
    by_words: Dict[Tuple[str, str, str, str], Dict[str, List[MentionPair]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for pair in related:
        words = pair.doc.masked_words[pair.first.end : pair.second.start]
        between = " ".join(word for word in words if word)
        for label in pair.labels:
            if not label.endswith(BOTH) and reverse(label) not in pair.labels:
                key = (plain(label), pair.first.label_, pair.second.label_, between)
                by_words[key][label].append(pair)
    for (_, _, _, between), ways in by_words.items():
        for label, pairs in ways.items():
            others = ways.get(reverse(label), [])
            if not others or len(others) < len(pairs):
                continue
            for pair in pairs:
                head, tail = arguments(pair, label)
                yield Finding(
                    "warning",
                    f"{plain(label)} from {head.text!r} to {tail.text!r}: with the same types and "
                    f"the words {between!r} between, it points the other way {len(others)} times "
                    f"and this way {len(pairs)} times.",
                    [_place(pair, label), _place(others[0], reverse(label))],
                    len(others) / len(pairs),
                )


def _directions(related: OutOfFoldPredictions, context: AuditContext) -> Iterator[Finding]:
    for row, pair in enumerate(related.pairs):
        for label in pair.labels:
            head, tail = arguments(pair, label)
            turned = reverse(label)
            if turned == label or turned in pair.labels:
                continue
            if not context.schema[plain(label)].expects(tail.label_, head.label_):
                continue
            given, other = related.probability(row, label), related.probability(row, turned)
            if other > given:
                yield Finding(
                    "warning",
                    f"{plain(label)} from {head.text!r} to {tail.text!r}: the other direction has "
                    f"probability {other:.2f}, this one {given:.2f}.",
                    [_place(pair, label)],
                    other - given,
                )


def _labels(related: OutOfFoldPredictions, context: AuditContext) -> Iterator[Finding]:
    for row, pair in enumerate(related.pairs):
        own = {plain(label) for label in pair.labels}
        probabilities = _possible_labels(related, row, own, context)
        given = max(probabilities[label] for label in own)
        best = max(probabilities, key=lambda label: probabilities[label])
        if best not in own and probabilities[best] > given:
            yield Finding(
                "warning",
                f"{_describe(pair)}: of the labels possible between these types, {best} has "
                f"probability {probabilities[best]:.2f}, the annotated one {given:.2f}.",
                [_place(pair)],
                probabilities[best] - given,
            )


def _possible_labels(
    related: OutOfFoldPredictions, row: int, own: Set[str], context: AuditContext
) -> Dict[str, float]:
    """Probabilities of a pair's labels and of those that the schema expects in their place."""
    pair = related.pairs[row]
    head, tail = arguments(pair, pair.given)
    sums: Dict[str, float] = dict.fromkeys(sorted(own), 0.0)
    for label, probability in zip(related.classes, related.probabilities[row]):
        name = plain(label)
        if name in own or context.schema[name].expects(head.label_, tail.label_):
            sums[name] = sums.get(name, 0.0) + float(probability)
    total = sum(sums.values())
    return {name: value / total if total else 0.0 for name, value in sums.items()}


def _spurious(predictions: OutOfFoldPredictions) -> Iterator[Finding]:
    if NO_RELATION not in predictions.columns:
        return
    least = predictions.thresholds[predictions.columns[NO_RELATION]]
    for row, pair in enumerate(predictions.pairs):
        none = predictions.probability(row, NO_RELATION)
        given = max((predictions.probability(row, label) for label in pair.labels), default=none)
        if none >= least and none > given:
            yield Finding(
                "warning",
                f"{_describe(pair)}: that there is no relation has probability {none:.2f}.",
                [_place(pair)],
                none,
            )


def _missing(predictions: OutOfFoldPredictions) -> Iterator[Finding]:
    for row, (pair, best) in enumerate(zip(predictions.pairs, predictions.best)):
        if pair.labels or best == NO_RELATION:
            continue
        probability, none = (
            predictions.probability(row, best),
            predictions.probability(row, NO_RELATION),
        )
        if probability >= predictions.thresholds[predictions.columns[best]] and probability > none:
            head, tail = arguments(pair, best)
            yield Finding(
                "warning",
                f"{_arrow(pair, best)} is not annotated and has probability {probability:.2f}.",
                [Place(pair.doc, head, tail)],
                probability - none,
            )


def _confusions(related: OutOfFoldPredictions) -> Table:
    counts = Counter(
        (plain(pair.given), plain(best))
        for pair, best in zip(related.pairs, related.best)
        if plain(best) not in map(plain, pair.labels)
    )
    return Table(
        "Labels that the baseline classifier confuses, between related mentions",
        ["annotated", "predicted", "pairs"],
        [[given, best, n] for (given, best), n in counts.most_common(15)],
        bars=[2],
    )


def _place(pair: MentionPair, label: str = "") -> Place:
    label = label or pair.given
    head, tail = arguments(pair, label)
    return Place(pair.doc, head, tail, "" if label == NO_RELATION else plain(label))


def _describe(pair: MentionPair) -> str:
    return " and ".join(_arrow(pair, label) for label in pair.labels) or "no relation"


def _arrow(pair: MentionPair, label: str) -> str:
    head, tail = arguments(pair, label)
    return f"({head.text}, {plain(label)}, {tail.text})"
