"""Augmentation of training examples, against learning names by heart."""

import random
from collections import Counter
from functools import partial
from typing import (
    Callable,
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    cast,
)

from spacy.attrs import DEP, ENT_IOB, ENT_TYPE, HEAD, MORPH, POS, TAG
from spacy.language import Language
from spacy.symbols import PROPN
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.types import Ints2d

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..documents import bare_copy, copy_asked, copy_sentences
from ..errors import ConfigError
from ..mentions import mention_spans
from ..span_groups import MovingSpanGroup, current_spans
from ..types import Relation

Augmenter = Callable[[Language, Example], Iterator[Example]]

# entity type, and whether there is a space before each token but the first
_Slot = Tuple[str, Tuple[bool, ...]]
_MAX_NAMES = 5000


def configure_swap_mentions(
    level: float = 0.5,
    spans_key: Optional[str] = None,
    attr: str = DEFAULT_ATTR,
    labels: Optional[List[str]] = None,
) -> Augmenter:
    """Replace mentions by others of their type (``rel_component.swap_mentions.v1``).

    A name is replaced by one with as many tokens, and spaces at the same places, that occurs in the
    examples read before. Wherever its words with capitals or digits occur in other mentions of the
    document, they are replaced too, so that "Ada Lovelace" and "Lovelace" stay one person. Only words
    change: tokens, mentions, all span groups and relations keep their places.

    With few documents this also pays for common nouns ("the cells"), which would be learnt by heart
    as well: with 50 sentences of SemEval-2010 Task 8, micro F1 on dev was 34.6, and 22.7 without it.
    With thousands, common nouns say something about their relations: leave their types out of
    `labels` then. :func:`name_types` says which types are names.

    Args:
        level: probability that a name is replaced, in [0, 1].
        spans_key: span group that holds the mentions; None: the entities.
        attr: name of the extension attribute of the relations.
        labels: entity types whose mentions are replaced; None: all.

    Raises:
        ConfigError: if level is out of range.
    """
    if not 0.0 <= level <= 1.0:
        raise ConfigError(f"level must lie in [0, 1], got {level}")
    chosen = None if labels is None else frozenset(labels)
    return partial(
        _swap_mentions, level=level, spans_key=spans_key, attr=attr, labels=chosen, names={}
    )


def name_types(docs: Iterable[Doc], spans_key: Optional[str] = None) -> List[str]:
    """The entity types whose mentions are names, such as "Ada Lovelace", and no common nouns.

    A mention is a name if at least half of its words are proper nouns, where the document has parts
    of speech, or have a capital letter; and a type if that is so for most of its mentions. Mentions
    at the beginning of a sentence count only for types that have no other ones. Numbers, and words of
    a script without capitals, count as names. In German, which writes all nouns with
    capitals, only parts of speech tell them apart.

    Args:
        docs: annotated documents.
        spans_key: span group that holds the mentions; None: the entities.

    Returns:
        the types in alphabetical order.
    """
    n_seen: Counter[Tuple[str, bool]] = Counter()
    n_names: Counter[Tuple[str, bool]] = Counter()
    for doc in docs:
        for span in mention_spans(doc, spans_key):
            key = (span.label_, span.start > 0 and not doc[span.start].is_sent_start)
            n_seen[key] += 1
            n_names[key] += _is_name(span)
    within = {label for label, mid_sentence in n_seen if mid_sentence}
    return sorted(
        label
        for (label, mid_sentence), n in n_seen.items()
        if mid_sentence == (label in within) and 2 * n_names[label, mid_sentence] > n
    )


def _is_name(span: Span) -> bool:
    words = [token for token in span if any(c.isalpha() for c in token.text)]
    if span.doc.has_annotation("POS"):
        n = sum(token.pos == PROPN for token in words)
    else:
        n = sum(
            any(c.isupper() or c.lower() == c.upper() for c in token.text if c.isalpha())
            for token in words
        )
    return 2 * n >= len(words)


def _swap_mentions(
    nlp: Language,
    example: Example,
    *,
    level: float,
    spans_key: Optional[str],
    attr: str,
    labels: Optional[Collection[str]],
    names: Dict[_Slot, List[Tuple[str, ...]]],
) -> Iterator[Example]:
    """Replace mentions of an example, and add its own to the names, which are in it by their slots."""
    reference = example.reference
    spans = [
        span
        for span in mention_spans(reference, spans_key)
        if labels is None or span.label_ in labels
    ]
    words = [token.text for token in reference]
    for i, word in _replacements(spans, names, level).items():
        words[i] = word
    for span in spans:
        known = names.setdefault(_slot(span), [])
        name = tuple(token.text for token in span)
        if name not in known and len(known) < _MAX_NAMES:
            known.append(name)
    copy = _with_words(reference, words)
    _copy_relations(reference, copy, attr)
    predicted = _predicted(nlp, example, copy, words)
    copy_asked(reference, predicted)  # which not all readers of corpora do
    yield Example(predicted, copy)


def _replacements(
    spans: Sequence[Span], names: Dict[_Slot, List[Tuple[str, ...]]], level: float
) -> Dict[int, str]:
    """New words by token, the longest mentions first, so that parts of a name follow it."""
    new_names: Dict[Tuple[str, ...], Sequence[str]] = {}
    new_words: Dict[str, str] = {}  # without "of" and ",", which many names have in common
    result: Dict[int, str] = {}
    for span in sorted(spans, key=len, reverse=True):
        old = tuple(token.text for token in span)
        if old not in new_names:
            new_names[old] = [new_words.get(word, word) for word in old]
            if not any(token.i in result or token.text in new_words for token in span):
                known = names.get(_slot(span))
                new_names[old] = random.choice(known) if known and random.random() < level else old
                pairs = zip(old, new_names[old])
                new_words.update((word, new) for word, new in pairs if _tells_names(word))
        for token, word in zip(span, new_names[old]):
            result.setdefault(token.i, word)  # where mentions overlap, the longer one decides
    return result


def _slot(span: Span) -> _Slot:
    return span.label_, tuple(bool(token.whitespace_) for token in span[:-1])


def _tells_names(word: str) -> bool:
    """Whether a word has a digit, a capital letter, or a letter of a script without capitals."""
    return any(
        c.isdigit() or (c.isalpha() and (c.isupper() or c.lower() == c.upper())) for c in word
    )


def _with_words(doc: Doc, words: Sequence[str]) -> Doc:
    """A copy of a document with other words, that has all annotation but lemmas."""
    copy = bare_copy(doc, words=words, sentences=True)
    # the first two also say which tokens have no annotation, and which may be no entity
    known = [name for name in (TAG, POS, MORPH, DEP, HEAD) if doc.has_annotation(name)]
    attributes = [ENT_IOB, ENT_TYPE, *known]
    copy.from_array(attributes, cast(Ints2d, doc.to_array(attributes)))
    for key, group in doc.spans.items():
        _add_group(copy, key, _carry(current_spans(group), copy), group.attrs)
    return copy


def _predicted(nlp: Language, example: Example, reference: Doc, words: Sequence[str]) -> Doc:
    """The predicted document of an example with the text of a changed reference."""
    old = example.predicted
    if [token.idx for token in old] == [token.idx for token in example.reference]:
        return _with_words(old, words)
    # Other tokens: what is there is found again by the tokens of the reference.
    doc = nlp.make_doc(reference.text)
    if old.has_annotation("SENT_START"):
        copy_sentences(reference, doc)

    def moved(spans: Sequence[Span]) -> List[Span]:
        found = []
        for span in spans:
            known = example.reference.char_span(span.start_char, span.end_char)
            if known:
                place = reference[known.start : known.end]
                new = doc.char_span(place.start_char, place.end_char, label=span.label_)
                found += [new] if new else []
        return found

    if old.has_annotation("ENT_IOB"):
        doc.set_ents(moved(old.ents))
    for key, group in old.spans.items():
        _add_group(doc, key, moved(current_spans(group)), {})
    return doc


def _add_group(doc: Doc, key: str, spans: List[Span], attrs: Dict[str, object]) -> None:
    doc.spans[key] = MovingSpanGroup(doc, name=key, attrs=dict(attrs), spans=spans)


def _copy_relations(doc: Doc, copy: Doc, attr: str) -> None:
    relations = get_relations(doc, attr)
    heads = _carry([rel.head for rel in relations], copy)
    tails = _carry([rel.tail for rel in relations], copy)
    moved = [
        Relation(head, rel.label, tail, rel.score, rel.evidence, rel.polarity)
        for head, rel, tail in zip(heads, relations, tails)
    ]
    set_relations(copy, moved, attr)


def _carry(spans: Sequence[Span], doc: Doc) -> List[Span]:
    """Spans of the same tokens in another document."""
    return [Span(doc, span.start, span.end, label=span.label_) for span in spans]
