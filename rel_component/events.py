"""``doc._.events``: the events of a Doc, and other records of several roles, stored in the Doc itself.

They are kept as the relations are (see :mod:`rel_component.annotations`), one entry of
``doc.user_data`` per anchor, the trigger or else the first argument in the text, so that ``DocBin``,
``copy``, ``n_process``, ``Doc.from_docs`` and ``Span.as_doc`` carry them along::

    ("._.", "rel_component.events", anchor start, anchor end): ((label, score, id,
        ((role, start - anchor start, length, entity type, knowledge-base id), ...)), ...)

followed by the attributes, if there are any. The role of a trigger is empty. Offsets are characters.
Everything else that is stored is an int, a float or a string.
"""

from dataclasses import dataclass, field, replace
from typing import (
    Any,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from spacy.tokens import Doc, Span

from .documents import register_attribute, stored_keys
from .errors import AnnotationError, shown
from .event_types import MAX_ARGUMENTS, EventSchema
from .mentions import TypedKey, typed_key
from .relation_forms import check_score, describe, score_rank
from .types import span_to_json

EVENTS_ATTR = "events"

_STORED = "rel_component.events"


class EventArgument(NamedTuple):
    """What fills a role of an event.

    Attributes:
        role: name of the role.
        span: the mention.
    """

    role: str
    span: Span


@dataclass(frozen=True)
class Event:
    """An event, or another record: a label, and mentions in roles.

    Attributes:
        label: type of the event.
        arguments: the mentions and their roles, in any order; a role may have several.
        trigger: the mention that stands for the event; None: none does.
        score: probability in [0, 1]; 1.0 if annotated, None: not known.
        id: name of the event in its document; empty: it has none.
        attributes: anything else that an annotation format says of the event, as JSON data.
    """

    label: str
    arguments: Tuple[EventArgument, ...]
    trigger: Optional[Span] = None
    score: Optional[float] = 1.0
    id: str = ""
    attributes: Dict[str, Any] = field(default_factory=dict, hash=False)

    def of(self, role: str) -> List[Span]:
        """The mentions of a role."""
        return [span for name, span in self.arguments if name == role]

    @property
    def parts(self) -> List[EventArgument]:
        """The trigger, if there is one, whose role is empty, and all arguments."""
        trigger = [] if self.trigger is None else [EventArgument("", self.trigger)]
        return [*trigger, *self.arguments]

    @property
    def spans(self) -> List[Span]:
        """The trigger, if there is one, and the mentions of all arguments."""
        return [part.span for part in self.parts]

    def to_json(self) -> Dict[str, Any]:
        """Plain data, which can be assigned to ``doc._.events``; mentions as those of relations."""
        data: Dict[str, Any] = {"id": self.id} if self.id else {}
        data["label"] = self.label
        if self.trigger is not None:
            data["trigger"] = span_to_json(self.trigger)
        data["arguments"] = [{"role": role, **span_to_json(span)} for role, span in self.arguments]
        more = {"attributes": self.attributes} if self.attributes else {}
        return {**data, "score": self.score, **more}

    def __str__(self) -> str:
        parts = [f"{role}: {span.text}" for role, span in self.arguments]
        trigger = f" [{self.trigger.text}]" if self.trigger is not None else ""
        return f"{self.label}{trigger}({', '.join(parts)})"


EventKey = Tuple[Optional[TypedKey], str, FrozenSet[Tuple[str, TypedKey]]]
"""Trigger, label, and role and mention of each argument: comparable between tokenisations."""


def event_key(event: Event) -> EventKey:
    """The identity of an event: events with equal keys are one."""
    trigger = None if event.trigger is None else typed_key(event.trigger)
    return trigger, event.label, frozenset((role, typed_key(s)) for role, s in event.arguments)


def canonical_event(event: Event, schema: Optional[EventSchema]) -> Event:
    """The event with one role for those that can be exchanged, to be compared with others.

    Args:
        event: the event.
        schema: says which roles these are; None: none can.
    """
    kind = None if schema is None else schema.get(event.label)
    if kind is None or not kind.symmetric:
        return event
    arguments = [arg._replace(role=kind.canonical(arg.role)) for arg in event.arguments]
    return replace(event, arguments=tuple(arguments))


def get_events(doc: Doc) -> Tuple[Event, ...]:
    """The events of a Doc, in document order.

    Args:
        doc: the Doc.

    Raises:
        AnnotationError: if the user data of the Doc has something else in place of events.
    """
    found: List[Event] = []
    data: Dict[Any, Any] = doc.user_data
    for key in stored_keys(doc, _STORED):
        rows = data[key]
        try:
            events = [_from_row(doc, key[2], *row) for row in rows]
        except (LookupError, OverflowError, TypeError, ValueError) as err:
            raise AnnotationError(
                f"{describe(doc)}: doc.user_data[{shown(key)}] holds no events as this package writes "
                f"them, but {shown(rows)}: {err}. Delete the entry, and assign to doc._.{EVENTS_ATTR}."
            ) from None
        found += [event for event in events if event is not None]
    return tuple(sorted(found, key=_place))


def set_events(doc: Doc, events: Iterable[Union[Event, Mapping[str, Any]]]) -> None:
    """Replace the events of a Doc.

    Args:
        doc: the Doc to change.
        events: :class:`Event` objects, or dicts as :meth:`Event.to_json` gives them. Of equal events
            the one with the highest score stays.

    Raises:
        AnnotationError: if a span belongs to another Doc or is empty, if an event has no mention or
            more than :data:`.MAX_ARGUMENTS`, or if a value has another form.
    """
    if isinstance(events, (str, Mapping)) or not isinstance(events, Iterable):
        raise AnnotationError(f"Cannot store {shown(events)}: expected a list of events.")
    best: Dict[EventKey, Event] = {}
    for item in events:
        event = _checked(doc, item)
        key = event_key(event)
        if key not in best or score_rank(event.score) > score_rank(best[key].score):
            best[key] = event
    stored: Dict[Tuple[int, int], List[Tuple[Any, ...]]] = {}
    for event in best.values():
        anchor = _anchor(event)
        rows = tuple(
            (role, s.start_char - anchor.start_char, len(s.text), s.label_, s.kb_id_)
            for role, s in dict.fromkeys(event.parts)
        )
        more = (event.attributes,) if event.attributes else ()
        score = None if event.score is None else float(event.score)
        row = (event.label, score, event.id, rows, *more)
        stored.setdefault((anchor.start_char, anchor.end_char), []).append(row)
    data: Dict[Any, Any] = doc.user_data
    for known in stored_keys(doc, _STORED):
        del data[known]
    for (start, end), values in stored.items():
        data[("._.", _STORED, start, end)] = tuple(values)


def has_events(doc: Doc) -> bool:
    """Whether a Doc has events, without reading them."""
    return bool(stored_keys(doc, _STORED))


def install_events(attr: str = EVENTS_ATTR) -> None:
    """Register the extension attribute ``doc._.<attr>``.

    The events of a Doc are in one place, which all names lead to, and whatever reads events reads.

    Args:
        attr: name of the attribute.

    Raises:
        ExtensionConflict: if another package has registered it.
    """
    register_attribute(
        attr,
        get_events,
        set_events,
        "Choose another name for the events: "
        'nlp.add_pipe("event_extractor", config={"attr": "records"}).',
    )


def _anchor(event: Event) -> Span:
    return event.trigger if event.trigger is not None else min(event.spans, key=typed_key)


def _place(event: Event) -> Tuple[Any, ...]:
    return (typed_key(_anchor(event)), event.label, [(s.start, s.end) for s in event.spans])


def _checked(doc: Doc, item: Any) -> Event:
    event = item
    if isinstance(item, Mapping):
        event = _from_json(doc, item)
    if not isinstance(event, Event):
        raise AnnotationError(
            f"Cannot store {shown(item)} as an event: expected an Event, or a dict as to_json gives it."
        )
    if not isinstance(event.label, str) or not event.label or not isinstance(event.id, str):
        raise AnnotationError(f"The label and the id of {shown(item)} have to be strings.")
    if not isinstance(event.arguments, (list, tuple)) or not all(
        isinstance(part, (list, tuple)) and len(part) == 2 and isinstance(part[0], str) and part[0]
        for part in event.arguments
    ):
        raise AnnotationError(
            f"The arguments of the event {shown(event.label)} are {shown(event.arguments)}: expected "
            "pairs of a role and a Span."
        )
    arguments = tuple(EventArgument(*part) for part in event.arguments)
    if not isinstance(event.attributes, dict):
        raise AnnotationError(f"The attributes of the event {shown(event.label)} are no dict.")
    event = replace(event, arguments=arguments)
    spans = [("trigger", event.trigger)] if event.trigger is not None else []
    for role, span in (*spans, *event.arguments):
        if not isinstance(span, Span) or span.doc is not doc or not len(span):
            raise AnnotationError(
                f"The {role:.60} of the event {shown(event.label)} is {shown(span)}: expected a Span of "
                "this Doc that has tokens."
            )
    if not 0 < len(event.spans) <= MAX_ARGUMENTS:
        raise AnnotationError(
            f"The event {shown(event.label)} has {len(event.spans)} mentions; expected 1 to "
            f"{MAX_ARGUMENTS}."
        )
    try:
        check_score(event.score)
    except ValueError as err:
        raise AnnotationError(f"Cannot store the event {shown(event.label)}: {err}.") from None
    return event


def _from_json(doc: Doc, item: Mapping[str, Any]) -> Event:
    def find(data: Any) -> Span:
        start, end = data["start_char"], data["end_char"]
        names = {"label": data.get("label", ""), "kb_id": data.get("kb_id", "")}
        span = doc.char_span(start, end, **names) if type(start) is type(end) is int else None
        if span is None:
            raise ValueError(f"{shown(data)} does not begin and end with a token of the text")
        return span

    try:
        trigger = item.get("trigger")
        arguments: Sequence[Any] = item["arguments"]
        if len(arguments) > MAX_ARGUMENTS:
            raise ValueError(f"{len(arguments)} arguments, and {MAX_ARGUMENTS} are the most")
        return Event(
            item["label"],
            tuple(EventArgument(part["role"], find(part)) for part in arguments),
            None if trigger is None else find(trigger),
            item.get("score", 1.0),
            item.get("id", ""),
            item.get("attributes", {}),
        )
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as err:
        raise AnnotationError(
            f"Cannot store {shown(item)} as an event: {type(err).__name__}: {err}."
        ) from None


def _from_row(
    doc: Doc, origin: Any, label: Any, score: Any, name: Any, parts: Any, attributes: Any = None
) -> Optional[Event]:
    """The event of a row; None if the Doc was cut from a longer one that had all mentions."""
    if not isinstance(label, str) or not isinstance(name, str) or not label:
        raise TypeError("labels and ids have to be strings")
    if not 0 < len(parts) <= MAX_ARGUMENTS + 1:
        raise ValueError(f"{len(parts)} mentions")
    if not isinstance(attributes or {}, dict):
        raise TypeError("attributes have to be a dict")
    check_score(score)
    spans: List[Tuple[str, Optional[Span]]] = []
    for role, offset, length, entity_type, kb_id in parts:
        if not all(isinstance(text, str) for text in (role, entity_type, kb_id)):
            raise TypeError("roles, types and ids have to be strings")
        if not all(type(number) is int for number in (origin, offset, length)) or length <= 0:
            raise TypeError("offsets have to be integers, and mentions have characters")
        start, end = origin + offset, origin + offset + length
        inside = len(doc) and start >= 0 and end <= doc[-1].idx + len(doc[-1])
        options: Dict[str, Any] = {"label": entity_type, "kb_id": kb_id}
        found = doc.char_span(start, end, alignment_mode="expand", **options) if inside else None
        spans.append((role, found))
    triggers = [span for role, span in spans if not role]
    if len(triggers) > 1:
        raise ValueError("two triggers")
    if any(span is None for _, span in spans):
        return None
    arguments = tuple(
        EventArgument(role, span) for role, span in spans if role and span is not None
    )
    return Event(label, arguments, triggers[0] if triggers else None, score, name, attributes or {})


if not Doc.has_extension(EVENTS_ATTR):  # one of a user stays; a component says so when it is made
    install_events()
