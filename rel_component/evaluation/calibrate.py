"""Calibration of a pipeline on annotated documents, and what it changes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy
from spacy.language import Language
from spacy.tokens import Doc

from ..converters.builder import AlignmentMode
from ..converters.convert import AUTO
from ..converters.documents import read_references
from ..converters.report import Report
from ..decoding import ThresholdDecoder
from ..errors import ConfigError, DataError
from ..pipelines import (
    PipelineSource,
    load_pipeline,
    mentions_are_given,
    mentions_key,
    source_name,
)
from ..probabilities import Temperature
from ..types import Relation
from .calibration_run import (
    Part,
    Plan,
    Run,
    Trust,
    calibrated_extractor,
    coverage_of,
    cross_coverage,
    cross_plans,
    factors_of,
    make_plan,
    probabilities_of_labels,
    run_pipeline,
    sets_of,
)
from .conformal import Coverage, LabelSets, with_none
from .evaluate import Progress
from .precision import PrecisionThresholds, fold_numbers
from .threshold_choice import record_decoding, store_thresholds

CALIBRATION_KEY = "rel_calibration"
"""Key in ``nlp.meta["performance"]``."""

_N_FOLDS = 5


@dataclass(frozen=True)
class CalibrationReport:
    """What calibration has found and changed.

    Attributes:
        temperature: of the calibrated pipeline.
        thresholds: those of its decoder, and of the one before: ``before`` and ``after``, each with
            ``threshold`` and ``thresholds``.
        n_docs: number of documents to calibrate on.
        n_relations: relations annotated there.
        n_changed: relations of these documents that only one of the two pipelines reports.
        measured_on: the documents that `before` and `after` are of; empty: those to calibrate on, by
            cross-validation.
        before: how far scores could be trusted.
        after: how far they can be.
        precision: thresholds for a wished precision, if there is a wish.
        sets: sets of labels.
        coverage: what they hold.
    """

    temperature: Temperature
    thresholds: Dict[str, Dict[str, Any]]
    n_docs: int
    n_relations: int
    n_changed: int
    measured_on: str
    before: Trust
    after: Trust
    precision: Optional[PrecisionThresholds]
    sets: LabelSets
    coverage: Coverage

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "temperature": self.temperature.to_dict(),
            "thresholds": self.thresholds,
            "n_docs": self.n_docs,
            "n_relations": self.n_relations,
            "n_changed": self.n_changed,
            "measured_on": self.measured_on,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "precision": self.precision and self.precision.to_dict(),
            "sets": self.sets.to_dict(),
            "coverage": self.coverage.to_dict(),
        }


def calibrate(
    nlp: PipelineSource,
    data_path: Union[str, Path],
    *,
    test_path: Union[str, Path, None] = None,
    per_label: bool = False,
    precision: Optional[float] = None,
    coverage: float = 0.9,
    gold_entities: bool = False,
    limit: int = 0,
    format_name: str = AUTO,
    alignment: AlignmentMode = "strict",
    report: Optional[Report] = None,
    progress: Progress = iter,
) -> Tuple[Language, CalibrationReport]:
    """Calibrate the scores of a pipeline on annotated documents that it was not trained on.

    The relation extractor is given a temperature, see :func:`.fit_temperature`, and the thresholds with
    which it reports the same relations as before, or those for a wished precision. Documents pass the
    pipeline end to end, so that scores count the mistakes of what finds the mentions too.

    Args:
        nlp: the pipeline; one that is loaded is changed.
        data_path: annotated documents, see :func:`.evaluate`.
        test_path: other ones to measure on; None: the same, by cross-validation over documents.
        per_label: whether labels have temperatures of their own.
        precision: the wished precision of the reported relations, in (0, 1); None: thresholds that
            report what was reported before.
        coverage: of the sets of labels, see :class:`.LabelSets`.
        gold_entities: whether the pipeline is given the annotated mentions; one that cannot find any
            always is.
        limit: the most documents of each file; 0: all.
        format_name: format of the documents.
        alignment: see :func:`.evaluate`.
        report: takes note of what cannot be used in documents of other formats.
        progress: passes documents on as they are predicted.

    Returns:
        The calibrated pipeline, and the report.

    Raises:
        ConfigError: if there is no such pipeline, if it has no trained relation extractor whose decoder
            has thresholds, or if an option is out of range.
        DataError: if the documents cannot be read, if there are fewer than two, or if no candidate pair
            of them has a relation.
    """
    nlp = load_pipeline(nlp)
    extractor = calibrated_extractor(nlp)
    spans_key = mentions_key(nlp)
    given = gold_entities or mentions_are_given(nlp, spans_key)

    def read(path: Union[str, Path]) -> Run:
        references = read_references(
            path,
            nlp,
            report or Report(),
            spans_key=spans_key,
            format_name=format_name,
            alignment=alignment,
            limit=limit,
        )
        return run_pipeline(nlp, extractor, references, given, progress)

    run = read(data_path)
    if len(run.examples) < 2 or not run.pairs.annotated.any():
        raise DataError(
            "no candidate pair of these documents has a relation, or they are fewer than two: "
            "calibration needs at least some dozens of relations",
            place=str(data_path),
        )
    old = Plan(extractor.decoder, extractor.temperature or Temperature())
    new = make_plan(run, run.pairs, old, per_label=per_label, precision=precision)
    sets = sets_of(run.pairs, new.plan, coverage)
    if test_path is None:
        before, after, held = _cross_validate(run, old, per_label, precision, coverage)
    else:
        test = read(test_path)
        everything = numpy.ones(len(test.examples), dtype="bool")
        before, after = (test.trust([Part(plan, everything)]) for plan in (old, new.plan))
        held = coverage_of(test.pairs, new.plan, sets)
    told = CalibrationReport(
        new.plan.temperature,
        {"before": _described(old.decoder), "after": _described(new.plan.decoder)},
        len(run.examples),
        run.n_annotated,
        len(run.keys(old) ^ run.keys(new.plan)),
        "" if test_path is None else str(test_path),
        before,
        after,
        new.precision,
        sets,
        held,
    )
    _apply(nlp, extractor, new.plan, told)
    return nlp, told


def _cross_validate(
    run: Run, old: Plan, per_label: bool, precision: Optional[float], coverage: float
) -> Tuple[Trust, Trust, Coverage]:
    """How far scores can be trusted before and after, and what sets hold, on documents left out."""
    folds = fold_numbers(len(run.examples), min(_N_FOLDS, len(run.examples)))
    parts = cross_plans(run, folds, old, per_label, precision)
    held = cross_coverage(run, parts, coverage)
    return run.trust([Part(old, folds >= 0)]), run.trust(parts), held


def saved_label_sets(nlp: Language, name: str) -> Optional[LabelSets]:
    """The sets of labels that a pipeline was calibrated with.

    Args:
        nlp: the pipeline.
        name: name of the relation extractor.

    Raises:
        ConfigError: if meta.json has something else in their place.
    """
    told = (nlp.meta.get("performance") or {}).get(CALIBRATION_KEY, {}).get(name)
    if told is None:
        return None
    try:
        return LabelSets(**told["sets"])
    except (KeyError, TypeError) as err:
        raise ConfigError(
            f"meta.json: performance.{CALIBRATION_KEY}.{name} has no sets of labels: {err}; "
            "calibrate the pipeline again"
        ) from err


def label_sets(
    nlp: Language, docs: Sequence[Doc], sets: Optional[LabelSets] = None
) -> List[List[Tuple[Relation, Tuple[str, ...]]]]:
    """The set of labels of each candidate pair of documents.

    Args:
        nlp: a calibrated pipeline.
        docs: texts as the tokenizer makes them, or with mentions if the pipeline finds none.
        sets: limits; None: those that the pipeline was calibrated with.

    Returns:
        for each document its pairs, each a relation with the most probable label and its score (without
        any threshold), and the labels of its set, the most probable one first; NO_RELATION among them.

    Raises:
        ConfigError: if the pipeline cannot be calibrated, or is not and no limits are given.
    """
    extractor = calibrated_extractor(nlp)
    sets = sets or saved_label_sets(nlp, extractor.name)
    if sets is None:
        raise ConfigError(
            f"{source_name(nlp)} is not calibrated: use spacy rel calibrate, or pass sets"
        )
    with record_decoding(nlp, {extractor.name: extractor}) as records:
        found = list(nlp.pipe(docs))
    by_doc: Dict[int, List[Tuple[Relation, Tuple[str, ...]]]] = {id(doc): [] for doc in found}
    decoder = extractor.decoder
    for batch in records[extractor.name].batches:
        values = probabilities_of_labels(batch) * factors_of(batch, decoder)
        full = with_none(values, exclusive=batch.exclusive)
        members = sets.of_pairs(full, extractor.labels)
        candidates, spans = batch.candidates, batch.candidates.mentions.spans
        for i, (row, labels) in enumerate(zip(candidates.pair_docs, members)):
            doc = batch.docs[row]
            head, tail = (
                doc[slice(*map(int, spans[candidates.representatives[entity]]))]
                for entity in candidates.pairs[i]
            )
            best = int(values[i].argmax())
            relation = Relation(head, extractor.labels[best], tail, float(values[i, best]))
            by_doc[id(doc)].append((relation, labels))
    return [by_doc[id(doc)] for doc in found]


def _described(decoder: ThresholdDecoder) -> Dict[str, Any]:
    return {"threshold": decoder.threshold, "thresholds": decoder.label_thresholds}


def _apply(nlp: Language, extractor: Any, plan: Plan, told: CalibrationReport) -> None:
    """Put temperature, thresholds and what is known of them into the pipeline."""
    extractor.temperature, extractor.decoder = plan.temperature, plan.decoder
    store_thresholds(nlp.get_pipe_config(extractor.name)["decoder"], plan.decoder)
    data = told.to_dict()
    for part in ("before", "after"):
        data[part] = {
            name: data[part][name]["ece"]["value"] for name in ("relations", "possible", "pairs")
        }
    performance = nlp.meta.setdefault("performance", {})
    performance.setdefault(CALIBRATION_KEY, {})[extractor.name] = data
