"""``spacy rel audit``."""

from pathlib import Path
from typing import List, Optional

import spacy
import srsly
from spacy.cli._util import Arg, Opt, setup_gpu
from wasabi.tables import table

from ..annotations import DEFAULT_ATTR
from ..audit.context import AuditContext, AuditOptions
from ..audit.documents import Part
from ..audit.findings import SEVERITIES, Section
from ..audit.html import format_cell, render_html
from ..audit.name_lists import NameGroups
from ..audit.predictor import Predictor
from ..audit.report import AuditReport, run_audit
from ..errors import ConfigError
from ..pipelines import find_extractor, load_pipeline, source_name
from ..schema import RelationSchema
from ..spacy_files import read_docs
from .messages import clear_errors, printer


def audit_cli(
    data_paths: List[Path] = Arg(
        ..., help="Annotated documents, .spacy files or folders: those of training", exists=True
    ),
    test: Optional[List[Path]] = Opt(
        None, "--test", "-t", help="Held-out documents, for development or test; can be repeated"
    ),
    schema: Optional[Path] = Opt(None, "--schema", "-s", help="Schema to check the documents with"),
    model: Optional[str] = Opt(None, "--model", "-m", help="A trained pipeline to audit with"),
    names_by_group: Optional[Path] = Opt(
        None, "--names-by-group", help="YAML file, group: [names], to try the pipeline with"
    ),
    names_type: Optional[str] = Opt(
        None, "--names-type", help="Entity type that these names replace; left out: people"
    ),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file to write"),
    html: Optional[Path] = Opt(None, "--html", help="HTML page to write"),
    max_findings: int = Opt(
        100, "--max-findings", "-n", help="The most findings of a kind to list"
    ),
    spans_key: Optional[str] = Opt(None, "--spans-key", help="Span group of the mentions"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the documents"),
    seed: int = Opt(0, "--seed", help="Seed of everything that is drawn"),
    strict: bool = Opt(False, "--strict", help="Exit with 1 if there are errors"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU for the pipeline, -1 for CPU"),
    json: bool = Opt(False, "--json", help="Print the report as JSON"),
) -> None:
    """Audit annotated documents: counts, schema, duplicates, leakage, label noise, name bias."""
    msg = printer(json=json)
    setup_gpu(gpu_id, silent=True)
    with clear_errors():
        report = audit(
            data_paths,
            test or [],
            schema=schema,
            model=model,
            names_by_group=names_by_group,
            names_type=names_type,
            options=AuditOptions(max_findings=max_findings, seed=seed, spans_key=spans_key),
            lang=lang,
        )
    data = report.to_json()
    for path in (output, html):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    if output is not None:
        srsly.write_json(output, data)
    if html is not None:
        title = "Audit of " + ", ".join(path.name for path in [*data_paths, *(test or [])])
        html.write_text(render_html(report, title=title), encoding="utf8")
    if json:
        print(srsly.json_dumps(data))
    else:
        for section in report.sections:
            msg.divider(section.title)
            print(_summary(section))
        counts = ", ".join(f"{severity}: {report.count(severity)}" for severity in SEVERITIES)
        written = ", ".join(str(path) for path in (output, html) if path is not None)
        msg.info(
            counts, f"written: {written}" if written else "--html FILE shows them in their texts"
        )
    if strict and report.count("error"):
        raise SystemExit(1)


def audit(
    data_paths: List[Path],
    test_paths: List[Path],
    *,
    schema: Optional[Path] = None,
    model: Optional[str] = None,
    names_by_group: Optional[Path] = None,
    names_type: Optional[str] = None,
    options: Optional[AuditOptions] = None,
    lang: str = "en",
) -> AuditReport:
    """Audit ``.spacy`` files, each of them a part of the corpus.

    Args:
        data_paths: documents of training.
        test_paths: held-out documents.
        schema: schema that the relations must satisfy.
        model: name or path of a trained pipeline; the mentions are looked for where it does that.
        names_by_group: file of names to try the pipeline with, see :meth:`.NameGroups.read`.
        names_type: entity type of the mentions that they replace; None: people.
        options: see there.
        lang: language of the documents.

    Raises:
        DataError: if documents cannot be read.
        SchemaError: if the schema cannot be read.
        ConfigError: if the names cannot be read, or there is no pipeline to try them with.
    """
    options = options or AuditOptions()
    if names_by_group is not None and model is None:
        raise ConfigError("--names-by-group needs a pipeline to try the names with: --model")
    groups = NameGroups.read(names_by_group, names_type) if names_by_group is not None else None
    given = RelationSchema.from_file(schema) if schema is not None else None
    nlp = spacy.blank(lang)
    paths = [*data_paths, *test_paths]
    parts = [
        Part(name, list(read_docs(path, nlp)), held_out=i >= len(data_paths))
        for i, (name, path) in enumerate(zip(_names(paths), paths))
    ]
    predictor = _load(model, options) if model is not None else None
    return run_audit(AuditContext(parts, given, options, predictor, groups))


def _load(model: str, options: AuditOptions) -> Predictor:
    nlp = load_pipeline(model)
    extractor = find_extractor(nlp)
    return Predictor(
        nlp,
        name=source_name(model),
        spans_key=getattr(extractor, "spans_key", options.spans_key),
        attr=getattr(extractor, "attr", DEFAULT_ATTR),
    )


def _names(paths: List[Path]) -> List[str]:
    """The names of the files, or their whole paths if some are the same."""
    stems = [path.stem for path in paths]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise ConfigError("a file is given twice; each has to be a part of its own")
    return names


def _summary(section: Section) -> str:
    figures = [[name, format_cell(value, share=True)] for name, value in section.figures.items()]
    found = [
        [group.title, ", ".join(f"{n} {severity}" for severity, n in group.counts.items())]
        for group in section.groups
    ]
    if not figures and not found:
        return "no findings"
    return str(table([*figures, *found], aligns=["l", "r"], max_col=80))
