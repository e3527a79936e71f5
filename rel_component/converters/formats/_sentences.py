"""Sentences as lists of tokens."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, List, Tuple

from ..annotated import Annotated
from ..records import Record, get, get_items
from ..report import Report


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

    def read_evidence(self, numbers: List[Any], place: str, report: Report) -> Tuple[int, ...]:
        """Positions in `starts` of the sentences that show a relation.

        Those that have no tokens, do not exist or are no number go to the report.
        """
        known = [
            number
            for number in numbers
            if type(number) is int and 0 <= number < len(self.lengths) and self.lengths[number]
        ]
        if lost := len(numbers) - len(known):
            report.note("evidence that is no sentence of the document", place=place, count=lost)
        return tuple(bisect_right(self.starts, self.offsets[number]) - 1 for number in known)


def read_sentences(record: Record, key: str) -> Sentences:
    """Read the sentences of a document; a DataError if the value is no list of lists of strings."""
    get(record, key, list)
    sentences = [get_items({key: item}, key, str) for item in get_items(record, key, list)]
    lengths = [len(sentence) for sentence in sentences]
    offsets = [end - length for end, length in zip(accumulate(lengths), lengths)]
    starts = [offset for offset, length in zip(offsets, lengths) if length]
    return Sentences(list(chain(*sentences)), starts, offsets, lengths)


def read_words(record: Record, key: str) -> List[str]:
    """Read the tokens of a document; a DataError if the value is missing or no list of strings."""
    get(record, key, list)
    return get_items(record, key, str)


def sentence_starts(annotated: Annotated) -> List[int]:
    """The tokens with which the sentences of a document start, of which the first token is one."""
    if not annotated.words:
        return []
    return sorted({0, *(annotated.sentence_starts or [])})


def sentence_ranges(annotated: Annotated) -> List[Tuple[int, int]]:
    """First token and end of each sentence of a document with words."""
    starts = sentence_starts(annotated)
    return list(zip(starts, [*starts[1:], len(annotated.words or [])]))


def split_sentences(annotated: Annotated) -> List[List[str]]:
    """The words of each sentence of a document."""
    return [(annotated.words or [])[start:end] for start, end in sentence_ranges(annotated)]
