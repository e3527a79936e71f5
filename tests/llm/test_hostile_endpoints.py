"""Endpoints that send what no endpoint should: each is one clear error, in time, in little memory."""

import gzip
import json
import socket
import ssl
import threading
import zlib
from contextlib import contextmanager
from pathlib import Path

import pytest

from rel_component.errors import ConfigError, LLMRefused, LLMUnavailable
from rel_component.llm.backends.chat_completion import read_completion
from rel_component.llm.backends.openai import openai_backend
from rel_component.llm.client.accounting import Prices
from rel_component.llm.types import Message, Request

from .server import KEY

CERTIFICATE = Path(__file__).parent / "self_signed.pem"  # of localhost, until 2126
REQUEST = Request((Message("user", "Who?"),))
MANY = 2000


@contextmanager
def listening(chunks, *, tls=None):
    """A server that sends some bytes to each client, as long as the client listens."""
    ended = threading.Event()

    def serve():
        while True:
            try:
                client = server.accept()[0]
                with client if tls is None else tls.wrap_socket(client, server_side=True) as peer:
                    peer.recv(65536)
                    for chunk in chunks:
                        peer.sendall(chunk)
                        if isinstance(chunks, Slowly) and ended.wait(0.01):
                            break
            except OSError:
                if ended.is_set():
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


class Slowly(list):
    """Chunks with time between them."""


def answer(port, scheme="http", timeout=0.15, **options):
    url = f"{scheme}://127.0.0.1:{port}/v1"
    backend = openai_backend("m", base_url=url, api_key_env="TEST_KEY", **options)
    return backend([REQUEST], answer_format="text", timeout=timeout)[0]


def response(body, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin1") + body


def read(usage=None, **choice):
    message = {"message": {"content": "[]"}, **choice}
    body = json.dumps({"choices": [message], "usage": usage})
    return read_completion(json.loads(body), 0.0, KEY)


OPEN = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OPEN + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b" " * 30_000_000)


@pytest.mark.parametrize(
    "chunks",
    [
        Slowly([OPEN + b"X: ", *[b"a"] * MANY]),
        Slowly([OPEN, *[b"X: a\r\n"] * MANY]),
        Slowly([b"HTTP/1.1 100 Continue\r\n\r\n"] * MANY),
        Slowly([b"HTTP/1.1 500 Error\r\n\r\n", *[b"x"] * MANY]),
        Slowly([CHUNKED, *[b"1\r\n \r\n"] * MANY]),
        Slowly([CHUNKED + b"0\r\n", *[b"X: a\r\n"] * MANY]),
    ],
    ids=["header", "headers", "informational", "error", "chunks", "trailers"],
)
@pytest.mark.slow
def test_the_time_limit_is_one_of_the_whole_response(chunks):
    with listening(chunks) as port, pytest.raises(LLMUnavailable, match=r"within 0\.15 seconds"):
        answer(port)


@pytest.mark.parametrize(
    ("chunks", "error", "message"),
    [
        ([OPEN + b"\r\n", *[b" " * 65536] * MANY], LLMUnavailable, "more than 3,048,000 bytes"),
        ([response(BOMB, "Content-Encoding: gzip")], LLMUnavailable, "more than 3,048,000 bytes"),
        (
            [response(zlib.compress(BOMB), "Content-Encoding: gzip, deflate")],
            LLMUnavailable,
            "more than 3,048,000 bytes",
        ),
        ([response(BOMB, "Content-Encoding: gzip", status="400 Bad")], LLMRefused, "400"),
        ([b"HTTP/1.1 400 Bad\r\n\r\n", *[b"x" * 65536] * MANY], LLMRefused, "400: xxx"),
        ([OPEN, *[b"X: a\r\n" * 9999] * MANY], LLMUnavailable, "buffer too long"),
        ([b"HTTP/1.1 200 ", *[b"x" * 65536] * MANY], LLMUnavailable, "buffer too long"),
    ],
    ids=["blanks", "gzip", "both", "gzip error", "error", "headers", "status line"],
)
def test_a_response_without_end_is_cut_off(chunks, error, message):
    with listening(chunks) as port, pytest.raises(error, match=message) as caught:
        answer(port, timeout=60.0)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("status", [302, 308])
def test_redirects_are_not_followed(server, status):
    elsewhere = response(b"x", f"Location: {server.url}/{KEY}", status=f"{status} Moved")
    with listening([elsewhere]) as port, pytest.raises(LLMRefused, match="set base_url") as caught:
        answer(port, timeout=60.0)
    assert server.calls == []
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (KEY[:8], "401 No"),
        (KEY[:12], "307 Moved"),
        (KEY[-8:], "200 OK"),
        (f"{KEY[:9]}...{KEY[9:]}", "500 Error"),
    ],
)
def test_no_error_holds_a_part_of_the_key(shown, status):
    body = json.dumps({"error": {"message": f"Wrong key {shown}"}}).encode()
    chunks = [response(body, f"Location: http://x/{shown}", status=status)]
    with listening(chunks) as port, pytest.raises((LLMRefused, LLMUnavailable)) as caught:
        answer(port, timeout=60.0)
    shown_parts = [
        KEY[i : i + 8] for i in range(len(KEY) - 7) if KEY[i : i + 8] in str(caught.value)
    ]
    assert shown_parts == []


def test_an_answer_with_the_key_is_kept_without_it():
    reply = read(message={"content": f"It is {KEY}."}, finish_reason=KEY)
    assert (reply.text, reply.finish_reason) == ("It is ***.", "***")


@pytest.mark.parametrize("number", [-5, "7", 1.5, True, None, [1], 10**400])
def test_an_odd_number_of_tokens_is_not_known(number):
    details = {"cached_tokens": number}
    reply = read(
        {"prompt_tokens": number, "completion_tokens": 2, "prompt_tokens_details": details}
    )
    assert (reply.usage.input_tokens, reply.usage.cached_tokens) == (0, 0)
    assert Prices(1.0, 1.0).cost(reply.usage) == 2e-6


@pytest.mark.parametrize("token", [None, 3, {"token": 1}, {"token": "[]", "logprob": 10**400}])
def test_odd_log_probabilities_are_left_out(token):
    assert read(logprobs={"content": [token]}).tokens == ()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": [{"type": "thinking"}, {"type": "text", "text": "[1]"}]}, "[1]"),
        ({"content": None, "tool_calls": [{"function": {"arguments": "[1]"}}]}, "[1]"),
        ({"content": None, "tool_calls": [None, {"function": 3}]}, ""),
    ],
)
def test_the_answer_may_be_in_parts_or_the_arguments_of_a_tool(message, text):
    assert read(message=message, finish_reason="tool_calls").text == text


def test_a_certificate_that_is_not_trusted_is_refused_at_once():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    told = pytest.raises(LLMRefused, match=r"self-signed certificate.*SSL_CERT_FILE")
    with listening([], tls=tls) as port, told:
        answer(port, "https", timeout=60.0)


def test_a_server_without_tls():
    with listening([response(b"{}")]) as port, pytest.raises(LLMRefused, match="needs http://"):
        answer(port, "https", timeout=60.0)


@pytest.mark.parametrize(("name", "value"), [("SSL_CERT_FILE", "/none"), ("ALL_PROXY", "odd://x")])
def test_an_environment_that_no_connection_can_be_made_with(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        answer(9)
