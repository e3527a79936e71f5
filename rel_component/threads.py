"""How many threads PyTorch computes with on the CPU, and what becomes of them in forked processes."""

import multiprocessing
import os
import sys
from functools import cache, partial
from time import perf_counter
from typing import Any, Callable, Dict, List

from spacy.language import Language
from thinc.util import get_torch_default_device

from .errors import ConfigError

_PARALLELISM = "TOKENIZERS_PARALLELISM"


def set_torch_threads(n_threads: int = 1) -> None:
    """Let PyTorch compute with so many threads from now on.

    The threads of an operation wait for each other in a busy loop. With two cores that other processes
    kept busy, two threads took five to eight times as long as one over single short texts, and twice
    the CPU time over a batch of 45 documents (the joint recipe).

    Args:
        n_threads: number of threads; ``OMP_NUM_THREADS`` takes precedence if it is set.
    """
    torch = sys.modules.get("torch")  # Thinc imports it where it is installed
    if torch is not None and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(n_threads)


def configure_torch_threads(n_threads: int = 1) -> Callable[[Language], Language]:
    """A callback for ``[initialize.before_init]`` (``rel_component.torch_threads.v1``).

    Args:
        n_threads: number of threads for training; see :func:`set_torch_threads`.
    """
    return partial(_limit_threads, n_threads=n_threads)


def _limit_threads(nlp: Language, *, n_threads: int) -> Language:
    set_torch_threads(n_threads)
    return nlp


def configure_fast_threads(every: int = 10) -> Callable[[Language, Dict[str, Any]], None]:
    """A callback for ``[training.before_update]`` (``rel_component.fast_threads.v1``).

    It lets PyTorch compute with as many threads as are fast, which products of matrices show every few
    updates. On two idle cores two threads train in 0.87 of the time that one takes, in float32, and
    compute an encoder in 0.6 of it; where another process comes to keep a core busy, they would take
    several times as long. Nothing is done on a GPU, or where ``OMP_NUM_THREADS`` is set.

    Args:
        every: number of updates between two trials.

    Raises:
        ConfigError: if it is less than 1.
    """
    if every < 1:
        raise ConfigError(f"fast_threads: every must be 1 or more, got {every}")
    return partial(_adapt_threads, every=every)


def _adapt_threads(nlp: Language, args: Dict[str, Any], *, every: int) -> None:
    torch = sys.modules.get("torch")
    if torch is None or "OMP_NUM_THREADS" in os.environ or args["step"] % every:
        return
    if get_torch_default_device().type == "cpu":
        torch.set_num_threads(_fast_threads(torch))


def _fast_threads(torch: Any) -> int:
    """The number of threads, a power of 2 up to that of cores, that is worth its cores now."""
    X, W = torch.ones(256, 384), torch.ones(384, 1536)
    best, shortest, n_threads = 1, float("inf"), 1
    while n_threads <= (os.cpu_count() or 1):
        torch.set_num_threads(n_threads)
        torch.mm(X, W)  # starts the threads
        start = perf_counter()
        for _ in range(_N_PRODUCTS):
            torch.mm(X, W)
        seconds = perf_counter() - start
        if seconds > _WORTH * shortest:
            break
        best, shortest, n_threads = n_threads, seconds, 2 * n_threads
    return best


_N_PRODUCTS = 12  # some 50 milliseconds with one thread: longer than the turn of another process
_WORTH = 0.75  # of the time of half as many threads is what more of them may take


@cache
def limit_worker_threads() -> None:
    """Let worker processes compute with one thread: this one if it is spawned, and all it forks.

    Workers share the cores, and their threads would wait for each other. A forked process waits forever
    for the threads that PyTorch has started in its parent; PyTorch sets the workers of its own data
    loaders to one thread as well. The package tokenizers switches its threads off by itself, but with a
    warning unless ``TOKENIZERS_PARALLELISM`` is set.
    """
    hushed: List[str] = []

    def before() -> None:
        if _PARALLELISM not in os.environ:
            os.environ[_PARALLELISM] = "false"
            hushed.append(_PARALLELISM)

    def after_in_parent() -> None:
        while hushed:
            os.environ.pop(hushed.pop(), None)

    def after_in_child() -> None:
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(1)

    if multiprocessing.parent_process() is not None:
        set_torch_threads()
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(
            before=before, after_in_parent=after_in_parent, after_in_child=after_in_child
        )
