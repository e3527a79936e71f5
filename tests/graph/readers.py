"""Real readers of each format of graphs: what they find is compared with what was written.

Each takes the path of a file or folder and returns the edges, as ids of head and tail and label, and for
each node its display name. They skip where a package is not there.
"""

import csv
import json
import re
from urllib.parse import unquote

import pytest

from rel_component.graph.exporters.neo4j import LIST_DELIMITER
from rel_component.graph.exporters.rdf import RDF, RDFS

from ..app.pages import Page

BASE = "urn:rel:"
CSV_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def name_of(iri, kind):
    start = f"{BASE}{kind}/"
    return unquote(iri[len(start) :]) if str(iri).startswith(start) else None


def from_triples(triples):
    """From triples of texts: those of relations, and those of labels."""
    edges, names = [], {}
    for subject, predicate, value in triples:
        label = name_of(predicate, "relation")
        if label is not None:
            edges.append((name_of(subject, "entity"), label, name_of(value, "entity")))
        elif predicate == f"{RDFS}label":
            names[name_of(subject, "entity")] = value
    return set(edges), names


def statements(triples):
    """The edges once more, as statements have them."""
    found = {}
    for subject, predicate, value in triples:
        if predicate.startswith(RDF) and predicate != f"{RDF}type":
            found.setdefault(subject, {})[predicate[len(RDF) :]] = value
    return {
        (
            name_of(parts["subject"], "entity"),
            name_of(parts["predicate"], "relation"),
            name_of(parts["object"], "entity"),
        )
        for parts in found.values()
    }


def rdf(path, form):
    ox = pytest.importorskip("pyoxigraph")
    quads = ox.parse(path=str(path), format=getattr(ox.RdfFormat, form))
    triples = [(quad.subject.value, quad.predicate.value, quad.object.value) for quad in quads]
    edges, names = from_triples(triples)
    assert statements(triples) == edges
    return edges, names


def turtle(path):
    return rdf(path, "TURTLE")


def jsonld(path):
    return rdf(path, "JSON_LD")


def nquads(path):
    return rdf(path, "N_QUADS")


def rdflib_reader(form):
    """What rdflib reads: slower, and another program."""

    def read(path):
        rdflib = pytest.importorskip("rdflib")
        graph = rdflib.Dataset(default_union=True) if form == "nquads" else rdflib.Graph()
        graph.parse(path, format=form)
        triples = [tuple(map(str, triple)) for triple in graph.triples((None, None, None))]
        edges, names = from_triples(triples)
        assert statements(triples) == edges
        return edges, names

    return read


RDFLIB = {
    "turtle": rdflib_reader("turtle"),
    "jsonld": rdflib_reader("json-ld"),
    "nquads": rdflib_reader("nquads"),
}


def oxigraph(path):
    ox = pytest.importorskip("pyoxigraph")
    store = ox.Store.read_only(str(path))
    query = "SELECT DISTINCT ?s ?p ?o {{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }}"
    rows = [tuple(term.value for term in row) for row in store.query(query)]
    edges, names = from_triples(rows)
    assert statements(rows) == edges
    return edges, names


def rows_of(path, header=None):
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf8", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        columns = header or next(reader)
        for row in reader:
            assert len(row) == len(columns)
            yield dict(zip(columns, row))


def neo4j(path):
    def read(name):
        header = (path / f"{name}_header.csv").read_text(encoding="utf8").strip().split(",")
        return rows_of(path / f"{name}.csv", header)

    nodes = {row["id:ID(Entity)"]: row for row in read("entities")}
    edges = set()
    for row in read("relations"):
        assert row[":TYPE"] == row["label:string"]
        edges.add((row[":START_ID(Entity)"], row[":TYPE"], row[":END_ID(Entity)"]))
    for row in nodes.values():
        aliases = row["aliases:string[]"].split(LIST_DELIMITER)
        assert row["name:string"] in aliases
        assert len(aliases) == len(row["alias_counts:int[]"].split(LIST_DELIMITER))
        assert row[":LABEL"].split(LIST_DELIMITER)[0] == "Entity"
    evidence = {row["id:ID(Evidence)"] for row in read("evidence")}
    documents = {row["id:ID(Document)"] for row in read("documents")}
    for row in read("places"):
        assert row[":START_ID(Evidence)"] in evidence
        assert row[":END_ID(Document)"] in documents
    return edges, {key: row["name:string"] for key, row in nodes.items()}


def cypher(path):
    """LadybugDB runs the file, but for what is Neo4j's alone: constraints, and several labels."""
    ladybug = pytest.importorskip("ladybug")
    connection = ladybug.Connection(
        ladybug.Database(max_num_threads=1, buffer_pool_size=256 << 20), num_threads=1
    )
    texts = "kb_id STRING, name STRING, type STRING, aliases STRING[]"
    connection.execute(f"CREATE NODE TABLE Entity (id STRING PRIMARY KEY, {texts})")
    connection.execute("CREATE NODE TABLE Document (id STRING PRIMARY KEY, date STRING)")
    numbers = ", ".join(f"{a}_{b} INT64" for a in ("head", "tail") for b in ("start", "end", "at"))
    connection.execute(
        "CREATE NODE TABLE Evidence (id INT64 PRIMARY KEY, relation INT64, text STRING, "
        f"score DOUBLE, {numbers})"
    )
    connection.execute("CREATE REL TABLE `IN` (FROM Evidence TO Document)")
    connection.execute(
        "CREATE REL TABLE RELATION (FROM Entity TO Entity, relation INT64, label STRING, count INT64, "
        "documents INT64, score DOUBLE, max_score DOUBLE, first_date STRING, last_date STRING, "
        "rule STRING)"
    )
    for statement in path.read_text(encoding="utf8").split(";\n"):
        if not statement or statement.startswith("CREATE CONSTRAINT") or " SET n:" in statement:
            continue
        if "MERGE (h)-[r:" in statement:  # a table for each type would take seconds
            rows, _, merge = statement.rpartition("MERGE (h)-[r:")
            name, _, rest = merge.partition("]->(t) SET")
            assert re.fullmatch(r"`(?:[^`\\]|``)+`", name)
            statement = f"{rows}MERGE (h)-[r:RELATION {{label: row.label}}]->(t) SET{rest}"
        # LadybugDB takes a list of nulls for one of texts
        statement = re.sub(r"= row\.((?:max_)?score)\b", r"= CAST(row.\1 AS DOUBLE)", statement)
        connection.execute(statement.replace("[:IN]", "[:`IN`]"))
    rows = connection.execute(
        "MATCH (h:Entity)-[r]->(t:Entity) RETURN h.id, r.label, t.id"
    ).get_all()
    names = connection.execute("MATCH (n:Entity) RETURN n.id, n.name").get_all()
    return set(map(tuple, rows)), dict(names)


def ladybug(path):
    engine = pytest.importorskip("ladybug")
    database = engine.Database(
        str(path), read_only=True, max_num_threads=1, buffer_pool_size=256 << 20
    )
    connection = engine.Connection(database, num_threads=1)
    rows = connection.execute(
        "MATCH (h:Entity)-[r]->(t:Entity) RETURN h.id, r.label, t.id"
    ).get_all()
    names = connection.execute("MATCH (n:Entity) RETURN n.id, n.name").get_all()
    connection.close()
    database.close()
    return set(map(tuple, rows)), dict(names)


def networkx_graph(graph):
    edges = {(head, data["label"], tail) for head, tail, data in graph.edges(data=True)}
    for *_, data in graph.edges(data=True):
        evidence = data["evidence"]
        pieces = json.loads(evidence) if isinstance(evidence, str) else evidence
        assert len(pieces) == (0 if data["rule"] else data["count"])
    return edges, {key: data["name"] for key, data in graph.nodes(data=True)}


def graphml(path):
    networkx = pytest.importorskip("networkx")
    return networkx_graph(networkx.read_graphml(path))


def node_link(path):
    networkx = pytest.importorskip("networkx")
    data = json.loads(path.read_text(encoding="utf8"))
    return networkx_graph(networkx.node_link_graph(data, edges="edges"))


def unmasked(cell):
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(CSV_FORMULA) else cell


def tables(read):
    nodes = {row["id"]: row["name"] for row in read("nodes")}
    edges, seen = set(), {}
    for row in read("edges"):
        edges.add((row["head"], row["label"], row["tail"]))
        seen[str(row["id"])] = row
        assert nodes[row["head"]] == row["head_name"]
        assert nodes[row["tail"]] == row["tail_name"]
    for row in read("evidence"):
        assert str(row["edge"]) in seen
    return edges, nodes


def csv_tables(path):
    def read(name):
        rows = list(rows_of(path / f"{name}.csv"))
        for row in rows:
            assert not any(cell.startswith(CSV_FORMULA) for cell in row.values())
        return [{key: unmasked(cell) for key, cell in row.items()} for row in rows]

    return tables(read)


def parquet(path):
    arrow = pytest.importorskip("pyarrow.parquet")
    return tables(lambda name: arrow.read_table(path / f"{name}.parquet").to_pylist())


def html(path):
    """The data of the page, as its script has them."""
    page = Page(path.read_text(encoding="utf8"))
    data = json.loads(next(text for text in page.scripts if text.startswith("{")))
    nodes = [node[0] for node in data["nodes"]]
    edges = {
        (nodes[head], data["labels"][label], nodes[tail]) for head, label, tail, *_ in data["edges"]
    }
    return edges, {node[0]: node[1] for node in data["nodes"]}


READERS = {
    **{"turtle": turtle, "nquads": nquads, "jsonld": jsonld, "oxigraph": oxigraph},
    **{"neo4j": neo4j, "cypher": cypher, "ladybug": ladybug},
    **{"graphml": graphml, "json": node_link, "csv": csv_tables, "parquet": parquet, "html": html},
}
