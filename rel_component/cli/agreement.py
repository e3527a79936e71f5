"""``spacy rel agreement``."""

from collections import Counter
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Dict, List, Optional, Sequence

from typer import Argument, Option

from .messages import (
    NumberFormat,
    check_outputs,
    first_problems,
    interval,
    msg,
    percent,
    print_json,
    print_table,
    printable,
    write_json,
    write_json_lines,
)
from .options import Json, Lang, Names, Output, Resamples, Schema, Seed, SpansKey, given_schema

if TYPE_CHECKING:
    from ..evaluation.agreement.disagreements import Disagreement
    from ..evaluation.agreement.measures import Agreement, Coefficients, Pairwise
    from ..evaluation.agreement.merging import Merged

_F1_ROWS = {
    "mentions, span and type": ("mentions", "strict"),
    "mentions, span": ("mentions", "span"),
    "relations, strict": ("relations", "strict"),
    "relations, undirected": ("relations", "undirected"),
    "relations of agreed mentions": ("relations", "agreed_mentions"),
}


def agreement_cli(
    paths: Annotated[
        List[Path],
        Argument(exists=True, help="Documents of each annotator, .spacy files or folders of them"),
    ],
    names: Names = None,
    schema: Schema = None,
    output: Output = None,
    disagreements: Annotated[
        Optional[Path], Option(help="JSONL file for the disagreements")
    ] = None,
    merged: Annotated[Optional[Path], Option(help=".spacy file for the agreed annotations")] = None,
    min_votes: Annotated[
        Optional[int], Option(help="Annotators who have to agree for --merged; all if not given")
    ] = None,
    spans_key: SpansKey = None,
    allowed_pairs: Annotated[
        bool, Option("--allowed-pairs", help="Coefficients only over pairs that the schema allows")
    ] = False,
    max_sentence_distance: Annotated[
        Optional[int], Option(help="Coefficients only over pairs so many sentences apart")
    ] = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    show: Annotated[int, Option(min=0, help="Disagreements to print")] = 5,
    lang: Lang = "en",
    json: Json = False,
) -> None:
    """Agreement of annotators of the same documents: F1, kappa, alpha, and what they disagree on."""
    from ..evaluation.agreement.annotators import compare_annotators
    from ..files import check_ending
    from ..spacy_files import write_docs

    options = {
        "allowed_pairs": allowed_pairs,
        "max_sentence_distance": max_sentence_distance,
        "resamples": resamples,
        "seed": seed,
    }
    check_outputs(output, disagreements, merged, inputs=[*paths, schema])
    check_ending(merged, docs=True)
    result = compare_annotators(
        paths,
        names=names or None,
        schema=given_schema(schema),
        merge=merged is not None,
        min_votes=min_votes,
        spans_key=spans_key,
        allowed_pairs=allowed_pairs,
        max_sentence_distance=max_sentence_distance,
        n_resamples=resamples,
        seed=seed,
        lang=lang,
    )
    data = {**result.to_dict(), "options": options}
    write_json(output, data)
    write_json_lines(disagreements, (item.to_json() for item in result.disagreements))
    if merged is not None and result.merged is not None:
        write_docs(result.merged.docs, merged)
    if json:
        print_json(data)
        return
    _print_documents(result.agreement)
    _print_figures(result.agreement)
    _print_disagreements(result.disagreements, show)
    if result.merged is not None:
        _print_merged(result.merged, merged)


def _print_documents(agreement: "Agreement") -> None:
    msg.divider(f"{agreement.n_shared} documents in common")
    msg.info("documents: " + ", ".join(f"{name} {n}" for name, n in agreement.n_docs.items()))
    missing = Counter(
        (", ".join(problem.annotators), ", ".join(problem.lacking))
        for problem in agreement.problems
        if problem.kind == "missing"
    )
    for (have, lacking), n in missing.items():
        msg.info(f"{n} documents: only {have}, not {lacking}; --json lists them")
    others = [problem for problem in agreement.problems if problem.kind != "missing"]
    for problem in first_problems(others):
        msg.warn(problem)


def _print_figures(agreement: "Agreement") -> None:
    groups = {"mentions": agreement.mentions, "relations": agreement.relations}
    overall = {title: groups[group][key].overall for title, (group, key) in _F1_ROWS.items()}
    _print_pairwise("F1 between annotators", overall, percent)
    _print_pairwise("Mentions by type, F1", agreement.mentions["strict"].per_label, percent)
    relations = agreement.relations["strict"].per_label
    _print_pairwise("Relations by type, F1, strict", relations, percent)
    _print_coefficients({"all labels": agreement.coefficients, **agreement.per_label})
    if agreement.n_pairs:
        msg.info(
            f"{agreement.n_pairs} pairs of mentions, {agreement.n_complete} of them rated by all; "
            f"{percent(agreement.n_unrelated / agreement.n_pairs, 1)} % are NO_RELATION for everyone",
            "so many easy pairs make the agreement look high; see the labels, and F1, too",
        )
    for name, n in agreement.relation_counts.items():
        msg.info(
            f"relations of {name}: {n.entering} on these pairs, {n.not_agreed} with a mention that is "
            f"not agreed, {n.outside} outside the limits"
        )
    if len(agreement.annotators) > 2:
        cohen = {"all labels": agreement.coefficients.cohen}
        _print_pairwise("Cohen's kappa of each pair", cohen, _decimal)


def _print_pairwise(title: str, rows: Dict[str, "Pairwise"], show: NumberFormat) -> None:
    """Print the mean over the pairs of annotators, and each pair where there are several."""
    msg.divider(title)
    pairs = next(iter(rows.values())).pairs if rows else {}
    several = [names for names in pairs if len(pairs) > 1]
    header = ["", "mean" if several else "", "95 %", *(", ".join(names) for names in several)]
    has_counts = len(pairs) == 1 and any(row.counts for row in rows.values())
    if has_counts:
        first, second = next(iter(pairs))
        header += ["both", f"only {first}", f"only {second}"]
    lines, complete = [], []
    for name, row in rows.items():
        if len(rows) > 1 and all(one.value == 1.0 for one in row.pairs.values()):
            complete.append(name)  # lines of nothing but 100 hide the others
            continue
        each = [show(row.pairs[names].value) for names in several]
        counts = next(iter(row.counts.values())) if has_counts else ()
        mean = [show(row.mean.value), interval(row.mean, show)]
        lines.append([name, *mean, *each, *map(str, counts)])
    if lines:
        print_table(lines, header)
    if complete:
        msg.info(f"{show(1.0)} for {', '.join(complete)}")


def _print_coefficients(rows: Dict[str, "Coefficients"]) -> None:
    msg.divider("Beyond chance, pairs of agreed mentions")
    lines, reasons = [], []
    for name, row in rows.items():
        figures = [row.cohen.mean, row.fleiss, row.alpha]
        cells = [(_decimal(figure.value), interval(figure, _decimal)) for figure in figures]
        lines.append([name, *(cell for pair in cells for cell in pair)])
        reasons += [f"{name}: {figure.reason}" for figure in figures if figure.reason][:1]
    print_table(lines, ["", "Cohen", "95 %", "Fleiss", "95 %", "alpha", "95 %"])
    for reason in reasons:
        msg.info(reason)


def _print_disagreements(disagreements: Sequence["Disagreement"], show: int) -> None:
    msg.divider(f"{len(disagreements)} disagreements")
    counts = Counter(f"{item.kind}: {item.reason}" for item in disagreements)
    if counts:
        print_table([[title, str(n)] for title, n in sorted(counts.items())])
    for item in disagreements[:show]:
        place, text = item.id or f"document {item.doc}", " ".join(item.text.split())
        print(printable(f"{place}, {item.kind}, {item.reason}: {text}"))
        for name in item.says:
            print(printable(f"    {name}: {item.describe(name)}"))


def _print_merged(merged: "Merged", path: Optional[Path]) -> None:
    left_out = merged.to_dict()["left_out"]
    parts = [f"{left_out['documents']} documents"]
    for kind in ("mentions", "relations"):
        reasons = ", ".join(f"{reason} {n}" for reason, n in left_out[kind].items())
        n_left_out = sum(left_out[kind].values())
        parts.append(f"{n_left_out} {kind} ({reasons})" if reasons else f"{n_left_out} {kind}")
    msg.good(
        f"{path}: {len(merged.docs)} documents, {merged.mentions} mentions, "
        f"{merged.relations} relations",
        f"left out: {'; '.join(parts)}",
    )


def _decimal(value: float) -> str:
    # adding 0.0 turns -0.0 into 0.0
    return "-" if isnan(value) else f"{round(value, 3) + 0.0:.3f}"
