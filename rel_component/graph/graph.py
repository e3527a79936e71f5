"""A merged graph on disk: whoever reads it goes through it, and never has all of it in memory."""

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from .rules import EITHER_END
from .types import Contradiction, Edge, Evidence, GraphDocument, Node, number_of
from .writer import connect

_MAX_SHOWN = 100  # edges of a contradiction

_EDGES = (
    "SELECT h.key, e.label, t.key, h.name, t.name, e.count, e.documents, e.score, e.max_score,"
    " e.first_date, e.last_date, f.name, l.name, e.rule FROM edges e"
    " JOIN nodes h ON h.id = e.head JOIN nodes t ON t.id = e.tail"
    " LEFT JOIN documents f ON f.id = e.first_document"
    " LEFT JOIN documents l ON l.id = e.last_document"
)
_EVIDENCE = (
    "SELECT v.document, d.name, d.date, v.score, v.text, v.head_start, v.head_end, v.tail_start,"
    " v.tail_end, v.head_at, v.tail_at FROM evidence v JOIN documents d ON d.id = v.document"
)


class Graph:
    """A graph that was merged.

    Args:
        path: its SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = connect(path)

    def __enter__(self) -> "Graph":
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def counts(self) -> Dict[str, int]:
        """How many nodes, edges, inferred edges, pieces of evidence, documents, contradictions."""
        tables = ("nodes", "edges", "evidence", "documents", "contradictions")
        counts = {name: self._value(f"SELECT count(*) FROM {name}") for name in tables}
        inferred = self._value("SELECT count(*) FROM edges WHERE rule != ''")
        return {**counts, "inferred": inferred}

    def labels(self) -> Dict[str, int]:
        """The relation types with the number of their edges, the most frequent first."""
        return dict(
            self._rows(
                "SELECT label, count(*) AS n FROM edges GROUP BY label ORDER BY n DESC, label"
            )
        )

    def documents(self) -> Iterator[GraphDocument]:
        """The documents that state edges, in the order in which they were read."""
        rows = self._rows("SELECT name, date, id FROM documents ORDER BY id")
        return (GraphDocument(*row) for row in rows)

    def nodes(self) -> Iterator[Node]:
        """The nodes, in the order in which they were read first."""
        rows = self._rows(
            "SELECT n.id, n.key, n.kb_id, n.name, n.type, a.name, a.type, a.count FROM nodes n"
            " JOIN names a ON a.node = n.id ORDER BY n.id, a.count DESC, a.name, a.type"
        )
        for (_, key, kb_id, node_name, node_type), group in groupby(rows, key=lambda row: row[:5]):
            types: Dict[str, int] = {}
            aliases: Dict[str, int] = {}
            for *_, name, label, count in group:
                aliases[name] = aliases.get(name, 0) + count
                if label:
                    types[label] = types.get(label, 0) + count
            yield Node(key, kb_id, node_name, node_type, types, aliases)

    def edges(self) -> Iterator[Edge]:
        """The edges, in the order of their nodes: those that are stated come first."""
        return map(_edge, self._rows(f"{_EDGES} ORDER BY e.id"))

    def edges_by_label(self) -> Iterator[Edge]:
        """The edges, those of one type together."""
        return map(_edge, self._rows(f"{_EDGES} ORDER BY e.label, e.id"))

    def edges_with_evidence(self) -> Iterator[Tuple[Edge, Iterator[Evidence]]]:
        """The edges, and the evidence of each one, which is to be read before the next edge."""
        groups = self._grouped_evidence()
        for edge in self.edges():
            yield edge, iter(()) if edge.rule else _numbered(edge.id, next(groups))

    def contradictions(self) -> Iterator[Contradiction]:
        """Where stated edges cannot all be right."""
        rows = self._rows(
            "SELECT c.kind, c.label, c.node, c.other, n.key, n.name FROM contradictions c"
            " JOIN nodes n ON n.id = c.node ORDER BY c.id"
        )
        for kind, label, node, other, key, name in rows:
            yield Contradiction(kind, label, key, name, self._edges_of(label, node, other))

    def top_edges(self, limit: int) -> List[Edge]:
        """The edges that most documents state, and of those the most probable ones."""
        order = "ORDER BY e.documents DESC, e.score DESC, e.id"
        return list(map(_edge, self._rows(f"{_EDGES} {order} LIMIT {limit:d}")))

    def evidence_of(self, edge: Edge, limit: int = -1) -> List[Evidence]:
        """The evidence of an edge, document by document."""
        if edge.rule:
            return []
        node = "(SELECT id FROM nodes WHERE key = ?)"
        rows = self._rows(
            f"{_EVIDENCE} WHERE v.head = {node} AND v.label = ? AND v.tail = {node}"
            " ORDER BY v.document, v.id LIMIT ?",
            (edge.head, edge.label, edge.tail, limit),
        )
        return list(_numbered(edge.id, rows))

    def _grouped_evidence(self) -> Iterator[Iterator[Any]]:
        rows = self._rows(
            _EVIDENCE.replace("SELECT ", "SELECT v.head, v.label, v.tail, ")
            + " ORDER BY v.head, v.label, v.tail, v.document, v.id"
        )
        for _, group in groupby(rows, key=lambda row: row[:3]):
            yield (row[3:] for row in group)

    def _edges_of(self, label: str, node: int, other: Optional[int]) -> List[Edge]:
        where = "e.head = ?2"
        if other == EITHER_END:
            where = "(e.head = ?2 OR e.tail = ?2)"
        elif other is not None:
            where = "((e.head = ?2 AND e.tail = ?3) OR (e.head = ?3 AND e.tail = ?2))"
        rows = self._rows(
            f"{_EDGES} WHERE e.label = ?1 AND e.rule = '' AND {where} AND ?3 IS ?3"
            f" ORDER BY e.score DESC, e.id LIMIT {_MAX_SHOWN}",
            (label, node, other or None),
        )
        return list(map(_edge, rows))

    def _rows(self, query: str, values: Iterable[Any] = ()) -> Iterator[Any]:
        return iter(self._connection.execute(query, tuple(values)))

    def _value(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])


def _edge(row: Tuple[Any, ...]) -> Edge:
    return Edge(number_of(*row[:3]), *row)


def _numbered(edge: int, rows: Iterable[Any]) -> Iterator[Evidence]:
    """The evidence of an edge, whose rows come document by document."""
    for _, group in groupby(rows, key=lambda row: row[0]):
        seen: Counter[Any] = Counter()  # a document that was read twice has each place twice
        for _, document, date, score, text, a, b, c, d, head_at, tail_at in group:
            content = (document, text, a, b, c, d)
            key = number_of(edge, *content, seen[content])
            seen[content] += 1
            yield Evidence(key, edge, document, date, score, text, (a, b), (c, d), head_at, tail_at)
