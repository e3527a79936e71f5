"""Accuracy of pair models on public data: data set × model × seed.

    python benchmarks/accuracy.py DATA --encoder FOLDER [--datasets ...] [--models ...] [--seeds ...]

DATA holds the folders conll04 (SpERT's JSON) and semeval2010_task8 (the original files). Entities are
given. Every run trains with the recipe of its model and the settings of its data set, and is evaluated
on the test split once. A run whose scores are in the output folder is not repeated, so that the command
can be stopped and started. Mean and standard deviation are printed as Markdown, and written, with all
runs, as JSON.

For CoNLL04 the best epoch is selected on dev, and the score is micro F1 (strict: labels, spans, types,
direction). For SemEval-2010 Task 8 models are trained on the whole training file for a fixed number of
epochs, and the score is the official one, the macro F1 of the nine relations, direction included.
"""

import argparse
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from rel_component.spacy_files import write_docs

CONFIGS = Path(__file__).parent.parent / "configs"
MODELS = {"SpanPair": "transformer", "PackedMarkers": "packed", "EntityMarkers": "markers"}
"""Names of the models, and of the recipes in configs/ that train them."""


@dataclass(frozen=True)
class Dataset:
    """The place of a data set, and the settings of its training.

    Attributes:
        parts: files by name of the split.
        convert: options of the command that converts them.
        metric: key of the score to report.
        batch_size: documents in a batch.
        epochs: passes over the training split.
        overrides: further settings, by name of the recipe, or under "" for all recipes.
    """

    parts: Dict[str, str]
    convert: Sequence[str]
    metric: str
    batch_size: int
    epochs: int
    overrides: Dict[str, Dict[str, Any]] = field(default_factory=dict)


DATASETS = {
    "conll04": Dataset(
        parts={part: f"conll04/conll04_{part}.json" for part in ("train", "dev", "test")},
        convert=["--format", "spert"],
        metric="rel_micro_f",
        batch_size=8,
        epochs=20,
    ),
    "semeval": Dataset(
        parts={
            "train": "semeval2010_task8/TRAIN_FILE.TXT",
            "test": "semeval2010_task8/TEST_FILE_FULL.TXT",
        },
        convert=["--format", "semeval", "--alignment", "expand"],
        metric="rel_macro_f",
        batch_size=32,
        epochs=5,
        overrides={
            "": {
                "components.relation_extractor.decoder.one_direction": True,
                "corpora.train.augmenter.level": 0.0,  # its nominals are no names
            },
            "markers": {
                "components.relation_extractor.model.share_directions": True,
            },
        },
    ),
}


def convert(name: str, data: Path, output: Path) -> None:
    """Convert the splits of a data set, unless that is done."""
    for part, file in DATASETS[name].parts.items():
        target = output / name / f"{part}.spacy"
        if not target.exists():
            command = ["rel", "convert", str(data / file), str(target), *DATASETS[name].convert]
            run_spacy(command, output / name / f"convert_{part}.log")
    if "dev" not in DATASETS[name].parts:  # spaCy requires documents to evaluate on
        docs = list(DocBin().from_disk(output / name / "train.spacy").get_docs(Vocab()))
        write_docs(docs[:100], output / name / "sample.spacy")


def train_model(
    dataset: Dataset,
    recipe: str,
    seed: int,
    paths: Tuple[Path, Path],
    target: Path,
    arguments: Sequence[str],
    *,
    evaluate_epochs: bool,
) -> Dict[str, Any]:
    """Train with a recipe and the settings of a data set.

    Args:
        dataset: the data set.
        recipe: name of a file in configs/.
        seed: the random seed.
        paths: documents to train on, and documents to evaluate on during training.
        target: folder of the trained pipeline.
        arguments: further arguments of the command.
        evaluate_epochs: whether to evaluate after each epoch, not only after the last one, and to
            choose thresholds.

    Returns:
        seconds and settings.
    """
    settings: Dict[str, Any] = {
        "paths.train": paths[0],
        "paths.dev": paths[1],
        "system.seed": seed,
        "training.batcher.size": dataset.batch_size,
        "initialize.after_init.passes": dataset.epochs,
        "initialize.after_init.warmup": 1 / dataset.epochs,
        "initialize.after_init.evaluations": dataset.epochs if evaluate_epochs else 1,
        "initialize.after_init.patience": 0.0,
        # thresholds are chosen as the best epoch is, on documents to choose by
        **({} if evaluate_epochs else {"training.before_to_disk": "null"}),
        **dataset.overrides.get("", {}),
        **dataset.overrides.get(recipe, {}),
    }
    flags = [text for key, value in settings.items() for text in (f"--{key}", _flag(value))]
    config = str(CONFIGS / f"{recipe}.cfg")
    start = time.perf_counter()
    run_spacy(["train", config, "--output", str(target), *flags, *arguments], target / "train.log")
    seconds = time.perf_counter() - start
    return {"train_seconds": seconds, "arguments": [*flags, *arguments]}


def evaluate_model(path: Path, docs: Path, output: Path, arguments: Sequence[str]) -> Any:
    """Evaluate a pipeline with given entities, and write its scores to a file."""
    command = ["rel", "evaluate", str(path), str(docs), "--output", str(output), "--gold-entities"]
    run_spacy([*command, *arguments], output.with_suffix(".log"))
    return srsly.read_json(output)


def run(
    name: str, model: str, seed: int, output: Path, gpu: Sequence[str], more: Sequence[str]
) -> Dict[str, Any]:
    """Train and evaluate one model; returns its scores by split."""
    folder = output / name
    target = folder / model / f"seed{seed}"
    scores_path = target / "scores.json"
    if scores_path.exists():
        return dict(srsly.read_json(scores_path))
    has_dev = "dev" in DATASETS[name].parts
    paths = (folder / "train.spacy", folder / ("dev.spacy" if has_dev else "sample.spacy"))
    arguments = [*gpu, *more]
    scores = train_model(
        DATASETS[name], MODELS[model], seed, paths, target, arguments, evaluate_epochs=has_dev
    )
    trained = target / ("model-best" if has_dev else "model-last")
    for part in ("dev", "test") if has_dev else ("test",):
        docs = folder / f"{part}.spacy"
        scores[part] = evaluate_model(trained, docs, target / f"{part}.json", gpu)
    srsly.write_json(scores_path, scores)
    return scores


def table(results: Dict[Tuple[str, str], List[Dict[str, Any]]]) -> str:
    """Mean and standard deviation over the seeds, in Markdown."""
    lines = [
        "| data set | model | score | dev | test | seeds | minutes to train |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, model), runs in results.items():
        metric = DATASETS[name].metric
        cells = [_mean(runs, part, metric) for part in ("dev", "test")]
        minutes = statistics.fmean(scores["train_seconds"] / 60 for scores in runs)
        lines.append(
            f"| {name} | {model} | {metric} | {' | '.join(cells)} | {len(runs)} | {minutes:.1f} |"
        )
    return "\n".join(lines)


def _mean(runs: Sequence[Dict[str, Any]], part: str, metric: str) -> str:
    values = [100 * scores[part][metric] for scores in runs if part in scores]
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{spread}"


def run_spacy(arguments: Sequence[str], log: Path) -> None:
    """Run a command of spaCy; its output goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        command = [sys.executable, "-m", "spacy", *arguments]
        code = subprocess.call(command, stdout=file, stderr=subprocess.STDOUT)
    if code:
        raise SystemExit(f"{' '.join(command)} failed with {code}; see {log}")


def set_precision(model: str, precision: Optional[str]) -> List[str]:
    """Arguments that set the precision of a recipe's encoder; None: the recipe's own."""
    if precision is None:
        return []
    encoder = {
        "SpanPair": "components.relation_extractor.model.tok2vec",
        "Joint": "components.shared_encoder.model",
    }.get(model, "components.relation_extractor.model")
    return [f"--{encoder}.precision", precision]


def _flag(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def make_parser(description: str, seeds: Sequence[int]) -> argparse.ArgumentParser:
    """The arguments that all benchmarks of accuracy take."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", required=True, help="a folder, or a name on a hub")
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/accuracy"))
    parser.add_argument(
        "--precision", help="of the encoder, e.g. bfloat16; by default that of the recipe"
    )
    parser.add_argument("--gpu-id", type=int, default=-1)
    return parser


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = make_parser(__doc__, seeds=[0, 1, 2])
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    args, more = parser.parse_known_args(arguments)
    for name in args.datasets:
        convert(name, args.data, args.output)

    jobs = [(n, m, s) for s in args.seeds for n in args.datasets for m in args.models]
    gpu = ["--gpu-id", str(args.gpu_id)]

    def do(job: Tuple[str, str, int]) -> Dict[str, Any]:
        precision = set_precision(job[1], args.precision)
        encoder = ["--paths.encoder", args.encoder]
        return run(*job, args.output, gpu, [*encoder, *precision, *more])

    with ThreadPoolExecutor(args.jobs) as pool:
        scores = list(pool.map(do, jobs))
    results: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}
    for (name, model, _), result in zip(jobs, scores):
        results.setdefault((name, model), []).append(result)
    text = table({key: results[key] for key in sorted(results)})
    print(f"python benchmarks/accuracy.py {' '.join(arguments or sys.argv[1:])}\n\n{text}")
    (args.output / "accuracy.md").write_text(text + "\n")
    runs = {f"{name}/{model}": runs for (name, model), runs in results.items()}
    srsly.write_json(args.output / "accuracy.json", runs)


if __name__ == "__main__":
    main()
