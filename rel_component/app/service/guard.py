"""What surrounds all answers: the name that is asked for, headers, counts, and the rest of a body."""

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus
from time import perf_counter
from typing import Collection, Optional

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..page import HEADERS
from .limits import Limits
from .metrics import Metrics

GONE = 499
"""Status that is counted for clients that did not wait for their answer."""

_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),  # the drawing gives each mention its color by a style attribute
}
_MOST_DRAINED = 64 << 20  # bytes
_SILENCE = 1.0  # seconds, after which a client waits for the end of the answer


class Guard:
    """Middleware around the whole application.

    Args:
        app: the application.
        metrics: counts requests.
        limits: seconds that the rest of a body is read for.
        hosts: names of this server that requests may ask for; None: any. With a name that leads to this
            machine (DNS rebinding), a page of another site would be as one of ours.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, limits: Limits, hosts: Optional[Collection[str]]
    ) -> None:
        self.app, self.metrics, self.limits, self.hosts = app, metrics, limits, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self.limits)
        started = perf_counter()
        try:
            if self.hosts is not None and _host(scope) not in self.hosts:
                await _refuse(exchange.send)
            else:
                await self.app(scope, exchange.receive, exchange.send)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(route, str(exchange.status)).inc()
            self.metrics.seconds.labels(route).observe(perf_counter() - started)


class _Exchange:
    """A request and its answer.

    An answer that is given before all of the body is there would be lost in many clients, which read
    nothing before they have sent all: the connection would be reset. The rest is read and forgotten.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
        self._receive, self._send, self._limits = receive, send, limits
        names = {name for name, _ in scope["headers"]}
        self._has_more = bool(names & {b"content-length", b"transfer-encoding"})
        self.status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def receive(self) -> Message:
        message = await self._receive()
        self._has_more = bool(message.get("more_body", False))
        return message

    async def send(self, message: Message) -> None:
        is_end = message["type"] == "http.response.body" and not message.get("more_body", False)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if self._has_more:
                headers["Connection"] = "close"
        if is_end and self._has_more:
            await self._send({**message, "more_body": True})
            with suppress(asyncio.TimeoutError):
                await self._drain()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _drain(self) -> None:
        n_read, end = 0, perf_counter() + self._limits.timeout
        while self._has_more and n_read < _MOST_DRAINED and perf_counter() < end:
            message = await asyncio.wait_for(self.receive(), _SILENCE)
            n_read += len(message.get("body", b""))


def _host(scope: Scope) -> str:
    """The name that a request asks for, without the port."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    name = hosts[0].lower() if len(hosts) == 1 else ""
    return name.partition("]")[0].lstrip("[") if name.startswith("[") else name.partition(":")[0]


async def _refuse(send: Send) -> None:
    body = json.dumps({"error": "this server has another name"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    status = HTTPStatus.MISDIRECTED_REQUEST
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
