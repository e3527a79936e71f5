"""Questions to stores, and what they must not do."""

import sys
from pathlib import Path

import pytest

from rel_component.errors import ConfigError, DataError
from rel_component.graph.exporter import ExportOptions, export_graph
from rel_component.graph.merge import merged
from rel_component.graph.query import Answer, check_query, query_store

from ..cli.helpers import run, run_json
from ..inference.full_disk import largest_file
from .documents import APPLE

SPARQL = """
PREFIX rel: <urn:rel:relation/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?who ?founder WHERE { ?a rel:FOUNDED_BY ?b . ?a rdfs:label ?who . ?b rdfs:label ?founder }
ORDER BY ?founder
"""
CYPHER = (
    "MATCH (a:Entity)-[r:FOUNDED_BY]->(b:Entity) "
    "RETURN a.name AS who, b.name AS founder ORDER BY founder"
)
FOUNDERS = [["Apple", "Steve Jobs"], ["Apple", "Wozniak"]]


@pytest.fixture(scope="module")
def oxigraph(tmp_path_factory):
    pytest.importorskip("pyoxigraph")
    with merged(APPLE) as graph:
        export_graph(graph, "oxigraph", path := tmp_path_factory.mktemp("stores") / "oxigraph")
    return path


@pytest.fixture(scope="module")
def ladybug(tmp_path_factory):
    pytest.importorskip("ladybug")
    with merged(APPLE) as graph:
        export_graph(graph, "ladybug", path := tmp_path_factory.mktemp("stores") / "a.lbug")
    assert [*path.parent.iterdir()] == [path]
    return path


@pytest.mark.parametrize("store", ["oxigraph", "ladybug"])
def test_a_full_disk_is_an_error_that_names_the_store(store, tmp_path):
    pytest.importorskip({"oxigraph": "pyoxigraph"}.get(store, store))
    with merged(APPLE) as graph, largest_file(100), pytest.raises(DataError) as found:
        export_graph(graph, store, tmp_path / "store")
    assert found.value.place == str(tmp_path / "store")
    assert [*tmp_path.iterdir()] == []


def test_sparql(oxigraph):
    assert query_store(oxigraph, SPARQL) == Answer(["who", "founder"], FOUNDERS)
    assert query_store(oxigraph, "ASK { ?s ?p ?o }").rows == [[True]]


def test_cypher(ladybug):
    answer = query_store(ladybug, CYPHER)
    assert answer == Answer(["who", "founder"], FOUNDERS)
    assert answer.records()[0] == {"who": "Apple", "founder": "Steve Jobs"}
    rows = query_store(ladybug, "MATCH (n:Document) RETURN n LIMIT 1").rows
    assert rows == [[{"_LABEL": "Document", "id": "d1", "date": "2024-05-31", "number": 1}]]


def test_rows_are_bounded(oxigraph):
    answer = query_store(oxigraph, "SELECT * { ?s ?p ?o }", max_rows=3)
    assert (len(answer.rows), answer.is_complete) == (3, False)


@pytest.mark.slow
def test_time_is_bounded(oxigraph, ladybug):
    product = (
        "SELECT (COUNT(*) AS ?n) { " + "".join(f"?a{i} ?b{i} ?c{i} . " for i in range(9)) + "}"
    )
    ranges = "".join(f"UNWIND range(1, 100000) AS x{i} " for i in range(2))
    counting = f"{ranges}RETURN sum(x0 * x1 % 7)"
    for store, query in ((oxigraph, product), (ladybug, counting)):
        with pytest.raises(ConfigError, match=r"more than 0\.5 seconds"):
            query_store(store, query, max_seconds=0.5)


@pytest.mark.slow
def test_memory_is_bounded(ladybug):
    with pytest.raises(ConfigError, match="the query: it takes too much memory"):
        query_store(ladybug, "UNWIND range(1, 1000000000) AS x RETURN sum(x)", max_seconds=60)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://localhost/> { ?s ?p ?o } }",
        "PREFIX : <http://localhost/> SELECT * { service:x { ?s ?p ?o } }",
        'SELECT * { FILTER(?a<?b#>"""\n) SERVICE ?x { ?s ?p ?o } #"""\n }',
        "SELECT * { ?s ?p true.SERVICE<http://localhost/>{ ?a ?b ?c } }",
        "SELECT * { ?s ?p <urn:x#>.SERVICE SILENT<http://localhost/>{ ?a ?b ?c } }",
    ],
)
def test_other_servers_are_not_asked(query):
    with pytest.raises(ConfigError, match="SERVICE asks other servers"):
        check_query(query, "sparql")


def test_names_with_the_word_service_are_no_keyword():
    check_query("SELECT * { ?s rel:PROVIDES_SERVICE ?o . ?s rel:SERVICE_OF ?x }", "sparql")


@pytest.mark.parametrize(
    "query", ["INSERT DATA { <urn:a> <urn:b> <urn:c> }", "LOAD <file:///x>", "no"]
)
def test_sparql_does_not_write(oxigraph, query):
    before = {path.name: path.stat().st_mtime_ns for path in oxigraph.iterdir()}
    with pytest.raises(ConfigError, match="the query: error at"):
        query_store(oxigraph, query)
    assert {path.name: path.stat().st_mtime_ns for path in oxigraph.iterdir()} == before


@pytest.mark.parametrize(
    "query",
    [
        "COPY (MATCH (n) RETURN n.id) TO 'out.csv'",
        "LOAD FROM 'x.csv' RETURN *",
        "MATCH (n {id: 1}) LOAD FROM 'x.csv' RETURN *",
        "MATCH (n) WHERE n.x = 1.LOAD FROM 'x.csv' RETURN *",
        "MATCH (n) /* ' */ load /* ' */ FROM 'x.csv' RETURN *",
        "MATCH (n) RETURN n; COPY (MATCH (n) RETURN n) TO 'out.csv'",
        "RETURN 1 ; RETURN 2",
        "CREATE (:Entity {id: 'x'})",
        "MATCH (n) SET n.name = ''",
        "MATCH (n) DETACH DELETE n",
        "EXPORT DATABASE 'out'",
        "INSTALL httpfs",
        "CALL current_setting('home_directory') RETURN *",
        "ATTACH 'x.db' AS x (dbtype sqlite)",
        "",
        "MATCH (n) RETURN n\0",
    ],
)
def test_cypher_neither_writes_nor_reads_files(query):
    with pytest.raises(ConfigError, match=r"not allowed|begins with|one statement|no NUL"):
        check_query(query, "cypher")


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (n) WHERE n.name = 'COPY; LOAD' RETURN n.load, n.`set`; // COPY",
        "MATCH (:LOAD)-[:CREATE]->(n) RETURN n {.*}",
        'RETURN "it\\"s; COPY" AS x, 1.5 AS y /* ; */',
    ],
)
def test_what_only_looks_like_it_is_allowed(query):
    check_query(query, "cypher")


@pytest.mark.slow
def test_the_process_of_a_query_can_write_no_file(ladybug, tmp_path, monkeypatch):
    from rel_component.graph import query

    monkeypatch.setattr(query, "check_query", lambda text, language: None)
    for text in (f"COPY (MATCH (n:Entity) RETURN n.id) TO '{tmp_path}/out.csv'",):
        with pytest.raises((ConfigError, DataError)):
            query_store(ladybug, text)
    assert all(path.stat().st_size == 0 for path in tmp_path.iterdir())


def test_what_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf8")
    for name, message in (("file", "neither"), ("", "neither"), ("missing", "not there")):
        with pytest.raises(DataError, match=message):
            query_store(tmp_path / name, "RETURN 1")
    with pytest.raises(ConfigError, match="1 to 1000000 rows"):
        query_store(tmp_path, "RETURN 1", max_rows=0)


def test_a_damaged_store(ladybug, tmp_path):
    damaged = tmp_path / "damaged.lbug"
    damaged.write_bytes(ladybug.read_bytes()[:100])
    with pytest.raises(DataError, match=r"damaged\.lbug: "):
        query_store(damaged, CYPHER)


@pytest.mark.parametrize("query", ["SELECT * {?s ?p '\ud800'}", "SELECT * {?s ?p '\0'}"])
def test_a_query_is_a_text(oxigraph, query):
    with pytest.raises(ConfigError, match="no half of a surrogate pair"):
        query_store(oxigraph, query)


def test_a_query_that_ends_its_process_is_an_error(oxigraph):
    with pytest.raises(DataError, match="too deep"):
        query_store(oxigraph, "SELECT * {" + "{" * 20_000 + "}" * 20_000 + "}")


def test_the_command_prints_tables_csv_and_json(oxigraph):
    found = run_json("query", oxigraph, SPARQL)
    assert found == {"columns": ["who", "founder"], "rows": FOUNDERS, "is_complete": True}
    table = run("query", oxigraph, "-", stdin=SPARQL)
    assert "Steve Jobs" in table
    assert run("query", oxigraph, 'SELECT ("=1" AS ?x) {}', "--csv") == "x\n'=1\n"
    assert "--rows 1 ended" in run("query", oxigraph, SPARQL, "--rows", 1)
    assert "exclude each other" in run("query", oxigraph, SPARQL, "--csv", "--json", code=1)


def test_the_worker_imports_nothing_of_the_package():
    from rel_component.graph import query

    source = Path(query._WORKER).read_text(encoding="utf8")
    assert "from ." not in source
    assert "rel_component" not in source
    assert sys.executable


@pytest.mark.parametrize(
    "options",
    [{"base": "no iri"}, {"base": "urn:x"}, {"base": 'urn:">/'}, {"kb_url": "http://x/"}]
    + [{"kb_url": "http://x/{}{}"}, {"kb_url": "{}"}],
)
def test_names_of_rdf_are_iris(options):
    with pytest.raises(ConfigError, match="expected an IRI"):
        ExportOptions(**options)
