"""What annotation formats read and write: one annotated document, before or after it has tokens."""

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

MentionId = Union[int, str]


@dataclass(frozen=True)
class AnnotatedMention:
    """A mention.

    Attributes:
        id: unique in the document; of no meaning outside of it, so a format may give another.
        start, end: characters, or tokens if the document has words; the end is exclusive.
        label: entity type; empty only for members of clusters that have none.
        kb_id: identifier in a knowledge base; empty: none.
        pieces: of a discontinuous mention, the start and end of each piece in order; `start` and
            `end` are those of the whole. A Doc has no such mentions.
        attributes: anything else that the format says of the mention, plain data.
    """

    id: MentionId
    start: int
    end: int
    label: str
    kb_id: str = ""
    pieces: Tuple[Tuple[int, int], ...] = ()
    attributes: Dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class AnnotatedRelation:
    """A relation.

    Attributes:
        head, tail: ids of mentions.
        label: relation type.
        score: probability in [0, 1]; 1.0 if annotated, None if whoever found it gives none.
        id: name of the relation in its document, if the format has one.
        evidence: the sentences that show it, as positions in ``Annotated.sentence_starts``.
        attributes: anything else that the format says of the relation, plain data.
    """

    head: MentionId
    tail: MentionId
    label: str
    score: Optional[float] = 1.0
    id: Optional[MentionId] = None
    evidence: Tuple[int, ...] = ()
    attributes: Dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass
class Annotated:
    """A document with its annotations.

    Attributes:
        place: file, line and document id, for messages.
        text: the text, or None if there are words.
        words: the tokens, if the format gives them; `spaces` tells which are followed by a space
            (None: not known).
        mentions, relations: the annotations.
        clusters: the entities that have several mentions, or all entities of formats that say which
            mentions are the same: ids of mentions.
        sentence_starts: where sentences start, in ascending order, in characters or tokens as the
            mentions are; None: not known. A single sentence: [0].
        meta: anything else worth keeping, plain data; ``meta["id"]`` names the document. Goes to
            ``doc.user_data["meta"]``.
    """

    place: str
    text: Optional[str] = None
    words: Optional[List[str]] = None
    spaces: Optional[List[bool]] = None
    mentions: List[AnnotatedMention] = field(default_factory=list)
    relations: List[AnnotatedRelation] = field(default_factory=list)
    clusters: List[List[MentionId]] = field(default_factory=list)
    sentence_starts: Optional[List[int]] = None
    meta: Dict[str, Any] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """Number of characters, or of tokens if the document has words."""
        return len(self.words) if self.words is not None else len(self.text or "")


def word_offsets(words: Sequence[str], spaces: Optional[Sequence[bool]]) -> List[Tuple[int, int]]:
    """Start and end of each word in the text, in characters.

    Args:
        words: the words.
        spaces: which are followed by a space; None: all but the last.
    """
    offsets = []
    position = 0
    for word, space in zip(words, spaces if spaces is not None else [True] * len(words)):
        offsets.append((position, position + len(word)))
        position += len(word) + space
    return offsets


def in_characters(annotated: Annotated) -> Annotated:
    """The same document with a text, and offsets in characters.

    Args:
        annotated: a valid document. Where spaces are not known, there is one between two words.
    """
    if annotated.words is None:
        return annotated
    offsets = word_offsets(annotated.words, annotated.spaces)

    def characters(start: int, end: int) -> Tuple[int, int]:
        return offsets[start][0], offsets[end - 1][1]

    mentions = []
    for mention in annotated.mentions:
        start, end = characters(mention.start, mention.end)
        pieces = tuple(characters(*piece) for piece in mention.pieces)
        mentions.append(replace(mention, start=start, end=end, pieces=pieces))
    if annotated.spaces is None:
        text = " ".join(annotated.words)
    else:
        text = "".join(w + " " * s for w, s in zip(annotated.words, annotated.spaces))
    starts = annotated.sentence_starts
    if starts is not None and offsets:
        starts = [offsets[start][0] for start in starts]
    return replace(
        annotated,
        text=text,
        words=None,
        spaces=None,
        mentions=mentions,
        sentence_starts=starts,
    )
