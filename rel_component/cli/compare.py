"""``spacy rel compare``."""

from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Dict, List, Optional, Sequence

from typer import Argument, Exit, Option

from .messages import (
    check_outputs,
    interval,
    msg,
    percent,
    print_failures,
    print_json,
    print_table,
    progress,
    use_device,
    write_json,
    write_text,
)
from .options import (
    AnyDataPath,
    GoldEntities,
    GoldTokens,
    GpuId,
    Json,
    Limit,
    Names,
    Output,
    Resamples,
    Seed,
)

if TYPE_CHECKING:
    from ..evaluation.comparison import SystemResult
    from ..evaluation.intervals import Estimate
_SCORES = ("micro P", "micro R", "micro F1", "95 % of micro F1", "macro F1", "against first")
_COSTS = ("s / 1,000", "failed", "valid", "cost / 1,000", "tokens in, out", "asked")


def compare_cli(
    models: Annotated[
        List[str],
        Argument(
            help="Two or more pipelines, or configs of prompted ones; the first is the baseline"
        ),
    ],
    data_path: AnyDataPath,
    names: Names = None,
    output: Output = None,
    markdown: Annotated[Optional[Path], Option(help="Markdown file for the table")] = None,
    gold_entities: GoldEntities = False,
    gold_tokens: GoldTokens = True,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    limit: Limit = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Compare pipelines, trained and prompted ones, on the same documents: scores, time and cost."""
    from ..evaluation.comparison import compare

    check_outputs(output, markdown, inputs=[*models, data_path])
    use_device(gpu_id)
    results = compare(
        models,
        data_path,
        names=names or None,
        gold_entities=gold_entities,
        gold_tokens=gold_tokens,
        n_resamples=resamples,
        seed=seed,
        limit=limit,
        progress=progress,
    )
    data = [result.to_dict() for result in results]
    cells = [_cells(result) for result in results]
    header, rows = [*cells[0]], [[*row.values()] for row in cells]
    lines = [header, ["---"] * len(header), *rows]
    write_json(output, data)
    write_text(markdown, "".join(f"| {' | '.join(line)} |\n" for line in lines))
    failures = [
        f"{result.name}: {reason}"
        for result in results
        for reason, n_times in (result.failures or {}).items()
        for _ in range(n_times)
    ]
    if json:
        print_json(data)
        print_failures(failures)
        raise Exit(bool(failures))
    msg.divider(f"Relations, strict, {results[0].n_docs} documents")
    _print_columns(cells, _SCORES)
    msg.divider("Time and cost")
    _print_columns(cells, _COSTS)
    if len(results) == 1:
        msg.info("one pipeline: give more to compare it with; rel evaluate says more of one")
    else:
        msg.info(f"against first: micro F1 less that of {results[0].name}, and its 95 % interval")
    if any(result.valid is not None for result in results):
        msg.info("valid: answers of the language model in the form that was asked for")
    for result in results:
        if result.cache_hits:
            msg.warn(
                f"{result.name}: {result.cache_hits} answers came from the cache; seconds and cost "
                "are those of the rest"
            )
    print_failures(failures)
    raise Exit(bool(failures))


def _print_columns(cells: List[Dict[str, str]], columns: Sequence[str]) -> None:
    """Print some columns, those left out in which no pipeline has anything."""
    kept = [name for name in columns if any(row[name].strip("-, ") for row in cells)]
    print_table([[row[""], *(row[name] for name in kept)] for row in cells], ["", *kept])


def _cells(result: "SystemResult") -> Dict[str, str]:
    """The cells of the row of a pipeline, by column."""
    short = partial(percent, digits=1)
    shown: Dict[str, str] = defaultdict(lambda: "-")
    for metric, score in result.scores.items():
        shown[metric], shown[f"{metric} 95"] = percent(score.value), interval(score, short)
    tokens = [result.input_tokens, result.output_tokens]
    return {
        "": result.name,
        "micro P": shown["micro_p"],
        "micro R": shown["micro_r"],
        "micro F1": shown["micro_f"],
        "95 % of micro F1": shown["micro_f 95"],
        "macro F1": shown["macro_f"],
        "95 % of macro F1": shown["macro_f 95"],
        "against first": "-" if result.difference is None else _difference(result.difference),
        "valid": "-" if result.valid is None else f"{short(result.valid)} %",
        "failed": str(result.failed),
        "s / 1,000": f"{result.seconds:.1f}",
        "cost / 1,000": "-" if result.cost is None else f"{result.cost:.4g}",
        "tokens in, out": ", ".join("-" if n is None else f"{n:.0f}" for n in tokens),
        "asked": "-" if result.asked is None else _asked(result.asked),
    }


def _asked(counts: Dict[str, int]) -> str:
    """The documents and pairs that a language model was asked about, of all."""
    kinds = ("documents", "pairs")
    numbers = [(counts[kind], counts[kind] + counts[f"{kind}_not_asked"]) for kind in kinds]
    return ", ".join(f"{n} of {n_all} {kind}" for kind, (n, n_all) in zip(kinds, numbers))


def _difference(score: "Estimate") -> str:
    return f"{100 * score.value:+.2f} ({interval(score, lambda value: f'{100 * value:+.1f}')})"
