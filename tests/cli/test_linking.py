"""The commands of knowledge bases and of names without one."""

import json

import pytest
import spacy
from spacy.tokens import Span

from rel_component.linking.knowledge_base import load_kb
from rel_component.spacy_files import read_docs, write_docs

from ..helpers import make_doc
from .helpers import run, run_json

ROWS = "id,name,aliases,types\nQ1,Nordwind Energy,Nordwind|NWE,ORG\nQ2,Hamburg,,GPE\n"


@pytest.fixture
def kb(tmp_path):
    (tmp_path / "kb.csv").write_text(ROWS, encoding="utf8")
    return tmp_path / "kb"


def docs(vocab):
    made = []
    for text, mentions in (
        ("NWE is in Hamburg", [(0, 1, "ORG", "Q1"), (3, 4, "GPE", "Q2")]),
        ("nordwind energy left", [(0, 2, "ORG", "Q1")]),
    ):
        doc = make_doc(vocab, text)
        doc.ents = [
            Span(doc, start, end, label, kb_id=name) for start, end, label, name in mentions
        ]
        made.append(doc)
    return made


@pytest.mark.slow
def test_build_a_knowledge_base_and_link_with_it(kb, tmp_path, vocab):
    assert run_json("build-kb", tmp_path / "kb.csv", kb)["names"] == 4
    assert "has files in it" in run("build-kb", tmp_path / "kb.csv", kb, code=1)
    nlp = spacy.blank("en")
    nlp.add_pipe("kb_linker", config={"kb": str(kb)})
    nlp.to_disk(tmp_path / "pipeline")
    write_docs(docs(vocab), tmp_path / "dev.spacy")
    scores = run_json("evaluate", tmp_path / "pipeline", tmp_path / "dev.spacy")
    assert (scores["links_f"], scores["links_n"]) == (1.0, 3)
    shown = run("evaluate", tmp_path / "pipeline", tmp_path / "dev.spacy")
    assert "Links to the knowledge base" in shown
    assert "right links of the linkable mentions found: 100" in shown


def test_rows_that_cannot_be_used(kb, tmp_path):
    with (tmp_path / "kb.csv").open("a", encoding="utf8") as file:
        file.write("Q1,Another,,\n")
    output = " ".join(run("build-kb", tmp_path / "kb.csv", kb, code=1).split())
    assert "line 4" in output
    assert "--on-error skip leaves it out" in output
    assert not kb.exists()
    run("build-kb", tmp_path / "kb.csv", kb, "--on-error", "skip")
    assert len(load_kb(kb)) == 2


def test_canonicalize(tmp_path, vocab):
    data, output = tmp_path / "docs.spacy", tmp_path / "entities.jsonl"
    write_docs(docs(vocab), data)
    found = run_json(
        *("canonicalize", data, output, "--docs", tmp_path / "linked.spacy"),
        *("--joins", tmp_path / "joins.jsonl"),
    )
    assert (found["entities"], found["joins"]) == (3, {"new": 3})
    assert found["b3"] == pytest.approx({"p": 1.0, "r": 2 / 3, "f": 0.8})  # Q1 has two of them
    rows = [json.loads(line) for line in output.read_text("utf8").splitlines()]
    assert [row["name"] for row in rows] == ["NWE", "Hamburg", "nordwind energy"]
    linked = read_docs(tmp_path / "linked.spacy", spacy.blank("en"))
    assert [ent.kb_id_ for doc in linked for ent in doc.ents] == ["E000001", "E000002", "E000003"]
    later = tmp_path / "later.jsonl"
    found = run_json("canonicalize", data, later, "--known", output)
    assert (found["entities"], found["joins"]) == (3, {"same name": 3})
    rows = map(json.loads, (tmp_path / "joins.jsonl").read_text("utf8").splitlines())
    assert [(row["document"], row["name"], row["reason"]) for row in rows] == [
        ("1", "NWE", "new"),
        ("1", "Hamburg", "new"),
        ("2", "nordwind energy", "new"),
    ]


def test_canonicalize_the_spans_of_a_group(tmp_path, vocab):
    first, second = docs(vocab)
    for doc in (first, second):
        doc.spans["sc"] = [doc.ents[0], Span(doc, len(doc) - 1, len(doc), "WORD")]
    write_docs([first, second], tmp_path / "docs.spacy")
    linked = tmp_path / "linked.spacy"
    run_json(
        *("canonicalize", tmp_path / "docs.spacy", tmp_path / "entities.jsonl", "--docs", linked),
        *("--spans-key", "sc"),
    )
    read = list(read_docs(linked, spacy.blank("en")))
    assert [[span.kb_id_ for span in doc.spans["sc"]] for doc in read] == [
        ["E000001", "E000002"],
        ["E000003", "E000004"],
    ]
    assert [ent.kb_id_ for doc in read for ent in doc.ents] == ["E000001", "Q2", "E000003"]
