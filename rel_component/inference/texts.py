"""Texts to process, and where they come from."""

import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple, Union

from spacy.tokens import Doc

from ..converters.formats.jsonl import is_annotation
from ..converters.json_stream import parse_json
from ..converters.records import Record, get, read_each, read_meta, read_records
from ..converters.report import Report
from ..converters.text_files import read_lines
from ..errors import ConfigError, DataError

Text = Tuple[str, Dict[str, Any]]
"""A text, and the record that it comes with: what is known of it, such as its id."""


def read_texts(
    path: Union[str, Path],
    report: Optional[Report] = None,
    *,
    max_length: Optional[int] = None,
) -> Iterator[Text]:
    """Read a file of texts, one after the other.

    Args:
        path: a text file, whose lines are the texts; a ``.jsonl`` file, whose objects have a ``text``;
            or ``-`` for lines of standard input.
        report: takes note of what is no text; None: the first one is an error.
        max_length: the most characters of a text, such as ``nlp.max_length``; None: any number.

    Returns:
        The texts that are not blank. An object is the record itself; a line has its number as its
        ``id``.

    Raises:
        DataError: if the file cannot be read, or if the report stops at problems; it names the line.
        ConfigError: if standard input is closed.
    """
    path, report = Path(path), report or Report(on_error="stop")
    if path.suffix == ".jsonl":
        items = read_records(path, report)
    elif str(path) != "-":
        items = _lines(read_lines(path, report), path)
    elif sys.stdin is None:
        raise ConfigError("standard input is closed; give a file of texts or --text")
    else:
        path = Path("standard input")
        items = _lines(read_lines(path, report, source=sys.stdin.buffer), path)

    def read(record: Record, place: str, report: Report) -> Text:
        return check_text(get(record, "text", str), max_length), record

    return read_each(items, read, report)


def _lines(lines: Iterable[Tuple[int, str]], path: Path) -> Iterator[Tuple[str, Record]]:
    return ((f"{path}, line {n}", {"id": n, "text": line}) for n, line in lines)


def check_text(text: str, max_length: Optional[int] = None) -> str:
    """The text, if spaCy can process it.

    Raises:
        DataError: if it is too long or has halves of surrogate pairs.
    """
    if max_length is not None and len(text) > max_length:
        raise DataError(
            f"the text has {len(text):,} characters, more than {max_length:,}: split it, or allow more "
            "(--max-length, nlp.max_length), which takes memory"
        )
    try:
        text.encode("utf8")
    except UnicodeEncodeError as err:
        raise DataError(f"the text has half a surrogate pair at character {err.start}") from None
    return text


def with_records(texts: Iterable[Union[str, Text]]) -> Iterator[Text]:
    """Pair each text with its record, or with an empty one.

    Raises:
        ConfigError: if one string is given in place of several texts.
    """
    if isinstance(texts, (str, Path)):
        raise ConfigError(
            f"texts: expected a list of texts, got {str(texts)[:60]!r}; read_texts reads a file"
        )
    return ((text, {}) if isinstance(text, str) else text for text in texts)


def keep_meta(doc: Doc, record: Record) -> None:
    """Keep what a record says of a text, its id and meta data, as converted documents have it.

    Its text and annotations of the package's own format are left out, not what has their names alone.
    """
    known = {key for key, value in record.items() if is_annotation(key, value)}
    if record.get("text") == doc.text:
        known.add("text")
    kept = read_meta({**record, "meta": _object(record.get("meta"))}, known)
    if kept:
        doc.user_data["meta"] = kept


def _object(value: Any) -> Any:
    """A value, or the object that it is as JSON, as meta data in tables are."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        return parse_json(value)
    except DataError:
        return value
