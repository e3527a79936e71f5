import pytest

from rel_component.errors import LLMUnavailable
from rel_component.llm.client.rates import RateLimiter, Rates
from rel_component.llm.types import Reply, Usage

from ..backends import FunctionBackend, ask, client_of


def test_requests_are_spread_over_the_minute(clock):
    client = client_of(
        FunctionBackend(),
        rates=Rates(requests_per_minute=600),
        concurrency=1,
        clock=clock,
        sleep=clock.sleep,
    )
    list(client.stream(ask(str(n)) for n in range(15)))
    assert clock.now == pytest.approx(0.5)  # ten at once, five more at ten a second


@pytest.mark.parametrize(("used", "seconds"), [(100, 0.5), (10, 0.0)])
def test_tokens_are_estimated_and_corrected(clock, used, seconds):
    reply = Reply("text", usage=Usage(requests=1, input_tokens=used))
    client = client_of(
        FunctionBackend(lambda request: reply, n_tokens=90, max_tokens=10),
        rates=Rates(tokens_per_minute=60_000),
        concurrency=1,
        clock=clock,
        sleep=clock.sleep,
    )
    list(client.stream(ask(str(n)) for n in range(15)))
    assert clock.now == pytest.approx(seconds)


def test_failed_attempts_give_their_tokens_back(clock):
    errors = [LLMUnavailable("down", retry_after=0.0) for _ in range(4)]
    sleeps = []
    client = client_of(
        FunctionBackend(lambda request: errors.pop() if errors else "", n_tokens=500),
        rates=Rates(tokens_per_minute=30_600),
        clock=clock,
        sleep=sleeps.append,
    )
    list(client.stream([ask("a")]))
    assert len(sleeps) == 4  # those between attempts
    assert clock.now == 0


def test_an_amount_larger_than_a_second_passes_and_is_paid_back(clock):
    limiter = RateLimiter(Rates(tokens_per_minute=6000), clock=clock)
    limiter.acquire(1, 130, clock.sleep)
    assert clock.sleeps == []
    limiter.acquire(1, 10, clock.sleep)
    assert clock.sleeps == [pytest.approx(0.4)]


def test_a_pause_may_be_prolonged(clock):
    limiter = RateLimiter(Rates(), clock=clock)
    limiter.pause(10)

    def sleep(seconds):
        if not clock.sleeps:
            limiter.pause(25)
        clock.sleep(seconds)

    limiter.acquire(1, 1, sleep)
    assert clock.sleeps == [10, 15]
    assert limiter.pause_left() == 0


def test_an_exception_gives_up(clock):
    limiter = RateLimiter(Rates(requests_per_minute=1), clock=clock)
    limiter.acquire(1, 0, clock.sleep)
    with pytest.raises(ZeroDivisionError):
        limiter.acquire(1, 0, lambda seconds: 1 / 0)
