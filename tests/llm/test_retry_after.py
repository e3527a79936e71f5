import time
from email.utils import formatdate

import pytest

from rel_component.llm.backends.retry_after import read_retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "5", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({"x-ratelimit-reset-requests": "1m2s", "x-ratelimit-reset-tokens": "120ms"}, 62.0),
        (
            {
                "x-ratelimit-reset-requests": "8h",
                "x-ratelimit-reset-tokens": "6s",
                "x-ratelimit-remaining-tokens": "0",
            },
            6.0,
        ),
        ({"x-ratelimit-reset": "3"}, 3.0),
        ({"x-ratelimit-reset": "later"}, None),
    ],
)
def test_headers_with_a_time_to_wait(headers, seconds):
    assert read_retry_after(headers) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        lambda moment: {"retry-after": formatdate(moment, usegmt=True)},
        lambda moment: {"x-ratelimit-reset": str(moment)},
        lambda moment: {"x-ratelimit-reset": str(moment * 1000)},
    ],
)
def test_headers_with_a_point_in_time(headers):
    assert 27 < read_retry_after(headers(time.time() + 30)) <= 30
