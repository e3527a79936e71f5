"""GraphML, for Gephi, yEd, Cytoscape and networkx: http://graphml.graphdrawing.org/.

Types and aliases with their counts, and the evidence, are JSON in attributes.
"""

import re
from typing import Any, Dict, Iterator, List

from ...converters.records import to_json
from ..exporter import ExportOptions, text_exporter
from ..graph import Graph
from ..types import Edge, Evidence

_NODE = ("kb_id", "name", "type", "types", "aliases")
_EDGE = {
    **{"label": "string", "count": "long", "documents": "long"},
    **{"score": "double", "max_score": "double", "first_date": "string", "last_date": "string"},
    **{"first_document": "string", "last_document": "string", "rule": "string"},
}
_ESCAPES = {
    **{"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"},
    **{"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"},  # which attributes lose, or all texts
}
_ESCAPED = re.compile('[<>&"\n\r\t]')


def graphml(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The document, an element a line."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    for name in _NODE:
        yield f'<key id="n_{name}" for="node" attr.name="{name}" attr.type="string"/>\n'
    for name, kind in {**_EDGE, "evidence": "string"}.items():
        yield f'<key id="e_{name}" for="edge" attr.name="{name}" attr.type="{kind}"/>\n'
    yield '<graph id="G" edgedefault="directed">\n'
    for node in graph.nodes():
        values = {name: getattr(node, name) for name in _NODE}
        values.update(types=to_json(node.types), aliases=to_json(node.aliases))
        yield f'<node id="{_escape(node.id)}">{_data("n", values)}</node>\n'
    for edge, evidence in graph.edges_with_evidence():
        values = {name: getattr(edge, name) for name in _EDGE}
        yield (
            f'<edge id="e{edge.id}" source="{_escape(edge.head)}" target="{_escape(edge.tail)}">'
            f'{_data("e", values)}<data key="e_evidence">'
        )
        yield from (_escape(part) for part in evidence_json(evidence))
        yield "</data></edge>\n"
    yield "</graph>\n</graphml>\n"


def evidence_json(evidence: Iterator[Evidence]) -> Iterator[str]:
    """A list of JSON of pieces of evidence, in parts."""
    delimiter = "["
    for piece in evidence:
        record = piece._asdict()
        del record["id"], record["edge"]
        yield delimiter + to_json({k: v for k, v in record.items() if v is not None})
        delimiter = ", "
    yield "[]" if delimiter == "[" else "]"


def edge_record(edge: Edge) -> Dict[str, Any]:
    """The figures of an edge as JSON data."""
    return {name: getattr(edge, name) for name in _EDGE}


def _data(prefix: str, values: Dict[str, Any]) -> str:
    found: List[str] = [
        f'<data key="{prefix}_{name}">{_escape(str(value))}</data>'
        for name, value in values.items()
        if value is not None
    ]
    return "".join(found)


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)


EXPORTER = text_exporter("graphml", "Gephi, yEd, Cytoscape, networkx", graphml, ending=".graphml")
