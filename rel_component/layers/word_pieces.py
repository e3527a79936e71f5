"""Word pieces of documents, as the tokenizer of an encoder makes them.

Every piece belongs to the token in which it begins, so that the pieces of a token, and those of a
span, are a run. Of a token that is no word, as a page of Chinese without a tokenizer for it, the
first 256 pieces count::

    tokens   Cupertino        ,     California
    pieces   cup ##ert ##ino  ,     california
    starts   0                3     4            5

Where tokens are shorter than pieces, as the characters of Chinese, a token in which no piece begins lies
inside of one::

    tokens   北    京    公    司
    pieces   北京        公司
    inside         0           1
"""

from dataclasses import dataclass
from typing import Any, List, Sequence, Tuple

import numpy
from spacy.tokens import Doc

from ..documents import token_characters, white_space
from ..types import Int32Array

_MAX_PIECES = 256  # of one token


@dataclass(frozen=True)
class WordPieces:
    """The pieces of one document, without special tokens.

    Attributes:
        ids: rows of the encoder's vocabulary. *Shape:* ``(n_pieces,)``
        starts: first piece of each token, and the number of pieces, so that ``starts[spans]`` are
            the pieces of spans, none where the tokenizer drops all characters. *Shape:*
            ``(n_tokens + 1,)``
        inside: tokens in which no piece begins, and the piece that each of them lies in; tokens
            whose characters the tokenizer drops lie in none. *Shape:* ``(n_inside, 2)``
    """

    ids: Int32Array
    starts: Int32Array
    inside: Int32Array

    def __len__(self) -> int:
        return len(self.ids)


def insert_pieces(pieces: WordPieces, tokens: Int32Array, piece: int) -> WordPieces:
    """Insert a piece before each of some tokens, and count it as part of the token.

    Args:
        pieces: the pieces of a document.
        tokens: tokens, which may come several times. *Shape:* ``(n_inserted,)``
        piece: id of the inserted piece.
    """
    counts = numpy.bincount(tokens, minlength=len(pieces.starts) - 1)
    places = numpy.repeat(pieces.starts[:-1], counts)
    ids = numpy.insert(pieces.ids, places, piece)
    starts = pieces.starts + numpy.cumsum([0, *counts])
    inside = pieces.inside.copy()
    inside[:, 1] += numpy.searchsorted(places, inside[:, 1], side="right")
    return WordPieces(ids.astype("int32"), starts.astype("int32"), inside)


def tokens_of_pieces(pieces: Sequence[WordPieces]) -> Int32Array:
    """The token of each piece; tokens are numbered through the documents. *Shape:* ``(n_pieces,)``."""
    counts = [numpy.diff(doc.starts) for doc in pieces]
    sizes = numpy.concatenate(counts) if counts else numpy.zeros(0, dtype="int32")
    return numpy.repeat(numpy.arange(len(sizes), dtype="int32"), sizes)


def tokens_inside_pieces(pieces: Sequence[WordPieces]) -> Int32Array:
    """The tokens that lie inside of a piece, and their pieces; see :class:`WordPieces`.

    Tokens and pieces are numbered through the documents. *Shape:* ``(n_inside, 2)``
    """
    n_tokens = numpy.cumsum([0, *(len(doc.starts) - 1 for doc in pieces)])
    n_pieces = numpy.cumsum([0, *map(len, pieces)])
    before = numpy.stack([n_tokens, n_pieces], axis=1)
    found = [doc.inside + first for doc, first in zip(pieces, before)]
    empty = numpy.zeros((0, 2), dtype="int32")
    return numpy.concatenate([empty, *found]).astype("int32")


def split_into_pieces(tokenizer: Any, docs: Sequence[Doc]) -> List[WordPieces]:
    """Tokenise every document once."""
    distinct = list({id(doc): doc for doc in docs}.values())  # a document may come twice
    pieces = {id(doc): part for doc, part in zip(distinct, _split(tokenizer, distinct))}
    return [pieces[id(doc)] for doc in docs]


def _split(tokenizer: Any, docs: Sequence[Doc]) -> List[WordPieces]:
    texts = [doc.text for doc in docs]
    if not any(texts):
        return [_align("", [], [], doc) for doc in docs]
    encoded = tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    parts = zip(texts, encoded, docs)
    return [_align(text, part.ids, part.offsets, doc) for text, part, doc in parts]


def _align(text: str, ids: List[int], offsets: List[Tuple[int, int]], doc: Doc) -> WordPieces:
    begins, ends = numpy.asarray(offsets, dtype="int32").reshape(-1, 2).T.copy()
    for i in numpy.flatnonzero(white_space(text)[begins]).tolist():
        begins[i] = _first_character(text, *offsets[i])
    token_starts = token_characters(doc)[:, 0]
    tokens = numpy.searchsorted(token_starts, begins, side="right") - 1
    # some normalisations shuffle offsets within a word: a run must not be torn by that
    tokens = numpy.maximum.accumulate(tokens) if len(tokens) else tokens
    starts = numpy.searchsorted(tokens, numpy.arange(len(doc) + 1), side="left")
    pieces = numpy.asarray(ids, dtype="int32")
    if len(pieces) and numpy.diff(starts).max() > _MAX_PIECES:
        place = numpy.arange(len(tokens)) - starts[numpy.maximum(tokens, 0)]
        kept = place < _MAX_PIECES
        pieces, tokens, ends = pieces[kept], tokens[kept], ends[kept]
        starts = numpy.searchsorted(tokens, numpy.arange(len(doc) + 1), side="left")
    return WordPieces(pieces, starts.astype("int32"), _find_inside(starts, token_starts, ends))


def _find_inside(starts: Any, token_starts: Any, ends: Any) -> Int32Array:
    """The tokens without pieces that the piece before them reaches into."""
    tokens = numpy.flatnonzero((numpy.diff(starts) == 0) & (starts[:-1] > 0))
    last = starts[tokens] - 1
    reached = ends[last] > token_starts[tokens]
    return numpy.stack([tokens[reached], last[reached]], axis=1).astype("int32")


def _first_character(text: str, start: int, end: int) -> int:
    """Where a piece begins; many tokenizers count the space before a word as part of it."""
    while start < end and text[start].isspace():
        start += 1
    return start
