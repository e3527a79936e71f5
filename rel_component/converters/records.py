"""Reading of JSON records, with the place of whatever is wrong with them."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import srsly

from ..errors import DataError
from .report import Report

Record = Dict[str, Any]

_NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def read_lines(path: Path) -> Iterator[Tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers from 1.

    :raises DataError: if the file is missing or not UTF-8.
    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except UnicodeDecodeError as err:
        raise DataError(f"not UTF-8: {err}", place=f"{path}, after line {number}") from err


def read_json_lines(path: Path, report: Report) -> Iterator[Tuple[str, Record]]:
    """The objects of a JSONL file with their places; broken lines go to the report."""
    for number, line in read_lines(path):
        place = f"{path}, line {number}"
        try:
            record = srsly.json_loads(line)
        except ValueError as err:
            report.problem(f"broken JSON: {err}", place=place, skips="document")
            continue
        if not isinstance(record, dict):
            report.problem(f"expected an object, got {line[:40]}", place=place, skips="document")
            continue
        if "id" in record:
            place += f", document {record['id']}"
        yield place, record


def get(record: Record, key: str, kind: type, place: str, default: Any = None) -> Any:
    """A value of a record.

    key: its name. kind: its type. place: of the record. default: value where the key is missing or
    null; None: it must be there.

    :raises DataError: if it is missing or of another type.
    """
    value = record.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        got = "nothing" if value is None else repr(value)[:60]
        raise DataError(f'"{key}": expected {_NAMES[kind]}, got {got}', place=place)
    return value


def get_objects(record: Record, key: str, place: str) -> List[Record]:
    """A list of objects in a record, empty if the key is missing; errors as in :func:`get`."""
    items = get(record, key, list, place, default=[])
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise DataError(f'"{key}"[{i}]: expected an object, got {item!r:.60}', place=place)
    return list(items)
