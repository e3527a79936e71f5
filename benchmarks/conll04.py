"""Relations between given entities on CoNLL04: train on train, select on dev, read test once.

    python benchmarks/conll04.py DATA --encoder FOLDER [--seeds 0 1 2] [--output FOLDER] [overrides]

DATA holds conll04_train.json, conll04_dev.json and conll04_test.json in SpERT's format. Each seed that
is already in the output folder is not trained again. Prints the scores of every seed, mean and
standard deviation, and writes them as JSON.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any, Dict, List

import srsly
from spacy.cli.train import train

from rel_component.cli.convert import convert
from rel_component.cli.evaluate import evaluate

CONFIG = Path(__file__).parent.parent / "configs" / "transformer.cfg"
KEYS = ("rel_micro_p", "rel_micro_r", "rel_micro_f", "rel_macro_f")


def run_seed(seed: int, folder: Path, encoder: str, overrides: Dict[str, Any]) -> Dict[str, Any]:
    """Train and evaluate with one seed; scores on dev and test."""
    output = folder / f"seed{seed}"
    scores_path = output / "scores.json"
    if not scores_path.exists():
        paths = {
            "paths.train": str(folder / "train.spacy"),
            "paths.dev": str(folder / "dev.spacy"),
            "paths.encoder": encoder,
            "system.seed": seed,
        }
        train(CONFIG, output, overrides={**paths, **overrides})
        scores = {
            part: evaluate(str(output / "model-best"), folder / f"{part}.spacy", gold_entities=True)
            for part in ("dev", "test")
        }
        srsly.write_json(scores_path, scores)
    return dict(srsly.read_json(scores_path))


def main() -> None:
    """Run the seeds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/conll04"))
    args, rest = parser.parse_known_args()
    overrides = {key.lstrip("-"): srsly.json_loads(value) for key, value in _in_pairs(rest)}
    for part in ("train", "dev", "test"):
        source = args.data / f"conll04_{part}.json"
        convert(source, args.output / f"{part}.spacy", format="spert")
    runs = {seed: run_seed(seed, args.output, args.encoder, overrides) for seed in args.seeds}
    print(f"CoNLL04, gold entities, {CONFIG.name}, encoder {args.encoder}, overrides {overrides}")
    print(
        f"{'':>12}" + "".join(f"{part + ' ' + key:>20}" for part in ("dev", "test") for key in KEYS)
    )
    for seed, scores in runs.items():
        row = [100 * scores[part][key] for part in ("dev", "test") for key in KEYS]
        print(f"{'seed ' + str(seed):>12}" + "".join(f"{value:>20.2f}" for value in row))
    for name, function in (("mean", statistics.fmean), ("st. dev.", _spread)):
        row = [
            function([100 * scores[part][key] for scores in runs.values()])
            for part in ("dev", "test")
            for key in KEYS
        ]
        print(f"{name:>12}" + "".join(f"{value:>20.2f}" for value in row))


def _spread(values: List[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _in_pairs(items: List[str]) -> List[List[str]]:
    return [items[i : i + 2] for i in range(0, len(items), 2)]


if __name__ == "__main__":
    main()
