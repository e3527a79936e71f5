"""``spacy rel audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, List, Optional

from typer import Argument, Exit, Option

from ..errors import ConfigError
from .messages import (
    check_outputs,
    msg,
    print_json,
    print_table,
    printable,
    use_device,
    write_json,
    write_text,
)
from .options import GpuId, Json, Lang, Output, Schema, Seed, SpansKey, given_schema

if TYPE_CHECKING:
    from ..audit.report import AuditReport


def audit_cli(
    data_paths: Annotated[
        List[Path],
        Argument(exists=True, help="Documents of training, .spacy files or folders of them"),
    ],
    test: Annotated[
        Optional[List[Path]],
        Option(help="Held-out documents, for development or test; repeat the option"),
    ] = None,
    schema: Schema = None,
    model: Annotated[Optional[str], Option(help="A trained pipeline to audit with")] = None,
    names_by_group: Annotated[
        Optional[Path], Option(help="YAML file, group: [names], to try the pipeline with")
    ] = None,
    names_type: Annotated[
        Optional[str], Option(help="Entity type that these names replace; people if not given")
    ] = None,
    output: Output = None,
    html: Annotated[Optional[Path], Option(help="HTML page to write")] = None,
    max_findings: Annotated[int, Option(help="The most findings of a kind to list")] = 100,
    spans_key: SpansKey = None,
    lang: Lang = "en",
    seed: Seed = 0,
    strict: Annotated[bool, Option("--strict", help="Exit with 1 if there are errors")] = False,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Audit annotated documents: counts, schema, events, duplicates, leakage, label noise, name bias."""
    from ..audit.context import AuditOptions
    from ..audit.files import audit_files
    from ..audit.html import render_html
    from ..audit.name_lists import NameGroups

    test_paths = test or []
    if names_type is not None and names_by_group is None:
        raise ConfigError("--names-type needs --names-by-group, the names of this type")
    check_outputs(output, html, inputs=[*data_paths, *test_paths, schema, names_by_group])
    use_device(gpu_id)
    report = audit_files(
        data_paths,
        test_paths,
        schema=given_schema(schema),
        model=model,
        name_groups=NameGroups.read(names_by_group, names_type) if names_by_group else None,
        options=AuditOptions(max_findings=max_findings, seed=seed, spans_key=spans_key),
        lang=lang,
    )
    data = report.to_json()
    write_json(output, data)
    if html is not None:
        title = "Audit of " + ", ".join(path.name for path in (*data_paths, *test_paths))
        write_text(html, render_html(report, title=title))
    if json:
        print_json(data)
    else:
        _print_report(report, [path for path in (output, html) if path is not None])
    if strict and report.count("error"):
        raise Exit(1)


def _print_report(report: "AuditReport", written: List[Path]) -> None:
    from ..audit.findings import SEVERITIES
    from ..audit.html import format_cell

    if report.caution:
        msg.warn(report.caution)
    if first := report.first():
        msg.divider("Look at these first")
        for finding in first:
            place = f"{finding.places[0].doc.name}: " if finding.places else ""
            print(printable(f"{finding.severity}: {place}{finding.message}"))
    for section in report.sections:
        msg.divider(section.title)
        rows = [[name, format_cell(value, share=True)] for name, value in section.figures.items()]
        for group in section.groups:
            n_findings = ", ".join(f"{n} {severity}" for severity, n in group.counts.items())
            rows.append([group.title, n_findings])
        if rows:
            print_table(rows)
        else:
            print("no findings")
    counts = ", ".join(f"{severity}: {report.count(severity)}" for severity in SEVERITIES)
    paths = ", ".join(map(str, written))
    msg.info(counts, f"written: {paths}" if paths else "--html FILE shows them in their texts")
