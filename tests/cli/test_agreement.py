"""``spacy rel agreement``, run as a user runs it."""

import json
import re

import pytest
import spacy

from rel_component.annotations import get_relations
from rel_component.spacy_files import read_docs, write_docs

from ..evaluation.agreement.helpers import ACME, ADA, ALL, annotate
from ..test_assets import ASSETS
from .helpers import run, run_json

RUNS, IN = (0, "RUNS", 1), (1, "IN", 2)


def name(*names):
    return [text for each in names for text in ("--name", each)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three annotators of two documents; c is a folder, and lacks one of them."""
    vocab, path = spacy.blank("en").vocab, tmp_path_factory.mktemp("annotators")

    def doc(i, *relations, mentions=ALL):
        return annotate(vocab, relations, mentions, text=f"Ada runs Acme in Rome{i} .", id=f"d{i}")

    write_docs([doc(0, RUNS, IN), doc(1, RUNS)], path / "a.spacy")
    write_docs([doc(0, RUNS), doc(1, (1, "RUNS", 0))], path / "b.spacy")
    write_docs([doc(0, RUNS, mentions=[ADA, ACME])], path / "c" / "part.spacy")
    return path


def test_tables_of_two_annotators(folder):
    output = run("agreement", folder / "a.spacy", folder / "b.spacy")
    assert "2 documents in common" in output
    assert re.search("relations, strict +40.00", output)  # one of both, two and one of one of them
    assert re.search("relations, undirected +80.00", output)
    assert "only a   only b" in output
    assert "12 pairs of mentions" in output
    assert "d0, relation, presence: Ada runs Acme in Rome0 ." in output
    assert "    b: (Acme, RUNS, Ada)" in output


def test_labels_that_all_agree_on_take_one_line(folder):
    output = run("agreement", folder / "a.spacy", folder / "b.spacy")
    assert "100.00 for mentions, span and type, mentions, span" in " ".join(output.split())
    assert "100.00 for GPE, ORG, PERSON" in " ".join(output.split())


def test_tables_of_three_annotators(folder):
    paths = [folder / name for name in ("a.spacy", "b.spacy", "c")]
    output = run("agreement", *paths, *name("ann", "bob", "cat"), "--show", 0)
    assert "ann, bob   ann, cat   bob, cat" in output
    assert "1 documents: only ann, bob, not cat" in output.replace("\n", " ")
    assert "Cohen's kappa of each pair" in output
    assert "d0, relation" not in output


def test_files(folder, tmp_path):
    new = tmp_path / "new"
    output = run(
        "agreement",
        *(folder / "a.spacy", folder / "b.spacy", folder / "c"),
        *("--output", new / "figures.json"),
        *("--disagreements", new / "todo.jsonl"),
        *("--merged", new / "merged.spacy", "--min-votes", 2),
    )
    assert "2 documents, 6 mentions, 1 relations" in output.replace("\n", " ")
    assert "3 relations (votes 3)" in output.replace("\n", " ")
    figures = json.loads((new / "figures.json").read_text(encoding="utf8"))
    assert figures["annotators"] == ["a", "b", "c"]
    assert figures["documents"]["problems"][0]["lacking"] == ["c"]
    assert figures["relations"]["strict"]["overall"]["mean"]["value"] == pytest.approx(
        (2 / 5 + 2 / 3 + 1) / 3
    )
    assert figures["merged"]["left_out"]["relations"] == {"votes": 3}
    assert figures["options"]["seed"] == 0
    lines = (new / "todo.jsonl").read_text(encoding="utf8").splitlines()
    assert [(item["id"], item["kind"], item["reason"]) for item in map(json.loads, lines)] == [
        ("d0", "mention", "presence"),
        ("d0", "relation", "mentions"),
        ("d1", "relation", "direction"),
    ]
    docs = list(read_docs(new / "merged.spacy", spacy.blank("en")))
    assert [len(get_relations(doc)) for doc in docs] == [1, 0]
    assert [len(doc.ents) for doc in docs] == [3, 3]


def test_files_of_one_name_are_of_one_annotator(folder, tmp_path):
    docs = list(read_docs(folder / "a.spacy", spacy.blank("en")))
    for doc in docs:
        write_docs([doc], tmp_path / f"{doc.user_data['meta']['id']}.spacy")
    paths = [tmp_path / "d0.spacy", tmp_path / "d1.spacy", folder / "a.spacy"]
    figures = run_json("agreement", *paths, *name("parts", "parts", "whole"))
    assert figures["documents"]["by_annotator"] == {"parts": 2, "whole": 2}
    assert figures["coefficients"]["overall"]["alpha"]["value"] == 1.0


def test_files_of_equal_names_are_told_apart_by_their_folders(folder, tmp_path):
    other = tmp_path / "a.spacy"
    other.write_bytes((folder / "a.spacy").read_bytes())
    figures = run_json("agreement", folder / "a.spacy", other)
    assert figures["annotators"] == [str(folder / "a.spacy"), str(other)]


def test_spans_of_a_group(tmp_path):
    vocab = spacy.blank("en").vocab
    for name, relations in (("a", [RUNS]), ("b", [])):
        write_docs([annotate(vocab, relations, spans_key="sc")], tmp_path / f"{name}.spacy")
    merged = tmp_path / "merged.spacy"
    args = (tmp_path / "a.spacy", tmp_path / "b.spacy", "--spans-key", "sc", "--merged", merged)
    figures = run_json("agreement", *args)
    assert figures["mentions"]["strict"]["overall"]["mean"]["value"] == 1.0
    (doc,) = read_docs(merged, spacy.blank("en"))
    assert [span.text for span in doc.spans["sc"]] == ["Ada", "Acme", "Oslo"]


def test_mentions_in_a_span_group_are_found_by_the_relations(tmp_path):
    vocab = spacy.blank("en").vocab
    for name, mentions in (("a", ALL), ("b", [ADA, ACME])):
        write_docs([annotate(vocab, [RUNS], mentions, spans_key="sc")], tmp_path / f"{name}.spacy")
    figures = run_json("agreement", tmp_path / "a.spacy", tmp_path / "b.spacy")
    assert figures["mentions"]["strict"]["overall"]["mean"]["value"] == pytest.approx(0.8)


def test_a_schema_limits_the_pairs(folder):
    args = (folder / "a.spacy", folder / "b.spacy", "--json", "--resamples", 0)
    schema = ("--schema", ASSETS / "business_schema.yaml")
    n_pairs = [
        json.loads(run("agreement", *args, *more))["pairs"]["all"]
        for more in ((), schema, (*schema, "--allowed-pairs"))
    ]
    # PERSON, ORG and GPE: ORG with PERSON and GPE, PERSON with ORG and GPE
    assert n_pairs == [12, 12, 8]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a.spacy"], "two annotators or more"),
        (["a.spacy", "a.spacy"], "given twice"),
        (["a.spacy", "b.spacy", *name("ann")], "1 names for 2 paths: ann"),
        (["a.spacy", "b.spacy", *name("ann", "ann")], "two annotators or more, got 1"),
        (["a.spacy", "b.spacy", "--allowed-pairs"], "add --schema"),
        (["a.spacy", "b.spacy", "--min-votes", "2"], "add --merged"),
        (["a.spacy", "b.spacy", "--min-votes", "3", "--merged", "m.spacy"], "between 1 and 2"),
        (["a.spacy", "b.spacy", "--min-votes", "0", "--merged", "m.spacy"], "between 1 and 2"),
        (["a.spacy", "b.spacy", "--max-sentence-distance", "0"], "needs sentence boundaries"),
    ],
)
def test_options_that_do_not_fit(folder, args, message, monkeypatch):
    monkeypatch.chdir(folder)
    assert message in run("agreement", *args, code=1).replace("\n", " ")
    assert not (folder / "m.spacy").exists()
