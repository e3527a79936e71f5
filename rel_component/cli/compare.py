"""``spacy rel compare``."""

from math import isnan
from pathlib import Path
from typing import List, Optional, Sequence

import srsly
from spacy.cli._util import Arg, Opt, setup_gpu
from spacy.language import Language
from wasabi.tables import table

from ..corpora.corpus import make_relation_corpus
from ..errors import DataError
from ..evaluation.comparison import METRICS, System, SystemResult, compare_systems
from ..evaluation.intervals import Estimate
from ..pipelines import entity_finders, find_extractor, load_pipeline, source_name
from .messages import clear_errors, printer, progress

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
    data_path: Path = Arg(..., help="Annotated documents, a .spacy file or folder", exists=True),
    pipelines: List[str] = Arg(..., help="Pipelines, or configs of prompted ones, two or more"),
    names: Optional[str] = Opt(None, "--names", help="Names for the table, separated by commas"),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file for the results"),
    markdown: Optional[Path] = Opt(None, "--markdown", help="Markdown file for the table"),
    gold_entities: bool = Opt(
        False, "--gold-entities", "-G", help="Give the pipelines the annotated mentions"
    ),
    gold_tokens: bool = Opt(
        True, "--gold-tokens/--own-tokens", help="Give them the annotated tokens"
    ),
    limit: int = Opt(0, "--limit", "-l", help="The most documents; 0 for all"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU, -1 for CPU"),
    json: bool = Opt(False, "--json", help="Print the results as JSON"),
) -> None:
    """Compare pipelines, trained and prompted ones, on the same documents: scores, time and cost."""
    msg = printer(json=json)
    setup_gpu(gpu_id, silent=json)
    with clear_errors():
        results = compare(
            data_path,
            pipelines,
            names=names.split(",") if names else None,
            gold_entities=gold_entities,
            gold_tokens=gold_tokens,
            limit=limit,
        )
    rows = [_row(result) for result in results]
    for path in (output, markdown):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    if output is not None:
        srsly.write_json(output, [result.to_dict() for result in results])
    if markdown is not None:
        lines = [_HEADER, ["---"] * len(_HEADER), *rows]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        markdown.write_text(text + "\n", encoding="utf8")
    if json:
        print(srsly.json_dumps([result.to_dict() for result in results]))
        return
    msg.divider(f"Relations, strict, {results[0].n_docs} documents")
    print(table(rows, header=_HEADER, divider=True, aligns=("l", *"rrrrrrrrrrrr")))
    for result in results:
        if result.cache_hits:
            msg.warn(
                f"{result.name}: {result.cache_hits} answers came from the cache; seconds and cost "
                "are those of the rest"
            )


def compare(
    data_path: Path,
    pipelines: Sequence[str],
    *,
    names: Optional[Sequence[str]] = None,
    gold_entities: bool = False,
    gold_tokens: bool = True,
    limit: int = 0,
) -> List[SystemResult]:
    """Results of pipelines on the same annotated documents, in their order.

    Args:
        data_path: a ``.spacy`` file or a folder of them.
        pipelines: names or paths of pipelines, or paths of configs of prompted ones.
        names: how to call them.
        gold_entities: whether they are given the annotated mentions; components that find mentions
            are then left out.
        gold_tokens: whether they are given the annotated tokens.
        limit: the most documents; 0: all.

    Raises:
        DataError: if the documents cannot be read, or names are missing.
    """
    names = [source_name(source) for source in pipelines] if names is None else names
    if len(names) != len(pipelines):
        raise DataError(f"{len(names)} names for {len(pipelines)} pipelines: {', '.join(names)}")
    systems = []
    for name, source in zip(names, pipelines):
        nlp = load_pipeline(source)
        systems.append(
            _system(name, nlp, data_path, gold_entities, gold_tokens=gold_tokens, limit=limit)
        )
    return compare_systems(systems, progress=lambda docs: progress(docs, unit="docs"))


def _system(
    name: str,
    nlp: Language,
    data_path: Path,
    gold_entities: bool,
    *,
    gold_tokens: bool,
    limit: int,
) -> System:
    extractor = find_extractor(nlp)
    if extractor is None:
        raise DataError(f"{name} has no component that extracts relations")
    spans_key = getattr(extractor, "spans_key", None)
    corpus = make_relation_corpus(
        data_path,
        gold_entities=gold_entities,
        gold_tokens=gold_tokens,
        spans_key=spans_key,
        limit=limit,
    )
    examples = list(corpus(nlp))
    if not examples:
        raise DataError("no documents", place=str(data_path))
    if gold_entities:
        for finder in entity_finders(nlp, spans_key):
            nlp.disable_pipe(finder)
    return System(name, nlp, examples, extractor.schema.symmetric_labels, extractor.attr)


def _row(result: SystemResult) -> List[str]:
    scores = {metric: result.scores[metric] for metric in METRICS}
    tokens = "-"
    if result.input_tokens is not None and result.output_tokens is not None:
        tokens = f"{result.input_tokens:.0f}, {result.output_tokens:.0f}"
    return [
        result.name,
        *(f"{100 * scores[metric].value:.2f}" for metric in ("micro_p", "micro_r", "micro_f")),
        _interval(scores["micro_f"]),
        f"{100 * scores['macro_f'].value:.2f}",
        _interval(scores["macro_f"]),
        "-" if result.difference is None else _difference(result.difference),
        "-" if result.valid is None else f"{100 * result.valid:.1f} %",
        str(result.failed),
        f"{result.seconds:.1f}",
        "-" if result.cost is None else f"{result.cost:.4g}",
        tokens,
    ]


def _interval(score: Estimate) -> str:
    return "-" if isnan(score.low) else f"{100 * score.low:.1f} to {100 * score.high:.1f}"


def _difference(score: Estimate) -> str:
    interval = "-" if isnan(score.low) else f"{100 * score.low:+.1f} to {100 * score.high:+.1f}"
    return f"{100 * score.value:+.2f} ({interval})"
