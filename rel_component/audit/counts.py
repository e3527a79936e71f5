"""Counts of documents, mentions and relations, and how uneven they are."""

from collections import Counter
from itertools import pairwise
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy

from .context import AuditContext
from .documents import AuditedDoc, position, token_distance
from .findings import Cell, Finding, Place, Section, Table

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
SHOWN = 3
"""The most places of a finding about a label."""

_FEW = 10  # with fewer examples, a label is hard to learn and to score


def count_corpus(context: AuditContext) -> Section:
    """Count documents, mentions, relations and unrelated pairs; list labels with few examples."""
    section = Section(
        "counts",
        "Counts",
        "Numbers of documents, mentions and relations in each split.",
        context.options.max_findings,
    )
    splits = {split.name: context.docs_of(split) for split in context.splits}
    section.tables += [
        _overview(splits),
        _no_relation(splits, context),
        count_by_label(
            "Mentions by entity type",
            splits,
            lambda doc: [span.label_ or "untyped" for span in doc.mentions],
        ),
        count_by_label(
            "Relations by label", splits, lambda doc: [rel.label for rel in doc.relations]
        ),
        _type_pairs(context),
        _distances(context),
    ]
    _, of_all, _, of_allowed = _count_pairs(context.docs, context)
    section.figures = {
        "documents": len(context.docs),
        "tokens": sum(len(doc.doc) for doc in context.docs),
        "mentions": sum(len(doc.mentions) for doc in context.docs),
        "relations": sum(len(doc.relations) for doc in context.docs),
        "share of ordered pairs without relation": of_all,
        "share without relation of the pairs that the schema allows": of_allowed,
    }
    section.add("Labels with few examples", _long_tail(context))
    section.add(
        "Documents without mentions",
        (
            Finding("info", f"{doc.name} has no mentions.", [Place(doc)])
            for doc in context.docs
            if not doc.mentions
        ),
    )
    return section


def _overview(splits: Mapping[str, Sequence[AuditedDoc]]) -> Table:
    measures: Dict[str, Callable[[AuditedDoc], int]] = {
        "documents": lambda doc: 1,
        "documents without mentions": lambda doc: not doc.mentions,
        "documents without relations": lambda doc: not doc.relations,
        "sentences": lambda doc: int(doc.sentences[-1]) + 1 if len(doc.doc) else 0,
        "tokens": lambda doc: len(doc.doc),
        "mentions": lambda doc: len(doc.mentions),
        "mentions that overlap the next": lambda doc: sum(
            b.start < a.end for a, b in pairwise(doc.mentions)
        ),
        "relations": lambda doc: len(doc.relations),
        "relations across sentences": lambda doc: sum(map(doc.across_sentences, doc.relations)),
        "relations of a mention with itself": lambda doc: sum(
            position(rel.head) == position(rel.tail) for rel in doc.relations
        ),
        "pairs with several relations": lambda doc: sum(n > 1 for n in _related(doc).values()),
    }
    rows: List[List[Cell]] = [
        [name, *(sum(int(measure(doc)) for doc in docs) for docs in splits.values())]
        for name, measure in measures.items()
    ]
    return Table("Overview", ["", *splits], rows)


def _no_relation(splits: Mapping[str, Sequence[AuditedDoc]], context: AuditContext) -> Table:
    return Table(
        "Ordered pairs without relation",
        ["split", "pairs", "unrelated", "pairs that the schema allows", "of these unrelated"],
        [[name, *_count_pairs(docs, context)] for name, docs in splits.items()],
        bars=[2, 4],
        shares=[2, 4],
    )


def _count_pairs(
    docs: Sequence[AuditedDoc], context: AuditContext
) -> Tuple[int, float, int, float]:
    """All ordered pairs, those that the schema allows, and the share of each without relation."""
    pairs = sum(map(_n_pairs, docs))
    allowed = sum(_allowed_pairs(doc, context) for doc in docs)
    related = sum(len(_related(doc)) for doc in docs)
    return pairs, _share(pairs - related, pairs), allowed, _share(allowed - related, allowed)


def count_by_label(
    title: str,
    splits: Mapping[str, Sequence[AuditedDoc]],
    labels: Callable[[AuditedDoc], List[str]],
) -> Table:
    """A table of how often labels occur in each split.

    Args:
        title: its heading.
        splits: the documents of each split.
        labels: the labels of a document, as often as they occur in it.
    """
    counts = [Counter(label for doc in docs for label in labels(doc)) for docs in splits.values()]
    total: Counter[str] = sum(counts, Counter())
    n = sum(total.values())
    rows: List[List[Cell]] = [
        [label, *(count[label] for count in counts), total[label] / n]
        for label in sorted(total, key=lambda label: (-total[label], label))
    ]
    return Table(
        title, ["", *splits, "share"], rows, bars=[len(splits) + 1], shares=[len(splits) + 1]
    )


def _type_pairs(context: AuditContext) -> Table:
    counts = Counter(
        (rel.label, rel.head.label_ or "untyped", rel.tail.label_ or "untyped")
        for doc in context.docs
        for rel in doc.relations
    )
    labels = Counter(rel.label for doc in context.docs for rel in doc.relations)
    return Table(
        "Entity types by label",
        ["label", "head", "tail", "relations", "share of the label"],
        [[*key, n, n / labels[key[0]]] for key, n in sorted(counts.items())],
        bars=[4],
        shares=[4],
    )


def _distances(context: AuditContext) -> Table:
    distances: Dict[str, List[int]] = {}
    across: Counter[str] = Counter()
    for doc in context.docs:
        for rel in doc.relations:
            distances.setdefault(rel.label, []).append(token_distance(rel))
            across[rel.label] += doc.across_sentences(rel)
    rows: List[List[Cell]] = []
    for label, values in sorted(distances.items()):
        quantiles = numpy.quantile(values, _QUANTILES).round().astype(int)
        rows.append([label, *map(int, quantiles), across[label] / len(values)])
    header = ["label", "least", "25%", "median", "75%", "90%", "99%", "most", "across sentences"]
    return Table("Tokens between head and tail", header, rows, bars=[8], shares=[8])


def _long_tail(context: AuditContext) -> List[Finding]:
    places: Dict[str, List[Place]] = {label: [] for label in context.schema}
    for doc in context.train_docs:
        for rel in doc.relations:
            places[rel.label].append(Place.of(doc, rel))
    return few_examples(places)


def few_examples(places: Mapping[str, List[Place]]) -> List[Finding]:
    """The labels that have few examples, given the places of all that are not held out."""
    return [
        Finding(
            "warning",
            f"{label} has {len(found) or 'no'} examples outside of held-out splits.",
            found[:SHOWN],
            -len(found),
        )
        for label, found in places.items()
        if len(found) < _FEW
    ]


def _positions(doc: AuditedDoc) -> Dict[object, List[str]]:
    """Mentions by their tokens, with their types."""
    found: Dict[object, List[str]] = {}
    for span in doc.mentions:
        found.setdefault(position(span), []).append(span.label_)
    return found


def _related(doc: AuditedDoc) -> Counter[object]:
    """Ordered pairs with a relation, and how many they have."""
    return Counter(
        (position(rel.head), position(rel.tail))
        for rel in doc.relations
        if position(rel.head) != position(rel.tail)
    )


def _n_pairs(doc: AuditedDoc) -> int:
    n = len(_positions(doc))
    return n * (n - 1)


def _allowed_pairs(doc: AuditedDoc, context: AuditContext) -> int:
    """Ordered pairs of mentions between which the schema allows a relation, and related ones."""
    types = Counter(tuple(labels) for labels in _positions(doc).values())
    n = 0
    for heads, n_heads in types.items():
        for tails, n_tails in types.items():
            if any((head, tail) in context.allowed_types for head in heads for tail in tails):
                n += n_heads * (n_tails - (heads == tails))
    return n


def _share(count: int, whole: int) -> float:
    return count / whole if whole else 0.0
