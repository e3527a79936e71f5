"""``spacy rel convert``."""

from enum import Enum
from pathlib import Path
from typing import Optional

import srsly
from spacy.cli._util import Arg, Opt

from ..converters.convert import AUTO, SPACY, convert
from ..converters.report import Report
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
    input_path: Path = Arg(
        ..., help="Annotated documents: a file, or a folder of brat", exists=True
    ),
    output_path: Path = Arg(..., help="The file to write; a folder for brat and --shard-size"),
    format_name: str = Opt(
        AUTO, "--format", "-f", help="Format of the input; auto: by its content"
    ),
    to: str = Opt(SPACY, "--to", "-t", help="Format to write, e.g. doccano"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the tokenizer"),
    schema: Optional[Path] = Opt(None, "--schema", help="Schema that the relations must satisfy"),
    spans_key: Optional[str] = Opt(None, "--spans-key", help="Span group that holds the mentions"),
    alignment: Alignment = Opt(Alignment.strict, "--alignment", help="Mentions that cut tokens"),
    on_error: OnError = Opt(OnError.stop, "--on-error", help="Annotations that cannot be used"),
    shard_size: int = Opt(
        0,
        "--shard-size",
        help="Write .spacy files of so many documents; 0: one file, held in memory",
    ),
    json: bool = Opt(False, "--json", help="Print the report as JSON"),
) -> None:
    """Convert annotated documents to spaCy's binary format or to another format, with a report.

    The input may be of spaCy's format too, so that annotations and predictions go back to a tool.
    """
    with clear_errors():
        report = convert(
            input_path,
            output_path,
            format_name=format_name,
            to=to,
            lang=lang,
            schema=RelationSchema.from_file(schema) if schema is not None else None,
            spans_key=spans_key,
            alignment=alignment.value,
            on_error=on_error.value,
            shard_size=shard_size,
            progress=lambda documents: progress(documents, unit="docs"),
        )
    if json:
        print(srsly.json_dumps({"output": str(output_path), **report.to_dict()}))
    _print_report(report, output_path, json=json)


def _print_report(report: Report, output_path: Path, *, json: bool) -> None:
    msg = printer(json=json)
    for problem in report.problems[:MAX_PROBLEMS_SHOWN]:
        msg.warn(problem)
    if len(report.problems) > MAX_PROBLEMS_SHOWN:
        msg.warn(f"and {len(report.problems) - MAX_PROBLEMS_SHOWN} more; --json lists them all")
    for message, (count, first) in report.notes.items():
        msg.info(f"{count} {message}", f"first: {first}")
    skipped = ", ".join(f"{n} {kind}s" for kind, n in report.skipped.items())
    msg.good(
        f"{output_path}: {report.documents} documents, {report.mentions} mentions, "
        f"{report.relations} relations",
        f"skipped: {skipped}; annotated twice: {report.duplicates}; marked as no relation: "
        f"{report.negatives}; rejected by annotators: {report.rejected}",
    )
