"""One annotated document as formats read and write it, before or after it has tokens."""

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple, Union

MentionId = Union[int, str]

BYTE_ORDER_MARK = "\ufeff"
"""A character that some programs put before a text, and that is no part of it."""


@dataclass(frozen=True)
class AnnotatedMention:
    """A mention.

    Attributes:
        id: unique in the document; of no meaning outside of it, so a format may give another.
        start: its first character, or its first token if the document has words.
        end: the character or token after its last one.
        label: entity type; empty only for members of clusters and arguments of open relations that have
            none.
        kb_id: identifier in a knowledge base; empty: none.
        fragments: start and end of each fragment of a discontinuous mention, in order; `start` and
            `end` are those of the whole. A Doc has no such mentions.
        attributes: anything else that the format says of the mention, as JSON data.
    """

    id: MentionId
    start: int
    end: int
    label: str
    kb_id: str = ""
    fragments: Tuple[Tuple[int, int], ...] = ()
    attributes: Dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class AnnotatedRelation:
    """A relation.

    Attributes:
        head: id of the mention that the relation goes from.
        tail: id of the mention that it goes to.
        label: relation type.
        score: probability in [0, 1]; 1.0 if annotated, None if it is not known.
        id: name of the relation in its document, if the format has one.
        evidence: the sentences that show it, as positions in ``Annotated.sentence_starts``.
        attributes: anything else that the format says of the relation, as JSON data; ``polarity`` is
            that of the relation, if it is one of :data:`.types.POLARITIES`, and ``modality`` is one of
            :data:`.types.MODALITIES`.
    """

    head: MentionId
    tail: MentionId
    label: str
    score: Optional[float] = 1.0
    id: Optional[MentionId] = None
    evidence: Tuple[int, ...] = ()
    attributes: Dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class AnnotatedEvent:
    """An event, or another record of several roles.

    Attributes:
        label: its type.
        arguments: role and id of the mention of each argument.
        trigger: id of the mention that stands for the event; None: none does.
        score: probability in [0, 1]; 1.0 if annotated, None if it is not known.
        id: name of the event in its document, if the format has one.
        attributes: anything else that the format says of the event, as JSON data; ``polarity`` and
            ``modality`` as of a relation.
    """

    label: str
    arguments: Tuple[Tuple[str, MentionId], ...]
    trigger: Optional[MentionId] = None
    score: Optional[float] = 1.0
    id: Optional[MentionId] = None
    attributes: Dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def mentions(self) -> List[MentionId]:
        """The ids of its mentions, the trigger first."""
        trigger = [] if self.trigger is None else [self.trigger]
        return [*trigger, *(mention for _, mention in self.arguments)]


@dataclass
class Annotated:
    """A document with its annotations.

    Attributes:
        place: file, line and document id, for messages.
        text: the text, or None if there are words.
        words: the tokens, if the format gives them.
        spaces: which tokens are followed by a space; None: not known.
        mentions: the annotated mentions.
        relations: the annotated relations.
        events: the annotated events.
        clusters: the entities that have several mentions, or all entities of formats that say which
            mentions are the same: ids of mentions.
        sentence_starts: where sentences start, in ascending order, in characters or tokens as the
            mentions are; None: not known. A single sentence: [0].
        meta: anything else worth keeping, as JSON data; ``meta["id"]`` names the document. Goes to
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
    events: List[AnnotatedEvent] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Number of characters, or of tokens if the document has words."""
        return len(self.words) if self.words is not None else len(self.text or "")

    @property
    def related(self) -> Set[MentionId]:
        """The ids of the heads and tails of its relations."""
        return {key for relation in self.relations for key in (relation.head, relation.tail)}

    @property
    def in_use(self) -> Set[MentionId]:
        """The ids of the mentions of its relations and events."""
        return self.related.union(*(event.mentions for event in self.events))


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


def string_ids(ids: Sequence[MentionId]) -> Dict[MentionId, str]:
    """A string of its own for each id of a mention: the id itself if it is one."""
    names: Dict[MentionId, str] = {key: key for key in ids if isinstance(key, str)}
    used: Set[str] = set(names.values())
    for key in ids:
        if not isinstance(key, str):
            name = str(key)
            while name in used:
                name += "_"
            used.add(name)
            names[key] = name
    return names


def without_mark(annotated: Annotated) -> Annotated:
    """A document without a byte order mark at the beginning of its text."""
    words, text = annotated.words, annotated.text
    first = words[:1] if words is not None else [(text or "")[:1]]
    if words and words[0].startswith(BYTE_ORDER_MARK) and len(words[0]) > 1:
        return replace(annotated, words=[words[0][1:], *words[1:]])
    if first != [BYTE_ORDER_MARK]:
        return annotated

    def before(position: int) -> int:
        return max(position - 1, 0)

    mentions = [
        replace(
            mention,
            start=before(mention.start) if mention.start >= 0 else mention.start,
            end=before(mention.end),
            fragments=tuple((before(start), before(end)) for start, end in mention.fragments),
        )
        for mention in annotated.mentions
    ]
    starts = annotated.sentence_starts
    return replace(
        annotated,
        text=None if text is None else text[1:],
        words=None if words is None else words[1:],
        spaces=None if annotated.spaces is None else annotated.spaces[1:],
        mentions=mentions,
        sentence_starts=starts if starts is None else [before(start) for start in starts],
    )


def in_characters(annotated: Annotated) -> Annotated:
    """Give a document a text, and its annotations offsets in characters.

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
        fragments = tuple(characters(*fragment) for fragment in mention.fragments)
        mentions.append(replace(mention, start=start, end=end, fragments=fragments))
    spaces = annotated.spaces or [True] * (len(offsets) - 1) + [False]
    starts = annotated.sentence_starts
    return replace(
        annotated,
        text="".join(word + " " * space for word, space in zip(annotated.words, spaces)),
        words=None,
        spaces=None,
        mentions=mentions,
        sentence_starts=[offsets[start][0] for start in starts] if starts and offsets else starts,
    )


def in_tokens(annotated: Annotated, tokens: Sequence[Tuple[int, int]]) -> Optional[Annotated]:
    """Give a document words, and its annotations offsets in tokens.

    Args:
        annotated: a document with a text.
        tokens: start and end of each token, in characters.

    Returns:
        The document; None if the tokens and single spaces do not make up the text, or an annotation
        does not begin and end with a token.
    """
    text, mentions = annotated.text or "", annotated.mentions
    sentences = annotated.sentence_starts
    starts = {start: i for i, (start, _) in enumerate(tokens)}
    ends = {end: i + 1 for i, (_, end) in enumerate(tokens)}
    words = [text[start:end] for start, end in tokens]
    following = [*(start for start, _ in tokens[1:]), len(text)]
    spaces = [text[end:start] == " " for (_, end), start in zip(tokens, following)]
    if "".join(word + " " * space for word, space in zip(words, spaces)) != text:
        return None
    if word_offsets(words, spaces) != list(tokens):
        return None
    if not all(mention.start in starts and mention.end in ends for mention in mentions):
        return None
    if not all(start in starts for start in sentences or []):
        return None
    return replace(
        annotated,
        text=None,
        words=words,
        spaces=spaces,
        mentions=[replace(m, start=starts[m.start], end=ends[m.end]) for m in mentions],
        sentence_starts=None if sentences is None else [starts[start] for start in sentences],
    )
