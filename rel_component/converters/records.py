"""Reading and writing of JSON records, with the place of whatever is wrong with them.

Most formats of JSON are :func:`json_reader`, :func:`json_writer` and :func:`json_detector` of functions
for one record.
"""

import io
import json
import re
from contextlib import suppress
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import (
    Any,
    BinaryIO,
    Callable,
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
)

from ..errors import DataError, shown
from ..files import open_output
from .annotated import Annotated, MentionId
from .class_labels import INFO, names_of_labels
from .format import HEAD_LENGTH, ReadFunction, WriteFunction
from .json_stream import first_values, parse_json, read_values
from .report import Report
from .text_files import decoded, read_lines

Item = TypeVar("Item")
T = TypeVar("T")

Record = Dict[str, Any]

_BEGINNING = 1024
_LONGEST_LINE = 1 << 26  # characters to look at
_HALVES = re.compile(r"[\ud800-\udfff]")
_OPEN_LINE = re.compile(r"\{[ \t]*\r?\n")
_LABELS = frozenset({"label", "type", "relation", "subj_type", "obj_type", "tags"})
_NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def json_reader(
    read: Callable[[Record, str, Report], Optional[Annotated]],
    *,
    name: str = "id",
    lines: bool = True,
) -> ReadFunction:
    """Make the function that reads the files of a format.

    Args:
        read: reads one record, given its place and the report; None: there is nothing in it.
        name: field with the name of a record, which is added to its place.
        lines: whether the format is JSONL, and an empty file one without documents; a list has
            brackets. Files of the other form are read too.
    """
    return lambda path, report: read_each(
        read_records(path, report, name=name, lines=lines), read, report
    )


def json_writer(
    to_record: Callable[[Annotated, Report], Record], *, lines: bool = True
) -> WriteFunction:
    """Make the function that writes the files of a format.

    Args:
        to_record: makes the record of one document; what it leaves out goes to the report.
        lines: whether the file is JSONL or one list.
    """
    return lambda documents, path, report: write_records(
        (to_record(annotated, report) for annotated in documents), path, lines=lines
    )


def json_detector(fits: Callable[[Record], bool]) -> Callable[[str], bool]:
    """Make the function that recognises the files of a format.

    Args:
        fits: whether a record is one of the format; all at the beginning of a file must be.
    """
    return lambda head: bool(first_records(head)) and all(map(fits, first_records(head)))


def read_records(
    path: Path,
    report: Report,
    *,
    name: str = "id",
    lines: bool = True,
    source: Optional[BufferedReader] = None,
    longest: Optional[int] = None,
) -> Iterator[Tuple[str, Record]]:
    """Read the objects of a JSON file, one after the other.

    Args:
        path: a file of JSONL, of one list, or of objects over several lines.
        report: takes note of what is no object, and of broken lines of JSONL.
        name: field with the name of an object, which is added to its place.
        lines: whether a file may be empty.
        source: a stream to read in place of the file, such as that of a compressed one.
        longest: the most bytes of a line of JSONL, and characters of another object; None: any number.

    Returns:
        The objects with their places.

    Raises:
        DataError: if the file is missing or not UTF-8; if it is broken and no JSONL.
    """
    if source is None:
        beginning = read_beginning(path)
    else:  # what is looked at is not taken from the stream
        beginning = source.peek(_BEGINNING).decode("utf-8-sig", "replace").lstrip()
    if not beginning and not lines:
        raise DataError("broken JSON: expected a list of objects", place=f"{path}, document 0")
    label = "document"
    if beginning.startswith("["):
        values, label = _stream(path, "document", 0, source, longest), name
    elif _OPEN_LINE.match(beginning) or (
        source is None and beginning.startswith("{") and _goes_on(path)
    ):
        values = _stream(path, "object", 1, source, longest)
    else:
        values = _parse_lines(path, report, source, longest)
    with_names = names_of_labels(path)
    for place, value in values:
        if not isinstance(value, dict):
            report.problem(f"expected an object, got {shown(value)}", place=place, skips="document")
            continue
        if name in value:
            place += f", {label} {value[name]!s:.60}"
        yield place, with_names(value)


def read_beginning(path: Path) -> str:
    """The first characters of a file after white space; one list may be a single long line."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as source:
            beginning = ""
            while not beginning and (part := source.read(_BEGINNING)):
                beginning = part.lstrip()
            return beginning + source.readline(_BEGINNING)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err


def _goes_on(path: Path) -> bool:
    """Whether the object at the beginning of a file goes on after its first line."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as source:
        line = ""
        while not line.strip():
            line = source.readline(_LONGEST_LINE)
        if next(first_values(line), None) is not None:
            return False
        return next(first_values(line + source.read(HEAD_LENGTH)), None) is not None


def _parse_lines(
    path: Path, report: Report, source: Optional[BinaryIO], longest: Optional[int]
) -> Iterator[Tuple[str, Any]]:
    for number, line in read_lines(path, report, source=source, longest=longest):
        place = f"{path}, line {number}"
        with report.skipping("document", place):
            for value in _values(line):
                yield place, value


def _values(line: str) -> List[Any]:
    """The value of a line, or the objects that have no line break between them."""
    try:
        return [parse_json(line)]
    except DataError:
        with suppress(ValueError, RecursionError):
            values = list(read_values(io.StringIO(line)))
            if len(values) > 1:
                return values
        raise


def _stream(
    path: Path, kind: str, number: int, source: Optional[BinaryIO], longest: Optional[int]
) -> Iterator[Tuple[str, Any]]:
    """The values of a file with their places, of which only the one at hand is in memory."""
    try:
        with decoded(source) if source else path.open(encoding="utf-8-sig", newline="") as text:
            for value in read_values(text, longest):
                yield f"{path}, {kind} {number}", value
                number += 1
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except UnicodeDecodeError as err:
        raise DataError(f"not UTF-8: {err}", place=f"{path}, {kind} {number}") from err
    except (ValueError, RecursionError) as err:
        raise DataError(f"broken JSON: {err}", place=f"{path}, {kind} {number}") from err


@lru_cache(maxsize=1)
def first_records(head: str) -> Sequence[Record]:
    """The complete objects at the beginning of a JSON file; none if it has other values there."""
    values = list(first_values(head))
    return values if all(isinstance(value, dict) for value in values) else ()


def read_each(
    items: Iterable[Tuple[str, Item]],
    read: Callable[[Item, str, Report], Optional[T]],
    report: Report,
) -> Iterator[T]:
    """Read items one after the other; those that cannot be used go to the report.

    Args:
        items: the items, such as records, with their places.
        read: reads one item, given its place and the report; None: there is nothing in it.
        report: takes note of the errors of `read`.
    """
    for place, item in items:
        with report.skipping("document", place):
            result = read(item, place, report)
            if result is not None:
                yield result


def write_records(records: Iterable[Record], path: Path, *, lines: bool = True) -> None:
    """Write objects to a JSON file, one a line, one after the other.

    Args:
        records: the objects.
        path: the file.
        lines: whether the file is JSONL or one list.

    Raises:
        DataError: if the file cannot be written.
    """
    with open_output(path) as output:
        delimiter = "" if lines else "[\n"
        for record in records:
            output.write(delimiter + to_json(record))
            delimiter = "\n" if lines else ",\n"
        if lines:
            output.write(delimiter)
        else:
            output.write("[]\n" if delimiter == "[\n" else "\n]\n")


def to_json(value: Any) -> str:
    """The JSON text of a value on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return _HALVES.sub(lambda half: json.dumps(half[0])[1:-1], text)  # UTF-8 has no halves of pairs


def get(record: Record, key: str, kind: type, place: str = "", *, default: Any = None) -> Any:
    """A value of a record.

    Args:
        record: the record.
        key: name of the value.
        kind: its type: str, int, list or dict.
        place: of the record, for the message; empty where :func:`read_each` adds it.
        default: value where the key is missing or null; None: it must be there.

    Raises:
        DataError: if the value is missing or of another type.
    """
    value = record.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        got = "nothing" if value is None else repr(value)[:60]
        if kind is str and type(value) is int and key in _LABELS:
            got += f"; names of labels by number are read from a {INFO} beside the file"
        raise DataError(f'"{key}": expected {_NAMES[kind]}, got {got}', place=place)
    return value


def get_id(record: Record, key: str) -> MentionId:
    """A name in a record: its string or integer, or the JSON text of another value.

    Names that differ stay different: 1 and "1" are two, while 1.0 is 1, as for most programs.

    Raises:
        DataError: if it is missing or null.
    """
    value = record.get(key)
    if value is None:
        return str(get(record, key, str))
    if isinstance(value, str) or type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return to_json(value)


def read_meta(record: Record, fields: Collection[str], key: str = "id") -> Record:
    """The meta of a record: what is in its ``meta``, and all that its format does not know.

    Args:
        record: the record.
        fields: what the format knows.
        key: the field with the id of the document.
    """
    meta = {name: value for name, value in record.items() if name not in fields}
    given = meta.get("meta")
    if given is None or isinstance(given, dict):
        meta.pop("meta", None)
        meta.update(given or {})
    if key in record:
        if key != "id" and "id" in record:
            meta["record_id"] = record["id"]
        meta.pop(key, None)
        meta["id"] = record[key]
    return meta


def write_meta(annotated: Annotated, fields: Collection[str], key: str = "id") -> Record:
    """The fields that :func:`read_meta` reads, for the beginning of a record."""
    meta = dict(annotated.meta)
    record = {key: meta.pop("id")} if "id" in meta else {}
    known = {*fields, "meta", "id", key}
    hidden = {name: value for name, value in meta.items() if name in known}
    record.update((name, value) for name, value in meta.items() if name not in known)
    return {**record, "meta": hidden} if hidden else record


def read_attributes(item: Record, fields: Collection[str]) -> Record:
    """The attributes of a mention or relation: ``attributes``, and all that its format does not know."""
    known = {*fields, "attributes"}
    others = {name: value for name, value in item.items() if name not in known}
    return {**others, **get(item, "attributes", dict, default={})}


def get_score(record: Record, default: Optional[float]) -> Optional[float]:
    """The probability ``score`` of a record.

    Args:
        record: the record.
        default: value where the key is missing; null is None.

    Raises:
        DataError: if it is no number from 0 to 1.
    """
    value = record.get("score", default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise DataError(f'"score": expected a number from 0 to 1, got {shown(value)}')
    return float(value)


def get_items(record: Record, key: str, kind: type) -> List[Any]:
    """A list of values of one type in a record, empty if the key is missing.

    A list of objects may be stored by column, ``{"start": [0, 13], "end": [4, 18]}``.

    Args:
        record: the record.
        key: name of the list.
        kind: type of its items: str, int, list or dict.

    Raises:
        DataError: if the value is no list, or an item is of another type.
    """
    items = record.get(key)
    if kind is dict and isinstance(items, dict) and _are_columns(items):
        return [dict(zip(items, row)) for row in zip(*items.values())]
    items = get(record, key, list, default=[])
    for i, item in enumerate(items):
        if not isinstance(item, kind) or (kind is int and isinstance(item, bool)):
            raise DataError(f'"{key}"[{i}]: expected {_NAMES[kind]}, got {shown(item)}')
    return list(items)


def _are_columns(value: Record) -> bool:
    lengths = {len(column) if isinstance(column, list) else -1 for column in value.values()}
    return len(lengths) == 1 and -1 not in lengths
