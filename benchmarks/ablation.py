"""What the parts of pair models and of their training are worth, on development data.

    python benchmarks/ablation.py DATA --encoder FOLDER [--datasets ...] [--variants ...] [--seeds ...]

DATA is the folder that accuracy.py takes, whose recipes, settings and conversion are used. Models for
CoNLL04 are trained on train and evaluated on dev; those for SemEval-2010 Task 8 are trained on four
fifths of its training split and evaluated on the rest. The test splits are not opened. The score is
that of the last epoch, so that it does not depend on a lucky one; over several seeds it is their mean.
Runs that are in the output folder are not repeated. The results are printed as Markdown and written as
JSON.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import srsly
from accuracy import DATASETS, MODELS, convert, evaluate_model, set_precision, train_model
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from rel_component.files import write_docs

MODEL = "components.relation_extractor.model"
COMPONENT = "components.relation_extractor"
LOSS = f"{COMPONENT}.loss"

VARIANTS: Dict[str, Tuple[str, Dict[str, str]]] = {
    "SpanPair": ("SpanPair", {}),
    "SpanPair, mean only": ("SpanPair", {f"{MODEL}.pooling": '["mean"]'}),
    "SpanPair, attention": ("SpanPair", {f"{MODEL}.pooling": '["attention", "max"]'}),
    "SpanPair, no context between": ("SpanPair", {f"{MODEL}.context": "false"}),
    "SpanPair, nothing outside": ("SpanPair", {f"{MODEL}.outside": "0"}),
    "SpanPair, no product": ("SpanPair", {f"{MODEL}.product": "false"}),
    "SpanPair, last layer kept": ("SpanPair", {f"{MODEL}.tok2vec.reset_layers": "0"}),
    "SpanPair, last weights": ("SpanPair", {"training.optimizer.use_averages": "false"}),
    "SpanPair, names not swapped": ("SpanPair", {"corpora.train.augmenter.level": "0.0"}),
    "SpanPair, two passes that agree": ("SpanPair", {f"{COMPONENT}.consistency": "2.0"}),
    "SpanPair, focal loss": ("SpanPair", {f"{LOSS}.@losses": "rel_component.focal.v1"}),
    "PackedMarkers": ("PackedMarkers", {}),
    "PackedMarkers, no marks in the text": ("PackedMarkers", {f"{MODEL}.mark_mentions": "false"}),
    "PackedMarkers, last layer anew": ("PackedMarkers", {f"{MODEL}.reset_layers": "1"}),
    "PackedMarkers, from layer 0": ("PackedMarkers", {f"{MODEL}.marker_layer": "0"}),
    "PackedMarkers, from layer 5": ("PackedMarkers", {f"{MODEL}.marker_layer": "5"}),
    "PackedMarkers, no context": (
        "PackedMarkers",
        {f"{MODEL}.context": "false", f"{MODEL}.outside": "0", f"{MODEL}.product": "false"},
    ),
    "PackedMarkers, last weights": (
        "PackedMarkers",
        {"training.optimizer.use_averages": "false"},
    ),
    "PackedMarkers, two passes that agree": (
        "PackedMarkers",
        {f"{COMPONENT}.consistency": "2.0"},
    ),
    "EntityMarkers": ("EntityMarkers", {}),
    "EntityMarkers, directions share": ("EntityMarkers", {f"{MODEL}.share_directions": "true"}),
    "EntityMarkers, untyped": ("EntityMarkers", {f"{MODEL}.markers": "untyped"}),
    "EntityMarkers, punctuation": ("EntityMarkers", {f"{MODEL}.markers": "punctuation"}),
    "EntityMarkers, masked": ("EntityMarkers", {f"{MODEL}.markers": "mask"}),
    "EntityMarkers, context only": ("EntityMarkers", {f"{MODEL}.markers": "context"}),
    "EntityMarkers, [CLS]": ("EntityMarkers", {f"{MODEL}.representation": '["cls"]'}),
    "EntityMarkers, starts": ("EntityMarkers", {f"{MODEL}.representation": '["start"]'}),
    "EntityMarkers, [CLS] and means": (
        "EntityMarkers",
        {f"{MODEL}.representation": '["cls", "mean"]'},
    ),
}
"""The variants by name: the model, and the settings by which the variant differs from the recipe."""


def split(name: str, output: Path) -> Tuple[Path, Path]:
    """Documents to train on and documents to evaluate on, without the test split."""
    folder = output / name
    if "dev" in DATASETS[name].parts:
        return folder / "train.spacy", folder / "dev.spacy"
    paths = (folder / "four_fifths.spacy", folder / "one_fifth.spacy")
    if not all(path.exists() for path in paths):
        docs = list(DocBin().from_disk(folder / "train.spacy").get_docs(Vocab()))
        write_docs([doc for i, doc in enumerate(docs) if i % 5], paths[0])
        write_docs(docs[::5], paths[1])
    return paths


def run(
    name: str, variant: str, seed: int, output: Path, gpu: Sequence[str], more: Sequence[str]
) -> Dict[str, Any]:
    """Train and evaluate one variant."""
    model, settings = VARIANTS[variant]
    target = output / name / "ablation" / variant.replace(" ", "_") / f"seed{seed}"
    scores_path = target / "scores.json"
    if not scores_path.exists():
        paths = split(name, output)
        flags = [text for key, value in settings.items() for text in (f"--{key}", value)]
        arguments = [*gpu, *more, *flags]
        scores = train_model(
            DATASETS[name], MODELS[model], seed, paths, target, arguments, evaluate_epochs=False
        )
        scores["dev"] = evaluate_model(target / "model-last", paths[1], target / "dev.json", gpu)
        srsly.write_json(scores_path, scores)
    return dict(srsly.read_json(scores_path))


def table(results: Dict[Tuple[str, str], List[Dict[str, Any]]]) -> str:
    """A row for each variant, in Markdown."""
    names = sorted({name for name, _ in results})
    lines = [
        "| variant | " + " | ".join(f"{name}, {DATASETS[name].metric}" for name in names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for variant in dict.fromkeys(variant for _, variant in results):
        cells = [
            f"{statistics.fmean(100 * scores['dev'][DATASETS[name].metric] for scores in runs):.2f}"
            if (runs := results.get((name, variant)))
            else ""
            for name in names
        ]
        lines.append(f"| {variant} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", required=True, help="a folder, or a name on a hub")
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument(
        "--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS, metavar="VARIANT"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/accuracy"))
    parser.add_argument("--precision", help="as in accuracy.py")
    parser.add_argument("--gpu-id", type=int, default=-1)
    args, more = parser.parse_known_args(arguments)
    gpu = ["--gpu-id", str(args.gpu_id)]
    results: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}
    for name in args.datasets:
        convert(name, args.data, args.output)
        for variant in args.variants:
            precision = set_precision(VARIANTS[variant][0], args.precision)
            rest = ["--paths.encoder", args.encoder, *precision, *more]
            results[name, variant] = [
                run(name, variant, seed, args.output, gpu, rest) for seed in args.seeds
            ]
    text = table(results)
    print(f"python benchmarks/ablation.py {' '.join(arguments or sys.argv[1:])}\n\n{text}")
    runs = {f"{name}/{variant}": runs for (name, variant), runs in results.items()}
    (args.output / "ablation.md").write_text(text + "\n")
    srsly.write_json(args.output / "ablation.json", runs)


if __name__ == "__main__":
    main()
