"""Forms in which names are compared, and the longer forms that a document has of its short ones."""

import re
import unicodedata
from itertools import pairwise
from typing import Dict, List, Sequence, Tuple

from spacy.tokens import Doc, Span

from ..mentions import normalize_name, without_accents, words_of

_WORD = re.compile(r"[^\W_]+")
_LINKING_WORDS = frozenset({"a", "an", "and", "of", "the"})
_NUMERALS = dict(zip(("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"), "123456789"))
_LONGEST_SHORT, _LONGEST_GAP = 10, 10  # characters of a short form, words of a long form
_BRACKETED = re.compile(r"[(\[]([^()\[\]]{2,200})[)\]]")


def folded(text: str) -> str:
    """A name without case, accents and punctuation: its words with single spaces between them.

    Args:
        text: the name.
    """
    return " ".join(words_of(without_accents(text.casefold())))


def folded_before(text: str) -> str:
    """The form that :func:`folded` gave in knowledge bases of version 1: no script has marks.

    Args:
        text: the name.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def loose_key(text: str) -> str:
    """What names have in common that differ in the order or the number of their words.

    The words are sorted, plural endings (of English) and linking words left out, and Roman numerals
    are digits: ``Diabetes Mellitus, Type 2`` and ``type II diabetes mellitus`` are equal.

    Args:
        text: a name that is :func:`folded`.
    """
    words = (_singular(_NUMERALS.get(word, word)) for word in text.split())
    kept = sorted(word for word in words if word not in _LINKING_WORDS)
    return " ".join(kept) or text


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "is", "us")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") and len(word) > 4 else word[:-1]


def find_abbreviations(text: str) -> Dict[str, str]:
    """The abbreviations that a text defines, ``long form (short form)``, with their long forms.

    Args:
        text: the text of a document.

    Returns:
        the first long form of each short form, as they are written; the algorithm of Schwartz and Hearst
        2003 (https://psb.stanford.edu/psb-online/proceedings/psb03/schwartz.pdf).
    """
    found: Dict[str, str] = {}
    for match in _BRACKETED.finditer(text):
        inside = re.split(r"[,;]", match[1])[0].strip()
        before = text[max(0, match.start() - 300) : match.start()].rstrip()
        before = re.split(r"[.;:!?]\s|\n", before)[-1]
        if _is_short(inside):
            short, long = inside, _long_form(inside, before)
        else:  # short form (long form)
            short = before.rsplit(None, 1)[-1] if before.split() else ""
            long = _long_form(short, inside) if _is_short(short) else ""
        if long:
            found.setdefault(short, long)
    return found


def _is_short(text: str) -> bool:
    return (
        2 <= len(text) <= _LONGEST_SHORT
        and len(text.split()) <= 2
        and text[0].isalnum()
        and any(c.isalpha() for c in text)
    )


def _long_form(short: str, text: str) -> str:
    """The shortest end of a text in which the characters of a short form occur in their order."""
    n_words = min(len(short) + 5, 2 * len(short))
    words = text.split()[-n_words:]
    text = " ".join(words)
    at = len(text)
    for i in range(len(short) - 1, -1, -1):
        char = short[i].casefold()
        if not char.isalnum():
            continue
        at -= 1
        while at >= 0 and (
            text[at].casefold() != char or (i == 0 and at > 0 and text[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
    long = text[text.rfind(" ", 0, at) + 1 :].strip("'\"()[] ")
    return long if len(long) > len(short) and short.casefold() not in folded(long).split() else ""


def expansions(doc: Doc, mentions: Sequence[Span]) -> List[List[Tuple[str, bool]]]:
    """The longer names that a document has of its mentions.

    These are the long forms of abbreviations that the text defines, whatever their letters if both are
    mentions of a type (``lead (Pb)``), and mentions of the same type that have all words of this one
    and more: ``Bernie Sanders`` for ``Sanders``.

    Args:
        doc: the document.
        mentions: its mentions.

    Returns:
        for each mention the longer names, and whether it is their abbreviation.
    """
    defined = {**_bracketed(doc, mentions), **find_abbreviations(doc.text)}
    by_key = {normalize_name(short): long for short, long in defined.items()}
    by_word: Dict[Tuple[int, str], List[Tuple[Tuple[str, ...], str]]] = {}
    seen = set()
    for span in mentions:
        words = tuple(folded(span.text).split())
        if 1 < len(words) <= _LONGEST_GAP and (span.label, words) not in seen:
            seen.add((span.label, words))
            for word in set(words):
                by_word.setdefault((span.label, word), []).append((words, span.text))
    return [_expansions(span, by_key, by_word) for span in mentions]


def _bracketed(doc: Doc, mentions: Sequence[Span]) -> Dict[str, str]:
    """The short mentions in brackets after another mention of their type, with that one."""
    found: Dict[str, str] = {}
    text = doc.text
    ordered = sorted(mentions, key=lambda span: span.start_char)
    for long, short in pairwise(ordered):
        between = text[long.end_char : short.start_char].strip()
        is_closed = text[short.end_char : short.end_char + 2].lstrip()[:1] in ("]", ")")
        is_shorter = _is_short(short.text) and len(long.text) > len(short.text)
        if between in ("(", "[") and is_closed and is_shorter and long.label == short.label:
            found.setdefault(short.text, long.text)
    return found


def _expansions(
    span: Span,
    defined: Dict[str, str],
    by_word: Dict[Tuple[int, str], List[Tuple[Tuple[str, ...], str]]],
) -> List[Tuple[str, bool]]:
    text = span.text
    key = normalize_name(text)
    found: Dict[str, bool] = {}
    for form in (key, key.rstrip("s")):
        if form in defined:
            found[defined[form]] = True
    own = folded(text).split()
    if found or not own or not text[:1].isupper():
        return list(found.items())
    for words, longer in by_word.get((span.label, own[-1]), ())[:20]:
        if len(words) > len(own) and set(own) <= set(words):
            found.setdefault(longer, False)
    return list(found.items())[:3]
