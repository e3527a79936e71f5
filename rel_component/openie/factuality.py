"""What a text says of a statement: that it holds or not, shall hold, may hold, and who says so.

The values are those of MinIE (Gashteovski et al. 2017): polarity, modality and attribution.
"""

from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from ..types import ASSERTED
from .clauses import Clause
from .parses import Parse

_COMPLEMENTS = frozenset({"ccomp", "xcomp", "csubj"})
_INHERITING = frozenset(
    {"conj", "advcl", "relcl", "acl", "pcomp", "appos", "poss", "xcomp", "dep", "ccomp"}
)
_MOST_PARENTS = 50


class Source(NamedTuple):
    """Who says so: the word that tells it, its polarity, and the token that names the source."""

    word: str
    polarity: str
    token: Optional[int]


class Judgement(NamedTuple):
    """Polarity and modality, as a relation has them, and who says so."""

    polarity: str
    modality: str
    source: Optional[Source]


class Judge:
    """Judges the clauses of a parse.

    Args:
        parse: the parse.
    """

    def __init__(self, parse: Parse) -> None:
        self.parse = parse
        self._judged: Dict[int, Judgement] = {}

    def __call__(self, clause: Clause, subject: Optional[int] = None) -> Judgement:
        """Judge a clause, and those that it depends on first.

        Args:
            clause: the clause.
            subject: head of what is joined with its subject, to judge that; None: its first.
        """
        waiting: List[Clause] = []
        above: Optional[Clause] = clause
        while above is not None and id(above) not in self._judged and len(waiting) < _MOST_PARENTS:
            waiting.append(above)
            above = above.parent
        for one in reversed(waiting):
            self._judged[id(one)] = self._judge(one)
        if subject is not None and subject != clause.subject:
            return self._judge(clause, subject)
        return self._judged[id(clause)]

    def _judge(self, clause: Clause, subject: Optional[int] = None) -> Judgement:
        parse, words, parent = self.parse, self.parse.words, clause.parent
        judged = None if parent is None else self._judged.get(id(parent))
        negated = self.negates(clause, subject)
        planned, modality = self._attitude(clause)
        source = self._source(clause)
        if parent is not None and judged is not None:
            reports = self._reports(clause, parent)
            if reports is not None and source is None:
                verb = parse.lemmas[reports]
                denied = self.negates(parent)
                source = Source(verb, "negated" if denied else "", parent.subject)
                if verb in words.denying:
                    negated = negated != (not denied)
                elif verb in words.doubting or denied or self._marked(clause, words.doubting):
                    modality = modality or "possible"
            elif clause.kind in _COMPLEMENTS and not clause.lead:
                before = parse.lemmas[parent.verbs[-1]]
                planned = planned or before in words.planned or judged.polarity == "planned"
                modality = modality or judged.modality
                if before in words.failing or (before in words.be and self.negates(parent)):
                    negated = not negated
            if source is None and reports is None and clause.kind in _INHERITING:
                source = judged.source
            if clause.kind == "conj" and not modality and not parse.having(clause.verb, _SUBJECT):
                shared = judged.modality in ("conditional", "question")
                modality = judged.modality if shared else modality
        modality = modality or self._claimed(clause)
        if self._denied_noun(clause):
            negated = True
        if negated:
            polarity = "negated"
        elif planned:
            polarity = "planned"
        else:
            polarity = "" if modality else ASSERTED
        return Judgement(polarity, modality, source)

    def negates(self, clause: Clause, subject: Optional[int] = None) -> bool:
        """Whether a clause negates its statement: "did not buy", "failed to buy", "nobody bought".

        Args:
            clause: the clause.
            subject: head of what is joined with its subject; None: its first.
        """
        parse, words = self.parse, self.parse.words
        negated = any(not self._lifted(i, clause) for i in clause.negations)
        for verb in clause.verbs:
            negated |= any(
                parse.lemmas[child] in words.negations
                and child not in clause.negations
                and not self._lifted(child, clause)
                for child in parse.children[verb]
                if parse.deps[child] in ("advmod", "preconj", "det", "cc")
                and not (parse.deps[child] == "cc" and clause.kind != "conj" and child > verb)
            )
        if clause.subject is not None and self._denies_subject(clause, subject):
            negated = True
        if clause.kind == "pcomp":
            negated |= parse.lemmas[parse.heads[clause.verb]] in words.without
        elif self._marked(clause, words.without):
            negated = True
        failed = [i for i in clause.predicate if parse.lemmas[i] in words.failing]
        if any(i != clause.verbs[-1] for i in failed):
            negated = not negated
        return negated

    def denies(self, token: int, first: Optional[int] = None) -> bool:
        """Whether an argument negates its clause: "nobody", "no company", "but not Ann".

        Args:
            token: its head.
            first: head of the first of those that it is joined with, whose negation is its own too up to
                a "but"; None: it is joined with none.
        """
        parse = self.parse
        while not denials(parse, token):
            above = parse.heads[token]
            if first in (None, token) or parse.deps[token] != "conj":
                return False
            joining = [
                i
                for i in (*parse.children[above], *parse.children[token])
                if parse.deps[i] == "cc" and above < i < token
            ]
            if joining and parse.lemmas[max(joining)] in parse.words.contrasts:
                return False
            token = above
        return True

    def _denies_subject(self, clause: Clause, subject: Optional[int]) -> bool:
        first = clause.subject
        if first is None or (
            clause.source in ("relative", "participle") and self.parse.deps[first] == "conj"
        ):
            return False  # "but not Ann, who founded it"
        return self.denies(first if subject is None else subject, first)

    def _lifted(self, negation: int, clause: Clause) -> bool:
        """Whether a negation is none: "not only"."""
        following = [self.parse.lemmas[self.parse.heads[negation]]]
        following += self.parse.lemmas[negation + 1 : negation + 2]
        inside = [self.parse.lemmas[i] for i in clause.predicate if i > negation]
        return any(word in self.parse.words.restrictions for word in [*following, *inside])

    def _attitude(self, clause: Clause) -> Tuple[bool, str]:
        """Whether a clause says that something shall be, and its modality."""
        parse, words = self.parse, self.parse.words
        planned, modality = False, ""
        last = clause.verbs[-1] if clause.verbs else -1
        content = set(clause.verbs) | set(clause.auxiliaries)
        for i in clause.predicate:
            if i == last or (i in clause.negations):
                continue
            if i in clause.auxiliaries and parse.tags[i] not in ("MD", "VERB", "AUX", ""):
                continue
            word = parse.lemmas[i]
            if word in words.planned or parse.texts[i] in words.planned:
                planned = True
            elif word in words.possible or parse.texts[i] in words.possible:
                modality = modality or "possible"
            elif word in words.necessary and i in content:
                modality = modality or "necessary"
        planned |= any("Fut" in parse.morph(i, "Tense") for i in clause.verbs)
        planned |= any("Fut" in parse.morph(i, "Tense") for i in clause.auxiliaries)
        if any("Cnd" in parse.morph(i, "Mood") for i in clause.predicate):
            modality = modality or "possible"
        if clause.kind in ("advcl", "acl", "xcomp", "relcl") and any(
            parse.tags[i] == "TO" for i in clause.auxiliaries
        ):
            planned = True
        hedges = [
            i for v in clause.verbs for i in parse.children[v] if parse.lemmas[i] in words.hedges
        ]
        if hedges:
            modality = modality or "possible"
        if self._conditional(clause):
            modality = "conditional"
        elif clause.kind == "root" and self._asks(clause.verb):
            modality = "question"
        return planned, modality

    def _marked(self, clause: Clause, words: "Set[str] | frozenset[str]") -> bool:
        return any(
            self.parse.lemmas[i] in words
            for i in self.parse.children[clause.verb]
            if self.parse.deps[i] in ("mark", "advmod")
        )

    def _conditional(self, clause: Clause) -> bool:
        """Whether a clause is a condition, or has one."""
        parse, conditions = self.parse, self.parse.words.conditions
        clauses = [clause.verb] if clause.kind in ("advcl", "ccomp") else []
        clauses += [
            i for verb in clause.verbs for i in parse.children[verb] if parse.deps[i] == "advcl"
        ]
        return any(
            parse.lemmas[i] in conditions
            for verb in clauses
            for i in parse.children[verb]
            if parse.deps[i] == "mark"
        )

    def _asks(self, verb: int) -> bool:
        last = self.parse.ends[verb][1]
        following = self.parse.texts[last : last + 2]
        return "?" in following

    def _reports(self, clause: Clause, parent: Clause) -> Optional[int]:
        """The verb that reports a clause, if there is one."""
        parse, reporting = self.parse, self.parse.words.reporting
        head = parse.heads[clause.verb]
        if clause.kind == "ccomp" and head in parent.verbs and parse.lemmas[head] in reporting:
            return head
        return None

    def _source(self, clause: Clause) -> Optional[Source]:
        """Who says so, in the clause itself: "according to ...", or "..., he said," within it."""
        parse, words = self.parse, self.parse.words
        governors = clause.verbs if clause.subject is None else [*clause.verbs, clause.subject]
        for verb in governors:
            for child in parse.children[verb]:
                if parse.texts[child] in words.sources:
                    noun = child
                    for _ in range(3):
                        below = parse.first(noun, _NAMED)
                        noun = noun if below is None else below
                    return Source(parse.texts[child], "", noun if noun != child else None)
                if parse.deps[child] in ("parataxis", "conj") and (
                    parse.lemmas[child] in words.reporting and self._inserted(child)
                ):
                    return Source(parse.lemmas[child], "", parse.first(child, _SUBJECT))
        return None

    def _inserted(self, verb: int) -> bool:
        """Whether a verb is nothing but "he said": a subject, and no argument."""
        deps = {self.parse.deps[child] for child in self.parse.children[verb]}
        return bool(deps & _SUBJECT) and not deps & {"ccomp", "dobj", "prep", "cc"}

    def _claimed(self, clause: Clause) -> str:
        """Whether a clause is what a noun says: "the claim that ..."."""
        parse, head = self.parse, self.parse.heads[clause.verb]
        named = clause.kind in ("acl", "ccomp") and parse.pos[head] == "NOUN"
        return "possible" if named and parse.first(clause.verb, _MARK) is not None else ""

    def _denied_noun(self, clause: Clause) -> bool:
        """Whether a clause is what a noun does not say: "no evidence that ..."."""
        head = self.parse.heads[clause.verb]
        return bool(self._claimed(clause)) and self.denies(head)


def denials(parse: Parse, token: int) -> List[int]:
    """The words that deny an argument, itself included: "nothing", "no company", "but not Ann".

    Args:
        parse: the parse.
        token: its head.
    """
    found = [
        child
        for child in parse.children[token]
        if parse.deps[child] in ("det", "preconj", "neg", "cc", "advmod", "predet")
        and child < token
    ]
    before, head = parse.single[token][0] - 1, parse.heads[token]
    if parse.deps[token] == "conj" and head < before and parse.pos[before] in ("PART", "ADV"):
        above = parse.heads[before]  # it hangs on what is before
        if above == head or (parse.deps[above] == "cc" and parse.heads[above] == head):
            found.append(before)
    words = parse.words
    denying = [
        i
        for i in found
        if (parse.deps[i] == "neg" or parse.lemmas[i] in words.negations)
        and parse.lemmas[i + 1] not in words.restrictions
    ]
    return [*denying, token] if parse.lemmas[token] in words.negations else denying


_NAMED = frozenset({"prep", "pobj", "dobj", "nmod"})
_SUBJECT = frozenset({"nsubj", "nsubjpass"})
_MARK = frozenset({"mark"})
