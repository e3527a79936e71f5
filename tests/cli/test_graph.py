"""``spacy rel graph``."""

import gzip
import json
import sys

import pytest
import srsly

from rel_component.converters.formats.jsonl import to_record

from ..graph.documents import APPLE
from .helpers import run, run_json


@pytest.fixture
def documents(tmp_path):
    path = tmp_path / "relations.jsonl"
    srsly.write_jsonl(path, map(to_record, APPLE))
    return path


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "schema.yaml"
    types = [{"label": "FOUNDED_BY", "inverse": "FOUNDER_OF", "functional": True}, "MADE"]
    path.write_text(json.dumps({"relations": types}), encoding="utf8")
    return path


def test_a_graph_of_files(documents, schema, tmp_path):
    output = tmp_path / "graph.json"
    printed = run("graph", documents, documents, "--to", "json", "-o", output, "--schema", schema)
    assert "4 nodes, 4 edges" in " ".join(printed.split())
    assert "1 contradictions" in printed
    graph = json.loads(output.read_text(encoding="utf8"))
    assert {node["name"] for node in graph["nodes"]} == {"Apple", "Steve Jobs", "Wozniak", "Mac"}


def test_options_reach_the_graph(documents, schema, tmp_path):
    entities = tmp_path / "entities.jsonl"
    counts = {"types": {"PRODUCT": 1}, "documents": 1, "neighbours": {}}
    srsly.write_jsonl(entities, [{"id": "E7", "name": "Mac", "names": {"Mac": 1}, **counts}])
    options = ["--schema", schema, "--inverses", "merge", "--entities", entities, "--kb-url"]
    options += ["http://www.wikidata.org/entity/{}", "--base", "https://example.org/"]
    found = run_json("graph", documents, "-o", tmp_path / "graph.ttl", *options)
    assert found["read"] == {"documents": 3, "relations": 5}
    assert (found["nodes"], found["edges"], found["contradictions"]) == (4, 3, 1)
    turtle = (tmp_path / "graph.ttl").read_text(encoding="utf8")
    assert "@prefix entity: <https://example.org/entity/>" in turtle
    assert "owl:sameAs <http://www.wikidata.org/entity/Q19837>" in turtle
    assert "entity:E7" in turtle
    left = run_json("graph", documents, "-o", tmp_path / "graph.ttl", "--min-score", 0.85)
    assert left["edges"] == 1


def test_documents_are_not_replaced_by_their_graph(documents, tmp_path):
    before = documents.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(documents)
    for output in (documents, link):
        message = run("graph", documents, "--to", "json", "-o", output, code=1)
        assert "take the place of the documents" in message
    assert documents.read_bytes() == before


def test_a_format_can_be_named_and_compressed_files_are(documents, tmp_path):
    output = tmp_path / "graph.json"
    run("graph", documents, "--format", "jsonl", "--to", "json", "-o", output)
    compressed = tmp_path / "relations.jsonl.gz"
    compressed.write_bytes(gzip.compress(documents.read_bytes()))
    assert "gunzip -k" in run("graph", compressed, "--to", "json", "-o", output, code=1)


def test_what_cannot_be_done_is_said_before_the_work(documents, tmp_path, monkeypatch):
    assert "give --output" in run("graph", documents, code=1)
    message = run("graph", documents, "--to", "turtel", "-o", tmp_path / "x", code=1)
    assert 'did you mean "turtle"?' in message
    assert "nquads" in message
    assert "declared in a schema" in run(
        "graph", documents, "-o", tmp_path / "x", "--closure", code=1
    )
    documents.write_text("{", encoding="utf8")  # which would be an error of the work
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert "new or empty" in run("graph", documents, "--to", "csv", "-o", tmp_path / "full", code=1)
    for to, package in (("parquet", "pyarrow"), ("oxigraph", "pyoxigraph"), ("ladybug", "ladybug")):
        monkeypatch.setitem(sys.modules, package, None)
        message = run("graph", documents, "--to", to, "-o", tmp_path / "x", code=1)
        assert f"The package {package} is not installed" in message
    assert not (tmp_path / "x").exists()
