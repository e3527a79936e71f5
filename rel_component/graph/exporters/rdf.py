"""A graph as RDF: what all its notations write.

A relation is a triple of its own, and a statement about it (reification of RDF 1.1), which has count and
scores and says with W3C PROV (https://www.w3.org/TR/prov-o/) which places of documents it was derived
from::

    entity:Q312  rel:FOUNDED_BY  entity:Q19837 .
    <urn:rel:statement/1>  a rdf:Statement ;  rdf:subject ... ;  v:score 0.93 ;
        prov:wasDerivedFrom <urn:rel:evidence/7> .
    <urn:rel:evidence/7>  prov:value "Jobs founded Apple." ;  prov:wasQuotedFrom doc:d1 ;  v:score 0.9 .
"""

import re
from functools import lru_cache
from itertools import groupby
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union
from urllib.parse import quote

from ..exporter import ExportOptions
from ..graph import Graph
from ..types import Contradiction, Edge, Evidence, GraphDocument, Node, number_of

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
OWL = "http://www.w3.org/2002/07/owl#"
XSD = "http://www.w3.org/2001/XMLSchema#"
PROV = "http://www.w3.org/ns/prov#"
DCTERMS = "http://purl.org/dc/terms/"


class Literal(NamedTuple):
    """A literal of RDF.

    Attributes:
        value: its lexical form.
        datatype: local name of its type in XML Schema; empty: a string.
    """

    value: str
    datatype: str = ""


Term = Union[str, Literal]
"""An IRI, or a literal."""


class Block(NamedTuple):
    """Triples of one subject.

    Attributes:
        subject: its IRI.
        pairs: predicates, as IRIs, and objects.
        document: IRI of the document whose graph they belong to; None: to no document's.
    """

    subject: str
    pairs: List[Tuple[str, Term]]
    document: Optional[str] = None


class Names:
    """The IRIs of a graph.

    Args:
        options: have their beginning.
    """

    def __init__(self, options: ExportOptions) -> None:
        self.base = options.base
        self.vocabulary = f"{options.base}vocabulary/"

    def prefixes(self) -> Dict[str, str]:
        """Short names of the beginnings of IRIs."""
        own = {"entity": "entity", "rel": "relation", "type": "type", "doc": "document"}
        return {
            **{short: f"{self.base}{name}/" for short, name in own.items()},
            **{"v": self.vocabulary, "rdf": RDF, "rdfs": RDFS, "skos": SKOS, "owl": OWL},
            **{"xsd": XSD, "prov": PROV, "dcterms": DCTERMS},
        }

    def of(self, kind: str, name: Union[str, int]) -> str:
        """The IRI of a thing of a kind; all but letters, digits and ``_.-~`` is percent-encoded."""
        return f"{self.base}{kind}/{name if isinstance(name, int) else _encoded(name)}"


@lru_cache(maxsize=1 << 16)
def _encoded(name: str) -> str:
    return quote(name, safe="")


def blocks(graph: Graph, options: ExportOptions, *, per_document: bool = False) -> Iterator[Block]:
    """The triples of a graph.

    Args:
        graph: the graph.
        options: beginning of names, and address of the knowledge base.
        per_document: whether documents have graphs of their own, with the relations that they state,
            beside the graph of all.
    """
    names = Names(options)
    yield from (_document(document, names) for document in graph.documents())
    yield from (_node(node, names, options) for node in graph.nodes())
    for edge, evidence in graph.edges_with_evidence():
        yield from _edge(edge, names)
        triple = _triple(edge, names)
        for document, pieces in groupby(evidence, key=lambda piece: piece.document):
            if per_document:
                yield triple._replace(document=names.of("document", document))
            for piece in pieces:
                yield from _evidence(piece, names)
    for contradiction in graph.contradictions():
        yield _contradiction(contradiction, names)


def _document(document: GraphDocument, names: Names) -> Block:
    pairs: List[Tuple[str, Term]] = [
        (f"{RDF}type", f"{names.vocabulary}Document"),
        (f"{DCTERMS}identifier", Literal(document.id)),
    ]
    if document.date is not None:
        pairs.append((f"{DCTERMS}date", _date(document.date)))
    return Block(names.of("document", document.id), pairs)


def _node(node: Node, names: Names, options: ExportOptions) -> Block:
    pairs: List[Tuple[str, Term]] = [
        (f"{RDF}type", f"{names.vocabulary}Entity"),
        *((f"{RDF}type", names.of("type", name)) for name in node.types),
        (f"{RDFS}label", Literal(node.name)),
        *((f"{SKOS}altLabel", Literal(name)) for name in node.aliases if name != node.name),
    ]
    if node.kb_id:
        pairs.append((f"{names.vocabulary}kbId", Literal(node.kb_id)))
        if options.kb_url is not None:
            address = options.kb_url.replace("{}", quote(node.kb_id, safe=""))
            pairs.append((f"{OWL}sameAs", address))
    return Block(names.of("entity", node.id), pairs)


def _triple(edge: Edge, names: Names) -> Block:
    pair = (names.of("relation", edge.label), names.of("entity", edge.tail))
    return Block(names.of("entity", edge.head), [pair])


def _edge(edge: Edge, names: Names) -> Iterator[Block]:
    v = names.vocabulary
    yield _triple(edge, names)
    pairs: List[Tuple[str, Term]] = [
        (f"{RDF}type", f"{RDF}Statement"),
        (f"{RDF}subject", names.of("entity", edge.head)),
        (f"{RDF}predicate", names.of("relation", edge.label)),
        (f"{RDF}object", names.of("entity", edge.tail)),
        (f"{v}label", Literal(edge.label)),
        (f"{v}count", Literal(str(edge.count), "integer")),
        (f"{v}documents", Literal(str(edge.documents), "integer")),
    ]
    for name, score in (("score", edge.score), ("maxScore", edge.max_score)):
        if score is not None:
            pairs.append((f"{v}{name}", _double(score)))
    for name, date in (("firstDate", edge.first_date), ("lastDate", edge.last_date)):
        if date is not None:
            pairs.append((f"{v}{name}", _date(date)))
    for name, document in (("firstSeen", edge.first_document), ("lastSeen", edge.last_document)):
        if document is not None:
            pairs.append((f"{v}{name}", names.of("document", document)))
    if edge.rule:
        pairs.append((f"{v}inferredBy", Literal(edge.rule)))
    yield Block(names.of("statement", edge.id), pairs)


def _evidence(piece: Evidence, names: Names) -> Iterator[Block]:
    v, iri = names.vocabulary, names.of("evidence", piece.id)
    pairs: List[Tuple[str, Term]] = [
        (f"{RDF}type", f"{v}Evidence"),
        (f"{PROV}value", Literal(piece.text)),
        (f"{PROV}wasQuotedFrom", names.of("document", piece.document)),
        (f"{v}headStart", Literal(str(piece.head[0]), "integer")),
        (f"{v}headEnd", Literal(str(piece.head[1]), "integer")),
        (f"{v}tailStart", Literal(str(piece.tail[0]), "integer")),
        (f"{v}tailEnd", Literal(str(piece.tail[1]), "integer")),
    ]
    if piece.score is not None:
        pairs.append((f"{v}score", _double(piece.score)))
    yield Block(iri, pairs)
    yield Block(names.of("statement", piece.edge), [(f"{PROV}wasDerivedFrom", iri)])


def _contradiction(contradiction: Contradiction, names: Names) -> Block:
    v, ids = names.vocabulary, sorted(edge.id for edge in contradiction.edges)
    number = number_of(contradiction.kind, contradiction.label, contradiction.node, *ids)
    return Block(
        names.of("contradiction", number),
        [
            (f"{RDF}type", f"{v}Contradiction"),
            (f"{v}kind", Literal(contradiction.kind)),
            *((f"{v}between", names.of("statement", edge.id)) for edge in contradiction.edges),
        ],
    )


def _double(value: float) -> Literal:
    return Literal(repr(float(value)), "double")


def _date(value: str) -> Literal:
    return Literal(value, {4: "gYear", 7: "gYearMonth"}.get(len(value), "date"))


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile('["\\\\\n\r\t]')


def nt_term(term: Term) -> str:
    """A term in N-Triples, N-Quads and Turtle."""
    if isinstance(term, str):
        return f"<{term}>"
    value = _ESCAPED.sub(lambda found: _ESCAPES[found[0]], term.value)
    return f'"{value}"^^<{XSD}{term.datatype}>' if term.datatype else f'"{value}"'
