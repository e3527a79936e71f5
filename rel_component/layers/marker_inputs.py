"""What an encoder with levitated markers reads: a text, and pairs of mentions in blocks."""

from dataclasses import dataclass

from ..types import HashArray, Int32Array
from .windows import Windows


@dataclass(frozen=True)
class TextBatch:
    """Documents as the encoder reads them.

    Attributes:
        tokens: token of each piece, tokens numbered through the batch. *Shape:* ``(n_pieces,)``
        n_tokens: tokens of the batch.
        marked: the pieces of all mentions, some in several of them. *Shape:* ``(n_marked,)``
        types: hashes of the types of their mentions. *Shape:* ``(n_marked,)``
        numbers: of their mentions in the document. *Shape:* ``(n_marked,)``
    """

    windows: Windows
    tokens: Int32Array
    n_tokens: int
    marked: Int32Array
    types: HashArray
    numbers: Int32Array


@dataclass(frozen=True)
class MarkerBlock:
    """Some pairs of mentions, the first and the second in the text each.

    Attributes:
        windows: where each of the two markers reads. *Shape:* ``(n_groups, 2)``
        rows: start and exclusive end of the mention in the table of states. *Shape:*
            ``(n_groups, 2, 2)``
        types: hashes of the entity types. *Shape:* ``(n_groups, 2)``
    """

    windows: Int32Array
    rows: Int32Array
    types: HashArray

    def __len__(self) -> int:
        return len(self.windows)
