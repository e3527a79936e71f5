"""``spacy rel evaluate``."""

from collections import Counter
from pathlib import Path
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
    AnyDataPath,
    GoldTokens,
    GpuId,
    Json,
    Model,
    Output,
    Reading,
    Resamples,
    TextLang,
    with_reading,
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
_EVENTS = {
    "whole records": "events",
    "whole records, without labels": "events_any",
    "common mentions of records": "events_partial",
    "single arguments": "events_arguments",
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


@with_reading
def evaluate_cli(
    model: Model,
    data_path: AnyDataPath,
    reading: Reading,
    output: Output = None,
    mistakes: Annotated[
        Optional[Path], Option(help="JSONL file for every missed and every spurious relation")
    ] = None,
    html: Annotated[
        Optional[Path], Option(help="HTML page with the mistakes drawn in their texts, and curves")
    ] = None,
    gold_tokens: GoldTokens = True,
    lang: TextLang = "auto",
    resamples: Resamples = 1000,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Evaluate a pipeline: entities, coreference, relations end to end and of annotated mentions."""
    from ..evaluation.evaluate import evaluate
    from ..pipelines import load_pipeline

    report = reading.report()
    check_outputs(output, mistakes, html, inputs=[data_path])
    use_device(gpu_id)
    scores, found = evaluate(
        load_pipeline(model, lang),
        data_path,
        **reading.arguments(),
        gold_tokens=gold_tokens,
        n_resamples=resamples,
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
        if scores["given_mentions"] and not reading.gold_entities:
            msg.info("nothing in this pipeline finds mentions: it was given the annotated ones")
        _print_scores(scores, scores["given_mentions"])
        if "rel_n" in scores:
            _print_next(scores, html or mistakes)


def _print_scores(scores: Dict[str, Any], gold_entities: bool) -> None:
    for kind, title in _MENTIONS.items():
        per_type = scores.get(f"{kind}_per_type")
        if per_type and not gold_entities:
            msg.divider(title)
            rows = [[label, *_nested(scores, f"{kind}_per_type", label)] for label in per_type]
            means = {"all, micro": f"{kind}_{{}}", "all, macro": f"{kind}_macro_{{}}"}
            rows += [[name, *_prf(scores, form)] for name, form in means.items()]
            _print_prf(rows, [""])
    if scores.get("coref_n"):
        _print_coreference("annotated mentions" if gold_entities else "end to end", scores)
    if "given_mentions_coref" in scores:
        _print_coreference("annotated mentions", scores["given_mentions_coref"])
    if scores.get("links_f") is not None:
        _print_links(scores)
    if "rel_n" in scores:
        _print_relations(scores, gold_entities)
    if scores.get("events_per_type"):
        _print_events(scores)


def _print_coreference(title: str, scores: Dict[str, Any]) -> None:
    msg.divider(f"Coreference, {title}")
    rows = []
    for kind, prefix in (("", "coref"), (", without single mentions", "coref_no_singletons")):
        for name, metric in _COREFERENCE.items():
            rows.append([name + kind, *_prf(scores, f"{prefix}_{metric}_{{}}")])
    _print_prf(rows, [""])
    msg.info(
        f"{scores['coref_n']} annotated entities, {scores['coref_no_singletons_n']} of several"
    )


def _print_relations(scores: Dict[str, Any], gold_entities: bool) -> None:
    _print_overview(_GIVEN if gold_entities else _FOUND, scores)
    _print_document(scores, "as the pipeline has found them, or else as annotated")
    msg.info(
        f"{scores['rel_n']} relations in {scores['n_docs']} documents; 95 %: interval of the F1 before "
        "it, by bootstrap over documents; --json has those of P and R too"
    )
    if "gold_entities" in scores:
        _print_overview(_GIVEN, scores["gold_entities"])
        _print_document(scores["gold_entities"], "as annotated")
    msg.divider("Relations by type, strict")
    rows = [
        [label, str(each["n"]), *_nested(scores, "rel_per_type", label)]
        for label, each in scores["rel_per_type"].items()
    ]
    _print_prf(rows, ["", "annotated"])
    if scores.get("thresholds"):
        _print_thresholds(scores)
    msg.divider("Where mistakes come from, strict")
    _print_mistakes(scores["mistakes"])


def _print_events(scores: Dict[str, Any]) -> None:
    msg.divider("Events")
    rows = [[name, *_prf(scores, f"{group}_micro_{{}}")] for name, group in _EVENTS.items()]
    _print_prf(rows, [""])
    msg.divider("Events by type, whole records")
    rows = [
        [label, str(each["n"]), *_nested(scores, "events_per_type", label)]
        for label, each in scores["events_per_type"].items()
    ]
    _print_prf(rows, ["", "annotated"])


def _print_links(scores: Dict[str, Any]) -> None:
    msg.divider("Links to the knowledge base")
    rows = [
        [name, str(n), *_prf(scores, f"{group}_{{}}")]
        for name, group, n in (
            ("mentions with their link", "links", scores["links_n"]),
            ("found mentions without link", "links_nil", scores["links_nil_n"]),
        )
    ]
    _print_prf(rows, ["", "annotated"])
    found = scores.get("links_recall_at_interval", {})
    shares = [
        f"{percent(share)}{_range(found.get(n), ' (', ')')} at {n}"
        for n, share in scores["links_recall_at"].items()
    ]
    right = scores.get("links_accuracy_interval")
    msg.info(
        f"right links of the linkable mentions found: {percent(scores['links_accuracy'])}"
        f"{_range(right, ' (', ')')}; right one among the candidates kept: {', '.join(shares)}"
    )


def _print_overview(title: str, scores: Dict[str, Any]) -> None:
    msg.divider(title)
    rows: List[List[str]] = []
    for name, group in _ROWS.items():
        micro, macro = (_prf(scores, f"{group}_{kind}_{{}}") for kind in ("micro", "macro"))
        rows.append([name, str(scores[f"{group}_n"]), *micro, *macro])
    _print_prf(rows, ["", "annotated"], "micro ", "macro ")


def _print_document(scores: Dict[str, Any], where_from: str) -> None:
    rows = [
        [title, str(scores["document"][name]["n"]), *_nested(scores, "document", name)]
        for name, title in _DOCUMENT_ROWS.items()
        if scores.get("document", {}).get(name, {"n": 0})["n"]
    ]
    if rows:
        msg.divider(f"Relations of whole documents, mentions and clusters {where_from}")
        _print_prf(rows, ["", "annotated"])


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


def _nested(scores: Dict[str, Any], name: str, label: str) -> List[str]:
    """The cells of a label, whose scores are in a dict; see :func:`_prf`."""
    intervals = scores.get(f"{name}_interval", {}).get(label, {})
    found = {f"{key}_interval": interval for key, interval in intervals.items()}
    return _prf({**scores[name][label], **found}, "{}")


def _prf(scores: Dict[str, Any], form: str) -> List[str]:
    """Cells of precision, recall and F1, and of its interval; `form` makes the names of the scores."""
    figures = [percent(scores.get(form.format(key))) for key in "prf"]
    return [*figures, _range(scores.get(form.format("f") + "_interval")) or "-"]


def _range(interval: Optional[Dict[str, Any]], before: str = "", after: str = "") -> str:
    """An interval, and what stands around it; nothing if there is none."""
    if interval is None or interval["low"] is None:
        return ""
    low, high = (percent(interval[end], 1) for end in ("low", "high"))
    return f"{before}{low} to {high}{after}"


def _print_prf(rows: List[List[str]], header: List[str], *groups: str) -> None:
    """Print rows of scores with their intervals, unless nothing has one.

    Args:
        rows: the cells; the last ones are groups of those that :func:`_prf` makes.
        header: names of the columns before them.
        groups: what is put before the first name of each group; none: there is one group.
    """
    names = [
        *header,
        *(name for kind in groups or [""] for name in (f"{kind}P", "R", "F1", "95 %")),
    ]
    kept = [
        i for i, name in enumerate(names) if name != "95 %" or any(row[i] != "-" for row in rows)
    ]
    print_table([[row[i] for i in kept] for row in rows], [names[i] for i in kept])


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
