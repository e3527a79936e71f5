"""``python -m spacy rel ...``: all commands.

spaCy imports this module through its entry point whenever its command line starts. A command therefore
imports what it needs when it runs: outside of functions, the modules here import nothing of the package
but its errors.
"""

import typer
from spacy.cli._util import app

from .adapter import adapter_cli, apply_adapter_cli
from .add_labels import add_labels_cli
from .agreement import agreement_cli
from .annotate import annotate_cli
from .audit import audit_cli
from .build_kb import build_kb_cli
from .calibrate import calibrate_cli
from .canonicalize import canonicalize_cli
from .compare import compare_cli
from .convert import convert_cli
from .convert_config import convert_config_cli
from .discover import discover_cli
from .distant import distant_cli
from .evaluate import evaluate_cli
from .explain import explain_cli
from .extract import extract_cli
from .fit_examples import fit_examples_cli
from .graph import graph_cli
from .init_config import init_config_cli
from .messages import clear_errors
from .migrate import migrate_cli
from .prompt import prompt_cli
from .quantize import quantize_cli
from .query import query_cli
from .schema import schema_cli
from .select import select_cli
from .serve import serve_cli
from .set_schema import set_schema_cli
from .split import split_cli
from .view import view_cli

HELP = (
    "Relation extraction: convert and audit annotations, evaluate, compare, extract, prompt, serve, "
    "view."
)

rel_cli = typer.Typer(name="rel", help=HELP, no_args_is_help=True)
for command in (
    adapter_cli,
    add_labels_cli,
    agreement_cli,
    annotate_cli,
    apply_adapter_cli,
    audit_cli,
    build_kb_cli,
    calibrate_cli,
    canonicalize_cli,
    compare_cli,
    convert_cli,
    convert_config_cli,
    discover_cli,
    distant_cli,
    evaluate_cli,
    explain_cli,
    extract_cli,
    fit_examples_cli,
    graph_cli,
    init_config_cli,
    migrate_cli,
    prompt_cli,
    quantize_cli,
    query_cli,
    schema_cli,
    select_cli,
    serve_cli,
    set_schema_cli,
    split_cli,
    view_cli,
):
    name = command.__name__.removesuffix("_cli").replace("_", "-")
    rel_cli.command(name)(clear_errors()(command))

app.add_typer(rel_cli)
