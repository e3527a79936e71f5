"""What is found in a document of WebAnno or INCEpTION, and the annotated document made of it."""

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from ...annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ...report import Report
from .layers import is_semantic


@dataclass
class Span:
    """A mention, while it is read. start, end: characters."""

    id: int
    layer: str
    start: int
    end: int
    label: str = ""
    kb_id: str = ""
    attributes: Dict[str, Any] = field(default_factory=dict)

    def cover(self, start: int, end: int) -> None:
        """Grow."""
        self.start, self.end = min(self.start, start), max(self.end, end)


class Spans:
    """The spans of a document. `found`: in the order in which they were added."""

    def __init__(self) -> None:
        self.found: List[Span] = []

    def add(self, layer: str, start: int, end: int) -> Span:
        """Add a span of this layer."""
        span = Span(len(self.found) + 1, layer, start, end)
        self.found.append(span)
        return span

    def add_chains(self, chains: Iterable[Sequence[Span]]) -> List[List[MentionId]]:
        """The clusters that chains make: their links are the mentions of the same characters, or new."""
        known = {(span.start, span.end): span for span in reversed(self.found)}
        clusters: List[List[MentionId]] = []
        for chain in chains:
            clusters.append([])
            for link in chain:
                member = known.get((link.start, link.end))
                if member is None:
                    member = known[link.start, link.end] = self.add(
                        link.layer, link.start, link.end
                    )
                member.attributes.update(link.attributes)
                clusters[-1].append(member.id)
        return clusters

    def to_annotated(
        self,
        annotated: Annotated,
        relations: List[AnnotatedRelation],
        clusters: List[List[MentionId]],
        tokens: List[Tuple[int, int]],
        report: Report,
    ) -> Annotated:
        """The document with its annotations.

        Args:
            annotated: text, sentences and meta.
            tokens: start and end of each, in characters.
            report: takes note if they do not make up the text, with single spaces, or the mentions.
        """
        # Tokens and the like are mentions only where relations lie between them.
        used = {key for relation in relations for key in (relation.head, relation.tail)}
        used.update(key for cluster in clusters for key in cluster)
        mentions = [
            AnnotatedMention(
                span.id,
                span.start,
                span.end,
                span.label,
                kb_id=span.kb_id,
                attributes=dict(span.attributes),
            )
            for span in self.found
            if is_semantic(span.layer) or span.id in used
        ]
        document = replace(annotated, mentions=mentions, relations=relations, clusters=clusters)
        return _with_tokens(document, tokens, report)


def _with_tokens(annotated: Annotated, tokens: List[Tuple[int, int]], report: Report) -> Annotated:
    text = annotated.text or ""
    starts = {start: i for i, (start, _) in enumerate(tokens)}
    ends = {end: i + 1 for i, (_, end) in enumerate(tokens)}
    edges = zip([0, *(end for _, end in tokens)], [*(start for start, _ in tokens), len(text)])
    gaps = [text[end:start] if end <= start else None for end, start in edges]
    mentions, sentences = annotated.mentions, annotated.sentence_starts or []
    aligned = all(m.start in starts and m.end in ends for m in mentions)
    aligned = aligned and all(start in starts for start in sentences)
    if not aligned or gaps[0] or any(gap not in ("", " ") for gap in gaps):
        message = "documents with annotations within tokens, or more than one space between tokens"
        report.note(f"{message}: their tokens were not kept", place=annotated.place)
        return annotated
    return replace(
        annotated,
        text=None,
        words=[text[start:end] for start, end in tokens],
        spaces=[gap == " " for gap in gaps[1:]],
        mentions=[replace(m, start=starts[m.start], end=ends[m.end]) for m in mentions],
        sentence_starts=(
            None if annotated.sentence_starts is None else [starts[start] for start in sentences]
        ),
    )
