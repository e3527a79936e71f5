"""A graph while it is made: a SQLite file that grows by batches, and is sorted when all is there.

Facts are appended as they come. What belongs together is found by an index that is made of all of them
at once, because an index that grows with each row is read and written all over.
"""

import sqlite3
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from .facts import Fact
from .names import NamedEntity, most_frequent, name_key, writable
from .rules import key_of
from .types import number_of

_BATCH = 10_000
_MAX_KNOWN = 200_000  # ids of nodes that are in memory
_CACHE_KB = 96 * 1024

_TABLES = """
CREATE TABLE documents (id INTEGER PRIMARY KEY, name TEXT NOT NULL, date TEXT,
    file INTEGER NOT NULL, digest INTEGER NOT NULL, UNIQUE (name, file));
CREATE INDEX documents_by_text ON documents (name, digest);
CREATE TABLE nodes (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kb_id TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT '');
CREATE TABLE names (node INTEGER, name TEXT, type TEXT, count INTEGER NOT NULL,
    PRIMARY KEY (node, name, type)) WITHOUT ROWID;
CREATE TABLE evidence (id INTEGER PRIMARY KEY, head INTEGER, label TEXT, tail INTEGER,
    document INTEGER, score REAL, text TEXT, head_start INTEGER, head_end INTEGER,
    tail_start INTEGER, tail_end INTEGER, head_at INTEGER, tail_at INTEGER);
CREATE TABLE edges (id INTEGER PRIMARY KEY, head INTEGER, label TEXT, tail INTEGER, count INTEGER,
    documents INTEGER, score REAL, max_score REAL, first_date TEXT, last_date TEXT,
    first_document INTEGER, last_document INTEGER, rule TEXT NOT NULL DEFAULT '');
CREATE TABLE contradictions (id INTEGER PRIMARY KEY, kind TEXT, label TEXT, node INTEGER,
    other INTEGER);
"""

_INDICES = """
CREATE INDEX edges_by_head ON edges (head, label, tail);
CREATE INDEX edges_by_tail ON edges (tail, label, head);
"""

_INSERT_EDGE = (
    "INSERT INTO edges (head, label, tail, count, documents, score, max_score, first_date, last_date,"
    " first_document, last_document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

OTHER_TEXT = "documents of the same id with another text, counted as one"
OTHER_DATE = "documents of the same id with another date, of which the first counts"
OTHER_FILE = "documents of the same id in several files, told apart by the file: a.jsonl:7"

_Row = Tuple[Any, ...]


def connect(path: Path) -> sqlite3.Connection:
    """Open a file that one process uses, and that is made again after a crash."""
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in (
        "journal_mode = OFF",
        "synchronous = OFF",
        "locking_mode = EXCLUSIVE",
        "temp_store = FILE",  # what is sorted does not fit into memory
        f"cache_size = -{_CACHE_KB}",
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


class GraphWriter:
    """Adds facts to a graph.

    Args:
        path: the file, which must not exist.
    """

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)
        self.connection.executescript(_TABLES)
        self.connection.execute("BEGIN")  # one for all: each end of a transaction writes pages
        self._nodes: Dict[str, int] = {}
        self._names: Counter[Tuple[int, str, str]] = Counter()
        self._rows: List[_Row] = []
        self._document = 0
        self._files: Dict[str, int] = {}
        self._symmetric: Set[str] = set()
        self._seen: Set[Tuple[int, str, str]] = set()  # nodes of the document, with their names

    def __enter__(self) -> "GraphWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def add_document(
        self,
        document_id: object,
        date: Optional[str],
        number: int,
        *,
        text: str = "",
        file: str = "",
    ) -> List[str]:
        """Begin a document, whose facts follow.

        It is the same as another one of the same id in its file, or with the same text in another file.

        Args:
            document_id: its id; None or empty: it has none.
            date: its date; None: not known.
            number: of all documents, from 1.
            text: its text.
            file: where it comes from, which tells it from others of its id.

        Returns:
            what is odd, in words that can be counted.
        """
        given = document_id is not None and str(document_id) != ""
        name = writable(str(document_id)) if given else f"#{number}"
        file_number = self._files.setdefault(file, len(self._files))
        digest = number_of(text)
        row = self._known_document("name = ? AND file = ?", name, file_number)
        if row is None and len(self._files) > 1:
            row = self._known_document("name = ? AND digest = ?", name, digest)
        self._seen = set()
        if row is None:
            shared = len(self._files) > 1 and self._known_document("name = ?", name) is not None
            self.connection.execute(
                "INSERT INTO documents (id, name, date, file, digest) VALUES (?, ?, ?, ?, ?)",
                (number, name, date, file_number, digest),
            )
            self._document = number
            return [OTHER_FILE] * shared
        self._document, known_date, known_digest = row
        if known_date is None and date is not None:
            update = "UPDATE documents SET date = ? WHERE id = ?"
            self.connection.execute(update, (date, self._document))
        differs = known_date is not None and date is not None and date != known_date
        return [OTHER_TEXT] * (digest != known_digest) + [OTHER_DATE] * differs

    def add_fact(self, fact: Fact, turned: bool = False, symmetric: bool = False) -> None:
        """Add a relation of the document.

        Args:
            fact: the relation.
            turned: whether it goes from its tail to its head.
            symmetric: whether it goes from the node whose key comes first.
        """
        if symmetric:
            self._symmetric.add(fact.label)
        ends = [
            (self._node(entity), *span, at)
            for entity, span, at in (
                (fact.head, fact.head_span, fact.head_at),
                (fact.tail, fact.tail_span, fact.tail_at),
            )
        ]
        if turned:
            ends.reverse()
        (head, head_start, head_end, head_at), (tail, tail_start, tail_end, tail_at) = ends
        spans = (head_start, head_end, tail_start, tail_end, head_at, tail_at)
        self._rows.append((head, fact.label, tail, self._document, fact.score, fact.text, *spans))
        if len(self._rows) >= _BATCH:
            self._flush()

    def finish(self) -> None:
        """Make the edges of all facts, and give the nodes their names."""
        self._flush()
        connection = self.connection
        self._name_documents()
        self._join_names_with_ids()
        self._orient_symmetric()
        connection.execute(
            "CREATE INDEX evidence_by_edge ON evidence (head, label, tail, document, id, score)"
        )
        rows = connection.execute(
            "SELECT e.head, e.label, e.tail, e.document, e.score, d.date FROM evidence e"
            " JOIN documents d ON d.id = e.document ORDER BY e.head, e.label, e.tail, e.document"
        )
        connection.executemany(_INSERT_EDGE, _edges(rows))
        names = connection.execute("SELECT node, name, type, count FROM names ORDER BY node")
        connection.executemany("UPDATE nodes SET name = ?, type = ? WHERE id = ?", _named(names))
        connection.execute("COMMIT")
        connection.executescript(_INDICES)

    def _known_document(self, where: str, *values: object) -> Optional[_Row]:
        query = f"SELECT id, date, digest FROM documents WHERE {where} LIMIT 1"
        row: Optional[_Row] = self.connection.execute(query, values).fetchone()
        return row

    def _name_documents(self) -> None:
        """Put the file before the ids that documents of several files have."""
        connection, files = self.connection, list(self._files)
        connection.execute(
            "CREATE TEMP TABLE shared AS SELECT id, name, file FROM documents WHERE name IN"
            " (SELECT name FROM documents GROUP BY name HAVING count(*) > 1)"
        )
        for number, name, file in connection.execute("SELECT * FROM shared ORDER BY id"):
            own = f"{writable(files[file])}:{name}"
            while self._known_document("name = ?", own) is not None:  # the id of another one
                own = f"{own}#{number}"
            connection.execute("UPDATE documents SET name = ? WHERE id = ?", (own, number))
        connection.execute("DROP TABLE shared")

    def _join_names_with_ids(self) -> None:
        """Join nodes that have a name alone with the only node with an id that has the name and type."""
        connection = self.connection
        connection.execute("CREATE TEMP TABLE known (key TEXT, node INTEGER)")
        with_id = connection.execute(
            "SELECT names.name, names.type, node FROM names JOIN nodes ON id = node WHERE kb_id != ''"
        )
        connection.executemany(
            "INSERT INTO known VALUES (?, ?)",
            ((name_key(name, label), node) for name, label, node in with_id),
        )
        connection.execute(
            "CREATE TEMP TABLE joined AS SELECT nodes.id AS old, min(node) AS new FROM known"
            " JOIN nodes USING (key) WHERE kb_id = '' GROUP BY old HAVING count(DISTINCT node) = 1"
        )
        connection.execute("CREATE UNIQUE INDEX temp.joined_by_old ON joined (old)")
        related = " UNION ".join(  # what is related to it is another one of that name
            f"SELECT old FROM evidence JOIN joined ON old = {end} AND new = {other}"
            for end, other in (("head", "tail"), ("tail", "head"))
        )
        connection.execute(f"DELETE FROM joined WHERE old IN ({related})")
        for end in ("head", "tail"):
            connection.execute(
                f"UPDATE evidence SET {end} = (SELECT new FROM joined WHERE old = {end})"
                f" WHERE {end} IN (SELECT old FROM joined)"
            )
        connection.execute(
            "INSERT INTO names (node, name, type, count)"
            " SELECT new, name, type, count FROM names JOIN joined ON node = old"
            " WHERE true ON CONFLICT DO UPDATE SET count = count + excluded.count"
        )
        for table, column in (("names", "node"), ("nodes", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT old FROM joined)")
        connection.execute("DROP TABLE known")
        connection.execute("DROP TABLE joined")

    def _orient_symmetric(self) -> None:
        """Let symmetric relations go from the node whose key comes first, not the one read first."""
        for label in sorted(self._symmetric):
            self.connection.execute(
                "UPDATE evidence SET head = tail, tail = head, head_start = tail_start,"
                " head_end = tail_end, tail_start = head_start, tail_end = head_end,"
                " head_at = tail_at, tail_at = head_at WHERE label = ?"
                f" AND {key_of('tail')} < {key_of('head')}",
                (label,),
            )

    def _node(self, entity: NamedEntity) -> int:
        node = self._nodes.get(entity.key)
        if node is None:
            node = self._stored_node(entity)
        new = {(node, *pair) for pair in entity.names} - self._seen
        self._seen |= new
        self._names.update(new)
        return node

    def _stored_node(self, entity: NamedEntity) -> int:
        if len(self._nodes) >= _MAX_KNOWN:
            self._nodes.clear()
        row = self.connection.execute(
            "SELECT id FROM nodes WHERE key = ?", (entity.key,)
        ).fetchone()
        if row is None:
            added = self.connection.execute(
                "INSERT INTO nodes (key, kb_id) VALUES (?, ?)", (entity.key, entity.kb_id)
            )
            row = (added.lastrowid,)
        self._nodes[entity.key] = row[0]
        return int(row[0])

    def _flush(self) -> None:
        connection = self.connection
        connection.executemany(
            "INSERT INTO evidence (head, label, tail, document, score, text, head_start, head_end,"
            " tail_start, tail_end, head_at, tail_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._rows,
        )
        connection.executemany(
            "INSERT INTO names (node, name, type, count) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            ((*key, count) for key, count in sorted(self._names.items())),
        )
        self._rows.clear()
        self._names.clear()


def _edges(rows: Iterator[_Row]) -> Iterator[_Row]:
    """One row for the evidence of each edge, which is ordered by edge and document.

    The score is a noisy-or over documents: the probability that one of them is right, were they
    independent. Of the pieces of evidence in a document, which are not, the best one counts.
    """
    for (head, label, tail), group in groupby(rows, key=lambda row: row[:3]):
        count = documents = 0
        wrong, best = 1.0, None
        first: Optional[Tuple[str, int]] = None
        last: Optional[Tuple[str, int]] = None
        order: List[int] = []
        for document, pieces in groupby(group, key=lambda row: row[3:6:2]):
            scores = []
            for piece in pieces:
                count += 1
                scores += [piece[4]] if piece[4] is not None else []
            documents += 1
            if scores:
                highest = max(scores)
                wrong *= 1.0 - highest
                best = highest if best is None else max(best, highest)
            number, date = document
            order = [min(number, *order), max(number, *order)] if order else [number, number]
            if date is not None:
                first = min(first or (date, number), (date, number))
                last = max(last or (date, number), (date, number))
        score = None if best is None else round(1.0 - wrong, 6)
        dates = (first and first[0], last and last[0])
        yield (
            *(head, label, tail, count, documents, score, best, *dates),
            *(first[1] if first else order[0], last[1] if last else order[1]),
        )


def _named(rows: Iterator[_Row]) -> Iterator[_Row]:
    """Display name, type and number of each node, from its names and their counts."""
    for node, group in groupby(rows, key=lambda row: row[0]):
        names: Counter[str] = Counter()
        types: Counter[str] = Counter()
        for _, name, label, count in group:
            names[name] += count
            types[label] += count
        if len(types) > 1:
            del types[""]
        yield most_frequent(names), most_frequent(types), node
