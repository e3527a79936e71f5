"""The trainable component ``relation_extractor``."""

from dataclasses import replace
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union, cast

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.util import logger
from thinc.api import Model
from thinc.types import Floats2d

from ..annotations import DEFAULT_ATTR
from ..candidates import CandidateGenerator, Candidates, ScoredPairs, with_learned_distance
from ..decoding import Decoder
from ..errors import ConfigError, shown
from ..evaluation.scoring import RELATION_SCORE_WEIGHTS, score_extractor
from ..evidence import EvidenceOptions, with_evidence
from ..losses import with_agreement
from ..margins import note_unsure_pairs
from ..mentions import add_entities, read_mentions, recognised_entities, representative_examples
from ..models.pairs.mention_pairs import widest_gap
from ..pipelines import check_mentions_first, write_relations
from ..probabilities import refuse_nan, to_probabilities, without_unasked
from ..schema import RelationSchema
from ..targets import (
    PairSampling,
    Targets,
    make_targets,
    to_distribution,
    warn_of_uncovered,
    warn_of_unlearnable,
)
from ..threads import limit_worker_threads
from ..types import BoolArray, FloatArray, LossFunction, ScorerFunction
from .label_reading import LabelReader, reads_labels
from .model_checks import check_options, has_joined_words, resize_outputs, warn_of_unknown_labels
from .saving import loading
from .schema_pipe import SchemaPipe
from .shared_encoder import DEFAULT_TOK2VEC


@Language.factory(
    "relation_extractor",
    assigns=["doc._.rel"],
    requires=["doc.ents"],  # or a span group, which the options say
    default_config={
        "model": {"@architectures": "rel_component.SpanPair.v1", "tok2vec": DEFAULT_TOK2VEC},
        "candidates": {"@misc": "rel_component.candidate_pairs.v1"},
        "sampling": {"@misc": "rel_component.pair_sampling.v1"},
        "loss": {"@losses": "rel_component.cross_entropy.v1"},
        "decoder": {"@misc": "rel_component.decoder.v1"},
        "scorer": {"@scorers": "rel_component.relation_scorer.v1"},
        "exclusive": True,
        "spans_key": None,
        "adaptive_threshold": False,
        "consistency": 0.0,
        "evidence": None,
        "rescue_entities": False,
        "overwrite_ents": False,
        "unsure_below": 0.0,
        "attr": DEFAULT_ATTR,
    },
    default_score_weights=RELATION_SCORE_WEIGHTS,
)
class RelationExtractor(SchemaPipe):
    """Finds relations between the mentions of a document and writes them to ``doc._.rel``.

    ``nlp.add_pipe`` has the defaults of the options.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        model: scores candidate pairs, a :data:`~rel_component.candidates.PairModelT`.
        candidates: makes candidate pairs from mentions.
        sampling: chooses the pairs to learn from.
        loss: a loss function, see ``losses.py``; has to fit `exclusive`.
        decoder: chooses relations by the probabilities of pairs.
        exclusive: whether a pair has at most one label (softmax with a NO_RELATION class) or any
            number of labels (a sigmoid for each).
        spans_key: span group that holds the mentions, nested and overlapping ones included; None:
            the entities in ``doc.ents``.
        adaptive_threshold: whether the model learns a threshold for each pair, to which the
            probabilities are relative; for labels that are not exclusive, with the loss
            ``rel_component.adaptive_threshold.v1``.
        consistency: weight of a second loss in training: each batch passes the model twice, and the
            predictions of the two passes, which dropout makes differ, are to agree (R-Drop). It
            takes twice the time and needs a model with an encoder of its own.
        evidence: how sentences that show relations are learned and chosen,
            ``rel_component.evidence.v1``, with a model that finds them, as EntityPair; None: not at
            all. They are written to `evidence` of the relations, where sentences are known.
        rescue_entities: whether the mentions of relations become entities where they are none, in
            place of those of ``span_recognizer`` that they overlap with.
        overwrite_ents: whether rescued mentions also take the place of entities that others have
            set: a rule, a person or another component.
        unsure_below: a margin in [0, 1]: pairs whose two most probable answers differ by less are
            noted in the document, for ``llm_relation_extractor`` to ask about; see
            :func:`.unsure_pairs`. 0: nothing is noted.
        attr: name of the extension attribute.
        scorer: scores the component in ``nlp.evaluate``.

    Raises:
        ConfigError: if an option is out of range.
        ExtensionConflict: if other code has registered ``doc._.<attr>``.
    """

    # spaCy checks arguments by their annotations, and cannot do so by a protocol
    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Model[Any, Any],
        *,
        candidates: Callable[..., Any],
        sampling: PairSampling,
        loss: Callable[..., Any],
        decoder: Callable[..., Any],
        exclusive: bool,
        spans_key: Optional[str],
        adaptive_threshold: bool,
        consistency: float,
        evidence: Optional[EvidenceOptions],
        rescue_entities: bool,
        overwrite_ents: bool,
        unsure_below: float,
        attr: str,
        scorer: Optional[ScorerFunction],
    ) -> None:
        check_options(
            name,
            model,
            exclusive=exclusive,
            adaptive_threshold=adaptive_threshold,
            consistency=consistency,
            finds_evidence=evidence is not None,
            unsure_below=unsure_below,
        )
        limit_worker_threads()
        self.vocab = nlp.vocab
        self.name = name
        self.model = model
        self._label_reader = LabelReader(name)
        self.candidates: CandidateGenerator = candidates
        self.sampling = sampling
        self.loss: LossFunction = loss
        self.decoder: Decoder = decoder
        self.exclusive = exclusive
        self.spans_key = spans_key
        self.adaptive_threshold = adaptive_threshold
        self.consistency = consistency
        self.evidence = evidence
        self.rescue_entities = rescue_entities
        self.overwrite_ents = overwrite_ents
        self.unsure_below = unsure_below
        self.attr = self._attr_option = attr
        self.scorer = scorer
        self._warned = False  # of examples that cannot be learned
        # `spacy find-threshold` writes each threshold that it tries here as well
        self.cfg: Dict[str, Any] = {"decoder": {}}
        self.state: Dict[str, Any] = {"joined_words": True, "farthest": None}
        self.schema = RelationSchema()
        self.temperature = None
        self.bind_upstream(nlp)

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
                and directions that are not given are read from the examples, and logged.
            relation_schema: the schema, used as it is, with the pairs of its events.

        Raises:
            ConfigError: if there are no labels, neither given nor in the examples.
        """
        validate_get_examples(get_examples, "RelationExtractor.initialize")
        examples = list(get_examples())
        schema = relation_schema
        if schema is None:
            schema = RelationSchema.from_docs((eg.reference for eg in examples), attr=self.attr)
            for label, reasons in schema.reasons.items():
                logger.info("%s: %s: %s", self.name, label, "; ".join(reasons))
            schema = schema if labels is None else RelationSchema.from_labels(labels, schema)
        schema = schema.with_event_pairs()
        for label in self.labels:  # from add_label
            schema = schema.add(label)
        self.schema = schema
        if not self.labels:
            raise ConfigError(
                f"{self.name}: no relation in the examples and no labels given. Annotate "
                f"eg.reference._.{self.attr}, call add_label, or pass labels or a schema."
            )
        warn_of_unknown_labels(self.name, self.output_labels, self.loss, self.decoder)
        for label in self.labels:
            self.vocab.strings.add(label)
        if self.consistency and self._listener is not None:  # the encoder reads each batch once
            raise ConfigError(
                f"{self.name}: consistency needs a model with an encoder of its own, and this one "
                "listens to another component. Set consistency = 0.0, or use "
                "rel_component.Encoder.v1 in place of the listener."
            )
        self._forget_weights()
        self.state["farthest"] = None
        self._warned = self._warn(examples, complete=True)
        self.state["joined_words"] = any(has_joined_words(eg.predicted) for eg in examples)
        doc = Doc(self.vocab, words=["hello"])
        sample = representative_examples(examples, self.spans_key) or [Example(doc, doc)]
        if self.model.has_dim("nO"):  # initialised before, perhaps with fewer labels
            resize_outputs(self.model, self.name, len(self.output_labels))
        outputs = self.model.ops.alloc2f(1, len(self.output_labels))
        docs = [eg.predicted for eg in sample]
        self.model.initialize(X=(docs, self._candidates(sample)), Y=outputs)
        self.bind_upstream(nlp)
        if reads_labels(self.model):
            self._read_labels(self.schema)

    def predict(self, docs: Iterable[Doc]) -> ScoredPairs:
        """Score the candidate pairs of a batch of documents, in one call of the model.

        Returns:
            the candidates and their probabilities. *Shape:* ``(n_pairs, n_outputs)``

        Raises:
            ConfigError: if the component is not initialised.
        """
        docs = list(docs)
        self.check_docs(docs)
        return self._of_one_schema(lambda: self._score_pairs(docs))

    def _score_pairs(self, docs: List[Doc]) -> ScoredPairs:
        generate = with_learned_distance(self.candidates, self.state["farthest"])
        candidates = generate(docs, read_mentions(docs, self.spans_key), self.schema)
        if not candidates.n_pairs:
            n_outputs = len(self.labels) + self.exclusive
            return ScoredPairs(candidates, self.model.ops.alloc2f(0, n_outputs))
        logits = self.model.predict((docs, candidates))
        logits, _ = without_unasked(logits, self.asked_labels(docs, candidates))
        values = to_probabilities(
            logits,
            exclusive=self.exclusive,
            adaptive_threshold=self.adaptive_threshold,
            temperature=self.temperature,
            labels=self.labels,
        )
        refuse_nan(values, self.name)
        return ScoredPairs(candidates, values)

    def set_annotations(self, docs: Iterable[Doc], scores: ScoredPairs) -> None:
        """Write the relations to ``doc._.rel``, in place of any that are there."""
        docs = list(docs)
        values = self.model.ops.to_numpy(scores.values)
        pairs = scores.candidates
        decoded = self.decoder(docs, pairs, values, exclusive=self.exclusive)
        if self.unsure_below:
            note_unsure_pairs(
                docs, pairs, values, self.unsure_below, exclusive=self.exclusive, attr=self.attr
            )
        if self.evidence is not None:
            n_labels = len(self.output_labels)

            def find_shares(candidates: Candidates) -> FloatArray:
                outputs = self.model.predict((docs, candidates))
                return self.model.ops.to_numpy(outputs[:, n_labels:])

            decoded = with_evidence(self.evidence, docs, pairs, decoded, find_shares)
        for doc, relations in zip(docs, decoded):
            write_relations(doc, relations, self)
            if self.rescue_entities and relations:
                best_first = sorted(relations, key=lambda rel: -(rel.score or 0.0))
                spans = [span for rel in best_first for span in (rel.head, rel.tail)]
                own = recognised_entities(doc, self.spans_key)
                add_entities(doc, spans, None if self.overwrite_ents else own)

    def learn(self, examples: List[Example]) -> float:
        """See :meth:`.LearningPipe.learn`."""
        if not self._warned:  # once: every epoch would repeat it
            self._warned = self._warn(examples)
        candidates = self._candidates(examples)
        mentions = self.evidence is not None and self.evidence.mentions
        targets = make_targets(examples, candidates, self.attr, mention_evidence=mentions)
        if targets.positive.any():
            gap = widest_gap(candidates.select(targets.positive))
            self.state["farthest"] = max(gap, self.state["farthest"] or 0)
        candidates, targets = self.sampling.choose(candidates, targets)
        candidates = self._with_first(candidates)
        docs = [eg.predicted for eg in examples]
        self.learn_upstream(docs)
        loss_function = self.loss
        if self.consistency:
            loss_function = with_agreement(self.loss, self.consistency)
            docs, candidates = docs + docs, candidates.twice()
        if self.evidence is not None and self.evidence.weight > 0:
            candidates = replace(candidates, asks_evidence=True)
        # without pairs as well: a listener may have to pass the gradients of all on to the encoder
        with self._label_reader.varied(self.model, self.schema, self._upstream):
            outputs, backprop = self.model.begin_update((docs, candidates))
        xp, n_labels = self.model.ops.xp, len(self.output_labels)
        n_columns = n_labels * (1 + candidates.asks_first)
        asked, unknown = self._unknown(targets, docs, candidates)
        loss, gradients = 0.0, []
        for i in range(0, n_columns, n_labels):
            part, d_logits = self._loss(loss_function, outputs[:, i : i + n_labels], targets, asked)
            loss += part
            gradients.append(d_logits)
        if unknown is not None:
            taught, d_taught = self.imitate(docs, candidates, outputs[:, :n_columns], unknown)
            loss += self.distillation * taught
            gradients = [xp.concatenate(gradients, axis=1) + self.distillation * d_taught]
        if self.evidence is not None and candidates.asks_evidence:
            part, d_shares = self.evidence.loss(outputs[:, n_columns:], targets.evidence)
            loss += part
            gradients.append(d_shares)
        backprop(xp.concatenate(gradients, axis=1))
        return loss

    def rehearsed(self, examples: List[Example]) -> Candidates:
        """See :meth:`.RehearsingPipe.rehearsed`."""
        return self._with_first(self._candidates(examples))

    def get_loss(self, examples: Iterable[Example], scores: ScoredPairs) -> Tuple[float, Floats2d]:
        """The loss of scored candidates and its gradient.

        Args:
            examples: the batch.
            scores: candidates and their logits. *Shape:* ``(n_pairs, n_outputs)``

        Returns:
            the loss and the gradient of the logits. *Shape:* ``(n_pairs, n_outputs)``
        """
        targets = make_targets(list(examples), scores.candidates, self.attr)
        return self._loss(self.loss, scores.values, targets)

    def _loss(
        self,
        function: LossFunction,
        logits: Floats2d,
        targets: Targets,
        asked: Optional[BoolArray] = None,
    ) -> Tuple[float, Floats2d]:
        none_first = self.exclusive or self.adaptive_threshold
        values = to_distribution(targets.values) if none_first else targets.values
        logits, mask = without_unasked(logits, asked)
        loss, d_logits = function(
            logits,
            self.model.ops.asarray2f(cast(Floats2d, values)),
            labels=self.output_labels,
            exclusive=self.exclusive,
        )
        return loss, d_logits if mask is None else d_logits * mask

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`score_relations`."""
        return score_extractor(self, examples, nlp=self._pipeline.get(), **kwargs)

    def take_state(self, state: Dict[str, Any]) -> None:
        """See :meth:`.CheckedPipe.take_state`."""
        farthest = state.get("farthest")
        if farthest is not None and (type(farthest) is not int or farthest < 0):
            raise ConfigError(f"farthest {shown(farthest)}; expected a number of tokens or null")
        super().take_state(state)

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        super()._load(read, place, exclude)
        if "check_loaded" in self.model.attrs:
            with loading(f"{place}model"):
                self.model.attrs["check_loaded"](self.model)
        if nlp := self._pipeline.get():
            check_mentions_first(nlp)

    def _warn(self, examples: Sequence[Example], *, complete: bool = False) -> bool:
        """Warn of relations that cannot be learned, or contradict each other; whether there are any."""
        docs, schema, attr = [eg.reference for eg in examples], self.schema, self.attr
        n_found = warn_of_unlearnable(
            docs, schema, self.name, exclusive=self.exclusive, complete=complete, attr=attr
        )
        # Predicted mentions may come from a component that is not trained yet.
        if complete and self.sampling.mentions != "predicted":
            # one example at a time: the pairs of a whole corpus may not fit into memory
            parts = (make_targets([eg], self._candidates([eg]), attr) for eg in examples)
            warn_of_uncovered(parts, docs, schema, self.name, attr=attr)
        return n_found > 0

    def _candidates(self, examples: Sequence[Example]) -> Candidates:
        docs = [eg.predicted for eg in examples]
        mentions = self.sampling.read_mentions(examples, self.spans_key)
        return self.candidates(docs, mentions, self.schema)

    def _with_first(self, candidates: Candidates) -> Candidates:
        """Pairs to learn from, also for the first scorer of a model that prunes pairs."""
        return replace(candidates, asks_first=self.model.attrs.get("scores_first", False))
