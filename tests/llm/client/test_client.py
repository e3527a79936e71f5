import copy
import gc
import itertools
import multiprocessing
import pickle
import threading

import pytest

from rel_component.errors import BudgetExceeded, ConfigError, LLMRefused, LLMUnavailable
from rel_component.llm.client.accounting import Budget, Prices
from rel_component.llm.client.client import configure_llm_client
from rel_component.llm.types import Reply, Usage

from ..backends import FunctionBackend, ask, at_once, client_of, echo, question


def texts(outcomes):
    return [outcome.reply.text if outcome.reply else outcome.error for outcome in outcomes]


def asks(n):
    return [ask(str(i)) for i in range(n)]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_outcomes_come_in_the_order_of_the_requests(batch_size):
    late = threading.Event()

    def answer(request):
        if question(request) == "0":
            assert late.wait(10)  # until requests after it are answered
        elif question(request) == "7":
            late.set()
        return echo(request)

    client = client_of(FunctionBackend(answer, batch_size=batch_size), concurrency=4)
    outcomes = list(client.stream(iter(asks(40))))
    assert [outcome.request for outcome in outcomes] == asks(40)
    assert texts(outcomes) == [f"echo {n}" for n in range(40)]


def test_no_requests_no_outcomes():
    assert list(client_of(FunctionBackend()).stream([])) == []


def test_requests_are_read_a_bounded_number_ahead_in_the_thread_of_the_caller():
    read = []

    def requests():
        for n in itertools.count():
            read.append(threading.current_thread())
            yield ask(str(n))

    stream = client_of(FunctionBackend(batch_size=2), concurrency=3).stream(requests())
    for n in range(50):
        next(stream)
        assert len(read) <= n + 1 + 2 * 3 * 2
    assert set(read) == {threading.current_thread()}
    stream.close()


@pytest.mark.parametrize(("own", "limit", "most"), [(None, 3, 3), (2, 8, 2), (8, 2, 2)])
def test_as_many_calls_are_in_flight_as_client_and_backend_allow(own, limit, most):
    together = threading.Barrier(most)

    def answer(request):
        together.wait(10)  # all of them at a time
        return echo(request)

    backend = FunctionBackend(answer, concurrency=own)
    list(client_of(backend, concurrency=limit).stream(asks(3 * most)))
    assert backend.most == most


def test_requests_are_sent_in_batches():
    backend = FunctionBackend(batch_size=4)
    list(client_of(backend, concurrency=1).stream(asks(10)))
    assert list(map(len, backend.calls)) == [4, 4, 2]


def test_one_bad_request_does_not_lose_its_batch():
    def answer(request):
        return LLMRefused("bad") if question(request) == "2" else echo(request)

    outcomes = list(client_of(FunctionBackend(answer, batch_size=4)).stream(asks(4)))
    assert texts(outcomes)[:2] == ["echo 0", "echo 1"]
    assert isinstance(outcomes[2].error, LLMRefused)
    assert outcomes[3].reply.text == "echo 3"


def test_a_budget_that_does_not_cover_a_batch_may_cover_some_of_it():
    client = client_of(FunctionBackend(batch_size=4), budget=Budget(max_requests=3))
    outcomes = list(client.stream(asks(4)))
    assert [isinstance(outcome.error, BudgetExceeded) for outcome in outcomes] == [0, 0, 0, 1]


def test_an_error_is_an_outcome_and_the_rest_goes_on():
    def answer(request):
        return LLMUnavailable("down") if question(request) == "1" else echo(request)

    outcomes = list(client_of(FunctionBackend(answer), attempts=1).stream(asks(3)))
    assert isinstance(outcomes[1].error, LLMUnavailable)
    assert outcomes[1].reply is None
    assert [outcomes[0].reply.text, outcomes[2].reply.text] == ["echo 0", "echo 2"]


def test_other_exceptions_of_a_backend_propagate():
    with pytest.raises(ZeroDivisionError):
        list(client_of(FunctionBackend(lambda request: 1 / 0)).stream([ask("a")]))


def test_a_backend_that_loses_replies_is_a_bug():
    class Lossy(FunctionBackend):
        def __call__(self, requests, **options):
            return super().__call__(requests, **options)[1:]

    with pytest.raises(RuntimeError, match="Lossy returned 1 replies for 2 requests"):
        list(client_of(Lossy(batch_size=2)).stream(asks(2)))


def test_exceptions_of_the_requests_propagate():
    def requests():
        yield ask("a")
        raise KeyError("broken source")

    with pytest.raises(KeyError, match="broken source"):
        list(client_of(FunctionBackend()).stream(requests()))


def test_replies_have_a_bill_even_if_the_backend_forgets_some_of_it():
    (outcome,) = client_of(FunctionBackend(lambda request: Reply("a"))).stream([ask("a")])
    assert outcome.reply.usage.requests == 1
    assert outcome.reply.usage.seconds > 0


# Follow-up requests


def repair(request, reply):
    return ask(f"repair {question(request)}") if "bad" in question(request) else None


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_reply_of_a_follow_up_replaces_the_first_one(batch_size):
    backend = FunctionBackend(batch_size=batch_size)
    client = client_of(backend, prices=Prices(input=1.0, output=2.0))
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
    list(client_of(backend).stream([ask("bad 1"), ask("bad 2")], follow_up=repair))
    assert backend.calls == [["bad 1", "bad 2"], ["repair bad 1", "repair bad 2"]]


def test_the_first_reply_stays_if_the_follow_up_fails():
    def answer(request):
        return LLMRefused("no") if "repair" in question(request) else echo(request)

    (outcome,) = client_of(FunctionBackend(answer)).stream([ask("bad")], follow_up=repair)
    assert outcome.reply.text == "echo bad"
    assert outcome.error is None


def test_there_is_no_follow_up_of_a_follow_up_nor_of_an_error():
    asked = []

    def follow_up(request, reply):
        asked.append(question(request))
        return ask("again")

    def answer(request):
        return LLMRefused("no") if question(request) == "refused" else echo(request)

    requests = [ask("a"), ask("refused")]
    list(client_of(FunctionBackend(answer)).stream(requests, follow_up=follow_up))
    assert asked == ["a"]


def test_follow_ups_are_cached_too(cache):
    backend = FunctionBackend()
    client = client_of(backend, cache=cache)
    for _ in range(2):
        (outcome,) = client.stream([ask("bad")], follow_up=repair)
        assert outcome.reply.text == "echo repair bad"
    assert backend.asked == ["bad", "repair bad"]
    assert outcome.usage == Usage(cache_hits=2)


def test_exceptions_of_a_follow_up_propagate():
    with pytest.raises(ZeroDivisionError):
        list(client_of(FunctionBackend()).stream([ask("a")], follow_up=lambda *_: 1 / 0))


# The cache, and equal requests


def test_a_known_reply_is_not_sent(cache):
    backend = FunctionBackend()
    client = client_of(backend, cache=cache)
    (first,) = client.stream([ask("a")])
    (second,) = client.stream([ask("a")])
    assert backend.asked == ["a"]
    assert second.reply == first.reply.with_usage(Usage(cache_hits=1))
    assert (client.usage.requests, client.usage.cache_hits) == (1, 1)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_equal_requests_are_sent_once(cache, batch_size):
    backend = FunctionBackend(batch_size=batch_size)
    client = client_of(backend, cache=cache)
    requests = [ask("a"), ask("b"), ask("a"), ask("a")]
    outcomes = list(client.stream(requests))
    assert sorted(backend.asked) == ["a", "b"]
    assert texts(outcomes) == ["echo a", "echo b", "echo a", "echo a"]
    assert all(outcome.request is request for outcome, request in zip(outcomes, requests))
    assert [outcome.usage.cache_hits for outcome in outcomes] == [0, 0, 1, 1]
    assert client.usage.cache_hits == 2


def test_equal_requests_of_a_batch_share_an_error(cache):
    backend = FunctionBackend(lambda request: LLMRefused("no"), batch_size=2)
    outcomes = list(client_of(backend, cache=cache).stream([ask("a"), ask("a")]))
    assert [str(outcome.error) for outcome in outcomes] == ["no", "no"]
    assert backend.asked == ["a"]


def test_without_a_cache_equal_requests_are_all_sent():
    backend = FunctionBackend()
    list(client_of(backend).stream([ask("a"), ask("a")]))
    assert backend.asked == ["a", "a"]


# Closing


def test_closing_cancels_what_was_not_sent_and_keeps_what_was_in_flight(cache):
    read, started, go_on = threading.Event(), threading.Semaphore(0), threading.Event()

    def requests():
        for n in range(99):
            if n == 3:
                read.set()
            yield ask(str(n))

    def answer(request):
        if question(request) == "0":
            assert read.wait(10)  # until those after it are submitted
        else:
            started.release()
            assert go_on.wait(10)
        return echo(request)

    backend = FunctionBackend(answer)
    stream = client_of(backend, cache=cache, concurrency=2).stream(requests())
    next(stream)
    assert started.acquire(timeout=10)
    assert started.acquire(timeout=10)
    stream.close()
    go_on.set()
    join_threads()
    assert sorted(backend.asked) == ["0", "1", "2"]
    assert len(cache) == 3


def test_closing_interrupts_the_wait_for_another_attempt():
    failed = threading.Event()

    def answer(request):
        if question(request) == "down":
            failed.set()
            return LLMUnavailable("down", retry_after=200)
        assert failed.wait(10)
        return echo(request)

    backend = FunctionBackend(answer)
    stream = client_of(backend).stream([ask("a"), ask("down")])
    next(stream)
    stream.close()
    join_threads()  # which would take minutes
    assert backend.asked.count("down") == 1


def join_threads():
    own = [thread for thread in threading.enumerate() if thread.name.startswith("rel_llm")]
    for thread in own:
        thread.join(10)
        assert not thread.is_alive()


def test_threads_end_with_the_stream():
    list(client_of(FunctionBackend()).stream(asks(40)))
    join_threads()


# Other processes


def test_a_pickled_copy_is_the_client_itself():
    client = client_of(FunctionBackend())
    data = pickle.dumps(client)
    assert pickle.loads(data) is client
    assert copy.deepcopy(client) is client


def test_a_pickled_copy_of_a_client_elsewhere_refuses_requests():
    data = pickle.dumps(client_of(FunctionBackend()))
    gc.collect()
    foreign = pickle.loads(pickle.dumps(pickle.loads(data)))
    for use in (lambda: foreign.backend, lambda: foreign.stream([ask("a")])):
        with pytest.raises(ConfigError, match="n_process=1"):
            use()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
def test_a_copy_in_a_forked_process_is_refused():
    client = client_of(FunctionBackend())
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def work():
        try:
            list(client.stream([ask("a")]))
        except ConfigError as err:
            queue.put(str(err))

    child = context.Process(target=work)
    child.start()
    assert "call nlp.pipe with n_process=1" in queue.get()
    child.join()


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency is 0"),
        ({"attempts": 0}, "attempts is 0"),
        ({"timeout": 0}, "timeout is 0"),
        ({"budget": {"max_cost": 1.0}}, "no prices"),
        ({"budget": {"cost": 1}}, "budget: cost is 1: Unexpected keyword argument"),
        ({"budget": {"max_cost": True}}, "budget: max_cost is True: .* valid number"),
        ({"budget": {"max_tokens": float("inf")}}, "budget: max_tokens is inf: .* finite"),
        ({"prices": {"input": 1}}, r"prices: output is .* required"),
        ({"prices": {"input": -1, "output": 1}}, "prices: input is -1: .* greater than"),
        ({"prices": {"input": "1", "output": 1}}, "prices: input is '1': .* valid number"),
        ({"prices": {"input": 1, "output": float("nan")}}, "prices: output is nan: .* finite"),
        ({"rates": {"requests_per_minute": 0}}, "rates: requests_per_minute is 0: .* greater"),
        ({"rates": {"tokens_per_minute": -1}}, "rates: tokens_per_minute is -1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        configure_llm_client(**options)(FunctionBackend())


def test_options_of_a_config(tmp_path):
    backend = FunctionBackend()
    client = configure_llm_client(
        cache=str(tmp_path / "cache.db"),
        prices={"input": 1, "output": 2.0, "cached_input": 0.5},
        budget={"max_cost": 1, "max_requests": 1, "max_tokens": 1000},
        rates={"requests_per_minute": 600, "tokens_per_minute": 60_000},
        concurrency=2,
        attempts=3,
        timeout=None,
    )(backend, sleep=at_once)
    outcomes = [*client.stream([ask("a"), ask("a")]), *client.stream([ask("b")])]
    assert texts(outcomes)[:2] == ["echo a", "echo a"]
    assert isinstance(outcomes[2].error, BudgetExceeded)
    assert client.usage.cost == pytest.approx((10 * 1 + 5 * 2) / 1e6)
