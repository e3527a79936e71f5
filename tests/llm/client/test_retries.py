import threading
import time

import pytest

from rel_component.errors import ConfigError, LLMRefused, LLMUnavailable
from rel_component.llm.client.client import LLMClient
from rel_component.llm.client.retries import Abandoned, Pace, RetryPolicy, sleep
from rel_component.llm.types import Reply, Usage

from ..backends import FunctionBackend, ask, echo, question

QUICK = RetryPolicy(first_wait=0.0)


def failing(times, error):
    """Answers after some failures."""
    errors = [error] * times
    return lambda request: errors.pop() if errors else echo(request)


def wanted():
    return True


@pytest.mark.parametrize(
    ("failures", "retry_after", "least", "most"),
    [(1, None, 0, 1), (3, None, 0, 4), (9, None, 0, 8), (5000, None, 0, 8), (2, 5.0, 5, 7)],
)
def test_waits_are_random_below_a_bound_that_doubles(failures, retry_after, least, most):
    policy = RetryPolicy(first_wait=1.0, longest_wait=8.0)
    waits = [policy.wait(failures, retry_after) for _ in range(500)]
    assert least <= min(waits) < least + 0.1 * most
    assert least + 0.9 * (most - least) < max(waits) <= most


@pytest.mark.parametrize(
    "fields",
    [{"attempts": 0}, {"first_wait": -1.0}, {"longest_wait": float("inf")}, {"total_seconds": -1}],
)
def test_policies_out_of_range(fields):
    with pytest.raises(ConfigError, match=next(iter(fields))):
        RetryPolicy(**fields)


def test_a_request_is_sent_again_until_it_is_answered():
    backend = FunctionBackend(failing(3, LLMUnavailable("down")))
    (outcome,) = LLMClient(backend, retries=QUICK).stream([ask("a")])
    assert outcome.reply.text == "echo a"
    assert len(backend.calls) == 4


def test_attempts_are_limited():
    backend = FunctionBackend(lambda request: LLMUnavailable("down", status=502))
    policy = RetryPolicy(attempts=3, first_wait=0.0)
    (outcome,) = LLMClient(backend, retries=policy).stream([ask("a")])
    assert str(outcome.error) == "down (given up after 3 attempts)"
    assert outcome.error.status == 502
    assert len(backend.calls) == 3


def test_the_total_time_is_limited():
    backend = FunctionBackend(lambda request: LLMUnavailable("down"), seconds=0.05)
    policy = RetryPolicy(attempts=1000, total_seconds=0.2, first_wait=0.0)
    (outcome,) = LLMClient(backend, retries=policy).stream([ask("a")])
    assert isinstance(outcome.error, LLMUnavailable)
    assert 2 <= len(backend.calls) <= 5


def test_refused_requests_are_not_sent_again():
    backend = FunctionBackend(lambda request: LLMRefused("no"))
    list(LLMClient(backend, retries=QUICK).stream([ask("a")]))
    assert len(backend.calls) == 1


def test_the_pause_that_an_endpoint_asks_for_holds_for_all():
    times = {}

    def answer(request):
        name = question(request)
        if name == "0" and name not in times:
            times[name] = time.monotonic()
            return LLMUnavailable("busy", retry_after=0.3)
        times[name] = time.monotonic()
        time.sleep(0.05)
        return echo(request)

    client = LLMClient(FunctionBackend(answer), retries=QUICK, max_concurrency=2)
    start = time.monotonic()
    assert all(outcome.reply for outcome in client.stream(ask(str(n)) for n in range(6)))
    # The other worker may have sent one request before the pause began.
    assert sum(at - start >= 0.29 for at in times.values()) >= 5


def test_a_pause_that_is_too_long_is_an_error():
    backend = FunctionBackend(lambda request: LLMUnavailable("busy", retry_after=3600))
    client = LLMClient(backend, max_concurrency=1)
    first, second = client.stream([ask("a"), ask("b")])
    assert first.error.retry_after == 3600
    assert "asks to wait for 3600 s" in str(second.error)
    assert backend.asked == ["a"]


def test_sleeping_ends_when_nobody_waits():
    asleep = threading.Event()
    threading.Timer(0.05, asleep.set).start()
    start = time.monotonic()
    with pytest.raises(Abandoned):
        sleep(30, lambda: not asleep.is_set())
    assert time.monotonic() - start < 1


# Rate limits


def test_requests_are_spread_over_the_minute():
    backend = FunctionBackend()
    client = LLMClient(backend, requests_per_minute=600)
    start = time.monotonic()
    list(client.stream(ask(str(n)) for n in range(15)))
    # Ten at once, five more at ten a second.
    assert 0.45 < time.monotonic() - start < 1.5


@pytest.mark.parametrize(("used", "least", "most"), [(100, 0.45, 1.5), (10, 0.0, 0.4)])
def test_tokens_are_estimated_and_corrected(used, least, most):
    reply = Reply("text", usage=Usage(requests=1, input_tokens=used))
    backend = FunctionBackend(lambda request: reply, n_tokens=90, max_tokens=10)
    client = LLMClient(backend, tokens_per_minute=60_000, max_concurrency=1)
    start = time.monotonic()
    list(client.stream(ask(str(n)) for n in range(15)))
    assert least < time.monotonic() - start < most


def test_what_is_larger_than_a_second_passes_and_is_paid_back():
    pace = Pace(tokens_per_minute=6000)
    start = time.monotonic()
    pace.wait(1, 130, wanted)
    assert time.monotonic() - start < 0.1
    pace.wait(1, 10, wanted)
    assert 0.35 < time.monotonic() - start < 1.0


def test_failed_attempts_give_their_tokens_back():
    backend = FunctionBackend(failing(4, LLMUnavailable("down")), n_tokens=500, max_tokens=500)
    client = LLMClient(backend, tokens_per_minute=60_000, retries=QUICK)
    start = time.monotonic()
    list(client.stream([ask("a")]))
    assert time.monotonic() - start < 0.5


def test_waiting_for_a_turn_ends_when_nobody_waits():
    pace = Pace(requests_per_minute=1)
    pace.wait(1, 0, wanted)
    answers = iter([True, True, False])
    with pytest.raises(Abandoned):
        pace.wait(1, 0, lambda: next(answers))
