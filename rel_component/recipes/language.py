"""The language of texts, by their script and by the stop words of spaCy's languages."""

import runpy
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Dict, FrozenSet, Iterable, List, NamedTuple

import spacy.lang

_LIKELY = 0.1
"""The least share of stop words of a running text; lists of names and formulas have fewer."""

_FEWEST = 5  # words: among fewer, those of another language may be chance

_LEAD = 2  # words that another language must have more than English

_MARKS = "!\"'()*,-./:;<>?[]{}|«»“”„\u2018\u2019\u201a。、؟،।"
"""Characters around words. Combining vowels, which Indian scripts have, are no letters to ``\\w``."""

_MOST = 20_000  # words

_SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CJK": "zh"}
"""Scripts that decide alone, the first one of which a text has enough: Japanese has Chinese ones too."""


class Language(NamedTuple):
    """A language, and why it is thought to be that.

    Attributes:
        code: as ``spacy.blank`` takes it; ``xx`` for several languages.
        reason: the reason in words.
    """

    code: str
    reason: str


def detect_language(texts: Iterable[str]) -> Language:
    """The language of texts.

    Args:
        texts: a sample of the texts.

    Returns:
        The language of spaCy that has most of the words among its stop words. Where no language has
        many of them: English for Latin letters, and ``xx`` otherwise.
    """
    words: List[str] = []
    for text in texts:
        words += filter(None, (word.strip(_MARKS) for word in text.lower().split()))
        if len(words) >= _MOST:
            break
    scripts = Counter(_script(letter) for word in words for letter in word if letter.isalpha())
    n_letters = sum(scripts.values())
    if not n_letters:
        return Language("en", "the texts have no words, and English is the default")
    for script, code in _SCRIPTS.items():
        if scripts[script] > 0.1 * n_letters:
            return Language(code, f"the script is {script.lower()}")
    script = scripts.most_common(1)[0][0]
    known = _stop_words(script)
    shares = {
        code: sum(word in stop_words for word in words) / len(words)
        for code, stop_words in known.items()
    }
    # of nearly equals, English: there are many small languages
    lead = _LEAD / len(words)
    best = max(shares, key=lambda code: shares[code] + lead * (code == "en"), default="xx")
    likely = len(words) >= _FEWEST and shares.get(best, 0) >= _LIKELY
    if best in shares and (likely or len(shares) == 1):
        reason = f"{100 * shares[best]:.0f} % of the words are stop words of this language"
        return Language(best, reason if len(shares) > 1 else f"the script is {script.lower()}")
    if script == "LATIN":
        return Language("en", "the words tell of no language; English is the default")
    return Language(
        "xx", f"the words, in the script {script.lower()}, tell of no language of spaCy"
    )


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "none").split()[0]


@cache
def _stop_words(script: str) -> Dict[str, FrozenSet[str]]:
    """The stop words of the languages that are written in a script."""
    found = {}
    for code, words in _all_stop_words().items():
        letters = Counter(_script(letter) for word in words for letter in word if letter.isalpha())
        if letters.most_common(1)[0][0] == script:
            found[code] = words
    return found


@cache
def _all_stop_words() -> Dict[str, FrozenSet[str]]:
    # The files alone: some of the packages around them take seconds to import.
    files = sorted(Path(spacy.lang.__path__[0]).glob("*/stop_words.py"))
    found = {file.parent.name: runpy.run_path(str(file)).get("STOP_WORDS", ()) for file in files}
    return {code: frozenset(words) for code, words in found.items() if words}
