"""The trainable component ``relation_extractor``."""

from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Literal,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
    cast,
)

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Optimizer, set_dropout_rate
from thinc.types import Floats2d

from ..annotations import DEFAULT_ATTR, install_extension, set_relations
from ..candidates import CandidateGenerator, Candidates, PairModelT
from ..decoding import Decoder
from ..errors import ConfigError
from ..evaluation.scoring import score_relations
from ..losses import probabilities, with_agreement
from ..mentions import add_entities, read_mentions, read_training_mentions
from ..schema import RelationSchema, RelationType
from ..targets import Targets, make_targets, sample_negatives, to_distribution
from ..types import NO_RELATION, LossFunction, ScorerFunction
from .examples import (
    refuse_listeners,
    refuse_uninitialised,
    sample_examples,
    score_extractor,
    warn_of_uncovered,
    warn_of_violations,
)


class Scored(NamedTuple):
    """Candidate pairs with their probabilities or logits, *Shape:* ``(n_pairs, n_outputs)``."""

    candidates: Candidates
    values: Floats2d


class RelationExtractor(TrainablePipe):
    """Finds relations between the mentions of a document and writes them to ``doc._.rel``.

    Args:
        vocab: the shared vocabulary.
        model: scores candidate pairs.
        candidates: makes candidate pairs from mentions.
        loss: a loss function, see ``losses.py``; has to fit `exclusive`.
        decoder: chooses relations by the probabilities of pairs.
        name: name of the component in the pipeline.
        exclusive: at most one label a pair (softmax with a NO_RELATION class) or any number of
            labels (a sigmoid for each).
        spans_key: span group that holds the mentions, nested and overlapping ones included; None:
            the entities in ``doc.ents``.
        training_mentions: mentions to learn on: those of the predicted document, or both those and
            the annotated ones. Annotated relations are found again by the characters of their
            mentions; all other pairs are examples of NO_RELATION.
        negative_ratio: in training, the most pairs without relation per pair with one, drawn at
            random for each batch. None: all.
        adaptive_threshold: without exclusive labels, the model learns a threshold for each pair;
            goes with the loss ``rel_component.adaptive_threshold.v1``. Probabilities are relative
            to it.
        consistency: weight of a second loss in training: each batch passes the model twice, and the
            predictions of the two passes, which dropout makes differ, are to agree (R-Drop). Costs
            twice the time. Needs a model with an encoder of its own.
        rescue_entities: whether the mentions of relations become entities where they are none, in
            place of those that they overlap with.
        attr: name of the extension attribute.
        scorer: scores the component in ``nlp.evaluate``.

    Raises:
        ConfigError: if an option is out of range.
        ExtensionConflict: if other code has registered ``doc._.<attr>``.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: PairModelT,
        candidates: CandidateGenerator,
        loss: LossFunction,
        decoder: Decoder,
        name: str = "relation_extractor",
        *,
        exclusive: bool = True,
        spans_key: Optional[str] = None,
        training_mentions: Literal["both", "predicted"] = "both",
        negative_ratio: Optional[float] = None,
        adaptive_threshold: bool = False,
        consistency: float = 0.0,
        rescue_entities: bool = False,
        attr: str = DEFAULT_ATTR,
        scorer: Optional[ScorerFunction] = score_relations,
    ) -> None:
        if negative_ratio is not None and negative_ratio < 0:
            raise ConfigError(f"negative_ratio must be 0 or more, got {negative_ratio}")
        if consistency < 0:
            raise ConfigError(f"consistency must be 0 or more, got {consistency}")
        if adaptive_threshold and exclusive:
            raise ConfigError("adaptive_threshold is for multiple labels: set exclusive = false")
        install_extension(attr)
        self.vocab = vocab
        self.model = model
        self.candidates = candidates
        self.loss = loss
        self.decoder = decoder
        self.name = name
        self.exclusive = exclusive
        self.spans_key = spans_key
        self.training_mentions = training_mentions
        self.negative_ratio = negative_ratio
        self.adaptive_threshold = adaptive_threshold
        self.consistency = consistency
        self.rescue_entities = rescue_entities
        self.attr = attr
        self.scorer = scorer
        self.schema = RelationSchema()
        self.cfg: Dict[str, Any] = {}

    @property
    def labels(self) -> Tuple[str, ...]:
        """The relation types, NO_RELATION not among them."""
        return self.schema.labels

    @property
    def label_data(self) -> Dict[str, Any]:
        """The schema as plain data; ``initialize`` accepts it as `labels`."""
        return self.schema.to_dict()

    @property
    def output_labels(self) -> Tuple[str, ...]:
        """Names of the columns of the model's output."""
        none_first = self.exclusive or self.adaptive_threshold
        return (NO_RELATION, *self.labels) if none_first else self.labels

    def add_label(self, label: str) -> int:
        """Add a relation type, also to a model that is already trained.

        The new type has no constraints; what the model has learned so far stays as it is.

        Args:
            label: the label.

        Returns:
            1 if the label was added, 0 if it was there.
        """
        if label in self.schema:
            return 0
        self.schema = self.schema.add(label)
        self.vocab.strings.add(label)
        if self.model.has_dim("nO"):
            self.model.attrs["resize_output"](self.model, len(self.output_labels))
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[Union[List[str], Dict[str, Any]]] = None,
        relation_schema: Optional[RelationSchema] = None,
    ) -> None:
        """Set labels and schema, and initialise the model.

        Args:
            get_examples: returns the training examples, or a representative sample of them.
            nlp: the pipeline.
            labels: the labels, or a whole schema as :attr:`label_data` gives it. Argument types
                that are not given are read from the examples.
            relation_schema: the schema, used as it is.

        Raises:
            ConfigError: if there are no labels, neither given nor in the examples.
        """
        validate_get_examples(get_examples, "RelationExtractor.initialize")
        examples = list(get_examples())
        inferred = RelationSchema.from_docs((eg.reference for eg in examples), attr=self.attr)
        self.schema = self._choose_schema(inferred, labels, relation_schema)
        if not self.labels:
            raise ConfigError(
                f"{self.name}: no relation in the examples and no labels given. Annotate "
                f"eg.reference._.{self.attr}, call add_label, or pass labels or a schema."
            )
        for label in self.labels:
            self.vocab.strings.add(label)
        if self.consistency:
            refuse_listeners(self.model, self.name)
        warn_of_violations(examples, self.schema, self.name, self.attr)
        if (
            self.training_mentions == "both"
        ):  # else a component may predict them that is yet untrained
            targets = self._targets(examples, self._candidates(examples))
            warn_of_uncovered(examples, targets, self.schema, self.name, self.attr)
        sample = sample_examples(examples, self.spans_key)
        if not sample:
            doc = Doc(self.vocab, words=["hello"])
            sample = [Example(doc, doc)]
        if self.model.has_dim("nO"):  # initialised before, perhaps with fewer labels
            self.model.attrs["resize_output"](self.model, len(self.output_labels))
        outputs = self.model.ops.alloc2f(1, len(self.output_labels))
        docs = [eg.predicted for eg in sample]
        self.model.initialize(X=(docs, self._candidates(sample)), Y=outputs)

    def predict(self, docs: Iterable[Doc]) -> Scored:
        """Score the candidate pairs of a batch of documents, in one call of the model.

        Returns:
            the candidates and their probabilities. *Shape:* ``(n_pairs, n_outputs)``

        Raises:
            ConfigError: if the component is not initialised.
        """
        docs = list(docs)
        refuse_uninitialised(self.model, self.name)
        candidates = self.candidates(docs, read_mentions(docs, self.spans_key), self.schema)
        if not candidates.n_pairs:
            n_outputs = len(self.labels) + self.exclusive
            return Scored(candidates, self.model.ops.alloc2f(0, n_outputs))
        logits = self.model.predict((docs, candidates))
        return Scored(
            candidates,
            probabilities(
                logits, exclusive=self.exclusive, adaptive_threshold=self.adaptive_threshold
            ),
        )

    def set_annotations(self, docs: Iterable[Doc], scores: Scored) -> None:
        """Write the relations to ``doc._.rel``, in place of any that are there.

        Args:
            docs: the documents that were scored.
            scores: what :meth:`predict` returned for them.
        """
        docs = list(docs)
        decoded = self.decoder(
            docs,
            scores.candidates,
            self.model.ops.to_numpy(scores.values),
            self.schema,
            exclusive=self.exclusive,
        )
        install_extension(self.attr)  # another package may have taken the name since
        for doc, relations in zip(docs, decoded):
            set_relations(doc, relations, self.attr)
            if self.rescue_entities:
                best_first = sorted(relations, key=lambda rel: -(rel.score or 0.0))
                add_entities(doc, [span for rel in best_first for span in (rel.head, rel.tail)])

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn from a batch of examples.

        Args:
            examples: predicted documents, whose tokens and mentions count, and annotated ones.
            drop: dropout rate of the layers.
            sgd: the optimizer; None or False: only accumulate gradients.
            losses: the loss is added under the name of the component.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "RelationExtractor.update")
        if not any(len(eg.predicted) for eg in examples):
            return losses
        candidates = self._candidates(examples)
        if self.negative_ratio is not None:
            positive = self._targets(examples, candidates).positive
            candidates = candidates.select(sample_negatives(positive, self.negative_ratio))
        set_dropout_rate(self.model, drop)
        docs = [eg.predicted for eg in examples]
        # A batch without pairs goes through as well: a listener may be the one that has to pass the
        # gradients of all components on to the encoder.
        if self.consistency:
            loss_function = with_agreement(self.loss, self.consistency)
            logits, backprop = self.model.begin_update((docs + docs, candidates.twice()))
        else:
            loss_function = self.loss
            logits, backprop = self.model.begin_update((docs, candidates))
        loss, d_logits = self._loss(loss_function, examples, Scored(candidates, logits))
        backprop(d_logits)
        if sgd:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Scored) -> Tuple[float, Floats2d]:
        """The loss of scored candidates and its gradient.

        Args:
            examples: the batch.
            scores: candidates and their logits. *Shape:* ``(n_pairs, n_outputs)``

        Returns:
            the loss and the gradient of the logits. *Shape:* ``(n_pairs, n_outputs)``
        """
        return self._loss(self.loss, list(examples), scores)

    def _loss(
        self, function: LossFunction, examples: Sequence[Example], scores: Scored
    ) -> Tuple[float, Floats2d]:
        targets = self._targets(examples, scores.candidates).values
        if self.exclusive or self.adaptive_threshold:
            targets = to_distribution(targets)
        return function(
            scores.values,
            self.model.ops.asarray2f(cast(Floats2d, targets)),
            labels=self.output_labels,
            exclusive=self.exclusive,
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`score_relations`."""
        return score_extractor(self, examples, **kwargs)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialise the component. exclude: names among vocab, model and schema."""
        return util.to_bytes(
            {
                "schema": lambda: srsly.json_dumps(self.schema.to_dict()),
                "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
                "model": self.model.to_bytes,
            },
            exclude,
        )

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "RelationExtractor":
        """Load what :meth:`to_bytes` returned. exclude: names among vocab, model and schema."""
        util.from_bytes(
            bytes_data,
            {
                "schema": lambda b: self._load_schema(srsly.json_loads(b)),
                "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
                "model": self.model.from_bytes,
            },
            exclude,
        )
        return self

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        """Save the component to a folder. exclude: names among vocab, model and schema."""
        util.to_disk(
            path,
            {
                "schema.json": lambda p: srsly.write_json(p, self.schema.to_dict()),
                "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
                "model": lambda p: self.model.to_disk(p),
            },
            exclude,
        )

    def from_disk(
        self, path: Union[str, Path], *, exclude: Iterable[str] = ()
    ) -> "RelationExtractor":
        """Load a component from a folder. exclude: names among vocab, model and schema."""
        readers: Dict[str, Callable[[Path], Any]] = {
            "schema.json": lambda p: self._load_schema(srsly.read_json(p)),
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "model": lambda p: self.model.from_disk(p),
        }
        util.from_disk(path, readers, exclude)
        return self

    def _load_schema(self, data: Any) -> None:
        self.schema = RelationSchema.from_dict(data)

    def _choose_schema(
        self,
        inferred: RelationSchema,
        labels: Optional[Union[List[str], Dict[str, Any]]],
        schema: Optional[RelationSchema],
    ) -> RelationSchema:
        if schema is None and isinstance(labels, dict):
            schema = RelationSchema.from_dict(labels, source="labels")
        if schema is None and labels is not None:
            schema = RelationSchema(inferred.get(label, RelationType(label)) for label in labels)
        chosen = inferred if schema is None else schema
        for label in self.labels:  # from add_label
            chosen = chosen.add(label)
        return chosen

    def _candidates(self, examples: Sequence[Example]) -> Candidates:
        docs = [eg.predicted for eg in examples]
        if self.training_mentions == "both":
            references = [eg.reference for eg in examples]
            mentions = read_training_mentions(docs, references, self.spans_key)
        else:
            mentions = read_mentions(docs, self.spans_key)
        return self.candidates(docs, mentions, self.schema)

    def _targets(self, examples: Sequence[Example], candidates: Candidates) -> Targets:
        return make_targets(examples, candidates, self.labels, self.schema, self.attr)
