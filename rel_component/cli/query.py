"""``spacy rel query``."""

import csv
import sys
from json import dumps
from pathlib import Path
from typing import Annotated, Any, List, Sequence

from typer import Argument, Option

from ..errors import ConfigError
from .messages import Align, notice, print_json, print_table
from .options import Json


def query_cli(
    store: Annotated[Path, Argument(exists=True, help="A store that rel graph has written")],
    query: Annotated[str, Argument(help="SPARQL for oxigraph, Cypher for ladybug; - for stdin")],
    rows: Annotated[int, Option("--rows", min=1, help="The most rows")] = 100,
    seconds: Annotated[float, Option("--seconds", min=0.1, help="The most time")] = 30.0,
    as_csv: Annotated[bool, Option("--csv", help="Print CSV")] = False,
    json: Json = False,
) -> None:
    """Ask a store of relations, which is only read; the rows are printed as a table."""
    from ..converters.formats.csv_rows import masked
    from ..graph.query import query_store

    if as_csv and json:
        raise ConfigError("--csv and --json exclude each other")
    text = sys.stdin.read() if query == "-" else query
    answer = query_store(store, text, max_rows=rows, max_seconds=seconds)
    if json:
        print_json(
            {"columns": answer.columns, "rows": answer.rows, "is_complete": answer.is_complete}
        )
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([masked(column) for column in answer.columns])
        writer.writerows([masked(_shown(value)) for value in row] for row in answer.rows)
    else:
        columns = list(zip(*answer.rows)) or [()] * len(answer.columns)
        aligns: List[Align] = ["r" if _are_numbers(column) else "l" for column in columns]
        print_table(
            [[_shown(value) for value in row] for row in answer.rows], answer.columns, aligns
        )
    if not answer.is_complete:
        notice(f"there are more rows; --rows {rows} ended the answer", "yellow")


def _are_numbers(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, (int, float)) for value in values)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value, ensure_ascii=False)
