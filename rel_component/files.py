"""Output files and folders that are complete or absent, and the names of files."""

import errno
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List, Sequence, TextIO, Union

from .errors import ConfigError, DataError

_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
"""Numbers of errors of writing, which do not name the file."""

_PART = re.compile(r"\.[0-9a-f]{8}\.part(/|$)")


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
    if is_device(path):
        with _write_errors(path, Path(path)):
            yield Path(path)
        return
    check_output(path)
    target = Path(os.path.realpath(path))
    part = _part(target)
    try:
        with _named(path, part), _write_errors(path, part, target):
            yield part
            _flush(part)
            if target.exists():
                shutil.copymode(target, part)
            os.replace(part, target)
    finally:
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


@contextmanager
def complete_folder(path: Union[str, Path]) -> Iterator[Path]:
    """A temporary folder that becomes `path` when the block ends without an error.

    Args:
        path: the folder to make; one that is there must be empty.

    Returns:
        The folder to write to inside of the block.

    Raises:
        ConfigError: if there is a file, or a folder that is not empty.
        DataError: if the folder cannot be written.
    """
    check_folder(path)
    target = Path(os.path.realpath(path))
    with _part_folder(path, target) as part:
        yield part
        if target.exists():
            shutil.copymode(target, part)
            target.rmdir()
        os.rename(part, target)


@contextmanager
def complete_files(path: Union[str, Path], *, last: str = "") -> Iterator[Path]:
    """A temporary folder whose files move to the folder `path` when the block ends without an error.

    A kill while they move leaves files out, but none of before beside the new ones.

    Args:
        path: the folder, which is made if necessary; files with the same names are replaced.
        last: name of the file that says that the others are there.

    Returns:
        The folder to write to inside of the block.

    Raises:
        DataError: if a file cannot be written.
    """
    folder = Path(path)
    with _write_errors(path, folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _part_folder(path, folder / "files") as part:
        yield part
        names = sorted((file.name for file in part.iterdir()), key=lambda name: name == last)
        for name in names:
            check_output(folder / name)
        for name in reversed(names):
            Path(os.path.realpath(folder / name)).unlink(missing_ok=True)
        for name in names:
            os.replace(part / name, os.path.realpath(folder / name))


def check_output(path: Union[str, Path]) -> None:
    """Raise what :func:`complete_file` would raise only after the work; make the folder of a file.

    Args:
        path: the file that will be written.

    Raises:
        DataError: if it cannot be.
    """
    target = Path(os.path.realpath(path))
    if is_device(path):
        return
    part = _part(target)
    with _write_errors(path, target, part):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(target))
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        part.touch()
        part.unlink()


def check_folder(path: Union[str, Path]) -> None:
    """Raise what :func:`complete_folder` would raise only after the work; make the folder it lies in.

    Args:
        path: the folder that will be written.

    Raises:
        ConfigError: if there is a file, or a folder that is not empty.
        DataError: if the folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    with _write_errors(path, target):
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise ConfigError(
                f"{path} is a file or has files in it; name a folder of its own, new or empty"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
    with _part_folder(path, target):
        pass


def check_ending(path: Union[str, Path, None], *, docs: bool) -> None:
    """Raise unless the ending of a file fits what is to be written to it.

    Devices, and names without an ending, fit everything.

    Args:
        path: the file; None: it is not asked for.
        docs: whether Docs are written, which ``.spacy`` files hold and no others.

    Raises:
        ConfigError: if the file would hold something else than its name says.
    """
    ending = "" if path is None or is_device(path) else Path(path).suffix
    if not ending or (ending == ".spacy") == docs:
        return
    if docs:
        raise ConfigError(
            f"{path}: Docs go to a file that ends with .spacy; spacy rel convert --to makes other "
            "formats of them"
        )
    raise ConfigError(f"{path}: .spacy is the ending of Docs, which are not written here")


def files_below(path: Path, ending: str) -> List[Path]:
    """The files below a folder whose names end with `ending`, in order of names.

    What is left of a run that was killed is not among them.
    """
    return sorted(
        file
        for file in path.rglob(f"*{ending}")
        if file.is_file() and not is_unfinished(file.relative_to(path))
    )


def lies_in(path: Union[str, Path], source: Union[str, Path]) -> bool:
    """Whether a file is the same as another one, or is to lie below a folder."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(source))


def is_unfinished(path: Path) -> bool:
    """Whether a file, or a folder that it is in, is what a run that was killed has left."""
    return _PART.search(path.as_posix()) is not None


def is_device(path: Union[str, Path]) -> bool:
    """Whether a path is that of a device or a pipe, which is written to directly."""
    # Links are not resolved by name: /dev/stdout leads to that of a pipe, which is no file.
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _part(target: Path) -> Path:
    """A name beside `target` of its own: another process may write the same file at the same time."""
    return target.with_name(f"{target.name[:50]}.{secrets.token_hex(4)}.part")


@contextmanager
def _part_folder(path: Union[str, Path], target: Path) -> Iterator[Path]:
    part = _part(target)
    try:
        with _named(path, part), _write_errors(path, part, target):
            part.mkdir()
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _named(path: Union[str, Path], part: Path) -> Iterator[None]:
    """Let errors name the path in place of its temporary file or folder."""
    try:
        yield
    except DataError as err:
        if not err.place.startswith(str(part)):
            raise
        raise DataError(err.message, place=str(path)) from err


@contextmanager
def _write_errors(path: Union[str, Path], *files: Path) -> Iterator[None]:
    """Turn errors of writing files, or of making their folders, into one that names the path."""
    try:
        yield
    except OSError as err:
        name = Path(os.fsdecode(err.filename)) if isinstance(err.filename, (str, bytes)) else None
        if err.errno not in _NOT_WRITTEN and not any(
            name is not None and (name.is_relative_to(file) or file.is_relative_to(name))
            for file in files
        ):
            raise  # an error of what the block does besides, such as a lost connection
        raise DataError(f"cannot be written: {err.strerror}", place=str(path)) from err


def _flush(file: Path) -> None:
    """Have the content on the disk before the name: power may fail."""
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def name_files(paths: Sequence[Path]) -> List[str]:
    """Different names for files: the stems of their paths, or the whole paths if some stems are equal.

    Args:
        paths: the files.

    Raises:
        ConfigError: if a path is given twice.
    """
    stems = [path.stem for path in paths]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name} is given twice; give each file once")
    return names
