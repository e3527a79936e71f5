"""Count how often lines of Python run, where a clock would say more of the machine than of the code."""

import sys
from collections import Counter
from types import FrameType
from typing import Any, Callable, Optional

LIBRARIES = {"torch", "transformers"}
"""Packages that are left out: they call their layers from Python for every block of pairs."""


def most_runs_of_a_line(function: Callable[[], Any]) -> int:
    """Call a function, and count the runs of the line that runs most often.

    It is at least n where the function loops over n things in Python, comprehensions and generators
    among them, and no more than some calls where arrays are computed as a whole.
    """
    counts: Counter[Any] = Counter()

    def trace(frame: FrameType, event: str, arg: Any) -> Optional[Callable[..., Any]]:
        if frame.f_globals.get("__name__", "").partition(".")[0] in LIBRARIES:
            return None
        counts[frame.f_code, frame.f_lineno] += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return max(counts.values(), default=0)
