"""How the commands report errors and progress."""

import sys
from contextlib import contextmanager
from typing import Iterable, Iterator, Optional, TypeVar

from tqdm import tqdm
from wasabi.printer import Printer

from ..errors import RelComponentError

T = TypeVar("T")


@contextmanager
def clear_errors() -> Iterator[None]:
    """Print errors of the package as a message, without a traceback, and exit with 1."""
    try:
        yield
    except RelComponentError as err:
        printer(json=False).fail(type(err).__name__, str(err), exits=1)


def printer(*, json: bool) -> Printer:
    """A printer that is silent where standard output is for machines."""
    return Printer(no_print=json)


def progress(items: Iterable[T], *, unit: str, total: Optional[int] = None) -> Iterable[T]:
    """A progress bar on standard error, if that is a terminal."""
    return tqdm(items, unit=unit, total=total, file=sys.stderr, disable=not sys.stderr.isatty())
