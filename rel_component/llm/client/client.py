"""The way of requests to a language model and back: in order, several at a time, paid for once."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Deque, Iterable, Iterator, List, Optional

from ...errors import BudgetExceeded, ConfigError, LLMRefused
from ..types import Backend, Outcome, Reply, Request, Usage
from .accounting import Account, Budget, Prices
from .cache import ReplyCache, reply_key
from .flights import Flight, Flights, FollowUp, Slot
from .per_process import PerProcess
from .retries import Abandoned, Pace, RetryPolicy
from .sending import Answer, Sender
from .workers import Workers


class LLMClient:
    """Sends requests to a language model.

    It may be pickled and forked: the copy has threads and a database connection of its own, and
    knows what was spent until then.

    backend: the language model.

    How to send requests.

    Args:
        backend: the language model.
        cache: answers that are known already; None: every request is sent.
        prices: price table; None: costs are not known.
        budget: limits; what might exceed them is not sent. None: no limits.
        retries: how often and for how long a request is sent again; None: the default.
        max_concurrency: the most calls of the backend at a time.
        requests_per_minute, tokens_per_minute: rate limits, failed attempts included; None: none.
        timeout: seconds to wait for an answer, for each attempt; None: what the backend thinks fit.

    Raises:
        ConfigError: if a number lies outside its range, or the budget needs prices.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        cache: Optional[ReplyCache] = None,
        prices: Optional[Prices] = None,
        budget: Optional[Budget] = None,
        retries: Optional[RetryPolicy] = None,
        max_concurrency: int = 16,
        requests_per_minute: Optional[float] = None,
        tokens_per_minute: Optional[float] = None,
        timeout: Optional[float] = 60.0,
    ) -> None:
        if max_concurrency < 1:
            raise ConfigError(f"max_concurrency is {max_concurrency}; it has to be at least 1")
        if timeout is not None and not timeout > 0:
            raise ConfigError(f"timeout is {timeout}; it has to be above 0, or None for no limit")
        self.backend = backend
        self._cache = cache
        self._account = Account(prices, budget)
        self._sender = Sender(
            backend,
            account=self._account,
            pace=Pace(requests_per_minute, tokens_per_minute),
            retries=retries or RetryPolicy(),
            timeout=timeout,
        )
        self._n_workers = min(max_concurrency, backend.concurrency or max_concurrency)
        self._state = PerProcess(self._start)

    @property
    def usage(self) -> Usage:
        """What was paid for until now, and answers from the cache."""
        return self._account.usage

    def stream(
        self, requests: Iterable[Request], *, follow_up: Optional[FollowUp] = None
    ) -> Iterator[Outcome]:
        """Answer requests, in their order.

        At most twice as many requests as can be sent at a time are on their way. Closing the
        iterator drops those that have not been sent; answers of the others still reach the cache.

        Args:
            requests: any number; they are read in the thread of the caller, a bounded number ahead.
            follow_up: called with a request and its reply; may return one further request, whose
                reply replaces the first one. If it has none, the first one stays. Called from
                several threads at a time.

        Raises:
            ConfigError: if the cache cannot be used.
        """
        window = 2 * self._n_workers * self.backend.batch_size
        source, more = iter(requests), True
        slots: Deque[Slot] = deque()
        try:
            while more or slots:
                if more:
                    request = next(source, None)
                    if request is None:
                        more = False
                    else:
                        slots.append(Slot(request, follow_up))
                        self._board(slots[-1], request)
                if slots and (slots[0].outcome.done() or not more or len(slots) == window):
                    yield self._wait(slots)
        finally:
            for slot in slots:
                slot.left = True

    def _wait(self, slots: Deque[Slot]) -> Outcome:
        """The outcome of the first slot, which leaves only then."""
        if not slots[0].outcome.done():
            self._state().flights.flush()
        outcome: Outcome = slots[0].outcome.result()
        slots.popleft()
        return outcome

    def _board(
        self, slot: Slot, request: Optional[Request], queue: Optional[List[Flight]] = None
    ) -> None:
        """Let a slot wait for a request, or go on as long as answers are known.

        Args:
            queue: takes what is to be sent; None: the queue of all workers.
        """
        state = self._state()
        while request is not None:
            key = None if self._cache is None else reply_key(self.backend.settings, request)
            reply = state.flights.board(slot, request, key, self._look_up, queue)
            if reply is None:
                if queue is None:
                    state.workers.start()
                return
            request = self._arrive(slot, self._hit(reply))

    def _look_up(self, key: str) -> Optional[Reply]:
        return None if self._cache is None else self._cache.get(key)

    def _hit(self, reply: Reply) -> Answer:
        usage = Usage(cache_hits=1)
        self._account.add(usage)
        return Answer(reply.with_usage(usage), usage=usage)

    def _arrive(self, slot: Slot, answer: Answer) -> Optional[Request]:
        """Give a slot its answer; returns the further request that the answer calls for."""
        slot.usage += answer.usage
        reply, error = answer.reply, answer.error
        if slot.reply is not None:
            reply, error = reply or slot.reply, None
        elif reply is not None and slot.follow_up is not None:
            further = slot.follow_up(slot.request, reply)
            if further is not None:
                slot.reply = reply
                return further
        slot.outcome.set_result(Outcome(slot.request, reply, error, slot.usage))
        return None

    def _work(self, flights: List[Flight]) -> None:
        """Do all there is to do with some flights, follow-ups included. In a worker."""
        size = self.backend.batch_size
        while flights:
            flights = self._fly(flights[:size]) + flights[size:]

    def _fly(self, flights: List[Flight]) -> List[Flight]:
        """Send a batch; returns what is to be sent then."""
        known = self._state().flights
        try:
            answers = self._sender.send(
                [flight.request for flight in flights],
                lambda: not known.closed and any(flight.wanted for flight in flights),
            )
        except Abandoned:
            # Someone may have come to wait for the same in the meantime.
            return [] if known.closed else known.wanted(flights)
        except BaseException as error:
            self._fail([slot for flight in flights for slot in known.land(flight)], error)
            return []
        if len(flights) > 1 and isinstance(answers[0].error, (LLMRefused, BudgetExceeded)):
            # One of them may be to blame for all.
            flights[0].usage += answers[0].usage
            return [further for flight in flights for further in self._fly([flight])]
        return [
            further
            for flight, answer in zip(flights, answers)
            for further in self._land(flight, answer)
        ]

    def _land(self, flight: Flight, answer: Answer) -> List[Flight]:
        """Give an answer to all who wait for it; returns what is to be sent then."""
        known = self._state().flights
        try:
            if self._cache is not None and flight.key is not None and answer.reply is not None:
                self._cache.put(flight.key, answer.reply)
        except BaseException as error:
            self._fail(known.land(flight), error)
            return []
        further: List[Flight] = []
        for n, slot in enumerate(known.land(flight)):
            if n == 0:
                own = replace(answer, usage=flight.usage + answer.usage)
            else:
                own = self._hit(answer.reply) if answer.reply else Answer(error=answer.error)
            try:
                self._board(slot, self._arrive(slot, own), further)
            except BaseException as error:
                self._fail([slot], error)
        return further

    def _fail(self, slots: Iterable[Slot], error: BaseException) -> None:
        """Tell all who wait of a bug, or of a cache that cannot be used."""
        for slot in slots:
            slot.outcome.set_exception(error)

    def _start(self) -> "_ClientState":
        flights = Flights(self.backend.batch_size)
        return _ClientState(flights, Workers(self._n_workers, flights, self._work))


@dataclass
class _ClientState:
    """What a client has in each process."""

    flights: Flights
    workers: Workers
