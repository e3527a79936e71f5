"""The page of a graph, also in a real browser where there is one."""

import hashlib
import json
import re
from importlib import resources

import pytest

from rel_component.app.graph_page import make_graph_page
from rel_component.graph.merge import GraphOptions, merged
from rel_component.schema import RelationSchema, RelationType

from ..graph.documents import APPLE, document, hostile_documents
from .pages import Page
from .test_browser import Window, browser, window

__all__ = ["Window", "browser", "window"]  # fixtures

CYTOSCAPE = "71fa9ebec21a7ca2c40cff6aacc30d1f6464e363662ad4b2c197e1adc770cd94"
SCHEMA = RelationSchema(
    [
        RelationType("FOUNDED_BY", inverse="FOUNDER_OF", functional=True),
        RelationType("KNOWS", asymmetric=True),
    ]
)


def page_of(documents, max_edges=1000, **options):
    with merged(documents, GraphOptions(schema=SCHEMA, **options)) as graph:
        return make_graph_page(graph, title='Founders "&<', max_edges=max_edges)


def data_of(html):
    script = re.search(r'<script type="application/json" id="graph-data">(.*?)</script>', html)
    return json.loads(script[1])


def test_the_library_is_the_one_that_its_makers_have_published():
    static = resources.files("rel_component.app") / "static"
    content = (static / "cytoscape.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == CYTOSCAPE
    assert b"The Cytoscape Consortium" in (static / "cytoscape.LICENSE").read_bytes()


def test_the_data_of_the_page():
    data = data_of(page_of(APPLE))
    assert [node[1] for node in data["nodes"]] == ["Apple", "Steve Jobs", "Wozniak", "Mac"]
    assert data["counts"]["edges"] == len(data["edges"]) == 4
    head, label, _, *figures = data["edges"][0]
    assert (data["nodes"][head][1], data["labels"][label]) == ("Apple", "FOUNDED_BY")
    assert figures == [2, 2, 0.95, "2024-05-31", "2024-05-31", ""]
    text, *places = data["evidence"][0][0][3:]
    assert [text[a:b] for a, b in (places[:2], places[2:])] == ["Apple", "Steve Jobs"]
    assert data["contradictions"] == [
        {
            "kind": "several tails",
            "label": 0,
            "node": 0,
            "edges": data["contradictions"][0]["edges"],
        }
    ]


def test_large_graphs_are_cut_but_for_contradictions():
    data = data_of(page_of(APPLE, max_edges=1))
    assert len(data["edges"]) == 2  # the best one, and the one that it contradicts
    assert data["counts"]["edges"] == 4


def test_nothing_hostile_is_outside_of_the_data():
    page = Page(page_of(hostile_documents()))
    assert len(page.scripts) == 3  # style, data, script
    assert not {"img", "iframe", "svg"} & {*page.tags}
    assert all(not name.startswith("on") for name, _ in page.attrs)
    assert 'Founders "&<' in page.text


@pytest.mark.slow
def test_a_reader_finds_a_name_and_its_sentences(window, tmp_path):
    page = window.show(page_of(APPLE, inverses="add"), tmp_path)
    page.locator("#node h2", has_text="Apple").wait_for()
    assert "4 nodes and 5 edges drawn" in page.locator("#count").text_content()
    window.keys("/")
    page.keyboard.type("wozn")
    assert page.locator("#found li").count() == 1
    window.keys("Enter")  # the first edge has the focus now
    page.locator("#node h2", has_text="Wozniak").wait_for()
    window.keys("Enter")
    assert page.evaluate("document.activeElement.dataset.edge") is not None
    quote = page.locator("#edge blockquote")
    assert quote.locator("mark.head").text_content() == "APPLE"
    assert quote.locator("mark.tail").text_content() == "Wozniak"
    assert page.locator("#edge h2").text_content() == "Apple → FOUNDED_BY → Wozniak"
    page.locator("#contradictions summary").click()
    page.locator("#contradictions button").first.wait_for()  # they are listed when it is open
    assert page.locator("#contradictions button").count() == 2
    page.locator("#inferred").uncheck()
    page.locator("#labels button", has_text="MADE").click()
    assert "0 edges" in page.locator("#node h3").text_content()


@pytest.mark.slow
def test_thousands_of_nodes(window, tmp_path):
    words = " ".join(f"N{i}" for i in range(5000))
    mentions = [(f"N{i}", "X") for i in range(5000)]
    relations = [(i, "R", (7 * i + 1) % 5000, (i % 10) / 10) for i in range(1, 5000)]
    relations += [(0, "HUB", i, 0.5) for i in range(1, 200)]
    pages = [document(words, mentions, [r for r in relations if r[0] != r[2]])]
    page = window.show(page_of(pages, max_edges=10_000), tmp_path)
    page.locator("#more").wait_for()
    assert page.evaluate("RelGraph.cy.nodes().length") == 25  # of 5000
    page.click("#more")
    assert page.evaluate("RelGraph.cy.nodes().length") == 49
    page.fill("#score", "0.6")
    assert page.evaluate("RelGraph.cy.edges('[label = \"HUB\"]').length") == 0


@pytest.mark.slow
def test_hostile_names_are_drawn(window, tmp_path):
    page = window.show(page_of(hostile_documents()), tmp_path)
    page.locator("#node h2").wait_for()
    page.evaluate("RelGraph.cy.nodes()[0].emit('tap'); RelGraph.cy.edges()[0].emit('tap'); null")
    assert page.locator("img, iframe, [onload], [onerror]").count() == 0
    page.emulate_media(color_scheme="dark")
