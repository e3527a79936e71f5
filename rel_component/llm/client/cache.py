"""A store of answers, so that no question is paid for twice."""

import hashlib
import json
import os
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Tuple, Union

from ...errors import ConfigError
from ..types import OutputToken, Reply, Request, Usage
from .per_process import PerProcess

_APPLICATION_ID = 0x72656C63  # "relc", in the header of the file
_VERSION = 1
_BUSY_SECONDS = 60.0

_CREATE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    reply TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL
)
"""


def reply_key(settings: Mapping[str, Any], request: Request) -> str:
    """The key of the answer to a request.

    Args:
        settings: those of the backend.
    """
    question = {
        "settings": json.dumps(dict(settings), sort_keys=True),
        "messages": [[message.role, message.content] for message in request.messages],
        # Not sorted: models fill the properties in the order of the schema.
        "schema": request.schema,
        "sample": request.sample,
    }
    return hashlib.sha256(json.dumps(question, separators=(",", ":")).encode()).hexdigest()


class ReplyCache:
    """Answers of language models in an SQLite file, which threads and processes may share.

    It holds hashes of what was asked, and the answers; no prompts and no settings.

    Args:
        path: the file; it is made on first use, with its folder, if it is not there.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        self.path = Path(path)
        self._database = PerProcess(self._open)

    def get(self, key: str) -> Optional[Reply]:
        """A stored answer, or None. Its usage is one cache hit.

        Args:
            key: from `reply_key`.

        Raises:
            ConfigError: if the file is not a cache, or is damaged.
        """
        query = "SELECT reply FROM replies WHERE key = ?"
        with self._connected() as connection:
            row = connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        try:
            return _decode(row[0])
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def put(self, key: str, reply: Reply) -> None:
        """Store an answer.

        Raises:
            ConfigError: if the file is not a cache, or is damaged.
        """
        usage = reply.usage
        counts = (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.seconds)
        with self._connected() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?)",
                (key, _encode(reply), *counts),
            )

    def usage(self) -> Usage:
        """What the stored answers used when they were asked for, without a price."""
        query = """SELECT COUNT(*), TOTAL(input_tokens), TOTAL(cached_tokens),
            TOTAL(output_tokens), TOTAL(seconds) FROM replies"""
        with self._connected() as connection:
            requests, input_tokens, cached_tokens, output_tokens, seconds = connection.execute(
                query
            ).fetchone()
        return Usage(
            requests=requests,
            input_tokens=int(input_tokens),
            cached_tokens=int(cached_tokens),
            output_tokens=int(output_tokens),
            seconds=seconds,
        )

    def __len__(self) -> int:
        with self._connected() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM replies").fetchone()[0])

    def close(self) -> None:
        """Close the file in this process; the next use opens it again."""
        self._database().close()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        database = self._database()
        try:
            with database.lock:
                yield database.connection()
        except (sqlite3.Error, OSError) as error:
            raise self._damaged(error) from error

    def _open(self) -> "_Database":
        database = _Database(self.path)
        weakref.finalize(self, database.close)
        return database

    def _damaged(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"{self.path} cannot be used as a cache of answers: {error}; name another file, or "
            f"delete this one if it is a damaged cache"
        )


class _Database:
    """The connection of one process; sqlite3 forbids to take it through a fork."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self._path = path
        self._process = os.getpid()
        self._connection: Optional[sqlite3.Connection] = None

    def connection(self) -> sqlite3.Connection:
        """The connection, opened on first use. The caller holds the lock."""
        if self._connection is None:
            self._connection = _connect(self._path)
        return self._connection

    def close(self) -> None:
        if os.getpid() != self._process:
            return
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # Before anything is written: a foreign database stays as it is.
    if _read_mark(connection) == (0, 0) and _is_empty(connection):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
    if _read_mark(connection) != (_APPLICATION_ID, _VERSION):
        raise sqlite3.DatabaseError(
            f"it is a database of another program, or not of version {_VERSION}"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    # The last answers may be lost if the power fails; without WAL that would damage the file.
    connection.execute("PRAGMA synchronous = NORMAL")


def _read_mark(connection: sqlite3.Connection) -> Tuple[int, int]:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    return application_id, connection.execute("PRAGMA user_version").fetchone()[0]


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0


def _encode(reply: Reply) -> str:
    tokens = [[token.text, token.logprob] for token in reply.tokens]
    return json.dumps([reply.text, reply.finish_reason, tokens], separators=(",", ":"))


def _decode(stored: str) -> Reply:
    text, finish_reason, tokens = json.loads(stored)
    return Reply(
        text=text,
        finish_reason=finish_reason,
        usage=Usage(cache_hits=1),
        tokens=tuple(OutputToken(text, logprob) for text, logprob in tokens),
    )
