"""The component ``event_extractor``: events, and other records of several roles, from their pairs."""

from itertools import takewhile
from typing import Any, Callable, Dict, Iterable, List, Optional, Union

import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import get_relations, set_relations
from ..errors import ConfigError, shown
from ..evaluation.event_scores import EVENT_SCORE_WEIGHTS
from ..event_decoding import decode_events
from ..event_types import EventSchema
from ..events import EVENTS_ATTR, install_events, set_events
from ..pipelines import RelationComponent, relation_attr
from ..schema import RelationSchema
from ..types import ScorerFunction
from .saving import Parts, SavedPipe, loading

_OWN = "own"  # keys beside the saved schema
_READS = "relations_attr"


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
    see :mod:`rel_component.event_decoding`. The types of events are those of the schema of the last
    component before it that finds their pairs, also when that is given another schema, unless it has
    been given types of its own.

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
        self.relations_attr = relations_attr or relation_attr(nlp)
        self._is_automatic = relations_attr is None
        pipes: List[Any] = [pipe for _, pipe in nlp.pipeline]
        self._attrs = {pipe.attr for pipe in pipes if isinstance(pipe, RelationComponent)}
        self.events = EventSchema()
        self._has_own: Optional[bool] = False  # None: not known
        if event_schema is not None:
            self.set_schema(event_schema)
        self.follow(nlp)

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
        self.events = schema.events
        self._has_own = True

    def follow(self, nlp: Language) -> None:
        """Take the types of events of the component that finds their pairs, where it has some.

        Types of its own, of :meth:`set_schema` or the option `event_schema`, stay as they are. The
        attribute of the relations becomes that of the component, unless the option `relations_attr`
        names one.

        Args:
            nlp: the pipeline.
        """
        sources = self._sources(nlp)
        if sources and self._is_automatic:
            self.relations_attr = sources[-1].attr
        sources = [each for each in sources if each.attr == self.relations_attr]
        if sources and not self._has_own:
            self.events = sources[-1].schema.events
            self._has_own = False

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
            nlp: the pipeline; see :meth:`follow`. Types that were saved by a version which did not say
                whether they are its own stay as they are.
            event_schema: the schema.

        Raises:
            ConfigError: if there are no types of events.
        """
        if event_schema is not None:
            self.set_schema(event_schema)
        if nlp is not None and not (self._has_own is None and self.events):
            self.follow(nlp)
        self._require_events()

    def __call__(self, doc: Doc) -> Doc:
        """Make the events of a document.

        Raises:
            ConfigError: if there are no types of events.
        """
        self._require_events()
        relations = list(get_relations(doc, self.relations_attr))
        events = decode_events(
            relations,
            self.events,
            threshold=self.threshold,
            one_label=self.one_label,
            one_role=self.one_role,
        )
        set_events(doc, events)
        if not self.keep_pairs:
            pairs = {pair.label for pair in self.events.pair_types()}
            others = [rel for rel in relations if rel.label not in pairs]
            if len(others) < len(relations):
                set_relations(doc, others, self.relations_attr)
        return doc

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        """Score predicted documents against the reference; see :func:`.score_events`."""
        if self.scorer is None:
            return {}
        return dict(self.scorer(examples, **{"schema": self.events, **kwargs}))

    def _sources(self, nlp: Language) -> List[RelationComponent]:
        """The components before this one that find pairs of events."""
        pipes: List[Any] = [pipe for _, pipe in nlp.pipeline]
        before = takewhile(lambda pipe: pipe is not self, pipes)
        return [
            pipe for pipe in before if isinstance(pipe, RelationComponent) and pipe.schema.events
        ]

    def _require_events(self) -> None:
        if not self.events:
            raise ConfigError(
                f"{self.name}: there are no types of events: put them under `events` into the schema of "
                "the relation extractor, or give event_schema"
            )

    def _dump(self) -> Parts:
        schema = RelationSchema(events=self.events.values())
        data = {**schema.to_dict(), _OWN: self._has_own, _READS: self.relations_attr}
        return {"schema": srsly.json_dumps(data, indent=2)}

    def _load(self, read: Callable[[str], Any], place: str, exclude: Iterable[str]) -> None:
        if "schema" not in exclude:
            with loading(f"{place}schema"):
                data = srsly.json_loads(read("schema"))
                own = data.pop(_OWN, None)  # which an earlier version did not save
                reads = str(data.pop(_READS, self.relations_attr))
                self.events = RelationSchema.from_dict(data).events
                self._has_own = (self._has_own or None) if own is None else bool(own)
                # extractors before it have no schema yet, but their attributes may be others now
                if self._is_automatic and (reads in self._attrs or not self._attrs):
                    self.relations_attr = reads
