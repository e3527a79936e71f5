"""Values that each process makes for itself."""

import os
import threading
import weakref
from typing import Any, Callable, Generic, List, Optional, Tuple, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that is made on demand, anew in each process, and is not pickled.

    Locks, threads and database connections survive neither a fork nor pickling; what owns them must.

    Args:
        make: makes the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._value: Optional[T] = None
        self._lock = threading.Lock()
        _ALL.add(self)

    def __call__(self) -> T:
        """The value of this process."""
        if self._value is None:
            with self._lock:
                if self._value is None:
                    self._value = self._make()
        return self._value

    def __reduce__(self) -> Tuple[Any, ...]:
        return PerProcess, (self._make,)


_ALL: "weakref.WeakSet[PerProcess[Any]]" = weakref.WeakSet()

# Values of the parent process are kept for ever: to collect them would take locks that nobody
# releases, or close files under the parent.
_INHERITED: List[Any] = []


def _forget_parent() -> None:
    for holder in list(_ALL):
        _INHERITED.append(holder._value)
        holder._value = None
        holder._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
