"""What every registered format of graphs must do, by this package and by others.

A format of this package has a reader in ``tests/graph/readers.py``: an independent program that reads
it. What that finds is what the graph has.
"""

from importlib.metadata import entry_points

import pytest

from rel_component.errors import ConfigError
from rel_component.graph.exporter import GraphExporter, export_graph
from rel_component.graph.merge import GraphOptions, merged
from rel_component.schema import RelationSchema, RelationType

from ..graph.documents import APPLE, HOSTILE, hostile_documents
from ..graph.readers import RDFLIB, READERS

ENTRIES = {entry.name: entry for entry in entry_points(group="rel_component_graph_exporters")}
EXPORTERS = {name: entry.load() for name, entry in sorted(ENTRIES.items())}
each_exporter = pytest.mark.parametrize("name", EXPORTERS)
SCHEMA = RelationSchema(
    [
        RelationType("FOUNDED_BY", inverse="FOUNDER_OF", asymmetric=True, functional=True),
        RelationType("KNOWS", asymmetric=True),
    ]
)


@pytest.fixture(scope="module")
def hostile():
    with merged(hostile_documents(), GraphOptions(schema=SCHEMA)) as graph:
        yield graph


@pytest.fixture(scope="module")
def empty():
    with merged([]) as graph:
        yield graph


def export(graph, name, tmp_path):
    output = tmp_path / f"graph{EXPORTERS[name].ending}"
    try:
        export_graph(graph, name, output)
    except ConfigError as err:
        if "pip install" not in str(err):
            raise
        pytest.skip(str(err))
    return output


def facts(graph):
    return {(e.head, e.label, e.tail) for e in graph.edges()}, {n.id: n.name for n in graph.nodes()}


@each_exporter
def test_it_is_an_exporter(name):
    assert isinstance(EXPORTERS[name], GraphExporter)
    assert EXPORTERS[name].name == name
    assert EXPORTERS[name].description


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if "rel_component." in e.value])
def test_ours_are_read_back(name):
    assert name in READERS


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "cypher")) for name in EXPORTERS],
)
def test_hostile_graphs_come_back(name, hostile, tmp_path):
    edges, names = facts(hostile)
    assert len({label for _, label, _ in edges}) >= 190  # of 200, a few are the same when written
    assert len(edges) >= 380
    output = export(hostile, name, tmp_path)
    if name in READERS:
        assert READERS[name](output) == (edges, names)


@pytest.mark.slow
@pytest.mark.parametrize("name", RDFLIB)
def test_rdflib_reads_hostile_graphs(name, hostile, tmp_path):
    assert RDFLIB[name](export(hostile, name, tmp_path)) == facts(hostile)


@each_exporter
def test_inferred_edges_and_contradictions_come_too(name, tmp_path):
    with merged(APPLE, GraphOptions(schema=SCHEMA, inverses="add")) as graph:
        output = export(graph, name, tmp_path)
        assert graph.counts()["inferred"] == 1
        assert graph.counts()["contradictions"] == 1
        if name in READERS:
            assert READERS[name](output) == facts(graph)


@each_exporter
def test_a_graph_of_nothing(name, empty, tmp_path):
    output = export(empty, name, tmp_path)
    if name in READERS:
        assert READERS[name](output) == (set(), {})


@each_exporter
def test_nothing_is_left_of_what_fails(name, tmp_path):
    class Broken:
        def __getattr__(self, method):
            raise RuntimeError("broken")

    with pytest.raises((RuntimeError, ConfigError)):
        export_graph(Broken(), name, tmp_path / "graph")
    assert list(tmp_path.iterdir()) == []


def test_the_texts_are_hostile():
    assert len(HOSTILE) == len(set(HOSTILE)) == 200
