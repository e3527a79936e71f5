"""Reading of text files, in UTF-8 with or without a byte order mark."""

import io
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, Iterator, Optional, TextIO, Tuple

from ..errors import DataError
from .report import Report

_MOST_SKIPPED = (
    1 << 30
)  # bytes of a line that is too long, until the next one is no more looked for


def read_lines(
    path: Path,
    report: Optional[Report] = None,
    *,
    source: Optional[BinaryIO] = None,
    longest: Optional[int] = None,
) -> Iterator[Tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers from 1.

    Args:
        path: the file.
        report: takes note of lines that are not UTF-8 or too long; None: they are errors.
        source: what to read in place of the file, such as standard input.
        longest: the most bytes of a line; None: any number, which are in memory.

    Raises:
        DataError: if the file is missing, or not UTF-8 and there is no report.
    """
    report = report or Report(on_error="stop")
    try:
        with path.open("rb") if source is None else nullcontext(source) as lines:
            for number, encoded in enumerate(_each_line(lines, longest), start=1):
                if encoded is None:
                    message = f"the line has more than {longest:,} bytes"
                    report.problem(message, place=f"{path}, line {number}", skips="document")
                    continue
                try:
                    line = encoded.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as err:
                    place = f"{path}, line {number}"
                    report.problem(f"not UTF-8: {err}", place=place, skips="document")
                    continue
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror or err}", place=str(path)) from err


@contextmanager
def decoded(source: BinaryIO, errors: str = "strict") -> Iterator[TextIO]:
    """A stream as text, with its line breaks as they are; it is not closed.

    Args:
        source: the stream.
        errors: what becomes of bytes that are not UTF-8, a name of :mod:`codecs`.
    """
    text = io.TextIOWrapper(source, encoding="utf-8-sig", errors=errors, newline="")
    try:
        yield text
    finally:
        with suppress(ValueError):  # it is closed
            text.detach()


def _each_line(lines: BinaryIO, longest: Optional[int]) -> Iterator[Optional[bytes]]:
    """The lines, with None in the place of those that are too long."""
    if longest is None:
        yield from lines
        return
    while line := lines.readline(longest + 1):
        if len(line) <= longest or line.endswith(b"\n"):
            yield line
            continue
        skipped = 0
        while not line.endswith(b"\n") and (line := lines.readline(longest)):
            skipped += len(line)
            if skipped > _MOST_SKIPPED:
                raise DataError(f"a line has more than {_MOST_SKIPPED:,} bytes")
        yield None


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """The text of a file, with its line breaks as they are.

    Args:
        path: the file.
        encoding: ``utf-8-sig``, or ``utf-8`` to keep a byte order mark as a character.

    Raises:
        DataError: if the file is missing or not UTF-8.
    """
    try:
        return path.read_bytes().decode(encoding)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except UnicodeDecodeError as err:
        raise DataError(f"not UTF-8: {err}", place=str(path)) from err
