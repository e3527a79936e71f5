"""What a schema says of a graph: directions, edges that follow from others, and contradictions."""

import sqlite3
from typing import TYPE_CHECKING, Optional, Tuple

from ..errors import ConfigError
from ..relation_types import partners
from ..schema import RelationSchema

if TYPE_CHECKING:
    from .merge import GraphOptions

EITHER_END = 0
"""In place of another node of a contradiction: its node may be head or tail of a symmetric type."""


def stated_direction(
    label: str, schema: Optional[RelationSchema], inverses: str
) -> Tuple[str, bool]:
    """The label under which a relation is merged, and whether head and tail change places.

    Args:
        label: its label.
        schema: declares inverses.
        inverses: with ``merge``, the type of two inverses that comes first in the schema is kept.
    """
    inverse = inverse_of(label, schema) if inverses == "merge" else None
    if schema is None or inverse is None or inverse_of(inverse, schema) != label:
        return label, False
    labels = schema.labels
    if label in schema and (inverse not in schema or labels.index(label) < labels.index(inverse)):
        return label, False
    return inverse, True


def inverse_of(label: str, schema: Optional[RelationSchema]) -> Optional[str]:
    """The inverse of a type, which the schema may declare at either of the two.

    What several types are inverses of, as a child's father and mother are, has none.
    """
    found = partners(label, schema or {})
    return found[0] if len(found) == 1 else None


def key_of(end: str) -> str:
    """SQL of the key of a node, whose order gives symmetric edges the same direction in all graphs.

    Args:
        end: the column with the number of the node, which depends on the order of reading.
    """
    return f"(SELECT key FROM nodes WHERE id = {end})"


def infer_edges(connection: sqlite3.Connection, options: "GraphOptions") -> None:
    """Add edges that follow from those that are stated.

    Args:
        connection: the graph.
        options: which ones.

    Raises:
        ConfigError: if there are too many.
    """
    schema = options.schema or RelationSchema()
    if options.inverses == "add":
        for label in sorted({*schema, *(kind.inverse for kind in schema.values() if kind.inverse)}):
            inverse = inverse_of(label, schema)
            if inverse is not None:
                _add_inverses(connection, label, inverse)
    if options.closure:
        for label, kind in schema.items():
            if kind.transitive:
                _add_closure(connection, label, kind.symmetric, options.max_inferred)


def _add_inverses(connection: sqlite3.Connection, label: str, inverse: str) -> None:
    """The same facts, with their figures, under the other label."""
    columns = (
        "count, documents, score, max_score, first_date, last_date, first_document, last_document"
    )
    connection.execute(
        f"INSERT INTO edges (head, label, tail, {columns}, rule)"
        f" SELECT tail, ?, head, {columns}, 'inverse' FROM edges AS known"
        " WHERE label = ? AND rule = '' AND NOT EXISTS (SELECT 1 FROM edges AS other WHERE"
        " other.head = known.tail AND other.label = ? AND other.tail = known.head)"
        " ORDER BY tail, head",
        (inverse, label, inverse),
    )


def _add_closure(connection: sqlite3.Connection, label: str, symmetric: bool, most: int) -> None:
    """Paths of a transitive type as edges, which have no score and no evidence of their own."""
    connection.executescript(
        "DROP TABLE IF EXISTS temp.steps;"
        "CREATE TEMP TABLE steps (head INTEGER, tail INTEGER, PRIMARY KEY (head, tail)) WITHOUT ROWID;"
    )
    for pair in ("head, tail", "tail, head")[: 2 if symmetric else 1]:
        connection.execute(
            f"INSERT OR IGNORE INTO steps SELECT {pair} FROM edges WHERE label = ?", (label,)
        )
    n_before = connection.execute("SELECT count(*) FROM steps").fetchone()[0]
    # the limit is one of the rows that the recursion makes, those it begins with among them
    connection.execute(
        "CREATE TEMP TABLE paths AS WITH RECURSIVE paths (head, tail) AS (SELECT head, tail FROM steps"
        " UNION SELECT p.head, s.tail FROM paths p JOIN steps s ON s.head = p.tail LIMIT ?)"
        " SELECT head, tail FROM paths",
        (n_before + most + 1,),
    )
    n_paths = connection.execute("SELECT count(*) FROM paths").fetchone()[0]
    if n_paths > n_before + most:
        raise ConfigError(
            f"the closure of {label:.60} has more than {most} edges; leave it out, or let the schema "
            "not call the type transitive"
        )
    connection.execute(
        "INSERT INTO edges (head, label, tail, count, documents, rule)"
        " SELECT head, ?, tail, 0, 0, 'closure' FROM paths WHERE head != tail"
        + (f" AND {key_of('head')} < {key_of('tail')}" if symmetric else "")
        + " AND NOT EXISTS (SELECT 1 FROM edges AS known WHERE known.head = paths.head"
        " AND known.label = ? AND known.tail = paths.tail) ORDER BY head, tail",
        (label, label),
    )
    connection.executescript("DROP TABLE paths; DROP TABLE steps;")


def list_contradictions(connection: sqlite3.Connection, schema: Optional[RelationSchema]) -> None:
    """Note where stated edges cannot all be right.

    Args:
        connection: the graph.
        schema: says which types are functional and asymmetric; None: nothing is a contradiction.
    """
    insert = "INSERT INTO contradictions (kind, label, node, other)"
    for label, kind in (schema or RelationSchema()).items():
        if kind.functional:
            ends = "SELECT head AS node, tail AS other FROM edges WHERE label = :l AND rule = ''"
            if kind.symmetric:
                ends += " UNION ALL SELECT tail, head FROM edges WHERE label = :l AND rule = ''"
            connection.execute(
                f"{insert} SELECT 'several tails', :l, node, :other FROM ({ends})"
                " GROUP BY node HAVING count(DISTINCT other) > 1 ORDER BY node",
                {"l": label, "other": EITHER_END if kind.symmetric else None},
            )
        if kind.asymmetric:
            connection.execute(
                f"{insert} SELECT 'both directions', e.label, e.head, e.tail FROM edges e"
                " JOIN edges o ON o.head = e.tail AND o.label = e.label AND o.tail = e.head"
                " WHERE e.label = ? AND e.rule = '' AND o.rule = '' AND e.head < e.tail"
                " ORDER BY e.head, e.tail",
                (label,),
            )
            connection.execute(
                f"{insert} SELECT 'itself', label, head, tail FROM edges WHERE label = ?"
                " AND rule = '' AND head = tail ORDER BY head",
                (label,),
            )
