"""Mentions of WebAnno and INCEpTION while they are read, and the annotated document made of them."""

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from ...annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId, in_tokens
from ...report import Report
from .layers import is_semantic


@dataclass
class Draft:
    """A mention while it is read.

    Attributes:
        id: number of the mention, from 1; 0: it is a link of a chain.
        layer: its annotation layer.
        start: its first character.
        end: the character after its last one.
        label: its type.
        kb_id: its identifier in a knowledge base; empty: none.
        attributes: its other features.
    """

    id: int
    layer: str
    start: int
    end: int
    label: str = ""
    kb_id: str = ""
    attributes: Dict[str, Any] = field(default_factory=dict)

    def extend(self, start: int, end: int) -> None:
        """Extend the mention to these characters."""
        self.start, self.end = min(self.start, start), max(self.end, end)


class Drafts:
    """The mentions of a document while they are read.

    Attributes:
        found: the mentions in the order in which they were added.
    """

    def __init__(self) -> None:
        self.found: List[Draft] = []

    def add(self, layer: str, start: int, end: int) -> Draft:
        """Add a mention of this layer."""
        draft = Draft(len(self.found) + 1, layer, start, end)
        self.found.append(draft)
        return draft

    def add_chains(self, chains: Iterable[Sequence[Draft]]) -> List[List[MentionId]]:
        """Make clusters of chains, whose links are mentions of the same characters, or new ones."""
        known = {(draft.start, draft.end): draft for draft in reversed(self.found)}
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
        """Add the annotations to a document of text, sentences and meta.

        Args:
            annotated: the document.
            relations: the relations.
            clusters: the clusters of mentions.
            tokens: start and end of each, in characters.
            report: takes note if they do not make up the text, with single spaces, or the mentions.
        """
        # Annotations of other layers are mentions only where relations lie between them.
        used = {key for relation in relations for key in (relation.head, relation.tail)}
        used.update(key for cluster in clusters for key in cluster)
        mentions = [
            AnnotatedMention(
                draft.id,
                draft.start,
                draft.end,
                draft.label,
                kb_id=draft.kb_id,
                attributes=dict(draft.attributes),
            )
            for draft in self.found
            if is_semantic(draft.layer) or draft.id in used
        ]
        document = replace(annotated, mentions=mentions, relations=relations, clusters=clusters)
        tokenized = in_tokens(document, tokens)
        if tokenized is None:
            message = "documents with annotations within tokens, or more than one space between "
            report.note(f"{message}tokens: their tokens were not kept", place=annotated.place)
        return tokenized or document
