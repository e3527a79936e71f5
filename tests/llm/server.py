"""A local server that speaks OpenAI's chat completions, and fails as it is told."""

import json
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Mapping, Optional, Set
from typing import Counter as CounterT

KEY = "sk-very/secret+key"
"""In the environment variable ``TEST_KEY``."""


@dataclass(frozen=True)
class Call:
    """A request that has come in.

    question: content of the last message.
    nth: how often that question has come in, 1 for the first time.
    body, path, headers: of the request.
    """

    question: str
    nth: int
    body: Dict[str, Any]
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Response:
    """What is sent back.

    status: HTTP status.
    text: content of the answer.
    body: sent as it is, in the place of a completion.
    headers: more headers.
    seconds: time until it is sent.
    cut: bytes of the body after which the connection is closed.
    trickle: seconds between any two bytes of the body.
    """

    status: int = 200
    text: Optional[str] = None
    body: Optional[bytes] = None
    headers: Dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: Optional[int] = None
    trickle: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether it is an answer that one would be charged for."""
        return self.status == 200 and self.body is None and self.cut is None


Respond = Callable[[Call], Response]


class ChatServer:
    """Answers every POST with the help of a function.

    calls: what has come in. paid: questions that were answered.
    """

    def __init__(self, respond: Respond = lambda call: Response()) -> None:
        self.respond = respond
        self.calls: List[Call] = []
        self.paid: List[str] = []
        self.port = 0
        self._lock = threading.Lock()
        self._counts: CounterT[str] = Counter()
        self._server: Optional[_Server] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def say(self, **fields: Any) -> None:
        """Answer all requests alike, with the fields of a `Response`."""
        self.respond = lambda call: Response(**fields)

    def start(self) -> None:
        """Listen, after the first time on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def kill(self) -> None:
        """Stop listening and cut all connections."""
        if self._server is not None:
            self._server.kill()
            self._server = None

    def __enter__(self) -> "ChatServer":
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.kill()

    def came_in(self, body: Dict[str, Any], path: str, headers: Mapping[str, str]) -> Call:
        question = body["messages"][-1]["content"]
        with self._lock:
            self._counts[question] += 1
            call = Call(question, self._counts[question], body, path, headers)
            self.calls.append(call)
        return call

    def was_paid(self, call: Call) -> None:
        with self._lock:
            self.paid.append(call.question)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, address: Any, chat: ChatServer) -> None:
        super().__init__(address, _Handler)
        self.chat = chat
        self.killed = threading.Event()
        self.connections: Set[socket.socket] = set()

    def kill(self) -> None:
        self.killed.set()
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        chat = self.server.chat
        call = chat.came_in(body, self.path, self.headers)
        response = chat.respond(call)
        if self.server.killed.wait(response.seconds):
            return
        payload = _completion(call, response) if response.body is None else response.body
        lines = [f"HTTP/1.1 {response.status} -", f"Content-Length: {len(payload)}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        head = "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()
        if response.whole:
            chat.was_paid(call)
        if response.trickle:
            self.wfile.write(head)
            for byte in payload:
                self.wfile.write(bytes([byte]))
                if self.server.killed.wait(response.trickle):
                    return
        else:
            # In one piece: a second one would wait for the acknowledgement of the first.
            self.wfile.write(head + payload[: response.cut])
        self.close_connection = response.cut is not None

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _completion(call: Call, response: Response) -> bytes:
    text = f"echo {call.question}" if response.text is None else response.text
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": call.body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    ).encode()
