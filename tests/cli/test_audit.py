"""``spacy rel audit``, run as a user runs it."""

import json
from pathlib import Path

import pytest
from spacy import blank
from spacy.language import Language
from spacy.vocab import Vocab

from rel_component import audit_files
from rel_component.spacy_files import write_docs

from ..helpers import make_doc
from .helpers import run, run_json

SCHEMA = "relations: [{label: LEADS, head: [PERSON], tail: [ORG]}]"
MENTIONS = [(0, 1, "PERSON"), (2, 3, "ORG")]


def write(path: Path, relations, names=("Ada", "Bob", "Cy", "Di")):
    vocab = Vocab()
    docs = [make_doc(vocab, f"{name} leads Acme", MENTIONS, relations) for name in names]
    write_docs(docs, path)
    return path


@pytest.fixture
def train(tmp_path):
    return write(tmp_path / "train.spacy", [(0, "LEADS", 1)])


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "schema.yaml"
    path.write_text(SCHEMA, encoding="utf8")
    return path


def test_prints_a_summary_and_writes_json_and_html(train, schema, tmp_path):
    test = write(tmp_path / "test.spacy", [(0, "LEADS", 1)], ["Ada", "Zoe"])
    output, html = tmp_path / "out" / "audit.json", tmp_path / "new" / "audit.html"
    args = ("--test", test, "--schema", schema, "--output", output, "--html", html)
    printed = run("audit", train, *args)
    assert "Leakage between splits" in printed
    assert "share of new facts in test" in printed
    data = json.loads(output.read_text(encoding="utf8"))
    assert data["sections"]["leakage"]["figures"]["share of new facts in test"] == 0.5
    assert data["counts"]["error"] == 1
    assert data["first"][0]["severity"] == "error"
    assert "Look at these first" in printed
    assert "6 documents are too few" in data["caution"]
    assert "are too few for shares" in " ".join(printed.split())
    assert "<title>Audit of train.spacy, test.spacy</title>" in html.read_text(encoding="utf8")


def test_mentions_in_a_span_group_are_found_by_the_relations(tmp_path):
    mentions, relations = [*MENTIONS, (2, 3, "GPE")], [(0, "LEADS", 1)]
    doc = make_doc(Vocab(), "Ada leads Acme", mentions, relations, spans_key="sc")
    write_docs([doc], tmp_path / "train.spacy")
    figures = run_json("audit", tmp_path / "train.spacy")
    (overview, *_) = next(iter(figures["sections"].values()))["tables"]
    assert ["mentions", 3] in overview["rows"]


@Language.component("test_leads", assigns=["doc._.rel"])
def leads(doc):
    doc._.rel = [(doc.ents[0], "LEADS", doc.ents[1])]
    return doc


def test_components_of_others_are_given_entities(tmp_path):
    doc = make_doc(Vocab(), "Ada leads Acme", MENTIONS, [(0, "LEADS", 1)], spans_key="sc")
    write_docs([doc], tmp_path / "train.spacy")
    nlp = blank("en")
    nlp.add_pipe("test_leads")
    sections = audit_files([tmp_path / "train.spacy"], model=nlp).sections
    (scores,) = next(section for section in sections if section.name == "model").tables
    assert scores.rows[0][:4] == ["train", 1.0, 1.0, 1.0]


def test_strict_fails_on_errors_only(train, schema, tmp_path):
    run("audit", train, "--schema", schema, "--strict")
    wrong = write(tmp_path / "wrong.spacy", [(1, "LEADS", 0)])
    run("audit", wrong, "--schema", schema)
    run("audit", wrong, "--schema", schema, "--strict", code=1)


def test_max_findings(tmp_path, schema):
    wrong = write(tmp_path / "wrong.spacy", [(1, "LEADS", 0)])
    data = run_json("audit", wrong, "--schema", schema, "--max-findings", 2)
    (found,) = [f for f in data["sections"]["schema"]["findings"] if "allow" in f["kind"]]
    assert (found["total"], len(found["shown"])) == (4, 2)
    assert "max_findings must be 1 or more" in run("audit", wrong, "--max-findings", 0, code=1)


def test_parts_of_one_name_go_by_their_paths(train, tmp_path):
    other = tmp_path / "other" / "train.spacy"
    write(other, [])
    assert f"share of new facts in {other}"[:40] in run("audit", train, "--test", other)
    assert "given twice" in run("audit", train, "--test", train, code=1)


@pytest.mark.parametrize("option", ["--names-by-group", "--schema"])
def test_errors_are_messages(train, tmp_path, option):
    assert "Error" in run("audit", train, option, tmp_path / "missing.yaml", code=1)


def test_a_pipeline_and_groups_of_names(data, model, tmp_path):
    names = tmp_path / "names.yaml"
    names.write_text("old: [Ilse Brandt]\nnew: [Xu Li, Yu]\n", encoding="utf8")
    sections = run_json("audit", data, "--model", model, "--names-by-group", names)["sections"]
    assert sections["model"]["title"] == f"Where {model.name} disagrees"
    assert sections["model"]["tables"][0]["rows"] == [["one", 1.0, 1.0, 1.0, None]]
    assert sections["swaps"]["figures"]["kept, as they are"] == 1.0
    rows = sections["name_groups"]["tables"][0]["rows"]
    assert [(row[0], row[1]) for row in rows] == [("old", 1), ("new", 2)]
    assert rows[0][3] == 1.0
