"""``spacy rel evaluate`` of pipelines that find clusters."""

import json

import pytest
import spacy

from .conftest import lines
from .helpers import run, run_json

TEXT = "Ann Lee founded Acme. Lee left Oslo."
MENTIONS = [(0, 7, "PERSON"), (16, 20, "ORG"), (22, 25, "PERSON"), (31, 35, "GPE")]
RECORD = {
    "text": TEXT,
    "entities": [
        {"id": i, "start": start, "end": end, "label": label}
        for i, (start, end, label) in enumerate(MENTIONS)
    ],
    "clusters": [[0, 2], [1], [3]],
    "relations": [{"head": 1, "tail": 0, "label": "FOUNDED_BY"}],
}


@pytest.fixture
def corpus(tmp_path):
    return lines(tmp_path / "data.jsonl", [RECORD])


def save(nlp, path):
    nlp.to_disk(path)
    return path


def test_clusters_of_the_annotated_mentions(corpus, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("name_coref")
    path = save(nlp, tmp_path / "nlp")
    scores = run_json("evaluate", path, corpus)
    assert scores["given_mentions"] is True
    assert (scores["coref_n"], scores["coref_no_singletons_n"]) == (3, 1)
    assert scores["coref_no_singletons_conll_f"] == 1.0
    assert scores["coref_mentions_r"] == 0.5  # entities of one mention are no clusters here
    output = run("evaluate", path, corpus)
    assert "Coreference, annotated mentions" in output
    assert "3 annotated entities, 1 of several" in " ".join(output.split())
    assert "Relations" not in output


@pytest.mark.slow
def test_clusters_end_to_end_and_of_the_annotated_mentions(corpus, tmp_path):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ann Lee"}])
    nlp.add_pipe("name_coref", config={"singletons": True})
    path = save(nlp, tmp_path / "nlp")
    scores = run_json("evaluate", path, corpus)
    assert (scores["coref_muc_f"], scores["coref_mentions_r"]) == (0.0, 0.25)
    assert scores["given_mentions_coref"]["coref_conll_f"] == 1.0
    output = run("evaluate", path, corpus)
    assert "Coreference, end to end" in output
    assert "Coreference, annotated mentions" in output


@pytest.mark.slow
def test_relations_with_found_and_with_annotated_clusters(model, corpus, tmp_path):
    nlp = spacy.load(model)
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ann Lee"}])
    nlp.add_pipe("name_coref", after="entity_ruler")
    scores = run_json("evaluate", save(nlp, tmp_path / "nlp"), corpus)
    assert scores["coref_conll_f"] < 1
    assert scores["given_mentions_coref"]["coref_no_singletons_conll_f"] == 1.0
    assert scores["gold_entities"]["rel_n"] == 1
    output = run("evaluate", tmp_path / "nlp", corpus)
    assert "CEAFe" in output
    assert "Relations alone" in output


@pytest.mark.slow
def test_documents_without_clusters(model, data, tmp_path):
    nlp = spacy.load(model)
    nlp.add_pipe("name_coref", after="entity_ruler")
    path = save(nlp, tmp_path / "nlp")
    scores = run_json("evaluate", path, data)
    assert (scores["rel_micro_f"], scores["coref_conll_f"]) == (1.0, None)
    assert "Coreference" not in run("evaluate", path, data)


def test_neither_relations_nor_clusters(corpus, tmp_path):
    path = save(spacy.blank("en"), tmp_path / "nlp")
    output = " ".join(run("evaluate", path, corpus, code=1).split())
    assert "has no component that finds relations" in output


@pytest.mark.slow
def test_scores_are_json(corpus, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("name_coref")
    run("evaluate", save(nlp, tmp_path / "nlp"), corpus, "--output", tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf8"))
    assert scores["coref_no_singletons_muc_f"] == 1.0
