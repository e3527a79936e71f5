"""What a person has decided about relations and events, and the annotations that follow."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, Tuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..converters.annotated import Annotated, AnnotatedEvent, AnnotatedMention, AnnotatedRelation
from ..converters.formats.jsonl import to_record
from ..converters.json_stream import parse_json
from ..converters.records import to_json, write_records
from ..errors import DataError, shown
from ..files import check_output, open_output
from ..types import NO_RELATION
from .documents import MISSED, MoreMentions, PageDocument

MAX_LABEL = 200
"""Characters of a type that a person may write."""

MAX_RELATIONS = 20_000
"""The most relations of a document, and the most mentions that a person may add to it."""

_MAX_STATE_SIZE = 1 << 30


State = Literal["open", "accepted", "rejected"]
"""What a person says of a relation or an event; ``open``: nothing."""


class Decision(BaseModel):
    """A relation, and what a person says of it.

    Attributes:
        origin: position among the relations of the document; None: the person has added it.
        head: position of its head among the mentions.
        tail: position of its tail.
        label: its type.
        state: what the person says of it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    origin: Optional[int] = Field(default=None, ge=0)
    head: int = Field(ge=0)
    tail: int = Field(ge=0)
    label: str = Field(min_length=1, max_length=100_000)
    state: State


class NewMention(BaseModel):
    """A mention that a person has added.

    Attributes:
        start: its first character.
        end: the character after its last one.
        label: its entity type.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    label: str = Field(min_length=1, max_length=100_000)


class Review(BaseModel):
    """The decisions about a document.

    Attributes:
        done: whether the person has finished with it.
        relations: its relations, in the order of the page.
        mentions: those that the person has added; their positions follow those of the document.
        events: what the person says of each event of the document; empty: nothing.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    done: bool
    relations: List[Decision] = Field(max_length=MAX_RELATIONS)
    mentions: List[NewMention] = Field(default_factory=list, max_length=MAX_RELATIONS)
    events: List[State] = Field(default_factory=list)

    @classmethod
    def read(cls, value: Any, document: PageDocument, place: str) -> "Review":
        """Check decisions that come from a page or a file.

        Args:
            value: the decisions.
            document: the document that they are about.
            place: where they come from, for messages.

        Raises:
            DataError: if they have another form, or do not fit the document.
        """
        try:
            review = cls.model_validate(value)
        except ValidationError as err:
            problem = err.errors()[0]
            field = ".".join(map(str, problem["loc"]))[:60]
            raise DataError(f"{field}: {problem['msg']}", place=place) from None
        mentions = with_added(document, review, place)
        known = document.drawing.relations
        origins = [rel.origin for rel in review.relations if rel.origin is not None]
        if len(set(origins)) < len(origins) or any(i >= len(known) for i in origins):
            raise DataError(f"origin: expected each of {len(known)} relations once", place=place)
        n_events = len(document.drawing.annotated.events)
        if len(review.events) not in (0, n_events):
            raise DataError(f"events: expected a state of each of {n_events} events", place=place)
        for rel in review.relations:
            if max(rel.head, rel.tail) >= len(mentions):
                raise DataError(f"head, tail: there are {len(mentions)} mentions", place=place)
            head, tail = mentions[rel.head], mentions[rel.tail]
            is_known = rel.origin is not None and known[rel.origin].label == rel.label
            if not is_known:
                check_label(rel.label, place)
            if rel.origin is None and (head.start, head.end) == (tail.start, tail.end):
                raise DataError("head and tail are the same mention", place=place)
        return review


def with_added(document: PageDocument, review: Review, place: str = "") -> List[AnnotatedMention]:
    """The mentions of a document, and after them those that a person has added.

    Args:
        document: the document.
        review: the decisions.
        place: where they come from, for messages.

    Raises:
        DataError: if an added mention is not in the text, or is there already.
    """
    mentions = MoreMentions(document.drawing.mentions, "N")
    length = len(document.drawing.text)
    for added in review.mentions:
        key = (added.start, added.end, added.label)
        if not added.start < added.end <= length or key in mentions:
            raise DataError(
                f"mentions: {shown(key)} is there already, or not in the text", place=place
            )
        check_label(added.label, place)
        mentions.add(key)
    return mentions.all


def check_label(label: str, place: str) -> None:
    """Make sure that a type that a person has written can be one.

    Raises:
        DataError: if it is blank, too long, or says that there is no relation.
    """
    if not label.strip() or len(label) > MAX_LABEL or label == NO_RELATION:
        raise DataError(
            f"label {shown(label)}: expected 1 to {MAX_LABEL} characters, and another name than "
            f"{NO_RELATION}",
            place=place,
        )
    try:
        label.encode("utf8")
    except UnicodeEncodeError:
        raise DataError(f"label {shown(label)}: half a surrogate pair", place=place) from None


def reviewed(document: PageDocument, review: Review) -> Annotated:
    """The annotations of a document that follow from the decisions about it.

    Relations and events that are rejected are left out, and so are annotated ones that the pipeline has
    missed unless they are accepted. What is accepted is certain; others keep their score.

    Args:
        document: the document.
        review: the decisions.
    """
    annotated = document.drawing.annotated
    mentions = with_added(document, review)
    relations, used = [], set()
    for rel in review.relations:
        status = (
            document.statuses[rel.origin] if document.statuses and rel.origin is not None else ""
        )
        if _is_left_out(rel.state, status):
            continue
        head, tail = mentions[rel.head].id, mentions[rel.tail].id
        used |= {rel.head, rel.tail}
        if rel.origin is None:
            relations.append(AnnotatedRelation(head, tail, rel.label))
            continue
        known = replace(annotated.relations[rel.origin], head=head, tail=tail, label=rel.label)
        relations.append(known if rel.state == "open" else replace(known, score=1.0))
    events = _reviewed_events(document, review)
    in_events = {key for event in events for key in event.mentions}
    kept = [
        m
        for i, m in enumerate(mentions)
        if i not in document.missed or i in used or m.id in in_events
    ]
    return replace(annotated, mentions=kept, relations=relations, events=events)


def _reviewed_events(document: PageDocument, review: Review) -> List[AnnotatedEvent]:
    events = document.drawing.annotated.events
    states = review.events or ["open"] * len(events)
    statuses = document.event_statuses or [""] * len(events)
    return [
        event if state == "open" else replace(event, score=1.0)
        for event, state, status in zip(events, states, statuses)
        if not _is_left_out(state, status)
    ]


def _is_left_out(state: State, status: str) -> bool:
    return state == "rejected" or (state == "open" and status == MISSED)


@dataclass
class ReviewStore:
    """The decisions about the documents of a page, in files.

    Args:
        documents: the documents.
        path: the file of the package's own format for the documents that are done. Beside it, its name
            with ``.state``, is a file of all decisions, which goes on where it was.

    Raises:
        DataError: if a file cannot be read or written, that of decisions is none, or documents are done
            that are not here.
    """

    documents: Sequence[PageDocument]
    path: Path

    def __post_init__(self) -> None:
        """Read what was decided before."""
        self._by_key = {document.key: document for document in self.documents}
        self._state = self.path.with_name(f"{self.path.name}.state")
        check_output(self.path)
        check_output(self._state)
        self.reviews: Dict[str, Review] = {}
        self._others: Dict[str, Any] = {}  # of documents that are not here
        for key, value in self._read().items():
            if key in self._by_key:
                place = f"{self._state}, document {key}"
                self.reviews[key] = Review.read(value, self._by_key[key], place)
            else:
                self._others[key] = value
        self._check_file()

    def _check_file(self) -> None:
        """Raise an error if the first decision would take documents away that are done."""
        if not self.path.is_file() or not self.path.stat().st_size:
            return
        if not self._state.exists():
            raise DataError(
                f"it is there, without the decisions of a review ({self._state.name}) that it could be "
                "written of again; name another file",
                place=str(self.path),
            )
        n_done = sum(
            isinstance(it, dict) and it.get("done") is True for it in self._others.values()
        )
        if n_done:
            raise DataError(
                f"{n_done} documents of it, which are done, are none of these documents or were "
                "predicted otherwise, and would be left out; name another file",
                place=str(self.path),
            )

    def _read(self) -> Dict[str, Any]:
        if not self._state.exists():
            return {}
        try:
            if self._state.stat().st_size > _MAX_STATE_SIZE:
                raise DataError("more than 1 GB", place=str(self._state))
            value = parse_json(self._state.read_text(encoding="utf8"))
        except (OSError, UnicodeDecodeError) as err:
            raise DataError(f"cannot be read: {err}", place=str(self._state)) from err
        except DataError as err:
            raise DataError(f"no decisions of a review: {err}", place=str(self._state)) from err
        if not isinstance(value, dict):
            raise DataError(
                f"expected decisions by document, got {shown(value)}", place=str(self._state)
            )
        return value

    def save(self, changes: Mapping[str, Any]) -> Dict[str, int]:
        """Take over decisions, and write both files; each is whole at any time.

        Args:
            changes: decisions by the key of their document.

        Returns:
            how many documents there are, and how many of them are ``done``.

        Raises:
            DataError: if there is no such document, or decisions do not fit; nothing is changed then.
        """
        checked: List[Tuple[str, Review]] = []
        for key, value in changes.items():
            if key not in self._by_key:
                raise DataError(f"no document {shown(key)}")
            checked.append((key, Review.read(value, self._by_key[key], f"document {key}")))
        self.reviews.update(checked)
        self.write()
        return self.counts()

    def counts(self) -> Dict[str, int]:
        """How many documents there are, and how many of them are ``done``."""
        n_done = sum(review.done for review in self.reviews.values())
        return {"documents": len(self.documents), "done": n_done}

    def write(self) -> None:
        """Write the decisions, and the documents that are done."""
        with open_output(self._state) as output:
            output.write(to_json({**self._others, **self.to_json()}))
        done = (
            (document, self.reviews[document.key])
            for document in self.documents
            if document.key in self.reviews and self.reviews[document.key].done
        )
        write_records((to_record(reviewed(*item)) for item in done), self.path)

    def to_json(self) -> Dict[str, Any]:
        """The decisions by document."""
        return {
            key: review.model_dump(
                exclude={name for name in ("mentions", "events") if not getattr(review, name)}
            )
            for key, review in self.reviews.items()
        }
