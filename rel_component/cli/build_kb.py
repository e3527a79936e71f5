"""``spacy rel build-kb``."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from .messages import msg, print_json, print_report
from .options import Json, OnError


def build_kb_cli(
    input_path: Annotated[
        Path,
        Argument(exists=True, help="JSONL or CSV: id, name, aliases, description, types, prior"),
    ],
    folder: Annotated[Path, Argument(help="Folder of the knowledge base, new or empty")],
    on_error: OnError = "stop",
    json: Json = False,
) -> None:
    """Build a knowledge base for kb_linker from a file of its entities."""
    from ..converters.report import SKIP_HINT, Report
    from ..linking.build import build_kb

    report = Report(on_error=on_error, hint=SKIP_HINT)
    kb = build_kb(input_path, folder, report=report)
    if json:
        counts = {"entities": len(kb), "names": kb.n_names, "types": kb.types}
        print_json({"output": str(folder), **counts, "problems": report.problems})
        return
    print_report(report)
    msg.good(f"{folder}: {len(kb)} entities, {kb.n_names} names, {len(kb.types)} types")
    msg.info(f'next: nlp.add_pipe("kb_linker", config={{"kb": "{folder}"}})')
