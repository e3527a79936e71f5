"""From a name to the places in a document where it stands."""

import re
import unicodedata
from bisect import bisect_left
from functools import cached_property, lru_cache
from typing import Dict, List, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span

from ...mentions import is_mark, keeps_marks, normalize_name
from ...packages import import_package

MIN_FUZZY = 4
"""Characters of the shortest name that is looked for by similarity."""

MIN_LETTERS = 3
"""Letters of the shortest name that may have an ending behind an apostrophe."""

MIN_SIMILARITY = 88.0
"""The least similarity: "Aple" is taken for Apple (88.9), Austria not for Australia (87.5)."""

MAX_NAME = 300
"""Characters of the longest name that is looked for."""

_EDGE = " \"'`.,;:!?()[]{}<>*_-"
_ARTICLE = re.compile(r"(?:the|an?) ")
_AFTER_NAME = re.compile(r"(?:['\u2019]s?)?[\W_]*", re.IGNORECASE)
_ENDING = re.compile(r"['\u2019](?!t\b)[^\W\d_]{1,8}[\W_]*")  # and not that of "don't"
_DIGITS = re.compile(r"\d+")
_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")
_QUOTES = {
    **dict.fromkeys("\u2018\u2019\u201b\u02bc\u0060\u00b4", "'"),
    **dict.fromkeys("“”„‟«»", '"'),
}


def nearest(heads: Sequence[Span], tails: Sequence[Span]) -> Tuple[Span, Span]:
    """Return the nearest occurrences of two names, without common tokens if possible.

    Args:
        heads: the occurrences of the one name, at least one.
        tails: those of the other. Of equally near pairs, the first in the text is taken.
    """
    starting = sorted(tails, key=lambda span: (span.start, span.end))
    ending = sorted(tails, key=lambda span: (span.end, -span.start))
    starts, ends = [span.start for span in starting], [span.end for span in ending]
    pairs: List[Tuple[Span, Span]] = []
    for head in heads:
        after, before = bisect_left(starts, head.end), bisect_left(ends, head.start + 1) - 1
        near = [*starting[after : after + 1], *ending[max(before, 0) : before + 1]]
        pairs += [(head, tail) for tail in near]
    if not pairs:  # all have tokens in common
        return min(heads, key=lambda span: span.start), starting[0]
    return min(pairs, key=lambda pair: distance_order(*pair))


def distance_order(head: Span, tail: Span) -> Tuple[bool, int, int, int]:
    """Return what pairs are sorted by: the nearest first, those with common tokens last."""
    distance = max(tail.start - head.end, head.start - tail.end)
    return (distance < 0, distance, head.start, tail.start)


def same_names(name: str, others: Sequence[str]) -> List[int]:
    """Return the indices of the names that are equal to a name.

    They are compared as :class:`Grounder` does, but names that are only similar are not equal. Where
    some have the same accents, those with others are not equal either.

    Args:
        name: the name.
        others: the names to compare with it.
    """
    if len(name) > MAX_NAME:
        return []
    written = [normalize_name(text) for text in (name, *others)]
    if same := [i for i, other in enumerate(written[1:]) if other == written[0] != ""]:
        return same
    wanted, *folded = (_folded(text)[0].strip() for text in (name, *others))
    same = [i for i, other in enumerate(folded) if other == wanted != ""]
    return same or [i for i, other in enumerate(folded) if _bare(other) == _bare(wanted) != ""]


def bare_name(name: str) -> str:
    """Return a name without case, accents, articles, genitive and punctuation at its edges."""
    return _bare(_folded(name)[0].strip())


class Grounder:
    """Looks for names in a document.

    A name is looked for letter by letter first, then without regard to case, accents, kinds of
    quotes and dashes, articles and punctuation at its edges, and at last by similarity (normalised
    indel distance of rapidfuzz), with the same numbers in it. A match begins and ends with a token,
    and is never the inside of a word; that may have an ending behind an apostrophe, as in Turkish.

    Args:
        doc: the document.
        window: where to look; None: everywhere.
        min_similarity: of the name and the words of the document, from 0 to 100.
    """

    def __init__(
        self, doc: Doc, *, window: Optional[Span] = None, min_similarity: float = MIN_SIMILARITY
    ) -> None:
        window = doc[:] if window is None else window
        self.doc = doc
        self.min_similarity = min_similarity
        self._start, self._end = window.start, window.end
        self._offset = window.start_char if len(window) else 0
        self._text = window.text
        self._found: Dict[Tuple[str, bool], List[Span]] = {}

    def find(self, name: str, *, fuzzy: bool = True) -> List[Span]:
        """Return the places where a name stands, in order of the text; empty if there is none.

        Args:
            name: the name.
            fuzzy: whether similar words count too.
        """
        key = (name, fuzzy)
        if key not in self._found:
            self._found[key] = self._find(name, fuzzy)
        return self._found[key]

    def _find(self, name: str, fuzzy: bool) -> List[Span]:
        name = name.strip()
        if len(name) > MAX_NAME or not any(character.isalnum() for character in name):
            return []
        spans = self._occurrences(self._text, name, None)
        if spans:
            return spans
        text, origins = _folded(self._text)
        wanted = _folded(name)[0].strip()
        for form in (wanted, _bare(wanted)):
            spans = self._occurrences(text, form, origins) if form else []
            if spans:
                return spans
        return self._similar(wanted) if fuzzy else []

    def _occurrences(self, text: str, name: str, origins: Optional[Tuple[int, ...]]) -> List[Span]:
        """Return where a name stands letter by letter, in a text that is folded if it has origins."""
        spans: List[Span] = []
        start = text.find(name)
        while start >= 0:
            end = start + len(name)
            if origins is None:
                span = self._whole_tokens(start, end)
            elif origins[start] == origins[start - 1] and start:
                span = None  # it begins inside a folded character, as "s" in "ß"
            elif end < len(text) and origins[end] == origins[end - 1]:
                span = None
            else:
                span = self._whole_tokens(origins[start], origins[end])
            if span is not None and (not spans or spans[-1].end <= span.start):
                spans.append(span)
            start = text.find(name, end)
        return spans

    def _whole_tokens(self, start: int, end: int) -> Optional[Span]:
        """Return the tokens of a part of the window, unless it begins or ends inside a word."""
        text = self._text
        if _is_joined(text[start - 1 : start], text[start]):
            return None
        if _is_joined(text[end - 1], text[end : end + 1]):
            return None
        start, end = start + self._offset, end + self._offset
        span = self.doc.char_span(start, end, alignment_mode="expand")
        if span is None or span.start < self._start or span.end > self._end:
            return None
        # a token may hold much more than the name, as "Berlin-based" does: that is not the name
        before = text[span.start_char - self._offset : start - self._offset]
        after = text[end - self._offset : span.end_char - self._offset]
        name = text[start - self._offset : end - self._offset]
        if any(map(str.isalnum, before)):
            return None
        return span if _AFTER_NAME.fullmatch(after) or _is_ending(name, after) else None

    def _similar(self, name: str) -> List[Span]:
        """Return the words that are most similar to a name."""
        if len(name) < MIN_FUZZY or self.min_similarity >= 100:
            return []
        folded = _folded(self._text)[0]
        starts, ends, are_words = self._tokens
        n_words, n_tokens = len(name.split()), len(_WORD_OR_MARK.findall(name))
        places, texts = [], []
        for length in range(max(1, n_words - 1), min(n_tokens, n_words + 5) + 2):
            for i in range(len(starts) - length + 1):
                if are_words[i] and are_words[i + length - 1]:
                    places.append((i, i + length))
                    texts.append(folded[starts[i] : ends[i + length - 1]])
        similar = _most_similar(name, texts, self.min_similarity)
        spans: List[Span] = []
        for i in similar:
            start, end = places[i][0] + self._start, places[i][1] + self._start
            if not spans or (spans[-1].end <= start and texts[i] == texts[similar[0]]):
                spans.append(self.doc[start:end])
        return spans

    @cached_property
    def _tokens(self) -> Tuple[List[int], List[int], List[bool]]:
        """Return starts and ends of the tokens in the folded window, and whether they have letters."""
        origins = _folded(self._text)[1]
        starts, ends, are_words = [], [], []
        for token in self.doc[self._start : self._end]:
            text, start = token.text, token.idx - self._offset
            starts.append(bisect_left(origins, start))
            ends.append(bisect_left(origins, start + len(text)))
            are_words.append(any(map(str.isalnum, text)))
        return starts, ends, are_words


def _most_similar(name: str, texts: Sequence[str], min_similarity: float) -> List[int]:
    """Return the indices of the texts that are most similar to a name, in their order."""
    rapidfuzz = import_package("rapidfuzz", "llm")
    # one comparison for all: the loop is in C
    found = rapidfuzz.process.extract(
        name, texts, scorer=rapidfuzz.fuzz.ratio, score_cutoff=min_similarity, limit=None
    )
    digits = _DIGITS.findall(name)
    similar = [(score, i) for text, score, i in found if _DIGITS.findall(text) == digits]
    best = max(similar, default=(0, 0))[0]
    return sorted(i for score, i in similar if score == best)


def _is_joined(left: str, right: str) -> bool:
    """Tell whether neighbouring characters belong to one word; scripts without case have no spaces."""
    if right and is_mark(right):
        return True
    return (left.isdigit() and right.isdigit()) or (_has_case(left) and _has_case(right))


def _is_ending(name: str, after: str) -> bool:
    """Tell whether a name has an ending behind an apostrophe, as in Turkish: Ankara'da."""
    is_name = sum(map(str.isalpha, name)) >= MIN_LETTERS and not name.islower()  # "dell'azienda"
    return is_name and bool(_ENDING.fullmatch(after)) and (after.islower() or name.isupper())


def _has_case(character: str) -> bool:
    return character.lower() != character.upper()


def _bare(name: str) -> str:
    """Return a folded name without articles, genitive and punctuation at its edges."""
    name = _ARTICLE.sub("", name.strip(_EDGE), count=1) if name else name
    return name.removesuffix("'s").strip(_EDGE)


@lru_cache(maxsize=64)
def _folded(text: str) -> Tuple[str, Tuple[int, ...]]:
    """Return a text without case, accents, kinds of quotes, dashes and white space.

    The second value is the place in the text of each character, and at last the length of the text.
    """
    folded: List[str] = []
    origins: List[int] = []
    last = letter = ""
    for i, character in enumerate(text):
        for part in _FOLDS[character]:
            if not part.isascii() and is_mark(part):
                stays = keeps_marks(letter)
            else:
                letter, stays = part, not part == " " == last
            if stays:
                folded.append(part)
                origins.append(i)
                last = part
    origins.append(len(text))
    return "".join(folded), tuple(origins)


class _Folds(Dict[str, str]):
    """Maps characters to what they are folded to, with all marks."""

    def __missing__(self, character: str) -> str:
        category = unicodedata.category(character)
        folded = "".join(map(_casefolded, unicodedata.normalize("NFKD", character)))
        if character.isspace() or character == "_":  # mem0 writes names as "ann_lee"
            folded = " "
        elif category == "Cf":  # invisible ones
            folded = ""
        elif category == "Pd" or character == "\u2212":
            folded = "-"
        elif character in _QUOTES:
            folded = _QUOTES[character]
        self[character] = folded
        return folded


def _casefolded(part: str) -> str:
    return part if is_mark(part) else part.casefold()  # that of a mark may be a letter


_FOLDS = _Folds()
