"""How many threads PyTorch computes with on the CPU, and what becomes of them in forked processes."""

import multiprocessing
import os
import sys
from functools import cache, partial
from typing import Callable, List

from spacy.language import Language

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
