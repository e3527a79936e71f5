"""The relations of one document as facts of a graph: who is related to whom, and which words say so."""

import re
from bisect import bisect_right
from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from ..converters.annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
    MentionId,
    in_characters,
)
from ..event_types import read_pair_label
from ..types import MODALITIES, shown_polarity
from .names import EVENT_PREFIX, KnownNames, NamedEntity, find_entity, writable
from .types import number_of

MAX_TEXT, _AROUND = (
    2000,
    300,
)  # characters of an evidence, and those around a mention if it has more
GAP = " ... "

_SENTENCE_END = re.compile(
    r"(?<=[.!?])[\"')\]\u201d\u2019]*\s+|(?<=[\u3002\uff01\uff1f\u0964])|\n\s*"
)


class Fact(NamedTuple):
    """A relation of a document.

    Attributes:
        head: the entity that it goes from.
        label: relation type.
        tail: the entity that it goes to.
        score: probability; None: not known.
        text: the sentences that show it.
        head_span: start and end of the mention of the head, characters of the document.
        tail_span: start and end of that of the tail.
        head_at: where the mention of the head begins in `text`.
        tail_at: where that of the tail begins.
    """

    head: NamedEntity
    label: str
    tail: NamedEntity
    score: Optional[float]
    text: str
    head_span: Tuple[int, int]
    tail_span: Tuple[int, int]
    head_at: int
    tail_at: int


def read_facts(
    annotated: Annotated,
    known: KnownNames,
    *,
    min_score: Optional[float] = None,
    name: str = "",
) -> Iterator[Fact]:
    """The relations and events that a document asserts, one after the other; see :func:`is_fact`.

    An event is an entity of its own, from which facts with the roles as labels lead to what fills them;
    they stand for the relations that are pairs of its roles, or go from its trigger to their fillers.

    Args:
        annotated: the document, with valid annotations.
        known: names of entities of many documents.
        min_score: the least score; relations whose score is not known are left out too. None: all.
        name: stands for the document and its text, for its events and what has no name.
    """
    annotated = in_characters(annotated)
    text, mentions = annotated.text or "", {m.id: m for m in annotated.mentions}
    clusters = {key: cluster for cluster in annotated.clusters for key in cluster}
    entities: Dict[MentionId, NamedEntity] = {}
    starts: Optional[List[int]] = None

    def entity(key: MentionId) -> NamedEntity:
        if key not in entities:
            members = [mentions[member] for member in clusters.get(key, [key])]
            entities[key] = find_entity(members, mentions[key], text, known, name)
        return entities[key]

    def passes(score: Optional[float]) -> bool:
        return min_score is None or (score is not None and score >= min_score)

    labels = {event.label for event in annotated.events}
    arms = {(e.trigger, role, key) for e in annotated.events for role, key in e.arguments}
    for relation in filter(is_fact, annotated.relations):
        if not passes(relation.score) or _is_pair(relation, labels):
            continue
        if (relation.head, relation.label, relation.tail) in arms:
            continue
        if starts is None:
            starts = _starts(annotated, text)
        spans = [mentions[key] for key in (relation.head, relation.tail)]
        shown, places = _shown(text, starts, spans, relation.evidence)
        yield Fact(
            entity(relation.head),
            writable(relation.label),
            entity(relation.tail),
            relation.score,
            writable(shown),
            (spans[0].start, spans[0].end),
            (spans[1].start, spans[1].end),
            *places,
        )
    for event in annotated.events:
        if passes(event.score) and is_fact(event):
            starts = _starts(annotated, text) if starts is None else starts
            node = _event_node(event, name, text, mentions)
            yield from _event_facts(event, node, entity, text, starts, mentions)


def _is_pair(relation: AnnotatedRelation, labels: Set[str]) -> bool:
    """Whether a relation is a pair of the roles of an event, whose own facts stand for it."""
    parts = read_pair_label(relation.label) if labels else None
    return parts is not None and parts[0] in labels


def _event_node(
    event: AnnotatedEvent, document: str, text: str, mentions: Mapping[MentionId, AnnotatedMention]
) -> NamedEntity:
    """The node of an event, which is the same one wherever the document is read."""
    words = [text[mentions[key].start : mentions[key].end] for key in event.mentions]
    label = writable(event.label)
    name = f"{label}: {words[0] if event.trigger is not None else ', '.join(words[:3])}"
    filled = [
        (role, mentions[key])
        for role, key in (("", event.trigger), *event.arguments)
        if key is not None
    ]
    number = number_of(event.label, *((role, m.start, m.end) for role, m in filled))
    key = f"{EVENT_PREFIX}{writable(document)}:{number}"
    return NamedEntity(key, "", [(writable(name), label)])


def _event_facts(
    event: AnnotatedEvent,
    node: NamedEntity,
    entity: Callable[[MentionId], NamedEntity],
    text: str,
    starts: List[int],
    mentions: Mapping[MentionId, AnnotatedMention],
) -> Iterator[Fact]:
    """A fact for each argument; the event is where its trigger is, or else its first mention."""
    anchor = mentions[event.mentions[0]]
    for role, key in event.arguments:
        spans = [anchor, mentions[key]]
        shown, places = _shown(text, starts, spans, ())
        yield Fact(
            node,
            writable(role),
            entity(key),
            event.score,
            writable(shown),
            (anchor.start, anchor.end),
            (spans[1].start, spans[1].end),
            *places,
        )


def is_fact(stated: Union[AnnotatedRelation, AnnotatedEvent]) -> bool:
    """Whether a document says that something holds, and not that it does not, that it shall or may."""
    attributes = stated.attributes
    statement = attributes.get("statement")
    if isinstance(statement, dict) and statement.get("modality"):
        return False
    return attributes.get("modality") not in MODALITIES and not shown_polarity(
        attributes.get("polarity")
    )


def _starts(annotated: Annotated, text: str) -> List[int]:
    """Where sentences start: as they are known, or else after full stops and at line breaks."""
    if annotated.sentence_starts is not None:
        found = annotated.sentence_starts
    else:
        found = [match.end() for match in _SENTENCE_END.finditer(text)]
    return sorted({0, *(start for start in found if start < len(text))})


def _shown(
    text: str, starts: List[int], mentions: Sequence[AnnotatedMention], evidence: Sequence[int]
) -> Tuple[str, Tuple[int, int]]:
    """The sentences of mentions and evidence, and where the mentions begin in them."""
    first, second = sorted(mentions, key=lambda mention: mention.start)
    sentence = bisect_right(starts, first.start)
    end = starts[sentence] if sentence < len(starts) else len(text)
    if (
        not evidence
        and max(first.end, second.end) <= end
        and end - starts[sentence - 1] <= MAX_TEXT
    ):
        return _cut(text, [(starts[sentence - 1], end)], mentions)  # as nearly all are
    near = [
        (max(m.start - _AROUND, 0), min(m.end + _AROUND, m.start + MAX_TEXT, len(text)))
        for m in mentions
    ]
    if any(m.end - m.start > MAX_TEXT for m in mentions):
        return _cut(text, _joined(near), mentions)
    numbers = {i for m in mentions for i in _sentences(starts, m.start, m.end)}
    if not evidence:  # two sentences are shown with what is between them
        between = _sentences(starts, first.start, second.end)
        numbers.update(between if len(between) <= 3 else ())
    ranges = _ranges(sorted({*numbers, *(i for i in evidence if i < len(starts))}), starts, text)
    if sum(end - start for start, end in ranges) > MAX_TEXT:
        ranges = _joined(near)
    return _cut(text, ranges, mentions)


def _cut(
    text: str, ranges: Sequence[Tuple[int, int]], mentions: Sequence[AnnotatedMention]
) -> Tuple[str, Tuple[int, int]]:
    """Parts of a text, without white space at their ends, and where the mentions begin in them."""
    shown, places = "", [0, 0]
    for start, end in ranges:
        while start < end and text[start].isspace() and all(m.start != start for m in mentions):
            start += 1
        while start < end and text[end - 1].isspace() and all(m.end != end for m in mentions):
            end -= 1
        shown += GAP if shown else ""
        for i, mention in enumerate(mentions):
            if start <= mention.start < end:
                places[i] = len(shown) + mention.start - start
        shown += text[start:end]
    return shown, (places[0], places[1])


def _sentences(starts: List[int], start: int, end: int) -> range:
    """The numbers of the sentences of a mention."""
    return range(bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1)))


def _ranges(numbers: List[int], starts: List[int], text: str) -> List[Tuple[int, int]]:
    ends = [*starts[1:], len(text)]
    return _joined([(starts[i], ends[i]) for i in numbers])


def _joined(ranges: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Ranges in order, of which those that meet are one."""
    found: List[Tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
