"""The client and the backend for OpenAI's API against a server that fails in all ways."""

import itertools
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from rel_component.llm.backends.openai import openai_backend

from ..backends import ask, at_once, client_of
from ..server import Response

pytestmark = pytest.mark.slow


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
        Response(429, body=b'{"error": {"message": "slow down"}}'),
        Response(cut=20),
        Response(cut=0),
        Response(body=b"\xff\xfe\xff not a text"),
        Response(seconds=30),
        Response(trickle=0.02),
    ],
    ids=["500", "429", "truncated", "closed", "invalid UTF-8", "hang", "trickle"],
)
def test_a_fault_is_followed_by_another_attempt(server, fault):
    server.respond = first_time(fault)
    waits = fault.seconds or fault.trickle
    client = connect(server, timeout=0.5 if waits else 5.0)  # others may be slow on a busy machine
    outcomes = list(client.stream(ask(str(n)) for n in range(8)))
    assert [outcome.reply.text for outcome in outcomes] == [f"echo {n}" for n in range(8)]
    refused = fault.status != 200  # others may have been computed, and paid for
    assert client.usage.requests == (8 if refused else 16)
    assert len(server.calls) == 16


def test_a_server_that_is_killed_and_started_again(server, cache):
    server.say(seconds=0.02)
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
    server.say(seconds=0.02)
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
    server.say(seconds=0.1)
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
