"""Reading of text files, in UTF-8 with or without a byte order mark."""

from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, Iterator, Optional, Tuple

from ..errors import DataError
from .report import Report


def read_lines(
    path: Path, report: Optional[Report] = None, *, source: Optional[BinaryIO] = None
) -> Iterator[Tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers from 1.

    Args:
        path: the file.
        report: takes note of lines that are not UTF-8; None: they are errors.
        source: what to read in place of the file, such as standard input.

    Raises:
        DataError: if the file is missing, or not UTF-8 and there is no report.
    """
    report = report or Report(on_error="stop")
    try:
        with path.open("rb") if source is None else nullcontext(source) as lines:
            for number, encoded in enumerate(lines, start=1):
                try:
                    line = encoded.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as err:
                    place = f"{path}, line {number}"
                    report.problem(f"not UTF-8: {err}", place=place, skips="document")
                    continue
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err


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
