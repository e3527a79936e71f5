"""Several pipelines on the same annotated documents: scores with confidence intervals, time and cost."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

from spacy.tokens import Doc

from ..errors import ConfigError
from ..llm.types import REPORT_KEY
from ..pipelines import PipelineSource, find_extractor, load_pipeline, source_names
from .counts import stack_counts
from .evaluate import Progress, predict
from .intervals import METRICS, Bootstrap, Estimate, Floats, estimate, relation_metrics
from .scoring import count_relations


@dataclass(frozen=True)
class SystemResult:
    """The results of one pipeline.

    Attributes:
        name: name of the pipeline.
        scores: strict scores of the relations, by the names in :data:`METRICS`; empty if none of the
            documents was answered by a language model that was asked about all of it.
        difference: difference between its micro F1 and that of the first pipeline, over the same
            resampled documents; None for the first one, and where one of the two has no scores.
        n_docs: number of documents.
        seconds: seconds for 1,000 documents, measured over all of them, loading left out.
        cost: cost of 1,000 documents, in the currency of the price table; None: no prices, or no
            language model.
        input_tokens: tokens read for a document, on average; None: no language model.
        output_tokens: tokens written for a document, on average; None: no language model.
        valid: share of the answers whose form was right, see :class:`.Extraction`; None: no
            language model.
        failed: number of documents without or with incomplete answers.
        failures: number of questions without an answer, by reason.
        cache_hits: answers that came from a cache: they cost nothing and next to no time.
        dropped: number of statements of answers that were dropped, by reason.
        asked: number of documents and pairs that a language model was asked about, and of those that it
            was not, where it is only asked what a relation extractor is unsure of; None elsewhere.
    """

    name: str
    scores: Dict[str, Estimate]
    difference: Optional[Estimate]
    n_docs: int
    seconds: float
    cost: Optional[float] = None
    input_tokens: Optional[float] = None
    output_tokens: Optional[float] = None
    valid: Optional[float] = None
    failed: int = 0
    failures: Optional[Dict[str, int]] = None
    cache_hits: int = 0
    dropped: Optional[Dict[str, int]] = None
    asked: Optional[Dict[str, int]] = None

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            **asdict(self),
            "scores": {metric: score.to_dict() for metric, score in self.scores.items()},
            "difference": None if self.difference is None else self.difference.to_dict(),
        }


def compare(
    pipelines: Sequence[PipelineSource],
    data_path: Union[str, Path],
    *,
    names: Optional[Sequence[str]] = None,
    gold_entities: bool = False,
    gold_tokens: bool = True,
    n_resamples: int = 1000,
    seed: int = 0,
    limit: int = 0,
    progress: Progress = iter,
) -> List[SystemResult]:
    """Compare pipelines, trained and prompted ones, on the same annotated documents.

    The direction of a label does not count if its type is symmetric in the schema of one of them.

    Args:
        pipelines: pipelines, their names or paths, or paths of configs of those that need no training.
        data_path: a ``.spacy`` file or a folder of them, or annotated documents of another format.
        names: a name for each pipeline; None: the names of their folders or configs.
        gold_entities: whether they are given the annotated mentions; components that find mentions
            are then left out.
        gold_tokens: whether they are given the annotated tokens.
        n_resamples: draws of the bootstrap.
        seed: seed of the bootstrap.
        limit: the most documents; 0: all.
        progress: passes the documents of each pipeline on as they come out, and shows how many there
            have been.

    Returns:
        The results, in the order of the pipelines.

    Raises:
        ConfigError: if there is no such pipeline, it extracts no relations, or names are missing.
        DataError: if the documents cannot be read, or there are none.
    """
    names = source_names(pipelines) if names is None else names
    if len(names) != len(pipelines):
        raise ConfigError(f"{len(names)} names for {len(pipelines)} pipelines: {', '.join(names)}")
    systems = []
    for name, source in zip(names, pipelines):
        nlp = load_pipeline(source)
        extractor = find_extractor(nlp)
        if extractor is None:
            raise ConfigError(f"{name} has no component that extracts relations: {nlp.pipe_names}")
        systems.append((name, nlp, extractor))
    # one scale for all: the direction of a label counts if it does for all pipelines that know it
    symmetric = {label for *_, extractor in systems for label in extractor.schema.symmetric_labels}
    results: List[SystemResult] = []
    first: Optional[Floats] = None
    for name, nlp, extractor in systems:
        examples, seconds = predict(
            nlp,
            data_path,
            gold_entities=gold_entities,
            gold_tokens=gold_tokens,
            limit=limit,
            progress=progress,
        )
        options: Dict[str, Any] = {"symmetric": symmetric, "attr": extractor.attr}
        _, counts = stack_counts([count_relations(eg, **options)["rel"] for eg in examples])
        metrics = relation_metrics(Bootstrap(len(examples), n_resamples, seed).sum(counts))
        micro_f = metrics[:, METRICS.index("micro_f")]
        bill = _bill([eg.predicted for eg in examples])
        is_scored = bill.get("failed", 0) < len(examples) or bill.get("asked") is not None
        results.append(
            SystemResult(
                name,
                {metric: estimate(metrics[:, i]) for i, metric in enumerate(METRICS) if is_scored},
                estimate(micro_f - first) if is_scored and first is not None else None,
                n_docs=len(examples),
                seconds=1000 * seconds / len(examples),
                **bill,
            )
        )
        if is_scored and len(results) == 1:
            first = micro_f
    return results


def _bill(docs: Sequence[Doc]) -> Dict[str, Any]:
    reports = [doc.user_data[REPORT_KEY] for doc in docs if REPORT_KEY in doc.user_data]
    if not reports:
        return {}
    usages = [report["usage"] for report in reports]
    costs = [usage["cost"] for usage in usages if usage["cost"] is not None]
    n_questions = sum(report["questions"] for report in reports)
    dropped: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for report in reports:
        dropped.update(report["dropped"])
        asked.update(report.get("asked", {}))
    return {
        "cost": 1000 * sum(costs) / len(docs) if costs else None,
        "input_tokens": sum(usage["input_tokens"] for usage in usages) / len(docs),
        "output_tokens": sum(usage["output_tokens"] for usage in usages) / len(docs),
        "valid": sum(report["valid"] for report in reports) / max(n_questions, 1),
        "failed": sum(bool(report["failures"]) for report in reports),
        "failures": dict(Counter(reason for report in reports for reason in report["failures"])),
        "cache_hits": sum(usage["cache_hits"] for usage in usages),
        "dropped": dict(dropped),
        "asked": dict(asked) or None,
    }
