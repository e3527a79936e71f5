"""``spacy rel calibrate``."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, List, Optional

from typer import Option

from .messages import (
    check_outputs,
    interval,
    msg,
    percent,
    print_json,
    print_report,
    print_table,
    progress,
    use_device,
    write_text,
)
from .options import AnyDataPath, GpuId, Json, Model, Reading, with_reading

if TYPE_CHECKING:
    from ..evaluation.calibrate import CalibrationReport
    from ..evaluation.calibration import Calibration

_KINDS = {
    "relations": "scores of the reported relations",
    "possible": "scores of all relations from 0.05 up",
    "pairs": "most probable labels of pairs",
}


@with_reading
def calibrate_cli(
    model: Model,
    data_path: AnyDataPath,
    reading: Reading,
    output: Annotated[
        Optional[Path],
        Option("--output", "-o", help="Folder for the calibrated pipeline, new or empty"),
    ] = None,
    test_path: Annotated[
        Optional[Path],
        Option(
            "--held-out", exists=True, help="Other documents to measure on, not cross-validation"
        ),
    ] = None,
    per_label: Annotated[
        bool, Option("--per-label", help="A temperature for each label, not one for all")
    ] = False,
    precision: Annotated[
        Optional[float],
        Option(help="Choose thresholds for this precision of the reported relations, e.g. 0.95"),
    ] = None,
    coverage: Annotated[
        float, Option(help="Share of documents in which sets of labels hold all right ones")
    ] = 0.9,
    html: Annotated[Optional[Path], Option(help="HTML file for the report, with diagrams")] = None,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Calibrate the scores of a pipeline on documents that it was not trained on."""
    from ..evaluation.calibrate import calibrate
    from ..evaluation.calibration_page import render_calibration
    from ..files import complete_folder
    from ..pipelines import source_name

    report = reading.report()
    check_outputs(html, inputs=[data_path, test_path])
    use_device(gpu_id)
    with nullcontext() if output is None else complete_folder(output) as folder:
        nlp, found = calibrate(
            model,
            data_path,
            test_path=test_path,
            per_label=per_label,
            precision=precision,
            coverage=coverage,
            **reading.arguments(),
            report=report,
            progress=progress,
        )
        if folder is not None:
            nlp.to_disk(folder)
    if html is not None:
        write_text(html, render_calibration(found, title=f"Calibration of {source_name(model)}"))
    if json:
        print_json(found.to_dict())
        return
    print_report(report)
    _print_calibration(found)
    if output is None:
        msg.info("next: --output FOLDER saves the calibrated pipeline")


def _print_calibration(found: "CalibrationReport") -> None:
    where = f"on {found.measured_on}" if found.measured_on else "by cross-validation over documents"
    msg.divider(f"Calibration, {where}")
    rows: List[List[str]] = []
    for kind, title in _KINDS.items():
        for when in ("before", "after"):
            rows.append([f"{title}, {when}", *_cells(getattr(getattr(found, when), kind))])
    header = ["", "number", "ECE", "95 %", "by chance", "Brier", "95 %", "AURC", "95 %"]
    print_table(rows, header)
    msg.info("by chance: the ECE that scores without any error would have, because bins are small")
    msg.divider("Reliability of the scores of all relations from 0.05 up, after")
    bins = [
        [f"{b.least:.2f}", str(b.n), percent(b.confidence, 1), percent(b.share, 1)]
        for b in found.after.possible.bins
    ]
    print_table(bins, ["score from", "number", "mean score", "right"])
    msg.divider("What remains if the least probable are left out, after")
    risks = [
        [percent(r.coverage, 0), f"{r.threshold:.2f}", percent(1 - r.risk, 1)]
        for r in found.after.relations.risks[1::2]
    ]
    print_table(risks, ["% of the reported relations", "score from", "right"])
    _print_sets(found)
    _print_choices(found)


def _print_choices(found: "CalibrationReport") -> None:
    """Print temperature and thresholds, and what follows from them."""
    from ..evaluation.threshold_choice import describe_thresholds

    own = found.temperature.labels
    single = f", of labels {min(own.values()):g} to {max(own.values()):g}" if own else ""
    thresholds = {
        when: describe_thresholds(told["threshold"], told["thresholds"])
        for when, told in found.thresholds.items()
    }
    msg.info(
        f"temperature {found.temperature.common:g}{single}, of {found.n_relations} relations in "
        f"{found.n_docs} documents"
    )
    msg.info(f"thresholds {thresholds['before']} -> {thresholds['after']}")
    if found.precision is None:
        msg.info(f"{found.n_changed} relations there are decided otherwise than before")
        return
    p, r = (percent(value, 1) for value in found.precision.expected)
    msg.info(f"precision expected with these thresholds {p}, recall {r}; by cross-validation")
    if found.precision.expected.precision < found.precision.wished:
        msg.warn(
            f"the wished precision of {percent(found.precision.wished, 1)} is not reached: more "
            "documents to calibrate on, or a better model, would help"
        )


def _print_sets(found: "CalibrationReport") -> None:
    held, sets = found.coverage, found.sets
    msg.divider(f"Sets of labels, for a coverage of {percent(sets.coverage, 0)} % of documents")
    rows: List[List[Any]] = [
        ["labels of related pairs", f"{sets.related:.4f}", held.documents, held.related],
        ["NO_RELATION of the others", f"{sets.unrelated:.4f}", held.unrelated_documents],
    ]
    rows[1].append(held.unrelated)
    print_table(
        [[row[0], row[1], *(percent(value, 1) for value in row[2:])] for row in rows],
        ["", "in the set from", "% documents", "% pairs"],
    )
    msg.info(
        f"labels in the set of a related pair: {held.size:.2f} on average; {percent(held.certain, 1)} "
        "% of all sets have one"
    )


def _cells(found: "Calibration") -> List[str]:
    figures: List[str] = [str(found.n)]
    for name in ("ece", "brier", "aurc"):
        estimate = getattr(found, name)
        figures += [percent(estimate.value, 1), interval(estimate, lambda value: percent(value, 1))]
        if name == "ece":
            figures.append(percent(found.chance, 1))
    return figures
