"""Documents that formats give as lists of sentences, each a list of tokens."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, List, Optional

from ...errors import DataError
from ..annotated import Annotated


@dataclass(frozen=True)
class Sentences:
    """The sentences of a document.

    Attributes:
        words: the tokens of all of them.
        starts: where sentences that have tokens start, in tokens.
        offsets: number of the first token of each sentence, those without tokens included.
        lengths: number of tokens of each sentence.
    """

    words: List[str]
    starts: List[int]
    offsets: List[int]
    lengths: List[int]

    def number(self, sentence: int) -> Optional[int]:
        """Position in `starts` of a sentence; None if it has no tokens or does not exist."""
        if not 0 <= sentence < len(self.lengths) or not self.lengths[sentence]:
            return None
        return bisect_right(self.starts, self.offsets[sentence]) - 1


def read_sentences(value: Any, name: str, place: str) -> Sentences:
    """The sentences of a document.

    Args:
        value: what should be a list of lists of strings.
        name: of this value.
        place: of the document.

    Raises:
        DataError: if it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(words, list) for words in value):
        raise DataError(f'"{name}": expected a list of lists of tokens', place=place)
    words = read_words([word for sentence in value for word in sentence], name, place)
    lengths = [len(sentence) for sentence in value]
    offsets = [end - length for end, length in zip(accumulate(lengths), lengths)]
    starts = [offset for offset, length in zip(offsets, lengths) if length]
    return Sentences(words, starts, offsets, lengths)


def read_words(value: Any, name: str, place: str) -> List[str]:
    """The tokens of a document.

    Raises:
        DataError: if they are no list of strings.
    """
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise DataError(f'"{name}": expected a list of strings', place=place)
    return value


def sentence_starts(annotated: Annotated) -> List[int]:
    """Where the sentences of a document with words start; the first token starts one."""
    if not annotated.words:
        return []
    return sorted({0, *(annotated.sentence_starts or [])})


def split_sentences(annotated: Annotated) -> List[List[str]]:
    """The words of each sentence."""
    words = annotated.words or []
    starts = sentence_starts(annotated)
    return [words[start:end] for start, end in zip(starts, [*starts[1:], len(words)])]
