"""Open relations of a document: its tuples as relations, whose labels are lemmas of their predicates."""

from itertools import pairwise
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from spacy.tokens import Doc, Span

from ..types import Attribution, Relation, Statement
from .clauses import ROLES, Argument
from .confidence import confidence
from .factuality import Judge, Judgement
from .parses import Parse, read_parse
from .tuples import MOST_SPLIT, Choices, Edges, OpenTuple, edges, find_tuples, members

_NAMING = frozenset({"appos"})
_PLACES = frozenset({"GPE", "LOC", "FAC"})
_ADVERBIAL = frozenset({"npadvmod", "advmod"})


class Options(NamedTuple):
    """What is read of a document.

    Attributes:
        choices: which clauses are read.
        universal: whether the parse has labels of Universal Dependencies; None: as it looks.
        threshold: the least confidence of a relation.
    """

    choices: Choices = Choices()
    universal: Optional[bool] = None
    threshold: float = 0.0


def open_relations(
    doc: Doc, options: Optional[Options] = None, entities: Optional[Sequence[Span]] = None
) -> List[Relation]:
    """Read what a document states, with subject and first argument as head and tail.

    Args:
        doc: the document, with a parse, parts of speech and lemmas.
        options: what is read; None: as the component does by default.
        entities: mentions; only relations between them are read then, one for each argument that has
            one as its head. None: relations between phrases.

    Raises:
        AnnotationError: if the document has no parse or parts of speech.
    """
    if not len(doc):
        return []
    options = options or Options()
    parse = read_parse(doc, options.universal)
    reader = _Reader(parse, doc.ents if entities is None else entities)
    found: List[Relation] = []
    for one in find_tuples(parse, options.choices):
        score = round(confidence(parse, one), 4)
        if score < options.threshold:
            continue
        if entities is None:
            found.append(reader.between_phrases(one, score))
        else:
            found += reader.between_entities(one, score)
    return found


class _Reader:
    """Makes relations of the tuples of one parse."""

    def __init__(self, parse: Parse, mentions: Sequence[Span]) -> None:
        self.parse = parse
        self.judge = Judge(parse)
        self.exact: Dict[Edges, Span] = {(span.start, span.end): span for span in mentions}
        self.covering: Dict[int, Span] = {}
        for span in sorted(mentions, key=len, reverse=True):
            for i in range(span.start, span.end):
                self.covering[i] = span

    def judge_tuple(self, found: OpenTuple, argument: Argument, token: int) -> Judgement:
        """What the text says of a tuple with one of its arguments, or of what is joined with that."""
        judged = self.judge(found.clause, found.head_token)
        others = [found.first, *(other for other, _ in found.others)]
        denied = self._set_apart(argument) or any(
            all(self.judge.denies(one, other.token) for one in tokens[:MOST_SPLIT])
            for other in others
            for tokens in [[token] if other is argument else members(self.parse, other.token, True)]
            if not other.whole
        )
        return judged._replace(polarity="negated") if denied else judged

    def _set_apart(self, argument: Argument) -> bool:
        """Whether an argument is denied with its preposition, and the others not: "but not to Ann"."""
        return any(self.judge.denies(i, argument.joined) for i in argument.prepositions[:1])

    def between_phrases(self, found: OpenTuple, score: float) -> Relation:
        """The relation between subject and first argument."""
        judged = self.judge_tuple(found, found.first, found.tail_token)
        others = [
            (role(self.parse, argument), self._span(place))
            for argument, place in found.others
            if not self._set_apart(argument)
        ]
        statement = self._statement(found, found.prepositions, tuple(others), judged)
        name = label(self.parse, found, found.prepositions)
        head, tail = self._span(found.head), self._span(found.tail)
        if found.clause.kind == "appos" and {head.label_, tail.label_} <= _PLACES:
            name = "be in"  # "Salt Lake City, Utah"
        return Relation(head, name, tail, score, (), judged.polarity, statement)

    def between_entities(self, found: OpenTuple, score: float) -> Iterator[Relation]:
        """The relations between the entities that a tuple is about."""
        head = self._entity(found.head_token)
        if head is None:
            return
        places = [(found.first, found.tail_token)]
        places += [
            (argument, token)
            for argument, _ in found.others
            for token in members(self.parse, argument.token, not argument.whole)
        ]
        seen = set()
        for argument, token in places:
            nouns, prepositions, tail = self._named(argument, token)
            if argument is not found.first and argument.dep in _ADVERBIAL:
                continue  # "bought the firm last year" is no "buy" of the year
            if tail is None or (tail.start, tail.end) == (head.start, head.end):
                continue
            name = label(self.parse, found, argument.prepositions, nouns, prepositions)
            if found.clause.kind == "appos" and {head.label_, tail.label_} <= _PLACES:
                name = "be in"
            if (name, tail.start, tail.end) in seen:
                continue
            seen.add((name, tail.start, tail.end))
            judged = self.judge_tuple(found, argument, token)
            words = (*argument.prepositions, *nouns, *prepositions)
            statement = self._statement(found, words, (), judged)
            yield Relation(head, name, tail, score, (), judged.polarity, statement)

    def _entity(self, token: int) -> Optional[Span]:
        """The mention that an argument names: it has its head, or stands beside it."""
        if token in self.covering:
            return self.covering[token]
        beside = self.parse.having(token, _NAMING)
        return next((self.covering[i] for i in beside if i in self.covering), None)

    def _named(
        self, argument: Argument, token: int
    ) -> Tuple[Tuple[int, ...], Tuple[int, ...], Optional[Span]]:
        """The mention in an argument, with the noun and preposition before it: "the head of X"."""
        if argument.whole:
            return (), (), None
        found = self._entity(token)
        if found is not None or argument.dep not in ("attr", "dobj"):
            return (), (), found
        for child in self.parse.children[token]:
            if self.parse.deps[child] == "prep":
                noun = self.parse.first(child, frozenset({"pobj"}))
                if noun is not None and noun in self.covering:
                    return (token,), (child,), self.covering[noun]
            elif self.parse.deps[child] == "poss" and child in self.covering:
                return (token,), (), self.covering[child]
        return (), (), None

    def _span(self, place: Edges) -> Span:
        """The span of an argument, with type and link if it is a mention."""
        return self.exact.get(place) or Span(self.parse.doc, *place)

    def _statement(
        self,
        found: OpenTuple,
        more: Sequence[int],
        others: Tuple[Tuple[str, Span], ...],
        judged: Judgement,
    ) -> Statement:
        tokens = sorted({*found.clause.predicate, *more})
        breaks = [i for i, (a, b) in enumerate(pairwise(tokens), start=1) if b != a + 1]
        ends = [0, *breaks, len(tokens)]
        fragments = tuple(
            Span(self.parse.doc, tokens[start], tokens[end - 1] + 1)
            for start, end in pairwise(ends)
            if start < end
        )
        told = None
        if judged.source is not None:
            word, polarity, token = judged.source
            place = None if token is None else edges(self.parse, token, False, True)
            told = Attribution(word, polarity, None if place is None else self._span(place))
        return Statement(fragments, others, judged.modality, told)


def role(parse: Parse, argument: Argument) -> str:
    """The role of an argument: its preposition, or what it is without one.

    Args:
        parse: the parse.
        argument: the argument.
    """
    return " ".join(parse.lemmas[i] for i in argument.prepositions) or ROLES.get(
        argument.dep, argument.dep
    )


def label(
    parse: Parse,
    found: OpenTuple,
    prepositions: Sequence[int],
    nouns: Sequence[int] = (),
    after_nouns: Sequence[int] = (),
) -> str:
    """The label of a relation: lemmas of its predicate, without auxiliaries, negation and adverbs.

    Args:
        parse: the parse.
        found: the tuple.
        prepositions: those before its tail.
        nouns: nouns between predicate and tail: "be head of".
        after_nouns: prepositions after these; a possessive has none, and gets "of".
    """
    clause = found.clause
    verbs = {*clause.verbs, *clause.lead}
    words = ["have" if clause.kind == "poss" else "be"] if clause.implied else []
    for i in clause.predicate:
        kept = i in verbs or parse.deps[i] in ("prt", "acomp", "auxpass", "oprd")
        if kept or (parse.tags[i] == "TO" and words):  # "want to buy"
            words.append(parse.lemmas[i])
    words += [parse.lemmas[i] for i in (*nouns, *prepositions)] if nouns else []
    words += [parse.lemmas[i] for i in (after_nouns if nouns else prepositions)]
    words += ["of"] if nouns and not after_nouns else []
    return " ".join(words) or "be"
