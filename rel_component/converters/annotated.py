"""What a converter reads: one annotated document, before it has tokens."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Union


@dataclass(frozen=True)
class AnnotatedMention:
    """A mention. id: unique in the document. start, end: characters, or tokens if the document has
    words; the end is exclusive. label: entity type."""

    id: Union[int, str]
    start: int
    end: int
    label: str


@dataclass(frozen=True)
class AnnotatedRelation:
    """A relation. head, tail: ids of mentions. label: relation type."""

    head: Union[int, str]
    tail: Union[int, str]
    label: str


@dataclass
class Annotated:
    """A document with its annotations.

    place: file, line and document id, for messages.
    text: the text, or None if there are words.
    words: the tokens, if the format gives them; `spaces` tells which are followed by a space (all
        if None).
    mentions, relations: the annotations.
    one_sentence: whether the document is known to be a single sentence.
    meta: anything else worth keeping; goes to ``doc.user_data["meta"]``.
    """

    place: str
    text: Optional[str] = None
    words: Optional[List[str]] = None
    spaces: Optional[List[bool]] = None
    mentions: List[AnnotatedMention] = field(default_factory=list)
    relations: List[AnnotatedRelation] = field(default_factory=list)
    one_sentence: bool = False
    meta: Dict[str, Any] = field(default_factory=dict)
