"""The questions of docs/graph.md are asked, and have the answers that stand there."""

import re
from pathlib import Path

import pytest

from rel_component.graph.exporter import export_graph, get_exporters
from rel_component.graph.merge import merged_files
from rel_component.graph.query import query_store

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "graph.md").read_text(encoding="utf8")
QUESTIONS = re.findall(
    r"^```(sparql|cypher)\n(.*?)^```\n\n((?:\|[^\n]*\n)+)", TEXT, flags=re.MULTILINE | re.DOTALL
)


@pytest.mark.slow
def test_questions(tmp_path):
    pytest.importorskip("pyoxigraph")
    pytest.importorskip("ladybug")
    stores = {"sparql": tmp_path / "store", "cypher": tmp_path / "graph.lbug"}
    with merged_files([ROOT / "assets" / "business.jsonl"]) as graph:
        export_graph(graph, "oxigraph", stores["sparql"])
        export_graph(graph, "ladybug", stores["cypher"])
    assert [language for language, *_ in QUESTIONS] == ["sparql"] * 2 + ["cypher"] * 2
    for language, query, table in QUESTIONS:
        header, _, *rows = (
            [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
        )
        answer = query_store(stores[language], query)
        assert (answer.columns, answer.rows) == (header, rows)


def test_all_formats_are_described():
    for name in get_exporters():
        assert f"`{name}`" in TEXT
