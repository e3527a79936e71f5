"""The annotated documents of an audit, with what all checks read of them."""

import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Dict, List, Optional, Sequence, Tuple

import numpy
from spacy.strings import get_string_id
from spacy.tokens import Doc, Span

from ..annotations import DEFAULT_ATTR, get_relations
from ..documents import document_id, mentions_by_key, sentence_numbers
from ..events import Event, get_events
from ..mentions import mention_spans
from ..types import HashArray, Int32Array, Relation

Position = Tuple[int, int]
"""Start and exclusive end of a mention in tokens."""


@dataclass(frozen=True)
class Split:
    """A split of a corpus.

    Attributes:
        name: name of the split, e.g. ``train``.
        docs: the documents.
        held_out: whether the split is for development or test.
    """

    name: str
    docs: Sequence[Doc]
    held_out: bool = False


@dataclass(frozen=True, eq=False)
class AuditedDoc:
    """A document with its place in the corpus.

    Attributes:
        split: the split that the document belongs to.
        index: position of the document in the split, counted from 0.
        doc: the document.
        spans_key: span group of the mentions; None: the entities.
        attr: name of the extension attribute of the relations.
    """

    split: Split
    index: int
    doc: Doc
    spans_key: Optional[str] = None
    attr: str = DEFAULT_ATTR

    @property
    def id(self) -> str:
        """The id that the document has from its annotation file, empty if none."""
        return document_id(self.doc)

    @property
    def name(self) -> str:
        """Split, position and id, for people."""
        return f"{self.split.name} {self.index}" + (f" ({self.id})" if self.id else "")

    @cached_property
    def relations(self) -> List[Relation]:
        """The annotated relations."""
        return list(get_relations(self.doc, self.attr))

    @cached_property
    def events(self) -> List[Event]:
        """The annotated events."""
        return list(get_events(self.doc))

    @cached_property
    def mentions(self) -> List[Span]:
        """The mentions and arguments of relations, each once, by start and end."""
        spans = mention_spans(self.doc, self.spans_key)
        return list(mentions_by_key(spans, self.relations).values())

    @cached_property
    def sentences(self) -> Int32Array:
        """The sentence of each token, counted from 0; all 0 where sentences are not known."""
        numbers = sentence_numbers(self.doc)
        return numpy.zeros(len(self.doc), dtype="int32") if numbers is None else numbers

    @cached_property
    def words(self) -> HashArray:
        """Hashes of the words without case; punctuation is left out."""
        return self._hashes[self._hashes > 0]

    @cached_property
    def masked_words(self) -> List[str]:
        """The words in lower case, with the first word of a mention replaced by its type.

        The other words of a mention are empty. Of mentions that overlap, the last one counts.
        """
        words = [token.text.lower() for token in self.doc]
        for span in self.mentions:
            words[span.start : span.end] = [f"[{span.label_}]"] + [""] * (len(span) - 1)
        return words

    def sentence_words(self) -> Dict[int, HashArray]:
        """Hashes of the words of each sentence, by sentence number."""
        hashes, sentences = self._hashes, self.sentences
        return {
            int(number): hashes[(sentences == number) & (hashes > 0)]
            for number in numpy.unique(sentences)
        }

    def across_sentences(self, rel: Relation) -> bool:
        """True if the arguments of a relation begin in different sentences."""
        return bool(self.sentences[rel.head.start] != self.sentences[rel.tail.start])

    @cached_property
    def _hashes(self) -> HashArray:
        return numpy.asarray([_hash_word(token.text) for token in self.doc], dtype="uint64")


@lru_cache(maxsize=1 << 18)
def _hash_word(word: str) -> int:
    """The hash of a word without case, equal in all processes; 0 without letters and digits."""
    known = any(character.isalnum() for character in word)
    return int(get_string_id(unicodedata.normalize("NFKC", word).casefold())) if known else 0


def position(span: Span) -> Position:
    """Start and exclusive end of a mention in tokens."""
    return (span.start, span.end)


def token_distance(rel: Relation) -> int:
    """Tokens between the arguments of a relation, 0 if they overlap."""
    first, last = sorted((rel.head, rel.tail), key=lambda span: (span.start, span.end))
    return max(0, last.start - first.end)
