"""Reading and writing of formats with a file, or several files, for each document."""

import re
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Sequence, Set, Tuple

from ...errors import ConfigError
from ..annotated import Annotated
from ..format import folder_files
from ..report import Report

_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")
_MAX_BYTES = 200


def document_files(path: Path, ending: str) -> Iterator[Tuple[str, Tuple[Path, str]]]:
    """The file, or all files of a folder with an ending such as ``.tsv``: place, file, document name."""
    for file in folder_files(path, ending) if path.is_dir() else [path]:
        name = file.relative_to(path) if path.is_dir() else Path(file.name)
        yield str(file), (file, name.as_posix().removesuffix(ending))


def write_document_files(
    documents: Iterable[Annotated],
    path: Path,
    endings: Sequence[str],
    write: Callable[[Annotated, Path], None],
    report: Report,
) -> None:
    """Write documents one after the other; nothing remains of them if one fails.

    A path with the first ending is the file of the only document; another one is a folder, whose
    files are named after the ids of documents that can be names. `write` is given the file with the
    first ending, and writes those with the other ones beside it.

    Raises:
        ConfigError: if the folder is a file, or has such files already.
    """
    written: List[Path] = []
    try:
        for annotated, file in _with_files(documents, path, endings[0], report):
            written += [file.with_name(file.name.removesuffix(endings[0]) + e) for e in endings]
            write(annotated, file)
    except BaseException:
        for file in written:
            file.unlink(missing_ok=True)
        raise


def _with_files(
    documents: Iterable[Annotated], path: Path, ending: str, report: Report
) -> Iterator[Tuple[Annotated, Path]]:
    if path.suffix == ending:
        for number, annotated in enumerate(documents):
            if number:
                message = f"a {ending} file holds one document; name a folder to write to"
                report.problem(message, place=annotated.place, skips="document")
            else:
                _note_name(annotated, path.stem, report)
                yield annotated, path
        return
    if path.exists() and (not path.is_dir() or folder_files(path, ending)):
        raise ConfigError(f"{path} is a file or has {ending} files in it; name a folder of its own")
    used: Set[str] = set()
    for number, annotated in enumerate(documents, start=1):
        name = str(annotated.meta.get("id", ""))
        too_long = any(len(part.encode("utf8")) > _MAX_BYTES for part in name.split("/"))
        if too_long or not _NAME.fullmatch(name) or name.lower() in used:
            name = f"document{number:06}"
            while name in used:
                name += "_"
        used.add(name.lower())
        _note_name(annotated, name, report)
        yield annotated, path / f"{name}{ending}"


def _note_name(annotated: Annotated, name: str, report: Report) -> None:
    if str(annotated.meta.get("id", name)) != name:
        report.note("documents whose ids are no names of files", place=annotated.place)
