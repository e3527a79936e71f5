"""One call to a backend: its turn, its budget, its format, and further attempts."""

import math
import time
from dataclasses import dataclass, field, replace
from typing import List, Optional, Sequence

from ...errors import FormatUnsupported, LLMError, LLMUnavailable
from ..types import AnswerFormat, Backend, Reply, Request, Usage
from .accounting import Account, upper_bound
from .formats import Descent, FormatLadder
from .retries import Pace, RetryPolicy, Wanted, sleep


@dataclass(frozen=True)
class Answer:
    """What came of a request that was sent: a reply or an error.

    Attributes:
        usage: what was paid for, failed attempts included.
    """

    reply: Optional[Reply] = None
    error: Optional[LLMError] = None
    usage: Usage = field(default_factory=Usage)


class Sender:
    """Sends requests to a backend, as often as needed.

    Args:
        account, pace: shared by all calls. timeout: seconds for an attempt.

    Raises:
        ConfigError: if the formats of the backend are not known.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        account: Account,
        pace: Pace,
        retries: RetryPolicy,
        timeout: Optional[float],
    ) -> None:
        self._backend = backend
        self._account = account
        self._pace = pace
        self._retries = retries
        self._timeout = timeout
        self._ladder = FormatLadder(backend.formats)

    def send(self, requests: Sequence[Request], wanted: Wanted) -> List[Answer]:
        """Answers to requests, in their order; if there is an error, all of them have it.

        Args:
            requests: as many as fit into one call of the backend.
            wanted: asked before attempts and while waiting.

        Raises:
            Abandoned: if they are not wanted any more.
        """
        bills: List[Usage] = []
        try:
            replies = self._try(requests, wanted, bills)
        except LLMError as error:
            answers = [Answer(error=error) for _ in requests]
        else:
            answers = [Answer(reply=reply, usage=reply.usage) for reply in replies]
        if bills:
            first = answers[0]
            answers[0] = replace(first, usage=sum(bills, start=Usage()) + first.usage)
        return answers

    def _try(
        self, requests: Sequence[Request], wanted: Wanted, bills: List[Usage]
    ) -> Sequence[Reply]:
        bound = self._bound(requests)
        structured = any(request.schema is not None for request in requests)
        descent = Descent(self._ladder if structured else FormatLadder(("text",)))
        failures, deadline = 0, math.inf
        while True:
            self._check_pause()
            # Before the wait for its turn: what the budget does not cover need not wait.
            reserved = self._account.reserve(bound)
            bill, taken = Usage(), 0
            try:
                self._pace.wait(len(requests), _tokens(bound), wanted)
                taken = _tokens(bound)
                deadline = min(deadline, time.monotonic() + self._retries.total_seconds)
                replies = self._call(requests, descent.format())
                bill = sum((reply.usage for reply in replies), start=Usage())
                descent.answered()
                return replies
            except FormatUnsupported:
                if not descent.unsupported():
                    raise
                seconds = 0.0
            except LLMUnavailable as error:
                if error.usage is not None:
                    bill = self._account.priced(error.usage)
                    bills.append(bill)
                if descent.failed(error):
                    failures, seconds = 0, 0.0
                else:
                    failures += 1
                    seconds = self._wait_after(error, failures, deadline)
            finally:
                self._account.settle(reserved, bill)
                self._pace.give_back(taken - _tokens(bill) if _known(bill) else 0)
            sleep(seconds, wanted)

    def _bound(self, requests: Sequence[Request]) -> Usage:
        if self._account.counts_tokens or self._pace.counts_tokens:
            return upper_bound(requests, self._backend)
        return Usage(requests=len(requests))

    def _check_pause(self) -> None:
        pause, limit = self._pace.pause_left(), self._retries.total_seconds
        if pause > limit:
            raise LLMUnavailable(
                f"the request was not sent: the endpoint asks to wait for {pause:.0f} s, and "
                f"total_seconds={limit:g}",
                retry_after=pause,
            )

    def _call(self, requests: Sequence[Request], format: AnswerFormat) -> List[Reply]:
        start = time.monotonic()
        replies = self._backend(requests, answer_format=format, timeout=self._timeout)
        if len(replies) != len(requests):
            raise RuntimeError(
                f"{type(self._backend).__name__} returned {len(replies)} replies for "
                f"{len(requests)} requests"
            )
        seconds = (time.monotonic() - start) / len(requests)
        return [reply.with_usage(self._bill(reply.usage, seconds)) for reply in replies]

    def _bill(self, usage: Usage, seconds: float) -> Usage:
        usage = replace(usage, requests=max(1, usage.requests), seconds=usage.seconds or seconds)
        return self._account.priced(usage)

    def _wait_after(self, error: LLMUnavailable, failures: int, deadline: float) -> float:
        """Seconds to wait after a failure.

        Raises:
            LLMUnavailable: if there is to be no other attempt.
        """
        if error.retry_after is not None:
            self._pace.pause(error.retry_after)
        seconds = self._retries.wait(failures, error.retry_after)
        if failures < self._retries.attempts and time.monotonic() + seconds <= deadline:
            return seconds
        raise LLMUnavailable(
            f"{error} (given up after {failures} attempts)",
            retry_after=error.retry_after,
            status=error.status,
            usage=error.usage,
        ) from error


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


def _known(bill: Usage) -> bool:
    """Whether the tokens used are known; a failed attempt without a bill used none."""
    return _tokens(bill) > 0 or bill.requests == 0
