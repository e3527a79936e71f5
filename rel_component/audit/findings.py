"""The results of checks: findings with their places, key figures and tables."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

from spacy.tokens import Span

from ..events import Event
from ..types import Relation
from .documents import AuditedDoc

Severity = Literal["error", "warning", "info"]
"""``error``: against the schema, or a score would be wrong; ``warning``: likely a mistake, look at
it; ``info``: a fact to know."""

SEVERITIES: Sequence[Severity] = ("error", "warning", "info")

Cell = Union[str, int, float, None]
"""A cell of a table; floats between 0 and 1 in a share column are shown as percentages."""

_CONTEXT = 25
_SHORT = 90


class Segment(NamedTuple):
    """A segment of a text.

    Attributes:
        text: the characters.
        role: ``head``, ``tail`` or ``mention``; empty for the text between mentions. The trigger of an
            event is a head, and its arguments are tails.
        entity_type: entity type of a mention; of an argument of an event, the name of its role.
    """

    text: str
    role: str = ""
    entity_type: str = ""


@dataclass(frozen=True, eq=False)
class Place:
    """The place of a finding.

    Attributes:
        doc: the document.
        head: the head of the relation or pair, or the mention, if the finding is about one.
        tail: the tail, if the finding is about a pair.
        label: the annotated label, empty if none.
        event: the event, if the finding is about one.
    """

    doc: AuditedDoc
    head: Optional[Span] = None
    tail: Optional[Span] = None
    label: str = ""
    event: Optional[Event] = None

    @classmethod
    def of(cls, doc: AuditedDoc, rel: Relation) -> "Place":
        """The place of an annotated relation."""
        return cls(doc, rel.head, rel.tail, rel.label)

    @classmethod
    def of_event(cls, doc: AuditedDoc, event: Event) -> "Place":
        """The place of an annotated event."""
        return cls(doc, label=event.label, event=event)

    @classmethod
    def first(cls, doc: AuditedDoc) -> "Place":
        """The place of the first relation of a document, or else event, or the whole document."""
        if doc.relations:
            return cls.of(doc, doc.relations[0])
        return cls.of_event(doc, doc.events[0]) if doc.events else cls(doc)

    def segments(self) -> List[Segment]:
        """The text around the place, or all of a short text, cut at its mentions."""
        doc, parts = self.doc.doc, self._parts()
        spans = [span for span, *_ in parts]
        start, end = 0, len(doc)
        if end > _SHORT:
            start = max(0, min((span.start for span in spans), default=0) - _CONTEXT)
            end = min(end, max((span.end for span in spans), default=_SHORT) + _CONTEXT)
        parts += [(span, "mention", span.label_) for span in self.doc.mentions]
        taken = [False] * len(doc)
        kept = {}
        for span, *shown in parts:
            if start <= span.start and span.end <= end and not any(taken[span.start : span.end]):
                taken[span.start : span.end] = [True] * len(span)
                kept[span.start] = (span, shown)
        segments = [Segment("… ")] if start else []
        at = start
        for span, shown in (kept[key] for key in sorted(kept)):
            segments.append(Segment(doc[at : span.start].text_with_ws))
            segments.append(Segment(span.text, *shown))
            segments.append(Segment(span[-1].whitespace_))
            at = span.end
        segments.append(Segment(doc[at:end].text_with_ws))
        segments += [Segment(" …")] if end < len(doc) else []
        return [segment for segment in segments if segment.text]

    def _parts(self) -> List[Tuple[Span, str, str]]:
        """The mentions that the finding is about, with what their segments are to have."""
        if self.event is None:
            ends = ((self.head, "head"), (self.tail, "tail"))
            return [(span, role, span.label_) for span, role in ends if span is not None]
        trigger = self.event.trigger
        triggers = [] if trigger is None else [(trigger, "head", "trigger")]
        return [*triggers, *((span, "tail", role) for role, span in self.event.arguments)]

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON; offsets are tokens."""
        data: Dict[str, Any] = {
            "split": self.doc.split.name,
            "doc": self.doc.index,
            "id": self.doc.id,
            "label": self.label,
        }
        for name, span in (("head", self.head), ("tail", self.tail)):
            if span is not None:
                data[name] = _span_json(span)
        if self.event is not None:
            if self.event.trigger is not None:
                data["trigger"] = _span_json(self.event.trigger)
            data["arguments"] = [
                {"role": role, **_span_json(span)} for role, span in self.event.arguments
            ]
        data["text"] = "".join(segment.text for segment in self.segments()).strip()
        return data


def _span_json(span: Span) -> Dict[str, Any]:
    return {"text": span.text, "label": span.label_, "start": span.start, "end": span.end}


@dataclass(frozen=True, eq=False)
class Finding:
    """A place in the corpus that may be wrong, or a fact to know.

    Attributes:
        severity: one of :data:`SEVERITIES`.
        message: a sentence that says what was found.
        places: the places in the corpus.
        rank: findings of one kind with higher ranks come first.
    """

    severity: Severity
    message: str
    places: Sequence[Place] = ()
    rank: float = 0.0

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "severity": self.severity,
            "message": self.message,
            "places": [place.to_json() for place in self.places],
        }


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: heading.
        header: names of the columns.
        rows: the cells.
        bars: columns that are also drawn as bars.
        shares: columns of shares in [0, 1].
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    bars: Sequence[int] = ()
    shares: Sequence[int] = ()

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON: title, header and rows."""
        return {
            "title": self.title,
            "header": list(self.header),
            "rows": [list(row) for row in self.rows],
        }


@dataclass(frozen=True)
class Group:
    """Findings of one kind.

    Attributes:
        title: name of the kind.
        findings: the findings with the highest ranks, which are shown.
        counts: number of findings by severity, those not shown included.
    """

    title: str
    findings: Sequence[Finding]
    counts: Dict[str, int]

    @property
    def total(self) -> int:
        """The number of findings, those not shown included."""
        return sum(self.counts.values())


@dataclass
class Section:
    """The results of a check.

    Attributes:
        name: short name, a key in JSON.
        title: heading.
        intro: what was checked, in a sentence or two.
        max_findings: the most findings of one kind to keep.
        figures: key figures by their names.
        tables: tables.
        groups: findings by kind.
    """

    name: str
    title: str
    intro: str
    max_findings: int
    figures: Dict[str, Cell] = field(default_factory=dict)
    tables: List[Table] = field(default_factory=list)
    groups: List[Group] = field(default_factory=list)

    def add(self, title: str, findings: Iterable[Finding]) -> None:
        """Add the findings of one kind, the worst first; without findings, nothing is added."""
        found = list(findings)
        if not found:
            return
        found.sort(key=lambda finding: (SEVERITIES.index(finding.severity), -finding.rank))
        counts = Counter(finding.severity for finding in found)
        by_severity: Dict[str, int] = {name: counts[name] for name in SEVERITIES if counts[name]}
        self.groups.append(Group(title, found[: self.max_findings], by_severity))

    def count(self, severity: Severity) -> int:
        """Number of findings of a severity, those not shown included."""
        return sum(group.counts.get(severity, 0) for group in self.groups)

    def to_json(self) -> Dict[str, Any]:
        """A dict for JSON."""
        return {
            "title": self.title,
            "figures": self.figures,
            "tables": [table.to_json() for table in self.tables],
            "findings": [
                {
                    "kind": group.title,
                    "total": group.total,
                    "shown": [finding.to_json() for finding in group.findings],
                }
                for group in self.groups
            ],
        }
