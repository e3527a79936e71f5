"""``spacy rel graph``."""

from pathlib import Path
from typing import Annotated, List, Literal, Optional

from typer import Argument, Option

from ..errors import ConfigError
from .messages import keep_inputs, msg, print_json, print_report, progress
from .options import Format, Json, Lang, OnError, Schema, given_schema


def graph_cli(
    data_paths: Annotated[
        List[Path], Argument(exists=True, help="Documents with relations, of any format")
    ],
    to: Annotated[
        str, Option("--to", help="turtle, nquads, jsonld, neo4j, cypher, graphml, csv, html ...")
    ] = "turtle",
    output: Annotated[
        Optional[Path], Option("--output", "-o", help="File or folder to write")
    ] = None,
    format_name: Format = "auto",
    schema: Schema = None,
    min_score: Annotated[
        Optional[float], Option(min=0, max=1, help="Only relations with at least this score")
    ] = None,
    inverses: Annotated[
        Literal["keep", "merge", "add"],
        Option(help="Types that are inverses: as stated, as one type, or both inferred"),
    ] = "keep",
    closure: Annotated[
        bool, Option("--closure", help="Complete transitive types, with edges marked as inferred")
    ] = False,
    entities: Annotated[
        Optional[Path], Option(help="Entities of all documents, as canonicalize writes them")
    ] = None,
    date_key: Annotated[str, Option(help="Meta data of a document with its date")] = "date",
    base: Annotated[str, Option(help="Beginning of the names of RDF")] = "urn:rel:",
    kb_url: Annotated[
        Optional[str], Option(help="Address of an entry of the knowledge base, with {} for its id")
    ] = None,
    title: Annotated[Optional[str], Option(help="Title of the page")] = None,
    on_error: OnError = "stop",
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Merge the relations of many documents into one graph, and write it."""
    from ..converters.report import SKIP_HINT, Report
    from ..graph.exporter import ExportOptions, check_export, export_graph
    from ..graph.merge import GraphOptions, merged_files
    from ..graph.names import KnownNames
    from ..linking.canonical import read_canonical

    if output is None:
        raise ConfigError("give --output, the file or folder to write")
    keep_inputs([output], data_paths)
    check_export(to, output)
    known = [] if entities is None else read_canonical(entities)
    options = GraphOptions(
        schema=given_schema(schema),
        min_score=min_score,
        inverses=inverses,
        closure=closure,
        date_key=date_key,
        known=KnownNames((entity.id, entity.names, entity.types) for entity in known),
    )
    export_options = ExportOptions(base, kb_url, title or output.stem)
    report = Report(on_error=on_error, hint=SKIP_HINT)
    with merged_files(
        data_paths,
        options,
        report=report,
        lang=lang,
        progress=progress,
        format_name=format_name,
    ) as graph:
        export_graph(graph, to, output, export_options)
        counts = graph.counts()
    if json:
        read = {"documents": report.documents, "relations": report.relations}
        told = {"problems": report.problems, "notes": report.to_dict()["notes"]}
        print_json({"output": str(output), "read": read, **counts, **told})
        return
    print_report(report)
    msg.info(f"{report.relations} relations of {report.documents} documents")
    if counts["contradictions"]:
        msg.warn(f"{counts['contradictions']} contradictions, which are listed in the graph")
    inferred = f" ({counts['inferred']} of them inferred)" if counts["inferred"] else ""
    msg.good(f"{output}: {counts['nodes']} nodes, {counts['edges']} edges{inferred}")
