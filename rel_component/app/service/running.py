"""The server around the application: where it listens, and how it ends."""

import asyncio
import signal
import socket
from types import FrameType
from typing import Callable, List, Optional

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...errors import ConfigError

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Names of this machine for itself."""

_BACKLOG = 2048
_LONGEST_HEADERS = 1 << 16  # bytes


def run(
    app: FastAPI,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    grace: float = 30.0,
    max_connections: int = 256,
    announce: Callable[[str], None] = lambda address: None,
) -> int:
    """Serve an application until SIGTERM or SIGINT; then answer what has been accepted.

    Args:
        app: what :func:`.application.create_app` has made. ``app.state.server.should_exit = True`` ends
            it as a signal does.
        host: the address to listen to.
        port: the port; 0: a free one.
        grace: seconds for the answers that are owed when a signal comes.
        max_connections: the most connections at once; others are answered with 503.
        announce: told the address when requests may come.

    Returns:
        how many requests were answered.

    Raises:
        ConfigError: if the port is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as err:
        raise ConfigError(f"port {port} of {host}: {err}; --port 0 takes a free one") from err
    with listener:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # or a client that reads nothing stays for ever
            milliseconds = round(1000 * app.state.worker.limits.timeout)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listener.getsockname()[1]}"
        server = _Server(
            uvicorn.Config(
                app,
                http=_Protocol,  # h11 bounds the length of headers
                ws="none",
                h11_max_incomplete_event_size=_LONGEST_HEADERS,
                limit_concurrency=max_connections + 1,
                backlog=_BACKLOG,
                log_level="error",
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=max(1, round(grace)),
            ),
            app,
            lambda: announce(address),
        )
        app.state.server = server
        server.run(sockets=[listener])
    return int(app.state.worker.metrics.n_requests)


class _Protocol(H11Protocol):
    """HTTP whose requests have to begin in time: uvicorn waits for ever for the end of headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch(object())

    def _watch(self, before: object) -> None:
        """Close the connection if no request has begun since the last time, and none is in work."""
        if self.transport.is_closing():
            return
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.cycle is before:
            self.transport.close()
            return
        seconds = self.config.app.state.worker.limits.timeout  # type: ignore[union-attr]
        self.loop.call_later(seconds, self._watch, self.cycle)


class _Server(uvicorn.Server):
    """A server that tells the streams that it stops, and returns after a signal."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping, self._announce = app.state.worker.stopping, announce

    async def startup(self, sockets: Optional[List[socket.socket]] = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: Optional[List[socket.socket]] = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: Optional[FrameType]) -> None:
        """Stop; at once if somebody presses Ctrl+C again."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
