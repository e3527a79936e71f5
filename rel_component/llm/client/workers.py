"""Threads that call a language model."""

import atexit
import os
import time
import weakref
from threading import Thread
from typing import Callable, List, Optional

from .flights import Flight, Flights

Work = Callable[[List[Flight]], None]

_GRACE = 5.0  # seconds at the exit for answers that are on their way, because they are paid for


class Workers:
    """Some threads that take flights from a queue.

    At the exit of the interpreter, flights that nobody has taken are dropped, and the others get
    five seconds. A pool of ``concurrent.futures`` would finish them all, and whoever has interrupted
    a long job would wait for it.

    Threads are started one by one, by `start`.

    Args:
        size: number of threads.
        flights: where they take flights from.
        work: a method that does what there is to do with some flights, and does not raise. The
            threads end when its object is collected.
    """

    def __init__(self, size: int, flights: Flights, work: Work) -> None:
        self._size = size
        self._flights = flights
        self._work = weakref.WeakMethod(work)
        self._threads: List[Thread] = []
        self.process = os.getpid()
        _POOLS.add(self)
        weakref.finalize(self, flights.close).atexit = False

    def start(self) -> None:
        """Start one more thread, if there are not enough."""
        if len(self._threads) < self._size:
            thread = Thread(
                target=_run, args=(self._flights, self._work), name="rel_llm", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self, deadline: float) -> None:
        """Take no more flights, and wait for the rest until a time of the monotonic clock."""
        self._flights.close()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))


_POOLS: "weakref.WeakSet[Workers]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    deadline = time.monotonic() + _GRACE
    for workers in list(_POOLS):
        if workers.process == os.getpid():
            workers.close(deadline)


def _run(flights: Flights, reference: "weakref.WeakMethod[Work]") -> None:
    taken = flights.take()
    while taken:
        work: Optional[Work] = reference()
        if work is None:
            return
        work(taken)
        del work, taken  # they hold the client, which could not be collected while a thread waits
        taken = flights.take()
