"""Many documents in one request, and what becomes of it when one side does not go on."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection

import pytest

from rel_component import extract

from .conftest import RELEASE, TEXTS, serving
from .test_extract import rounded

KIND = "application/x-ndjson"
HEAD = f"POST /extract/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: {KIND}\r\n"


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


class Stream:
    """A request whose lines are sent one after the other, while answers are read."""

    def __init__(self, client):
        self.socket = socket.create_connection(("127.0.0.1", client.port), timeout=60)
        self.socket.sendall((HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode())
        self.answer = self.socket.makefile("rb")
        self.has_head = False

    def send(self, *records):
        data = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def read(self):
        """The next line, or None at the end."""
        while not self.has_head:
            self.has_head = self.answer.readline() == b"\r\n"
        size = int(self.answer.readline() or b"0", 16)
        if size:
            line = json.loads(self.answer.read(size))
            self.answer.readline()
            return line
        return None

    def close(self):
        self.answer.close()
        self.socket.close()


@pytest.fixture(scope="module")
def small(nlp):
    """A client of a server that holds few lines of a stream, and short ones."""
    with serving(nlp, batch_size=4, max_waiting=4, max_texts=4, max_body=500) as client:
        yield client


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_are_answered_in_order(small, nlp, ending):
    texts = [(text, {"id": i}) for i, text in enumerate(TEXTS * 3)]
    sent = ending.join(json.dumps({"text": text, **record}) for text, record in texts)
    status, headers, answer = small.ask("/extract/stream", sent.encode(), kind=KIND)
    assert (status, headers["Content-Type"]) == (200, KIND)
    assert rounded(lines_of(answer)) == rounded(list(extract(nlp, texts)))


def test_only_some_relations(small):
    sent = "\n".join(map(json.dumps, TEXTS)).encode()
    found = lines_of(small.ask("/extract/stream", sent, kind=KIND)[2])
    path = "/extract/stream?min_score=1&labels=FOUNDED_BY"
    fewer = lines_of(small.ask(path, sent, kind=KIND)[2])
    count = [sum(len(line["relations"]) for line in lines) for lines in (found, fewer)]
    assert count[1] < count[0]


def test_lines_that_are_no_texts_are_answered_in_their_place(small):
    lines = ["{", '"a"', "", "5", '{"id": 2}', '{"id": 3, "text": "FAIL"}', '"\xff"', '"b"']
    sent = "\n".join(lines).encode("latin-1")
    answers = lines_of(small.ask("/extract/stream", sent, kind=KIND)[2])
    assert [answer.get("text") for answer in answers] == [None, "a", None, None, None, None, "b"]
    assert [answer.get("line") for answer in answers] == [1, None, 4, 5, 6, 7, None]
    assert [answer["error"][:16] for answer in answers if "error" in answer] == [
        *(
            "broken JSON: Exp",
            "expected a text,",
            'text: "text": ex',
            "the pipeline cou",
            "not UTF-8",
        )
    ]
    assert answers[4]["id"] == 3


def test_lines_that_are_too_long(small):
    sent = b'"a"\n"' + b"b" * 2000 + b'"\n"c"\n"' + b"d" * 300_000 + b'"\n"e"'
    answers = lines_of(small.ask("/extract/stream", sent, kind=KIND)[2])
    assert [answer.get("text") for answer in answers] == ["a", None, "c", None]
    assert answers[1] == {"line": 2, "error": "more than 500 bytes"}
    assert answers[3] == {
        "line": 4,
        "error": "more than 500 bytes; this line and those after it are not read",
    }


def test_lines_are_answered_before_the_next_ones_are_sent(small):
    stream = Stream(small)
    for i in range(3):
        stream.send({"text": TEXTS[i], "id": i})
        assert stream.read()["id"] == i
    stream.socket.sendall(b"0\r\n\r\n")
    assert stream.read() is None
    stream.close()


@pytest.mark.slow
def test_what_is_not_read_holds_up_what_is_sent(nlp):
    with serving(nlp, batch_size=4) as client:
        stream = Stream(client)
        record = {"text": "a", "meta": {"b": "c" * 100_000}}
        stream.socket.settimeout(0.5)
        n_sent = 0
        with suppress(TimeoutError):
            while n_sent < 1000:  # 100 MB
                stream.send(record)
                n_sent += 1
        n_done = client.metric('rel_texts_total{outcome="answered"}')
        assert n_done <= n_sent < 500
        stream.socket.settimeout(60)
        assert stream.read()["meta"] == record["meta"]
        stream.close()


@pytest.mark.slow
def test_clients_that_read_nothing_are_left(nlp):
    with serving(nlp, batch_size=4, timeout=0.3) as client:
        stream = Stream(client)
        record = {"text": "a", "meta": {"b": "c" * 100_000}}
        with suppress(ConnectionError):
            while True:
                stream.send(record)
        stream.close()
        assert client.json("/extract", {"text": TEXTS[0]})[0] == 200


def test_streams_on_which_nothing_comes_are_ended(nlp):
    with serving(nlp, timeout=0.2) as client:
        stream = Stream(client)
        stream.send({"text": "a"})
        assert stream.read()["text"] == "a"
        assert stream.read()["error"].startswith("nothing in 0.2 seconds; this line and")
        stream.close()


def test_texts_of_a_stream_that_is_left_are_not_processed(nlp):
    RELEASE.clear()
    with serving(nlp, batch_size=2) as client:
        stream = Stream(client)
        stream.send("WAIT", "a", "b")
        while client.metric("rel_waiting_texts") + client.metric("rel_batch_texts_sum") < 3:
            pass
        stream.close()
        while not client.metric('rel_requests_total{route="/extract/stream",status="200"}'):
            RELEASE.set()
        assert client.metric("rel_batch_texts_count") <= 2


@pytest.mark.slow
def test_what_was_accepted_is_answered_before_the_end(nlp):
    RELEASE.clear()
    with serving(nlp) as client, ThreadPoolExecutor(8) as pool:
        kept = HTTPConnection("127.0.0.1", client.port)  # a connection without a request
        kept.request("GET", "/health")
        kept.getresponse().read()
        asked = [pool.submit(client.json, "/extract", {"text": "WAIT", "id": i}) for i in range(6)]
        stream = Stream(client)
        stream.send("a")
        while client.metric("rel_waiting_texts") + client.metric("rel_batch_texts_sum") < 7:
            pass
        client.app.state.server.should_exit = True
        while not client.app.state.worker.stopping.is_set():
            pass
        assert not client.app.state.worker.is_ready
        RELEASE.set()
        assert [future.result()[1]["id"] for future in asked] == list(range(6))
        assert stream.read()["text"] == "a"
        assert stream.read()["error"].startswith("the server stops; this line and those after it")
        assert stream.read() is None
        stream.close()
        with pytest.raises(OSError):  # noqa: PT011
            client.ask("/health")
        kept.close()


@pytest.mark.slow
def test_the_end_does_not_wait_for_ever(nlp):
    RELEASE.clear()
    with serving(nlp, grace=1) as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.ask, "/extract", {"text": "WAIT"})
        while client.metric("rel_batch_texts_count") < 1:
            pass
        client.app.state.server.should_exit = True
        assert asked.result()[0] == 500
