"""Questions to an embedded store: read-only, and bounded in rows and time.

A query is a text of somebody else. It is looked at before it runs: SPARQL must not call other servers
(``SERVICE``), Cypher must begin with what reads and have no clause that writes, or reaches for files,
extensions and settings, because a database that is opened read-only still does so. It runs in a process
of its own (``stores/worker.py``), which is ended when its time is over and which can write no file.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Literal, Optional, Union

from ..errors import ConfigError, DataError, shown
from ..packages import import_package
from .exporter import ExportOptions
from .exporters.rdf import Names

Language = Literal["sparql", "cypher"]

MAX_ROWS, MAX_SECONDS, MAX_LENGTH = 1_000_000, 3600.0, 100_000
_WORKER = Path(__file__).parent / "stores" / "worker.py"
_MAX_OUTPUT = 64 << 20  # bytes of rows

_SERVICE = re.compile(r"(?<!_)SERVICE(?!_)", re.IGNORECASE)
"""The keyword, wherever it might be one: what is a text or a comment is not always what it seems."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")

_CYPHER = re.compile(
    r"""(?P<comment>//[^\n\r]* | /\*.*?\*/)
    | (?P<name>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `(?:[^`]|``)*` | \d+\.?\d*)
    | (?P<word>[^\W\d]\w*) | (?P<sign>\S)""",
    re.VERBOSE | re.DOTALL,
)
_READS = frozenset({"MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN"})
_FORBIDDEN = frozenset(
    {
        *("LOAD", "COPY", "EXPORT", "IMPORT", "ATTACH", "DETACH", "INSTALL", "UNINSTALL", "UPDATE"),
        *("CALL", "CREATE", "DELETE", "SET", "REMOVE", "MERGE", "DROP", "ALTER", "USE", "COMMENT"),
        *("BEGIN", "COMMIT", "ROLLBACK", "CHECKPOINT", "PROFILE", "EXPLAIN", "EXTENSION", "MACRO"),
    }
)


@dataclass(frozen=True)
class Answer:
    """What a store answers.

    Attributes:
        columns: names of the columns.
        rows: the rows: texts, numbers, None, or lists and dicts of them.
        is_complete: whether there are no more rows.
    """

    columns: List[str]
    rows: List[List[Any]] = field(default_factory=list)
    is_complete: bool = True

    def records(self) -> List[Dict[str, Any]]:
        """The rows as dicts."""
        return [dict(zip(self.columns, row)) for row in self.rows]


def query_store(
    store: Union[str, Path], query: str, *, max_rows: int = 1000, max_seconds: float = 30.0
) -> Answer:
    """Ask an embedded store.

    Args:
        store: folder of Oxigraph or file of LadybugDB, as ``rel graph`` writes them.
        query: in SPARQL 1.1, with the prefixes of Turtle unless it declares others, or in Cypher.
        max_rows: the most rows of the answer.
        max_seconds: the most time that it takes.

    Raises:
        ConfigError: if the query is not allowed or not valid, takes too long, or needs a package that
            is not there.
        DataError: if there is no such store, or it is damaged.
    """
    if not 0 < max_rows <= MAX_ROWS or not 0 < max_seconds <= MAX_SECONDS:
        raise ConfigError(f"expected 1 to {MAX_ROWS} rows, and up to {MAX_SECONDS:.0f} seconds")
    path = Path(store)
    language = store_language(path)
    check_query(query, language)
    import_package("pyoxigraph" if language == "sparql" else "ladybug", "graph")
    request = {
        **{"language": language, "store": str(path.resolve()), "query": query},
        "prefixes": Names(ExportOptions()).prefixes(),
        **{"max_rows": max_rows, "max_seconds": max_seconds, "max_bytes": _MAX_OUTPUT},
    }
    try:
        done = subprocess.run(
            [sys.executable, str(_WORKER)],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=max_seconds + 5.0,  # the start of a process is not its time
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(_TOO_LONG.format(max_seconds)) from None
    try:
        reply = json.loads(done.stdout)
    except ValueError:
        said = done.stderr[-300:].decode(errors="replace").strip()
        raise DataError(
            "the store could not answer: the query is too deep or takes too much memory, or the store "
            f"is damaged{': ' + shown(said, 300) if said else ''}",
            place=str(path),
        ) from None
    if "error" in reply:
        if reply["kind"] == "time":
            raise ConfigError(_TOO_LONG.format(max_seconds))
        if reply["kind"] == "store":
            raise DataError(f"cannot be opened: {reply['error']:.500}", place=str(path))
        if "bad_alloc" in reply["error"]:
            raise ConfigError("the query takes too much memory; make it narrower")
        raise ConfigError(f"the query: {reply['error']:.500}")
    return Answer(reply["columns"], reply["rows"], reply["is_complete"])


_TOO_LONG = "the query takes more than {:g} seconds; make it narrower, or allow more with --seconds"


def store_language(path: Path) -> Language:
    """The language of a store.

    Args:
        path: the folder or file.

    Raises:
        DataError: if it is no store.
    """
    try:
        if path.is_dir() and (path / "CURRENT").is_file() and (path / "IDENTITY").is_file():
            return "sparql"
        if path.is_file():
            with path.open("rb") as file:
                if file.read(4) == b"LBUG":
                    return "cypher"
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    wrong = "neither a folder of Oxigraph nor a file of LadybugDB" if path.exists() else "not there"
    raise DataError(
        f"{wrong}; make one with: python -m spacy rel graph DOCS --to oxigraph --output STORE",
        place=str(path),
    )


def check_query(query: str, language: Language) -> None:
    """Refuse a query that could do more than read its store.

    Args:
        query: the query.
        language: its language.

    Raises:
        ConfigError: naming the word at fault.
    """
    if len(query) > MAX_LENGTH or _NO_TEXT.search(query):
        raise ConfigError(
            f"a query has at most {MAX_LENGTH} characters, no NUL and no half of a surrogate pair"
        )
    if language == "sparql":
        if _SERVICE.search(query):
            raise ConfigError(
                "SERVICE asks other servers, and is not allowed here; in a text or an IRI, write "
                "serv\\u0069ce"
            )
        return
    words = _cypher_words(query)
    first = words[0] if words else None
    if first not in _READS:
        raise ConfigError(
            f"a query begins with {', '.join(sorted(_READS))}, and not with {shown(first)}"
        )
    wrong = next((word for word in words if word in _FORBIDDEN), None)
    if wrong is not None:
        raise ConfigError(
            f"{wrong} is not allowed: queries only read the graph; a name of that kind stands in "
            "backticks"
        )


def _cypher_words(query: str) -> List[str]:
    """The words in capitals that could be clauses; not those in quotes, nor labels and properties."""
    words: List[str] = []
    end: Optional[int] = None  # of the statement
    before = ""
    for found in _CYPHER.finditer(query):
        if found.lastgroup == "comment":
            continue
        if end is not None:
            raise ConfigError("one statement is asked at a time, without a semicolon in between")
        if found["sign"] == ";":
            end = found.end()
        elif found["word"] is not None and before not in (".", ":"):
            words.append(found["word"].upper())
        before = found["sign"] or ""
    return words
