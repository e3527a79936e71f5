"""A local HTTP server that sends what it is told and keeps what it is sent."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Mapping, Optional

ANSWER = {
    "choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2},
}


@dataclass
class Endpoint:
    """Answers every POST alike.

    status, headers, body: of the response. length: the Content-Length that it claims.
    seconds: between any two bytes.
    paths, sent_headers, bodies: of the requests.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = json.dumps(ANSWER).encode()
    length: Optional[int] = None
    seconds: float = 0.0
    paths: List[str] = field(default_factory=list)
    sent_headers: List[Mapping[str, str]] = field(default_factory=list)
    bodies: List[Dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> "Endpoint":
        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"


def _handler(endpoint: Endpoint) -> type:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            endpoint.paths.append(self.path)
            endpoint.sent_headers.append(self.headers)
            length = int(self.headers["Content-Length"])
            endpoint.bodies.append(json.loads(self.rfile.read(length)))
            self.send_response(endpoint.status)
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(endpoint.length or len(endpoint.body)),
                **endpoint.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not endpoint.seconds:
                self.wfile.write(endpoint.body)
                return
            for byte in endpoint.body:
                if endpoint.stopped.wait(endpoint.seconds):
                    return
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return  # the client has left

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
