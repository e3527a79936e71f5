"""Header, sentences and tokens of WebAnno TSV 3, before anything is known of annotations."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Literal, Set, Tuple

from ....errors import DataError, shown
from ...text_files import read_text
from .._utf16 import from_utf16
from .tsv_escapes import unescape_text

FORMAT_LINE = "#FORMAT=WebAnno TSV 3.3"
SPAN, CHAIN, RELATION = "#T_SP=", "#T_CH=", "#T_RL="
TEXT = "#Text="
BASE, ROLE = "BT_", "ROLE_"
EMPTY, NO_VALUE = "_", "*"

_FORMAT = re.compile(r"#FORMAT=WebAnno TSV 3\.([2-9]|\d{2,})\s*")
_ID = re.compile(r"\d+-\d+(\.\d+)?")
_OFFSETS = re.compile(r"(\d{1,15})-(\d{1,15})")

_MAX_GAP = 1 << 20

Kind = Literal["#T_SP=", "#T_CH=", "#T_RL="]
_KINDS: Tuple[Kind, ...] = ("#T_SP=", "#T_CH=", "#T_RL=")


@dataclass(frozen=True)
class Layer:
    """A layer and where its columns are.

    Attributes:
        columns: number of the column of each feature; of a layer without features, of the empty
            name.
        slots: columns of roles and targets, in turns, of features that name other annotations.
        base: of a layer of relations, the layer between whose annotations they are.
        base_column: where the first of these is named.
    """

    kind: Kind
    name: str
    columns: Dict[str, int]
    slots: List[int]
    base: str = ""
    base_column: int = 0


@dataclass
class Unit:
    """A token or a part of one.

    Attributes:
        line: where it is in the file.
        id: its name, e.g. ``1-2`` or ``1-2.1``.
        start, end: characters of the text.
        cells: the columns of the layers.
    """

    line: int
    id: str
    start: int
    end: int
    cells: List[str]

    @property
    def is_token(self) -> bool:
        """True for a whole token, False for a part of one."""
        return "." not in self.id


@dataclass
class Table:
    """The content of a file.

    Attributes:
        layers: its layers.
        n_columns: number of their columns.
        text: the text.
        units: tokens and parts of them.
        sentences: where sentences start, in characters.
    """

    layers: List[Layer]
    n_columns: int
    text: str = ""
    units: List[Unit] = field(default_factory=list)
    sentences: List[int] = field(default_factory=list)


def read_table(path: Path) -> Table:
    """Read a file.

    Raises:
        DataError: if it is missing or broken.
    """
    lines = [line.removesuffix("\r") for line in read_text(path).split("\n")]
    if not _FORMAT.fullmatch(lines[0]):
        raise DataError(
            f'expected "{FORMAT_LINE}", got "{lines[0][:40]}"; export the document as WebAnno TSV '
            "v3.3",
            place=f"{path}, line 1",
        )
    n_header = 1
    while n_header < len(lines) and lines[n_header].startswith(_KINDS):
        n_header += 1
    table = _read_header(lines[1:n_header])
    body = _Body(path, table)
    for sentence in _sentences(lines, n_header, path):
        body.add(sentence)
    table.text = "".join(body.parts)
    return table


def _read_header(lines: List[str]) -> Table:
    layers = []
    column = 0
    for line in lines:
        kind = next(kind for kind in _KINDS if line.startswith(kind))
        name, *features = line.removeprefix(kind).strip().split("|")
        columns: Dict[str, int] = {}
        slots: List[int] = []
        base, base_column = "", 0
        for feature in [feature for feature in features if feature] or [""]:
            if kind == RELATION and feature.startswith(BASE):
                base, base_column = feature.removeprefix(BASE), column
            elif kind == SPAN and (feature.startswith(ROLE) or len(slots) % 2):
                slots.append(column)
            else:
                columns[feature] = column
            column += 1
        layers.append(Layer(kind, name, columns, slots, base, base_column))
    return Table(layers, column)


@dataclass
class _Sentence:
    """A sentence as it stands in the file: lines of its text, rows with their line numbers."""

    text: List[str] = field(default_factory=list)
    rows: List[Tuple[int, List[str]]] = field(default_factory=list)


def _sentences(lines: List[str], start: int, path: Path) -> Iterator[_Sentence]:
    sentence = _Sentence()
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.startswith("#") and not sentence.rows:
            # Other lines with this sign, e.g. #Sentence.id=, say nothing of the text.
            if line.startswith(TEXT):
                sentence.text.append(unescape_text(line.removeprefix(TEXT)))
        elif line:
            if not sentence.text:
                message = f'expected "{TEXT}" before the tokens of a sentence, got "{line[:40]}"'
                raise DataError(message, place=f"{path}, line {number}")
            sentence.rows.append((number, line.split("\t")))
        elif sentence.rows:
            yield sentence
            sentence = _Sentence()
    if sentence.rows:
        yield sentence
    elif sentence.text:
        raise DataError("a sentence without tokens", place=f"{path}, line {len(lines)}")


class _Body:
    """Puts the sentences together: their parts of the text, and the units of the table."""

    def __init__(self, path: Path, table: Table) -> None:
        self.parts: List[str] = []
        self._path = path
        self._table = table
        self._ids: Set[str] = set()
        self._n_characters = 0
        self._n_utf16 = 0
        self._last_end = 0

    def add(self, sentence: _Sentence) -> None:
        number, fields = sentence.rows[0]
        first = self._offsets(number, fields)[0]
        gap = first - self._n_utf16
        if not 0 <= gap < _MAX_GAP:
            message = f"a sentence starts at {first}, but the one before ends at {self._n_utf16}"
            raise DataError(message, place=self._place(number))
        text, begin = "\n".join(sentence.text), self._n_characters + gap
        self._table.sentences.append(begin)
        characters = from_utf16(text)
        for number, fields in sentence.rows:
            start, end = (characters(offset - first) for offset in self._offsets(number, fields))
            if start is None or end is None or text[start:end] != fields[2]:
                message = f"{shown(fields[2])} is not at {fields[1]} of the text"
                raise DataError(f"{message}; offsets count UTF-16 units", place=self._place(number))
            self._add_unit(number, fields, begin + start, begin + end)
        # The format does not say what is between two sentences.
        self.parts += [" " * gap, text]
        self._n_characters = begin + len(text)
        self._n_utf16 = first + len(text.encode("utf-16-le")) // 2

    def _add_unit(self, number: int, fields: List[str], start: int, end: int) -> None:
        key, n_columns = fields[0], self._table.n_columns
        cells, more = fields[3 : 3 + n_columns], fields[3 + n_columns :]
        message = None
        if len(cells) < n_columns or any(more):
            message = f"expected {n_columns} columns after the token, got {len(fields) - 3}"
        elif "" in cells:
            message = (
                f"column {cells.index('') + 4} is empty; expected {EMPTY} where there is nothing"
            )
        elif key in self._ids:
            message = f"two tokens have the number {key}"
        elif "." not in key and not self._last_end <= start < end:
            message = f"token {key} does not follow the one before"
        if message is not None:
            raise DataError(message, place=self._place(number))
        self._ids.add(key)
        if "." not in key:
            self._last_end = end
        self._table.units.append(Unit(number, key, start, end, cells))

    def _offsets(self, number: int, fields: List[str]) -> Tuple[int, int]:
        match = None
        if len(fields) >= 3 and _ID.fullmatch(fields[0]):
            match = _OFFSETS.fullmatch(fields[1])
        if match is None:
            row = "\t".join(fields)[:40]
            message = f"expected the number of a token, its offsets and its text, got {shown(row)}"
            raise DataError(message, place=self._place(number))
        return int(match[1]), int(match[2])

    def _place(self, number: int) -> str:
        return f"{self._path}, line {number}"
