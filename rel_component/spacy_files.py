"""``.spacy`` files, spaCy's binary format of Docs."""

from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Optional

import numpy
from spacy.attrs import NORM, ORTH
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import minibatch

from .errors import ConfigError, DataError, RelComponentError
from .files import complete_file, complete_folder, files_below

_ATTRS = ("NORM", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "SENT_START")

_TUTORIAL: Any = ("._.", "rel", None, None)
"""Where an extension attribute keeps its value; relations of this package have other keys."""


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
