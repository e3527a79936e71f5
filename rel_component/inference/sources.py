"""Where texts come from: files of several kinds, folders and patterns of them, standard input.

Files are read one document after the other. In a folder, each ``.txt`` file is a document; a file of
lines is named itself, or by a pattern.
"""

import glob
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

from ..converters.formats.csv_rows import read_rows
from ..converters.records import Record, get, read_records
from ..converters.report import Report
from ..converters.text_files import decoded, read_lines
from ..errors import ConfigError, DataError, did_you_mean, listed, shown
from ..files import files_below
from ..packages import import_package
from ..pipelines import blank_pipeline
from ..spacy_files import read_docs
from .patterns import is_left_by_runs, matching_files, would_match
from .shards import LONGEST_TEXT, Document, Failure
from .streams import STANDARD_INPUT, Stream, is_compressed, open_stream, plain_name
from .texts import Text, check_text, with_records

_ROWS = 256  # of a table in memory
_GROUP = 2 << 30  # bytes of a group of rows, which is decompressed as a whole
_META = 1 << 20  # bytes of a record besides its text

_Rows = Iterator[Tuple[str, Record]]


@dataclass
class SourceReport(Report):
    """Keeps what could not be read until it is asked for."""

    unread: List[Failure] = field(default_factory=list)

    def problem(self, message: str, *, place: str, skips: str) -> None:
        """Take note of what cannot be read; see :meth:`Report.problem`."""
        if self.on_error == "stop":
            super().problem(message, place=place, skips=skips)
        self.skipped[skips] += 1
        self.unread.append(Failure(place, message))

    def take(self) -> List[Failure]:
        """What could not be read since the last call."""
        taken, self.unread = self.unread, []
        return taken


@dataclass
class Source:
    """Files of texts.

    Args:
        path: a file, a folder, a pattern such as ``"news/**/*.jsonl.gz"``, or ``-``.
        format_name: ``lines``, ``document``, ``jsonl``, ``csv``, ``parquet`` or ``spacy``; ``auto``: by
            the name of each file, and lines of standard input.
        text: name of the column or key of the texts.
        id: that of their ids; documents of lines and of folders have places as ids. If it is another one
            than ``id``, what ``id`` has is kept as ``record_id``.
        meta: names of what else is kept; None: all. Tables must have all columns that are named.
        max_length: the most characters of a text.

    Raises:
        ConfigError: if the format is not known.
    """

    path: Union[str, Path]
    format_name: str = "auto"
    text: str = "text"
    id: str = "id"
    meta: Optional[Sequence[str]] = None
    max_length: int = LONGEST_TEXT
    _size: int = field(default=0, init=False)
    _before: int = field(default=0, init=False)  # bytes of files that are read
    _stream: Optional[Stream] = field(default=None, init=False)
    _told: Optional[List[Tuple[Path, str]]] = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        if self.format_name != "auto" and self.format_name not in _READERS:
            near = did_you_mean(self.format_name, _READERS)
            raise ConfigError(
                f"format {shown(self.format_name)} of texts{near}; available: auto, {listed(_READERS)}"
            )

    @property
    def name(self) -> str:
        """What is read, for messages."""
        return str(self.path)

    @property
    def share(self) -> Optional[float]:
        """How much has been read, from 0 to 1; None: not known."""
        if not self._size:
            return None
        read = self._before + (0 if self._stream is None else self._stream.position)
        return min(read / self._size, 1.0)

    def files(self) -> List[Tuple[Path, str]]:
        """The files with their formats, in order of their names.

        Raises:
            DataError: if there are none.
        """
        path = Path(self.path)
        if self.name == STANDARD_INPUT:
            found, whole = [path], False
        elif path.is_dir():
            found = [
                file
                for file in files_below(path, "")
                if _format_of(file, True) is not None
                and not any(
                    part.startswith(".") or is_left_by_runs(part)
                    for part in file.relative_to(path).parts
                )
            ]
            whole = True
        elif self._is_pattern:
            found, whole = matching_files(self.name), False
        else:
            found, whole = [path], False
        if not found:
            endings = listed(f".{ending}" for ending in _ENDINGS)
            raise DataError(f"no file there ends with {endings}", place=self.name)
        given = None if self.format_name == "auto" else self.format_name
        return [(file, given or _format_of(file, whole) or "lines") for file in found]

    def has(self, *outputs: Path) -> bool:
        """Whether what is to be written would be one of the files, or lie in the folder of them.

        Args:
            outputs: files that need not be there yet.
        """
        if self.name == STANDARD_INPUT:
            return False
        targets = [Path(os.path.realpath(output)) for output in outputs]
        if Path(self.path).is_dir():
            return any(target.is_relative_to(os.path.realpath(self.path)) for target in targets)
        if self._is_pattern and any(would_match(target, self.name) for target in targets):
            return True
        there = [path for target in targets for path in (target, target.parent) if path.is_file()]
        return bool(there) and any(Path(os.path.realpath(f)) in there for f, _ in self.files())

    def fingerprint(self) -> Optional[Dict[str, Any]]:
        """What tells the files from others: names, sizes and times; None: they cannot be read twice.

        The documents that are read next are those of these files, whatever is written meanwhile.
        """
        if self.name == STANDARD_INPUT:
            return None
        found: Dict[str, Any] = {}
        file = Path(self.path)
        try:
            self._told = self.files()
            for file, _ in self._told:
                stat = file.stat()
                found[str(file)] = [stat.st_size, stat.st_mtime_ns]
        except OSError as err:
            raise DataError(f"cannot be read: {err.strerror}", place=str(file)) from err
        return found

    def options(self) -> Dict[str, Any]:
        """How they are read, as JSON data."""
        meta = None if self.meta is None else list(self.meta)
        names = {"format": self.format_name, "text": self.text, "id": self.id, "meta": meta}
        return {**names, "max_length": self.max_length}

    def texts(self, report: Report) -> Iterator[Text]:
        """The texts with their records, see :meth:`documents`."""
        return ((document.text, document.record) for document in self.documents(report))

    def documents(self, report: Report) -> Iterator[Document]:
        """Read the documents.

        Args:
            report: takes note of what is none.

        Raises:
            DataError: if the report stops at problems; it names file and line.
            ConfigError: if standard input is closed, or a package is missing.
        """
        files, self._told = self._told or self.files(), None
        sizes = [file.stat().st_size if file.is_file() else 0 for file, _ in files]
        self._size, self._before = sum(sizes), 0
        several = len(files) > 1 or Path(self.path).is_dir()
        for (file, kind), size in zip(files, sizes):
            with report.skipping("document", str(file)), open_stream(file) as stream:
                self._stream = stream
                place = Path("standard input") if self.name == STANDARD_INPUT else file
                try:
                    for where, record in _READERS[kind](self, stream, place, report):
                        with report.skipping("document", where):
                            prefix = self._prefix(file) if several else ""
                            yield self._document(record, where, prefix)
                finally:  # also where no more documents are wanted
                    self._stream = None
            self._before += size

    @property
    def required(self) -> "frozenset[str]":
        """The columns that tables must have: those that were named, and that of the texts."""
        named = [] if self.id == "id" else [self.id]
        return frozenset({self.text, *named, *(self.meta or ())})

    @property
    def _is_pattern(self) -> bool:
        return glob.has_magic(self.name) and not Path(self.path).exists()

    def _prefix(self, file: Path) -> str:
        """The beginning of the ids of lines and documents, which are those of several files."""
        path = Path(self.path)
        return (file.relative_to(path) if path.is_dir() else file).as_posix()

    def _document(self, record: Record, place: str, prefix: str) -> Document:
        text = check_text(get(record, self.text, str), self.max_length)
        used = self.id if self.id in record else "id"
        kept = {
            "record_id" if key == "id" else key: value
            for key, value in record.items()
            if key not in (self.text, used, _NUMBER) and (self.meta is None or key in self.meta)
        }
        name = record.get(used)
        if name is None and _NUMBER in record:
            name = record[_NUMBER]
            name = f"{prefix}:{name}" if prefix and name else name or prefix or Path(place).stem
        return Document(text, kept if name is None else {"id": name, **kept}, place)


def given_documents(texts: Iterable[Union[str, Text]], report: Report) -> Iterator[Document]:
    """Texts in memory as documents; numbers that JSON does not have are missing values.

    Args:
        texts: texts, or pairs of a text and a record.
        report: takes note of what is no text.

    Raises:
        ConfigError: if one string is given in place of several texts.
        DataError: if the report stops at problems.
    """
    for number, (text, record) in enumerate(with_records(texts), start=1):
        place = f"text {number}"
        with report.skipping("document", place):
            if not isinstance(text, str):
                raise DataError(f"expected a text, got {shown(text)}")
            known = {str(key): _plain(value) for key, value in record.items()}
            if known.get("id") is None:
                known.pop("id", None)
            yield Document(check_text(text), known, place)


_NUMBER = "\0number"
"""Key of a record that has no id of its own: its line, or 0 for a file that is one document."""


def _format_of(file: Path, whole: bool) -> Optional[str]:
    kind = _ENDINGS.get(plain_name(file).rpartition(".")[2])
    return "document" if kind == "lines" and whole else kind


def _read_lines(source: Source, stream: Stream, path: Path, report: Report) -> _Rows:
    longest = 4 * source.max_length  # bytes of UTF-8
    for number, line in read_lines(path, report, source=stream.content, longest=longest):
        yield f"{path}, line {number}", {_NUMBER: number, source.text: line}


def _read_document(source: Source, stream: Stream, path: Path, report: Report) -> _Rows:
    content = stream.content.read(4 * source.max_length + 4)
    try:
        yield str(path), {_NUMBER: 0, source.text: content.decode("utf-8-sig", "strict")}
    except UnicodeDecodeError as err:
        if len(content) > 4 * source.max_length:
            err.reason = f"more than {source.max_length:,} characters"
        report.problem(f"not UTF-8: {err}", place=str(path), skips="document")


def _read_jsonl(source: Source, stream: Stream, path: Path, report: Report) -> _Rows:
    is_file = path.is_file() and not is_compressed(path)  # which may be read twice
    longest = 6 * source.max_length + _META  # a character may be written as \\u0000
    content = None if is_file else stream.content
    return read_records(path, report, name=source.id, source=content, longest=longest)


def _read_csv(source: Source, stream: Stream, path: Path, report: Report) -> _Rows:
    with decoded(stream.content, "surrogateescape") as lines:
        rows = read_rows(
            path,
            report,
            source.required,
            skips="document",
            source=lines,
            longest=source.max_length + _META,
        )
        for place, row in rows:
            kept = {name: cell for name, cell in row.items() if cell or name == source.text}
            yield place, {_NUMBER: int(place.rpartition(" ")[2]), **kept}


def _read_parquet(source: Source, stream: Stream, path: Path, report: Report) -> _Rows:
    _check_plain(path)
    parquet = import_package("pyarrow.parquet", "parquet")
    arrow = import_package("pyarrow", "parquet")
    source._stream = None  # it is not read from its beginning to its end
    try:
        file = parquet.ParquetFile(stream.content)
        names = file.schema_arrow.names
        missing = sorted(source.required.difference(names))
        if missing:
            raise DataError(f"no column {shown(missing[0])}, only {listed(names)}")
        sizes = [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
        if max(sizes, default=0) > _GROUP:
            raise DataError(f"a group of rows has more than {_GROUP:,} bytes; write smaller ones")
        kept = names if source.meta is None else [source.text, source.id, *source.meta]
        columns = [name for name in names if name in kept]
        number = 0
        for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield (
                    f"{path}, row {number}",
                    {k: _plain(v) for k, v in row.items() if v is not None},
                )
    except DataError:
        raise
    except (arrow.ArrowException, OSError, OverflowError, ValueError) as err:
        raise DataError(f"no Parquet that can be read: {str(err)[:200]}", place=str(path)) from err


def _read_spacy(source: Source, stream: Stream, path: Path, report: Report) -> _Rows:
    _check_plain(path)
    for number, doc in enumerate(read_docs(path, blank_pipeline("xx")), start=1):
        meta = doc.user_data.get("meta")
        yield (
            f"{path}, document {number}",
            {_NUMBER: number, source.text: doc.text, **(meta if isinstance(meta, dict) else {})},
        )


def _check_plain(path: Path) -> None:
    if is_compressed(path) or not path.is_file():
        message = "Parquet and .spacy are read from plain files, which are compressed inside"
        raise DataError(message, place=str(path))


def _plain(value: Any) -> Any:
    """A cell as JSON data."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (int, type(None))):
        return value
    return check_text(str(value))


_READERS: Dict[str, Callable[[Source, Stream, Path, Report], Iterable[Tuple[str, Record]]]] = {
    "lines": _read_lines,
    "document": _read_document,
    "jsonl": _read_jsonl,
    "csv": _read_csv,
    "parquet": _read_parquet,
    "spacy": _read_spacy,
}
"""A function for each format, which reads the records of a file with their places."""

_ENDINGS = {
    **{"txt": "lines", "jsonl": "jsonl", "json": "jsonl", "ndjson": "jsonl"},
    **{"csv": "csv", "tsv": "csv", "parquet": "parquet", "spacy": "spacy"},
}
