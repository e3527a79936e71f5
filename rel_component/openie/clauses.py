"""Clauses of a parse: their predicates, subjects and arguments.

The clause types are those of ClausIE (Del Corro and Gemulla 2013), the ways to find an argument that is
not beside its predicate those of PredPatt (White et al. 2016).
"""

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Set, Tuple

from .parses import Parse

SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "csubjpass"})
_AUXILIARIES = frozenset({"aux", "auxpass"})
_CLAUSAL = frozenset(
    {"root", "ccomp", "xcomp", "pcomp", "csubj", "csubjpass", "conj", "parataxis"}
    | {"advcl", "relcl", "acl", "appos", "dep"}
)
_OBJECTS = ("dobj", "attr", "acomp", "oprd", "dative", "ccomp", "xcomp")
_FREE = frozenset({"npadvmod", "advmod", "advcl"})
_ADVERBS = frozenset({"advmod"})
_LONGEST_CHAIN = 6  # verbs in one predicate: "wants to try to begin to help"

ROLES = {
    "dobj": "object",
    "dative": "recipient",
    "attr": "attribute",
    "acomp": "attribute",
    "oprd": "attribute",
    "ccomp": "clause",
    "xcomp": "clause",
    "npadvmod": "adverbial",
    "advmod": "adverbial",
    "advcl": "adverbial",
}
"""Role of an argument without a preposition; that of others is their preposition."""


@dataclass
class Argument:
    """An argument of a clause.

    Attributes:
        token: its head.
        dep: its label in the parse, ``prep`` or ``agent`` after a preposition.
        prepositions: tokens of the preposition.
        whole: whether all that depends on the head belongs to it, as to a clause.
        by: the verb that it depends on.
        joined: the preposition that its own is joined with: "in Paris and in London".
    """

    token: int
    dep: str
    prepositions: Tuple[int, ...] = ()
    whole: bool = False
    by: int = -1
    joined: Optional[int] = None


@dataclass
class Clause:
    """A predicate with its arguments.

    Attributes:
        verb: the verb that the clause hangs on.
        kind: label of the verb in the parse.
        verbs: that and those that depend on it as ``xcomp``: "wants to buy".
        lead: verbs and adjectives that come before these, shared with another clause: "plans to buy A
            and sell B".
        predicate: tokens of the predicate, in order, without a preposition.
        subject: head of the subject.
        source: where the subject is from: ``own``, or the construction that it is inherited by.
        arguments: the others, the first one first.
        negations: tokens that negate it.
        auxiliaries: tokens of its auxiliaries.
        implied: whether a form of "be" is left out: "the house built by her".
        parent: the clause that this one depends on or is joined with.
    """

    verb: int
    kind: str
    verbs: List[int]
    lead: List[int] = field(default_factory=list)
    predicate: List[int] = field(default_factory=list)
    subject: Optional[int] = None
    source: str = "own"
    arguments: List[Argument] = field(default_factory=list)
    negations: List[int] = field(default_factory=list)
    auxiliaries: List[int] = field(default_factory=list)
    implied: bool = False
    parent: Optional["Clause"] = None


def find_clauses(parse: Parse) -> List[Clause]:
    """Find the clauses of a parse, those before what depends on them.

    Args:
        parse: the parse.
    """
    found: Dict[int, Clause] = {}
    folded: Set[int] = set()
    for i in parse.order:
        if i in folded or not _is_predicate(parse, i):
            continue
        clause = Clause(i, parse.deps[i], [i])
        clause.parent = find_parent(parse, i, found)
        found[i] = clause
        _fold(parse, clause)
        clause.lead = _lead(parse, clause)
        folded.update(clause.verbs)
        for verb in clause.verbs[1:]:
            found[verb] = clause
        _add_predicate(parse, clause)
        _add_arguments(parse, clause)
        _add_subject(parse, clause)
        _share_arguments(clause)
    return [clause for verb, clause in found.items() if clause.verb == verb]


def _is_predicate(parse: Parse, i: int) -> bool:
    dep = parse.deps[i]
    if parse.pos[i] not in ("VERB", "AUX"):
        return dep in _CLAUSAL and dep != "appos" and bool(parse.having(i, SUBJECTS))
    return dep in _CLAUSAL or bool(parse.having(i, SUBJECTS))


def _share_arguments(clause: Clause) -> None:
    """Give a verb the arguments of the one that follows it: "wrote and directed the film"."""
    other = clause.parent
    if other is None or clause.kind != "conj" or other.arguments or other.kind == "appos":
        return
    if other.verbs[-1] < clause.verb <= other.verbs[-1] + 2:
        other.arguments = clause.arguments


def find_parent(parse: Parse, i: int, found: Dict[int, Clause]) -> Optional[Clause]:
    """The clause of the nearest governor that has one.

    Args:
        parse: the parse.
        i: a token.
        found: clauses by their verbs.
    """
    for _ in range(8):
        i, below = parse.heads[i], i
        if i in found:
            return found[i]
        if i == below:
            return None
    return None


def _fold(parse: Parse, clause: Clause) -> None:
    """Join verbs that share their subject into one predicate."""
    verb = clause.verb
    while len(clause.verbs) < _LONGEST_CHAIN:
        following = parse.first(verb, frozenset({"xcomp"}))
        if following is None and parse.lemmas[verb] in parse.words.be:
            # "is able to pay": the verb depends on the adjective
            adjective = parse.first(verb, frozenset({"acomp"}))
            following = None if adjective is None else parse.first(adjective, frozenset({"xcomp"}))
        if (
            following is None
            or parse.pos[following] not in ("VERB", "AUX")
            or parse.having(following, SUBJECTS)
            or parse.having(verb, frozenset({"dobj"}))
        ):
            return
        verb = following
        clause.verbs.append(verb)


def _lead(parse: Parse, clause: Clause) -> List[int]:
    """What a verb shares with the one it is joined with, of the verbs that this one depends on."""
    other, head = clause.parent, parse.heads[clause.verb]
    if other is None or clause.kind != "conj" or head not in other.verbs[1:]:
        return []
    if parse.having(clause.verb, SUBJECTS) or not _same_form(parse, clause.verb, head):
        return []
    verbs = [*other.lead, *other.verbs[: other.verbs.index(head)]][-_LONGEST_CHAIN:]
    adjectives = [parse.heads[verb] for verb in other.verbs[1:]]
    return [*verbs, *(i for i in adjectives if i not in other.verbs and i not in verbs)]


def _add_predicate(parse: Parse, clause: Clause) -> None:
    """Find the tokens of the predicate: verbs, auxiliaries, particles, negation, adverbs between."""
    tokens: Set[int] = {*clause.verbs, *clause.lead}
    first, last = clause.verbs[0], clause.verbs[-1]
    for verb in clause.verbs:
        head = parse.heads[verb]
        if verb != first and head not in clause.verbs:
            tokens.add(head)  # the adjective of "is able to pay"
        for child in parse.children[verb]:
            dep = parse.deps[child]
            if dep in _AUXILIARIES:
                clause.auxiliaries.append(child)
                tokens.add(child)
            elif dep == "neg":
                clause.negations.append(child)
                tokens.add(child)
            elif dep == "prt":
                tokens.add(child)
    _share_auxiliaries(parse, clause, tokens)
    for child in reversed([c for verb in clause.verbs for c in parse.having(verb, _ADVERBS)]):
        beside = child < last and (child + 1 in tokens or min(tokens) < child)
        if beside and parse.ends[child] == [child, child] and parse.tags[child] != "WRB":
            tokens.add(child)
    clause.predicate = sorted(tokens)


def _share_auxiliaries(parse: Parse, clause: Clause, tokens: Set[int]) -> None:
    """Take over auxiliaries, and what negates them, from the verb that this one is joined with."""
    verb, other = clause.verb, clause.parent
    if other is None or clause.kind != "conj" or parse.heads[verb] not in other.verbs:
        return
    own = [i for i in clause.auxiliaries if not clause.lead or parse.tags[i] != "TO"]
    if own or parse.having(verb, SUBJECTS) or not other.auxiliaries:
        return
    if not _same_form(parse, verb, parse.heads[verb]):
        return
    clause.auxiliaries = list(other.auxiliaries)
    tokens.update(other.auxiliaries)
    joined = parse.first(parse.heads[verb], frozenset({"cc"}))
    contrast = joined is not None and parse.lemmas[joined] in parse.words.contrasts
    if other.negations and not clause.negations and not contrast:
        clause.negations = list(other.negations)
        tokens.update(other.negations)


def _same_form(parse: Parse, verb: int, other: int) -> bool:
    if parse.tags[verb] != parse.tags[other]:
        return False
    parts = ("VerbForm", "Mood", "Tense")
    return all(parse.morph(verb, part) == parse.morph(other, part) for part in parts)


def _add_arguments(parse: Parse, clause: Clause) -> None:
    """Find the arguments; objects come before what has a preposition, and that before the rest."""
    ranked: List[Tuple[int, int, Argument]] = []
    for verb in clause.verbs:
        for child in parse.children[verb]:
            dep = parse.deps[child]
            if child in clause.verbs or child in clause.predicate:
                continue
            if dep in _OBJECTS:
                if dep == "dative" and parse.pos[child] == "ADP":
                    ranked += [
                        (8, child, found) for found in _all_prepositional(parse, child, verb)
                    ]
                    continue
                if (
                    parse.tags[child] in ("WDT", "WP")
                    or parse.lemmas[child] in parse.words.relatives
                ):
                    continue  # a relative pronoun, whose noun takes its place
                if dep == "ccomp" and child < verb and not _reports(parse, verb):
                    continue  # a sentence before a semicolon
                whole = dep in ("ccomp", "xcomp") or parse.pos[child] in ("VERB", "AUX")
                ranked.append(
                    (_OBJECTS.index(dep), child, Argument(child, dep, whole=whole, by=verb))
                )
            elif dep in ("prep", "agent") and parse.texts[child] not in parse.words.sources:
                rank = 8 if child > verb else 9  # "in May, she moved to Rome"
                ranked += [(rank, child, arg) for arg in _all_prepositional(parse, child, verb)]
            elif dep in _FREE:
                if dep == "advmod" and (parse.tags[child] == "WRB" or child < verb):
                    continue
                rank = 10 + ("npadvmod", "advmod", "advcl").index(dep)
                whole = dep == "advcl"
                mark = parse.having(child, frozenset({"mark"}))[:1] if whole else []
                if mark or not whole:
                    ranked.append((rank, child, Argument(child, dep, tuple(mark), whole, verb)))
    ranked.sort(key=lambda row: row[:2])
    clauses_only = all(argument.dep == "advcl" for _, _, argument in ranked)
    # an adverbial clause says something of its own, and is no argument beside others
    clause.arguments = [arg for _, _, arg in ranked if arg.dep != "advcl" or clauses_only]


def _reports(parse: Parse, verb: int) -> bool:
    return not parse.words.reporting or parse.lemmas[verb] in parse.words.reporting


def prepositional(parse: Parse, preposition: int, by: int) -> Iterator[Argument]:
    """The argument after a preposition, or after several: "out of the house".

    Args:
        parse: the parse.
        preposition: the first preposition.
        by: the verb or noun that it depends on.
    """
    tokens = [preposition]
    dep = parse.deps[preposition] if parse.deps[preposition] == "agent" else "prep"
    for _ in range(3):
        for child in parse.children[tokens[-1]]:
            if parse.deps[child] in ("pobj", "pcomp"):
                if (
                    parse.tags[child] in ("WDT", "WP")
                    or parse.lemmas[child] in parse.words.relatives
                ):
                    return
                yield Argument(child, dep, tuple(tokens), whole=parse.deps[child] == "pcomp", by=by)
                return
        inner = parse.first(tokens[-1], frozenset({"prep", "advmod"}))
        if inner is None or inner < tokens[-1]:
            return
        tokens.append(inner)


def _all_prepositional(parse: Parse, preposition: int, by: int) -> Iterator[Argument]:
    """The arguments after a preposition and after those that are joined with it."""
    waiting = [preposition]
    for one in waiting:
        for found in prepositional(parse, one, by):
            found.joined = None if one == preposition else preposition
            yield found
        waiting += [i for i in parse.children[one] if parse.deps[i] == "conj"]


def _add_subject(parse: Parse, clause: Clause) -> None:
    """Find the subject, where it is not beside the verb too."""
    own = [child for verb in clause.verbs for child in parse.having(verb, SUBJECTS)]
    verb, parent = clause.verb, clause.parent
    subject = own[-1] if own else None
    pronoun = subject is not None and _is_relative(parse, subject)
    if clause.kind == "relcl":
        noun = parse.heads[verb]
        if subject is None or pronoun:
            clause.subject, clause.source = noun, "relative"
        else:
            clause.subject = subject
            _fill_gap(parse, clause, noun)
        return
    if subject is not None and not pronoun:
        clause.subject = subject
        return
    if clause.kind == "acl" and parent is not None and parse.heads[verb] in parent.verbs:
        clause.subject, clause.source = parent.subject, "adverbial"
    elif clause.kind == "acl":
        if parse.tags[verb] == "VB" or _infinitive(parse, clause):
            return
        clause.subject, clause.source = parse.heads[verb], "participle"
        clause.implied = not clause.auxiliaries and _is_past_participle(parse, verb)
    elif parent is None:
        return
    elif clause.kind == "conj" and parse.heads[verb] in parent.verbs:
        clause.subject, clause.source = parent.subject, "joined"
    elif clause.kind == "xcomp":
        thing = parse.first(parse.heads[verb], frozenset({"dobj"}))
        clause.subject = parent.subject if thing is None else thing
        clause.source = "controlled"
    elif clause.kind in ("advcl", "pcomp", "dep", "parataxis", "ccomp"):
        finite = parse.tags[verb] in ("VBD", "VBZ", "VBP") and clause.kind != "advcl"
        if not finite and clause.kind not in ("parataxis", "ccomp"):
            clause.subject, clause.source = parent.subject, "adverbial"


def _is_past_participle(parse: Parse, verb: int) -> bool:
    past = "Part" in parse.morph(verb, "VerbForm") and "Past" in parse.morph(verb, "Tense")
    return parse.tags[verb] == "VBN" or (parse.tags[verb] != "VBD" and past)


def _infinitive(parse: Parse, clause: Clause) -> bool:
    return any(parse.tags[i] == "TO" for i in clause.auxiliaries) or (
        "Inf" in parse.morph(clause.verb, "VerbForm") and parse.tags[clause.verb] != "VBG"
    )


def _is_relative(parse: Parse, token: int) -> bool:
    return (
        parse.tags[token] in ("WDT", "WP")
        or (parse.tags[token] not in ("DT", "IN") and parse.lemmas[token] in parse.words.relatives)
        or (parse.lemmas[token] == "that" and parse.deps[parse.heads[token]] == "relcl")
    )


def _fill_gap(parse: Parse, clause: Clause, noun: int) -> None:
    """Give an object relative clause its noun: "the house that she built", "... lived in"."""
    for verb in clause.verbs:
        for child in parse.children[verb]:
            if parse.deps[child] in ("prep", "agent") and not any(
                parse.deps[other] in ("pobj", "pcomp") and not _is_relative(parse, other)
                for other in parse.children[child]
            ):
                clause.arguments.insert(0, Argument(noun, "prep", (child,), by=verb))
                return
    if any(parse.tags[i] == "WRB" for verb in clause.verbs for i in parse.children[verb]):
        return
    if not any(arg.dep in ("dobj", "attr", "ccomp") for arg in clause.arguments):
        clause.arguments.insert(0, Argument(noun, "dobj", by=clause.verbs[-1]))
