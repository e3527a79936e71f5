"""A few steps of training on the examples that a schema gives of its labels."""

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations import set_relations
from ..converters.documents import read_references
from ..converters.report import Report
from ..errors import ConfigError, SchemaError
from ..evaluation.counts import LabelScores
from ..files import complete_folder
from ..mentions import mention_spans
from ..pipeline.label_reading import parse_example, reads_labels
from ..pipeline.relation_extractor import RelationExtractor
from ..pipelines import PipelineSource, load_pipeline, source_name
from ..relation_types import RelationType
from ..schema import RelationSchema
from .learning import (
    Hyperparameters,
    LabelChange,
    compare_labels,
    learn,
    prepare,
    remembering,
    require_known_events,
    require_trained,
    score_labels,
)
from .outputs import start_outputs

FEW_STEPS = Hyperparameters(epochs=5, learn_rate=5e-4, batch_size=4, encoder=False)


@dataclass
class FittedExamples:
    """What examples have taught a pipeline.

    Attributes:
        n_examples: their number by label.
        left_out: F1 by label on examples that were left out of both, with a pipeline that was told of
            the others by its schema alone, and one that has learned from them.
        dev: F1 by label on annotated documents, before and after; empty if there are none.
    """

    n_examples: Dict[str, int]
    left_out: List[LabelChange] = field(default_factory=list)
    dev: List[LabelChange] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "examples": self.n_examples,
            "left_out": [change.to_dict() for change in self.left_out],
            "dev": [change.to_dict() for change in self.dev],
        }


def fit_examples(
    pipeline: PipelineSource,
    schema: Union[RelationSchema, str, Path],
    output: Union[str, Path],
    *,
    dev: Optional[Union[str, Path]] = None,
    folds: int = 3,
    hyperparameters: Hyperparameters = FEW_STEPS,
) -> FittedExamples:
    """Train the relation extractor of a pipeline for a few steps on the examples of a schema.

    A model that reads labels is asked about those of the schema, as by ``set_schema``; another one gets
    those that it lacks as new labels. What is not an example is to stay as it was.

    Args:
        pipeline: a trained pipeline, its name or path; one that is given is changed.
        schema: a schema, or its file, with examples of some labels.
        output: folder for the new pipeline, new or empty.
        dev: annotated documents to measure on as well.
        folds: parts of the examples, of which each is left out once to measure on; 0: none is.
        hyperparameters: how it learns; by default no encoder learns. With ``encoder = True`` one of the
            extractor's own does, or its adapters.

    Raises:
        ConfigError: if the pipeline has no trained relation extractor, an option does not fit, or
            a model that does not read labels lacks the pairs of an event.
        SchemaError: if the schema has no examples, or one that does not mark head and tail.
        DataError: if documents cannot be read or written. Nothing is written then.
    """
    if folds < 0 or folds == 1:
        raise ConfigError(f"folds must be 0, or 2 and more, got {folds}")
    with complete_folder(output) as folder:
        nlp = load_pipeline(pipeline)
        extractor = require_trained(nlp)
        place = ""
        if not isinstance(schema, RelationSchema):
            place, schema = f"{schema}: ", RelationSchema.from_file(schema)
        docs = [] if dev is None else _read(nlp, extractor, dev)
        try:
            found = _fit_all(nlp, extractor, schema, docs, folds, hyperparameters)
        except SchemaError as err:
            raise SchemaError(f"{place}{err}") from err
        nlp.to_disk(folder)
    return found


def _fit_all(
    nlp: Language,
    extractor: RelationExtractor,
    schema: RelationSchema,
    docs: Sequence[Doc],
    folds: int,
    hyperparameters: Hyperparameters,
) -> FittedExamples:
    """Learn from the examples, first without each part of them, to measure on it; then from all."""
    counts = {label: len(kind.examples) for label, kind in schema.items() if kind.examples}
    if not counts:
        raise SchemaError(
            "no label of the schema has examples; give some under examples: of a label, with <head> "
            "and <tail> around the mentions"
        )
    found = FittedExamples(counts)
    if reads_labels(extractor.model):
        extractor.set_schema(schema)
    else:
        require_known_events(schema, extractor.labels, source_name(nlp))
    state = _State(extractor)
    scores = LabelScores(), LabelScores()
    for fold in range(min(folds, max(counts.values()))):
        kept, left_out = _split(schema, folds, fold)
        if not any(kind.examples for kind in left_out.values()) or not any(
            kind.examples for kind in kept.values()
        ):
            continue
        if reads_labels(extractor.model):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the whole schema has had the same
                extractor.set_schema(kept)
        _fit(nlp, extractor, kept, left_out, hyperparameters, scores)
        state.restore(extractor)
    found.left_out = compare_labels(*scores, [], list(counts)) if folds else []
    fitted = LabelScores(), LabelScores()
    _fit(nlp, extractor, schema, docs, hyperparameters, fitted)
    if docs:
        found.dev = compare_labels(*fitted, [], extractor.labels)
    return found


class _State:
    """The weights, labels and state of a relation extractor."""

    def __init__(self, extractor: RelationExtractor) -> None:
        self._data = extractor.to_bytes(exclude=["vocab"])
        self._n_outputs = extractor.model.get_dim("nO")

    def restore(self, extractor: RelationExtractor) -> None:
        if "move_outputs" in extractor.model.attrs and not reads_labels(extractor.model):
            extractor.model.attrs["move_outputs"](
                extractor.model, [[i] for i in range(self._n_outputs)]
            )
        extractor.from_bytes(self._data, exclude=["vocab"])


def _fit(
    nlp: Language,
    extractor: RelationExtractor,
    schema: RelationSchema,
    measured: Union[RelationSchema, Sequence[Doc]],
    hyperparameters: Hyperparameters,
    scores: Sequence[LabelScores],
) -> None:
    """Learn from the examples of a schema, and add up scores on others, or on documents."""
    started: List[RelationType] = []
    if not reads_labels(extractor.model):
        started = [kind for label, kind in schema.items() if label not in extractor.labels]
    learned = example_docs(nlp, schema)  # an error leaves the labels as they were
    docs = example_docs(nlp, measured) if isinstance(measured, RelationSchema) else list(measured)
    given = isinstance(measured, RelationSchema)
    if docs:
        scores[0].update(score_labels(nlp, docs, given=given))
    with remembering(extractor, 1.0):
        extractor.add_types(started)
        asked = [label for label, kind in schema.items() if kind.examples]
        examples = prepare(nlp, learned, asked, given=True)
        if started:
            start_outputs(extractor, examples, [kind.label for kind in started])
        learn(nlp, examples, hyperparameters)
    if docs:
        scores[1].update(score_labels(nlp, docs, given=given))


def example_docs(nlp: Language, schema: RelationSchema) -> List[Doc]:
    """The examples of a schema as annotated documents, with one relation each.

    A mention has the type that the pipeline finds for these tokens, or else the first that the schema
    names.

    Args:
        nlp: the pipeline.
        schema: the schema.

    Raises:
        SchemaError: if an example does not mark one head and one tail.
    """
    extractor: Any = require_trained(nlp)
    with nlp.select_pipes(disable=[extractor.name]):
        marked = [
            (kind, parse_example(kind, text)) for kind in schema.values() for text in kind.examples
        ]
        docs = list(nlp.pipe([text.text for _, text in marked]))
    found = []
    for doc, (kind, text) in zip(docs, marked):
        known = {
            (span.start, span.end): span.label_ for span in mention_spans(doc, extractor.spans_key)
        }
        ends: List[Span] = []
        for place, types in ((text.head, kind.head), (text.tail, kind.tail)):
            span = doc.char_span(*place, alignment_mode="expand")
            if span is None or any(span.start < end.end and end.start < span.end for end in ends):
                raise SchemaError(f"{text.place}: head and tail are the same token, or none")
            first = types[0] if types else "ENTITY"
            label = known.get((span.start, span.end), "")
            if types and label not in types:
                label = first
            ends.append(Span(doc, span.start, span.end, label=label or first))
        if extractor.spans_key is None:
            doc.set_ents(sorted(ends, key=lambda end: end.start))
        else:
            doc.spans[extractor.spans_key] = ends
        set_relations(doc, [(ends[0], kind.label, ends[1])], extractor.attr)
        found.append(doc)
    return found


def _split(schema: RelationSchema, folds: int, fold: int) -> List[RelationSchema]:
    """The schema without every such example of each label, and with these alone."""
    different = [(kind, list(dict.fromkeys(kind.examples))) for kind in schema.values()]
    found = []
    for is_left_out in (False, True):
        kinds = [
            replace(
                kind,
                examples=tuple(
                    text
                    for i, text in enumerate(texts)
                    if (i % folds == fold and len(texts) > 1) == is_left_out
                ),
            )
            for kind, texts in different
        ]
        found.append(RelationSchema(kinds, schema.events.values()))
    return found


def _read(nlp: Language, extractor: RelationExtractor, path: Union[str, Path]) -> List[Doc]:
    return read_references(path, nlp, Report(), spans_key=extractor.spans_key)
