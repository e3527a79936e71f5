"""The inputs of an encoder with levitated markers: a text, and pairs of mentions in blocks."""

from dataclasses import dataclass

from ..types import HashArray, Int32Array
from .windows import Windows


@dataclass(frozen=True)
class TextBatch:
    """Documents as the encoder reads them.

    Attributes:
        windows: the windows in which the encoder reads the text.
        tokens: token of each piece, tokens numbered through the batch. *Shape:* ``(n_pieces,)``
        n_tokens: number of tokens of the batch.
        marked: the pieces of all mentions; a piece of several mentions comes several times.
            *Shape:* ``(n_marked,)``
        types: hash of the entity type of the mention of each marked piece. *Shape:*
            ``(n_marked,)``
        numbers: number of that mention in its document. *Shape:* ``(n_marked,)``
    """

    windows: Windows
    tokens: Int32Array
    n_tokens: int
    marked: Int32Array
    types: HashArray
    numbers: Int32Array


@dataclass(frozen=True)
class MarkerBlock:
    """Some pairs of mentions; of each pair the first mention in the text comes first.

    Attributes:
        windows: the window that each of the two markers reads. *Shape:* ``(n_groups, 2)``
        rows: start and exclusive end of the mention in the table of states. *Shape:*
            ``(n_groups, 2, 2)``
        types: hashes of the entity types. *Shape:* ``(n_groups, 2)``
    """

    windows: Int32Array
    rows: Int32Array
    types: HashArray

    def __len__(self) -> int:
        return len(self.windows)
