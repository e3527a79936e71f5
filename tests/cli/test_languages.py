"""Texts in another language than that of the pipeline."""

import json

import pytest
import spacy

from rel_component.errors import ConfigError
from rel_component.pipelines import load_pipeline

from .helpers import run, run_json, run_rows

ITALIAN = "Nordwind Energy è l'opera d'Ilse Brandt."  # one token in English: d'Ilse


def test_the_tokens_of_a_language_take_the_place_of_the_pipelines(model):
    doc = load_pipeline(model, "it")(ITALIAN)
    assert [ent.text for ent in doc.ents] == ["Nordwind Energy", "Ilse Brandt"]
    assert [ent.text for ent in load_pipeline(model)(ITALIAN).ents] == ["Nordwind Energy"]


def test_chinese_has_a_token_for_each_character(model):
    doc = load_pipeline(model, "zh").make_doc("王伟创立了北风公司。")
    assert [token.text for token in doc] == list("王伟创立了北风公司。")


def test_a_loaded_pipeline_keeps_its_tokens():
    with pytest.raises(ConfigError, match="'it': give the name or path of the pipeline"):
        load_pipeline(spacy.blank("en"), "it")


def test_extract(model, tmp_path):
    rows = run_rows("extract", model, "--text", ITALIAN, "--lang", "it")
    assert [row[1:4] for row in rows] == [["Nordwind Energy", "FOUNDED_BY", "Ilse Brandt"]]
    texts = tmp_path / "texts.txt"
    texts.write_text(ITALIAN, encoding="utf8")
    for lang, n in {"auto": 0, "it": 1}.items():
        told = run("extract", model, texts, "--output", tmp_path / f"{lang}.jsonl", "--lang", lang)
        assert f"1 documents, {n} relations" in told


def test_evaluate(model, tmp_path):
    names = {"ORG": "Nordwind Energy", "PERSON": "Ilse Brandt"}
    record = {
        "id": "1",
        "text": ITALIAN,
        "entities": [
            {"id": label, "start": start, "end": start + len(name), "label": label}
            for label, name in names.items()
            for start in [ITALIAN.index(name)]
        ],
    }
    path = tmp_path / "italian.jsonl"
    path.write_text(json.dumps(record), encoding="utf8")
    assert run_json("evaluate", model, path, "--lang", "it")["ents_f"] == 1.0


def test_an_unknown_language_is_an_error(model):
    told = run("extract", model, "--text", ITALIAN, "--lang", "xy", code=1)
    assert "language 'xy'" in told
