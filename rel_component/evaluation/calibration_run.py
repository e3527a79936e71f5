"""Annotated documents that passed a pipeline, decoded under temperatures and thresholds."""

from dataclasses import dataclass, replace
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy
import numpy.typing as npt
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import get_relations
from ..candidates import Candidates
from ..decoding import ThresholdDecoder
from ..documents import RelationKey, relation_keys
from ..errors import ConfigError
from ..label_numbers import for_config
from ..mentions import typed_key
from ..pipelines import find_extractor, source_name
from ..probabilities import Temperature, to_probabilities
from ..targets import make_targets
from ..types import FloatArray, Relation
from .calibration import Calibration, measure_calibration
from .conformal import Coverage, LabelSets, fit_label_sets, measure_coverage, with_none
from .counts import PRF
from .evaluate import Progress, predict_docs
from .intervals import ratio
from .precision import PrecisionThresholds, thresholds_for_precision
from .temperature import LabelledPairs, fit_temperature, log_odds_of, map_thresholds
from .threshold_choice import (
    DecodedBatch,
    DecodingRecord,
    record_decoding,
    with_lowest_threshold,
)
from .thresholds import ScoredRelations


class Trust(NamedTuple):
    """How far the scores of a pipeline can be trusted.

    Attributes:
        relations: calibration of the scores of the reported relations.
        possible: the same down to a score of 0.05, whatever the thresholds are.
        pairs: calibration of the most probable label of each candidate pair, NO_RELATION included.
        prf: of the reported relations, strict.
    """

    relations: Calibration
    possible: Calibration
    pairs: Calibration
    prf: PRF

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        parts = ("relations", "possible", "pairs", "prf")
        return {name: getattr(self, name).to_dict() for name in parts}


class Plan(NamedTuple):
    """A decoder, and the temperature of the probabilities that it is given."""

    decoder: ThresholdDecoder
    temperature: Temperature


class Part(NamedTuple):
    """A plan, and the documents that it is for. *Shape:* ``(n_docs,)``."""

    plan: Plan
    docs: npt.NDArray[Any]


class Fitted(NamedTuple):
    """A plan made for documents, and the thresholds for a wished precision if there was a wish."""

    plan: Plan
    precision: Optional[PrecisionThresholds]


@dataclass(frozen=True)
class Run:
    """Annotated documents that passed a pipeline without temperature.

    Attributes:
        record: what the relation extractor gave to its decoder.
        examples: the documents.
        pairs: their candidate pairs.
        attr: name of the extension attribute of relations.
        symmetric: labels whose direction does not count.
    """

    record: DecodingRecord
    examples: List[Example]
    pairs: LabelledPairs
    attr: str
    symmetric: Tuple[str, ...]

    @property
    def n_annotated(self) -> int:
        """Number of annotated relations."""
        return sum(len(get_relations(eg.reference, self.attr)) for eg in self.examples)

    def decoded(self, plan: Plan) -> List[List[Relation]]:
        """The relations of each document under a plan."""
        found: Dict[int, List[Relation]] = {}
        for batch in self.record.batches:
            values = _with_temperature(batch, plan.temperature, self.pairs.labels)
            decoded = plan.decoder(batch.docs, batch.candidates, values, exclusive=batch.exclusive)
            found.update(zip(map(id, batch.docs), decoded))
        return [found.get(id(eg.predicted), []) for eg in self.examples]

    def scored(self, parts: Sequence[Part], *, lowest: bool = False) -> ScoredRelations:
        """The relations of documents, each under the plan of its part."""
        relations: List[List[Relation]] = [[] for _ in self.examples]
        for plan, docs in parts:
            decoder = with_lowest_threshold(plan.decoder) if lowest else plan.decoder
            decoded = self.decoded(plan._replace(decoder=decoder))
            for i in numpy.flatnonzero(docs):
                relations[i] = decoded[i]
        annotated = (get_relations(eg.reference, self.attr) for eg in self.examples)
        return ScoredRelations.collect(zip(annotated, relations), self.symmetric)

    def keys(self, plan: Plan) -> set[Tuple[int, RelationKey]]:
        """The relations under a plan, with the number of their document."""
        return {
            (i, key)
            for i, relations in enumerate(self.decoded(plan))
            for key in relation_keys(relations, self.symmetric)
        }

    def trust(self, parts: Sequence[Part]) -> Trust:
        """How far scores can be trusted, each document under the plan of its part."""
        reported, possible = self.scored(parts), self.scored(parts, lowest=True)
        prf = PRF(*reported.counts().sum(axis=(0, 1)).tolist())
        confidence = numpy.zeros(len(self.pairs.docs))
        right = numpy.zeros(len(self.pairs.docs), dtype="bool")
        for plan, docs in parts:
            rows = numpy.flatnonzero(docs[self.pairs.docs])
            pairs = self.pairs.select(rows)
            full = with_none(pairs.probabilities(plan.temperature), exclusive=pairs.exclusive)
            best = full.argmax(axis=1)
            confidence[rows] = full[numpy.arange(len(rows)), best]
            none = ~pairs.annotated.any(axis=1, keepdims=True)
            truth = numpy.concatenate([none, pairs.annotated], axis=1)
            right[rows] = truth[numpy.arange(len(rows)), best] > 0
        return Trust(
            measure_calibration(reported.scores, reported.right, reported.docs),
            measure_calibration(possible.scores, possible.right, possible.docs),
            measure_calibration(confidence, right, self.pairs.docs),
            prf,
        )


def calibrated_extractor(nlp: Language) -> Any:
    """The relation extractor of a pipeline that can be calibrated.

    Raises:
        ConfigError: if it has none.
    """
    extractor: Any = find_extractor(nlp)
    is_trainable = isinstance(extractor, TrainablePipe) and hasattr(extractor, "temperature")
    if not is_trainable or not isinstance(extractor.decoder, ThresholdDecoder):
        raise ConfigError(
            f"{source_name(nlp)} cannot be calibrated: it has no trained relation_extractor with the "
            f"decoder rel_component.decoder.v1, only {nlp.pipe_names}"
        )
    return extractor


def run_pipeline(
    nlp: Language, extractor: Any, references: Sequence[Doc], given: bool, progress: Progress
) -> Run:
    """Let documents pass the pipeline, with the probabilities of the temperature 1."""
    temperature = extractor.temperature
    try:
        extractor.temperature = None
        with record_decoding(nlp, {extractor.name: extractor}) as records:
            examples, _ = predict_docs(
                nlp, references, gold_entities=given, gold_tokens=True, progress=progress
            )
    finally:
        extractor.temperature = temperature
    record, symmetric = records[extractor.name], tuple(extractor.schema.symmetric_labels)
    pairs = _labelled_pairs(record, examples, extractor, symmetric)
    return Run(record, examples, pairs, extractor.attr, symmetric)


def _labelled_pairs(
    record: DecodingRecord, examples: Sequence[Example], extractor: Any, symmetric: Tuple[str, ...]
) -> LabelledPairs:
    number_of = {id(eg.predicted): i for i, eg in enumerate(examples)}
    n_labels = len(extractor.labels)
    empty = numpy.zeros((0, n_labels))
    parts: List[Tuple[Any, ...]] = [(empty, empty, empty, numpy.zeros(0, dtype="int32"))]
    for batch in record.batches:
        numbers = numpy.asarray([number_of[id(doc)] for doc in batch.docs], dtype="int32")
        here = [examples[i] for i in numbers]
        parts.append(
            (
                log_odds_of(batch.probabilities, exclusive=batch.exclusive),
                factors_of(batch, extractor.decoder),
                _annotated(batch.candidates, here, extractor.attr, symmetric),
                numbers[batch.candidates.pair_docs],
            )
        )
    log_odds, factors, annotated, docs = (numpy.concatenate(part) for part in zip(*parts))
    return LabelledPairs(extractor.labels, extractor.exclusive, log_odds, factors, annotated, docs)


def _annotated(
    candidates: Candidates, examples: Sequence[Example], attr: str, symmetric: Tuple[str, ...]
) -> FloatArray:
    """The labels of pairs of mentions of the right types. *Shape:* ``(n_pairs, n_labels)``."""
    values = make_targets(examples, candidates, attr).values
    if len(candidates.mentions) > candidates.n_entities:
        return values  # an entity stands for all of its mentions
    keys = [relation_keys(get_relations(eg.reference, attr), symmetric) for eg in examples]
    spans, types = candidates.mentions.spans, candidates.mentions.types
    pair_docs, labels = candidates.pair_docs, candidates.schema.labels
    for row, column in numpy.argwhere(values > 0):
        doc = examples[pair_docs[row]].predicted
        mentions = (candidates.representatives[entity] for entity in candidates.pairs[row])
        ends = [
            typed_key(doc.char_span(*_chars(doc, spans[m]), label=int(types[m]))) for m in mentions
        ]
        if labels[column] in symmetric:
            ends.sort()
        values[row, column] = (ends[0], labels[column], ends[1]) in keys[pair_docs[row]]
    return values


def _chars(doc: Doc, span: Any) -> Tuple[int, int]:
    tokens = doc[int(span[0]) : int(span[1])]
    return tokens.start_char, tokens.end_char


def factors_of(batch: DecodedBatch, decoder: ThresholdDecoder) -> npt.NDArray[Any]:
    """What the probabilities of labels are multiplied by. *Shape:* ``(n_pairs, n_labels)``."""
    candidates = batch.candidates
    if not candidates.n_pairs:
        return numpy.zeros((0, len(candidates.schema.labels)))
    table, head, tail = candidates.allowed_labels(batch.docs[0].vocab.strings)
    factors = table[head, tail].astype("float64")
    for more in decoder.factors(batch.docs, candidates):
        factors *= more
    return factors


def probabilities_of_labels(batch: DecodedBatch) -> npt.NDArray[Any]:
    """Probabilities without the column of NO_RELATION. *Shape:* ``(n_pairs, n_labels)``."""
    return batch.probabilities[:, 1:] if batch.exclusive else batch.probabilities


def _with_temperature(
    batch: DecodedBatch, temperature: Temperature, labels: Sequence[str]
) -> FloatArray:
    """Probabilities of the temperature 1 with another one. *Shape:* ``(n_pairs, n_outputs)``."""
    if temperature == Temperature():
        return batch.probabilities
    logits: Any = log_odds_of(batch.probabilities, exclusive=batch.exclusive).astype("float32")
    if batch.exclusive:
        logits = numpy.concatenate([numpy.zeros_like(logits[:, :1]), logits], axis=1)
    values: Any = to_probabilities(
        logits, exclusive=batch.exclusive, temperature=temperature, labels=labels
    )
    return values


def make_plan(
    run: Run,
    pairs: LabelledPairs,
    old: Plan,
    *,
    per_label: bool,
    precision: Optional[float],
    docs: Optional[npt.NDArray[Any]] = None,
) -> Fitted:
    """What calibration on some documents makes of a plan.

    Args:
        run: all documents, with what the pipeline makes of them.
        pairs: the pairs of the documents to learn from.
        old: the plan to begin with.
        per_label: whether each label has a temperature of its own.
        precision: the precision to choose thresholds for; None: they stay where they are.
        docs: which documents to learn from; None: all. *Shape:* ``(n_docs,)``
    """
    temperature = fit_temperature(pairs, per_label=per_label)
    decoder = map_thresholds(old.decoder, pairs, old.temperature, temperature)
    if precision is None:
        return Fitted(Plan(decoder, temperature), None)
    docs = numpy.ones(len(run.examples), dtype="bool") if docs is None else docs
    found = run.scored([Part(Plan(decoder, temperature), docs)], lowest=True)
    found = replace(found, annotated=found.annotated * docs[:, None])
    # a config takes "$" for the beginning of a reference
    labels = [label for label in pairs.labels if "$" not in label]
    chosen = thresholds_for_precision(found, precision, labels=labels)
    decoder = replace(decoder, threshold=chosen.common, thresholds=for_config(chosen.own))
    return Fitted(Plan(decoder, temperature), chosen)


def cross_plans(
    run: Run, folds: Any, old: Plan, per_label: bool, precision: Optional[float]
) -> List[Part]:
    """Plans that were made without the documents that they are for."""
    parts = []
    for fold in range(int(folds.max()) + 1):
        train = folds != fold
        pairs = run.pairs.select(train[run.pairs.docs])
        fitted = make_plan(run, pairs, old, per_label=per_label, precision=precision, docs=train)
        parts.append(Part(fitted.plan, ~train))
    return parts


def sets_of(pairs: LabelledPairs, plan: Plan, coverage: float) -> LabelSets:
    """Sets of labels whose limits are those of pairs."""
    values = with_none(pairs.probabilities(plan.temperature), exclusive=pairs.exclusive)
    return fit_label_sets(values, pairs.annotated, pairs.docs, coverage=coverage)


def coverage_of(pairs: LabelledPairs, plan: Plan, sets: LabelSets) -> Coverage:
    """What sets of labels hold of pairs."""
    values = with_none(pairs.probabilities(plan.temperature), exclusive=pairs.exclusive)
    return measure_coverage(sets, values, pairs.annotated, pairs.docs)


def cross_coverage(run: Run, parts: Sequence[Part], coverage: float) -> Coverage:
    """The means over folds, whose sets are made of the other ones."""
    found = []
    for plan, docs in parts:
        train, rest = (run.pairs.select(mask[run.pairs.docs]) for mask in (~docs, docs))
        found.append(coverage_of(rest, plan, sets_of(train, plan, coverage)))
    values = numpy.asarray([list(vars(each).values()) for each in found])
    return Coverage(
        *ratio(numpy.nansum(values, axis=0), (~numpy.isnan(values)).sum(axis=0)).tolist()
    )
