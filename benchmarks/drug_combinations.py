"""Combinations of drugs (Tiktinsky et al. 2022), mentions given, on six parts of the train file in turn.

    python benchmarks/drug_combinations.py DATA --encoder FOLDER [--folds 0 1 2 3 4 5]

DATA holds drug_combo/train.jsonl. The id of a sentence says which of six folds it belongs to, so that a
fold is about as large as the test file. One fold is scored; of the others, a tenth of the sentences
chooses weights and thresholds, and the rest is learned from, each sentence without its paragraph.
Exact F1 of any combination and of positive ones is printed for each fold as Markdown, with mean and
standard deviation: of all drugs of a sentence, and of events with and without ``one_label``. Runs that
are in the output folder are not repeated. Unknown arguments are passed on to ``spacy train``.
"""

import statistics
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence

import spacy
import srsly
from accuracy import CONFIGS, make_parser, run_spacy, set_precision
from spacy.training import Example

from rel_component import Event, RelationSchema, convert, set_events
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.evaluation.event_scores import score_events

N_FOLDS = 6
PASSES = 8
CLASSES = ("POS", "COMB", "NEG")
SCHEMA = {
    "events": [
        {"label": name, "roles": {"drug": {"types": ["DRUG"], "min": 2}}} for name in CLASSES
    ]
}
COLUMNS = ("all drugs of a sentence", "trained", "trained, `one_label = true`")

Scores = Dict[str, List[float]]
"""Exact F1 of any combination and of positive ones, by column."""


def split(data: Path, fold: int, folder: Path) -> None:
    """Write train, dev and test documents of a fold, and the schema."""
    parts: Dict[str, List[Any]] = {"train": [], "dev": [], "test": []}
    for record in srsly.read_jsonl(data / "drug_combo" / "train.jsonl"):
        rest, number = divmod(int(record["doc_id"], 16), N_FOLDS)
        name = "test" if number == fold else "train" if rest % 10 else "dev"
        parts[name].append(record)
    schema = RelationSchema.from_dict(SCHEMA)
    folder.mkdir(parents=True, exist_ok=True)
    srsly.write_yaml(folder / "schema.yaml", SCHEMA)
    for name, records in parts.items():
        path = folder / f"{name}.jsonl"
        srsly.write_jsonl(path, records)
        convert(
            path,
            path.with_suffix(".spacy"),
            schema=schema,
            alignment="expand",
            on_error="skip",
            event_pairs=True,
        )


def train(folder: Path, arguments: Sequence[str]) -> None:
    """Train the recipe on a fold."""
    settings = {
        "--paths.train": folder / "train.spacy",
        "--paths.dev": folder / "dev.spacy",
        "--paths.schema": folder / "schema.yaml",
        "--initialize.after_init.passes": PASSES,
        "--initialize.after_init.evaluations": PASSES,
    }
    flags = [str(text) for setting in settings.items() for text in setting]
    config = str(CONFIGS / "transformer.cfg")
    command = ["train", config, "--output", str(folder), *flags, *arguments]
    run_spacy(command, folder / "train.log")


def score(folder: Path) -> Scores:
    """Score the trained pipeline, and all drugs as one combination, on a fold."""
    nlp = spacy.load(folder / "model-best")
    extractor: Any = nlp.add_pipe("event_extractor")
    examples = list(make_relation_corpus(folder / "test.spacy")(nlp))
    for eg in examples:
        drugs: Any = tuple(("drug", span) for span in eg.predicted.ents)
        set_events(eg.predicted, [Event("POS", drugs)] if len(drugs) > 1 else [])
    scores = [_exact(examples)]
    for eg in examples:
        eg.predicted = nlp.get_pipe("relation_extractor")(eg.predicted)
    for extractor.one_label in (False, True):
        for eg in examples:
            extractor(eg.predicted)
        scores.append(_exact(examples))
    return dict(zip(COLUMNS, scores))


def _exact(examples: Iterable[Example]) -> List[float]:
    scores = score_events(examples)
    return [100 * scores["events_any_micro_f"], 100 * scores["events_per_type"]["POS"]["f"]]


def table(runs: Dict[int, Scores]) -> str:
    """A row for each fold, and their mean, in Markdown."""
    lines = ["| fold | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    for fold, scores in runs.items():
        cells = (f"{scores[name][0]:.1f}, {scores[name][1]:.1f}" for name in COLUMNS)
        lines.append(f"| {fold} | " + " | ".join(cells) + " |")
    if len(runs) > 1:
        means = []
        for name in COLUMNS:
            columns = zip(*(scores[name] for scores in runs.values()))
            pairs = [(statistics.fmean(column), statistics.stdev(column)) for column in columns]
            means.append(", ".join(f"{mean:.1f} ± {spread:.1f}" for mean, spread in pairs))
        lines.append("| mean | " + " | ".join(means) + " |")
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = make_parser(__doc__, seeds=[0])
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(N_FOLDS)))
    args, more = parser.parse_known_args(arguments)
    rest = ["--paths.encoder", args.encoder, "--system.seed", str(args.seeds[0])]
    rest += ["--gpu-id", str(args.gpu_id), *set_precision("SpanPair", args.precision), *more]
    runs = {}
    for fold in args.folds:
        folder = args.output / "drug_combo" / f"fold{fold}_seed{args.seeds[0]}"
        path = folder / "scores.json"
        if not path.exists():
            split(args.data, fold, folder)
            train(folder, rest)
            srsly.write_json(path, score(folder))
        runs[fold] = srsly.read_json(path)
        print(f"fold {fold}", runs[fold], file=sys.stderr, flush=True)
    print(f"python benchmarks/drug_combinations.py {' '.join(arguments or sys.argv[1:])}\n")
    print(table(runs))


if __name__ == "__main__":
    main()
