"""N-Quads: a graph for each document, https://www.w3.org/TR/n-quads/.

The default graph has all that Turtle has. The graph of a document, whose name is that of the document,
has the relations that it states.
"""

from typing import Iterator

from ..exporter import ExportOptions, text_exporter
from ..graph import Graph
from .rdf import blocks, nt_term


def quads(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The quads, one a line."""
    for block in blocks(graph, options, per_document=True):
        end = " .\n" if block.document is None else f" <{block.document}> .\n"
        for predicate, value in block.pairs:
            yield f"<{block.subject}> <{predicate}> {nt_term(value)}{end}"


EXPORTER = text_exporter(
    "nquads", "RDF stores, with a named graph for each document", quads, ending=".nq"
)
