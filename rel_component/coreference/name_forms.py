"""Forms of one name: its words as they are compared, initials, abbreviations, parts, spellings."""

import re
from dataclasses import dataclass
from typing import FrozenSet, Iterator, Sequence, Set, Tuple

from ..mentions import without_accents, words_of


def _words(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


OPENING, CLOSING = frozenset("([（［"), frozenset(")]）］")

_CUES = _words(
    """
    aka a.k.a alias known formerly originally previously now née nee né born ehemals bekannt
    geborene anciennement connu connue conocido conocida antes
    """
)
"""Words between two names that say that both are of one entity."""

_VERBS = _words(
    """
    called named renamed nicknamed dubbed abbreviated genannt surnommé surnommée llamado
    llamada detto detta
    """
)
"""The same, but not as the only word: "Ann, named Bo" and "Ann was named Bo", but not "Ann named Bo"."""

_BESIDE = _words(
    """
    also as or the simply just commonly then later sometimes better popularly locally
    informally officially often was were is been which who auch als como aussi sous le nom de
    también come anche
    """
)
"""Words that may stand beside these."""

_ARTICLES = _words(
    """
    a an the der die das ein eine le la les un une el los las una il lo gli o os as um uma de
    het een en ett et
    """
)

_TITLES = _words(
    """
    mr mrs ms miss dr prof professor sir lord lady saint st king queen prince princess
    president pope emperor chancellor general colonel captain major judge justice senator rev
    reverend duke archduke count herr frau monsieur madame señor señora don doña signor
    signora
    """
)
_GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr"}
_NUMERAL = re.compile(r"x{0,2}(?:i{1,3}|iv|vi{0,3}|ix|x)")
_COMPANY = _words(
    """
    inc incorporated corp corporation co company ltd limited llc llp plc gmbh ag sa nv bv spa
    srl ab oy as kg se group holding holdings
    """
)
_STATES = _words(
    """
    kingdom republic people peoples state commonwealth federal union democratic islamic city
    province county république royaume república reino repubblica republik königreich
    """
)
_OF = frozenset({"of", "de", "du", "di", "del", "da", "do"})
_POSSESSIVES = ("'s", "’s", "'", "’")
_QUOTES = frozenset({'"', "'", "``", "''", "“", "”", "„", "‘", "’", "«", "»"})
_HYPHENS = re.compile(r"[-–/]")

_MAX_ACRONYM = 8


def is_quote(word: str) -> bool:
    """Whether a token is a quotation mark."""
    return word in _QUOTES


def is_alias_phrase(gap: Sequence[str]) -> bool:
    """Whether the tokens between two names say that they are the same: ", also known as"."""
    words = [word.casefold().rstrip(".") for word in gap if word[:1].isalpha()]
    if any(word in (".", "!", "?") for word in gap):
        return False
    if not all(word in _CUES or word in _VERBS or word in _BESIDE for word in words):
        return False
    return not _CUES.isdisjoint(words) or (len(gap) > 1 and not _VERBS.isdisjoint(words))


def is_description(words: Sequence[str]) -> bool:
    """Whether a mention describes an entity and does not name it: "the founder of the company"."""
    return len(words) > 1 and words[0] in _ARTICLES and not any(w[:1].isupper() for w in words)


def name_tokens(words: Sequence[str]) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """The words of a name as they are compared.

    Without accents and case, punctuation, the possessive at the end, and an article at the beginning:
    a word in lower case before capitalised ones, in any language, or "The".

    Args:
        words: at least one.

    Returns:
        the words as they are compared, and as they are written.
    """
    written = list(words)
    if len(written) > 1 and written[-1] in _POSSESSIVES:
        written.pop()
    for ending in _POSSESSIVES:
        if written[-1].endswith(ending) and len(written[-1]) > len(ending):
            written[-1] = written[-1][: -len(ending)]
            break
    if len(written) > 1:
        capitalised = any(word[:1].isupper() for word in written[1:])
        if written[0] == "The" or (written[0].islower() and capitalised):
            del written[0]
    tokens = tuple(folded for word in written if (folded := _fold(word)))
    return tokens or tuple(words), tuple(written)


def _fold(word: str) -> str:
    return "".join(words_of(without_accents(word).casefold()))


def initials(words: Sequence[str]) -> Set[str]:
    """The acronyms that a name may have: of all words, or of the capitalised ones."""
    found = set()
    solid = [word for word in words if any(char.isalnum() for char in word)]
    for parts in (solid, [part for word in solid for part in _HYPHENS.split(word) if part]):
        for letters in (parts, [part for part in parts if not part[0].islower()]):
            if len(letters) > 1:
                found.add("".join(part[0] for part in letters).casefold())
    return found


def acronym_of(words: Sequence[str]) -> str:
    """The letters of an acronym, "ibm" of "I.B.M."; empty if the name is none."""
    letters = words[0].replace(".", "") if len(words) == 1 else ""
    is_acronym = (
        1 < len(letters) <= _MAX_ACRONYM
        and letters.isalnum()
        and sum(char.isupper() for char in letters) > 1
    )
    return letters.casefold() if is_acronym else ""


def is_abbreviation(short: str, long: str) -> bool:
    """Whether a name abbreviates another one, either of the two (Schwartz and Hearst 2003)."""
    return _abbreviates(short, long) or _abbreviates(long.replace(" ", ""), short)


def _abbreviates(short: str, long: str) -> bool:
    """Whether all letters of `short` are in `long`, in order, the first where a word starts."""
    letters = [char for char in short.casefold() if char.isalnum()]
    text = long.casefold()
    if not letters or len(letters) >= len(text):
        return False
    i = len(text) - 1
    for k in range(len(letters) - 1, -1, -1):
        while i >= 0 and (text[i] != letters[k] or (k == 0 and i > 0 and text[i - 1].isalnum())):
            i -= 1
        if i < 0:
            return False
        i -= 1
    return True


def variants(tokens: Sequence[str], *, organisation: bool) -> Iterator[str]:
    """Spellings that names of one entity have in common.

    The words without spaces; of organisations without "Inc." and the like, and without a plural s.
    """
    if organisation:
        end = len(tokens)
        while end > 1 and tokens[end - 1] in _COMPANY:
            end -= 1
        tokens = tokens[:end]
    joined = "".join(tokens)
    yield joined
    if organisation and len(tokens[-1]) > 3:
        yield joined.removesuffix("s")


def short_places(tokens: Sequence[str]) -> Iterator[str]:
    """Spellings of the name of a place without "Republic of" and the like, if it has that."""
    if tokens[0] in _STATES:
        for i, token in enumerate(tokens[1:-1], start=1):
            if token in _OF:
                yield "".join(tokens[i + 1 :])


@dataclass(frozen=True)
class PersonName:
    """A name of a person.

    Attributes:
        tokens: its words without titles and what tells generations apart.
        numeral: "ii" of "Carol II", "jr" of "Junior"; empty if there is none.
    """

    tokens: Tuple[str, ...]
    numeral: str = ""

    def is_part_of(self, other: "PersonName", *, earlier: bool) -> bool:
        """Whether a longer name ends with this one; or, if it came earlier, has these words in order."""
        n = len(self.tokens)
        if n >= len(other.tokens) or not same_numeral(self, other):
            return False
        if other.tokens[-n:] == self.tokens:
            return True
        rest = iter(other.tokens)
        return earlier and all(token in rest for token in self.tokens)


def person_name(tokens: Tuple[str, ...]) -> PersonName:
    """The parts of the name of a person.

    Args:
        tokens: at least one, as :func:`name_tokens` gives them.
    """
    rest = [token for token in tokens if token not in _GENERATIONS] or list(tokens)
    numeral = next((_GENERATIONS[token] for token in tokens[1:] if token in _GENERATIONS), "")
    if len(rest) > 1 and _NUMERAL.fullmatch(rest[-1]):
        numeral = rest.pop()
    if len(rest) > 1 and rest[0] in _TITLES:
        del rest[0]
    return PersonName(tuple(rest), numeral)


def compatible_order(shorter: PersonName, longer: PersonName) -> bool:
    """Whether the words of a name, or their initials, are in another one in the same order."""
    if not same_numeral(shorter, longer):
        return False
    rest = iter(longer.tokens)
    return all(any(_same_word(token, other) for other in rest) for token in shorter.tokens)


def same_numeral(a: PersonName, b: PersonName) -> bool:
    """Whether two names may be of one generation: "Carol" and "Carol II", not "Carol I"."""
    return a.numeral == b.numeral or not (a.numeral and b.numeral)


def _same_word(a: str, b: str) -> bool:
    """Whether two words are equal, or one is the initial of the other."""
    return a == b or (min(len(a), len(b)) == 1 and a[0] == b[0])
