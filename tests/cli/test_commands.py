"""The commands of ``spacy rel``, run as a user runs them."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from typer.testing import CliRunner

from rel_component.cli import rel_cli
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.evaluation.threshold_choice import configure_choose_thresholds
from rel_component.spacy_files import read_docs, write_docs

from ..helpers import make_doc
from .conftest import ENTITIES, TEXT
from .helpers import run, run_json, run_rows

ASSETS = Path(__file__).parents[2] / "assets"


def test_commands_are_part_of_spacy():
    assert rel_cli in [group.typer_instance for group in app.registered_groups]


def test_convert_reports(tmp_path):
    output = tmp_path / "new" / "dev.spacy"
    report = run_json("convert", ASSETS / "business_dev.jsonl", output)
    assert report["documents"] == 105
    assert report["problems"] == []
    assert output.exists()


def test_convert_stops_or_skips(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "Fine."}\n{broken\n', encoding="utf8")
    output = " ".join(run("convert", path, tmp_path / "a.spacy", code=1).split())
    assert "line 2" in output
    assert output.count("--on-error skip leaves it out") == 1
    assert not (tmp_path / "a.spacy").exists()
    report = run_json("convert", path, tmp_path / "a.spacy", "--on-error", "skip")
    assert (report["documents"], report["skipped"]["document"]) == (1, 1)


def test_convert_needs_a_known_format(tmp_path):
    output = run("convert", ASSETS / "business_dev.jsonl", tmp_path / "a", "--format", "x", code=1)
    assert "Unknown format" in output


def test_extract_text(model):
    rows = run_rows("extract", model, "--text", TEXT)
    assert [[*row[:4], *row[5:]] for row in rows] == [
        ["1", "Nordwind Energy", "FOUNDED_BY", "Ilse Brandt", TEXT],
        ["1", "Nordwind Energy", "LOCATED_IN", "Hamburg", TEXT],
    ]
    assert all(0.0 <= float(row[4]) <= 1.0 for row in rows)
    assert "1 documents, 2 relations" in run("extract", model, "--text", TEXT)


def test_extract_some_relations(model, tmp_path):
    (row,) = run_rows("extract", model, "--text", TEXT, "--label", "LOCATED_IN")
    assert row[2] == "LOCATED_IN"
    args = ("--label", "LOCATED_IN", "--output", tmp_path / "out.jsonl")
    output = run("extract", model, "--text", TEXT, *args)
    assert "1 documents, 1 relations; 1 left out" in output
    assert "FOUNDED_BY" not in (tmp_path / "out.jsonl").read_text(encoding="utf8")
    assert "knows FOUNDED_BY, LOCATED_IN" in run(
        "extract", model, "--text", TEXT, "--label", "CEO", code=1
    )


def test_extract_passes_over_what_is_no_text(model, tmp_path):
    lines = [json.dumps({"text": TEXT}), "{broken", '{"txt": "b"}', '{"text": "\\ud800"}']
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, '"' + "x" * 9]), encoding="utf8")
    (tmp_path / "in.txt").write_bytes(b"\xff\n" + TEXT.encode() + b"\n" + b"x" * 99)
    output = run("extract", model, tmp_path / "in.jsonl", "--on-error", "skip")
    assert [f"in.jsonl, line {n}" in output for n in range(1, 6)] == [False, True, True, True, True]
    assert "1 documents, 2 relations; 4 texts skipped" in output
    output = run("extract", model, tmp_path / "in.txt", "--on-error", "skip", "--max-length", 90)
    assert "in.txt, line 1: not UTF-8" in output
    assert "in.txt, line 3: the text has 99 characters, more than 90" in output
    assert "1 documents, 2 relations; 2 texts skipped" in output
    output = run("extract", model, tmp_path / "in.jsonl", code=1)
    assert "Ilse Brandt" in output  # what comes before the error is not lost
    assert "in.jsonl, line 2" in output


def test_extract_needs_relations(tmp_path):
    spacy.blank("en").to_disk(tmp_path / "blank")
    output = run("extract", tmp_path / "blank", "--text", TEXT, code=1)
    assert "no component that finds relations" in output


def test_extract_files(model, tmp_path):
    (tmp_path / "in.txt").write_text(f"{TEXT}\n\nNothing here.\n", encoding="utf8")
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": 9, "text": TEXT}), encoding="utf8")
    rows = [
        json.loads(line) for (line,) in run_rows("extract", model, tmp_path / "in.txt", "--json")
    ]
    assert [(row["id"], len(row["relations"])) for row in rows] == [(1, 2), (3, 0)]
    run("extract", model, tmp_path / "in.jsonl", "--output", tmp_path / "out" / "out.jsonl")
    row = json.loads((tmp_path / "out" / "out.jsonl").read_text(encoding="utf8"))
    assert row["id"] == 9
    assert row["relations"][0]["head"] == row["entities"][0]["id"]
    assert [(entity["label"], entity["text"]) for entity in row["entities"]] == ENTITIES
    report = run_json("convert", tmp_path / "out" / "out.jsonl", tmp_path / "out.spacy")
    assert (report["documents"], report["mentions"], report["relations"]) == (1, 3, 2)
    (doc,) = read_docs(tmp_path / "out.spacy", spacy.blank("en"))
    scores = [rel["score"] for rel in row["relations"]]
    assert [rel.score for rel in doc._.rel] == pytest.approx(scores)


def test_extract_standard_input(model):
    assert "FOUNDED_BY" in run("extract", model, "-", stdin=TEXT + "\n")


def test_an_extraction_that_fails_names_the_line_and_leaves_no_file(model, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a"}\n{"txt": "b"}\n', encoding="utf8")
    assert "line 2" in run("extract", model, path, "-o", tmp_path / "new" / "out.jsonl", code=1)
    assert list((tmp_path / "new").iterdir()) == []
    assert "one of them" in run("extract", model, code=1)


def test_evaluate(model, data, tmp_path):
    output = run("evaluate", model, data, "--output", tmp_path / "new" / "scores.json")
    assert "strict" in output
    assert "FOUNDED_BY" in output
    scores = json.loads((tmp_path / "new" / "scores.json").read_text(encoding="utf8"))
    assert scores["rel_micro_f"] == 1.0
    assert scores["n_docs"] == 1
    assert (scores["rel_n"], scores["rel_per_type"]["FOUNDED_BY"]["n"]) == (2, 1)
    assert scores["threshold"] is None
    assert scores["thresholds"][9]["f"] == 1.0
    assert "decoder.threshold" in output
    across = next(line for line in output.splitlines() if line.startswith("across"))
    assert across.split()[2:] == ["0", *"------"]
    assert not any(line.split()[-2:] == ["95", "%"] for line in output.splitlines())  # one document
    assert run_json("evaluate", model, data)["rel_micro_f"] == 1.0


def test_evaluate_shows_intervals(model, data, tmp_path):
    write_docs([*read_docs(data, spacy.blank("en"))] * 3, tmp_path / "three.spacy")
    output = run("evaluate", model, tmp_path / "three.spacy", "--resamples", 20)
    strict = next(line for line in output.splitlines() if line.startswith("strict"))
    assert strict.split()[4:8] == ["100.00", "100.0", "to", "100.0"]
    assert "100.00   100.0 to 100.0" in next(
        line for line in output.splitlines() if line.startswith("FOUNDED_BY")
    )


def test_evaluate_tells_how_thresholds_were_chosen(model, data, tmp_path):
    nlp = spacy.load(model)
    configure_choose_thresholds(make_relation_corpus(data))(nlp)
    nlp.to_disk(tmp_path / "chosen")
    output = " ".join(run("evaluate", tmp_path / "chosen", data).split())
    assert "chosen on 2 relations of 1 documents: micro F1 100.0 -> 100.0" in output
    assert run_json("evaluate", tmp_path / "chosen", data)["threshold_choice"]["n_docs"] == 1
    nlp.get_pipe_config("relation_extractor")["decoder"]["threshold"] = 1.0
    nlp.to_disk(tmp_path / "replaced")
    output = " ".join(run("evaluate", tmp_path / "replaced", data).split())
    assert "now: 1" in output


def test_evaluate_tells_apart_what_the_entities_and_what_the_relations_miss(model, data, tmp_path):
    nlp = spacy.load(model)
    nlp.get_pipe("entity_ruler").clear()
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Nordwind"}])
    nlp.to_disk(tmp_path / "blind")
    path = tmp_path / "mistakes.jsonl"
    output = run("evaluate", tmp_path / "blind", data, "--mistakes", path)
    assert "Where mistakes come from" in output
    records = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    assert [(r["label"], r["reason"]) for r in records] == [
        ("FOUNDED_BY", "entity missed"),
        ("LOCATED_IN", "entity missed"),
    ]
    scores = run_json("evaluate", tmp_path / "blind", data)
    assert scores["rel_micro_f"] == 0.0
    assert scores["gold_entities"]["rel_micro_f"] == 1.0
    assert scores["mistakes"] == {"right": 0, "missed": {"entity missed": 2}, "spurious": {}}


def test_schema_is_inferred_and_checked(data, tmp_path):
    schema = tmp_path / "schema.yaml"
    assert "label: FOUNDED_BY" in run("schema", data)
    run("schema", data, "--output", schema)
    assert "satisfy" in run("schema", data, "--check", schema)
    schema.write_text("relations: [{label: FOUNDED_BY, tail: [ORG]}]", encoding="utf8")
    output = run("schema", data, "--check", schema, code=1)
    assert "2 of 2 relations (100.0 %) are against the schema" in output
    assert "does not hold between ORG and PERSON" in output.replace("\n", " ")
    assert "unknown label 'LOCATED_IN'; known: FOUNDED_BY: 1 times, in document 0; the" in " ".join(
        output.split()
    )


@pytest.mark.slow
def test_schema_of_one_part_against_another(data, tmp_path):
    nlp = spacy.blank("en")
    other, schema = tmp_path / "other.spacy", tmp_path / "schema.yaml"
    docs = [
        make_doc(nlp.vocab, "Oslo hired Acme", [(0, 1, "GPE"), (2, 3, "ORG")], [relation])
        for relation in [(0, "FOUNDED_BY", 1), (0, "PLAYS_FOR", 1)]
    ]
    write_docs(docs, other)
    printed = run("schema", data, "--test", other, "--output", schema)
    assert "other           2           1   50.0              1   50.0" in printed
    assert "forbidden: 1 PLAYS_FOR, which the schema lacks" in printed
    assert "# inferred: going by 1 documents" in schema.read_text(encoding="utf8")
    printed = run("schema", other, "--check", schema, code=1)
    assert "FOUNDED_BY is not expected between GPE and ORG" in " ".join(printed.split())
    found = run_json("schema", other, "--check", schema, code=1)
    assert [row["kind"] for row in found] == ["forbidden", "unexpected"]
    counts = run_json("schema", data, "--test", other)["parts"]["other"]
    assert (counts["n"], counts["forbidden"]["n"], counts["unexpected"]["n"]) == (2, 1, 1)
    run("schema", data, "--check", schema, "--test", other, code=1)


def test_errors_are_one_line_on_standard_error(data):
    result = CliRunner().invoke(rel_cli, ["evaluate", "nowhere", str(data), "--json"])
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("ConfigError: nowhere cannot be loaded")


def test_a_gpu_that_is_not_there(model):
    output = run("extract", model, "--text", TEXT, "--gpu-id", 99, code=1)
    assert output.startswith("ConfigError: --gpu-id 99")


@pytest.mark.slow
def test_calibrate(model, data, tmp_path):
    nlp = spacy.load(model)
    several, page = tmp_path / "several.spacy", tmp_path / "page.html"
    write_docs([*read_docs(data, nlp)] * 3, several)
    output = run("calibrate", model, several, "--output", tmp_path / "new", "--html", page)
    assert "scores of the reported relations, after" in output
    assert "0 relations there are decided otherwise than before" in " ".join(output.split())
    assert page.read_text(encoding="utf8").count("<svg") == 12
    told = run_json("calibrate", tmp_path / "new", several, "--precision", "0.5", "--per-label")
    assert told["temperature"]["labels"].keys() == {"FOUNDED_BY", "LOCATED_IN"}
    assert told["precision"]["wished"] == 0.5
    full = run("calibrate", model, several, "--output", tmp_path / "new", code=1)
    assert "is a file or has files in it" in " ".join(full.split())


def test_extract_from_files_to_files(model, tmp_path):
    (tmp_path / "in").mkdir()
    rows = f'key,body,source\na,"{TEXT}",web\nb,,web\nc,"Nothing.",\n'
    (tmp_path / "in" / "a.csv").write_text(rows, encoding="utf8")
    (tmp_path / "in" / "b.csv").write_text("broken", encoding="utf8")
    columns = ("--text-column", "body", "--id-column", "key", "--meta-column", "source")
    given = ("extract", model, tmp_path / "in", *columns)
    assert "b.csv: expected a header" in run(*given, "-o", tmp_path / "out.jsonl", code=1)
    output = run(*given, "-o", tmp_path / "out.jsonl", "--on-error", "skip")
    assert "b.csv: expected a header" in output
    assert "3 documents, 2 relations; 1 texts skipped" in output
    text = (tmp_path / "out.jsonl").read_text(encoding="utf8")
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["id"] for record in records] == ["a", "b", "c"]
    assert [record.get("meta") for record in records] == [{"source": "web"}] * 2 + [None]
    (row,) = run_rows(*given, "--on-error", "skip", "--label", "LOCATED_IN")
    assert row[0] == "a"
    assert "--resume needs --output" in run(*given, "--resume", code=1)


def test_extract_tells_which_documents_fail(model, tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        "from spacy.language import Language\n"
        "@Language.component('cli_test_fails')\n"
        "def fail(doc):\n"
        "    if 'FAIL' in doc.text:\n"
        "        raise ValueError('told to')\n"
        "    return doc\n",
        encoding="utf8",
    )
    nlp = spacy.load(model)
    spacy.util.import_file("cli_test_code", code)
    nlp.add_pipe("cli_test_fails")
    nlp.to_disk(tmp_path / "fails")
    (tmp_path / "in.txt").write_text(f"{TEXT}\nFAIL here\n{TEXT}\n", encoding="utf8")
    options = ("--code", code, "-o", tmp_path / "out", "--shards", "--to", "jsonl.gz")
    output = run("extract", tmp_path / "fails", tmp_path / "in.txt", *options, code=3)
    assert "in.txt, line 2: ValueError: told to" in output
    assert "2 documents, 4 relations" in output
    assert f"1 documents failed: {tmp_path}/out/_failures.jsonl lists them" in output
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("000000.jsonl.gz", "_000000.failures.jsonl", "_failures.jsonl", "_manifest.jsonl"),
    ]
    again = ("extract", tmp_path / "fails", tmp_path / "in.txt", *options, "--resume")
    assert "2 documents, 4 relations" in run(*again, code=3)
    assert "2 documents, 4 relations" in run(*again, "--retry-failed", code=3)
