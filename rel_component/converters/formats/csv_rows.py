"""CSV: one relation a row, with a header.

The columns ``document``, ``id``, ``head``, ``tail`` and ``score`` may be missing. Others are meta of the
document if all of its rows say the same, and otherwise attributes of the relations.
Rows that follow each other with the same document (without that column: the same id and text) are one
document. A row without a tail is a mention without relation, one without a head a document without
mentions. Offsets are characters, ends exclusive; ``head`` and ``tail``, if given, must be the text
there, and tell what offsets count. Separators may be commas, semicolons, tabs or bars; fields with
these, quotes or line breaks are quoted. What a spreadsheet would take for a formula has an apostrophe
before it, which does not count (https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
import re
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Optional, TextIO, Tuple

from ...errors import DataError
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
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MAX_FIELD = 2**31 - 1

_Row = Tuple[str, Dict[str, str]]


def _read_file(path: Path, report: Report) -> Iterator[Annotated]:
    rows = read_rows(path, report, _REQUIRED)
    for _, group in groupby(rows, key=lambda row: _document_key(row[1])):
        yield _read(list(group), report)


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

    Args:
        path: the file.
        report: takes note of the rows that do not fit the header.
        required: the columns that there must be.
        skips: kind of what a row is, a key of ``report.skipped``.
        source: what to read in place of the file.
        longest: the most characters of a field.

    Returns:
        The rows with their places.

    Raises:
        DataError: if the file is missing, not UTF-8 or no CSV, or the header lacks a column.
    """
    # The limit is one of the process, and far too low for documents.
    csv.field_size_limit(longest)
    number = 1
    try:
        with (
            nullcontext(source) if source else path.open(encoding="utf-8-sig", newline="") as lines
        ):
            line = lines.readline()
            # The first line of Excel's may tell the separator.
            header, separator = _header(
                lines.readline() if line.startswith("sep=") else line, required
            )
            if header is None:
                missing = ", ".join(sorted(required))
                raise DataError(f"expected a header with the columns {missing}", place=str(path))
            reader = csv.reader(lines, delimiter=separator, strict=True)
            for values in reader:
                number = reader.line_num + 1
                place = f"{path}, line {number}"
                if len(values) == len(header):
                    yield place, dict(zip(header, map(_unmasked, values)))
                elif values:
                    message = f"expected {len(header)} fields, got {len(values)}"
                    report.problem(message, place=place, skips=skips)
    except OSError as err:
        raise DataError(f"cannot be read: {err.strerror}", place=str(path)) from err
    except UnicodeDecodeError as err:
        raise DataError(f"not UTF-8: {err}", place=f"{path}, after line {number}") from err
    except csv.Error as err:
        raise DataError(f"broken CSV: {err}", place=f"{path}, after line {number}") from err


def _header(line: str, required: FrozenSet[str]) -> Tuple[Optional[List[str]], str]:
    """The columns and what separates them; None if it is no header."""
    for separator in _SEPARATORS:
        try:
            names = next(csv.reader([line], delimiter=separator), [])
        except csv.Error:
            continue
        if set(names) >= required and len(set(names)) == len(names):
            return names, separator
    return None, ""


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
    return _header(head.partition("\n")[0].rstrip("\r"), _REQUIRED)[0] is not None


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
