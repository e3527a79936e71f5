"""What the words of two mentions say about their coreference, as rows of an embedding table.

The six kinds of pairs are those of LingMess (Otmazgin et al. 2023,
https://aclanthology.org/2023.eacl-main.202), section 3. Pronouns, determiners and function words are
English ones; in other languages single words that are tagged as pronouns are known as such. Everything
else needs words and nothing more.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

import numpy
from spacy.symbols import PRON
from spacy.tokens import Doc

from ...candidates import Candidates
from ...layers.rows import rows_of_runs
from ...types import Int32Array
from .mention_pairs import closest_mentions

_PRONOUNS = (
    "i me my mine myself",
    "you your yours yourself yourselves thou thee thy thine",
    "he him his himself",
    "she her hers herself",
    "it its itself",
    "we us our ours ourselves",
    "they them their theirs themselves themself 'em",
    "this that these those",
    "who whom whose which",
)
_GROUPS = {word: i for i, group in enumerate(_PRONOUNS, start=1) for word in group.split()}
PRONOUNS = frozenset(_GROUPS)
"""English pronouns, in lower case."""

_OTHER_PRONOUN = len(_PRONOUNS) + 1
_N_GROUPS = len(_PRONOUNS) + 2  # 0: no pronoun

_FORMS = ("the", "this that these those", "a an some any", "my your his her its our their")
_FORM_OF = {word: i for i, form in enumerate(_FORMS, start=1) for word in form.split()}
DETERMINERS = frozenset(_FORM_OF)
"""English determiners, in lower case."""

_NAME = len(_FORMS) + 1  # begins with a capital letter
_N_FORMS = len(_FORMS) + 2  # 0: none of them

_FUNCTION = (
    "'s a all an and at for from in into more of on or some the these those this that with by to",
    "my your his her its our their , . - ( ) \" '",
)
_FUNCTION_WORDS = frozenset(word for line in _FUNCTION for word in line.split())
_AFTER = "of in for at on who whom whose which that to with from by , -- ( : ;"
_AFTER_HEAD = frozenset(_AFTER.split())
_POSSESSIVE = ("'s", "'")

_GAPS = numpy.asarray([2, 3, 4, 5, 8, 12, 16, 24, 32, 64], dtype="int32")

_N_KINDS, _N_MATCHES, _N_GAPS = 6, 5, len(_GAPS) + 1
_SIZES = (_N_KINDS, _N_GROUPS**2, _N_FORMS**2, _N_MATCHES, _N_GAPS)
N_CATEGORIES = sum(_SIZES)
"""Rows of the table of all categories."""


@dataclass(frozen=True)
class _Words:
    """The words of mentions as numbers.

    Attributes:
        groups: group of a pronoun, 0 for other mentions. *Shape:* ``(n_mentions,)``
        forms: how the mention begins. *Shape:* ``(n_mentions,)``
        texts: equal for mentions of the same words, regardless of case. *Shape:* ``(n_mentions,)``
        heads: equal for mentions of the same head, as far as words can tell. *Shape:*
            ``(n_mentions,)``
        words: the distinct content words of all mentions, mention by mention. *Shape:*
            ``(n_words,)``
        bounds: first word of each mention, and their number. *Shape:* ``(n_mentions + 1,)``
    """

    groups: Int32Array
    forms: Int32Array
    texts: Int32Array
    heads: Int32Array
    words: Int32Array
    bounds: Int32Array


def pair_categories(docs: Sequence[Doc], candidates: Candidates) -> Int32Array:
    """The rows that each pair looks up; head is the antecedent, tail the anaphor.

    Args:
        docs: the documents.
        candidates: their pairs.

    Returns:
        kind of pair, pronouns, forms, match of the words and distance in mentions. *Shape:*
        ``(n_pairs, 5)``
    """
    words = _read_words(docs, candidates)
    head, tail = closest_mentions(candidates).T
    groups, forms = words.groups, words.forms
    common = _common_words(words, head, tail)
    n_head, n_tail = (numpy.diff(words.bounds)[side] for side in (head, tail))
    same_words = (common == n_head) & (common == n_tail) & (common > 0)
    same_text = words.texts[head] == words.texts[tail]
    is_match = same_words | same_text
    is_contained = (common > 0) & ((common == n_head) | (common == n_tail))
    n_pronouns = (groups[head] > 0).astype("int32") + (groups[tail] > 0)
    kinds = numpy.select(
        [
            (n_pronouns == 2) & (groups[head] == groups[tail]),
            n_pronouns == 2,
            n_pronouns == 1,
            is_match,
            is_contained,
        ],
        numpy.arange(_N_KINDS - 1),
        _N_KINDS - 1,
    )
    same_head = words.heads[head] == words.heads[tail]
    matches = numpy.select([same_text, same_words, same_head, common > 0], [4, 3, 2, 1], 0)
    columns = (
        kinds,
        groups[head] * _N_GROUPS + groups[tail],
        forms[head] * _N_FORMS + forms[tail],
        matches,
        numpy.digitize(numpy.abs(tail - head), _GAPS),
    )
    begins = numpy.cumsum([0, *_SIZES[:-1]])
    return (numpy.stack(columns, axis=1) + begins).astype("int32")


def _read_words(docs: Sequence[Doc], candidates: Candidates) -> _Words:
    numbers: Dict[str, int] = {}

    def number(text: str) -> int:
        return numbers.setdefault(text, len(numbers))

    rows: List[Any] = []
    words: List[int] = []
    bounds = [0]
    for doc, spans in zip(docs, candidates.mentions.spans_by_doc):
        shown, pos = [token.text for token in doc], [token.pos for token in doc]
        lower = [text.lower().replace("\u2019", "'") for text in shown]
        is_capital = [text[0].isupper() for text in shown]
        for start, end in spans.tolist():
            inside = lower[start:end]
            group = _GROUPS.get(inside[0], 0) if len(inside) == 1 else 0
            if len(inside) == 1 and not group and pos[start] == PRON:
                group = _OTHER_PRONOUN
            form = _FORM_OF.get(inside[0], _NAME if is_capital[start] else 0)
            rows.append((group, form, number(" ".join(inside)), number(_head(inside))))
            content = [] if group else [w for w in inside if w not in _FUNCTION_WORDS]
            words.extend(sorted({number(word) for word in content}))
            bounds.append(len(words))
    groups, forms, texts, heads = numpy.asarray(rows, dtype="int32").reshape(-1, 4).T
    return _Words(
        groups, forms, texts, heads, numpy.asarray(words, dtype="int32"), numpy.asarray(bounds)
    )


def _head(words: Sequence[str]) -> str:
    """The word before the first that begins a phrase after the head, or the last one."""
    end = next((i for i, word in enumerate(words) if i and word in _AFTER_HEAD), len(words))
    if end > 1 and words[end - 1] in _POSSESSIVE:
        end -= 1
    return words[end - 1]


def _common_words(words: _Words, head: Int32Array, tail: Int32Array) -> Any:
    """The number of content words that two mentions share. *Shape:* ``(n_pairs,)``."""
    bounds, n_words = words.bounds, int(words.words.max(initial=0)) + 1
    mention_of, _ = rows_of_runs(numpy.stack([bounds[:-1], bounds[1:]], axis=1))
    known = mention_of.astype("int64") * n_words + words.words  # sorted
    # each pair as many times as its head has words
    pair_of, places = rows_of_runs(numpy.stack([bounds[head], bounds[head + 1]], axis=1))
    sought = tail[pair_of].astype("int64") * n_words + words.words[places]
    found = numpy.searchsorted(known, sought)
    is_there = known[numpy.minimum(found, len(known) - 1)] == sought if len(known) else sought > 0
    return numpy.bincount(pair_of, weights=is_there, minlength=len(head)).astype("int32")
