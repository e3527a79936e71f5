"""Merge the relations of documents: one node for each entity, one edge for each relation."""

import sqlite3
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Literal, Optional, Sequence, Union

from ..converters.annotated import Annotated, in_characters
from ..converters.convert import AUTO, SPACY, find_format, read_annotated
from ..converters.report import Report
from ..errors import ConfigError, DataError, shown
from ..files import files_below
from ..pipelines import blank_pipeline
from ..schema import RelationSchema
from .facts import is_fact, read_facts
from .graph import Graph
from .names import KnownNames, day
from .rules import infer_edges, list_contradictions, stated_direction
from .types import number_of
from .writer import GraphWriter

Inverses = Literal["keep", "merge", "add"]
"""What becomes of types that are inverses: both stay as they are stated; all edges get the type of the
two that the schema declares first; or edges of the other type are added, marked as inferred."""

Progress = Callable[[Iterable[Annotated]], Iterable[Annotated]]


@dataclass(frozen=True)
class GraphOptions:
    """How documents become a graph.

    Attributes:
        schema: says which types are symmetric, inverse, transitive, functional, asymmetric; None: no
            type is.
        min_score: the least score of a relation; None: all count.
        inverses: what becomes of types that are inverses.
        closure: whether edges of transitive types are completed, with edges marked as inferred.
        date_key: the meta data of a document with its date.
        known: names of entities of many documents.
        max_inferred: the most edges that are inferred of one type.
    """

    schema: Optional[RelationSchema] = None
    min_score: Optional[float] = None
    inverses: Inverses = "keep"
    closure: bool = False
    date_key: str = "date"
    known: KnownNames = field(default_factory=KnownNames)
    max_inferred: int = 10_000_000

    def __post_init__(self) -> None:
        if self.inverses not in ("keep", "merge", "add"):
            raise ConfigError(f"inverses: expected keep, merge or add, got {shown(self.inverses)}")
        if (self.closure or self.inverses != "keep") and self.schema is None:
            raise ConfigError("inverse and transitive types are declared in a schema; give one")


@contextmanager
def merged_files(
    paths: Sequence[Union[str, Path]],
    options: Optional[GraphOptions] = None,
    *,
    report: Optional[Report] = None,
    lang: str = "en",
    progress: Optional[Progress] = None,
    format_name: str = AUTO,
) -> Iterator[Graph]:
    """The graph of files of documents, on disk as long as the block lasts.

    Args:
        paths: files or folders of any format that is converted; those of JSON are read document by
            document, a ``.spacy`` file as a whole.
        options: how they are merged.
        report: takes note of problems, and counts what was read; None: the first problem raises.
        lang: language of the vocabulary for ``.spacy`` files.
        progress: shows how many documents have been read.
        format_name: name of the format of all files; ``auto``: each by its content.

    Raises:
        ConfigError: if the format of a file is not known.
        DataError: at the first problem, if the report stops at problems.
    """
    report = report or Report()
    nlp = blank_pipeline(lang)
    file = ""

    def read() -> Iterator[Annotated]:
        nonlocal file
        for path in paths:
            for part in _parts(Path(path), format_name):
                file = str(part)
                yield from read_annotated(part, format_name, nlp, report)

    documents = read() if progress is None else progress(read())
    with _merged(documents, options or GraphOptions(), report, lambda: file) as graph:
        yield graph


@contextmanager
def merged(
    documents: Iterable[Annotated],
    options: Optional[GraphOptions] = None,
    report: Optional[Report] = None,
) -> Iterator[Graph]:
    """The graph of documents, on disk as long as the block lasts.

    Args:
        documents: documents with valid annotations, which are read once and not kept;
            :func:`.converters.from_doc.to_annotated` makes them of Docs.
        options: how they are merged.
        report: counts documents and relations, and takes note of dates that are none, and of ids that
            recur with another text or date.

    Raises:
        ConfigError: if too many edges are inferred.
        DataError: if the disk is full.
    """
    with _merged(documents, options or GraphOptions(), report or Report(), lambda: "") as graph:
        yield graph


def _parts(path: Path, format_name: str) -> List[Path]:
    """The files of a folder of ``.spacy`` files, which may have equal ids; else the path itself."""
    is_docs = path.is_dir() and (find_format(path) if format_name == AUTO else format_name) == SPACY
    return (files_below(path, ".spacy") if is_docs else []) or [path]


@contextmanager
def _merged(
    documents: Iterable[Annotated],
    options: GraphOptions,
    report: Report,
    file: Callable[[], str],  # that is read
) -> Iterator[Graph]:
    with tempfile.TemporaryDirectory(prefix="rel_graph_") as folder, _disk_errors(folder):
        path = Path(folder) / "graph.sqlite"
        with GraphWriter(path) as writer:
            for number, annotated in enumerate(documents, start=1):
                report.documents += 1
                _add(writer, annotated, number, options, report, file())
            writer.finish()
            if options.inverses == "add" or options.closure:
                infer_edges(writer.connection, options)
            list_contradictions(writer.connection, options.schema)
        with Graph(path) as graph:
            yield graph


@contextmanager
def _disk_errors(folder: str) -> Iterator[None]:
    """Say where the file of the graph is when the disk is full."""
    try:
        yield
    except sqlite3.Error as err:
        message = f"the graph is merged here, and {err}; TMPDIR names another folder"
        raise DataError(message, place=folder) from err


def _add(
    writer: GraphWriter,
    annotated: Annotated,
    number: int,
    options: GraphOptions,
    report: Report,
    file: str,
) -> None:
    annotated = in_characters(annotated)
    n_left_out = sum(not is_fact(relation) for relation in annotated.relations)
    n_left_out += sum(not is_fact(event) for event in annotated.events)
    if n_left_out:
        report.note(
            "negated, planned or possible relations and events, which are no facts, left out",
            place=annotated.place,
            count=n_left_out,
        )
    name = f"{annotated.meta.get('id', '')}#{number_of(annotated.text or '')}"
    facts = read_facts(annotated, options.known, min_score=options.min_score, name=name)
    first = next(facts, None)
    if first is None:
        return
    given = annotated.meta.get(options.date_key)
    date = day(given)
    if given is not None and date is None:
        report.note(
            f"dates in {shown(options.date_key)} that are not of ISO 8601 (2024-05-31), and left out",
            place=annotated.place,
        )
    found = writer.add_document(
        annotated.meta.get("id"), date, number, text=annotated.text or "", file=file
    )
    for message in found:
        report.note(message, place=annotated.place)
    symmetric = () if options.schema is None else options.schema.symmetric_labels
    for fact in (first, *facts):
        report.relations += 1
        label, turned = stated_direction(fact.label, options.schema, options.inverses)
        writer.add_fact(fact._replace(label=label), turned, label in symmetric)
