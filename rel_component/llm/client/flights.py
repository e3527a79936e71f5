"""Requests on their way, and who waits for them."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Callable, Deque, Dict, Iterable, List, Optional

from ..types import Reply, Request, Usage

FollowUp = Callable[[Request, Reply], Optional[Request]]
"""Says what further request, if any, a reply calls for."""

LookUp = Callable[[str], Optional[Reply]]


@dataclass(eq=False)
class Slot:
    """The place of a request in a stream.

    Attributes:
        request: the first request.
        follow_up: asked for a further request.
        reply: the reply to the first request, while a further one is on its way.
        usage: what was paid until now.
        left: whether the stream has been closed, so that nobody waits any more.
        outcome: what the stream waits for.
    """

    request: Request
    follow_up: Optional[FollowUp] = None
    reply: Optional[Reply] = None
    usage: Usage = field(default_factory=Usage)
    left: bool = False
    outcome: "Future[Any]" = field(default_factory=Future)


@dataclass(eq=False)
class Flight:
    """A request on its way.

    Attributes:
        key: what it shares with equal requests; None: it is not shared.
        slots: those that wait for it; the first one pays.
        usage: what was paid for it until now.
    """

    request: Request
    key: Optional[str] = None
    slots: List[Slot] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    @property
    def wanted(self) -> bool:
        """Whether someone still waits for it."""
        return any(not slot.left for slot in self.slots)


class Flights:
    """All flights of a client in one process, and the queue of those that no worker has taken.

    Equal requests share a flight. A flight that nobody waits for is dropped when its turn comes;
    one that has been sent stays, and whoever asks for the same before its answer comes shares it.

    Args:
        batch_size: the most flights that a worker takes at a time.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._changed = threading.Condition()
        self._by_key: Dict[str, Flight] = {}
        self._queue: Deque[Flight] = deque()
        self._n_due = 0
        self.closed = False

    def board(
        self,
        slot: Slot,
        request: Request,
        key: Optional[str],
        look_up: LookUp,
        queue: Optional[List[Flight]] = None,
    ) -> Optional[Reply]:
        """Let a slot wait for the answer to a request, unless the answer is known.

        Returns the known answer.

        Args:
            key: of the request; None: neither look it up nor share it.
            look_up: finds a known answer by its key.
            queue: takes a new flight; None: the queue of all workers.
        """
        flight = Flight(request, key, [slot])
        # One lock over all, so that no answer slips in between looking and boarding.
        with self._changed:
            if slot.left:
                return None
            if key is not None:
                if key in self._by_key:
                    self._by_key[key].slots.append(slot)
                    return None
                reply = look_up(key)
                if reply is not None:
                    return reply
            # Queued first: an interruption between the lines must not leave a flight in the table
            # that no worker will ever take.
            (self._queue if queue is None else queue).append(flight)
            if key is not None:
                self._by_key[key] = flight
            if len(self._queue) >= self._batch_size:
                self._changed.notify()
        return None

    def flush(self) -> None:
        """Let workers take what is queued, even if it is less than a batch."""
        with self._changed:
            self._n_due = len(self._queue)
            self._changed.notify_all()

    def take(self) -> List[Flight]:
        """A batch of flights of the queue, as soon as there is one; nothing at the end."""
        with self._changed:
            while not self.closed:
                taken: List[Flight] = []
                if self._n_due or len(self._queue) >= self._batch_size:
                    while self._queue and len(taken) < self._batch_size:
                        taken += self._wanted([self._queue.popleft()])
                        self._n_due = max(0, self._n_due - 1)
                else:
                    self._changed.wait()
                if taken:
                    return taken
        return []

    def wanted(self, flights: Iterable[Flight]) -> List[Flight]:
        """Those flights that someone waits for; the others are dropped."""
        with self._changed:
            return self._wanted(flights)

    def land(self, flight: Flight) -> List[Slot]:
        """End a flight; returns the slots that still wait for it."""
        with self._changed:
            self._drop(flight)
            return [slot for slot in flight.slots if not slot.left]

    def close(self) -> None:
        """Give workers nothing more to take."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _wanted(self, flights: Iterable[Flight]) -> List[Flight]:
        wanted = []
        for flight in flights:
            if flight.wanted:
                wanted.append(flight)
            else:
                self._drop(flight)
        return wanted

    def _drop(self, flight: Flight) -> None:
        if flight.key is not None and self._by_key.get(flight.key) is flight:
            del self._by_key[flight.key]
