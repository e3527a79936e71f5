"""``python -m spacy rel ...``: all commands.

spaCy imports this module through its entry point whenever its command line starts. A command therefore
imports what it needs when it runs: outside of functions, the modules here import nothing of the package
but its errors.
"""

import typer
from spacy.cli._util import app

from .agreement import agreement_cli
from .annotate import annotate_cli
from .audit import audit_cli
from .compare import compare_cli
from .convert import convert_cli
from .evaluate import evaluate_cli
from .extract import extract_cli
from .prompt import prompt_cli
from .schema import schema_cli
from .split import split_cli

HELP = "Relation extraction: convert and audit annotations, evaluate, compare, extract, prompt."

rel_cli = typer.Typer(name="rel", help=HELP, no_args_is_help=True)
rel_cli.command("agreement")(agreement_cli)
rel_cli.command("annotate")(annotate_cli)
rel_cli.command("audit")(audit_cli)
rel_cli.command("compare")(compare_cli)
rel_cli.command("convert")(convert_cli)
rel_cli.command("evaluate")(evaluate_cli)
rel_cli.command("extract")(extract_cli)
rel_cli.command("prompt")(prompt_cli)
rel_cli.command("schema")(schema_cli)
rel_cli.command("split")(split_cli)

app.add_typer(rel_cli)
