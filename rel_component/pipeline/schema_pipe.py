"""A component with labels and a schema, which can be exchanged after training."""

import math
import os
import warnings
from functools import partial
from threading import Lock
from typing import Any, Callable, Dict, Iterable, Optional, Sequence, Tuple, TypeVar

import numpy
from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import install_extension
from ..candidates import Candidates, PairModelT
from ..errors import ConfigError, SchemaError, listed, shown
from ..pipelines import (
    blank_pipeline,
    event_components,
    event_types,
    found_types,
    missing_types,
)
from ..probabilities import Temperature
from ..relation_types import RelationType
from ..schema import RelationSchema
from ..targets import Targets
from ..types import NO_RELATION, BoolArray
from .label_reading import LabelReader, SchemaLike, as_schema, reads_labels
from .model_checks import refuse_uninitialised, resize_outputs
from .rehearsal import RehearsingPipe
from .saving import Parts

T = TypeVar("T")

_CHANGE = Lock()  # of the labels; a component with a lock could not be pickled
if hasattr(os, "register_at_fork"):  # a fork waits for a change to end, and has the lock free
    os.register_at_fork(
        before=_CHANGE.acquire, after_in_parent=_CHANGE.release, after_in_child=_CHANGE.release
    )


class SchemaPipe(RehearsingPipe):
    """A trainable component whose outputs are the labels of a schema.

    Attributes:
        attr: name of the extension attribute that it writes relations to; another one than that of
            the options is saved.
        exclusive: whether a pair has at most one label, and NO_RELATION is one of the outputs.
        adaptive_threshold: whether the first output is a threshold for the others.
    """

    model: PairModelT
    exclusive: bool
    adaptive_threshold: bool
    _label_reader: LabelReader
    _attr_option: str
    _n_changes = 0  # of the labels

    @property
    def attr(self) -> str:
        """Name of the extension attribute of the relations."""
        return self._attr

    @attr.setter
    def attr(self, attr: str) -> None:
        install_extension(attr)
        self._attr = attr

    @property
    def schema(self) -> RelationSchema:
        """The relation types."""
        return self._schema

    @schema.setter
    def schema(self, schema: RelationSchema) -> None:
        self._schema = schema
        self.state["schema"] = schema.to_dict()

    @property
    def temperature(self) -> Optional[Temperature]:
        """What calibrates the probabilities, saved with the weights; None: nothing does."""
        return self._temperature

    @temperature.setter
    def temperature(self, temperature: Optional[Temperature]) -> None:
        self._temperature = temperature
        self.state.pop("temperature", None)
        if temperature is not None:
            self.state["temperature"] = temperature.to_dict()

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

    @property
    def outputs(self) -> Dict[str, Any]:
        """See :meth:`.CheckedPipe.outputs`."""
        return {"columns": list(self.output_labels), "exclusive": self.exclusive}

    @property
    def imitates(self) -> Tuple[bool, bool]:
        """See :meth:`.RehearsingPipe.imitates`."""
        return self.exclusive, self.adaptive_threshold

    def add_label(self, label: str) -> int:
        """Add a relation type, also to a model that is already trained.

        The new type has no constraints; what the model has learned so far stays as it is.

        Returns:
            1 if the label was added, 0 if it was there.
        """
        if label in self.schema:
            return 0
        self._extend(self.schema.add(label))
        return 1

    def add_types(self, types: Iterable[RelationType]) -> None:
        """Add relation types with their descriptions and constraints, also to a trained model.

        Args:
            types: the types; those whose labels are there already take the place of these.

        Raises:
            SchemaError: if they contradict each other, or the schema.
        """
        self._extend(self.schema.merge(RelationSchema(types)))

    def set_schema(self, schema: SchemaLike, *, offset: Optional[float] = None) -> None:
        """Ask about other relation types from now on, without training.

        That is for a model that reads what a schema says of its labels, as LabelPair. It warns of entity
        types of the schema that the pipeline does not find. Threads that use the pipeline meanwhile find
        relations of either schema, of one in each batch.

        Args:
            schema: a schema; its content as :meth:`.RelationSchema.to_dict` gives it; or descriptions,
                or mappings with the other keys of a relation type, by label. Events are asked about
                by their pairs, of which an ``event_extractor`` after it makes them, unless it has
                types of its own.
            offset: added to the log-odds of every label, since pairs are less like labels that no
                training had; saved, and used again for later schemas. None: that of the last time,
                at first 0.

        Raises:
            ConfigError: if the model has learned its labels, or is not initialised; if the offset is
                no finite number.
            SchemaError: if there is no label, or something is wrong with the schema; nothing is changed
                then.
        """
        refuse_uninitialised(self.model, self.name)
        if not reads_labels(self.model):
            raise ConfigError(
                f"{self.name}: the model {shown(self.model.name)} has learned its labels and reads no "
                "schema: use rel_component.LabelPair.v1, or train with the labels"
            )
        if offset is None:
            offset = self.state.get("label_offset", 0.0)
        if not math.isfinite(offset):
            raise ConfigError(f"{self.name}: offset must be a finite number, got {shown(offset)}")
        chosen = as_schema(schema, "set_schema").with_event_pairs()
        if not chosen:
            raise SchemaError("set_schema: there is no label in the schema")
        self._read_labels(chosen, offset)
        self.state["label_offset"] = float(offset)
        for label in self.labels:
            self.vocab.strings.add(label)
        if nlp := self._pipeline.get():
            self._warn_of_missing(nlp)

    def learn_upstream(self, docs: Sequence[Doc]) -> None:
        """See :meth:`.ListeningPipe.learn_upstream`."""
        super().learn_upstream(docs)
        listener = self._listener
        if reads_labels(self.model) and (listener is None or listener._backprop is not None):
            self._label_reader.check_training(self.model, self._upstream)

    def _warn_of_missing(self, nlp: Language) -> None:
        """Warn of entity types and events of the schema that the pipeline does not find or make."""
        found, made = found_types(nlp), event_types(nlp)
        if found is not None and (missing := missing_types(self.schema, found)):
            warnings.warn(
                f"{self.name}: the pipeline finds no entities of the types {listed(missing)}, so that "
                f"no relation has them; it finds {listed(sorted(found))}",
                stacklevel=3,
            )
        missing = [label for label in self.schema.events if label not in made]
        if missing and event_components(nlp):
            warnings.warn(
                f"{self.name}: the pipeline makes no events of the types {listed(missing)}: give the "
                f"schema to set_schema of event_extractor too, if it has types of its own, or put "
                f"{self.name} right before it",
                stacklevel=3,
            )

    def asked_labels(self, docs: Sequence[Doc], candidates: Candidates) -> Optional[BoolArray]:
        """The labels that each pair is asked about; None: all. *Shape:* ``(n_pairs, n_labels)``.

        Parts of a label that was split begin with the same output, so that types decide between them.
        """
        return self._without_other_parts(candidates.asked_labels(docs), docs, candidates)

    def _without_other_parts(
        self, asked: Optional[BoolArray], docs: Sequence[Doc], candidates: Candidates
    ) -> Optional[BoolArray]:
        """Of the labels that are asked about, those that are no part that types rule out."""
        groups = self.state.get("split")
        if not groups or not candidates.n_pairs:
            return asked
        table, head, tail = candidates.allowed_labels(docs[0].vocab.strings)
        possible = numpy.ones_like(table)
        for group in groups:
            columns = [self.labels.index(label) for label in group]
            possible[:, :, columns] = table[:, :, columns]
            possible[:, :, columns[0]] |= ~table[:, :, columns].any(
                axis=2
            )  # one is as the whole was
        found: BoolArray = possible[head, tail]
        return found if asked is None else asked & found

    def _unknown(
        self, targets: Targets, docs: Sequence[Doc], candidates: Candidates
    ) -> Tuple[Optional[BoolArray], Optional[BoolArray]]:
        """The labels that pairs are asked about, and the pairs of which an earlier state is asked."""
        asked, unknown = candidates.asked_labels(docs), None
        if self._teacher is not None and self.distillation and asked is not None:
            earlier = [label in self._teacher.columns for label in self.labels]
            unknown = ~numpy.all(asked[:, earlier], axis=1)
            if self.exclusive:  # who has a label has no other one
                positive = numpy.resize(targets.positive, len(asked))  # once more with consistency
                asked, unknown = asked | positive[:, None], unknown & ~positive
        return self._without_other_parts(asked, docs, candidates), unknown

    def _extend(self, schema: RelationSchema) -> None:
        """Take a schema whose further labels come last."""
        for label in schema:
            self.vocab.strings.add(label)
        if not self.model.has_dim("nO"):
            self.schema = schema
        elif reads_labels(self.model):
            self._read_labels(schema, self.model.get_ref("output_layer").attrs["offset"])
        else:
            self._change_labels(schema, partial(resize_outputs, self.model, self.name))

    def _read_labels(self, schema: RelationSchema, offset: float = 0.0) -> None:
        """Let a model that reads labels ask about those of a schema."""
        nlp = self._pipeline.get() or blank_pipeline(self.vocab.lang)
        vectors, shifts = self._label_reader.vectors(self.model, schema, self._upstream, nlp)

        def ask_about(n_outputs: int) -> None:
            self.model.attrs["set_labels"](self.model, vectors, n_outputs, offset, shifts)
            self.state.pop("split", None)

        self._change_labels(schema, ask_about)

    def _change_labels(self, schema: RelationSchema, change: Callable[[int], Any]) -> None:
        """Take a schema, and change the model to its number of outputs; one step for other threads."""
        with _CHANGE:
            self._n_changes += 1  # first, so that who computes with a part of the change notices
            change(len(schema.labels) + (self.exclusive or self.adaptive_threshold))
            self.schema = schema

    def _of_one_schema(self, compute: Callable[[], T]) -> T:
        """What a function computes, once more where another thread has changed the labels meanwhile."""
        while True:
            with _CHANGE:  # not in the middle of a change
                before = self._n_changes
            try:
                found = compute()
            except Exception:
                if before == self._n_changes:
                    raise
            else:
                if before == self._n_changes:
                    return found

    def _forget_weights(self) -> None:
        """Drop what belongs to the weights that the model had before it is initialised."""
        self.temperature = None
        self._teacher = None
        self._label_reader = LabelReader(self.name)
        self._forget_options()

    def _forget_options(self) -> None:
        """Drop what is saved with some weights alone."""
        for key in ("split", "label_offset"):
            self.state.pop(key, None)

    def _dump(self) -> Parts:
        self.state.pop("attr", None)
        if self.attr != self._attr_option:
            self.state["attr"] = {self._attr_option: self.attr}
        return super()._dump()

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        self._label_reader = LabelReader(self.name)  # with vectors of texts by another encoder
        if "model" not in exclude and reads_labels(self.model):
            # those of other labels, where none are saved
            self.model.get_ref("output_layer").attrs["shifts"] = None
        super()._load(read, place, exclude)

    def take_state(self, state: Dict[str, Any]) -> None:
        """See :meth:`.CheckedPipe.take_state`."""
        offset = state.get("label_offset", 0.0)
        if type(offset) is not float or not math.isfinite(offset):
            raise ConfigError(f"label_offset {shown(offset)}; expected a finite number")
        renamed = state.get("attr", {})  # of an option that may be another one now
        if not isinstance(renamed, dict) or not all(isinstance(x, str) for x in renamed.values()):
            raise ConfigError(f"attr {shown(renamed)}; expected a name by another one")
        saved = state.get("temperature")
        temperature = None if saved is None else Temperature.from_dict(saved)
        self._forget_options()
        super().take_state(state)
        self.attr = renamed.get(self.attr, self.attr)
        self.schema = RelationSchema.from_dict(state["schema"])
        groups = state.get("split", [])
        if not isinstance(groups, list) or not all(
            isinstance(group, list) and group and all(label in self.labels for label in group)
            for group in groups
        ):
            raise ConfigError(f"split {shown(groups)}; expected lists of labels of the schema")
        self.temperature = temperature
