"""What an annotation format is, and how one is found by its name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, FrozenSet, Iterable, Iterator, List, Literal, Optional

from .. import registry
from ..errors import ConfigError, DataError
from .annotated import Annotated
from .report import Report

HEAD_LENGTH = 1 << 20
"""Characters at the beginning of a file by which its format is recognised."""

ReadFunction = Callable[[Path, Report], Iterator[Annotated]]
"""``read(path, report)``: parses, lazily. What cannot be used goes to the report, and on it goes."""

WriteFunction = Callable[[Iterable[Annotated], Path, Report], None]
"""``write(documents, path, report)``: takes documents one after the other and never keeps them all.
Mentions, relations and documents that it cannot write go to the report."""

Facet = Literal[
    "tokens",
    "sentences",
    "clusters",
    "unlabelled",
    "pieces",
    "kb_ids",
    "mention_attributes",
    "scores",
    "relation_ids",
    "evidence",
    "relation_attributes",
    "id",
    "meta",
]
"""What a document may have beside text, mentions and relations; see :mod:`.annotated`.
``unlabelled``: mentions without a label; ``id``: ``meta["id"]``; ``meta``: everything else in it."""


@dataclass(frozen=True)
class AnnotationFormat:
    """An annotation format, registered under its name in ``rel_component_converters``.

    Attributes:
        name: its name, in messages.
        description: whose format it is, in a few words.
        read: reads a file.
        looks_like: whether the first million characters of a file are of this format; it may
            neither raise nor say yes to a file of another format.
        write: writes a file; None: the format is only read.
        holds: what `write` can write beside text, mentions and relations. It is given documents
            that have nothing else; the rest is noted in the report before.
        unit: whether `write` is given texts with offsets in characters, or words.
        folder: ending of the files, e.g. ``.ann``, if `read` takes folders too.
    """

    name: str
    description: str
    read: ReadFunction
    looks_like: Callable[[str], bool]
    write: Optional[WriteFunction] = None
    holds: FrozenSet[Facet] = frozenset()
    unit: Literal["characters", "tokens"] = "characters"
    folder: Optional[str] = None


def get_formats() -> Dict[str, AnnotationFormat]:
    """All registered formats by name.

    Raises:
        ConfigError: if something else is registered as a format.
    """
    formats = registry.converters.get_all()
    for name, format in formats.items():
        if not isinstance(format, AnnotationFormat):
            raise ConfigError(
                f"The entry point {name} of rel_component_converters is {format!r}; expected an "
                "AnnotationFormat"
            )
    return {name: formats[name] for name in sorted(formats)}


def get_format(name: str) -> AnnotationFormat:
    """A registered format.

    Raises:
        ConfigError: if there is none of this name.
    """
    formats = get_formats()
    if name not in formats:
        raise ConfigError(f"Unknown format {name!r}; available: {', '.join(formats)}")
    return formats[name]


def detect_format(path: Path) -> str:
    """Name of the format that a file, or the files of a folder, are of by their content.

    Raises:
        ConfigError: if that is none or more than one.
        DataError: if the file cannot be read.
    """
    formats = get_formats()
    if path.is_dir():
        names = [name for name, format in formats.items() if _fits_folder(format, path)]
    else:
        head = _read_head(path)
        names = [name for name, format in formats.items() if format.looks_like(head)]
    if len(names) == 1:
        return names[0]
    if names:
        raise ConfigError(f"{path} could be {' or '.join(names)}; say --format")
    known = [name for name, format in formats.items() if not path.is_dir() or format.folder]
    raise ConfigError(
        f"{path} looks like none of the known formats; say --format if it is one of "
        f"{', '.join(known)}"
    )


def folder_files(path: Path, ending: str) -> List[Path]:
    """The files below a folder whose names end with `ending`, in order of names."""
    return sorted(file for file in path.rglob(f"*{ending}") if file.is_file())


def _fits_folder(format: AnnotationFormat, path: Path) -> bool:
    files = folder_files(path, format.folder) if format.folder is not None else []
    heads = (_read_head(file) for file in files)
    return any(format.looks_like(head) for head in heads if head.strip())


def _read_head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return file.read(HEAD_LENGTH)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
