"""Intervals of all scores of an evaluation, over the same resampled documents.

A score ``rel_micro_f`` has its interval beside it, as ``rel_micro_f_interval``; where scores are in a
dict, such as ``rel_per_type``, their intervals are in one of the same form. What a scorer of another
package has computed has none.
"""

import math
from dataclasses import astuple
from statistics import fmean
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

import numpy
from spacy.training import Example

from ..annotations import DEFAULT_ATTR
from ..coreference.scoring import METRICS as COREFERENCE_METRICS
from ..coreference.scoring import count_clusters
from ..event_types import EventSchema
from .counts import PRF, LabelScores, stack_counts
from .document_scores import count_entity_relations, document_relations
from .event_scores import count_events, share_events
from .intervals import METRICS, Bootstrap, Floats, estimate, prf, ratio, relation_metrics
from .links import RECALL_AT, LinkCounts, count_links
from .scoring import count_entities, count_relations, count_span_group


def add_relation_intervals(
    scores: Dict[str, Any],
    examples: Sequence[Example],
    draws: Bootstrap,
    *,
    spans_key: Optional[str] = None,
    symmetric: Sequence[str] = (),
    attr: str = DEFAULT_ATTR,
) -> None:
    """Add the intervals of relations, those of each label, and those of whole documents.

    Args:
        scores: scores by name; see :func:`.score_relations`. Those of :func:`.score_documents` are
            ``document``.
        examples: predicted and reference documents.
        draws: the resampled documents.
        spans_key: span group of the mentions; None: the entities.
        symmetric: labels whose direction does not count.
        attr: name of the extension attribute.
    """
    options: Dict[str, Any] = {"symmetric": symmetric, "attr": attr}
    if "rel_n" in scores:
        found = [count_relations(eg, spans_key=spans_key, **options) for eg in examples]
        for name in {name for groups in found for name in groups}:
            # with no relation at all, strict scores are 0, and others None
            empty = 0.0 if name == "rel" else numpy.nan
            by_document = [groups.get(name, LabelScores()) for groups in found]
            _add_overview(scores, f"{name}_{{}}", by_document, draws, empty)
        strict = [groups["rel"] for groups in found if "rel" in groups]
        _add_by_label(scores, "rel_per_type", strict, draws)
    if "document" in scores:
        relations = (
            document_relations(eg, symmetric, spans_key=spans_key, attr=attr) for eg in examples
        )
        by_group = [LabelScores(count_entity_relations(document)) for document in relations]
        _add_by_label(scores, "document", by_group, draws)


def add_mention_intervals(
    scores: Dict[str, Any],
    examples: Sequence[Example],
    draws: Bootstrap,
    *,
    spans_key: Optional[str] = None,
) -> None:
    """Add the intervals of mentions, and their macro scores; see :func:`add_relation_intervals`."""
    kinds: Dict[str, Callable[[Example], LabelScores]] = {
        "ents": count_entities,
        "mentions": lambda eg: count_span_group(eg, spans_key),
    }
    for kind, count in kinds.items():
        per_type = scores.get(f"{kind}_per_type")
        if per_type:
            for key in "prf":
                scores[f"{kind}_macro_{key}"] = fmean(each[key] for each in per_type.values())
            by_document = [count(eg) for eg in examples]
            _add_overview(scores, f"{kind}_{{}}", by_document, draws, numpy.nan, micro="")
            _add_by_label(scores, f"{kind}_per_type", by_document, draws)


def add_event_intervals(
    scores: Dict[str, Any],
    examples: Sequence[Example],
    draws: Bootstrap,
    *,
    schema: Optional[EventSchema] = None,
) -> None:
    """Add the intervals of events, and those of each label; see :func:`add_relation_intervals`.

    Args:
        scores: scores by name; see :func:`.score_events`.
        examples: predicted and reference documents.
        draws: the resampled documents.
        schema: says which roles can be exchanged.
    """
    if not scores.get("events_per_type"):
        return
    found = [count_events(eg, schema=schema) for eg in examples]
    for name in found[0]:
        empty = 0.0 if name == "events" else numpy.nan
        _add_overview(scores, f"{name}_{{}}", [groups[name] for groups in found], draws, empty)
    _add_by_label(scores, "events_per_type", [groups["events"] for groups in found], draws)
    shares = [share_events(eg, schema=schema) for eg in examples]
    sums = draws.sum(numpy.asarray([[[sum(s[k]), len(s[k])] for k in "pr"] for s in shares]))
    pr = numpy.nan_to_num(ratio(sums[..., 0], sums[..., 1]))  # (1 + n_resamples, 2)
    f = numpy.nan_to_num(ratio(2 * pr.prod(axis=1), pr.sum(axis=1)))
    values = numpy.column_stack([pr, f])
    values[sums.sum(axis=(1, 2)) == 0] = numpy.nan  # no draw of no event has a score
    for key, column in _columns(values).items():
        _add(scores, f"events_partial_micro_{key}", column)


def add_coreference_intervals(
    scores: Dict[str, Any], examples: Sequence[Example], draws: Bootstrap
) -> None:
    """Add the intervals of clusters; see :func:`add_relation_intervals`."""
    if scores.get("coref_n") is None:
        return
    by_document = [count_clusters([eg]) for eg in examples]
    for prefix in by_document[0]:
        ratios = [
            [astuple(groups[prefix].ratios[name]) for name in COREFERENCE_METRICS]
            for groups in by_document
        ]
        sums = draws.sum(numpy.asarray(ratios))  # (1 + n_resamples, n_metrics, 4)
        p, r = ratio(sums[..., 0], sums[..., 1]), ratio(sums[..., 2], sums[..., 3])
        p, r = numpy.nan_to_num(p), numpy.nan_to_num(r)
        f = numpy.nan_to_num(ratio(2 * p * r, p + r))
        for i, name in enumerate(COREFERENCE_METRICS):
            for key, values in (("p", p), ("r", r), ("f", f)):
                _add(scores, f"{prefix}_{name}_{key}", values[:, i])
        conll = [COREFERENCE_METRICS.index(name) for name in ("muc", "b3", "ceafe")]
        _add(scores, f"{prefix}_conll_f", f[:, conll].mean(axis=1))


def add_link_intervals(
    scores: Dict[str, Any], examples: Sequence[Example], draws: Bootstrap, **options: Any
) -> None:
    """Add the intervals of links; see :func:`add_relation_intervals`.

    Args:
        scores: scores by name.
        examples: predicted and reference documents.
        draws: the resampled documents.
        options: those of :func:`.score_links`.
    """
    if scores.get("links_f") is None:
        return
    by_document = [_link_scores(count_links(eg, **options)) for eg in examples]
    found = _by_label(by_document, draws)
    for name in ("links", "links_nil"):
        for key, values in _columns(found.get(name)).items():
            _add(scores, f"{name}_{key}", values)
    _add(scores, "links_accuracy", _columns(found.get("accuracy")).get("r"))
    scores["links_recall_at_interval"] = {
        n: _interval(recall, _columns(found.get(n)).get("r"))
        for n, recall in scores["links_recall_at"].items()
    }


def _link_scores(counts: LinkCounts) -> LabelScores:
    """Counts of links as those of labels are; a share is a recall."""
    shares = {"accuracy": counts.right, **dict(zip(map(str, RECALL_AT), counts.hits))}
    return LabelScores(
        {
            "links": counts.ends,
            "links_nil": counts.nil,
            **{name: PRF(n, 0, counts.found - n) for name, n in shares.items()},
        }
    )


def _add_overview(
    scores: Dict[str, Any],
    form: str,
    by_document: Sequence[LabelScores],
    draws: Bootstrap,
    empty: float,
    micro: str = "micro_",
) -> None:
    """Add the intervals of micro and macro scores, whose names `form` makes."""
    sums = draws.sum(stack_counts(by_document)[1])
    metrics = relation_metrics(sums)
    metrics[sums.sum(axis=(1, 2)) == 0] = empty
    for metric, values in zip(METRICS, metrics.T):
        _add(scores, form.format(metric.replace("micro_", micro)), values)


def _add_by_label(
    scores: Dict[str, Any], name: str, by_document: Sequence[LabelScores], draws: Bootstrap
) -> None:
    """Add the intervals of a dict of scores of labels."""
    found = _by_label(by_document, draws)
    scores[f"{name}_interval"] = {
        label: {
            key: _interval(each[key], _columns(found.get(label)).get(key))
            for key in "prf"
            if key in each
        }
        for label, each in scores[name].items()
    }


def _by_label(by_document: Sequence[LabelScores], draws: Bootstrap) -> Dict[str, Floats]:
    """Precision, recall and F1 of each label, nan where it does not occur."""
    labels, counts = stack_counts(by_document)
    sums = draws.sum(counts)
    values = prf(sums)  # (1 + n_resamples, n_labels, 3)
    values[sums.sum(axis=2) == 0] = numpy.nan
    return dict(zip(labels, numpy.moveaxis(values, 1, 0)))


def _columns(values: Optional[Floats]) -> Mapping[str, Floats]:
    return {} if values is None else dict(zip("prf", values.T))


def _add(scores: Dict[str, Any], name: str, values: Optional[Floats]) -> None:
    if scores.get(name) is not None:
        interval = _interval(scores[name], values)
        if interval is not None:
            scores[f"{name}_interval"] = interval


def _interval(score: float, values: Optional[Floats]) -> Optional[Dict[str, Any]]:
    """The interval of a score; None if the score is of something else."""
    if values is None or not math.isclose(score, values[0], abs_tol=1e-9):
        return None
    return estimate(values).to_dict()
