"""The component ``event_extractor``: events, and other records of several roles, from their pairs."""

from itertools import takewhile
from typing import Any, Callable, Dict, Iterable, List, Optional, Union

import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..errors import ConfigError, shown
from ..evaluation.event_scores import EVENT_SCORE_WEIGHTS
from ..event_decoding import decode_events
from ..event_types import EventSchema
from ..events import EVENTS_ATTR, get_events, install_events, set_events
from ..pipelines import RelationComponent, event_types
from ..schema import RelationSchema
from ..types import ScorerFunction
from .saving import Parts, SavedPipe, loading
from .weak_pipeline import WeakPipeline

_OWN = "own"  # key beside the saved schema


@Language.factory(
    "event_extractor",
    assigns=["doc._.events"],
    requires=["doc._.rel"],
    default_config={"scorer": {"@scorers": "rel_component.event_scorer.v1"}},
    default_score_weights=EVENT_SCORE_WEIGHTS,
)
class EventExtractor(SavedPipe, Pipe):
    """Makes events of the relations that are pairs of their roles, and writes them to ``doc._.events``.

    It comes after ``relation_extractor``, which learns and finds these pairs, and learns nothing itself;
    see :mod:`rel_component.event_decoding`. The types of events are those that the schema of the last
    component before it that finds their pairs has at that time, unless it has been given types of its
    own. Events of other types that a document has stay: another ``event_extractor`` may have made them.

    Args:
        nlp: the pipeline.
        name: name of the component in the pipeline.
        scorer: scores the component in ``nlp.evaluate``; None: no scores.
        threshold: the least score of an event, which is the geometric mean of the probabilities of its
            pairs, in [0, 1].
        one_label: whether the same mentions are one event of one type, for types that exclude each
            other; see :func:`.decode_events`.
        one_role: whether a mention has only one role in an event without trigger.
        keep_pairs: whether the pairs remain among the relations of the document.
        event_schema: the types of events, as a schema or a dict in the form of a schema file; None:
            those of the relation extractor.
        relations_attr: name of the extension attribute of the relations; None: that of the last
            component before it whose schema has events, or else of the first that finds relations.
        attr: name of the extension attribute of the events, if another package has taken
            ``doc._.events``.

    Raises:
        ConfigError: if an option is out of range.
        ExtensionConflict: if other code has registered ``doc._.<attr>``.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        *,
        scorer: Optional[ScorerFunction],
        threshold: float = 0.0,
        one_label: bool = False,
        one_role: bool = False,
        keep_pairs: bool = True,
        event_schema: Any = None,
        relations_attr: Optional[str] = None,
        attr: str = EVENTS_ATTR,
    ) -> None:
        install_events(attr)
        if not 0.0 <= threshold <= 1.0:
            raise ConfigError(f"{name}: threshold: {shown(threshold)} is no probability in [0, 1]")
        self.vocab = nlp.vocab
        self.name = name
        self.scorer = scorer
        self.threshold = threshold
        self.one_label = one_label
        self.one_role = one_role
        self.keep_pairs = keep_pairs
        self._attr = relations_attr
        self._pipeline = WeakPipeline(nlp)
        self._source: Optional[RelationComponent] = None
        self._events = EventSchema()
        self._has_own = False
        if event_schema is not None:
            self.set_schema(event_schema)
        self._find_source()

    @property
    def events(self) -> EventSchema:
        """The types of events."""
        source = self._find_source()
        if source is not None and source.schema.events and not self._has_own:
            self._events = source.schema.events
        return self._events

    @property
    def relations_attr(self) -> str:
        """Name of the extension attribute of the relations."""
        self._find_source()
        return self._known_attr

    @property
    def _known_attr(self) -> str:
        """That of the component that was found last."""
        return self._attr or (DEFAULT_ATTR if self._source is None else self._source.attr)

    def set_schema(self, schema: Union[RelationSchema, Dict[str, Any]]) -> None:
        """Make events of the types of another schema from now on.

        Args:
            schema: the schema, or a dict in the form of a schema file.

        Raises:
            SchemaError: if it is none.
            ConfigError: if it has no events.
        """
        if not isinstance(schema, RelationSchema):
            schema = RelationSchema.from_dict(schema, source="event_schema")
        if not schema.events:
            raise ConfigError(f'{self.name}: the schema has no types under "events"')
        self._events = schema.events
        self._has_own = True

    def initialize(
        self,
        get_examples: Optional[Callable[[], Iterable[Example]]] = None,
        *,
        nlp: Optional[Language] = None,
        event_schema: Optional[RelationSchema] = None,
    ) -> None:
        """Set the types of events.

        Args:
            get_examples: not used.
            nlp: the pipeline, where it is another one than the component was made for.
            event_schema: the schema; None: that of the relation extractor, or of :meth:`set_schema`.

        Raises:
            ConfigError: if there are no types of events.
        """
        if event_schema is not None:
            self.set_schema(event_schema)
        if nlp is not None:
            self._pipeline = WeakPipeline(nlp)
        self._require_events()

    def __call__(self, doc: Doc) -> Doc:
        """Make the events of a document.

        Raises:
            ConfigError: if there are no types of events.
        """
        types = self._require_events()
        attr = self._known_attr  # one search for each document
        relations = list(get_relations(doc, attr))
        events = decode_events(
            relations,
            types,
            threshold=self.threshold,
            one_label=self.one_label,
            one_role=self.one_role,
        )
        others = [event for event in get_events(doc) if event.label not in types]
        set_events(doc, [*others, *events])
        if not self.keep_pairs:
            pairs = {pair.label for pair in types.pair_types()}
            kept = [rel for rel in relations if rel.label not in pairs]
            if len(kept) < len(relations):
                set_relations(doc, kept, attr)
        return doc

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`.score_events`."""
        if self.scorer is None:
            return {}
        nlp = self._pipeline.get()
        others = {} if nlp is None else event_types(nlp)  # whose events the documents have too
        types = EventSchema({**others, **self.events}.values())
        return dict(self.scorer(examples, **{"schema": types, **kwargs}))

    def _find_source(self) -> Optional[RelationComponent]:
        """The component that finds the pairs; the last one known, if the pipeline is gone."""
        nlp = self._pipeline.get()
        pipes: List[Any] = [] if nlp is None else [pipe for _, pipe in nlp.pipeline]
        before = [
            pipe
            for pipe in takewhile(lambda pipe: pipe is not self, pipes)
            # each look at a protocol takes longer than all else
            if hasattr(pipe, "schema") and isinstance(pipe, RelationComponent)
            if self._attr in (None, pipe.attr)
        ]
        with_events = [pipe for pipe in before if pipe.schema.events]
        self._source = [*with_events[-1:], *before[:1], self._source][0]
        return self._source

    def _require_events(self) -> EventSchema:
        types = self.events
        if not types:
            raise ConfigError(
                f"{self.name}: there are no types of events: put them under `events` into the schema of "
                "the relation extractor, or give event_schema"
            )
        return types

    def _dump(self) -> Parts:
        schema = RelationSchema(events=self.events.values())
        data = {**schema.to_dict(), _OWN: self._has_own}
        return {"schema": srsly.json_dumps(data, indent=2)}

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        if "schema" not in exclude:
            with loading(f"{place}schema"):
                data = srsly.json_loads(read("schema"))
                own = data.pop(_OWN, True)  # which an earlier version did not save, or as None
                data.pop("relations_attr", None)  # which another one saved
                self._events = RelationSchema.from_dict(data).events
                self._has_own = own is not False
        self._find_source()  # while its pipeline is sure to be there
