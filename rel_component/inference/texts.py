"""Texts to process, and where they come from."""

import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Tuple, Union

from ..converters.records import get, read_lines, read_records
from ..converters.report import Report
from ..errors import ConfigError

Text = Tuple[str, Dict[str, Any]]
"""A text, and the record that it comes with: what is known of it, such as its id."""


def read_texts(path: Union[str, Path]) -> Iterator[Text]:
    """Read a file of texts, one after the other.

    Args:
        path: a text file, whose lines are the texts; a ``.jsonl`` file, whose objects have a ``text``;
            or ``-`` for lines of standard input.

    Returns:
        The texts that are not blank. A line comes with an empty record, an object is the record itself.

    Raises:
        DataError: if the file cannot be read; it names the line.
    """
    path = Path(path)
    if str(path) == "-":
        for line in sys.stdin:
            if line.strip():
                yield line.rstrip("\r\n"), {}
    elif path.suffix == ".jsonl":
        for place, record in read_records(path, Report(on_error="stop")):
            yield get(record, "text", str, place), record
    else:
        for _, line in read_lines(path):
            yield line, {}


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
