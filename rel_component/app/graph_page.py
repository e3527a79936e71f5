"""A graph as one page that needs nothing else: search, neighbours, and the sentences of each edge.

It is drawn by Cytoscape.js (https://js.cytoscape.org, ``static/cytoscape.min.js`` of its version 3.35.0,
MIT), which is part of the page. No more is drawn than the neighbours of what a reader has chosen.
"""

from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterable, List

from markupsafe import Markup

from ..graph.exporter import ExportOptions, GraphExporter
from ..graph.graph import Graph
from ..graph.types import Edge, Evidence, Node
from .page import embedded_json, script_policy
from .render import asset, template

MAX_EDGES = 20_000
"""The most edges that a page has: those that most documents state, and all that contradict others."""

MAX_EVIDENCE, MAX_ALIASES, MAX_CONTRADICTIONS = 20, 20, 1000


def make_graph_page(graph: Graph, *, title: str = "Graph", max_edges: int = MAX_EDGES) -> str:
    """Make the page of a graph.

    Everything that comes from documents is data in it, as JSON that HTML cannot take for its own; its
    policy lets no script run but its own, and lets it send nothing.

    Args:
        graph: the graph.
        title: what stands above.
        max_edges: the most edges, to which those of contradictions are added.
    """
    script = f"{asset('cytoscape.min.js')}\n{asset('graph.js')}"
    return str(
        template("graph").render(
            title=title,
            data=embedded_json(_data(graph, max_edges)),
            policy=script_policy(script, served=False),
            css=Markup(asset("page.css") + asset("graph.css")),
            js=Markup(script),
        )
    )


def _data(graph: Graph, max_edges: int) -> Dict[str, Any]:
    """What the script needs: names once, and everything else by position."""
    contradictions = list(islice(graph.contradictions(), MAX_CONTRADICTIONS))
    edges: Dict[int, Edge] = {edge.id: edge for edge in graph.top_edges(max_edges)}
    edges.update((edge.id, edge) for found in contradictions for edge in found.edges)
    ids = dict.fromkeys(key for edge in edges.values() for key in (edge.head, edge.tail))
    nodes = [node for node in graph.nodes() if node.id in ids]
    places = {node.id: i for i, node in enumerate(nodes)}
    numbers = {key: i for i, key in enumerate(edges)}
    labels = {label: i for i, label in enumerate(graph.labels())}
    return {
        "counts": graph.counts(),
        "labels": list(labels),
        "nodes": [_node(node) for node in nodes],
        "edges": [
            [
                *(places[edge.head], labels[edge.label], places[edge.tail]),
                *(
                    edge.count,
                    edge.documents,
                    edge.score,
                    edge.first_date,
                    edge.last_date,
                    edge.rule,
                ),
            ]
            for edge in edges.values()
        ],
        "evidence": [_evidence(graph.evidence_of(edge, MAX_EVIDENCE)) for edge in edges.values()],
        "contradictions": [
            {
                **{"kind": found.kind, "label": labels[found.label], "node": places[found.node]},
                "edges": [numbers[edge.id] for edge in found.edges],
            }
            for found in contradictions
            if found.node in places
        ],
    }


def _node(node: Node) -> List[Any]:
    aliases = [name for name in node.aliases if name != node.name][:MAX_ALIASES]
    return [node.id, node.name, node.type, node.kb_id, aliases]


def _evidence(pieces: Iterable[Evidence]) -> List[List[Any]]:
    return [
        [
            *(piece.document, piece.date, piece.score, piece.text),
            *(piece.head_at, piece.head_at + piece.head[1] - piece.head[0]),
            *(piece.tail_at, piece.tail_at + piece.tail[1] - piece.tail[0]),
        ]
        for piece in pieces
    ]


def _write(graph: Graph, path: Path, options: ExportOptions) -> None:
    path.write_text(make_graph_page(graph, title=options.title), encoding="utf8", newline="")


EXPORTER = GraphExporter("html", "a page to look at in a browser", _write, ending=".html")
