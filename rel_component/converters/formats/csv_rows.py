"""CSV: one relation a row, with a header.

The columns ``document``, ``id``, ``head``, ``tail`` and ``score`` may be missing. Others are meta of the
document if all of its rows say the same, and otherwise attributes of the relations.
Rows that follow each other with the same document (without that column: the same id and text) are one
document, and no others may lie between them; joined tables may have the same document with another text
further on. A row without a tail is a mention without relation, one without a head a document without
mentions. Offsets are characters, ends exclusive; ``head`` and ``tail``, if given, must be the text
there, and tell what offsets count. Separators may be commas, semicolons, tabs or bars; fields with
these, quotes or line breaks are quoted. What a spreadsheet would take for a formula has an apostrophe
before it, which does not count (https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
import re
from contextlib import nullcontext, suppress
from itertools import groupby
from pathlib import Path
from typing import (
    Any,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Set,
    TextIO,
    Tuple,
    Union,
)

from ...errors import DataError, shown
from ...files import open_output
from ..annotated import Annotated, AnnotatedMention, AnnotatedRelation, MentionId
from ..format import AnnotationFormat
from ..report import Report
from ._shown import find_shown

COLUMNS = (
    *("document", "id", "text", "head", "head_start", "head_end", "head_label"),
    *("tail", "tail_start", "tail_end", "tail_label", "label", "score"),
)
UNKNOWN = "unknown"
"""Score of relations whose probability is not known; an empty one means annotated."""

_REQUIRED = frozenset(COLUMNS) - {"document", "id", "head", "tail", "score"}
_SEPARATORS = ",;\t|"
_LINE_END = re.compile("\r\n?|\n")
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MAX_FIELD = 2**31 - 1
_MOST_AGAIN = 4
_FREE_AGAIN = 10_000
_NOT_DECODED = re.compile("[\udc80-\udcff]")
"""What the error handler ``surrogateescape`` makes of bytes that are not UTF-8."""

_Row = Tuple[str, Dict[str, str]]


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    all_rows = read_rows(path, report, _REQUIRED)
    ended: Set[int] = set()
    for key, group in groupby(all_rows, key=lambda row: _document_key(row[1])):
        rows = list(group)
        place, row = rows[0]
        found = hash((key, row["text"]))  # joined tables have other texts of the same numbers
        if found in ended:
            name = shown(row.get("document") or row.get("id") or row["text"])
            message = (
                f"rows of {name} that lie apart from its first ones; sort the rows by document"
            )
            report.problem(message, place=place, skips="document")
            continue
        ended.add(found)
        yield _read(rows, report)


def _write_file(documents: Iterable[Annotated], path: Path, report: Report) -> None:
    with open_output(path) as output:
        writer = csv.DictWriter(output, COLUMNS, restval="", lineterminator="\r\n")
        writer.writeheader()
        for number, annotated in enumerate(documents, start=1):
            fields = {"document": number, "text": annotated.text}
            if "id" in annotated.meta:
                fields["id"] = annotated.meta["id"]
            for row in _to_rows(annotated):
                writer.writerow({key: masked(value) for key, value in {**fields, **row}.items()})


def masked(value: object) -> object:
    """A cell that is no formula."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _unmasked(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_rows(
    path: Path,
    report: Report,
    required: FrozenSet[str],
    *,
    skips: str = "relation",
    source: Optional[TextIO] = None,
    longest: int = _MAX_FIELD,
) -> Iterator[_Row]:
    """Read the rows of a CSV file with a header.

    After a row with quotes that do not match, reading goes on with the next line.

    Args:
        path: the file.
        report: takes note of the rows that do not fit the header, are not UTF-8 or no CSV.
        required: the columns that there must be.
        skips: kind of what a row is, a key of ``report.skipped``.
        source: what to read in place of the file, decoded with ``surrogateescape``.
        longest: the most characters of a field.

    Returns:
        The rows with their places.

    Raises:
        DataError: if the file is missing, or the header lacks a column or has one twice.
    """
    # The limit is one of the process, and far too low for documents.
    csv.field_size_limit(longest)
    try:
        with (
            nullcontext(source)
            if source
            else path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines
        ):
            line = lines.readline()
            # The first line of Excel's may tell the separator.
            n_before = 2 if line.startswith("sep=") else 1
            header, separator = _header(lines.readline() if n_before == 2 else line, required, path)
            for first, last, values in _each_row(_Lines(lines, n_before), separator):
                place = f"{path}, line {last}"
                message: Optional[str] = None
                if isinstance(values, csv.Error):
                    place = place if first == last else f"{path}, lines {first} to {last}"
                    message = f"broken CSV: {values}"
                elif not any(values) or (message := _not_decoded("".join(values))) is not None:
                    pass  # nothing, or separators alone, which spreadsheets leave behind
                elif len(values) == len(header):
                    yield place, dict(zip(header, map(_unmasked, values)))
                else:
                    message = f"expected {len(header)} fields, got {len(values)}"
                if message is not None:
                    report.problem(message, place=place, skips=skips)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err


class _Lines:
    """Lines of a file, of which those of the row at hand can be read again.

    Args:
        lines: the lines.
        number: how many were read before.
    """

    def __init__(self, lines: Iterator[str], number: int) -> None:
        self._lines, self._number = lines, number
        self._row: List[str] = []
        self._waiting: List[str] = []  # the next one is the last
        self._n_again = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else next(self._lines)
        self._row.append(line)
        return line

    def end_row(self) -> Tuple[int, int]:
        """The numbers of the first and the last line of the row."""
        first, self._number = self._number + 1, self._number + len(self._row)
        self._row = []
        return first, self._number

    def break_row(self) -> Tuple[int, int]:
        """The same of a broken row, of which all lines but the first are read again.

        Where that would take more than a few times the lines of the file, they are passed over.
        """
        rest = self._row[1:]
        self._n_again += len(rest)
        if self._n_again <= _FREE_AGAIN + _MOST_AGAIN * self._number:
            del self._row[1:]
            self._waiting += reversed(rest)
        return self.end_row()


def _each_row(
    lines: _Lines, separator: str
) -> Iterator[Tuple[int, int, Union[List[str], csv.Error]]]:
    """The first and the last line of each row, and its fields or what is wrong with it."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as err:  # the reader begins anew with the next line
            yield (*lines.break_row(), err)
        else:
            yield (*lines.end_row(), values)


def _header(line: str, required: FrozenSet[str], path: Path) -> Tuple[List[str], str]:
    """The columns and what separates them."""
    for separator in _SEPARATORS:
        try:
            names = next(csv.reader([line], delimiter=separator), [])
        except csv.Error:
            continue
        if set(names) >= required and _NOT_DECODED.search(line) is None:
            for name in names:
                if names.count(name) > 1:
                    message = f"the header has the column {shown(name)} more than once; rename one"
                    raise DataError(message, place=f"{path}, line 1")
            return names, separator
    if (bad := _not_decoded(line)) is not None:
        raise DataError(bad, place=f"{path}, line 1")
    wanted = ", ".join(sorted(required))
    message = f"expected a header with the columns {wanted}, got {shown(line.strip())}"
    raise DataError(message, place=str(path))


def _not_decoded(text: str) -> Optional[str]:
    """What to say of bytes that are not UTF-8, if there are any."""
    bad = _NOT_DECODED.search(text)
    return None if bad is None else f"not UTF-8: the byte 0x{ord(bad[0]) - 0xDC00:02x}"


def _document_key(row: Dict[str, str]) -> Tuple[str, ...]:
    return (row["document"],) if "document" in row else (row.get("id", ""), row["text"])


def _read(rows: List[_Row], report: Report) -> Annotated:
    place, first = rows[0]
    if first.get("id"):
        place += f", document {first['id']:.60}"
    mentions: Dict[Tuple[int, int, str], AnnotatedMention] = {}
    relations = []
    others = [{k: v for k, v in row.items() if k not in COLUMNS and v} for _, row in rows]
    same = {k: v for k, v in others[0].items() if all(other.get(k) == v for other in others)}
    for (row_place, row), other in zip(rows, others):
        attributes: Dict[str, Any] = {k: v for k, v in other.items() if k not in same}
        with report.skipping("relation", row_place):
            if row["text"] != first["text"]:
                raise DataError(f"another text than in the first row of the document, {place}")
            head = _mention(row, "head", mentions)
            tail = _mention(row, "tail", mentions)
            if tail is not None and head is None:
                raise DataError("a tail without a head")
            if row["label"] and tail is None:
                raise DataError(f"a label {row['label'][:40]!r} without head and tail")
            if head is not None and tail is not None:
                relations.append(
                    AnnotatedRelation(head, tail, row["label"], _score(row), attributes=attributes)
                )
            elif attributes:
                message = "columns of rows without relation that differ from other rows"
                report.note(message, place=row_place, count=len(attributes))
    return Annotated(
        place=place,
        text=first["text"],
        mentions=list(mentions.values()),
        relations=relations,
        meta={**same, **({"id": first["id"]} if first.get("id") else {})},
    )


def _mention(
    row: Dict[str, str], role: str, mentions: Dict[Tuple[int, int, str], AnnotatedMention]
) -> Optional[MentionId]:
    """Id of the head or tail, which is added to the mentions; None: the row has none."""
    names = (f"{role}_start", f"{role}_end", f"{role}_label")
    shown = row.get(role, "")
    if not shown and not any(row[name] for name in names):
        return None
    start, end = (_integer(row, name) for name in names[:2])
    try:
        key = (*find_shown(row["text"], start, end, shown), row[names[2]])
    except DataError as err:
        raise DataError(f'"{role}": {err.message}') from err
    return mentions.setdefault(key, AnnotatedMention(len(mentions), *key)).id


def _integer(row: Dict[str, str], name: str) -> int:
    value = row[name].strip()
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise DataError(f'"{name}": expected a number of characters, got {row[name][:40]!r}')
    return int(value)


def _score(row: Dict[str, str]) -> Optional[float]:
    value = row.get("score", "")
    if value in ("", UNKNOWN):
        return 1.0 if not value else None
    try:
        score = float(value.replace(",", "."))
    except ValueError:
        score = -1.0
    if not 0.0 <= score <= 1.0:
        raise DataError(f'"score": expected a number from 0 to 1, got {value[:40]!r}')
    return score


def _to_rows(annotated: Annotated) -> Iterator[Dict[str, object]]:
    mentions = {mention.id: mention for mention in annotated.mentions}
    text = annotated.text or ""
    related = set()
    for relation in annotated.relations:
        related |= {relation.head, relation.tail}
        score = relation.score
        yield {
            **_fields("head", mentions[relation.head], text),
            **_fields("tail", mentions[relation.tail], text),
            "label": relation.label,
            "score": UNKNOWN if score is None else "" if score == 1.0 else repr(score),
        }
    for mention in annotated.mentions:
        if mention.id not in related:
            yield _fields("head", mention, text)
    if not mentions:
        yield {}


def _fields(role: str, mention: AnnotatedMention, text: str) -> Dict[str, object]:
    return {
        role: text[mention.start : mention.end],
        f"{role}_start": mention.start,
        f"{role}_end": mention.end,
        f"{role}_label": mention.label,
    }


def _looks_like(head: str) -> bool:
    first, second = [*_LINE_END.split(head, maxsplit=2), ""][:2]
    with suppress(DataError):
        _header(second if first.startswith("sep=") else first, _REQUIRED, Path())
        return True
    return False


FORMAT = AnnotationFormat(
    name="csv",
    description="CSV, one relation a row",
    read=_read_file,
    write=_write_file,
    looks_like=_looks_like,
    holds=frozenset({"scores", "id"}),
    sample="""\
document,id,text,head,head_start,head_end,head_label,tail,tail_start,tail_end,tail_label,label,score
1,d7,Jobs founded Apple,Apple,13,18,ORG,Jobs,0,4,PERSON,FOUNDED_BY,0.75
2,,Nothing here,,,,,,,,,,
""",
)
