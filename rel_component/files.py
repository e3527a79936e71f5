"""Output files that are complete or absent, whatever happens while they are written."""

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, TextIO, Union

from .errors import DataError


@contextmanager
def complete_file(path: Union[str, Path]) -> Iterator[Path]:
    """A temporary file that takes the place of `path` when the block ends without an error.

    The folder of `path` is made if necessary. After an error nothing of the temporary file remains,
    and a file that was there before is as it was. Devices and pipes are written to directly.

    Args:
        path: the file to write.

    Returns:
        The path to write to inside of the block.

    Raises:
        DataError: if the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    is_device = target.exists() and not target.is_file() and not target.is_dir()
    part = target if is_device else target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if not is_device:
            os.replace(part, target)
    except OSError as err:
        if err.filename is None and err.errno != errno.ENOSPC:
            raise  # an error of what the block does besides, such as a lost connection
        raise DataError(f"cannot be written: {err.strerror}", place=str(path)) from err
    finally:
        if not is_device:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def open_output(path: Path) -> Iterator[TextIO]:
    """A text file to write to, in UTF-8 with line breaks as written; see :func:`complete_file`.

    Args:
        path: the file to write.

    Returns:
        The open file.

    Raises:
        DataError: if the file cannot be written.
    """
    with complete_file(path) as part, part.open("w", encoding="utf8", newline="") as output:
        yield output
