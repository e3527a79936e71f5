"""Node-link JSON, for ``networkx.node_link_graph(data, edges="edges")`` and scripts of the web."""

from typing import Iterator

from ...converters.records import to_json
from ..exporter import ExportOptions, text_exporter
from ..graph import Graph
from .graphml import edge_record, evidence_json


def node_link(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The document, an object a line."""
    yield '{"directed": true, "multigraph": true, "graph": {}, "nodes": [\n'
    delimiter = ""
    for node in graph.nodes():
        yield delimiter + to_json(node._asdict())
        delimiter = ",\n"
    yield '\n], "edges": [\n'
    delimiter = ""
    for edge, evidence in graph.edges_with_evidence():
        record = {"source": edge.head, "target": edge.tail, "key": edge.id, **edge_record(edge)}
        yield f'{delimiter}{to_json(record)[:-1]}, "evidence": '
        yield from evidence_json(evidence)
        yield "}"
        delimiter = ",\n"
    yield "\n]}\n"


EXPORTER = text_exporter("json", "networkx and scripts: nodes and edges", node_link, ending=".json")
