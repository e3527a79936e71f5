"""Calls of a backend: rate limits, budget, answer formats and further attempts."""

import threading
import time
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial
from typing import Any, Callable, List, Optional, Sequence, Tuple

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from ...errors import (
    BudgetExceeded,
    ConfigError,
    FormatUnsupported,
    LLMError,
    LLMRefused,
    LLMUnavailable,
)
from ..types import ANSWER_FORMATS, AnswerFormat, Backend, Outcome, Reply, Request, Usage
from .accounting import Account, tokens_of, upper_bound
from .rates import RateLimiter

LONGEST_PAUSE = 300.0
"""An endpoint that asks to wait for longer has failed. (seconds)"""

_LONGEST_WAIT = 60.0  # seconds, of the random waits between attempts
_CRASHES = frozenset({500, 501})  # not 502 to 504: these come from gateways and busy servers

_random_wait = wait_random_exponential(multiplier=1.0, max=_LONGEST_WAIT)


class Sender:
    """Sends requests to a backend, as often as needed.

    Args:
        backend: the language model.
        account: reserves and counts the usage.
        limiter: says when requests may be sent.
        attempts: the most attempts for a request. Before each further one it waits for a random
            time whose bound doubles
            (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), after the
            time that the endpoint asks for, if it does.
        timeout: seconds to wait for an answer, for each attempt; None: the backend decides.
        sleep: waits for a number of seconds; None: a wait that the end of the stream interrupts.

    Raises:
        ConfigError: if an option is out of range or the formats of the backend are not known.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        account: Account,
        limiter: RateLimiter,
        attempts: int,
        timeout: Optional[float],
        sleep: Optional[Callable[[float], Any]] = None,
    ) -> None:
        if attempts < 1:
            raise ConfigError(f"attempts is {attempts}; it has to be at least 1")
        if timeout is not None and not timeout > 0:
            raise ConfigError(f"timeout is {timeout}; it has to be above 0, or None")
        if not backend.formats or not {*backend.formats} <= {*ANSWER_FORMATS}:
            raise ConfigError(
                f"the formats of a backend are {list(backend.formats)}; at least one is needed, of "
                f"{list(ANSWER_FORMATS)}"
            )
        self._backend = backend
        self._account = account
        self._limiter = limiter
        self._attempts = attempts
        self._timeout = timeout
        self._sleep = sleep
        # Those worth trying. Threads share them without a lock: at worst, two find the same format.
        self._formats: Tuple[AnswerFormat, ...] = tuple(backend.formats)
        self._has_answered = False  # whether a structured answer has come back in the first of them

    def send(self, requests: Sequence[Request], stop: threading.Event) -> List[Outcome]:
        """Replies to requests or errors, in their order.

        Args:
            requests: as many as fit into one call of the backend.
            stop: when it is set, nothing more is sent.

        Raises:
            CancelledError: if `stop` is set before there is a reply or an error.
        """
        failures: List[LLMUnavailable] = []
        retrying = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(self._attempts),
            wait=_seconds_to_wait,
            sleep=partial(self._wait, stop),
            retry_error_callback=_give_up,
        )
        try:
            replies = retrying(self._attempt, requests, stop, failures)
            outcomes = [Outcome(*pair, usage=pair[1].usage) for pair in zip(requests, replies)]
        except (LLMRefused, BudgetExceeded) as error:
            if len(requests) > 1:  # one of them may be to blame for all
                outcomes = [outcome for req in requests for outcome in self.send([req], stop)]
            else:
                outcomes = [Outcome(requests[0], error=error)]
        except LLMError as error:
            outcomes = [Outcome(request, error=error) for request in requests]
        charged = [error.usage for error in failures if error.usage is not None]
        outcomes[0] = replace(outcomes[0], usage=sum(charged, start=outcomes[0].usage))
        return outcomes

    def _attempt(
        self, requests: Sequence[Request], stop: threading.Event, failures: List[LLMUnavailable]
    ) -> List[Reply]:
        """Send requests in the best format that the backend knows."""
        if all(request.schema is None for request in requests):
            return self._call(requests, "text", stop, failures)
        formats = self._formats
        for n, answer_format in enumerate(formats):
            try:
                replies = self._call(requests, answer_format, stop, failures)
            except FormatUnsupported:
                if n + 1 == len(formats):
                    raise
            except LLMUnavailable:
                if n + 1 == len(formats) or not self._format_may_be_unknown(failures):
                    raise
            else:
                if not self._has_answered:  # or a schema of this request alone is refused
                    self._formats, self._has_answered = formats[n:], True
                return replies
        raise AssertionError("the last format returns or raises")

    def _format_may_be_unknown(self, failures: Sequence[LLMUnavailable]) -> bool:
        """Whether the endpoint has crashed at a format that it does not know.

        Some servers answer 500 to such a format, as they do to other accidents. As long as there
        was no structured answer, the second crash of a request tries all formats once.
        """
        crashes = [error.status in _CRASHES and error.retry_after is None for error in failures]
        crashed = crashes[-1:] == [True]
        return not self._has_answered and crashed and 2 <= sum(crashes) <= len(self._formats)

    def _call(
        self,
        requests: Sequence[Request],
        answer_format: AnswerFormat,
        stop: threading.Event,
        failures: List[LLMUnavailable],
    ) -> List[Reply]:
        """Call the backend once, within budget and rate limits."""
        self._check_pause()
        bound = self._bound(requests)
        # Before the wait for the rate limiter: what the budget does not cover need not wait.
        reservation = self._account.reserve(bound)
        bill, acquired = Usage(), 0
        try:
            self._limiter.acquire(len(requests), tokens_of(bound), partial(self._wait, stop))
            acquired = tokens_of(bound)
            if stop.is_set():
                raise CancelledError
            replies = self._replies(requests, answer_format)
            bill = sum((reply.usage for reply in replies), start=Usage())
            return replies
        except LLMUnavailable as error:
            if error.usage is not None:
                bill = error.usage = self._account.priced(error.usage)
            if error.retry_after is not None:
                self._limiter.pause(error.retry_after)
            failures.append(error)
            raise
        finally:
            self._account.settle(reservation, bill)
            # A failed attempt without a bill used no tokens; a bill without tokens is not known.
            if tokens_of(bill) or not bill.requests:
                self._limiter.give_back(acquired - tokens_of(bill))

    def _replies(self, requests: Sequence[Request], answer_format: AnswerFormat) -> List[Reply]:
        """Ask the backend; replies get what it has left out of their bill."""
        start = time.monotonic()
        replies = self._backend(requests, answer_format=answer_format, timeout=self._timeout)
        if len(replies) != len(requests):
            raise RuntimeError(
                f"{type(self._backend).__name__} returned {len(replies)} replies for "
                f"{len(requests)} requests"
            )
        seconds = (time.monotonic() - start) / len(requests)
        bills = (
            replace(bill, requests=max(1, bill.requests), seconds=bill.seconds or seconds)
            for bill in (reply.usage for reply in replies)
        )
        return [reply.with_usage(self._account.priced(bill)) for reply, bill in zip(replies, bills)]

    def _bound(self, requests: Sequence[Request]) -> Usage:
        if self._account.counts_tokens or self._limiter.counts_tokens:
            return upper_bound(requests, self._backend)
        return Usage(requests=len(requests))

    def _check_pause(self) -> None:
        pause = self._limiter.pause_left()
        if pause > LONGEST_PAUSE:
            raise LLMUnavailable(
                f"the request was not sent: the endpoint asks to wait for {pause:.0f} s, more than "
                f"{LONGEST_PAUSE:.0f} s",
                retry_after=pause,
            )

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        if self._sleep is None:
            stop.wait(seconds)
        else:
            self._sleep(seconds)
        if stop.is_set():
            raise CancelledError


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, LLMUnavailable) and (error.retry_after or 0.0) <= LONGEST_PAUSE


def _seconds_to_wait(state: RetryCallState) -> float:
    """A random time, after the time that the endpoint asks for."""
    error = state.outcome.exception() if state.outcome is not None else None
    return (getattr(error, "retry_after", None) or 0.0) + _random_wait(state)


def _give_up(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    if error is not None:
        error.args = (f"{error} (given up after {state.attempt_number} attempts)",)
        raise error
