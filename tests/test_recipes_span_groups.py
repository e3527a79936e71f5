"""Every recipe trains on a corpus whose mentions are a span group, nested ones included."""

import json
from pathlib import Path

import pytest
from spacy.cli.train import train
from spacy.vocab import Vocab
from typer.testing import CliRunner

from rel_component.cli import rel_cli
from rel_component.spacy_files import write_docs

from .encoders import tiny_encoder
from .helpers import make_doc

ROOT = Path(__file__).parent.parent
KEY = "names"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four texts with a bank, the city within its name, and a person."""
    path = tmp_path_factory.mktemp("corpus") / "nested.spacy"
    docs = [
        make_doc(
            Vocab(),
            f"Bank of {city} met {person} there once again",
            [(0, 3, "ORG"), (2, 3, "GPE"), (4, 5, "PERSON")],
            [(0, "IN", 1), (2, "OF", 0)],
            spans_key=KEY,
        )
        for city, person in (("Oslo", "Ada"), ("Bonn", "Bo"), ("Rome", "Cy"), ("Linz", "Dan"))
    ]
    write_docs(docs, path)
    return path


def evaluated(recipe, corpus, folder, *, given):
    overrides = {
        "paths.train": str(corpus),
        "paths.dev": str(corpus),
        "paths.encoder": None if recipe == "cpu" else tiny_encoder(),
        "variables.spans_key": KEY,
        "initialize.after_init.passes": 40,
        "initialize.after_init.warmup": 0.1,
        "initialize.after_init.evaluations": 1,
        "training.batcher.size": 4,
        "training.dropout": 0.0,
    }
    if recipe == "joint":
        overrides["components.relation_extractor.decoder.overlapping"] = True
    if recipe == "cpu":
        overrides["training.optimizer.learn_rate"] = 0.01
    else:
        overrides["training.optimizer.learn_rate.initial_rate"] = 0.005
    if recipe not in ("cpu", "spacy_transformers"):
        overrides["training.optimizer.use_averages"] = False
    train(ROOT / "configs" / f"{recipe}.cfg", folder, overrides=overrides)
    command = ["evaluate", folder / "model-last", corpus, "--output", folder / "scores.json"]
    command += ["--gold-entities"] if given else []
    result = CliRunner().invoke(rel_cli, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    return json.loads((folder / "scores.json").read_text(encoding="utf8")), result.output


@pytest.mark.parametrize("recipe", ["markers", "packed", "transformer"])
def test_a_recipe_learns_relations_between_given_nested_mentions(recipe, corpus, tmp_path):
    scores, _ = evaluated(recipe, corpus, tmp_path, given=True)
    assert scores["rel_n"] == 8
    assert scores["rel_micro_f"] > 0.8
    files = (tmp_path / "model-last" / "relation_extractor").rglob("*")
    # endings of what only PyTorch or pickle could have written
    assert not {path.suffix for path in files} & {".bin", ".pt", ".pth", ".pkl", ".pickle"}


def test_the_joint_recipe_learns_to_find_nested_mentions(corpus, tmp_path):
    scores, output = evaluated("joint", corpus, tmp_path, given=False)
    assert set(scores["mentions_per_type"]) == {"ORG", "GPE", "PERSON"}
    assert scores["mentions_f"] > 0.8
    assert scores["ents_f"] > 0.8
    assert scores["rel_n"] == 8
    assert scores["rel_micro_f"] > 0.8
    assert "Mentions of the span group by type" in output


@pytest.mark.parametrize("recipe", ["cpu", "spacy_transformers"])
def test_a_recipe_with_ner_finds_mentions_that_do_not_overlap(recipe, corpus, tmp_path):
    if recipe == "spacy_transformers":
        pytest.importorskip("spacy_transformers")
    scores, _ = evaluated(recipe, corpus, tmp_path, given=False)
    assert scores["ents_f"] > 0.5
    assert scores["mentions_p"] == scores["ents_p"]
    assert scores["mentions_r"] == pytest.approx(8 / 12 * scores["ents_r"])
    assert scores["mentions_per_type"]["GPE"]["r"] == 0.0
    assert scores["rel_n"] == 8
    assert scores["gold_entities"]["rel_micro_f"] > 0.5
