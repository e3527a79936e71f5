import json
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread

import pytest

from rel_component.app.documents import found_documents
from rel_component.app.options import RenderOptions
from rel_component.app.page import make_page
from rel_component.app.review import ReviewStore
from rel_component.app.server import MAX_BODY, PageServer
from rel_component.errors import ConfigError

from ..helpers import make_doc

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def documents(vocab):
    doc = make_doc(
        vocab, "Ann leads Acme", [(0, 1, "PERSON"), (2, 3, "ORG")], [(0, "LEADS", 1, 0.5)]
    )
    return found_documents([doc], RenderOptions())


@contextmanager
def running(page, store):
    with PageServer(page, store) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(documents, tmp_path):
    store = ReviewStore(documents, tmp_path / "reviewed.jsonl")
    with running(make_page(documents, served=True), store) as server:
        yield server


def ask(server, path, method="GET", body=None, headers=None):
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf8")
    finally:
        connection.close()


def decisions(documents, **changes):
    relation = {"origin": 0, "head": 0, "tail": 1, "label": "LEADS", "state": "accepted", **changes}
    return json.dumps({documents[0].key: {"done": True, "relations": [relation]}})


def test_the_page_is_there_for_those_who_know_the_token(server):
    status, headers, body = ask(server, f"/{server.token}/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body.encode() == server.page
    assert headers["X-Frame-Options"] == "DENY"
    assert server.server_address[0] == "127.0.0.1"
    assert server.token in server.address


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/review",
        "/{0}",
        "/{0}x/",
        "/{0}/../{0}/",
        "/{0}/../../etc/passwd",
        "/{0}/%2e%2e/etc/passwd",
        "/{0}/page.html",
        "/{0}/reviewed.jsonl",
        "http://127.0.0.1/{0}/",
    ],
)
def test_nothing_else_is_there(server, path):
    path = path.format(server.token)
    assert ask(server, path)[::2] == (404, "Not Found")
    assert ask(server, path, "POST", "{}", JSON)[::2] == (404, "Not Found")


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "127.0.0.1.example.com:80", ""])
def test_other_names_of_the_machine_are_refused(server, host):
    assert ask(server, f"/{server.token}/", headers={"Host": host})[0] == 404


def test_decisions_are_saved(server, documents, tmp_path):
    address = f"/{server.token}/review"
    status, _, body = ask(server, address, "POST", decisions(documents), JSON)
    assert (status, json.loads(body)) == (200, {"documents": 1, "done": 1})
    saved = json.loads((tmp_path / "reviewed.jsonl").read_text(encoding="utf8"))
    assert saved["relations"] == [{"head": "T1", "tail": "T2", "label": "LEADS"}]
    assert json.loads(ask(server, address)[2]) == json.loads(decisions(documents))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 403),
        ({"Content-Type": "text/plain"}, 403),  # what other sites may send
        ({**JSON, "Origin": "https://example.com"}, 403),
        ({**JSON, "Origin": "null"}, 403),
        ({**JSON, "Content-Length": "-1"}, 411),
        ({**JSON, "Content-Length": "\u0661"}, 411),
        ({**JSON, "Content-Length": str(MAX_BODY + 1)}, 413),
        ({**JSON, "Content-Length": "9" * 5000}, 413),
        ({**JSON, "Content-Length": "0" * 20 + "9" * 12}, 413),
    ],
)
def test_requests_of_others_are_refused(server, documents, headers, expected, tmp_path):
    headers = {name: value.encode("utf8") for name, value in headers.items()}
    status, _, _ = ask(server, f"/{server.token}/review", "POST", decisions(documents), headers)
    assert status == expected
    assert not (tmp_path / "reviewed.jsonl").exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "NaN",
        "[" * 100_000,
        b"\xff",
        '{"a": {"done": true, "relations": []}}',
        '{"KEY": {"done": true}}',
        '{"KEY": {"done": 1, "relations": []}}',
        '{"KEY": {"done": true, "relations": [], "path": "/etc/passwd"}}',
        '{"KEY": {"done": true, "relations": [{"head": 0, "tail": 9, "label": "A", "state": "open"}]}}',
    ],
)
def test_what_are_no_decisions_is_refused_without_a_trace(server, documents, body, tmp_path):
    if isinstance(body, str):
        body = body.replace("KEY", documents[0].key)
    status, _, answer = ask(server, f"/{server.token}/review", "POST", body, JSON)
    assert status == 400
    assert "Traceback" not in answer
    assert "rel_component" not in answer
    assert not (tmp_path / "reviewed.jsonl").exists()


def test_an_error_of_the_server_says_nothing(server, documents, tmp_path, capfd):
    (tmp_path / "reviewed.jsonl").mkdir()
    status, _, answer = ask(server, f"/{server.token}/review", "POST", decisions(documents), JSON)
    assert status == 400
    server.store.save = None
    status, _, answer = ask(server, f"/{server.token}/review", "POST", decisions(documents), JSON)
    assert (status, answer) == (500, '{"error": "the server could not save it"}')
    assert ask(server, f"/{server.token}/", "DELETE")[::2] == (501, "Not Implemented")
    assert capfd.readouterr() == ("", "")


def test_a_page_without_review_takes_nothing(documents):
    with running("page", None) as server:
        assert ask(server, f"/{server.token}/")[2] == "page"
        assert ask(server, f"/{server.token}/review")[0] == 404
        assert ask(server, f"/{server.token}/review", "POST", "{}", JSON)[0] == 404


def test_a_port_that_is_taken_is_an_error(server):
    server.allow_reuse_address = False
    with pytest.raises(ConfigError, match=r"port \d+ of 127.0.0.1: .*--port 0 takes a free one"):
        PageServer("", None, server.server_port)
