"""The page of an evaluation: confusion of labels, where mistakes come from, curves, and the mistakes."""

from collections import Counter
from typing import Any, Dict, List, Tuple

from ..annotations import get_relations
from ..evaluation.confusion import Confusion, confuse_labels
from ..evaluation.counts import PRF
from ..evaluation.mistakes import REASONS, Mistakes
from ..evaluation.thresholds import ScoredRelations
from ..types import NO_RELATION
from .documents import MISSED, SPURIOUS, compared_documents
from .page import make_page

_MOST_LABELS = 30


def render_evaluation(mistakes: Mistakes, *, title: str = "Evaluation") -> str:
    """Make a page of the mistakes of a pipeline, drawn in their texts, under figures of them.

    Args:
        mistakes: the mistakes that :func:`rel_component.evaluate` has found.
        title: what stands above.
    """
    documents = compared_documents(mistakes)
    return make_page(documents, title=title, report=make_report(mistakes), status="mistakes")


def make_report(mistakes: Mistakes) -> Dict[str, Any]:
    """The figures of a page: ``labels`` and ``rows`` of the confusion, ``reasons`` and ``curves``.

    Args:
        mistakes: the mistakes.
    """
    confusion = confuse_labels(mistakes.examples, symmetric=mistakes.symmetric, attr=mistakes.attr)
    labels, n_more = _labels(confusion)
    counts = mistakes.to_dict()
    reasons = [
        {"reason": reason, **{kind: counts[kind].get(reason, 0) for kind in (MISSED, SPURIOUS)}}
        for reason in REASONS
        if reason in counts[MISSED] or reason in counts[SPURIOUS]
    ]
    columns = [*labels, NO_RELATION]
    return {
        "none": NO_RELATION,
        "labels": columns,
        "rows": [{"label": label, "cells": _cells(confusion, label, columns)} for label in columns],
        "more": n_more,
        "reasons": reasons,
        "curves": _curves(mistakes, confusion, labels),
    }


def _labels(confusion: Confusion) -> Tuple[List[str], int]:
    """The labels in alphabetical order, and how many are left out where there are too many."""
    wrong: Counter[str] = Counter()
    for (annotated, predicted), n in confusion.items():
        for label in {annotated, predicted} - {NO_RELATION}:
            wrong[label] += 0 if annotated == predicted else n
    ordered = sorted(wrong, key=lambda label: (-wrong[label], label))
    return sorted(ordered[:_MOST_LABELS]), max(0, len(ordered) - _MOST_LABELS)


def _cells(confusion: Confusion, label: str, columns: List[str]) -> List[Dict[str, Any]]:
    total = sum(n for (annotated, _), n in confusion.items() if annotated == label)
    cells = []
    for column in columns:
        n, right = confusion[label, column], label == column
        share = 0 if right or not n else 10 + 50 * n // total
        cells.append({"n": n, "right": right, "share": share})
    return cells


def _curves(mistakes: Mistakes, confusion: Confusion, labels: List[str]) -> List[Dict[str, Any]]:
    """The curve of each label that is annotated and found, as a path in a square of 100."""
    scored = mistakes.scored
    if scored is None:
        pairs = (
            (get_relations(eg.reference, mistakes.attr), get_relations(eg.predicted, mistakes.attr))
            for eg in mistakes.examples
        )
        scored = ScoredRelations.collect(pairs, mistakes.symmetric)
    curves = []
    for label in (label for label in labels if label in scored.labels):
        points = scored.curve(label)
        if not points:
            continue
        prf = _decided(confusion, label)
        path = "".join(
            f"{'L' if i else 'M'}{100 * recall:.1f} {100 * (1 - precision):.1f}"
            for i, (_, precision, recall) in enumerate(points)
        )
        now = [round(100 * prf.recall, 1), round(100 * (1 - prf.precision), 1)]
        text = f"P {100 * prf.precision:.1f}, R {100 * prf.recall:.1f}, F1 {100 * prf.f1:.1f} now"
        curves.append({"label": label, "path": path, "now": now, "text": text})
    return curves


def _decided(confusion: Confusion, label: str) -> PRF:
    """The counts of what the pipeline decides."""
    right = confusion[label, label]
    n_annotated = sum(n for (annotated, _), n in confusion.items() if annotated == label)
    n_found = sum(n for (_, predicted), n in confusion.items() if predicted == label)
    return PRF(right, n_found - right, n_annotated - right)
