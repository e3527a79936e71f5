"""From a file to an evaluated pipeline by three commands, with no config edited."""

import json
import shlex
from itertools import product
from pathlib import Path

import pytest
from click import Command, Context
from spacy.cli.debug_config import debug_config
from spacy.cli.train import train
from typer.main import get_command
from weasel.util.config import load_project_config

from rel_component.cli import rel_cli

from ..cli.helpers import run, run_json
from ..encoders import tiny_encoder
from .corpora import records, write, write_as

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("format_name", ["brat", "dygie"])
def test_a_corpus_of_any_format(format_name, tmp_path):
    corpus, output = write_as(tmp_path, format_name), tmp_path / "made by it"
    printed = run("init-config", corpus, "--output", output, "--encoder", tiny_encoder())
    assert "recipe = joint" in printed
    assert f"'{output}/training/model-best' '{output}/dev.spacy'" in printed
    debug_config(output / "config.cfg")
    overrides = {"initialize.after_init.passes": 2, "training.optimizer.use_averages": False}
    train(output / "config.cfg", output / "training", overrides=overrides)
    scores = run_json("evaluate", output / "training" / "model-best", corpus)
    assert scores["n_docs"] == 12
    assert scores["rel_n"] == 8
    if format_name == "dygie":
        assert scores["mentions_per_type"].keys() == {"DATE", "ORG", "PERSON", "SURNAME"}


@pytest.mark.slow
def test_pairs_that_are_given(tmp_path):
    items = list(records(30))
    for item in items:
        del item["entities"][2]
    corpus, output = write(tmp_path, items), tmp_path / "out"
    assert "recipe = transformer" in run(
        "init-config", corpus, "--output", output, "--encoder", tiny_encoder()
    )
    overrides = {"initialize.after_init.passes": 4, "training.optimizer.use_averages": False}
    train(output / "config.cfg", output / "training", overrides=overrides)
    printed = run("evaluate", output / "training" / "model-best", corpus)
    assert "nothing in this pipeline finds mentions" in printed
    assert "Entities by type" not in printed
    assert run_json("evaluate", output / "training" / "model-last", corpus)["rel_micro_f"] > 0.5


@pytest.mark.slow
def test_entities_of_whole_documents(tmp_path):
    corpus, output = tmp_path / "train.jsonl", tmp_path / "out"
    with corpus.open("w", encoding="utf8") as file:
        for i, (firm, person) in enumerate(product(("Acme", "Orbit", "Globex"), ("Ada", "Bo"))):
            sents = [[firm, "grew", "."], [person, "left", firm, "."]]
            members = {"ORG": [[0, 1], [5, 6]], "PERSON": [[3, 4]]}
            entities = [{"type": label, "mentions": spans} for label, spans in members.items()]
            relations = [{"head": 0, "tail": 1, "label": "HAD", "evidence": [1]}]
            record = {"id": str(i), "sents": sents, "entities": entities, "relations": relations}
            file.write(f"{json.dumps(record)}\n")
    printed = run(
        *("init-config", corpus, "--output", output, "--dev", corpus, "--encoder", tiny_encoder())
    )
    assert "recipe = document" in printed
    assert "6 of 6 documents have clusters" in printed
    overrides = {"initialize.after_init.passes": 2, "initialize.after_init.evaluations": 1}
    train(output / "config.cfg", output / "training", overrides=overrides)
    scores = run_json("evaluate", output / "training" / "model-last", corpus)
    assert scores["document"]["all"]["n"] == 6
    assert scores["gold_entities"]["document"]["evidence"]["n"] == 6
    assert "coref_conll_f" in scores


@pytest.mark.parametrize("values", [{}, {"vars.config": "cpu", "vars.corpus": "conll04"}])
def test_the_commands_of_the_project(values):
    project = load_project_config(ROOT, overrides=values)
    (command,) = (command for command in project["commands"] if command["name"] == "config")
    words = shlex.split(command["script"][0])
    name = words[4]  # python -m spacy rel init-config
    parser = get_command(rel_cli).commands[name].make_parser(Context(Command(name)))
    given, _, _ = parser.parse_args(words[5:])
    corpus = values.get("vars.corpus", "business")
    assert given["train"] == f"assets/{corpus}_train.jsonl"
    assert given["recipe"] == values.get("vars.config", "auto")
    assert given["output"] == f"corpus/{corpus}"
    scripts = [line for step in project["commands"] for line in step["script"]]
    assert any(
        f"train corpus/{corpus}/config.cfg --output training/{corpus} " in x for x in scripts
    )
