"""Turtle, the notation of RDF for people: https://www.w3.org/TR/turtle/."""

import re
from typing import Dict, Iterator

from ..exporter import ExportOptions, text_exporter
from ..graph import Graph
from .rdf import Literal, Names, Term, blocks, nt_term

_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]|%[0-9A-F]{2})*")
_NUMBERS = {"integer"}


def turtle(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The triples, those of one subject together."""
    prefixes = Names(options).prefixes()
    for short, iri in prefixes.items():
        yield f"@prefix {short}: <{iri}> .\n"
    by_iri = {iri: short for short, iri in prefixes.items()}
    for block in blocks(graph, options):
        pairs = " ;\n    ".join(
            f"{_term(predicate, by_iri)} {_term(value, by_iri)}" for predicate, value in block.pairs
        )
        yield f"\n{_term(block.subject, by_iri)} {pairs} .\n"


def _term(term: Term, prefixes: Dict[str, str]) -> str:
    if isinstance(term, Literal):
        if term.datatype in _NUMBERS:
            return term.value
        written = nt_term(term._replace(datatype=""))
        return f"{written}^^xsd:{term.datatype}" if term.datatype else written
    cut = max(term.rfind("/"), term.rfind("#")) + 1
    short = prefixes.get(term[:cut])
    return f"{short}:{term[cut:]}" if short and _LOCAL.fullmatch(term, cut) else nt_term(term)


EXPORTER = text_exporter("turtle", "RDF stores and people", turtle, ending=".ttl")
