"""The rows of a knowledge base, as its users write them: JSONL or CSV.

Columns or keys: ``id``, ``name``, and optionally ``aliases``, ``description``, ``types`` and ``prior``.
In CSV, aliases and types are separated by bars. The prior says how often an entity is meant beside
others, as a number that is not negative: a probability or a count.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..converters.formats.csv_rows import read_rows
from ..converters.records import read_beginning, read_records
from ..converters.report import Report
from ..errors import DataError, shown

MAX_ID, MAX_NAME, MAX_DESCRIPTION = 200, 500, 10_000
"""The most characters of an id, of a name or a type, and of a description."""

MAX_ALIASES, MAX_TYPES = 10_000, 100

_KEYS = ("id", "name", "aliases", "description", "types", "prior")


@dataclass(frozen=True)
class Entity:
    """One entity of a knowledge base.

    Attributes:
        id: its identifier.
        name: the name it is shown with.
        aliases: other names.
        description: what it is, in words.
        types: its types, as ``doc.ents`` has them or as :class:`.KbLinker` maps them.
        prior: how often it is meant beside others; None: not known.
    """

    id: str
    name: str
    aliases: Sequence[str] = ()
    description: str = ""
    types: Sequence[str] = ()
    prior: Optional[float] = None


def read_entities(path: Path, report: Report) -> Iterator[Entity]:
    """Read the entities of a file, one after the other.

    Args:
        path: a CSV file with a header, or JSONL.
        report: takes note of rows that cannot be used; columns that are not read are notes of it.

    Raises:
        DataError: at the first row that cannot be used, unless the report skips it: a missing or
            empty id or name, an id that an earlier row has, or a value that is too long.
    """
    places: Dict[str, int] = {}
    is_json = read_beginning(path)[:1] in ("{", "[")
    rows = read_records(path, report) if is_json else _csv_rows(path, report)
    for number, (place, row) in enumerate(rows, start=1):
        with report.skipping("document", place):
            entity = _read(row)
            if entity.id in places:
                raise DataError(
                    f"the id {shown(entity.id)} is that of entity {places[entity.id]} of the file too; "
                    "each entity has an id of its own, and all of its names in one row"
                )
            places[entity.id] = number
            for key in row:
                if key not in _KEYS:
                    report.note(f"values of {shown(key)}, which are not read", place=place)
            report.documents += 1
            report.mentions += 1 + len(entity.aliases)
            yield entity


def _csv_rows(path: Path, report: Report) -> Iterator[Tuple[str, Dict[str, Any]]]:
    for place, row in read_rows(path, report, frozenset({"id", "name"}), skips="document"):
        values: Dict[str, Any] = {key: value for key, value in row.items() if value}
        for key in ("aliases", "types"):
            if key in values:
                values[key] = [part for part in map(str.strip, values[key].split("|")) if part]
        if "prior" in values:
            with suppress(ValueError):  # the check of its value has the message
                values["prior"] = float(values["prior"])
        yield place, values


def _read(row: Dict[str, Any]) -> Entity:
    name = _text(row, "name", MAX_NAME)
    aliases = dict.fromkeys(_texts(row, "aliases", MAX_ALIASES))
    aliases.pop(name, None)
    description = row.get("description") or ""
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION:
        raise DataError(
            _expected("description", f"at most {MAX_DESCRIPTION} characters", description)
        )
    prior = row.get("prior")
    if prior is not None:
        is_number = isinstance(prior, (int, float)) and not isinstance(prior, bool)
        if not is_number or not 0.0 <= prior < math.inf:
            raise DataError(_expected("prior", "a number that is 0 or more", prior))
        prior = float(prior)
    return Entity(
        id=_text(row, "id", MAX_ID),
        name=name,
        aliases=tuple(aliases),
        description=" ".join(description.split()),
        types=tuple(dict.fromkeys(_texts(row, "types", MAX_TYPES))),
        prior=prior,
    )


def _texts(row: Dict[str, Any], key: str, most: int) -> List[str]:
    values = row.get(key)
    if values is None:
        return []
    if not isinstance(values, list) or len(values) > most:
        raise DataError(_expected(key, f"a list of at most {most} texts", values))
    return [_checked(value, key, MAX_NAME) for value in values]


def _text(row: Dict[str, Any], key: str, longest: int) -> str:
    value = row.get(key)
    return _checked(str(value) if type(value) is int and key == "id" else value, key, longest)


def _checked(value: Any, key: str, longest: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > longest or not text.isprintable():
        raise DataError(_expected(key, f"1 to {longest} printable characters", value))
    return text


def _expected(key: str, expected: str, value: Any) -> str:
    size = f" of {len(value)} characters" if isinstance(value, str) and len(value) > 60 else ""
    return f"{key}: expected {expected}, got {shown(value)}{size}"
