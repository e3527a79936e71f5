"""Output files and folders that are complete or absent, and ``.spacy`` files, spaCy's binary format."""

import errno
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, TextIO, Union

import numpy
from spacy.attrs import NORM, ORTH
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import minibatch

from .errors import ConfigError, DataError, RelComponentError

_ATTRS = ("NORM", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "SENT_START")

_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
"""Numbers of errors of writing, which do not name the file."""

_TUTORIAL: Any = ("._.", "rel", None, None)
"""Where an extension attribute keeps its value; relations of this package have other keys."""

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
    target = Path(os.path.realpath(path))
    with _write_errors(path, target):
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise ConfigError(
                f"{path} is a file or has files in it; name a folder of its own, new or empty"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
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


def read_docs(path: Optional[Path], nlp: Language) -> Iterator[Doc]:
    """The documents of a ``.spacy`` file or of all such files below a folder, in order of names.

    Relations in the form of Explosion's tutorial project are taken over.

    Args:
        path: the file or folder.
        nlp: whose vocabulary the documents use.

    Raises:
        DataError: if there is no such file or it cannot be read.
    """
    if path is None:
        raise DataError("no path given; set it in the config, e.g. with --paths.train")
    path = Path(path)
    files = files_below(path, ".spacy") if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise DataError(
            'no .spacy file there; make one with "python -m spacy rel convert"', place=str(path)
        )
    for file in files:
        for number, doc in enumerate(_read_bin(file).get_docs(nlp.vocab), start=1):
            _take_over(doc, f"{file}, document {number}")
            yield doc


def _read_bin(file: Path) -> DocBin:
    try:
        return DocBin().from_disk(file)
    except Exception as err:
        raise DataError(_not_docs(file, err), place=str(file)) from err


def _take_over(doc: Doc, place: str) -> None:
    """Read relations as Explosion's tutorial keeps them: scores by starts of mentions and label."""
    found = doc.user_data.pop(_TUTORIAL, None)
    if found:
        try:
            doc._.rel = found
        except RelComponentError as err:
            raise DataError(str(err), place=place) from err


def _not_docs(file: Path, err: Exception) -> str:
    """What is wrong with a file that does not hold Docs, and what would help."""
    if isinstance(err, OSError):
        return f"cannot be read: {err.strerror}"
    with file.open("rb") as content:
        beginning = content.read(1)
    if not beginning:
        return "the file is empty"
    if beginning == b"x":  # as zlib begins
        return "a damaged .spacy file, perhaps cut short; make it again"
    name = file.with_suffix(".spacy")
    target = name.name if name != file else f"{file.stem}_docs.spacy"
    return (
        "not a .spacy file; annotated documents of other formats become one with "
        f'"python -m spacy rel convert {file} {target}"'
    )


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


def write_docs(docs: Iterable[Doc], path: Path, *, shard_size: int = 0) -> None:
    """Write annotated documents, with their relations.

    Args:
        docs: the documents.
        path: the ``.spacy`` file; with a shard size, the folder for numbered ``.spacy`` files,
            which every reader of training data takes in place of one file.
        shard_size: documents in a file, which are in memory together; 0: all of them in one file.

    Raises:
        ConfigError: if the size is negative, or the folder is a file or not empty.
        DataError: if the file or folder cannot be written.
    """
    path = Path(path)
    if shard_size < 0:
        raise ConfigError(f"shard size {shard_size}: expected 0 or more documents")
    if shard_size == 0:
        _write(docs, path)
        return
    if path.suffix == ".spacy" or (path.exists() and not path.is_dir()):
        raise ConfigError(f"{path}: files of {shard_size} documents need a folder to go to")
    with complete_folder(path) as folder:
        for number, shard in enumerate(minibatch(docs, shard_size), start=1):
            _write(shard, folder / f"{number:06}.spacy")


def rewrite_docs(source: Path, output: Path, nlp: Language, change: Callable[[Doc], None]) -> None:
    """Write changed copies of the documents of a ``.spacy`` file, or of such files below a folder.

    What the files hold besides stays.

    Args:
        source: the file or folder.
        output: the new file or folder; a folder must be new or empty.
        nlp: whose vocabulary the documents use.
        change: changes a document.

    Raises:
        ConfigError: if the folder is a file or not empty.
        DataError: if something cannot be read or written.
    """
    if not source.is_dir():
        with complete_file(output) as part:
            _rewrite(source, part, nlp, change)
        return
    with complete_folder(output) as folder:
        for file in files_below(source, ".spacy"):
            target = folder / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            _rewrite(file, target, nlp, change)


def _rewrite(file: Path, target: Path, nlp: Language, change: Callable[[Doc], None]) -> None:
    found = _read_bin(file)
    made = DocBin(store_user_data=True)
    made.attrs = list(found.attrs)
    for doc in found.get_docs(nlp.vocab):
        change(doc)
        _add(made, doc)
    made.to_disk(target)


def _write(docs: Iterable[Doc], path: Path) -> None:
    with complete_file(path) as part:
        made = DocBin(attrs=_ATTRS, store_user_data=True)
        for doc in docs:
            _add(made, doc)
        made.to_disk(part)


def _add(made: DocBin, doc: Doc) -> None:
    """Add a document, with those norms alone that are not what any vocabulary has for the word."""
    made.add(doc)
    if NORM in made.attrs:
        norms = made.tokens[-1][:, made.attrs.index(NORM)]
        words, of_tokens = numpy.unique(doc.to_array(ORTH), return_inverse=True)
        usual = numpy.asarray([doc.vocab[word].norm for word in words.tolist()], dtype="uint64")
        norms[norms == usual[of_tokens]] = 0
