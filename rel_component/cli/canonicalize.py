"""``spacy rel canonicalize``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option

from .messages import (
    check_outputs,
    msg,
    percent,
    print_json,
    print_table,
    progress,
)
from .options import DataPath, Json, Lang, SpansKey


def canonicalize_cli(
    data_path: DataPath,
    output: Annotated[Path, Argument(help="JSONL file for the entities of all documents")],
    known: Annotated[
        Optional[Path], Option(help="Entities of earlier documents, as this command writes them")
    ] = None,
    joins: Annotated[
        Optional[Path], Option(help="JSONL file for what was joined in which document, and why")
    ] = None,
    docs: Annotated[
        Optional[Path], Option(help=".spacy file for the documents with the ids of their mentions")
    ] = None,
    spans_key: SpansKey = None,
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Give the same names in many documents one id, without a knowledge base."""
    from ..linking.corpus import canonicalize_files

    check_outputs(output, joins, docs, inputs=[data_path])
    found = canonicalize_files(
        data_path,
        output,
        known=known,
        joins_path=joins,
        docs_path=docs,
        spans_key=spans_key,
        lang=lang,
        progress=progress,
    )
    if json:
        counts = {"entities": len(found.entities), "joins": dict(found.joins)}
        print_json({"output": str(output), **counts, "b3": found.b3})
        return
    print_table(
        [[reason, str(n)] for reason, n in found.joins.most_common()], ["entities of documents", ""]
    )
    if found.b3 is not None:
        figures = ", ".join(f"{key.upper()} {percent(value)}" for key, value in found.b3.items())
        msg.info(f"beside the annotated ids, B3 of all documents together: {figures}")
    msg.good(f"{output}: {len(found.entities)} entities")
