"""``spacy rel discover``."""

from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Optional

from typer import Option

from ..errors import DataError
from .messages import check_outputs, first_problems, msg, notice, print_json, print_table
from .options import (
    Json,
    Limit,
    MaxLength,
    Model,
    OneText,
    OnTextError,
    TextLang,
    TextsPath,
    given_texts,
)


def discover_cli(
    model: Model,
    input_path: TextsPath = None,
    text: OneText = None,
    output: Annotated[
        Optional[Path], Option("--output", "-o", help="YAML or JSON file to write the schema to")
    ] = None,
    min_count: Annotated[int, Option(min=1, help="Statements that a relation needs")] = 2,
    most: Annotated[int, Option(min=1, help="The most relations")] = 50,
    lang: TextLang = "auto",
    limit: Limit = 0,
    on_error: OnTextError = "stop",
    max_length: MaxLength = None,
    json: Json = False,
) -> None:
    """Find which relations raw texts state, and draft a schema of them.

    A pipeline with a parser and entities is enough, such as en_core_web_sm. The schema has the
    predicates as labels, argument types, and in comments counts and examples; edit it.
    """
    from ..converters.report import SKIP_HINT, Report
    from ..inference.discover import discover
    from ..openie.discovery import draft_schema
    from ..pipelines import load_pipeline

    check_outputs(output, inputs=[input_path])
    nlp = load_pipeline(model, lang)
    nlp.max_length = max_length or nlp.max_length
    report = Report(on_error=on_error, hint=SKIP_HINT)
    texts = iter(given_texts(input_path, text, limit, report=report, max_length=nlp.max_length))
    first = list(islice(texts, 1))
    if not first:
        raise DataError("there is no text in it", place=str(input_path))
    predicates = discover(nlp, chain(first, texts))
    schema = draft_schema(predicates, min_count=min_count, most=most)
    if output is not None:
        schema.to_file(output)
    if json:
        print_json(
            {**schema.to_dict(), "reasons": {key: list(x) for key, x in schema.reasons.items()}}
        )
    else:
        rows = [
            [label, rel_type.arguments, schema.reasons[label][0]]
            for label, rel_type in schema.items()
        ]
        print_table(rows, header=["label", "arguments", "stated"])
        for problem in first_problems(report.problems, more=""):
            notice(problem, "yellow")
        if output is not None:
            show = msg.good if schema else msg.warn
            show(f"{len(schema)} relations of {len(predicates)} predicates: {output}")
