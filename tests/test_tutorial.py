"""The tutorial notebook runs, in a kernel of its own, and shows what it tells."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from .app.pages import Page

PATH = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(PATH, as_version=4)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each cell of code."""
    path = tmp_path_factory.mktemp("tutorial") / PATH.name
    path.write_bytes(PATH.read_bytes())
    execute = "from nbclient.cli import main; main()"  # what "jupyter execute" calls
    command = [sys.executable, "-c", execute, "--inplace", str(path)]
    env = {**os.environ, "IPYTHONDIR": str(path.parent), "JUPYTER_CONFIG_DIR": str(path.parent)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(path, as_version=4)
    return [cell.outputs for cell in executed.cells if cell.cell_type == "code"]


def test_it_is_stored_without_outputs(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_its_links_lead_to_files(notebook):
    text = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) >= 5
    assert all((PATH.parent / link).exists() for link in links)


def shown(outputs, kind):
    found = [output.data for output in outputs if output.output_type == kind]
    return [data["text/html"] for data in found if "text/html" in data]


@pytest.mark.slow
def test_relations_are_drawn(outputs):
    drawn = [html for cell in outputs for html in shown(cell, "execute_result")]
    assert len(drawn) == 2  # doc._.rel, of the first document and at the end
    assert "FOUNDED_BY" in Page(drawn[-1]).text
    (rendered,) = (html for cell in outputs for html in shown(cell, "display_data"))
    assert Page(rendered).attrs[0] == ("class", "tex2jax_ignore")
    assert "WORKS_FOR" in Page(rendered).text


@pytest.mark.slow
def test_scores_have_intervals_and_corrections_raise_them(outputs):
    text = "".join(output.get("text", "") for cell in outputs for output in cell)
    found = re.findall(r"^rel_micro_f +(\S+) +95 %: (\S+) to (\S+)$", text, flags=re.MULTILINE)
    before, after = (tuple(map(float, row)) for row in found)
    for value, low, high in (before, after):
        assert 0.3 < low <= value <= high
    assert after[0] > before[0]
    assert "spurious  relation spurious" in text
    assert float(re.search(r"^founded +(\S+)$", text, flags=re.MULTILINE)[1]) > 1
    assert re.search(r"^temperature \d", text, flags=re.MULTILINE)
