"""``spacy rel convert``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .messages import keep_inputs, msg, print_json, print_report, progress
from .options import Alignment, Format, Json, Lang, OnError, Schema, SpansKey, given_schema


def convert_cli(
    input_path: Annotated[
        Path, Argument(exists=True, help="Annotated documents: a file, or a folder of brat")
    ],
    output_path: Annotated[
        Path, Argument(help="The file to write; a folder for brat and --shard-size")
    ],
    format_name: Format = "auto",
    to: Annotated[str, Option(help="Format to write, e.g. doccano")] = "spacy",
    lang: Lang = "en",
    schema: Schema = None,
    spans_key: SpansKey = None,
    alignment: Alignment = "strict",
    on_error: OnError = "stop",
    shard_size: Annotated[
        int, Option(help="Write .spacy files of so many documents; 0: one file")
    ] = 0,
    event_pairs: Annotated[
        bool, Option("--event-pairs", help="Add events to the relations as pairs of roles to learn")
    ] = False,
    json: Json = False,
) -> None:
    """Convert annotated documents to spaCy's binary format or to another format, with a report.

    The input may be of spaCy's format too, so that annotations and predictions go back to a tool.
    """
    from ..converters.convert import convert

    keep_inputs([output_path], [input_path, schema])
    report = convert(
        input_path,
        output_path,
        format_name=format_name,
        to=to,
        lang=lang,
        schema=given_schema(schema),
        spans_key=spans_key,
        alignment=alignment,
        on_error=on_error,
        shard_size=shard_size,
        event_pairs=event_pairs,
        progress=progress,
    )
    if json:
        print_json({"output": str(output_path), **report.to_dict()})
        return
    print_report(report)
    left_out = {
        **{f"skipped {kind}s": n for kind, n in report.skipped.items()},
        "annotated twice": report.duplicates,
        "marked as no relation": report.negatives,
        "rejected by annotators": report.rejected,
    }
    details = "; ".join(f"{name}: {n}" for name, n in left_out.items() if n)
    if not report.documents:
        msg.warn(f"{input_path}: 0 documents were converted", details)
        return
    msg.good(
        f"{output_path}: {report.documents} documents, {report.mentions} mentions, "
        f"{report.relations} relations" + (f", {report.events} events" if report.events else ""),
        details,
    )
