"""A page on the own machine that saves what a person decides, by the standard library alone.

Whoever can open the address can read and change the review: it is bound to 127.0.0.1 and has a random
token, so that other users and other sites, whose requests the browser sends too, do not know it.
"""

import hmac
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, Dict, Optional, Tuple

from ..converters.json_stream import parse_json
from ..converters.records import to_json
from ..errors import ConfigError, DataError, RelComponentError
from .page import HEADERS
from .review import ReviewStore

HOST = "127.0.0.1"
MAX_BODY = 8 << 20
"""The most bytes of a request."""

_TIMEOUT = 30  # seconds that a connection may be silent


class PageServer(ThreadingHTTPServer):
    """Serves one page, and the decisions of a review.

    Args:
        page: the HTML.
        store: takes the decisions; None: there is no review to save.
        port: the port; 0: a free one.

    Raises:
        ConfigError: if the port is in use, or may not be used.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, page: str, store: Optional[ReviewStore], port: int = 0) -> None:
        self.page = page.encode("utf8")
        self.store = store
        self.token = secrets.token_urlsafe(24)
        self.lock = Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as err:
            raise ConfigError(f"port {port} of {HOST}: {err}; --port 0 takes a free one") from err

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that the browser has cut."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version = "rel_component"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT

    def do_GET(self) -> None:
        name = self._name()
        if name == "":
            self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        elif name == "review" and self.server.store is not None:
            with self.server.lock:
                reviews = self.server.store.to_json()
            self._send_json(HTTPStatus.OK, reviews)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        store = self.server.store
        if self._name() != "review" or store is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        origin = self.headers.get("Origin")
        same = (None, f"http://{self.headers['Host']}")
        if self.headers.get_content_type() != "application/json" or origin not in same:
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return
        if len(length) > 20 or int(length) > MAX_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        status, answer = self._save(store, self.rfile.read(int(length)))
        self._send_json(status, answer)

    def _save(self, store: ReviewStore, body: bytes) -> Tuple[HTTPStatus, Dict[str, Any]]:
        try:
            changes = parse_json(body.decode("utf8"))
            if not isinstance(changes, dict):
                raise DataError("expected decisions by document")
            with self.server.lock:
                return HTTPStatus.OK, store.save(changes)
        except (RelComponentError, UnicodeDecodeError) as err:
            return HTTPStatus.BAD_REQUEST, {"error": str(err)[:300]}
        except Exception:  # whatever it is, no trace goes out
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the server could not save it"}

    def _name(self) -> Optional[str]:
        """What is asked for, if the request is for this server and knows the token."""
        port = self.server.server_port
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            return None  # another name leads here: DNS rebinding
        parts = self.path.split("?")[0].split("/")
        if len(parts) != 3 or parts[0]:
            return None
        is_known = hmac.compare_digest(parts[1].encode("utf8"), self.server.token.encode())
        return parts[2] if is_known else None

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._send(status, status.phrase.encode(), "text/plain; charset=utf-8")

    def _send_json(self, status: HTTPStatus, value: Any) -> None:
        self._send(status, to_json(value).encode("utf8"), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: Any = None, explain: Any = None) -> None:
        """Answer a request that is none, without repeating it."""
        self._refuse(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""
