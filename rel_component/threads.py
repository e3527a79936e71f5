"""How many threads PyTorch computes with on the CPU."""

import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import Callable, Iterator

from spacy.language import Language


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


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep PyTorch to one thread while processes are forked.

    A forked process waits forever for the threads that PyTorch has started in its parent.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
