"""Commands, run as a user runs them, without a process of their own."""

import json
from functools import cache
from typing import Any, List, Optional

import typer.testing
from typer.testing import CliRunner

from rel_component.cli import rel_cli

# All commands were made for each that runs; they do not change in a process.
typer.testing._get_command = cache(typer.testing._get_command)


def run(*args: Any, code: int = 0, stdin: Optional[str] = None) -> str:
    """What ``spacy rel ARGS`` prints, standard output and errors, if it exits with that code."""
    result = CliRunner().invoke(rel_cli, [str(arg) for arg in args], input=stdin)
    assert result.exit_code == code, result.output
    return result.output


def run_rows(*args: Any, stdin: Optional[str] = None) -> List[List[str]]:
    """The rows that ``spacy rel ARGS`` prints on standard output."""
    result = CliRunner().invoke(rel_cli, [str(arg) for arg in args], input=stdin)
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()]


def run_json(*args: Any, code: int = 0) -> Any:
    """What ``spacy rel ARGS --json`` prints on standard output, which is nothing but JSON."""
    result = CliRunner().invoke(rel_cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)
