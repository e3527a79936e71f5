"""Entities and relations from raw text on CoNLL04, by the joint recipe.

    python benchmarks/end_to_end.py DATA --encoder FOLDER [--seeds ...] [--on dev]

DATA is the folder that accuracy.py takes. A pipeline is trained on train and dev together for a fixed
number of epochs, as in SpERT's published configuration, and evaluated on test once. With ``--on dev``
it is trained on train and evaluated on dev, to choose settings. Runs that are in the output folder are
not repeated. Mean and standard deviation are printed as Markdown; all scores and mistakes are written.
Unknown arguments are passed on to ``spacy train``.
"""

import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import srsly
from accuracy import DATASETS, convert, make_parser, run_spacy, set_precision, train_model
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from rel_component.spacy_files import write_docs

RECIPE = "joint"
DATASET = replace(
    DATASETS["conll04"],
    epochs=20,
    overrides={
        RECIPE: {
            "initialize.after_init.annotate_after": 0.138,
            "training.dropout": 0.2,
        }
    },
)

COLUMNS: Dict[str, Callable[[Dict[str, Any]], float]] = {
    "entities": lambda scores: scores["ents_f"],
    "strict micro F1": lambda scores: scores["rel_micro_f"],
    "macro F1": lambda scores: scores["rel_macro_f"],
    "boundaries micro F1": lambda scores: scores["rel_boundaries_micro_f"],
    "given entities micro F1": lambda scores: scores["gold_entities"]["rel_micro_f"],
    "given entities macro F1": lambda scores: scores["gold_entities"]["rel_macro_f"],
}


def split(output: Path, part: str) -> Tuple[Path, Path]:
    """Documents to train on and documents to evaluate on."""
    folder = output / "conll04"
    if part == "dev":
        return folder / "train.spacy", folder / "dev.spacy"
    both = folder / "train_dev.spacy"
    if not both.exists():
        bins = [DocBin().from_disk(folder / f"{name}.spacy") for name in ("train", "dev")]
        vocab = Vocab()
        write_docs((doc for docs in bins for doc in docs.get_docs(vocab)), both)
    return both, folder / "test.spacy"


def run(seed: int, part: str, name: str, output: Path, arguments: Sequence[str]) -> Dict[str, Any]:
    """Train and evaluate one pipeline; returns its scores."""
    target = output / "conll04" / name / part / f"seed{seed}"
    scores_path = target / "scores.json"
    if not scores_path.exists():
        train, read = split(output, part)
        # evaluation during training changes nothing: the last weights are kept
        paths = (train, output / "conll04" / "dev.spacy")
        trained = train_model(
            DATASET, RECIPE, seed, paths, target, arguments, evaluate_epochs=False
        )
        command = ["rel", "evaluate", str(target / "model-last"), str(read)]
        command += ["--output", str(target / "read.json")]
        command += ["--mistakes", str(target / "mistakes.jsonl")]
        run_spacy(command, target / "evaluate.log")
        scores = {**trained, **srsly.read_json(target / "read.json")}
        srsly.write_json(scores_path, scores)
    return dict(srsly.read_json(scores_path))


def table(runs: List[Dict[str, Any]], seeds: Sequence[int]) -> str:
    """A row for each seed, and their mean, in Markdown."""
    lines = ["| seed | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    values = [[100 * column(scores) for column in COLUMNS.values()] for scores in runs]
    for seed, row in zip(seeds, values):
        lines.append(f"| {seed} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
    if len(runs) > 1:
        cells = [
            f"{statistics.fmean(column):.2f} ± {statistics.stdev(column):.2f}"
            for column in zip(*values)
        ]
        lines.append("| mean | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = make_parser(__doc__, seeds=[0, 1, 2])
    parser.add_argument(
        "--on", choices=["dev", "test"], default="test", help="split to evaluate on"
    )
    parser.add_argument("--name", default="Joint", help="name of these settings, for the folder")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    args, more = parser.parse_known_args(arguments)
    convert("conll04", args.data, args.output)
    split(args.output, args.on)
    precision = set_precision("Joint", args.precision)
    rest = ["--paths.encoder", args.encoder, "--gpu-id", str(args.gpu_id), *precision, *more]
    with ThreadPoolExecutor(args.jobs) as pool:
        runs = list(
            pool.map(lambda seed: run(seed, args.on, args.name, args.output, rest), args.seeds)
        )
    text = table(runs, args.seeds)
    print(f"python benchmarks/end_to_end.py {' '.join(arguments or sys.argv[1:])}\n\n{text}")
    (args.output / f"end_to_end_{args.name}_{args.on}.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
