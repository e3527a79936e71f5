"""Where formats with a file for each document write them."""

import re
from pathlib import Path
from typing import Iterable, Iterator, Set, Tuple

from ...errors import ConfigError
from ..annotated import Annotated
from ..format import folder_files
from ..report import Report

_NAME = re.compile(r"\w[\w.-]{0,99}")


def document_files(
    documents: Iterable[Annotated], path: Path, ending: str, report: Report
) -> Iterator[Tuple[Annotated, Path]]:
    """Each document with the file to write it to, named after its id if that can be a name.

    Args:
        documents: one after the other.
        path: the file of the only document, if it ends with `ending`, or else the folder of a file
            each.
        ending: of the files, e.g. ``.tsv``.
        report: takes note of ids that are not kept, and of documents after the only one.

    Raises:
        ConfigError: if the folder is a file, or has such files already.
    """
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
        if not _NAME.fullmatch(name) or name.lower() in used:
            name = f"document{number:06}"
            while name in used:
                name += "_"
        used.add(name.lower())
        _note_name(annotated, name, report)
        yield annotated, path / f"{name}{ending}"


def _note_name(annotated: Annotated, name: str, report: Report) -> None:
    if str(annotated.meta.get("id", name)) != name:
        report.note("documents whose ids are no names of files", place=annotated.place)
