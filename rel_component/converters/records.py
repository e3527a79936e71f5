"""Reading and writing of JSON records, with the place of whatever is wrong with them."""

import json
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import (
    AbstractSet,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
)

from ..errors import DataError
from ..files import open_output
from .json_values import DECODER, JsonBuffer, buffer_of, read_items, read_values, reject_halves
from .report import Report

T = TypeVar("T")

Record = Dict[str, Any]

_NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def read_lines(path: Path) -> Iterator[Tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers from 1.

    Raises:
        DataError: if the file is missing or not UTF-8.
    """
    try:
        with path.open("rb") as lines:
            for number, encoded in enumerate(lines, start=1):
                try:
                    line = encoded.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as err:
                    raise DataError(f"not UTF-8: {err}", place=f"{path}, line {number}") from err
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err


def read_text(path: Path) -> str:
    """The text of a file, with its line breaks as they are.

    Raises:
        DataError: if the file is missing or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except UnicodeDecodeError as err:
        raise DataError(f"not UTF-8: {err}", place=str(path)) from err


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        DataError: if it is broken, or has values that no other program reads: halves of characters,
            infinite or very large numbers, very deep nesting.
    """
    try:
        value = DECODER.decode(text)
        reject_halves(value, text, 0, len(text))
    except (ValueError, RecursionError) as err:
        raise DataError(f"broken JSON: {err}") from err
    return value


def read_json_lines(path: Path, report: Report) -> Iterator[Tuple[str, Record]]:
    """The objects of a JSONL file with their places; broken lines go to the report.

    If the first line is nothing but ``{``, objects are written over several lines.

    Raises:
        DataError: if the file is missing or not UTF-8, or broken with objects over several lines.
    """
    lines = read_lines(path)
    first = list(islice(lines, 1))
    if _is_pretty(line for _, line in first):
        yield from _pretty_objects(path, report)
        return
    for number, line in chain(first, lines):
        place = f"{path}, line {number}"
        try:
            record = parse_json(line)
        except DataError as err:
            report.problem(err.message, place=place, skips="document")
            continue
        if not isinstance(record, dict):
            report.problem(f"expected an object, got {line[:40]}", place=place, skips="document")
            continue
        if "id" in record:
            place += f", document {record['id']!s:.60}"
        yield place, record


def _pretty_objects(path: Path, report: Report) -> Iterator[Tuple[str, Record]]:
    for number, value in enumerate(_read_values(path, read_values), start=1):
        place = f"{path}, object {number}"
        if not isinstance(value, dict):
            report.problem(f"expected an object, got {value!r:.60}", place=place, skips="document")
            continue
        if "id" in value:
            place += f", document {value['id']!s:.60}"
        yield place, value


def read_json_list(path: Path, report: Report) -> Iterator[Tuple[str, Record]]:
    """The objects of a file that is one JSON list, one after the other, with their places.

    Raises:
        DataError: if the file is missing, not UTF-8, no JSON list or broken.
    """
    for i, item in enumerate(_read_values(path, read_items)):
        place = f"{path}, document {i}"
        if isinstance(item, dict):
            yield place, item
        else:
            report.problem(f"expected an object, got {item!r:.60}", place=place, skips="document")


def write_json_lines(records: Iterable[Record], path: Path) -> None:
    """Write objects to a JSONL file, one after the other."""
    with open_output(path) as output:
        for record in records:
            output.write(to_json(record) + "\n")


def write_json_list(records: Iterable[Record], path: Path) -> None:
    """Write objects to a file that is one JSON list, one object a line, one after the other."""
    with open_output(path) as output:
        before = "[\n"
        for record in records:
            output.write(before + to_json(record))
            before = ",\n"
        output.write("[]\n" if before == "[\n" else "\n]\n")


def to_json(value: Any) -> str:
    """A JSON text on one line."""
    return json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=1)
def objects_on_lines(head: str) -> Sequence[Record]:
    """The objects on the lines at the beginning of a file; none if one line is something else.

    Args:
        head: the beginning of a file, whose last line, or object over several lines, may be
            incomplete. Does not raise.
    """
    objects = []
    lines = [line for line in head.lstrip("\ufeff").split("\n") if line.strip()]
    if _is_pretty(lines):
        return _complete_objects(read_values(buffer_of(head)))
    for i, line in enumerate(lines):
        try:
            value = DECODER.decode(line) if line.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            objects.append(value)
        elif i == 0 or i < len(lines) - 1:
            return ()
    return tuple(objects)


@lru_cache(maxsize=1)
def objects_in_list(head: str) -> Sequence[Record]:
    """The objects at the beginning of a file that is one JSON list; none if it is not.

    Args:
        head: the beginning of a file, whose last object may be incomplete. Does not raise.
    """
    return _complete_objects(read_items(buffer_of(head)))


def _is_pretty(lines: Iterable[str]) -> bool:
    return next(iter(lines), "").strip() == "{"


def _complete_objects(values: Iterator[Any]) -> Sequence[Record]:
    """The values before the first that is incomplete; none if one of them is no object."""
    objects: List[Record] = []
    while True:
        try:
            value = next(values, None)
        except (ValueError, RecursionError):
            value = None
        if value is None:
            return tuple(objects)
        if not isinstance(value, dict):
            return ()
        objects.append(value)


def read_each(
    records: Iterable[Tuple[str, Record]],
    read: Callable[[Record, str, Report], Optional[T]],
    report: Report,
    *,
    key: str = "",
    form: str = "",
) -> Iterator[T]:
    """What is read of each record; those that cannot be used go to the report.

    Args:
        records: the records with their places.
        read: reads one, given its place; None: there is nothing in it.
        key: of a record's name, which is added to its place in the given form.
    """
    for place, record in records:
        if key in record:
            place += form.format(f"{record[key]!s:.60}")
        try:
            result = read(record, place, report)
        except DataError as err:
            report.problem(err.message, place=err.place or place, skips="document")
            continue
        if result is not None:
            yield result


def get(record: Record, key: str, kind: type, place: str, default: Any = None) -> Any:
    """A value of a record.

    null; None: it must be there.

    Args:
        key: its name.
        kind: its type.
        place: of the record.
        default: value where the key is missing or

    Raises:
        DataError: if it is missing or of another type.
    """
    value = record.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        got = "nothing" if value is None else repr(value)[:60]
        raise DataError(f'"{key}": expected {_NAMES[kind]}, got {got}', place=place)
    return value


def get_id(record: Record, key: str, place: str) -> Any:
    """A string or an integer of a record; errors as in :func:`get`."""
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return get(record, key, str, place)


def get_objects(record: Record, key: str, place: str) -> List[Record]:
    """A list of objects in a record, empty if the key is missing; errors as in :func:`get`."""
    items = get(record, key, list, place, default=[])
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise DataError(f'"{key}"[{i}]: expected an object, got {item!r:.60}', place=place)
    return list(items)


def note_unread(record: Record, known: AbstractSet[str], place: str, report: Report) -> None:
    """Take note of the fields of a record that a format does not read, the first one by its name."""
    others = sorted(record.keys() - known)
    if others:
        where = f"{place}, field {others[0]!s:.60}"
        report.note("fields that are not read", place=where, count=len(others))


def _read_values(path: Path, read: Callable[[JsonBuffer], Iterator[Any]]) -> Iterator[Any]:
    """The values that `read` finds in a file; only the one at hand is in memory."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            for value in read(JsonBuffer(source)):
                yield value
                number += 1
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except UnicodeDecodeError as err:
        raise DataError(f"not UTF-8: {err}", place=f"{path}, document {number}") from err
    except (ValueError, RecursionError) as err:
        raise DataError(f"broken JSON: {err}", place=f"{path}, document {number}") from err
