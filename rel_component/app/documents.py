"""The documents of a page: what was found in them, and where it differs from what is annotated."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Any, DefaultDict, Dict, FrozenSet, Iterable, List, Optional, Sequence, Set, Tuple

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import get_relations
from ..converters.annotated import AnnotatedEvent, AnnotatedMention, AnnotatedRelation, MentionId
from ..converters.details import as_json
from ..converters.formats.jsonl import to_record
from ..converters.records import to_json
from ..documents import relation_key
from ..evaluation.mistakes import Mistake, Mistakes
from ..event_types import EventSchema
from ..events import Event, EventKey, canonical_event, event_key, get_events
from ..mentions import TypedKey, mention_spans, typed_key
from ..types import Relation
from .drawing import Drawing
from .options import RenderOptions

MISSED, RIGHT, SPURIOUS = "missed", "right", "spurious"


@dataclass(frozen=True)
class PageDocument:
    """A document of a page.

    Attributes:
        key: its name in saved reviews, which tells whether it is the same.
        drawing: its text, mentions and relations; what is only annotated comes last.
        statuses: ``right``, ``spurious`` or ``missed`` for each relation; empty if it was not compared.
        reasons: why a relation is wrong, and what the other document has; empty where it is right.
        missed: positions of the mentions that are only annotated.
        event_statuses: the same as `statuses` for each event.
    """

    key: str
    drawing: Drawing
    statuses: Tuple[str, ...] = ()
    reasons: Tuple[str, ...] = ()
    missed: FrozenSet[int] = frozenset()
    event_statuses: Tuple[str, ...] = ()

    def to_json(self) -> Dict[str, Any]:
        """What the script needs: the record as the package's own format has it, and more."""
        record = to_record(self.drawing.annotated)
        relations = record.pop("relations")
        return {
            "key": self.key,
            "title": self.drawing.title,
            "dir": self.drawing.direction,
            "record": record,
            "relations": relations,
            "events": self._shown_events(),
            "evidence": [self.drawing.evidence(rel) for rel in self.drawing.relations],
            "clusters": {str(i): number for i, number in self.drawing.clusters().items()},
            "statuses": self.statuses,
            "reasons": self.reasons,
            "missed": sorted(self.missed),
        }

    def _shown_events(self) -> List[Dict[str, Any]]:
        """The events with positions of their mentions."""
        places = self.drawing.places()
        events = self.drawing.annotated.events
        statuses = self.event_statuses or [""] * len(events)
        return [
            {
                "label": event.label,
                "trigger": None if event.trigger is None else places[event.trigger],
                "arguments": [(role, places[key]) for role, key in event.arguments],
                "score": None if status == MISSED else event.score,
                "status": status,
            }
            for event, status in zip(events, statuses)
        ]


def found_documents(docs: Iterable[Doc], options: RenderOptions) -> List[PageDocument]:
    """The documents of a page, as they are.

    Args:
        docs: documents with their relations.
        options: span group of the mentions, and attribute of the relations.
    """
    return shown_documents(
        Drawing.from_doc(doc, options, f"document {i}") for i, doc in enumerate(docs)
    )


def shown_documents(drawings: Iterable[Drawing]) -> List[PageDocument]:
    """The documents of a page, as they are drawn."""
    return _with_keys([PageDocument("", _titled(drawing, i)) for i, drawing in enumerate(drawings)])


def compared_documents(mistakes: Mistakes) -> List[PageDocument]:
    """The documents of a page, with what is right, spurious and missed in them.

    Args:
        mistakes: the mistakes of a pipeline.
    """
    options = RenderOptions(attr=mistakes.attr, spans_key=mistakes.spans_key)
    by_doc: DefaultDict[int, List[Mistake]] = defaultdict(list)
    for mistake in mistakes.mistakes:
        by_doc[mistake.doc].append(mistake)
    return _with_keys(
        [_compare(eg, by_doc[i], mistakes, options, i) for i, eg in enumerate(mistakes.examples)]
    )


def _compare(
    eg: Example,
    mistakes: Sequence[Mistake],
    all_mistakes: Mistakes,
    options: RenderOptions,
    number: int,
) -> PageDocument:
    symmetric = frozenset(all_mistakes.symmetric)
    spurious = {relation_key(m.relation, symmetric): m for m in mistakes if m.kind == SPURIOUS}
    missed = [m for m in mistakes if m.kind == MISSED]
    drawing = _titled(Drawing.from_doc(eg.predicted, options, f"document {number}"), number, eg)
    found = [
        spurious.get(relation_key(rel, symmetric))
        for rel in get_relations(eg.predicted, options.attr)
    ]
    statuses = [SPURIOUS if mistake else RIGHT for mistake in found] + [MISSED] * len(missed)
    reasons = [_reason(mistake) if mistake else "" for mistake in [*found, *missed]]
    mentions = MoreMentions(drawing.mentions, "G")
    for span in mention_spans(eg.reference, options.spans_key):
        mentions.add(typed_key(span))
    relations = [_related(mistake.relation, mentions) for mistake in missed]
    event_statuses, missed_events = _compare_events(eg, all_mistakes.event_types)
    annotated = replace(
        drawing.annotated,
        relations=[*drawing.relations, *relations],
        events=[*drawing.annotated.events, *(_taking_part(e, mentions) for e in missed_events)],
        mentions=mentions.all,
    )
    return PageDocument(
        "",
        replace(drawing, annotated=annotated),
        tuple(statuses),
        tuple(reasons),
        frozenset(range(len(drawing.mentions), len(mentions.all))),
        (*event_statuses, *[MISSED] * len(missed_events)),
    )


def _compare_events(
    eg: Example, event_types: Optional[EventSchema]
) -> Tuple[List[str], List[Event]]:
    """The status of each event that was found, and those that were missed."""

    def key(event: Event) -> EventKey:
        return event_key(canonical_event(event, event_types))

    found = [key(event) for event in get_events(eg.predicted)]
    gold = {key(event): event for event in get_events(eg.reference)}
    statuses = [RIGHT if one in gold else SPURIOUS for one in found]
    known = set(found)
    return statuses, [event for one, event in gold.items() if one not in known]


class MoreMentions:
    """The mentions of a document, and others after them, whose ids are a prefix and a number."""

    def __init__(self, mentions: Sequence[AnnotatedMention], prefix: str) -> None:
        self.all, self._prefix = list(mentions), prefix
        self._ids: Dict[TypedKey, MentionId] = {(m.start, m.end, m.label): m.id for m in mentions}
        self._used: Set[MentionId] = {m.id for m in mentions}

    def __contains__(self, key: TypedKey) -> bool:
        return key in self._ids

    def add(self, key: TypedKey) -> MentionId:
        """The id of a mention, which is added unless it is there."""
        if key not in self._ids:
            number = len(self.all) + 1
            while f"{self._prefix}{number}" in self._used:
                number += 1
            self._ids[key] = f"{self._prefix}{number}"
            self._used.add(self._ids[key])
            self.all.append(AnnotatedMention(self._ids[key], *key))
        return self._ids[key]


def _related(rel: Relation, mentions: MoreMentions) -> AnnotatedRelation:
    head, tail = mentions.add(typed_key(rel.head)), mentions.add(typed_key(rel.tail))
    return AnnotatedRelation(head, tail, rel.label)


def _taking_part(event: Event, mentions: MoreMentions) -> AnnotatedEvent:
    return AnnotatedEvent(
        event.label,
        tuple((role, mentions.add(typed_key(span))) for role, span in event.arguments),
        None if event.trigger is None else mentions.add(typed_key(event.trigger)),
        event.score,
        event.id or None,
        as_json(event.attributes),
    )


def _reason(mistake: Mistake) -> str:
    return mistake.reason + (f": {mistake.instead}" if mistake.instead else "")


def _titled(drawing: Drawing, number: int, eg: Any = None) -> Drawing:
    """The drawing with a title: that of the document, or of its annotation, or its number."""
    meta = {} if eg is None else eg.reference.user_data.get("meta") or {}
    return replace(drawing, title=drawing.title or str(meta.get("id", "")) or f"{number + 1}")


def _with_keys(documents: Sequence[PageDocument]) -> List[PageDocument]:
    """The documents with keys of their content alone, and of their number where it is the same."""
    seen: Counter[str] = Counter()
    keyed = []
    for document in documents:
        content = to_json([to_record(document.drawing.annotated), document.statuses])
        digest = hashlib.sha256(content.encode("utf8")).hexdigest()[:20]
        seen[digest] += 1
        keyed.append(replace(document, key=f"{digest}.{seen[digest]}"))
    return keyed
