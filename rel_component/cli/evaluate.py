"""``spacy rel evaluate``."""

from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Dict, List, Optional

from typer import Option

from .messages import (
    check_outputs,
    clear_errors,
    msg,
    percent,
    print_json,
    print_table,
    progress,
    use_device,
    write_json,
    write_json_lines,
)
from .options import DataPath, GoldEntities, GoldTokens, GpuId, Json, Limit, Model, Output

_ROWS = {
    "strict": "rel",
    "boundaries": "rel_boundaries",
    "undirected": "rel_undirected",
    "within one sentence": "rel_within_sentence",
    "across sentences": "rel_across_sentences",
    "pairs, with NO_RELATION": "rel_with_none",
}


def evaluate_cli(
    model: Model,
    data_path: DataPath,
    output: Output = None,
    mistakes: Annotated[
        Optional[Path], Option(help="JSONL file for every missed and every spurious relation")
    ] = None,
    gold_entities: GoldEntities = False,
    gold_tokens: GoldTokens = True,
    limit: Limit = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Evaluate a pipeline: entities, relations end to end and between annotated mentions, mistakes."""
    from ..evaluation.evaluate import evaluate

    with clear_errors():
        check_outputs(output, mistakes)
        use_device(gpu_id)
        scores, found = evaluate(
            model,
            data_path,
            gold_entities=gold_entities,
            gold_tokens=gold_tokens,
            limit=limit,
            progress=progress,
        )
        write_json(output, scores)
        write_json_lines(mistakes, (mistake.to_json() for mistake in found.mistakes))
    if json:
        print_json(scores)
    else:
        _print_scores(scores, gold_entities)


def _print_scores(scores: Dict[str, Any], gold_entities: bool) -> None:
    if not gold_entities and scores.get("ents_per_type"):
        msg.divider("Entities by type")
        per_type = scores["ents_per_type"]
        micro = {key: scores[f"ents_{key}"] for key in "prf"}
        macro = {key: fmean(prf[key] for prf in per_type.values()) for key in "prf"}
        _print_types({**per_type, "all, micro": micro, "all, macro": macro})
    if "rel_per_type" not in scores:
        msg.warn("the pipeline has no component that extracts relations")
        return
    msg.divider(f"Relations, mentions {'annotated' if gold_entities else 'as predicted'}")
    _print_overview(scores)
    if "gold_entities" in scores:
        msg.divider("Relations, mentions annotated")
        _print_overview(scores["gold_entities"])
    msg.divider("Relations by type, strict")
    _print_types(scores["rel_per_type"])
    msg.divider("Where mistakes come from, strict")
    _print_mistakes(scores["mistakes"])


def _print_overview(scores: Dict[str, Any]) -> None:
    rows: List[List[str]] = []
    for title, group in _ROWS.items():
        keys = [f"{group}_{kind}_{key}" for kind in ("micro", "macro") for key in "prf"]
        rows.append([title, *(percent(scores.get(key)) for key in keys)])
    print_table(rows, ["", "micro P", "R", "F1", "macro P", "R", "F1"])


def _print_types(per_type: Dict[str, Dict[str, float]]) -> None:
    rows = [[label, *(percent(prf[key]) for key in "prf")] for label, prf in per_type.items()]
    print_table(rows, ["", "P", "R", "F1"])


def _print_mistakes(counts: Dict[str, Any]) -> None:
    from ..evaluation.mistakes import REASONS

    missed, spurious = counts["missed"], counts["spurious"]
    rows = [
        [reason, str(missed.get(reason, "")), str(spurious.get(reason, ""))]
        for reason in REASONS
        if reason in missed or reason in spurious
    ]
    rows.append(["all", str(sum(missed.values())), str(sum(spurious.values()))])
    rows.append(["right", str(counts["right"]), str(counts["right"])])
    print_table(rows, ["", "missed", "spurious"])
