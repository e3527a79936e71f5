"""What a reply says of a relation beside head, label and tail, checked against the document."""

import re
from collections import Counter
from typing import List, Optional, Sequence, Set, Tuple

import numpy
from spacy.tokens import Doc, Span

from ...documents import sentence_numbers
from ...types import POLARITIES
from ..prompting.claims import Claims
from .arguments import Drop, normalized_word, quoted
from .statements import StatedRelation

NO_QUOTE = "no_quote"
"""Reason of a drop: a quote was asked for, and there is none."""

QUOTE_NOT_IN_TEXT = "quote_not_in_text"
"""Reason of a drop: the document does not have the words that are quoted."""

UNKNOWN_POLARITY = "unknown_polarity"
"""Reason of a drop: it does not say whether the relation holds."""

POLARITY_SPELLING = "polarity_spelling"
"""Repair: another word for a polarity."""

_POLARITY_WORDS = {
    "asserted": "asserted affirmed affirmative positive stated true yes factual fact actual",
    "negated": "negated negative denied false no",
    "planned": "planned plan future intended expected possible hypothetical rumoured rumored",
}

MAX_QUOTE = 2000
"""Characters of the longest quote that is looked for."""

MAX_PLACES = 1000
"""The most places of a quote that are compared; of more, the first ones."""

_OUR_TAG = re.compile(r"</?M\d{1,9}>")
_SPACE = re.compile(r"\s+")
_Place = Tuple[int, int]


class StatedClaims:
    """Reads the quotes and the polarity of stated relations.

    Args:
        claims: what the prompt asked for.
        doc: the document.
        window: the part of it that the prompt showed; None: all of it.
        repaired: counts repairs, by kind.
    """

    def __init__(
        self, claims: Claims, doc: Doc, window: Optional[Span], repaired: "Counter[str]"
    ) -> None:
        self.claims = claims
        self.repaired = repaired
        self._text = QuotedText(doc, window) if claims.quote else None

    def evidence(self, stated: StatedRelation, head: Span, tail: Span) -> Sequence[int]:
        """The sentences that are quoted, none if no quote was asked for.

        Raises:
            Drop: if there is no quote, or the document does not have its words.
        """
        if self._text is None:
            return ()
        quotes = [quote for quote in stated.quotes if quote.strip()]
        if not quotes:
            raise Drop(NO_QUOTE, "the quote is missing")
        sentences: Set[int] = set()
        for quote in quotes:
            found = self._text.sentences(quote, (head, tail))
            if found is None:
                raise Drop(
                    QUOTE_NOT_IN_TEXT,
                    f"the document does not say {quoted(quote)}; copy its words letter by letter",
                )
            sentences |= found
        return sorted(sentences)

    def polarity(self, stated: StatedRelation) -> str:
        """What the reply says of the relation, empty if that was not asked for.

        Raises:
            Drop: if it is no polarity.
        """
        if not self.claims.polarity:
            return ""
        said = normalized_word(stated.polarity or "")
        for polarity, words in _POLARITY_WORDS.items():
            if said in words.split():
                if stated.polarity != polarity:
                    self.repaired[POLARITY_SPELLING] += 1
                return polarity
        raise Drop(
            UNKNOWN_POLARITY,
            f"polarity {quoted(stated.polarity or '')} is not one of {', '.join(POLARITIES)}",
        )


class QuotedText:
    """Looks for quotes in a document, letter by letter; only white space does not count.

    Tags of mentions that prompts show are taken out of quotes. A quote is no part of a word.

    Args:
        doc: the document.
        window: where to look; None: everywhere.
    """

    def __init__(self, doc: Doc, window: Optional[Span] = None) -> None:
        window = doc[:] if window is None else window
        self._doc_text, text = doc.text, window.text
        offset = window.start_char if len(window) else 0
        letters = [i for i, letter in enumerate(text) if not letter.isspace()]
        self._text = "".join(text[i] for i in letters)
        self._places = numpy.asarray(letters, dtype="int64") + offset
        self._token_starts = numpy.asarray([token.idx for token in doc], dtype="int64")
        self._token_ends = {token.idx + len(token) for token in doc}
        self._numbers = sentence_numbers(doc)

    def sentences(self, quote: str, mentions: Sequence[Span]) -> Optional[Set[int]]:
        """The sentences of a quote, of several places those of the one nearest to some mentions.

        Args:
            quote: the words.
            mentions: those that it should be about.

        Returns:
            None if the document does not have these words; nothing if its sentences are not known.
        """
        places = self._find(quote)
        if not places:
            return None
        if self._numbers is None:
            return set()

        def distance(place: _Place) -> int:
            return sum(
                max(place[0] - span.end_char, span.start_char - place[1], 0) for span in mentions
            )

        start, end = min(places, key=distance)
        first, last = numpy.searchsorted(self._token_starts, [start, end - 1], side="right") - 1
        return {int(number) for number in self._numbers[first : last + 1]}

    def _find(self, quote: str) -> List[_Place]:
        """Start and exclusive end in characters of the places where a quote stands."""
        wanted = _SPACE.sub("", _OUR_TAG.sub("", quote[: MAX_QUOTE + 1]))
        if len(quote) > MAX_QUOTE or not any(letter.isalnum() for letter in wanted):
            return []
        found: List[_Place] = []
        at = self._text.find(wanted)
        while at >= 0 and len(found) < MAX_PLACES:
            place = int(self._places[at]), int(self._places[at + len(wanted) - 1]) + 1
            if not any(map(self._is_inside_word, place)):
                found.append(place)
            at = self._text.find(wanted, at + 1)
        return found

    def _is_inside_word(self, place: int) -> bool:
        text = self._doc_text
        if not 0 < place < len(text) or place in self._token_ends:
            return False
        return text[place - 1].isalnum() and text[place].isalnum()
