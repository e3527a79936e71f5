"""``rel_component.choose_thresholds.v1``: thresholds chosen on dev whenever a pipeline is saved."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
)

from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import logger

from ..annotations import get_relations
from ..candidates import Candidates
from ..decoding import Decoder, ThresholdDecoder
from ..errors import ConfigError, DataError
from ..label_numbers import for_config
from ..pipelines import RelationComponent
from ..types import FloatArray, Relation
from .intervals import METRICS, Bootstrap, Floats, relation_metrics
from .thresholds import THRESHOLDS, ScoredRelations, choose_thresholds

PERFORMANCE_KEY = "rel_thresholds"
"""Key in ``nlp.meta["performance"]``."""

_F1 = [METRICS.index("micro_f"), METRICS.index("macro_f")]
_N_RESAMPLES = 1000
_HIGH_F1 = 0.6  # where the usual decision is about as good as any threshold
_LEAST_GAIN, _LEAST_GAIN_OF_HIGH_F1 = -2.0, 1.0  # mean of micro and macro F1, in standard errors


def configure_choose_thresholds(
    corpus: Callable[..., Any],
    min_support: int = 30,
    least: float = THRESHOLDS[0],
) -> Callable[[Language], Language]:
    """A callback for ``[training.before_to_disk]`` (``rel_component.choose_thresholds.v1``).

    Whenever the pipeline is saved it predicts documents, chooses the thresholds of each relation
    extractor that is trained, and puts them into its decoder and its config. They remain in use while
    training goes on, so that training selects by scores like those of the saved pipeline; yet each
    choice starts from the decoder of the config. That one stays where the documents clearly speak
    against another, and if it has a micro F1 of 0.6 or more, unless they clearly speak for another.

    ``nlp.meta["performance"]["rel_thresholds"]`` says by component what was chosen, and micro and
    macro F1 on the documents with the decoder of the config and with the chosen thresholds.

    Args:
        corpus: reads annotated documents that are no training examples.
        min_support: the fewest annotated relations of a label that is given a threshold of its own;
            labels with ``$``, which configs cannot hold, have none.
        least: the least threshold, in [0, 1].

    Raises:
        ConfigError: if an option is out of range; when called, if the pipeline has no trainable
            relation extractor.
        DataError: when called, if there are no documents.
    """
    if not 0 <= least <= 1:
        raise ConfigError(f"choose_thresholds: least must lie in [0, 1], got {least}")
    if min_support < 1:
        raise ConfigError(f"choose_thresholds: min_support must be 1 or more, got {min_support}")
    return _ThresholdChoice(corpus, min_support, least)


@dataclass
class _ThresholdChoice:
    """The callback; `started` has the decoders of the config by component."""

    corpus: Callable[..., Any]
    min_support: int
    least: float
    started: Dict[str, ThresholdDecoder] = field(default_factory=dict)

    def __call__(self, nlp: Language) -> Language:
        extractors = _extractors(nlp)
        frozen = nlp.config["training"].get("frozen_components") or []
        trained = {name: pipe for name, pipe in extractors.items() if name not in frozen}
        if not trained:
            return nlp
        examples: List[Example] = list(self.corpus(nlp))
        if not examples:
            raise DataError("no documents to choose thresholds on; see [training.before_to_disk]")
        with record_decoding(nlp, trained) as records:
            for _ in nlp.pipe(eg.predicted for eg in examples):
                pass
        for name, record in records.items():
            self._choose(nlp, name, record, examples)
        return nlp

    def _choose(
        self, nlp: Language, name: str, record: "DecodingRecord", examples: Sequence[Example]
    ) -> None:
        extractor: Any = nlp.get_pipe(name)
        start = self.started.setdefault(name, extractor.decoder)

        def decoded(decoder: Decoder) -> ScoredRelations:
            symmetric = extractor.schema.symmetric_labels
            return record.score(decoder, examples, symmetric=symmetric, attr=extractor.attr)

        lowest = decoded(with_lowest_threshold(start))
        # a config takes "$" for the beginning of a reference
        labels = [label for label in extractor.labels if "$" not in label]
        common, own = choose_thresholds(
            lowest, labels=labels, min_support=self.min_support, least=self.least
        )
        # what is left out after decoding is not always what a label's own threshold leaves out, since
        # its relations then compete no more: what counts is told after really decoding
        own = {**start.label_thresholds, **own}
        decoder = replace(start, threshold=common, thresholds=for_config(own))
        before, after = _metrics(decoded(start)), _metrics(decoded(decoder))
        gain = (after - before)[:, _F1].mean(axis=1)
        is_high = before[:, _F1[0]].mean() >= _HIGH_F1
        if gain.mean() <= gain.std() * (_LEAST_GAIN_OF_HIGH_F1 if is_high else _LEAST_GAIN):
            decoder, after = start, before
        changes = decoder != extractor.decoder
        extractor.decoder = decoder
        store_thresholds(nlp.get_pipe_config(name)["decoder"], decoder)
        told = {
            "threshold": decoder.threshold,
            "thresholds": decoder.label_thresholds,
            "micro_f": {"before": float(before[0, _F1[0]]), "after": float(after[0, _F1[0]])},
            "macro_f": {"before": float(before[0, _F1[1]]), "after": float(after[0, _F1[1]])},
            "n_docs": len(examples),
            "n_relations": int(lowest.annotated.sum()),
        }
        nlp.meta.setdefault("performance", {}).setdefault(PERFORMANCE_KEY, {})[name] = told
        if changes:
            logger.info("%s: %s", name, describe_choice(told))


def _extractors(nlp: Language) -> Dict[str, Any]:
    """The trainable relation extractors whose decoders have thresholds, by name."""
    trainable: Dict[str, Any] = {
        name: pipe
        for name, pipe in nlp.pipeline
        if isinstance(pipe, RelationComponent) and isinstance(pipe, TrainablePipe)
    }
    if not trainable:
        raise ConfigError(
            "choose_thresholds: the pipeline has no relation_extractor that learns, only "
            f"{nlp.pipe_names}; set training.before_to_disk = null"
        )
    return {
        name: pipe
        for name, pipe in trainable.items()
        if isinstance(getattr(pipe, "decoder", None), ThresholdDecoder)
    }


def _metrics(found: ScoredRelations) -> Floats:
    """The metrics of the documents, and of resampled ones. *Shape:* ``(1 + n, n_metrics)``."""
    draws = Bootstrap(len(found.annotated), _N_RESAMPLES, seed=0)
    return relation_metrics(draws.sum(found.counts()))


def store_thresholds(options: Dict[str, Any], decoder: ThresholdDecoder) -> None:
    """Put thresholds into the block of a config.

    Args:
        options: the block of the decoder, which is changed.
        decoder: has the thresholds.
    """
    options["threshold"] = decoder.threshold
    options["thresholds"] = decoder.thresholds


def with_lowest_threshold(decoder: ThresholdDecoder) -> ThresholdDecoder:
    """A decoder that reports whatever is a little probable."""
    return replace(decoder, threshold=THRESHOLDS[0], thresholds=None)


def describe_thresholds(threshold: Optional[float], own: Dict[str, float]) -> str:
    """The thresholds of a decoder in words, e.g. ``0.3 (FOUNDED_BY 0.25)``.

    Args:
        threshold: that of all labels without one of their own.
        own: those of single labels.
    """
    common = "none, NO_RELATION decides" if threshold is None else f"{threshold:g}"
    single = ", ".join(f"{label} {value:g}" for label, value in own.items())
    return f"{common} ({single})" if single else common


def describe_choice(told: Dict[str, Any]) -> str:
    """What was chosen, as one sentence.

    Args:
        told: an entry of ``nlp.meta["performance"]["rel_thresholds"]``.
    """
    chosen = describe_thresholds(told["threshold"], told["thresholds"])
    micro, macro = (
        f"{name} F1 {100 * told[key]['before']:.1f} -> {100 * told[key]['after']:.1f}"
        for name, key in (("micro", "micro_f"), ("macro", "macro_f"))
    )
    lost = sum(told[key]["after"] - told[key]["before"] for key in ("micro_f", "macro_f")) < 0
    return (
        f"threshold {chosen}, chosen on {told['n_relations']} relations of {told['n_docs']} "
        f"documents: {micro}, {macro} there{', a loss that may be chance' if lost else ''}"
    )


def choice_of(nlp: Language, name: str, decoder: ThresholdDecoder) -> Optional[Dict[str, Any]]:
    """How the thresholds of a component were chosen, if they were and are still in use.

    Args:
        nlp: the pipeline.
        name: name of the component.
        decoder: its decoder.

    Returns:
        an entry of ``nlp.meta["performance"]["rel_thresholds"]``, or None.
    """
    told = (nlp.meta.get("performance") or {}).get(PERFORMANCE_KEY, {}).get(name)
    if told is None:
        return None
    now = {"threshold": decoder.threshold, **decoder.label_thresholds}
    chosen = {"threshold": told["threshold"], **told["thresholds"]}
    # a number of meta.json is not exactly that of config.cfg
    is_in_use = now.keys() == chosen.keys() and all(
        value == chosen[key] or (value is not None and abs(value - (chosen[key] or 0)) < 1e-6)
        for key, value in now.items()
    )
    return dict(told) if is_in_use else None


class DecodedBatch(NamedTuple):
    """What a decoder is given; see :class:`.Decoder`."""

    docs: List[Doc]
    candidates: Candidates
    probabilities: FloatArray
    exclusive: bool


class DecodingRecord:
    """A decoder that keeps what it is given, so that others can decode it too.

    Args:
        decoder: the decoder that decides.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.batches: List[DecodedBatch] = []

    def __call__(
        self,
        docs: Sequence[Doc],
        candidates: Candidates,
        probabilities: FloatArray,
        *,
        exclusive: bool,
    ) -> List[List[Relation]]:
        """Choose the relations of each document; see :class:`.Decoder`."""
        self.batches.append(DecodedBatch(list(docs), candidates, probabilities, exclusive))
        return self.decoder(docs, candidates, probabilities, exclusive=exclusive)

    def decode(self, decoder: Decoder) -> Dict[int, List[Relation]]:
        """The relations that another decoder chooses, by the ``id`` of the document."""
        return {
            id(doc): relations
            for docs, candidates, values, exclusive in self.batches
            for doc, relations in zip(docs, decoder(docs, candidates, values, exclusive=exclusive))
        }

    def score(
        self,
        decoder: Decoder,
        examples: Iterable[Example],
        *,
        symmetric: Collection[str],
        attr: str,
    ) -> ScoredRelations:
        """The relations that another decoder chooses, compared with those that are annotated."""
        found = self.decode(decoder)
        pairs = (
            (get_relations(eg.reference, attr), found.get(id(eg.predicted), [])) for eg in examples
        )
        return ScoredRelations.collect(pairs, symmetric)


@contextmanager
def record_decoding(
    nlp: Language, extractors: Dict[str, Any]
) -> Iterator[Dict[str, DecodingRecord]]:
    """Let a pipeline run up to its relation extractors, and record what these decode.

    Components after them, and those that ask a language model for relations, do not run.

    Args:
        nlp: the pipeline.
        extractors: relation extractors by name.
    """
    last = max(map(nlp.pipe_names.index, extractors))
    skipped = [
        name
        for i, (name, pipe) in enumerate(nlp.pipeline)
        if i > last or (isinstance(pipe, RelationComponent) and not isinstance(pipe, TrainablePipe))
    ]
    records = {name: DecodingRecord(pipe.decoder) for name, pipe in extractors.items()}
    try:
        for name, record in records.items():
            extractors[name].decoder = record
        with nlp.select_pipes(disable=skipped):
            yield records
    finally:
        for name, record in records.items():
            extractors[name].decoder = record.decoder
