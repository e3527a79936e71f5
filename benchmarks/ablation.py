"""What the parts of pair models and of their training are worth, on development data.

    python benchmarks/ablation.py DATA --encoder FOLDER [--datasets ...] [--variants ...] [--seeds ...]

DATA is the folder that accuracy.py takes, whose recipes, settings and conversion are used. Models for
CoNLL04 are trained on train and evaluated on dev; those for SemEval-2010 Task 8 are trained on four
fifths of its training split and evaluated on the rest. The test splits are not opened. The score is
that of the last epoch, so that it does not depend on a lucky one; over several seeds it is their mean.
Runs that are in the output folder are not repeated. The results are printed as Markdown and written as
JSON.
"""

import statistics
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import srsly
from accuracy import (
    DATASETS,
    MODELS,
    convert,
    evaluate_model,
    make_parser,
    set_precision,
    train_model,
)
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from rel_component.spacy_files import write_docs

MODEL = "components.relation_extractor.model"
COMPONENT = "components.relation_extractor"
LOSS = f"{COMPONENT}.loss"

VARIANTS: Dict[str, Dict[str, str]] = {
    "SpanPair": {},
    "SpanPair, mean only": {f"{MODEL}.pooling": '["mean"]'},
    "SpanPair, attention": {f"{MODEL}.pooling": '["attention", "max"]'},
    "SpanPair, no context between": {f"{MODEL}.context": "false"},
    "SpanPair, nothing outside": {f"{MODEL}.outside": "0"},
    "SpanPair, no product": {f"{MODEL}.product": "false"},
    "SpanPair, last layer kept": {f"{MODEL}.tok2vec.reset_layers": "0"},
    "SpanPair, last weights": {"training.optimizer.use_averages": "false"},
    "SpanPair, names not swapped": {"corpora.train.augmenter.level": "0.0"},
    "SpanPair, two passes that agree": {f"{COMPONENT}.consistency": "2.0"},
    "SpanPair, focal loss": {f"{LOSS}.@losses": "rel_component.focal.v1"},
    "PackedMarkers": {},
    "PackedMarkers, no marks in the text": {f"{MODEL}.mark_mentions": "false"},
    "PackedMarkers, last layer anew": {f"{MODEL}.reset_layers": "1"},
    "PackedMarkers, from layer 0": {f"{MODEL}.marker_layer": "0"},
    "PackedMarkers, from layer 5": {f"{MODEL}.marker_layer": "5"},
    "PackedMarkers, no context": {
        f"{MODEL}.context": "false",
        f"{MODEL}.outside": "0",
        f"{MODEL}.product": "false",
    },
    "PackedMarkers, last weights": {"training.optimizer.use_averages": "false"},
    "PackedMarkers, two passes that agree": {f"{COMPONENT}.consistency": "2.0"},
    "EntityMarkers": {},
    "EntityMarkers, directions share": {f"{MODEL}.share_directions": "true"},
    "EntityMarkers, untyped": {f"{MODEL}.markers": "untyped"},
    "EntityMarkers, punctuation": {f"{MODEL}.markers": "punctuation"},
    "EntityMarkers, masked": {f"{MODEL}.markers": "mask"},
    "EntityMarkers, context only": {f"{MODEL}.markers": "context"},
    "EntityMarkers, [CLS]": {f"{MODEL}.representation": '["cls"]'},
    "EntityMarkers, starts": {f"{MODEL}.representation": '["start"]'},
    "EntityMarkers, [CLS] and means": {f"{MODEL}.representation": '["cls", "mean"]'},
}
"""The settings by which each variant differs from the recipe of the model that its name begins with."""


def model_of(variant: str) -> str:
    """The model of a variant."""
    return variant.partition(",")[0]


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
    target = output / name / "ablation" / variant.replace(" ", "_") / f"seed{seed}"
    scores_path = target / "scores.json"
    if not scores_path.exists():
        paths = split(name, output)
        flags = [text for key, value in VARIANTS[variant].items() for text in (f"--{key}", value)]
        arguments = [*gpu, *more, *flags]
        scores = train_model(
            DATASETS[name],
            MODELS[model_of(variant)],
            seed,
            paths,
            target,
            arguments,
            evaluate_epochs=False,
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
    parser = make_parser(__doc__, seeds=[0])
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument(
        "--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS, metavar="VARIANT"
    )
    args, more = parser.parse_known_args(arguments)
    gpu = ["--gpu-id", str(args.gpu_id)]
    results: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}
    for name in args.datasets:
        convert(name, args.data, args.output)
        for variant in args.variants:
            precision = set_precision(model_of(variant), args.precision)
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
