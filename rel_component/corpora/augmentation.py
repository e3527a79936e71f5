"""Augmentation of training examples, against learning names by heart."""

import random
from functools import partial
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..annotations import DEFAULT_ATTR, get_relations, set_relations
from ..documents import bare_copy
from ..errors import ConfigError
from ..mentions import mention_spans, read_clusters, set_clusters

Augmenter = Callable[[Language, Example], Iterator[Example]]

_Slot = Tuple[str, int]  # entity type and number of tokens
_MAX_NAMES = 5000


def configure_swap_mentions(
    level: float = 0.5, spans_key: Optional[str] = None, attr: str = DEFAULT_ATTR
) -> Augmenter:
    """Replace mentions by others of their type (``rel_component.swap_mentions.v1``).

    A name is replaced by one with as many tokens that occurs in the examples read before, wherever
    its words occur in mentions of the document, so that "Ada Lovelace" and "Lovelace" stay one
    person. Only words change: tokens, mentions and relations keep their places.

    Args:
        level: probability that a name is replaced, in [0, 1].
        spans_key: span group that holds the mentions; None: the entities.
        attr: name of the extension attribute of the relations.

    Raises:
        ConfigError: if level is out of range.
    """
    if not 0.0 <= level <= 1.0:
        raise ConfigError(f"level must lie in [0, 1], got {level}")
    return partial(_swap_mentions, level=level, spans_key=spans_key, attr=attr, names={})


def _swap_mentions(
    nlp: Language,
    example: Example,
    *,
    level: float,
    spans_key: Optional[str],
    attr: str,
    names: Dict[_Slot, List[Tuple[str, ...]]],
) -> Iterator[Example]:
    """Replace mentions of an example, and add its own to the names, which are in it by their slots."""
    reference = example.reference
    spans = mention_spans(reference, spans_key)
    words = [token.text for token in reference]
    for i, word in _replacements(spans, names, level).items():
        words[i] = word
    for span in spans:
        known = names.setdefault((span.label_, len(span)), [])
        name = tuple(token.text for token in span)
        if name not in known and len(known) < _MAX_NAMES:
            known.append(name)
    copy = _with_words(reference, words, spans_key, attr)
    predicted = bare_copy(copy, vocab=nlp.vocab)
    if spans_key is None:
        predicted.set_ents(_carry(example.predicted.ents, predicted))
    elif spans_key in example.predicted.spans:
        kept = mention_spans(example.predicted, spans_key)
        predicted.spans[spans_key] = _carry(kept, predicted)
    set_clusters(predicted, (_carry(c, predicted) for c in read_clusters(example.predicted)))
    yield Example(predicted, copy)


def _replacements(
    spans: Sequence[Span], names: Dict[_Slot, List[Tuple[str, ...]]], level: float
) -> Dict[int, str]:
    """New words by token, the longest mentions first, so that parts of a name follow it."""
    new_words: Dict[str, str] = {}
    result: Dict[int, str] = {}
    for span in sorted(spans, key=len, reverse=True):
        old = [token.text for token in span]
        if not any(word in new_words for word in old):
            known = names.get((span.label_, len(span)))
            chosen = random.choice(known) if known and random.random() < level else tuple(old)
            new_words.update(zip(old, chosen))
        result.update({token.i: new_words.get(token.text, token.text) for token in span})
    return result


def _with_words(doc: Doc, words: List[str], spans_key: Optional[str], attr: str) -> Doc:
    copy = bare_copy(doc, words=words, sentences=True)
    copy.set_ents(_carry(doc.ents, copy))
    if spans_key is not None:
        copy.spans[spans_key] = _carry(mention_spans(doc, spans_key), copy)
    set_clusters(copy, (_carry(cluster, copy) for cluster in read_clusters(doc)))
    relations = get_relations(doc, attr)
    heads = _carry([rel.head for rel in relations], copy)
    tails = _carry([rel.tail for rel in relations], copy)
    set_relations(
        copy, [(h, rel.label, t, rel.score) for h, rel, t in zip(heads, relations, tails)], attr
    )
    return copy


def _carry(spans: Sequence[Span], doc: Doc) -> List[Span]:
    """Spans of the same tokens in another document."""
    return [Span(doc, span.start, span.end, label=span.label_) for span in spans]
