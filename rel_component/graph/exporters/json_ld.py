"""JSON-LD 1.1, https://www.w3.org/TR/json-ld11/: an object for each subject, with absolute IRIs."""

from typing import Any, Dict, Iterator, List

from ...converters.records import to_json
from ..exporter import ExportOptions, text_exporter
from ..graph import Graph
from .rdf import RDF, XSD, Block, Names, Term, blocks


def json_ld(graph: Graph, options: ExportOptions) -> Iterator[str]:
    """The document, an object a line."""
    context = {name: iri for name, iri in Names(options).prefixes().items() if name != "xsd"}
    yield f'{{"@context": {to_json(context)}, "@graph": [\n'
    delimiter = ""
    for block in blocks(graph, options):
        yield delimiter + to_json(_object(block))
        delimiter = ",\n"
    yield "\n]}\n"


def _object(block: Block) -> Dict[str, Any]:
    found: Dict[str, Any] = {"@id": block.subject}
    for predicate, value in block.pairs:
        if predicate == f"{RDF}type":
            types: List[Any] = found.setdefault("@type", [])
            types.append(value)
        else:
            found.setdefault(predicate, []).append(_value(value))
    return found


def _value(term: Term) -> Dict[str, str]:
    if isinstance(term, str):
        return {"@id": term}
    return {"@value": term.value, **({"@type": XSD + term.datatype} if term.datatype else {})}


EXPORTER = text_exporter("jsonld", "RDF in JSON", json_ld, ending=".jsonld")
