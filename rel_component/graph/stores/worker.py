"""The process in which a query runs: a request of JSON on standard input, an answer on standard output.

It imports nothing of this package, so that it starts at once.
"""

import sys

if __name__ == "__main__":  # this folder has modules that are named like packages
    sys.path.pop(0)

import json
import os
import signal
import threading
from typing import Any, Dict, Iterator, List, Tuple

_MEMORY = 4 << 30  # bytes of data
_RESERVED = 8 << 40  # bytes of addresses that LadybugDB takes in the beginning
_BUFFERS = 512 << 20


class StoreError(Exception):
    """A store that cannot be opened."""


def main() -> None:
    """Answer the request."""
    request = json.loads(sys.stdin.buffer.read())
    _limit(request["language"])
    timer = threading.Timer(request["max_seconds"], _out_of_time)
    timer.daemon = True
    timer.start()
    try:
        answer = _answer(request)
    except StoreError as err:
        answer = {"error": str(err), "kind": "store"}
    except Exception as err:  # whatever the engine says of the query
        message = "it takes too much memory" if "bad_alloc" in str(err) else str(err)
        answer = {"error": message, "kind": "time" if "nterrupted" in message else "query"}
    _reply(answer)


def _limit(language: str) -> None:
    """Let this process write no files, and take no more memory than a machine has."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = _MEMORY + (_RESERVED if language == "cypher" else 0)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _out_of_time() -> None:
    _reply({"error": "out of time", "kind": "time"})


_replied = threading.Lock()


def _reply(answer: Dict[str, Any]) -> None:
    """Write the answer and end, without waiting for threads of the engine."""
    with _replied:
        data = json.dumps(answer, separators=(",", ":")).encode()
        while data:
            data = data[os.write(1, data) :]
        os._exit(0)


def _answer(request: Dict[str, Any]) -> Dict[str, Any]:
    ask = _ask_oxigraph if request["language"] == "sparql" else _ask_ladybug
    columns, found = ask(request)
    rows: List[List[Any]] = []
    size = 0
    for row in found:
        size += sum(len(str(value)) for value in row)
        if len(rows) == request["max_rows"] or size > request["max_bytes"]:
            return {"columns": columns, "rows": rows, "is_complete": False}
        rows.append(row)
    return {"columns": columns, "rows": rows, "is_complete": True}


def _ask_oxigraph(request: Dict[str, Any]) -> Tuple[List[str], Iterator[List[Any]]]:
    import pyoxigraph

    try:
        store = pyoxigraph.Store.read_only(request["store"])
    except Exception as err:
        raise StoreError(str(err)) from err
    result = store.query(request["query"], prefixes=request["prefixes"])
    if isinstance(result, pyoxigraph.QueryBoolean):
        return ["answer"], iter([[bool(result)]])
    if isinstance(result, pyoxigraph.QueryTriples):
        return ["subject", "predicate", "object"], (
            [_value(t) for t in triple] for triple in result
        )
    columns = [variable.value for variable in result.variables]
    return columns, ([_value(term) for term in row] for row in result)


_NUMBERS = {"integer": int, "double": float, "decimal": float, "float": float}


def _value(term: Any) -> Any:
    """A term of RDF as JSON data."""
    if term is None:
        return None
    kind = getattr(getattr(term, "datatype", None), "value", "").rpartition("#")[2]
    try:
        value = _NUMBERS[kind](term.value) if kind in _NUMBERS else None
        if value is not None:
            json.dumps(value, allow_nan=False)
            return value
    except ValueError:
        pass
    if kind == "boolean":
        return term.value in ("true", "1")
    return getattr(term, "value", None) or str(term)


def _ask_ladybug(request: Dict[str, Any]) -> Tuple[List[str], Iterator[List[Any]]]:
    import ladybug

    try:
        database = ladybug.Database(
            request["store"], read_only=True, max_num_threads=1, buffer_pool_size=_BUFFERS
        )
        connection = ladybug.Connection(database, num_threads=1)
    except Exception as err:
        raise StoreError(str(err)) from err
    connection.set_query_timeout(int(request["max_seconds"] * 1000))
    result = connection.execute(request["query"])
    if isinstance(result, list):
        raise ValueError("one statement is asked at a time")

    def rows() -> Iterator[List[Any]]:
        while result.has_next():
            yield [_plain(value) for value in result.get_next()]

    return list(result.get_column_names()), rows()


def _plain(value: Any) -> Any:
    """A value of LadybugDB as JSON data."""
    if isinstance(value, dict):
        # a node has all properties of all tables
        kept = {k: v for k, v in value.items() if v is not None or "_ID" not in value}
        return {str(k): _plain(v) for k, v in kept.items() if k not in ("_ID", "_SRC", "_DST")}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


if __name__ == "__main__":
    main()
