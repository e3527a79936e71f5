"""Conversion of annotated documents: read, check, then make Docs or write another format."""

from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Callable, Iterable, Iterator, Literal, Optional, Union

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations import find_spans_key
from ..errors import ConfigError
from ..event_pairs import event_pairs
from ..event_types import EventSchema
from ..files import check_ending, files_below
from ..pipelines import blank_pipeline
from ..schema import RelationSchema
from ..spacy_files import read_docs, write_docs
from .annotated import Annotated, AnnotatedRelation
from .builder import AlignmentMode, build_docs
from .checks import check_documents
from .format import detect_format, get_format
from .from_doc import to_annotated
from .report import SKIP_HINT, Report
from .writing import write_file

AUTO, SPACY = "auto", "spacy"
"""Names in place of a format's: found by content, and spaCy's own binary files."""

_FIRST = 500
"""Documents of ``.spacy`` files that tell the span group of the mentions: a pipe is read only once."""

Progress = Callable[[Iterable[Annotated]], Iterable[Annotated]]
"""A function that gives the documents back and shows how many there have been."""


def convert(
    input_path: Union[str, Path],
    output_path: Union[str, Path],
    *,
    format_name: str = AUTO,
    to: str = SPACY,
    lang: str = "en",
    schema: Optional[RelationSchema] = None,
    spans_key: Optional[str] = None,
    alignment: AlignmentMode = "strict",
    on_error: Literal["stop", "skip"] = "stop",
    shard_size: int = 0,
    event_pairs: bool = False,
    progress: Optional[Progress] = None,
) -> Report:
    """Convert a file of annotated documents.

    Args:
        input_path: the file, or the folder of formats with a file for each document.
        output_path: the file or folder to write.
        format_name: name of the input's format; ``spacy`` for ``.spacy`` files; ``auto``: the
            format is found by the content of the file.
        to: name of the output's format, or ``spacy``.
        lang: language of the tokenizer, which makes tokens where the input has none.
        schema: relations that it does not allow are problems; None: all are allowed.
        spans_key: span group of ``.spacy`` files that holds the mentions. None: to write,
            ``doc.ents``, where they may not overlap; to read, by the relations of the first documents.
        alignment: what to do with mentions that do not begin and end with a token; see
            :data:`.builder.AlignmentMode`.
        on_error: whether the first problem raises (``stop``), or is noted in the report and what it
            is about left out (``skip``).
        shard_size: documents in each ``.spacy`` file; see
            :func:`rel_component.spacy_files.write_docs`.
        event_pairs: whether events are added to the relations as labelled pairs, from which a
            relation extractor learns them; the schema says which pairs.
        progress: shows how many documents have been read.

    Returns:
        The counts and problems of the conversion.

    Raises:
        ConfigError: if there is no such format, or options or the ending of the output do not fit.
        DataError: at the first problem, unless problems are skipped; if the input cannot be read.
    """
    input_path, output_path = Path(input_path), Path(output_path)
    if format_name == AUTO:
        format_name = find_format(input_path)
    if format_name == SPACY and to == SPACY:
        raise ConfigError(f"{input_path} is of spaCy's format already; say with --to what to write")
    if shard_size and to != SPACY:
        raise ConfigError("--shard-size is for spaCy's format; other formats need no memory")
    if event_pairs and (schema is None or not schema.events):
        raise ConfigError("--event-pairs needs a --schema with types of events under `events`")
    if to == SPACY and not shard_size:
        check_ending(output_path, docs=True)
    nlp = blank_pipeline(lang)
    report = Report(on_error=on_error, hint=SKIP_HINT)
    documents: Iterable[Annotated] = read_annotated(
        input_path, format_name, nlp, report, schema, spans_key
    )
    if event_pairs and schema is not None:
        events = schema.events
        documents = (_with_pairs(annotated, events, report) for annotated in documents)
    if progress is not None:
        documents = progress(documents)
    if to == SPACY:
        docs = build_docs(documents, nlp, report, alignment=alignment, spans_key=spans_key)
        write_docs(docs, output_path, shard_size=shard_size)
    else:
        write_file(documents, output_path, to, nlp, report, alignment=alignment)
    return report


def convert_file(
    path: Union[str, Path],
    format_name: str,
    nlp: Language,
    report: Report,
    *,
    schema: Optional[RelationSchema] = None,
    alignment: AlignmentMode = "strict",
    spans_key: Optional[str] = None,
) -> Iterator[Doc]:
    """Read a file of annotated documents as Docs, one after the other.

    Args:
        path: the file or folder.
        format_name: name of its format, ``spacy``, or ``auto``; see :func:`convert`.
        nlp: its tokenizer makes the tokens where the format gives none.
        report: counts the documents, and takes note of problems.
        schema: see :func:`convert`.
        alignment: see :func:`convert`.
        spans_key: see :func:`convert`.

    Raises:
        ConfigError: if there is no such format.
        DataError: at the first problem, if the report stops at problems.
    """
    documents = read_annotated(Path(path), format_name, nlp, report, schema, spans_key)
    return build_docs(documents, nlp, report, alignment=alignment, spans_key=spans_key)


def annotated_texts(path: Path, format_name: str, report: Report) -> Iterator[str]:
    """The texts of a file of annotated documents, without making Docs of them.

    Args:
        path: the file or folder.
        format_name: name of its format, or ``spacy``.
        report: takes note of problems.
    """
    if format_name == SPACY:
        yield from (doc.text for doc in read_docs(path, blank_pipeline("xx")))
        return
    for annotated in get_format(format_name).read(path, report):
        yield annotated.text if annotated.text is not None else " ".join(annotated.words or ())


def read_annotated(
    path: Path,
    format_name: str,
    nlp: Language,
    report: Report,
    schema: Optional[RelationSchema] = None,
    spans_key: Optional[str] = None,
) -> Iterator[Annotated]:
    """Read the documents of a file, each with valid annotations; what is wrong goes to the report.

    Args:
        path: the file or folder.
        format_name: name of its format, ``spacy``, or ``auto``; see :func:`convert`.
        nlp: whose vocabulary documents of ``.spacy`` files use.
        report: takes note of problems.
        schema: see :func:`convert`.
        spans_key: see :func:`convert`.

    Raises:
        ConfigError: if there is no such format.
        DataError: at the first problem, if the report stops at problems.
    """
    if format_name == AUTO:
        format_name = find_format(path)
    documents: Iterable[Annotated]
    if format_name == SPACY:
        documents = _read_spacy(path, nlp, report, spans_key)
    else:
        documents = get_format(format_name).read(path, report)
    return check_documents(documents, report, schema)


def _read_spacy(
    path: Path, nlp: Language, report: Report, spans_key: Optional[str]
) -> Iterator[Annotated]:
    docs = read_docs(path, nlp)
    if spans_key is None:
        first = list(islice(docs, _FIRST))
        docs = chain(first, docs)
        spans_key = find_spans_key(first)
        if spans_key is not None:
            message = f"files whose mentions were read from doc.spans[{spans_key!r}]"
            report.note(f"{message}; rel convert --spans-key names another group", place=str(path))
    for number, doc in enumerate(docs):
        yield to_annotated(doc, place=f"{path}, document {number}", spans_key=spans_key)


def _with_pairs(annotated: Annotated, schema: EventSchema, report: Report) -> Annotated:
    """A document with the labelled pairs of its events among its relations."""
    places = {mention.id: (mention.start, mention.end) for mention in annotated.mentions}
    known = {(rel.head, rel.label, rel.tail) for rel in annotated.relations}
    relations = list(annotated.relations)
    for event in annotated.events:
        pairs = event_pairs(event.arguments, event.trigger, schema[event.label], places.__getitem__)
        if not pairs:
            message = "events of one mention, which have no pairs to learn"
            report.note(message, place=annotated.place)
        for head, label, tail in pairs:
            if (head, label, tail) not in known:
                known.add((head, label, tail))
                relations.append(AnnotatedRelation(head, tail, label, event.score))
    return replace(annotated, relations=relations)


def find_format(path: Path) -> str:
    """The name of the format of a file or folder, ``spacy`` included.

    Raises:
        ConfigError: if no format fits, or several do.
        DataError: if the file cannot be read.
    """
    if path.is_dir():
        is_spacy = bool(files_below(path, ".spacy"))
    else:
        is_spacy = path.suffix == ".spacy" or _is_compressed(path)
    return SPACY if is_spacy else detect_format(path)


def _is_compressed(path: Path) -> bool:
    """Whether a file begins as those of spaCy do, whatever its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
