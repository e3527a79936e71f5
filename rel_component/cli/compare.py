"""``spacy rel compare``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, List, Optional

from typer import Argument, Option
from wasabi import msg

from .messages import (
    clear_errors,
    interval,
    percent,
    print_json,
    print_table,
    progress,
    use_gpu,
    write_json,
    write_text,
)
from .options import (
    DataPath,
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

_HEADER = [
    "",
    "micro P",
    "micro R",
    "micro F1",
    "95 %",
    "macro F1",
    "95 %",
    "against first",
    "valid",
    "failed",
    "s / 1,000",
    "cost / 1,000",
    "tokens in, out",
]


def compare_cli(
    models: Annotated[
        List[str],
        Argument(help="Pipelines, or configs of prompted ones; the first is the baseline"),
    ],
    data_path: DataPath,
    names: Names = None,
    output: Output = None,
    markdown: Annotated[
        Optional[Path], Option("--markdown", help="Markdown file for the table")
    ] = None,
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

    with clear_errors():
        use_gpu(gpu_id)
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
        rows = [_row(result) for result in results]
        lines = [_HEADER, ["---"] * len(_HEADER), *rows]
        write_json(output, data)
        write_text(markdown, "".join(f"| {' | '.join(line)} |\n" for line in lines))
    if json:
        print_json(data)
        return
    msg.divider(f"Relations, strict, {results[0].n_docs} documents")
    print_table(rows, _HEADER)
    for result in results:
        if result.cache_hits:
            msg.warn(
                f"{result.name}: {result.cache_hits} answers came from the cache; seconds and cost "
                "are those of the rest"
            )


def _row(result: "SystemResult") -> List[str]:
    scores = result.scores
    tokens = "-"
    if result.input_tokens is not None and result.output_tokens is not None:
        tokens = f"{result.input_tokens:.0f}, {result.output_tokens:.0f}"
    return [
        result.name,
        *(percent(scores[metric].value) for metric in ("micro_p", "micro_r", "micro_f")),
        interval(scores["micro_f"], partial(percent, digits=1)),
        percent(scores["macro_f"].value),
        interval(scores["macro_f"], partial(percent, digits=1)),
        "-" if result.difference is None else _difference(result.difference),
        "-" if result.valid is None else f"{percent(result.valid, 1)} %",
        str(result.failed),
        f"{result.seconds:.1f}",
        "-" if result.cost is None else f"{result.cost:.4g}",
        tokens,
    ]


def _difference(score: "Estimate") -> str:
    return f"{100 * score.value:+.2f} ({interval(score, lambda value: f'{100 * value:+.1f}')})"
