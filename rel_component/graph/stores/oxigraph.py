"""A folder of Oxigraph, which answers SPARQL: https://github.com/oxigraph/oxigraph."""

import io
from pathlib import Path
from typing import Iterator, cast

from ...packages import import_package
from ..exporter import ExportOptions, GraphExporter
from ..exporters.nquads import quads
from ..graph import Graph


class _Stream(io.RawIOBase):
    """Pieces of text as a file, which are made when they are read."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # a narrower type
        if not self._rest:
            self._rest = next(self._pieces, "").encode("utf8")
        given = self._rest[: len(buffer)]
        self._rest = self._rest[len(given) :]
        buffer[: len(given)] = given
        return len(given)


def _write(graph: Graph, path: Path, options: ExportOptions) -> None:
    oxigraph = import_package("pyoxigraph", "graph")
    store = oxigraph.Store(str(path))
    stream = io.BufferedReader(cast(io.RawIOBase, _Stream(quads(graph, options))), 1 << 20)
    store.bulk_load(input=stream, format=oxigraph.RdfFormat.N_QUADS)
    store.flush()


EXPORTER = GraphExporter("oxigraph", "a store for SPARQL, see rel query", _write, folder=True)
