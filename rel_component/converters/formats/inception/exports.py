"""What INCEpTION exports: a file, a folder of them, or a project.

A project has ``annotation/DOCUMENT/ANNOTATOR.tsv`` for each annotator, with ``INITIAL_CAS.tsv`` for the
document before anyone annotated it, and ``curation/DOCUMENT/CURATION_USER.tsv``.
"""

from pathlib import Path
from typing import Callable, Iterator, Optional, Set, Tuple

from ...annotated import Annotated, in_characters
from ...records import read_each
from ...report import Report
from .._document_files import document_files

_INITIAL = "INITIAL_CAS"

_Source = Tuple[Path, str]
"""A file and the name of its document."""


def read_export(
    path: Path,
    ending: str,
    read: Callable[[_Source, str, Report], Optional[Annotated]],
    report: Report,
) -> Iterator[Annotated]:
    """The documents of a file or folder; the report says where several files have the same text.

    Args:
        path: the file or folder.
        ending: ending of the files.
        read: reads one file.
        report: takes note of what cannot be used.
    """
    texts: Set[int] = set()
    for annotated in read_each(_annotated_files(path, ending, report), read, report):
        text = hash(in_characters(annotated).text)
        if text in texts:
            report.note(
                "documents whose text another file has as well: convert curation/, or the files of each "
                "annotator in a folder of their own, and spacy rel agreement --merged joins them",
                place=annotated.place,
            )
        texts.add(text)
        yield annotated


def _annotated_files(path: Path, ending: str, report: Report) -> Iterator[Tuple[str, _Source]]:
    for place, source in document_files(path, ending):
        if path.is_dir() and source[0].stem == _INITIAL:
            message = f"files {_INITIAL}, documents before annotation, which were left out"
            report.note(message, place=place)
        else:
            yield place, source
