"""A graph as tables: CSV, Parquet (needs pyarrow) and frames of pandas.

In CSV, what a spreadsheet would take for a formula has an apostrophe before it
(https://owasp.org/www-community/attacks/CSV_Injection); Parquet and frames have all as it is.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Literal, NamedTuple, Tuple

from spacy.util import minibatch

from ...converters.formats.csv_rows import masked
from ...packages import import_package
from ..exporter import ExportOptions, GraphExporter
from ..graph import Graph
from .neo4j import csv_cell

if TYPE_CHECKING:
    import pandas

Kind = Literal["string", "int", "float"]
Row = Tuple[Any, ...]

_BATCH = 10_000


class Table(NamedTuple):
    """A table of a graph.

    Attributes:
        columns: names and types of its columns.
        rows: makes its rows.
    """

    columns: Dict[str, Kind]
    rows: Callable[[Graph], Iterator[Row]]


def _aliases(graph: Graph) -> Iterator[Row]:
    for node in graph.nodes():
        yield from ((node.id, name, count) for name, count in node.aliases.items())


def _types(graph: Graph) -> Iterator[Row]:
    for node in graph.nodes():
        yield from ((node.id, name, count) for name, count in node.types.items())


def evidence_rows(graph: Graph) -> Iterator[Row]:
    """The pieces of evidence with their places in columns."""
    for _, pieces in graph.edges_with_evidence():
        for piece in pieces:
            *begin, head, tail, head_at, tail_at = piece
            yield (*begin, *head, *tail, head_at, tail_at)


def _contradictions(graph: Graph) -> Iterator[Row]:
    for number, found in enumerate(graph.contradictions(), start=1):
        yield from ((number, found.kind, found.label, found.node, edge.id) for edge in found.edges)


TABLES: Dict[str, Table] = {
    "nodes": Table(
        {"id": "string", "kb_id": "string", "name": "string", "type": "string"},
        lambda graph: (node[:4] for node in graph.nodes()),
    ),
    "aliases": Table({"node": "string", "name": "string", "count": "int"}, _aliases),
    "types": Table({"node": "string", "type": "string", "count": "int"}, _types),
    "edges": Table(
        {
            **{"id": "int", "head": "string", "label": "string", "tail": "string"},
            **{"head_name": "string", "tail_name": "string", "count": "int", "documents": "int"},
            **{"score": "float", "max_score": "float", "first_date": "string"},
            **{"last_date": "string", "first_document": "string", "last_document": "string"},
            "rule": "string",
        },
        lambda graph: iter(graph.edges()),
    ),
    "evidence": Table(
        {
            **{"id": "int", "edge": "int", "document": "string", "date": "string"},
            **{"score": "float", "text": "string", "head_start": "int", "head_end": "int"},
            **{"tail_start": "int", "tail_end": "int", "head_at": "int", "tail_at": "int"},
        },
        evidence_rows,
    ),
    "documents": Table(
        {"id": "string", "date": "string", "number": "int"}, lambda graph: graph.documents()
    ),
    "contradictions": Table(
        {
            **{"number": "int", "kind": "string", "label": "string", "node": "string"},
            "edge": "int",
        },
        _contradictions,
    ),
}
"""The tables, which are one file each."""


def graph_frames(graph: Graph) -> "Dict[str, pandas.DataFrame]":
    """The tables of a graph as frames of pandas, which are in memory.

    Args:
        graph: the graph.

    Returns:
        ``nodes``, ``aliases``, ``types``, ``edges``, ``evidence``, ``documents``, ``contradictions``.

    Raises:
        ConfigError: if pandas is not installed.
    """
    frame = import_package("pandas", "graph").DataFrame
    return {
        name: frame.from_records(list(table.rows(graph)), columns=list(table.columns))
        for name, table in TABLES.items()
    }


def _write_csv(graph: Graph, path: Path, options: ExportOptions) -> None:
    for name, table in TABLES.items():
        with (path / f"{name}.csv").open("w", encoding="utf8", newline="") as output:
            output.write(",".join(table.columns) + "\r\n")
            for row in table.rows(graph):
                output.write(",".join(csv_cell(masked(value)) for value in row) + "\r\n")


def _write_parquet(graph: Graph, path: Path, options: ExportOptions) -> None:
    arrow = import_package("pyarrow", "graph")
    parquet = import_package("pyarrow.parquet", "graph")
    kinds = {"string": arrow.string(), "int": arrow.int64(), "float": arrow.float64()}
    for name, table in TABLES.items():
        fields = [(column, kinds[kind]) for column, kind in table.columns.items()]
        schema, rows = arrow.schema(fields), table.rows(graph)
        with parquet.ParquetWriter(str(path / f"{name}.parquet"), schema) as writer:
            for batch in minibatch(rows, _BATCH):
                columns = [
                    arrow.array(values, kind) for values, (_, kind) in zip(zip(*batch), fields)
                ]
                writer.write_batch(arrow.record_batch(columns, schema=schema))


CSV = GraphExporter("csv", "spreadsheets and scripts: tables of CSV", _write_csv, folder=True)
PARQUET = GraphExporter(
    "parquet", "tables of Parquet", _write_parquet, folder=True, packages=["pyarrow"]
)
