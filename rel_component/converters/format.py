"""The type of an annotation format, and the ways to find one: by name, by the content of a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    Literal,
    Mapping,
    Optional,
    Union,
)

from .. import registry
from ..errors import ConfigError, DataError
from ..files import files_below
from .annotated import Annotated
from .json_stream import first_values, parse_json
from .report import Report

HEAD_LENGTH = 1 << 20
"""Number of characters at the beginning of a file by which its format is recognised; up to 16 times
more, if the first value of a JSON file is longer."""

EXAMPLE = (
    '{"text": "Jobs founded Apple", "entities": [{"id": 1, "start": 0, "end": 4, "label": "PERSON"}, '
    '{"id": 2, "start": 13, "end": 18, "label": "ORG"}], '
    '"relations": [{"head": 2, "tail": 1, "label": "FOUNDED_BY"}]}'
)
"""A minimal line of the package's own format, for messages."""

ReadFunction = Callable[[Path, Report], Iterator[Annotated]]
"""``read(path, report)``: yields the documents of a file one after the other. What cannot be used goes
to the report and is left out."""

WriteFunction = Callable[[Iterable[Annotated], Path, Report], None]
"""``write(documents, path, report)``: takes documents one after the other and never keeps them all.
Mentions, relations and documents that it cannot write go to the report."""

Facet = Literal[
    "tokens",
    "spaces",
    "sentences",
    "several_sentences",
    "clusters",
    "unlabelled",
    "fragments",
    "kb_ids",
    "mention_attributes",
    "scores",
    "relation_ids",
    "evidence",
    "relation_attributes",
    "events",
    "id",
    "meta",
]
"""The parts of a document beside text, mentions and relations; see :mod:`.annotated`.
``spaces``: which tokens are followed by a space; ``sentences`` without ``several_sentences``: a document
is one sentence; ``unlabelled``: mentions without a label; ``fragments``: discontinuous mentions; ``id``:
``meta["id"]``; ``meta``: everything else in it."""


@dataclass(frozen=True)
class AnnotationFormat:
    """An annotation format, registered under its name in ``rel_component_converters``.

    Attributes:
        name: its name, in messages.
        description: the tool or data set it is from, in a few words.
        read: reads a file.
        looks_like: whether the first million characters of a file are of this format; it neither
            raises nor says yes to a file of another format.
        write: writes a file; None: the format is only read.
        holds: the facets that `write` can write beside text, mentions and relations. It is given
            documents that have nothing else; the rest is noted in the report before.
        meta_fields: fields of ``meta`` that `write` can write without holding all of it.
        unit: whether `write` is given texts with offsets in characters, or words.
        folder: ending of the files, e.g. ``.ann``, if `read` takes folders too.
        more_endings: endings of other files that `read` takes in folders.
        sample: a small file of this format, for the documentation and the contract tests: its text,
            or the texts of several files by their names, of which the first is read. It has a
            mention, and a relation or an event, and shows no problem.
    """

    name: str
    description: str
    read: ReadFunction
    looks_like: Callable[[str], bool]
    write: Optional[WriteFunction] = None
    holds: FrozenSet[Facet] = frozenset()
    meta_fields: FrozenSet[str] = frozenset()
    unit: Literal["characters", "tokens"] = "characters"
    folder: Optional[str] = None
    more_endings: FrozenSet[str] = frozenset()
    sample: Union[str, Mapping[str, str]] = ""


def get_formats() -> Dict[str, AnnotationFormat]:
    """Find all registered formats.

    Returns:
        The formats by their names, in alphabetical order.

    Raises:
        ConfigError: if something else is registered as a format.
    """
    return registry.registered(registry.converters, AnnotationFormat)


def get_format(name: str) -> AnnotationFormat:
    """Find a registered format by its name.

    Raises:
        ConfigError: if there is none of this name.
    """
    return registry.named(get_formats(), name)


def detect_format(path: Path) -> str:
    """The name of the format of a file, or of the files of a folder, found by their content.

    Raises:
        ConfigError: if no format fits, or several do.
        DataError: if the file cannot be read.
    """
    formats = get_formats()
    if path.is_dir():
        names = [name for name, known in formats.items() if _fits_folder(known, path)]
    else:
        head = read_head(path)
        names = [name for name, known in formats.items() if known.looks_like(head)]
        if path.suffix == ".jsonl" and not head.strip():  # a shard whose documents have all failed
            return "jsonl"
    if len(names) == 1:
        return names[0]
    if names:
        raise ConfigError(
            f"{path} could be {' or '.join(names)}; name the one: spacy rel convert --format"
        )
    if path.is_dir():
        raise ConfigError(f"{path}: {_what_folder(path, formats)}")
    raise ConfigError(f"{path}: {_what_file(path, head, formats)}")


def _what_folder(path: Path, formats: Mapping[str, AnnotationFormat]) -> str:
    """What is wrong with a folder that no format fits."""
    if next(path.iterdir(), None) is None:
        return "an empty folder"
    folders = {name: known.folder for name, known in formats.items() if known.folder}
    return (
        f"there are no files of {', '.join(folders)} in it, which end with "
        f"{', '.join(folders.values())}; files of other formats are converted one by one"
    )


def _what_file(path: Path, head: str, formats: Mapping[str, AnnotationFormat]) -> str:
    """What is wrong with a file that no format fits."""
    if not head.strip():
        return "the file is empty"
    with path.open("rb") as compressed:
        if compressed.read(2) == b"\x1f\x8b":
            return f"compressed by gzip; unpack it first: gunzip -k {path}"
    try:
        with path.open(encoding="utf-8") as file:
            file.read(HEAD_LENGTH)
    except UnicodeDecodeError as err:
        return f"not UTF-8 ({err.reason}); save it as UTF-8"
    hint = f"if it is one of {', '.join(formats)}, name that one: spacy rel convert --format"
    if head.lstrip()[0] not in "{[":
        looks = f"it begins with {head.strip()[:30]!r}, which looks like none of the known formats"
        return f"{looks}; {hint}"
    value = next(first_values(head), None)
    if value is None:
        number, line = next((i, x) for i, x in enumerate(head.splitlines(), 1) if x.strip())
        try:
            parse_json(line)
        except DataError as err:
            return f"line {number}: {err.message}"
    if not isinstance(value, dict):
        return "a list of objects or one object a line was expected"
    nearest = _nearest(value, formats)
    return f"{nearest}; {hint}. The package's own format has lines such as {EXAMPLE}"


def _nearest(record: Mapping[str, Any], formats: Mapping[str, AnnotationFormat]) -> str:
    """The keys of a JSON object that no format fits, and those of the format that has most of them."""
    samples = {
        name: next(first_values(known.sample), None)
        for name, known in formats.items()
        if isinstance(known.sample, str)
    }
    keys = {name: set(value) for name, value in samples.items() if isinstance(value, dict)}
    shared = {name: len(keys[name] & set(record)) / len(keys[name]) for name in keys}
    nearest = max(shared, key=shared.__getitem__)
    found = f"objects with the keys {', '.join(list(record)[:10])[:200]} look like no known format"
    if not shared[nearest]:
        return found
    return f"{found}; the nearest is {nearest}, whose have {', '.join(sorted(keys[nearest]))}"


def _fits_folder(known: AnnotationFormat, path: Path) -> bool:
    endings = [known.folder, *known.more_endings] if known.folder is not None else []
    heads = (read_head(file) for ending in endings for file in files_below(path, ending))
    return any(known.looks_like(head) for head in heads if head.strip())


def read_head(path: Path) -> str:
    """The first million characters of a file; a DataError if it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            head = file.read(HEAD_LENGTH)
            while (
                len(head) < 16 * HEAD_LENGTH
                and head.lstrip()[:1] in ("{", "[")
                and next(first_values(head), None) is None
                and (more := file.read(len(head)))
            ):
                head += more
            return head
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
