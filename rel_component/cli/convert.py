"""``spacy rel convert``."""

from enum import Enum
from pathlib import Path
from typing import Iterable, Iterator, Optional

import spacy
import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language

from ..converters.alignment import AlignmentMode
from ..converters.annotated import Annotated
from ..converters.builder import build_docs
from ..converters.checks import check_documents
from ..converters.format import detect_format, get_format
from ..converters.from_doc import to_annotated
from ..converters.report import Report
from ..converters.writing import write_file
from ..corpora.corpus import read_docs, write_docs
from ..errors import ConfigError
from ..schema import RelationSchema
from .messages import clear_errors, printer, progress

MAX_PROBLEMS_SHOWN = 20
AUTO, SPACY = "auto", "spacy"


class OnError(str, Enum):
    """What to do with annotations that cannot be used."""

    stop = "stop"
    skip = "skip"


class Alignment(str, Enum):
    """What to do with mentions that do not begin and end with a token."""

    strict = "strict"
    contract = "contract"
    expand = "expand"


def convert_cli(
    input_path: Path = Arg(
        ..., help="Annotated documents: a file, or a folder of brat", exists=True
    ),
    output_path: Path = Arg(..., help="The file to write; a folder for brat and --shard-size"),
    format: str = Opt(AUTO, "--format", "-f", help="Format of the input; auto: by its content"),
    to: str = Opt(SPACY, "--to", "-t", help="Format to write, e.g. doccano"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the tokenizer"),
    schema: Optional[Path] = Opt(None, "--schema", help="Schema that the relations must satisfy"),
    spans_key: Optional[str] = Opt(None, "--spans-key", help="Span group that holds the mentions"),
    alignment: Alignment = Opt(Alignment.strict, "--alignment", help="Mentions that cut tokens"),
    on_error: OnError = Opt(OnError.stop, "--on-error", help="Annotations that cannot be used"),
    shard_size: int = Opt(
        0,
        "--shard-size",
        help="Write .spacy files of so many documents; 0: one file, held in memory",
    ),
    json: bool = Opt(False, "--json", help="Print the report as JSON"),
) -> None:
    """Convert annotated documents to spaCy's binary format or to another format, with a report.

    The input may be of spaCy's format too, so that annotations and predictions go back to a tool.
    """
    with clear_errors():
        report = convert(
            input_path,
            output_path,
            format=format,
            to=to,
            lang=lang,
            schema=schema,
            spans_key=spans_key,
            alignment=alignment.value,
            on_error=on_error.value,
            shard_size=shard_size,
        )
    if json:
        print(srsly.json_dumps({"output": str(output_path), **report.to_dict()}))
    _print_report(report, output_path, json=json)


def convert(
    input_path: Path,
    output_path: Path,
    *,
    format: str = AUTO,
    to: str = SPACY,
    lang: str = "en",
    schema: Optional[Path] = None,
    spans_key: Optional[str] = None,
    alignment: AlignmentMode = "strict",
    on_error: str = "stop",
    shard_size: int = 0,
) -> Report:
    """Convert annotated documents.

    Args:
        input_path, output_path: files or folders.
        format: name of the input's format, ``spacy``, or ``auto``: the one that its content is of.
        to: name of the output's format, or ``spacy``.
        lang: language of the tokenizer, for tokens where the input has none.
        schema: file of the schema that the relations must satisfy.
        on_error: ``stop`` or ``skip``; see :class:`rel_component.converters.report.Report`.
        shard_size: see :func:`rel_component.corpora.corpus.write_docs`.
        spans_key, alignment: see :func:`rel_component.converters.builder.convert_file`.

    Raises:
        ConfigError: if options do not fit together.
        DataError: at the first problem, unless problems are skipped.
    """
    if format == AUTO:
        format = SPACY if _is_spacy(input_path) else detect_format(input_path)
    if format == SPACY and to == SPACY:
        raise ConfigError(f"{input_path} is of spaCy's format already; say with --to what to write")
    if shard_size and to != SPACY:
        raise ConfigError("--shard-size is for spaCy's format; other formats need no memory")
    nlp = spacy.blank(lang)
    report = Report(on_error="skip" if on_error == "skip" else "stop")
    if format == SPACY:
        documents = _read_spacy(input_path, nlp, spans_key)
    else:
        documents = get_format(format).read(input_path, report)
    relation_schema = RelationSchema.from_file(schema) if schema is not None else None
    checked: Iterable[Annotated] = check_documents(documents, report, relation_schema)
    checked = progress(checked, unit="docs")
    if to == SPACY:
        docs = build_docs(checked, nlp, report, alignment=alignment, spans_key=spans_key)
        write_docs(docs, output_path, shard_size=shard_size)
    else:
        write_file(checked, output_path, to, nlp, report, alignment=alignment)
    return report


def _is_spacy(path: Path) -> bool:
    if path.is_dir():
        return next(path.rglob("*.spacy"), None) is not None
    return path.suffix == ".spacy"


def _read_spacy(path: Path, nlp: Language, spans_key: Optional[str]) -> Iterator[Annotated]:
    for number, doc in enumerate(read_docs(path, nlp)):
        yield to_annotated(doc, place=f"{path}, document {number}", spans_key=spans_key)


def _print_report(report: Report, output_path: Path, *, json: bool) -> None:
    msg = printer(json=json)
    for problem in report.problems[:MAX_PROBLEMS_SHOWN]:
        msg.warn(problem)
    if len(report.problems) > MAX_PROBLEMS_SHOWN:
        msg.warn(f"and {len(report.problems) - MAX_PROBLEMS_SHOWN} more; --json lists them all")
    for message, (count, first) in report.notes.items():
        msg.info(f"{count} {message}", f"first: {first}")
    skipped = ", ".join(f"{n} {kind}s" for kind, n in report.skipped.items())
    msg.good(
        f"{output_path}: {report.documents} documents, {report.mentions} mentions, "
        f"{report.relations} relations",
        f"skipped: {skipped}; annotated twice: {report.duplicates}; marked as no relation: "
        f"{report.negatives}; rejected by annotators: {report.rejected}",
    )
