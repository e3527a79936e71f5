"""When to send a request again, and when to send it at all."""

import math
import random
import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional

from ...errors import ConfigError
from .per_process import PerProcess

Wanted = Callable[[], bool]
"""Whether someone still waits for an answer."""

_POLL = 0.05  # seconds


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and for how long a request is sent again.

    Before attempt n + 1 it waits for a random time below ``first_wait * 2 ** (n - 1)`` seconds
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, "full jitter"),
    after the time that the endpoint asks for, if it does.

    Attributes:
        attempts: the most attempts for a request.
        total_seconds: no attempt starts later than this after the first one.
        first_wait: upper bound of the first wait. (seconds)
        longest_wait: upper bound of all waits of its own. (seconds)

    Raises:
        ConfigError: if a number lies outside its range.
    """

    attempts: int = 6
    total_seconds: float = 300.0
    first_wait: float = 1.0
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigError(f"attempts is {self.attempts}; it has to be at least 1")
        for name in ("total_seconds", "first_wait", "longest_wait"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} is {value}; it has to be a finite number of at least 0")

    def wait(self, failures: int, retry_after: Optional[float] = None) -> float:
        """Seconds to wait before the next attempt.

        Args:
            failures: attempts that have failed, at least 1.
            retry_after: seconds that the endpoint asks for.
        """
        # The exponent is bounded because large powers are no floats.
        longest = min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 64))
        return max(0.0, retry_after or 0.0) + random.uniform(0.0, longest)


class Pace:
    """When the next request may be sent: rate limits, and the pause that an endpoint asks for.

    Both hold for all threads. The limits are token buckets that hold one second's worth, so that no
    minute has noticeably more than its limit.

    Args:
        requests_per_minute, tokens_per_minute: the limits; None: no limit.

    Raises:
        ConfigError: if a limit is not above 0.
    """

    def __init__(
        self,
        requests_per_minute: Optional[float] = None,
        tokens_per_minute: Optional[float] = None,
    ) -> None:
        for name, limit in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
        ):
            if limit is not None and not limit > 0:
                raise ConfigError(f"{name} is {limit}; it has to be above 0, or None for no limit")
        self._limits = (requests_per_minute, tokens_per_minute)
        self._state = PerProcess(self._start)

    @property
    def counts_tokens(self) -> bool:
        """Whether the number of tokens matters."""
        return self._limits[1] is not None

    def pause(self, seconds: float) -> None:
        """No request is sent for some seconds."""
        state = self._state()
        with state.lock:
            state.paused_until = max(state.paused_until, time.monotonic() + seconds)

    def pause_left(self) -> float:
        """Seconds until the end of the pause; 0 if there is none."""
        return max(0.0, self._state().paused_until - time.monotonic())

    def wait(self, requests: int, tokens: int, wanted: Wanted) -> None:
        """Wait until some requests may be sent, and count them.

        Args:
            tokens: of prompts and answers, an upper bound.
            wanted: asked while waiting.

        Raises:
            Abandoned: if they are not wanted any more.
        """
        state = self._state()
        while True:
            with state.lock:
                now = time.monotonic()
                seconds = max(state.requests.wait(requests, now), state.tokens.wait(tokens, now))
                seconds = max(seconds, state.paused_until - now)
                if seconds <= 0 and wanted():
                    state.requests.take(requests)
                    state.tokens.take(tokens)
                    return
            # Others may give tokens back, and the pause may be prolonged.
            sleep(min(seconds, 0.5), wanted)

    def give_back(self, tokens: int) -> None:
        """Correct the number of tokens: fewer were used than thought, or more if negative."""
        state = self._state()
        with state.lock:
            state.tokens.take(-tokens)

    def _start(self) -> "_PaceState":
        return _PaceState(*self._limits)


def sleep(seconds: float, wanted: Wanted) -> None:
    """Wait for some seconds.

    Raises:
        Abandoned: as soon as `wanted` says no.
    """
    end = time.monotonic() + seconds
    while wanted():
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _POLL))
    raise Abandoned


class _PaceState:
    def __init__(
        self, requests_per_minute: Optional[float], tokens_per_minute: Optional[float]
    ) -> None:
        self.lock = threading.Lock()
        self.paused_until = -math.inf
        self.requests = _Bucket(requests_per_minute)
        self.tokens = _Bucket(tokens_per_minute)


class _Bucket:
    """A token bucket. It may be overdrawn, so that what is larger than the bucket passes too."""

    def __init__(self, per_minute: Optional[float]) -> None:
        self._rate = math.inf if per_minute is None else per_minute / 60.0
        self._size = max(1.0, self._rate)
        self._level = self._size
        self._filled = time.monotonic()

    def wait(self, amount: int, now: float) -> float:
        """Seconds until the amount may be taken."""
        if math.isinf(self._rate):
            return 0.0
        self._level = min(self._size, self._level + (now - self._filled) * self._rate)
        self._filled = now
        return max(0.0, min(amount, self._size) - self._level) / self._rate

    def take(self, amount: int) -> None:
        self._level -= amount
