"""A trained pipeline learns a little more: examples as the extractor meets them, a short training."""

import random
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Model, warmup_linear

from ..corpora.corpus import examples_before_extractor
from ..documents import ask_only, asked_labels
from ..errors import ConfigError, listed
from ..evaluation.counts import PRF, LabelScores
from ..evaluation.evaluate import predict_docs
from ..evaluation.scoring import count_relations
from ..models.optimizers import EncoderAdam
from ..pipeline.relation_extractor import RelationExtractor
from ..pipelines import (
    find_extractor,
    mentions_are_given,
    source_name,
)
from ..schema import RelationSchema


@dataclass(frozen=True)
class Hyperparameters:
    """How a trained pipeline learns more.

    Args:
        epochs: passes over the examples.
        learn_rate: the highest learning rate of layers on top of encoders; these have a fifth of it.
        batch_size: documents in an update.
        dropout: dropout rate.
        train: names of components that learn beside the relation extractor, as its encoder.
        encoder: whether an encoder of the extractor's own learns, or its adapters if it has some.
        seed: seed of everything that is drawn at random.

    Raises:
        ConfigError: if a number is out of range.
    """

    epochs: int = 10
    learn_rate: float = 1e-3
    batch_size: int = 8
    dropout: float = 0.1
    train: Tuple[str, ...] = ()
    encoder: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch_size < 1:
            raise ConfigError("epochs must be 0 or more, and batch_size 1 or more")
        if not 0 < self.learn_rate < 1 or not 0 <= self.dropout < 1:
            raise ConfigError("learn_rate must lie in (0, 1), and dropout in [0, 1)")


@dataclass
class LabelChange:
    """The strict F1 of a label, or of several, on documents that nothing was learned from.

    Attributes:
        label: the label, or which ones.
        n: number of annotated relations.
        before: counts before.
        after: counts after.
    """

    label: str
    n: int = 0
    before: PRF = field(default_factory=PRF)
    after: PRF = field(default_factory=PRF)

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        figures = {"before": self.before.to_dict(), "after": self.after.to_dict()}
        return {"label": self.label, "n": self.n, **figures}


def require_trained(nlp: Language) -> RelationExtractor:
    """The trained relation extractor of a pipeline.

    Raises:
        ConfigError: if there is none.
    """
    extractor: Any = find_extractor(nlp)
    if not isinstance(extractor, RelationExtractor) or not extractor.model.has_dim("nO"):
        raise ConfigError(f"{source_name(nlp)}: no trained relation_extractor in {nlp.pipe_names}")
    return extractor


def require_known_events(schema: RelationSchema, known: Sequence[str], pipeline: str) -> None:
    """Refuse the events of a schema that a pipeline does not know: they cannot be added to it.

    Args:
        schema: the schema.
        known: the labels of the pipeline, those of pairs of events included.
        pipeline: its name, for the message.

    Raises:
        ConfigError: naming the events.
    """
    events = [
        kind.label
        for kind in schema.events.values()
        if any(pair.label not in known for pair in kind.pair_types())
    ]
    if events:
        raise ConfigError(
            f"{pipeline} lacks pairs of the events {listed(events)}, and only relation types can be "
            "added: take these events out of the schema, or train with them (spacy rel init-config)"
        )


def prepare(
    nlp: Language,
    references: Iterable[Doc],
    asked: Optional[Sequence[str]],
    *,
    given: bool = False,
) -> List[Example]:
    """Examples whose predicted documents have passed all components before the relation extractor.

    Args:
        nlp: the pipeline.
        references: the annotated documents.
        asked: the labels that they are annotated with, where a document does not say so itself; None:
            all.
        given: whether the predicted documents are given the annotated mentions.
    """
    examples = examples_before_extractor(nlp, references, given=given)
    for eg in examples:
        own = asked_labels(eg.reference)
        labels = asked if own is None else sorted(own)
        if labels is not None:
            ask_only(eg.predicted, labels)
    return examples


def learn(
    nlp: Language, examples: Sequence[Example], hyperparameters: Hyperparameters
) -> List[float]:
    """Train the relation extractor of a pipeline, and components beside it, for a short time.

    Args:
        nlp: the pipeline, which is changed.
        examples: see :func:`prepare`.
        hyperparameters: how it learns.

    Returns:
        the loss of the extractor in each epoch

    Raises:
        ConfigError: if there is no component of a name that is to be trained, or it cannot learn.
    """
    extractor = require_trained(nlp)
    unknown = [name for name in hyperparameters.train if name not in nlp.pipe_names]
    if unknown:
        raise ConfigError(f"no component {unknown[0]!r:.60}; there are: {listed(nlp.pipe_names)}")
    fixed = [name for name in hyperparameters.train if not hasattr(nlp.get_pipe(name), "update")]
    if fixed:
        raise ConfigError(
            f"the component {fixed[0]!r:.60} learns nothing: do not name it to be trained"
        )
    trained = {extractor.name, *hyperparameters.train}
    exclude = [name for name in nlp.pipe_names if name not in trained]
    rng = random.Random(hyperparameters.seed)
    n_steps = hyperparameters.epochs * -(-len(examples) // hyperparameters.batch_size)
    rate: Any = warmup_linear(hyperparameters.learn_rate, max(n_steps // 20, 1), n_steps + 1)
    sgd = EncoderAdam(rate)
    found: List[float] = []
    with ExitStack() as stack:
        upstream = extractor._upstream
        if upstream is not None and upstream.name not in trained:
            stack.enter_context(extractor.fixed_upstream([]))
        if not hyperparameters.encoder:
            stack.enter_context(_fixed_encoders(extractor.model))
        for _ in range(hyperparameters.epochs):
            order = list(examples)
            rng.shuffle(order)
            losses: Dict[str, float] = {}
            for batch in minibatch(order, hyperparameters.batch_size):
                nlp.update(
                    batch, sgd=sgd, drop=hyperparameters.dropout, losses=losses, exclude=exclude
                )
                sgd.step_schedules()
            found.append(losses.get(extractor.name, 0.0))
    return found


@contextmanager
def remembering(extractor: RelationExtractor, weight: float) -> Iterator[None]:
    """Let a relation extractor learn what it says now, of labels that documents are not asked about.

    Args:
        extractor: the component.
        weight: see :attr:`.RehearsingPipe.distillation`.
    """
    extractor._rehearsal_model = deepcopy(extractor.model)
    extractor.distillation = weight
    try:
        yield
    finally:
        extractor._rehearsal_model = None
        extractor.distillation = 0.0


@contextmanager
def _fixed_encoders(model: Model[Any, Any]) -> Iterator[None]:
    """Let PyTorch modules inside of a model learn nothing."""
    shims: List[Any] = [shim for node in model.walk() for shim in node.shims]

    def drop_gradients(shim: Any) -> Any:
        def finish_update(optimizer: Any) -> None:
            for parameter in shim._model.parameters():
                parameter.grad = None

        return finish_update

    for shim in shims:
        shim.finish_update = drop_gradients(shim)
    try:
        yield
    finally:
        for shim in shims:
            del shim.finish_update


def score_labels(nlp: Language, references: Sequence[Doc], *, given: bool = False) -> LabelScores:
    """The strict scores of a pipeline on documents, which are asked about the labels they say alone.

    Args:
        nlp: the pipeline.
        references: annotated documents.
        given: whether it is given the annotated mentions.
    """
    extractor: Any = find_extractor(nlp)
    given = given or mentions_are_given(nlp, extractor.spans_key)
    examples, _ = predict_docs(
        nlp, references, gold_entities=given, gold_tokens=True, progress=iter
    )
    scores = LabelScores()
    symmetric = extractor.schema.symmetric_labels
    for eg in examples:
        counts = count_relations(eg, symmetric=symmetric, attr=extractor.attr)
        scores.update(counts.get("rel", LabelScores()))
    return scores


def compare_labels(
    before: LabelScores, after: LabelScores, old: Sequence[str], new: Sequence[str]
) -> List[LabelChange]:
    """What has changed of each label, of old and of new ones together if there are both, and of all.

    Args:
        before: scores before.
        after: scores after, on the same documents.
        old: labels of before.
        new: labels that were added.
    """
    groups = [(label, [label]) for label in (*old, *new)]
    if old and new:
        groups += [("old labels", list(old)), ("new labels", list(new))]
    groups.append(("all labels", [*old, *new]))
    found = []
    for name, labels in groups:
        counts = [
            sum((scores.counts.get(label, PRF()) for label in labels), PRF())
            for scores in (before, after)
        ]
        found.append(LabelChange(name, counts[1].tp + counts[1].fn, counts[0], counts[1]))
    return found


def choose_memory(
    docs: Sequence[Doc], labels: Sequence[str], per_label: int, seed: int, attr: str
) -> List[Doc]:
    """Documents that show each label a few times, rare labels first.

    Args:
        docs: annotated documents.
        labels: the labels.
        per_label: relations of each label, where there are as many.
        seed: seed of the order in which documents are looked at.
        attr: name of the extension attribute.
    """
    from ..annotations import get_relations

    counts = numpy.zeros((len(docs), len(labels)), dtype="int64")
    for i, doc in enumerate(docs):
        for rel in get_relations(doc, attr):
            if rel.label in labels:
                counts[i, labels.index(rel.label)] += 1
    order = numpy.random.default_rng(seed).permutation(len(docs))
    chosen: Dict[int, None] = {}
    kept = numpy.zeros(len(labels), dtype="int64")
    for column in numpy.argsort(counts.sum(axis=0), kind="stable"):
        for i in order:
            if kept[column] >= per_label:
                break
            if counts[i, column] and i not in chosen:
                chosen[int(i)] = None
                kept += counts[i]
    return [docs[i] for i in chosen]
