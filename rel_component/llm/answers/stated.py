"""What answers state, before it is known what it means."""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Argument:
    """The head or tail of a statement: words, an id, or both, and an entity type if one is given."""

    text: Optional[str] = None
    id: Optional[str] = None
    type: Optional[str] = None


@dataclass(frozen=True)
class StatedRelation:
    """A relation as it is stated.

    Attributes:
        head, tail: None where the question was about one pair.
        label: as it is written.
        position: character of the answer at which the label stands; None: not known.
    """

    head: Optional[Argument]
    label: str
    tail: Optional[Argument]
    position: Optional[int] = None


@dataclass(frozen=True)
class StatedEntity:
    """An entity as it is stated."""

    text: str
    type: str = ""
    id: Optional[str] = None
