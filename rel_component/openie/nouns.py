"""Statements without a verb: appositions and possessives."""

from typing import Iterator

from .clauses import Argument, Clause
from .parses import Parse

_NOUNS = ("NOUN", "PROPN")


def apposition_clauses(parse: Parse) -> Iterator[Clause]:
    """What appositions say: "Jobs, the founder" is "be".

    Args:
        parse: the parse.
    """
    for i, dep in enumerate(parse.deps):
        noun = parse.heads[i]
        if dep != "appos" or parse.pos[i] not in _NOUNS or parse.pos[noun] not in _NOUNS:
            continue
        start = parse.ends[i][0]
        before = start if parse.deps[start] == "punct" else start - 1
        # "President Bush" is one name to people, and an apposition to some parsers
        if before > noun and parse.deps[before] == "punct":
            yield _clause(i, "appos", noun, Argument(i, "attr", by=i))


def possessive_clauses(parse: Parse) -> Iterator[Clause]:
    """What possessives say: "Apple's office" is "have".

    Args:
        parse: the parse.
    """
    for i, dep in enumerate(parse.deps):
        if dep == "poss" and parse.pos[i] in _NOUNS:
            yield _clause(i, "poss", i, Argument(parse.heads[i], "dobj", by=i))


def _clause(token: int, kind: str, subject: int, argument: Argument) -> Clause:
    return Clause(
        verb=token,
        kind=kind,
        verbs=[],
        subject=subject,
        source=kind,
        arguments=[argument],
        implied=True,
    )
