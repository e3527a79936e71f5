"""A folder of Oxigraph, which answers SPARQL: https://github.com/oxigraph/oxigraph."""

from itertools import islice
from pathlib import Path

from ...errors import DataError
from ...packages import import_package
from ..exporter import ExportOptions, GraphExporter
from ..exporters.nquads import quads
from ..graph import Graph

_BATCH = 200_000  # quads: its loader would have a few million in memory, and more for each core


def _write(graph: Graph, path: Path, options: ExportOptions) -> None:
    oxigraph = import_package("pyoxigraph", "graph")
    lines = quads(graph, options)
    try:
        store = oxigraph.Store(str(path))
        while batch := "".join(islice(lines, _BATCH)):
            store.bulk_load(input=batch.encode("utf8"), format=oxigraph.RdfFormat.N_QUADS)
        store.flush()
    except OSError as err:  # of the engine, without a number
        raise DataError(f"Oxigraph cannot write: {err!s:.500}", place=str(path)) from err


EXPORTER = GraphExporter(
    "oxigraph",
    "a store for SPARQL, see rel query",
    _write,
    folder=True,
    packages=["pyoxigraph"],
)
