"""CSV for ``neo4j-admin database import``, with headers in files of their own.

https://neo4j.com/docs/operations-manual/current/import/. Entities, documents and pieces of evidence are
nodes. A relation has the number ``relation``, and so have the pieces of evidence that show it, since a
relation of Neo4j cannot have relations. Items of lists are separated by U+001F, which no text here has.
"""

from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, Tuple

from ..exporter import ExportOptions, GraphExporter
from ..graph import Graph

LIST_DELIMITER = "\x1f"

_Rows = Callable[[Graph], Iterator[Tuple[Any, ...]]]


def _entities(graph: Graph) -> Iterator[Tuple[Any, ...]]:
    for node in graph.nodes():
        labels = dict.fromkeys(["Entity", *node.types])
        aliases = LIST_DELIMITER.join(node.aliases)
        counts = LIST_DELIMITER.join(map(str, node.aliases.values()))
        names = LIST_DELIMITER.join(labels)
        yield node.id, node.kb_id, node.name, node.type, aliases, counts, names


def _relations(graph: Graph) -> Iterator[Tuple[Any, ...]]:
    for edge in graph.edges():
        key, head, label, tail, _, _, *figures = edge
        yield head, tail, label, key, label, *figures


def _evidence(graph: Graph) -> Iterator[Tuple[Any, ...]]:
    for _, pieces in graph.edges_with_evidence():
        for piece in pieces:
            yield (
                *(piece.id, piece.edge, piece.score, piece.text, *piece.head, *piece.tail),
                *(piece.head_at, piece.tail_at, "Evidence"),
            )


def _places(graph: Graph) -> Iterator[Tuple[Any, ...]]:
    for _, pieces in graph.edges_with_evidence():
        yield from ((piece.id, piece.document, "IN") for piece in pieces)


FILES: Dict[str, Tuple[str, _Rows]] = {
    "entities": (
        "id:ID(Entity),kb_id:string,name:string,type:string,aliases:string[],alias_counts:int[],:LABEL",
        _entities,
    ),
    "documents": (
        "id:ID(Document),date:string,number:long,:LABEL",
        lambda graph: ((*document, "Document") for document in graph.documents()),
    ),
    "evidence": (
        "id:ID(Evidence),relation:long,score:double,text:string,head_start:long,head_end:long,"
        "tail_start:long,tail_end:long,head_at:long,tail_at:long,:LABEL",
        _evidence,
    ),
    "relations": (
        ":START_ID(Entity),:END_ID(Entity),:TYPE,relation:long,label:string,count:long,documents:long,"
        "score:double,max_score:double,first_date:string,last_date:string,first_document:string,"
        "last_document:string,rule:string",
        _relations,
    ),
    "places": (":START_ID(Evidence),:END_ID(Document),:TYPE", _places),
}
"""For each file its header and its rows."""


def _write(graph: Graph, path: Path, options: ExportOptions) -> None:
    for name, (header, rows) in FILES.items():
        (path / f"{name}_header.csv").write_text(f"{header}\n", encoding="utf8", newline="")
        write_rows(path / f"{name}.csv", rows(graph))


def write_rows(file: Path, rows: Iterable[Tuple[Any, ...]]) -> None:
    """Write rows to a file of CSV without a header."""
    with file.open("w", encoding="utf8", newline="") as output:
        output.writelines(",".join(map(csv_cell, row)) + "\n" for row in rows)


def csv_cell(value: Any) -> str:
    """A cell: texts in quotes, so that an empty one is no missing one."""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else repr(value)


EXPORTER = GraphExporter("neo4j", "CSV for the import of Neo4j", _write, folder=True)
