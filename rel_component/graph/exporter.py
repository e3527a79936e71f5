"""The type of a format in which graphs are written, and the ways to find one."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, Optional, Sequence, Union

from .. import registry
from ..errors import ConfigError, shown
from ..files import check_folder, check_output, complete_file, complete_folder
from ..packages import import_package
from .graph import Graph

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20\x7f-\x9f<>\"{}|^`\\]*[/#:]")


@dataclass(frozen=True)
class ExportOptions:
    """What formats are told.

    Attributes:
        base: beginning of the names of RDF: an IRI that ends with ``/``, ``#`` or ``:``.
        kb_url: address of an entry of the knowledge base, with ``{}`` for its id, to which nodes of RDF
            are the same; None: there is none.
        title: what stands above a page.
    """

    base: str = "urn:rel:"
    kb_url: Optional[str] = None
    title: str = "Graph"

    def __post_init__(self) -> None:
        if not _IRI.fullmatch(self.base):
            raise ConfigError(
                f"base {shown(self.base)}: expected an IRI that ends with /, # or :, such as "
                "https://example.org/graph/"
            )
        if self.kb_url is not None and (
            self.kb_url.count("{}") != 1
            or (
                not _IRI.fullmatch(self.kb_url.replace("{}", "x/"))
                and not _IRI.fullmatch(self.kb_url.replace("{}", "x") + "/")
            )
        ):
            raise ConfigError(
                f"kb_url {shown(self.kb_url)}: expected an IRI with {{}} for the id, such as "
                "http://www.wikidata.org/entity/{}"
            )


@dataclass(frozen=True)
class GraphExporter:
    """A format of graphs, registered under its name in ``rel_component_graph_exporters``.

    Attributes:
        name: its name, in messages.
        description: what reads it, in a few words.
        write: writes a graph to a path: a file that is not there yet, or an empty folder.
        ending: usual ending of the files; of a folder, empty.
        folder: whether it is several files in a folder.
        packages: modules of the extra ``graph`` that it needs.
    """

    name: str
    description: str
    write: Callable[[Graph, Path, ExportOptions], None]
    ending: str = ""
    folder: bool = False
    packages: Sequence[str] = ()


def text_exporter(
    name: str,
    description: str,
    lines: Callable[[Graph, ExportOptions], Iterator[str]],
    *,
    ending: str,
) -> GraphExporter:
    """Make a format of one text file.

    Args:
        name: its name.
        description: what reads it.
        lines: yields the text in pieces, line breaks among them.
        ending: of the file.
    """

    def write(graph: Graph, path: Path, options: ExportOptions) -> None:
        with path.open("w", encoding="utf8", newline="", buffering=1 << 20) as output:
            output.writelines(lines(graph, options))

    return GraphExporter(name, description, write, ending)


def get_exporters() -> Dict[str, GraphExporter]:
    """Find all registered formats of graphs, in alphabetical order.

    Raises:
        ConfigError: if something else is registered as one.
    """
    return registry.registered(registry.graph_exporters, GraphExporter)


def get_exporter(name: str) -> GraphExporter:
    """Find a registered format of graphs by its name.

    Raises:
        ConfigError: if there is none of this name.
    """
    return registry.named(get_exporters(), name)


def check_export(to: str, output: Union[str, Path]) -> None:
    """Raise what :func:`export_graph` would raise only after a graph has been merged.

    Args:
        to: name of the format.
        output: the file or folder that will be written.

    Raises:
        ConfigError: if there is no such format, it needs a package that is not there, or the folder
            is not empty.
        DataError: if it cannot be written.
    """
    exporter = get_exporter(to)
    for package in exporter.packages:
        import_package(package, "graph")
    (check_folder if exporter.folder else check_output)(output)


def export_graph(
    graph: Graph,
    to: str,
    output: Union[str, Path],
    options: Optional[ExportOptions] = None,
) -> None:
    """Write a graph; the file or folder is whole or absent.

    Args:
        graph: the graph.
        to: name of the format.
        output: the file, which is replaced if it is there, or the folder, which has to be empty.
        options: what the format is told.

    Raises:
        ConfigError: if there is no such format, it needs a package that is not there, or the folder
            is not empty.
        DataError: if it cannot be written.
    """
    exporter = get_exporter(to)
    complete = complete_folder if exporter.folder else complete_file
    with complete(output) as part:
        exporter.write(graph, part, options or ExportOptions())
