"""``spacy rel evaluate``."""

from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Dict, List, Optional

from typer import Option

from .messages import (
    check_outputs,
    msg,
    percent,
    print_json,
    print_report,
    print_table,
    progress,
    use_device,
    write_json,
    write_json_lines,
    write_text,
)
from .options import (
    Alignment,
    AnyDataPath,
    Format,
    GoldEntities,
    GoldTokens,
    GpuId,
    Json,
    Limit,
    Model,
    OnError,
    Output,
)

_ROWS = {
    "strict": "rel",
    "boundaries": "rel_boundaries",
    "undirected": "rel_undirected",
    "within one sentence": "rel_within_sentence",
    "across sentences": "rel_across_sentences",
    "pairs, with NO_RELATION": "rel_with_none",
}
_DOCUMENT_ROWS = {
    "all": "between entities",
    "within_sentence": "with both in one sentence",
    "across_sentences": "never in one sentence",
    "far": "more than five sentences apart",
    "evidence": "sentences as evidence",
}
_MENTIONS = {
    "ents": "Entities by type",
    "mentions": "Mentions of the span group by type, nested ones included",
}
_COREFERENCE = {
    "CoNLL, mean of the next three": "conll",
    **{"MUC": "muc", "B3": "b3", "CEAFe": "ceafe", "LEA": "lea", "mentions": "mentions"},
}
_FOUND = "Relations end to end, between mentions that the pipeline has found"
_GIVEN = "Relations alone, between the annotated mentions"


def evaluate_cli(
    model: Model,
    data_path: AnyDataPath,
    output: Output = None,
    mistakes: Annotated[
        Optional[Path], Option(help="JSONL file for every missed and every spurious relation")
    ] = None,
    html: Annotated[
        Optional[Path], Option(help="HTML page with the mistakes drawn in their texts, and curves")
    ] = None,
    gold_entities: GoldEntities = False,
    gold_tokens: GoldTokens = True,
    format_name: Format = "auto",
    alignment: Alignment = "strict",
    on_error: OnError = "stop",
    limit: Limit = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Evaluate a pipeline: entities, coreference, relations end to end and of annotated mentions."""
    from ..converters.report import SKIP_HINT, Report
    from ..evaluation.evaluate import evaluate

    report = Report(on_error=on_error, hint=SKIP_HINT)
    check_outputs(output, mistakes, html)
    use_device(gpu_id)
    scores, found = evaluate(
        model,
        data_path,
        gold_entities=gold_entities,
        gold_tokens=gold_tokens,
        limit=limit,
        format_name=format_name,
        alignment=alignment,
        report=report,
        progress=progress,
    )
    write_json(output, scores)
    write_json_lines(mistakes, (mistake.to_json() for mistake in found.mistakes))
    if html is not None:
        from ..app.evaluation_page import render_evaluation

        title = f"{Path(model).name} on {data_path.name}"
        write_text(html, render_evaluation(found, title=title))
    if json:
        print_json(scores)
    else:
        print_report(report)
        if scores["given_mentions"] and not gold_entities:
            msg.info("nothing in this pipeline finds mentions: it was given the annotated ones")
        _print_scores(scores, scores["given_mentions"])
        if "rel_n" in scores:
            _print_next(scores, html or mistakes)


def _print_scores(scores: Dict[str, Any], gold_entities: bool) -> None:
    for kind, title in _MENTIONS.items():
        per_type = scores.get(f"{kind}_per_type")
        if per_type and not gold_entities:
            msg.divider(title)
            micro = {key: scores[f"{kind}_{key}"] for key in "prf"}
            macro = {key: fmean(prf[key] for prf in per_type.values()) for key in "prf"}
            _print_types({**per_type, "all, micro": micro, "all, macro": macro})
    if scores.get("coref_n"):
        _print_coreference("annotated mentions" if gold_entities else "end to end", scores)
    if "given_mentions_coref" in scores:
        _print_coreference("annotated mentions", scores["given_mentions_coref"])
    if scores.get("links_f") is not None:
        _print_links(scores)
    if "rel_n" in scores:
        _print_relations(scores, gold_entities)


def _print_coreference(title: str, scores: Dict[str, Any]) -> None:
    msg.divider(f"Coreference, {title}")
    rows = []
    for kind, prefix in (("", "coref"), (", without single mentions", "coref_no_singletons")):
        for name, metric in _COREFERENCE.items():
            figures = [percent(scores.get(f"{prefix}_{metric}_{key}")) for key in "prf"]
            rows.append([name + kind, *figures])
    print_table(rows, ["", "P", "R", "F1"])
    msg.info(
        f"{scores['coref_n']} annotated entities, {scores['coref_no_singletons_n']} of several"
    )


def _print_relations(scores: Dict[str, Any], gold_entities: bool) -> None:
    _print_overview(_GIVEN if gold_entities else _FOUND, scores)
    _print_document(scores, "as the pipeline has found them, or else as annotated")
    low, high = (scores["rel_micro_f_interval"][end] for end in ("low", "high"))
    if low is not None:
        msg.info(
            f"{scores['rel_n']} relations in {scores['n_docs']} documents; the 95 % interval of the "
            f"strict micro F1 is {percent(low, 1)} to {percent(high, 1)}, by bootstrap"
        )
    if "gold_entities" in scores:
        _print_overview(_GIVEN, scores["gold_entities"])
        _print_document(scores["gold_entities"], "as annotated")
    msg.divider("Relations by type, strict")
    _print_types(scores["rel_per_type"])
    if scores.get("thresholds"):
        _print_thresholds(scores)
    msg.divider("Where mistakes come from, strict")
    _print_mistakes(scores["mistakes"])


def _print_links(scores: Dict[str, Any]) -> None:
    msg.divider("Links to the knowledge base")
    rows = [
        [name, str(n), *(percent(scores[f"{group}_{key}"]) for key in "prf")]
        for name, group, n in (
            ("mentions with their link", "links", scores["links_n"]),
            ("found mentions without link", "links_nil", scores["links_nil_n"]),
        )
    ]
    print_table(rows, ["", "annotated", "P", "R", "F1"])
    shares = [f"{percent(share)} at {n}" for n, share in scores["links_recall_at"].items()]
    msg.info(
        f"right links of the linkable mentions found: {percent(scores['links_accuracy'])}; right one "
        f"among the candidates kept: {', '.join(shares)}"
    )


def _print_overview(title: str, scores: Dict[str, Any]) -> None:
    msg.divider(title)
    rows: List[List[str]] = []
    for name, group in _ROWS.items():
        keys = [f"{group}_{kind}_{key}" for kind in ("micro", "macro") for key in "prf"]
        figures = [percent(scores.get(key)) for key in keys]
        rows.append([name, str(scores[f"{group}_n"]), *figures])
    print_table(rows, ["", "annotated", "micro P", "R", "F1", "macro P", "R", "F1"])


def _print_document(scores: Dict[str, Any], where_from: str) -> None:
    rows = [
        [title, str(prf["n"]), *(percent(prf[key]) for key in "prf")]
        for name, title in _DOCUMENT_ROWS.items()
        if (prf := scores.get("document", {}).get(name, {"n": 0}))["n"]
    ]
    if rows:
        msg.divider(f"Relations of whole documents, mentions and clusters {where_from}")
        print_table(rows, ["", "annotated", "P", "R", "F1"])


def _print_thresholds(scores: Dict[str, Any]) -> None:
    from ..evaluation.threshold_choice import describe_choice, describe_thresholds

    msg.divider("Relations by threshold, strict")
    found = scores["thresholds"]
    best = max(found, key=lambda row: row["f"])
    rows = [
        [f"{row['threshold']:.2f}", *(percent(row[key]) for key in "prf")]
        for i, row in enumerate(found)
        if i % 2 or row is best
    ]
    print_table(rows, ["decoder.threshold", "P", "R", "F1"])
    if scores["threshold_choice"] is None:
        now = describe_thresholds(scores["threshold"], scores["label_thresholds"])
    else:
        now = describe_choice(scores["threshold_choice"])
    msg.info(f"best on these documents: {best['threshold']:.2f}; now: {now}")


def _print_next(scores: Dict[str, Any], written: Optional[Path]) -> None:
    counts: Counter[str] = Counter(scores["mistakes"]["missed"])
    counts.update(scores["mistakes"]["spurious"])
    if not counts:
        return
    reason, n = counts.most_common(1)[0]
    of_entities = reason in ("entity missed", "entity spurious", "wrong span", "wrong type")
    threshold = (
        "the threshold, which rel_component.choose_thresholds.v1 chooses in training"
        if scores.get("thresholds") and not scores["threshold_choice"]
        else "the threshold"
    )
    advice = (
        "improve what finds the entities first"
        if of_entities
        else f"look at the examples of these labels, at their number, and at {threshold}"
    )
    place = f"see {written}" if written else "--html FILE draws them in their texts"
    msg.info(f"next: {reason} is the most frequent cause, {n} times: {advice}; {place}")


def _print_types(per_type: Dict[str, Dict[str, float]]) -> None:
    has_n = any("n" in prf for prf in per_type.values())
    rows = [
        [label, *([str(prf["n"])] if has_n else []), *(percent(prf[key]) for key in "prf")]
        for label, prf in per_type.items()
    ]
    print_table(rows, ["", *(["annotated"] if has_n else []), "P", "R", "F1"])


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
