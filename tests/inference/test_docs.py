"""The commands of docs/scale.md run, and what it says of forms and columns is so."""

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from rel_component.cli import rel_cli
from rel_component.inference.sinks import _RELATION, SINKS
from rel_component.inference.sources import _READERS

from . import trap

TEXT = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf8")
COMMANDS = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if "rel extract" in line  # rel quantize needs an encoder, and has tests of its own
]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nlp = spacy.blank("en")
    patterns = [{"label": "ORG", "pattern": name} for name in ("Acme", "Orbit")]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("test_trap")
    Path("training/business").mkdir(parents=True)
    nlp.to_disk("training/business/model-best")
    Path("texts.txt").write_text("Acme bought Orbit.\n", encoding="utf8")
    Path("table.csv").write_text("key,body\n1,Acme bought Orbit.\n", encoding="utf8")
    Path("news").mkdir()
    record = json.dumps({"text": "Acme bought Orbit."}).encode()
    Path("news/a.jsonl.gz").write_bytes(gzip.compress(record))


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=[pytest.mark.slow] * ("--n-process" in c)) for c in COMMANDS],
)
def test_commands(command, workplace):
    arguments = shlex.split(command)[4:]
    result = CliRunner().invoke(rel_cli, [*arguments, "--code", trap.__file__])
    assert result.exit_code == 0, result.output
    assert "1 documents, 1 relations" in result.output


def test_all_of_it_is_described():
    for name in (*SINKS, *_READERS, *(column for column, _ in _RELATION)):
        assert re.search(rf"[`|. ]{re.escape(name)}[`|]", TEXT), name
