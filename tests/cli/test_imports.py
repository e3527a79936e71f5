"""What the command line imports before it is known which command runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rel_component

SCRIPT = """
import sys
import spacy.cli
before = set(sys.modules)
import rel_component.cli
print(*sorted(set(sys.modules) - before))
"""
WORK = {
    "app",
    "audit",
    "converters",
    "corpora",
    "evaluation",
    "inference",
    "layers",
    "llm",
    "models",
}


@pytest.mark.slow
def test_the_command_line_imports_commands_and_no_work():
    command = [sys.executable, "-c", SCRIPT]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    new = [name.split(".") for name in result.stdout.split()]
    assert ["rel_component", "cli"] in new
    assert not WORK & {name[1] for name in new if name[0] == "rel_component" and len(name) > 1}
    heavy = {"fastapi", "jinja2", "openai", "sklearn", "sqlite3", "torch", "transformers"}
    assert not heavy & {name[0] for name in new}


def imported_by(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.slow
def test_only_commands_import_typer_and_the_private_parts_of_the_command_line():
    root = Path(rel_component.__file__).parent
    for path in root.rglob("*.py"):
        if path.parent.name != "cli":
            names = set(imported_by(path))
            assert not {name for name in names if name.split(".")[0] == "typer"}, path
            assert not {name for name in names if name.startswith("spacy.cli")}, path


@pytest.mark.parametrize("name", rel_component.__all__)
def test_what_the_package_exports_is_there(name):
    assert getattr(rel_component, name) is not None


def test_what_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rel_component.nonsense  # noqa: B018
