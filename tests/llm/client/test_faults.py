"""The client and the backend for OpenAI's API against a server that fails in all ways."""

import itertools
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from rel_component.errors import BudgetExceeded, LLMRefused, LLMUnavailable
from rel_component.llm.backends.openai import openai_backend
from rel_component.llm.client.accounting import Budget, Prices
from rel_component.llm.client.cache import ReplyCache

from ..backends import FakeClock, ask, at_once, client_of
from ..server import ChatServer, Response

pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.fixture
def server():
    with ChatServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    cache = ReplyCache(tmp_path / "cache.db")
    yield cache
    cache.close()


def connect(server, *, max_tokens=10, **options):
    backend = openai_backend("m", base_url=server.url, api_key_env=None, max_tokens=max_tokens)
    return client_of(backend, **{"sleep": at_once, "timeout": 5.0, **options})


def first_time(fault):
    """Fails once for each question."""
    return lambda call: fault if call.nth == 1 else Response()


@pytest.mark.parametrize(
    "fault",
    [
        Response(500, body=b'{"error": {"message": "internal error"}}'),
        Response(503, body=b"<html>busy</html>"),
        Response(429, body=b'{"error": {"message": "slow down"}}'),
        Response(cut=20),
        Response(cut=0),
        Response(body=b"\xff\xfe\xff not a text"),
        Response(body=b"<html>not JSON</html>"),
        Response(body=b'{"object": "not a completion"}'),
        Response(body=b"[]"),
        Response(body=b""),
        Response(seconds=30),
        Response(trickle=0.02),
    ],
    ids=[
        "500",
        "503",
        "429",
        "truncated",
        "closed",
        "invalid UTF-8",
        "not JSON",
        "no completion",
        "list",
        "empty",
        "hang",
        "trickle",
    ],
)
def test_a_fault_is_followed_by_another_attempt(server, fault):
    server.respond = first_time(fault)
    client = connect(server, timeout=0.5)
    outcomes = list(client.stream(ask(str(n)) for n in range(8)))
    assert [outcome.reply.text for outcome in outcomes] == [f"echo {n}" for n in range(8)]
    assert client.usage.requests == 8
    assert len(server.calls) == 16


def test_a_fault_that_stays_is_an_error_of_its_request(server):
    def respond(call):
        return Response(body=b"\xff") if call.question == "1" else Response()

    server.respond = respond
    outcomes = list(connect(server).stream(ask(str(n)) for n in range(3)))
    assert isinstance(outcomes[1].error, LLMUnavailable)
    assert [outcomes[0].reply.text, outcomes[2].reply.text] == ["echo 0", "echo 2"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_final(server, status):
    server.respond = lambda call: Response(status, body=b'{"error": {"message": "no"}}')
    (outcome,) = connect(server).stream([ask("a")])
    assert isinstance(outcome.error, LLMRefused)
    assert len(server.calls) == 1


def test_a_refused_connection(server):
    server.kill()
    outcomes = list(connect(server, attempts=2).stream(ask(str(n)) for n in range(3)))
    assert all(isinstance(outcome.error, LLMUnavailable) for outcome in outcomes)


def test_the_time_that_the_server_names_is_waited(server):
    busy = Response(429, body=b"{}", headers={"Retry-After": "7"})
    server.respond = first_time(busy)
    clock = FakeClock()
    list(connect(server, sleep=clock.sleep, clock=clock).stream([ask("a")]))
    assert 7 <= clock.now <= 8


def test_a_server_that_crashes_on_formats_it_does_not_know(server):
    def respond(call):
        form = call.body.get("response_format", {})
        if form.get("type") == "json_schema":
            return Response(500, body=b'{"error": {"message": "Internal Server Error"}}')
        return Response(text="{}")

    server.respond = respond
    client = connect(server, concurrency=1)
    outcomes = list(client.stream(ask(str(n), schema=SCHEMA) for n in range(4)))
    assert [outcome.reply.text for outcome in outcomes] == ["{}"] * 4
    forms = [call.body["response_format"] for call in server.calls]
    assert [form["type"] for form in forms] == ["json_schema"] * 2 + ["json_object"] * 4
    assert forms[-1]["schema"] == SCHEMA


def test_a_server_that_is_killed_and_started_again(server, cache):
    server.respond = lambda call: Response(seconds=0.02)
    started_again = threading.Event()
    client = connect(server, cache=cache, sleep=lambda seconds: started_again.wait(10))
    stream = client.stream(ask(str(n)) for n in range(100))
    outcomes = list(itertools.islice(stream, 20))
    server.kill()
    server.start()
    started_again.set()
    outcomes += stream
    assert [outcome.reply.text for outcome in outcomes] == [f"echo {n}" for n in range(100)]
    assert client.usage.requests == 100


def test_after_a_crash_of_the_server_only_what_is_missing_is_paid(server, cache):
    server.respond = lambda call: Response(seconds=0.02)
    stream = connect(server, cache=cache, attempts=1).stream(ask(str(n)) for n in range(100))
    outcomes = list(itertools.islice(stream, 20))
    server.kill()
    outcomes += stream
    assert [outcome.request for outcome in outcomes] == [ask(str(n)) for n in range(100)]
    answered = {outcome.request.messages[0].content for outcome in outcomes if outcome.reply}
    assert 20 <= len(answered) < 100
    server.paid.clear()
    server.start()
    client = connect(server, cache=cache)
    assert all(outcome.reply for outcome in client.stream(ask(str(n)) for n in range(100)))
    assert sorted(server.paid, key=int) == [str(n) for n in range(100) if str(n) not in answered]
    assert client.usage.cache_hits == len(answered)


@pytest.mark.parametrize(
    "budget",
    [Budget(max_requests=20), Budget(max_tokens=1000), Budget(max_cost=0.002)],
    ids=["requests", "tokens", "cost"],
)
def test_the_budget_is_never_exceeded(server, budget):
    server.respond = lambda call: Response(seconds=0.01)
    prices = Prices(input=2.0, output=10.0)
    client = connect(server, prices=prices, budget=budget)
    outcomes = list(client.stream(ask(str(n)) for n in range(100)))
    paid = len(server.paid)
    refused = sum(isinstance(outcome.error, BudgetExceeded) for outcome in outcomes)
    assert paid == len(server.calls) == client.usage.requests == 100 - refused
    assert 10 < paid < 100
    assert paid <= (budget.max_requests or paid)
    assert paid * 15 <= (budget.max_tokens or paid * 15)
    assert client.usage.cost == pytest.approx(paid * (10 * 2.0 + 5 * 10.0) / 1e6)
    assert client.usage.cost <= (budget.max_cost or client.usage.cost)


SCRIPT = """
    import signal
    import sys
    from rel_component.llm.backends.openai import openai_backend
    from rel_component.llm.client.client import configure_llm_client
    from rel_component.llm.types import Message, Request

    signal.signal(signal.SIGINT, signal.default_int_handler)  # may be ignored where tests run
    url, path = sys.argv[1:]
    backend = openai_backend("m", base_url=url, api_key_env=None)
    client = configure_llm_client(cache=path, concurrency=4)(backend)
    requests = (Request((Message("user", str(n)),)) for n in range(200))
    for n, outcome in enumerate(client.stream(requests)):
        assert outcome.reply.text == f"echo {n}", outcome
"""


def test_an_interrupted_run_is_continued_from_the_cache(server, cache):
    server.respond = lambda call: Response(seconds=0.1)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), server.url, str(cache.path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(server.paid) < 10:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    paid = len(server.paid)
    assert paid < 150
    client = connect(server, cache=cache, max_tokens=1024)
    assert all(outcome.reply for outcome in client.stream(ask(str(n)) for n in range(200)))
    assert (client.usage.requests, client.usage.cache_hits) == (200 - paid, paid)
    assert len(server.paid) == len(set(server.paid)) == 200
