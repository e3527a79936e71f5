import gc
import itertools
import multiprocessing
import pickle
import threading
import time

import pytest

from rel_component.errors import BudgetExceeded, ConfigError, LLMRefused, LLMUnavailable
from rel_component.llm.client.accounting import Budget, Prices
from rel_component.llm.client.cache import ReplyCache
from rel_component.llm.client.client import LLMClient
from rel_component.llm.client.retries import RetryPolicy
from rel_component.llm.types import Reply, Usage

from ..backends import FunctionBackend, ask, echo, question

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def cache(tmp_path):
    cache = ReplyCache(tmp_path / "cache.db")
    yield cache
    cache.close()


def wait_for(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def slowly(request, **seconds):
    time.sleep(seconds.get(question(request), 0.0))
    return echo(request)


def texts(outcomes):
    return [outcome.reply.text if outcome.reply else outcome.error for outcome in outcomes]


def test_outcomes_come_in_the_order_of_the_requests():
    def answer(request):
        time.sleep(0.02 if question(request) in ("0", "5") else 0.0)
        return echo(request)

    requests = [ask(str(n)) for n in range(40)]
    outcomes = list(LLMClient(FunctionBackend(answer), max_concurrency=4).stream(requests))
    assert [outcome.request for outcome in outcomes] == requests
    assert texts(outcomes) == [f"echo {n}" for n in range(40)]


def test_no_requests_no_outcomes():
    assert list(LLMClient(FunctionBackend()).stream([])) == []


def test_requests_are_read_a_bounded_number_ahead_in_the_thread_of_the_caller():
    read = []

    def requests():
        for n in itertools.count():
            read.append(threading.current_thread())
            yield ask(str(n))

    stream = LLMClient(FunctionBackend(batch_size=2), max_concurrency=3).stream(requests())
    for n in range(50):
        next(stream)
        assert len(read) <= n + 1 + 2 * 3 * 2
    assert set(read) == {threading.current_thread()}
    stream.close()


def test_a_slow_request_does_not_hold_up_the_others():
    go_on = threading.Event()

    def answer(request):
        if question(request) == "0":
            assert go_on.wait(10)
        elif question(request) == "7":
            go_on.set()
        return echo(request)

    client = LLMClient(FunctionBackend(answer), max_concurrency=4)
    outcomes = list(client.stream(ask(str(n)) for n in range(20)))
    assert texts(outcomes) == [f"echo {n}" for n in range(20)]


@pytest.mark.parametrize(("own", "limit", "most"), [(None, 3, 3), (2, 8, 2), (8, 2, 2)])
def test_as_many_calls_at_a_time_as_client_and_backend_allow(own, limit, most):
    backend = FunctionBackend(seconds=0.02, concurrency=own)
    list(LLMClient(backend, max_concurrency=limit).stream(ask(str(n)) for n in range(12)))
    assert backend.most == most


def test_64_requests_of_300_ms_16_at_a_time_take_less_than_2_s():
    client = LLMClient(FunctionBackend(seconds=0.3), max_concurrency=16)
    start = time.monotonic()
    assert len(list(client.stream(ask(str(n)) for n in range(64)))) == 64
    assert time.monotonic() - start < 2


def test_requests_are_sent_in_batches():
    backend = FunctionBackend(batch_size=4, seconds=0.02)
    list(LLMClient(backend, max_concurrency=1).stream(ask(str(n)) for n in range(10)))
    assert sorted(map(len, backend.calls)) == [2, 4, 4]


def test_known_answers_leave_no_gaps_in_batches(cache):
    backend = FunctionBackend(batch_size=4)
    client = LLMClient(backend, cache=cache, max_concurrency=1)
    list(client.stream(ask(str(n)) for n in range(0, 8, 2)))
    backend.calls.clear()
    list(client.stream(ask(str(n)) for n in range(8)))
    assert backend.calls == [["1", "3", "5", "7"]]


def test_one_bad_request_does_not_lose_its_batch():
    def answer(request):
        return LLMRefused("bad") if question(request) == "2" else echo(request)

    client = LLMClient(FunctionBackend(answer, batch_size=4), max_concurrency=1)
    outcomes = list(client.stream(ask(str(n)) for n in range(4)))
    assert texts(outcomes)[:2] == ["echo 0", "echo 1"]
    assert isinstance(outcomes[2].error, LLMRefused)
    assert outcomes[3].reply.text == "echo 3"


def test_a_budget_that_does_not_cover_a_batch_may_cover_some_of_it():
    backend = FunctionBackend(batch_size=4)
    client = LLMClient(backend, budget=Budget(max_requests=3), max_concurrency=1)
    outcomes = list(client.stream(ask(str(n)) for n in range(4)))
    assert [isinstance(outcome.error, BudgetExceeded) for outcome in outcomes] == [0, 0, 0, 1]


def test_an_error_is_an_outcome_and_the_rest_goes_on():
    def answer(request):
        return LLMUnavailable("down") if question(request) == "1" else echo(request)

    client = LLMClient(FunctionBackend(answer), retries=ONCE)
    outcomes = list(client.stream(ask(str(n)) for n in range(3)))
    assert isinstance(outcomes[1].error, LLMUnavailable)
    assert outcomes[1].reply is None
    assert [outcomes[0].reply.text, outcomes[2].reply.text] == ["echo 0", "echo 2"]


def test_other_exceptions_of_a_backend_propagate():
    client = LLMClient(FunctionBackend(lambda request: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        list(client.stream([ask("a")]))


def test_a_backend_that_loses_replies_is_a_bug():
    class Lossy(FunctionBackend):
        def __call__(self, requests, **options):
            return super().__call__(requests, **options)[1:]

    with pytest.raises(RuntimeError, match="Lossy returned 1 replies for 2 requests"):
        list(LLMClient(Lossy(batch_size=2)).stream([ask("a"), ask("b")]))


def test_exceptions_of_the_requests_propagate():
    def requests():
        yield ask("a")
        raise KeyError("broken source")

    with pytest.raises(KeyError, match="broken source"):
        list(LLMClient(FunctionBackend()).stream(requests()))


def test_replies_have_a_bill_even_if_the_backend_forgets_some_of_it():
    client = LLMClient(FunctionBackend(lambda request: Reply("a"), seconds=0.01))
    (outcome,) = client.stream([ask("a")])
    assert outcome.reply.usage.requests == 1
    assert outcome.reply.usage.seconds >= 0.01


# Follow-ups


def repair(request, reply):
    return ask(f"repair {question(request)}") if "bad" in question(request) else None


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_reply_of_a_follow_up_replaces_the_first_one(batch_size):
    backend = FunctionBackend(batch_size=batch_size)
    client = LLMClient(backend, prices=Prices(input=1.0, output=2.0))
    requests = [ask("good"), ask("bad 1"), ask("bad 2")]
    outcomes = list(client.stream(requests, follow_up=repair))
    assert texts(outcomes) == ["echo good", "echo repair bad 1", "echo repair bad 2"]
    assert [outcome.request for outcome in outcomes] == requests
    assert [outcome.usage.requests for outcome in outcomes] == [1, 2, 2]
    assert outcomes[1].usage.cost == pytest.approx(2 * (10 * 1.0 + 5 * 2.0) / 1e6)
    assert client.usage.requests == 5
    assert client.usage.input_tokens == 50


def test_follow_ups_of_a_batch_are_a_batch():
    backend = FunctionBackend(batch_size=3)
    list(LLMClient(backend).stream([ask("bad 1"), ask("bad 2")], follow_up=repair))
    assert backend.calls == [["bad 1", "bad 2"], ["repair bad 1", "repair bad 2"]]


def test_the_first_reply_stays_if_the_follow_up_fails():
    def answer(request):
        return LLMRefused("no") if "repair" in question(request) else echo(request)

    (outcome,) = LLMClient(FunctionBackend(answer)).stream([ask("bad")], follow_up=repair)
    assert outcome.reply.text == "echo bad"
    assert outcome.error is None


def test_there_is_no_follow_up_of_a_follow_up_nor_of_an_error():
    asked = []

    def follow_up(request, reply):
        asked.append(question(request))
        return ask("again")

    def answer(request):
        return LLMRefused("no") if question(request) == "refused" else echo(request)

    client = LLMClient(FunctionBackend(answer))
    list(client.stream([ask("a"), ask("refused")], follow_up=follow_up))
    assert asked == ["a"]


def test_follow_ups_are_cached_too(cache):
    backend = FunctionBackend()
    client = LLMClient(backend, cache=cache)
    for _ in range(2):
        (outcome,) = client.stream([ask("bad")], follow_up=repair)
        assert outcome.reply.text == "echo repair bad"
    assert backend.asked == ["bad", "repair bad"]
    assert outcome.usage == Usage(cache_hits=2)


@pytest.mark.parametrize("known", [False, True])
def test_exceptions_of_a_follow_up_propagate(cache, known):
    client = LLMClient(FunctionBackend(), cache=cache)
    if known:
        list(client.stream([ask("a")]))
    with pytest.raises(ZeroDivisionError):
        list(client.stream([ask("a")], follow_up=lambda request, reply: 1 / 0))


# The cache, and equal requests


def test_a_known_answer_is_not_sent(cache):
    backend = FunctionBackend()
    client = LLMClient(backend, cache=cache)
    (first,) = client.stream([ask("a")])
    (second,) = client.stream([ask("a")])
    assert backend.asked == ["a"]
    assert second.reply == first.reply.with_usage(Usage(cache_hits=1))
    assert client.usage.requests == 1
    assert client.usage.cache_hits == 1


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_equal_requests_on_their_way_are_sent_once(cache, batch_size):
    backend = FunctionBackend(seconds=0.02, batch_size=batch_size)
    client = LLMClient(backend, cache=cache)
    outcomes = list(client.stream([ask("a"), ask("b"), ask("a"), ask("a")]))
    assert sorted(backend.asked) == ["a", "b"]
    assert texts(outcomes) == ["echo a", "echo b", "echo a", "echo a"]
    assert [outcome.usage.cache_hits for outcome in outcomes] == [0, 0, 1, 1]
    assert client.usage.cache_hits == 2


def test_equal_follow_ups_on_their_way_are_sent_once(cache):
    backend = FunctionBackend(seconds=0.02)
    client = LLMClient(backend, cache=cache)
    requests = [ask(f"bad {n}") for n in range(8)]
    list(client.stream(requests, follow_up=lambda request, reply: ask("the same")))
    assert backend.asked.count("the same") == 1


def test_equal_requests_share_an_error(cache):
    backend = FunctionBackend(lambda request: LLMRefused("no"), seconds=0.02)
    outcomes = list(LLMClient(backend, cache=cache).stream([ask("a"), ask("a")]))
    assert [str(outcome.error) for outcome in outcomes] == ["no", "no"]
    assert backend.asked == ["a"]


def test_without_a_cache_equal_requests_are_all_sent():
    backend = FunctionBackend()
    list(LLMClient(backend).stream([ask("a"), ask("a")]))
    assert backend.asked == ["a", "a"]


def test_samples_are_different_requests(cache):
    backend = FunctionBackend()
    list(LLMClient(backend, cache=cache).stream([ask("a"), ask("a", sample=1)]))
    assert backend.asked == ["a", "a"]


def test_streams_of_one_thread_may_wait_for_each_other(cache):
    backend = FunctionBackend(batch_size=4)
    client = LLMClient(backend, cache=cache, max_concurrency=1)
    list(client.stream([ask("known")]))
    first = client.stream([ask("known"), ask("known"), ask("a"), ask("b"), ask("c")])
    assert next(first).reply.text == "echo known"
    assert next(first).reply.text == "echo known"
    assert next(first).reply.text == "echo a"
    assert texts(client.stream([ask("c"), ask("b")])) == ["echo c", "echo b"]
    assert texts(first) == ["echo b", "echo c"]
    assert sorted(backend.asked) == ["a", "b", "c", "known"]


# Closing


def test_closing_drops_what_was_not_sent_and_keeps_what_was_answered(cache):
    backend = FunctionBackend(seconds=0.1)
    client = LLMClient(backend, cache=cache, max_concurrency=2)
    stream = client.stream(ask(str(n)) for n in itertools.count())
    next(stream)
    start = time.monotonic()
    stream.close()
    assert time.monotonic() - start < 0.05
    time.sleep(0.3)
    sent = backend.asked
    assert len(sent) <= 4
    assert len(cache) == len(sent)
    list(client.stream(map(ask, sent)))
    assert backend.asked == sent


def test_closing_interrupts_the_wait_for_another_attempt():
    def answer(request):
        return LLMUnavailable("down") if question(request) == "down" else slowly(request, a=0.1)

    backend = FunctionBackend(answer)
    patient = RetryPolicy(first_wait=10_000, longest_wait=10_000, total_seconds=10_000)
    client = LLMClient(backend, retries=patient, max_concurrency=1)
    stream = client.stream([ask("a"), ask("down")])
    next(stream)
    wait_for(lambda: "down" in backend.asked)
    stream.close()
    start = time.monotonic()
    assert texts(client.stream([ask("b")])) == ["echo b"]
    assert time.monotonic() - start < 1


def test_who_comes_back_shares_what_is_still_on_its_way(cache):
    backend = FunctionBackend(lambda request: slowly(request, a=0.1, b=0.4))
    client = LLMClient(backend, cache=cache)
    stream = client.stream([ask("a"), ask("b")])
    next(stream)
    wait_for(lambda: "b" in backend.asked)
    stream.close()
    assert texts(client.stream([ask("b")])) == ["echo b"]
    assert backend.asked.count("b") == 1


def test_threads_end_with_the_client():
    before = set(threading.enumerate())
    client = LLMClient(FunctionBackend())
    list(client.stream(ask(str(n)) for n in range(40)))
    own = set(threading.enumerate()) - before
    assert own
    del client
    gc.collect()
    wait_for(lambda: not any(thread.is_alive() for thread in own))


# Copies


def in_child(client, requests, queue):
    queue.put([texts(client.stream(requests)), client.usage])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_copy_in_another_process_works(cache, method):
    client = LLMClient(FunctionBackend(), cache=cache, prices=Prices(input=1.0, output=1.0))
    list(client.stream([ask("a")]))
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=in_child, args=(client, [ask("a"), ask("b")], queue))
    child.start()
    answers, usage = queue.get()
    child.join()
    assert child.exitcode == 0
    assert answers == ["echo a", "echo b"]
    assert (usage.requests, usage.cache_hits) == (2, 1)
    assert texts(client.stream([ask("b")])) == ["echo b"]
    assert client.usage.requests == 1


def test_a_fork_while_requests_are_on_their_way(cache):
    client = LLMClient(FunctionBackend(seconds=0.05), cache=cache, max_concurrency=2)
    stream = client.stream(ask(str(n)) for n in range(8))
    next(stream)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=in_child, args=(client, [ask("7"), ask("x")], queue))
    child.start()
    assert queue.get()[0] == ["echo 7", "echo x"]
    child.join()
    assert len(list(stream)) == 7


def test_a_pickled_client_knows_what_was_spent():
    client = LLMClient(FunctionBackend(), budget=Budget(max_requests=2))
    list(client.stream([ask("a")]))
    copy = pickle.loads(pickle.dumps(client))
    outcomes = list(copy.stream([ask("b"), ask("c")]))
    assert sum(isinstance(outcome.error, BudgetExceeded) for outcome in outcomes) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_concurrency": 0}, "max_concurrency is 0"),
        ({"timeout": 0}, "timeout is 0"),
        ({"budget": Budget(max_cost=1.0)}, "no prices"),
        ({"requests_per_minute": 0}, "requests_per_minute is 0"),
        ({"tokens_per_minute": -1}, "tokens_per_minute is -1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        LLMClient(FunctionBackend(), **options)
