"""The trainable component ``span_recognizer``."""

from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple, cast

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from thinc.api import Model
from thinc.types import Floats2d, Ints1d

from ..errors import ConfigError, shown
from ..evaluation.scoring import MENTION_SCORE_WEIGHTS
from ..losses import configure_cross_entropy
from ..mentions import representative_examples
from ..probabilities import refuse_nan, softmax
from ..types import NO_ENTITY, Int32Array, ScorerFunction, SpanModelT
from .model_checks import has_joined_words, resize_outputs
from .recognition import (
    annotated_classes,
    annotated_labels,
    enumerate_spans,
    recognize,
    warn_of_longer,
    warn_of_unknown,
    write_mentions,
)
from .rehearsal import RehearsingPipe
from .shared_encoder import DEFAULT_TOK2VEC


class ScoredSpans(NamedTuple):
    """Spans and their probabilities or logits.

    Attributes:
        spans: rows of the tokens of all documents. *Shape:* ``(n_spans, 2)``
        values: ``NO_ENTITY`` and the entity types. *Shape:* ``(n_spans, 1 + n_labels)``
    """

    spans: Int32Array
    values: Floats2d


@Language.factory(
    "span_recognizer",
    assigns=["doc.ents", "doc.spans"],
    default_config={
        "model": {"@architectures": "rel_component.SpanScorer.v1", "tok2vec": DEFAULT_TOK2VEC},
        "scorer": {"@scorers": "rel_component.mention_scorer.v1"},
        "spans_key": "mentions",
        "threshold": None,
        "min_score": 0.1,
        "max_mentions": 0.4,
        "annotate_after": 0,
        "write_ents": True,
    },
    default_score_weights=MENTION_SCORE_WEIGHTS,
)
class SpanRecognizer(RehearsingPipe):
    """Finds entities by scoring every span, and writes them to ``doc.ents`` and a span group.

    The group also holds nested and overlapping mentions, and mentions that are too improbable for
    an entity but may still be rescued by a relation. As with spaCy's ``spancat``,
    ``doc.spans[key].attrs["scores"]`` has their probabilities. ``nlp.add_pipe`` has the defaults of
    the options.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        model: scores spans, a :data:`~rel_component.types.SpanModelT`.
        spans_key: name of the span group that is written. The component learns from the annotated
            group of this name, and from the entities of documents without it.
        threshold: the least probability of an entity, in [0, 1]. None: any that is higher than that
            of NO_ENTITY.
        min_score: the least probability of a mention in the span group, in [0, 1]; entities are
            always in it.
        max_mentions: the most mentions of a document, per token of it; the most probable ones are
            kept (Lee et al. 2017, section 4.2, have 0.4), and all entities that overlap no better one.
        annotate_after: number of updates after which the component annotates the predicted
            documents in training with its own predictions. Components after it then see the
            mistakes that they will meet, without another pass of the model. None: never.
        write_ents: whether ``doc.ents`` is written; False where mentions are no entities, as the
            nominals and pronouns that ``coref_resolver`` reads from the span group.
        scorer: scores the component in ``nlp.evaluate``.

    Raises:
        ConfigError: if an option is out of range.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Model[Any, Any],
        *,
        spans_key: str,
        threshold: Optional[float],
        min_score: float,
        max_mentions: float,
        annotate_after: Optional[int],
        write_ents: bool,
        scorer: Optional[ScorerFunction],
    ) -> None:
        for option, value in (("threshold", threshold), ("min_score", min_score)):
            if value is not None and not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name}: {option} must lie in [0, 1], got {value}")
        if max_mentions <= 0:
            raise ConfigError(f"{name}: max_mentions must be more than 0, got {max_mentions}")
        if annotate_after is not None and annotate_after < 0:
            raise ConfigError(f"{name}: annotate_after must be 0 or more, got {annotate_after}")
        self.vocab = nlp.vocab
        self.name = name
        self.model: SpanModelT = model
        self.spans_key = spans_key
        self.threshold = threshold
        self.min_score = min_score
        self.max_mentions = max_mentions
        self.annotate_after = annotate_after
        self.write_ents = write_ents
        self.scorer = scorer
        self.state: Dict[str, Any] = {"labels": [], "joined_words": True}
        self._n_updates = 0
        self._reported: Set[str] = set()  # entity types that a warning has named
        self._cross_entropy = configure_cross_entropy()
        self.bind_upstream(nlp)

    @property
    def labels(self) -> Tuple[str, ...]:
        """The entity types."""
        return tuple(self.state["labels"])

    @property
    def label_data(self) -> List[str]:
        """The entity types; ``initialize`` accepts them as `labels`."""
        return list(self.labels)

    @property
    def outputs(self) -> Dict[str, Any]:
        """See :meth:`.CheckedPipe.outputs`."""
        return {"columns": [NO_ENTITY, *self.labels]}

    def take_state(self, state: Dict[str, Any]) -> None:
        """See :meth:`.CheckedPipe.take_state`."""
        labels = state["labels"]
        if not isinstance(labels, list) or not all(isinstance(x, str) and x for x in labels):
            raise ConfigError(f"labels {shown(labels)}; expected a list of names")
        if len(set(labels)) < len(labels):
            raise ConfigError(f"labels {shown(labels)}; each name may occur once")
        super().take_state(state)

    def add_label(self, label: str) -> int:
        """Add an entity type, also to a model that is already trained.

        Returns:
            1 if the label was added, 0 if it was there.
        """
        if label in self.labels:
            return 0
        if self.model.has_dim("nO"):
            n_outputs = len(self.labels) + 2  # NO_ENTITY and the new one
            resize_outputs(self.model, self.name, n_outputs)
        self.state["labels"].append(label)
        self.vocab.strings.add(label)
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[List[str]] = None,
    ) -> None:
        """Set the labels and initialise the model.

        Args:
            get_examples: returns the training examples, or a representative sample of them.
            nlp: the pipeline.
            labels: the entity types. None: the types that occur in the examples, which are the first
                100 where training.max_epochs is -1.

        Raises:
            ConfigError: if there are no labels, neither given nor in the examples.
        """
        validate_get_examples(get_examples, "SpanRecognizer.initialize")
        examples = list(get_examples())
        references = [eg.reference for eg in examples]
        for label in annotated_labels(references, self.spans_key) if labels is None else labels:
            self.add_label(label)
        if not self.labels:
            raise ConfigError(
                f"{self.name}: no entity in the examples and no labels given. Annotate "
                "eg.reference.ents, call add_label, or pass labels."
            )
        warn_of_longer(references, self.model.attrs["max_width"], self.name, self.spans_key)
        self._teacher, self._n_updates = None, 0  # of earlier weights
        self.state["joined_words"] = any(has_joined_words(eg.predicted) for eg in examples)
        sample = representative_examples(examples, self.spans_key)
        docs = [eg.predicted for eg in sample] or [Doc(self.vocab, words=["hello"])]
        outputs = self.model.ops.alloc2f(1, 1 + len(self.labels))
        self.model.initialize(X=(docs, self._spans(docs)), Y=outputs)
        self.bind_upstream(nlp)

    def predict(self, docs: Iterable[Doc]) -> ScoredSpans:
        """Score the spans of a batch of documents, in one call of the model.

        Returns:
            the spans and their probabilities. *Shape:* ``(n_spans, 1 + n_labels)``

        Raises:
            ConfigError: if the component is not initialised.
        """
        docs = list(docs)
        self.check_docs(docs)
        spans = self._spans(docs)
        if not len(spans):
            return ScoredSpans(spans, self.model.ops.alloc2f(0, 1 + len(self.labels)))
        values = softmax(self.model.predict((docs, spans)))
        refuse_nan(values, self.name)
        return ScoredSpans(spans, values)

    def set_annotations(self, docs: Iterable[Doc], scores: ScoredSpans) -> None:
        """Write the span group and the entities.

        Entities do not overlap: of those that do, the most probable one is kept. Entities that a
        document has already stay as they are, in the group with a score of 1, and so do spans that
        others have written to the group.
        """
        docs = list(docs)
        mentions = recognize(
            docs,
            scores.spans,
            self.model.ops.to_numpy(scores.values),
            threshold=self.threshold,
            min_score=self.min_score,
            max_mentions=self.max_mentions,
        )
        for doc, recognized in zip(docs, mentions):
            write_mentions(doc, recognized, self.labels, self.spans_key, write_ents=self.write_ents)

    def learn(self, examples: List[Example]) -> float:
        """See :meth:`.LearningPipe.learn`."""
        references = [eg.reference for eg in examples]
        self._reported |= warn_of_unknown(
            references, {*self.labels, *self._reported}, self.name, self.spans_key
        )
        docs = [eg.predicted for eg in examples]
        self.learn_upstream(docs)
        spans = self._spans(docs)
        logits, backprop = self.model.begin_update((docs, spans))
        loss, d_logits = self.get_loss(examples, ScoredSpans(spans, logits))
        backprop(d_logits)
        self._n_updates += 1
        if self.annotate_after is not None and self._n_updates > self.annotate_after:
            self.set_annotations(docs, ScoredSpans(spans, softmax(logits)))
        return loss

    def rehearsed(self, examples: List[Example]) -> Int32Array:
        """See :meth:`.RehearsingPipe.rehearsed`."""
        return self._spans([eg.predicted for eg in examples])

    @property
    def imitates(self) -> Tuple[bool, bool]:
        """See :meth:`.RehearsingPipe.imitates`."""
        return True, False

    def get_loss(self, examples: Iterable[Example], scores: ScoredSpans) -> Tuple[float, Floats2d]:
        """The loss of scored spans and its gradient.

        The loss is the cross-entropy, summed over the spans and divided by the number of annotated
        mentions.

        Args:
            examples: the batch.
            scores: the spans and their logits. *Shape:* ``(n_spans, 1 + n_labels)``

        Returns:
            the loss and the gradient of the logits. *Shape:* ``(n_spans, 1 + n_labels)``
        """
        examples = list(examples)
        classes = annotated_classes(examples, scores.spans, self.labels, self.spans_key)
        columns = self.model.ops.asarray1i(cast(Ints1d, classes))
        targets = self.model.ops.xp.eye(1 + len(self.labels), dtype="float32")[columns]
        loss, d_logits = self._cross_entropy(
            scores.values, targets, labels=(NO_ENTITY, *self.labels), exclusive=True
        )
        scale = len(classes) / max(int((classes > 0).sum()), 1)
        return loss * scale, d_logits * scale

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`score_mentions`."""
        if self.scorer is None:
            return {}
        return self.scorer(examples, **{"spans_key": self.spans_key, **kwargs})

    def _spans(self, docs: List[Doc]) -> Int32Array:
        return enumerate_spans(docs, self.model.attrs["max_width"])
