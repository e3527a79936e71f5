"""How commands report: results on standard output, errors and progress on standard error.

Whatever they print comes through here, so that no character of a text controls the terminal.
"""

import errno
import json
import logging
import os
import re
import signal
import sys
import warnings
from _thread import interrupt_main
from collections import Counter
from contextlib import contextmanager, suppress
from io import TextIOBase, TextIOWrapper
from math import isnan
from pathlib import Path
from threading import Timer, current_thread, main_thread
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Literal,
    Optional,
    Sequence,
    Set,
    Type,
    TypeVar,
    Union,
)

import srsly
import typer
from spacy.cli._util import setup_gpu
from thinc.api import ConfigValidationError
from tqdm import tqdm
from wasabi.printer import Printer
from wasabi.tables import table

from ..errors import ConfigError, RelComponentError
from ..files import check_output, files_below, lies_in, open_output
from ..threads import set_torch_threads

if TYPE_CHECKING:
    from ..converters.report import Report
    from ..evaluation.intervals import Estimate

MAX_PROBLEMS_SHOWN = 20
MAX_MESSAGE = 2000

SOME_FAILED = 3
"""Exit code of a command whose output is there, without some documents that failed."""

INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143
"""Exit codes, 128 and the number of the signal, as shells have them."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACY_ERROR = re.compile(r"\s*\[E\d+\]")

T = TypeVar("T")

Align = Literal["l", "r"]

NumberFormat = Callable[[float], str]
"""A function that turns a number into text, such as :func:`percent`."""


def printable(value: object) -> str:
    """A text on one line, whose characters of control, of direction, and halves of pairs are escaped."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), str(value))


class _Messages(Printer):
    def text(self, title: Any = "", text: Any = "", *args: Any, **kwargs: Any) -> Any:
        return super().text(printable(title), printable(text), *args, **kwargs)

    def divider(self, text: str = "", *args: Any, **kwargs: Any) -> Any:
        return super().divider(printable(text), *args, **kwargs)


msg = _Messages()
"""Messages on standard output."""


class _Closed(TextIOBase):
    """Standard output of a process that was started without one; Python's ``print`` is silent there."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def notice(text: object, color: Optional[str] = None) -> None:
    """Print a line on standard error."""
    typer.secho(printable(text), fg=color, err=True)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Report what ends a command in one line, without a traceback; the exit code is 1.

    After an interrupt it is 130. If nobody reads the output any more it is 141, after SIGTERM 143, and
    there is no line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.stdout is None:
        sys.stdout = _Closed()
    format_warning, warnings.formatwarning = warnings.formatwarning, _format_warning
    make_record = logging.getLogRecordFactory()
    logging.setLogRecordFactory(_make_record)
    try:
        try:
            with _repeated_interrupts(), _orderly_termination():
                yield
        finally:
            warnings.formatwarning = format_warning
            logging.setLogRecordFactory(make_record)
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        notice("Interrupted", "red")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _drop_output()
        raise typer.Exit(BROKEN_PIPE) from None
    except Exception as err:
        if isinstance(err, EOFError):  # of which Click would say nothing but "Aborted!"
            raise RuntimeError(f"EOFError: {err}") from err
        if not _is_known(err):
            raise
        if isinstance(err, OSError):
            _drop_output()
        message = " ".join(str(err).split())
        shown = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]} ..."
        notice(f"{type(err).__name__}: {shown}", "red")
        raise typer.Exit(1) from None


@contextmanager
def _repeated_interrupts() -> Iterator[None]:
    """Interrupt again where Python ignores it, with a traceback, because it came in a callback.

    Such are ``__del__`` and what C code calls, in which no error can be raised.
    """
    repeated: List[Timer] = []
    report = sys.unraisablehook

    def repeat(ignored: Any) -> None:
        if ignored.exc_type is not KeyboardInterrupt:
            report(ignored)
            return
        repeated.append(Timer(0.2, interrupt_main))  # not before this returns
        repeated[-1].start()

    sys.unraisablehook = repeat
    try:
        yield
        for timer in repeated:
            timer.join()
    finally:
        sys.unraisablehook = report


@contextmanager
def _orderly_termination() -> Iterator[None]:
    """Let SIGTERM leave no temporary files and no processes, as an interrupt does."""

    def end(*signal_and_frame: object) -> None:
        raise SystemExit(TERMINATED)

    is_ours = (
        current_thread() is main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if is_ours:
        signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _format_warning(message: object, category: Type[Warning], *place: Any, **kwargs: Any) -> str:
    return f"{category.__name__}: {printable(message)}\n"


def _make_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = logging.LogRecord(*args, **kwargs)
    record.msg, record.args = printable(record.getMessage()), ()
    return record


def _is_known(err: BaseException) -> bool:
    """Whether the message of an error says all; others are mistakes of a program."""
    known = (RelComponentError, OSError, MemoryError, ConfigValidationError)
    return isinstance(err, known) or _SPACY_ERROR.match(str(err)) is not None


def _drop_output() -> None:
    """Let nothing fail that Python still writes to standard output when it ends."""
    with suppress(AttributeError, OSError):  # it is closed, or no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    return tqdm(items, unit="docs", file=sys.stderr, disable=not is_terminal())


def is_terminal() -> bool:
    """Whether standard error is a terminal, where progress is shown."""
    return sys.stderr is not None and sys.stderr.isatty()


def print_json(value: Any) -> None:
    """Print a value as a line of JSON."""
    print(json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f"))


def print_yaml(value: Any, text: Optional[str] = None) -> None:
    """Print a value as YAML; as JSON, which YAML includes, if it has characters to be escaped.

    Args:
        value: the value.
        text: it as YAML, with comments; None: without.
    """
    text = srsly.yaml_dumps(value) if text is None else text
    if _CONTROLS.search(text.replace("\n", "")):
        text = json.dumps(value, indent=2).replace("\x7f", "\\u007f") + "\n"
    print(text, end="")


def check_outputs(*paths: Optional[Path], inputs: Iterable[Union[str, Path, None]] = ()) -> None:
    """Make sure, before the work begins, that files can be written.

    Args:
        paths: the files; None: it is not asked for.
        inputs: what is read; see :func:`keep_inputs` and :func:`keep_folders`.

    Raises:
        ConfigError: if a file is given twice, or is read as well.
        DataError: if one cannot be written.
    """
    inputs = list(inputs)
    keep_inputs(paths, inputs)
    keep_folders(paths, inputs)
    seen: Set[str] = set()
    for path in paths:
        if path is not None:
            if os.path.realpath(path) in seen:
                raise ConfigError(f"{path}: two outputs cannot go to one file")
            check_output(path)
            seen.add(os.path.realpath(path))


def keep_inputs(
    outputs: Iterable[Optional[Path]], inputs: Iterable[Union[str, Path, None]]
) -> None:
    """Make sure that what is written takes the place of nothing that is read.

    Args:
        outputs: files and folders to write; None: it is not asked for.
        inputs: files and folders that are read; None: it is not given.

    Raises:
        ConfigError: if one is both.
    """
    given = {os.path.realpath(path) for path in inputs if path is not None}
    for path in outputs:
        if path is None or not (os.path.isfile(path) or os.path.isdir(path)):
            continue
        if os.path.realpath(path) in given:
            raise ConfigError(
                f"{path}: the output would take the place of the documents, or of what else is read; "
                "give it another name"
            )


def keep_folders(
    outputs: Iterable[Optional[Path]], inputs: Iterable[Union[str, Path, None]]
) -> None:
    """Make sure that no ``.spacy`` file is written below a folder of them that is read.

    Args:
        outputs: files and folders to write; None: it is not asked for.
        inputs: files and folders that are read; None: it is not given.

    Raises:
        ConfigError: if one is.
    """
    folders = [Path(path) for path in inputs if path is not None and os.path.isdir(path)]
    for path in filter(None, outputs):
        for folder in folders if path.suffix == ".spacy" else ():
            if lies_in(path, folder) and files_below(folder, ".spacy"):
                raise ConfigError(
                    f"{path} would be read with the other documents of {folder} from then on; write "
                    "to another folder"
                )


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


def print_table(
    rows: Sequence[Sequence[str]],
    header: Optional[Sequence[str]] = None,
    aligns: Optional[Sequence[Align]] = None,
) -> None:
    """Print a table: the first column to the left, figures to the right, or as `aligns` says."""
    n_columns = max([len(row) for row in rows] + [len(header or ())])
    right: List[Align] = ["r"] * (n_columns - 1)
    aligns = ["l", *right] if aligns is None else aligns
    cells = [[printable(cell) for cell in row] for row in rows]
    if header is not None:
        header = [printable(cell) for cell in header]
    print(table(cells, header=header, divider=header is not None, aligns=aligns, max_col=80))


def percent(value: Optional[float], digits: int = 2) -> str:
    """A share as a percentage; a dash for None and nan."""
    return "-" if value is None or isnan(value) else f"{100 * value:.{digits}f}"


def interval(estimate: "Estimate", show: NumberFormat) -> str:
    """The 95 % interval of an estimate; a dash if it has none."""
    return "-" if isnan(estimate.low) else f"{show(estimate.low)} to {show(estimate.high)}"


def print_failures(failures: Sequence[str]) -> None:
    """Print on standard error why requests to a language model have no answer, each reason once."""
    counts = Counter(failures)
    for reason in first_problems(
        [f"{reason} ({n} times)" for reason, n in counts.items()], more=""
    ):
        notice(reason, "red")


def first_problems(problems: Sequence[Any], more: str = "; --json lists them all") -> List[str]:
    """The first problems of a list, and how many more there are."""
    n_more = len(problems) - MAX_PROBLEMS_SHOWN
    first = [str(problem) for problem in problems[:MAX_PROBLEMS_SHOWN]]
    return [*first, f"and {n_more} more{more}"] if n_more > 0 else first


def print_report(report: "Report", name: str = "") -> None:
    """Print the problems and the notes of a conversion.

    Args:
        report: the report.
        name: what was converted, if it is not the only thing.
    """
    prefix = f"{name}: " if name else ""
    for problem in first_problems(report.problems):
        msg.warn(f"{prefix}{problem}")
    for message, (count, first) in report.notes.items():
        msg.info(f"{prefix}{count} {message}", f"first: {first}")
