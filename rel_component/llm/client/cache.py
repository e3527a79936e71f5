"""A store of replies, so that no request is paid for twice."""

import hashlib
import json
import os
import sqlite3
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple, Union

from ...errors import ConfigError
from ..types import Reply, Request, Usage

_APPLICATION_ID = 0x72656C63  # "relc", in the header of the file
_VERSION = 2
_BUSY_SECONDS = 60.0

_CREATE = "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL)"


def reply_key(settings: Mapping[str, Any], request: Request) -> str:
    """The key of the reply to a request.

    Args:
        settings: the settings of the backend.
        request: the request.
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
    """Replies of language models in an SQLite file, which threads and processes may share.

    It holds hashes of requests, and replies; no prompts and no settings.

    Args:
        path: the file; it is made on first use, with its folder, if it is not there.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._connection: Optional[sqlite3.Connection] = None

    def get(self, key: str) -> Optional[Reply]:
        """A stored reply, or None. Its usage is one cache hit.

        Args:
            key: the return value of `reply_key`.

        Raises:
            ConfigError: if the file is not a cache, or is damaged.
        """
        rows = self._execute("SELECT reply FROM replies WHERE key = ?", key)
        return self._decode(rows[0][0]).with_usage(Usage(cache_hits=1)) if rows else None

    def put(self, key: str, reply: Reply) -> None:
        """Store a reply.

        Args:
            key: the return value of `reply_key`.
            reply: the reply; its cost is not stored, because prices change.

        Raises:
            ConfigError: if the file is not a cache, or is damaged.
        """
        stored = reply.with_usage(replace(reply.usage, cost=None)).to_dict()
        text = json.dumps(stored, separators=(",", ":"))
        self._execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", key, text)

    def __len__(self) -> int:
        return int(self._execute("SELECT COUNT(*) FROM replies")[0][0])

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _execute(self, statement: str, *values: str) -> List[Tuple[Any, ...]]:
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = _connect(self.path)
                    # Python warns of connections that are collected while they are open.
                    weakref.finalize(self, self._connection.close)
                return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._damaged(error) from error

    def _decode(self, stored: str) -> Reply:
        try:
            return Reply.from_dict(json.loads(stored))
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"{self.path} cannot be used as a cache of replies: {error}; name another file, or "
            f"delete this one if it is a damaged cache"
        )


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
    # The last replies may be lost if the power fails; without WAL that would damage the file.
    connection.execute("PRAGMA synchronous = NORMAL")


def _read_mark(connection: sqlite3.Connection) -> Tuple[int, int]:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    return application_id, connection.execute("PRAGMA user_version").fetchone()[0]


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
