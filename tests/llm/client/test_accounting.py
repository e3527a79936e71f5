import threading

import pytest

from rel_component.errors import BudgetExceeded, LLMRefused, LLMUnavailable
from rel_component.llm.client.accounting import Account, Budget, Prices, upper_bound
from rel_component.llm.types import Message, Reply, Request, Usage

from ..backends import FunctionBackend, ask, at_once, client_of

PRICES = Prices(input=2.0, output=10.0, cached_input=0.5)


@pytest.mark.parametrize(
    ("usage", "prices", "cost"),
    [
        (Usage(), PRICES, 0.0),
        (Usage(input_tokens=1_000_000), PRICES, 2.0),
        (Usage(output_tokens=500_000), PRICES, 5.0),
        (Usage(input_tokens=1_000_000, cached_tokens=400_000), PRICES, 0.6 * 2.0 + 0.4 * 0.5),
        (Usage(input_tokens=1_000_000, cached_tokens=400_000), Prices(input=2.0, output=10.0), 2.0),
        (Usage(input_tokens=10, cached_tokens=20), PRICES, 10 * 0.5 / 1e6),
    ],
)
def test_cost(usage, prices, cost):
    assert prices.cost(usage) == pytest.approx(cost)


def test_the_bound_is_counted_by_the_backend():
    backend = FunctionBackend(n_tokens=7, max_tokens=100)
    assert upper_bound([ask("a"), ask("b")], backend) == Usage(2, 0, 14, 0, 200)


def test_or_else_it_is_the_bytes_and_a_margin():
    backend = FunctionBackend(n_tokens=None, max_tokens=100)
    request = Request((Message("system", "é"), Message("user", "日本")), schema={"a": 1})
    bound = upper_bound([request], backend)
    assert bound.input_tokens == 2 + 6 + len('{"a": 1}') + 3 * 16


@pytest.mark.parametrize(
    "budget",
    [
        Budget(max_cost=3 * (10 * 2.0 + 10 * 10.0) / 1e6),
        Budget(max_tokens=60),
        Budget(max_requests=3),
    ],
    ids=["cost", "tokens", "requests"],
)
def test_what_might_exceed_the_budget_is_refused(budget):
    account = Account(PRICES, budget)
    bound = Usage(requests=1, input_tokens=10, output_tokens=10)
    for _ in range(3):
        account.reserve(bound)
    with pytest.raises(BudgetExceeded, match="raise it to go on"):
        account.reserve(bound)


def test_the_bill_replaces_the_reservation():
    account = Account(PRICES, Budget(max_tokens=40))
    bound = Usage(requests=1, input_tokens=10, output_tokens=10)
    account.settle(account.reserve(bound), Usage(requests=1, input_tokens=8, output_tokens=2))
    account.settle(account.reserve(bound), Usage())
    assert account.usage == Usage(1, 0, 8, 0, 2, 0.0, pytest.approx((8 * 2 + 2 * 10) / 1e6))
    account.reserve(bound)
    with pytest.raises(BudgetExceeded):
        account.reserve(bound)


def test_a_bill_without_tokens_counts_with_its_bound():
    account = Account(PRICES, Budget(max_tokens=40))
    bound = Usage(requests=1, input_tokens=10, output_tokens=10)
    for _ in range(2):
        account.settle(account.reserve(bound), Usage(requests=1))
    assert account.usage.input_tokens == 0
    with pytest.raises(BudgetExceeded):
        account.reserve(bound)


def test_failed_attempts_are_paid_only_if_the_endpoint_says_so():
    errors = [
        LLMUnavailable("no answer"),
        LLMUnavailable("no answer", usage=Usage(requests=1, input_tokens=10)),
    ]

    def answer(request):
        return errors.pop(0) if errors else "text"

    client = client_of(FunctionBackend(answer), prices=PRICES, sleep=at_once)
    (outcome,) = client.stream([ask("a")])
    assert outcome.usage.requests == 2
    assert outcome.usage.input_tokens == 20
    assert client.usage.cost == outcome.usage.cost == pytest.approx((20 * 2 + 5 * 10) / 1e6)
    assert outcome.reply.usage.requests == 1


def test_no_bill_is_lost_when_a_batch_is_taken_apart():
    bill = Usage(requests=1, input_tokens=7)
    errors = [LLMUnavailable("no answer", usage=bill), LLMRefused("too much at once")]

    def answer(request):
        return errors.pop(0) if errors else "text"

    client = client_of(FunctionBackend(answer, batch_size=2), sleep=at_once)
    outcomes = list(client.stream([ask("a"), ask("b")]))
    assert [outcome.usage.input_tokens for outcome in outcomes] == [17, 10]
    assert client.usage.input_tokens == 27


def test_each_attempt_has_to_fit_into_the_budget():
    error = LLMUnavailable("no answer", usage=Usage(requests=1, input_tokens=10))
    client = client_of(
        FunctionBackend(lambda request: error), budget=Budget(max_requests=2), sleep=at_once
    )
    (outcome,) = client.stream([ask("a")])
    assert isinstance(outcome.error, BudgetExceeded)
    assert outcome.usage.requests == client.usage.requests == 2


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_budget_holds_with_many_threads(batch_size):
    spent = []

    def answer(request):
        spent.append(20)
        return Reply("text", usage=Usage(requests=1, input_tokens=10, output_tokens=10))

    backend = FunctionBackend(answer, batch_size=batch_size)
    client = client_of(backend, budget=Budget(max_tokens=50 * 20 + 10))
    outcomes = list(client.stream(ask(str(n)) for n in range(200)))
    assert sum(spent) == client.usage.input_tokens + client.usage.output_tokens
    assert sum(spent) <= 50 * 20 + 10
    answered = sum(outcome.reply is not None for outcome in outcomes)
    refused = sum(isinstance(outcome.error, BudgetExceeded) for outcome in outcomes)
    assert (answered, refused) == (50, 150)


def test_totals_from_many_threads():
    account = Account()
    threads = [
        threading.Thread(target=lambda: [account.add(Usage(cache_hits=1)) for _ in range(500)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.usage.cache_hits == 4000
