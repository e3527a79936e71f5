"""New labels for a trained pipeline, which does not forget those that it has."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import clear_relations, get_relations
from ..converters.documents import read_references
from ..converters.report import Report
from ..documents import ask_only, asked_labels
from ..errors import ConfigError, DataError, listed
from ..files import complete_folder
from ..inference.texts import read_texts
from ..pipeline.label_reading import reads_labels
from ..pipeline.relation_extractor import RelationExtractor
from ..pipelines import PipelineSource, load_pipeline, mentions_are_given, mentions_key, source_name
from ..relation_types import RelationType
from ..schema import RelationSchema
from .learning import (
    Hyperparameters,
    LabelChange,
    choose_memory,
    compare_labels,
    learn,
    prepare,
    remembering,
    require_known_events,
    require_trained,
    score_labels,
)
from .outputs import start_outputs

_EVERY = 5  # without other documents, one of so many is kept to measure on


@dataclass
class AddedLabels:
    """What a pipeline has learned, and what it has forgotten.

    Attributes:
        labels: the new labels.
        started: those whose outputs started at their examples or descriptions.
        not_shown: those of which no document that it learned from has a relation.
        changes: F1 by label before and after.
        losses: the loss in each epoch.
        n_docs: number of new documents, of remembered ones and of texts that it learned from, and of
            those that were measured on.
        measured_on: where these are from.
    """

    labels: List[str]
    started: List[str]
    not_shown: List[str] = field(default_factory=list)
    changes: List[LabelChange] = field(default_factory=list)
    losses: List[float] = field(default_factory=list)
    n_docs: Dict[str, int] = field(default_factory=dict)
    measured_on: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "labels": self.labels,
            "started": self.started,
            "not_shown": self.not_shown,
            "changes": [change.to_dict() for change in self.changes],
            "losses": self.losses,
            "documents": self.n_docs,
            "measured_on": self.measured_on,
        }


def add_labels(
    pipeline: PipelineSource,
    schema: Union[RelationSchema, str, Path],
    new: Union[str, Path],
    output: Union[str, Path],
    *,
    memory: Optional[Union[str, Path]] = None,
    per_label: int = 10,
    rehearse: Optional[Union[str, Path]] = None,
    dev: Optional[Union[str, Path]] = None,
    complete: bool = False,
    distillation: float = 1.0,
    hyperparameters: Optional[Hyperparameters] = None,
) -> AddedLabels:
    """Teach a trained pipeline more labels, and let it say of the others what it said before.

    The new documents are annotated with the new labels, and what they show of old ones is taken from the
    pipeline as it was; remembered documents say nothing of the new labels. Labels that a document itself
    is asked about (``documents.ask_only``) come before that.

    Args:
        pipeline: a trained pipeline, its name or path; one that is given is changed.
        schema: a schema, or its file, whose labels that the pipeline lacks are added.
        new: annotated documents, of any format, that show the new labels.
        output: folder for the new pipeline, new or empty.
        memory: annotated documents of the earlier training.
        per_label: relations of each old label that are remembered of these; 0: all documents.
        rehearse: texts without annotation that old labels are rehearsed on; see
            :func:`~rel_component.read_texts`.
        dev: annotated documents to measure on. None: every fifth document of `new` and of what is
            remembered, from which nothing is learned then, but none that alone shows a label.
        complete: whether the new documents are annotated with all labels.
        distillation: weight of what the pipeline said before; 0: it may forget.
        hyperparameters: how it learns; None: with the defaults.

    Raises:
        ConfigError: if the pipeline has no trained relation extractor, if the schema has no new label or
            an event whose pairs the pipeline lacks, or if an option does not fit.
        SchemaError: if the schema is none.
        DataError: if documents cannot be read, or none shows a new label. Nothing is written then.
    """
    if per_label < 0 or not 0 <= distillation < inf:
        raise ConfigError(
            f"per_label and distillation must be numbers of 0 or more, got {per_label}, {distillation}"
        )
    hyperparameters = hyperparameters or Hyperparameters()
    with complete_folder(output) as folder:
        nlp = load_pipeline(pipeline)
        extractor = require_trained(nlp)
        if not isinstance(schema, RelationSchema):
            schema = RelationSchema.from_file(schema)
        old = extractor.labels
        added = _lacking(schema, old, source_name(nlp))
        names = [kind.label for kind in added]
        taught = _read(nlp, extractor, new, names, None if complete else names)
        remembered = [] if memory is None else _read(nlp, extractor, memory, old, old)
        if per_label and remembered:
            remembered = choose_memory(
                remembered, old, per_label, hyperparameters.seed, extractor.attr
            )
        held_out, taught, remembered, place = _hold_out(
            nlp, extractor, dev, taught, remembered, [*old, *names]
        )
        texts = [] if rehearse is None else _predicted(nlp, rehearse)
        before = score_labels(nlp, held_out)
        with remembering(extractor, distillation):
            extractor.add_types(added)
            examples = prepare(nlp, taught, None if complete else names)
            if reads_labels(extractor.model):
                started = names
            else:
                started = start_outputs(extractor, examples, names)
            examples += prepare(nlp, remembered, old)
            examples += prepare(nlp, texts, [], given=True)
            losses = learn(nlp, examples, hyperparameters)
        after = score_labels(nlp, held_out)
        nlp.to_disk(folder)
    counts = {"new": len(taught), "remembered": len(remembered), "texts": len(texts)}
    changes = compare_labels(before, after, old, names)
    counts["measured"] = len(held_out)
    shown = {rel.label for doc in taught for rel in get_relations(doc, extractor.attr)}
    not_shown = [label for label in names if label not in shown]
    return AddedLabels(names, started, not_shown, changes, losses, counts, place)


def _lacking(schema: RelationSchema, known: Sequence[str], pipeline: str) -> List[RelationType]:
    """The relation types of a schema that a pipeline lacks; pairs of events have to be known to it."""
    require_known_events(schema, known, pipeline)
    added = [kind for label, kind in schema.items() if label not in known]
    if not added:
        raise ConfigError(f"{pipeline} has all labels of the schema: {listed(known)}")
    return added


def _read(
    nlp: Language,
    extractor: RelationExtractor,
    path: Union[str, Path],
    labels: Sequence[str],
    asked: Optional[Sequence[str]],
) -> List[Doc]:
    """Documents, of which some show the labels, that say what they are annotated with."""
    docs = read_references(path, nlp, Report(), spans_key=extractor.spans_key)
    found = {rel.label for doc in docs for rel in get_relations(doc, extractor.attr)}
    if not found & set(labels):
        raise DataError(
            f"no document shows one of the labels {listed(labels)}; there are: {listed(sorted(found))}",
            place=str(path),
        )
    for doc in docs:
        if asked is not None and asked_labels(doc) is None:
            ask_only(doc, asked)
    return docs


def _hold_out(
    nlp: Language,
    extractor: RelationExtractor,
    dev: Optional[Union[str, Path]],
    taught: List[Doc],
    remembered: List[Doc],
    labels: Sequence[str],
) -> Tuple[List[Doc], List[Doc], List[Doc], str]:
    """Documents to measure on, those to learn from, and where the former are from."""
    if dev is not None:
        return _read(nlp, extractor, dev, labels, None), taught, remembered, str(dev)
    if len(taught) < _EVERY:
        return [], taught, remembered, ""
    parts = [_every_fifth(docs, extractor.attr) for docs in (taught, remembered)]
    held_out = [*parts[0][0], *parts[1][0]]
    place = "every fifth document, from which nothing was learned" if held_out else ""
    return held_out, parts[0][1], parts[1][1], place


def _every_fifth(docs: Sequence[Doc], attr: str) -> Tuple[List[Doc], List[Doc]]:
    """Every fifth document but those that alone show a label, and all others."""
    shown = [{rel.label for rel in get_relations(doc, attr)} for doc in docs]
    left = Counter(label for labels in shown for label in labels)
    parts: Tuple[List[Doc], List[Doc]] = ([], [])
    for i, (doc, labels) in enumerate(zip(docs, shown)):
        is_held_out = i % _EVERY == 0 and all(left[label] > 1 for label in labels)
        if is_held_out:
            left.subtract(labels)
        parts[not is_held_out].append(doc)
    return parts


def _predicted(nlp: Language, path: Union[str, Path], limit: int = 10_000) -> List[Doc]:
    """Texts as the pipeline sees them, with the mentions that it finds."""
    if mentions_are_given(nlp, mentions_key(nlp)):
        raise ConfigError(
            f"{source_name(nlp)} finds no mentions, so that texts have nothing to rehearse on: give "
            "annotated documents as the memory in their place"
        )
    texts = (text for text, _ in read_texts(path, max_length=nlp.max_length))
    docs = list(nlp.pipe(islice(texts, limit)))
    for doc in docs:
        clear_relations(doc, require_trained(nlp).attr)  # they are what is rehearsed
    return docs
