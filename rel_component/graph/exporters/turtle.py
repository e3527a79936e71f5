"""Turtle, the notation of RDF for people: https://www.w3.org/TR/turtle/."""

import re
from functools import lru_cache
from typing import Iterator

from ..exporter import ExportOptions, text_exporter
from ..graph import Graph
from .rdf import Literal, Names, Term, blocks, nt_term

_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]|%[0-9A-F]{2})*")


def turtle(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The triples, those of one subject together."""
    prefixes = Names(options).prefixes()
    for short, iri in prefixes.items():
        yield f"@prefix {short}: <{iri}> .\n"
    by_iri = {iri: short for short, iri in prefixes.items()}

    @lru_cache(maxsize=1 << 14)
    def named(iri: str) -> str:
        cut = max(iri.rfind("/"), iri.rfind("#")) + 1
        short = by_iri.get(iri[:cut])
        return f"{short}:{iri[cut:]}" if short and _LOCAL.fullmatch(iri, cut) else nt_term(iri)

    def written(term: Term) -> str:
        return named(term) if isinstance(term, str) else _literal(term)

    for block in blocks(graph, options):
        pairs = " ;\n    ".join(
            f"{named(predicate)} {written(value)}" for predicate, value in block.pairs
        )
        yield f"\n{named(block.subject)} {pairs} .\n"


def _literal(term: Literal) -> str:
    if term.datatype == "integer":
        return term.value
    written = nt_term(Literal(term.value))
    return f"{written}^^xsd:{term.datatype}" if term.datatype else written


EXPORTER = text_exporter("turtle", "RDF stores and people", turtle, ending=".ttl")
