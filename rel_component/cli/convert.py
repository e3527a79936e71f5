"""``spacy rel convert``"""

from enum import Enum
from pathlib import Path
from typing import Optional

import spacy
import srsly
from spacy.cli._util import Arg, Opt

from ..alignment import AlignmentMode
from ..converters.builder import convert_file
from ..converters.report import Report
from ..corpus import write_docs
from ..schema import RelationSchema
from .messages import clear_errors, printer, progress

MAX_PROBLEMS_SHOWN = 20


class OnError(str, Enum):
    """What to do with annotations that cannot be used."""

    stop = "stop"
    skip = "skip"


class Alignment(str, Enum):
    """What to do with mentions that do not begin and end with a token."""

    strict = "strict"
    contract = "contract"
    expand = "expand"


def convert_cli(
    input_path: Path = Arg(..., help="File of annotated documents", exists=True, dir_okay=False),
    output_path: Path = Arg(..., help="The .spacy file to write"),
    format: str = Opt("jsonl", "--format", "-f", help="Name of a converter; see the README"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the tokenizer"),
    schema: Optional[Path] = Opt(None, "--schema", help="Schema that the relations must satisfy"),
    spans_key: Optional[str] = Opt(None, "--spans-key", help="Put the mentions in a span group"),
    alignment: Alignment = Opt(Alignment.strict, "--alignment", help="Mentions that cut tokens"),
    on_error: OnError = Opt(OnError.stop, "--on-error", help="Annotations that cannot be used"),
    json: bool = Opt(False, "--json", help="Print the report as JSON"),
) -> None:
    """Convert annotated documents to spaCy's binary format, with a report."""
    with clear_errors():
        report = convert(
            input_path,
            output_path,
            format=format,
            lang=lang,
            schema=schema,
            spans_key=spans_key,
            alignment=alignment.value,
            on_error=on_error.value,
        )
    msg = printer(json=json)
    if json:
        print(srsly.json_dumps({"output": str(output_path), **report.to_dict()}))
    for problem in report.problems[:MAX_PROBLEMS_SHOWN]:
        msg.warn(problem)
    if len(report.problems) > MAX_PROBLEMS_SHOWN:
        msg.warn(f"and {len(report.problems) - MAX_PROBLEMS_SHOWN} more; --json lists them all")
    skipped = ", ".join(f"{n} {kind}s" for kind, n in report.skipped.items())
    msg.good(
        f"{output_path}: {report.documents} documents, {report.mentions} mentions, "
        f"{report.relations} relations",
        f"skipped: {skipped}; annotated twice: {report.duplicates}; marked as no relation: "
        f"{report.negatives}; rejected by annotators: {report.rejected}",
    )


def convert(
    input_path: Path,
    output_path: Path,
    *,
    format: str = "jsonl",
    lang: str = "en",
    schema: Optional[Path] = None,
    spans_key: Optional[str] = None,
    alignment: AlignmentMode = "strict",
    on_error: str = "stop",
) -> Report:
    """Convert a file of annotated documents and write a ``.spacy`` file.

    See :func:`rel_component.converters.builder.convert_file` for the arguments and errors.
    """
    report = Report(on_error="skip" if on_error == "skip" else "stop")
    docs = convert_file(
        input_path,
        format,
        spacy.blank(lang),
        report,
        schema=RelationSchema.from_file(schema) if schema is not None else None,
        alignment=alignment,
        spans_key=spans_key,
    )
    write_docs(progress(docs, unit="docs"), output_path)
    return report
