"""``spacy rel prompt``, ``annotate`` and ``compare``, with recorded answers."""

import json

import pytest
import spacy

from rel_component.files import write_docs

from ..helpers import make_doc
from .conftest import TEXTS, lines, reply
from .helpers import run, run_json


def test_prompt_shows_what_would_be_sent(config):
    output = run("prompt", config, "--text", TEXTS[0])
    assert "<M1>Acme</M1> was founded by <M2>Ada Bell</M2>." in output
    assert "Initech" in output
    assert '"enum":["FOUNDED_BY"]' in output.replace(" ", "").replace("\n", "")


def test_prompt_as_json(config, texts):
    first, *others = run("prompt", config, texts, "-n", 3, "--json").splitlines()
    roles = [message["role"] for message in json.loads(first)["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert len(others) == 2


def test_extract_takes_a_config(config):
    output = run("extract", config, "--text", TEXTS[0])
    assert output == "(Acme, FOUNDED_BY, Ada Bell)\t-\n"


def test_annotate_parts_what_is_sure(config, texts, tmp_path):
    arguments = ["annotate", config, texts, tmp_path / "silver.spacy"]
    counts = run_json(*arguments, "--review", tmp_path / "review.jsonl")
    assert (counts["sure"], counts["unsure"]) == (2, 1)
    assert counts["reasons"] == {"statements were dropped": 1}
    (record,) = (tmp_path / "review.jsonl").read_text(encoding="utf8").splitlines()
    assert json.loads(record)["text"] == TEXTS[1]
    report = run_json("convert", tmp_path / "review.jsonl", tmp_path / "reviewed.spacy")
    assert (report["documents"], report["mentions"], report["relations"]) == (1, 2, 1)


def test_annotate_with_a_least_score(config, texts, tmp_path):
    output = run("annotate", config, texts, tmp_path / "silver.spacy", "--min-score", 0.5)
    output = " ".join(output.split())
    assert "1 documents to train on" in output  # the one without relations
    assert "1 for review: relations without a score" in output
    assert "documents for review were left out" in output


def test_compare_pipelines(config, texts, tmp_path):
    vocab = spacy.blank("en").vocab
    docs = [
        make_doc(vocab, "Acme was founded by Ada Bell .", [(0, 1, "ORG"), (4, 6, "PERSON")]),
        make_doc(vocab, "Orbit was founded by Bo Lee .", [(0, 1, "ORG"), (4, 6, "PERSON")]),
        make_doc(vocab, "Nobody founded Acme .", [(0, 1, "PERSON"), (2, 3, "ORG")]),
    ]
    for doc in docs[:2]:
        doc._.rel = [(doc.ents[0], "FOUNDED_BY", doc.ents[1])]
    write_docs(docs, tmp_path / "gold.spacy")
    silent = tmp_path / "silent.cfg"
    empty = lines(tmp_path / "none.jsonl", [reply()] * 3)
    text = config.read_text(encoding="utf8")
    silent.write_text(text.replace(str(tmp_path / "replies.jsonl"), str(empty)), encoding="utf8")
    names = ("--name", "good", "--name", "silent")
    arguments = ["compare", config, silent, tmp_path / "gold.spacy", *names]
    results = run_json(*arguments)
    assert [result["name"] for result in results] == ["good", "silent"]
    assert results[0]["scores"]["micro_f"]["value"] == 1.0
    assert results[0]["valid"] == pytest.approx(2 / 3)  # one has a label outside the schema
    assert results[0]["dropped"] == {"unknown_label": 1}
    assert results[1]["difference"]["value"] == -1.0
    table = run(*arguments, "--gold-entities", "--markdown", tmp_path / "new" / "table.md")
    assert "100.00" in table
    rows = (tmp_path / "new" / "table.md").read_text(encoding="utf8").splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["good", "silent"]


def test_compare_needs_as_many_names(config, tmp_path):
    gold = tmp_path / "gold.spacy"
    write_docs([make_doc(spacy.blank("en").vocab, "Acme")], gold)
    output = run("compare", config, gold, "--name", "a", "--name", "b", code=1)
    assert "2 names for 1 pipelines" in output
