"""The time that an endpoint asks to wait before the next attempt."""

import email.utils
import math
import re
import time
from typing import List, Mapping, Optional

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FIRST_TIMESTAMP = 1e9  # numbers from here on are points in time, not durations
_FIRST_TIMESTAMP_MS = 1e12


def read_retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds to wait, or None if the endpoint does not say.

    Args:
        headers: of the response; their names in lower case, or looked up without regard to case.
            ``Retry-After`` holds seconds or a date
            (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after);
            ``x-ratelimit-reset-requests`` and ``x-ratelimit-reset-tokens`` durations such as
            ``6m0s``, ``x-ratelimit-reset`` seconds or a point in time.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is not None:
        seconds = _number(value)
        return _until_date(value) if seconds is None else seconds
    return _until_reset(headers)


def _until_reset(headers: Mapping[str, str]) -> Optional[float]:
    """The limits that are used up say how long; if none says so, the slowest of all."""
    used_up: List[float] = []
    others: List[float] = []
    for suffix in ("-requests", "-tokens", ""):
        seconds = _duration(headers.get(f"x-ratelimit-reset{suffix}"))
        if seconds is not None:
            remaining = _number(headers.get(f"x-ratelimit-remaining{suffix}"))
            (used_up if remaining == 0 else others).append(seconds)
    return max(used_up or others, default=None)


def _duration(value: Optional[str]) -> Optional[float]:
    number = _number(value)
    if number is not None:
        if number >= _FIRST_TIMESTAMP:
            moment = number / 1000 if number >= _FIRST_TIMESTAMP_MS else number
            return max(0.0, moment - time.time())
        return number
    parts = _DURATION.findall(value or "")
    return sum(float(count) * _SECONDS[unit] for count, unit in parts) if parts else None


def _until_date(value: str) -> Optional[float]:
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _number(value: Optional[str]) -> Optional[float]:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
