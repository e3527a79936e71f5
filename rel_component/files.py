"""Output files that are complete or absent, and ``.spacy`` files, spaCy's binary format for Docs."""

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Sequence, TextIO, Union

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from .errors import ConfigError, DataError

_ATTRS = ("ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "SENT_START")


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
    # The name is a new one, because another process may write the same file at the same time.
    name = f"{target.name}.{secrets.token_hex(4)}.part"
    part = target if is_device else target.with_name(name)
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


def read_docs(path: Optional[Path], nlp: Language) -> Iterator[Doc]:
    """The documents of a ``.spacy`` file or of all such files below a folder, in order of names.

    Args:
        path: the file or folder.
        nlp: whose vocabulary the documents use.

    Raises:
        DataError: if there is no such file or it cannot be read.
    """
    if path is None:
        raise DataError("no path given; set it in the config, e.g. with --paths.train")
    path = Path(path)
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise DataError(
            'no .spacy file there; make one with "python -m spacy rel convert"', place=str(path)
        )
    for file in files:
        try:
            doc_bin = DocBin().from_disk(file)
        except Exception as err:
            raise DataError(f"not a .spacy file: {err}", place=str(file)) from err
        yield from doc_bin.get_docs(nlp.vocab)


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
        ConfigError: if the size is negative, or the folder is a file or holds ``.spacy`` files.
    """
    path = Path(path)
    if shard_size < 0:
        raise ConfigError(f"shard size {shard_size}: expected 0 or more documents")
    if shard_size == 0:
        _write(docs, path)
        return
    if path.suffix == ".spacy" or (path.exists() and not path.is_dir()):
        raise ConfigError(f"{path}: files of {shard_size} documents need a folder to go to")
    if path.exists() and next(path.rglob("*.spacy"), None) is not None:
        raise ConfigError(f"{path} has .spacy files in it already; give a folder without")
    written: List[Path] = []
    remaining = iter(docs)
    try:
        while shard := list(islice(remaining, shard_size)):
            written.append(path / f"{len(written) + 1:06}.spacy")
            _write(shard, written[-1])
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise


def _write(docs: Iterable[Doc], path: Path) -> None:
    doc_bin = DocBin(attrs=_ATTRS, docs=docs, store_user_data=True)
    with complete_file(path) as part:
        doc_bin.to_disk(part)
