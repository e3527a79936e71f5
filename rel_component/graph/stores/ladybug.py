"""A file of LadybugDB, the continuation of Kuzu, which answers Cypher: https://ladybugdb.com.

Its tables are ``Entity``, ``Document``, ``Evidence``, and one for each of the most frequent relation
types whose names are letters, digits and ``_``. ``OTHER`` has the relations of all other types, which
the property ``label`` tells apart.
"""

import re
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterable, Tuple

from ...converters.records import to_json
from ...errors import DataError
from ...packages import import_package
from ..exporter import ExportOptions, GraphExporter
from ..exporters.neo4j import write_rows
from ..exporters.tables import evidence_rows
from ..graph import Graph
from ..types import Edge

OTHER = "OTHER"
MAX_TABLES = 100  # a query for any relation looks into all of them
_MEMORY = 256 << 20

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

_NODES = {
    "Entity": "id STRING PRIMARY KEY, kb_id STRING, name STRING, type STRING, types STRING, "
    "aliases STRING",
    "Document": "id STRING PRIMARY KEY, date STRING, number INT64",
    "Evidence": "id INT64 PRIMARY KEY, relation INT64, document STRING, date STRING, score DOUBLE, "
    "text STRING, head_start INT64, head_end INT64, tail_start INT64, tail_end INT64, "
    "head_at INT64, tail_at INT64",
}
_RELATION = (
    "FROM Entity TO Entity, relation INT64, label STRING, count INT64, documents INT64, score DOUBLE, "
    "max_score DOUBLE, first_date STRING, last_date STRING, first_document STRING, "
    "last_document STRING, rule STRING"
)


def table_names(labels: Iterable[str]) -> Dict[str, str]:
    """The table of each relation type.

    Args:
        labels: the types, the most frequent first.
    """
    used = {name.casefold() for name in (*_NODES, OTHER)}  # names that differ in case are one
    found = {}
    for label in labels:
        is_free = _NAME.fullmatch(label) and label.casefold() not in used
        found[label] = label if is_free and len(used) <= MAX_TABLES else OTHER
        if found[label] == label:
            used.add(label.casefold())
    return found


def _write(graph: Graph, path: Path, options: ExportOptions) -> None:
    ladybug = import_package("ladybug", "graph")
    try:
        database = ladybug.Database(str(path), buffer_pool_size=_MEMORY, max_num_threads=1)
    except RuntimeError as err:  # of the engine, such as a limit of addresses (ulimit -v)
        raise DataError(f"LadybugDB cannot make its file: {err!s:.500}", place=str(path)) from err
    connection = ladybug.Connection(database, num_threads=1)
    try:
        with tempfile.TemporaryDirectory(prefix="rel_graph_") as folder:
            _fill(connection, graph, Path(folder) / "rows.csv", path)
    finally:
        connection.close()
        database.close()
        for left in path.parent.glob(f"{path.name}.*"):  # the log of what failed
            left.unlink()


def _fill(connection: Any, graph: Graph, file: Path, path: Path) -> None:
    def execute(statement: str) -> None:
        try:
            connection.execute(statement)
        except RuntimeError as err:  # of the engine, which has no other kind
            message = f"LadybugDB: {err!s:.500}, in {statement:.40}"
            raise DataError(message, place=str(path)) from err

    def copy(table: str, rows: Iterable[Tuple[Any, ...]]) -> None:
        write_rows(file, rows)
        if file.stat().st_size:
            execute(f"COPY `{table}` FROM '{file}' (header=false, parallel=false, escape='\"')")

    for name, columns in _NODES.items():
        execute(f"CREATE NODE TABLE {name} ({columns})")
    tables = table_names(graph.labels())
    for name in dict.fromkeys((*tables.values(), OTHER)):
        execute(f"CREATE REL TABLE `{name}` ({_RELATION})")
    copy("Entity", ((*n[:4], to_json(n.types), to_json(n.aliases)) for n in graph.nodes()))
    copy("Document", graph.documents())
    copy("Evidence", evidence_rows(graph))
    for label, edges in groupby(graph.edges_by_label(), key=lambda edge: edge.label):
        if tables[label] != OTHER:
            copy(label, map(_row, edges))
    copy(OTHER, (_row(edge) for edge in graph.edges() if tables[edge.label] == OTHER))


def _row(edge: Edge) -> Tuple[Any, ...]:
    return (edge.head, edge.tail, edge.id, edge.label, *edge[6:])


EXPORTER = GraphExporter(
    "ladybug",
    "a store for Cypher, see rel query",
    _write,
    ending=".lbug",
    packages=["ladybug"],
)
