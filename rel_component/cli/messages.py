"""How commands report: results on standard output, errors and progress on standard error."""

import sys
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    TypeVar,
)

import srsly
import typer
from spacy.cli._util import setup_gpu
from tqdm import tqdm
from wasabi.tables import table

from ..errors import ConfigError, RelComponentError
from ..files import open_output
from ..threads import set_torch_threads

if TYPE_CHECKING:
    from ..evaluation.intervals import Estimate

MAX_PROBLEMS_SHOWN = 20

T = TypeVar("T")

NumberFormat = Callable[[float], str]
"""A function that turns a number into text, such as :func:`percent`."""


@contextmanager
def clear_errors() -> Iterator[None]:
    """Report errors of the package in one line, without a traceback, and exit with 1."""
    try:
        yield
    except RelComponentError as err:
        message = " ".join(str(err).split())
        typer.secho(f"{type(err).__name__}: {message}", fg="red", err=True)
        raise typer.Exit(1) from None


def use_device(gpu_id: int) -> None:
    """Run pipelines on a GPU or on the CPU from now on, there with one thread.

    Args:
        gpu_id: number of the GPU; -1: the CPU.

    Raises:
        ConfigError: if there is no such GPU.
    """
    set_torch_threads(1)
    try:
        setup_gpu(gpu_id, silent=True)
    except (RuntimeError, ValueError) as err:
        raise ConfigError(f"--gpu-id {gpu_id}: {err}; -1 for the CPU") from err


def progress(items: Iterable[T]) -> Iterable[T]:
    """Count documents on standard error as they pass, if that is a terminal."""
    return tqdm(items, unit="docs", file=sys.stderr, disable=not sys.stderr.isatty())


def print_json(value: Any) -> None:
    """Print a value as a line of JSON."""
    print(srsly.json_dumps(value))


def write_text(path: Optional[Path], text: str) -> None:
    """Write a text file, unless there is no path for one."""
    if path is not None:
        with open_output(path) as output:
            output.write(text)


def write_json(path: Optional[Path], value: Any) -> None:
    """Write a JSON file, unless there is no path for one."""
    write_text(path, srsly.json_dumps(value, indent=2))


def write_json_lines(path: Optional[Path], records: Iterable[Any]) -> None:
    """Write a JSONL file, unless there is no path for one; the records need not be in memory."""
    if path is not None:
        with open_output(path) as output:
            output.writelines(srsly.json_dumps(record) + "\n" for record in records)


def print_table(rows: Sequence[Sequence[str]], header: Optional[Sequence[str]] = None) -> None:
    """Print a table: the first column to the left, figures to the right."""
    n_columns = max([len(row) for row in rows] + [len(header or ())])
    aligns = ["l", *"r" * (n_columns - 1)]
    print(table(rows, header=header, divider=header is not None, aligns=aligns, max_col=80))


def percent(value: Optional[float], digits: int = 2) -> str:
    """A share as a percentage; a dash for None and nan."""
    return "-" if value is None or isnan(value) else f"{100 * value:.{digits}f}"


def interval(estimate: "Estimate", show: NumberFormat) -> str:
    """The 95 % interval of an estimate; a dash if it has none."""
    return "-" if isnan(estimate.low) else f"{show(estimate.low)} to {show(estimate.high)}"


def first_problems(problems: Sequence[Any]) -> List[str]:
    """The first problems of a list, and how many more there are."""
    more = len(problems) - MAX_PROBLEMS_SHOWN
    first = [str(problem) for problem in problems[:MAX_PROBLEMS_SHOWN]]
    return [*first, f"and {more} more; --json lists them all"] if more > 0 else first
