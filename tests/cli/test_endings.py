"""Files hold what their endings say; otherwise commands stop before they load a pipeline."""

import json

import pytest

from .conftest import TEXT
from .helpers import run

PIPELINE = "no_such_pipeline"


@pytest.fixture
def folder(tmp_path, data):
    (tmp_path / "docs.spacy").write_bytes(data.read_bytes())
    (tmp_path / "more.spacy").write_bytes(data.read_bytes())
    (tmp_path / "docs.jsonl").write_text(json.dumps({"text": TEXT}), encoding="utf8")
    (tmp_path / "facts.csv").write_text("head,label,tail\nA,B,C\n", encoding="utf8")
    (tmp_path / "rename.json").write_text('{"rename": {"FOUNDED_BY": "BY"}}', encoding="utf8")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "convert docs.jsonl out.json",
        "convert docs.jsonl out.spacy --to doccano",
        f"select {PIPELINE} docs.jsonl out.spacy",
        f"distant {PIPELINE} facts.csv docs.jsonl out.jsonl",
        f"annotate {PIPELINE} docs.jsonl out.jsonl",
        f"annotate {PIPELINE} docs.jsonl silver.spacy --review out.spacy",
        "agreement docs.spacy more.spacy --merged out.jsonl",
        "canonicalize docs.spacy names.jsonl --docs out.jsonl",
        "migrate docs.spacy rename.json out.jsonl",
        "migrate docs.jsonl rename.json out.spacy",
        "view docs.spacy --serve --review out.spacy",
        f"extract {PIPELINE} docs.jsonl --output out.csv",
        f"extract {PIPELINE} docs.jsonl --output out.spacy --to jsonl",
    ],
)
def test_an_ending_that_says_something_else(folder, monkeypatch, command):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    message = run(*command.split(), code=1)
    assert message.startswith("ConfigError: out.")
    assert ".spacy" in message or ".jsonl" in message
    assert sorted(folder.iterdir()) == before


def test_a_name_without_an_ending_holds_anything(folder):
    run("convert", folder / "docs.jsonl", folder / "out")
    run("convert", folder / "docs.jsonl", folder / "lines", "--to", "doccano")
