r"""Cypher: statements with rows as their parameter, for a driver, or written into a file.

Neo4j takes ``\u0060`` for a backtick wherever it stands, before it reads a query. No text here brings
a backslash before a u into a query, and names of types have no backslash at all; the property ``label``
has them as they are.
"""

import re
from itertools import groupby
from typing import Any, Dict, Iterator, List, Tuple

from spacy.util import minibatch

from ..exporter import ExportOptions, text_exporter
from ..graph import Graph

Row = Dict[str, Any]

BATCH = 500

_CONSTRAINTS = (
    "CREATE CONSTRAINT rel_entity IF NOT EXISTS FOR (n:Entity) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT rel_document IF NOT EXISTS FOR (n:Document) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT rel_evidence IF NOT EXISTS FOR (n:Evidence) REQUIRE n.id IS UNIQUE",
)
_ENTITIES = (
    "UNWIND $rows AS row MERGE (n:Entity {id: row.id}) SET n.kb_id = row.kb_id, n.name = row.name, "
    "n.type = row.type, n.aliases = row.aliases"
)
_TYPED = "UNWIND $rows AS row MATCH (n:Entity {{id: row.id}}) SET n:{}"
_DOCUMENTS = "UNWIND $rows AS row MERGE (n:Document {id: row.id}) SET n.date = row.date"
_FIGURES = ("count", "documents", "score", "max_score", "first_date", "last_date")
_RELATIONS = (
    "UNWIND $rows AS row MATCH (h:Entity {{id: row.head}}) MATCH (t:Entity {{id: row.tail}}) "
    "MERGE (h)-[r:{}]->(t) SET r.relation = row.relation, r.label = row.label, "
    + ", ".join(f"r.{name} = row.{name}" for name in (*_FIGURES, "rule"))
)
_EVIDENCE = (
    "UNWIND $rows AS row MATCH (d:Document {id: row.document}) MERGE (e:Evidence {id: row.id}) "
    "SET e.relation = row.relation, e.text = row.text, e.score = row.score, "
    + ", ".join(
        f"e.{name} = row.{name}"
        for name in ("head_start", "head_end", "tail_start", "tail_end", "head_at", "tail_at")
    )
    + " MERGE (e)-[:IN]->(d)"
)


_USED = re.compile(r"row\.(\w+)")


def cypher_batches(graph: Graph, *, size: int = BATCH) -> Iterator[Tuple[str, List[Row]]]:
    """The statements that bring a graph into Neo4j, with their rows.

    Args:
        graph: the graph.
        size: the most rows of a statement.

    Returns:
        statements and rows, for ``session.run(statement, rows=rows)`` one after the other.
    """
    yield from ((statement, []) for statement in _CONSTRAINTS)
    for batch in minibatch(graph.nodes(), size):
        rows = [{**n._asdict(), "types": list(n.types), "aliases": list(n.aliases)} for n in batch]
        yield _ENTITIES, rows
        typed = [(name, {"id": row["id"]}) for row in rows for name in row["types"]]
        for name, group in _grouped(typed):
            yield _TYPED.format(identifier(name)), group
    for documents in minibatch(graph.documents(), size):
        yield _DOCUMENTS, [document._asdict() for document in documents]
    for edges in minibatch(graph.edges(), size):
        labelled = [(edge.label, {"relation": edge.id, **edge._asdict()}) for edge in edges]
        for name, group in _grouped(labelled):
            yield _RELATIONS.format(identifier(name)), group
    pieces = (piece for _, found in graph.edges_with_evidence() for piece in found)
    for batch_of_pieces in minibatch(pieces, size):
        yield (
            _EVIDENCE,
            [
                {
                    **{"relation": piece.edge, **piece._asdict()},
                    **{"head_start": piece.head[0], "head_end": piece.head[1]},
                    **{"tail_start": piece.tail[0], "tail_end": piece.tail[1]},
                }
                for piece in batch_of_pieces
            ],
        )


def cypher(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The statements with their rows in place of the parameter, for ``cypher-shell --file``."""
    for statement, rows in cypher_batches(graph):
        used = set(_USED.findall(statement))
        shown = [{name: row[name] for name in row if name in used} for row in rows]
        yield statement.replace("$rows", literal(shown), 1) + ";\n"


def identifier(name: str) -> str:
    """The name of a label or type, in backticks."""
    safe = name.replace("\\", "\uff3c").replace("`", "``")
    return f"`{safe or '_'}`"


def literal(value: Any) -> str:
    """A value as Cypher writes it."""
    if isinstance(value, str):
        return f"'{_escaped(value)}'"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    return "null" if value is None else repr(value)


def _escaped(text: str) -> str:
    first, *others = text.split("\\")
    text = first + "".join(
        "\\\\" + (f"\\u0075{part[1:]}" if part.startswith("u") else part) for part in others
    )
    for character, escape in (("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(character, escape)
    return text


def _grouped(items: List[Tuple[str, Row]]) -> Iterator[Tuple[str, List[Row]]]:
    """The rows of each name."""
    ordered = sorted(items, key=lambda item: item[0])
    for name, group in groupby(ordered, key=lambda item: item[0]):
        yield name, [row for _, row in group]


EXPORTER = text_exporter("cypher", "Neo4j: statements of Cypher", cypher, ending=".cypher")
