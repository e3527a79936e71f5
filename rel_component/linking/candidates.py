"""The entities that a mention may mean, and what speaks for each of them.

Candidates are the entities with a name that is equal to that of the mention, but for case or the
order of words, and those whose names share most trigrams with it; the same for the longer names that the
document has of the mention.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import (
    AbstractSet,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

import numpy
from spacy.tokens import Doc, Span

from ..mentions import normalize_name
from ..packages import import_package
from ..types import FloatArray, Int32Array
from .knowledge_base import KnowledgeBase
from .names import expansions, folded

FEATURES = (
    *("same letters", "same name", "same words", "trigrams", "similarity", "first name"),
    *(
        "share in training",
        "not seen in training",
        "abbreviation",
        "longer name",
        "own name beside it",
    ),
    *("type", "other type", "prior", "context", "short", "ambiguity", "meant elsewhere"),
    *("shared words", "in the text", "other words"),
)
"""What the columns of the features mean; see :func:`.build_candidate_scorer`."""

_LETTERS, _NAME, _WORDS, _TRIGRAMS, _SIMILARITY, _FIRST, _SHARE, _UNSEEN = range(8)
_ABBREVIATION, _LONGER, _BESIDE, _TYPE, _OTHER_TYPE, _PRIOR, _CONTEXT = range(8, 15)
_SHORT, _AMBIGUITY, _ELSEWHERE, _SHARED, _IN_TEXT, _OTHER_WORDS = range(15, 21)

_LEXICAL = numpy.zeros(len(FEATURES), dtype="float32")
_LEXICAL[:7] = (0.1, 1.0, 0.8, 0.5, 1.0, 0.05, 1.0)  # which name of an entity is looked at
_CACHED = 10_000  # names
_FEW_LETTERS = 4

LearnedNames = Mapping[str, Mapping[str, int]]
"""For each name, see :func:`.normalize_name`, how often it was annotated with each id in training."""

Seen = Counter[Tuple[str, str]]
"""Names with ids, and how often."""


class NameMatches(NamedTuple):
    """The entities that a name may mean.

    Attributes:
        entities: their numbers, each once. *Shape:* ``(n_candidates,)``
        names: the name of each that is like the name most. *Shape:* ``(n_candidates,)``
        features: what is known of each without the document. *Shape:* ``(n_candidates, n_features)``
    """

    entities: Int32Array
    names: Int32Array
    features: FloatArray


_NONE = NameMatches(
    numpy.zeros(0, dtype="int32"),
    numpy.zeros(0, dtype="int32"),
    numpy.zeros((0, len(FEATURES)), dtype="float32"),
)


@dataclass(frozen=True)
class LinkCandidates:
    """The candidates of the mentions of some documents.

    Attributes:
        entities: numbers of entities. *Shape:* ``(n_candidates,)``
        features: *Shape:* ``(n_candidates, n_features)``, see :data:`FEATURES`.
        lengths: candidates of each mention, in the order of documents and mentions. *Shape:*
            ``(n_mentions,)``
    """

    entities: Int32Array
    features: FloatArray
    lengths: Int32Array

    @property
    def starts(self) -> Int32Array:
        """Where the candidates of each mention begin. *Shape:* ``(n_mentions,)``."""
        return (numpy.cumsum(self.lengths) - self.lengths).astype("int32")


class CandidateFinder:
    """Finds the candidates of mentions.

    Args:
        kb: the knowledge base.
        learned: names of the training documents.
        given: those of them, with ids, that the knowledge base had before.
        types: for types of mentions the types of the entities that they may mean; of others, the type of
            the same name is meant, where the knowledge base has it.
        n_candidates: the most candidates of a name.
    """

    def __init__(
        self,
        kb: KnowledgeBase,
        *,
        learned: LearnedNames = {},  # noqa: B006  # never changed
        given: AbstractSet[Tuple[str, str]] = frozenset(),
        types: Mapping[str, Sequence[str]] = {},  # as above
        n_candidates: int = 50,
    ) -> None:
        self.kb = kb
        self.learned = learned
        self._given = given
        self.n_candidates = n_candidates
        self._types = types
        self._by_name = {name.casefold(): name for name in kb.types}
        self._cache: Dict[Tuple[str, str], NameMatches] = {}
        self._found: Dict[str, Tuple[Set[int], Set[int], Dict[int, float]]] = {}
        self._agreements: Dict[str, Int32Array] = {}
        import_package("rapidfuzz", "linking")  # an error early
        self._log_priors = _log_priors(kb)

    def find(
        self,
        docs: Sequence[Doc],
        mentions: Sequence[Sequence[Span]],
        *,
        context: Optional[
            Callable[[Doc, Sequence[Span], Int32Array, Int32Array], FloatArray]
        ] = None,
        hidden: Optional[Sequence[Seen]] = None,
    ) -> LinkCandidates:
        """Find the candidates of all mentions of documents.

        Args:
            docs: the documents.
            mentions: the mentions of each document.
            context: gives the cosine of the context of a mention and the description of an entity, for
                each candidate of a document: it is given the document, its mentions, and for each
                candidate the number of its mention and of its entity.
            hidden: for each document what it adds to the learned names, so that it does not learn from
                itself; None: nothing.
        """
        parts: List[NameMatches] = []
        for i, (doc, spans) in enumerate(zip(docs, mentions)):
            own = None if hidden is None else hidden[i]
            longer = expansions(doc, spans)
            found = [self._match_mention(*pair, own) for pair in zip(spans, longer)]
            if found:
                self._add_coherence(spans, found)
                self._add_longer_names(doc, spans, found)
                if context is not None:
                    entities = numpy.concatenate([match.entities for match in found])
                    lengths = [len(match.entities) for match in found]
                    rows = numpy.repeat(numpy.arange(len(spans), dtype="int32"), lengths)
                    values = context(doc, spans, rows, entities)
                    for match, part in zip(found, numpy.split(values, numpy.cumsum(lengths)[:-1])):
                        match.features[:, _CONTEXT] = part
            parts += found
        lengths = [len(match.entities) for match in parts]
        parts.append(_NONE)
        return LinkCandidates(
            entities=numpy.concatenate([match.entities for match in parts]),
            features=numpy.concatenate([match.features for match in parts]),
            lengths=numpy.asarray(lengths, dtype="int32"),
        )

    def match(self, text: str, label: str = "") -> NameMatches:
        """The entities that a name may mean, the most similar first.

        Args:
            text: the name.
            label: type of the mention.
        """
        key = (text, label)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHED:
                self._cache.clear()  # also in other threads, at any time
            found = self._cache[key] = self._match(text, label)
        return found

    def _match_mention(
        self, span: Span, longer: Sequence[Tuple[str, bool]], own: Optional[Seen]
    ) -> NameMatches:
        """The candidates of a mention, with features of its own that may be changed."""
        parts = []
        for text, column in ((span.text, None), *longer):
            label = span.label_
            match = self.match(text, label) if own is None else self._match(text, label, own)
            features = match.features.copy()
            if column is not None:
                features[:, _ABBREVIATION if column else _LONGER] = 1.0
            elif any(is_abbreviation for _, is_abbreviation in longer):
                features[:, _BESIDE] = 1.0
            parts.append(NameMatches(match.entities, match.names, features))
        return parts[0] if len(parts) == 1 else self._best(*map(numpy.concatenate, zip(*parts)))

    def _match(self, text: str, label: str, own: Optional[Seen] = None) -> NameMatches:
        kb, key = self.kb, normalize_name(text)
        exact, loose, cosines = self._search(text)
        names = [*dict.fromkeys([*sorted(exact), *sorted(loose), *cosines])]
        if own is not None:
            names = [name for name in names if self._is_known(name, own)]
        if not names:
            return _NONE
        texts = [kb.name(name) for name in names]
        numbers = numpy.asarray(names, dtype="int32")
        entities = kb.entities_of(numbers)
        features = numpy.zeros((len(names), len(FEATURES)), dtype="float32")
        features[:, _LETTERS] = [name == text for name in texts]
        features[:, _NAME] = [name in exact for name in names]
        features[:, _WORDS] = [name in loose for name in names]
        features[:, _TRIGRAMS] = [cosines.get(name, float(name in exact)) for name in names]
        features[:, _SIMILARITY] = _similarities("token_sort_ratio", text, texts)
        features[:, _SHARED] = _similarities("token_set_ratio", text, texts)
        features[:, _OTHER_WORDS] = _other_words(text, texts) * (features[:, _SHARED] < 1.0)
        features[:, _FIRST] = kb.arrays["first_names"][entities] == numbers
        counts = {i: n - (own[key, i] if own else 0) for i, n in self.learned.get(key, {}).items()}
        if sum(counts.values()) > 0:
            seen = [counts.get(kb.entity_id(entity), 0) for entity in entities.tolist()]
            shares = numpy.asarray(seen, dtype="float32") / sum(counts.values())
            features[:, _SHARE] = shares * features[:, _NAME]
            features[:, _UNSEEN] = shares == 0
        agrees = self._agreement(label)[entities]
        features[:, _TYPE], features[:, _OTHER_TYPE] = agrees > 0, agrees < 0
        features[:, _PRIOR] = self._log_priors[entities]
        if len(folded(text)) <= _FEW_LETTERS:
            features[:, _SHORT] = (features[:, _NAME] == 0) & (features[:, _WORDS] == 0)
        best = self._best(entities, numbers, features)
        n_equal = max(1, int((best.features[:, _NAME] > 0).sum()))
        best.features[:, _AMBIGUITY] = numpy.log(n_equal) * (best.features[:, _NAME] > 0)
        return best

    def _search(self, text: str) -> Tuple[Set[int], Set[int], Dict[int, float]]:
        """The names that are equal to a name, that have its words, and that are similar to it."""
        found = self._found.get(text)
        if found is None:
            if len(self._found) >= _CACHED:
                self._found.clear()
            exact, loose = set(self.kb.exact(text)), set(self.kb.loose(text))
            found = (exact, loose, dict(self.kb.similar(text, self.n_candidates)))
            self._found[text] = found
        return found

    def _is_known(self, name: int, own: Seen) -> bool:
        """Whether a name would be known without the document that has taught some names."""
        form = normalize_name(self.kb.name(name))
        ids = self.learned.get(form)
        if ids is None:
            return True
        entity_id = self.kb.entity_id(int(self.kb.entities_of(numpy.asarray([name], "int32"))[0]))
        pair = (form, entity_id)
        return entity_id not in ids or ids[entity_id] > own[pair] or pair in self._given

    def _agreement(self, label: str) -> Int32Array:
        """1 for entities of a type that a mention may mean, -1 for others, 0 if it is not known."""
        if label not in self._agreements:
            wanted = set(self._types.get(label, ()))
            if not wanted and label.casefold() in self._by_name:
                wanted = {self._by_name[label.casefold()]}
            firsts = self.kb.arrays["first_types"]
            has_type = numpy.diff(firsts) > 0
            is_wanted = numpy.asarray([name in wanted for name in self.kb.types], dtype="int64")
            sums = numpy.append(0, numpy.cumsum(is_wanted[self.kb.arrays["entity_types"]]))
            agrees = numpy.where(numpy.diff(sums[firsts]) > 0, 1, -1) * has_type
            self._agreements[label] = (agrees * bool(wanted)).astype("int32")
        return self._agreements[label]

    def _best(self, entities: Int32Array, names: Int32Array, features: FloatArray) -> NameMatches:
        """Each entity once, with the name that is most similar; the most similar entities first."""
        order = numpy.argsort(-(features @ _LEXICAL), kind="stable")
        _, first = numpy.unique(entities[order], return_index=True)
        rows = order[numpy.sort(first)][: self.n_candidates]
        return NameMatches(entities[rows], names[rows], features[rows])

    def _add_coherence(self, spans: Sequence[Span], found: Sequence[NameMatches]) -> None:
        """Mark the candidates that are the only one with the name of another mention."""
        named: Dict[int, Set[str]] = {}
        for span, match in zip(spans, found):
            equal = numpy.flatnonzero(
                (match.features[:, _NAME] > 0) & (match.features[:, _ABBREVIATION] == 0)
            )
            if len(equal) == 1:
                named.setdefault(int(match.entities[equal[0]]), set()).add(folded(span.text))
        if not named:
            return
        numbers = numpy.fromiter(named, dtype="int32")
        for span, match in zip(spans, found):
            for row in numpy.flatnonzero(numpy.isin(match.entities, numbers)).tolist():
                names = named[int(match.entities[row])]
                if names - {folded(span.text)}:
                    match.features[row, _ELSEWHERE] = 1.0

    def _add_longer_names(
        self, doc: Doc, spans: Sequence[Span], found: Sequence[NameMatches]
    ) -> None:
        """Mark the candidates whose name has all words of the mention, and is in the text as a whole."""
        text = f" {folded(doc.text)} "
        for span, match in zip(spans, found):
            features = match.features
            rows = numpy.flatnonzero((features[:, _SHARED] >= 1.0) & (features[:, _NAME] == 0.0))
            if not len(rows):
                continue
            n_words = len(folded(span.text).split())
            for row in rows.tolist():
                name = folded(self.kb.name(int(match.names[row])))
                if len(name.split()) > n_words and f" {name} " in text:
                    features[row, _IN_TEXT] = 1.0


def _similarities(scorer: str, name: str, others: List[str]) -> FloatArray:
    """The similarity of a name and others, in [0, 1], as a function of rapidfuzz has it.

    ``token_sort_ratio`` compares the sorted words; ``token_set_ratio`` has 1 where one name has all
    words of the other.

    Returns:
        *Shape:* ``(n_others,)``
    """
    rapidfuzz = import_package("rapidfuzz", "linking")
    values = rapidfuzz.process.cdist(
        [name],
        others,
        scorer=getattr(rapidfuzz.fuzz, scorer),
        processor=rapidfuzz.utils.default_process,
        dtype=numpy.float32,
    )
    similar: FloatArray = values[0] / 100.0
    return similar


def _other_words(name: str, others: List[str]) -> FloatArray:
    """How unlike the words are that a name and others do not share, where both have some.

    "Alan" and "Tom" of ``Alan Ashby`` and ``Tom Ashby``; near 0 where one is a spelling of the other.

    Returns:
        *Shape:* ``(n_others,)``, in [0, 1]
    """
    ratio = import_package("rapidfuzz", "linking").fuzz.ratio
    own = _words(name)
    unlike = numpy.zeros(len(others), dtype="float32")
    for i, other in enumerate(others):
        words = _words(other)
        left = " ".join(word for word in own if word not in words)
        right = " ".join(word for word in words if word not in own)
        if left and right:
            unlike[i] = 1.0 - ratio(left, right) / 100.0
    return unlike


@lru_cache(maxsize=1 << 16)
def _words(name: str) -> Tuple[str, ...]:
    return tuple(folded(name).split())


def _log_priors(kb: KnowledgeBase) -> FloatArray:
    """The logarithm of the prior of each entity beside the mean one, 0 where it is not known."""
    priors = numpy.asarray(kb.arrays["priors"], dtype="float32")
    known = priors[numpy.isfinite(priors)]
    if not len(known) or not known.mean() > 0:
        return numpy.zeros(len(priors), dtype="float32")
    shares = numpy.nan_to_num(priors, nan=float(known.mean())) / known.mean()
    return numpy.log(numpy.clip(shares, 1e-3, 1e3)).astype("float32")
