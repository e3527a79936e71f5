"""What a page shows of a document: its text in pieces, its mentions and relations."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Dict, List, NamedTuple, Sequence, Tuple

from spacy.tokens import Doc

from ..converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation, in_characters
from ..converters.from_doc import to_annotated
from .options import RenderOptions

MAX_DEPTH = 20
"""The most mentions that are drawn around one character; others are listed only."""


class Piece(NamedTuple):
    """A part of a text between two places where mentions begin or end.

    Attributes:
        start: its first character.
        end: the character after its last one.
        mentions: positions of the mentions around it, the outermost one first.
    """

    start: int
    end: int
    mentions: Tuple[int, ...]


@dataclass(frozen=True)
class Drawing:
    """A document to be drawn, with offsets in characters.

    Attributes:
        annotated: its text, mentions, relations and clusters.
        title: what stands above it; empty: nothing.
        is_rtl: whether its language is written from right to left; otherwise its text tells.
    """

    annotated: Annotated
    title: str = ""
    is_rtl: bool = False

    @classmethod
    def from_doc(cls, doc: Doc, options: RenderOptions, place: str = "") -> "Drawing":
        """Make the drawing of a Doc, of what the options choose.

        Args:
            doc: the document; ``doc.user_data["title"]`` is its title, or else its id.
            options: the options.
            place: name of the document, for messages.
        """
        annotated = to_annotated(doc, spans_key=options.spans_key, attr=options.attr, place=place)
        annotated = in_characters(annotated)
        title = doc.user_data.get("title") or annotated.meta.get("id") or ""
        is_rtl = doc.vocab.writing_system.get("direction") == "rtl"
        return cls(chosen(annotated, options), str(title), is_rtl)

    @property
    def text(self) -> str:
        """The text."""
        return self.annotated.text or ""

    @property
    def mentions(self) -> List[AnnotatedMention]:
        """The mentions."""
        return self.annotated.mentions

    @property
    def relations(self) -> List[AnnotatedRelation]:
        """The relations."""
        return self.annotated.relations

    @property
    def direction(self) -> str:
        """The attribute ``dir`` of HTML."""
        return "rtl" if self.is_rtl else "auto"

    def pieces(self) -> List[Piece]:
        """The text in pieces."""
        return cut(len(self.text), [(m.start, m.end) for m in self.mentions])

    def places(self) -> Dict[object, int]:
        """The position of each mention by its id."""
        return {mention.id: i for i, mention in enumerate(self.mentions)}

    def evidence(self, relation: AnnotatedRelation) -> List[Tuple[int, int]]:
        """Start and end of each sentence that shows a relation, without the space after it."""
        starts = [*(self.annotated.sentence_starts or ()), len(self.text)]
        found = []
        for number in relation.evidence:
            if number + 1 < len(starts):
                start, end = starts[number : number + 2]
                found.append((start, start + len(self.text[start:end].rstrip())))
        return found

    def clusters(self) -> Dict[int, int]:
        """The number of the cluster, from 1 on, of each mention that is in one."""
        places = self.places()
        numbers: Dict[int, int] = {}
        for number, members in enumerate(self.annotated.clusters, start=1):
            for key in members:
                numbers.setdefault(places[key], number)
        return numbers


def chosen(annotated: Annotated, options: RenderOptions) -> Annotated:
    """The part of a document that is to be drawn."""
    annotated = _with_typed_members(annotated)
    mentions = annotated.mentions
    if not options.clusters:
        in_use = annotated.in_use
        mentions = [m for m in mentions if m.label or m.id in in_use]
    if options.ents is not None:
        wanted = {name.upper() for name in options.ents}
        mentions = [m for m in mentions if m.label.upper() in wanted]
    kept = {mention.id for mention in mentions}
    relations = [
        rel
        for rel in annotated.relations
        if {rel.head, rel.tail} <= kept
        and (options.labels is None or rel.label in options.labels)
        and (options.min_score is None or rel.score is None or rel.score >= options.min_score)
    ]
    events = [
        event
        for event in annotated.events
        if kept.issuperset(event.mentions)
        and (options.labels is None or event.label in options.labels)
        and (options.min_score is None or event.score is None or event.score >= options.min_score)
    ]
    given = annotated.clusters if options.clusters else []
    clusters = [[key for key in members if key in kept] for members in given]
    return replace(
        annotated, mentions=mentions, relations=relations, clusters=clusters, events=events
    )


def _with_typed_members(annotated: Annotated) -> Annotated:
    """The document with entities in place of the same members of clusters without a type."""
    typed = {(m.start, m.end): m.id for m in annotated.mentions if m.label}
    in_use = annotated.in_use
    same = {
        m.id: typed[m.start, m.end]
        for m in annotated.mentions
        if not m.label and (m.start, m.end) in typed and m.id not in in_use
    }
    clusters = [[same.get(key, key) for key in members] for members in annotated.clusters]
    mentions = [m for m in annotated.mentions if m.id not in same]
    return replace(annotated, mentions=mentions, clusters=clusters)


def cut(length: int, spans: Sequence[Tuple[int, int]]) -> List[Piece]:
    """Cut a text where mentions begin and end.

    Args:
        length: number of characters.
        spans: start and exclusive end of each mention.

    Returns:
        the pieces, of which every character is in one. Of mentions that cross, the one that begins
        first is outside.
    """
    starting: Dict[int, List[int]] = {}
    for i, (start, _) in enumerate(spans):
        starting.setdefault(start, []).append(i)
    places = sorted({0, length, *(place for span in spans for place in span)})
    around: List[int] = []
    pieces = []
    for start, end in pairwise(places):
        around = [i for i in around if spans[i][1] > start]
        new = sorted(starting.get(start, ()), key=lambda i: (-spans[i][1], i))
        around += new[: MAX_DEPTH - len(around)]
        pieces.append(Piece(start, end, tuple(around)))
    return pieces
