"""The client of language models: several requests in flight, replies in order, paid for once."""

import os
import threading
import time
import uuid
import weakref
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from spacy.util import minibatch

from ...errors import ConfigError
from ..types import ONE_PROCESS, Backend, Outcome, Reply, Request, Usage
from .accounting import Account, Budget, Prices, read_options
from .cache import ReplyCache, reply_key
from .rates import RateLimiter, Rates
from .sending import Sender

FollowUp = Callable[[Request, Reply], Optional[Request]]
"""Returns the further request, if any, that a reply calls for."""


def configure_llm_client(
    cache: Optional[str] = None,
    prices: Optional[Dict[str, float]] = None,
    budget: Optional[Dict[str, float]] = None,
    rates: Optional[Dict[str, float]] = None,
    concurrency: int = 16,
    attempts: int = 5,
    timeout: Optional[float] = 60.0,
) -> Callable[[Backend], "LLMClient"]:
    """Make a function from a backend to its client (``rel_component.llm_client.v1``).

    Args:
        cache: path of a file that keeps replies; None: every request is sent.
        prices: the attributes of :class:`Prices`; None: costs are not known.
        budget: the attributes of :class:`Budget`; requests that might exceed it are not sent. None:
            no limits.
        rates: the attributes of :class:`Rates`; None: no limits.
        concurrency: the most calls of the backend in flight.
        attempts: the most attempts for a request.
        timeout: seconds to wait for an answer, for each attempt; None: the backend decides.

    Raises:
        ConfigError: if a key is not known or a value lies outside its range.
    """
    return partial(
        LLMClient,
        cache=None if cache is None else ReplyCache(cache),
        prices=None if prices is None else read_options(Prices, prices),
        budget=read_options(Budget, budget or {}),
        rates=read_options(Rates, rates or {}),
        concurrency=concurrency,
        attempts=attempts,
        timeout=timeout,
    )


class LLMClient:
    """Sends requests to a language model; :func:`configure_llm_client` describes the options.

    It belongs to the process that has made it: a pickled copy is the client itself there, and refuses
    requests elsewhere, where its budget would hold once more. In tests `sleep` waits for a number of
    seconds, in the place of a wait that the end of a stream interrupts, and `clock` tells the time to
    the rate limiter.

    Raises:
        ConfigError: if a number lies outside its range, or the budget needs prices.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        cache: Optional[ReplyCache],
        prices: Optional[Prices],
        budget: Budget,
        rates: Rates,
        concurrency: int,
        attempts: int,
        timeout: Optional[float],
        sleep: Optional[Callable[[float], Any]] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if concurrency < 1:
            raise ConfigError(f"concurrency is {concurrency}; it has to be at least 1")
        self.backend = backend
        self._cache = cache
        self._account = Account(prices, budget)
        self._sender = Sender(
            backend,
            account=self._account,
            limiter=RateLimiter(rates, clock=clock),
            attempts=attempts,
            timeout=timeout,
            sleep=sleep,
        )
        self._n_threads = min(concurrency, backend.concurrency or concurrency)
        self._process = os.getpid()
        self._token = uuid.uuid4().hex
        _CLIENTS[self._token] = self

    @property
    def usage(self) -> Usage:
        """The usage that was paid for until now, and replies from the cache."""
        return self._account.usage

    def keep_replies(self, path: Union[str, "os.PathLike[str]"]) -> Optional[ReplyCache]:
        """Keep replies in a file from now on, unless a cache is configured.

        Returns:
            The cache; None if there was one already.
        """
        if self._cache is not None:
            return None
        self._cache = ReplyCache(path)
        return self._cache

    def __reduce__(self) -> Tuple[Any, ...]:
        """Copies in this process are the client itself, so that budget and rates hold for all."""
        return _client_of_process, (self._token,)

    def stream(
        self, requests: Iterable[Request], *, follow_up: Optional[FollowUp] = None
    ) -> Iterator[Outcome]:
        """Answer requests, in their order.

        Closing the iterator, as an interrupt does, cancels everything that has not been sent;
        replies to requests in flight still reach the cache.

        Args:
            requests: any number; they are read in the thread of the caller, a bounded number ahead.
            follow_up: called with a request and its reply; may return one further request, whose
                reply replaces the first one. If it has no reply, the first one stays. Called from
                several threads at a time.

        Raises:
            ConfigError: if the cache cannot be used, or if this is a copy in another process.
        """
        if os.getpid() != self._process:
            raise ConfigError(ONE_PROCESS)
        stop = threading.Event()
        pool = ThreadPoolExecutor(self._n_threads, thread_name_prefix="rel_llm")
        # The keys of each call of the backend (none without a cache), and its outcomes.
        window: deque[Tuple[Set[str], Future[List[Outcome]]]] = deque()
        try:
            for batch in minibatch(requests, self.backend.batch_size):
                keys = set(() if self._cache is None else map(self._key, batch))
                # Equal requests wait for the reply that is in flight, and find it in the cache.
                equal = [outcomes for others, outcomes in window if keys & others]
                window.append((keys, pool.submit(self._answer, batch, follow_up, stop, equal)))
                while window and (window[0][1].done() or len(window) >= 2 * self._n_threads):
                    yield from window.popleft()[1].result()
            while window:
                yield from window.popleft()[1].result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _answer(
        self,
        requests: Sequence[Request],
        follow_up: Optional[FollowUp],
        stop: threading.Event,
        equal: Sequence["Future[List[Outcome]]"],
    ) -> List[Outcome]:
        """Replies to the requests of a call and to their follow-up requests. In a thread."""
        wait(equal)
        outcomes = self._ask(requests, stop)
        if follow_up is None:
            return outcomes
        further: Dict[int, Request] = {}
        for n, outcome in enumerate(outcomes):
            request = None
            if outcome.reply is not None:
                request = follow_up(outcome.request, outcome.reply)
            if request is not None:
                further[n] = request
        for n, second in zip(further, self._ask([*further.values()], stop)):
            first = outcomes[n]
            usage = first.usage + second.usage
            outcomes[n] = replace(first, reply=second.reply or first.reply, usage=usage)
        return outcomes

    def _ask(self, requests: Sequence[Request], stop: threading.Event) -> List[Outcome]:
        """Replies from the cache or the backend; equal requests are sent once if there is a cache."""
        if not requests or self._cache is None:
            return self._sender.send(requests, stop) if requests else []
        keys = [self._key(request) for request in requests]
        known = {key: Outcome(req, self._cache.get(key)) for key, req in zip(keys, requests)}
        missing = {key: outcome.request for key, outcome in known.items() if not outcome.reply}
        sent: Dict[str, Outcome] = {}
        if missing:
            sent = dict(zip(missing, self._sender.send([*missing.values()], stop)))
        for key, outcome in sent.items():
            known[key] = outcome
            if outcome.reply is not None:
                self._cache.put(key, outcome.reply)
        # The first request with a key pays, the others find its reply.
        return [
            replace(sent.pop(key), request=request)
            if key in sent
            else self._hit(request, known[key])
            for key, request in zip(keys, requests)
        ]

    def _hit(self, request: Request, known: Outcome) -> Outcome:
        if known.reply is None:
            return Outcome(request, error=known.error)
        usage = Usage(cache_hits=1)
        self._account.add(usage)
        return Outcome(request, known.reply.with_usage(usage), usage=usage)

    def _key(self, request: Request) -> str:
        return reply_key(self.backend.settings, request)


class ForeignClient:
    """Stands for a client that another process has made, or that is gone: it refuses all requests."""

    usage = Usage()

    def __init__(self, token: str) -> None:
        self._token = token

    def __reduce__(self) -> Tuple[Any, ...]:
        return _client_of_process, (self._token,)

    def _refuse(self, *args: Any, **options: Any) -> Any:
        raise ConfigError(ONE_PROCESS)

    backend = property(_refuse)
    stream = keep_replies = _refuse


# the clients of this process by a token that no other process gives
_CLIENTS: "weakref.WeakValueDictionary[str, LLMClient]" = weakref.WeakValueDictionary()


def _client_of_process(token: str) -> Union[LLMClient, ForeignClient]:
    return _CLIENTS.get(token) or ForeignClient(token)
