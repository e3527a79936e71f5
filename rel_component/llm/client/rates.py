"""Limits of requests and tokens per minute."""

import math
import threading
import time
from typing import Callable, Optional

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from .accounting import Positive

_RESOLUTION = 1e-6  # seconds; a wait of less may not advance a clock of floats


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Rates:
    """Limits per minute; None: no limit.

    Attributes:
        requests_per_minute: requests, including failed attempts.
        tokens_per_minute: tokens of prompts and answers together.
    """

    requests_per_minute: Optional[Positive] = None
    tokens_per_minute: Optional[Positive] = None


class RateLimiter:
    """A rate limiter of token buckets, shared by all threads of a client.

    The buckets hold one second's worth, so that no minute has noticeably more than its limit. An
    endpoint that is overloaded may pause all requests.

    Args:
        rates: the limits.
        clock: returns the time. (seconds)
    """

    def __init__(self, rates: Rates, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts_tokens = rates.tokens_per_minute is not None
        self._lock = threading.Lock()
        self._clock = clock
        self._requests = _Bucket(rates.requests_per_minute, clock())
        self._tokens = _Bucket(rates.tokens_per_minute, clock())
        self._paused_until = -math.inf

    def acquire(self, requests: int, tokens: int, wait: Callable[[float], object]) -> None:
        """Wait until requests may be sent, and count them.

        Args:
            requests: number of requests.
            tokens: the most tokens that they may use.
            wait: waits for a number of seconds; an exception that it raises gives up.
        """
        while True:
            with self._lock:
                now = self._clock()
                seconds = max(
                    self._requests.seconds_until(requests, now),
                    self._tokens.seconds_until(tokens, now),
                    self._paused_until - now,
                )
                if seconds < _RESOLUTION:
                    self._requests.take(requests)
                    self._tokens.take(tokens)
                    return
            wait(seconds)  # and look again: the pause may have been prolonged

    def give_back(self, tokens: int) -> None:
        """Correct the number of tokens.

        Args:
            tokens: how many of those that `acquire` counted were not used; negative if more were.
        """
        with self._lock:
            self._tokens.take(-tokens)

    def pause(self, seconds: float) -> None:
        """Let no request start for some seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def pause_left(self) -> float:
        """Seconds until the end of the pause, 0 if there is none."""
        with self._lock:
            return max(0.0, self._paused_until - self._clock())


class _Bucket:
    """A token bucket. It may be overdrawn, so that an amount larger than the bucket passes too."""

    def __init__(self, per_minute: Optional[float], now: float) -> None:
        self._rate = math.inf if per_minute is None else per_minute / 60.0
        self._size = max(1.0, self._rate)
        self._level = self._size
        self._filled = now

    def seconds_until(self, amount: int, now: float) -> float:
        """Seconds until an amount may be taken."""
        if math.isinf(self._rate):
            return 0.0
        self._level = min(self._size, self._level + (now - self._filled) * self._rate)
        self._filled = now
        return max(0.0, min(amount, self._size) - self._level) / self._rate

    def take(self, amount: int) -> None:
        self._level -= amount
