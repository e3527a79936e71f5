"""Evaluation of a pipeline on annotated documents."""

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from ..converters.builder import AlignmentMode
from ..converters.convert import AUTO
from ..converters.documents import read_references
from ..converters.report import Report
from ..corpora.corpus import make_examples
from ..decoding import ThresholdDecoder
from ..errors import ConfigError, LLMError
from ..llm.types import REPORT_KEY
from ..mentions import read_clusters
from ..pipelines import (
    PipelineSource,
    cluster_finders,
    entity_finders,
    event_types,
    find_extractor,
    finds_relations,
    finds_sentences,
    load_pipeline,
    mentions_are_given,
    mentions_key,
    relation_attr,
    require_relations,
)
from .document_scores import score_documents
from .intervals import Bootstrap
from .links import score_links
from .mistakes import Mistakes, find_mistakes
from .score_intervals import (
    add_coreference_intervals,
    add_event_intervals,
    add_link_intervals,
    add_mention_intervals,
    add_relation_intervals,
)
from .scoring import score_span_group
from .threshold_choice import DecodingRecord, choice_of, with_lowest_threshold
from .thresholds import ScoredRelations

Progress = Callable[[Iterable[Doc]], Iterable[Doc]]
"""A function that passes documents on, and shows how many there have been."""


class Evaluation(NamedTuple):
    """Scores of a pipeline, and the mistakes behind them.

    Attributes:
        scores: scores by name, as those of ``nlp.evaluate``, with ``n_docs``, ``given_mentions``,
            and the counts of ``mistakes`` by reason. The 95 % interval of a score is beside it, as
            ``rel_micro_f_interval`` with ``value``, ``low`` and ``high``, and those of scores in a dict
            in one of the same form. Where the pipeline finds the mentions itself, ``mentions_p`` and
            so on compare them with the span group, and ``gold_entities`` has the scores of
            relations between the annotated mentions. Where documents have clusters, ``document`` has
            the scores of :func:`.score_documents`; where the pipeline finds clusters, those with the
            annotated ones are ``document`` of ``gold_entities``, and ``coref_conll_f`` and so on are
            those of :func:`.score_clusters`, also of the annotated mentions, as
            ``given_mentions_coref``. Where it links mentions to a knowledge base, ``links_f`` and so on
            are those of :func:`.score_links`. Where a decoder with a threshold decides, ``threshold``
            has its value, None if it leaves the decision to NO_RELATION, and ``thresholds`` the strict
            scores at others, each with ``threshold``, ``p``, ``r`` and
            ``f``; ``label_thresholds`` has those of single labels, and ``threshold_choice`` says
            how they were chosen in training, None if they were not; see
            :func:`.configure_choose_thresholds`.
        mistakes: every missed and every spurious relation, with the documents that were compared.
    """

    scores: Dict[str, Any]
    mistakes: Mistakes


def evaluate(
    nlp: PipelineSource,
    data_path: Union[str, Path],
    *,
    gold_entities: bool = False,
    gold_tokens: bool = True,
    limit: int = 0,
    n_resamples: int = 1000,
    format_name: str = AUTO,
    alignment: AlignmentMode = "strict",
    report: Optional[Report] = None,
    progress: Progress = iter,
) -> Evaluation:
    """Evaluate a pipeline on annotated documents.

    Where the pipeline finds mentions or clusters itself, the documents pass it end to end, and with the
    annotated ones in place of its own; where a decoder with a threshold decides, it decodes once
    more with the lowest one.

    Args:
        nlp: a pipeline, its name or path, or the path of a config of one that needs no training.
        data_path: a ``.spacy`` file or a folder of them, or annotated documents of another format.
        gold_entities: whether the pipeline is only given the annotated mentions; components that
            find mentions are then left out. One that has no such component is always given them.
        gold_tokens: whether it is given the annotated tokens.
        limit: the most documents; 0: all.
        n_resamples: draws of the bootstrap over documents for the intervals; 0: no intervals.
        format_name: format of the documents; see :func:`rel_component.convert`.
        alignment: what to do with mentions that do not begin and end with a token, if they have
            no tokens yet; see :func:`rel_component.convert`.
        report: takes note of what cannot be used in documents of other formats; None: the first
            problem is an error.
        progress: passes the documents on as the pipeline predicts them, and shows how many there have
            been.

    Raises:
        ConfigError: if there is no such pipeline, or it finds no relations, clusters or links; or if
            `n_resamples` is negative.
        DataError: if the documents cannot be read, or there are none.
        LLMError: if a language model has answered about none of the documents.
    """
    nlp = load_pipeline(nlp)
    if n_resamples < 0:
        raise ConfigError(f"resamples must be 0 or more, got {n_resamples}")
    if not (_finds_coreference(nlp) or _writes_links(nlp)):
        require_relations(nlp)
    spans_key = mentions_key(nlp)
    references = read_references(
        data_path,
        nlp,
        report or Report(),
        spans_key=spans_key,
        format_name=format_name,
        alignment=alignment,
        limit=limit,
    )
    run = _Run(nlp, references, spans_key, gold_tokens, n_resamples, progress)
    finders = entity_finders(nlp, spans_key)
    gold_entities = (
        gold_entities or mentions_are_given(nlp, spans_key) or not (finders or finds_relations(nlp))
    )
    finds_clusters = run.clustered and not set(cluster_finders(nlp)) <= set(finders)
    with _recorded(find_extractor(nlp)) as record:
        predicted, scores = run.score(gold_entities, clusters=not finds_clusters)
    mistakes = find_mistakes(
        predicted, spans_key=spans_key, event_types=event_types(run.nlp), **run.comparison
    )
    scores["given_mentions"] = gold_entities
    scores["mistakes"] = mistakes.to_dict()
    finds_mentions = bool(finders) and not gold_entities
    if finds_mentions:
        # also where another component finds them, whose scorer knows nothing of them
        scores.update(score_span_group(predicted, spans_key))
        if finds_clusters:
            _, given = run.score(True, clusters=False)
            scores["given_mentions_coref"] = {k: v for k, v in given.items() if _is_coref(k)}
    add_mention_intervals(scores, predicted, run.draws, spans_key=spans_key)
    if finds_relations(nlp):
        if finds_mentions or finds_clusters:
            _, given = run.score(True, clusters=True)
            kinds = ("rel_", "document")
            scores["gold_entities"] = {k: v for k, v in given.items() if k.startswith(kinds)}
        if record is not None:
            decoder: Any = record.decoder
            lowest = with_lowest_threshold(decoder)
            mistakes.scored = record.score(lowest, predicted, **run.comparison)
            scores.update(_score_thresholds(mistakes.scored, record, run))
    return Evaluation(scores, mistakes)


@dataclass(frozen=True)
class _Run:
    """A pipeline and the documents that it is evaluated on.

    Attributes:
        nlp: the pipeline.
        references: the annotated documents.
        spans_key: span group of the mentions; None: the entities.
        gold_tokens: whether the pipeline is given the annotated tokens.
        n_resamples: draws of the bootstrap; 0: no intervals.
        progress: see :func:`evaluate`.
    """

    nlp: Language
    references: Sequence[Doc]
    spans_key: Optional[str]
    gold_tokens: bool
    n_resamples: int
    progress: Progress

    @cached_property
    def draws(self) -> Bootstrap:
        """Resampled documents, the same for all scores."""
        return Bootstrap(len(self.references), self.n_resamples, seed=0)

    @cached_property
    def clustered(self) -> bool:
        """Whether some document has clusters."""
        return any(map(read_clusters, self.references))

    @property
    def comparison(self) -> Dict[str, Any]:
        """Options of all functions that compare relations."""
        extractor = find_extractor(self.nlp)
        symmetric = () if extractor is None else extractor.schema.symmetric_labels
        return {"symmetric": symmetric, "attr": relation_attr(self.nlp)}

    def score(self, gold_entities: bool, *, clusters: bool) -> Tuple[List[Example], Dict[str, Any]]:
        """Predict and score all documents; see :func:`predict_docs` for the arguments."""
        nlp = self.nlp
        predicted, seconds = predict_docs(
            nlp,
            self.references,
            gold_entities=gold_entities,
            gold_tokens=self.gold_tokens,
            gold_clusters=clusters,
            progress=self.progress,
        )
        _check_answers([eg.predicted for eg in predicted])
        given = entity_finders(nlp, self.spans_key) if gold_entities else []
        with nlp.select_pipes(disable=given):
            scores = Scorer(nlp).score(predicted)
        if self.clustered:
            scores["document"] = score_documents(
                predicted, spans_key=self.spans_key, **self.comparison
            )
        if "links_f" not in scores and _writes_links(nlp):
            scores.update(score_links(predicted))
        self._add_intervals(scores, predicted)
        n_words = sum(len(eg.predicted) for eg in predicted)
        return predicted, {
            **scores,
            "speed": n_words / max(seconds, 1e-9),
            "n_docs": len(predicted),
        }

    def _add_intervals(self, scores: Dict[str, Any], predicted: Sequence[Example]) -> None:
        add_relation_intervals(
            scores, predicted, self.draws, spans_key=self.spans_key, **self.comparison
        )
        add_event_intervals(scores, predicted, self.draws, schema=event_types(self.nlp))
        add_coreference_intervals(scores, predicted, self.draws)
        options = (getattr(pipe, "score_options", None) for _, pipe in self.nlp.pipeline)
        add_link_intervals(scores, predicted, self.draws, **(next(filter(None, options), {})))


def _score_thresholds(found: ScoredRelations, record: DecodingRecord, run: _Run) -> Dict[str, Any]:
    """The thresholds in use, and the scores at others."""
    decoder: Any = record.decoder
    name = getattr(find_extractor(run.nlp), "name", "")
    return {
        "threshold_choice": choice_of(run.nlp, name, decoder),
        "threshold": decoder.threshold,
        "label_thresholds": decoder.label_thresholds,
        "thresholds": found.by_threshold(),
    }


def _finds_coreference(nlp: Language) -> bool:
    """Whether a component finds clusters, and says by its scores that it does."""
    weights = (nlp.get_pipe_meta(name).default_score_weights for name in cluster_finders(nlp))
    return any(_is_coref(score) for scores in weights for score in scores or ())


def _is_coref(score: str) -> bool:
    return score.startswith("coref_")


@contextmanager
def _recorded(extractor: Any) -> Iterator[Optional[DecodingRecord]]:
    """Record what a component decodes, if its decoder has a threshold."""
    decoder = getattr(extractor, "decoder", None)
    if not isinstance(decoder, ThresholdDecoder):
        yield None
        return
    extractor.decoder = record = DecodingRecord(decoder)
    try:
        yield record
    finally:
        extractor.decoder = decoder


def predict(
    nlp: Language,
    data_path: Union[str, Path],
    *,
    gold_entities: bool,
    gold_tokens: bool,
    limit: int,
    progress: Progress,
) -> Tuple[List[Example], float]:
    """Run a pipeline on annotated documents; see :func:`evaluate` for the arguments.

    Returns:
        The documents with what the pipeline predicts, and as annotated; and the seconds that it took.

    Raises:
        DataError: if the documents cannot be read, or there are none.
    """
    spans_key = mentions_key(nlp)
    references = read_references(data_path, nlp, Report(), spans_key=spans_key, limit=limit)
    return predict_docs(
        nlp, references, gold_entities=gold_entities, gold_tokens=gold_tokens, progress=progress
    )


def predict_docs(
    nlp: Language,
    references: Sequence[Doc],
    *,
    gold_entities: bool,
    gold_tokens: bool,
    gold_clusters: bool = True,
    progress: Progress,
) -> Tuple[List[Example], float]:
    """Run a pipeline on annotated documents.

    Args:
        nlp: the pipeline.
        references: the annotated documents.
        gold_entities: whether the pipeline is given the annotated mentions, in place of finding them.
        gold_tokens: whether it is given the annotated tokens, in place of making them of the text.
        gold_clusters: whether, with `gold_entities`, documents that have clusters are given these too.
        progress: shows how many documents have been read.

    Returns:
        The documents with what the pipeline predicts, and as annotated; and the seconds that it took.
    """
    spans_key = mentions_key(nlp)
    left_out = set(entity_finders(nlp, spans_key) if gold_entities else ())
    if gold_entities and gold_clusters and any(map(read_clusters, references)):
        left_out.update(cluster_finders(nlp))
    with nlp.select_pipes(disable=sorted(left_out)):
        examples = list(
            make_examples(
                nlp,
                references,
                gold_entities=gold_entities,
                gold_tokens=gold_tokens,
                spans_key=spans_key,
                gold_sentences=not finds_sentences(nlp),
                gold_clusters=gold_entities and gold_clusters,
            )
        )
        start = time.perf_counter()
        docs = list(progress(nlp.pipe([eg.predicted for eg in examples])))
        seconds = time.perf_counter() - start
    return [Example(doc, eg.reference) for doc, eg in zip(docs, examples)], seconds


def _writes_links(nlp: Language) -> bool:
    """Whether a component of a pipeline writes links to a knowledge base."""
    return any("token.ent_kb_id" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names)


def _check_answers(docs: Sequence[Doc]) -> None:
    """Refuse to score documents of which none has a whole answer of a language model.

    Those that have relations of an extractor in its place are scored.
    """
    reports = [doc.user_data.get(REPORT_KEY, {}) for doc in docs]
    failures = [report.get("failures") for report in reports]
    if all(failures) and not any("asked" in report for report in reports):
        ((reason, n_times),) = Counter(reason for told in failures for reason in told).most_common(
            1
        )
        raise LLMError(
            f"None of {len(docs)} documents has a whole answer: {reason} ({n_times} times)"
        )
