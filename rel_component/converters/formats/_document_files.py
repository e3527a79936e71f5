"""Reading and writing of formats with a file, or several files, for each document."""

import re
import unicodedata
from pathlib import Path
from typing import Callable, Iterable, Iterator, Mapping, Optional, Set, Tuple

from ...files import complete_files, complete_folder, files_below, open_output
from ..annotated import Annotated
from ..report import Report

_PART = re.compile(r"\w[\w.-]*(?<!\.)")
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?", re.IGNORECASE)
"""Names of devices on Windows, with any ending."""

_MAX_BYTES = 200


def document_files(path: Path, ending: str) -> Iterator[Tuple[str, Tuple[Path, str]]]:
    """The file, or all files of a folder with an ending such as ``.tsv``: place, file, document name."""
    for file in files_below(path, ending) if path.is_dir() else [path]:
        name = file.relative_to(path) if path.is_dir() else Path(file.name)
        yield str(file), (file, name.as_posix().removesuffix(ending))


def write_document_files(
    documents: Iterable[Annotated],
    path: Path,
    ending: str,
    write: Callable[[Annotated, Path], None],
    report: Report,
    *,
    beside: Optional[Mapping[str, str]] = None,
) -> None:
    """Write documents one after the other; nothing remains of them if one fails.

    A path with the ending is the file of the only document; another one is a folder, whose files are
    named after the ids of documents that can be names. `write` is given the file, and may write others
    beside it.

    Args:
        documents: the documents.
        path: the file or folder.
        ending: ending of the files.
        write: writes one document.
        report: takes note of what is no name, and of documents too many.
        beside: files that belong to them, by name.

    Raises:
        ConfigError: if the folder is a file or not empty.
        DataError: if it cannot be written.
    """
    if path.suffix == ending:
        with complete_files(path.parent, last=path.name) as folder:
            for annotated in _only(documents, path, ending, report):
                write(annotated, folder / path.name)
                if (folder / path.name).exists():
                    _write_texts(beside, folder)
        return
    with complete_folder(path) as folder:
        for annotated, name in _named(documents, report):
            write(annotated, folder / f"{name}{ending}")
        _write_texts(beside, folder)


def _write_texts(texts: Optional[Mapping[str, str]], folder: Path) -> None:
    for name, text in (texts or {}).items():
        with open_output(folder / name) as output:
            output.write(text)


def _only(
    documents: Iterable[Annotated], path: Path, ending: str, report: Report
) -> Iterator[Annotated]:
    for number, annotated in enumerate(documents):
        if number:
            message = f"a {ending} file holds one document; name a folder to write to"
            report.problem(message, place=annotated.place, skips="document")
        else:
            _note_name(annotated, path.stem, report)
            yield annotated


def _named(documents: Iterable[Annotated], report: Report) -> Iterator[Tuple[Annotated, str]]:
    used: Set[str] = set()
    for number, annotated in enumerate(documents, start=1):
        name = str(annotated.meta.get("id", ""))
        if annotated.meta.get("id") is None or not _is_name(name) or _folded(name) in used:
            name = f"document{number:06}"
            while name in used:
                name += "_"
        used.add(_folded(name))
        _note_name(annotated, name, report)
        yield annotated, name


def _is_name(name: str) -> bool:
    """Whether an id can name a file on all systems, perhaps with folders before it."""
    parts = name.split("/")
    return all(
        _PART.fullmatch(part)
        and not _RESERVED.fullmatch(part)
        and len(part.encode("utf8")) <= _MAX_BYTES
        for part in parts
    ) and not any("." in folder for folder in parts[:-1])


def _folded(name: str) -> str:
    """A name as file systems compare it that know neither case nor how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _note_name(annotated: Annotated, name: str, report: Report) -> None:
    if annotated.meta.get("id") is not None and str(annotated.meta["id"]) != name:
        report.note("documents whose ids are no names of files", place=annotated.place)
