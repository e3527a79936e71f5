"""Tuples of a parse: predicates with the spans of their arguments."""

from dataclasses import dataclass, field
from itertools import islice, product
from typing import Iterator, List, Tuple

from .clauses import Argument, Clause, find_clauses, find_parent
from .factuality import denials
from .nouns import apposition_clauses, possessive_clauses
from .parses import Parse

MOST_SPLIT = 24  # tuples of one clause, whose arguments are lists

_QUOTES = {
    "''": ("``", "''"),
    '"': ('"',),
    "\u201d": ("\u201c", "\u201d"),
    "\u00bb": ("\u00ab", "\u00bb"),
}

Edges = Tuple[int, int]
"""First token and the one after the last."""


@dataclass
class OpenTuple:
    """What a clause says, with one subject and one first argument.

    Attributes:
        clause: the clause.
        head: tokens of the subject.
        tail: tokens of the first argument.
        prepositions: tokens of the preposition before the first argument, which ends the predicate.
        others: further arguments, with their tokens.
        head_token: head of the subject.
        tail_token: head of the first argument.
        first: that argument.
    """

    clause: Clause
    head: Edges
    tail: Edges
    prepositions: Tuple[int, ...]
    head_token: int
    tail_token: int
    first: Argument
    others: List[Tuple[Argument, Edges]] = field(default_factory=list)


@dataclass(frozen=True)
class Choices:
    """What is read, beside the clauses of verbs.

    Attributes:
        appositions: "Jobs, the founder" and "President Bush".
        possessives: "Apple's chief".
        split: whether arguments that are joined by "and" become tuples of their own.
    """

    appositions: bool = True
    possessives: bool = False
    split: bool = True


def find_tuples(parse: Parse, choices: Choices) -> List[OpenTuple]:
    """Find the tuples of a parse.

    Args:
        parse: the parse.
        choices: what is read.
    """
    clauses: List[Clause] = find_clauses(parse)
    by_token = {verb: clause for clause in clauses for verb in clause.verbs}
    if choices.appositions:
        clauses += apposition_clauses(parse)
    if choices.possessives:
        clauses += possessive_clauses(parse)
    for clause in clauses:
        if not clause.verbs:
            clause.parent = find_parent(parse, clause.verb, by_token)
    return [found for clause in clauses for found in _tuples(parse, clause, choices)]


def _tuples(parse: Parse, clause: Clause, choices: Choices) -> Iterator[OpenTuple]:
    if clause.subject is None or not clause.arguments:
        return
    first = clause.arguments[0]
    firsts = [
        argument
        for argument in clause.arguments
        if argument is first
        or (choices.split and argument.joined is not None and argument.joined in first.prepositions)
    ]
    subjects = _spread(parse, clause.subject, False, choices.split)
    others = [
        (other, edges(parse, other.token, other.whole, True))
        for other in clause.arguments
        if not any(other is one for one in firsts)
    ]
    tails = [
        (one, token, place)
        for one in firsts
        for token, place in _spread(parse, one.token, one.whole, choices.split)
    ]
    if clause.kind == "poss":  # "Apple's office" is about "Apple" and "office"
        start = parse.ends[clause.verb][1] + 1
        tails = [(one, token, (max(start, place[0]), place[1])) for one, token, place in tails]
        marks = [i for i in parse.children[clause.verb] if parse.deps[i] == "case"]
        subjects = [(i, (place[0], min([place[1], *marks]))) for i, place in subjects]
    for (head_token, head), (one, tail_token, tail) in islice(product(subjects, tails), MOST_SPLIT):
        if head[0] < tail[1] and tail[0] < head[1]:
            continue  # a subject inside of its argument
        yield OpenTuple(clause, head, tail, one.prepositions, head_token, tail_token, one, others)


def _spread(parse: Parse, token: int, whole: bool, split: bool) -> List[Tuple[int, Edges]]:
    """An argument, or each of those that are joined with it."""
    found = members(parse, token, split and not whole)
    alone = len(found) == 1
    places = [(member, edges(parse, member, whole, alone)) for member in found]
    member, (start, end) = places[0]
    if not alone and start < member and parse.tags[start] in ("CC", "CCONJ"):
        places[0] = member, (start + 1, end)  # "neither", which belongs to all of them
    return [(member, _without_denials(parse, member, place)) for member, place in places]


def _without_denials(parse: Parse, token: int, place: Edges) -> Edges:
    """An argument without "not" before it, which polarity says; "no" stays."""
    start, end = place
    words = denials(parse, token)
    while start < token and start in words and parse.pos[start] in ("PART", "ADV"):
        start += 1
    return start, end


def members(parse: Parse, token: int, split: bool) -> List[int]:
    """The heads of an argument: its own, and of what is joined with it.

    Args:
        parse: the parse.
        token: the head of the argument.
        split: whether what is joined counts.
    """
    found = [token]
    for member in found if split else ():
        found += [
            child
            for child in parse.children[member]
            if parse.deps[child] == "conj"
            and parse.pos[child] not in ("VERB", "AUX")
            and not (parse.pos[child] in ("PART", "ADV") and denials(parse, child))
        ]
        if len(found) > MOST_SPLIT:
            break
    return found


def edges(parse: Parse, token: int, whole: bool, joined: bool) -> Edges:
    """The tokens of an argument.

    Args:
        parse: the parse.
        token: its head.
        whole: whether clauses that depend on it belong to it.
        joined: whether what is joined with it belongs to it.
    """
    if whole:
        start, end = parse.ends[token]
        while start < token and (
            parse.deps[start] in ("punct", "mark") and parse.heads[start] == token
        ):
            start += 1
        while end > token and parse.deps[end] == "punct":
            end -= 1
        return start, end + 1
    start, end = (parse.edges if joined else parse.single)[token]
    following = parse.texts[end + 1] if end + 1 < len(parse.texts) else ""
    if following in _QUOTES:  # that closes one inside
        inside = [text for text in parse.texts[start : end + 1] if text in _QUOTES[following]]
        end += len(inside) % 2
    return start, end + 1
