"""A disk without room, for as long as a block takes."""

import sys
from contextlib import contextmanager

import pytest


@contextmanager
def largest_file(size):
    """No file becomes larger than so many bytes."""
    resource = pytest.importorskip("resource")
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # or Python keeps what is cut short
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
        sys.dont_write_bytecode = writes
