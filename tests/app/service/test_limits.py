"""What a server refuses, and how: a status and one sentence, without a path or a trace."""

import json
import socket

import pytest

from rel_component import create_app
from rel_component.app.service.limits import Limits
from rel_component.app.service.running import run
from rel_component.converters.json_stream import parse_json
from rel_component.errors import ConfigError, DataError

from .conftest import RELEASE, TEXTS, serving

ONE = {"text": TEXTS[0]}
SMALL = {"max_length": 100, "max_texts": 3, "max_body": 5000, "max_explained": 50, "timeout": 60}
BODY = json.dumps({"text": "WAIT"}).encode()
RELATION = {"head": [0, 4], "tail": [5, 9], "label": "X"}


@pytest.fixture(scope="module")
def small(nlp):
    """A client of a server that takes little."""
    with serving(nlp, **SMALL) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "broken JSON"),
        (b"{", 400, "broken JSON"),
        (b"\x00" * 1000, 400, "broken JSON"),
        (b'{"text": "\xff"}', 400, "not UTF-8"),
        (b'{"text": "a", "text": "b"}', 400, "broken JSON: the key 'text' occurs twice"),
        (b'{"text": "a", "min_score": NaN}', 400, "broken JSON: NaN is not a finite number"),
        (b'{"text": "a", "id": 1' + b"0" * 4900 + b"}", 400, "broken JSON"),
        (b'{"text": "\\ud800"}', 400, "broken JSON"),
        (b"[" * 2000, 400, "broken JSON"),
        (
            b'{"text": "a", "meta": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
            400,
            "JSON with more than 32",
        ),
        (b" " * 5001, 413, "the body is too large: 5,000 bytes are accepted"),
        ([], 422, "the body: expected an object, got"),
        ("text", 422, "the body: expected an object, got"),
        ({}, 422, 'give a "text" or "texts"'),
        ({**ONE, "texts": []}, 422, 'give a "text" or "texts"'),
        ({"text": 1}, 422, "text: Input should be a valid string, got 1"),
        ({"text": None}, 422, 'give a "text" or "texts"'),
        ({"texts": "a"}, 422, "texts: Input should be a valid list"),
        ({"texts": ["a", 1]}, 422, "texts.1: Input should be a valid string, got 1"),
        ({"texts": ["a", {"id": 1}]}, 422, 'texts[1]: "text": expected a string, got nothing'),
        ({"texts": ["a", {"text": [1]}]}, 422, 'texts[1]: "text": expected a string'),
        ({"texts": ["a"] * 4}, 422, "texts: 4 texts, and 3 are accepted"),
        ({"texts": ["a"], "id": 1}, 422, '"id" and "meta" are those of a "text"'),
        ({"text": "a" * 101}, 422, "text: the text has 101 characters, more than 100"),
        ({"texts": ["a", "b" * 101]}, 422, "texts[1]: the text has 101 characters"),
        ({**ONE, "min_score": 2}, 422, "min_score: Input should be less than or equal to 1, got 2"),
        ({**ONE, "min_score": "0.5"}, 422, "min_score: Input should be a valid number"),
        ({**ONE, "labels": "X"}, 422, "labels: Input should be a valid list"),
        (
            {**ONE, "labels": ["FOUNDED"]},
            422,
            "labels: the pipeline does not know 'FOUNDED', did you",
        ),
        ({**ONE, "minscore": 1}, 422, "minscore: Extra inputs are not permitted"),
        ({**ONE, "id": [1]}, 422, "id: Input should be a valid string, got [1]"),
        ({**ONE, "meta": "x"}, 422, "meta: Input should be a valid dictionary"),
    ],
)
def test_what_is_refused(small, body, status, message):
    answered, headers, text = small.ask("/extract", body, method="POST")
    answer = json.loads(text)
    assert (answered, answer.keys()) == (status, {"error"}), answer
    assert answer["error"].startswith(message)
    assert len(answer["error"]) < 300
    assert "\n" not in answer["error"]
    assert not any(word in text for word in ("Traceback", "rel_component", "/work", ".py"))
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/extract", {"body": ONE, "kind": "text/plain"}, 415),  # what other sites may send
        ("/extract", {"body": ONE, "headers": {"Content-Encoding": "gzip"}}, 415),
        ("/extract/stream", {"body": ONE}, 415),
        ("/extract/stream?min_score=x", {"body": b"", "kind": "application/x-ndjson"}, 422),
        ("/extract/stream?min_score=2", {"body": b"", "kind": "application/x-ndjson"}, 422),
        ("/extract/stream?labels=NONE", {"body": b"", "kind": "application/x-ndjson"}, 422),
        ("/explain", {"body": {**ONE, "relation": RELATION, "methods": ["x"]}}, 422),
        ("/explain", {"body": {"text": "a" * 51, "relation": RELATION}}, 422),
        ("/draw", {"body": {"texts": ["a", "b"]}}, 422),
        ("/extract", {}, 405),
        ("/extract", {"body": ONE, "method": "OPTIONS"}, 405),
        ("/nothing", {}, 404),
        ("/static/..%2fservice%2fworker.py", {}, 404),
        ("/static/review.js", {}, 404),
        ("/health", {"headers": {"Host": "example.com"}}, 421),  # DNS rebinding
        ("/health", {"headers": {"Host": "localhost.example.com:80"}}, 421),
        ("/health", {"headers": {"Host": "localhost:80"}}, 200),
        ("/health", {"headers": {"Host": "[::1]:80"}}, 200),
    ],
)
def test_what_else_is_refused(small, path, options, status):
    answered, headers, text = small.ask(path, **options)
    assert (answered, "error" in json.loads(text)) == (status, status != 200), text
    assert "Access-Control-Allow-Origin" not in headers


def connect(client, head):
    """A connection on which the beginning of a request was sent."""
    connection = socket.create_connection(("127.0.0.1", client.port), timeout=60)
    host = f"Host: localhost\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
    connection.sendall(b"POST /extract HTTP/1.1\r\n" + host.encode())
    return connection


def read_all(connection):
    with connection, connection.makefile("rb") as answer:
        return answer.read().decode("utf8")


def test_a_body_without_a_length_is_not_read_further_than_allowed(small):
    connection = connect(small, "Transfer-Encoding: chunked")
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    for _ in range(1000):  # as clients do that read nothing before they have sent all
        connection.sendall(chunk)
    connection.sendall(b"0\r\n\r\n")
    answer = read_all(connection)
    assert answer.startswith("HTTP/1.1 413 ")
    assert "5,000 bytes are accepted" in answer


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(small):
    connection = connect(small, "Content-Length: 50000000\r\nExpect: 100-continue")
    assert connection.recv(12) == b"HTTP/1.1 413"
    connection.close()


def test_what_is_no_request_is_refused(small):
    for sent in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000 + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", small.port), timeout=60) as connection:
            connection.sendall(sent)
            assert connection.recv(12) == b"HTTP/1.1 400"


@pytest.mark.slow
def test_a_body_has_to_come_in_time(nlp):
    with serving(nlp, timeout=0.2) as client:
        answer = read_all(connect(client, "Content-Length: 10\r\nConnection: close"))
        assert answer.startswith("HTTP/1.1 408 ")
        assert answer.endswith('{"error":"the body was not there after 0.2 seconds"}')


def test_headers_have_to_come_in_time(nlp):
    with serving(nlp, timeout=0.4) as client:
        silent, slow = (socket.create_connection(("127.0.0.1", client.port)) for _ in range(2))
        slow.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert silent.recv(1) == slow.recv(1) == b""
        silent.close()
        slow.close()


def test_whoever_leaves_while_sending_is_no_error(small):
    connect(small, "Content-Length: 10").close()
    while not small.metric('rel_requests_total{route="/extract",status="499"}'):
        pass


def test_an_answer_has_to_come_in_time(nlp):
    RELEASE.clear()
    with serving(nlp, timeout=0.2) as client:
        status, answer = client.json("/extract", {"text": "WAIT"})
        assert (status, answer["error"][:22]) == (504, "no answer after 0.2 se")
        RELEASE.set()
        assert client.json("/extract", {"texts": []})[0] == 200


def test_when_too_much_waits_others_come_later(nlp):
    RELEASE.clear()
    with serving(nlp, batch_size=1, max_waiting=2, max_texts=2) as client:
        waiting = [connect(client, f"Content-Length: {len(BODY)}") for _ in range(2)]
        for i, connection in enumerate(waiting):
            connection.sendall(BODY)
            while (
                client.metric("rel_batch_texts_count") + client.metric("rel_waiting_texts") < i + 1
            ):
                pass
        status, headers, text = client.ask("/extract", {"texts": ["a", "b"]})
        assert (status, headers["Retry-After"]) == (503, "1")
        assert json.loads(text) == {"error": "the server is busy: try again later"}
        waiting[1].close()  # makes room
        while not client.metric('rel_requests_total{route="/extract",status="499"}'):
            pass
        RELEASE.set()
        assert client.json("/extract", {"texts": ["a", "b"]})[0] == 200
        waiting[0].close()


def test_a_token_has_to_be_known(nlp):
    with serving(nlp, token="s3cret") as client:
        for given in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": "Basic s3cret"}):
            for path, body in (("/extract", ONE), ("/schema", None), ("/metrics", None)):
                status, headers, text = client.ask(path, body, headers=given)
                assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
                assert "s3cret" not in text
        given = {"Authorization": "Bearer s3cret"}
        assert client.ask("/extract", ONE, headers=given)[0] == 200
        assert client.ask("/health")[0] == client.ask("/")[0] == 200
        other = {"Authorization": b"Bearer s3cret\xe9"}
        assert client.ask("/schema", headers=other)[0] == 401


@pytest.mark.parametrize("token", ["", " ", "a\nb", "ü"])
def test_tokens_that_no_header_can_have(nlp, token):
    with pytest.raises(ConfigError, match="printable ASCII"):
        create_app(nlp, token=token)


@pytest.mark.parametrize("limits", [{"timeout": 0}, {"max_texts": 2000}, {"batch_size": -1}])
def test_limits_that_cannot_be(limits):
    with pytest.raises(ConfigError, match=next(iter(limits))):
        Limits(**limits)


def test_a_port_that_is_taken_is_an_error(client):
    with pytest.raises(ConfigError, match=r"port \d+ of 127.0.0.1: .*--port 0 takes a free one"):
        run(client.app, port=client.port)


def test_keys_that_occur_twice_are_found_in_linear_time():
    keys = "".join(f'"{i}": 1, ' for i in range(100_000))
    with pytest.raises(DataError, match="the key 'x' occurs twice"):
        parse_json("{" + keys + '"x": 1, "x": 1}')
