"""``spacy rel convert`` between formats, run as a user runs it."""

import json
import os
from pathlib import Path
from threading import Thread

import pytest
from spacy.tokens import DocBin

from rel_component.annotations import set_relations

from ..cli.helpers import run
from ..helpers import make_doc

DATA = Path(__file__).parent / "data"


def convert(*args, code=0):
    return " ".join(run("convert", *args, code=code).split())


def report(*args):
    return json.loads(convert(*args, "--json"))


@pytest.mark.parametrize(
    "to", ["jsonl", "doccano", "label_studio", "prodigy", "brat", "csv", "spert"]
)
def test_from_one_tool_to_another_and_back(tmp_path, to):
    between, back = tmp_path / "between", tmp_path / "back.jsonl"
    first = report(DATA / "relations.csv", between, "--to", to)
    assert (first["documents"], first["mentions"], first["relations"]) == (3, 4, 2)
    second = report(between, back, "--to", "jsonl")
    assert (second["documents"], second["mentions"], second["relations"]) == (3, 4, 2)
    assert first["problems"] == second["problems"] == []


def test_predictions_go_back_to_a_tool(tmp_path, vocab):
    doc = make_doc(vocab, "Nordwind hired Ilse", [(0, 1, "ORG"), (2, 3, "PERSON")])
    set_relations(doc, [(doc.ents[0], "HIRED", doc.ents[1], 0.75)])
    doc.user_data["meta"] = {"id": "d1"}
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "predicted.spacy")
    output = convert(tmp_path / "predicted.spacy", tmp_path / "tasks.json", "--to", "label_studio")
    assert "1 documents, 2 mentions, 1 relations" in output
    assert "1 documents whose tokens label_studio does not hold" in output
    (task,) = json.loads((tmp_path / "tasks.json").read_text(encoding="utf8"))
    assert task["data"]["id"] == "d1"
    assert task["predictions"][0]["result"][2]["score"] == 0.75
    back = report(tmp_path / "tasks.json", tmp_path / "back.spacy")
    assert back["relations"] == 1


def test_mentions_in_a_span_group_are_found_by_the_relations(tmp_path, vocab):
    mentions = [(0, 2, "ORG"), (0, 1, "GPE"), (3, 4, "PERSON")]
    doc = make_doc(vocab, "Oslo Works hired Ilse", mentions, [(0, "HIRED", 2)], spans_key="sc")
    for scores, n_mentions in (((), 3), ((0.9, 0.1, 0.1), 2)):  # one has a relation
        doc.spans["sc"].attrs["scores"] = scores
        DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "train.spacy")
        counts = report(tmp_path / "train.spacy", tmp_path / "back.jsonl", "--to", "doccano")
        assert counts["mentions"] == n_mentions
        assert any("doc.spans['sc']" in note["message"] for note in counts["notes"])


def test_documents_come_from_a_pipe(tmp_path, vocab):
    pipe = tmp_path / "pipe.spacy"
    os.mkfifo(pipe)
    content = DocBin(docs=[make_doc(vocab, "Oslo", [(0, 1, "GPE")])]).to_bytes()
    writer = Thread(target=pipe.write_bytes, args=[content], daemon=True)
    writer.start()
    options = ("--format", "spacy", "--to", "doccano")
    assert report(pipe, tmp_path / "back.jsonl", *options)["documents"] == 1


def test_brat_is_converted_again_to_a_file_in_its_folder(tmp_path):
    (tmp_path / "d.txt").write_text("Oslo", encoding="utf8")
    (tmp_path / "d.ann").write_text("T1\tGPE 0 4\tOslo\n", encoding="utf8")
    for _ in range(2):
        counts = report(tmp_path, tmp_path / "brat.spacy", "--format", "brat")
        assert counts["mentions"] == 1


def test_shards(tmp_path):
    counts = report(DATA / "own.jsonl", tmp_path / "train", "--shard-size", "2")
    assert counts["documents"] == 3
    sizes = [len(DocBin().from_disk(path)) for path in sorted((tmp_path / "train").iterdir())]
    assert sizes == [2, 1]
    assert report(tmp_path / "train", tmp_path / "a.jsonl", "--to", "jsonl")["documents"] == 3


def test_the_schema_holds_for_other_formats_too(tmp_path):
    schema = tmp_path / "schema.yaml"
    schema.write_text("relations: [{label: FOUNDED_BY, tail: [ORG]}]", encoding="utf8")
    options = ("--to", "doccano", "--schema", schema, "--on-error", "skip", "--json")
    counts = json.loads(convert(DATA / "relations.csv", tmp_path / "out.jsonl", *options))
    assert counts["skipped"] == {"document": 0, "mention": 0, "relation": 2}
    assert "does not hold between ORG and PERSON" in counts["problems"][0]
    assert "unknown label 'LIVES_IN'" in counts["problems"][1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "nonsense"), "Unknown format 'nonsense'; available: bioc"),
        (("--format", "brat"), "cannot be read"),
        (("--to", "csv", "--shard-size", "2"), "--shard-size is for spaCy's format"),
    ],
)
def test_options_that_do_not_fit(tmp_path, options, message):
    assert message in convert(DATA / "own.jsonl", tmp_path / "out", *options, code=1)


def test_what_is_a_spacy_file_already(tmp_path):
    report(DATA / "own.jsonl", tmp_path / "a.spacy")
    output = convert(tmp_path / "a.spacy", tmp_path / "b.spacy", code=1)
    assert "is of spaCy's format already; say with --to" in output


@pytest.mark.parametrize("to", ["jsonl", "spacy", "brat", "webanno", "xmi", "csv"])
def test_no_documents_are_said(tmp_path, to):
    (tmp_path / "in.jsonl").write_text("", encoding="utf8")
    args = (tmp_path / "in.jsonl", tmp_path / "out", "--format", "jsonl", "--to", to)
    output = convert(*args)
    assert "0 documents were converted" in output
    assert "\u2714" not in output
    assert (tmp_path / "out").exists()
