"""Half of the labels of a corpus first, the others later: what `spacy rel add-labels` forgets.

    python benchmarks/added_labels.py ENCODER [--model LabelPair] [--seeds 0 1 2] [--ways ...]

Of the business corpus, 200 documents drawn at random show six labels drawn at random, and 200 others
the remaining five alone. A pipeline learns the first part, and ``rel_component.add_labels`` adds the
second. Beside it are trainings on all 400 documents at once, which are asked about the labels that each
shows, or annotated with all. ENCODER stays as it is, and the layers on top of it learn. Mentions are
given; the strict micro F1 of old, new and all labels on the development part, the mean over seeds, is
printed as Markdown.
"""

import argparse
import random
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import spacy
from incremental import encode_once, load, trained
from spacy.language import Language
from spacy.tokens import Doc

from rel_component import RelationSchema, add_labels
from rel_component.annotations import get_relations, set_relations
from rel_component.converters.documents import read_references
from rel_component.converters.report import Report
from rel_component.documents import ask_only
from rel_component.evaluation.counts import PRF, LabelScores
from rel_component.evolution.learning import Hyperparameters, score_labels
from rel_component.spacy_files import write_docs

ASSETS = Path(__file__).parent.parent / "assets"
N_DOCS = 200  # of each part
ADDED: Dict[str, Dict[str, Any]] = {
    "add-labels": {},
    "add-labels, memory": {"memory": True},
    "fine-tuning": {"complete": True, "distillation": 0.0},
}
SAME, ALL = AT_ONCE = ("at once, same annotations", "at once, all annotations")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=[*ADDED, *AT_ONCE], default=[*ADDED, *AT_ONCE])
    parser.add_argument("--model", choices=("SpanPair", "LabelPair"), default="SpanPair")
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    schema = RelationSchema.from_file(ASSETS / "business_schema.yaml")
    train, dev = (read(ASSETS / f"business_{part}.jsonl") for part in ("train", "dev"))
    rows: Dict[str, List[Sequence[float]]] = {}
    vectors: Dict[str, Any] = {}  # of the tokens of each text
    for seed in args.seeds:
        rng = random.Random(seed)
        labels = sorted(schema)
        rng.shuffle(labels)
        groups = (labels[:6], labels[6:], labels)
        docs = rng.sample(train, 2 * N_DOCS)
        hyperparameters = Hyperparameters(epochs=args.epochs, seed=seed)
        start = time.process_time()
        for way, nlp in pipelines(args, schema, groups, docs, dev, hyperparameters, vectors):
            seconds = time.process_time() - start
            encode_once(nlp, vectors)
            scores = score_labels(nlp, dev, given=True)
            found = [f1(scores, group) for group in groups]
            rows.setdefault(way, []).append([*found, seconds])
            start = time.process_time()
    print(table(rows))


def pipelines(
    args: argparse.Namespace,
    schema: RelationSchema,
    groups: Tuple[List[str], List[str], List[str]],
    docs: Sequence[Doc],
    dev: Sequence[Doc],
    hyperparameters: Hyperparameters,
    vectors: Dict[str, Any],
) -> Iterator[Tuple[str, Language]]:
    """A pipeline that has learned the old labels of groups, and those of each way to learn all."""
    old, new, _ = groups
    learned = partial(
        trained,
        args.encoder,
        hyperparameters=hyperparameters,
        vectors=vectors,
        architecture=args.model,
    )
    parts = [showing(docs[:N_DOCS], old), showing(docs[N_DOCS:], new)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, file in zip([*parts, dev], ("old", "new", "dev")):
            write_docs(part, folder / f"{file}.spacy")
        nlp = learned([schema[label] for label in old], parts[0])
        nlp.to_disk(folder / "first")
        yield "first step", nlp
        for way in args.ways:
            if way == ALL:
                yield way, learned(list(schema.values()), docs)
            elif way == SAME:
                for part, asked in zip(parts, (old, new)):
                    for doc in part:
                        ask_only(doc, asked)
                yield way, learned(list(schema.values()), [*parts[0], *parts[1]])
            else:
                options = dict(ADDED[way])
                if options.pop("memory", False):
                    options["memory"] = folder / "old.spacy"
                add_labels(
                    load(folder / "first", vectors),
                    RelationSchema(schema[label] for label in new),
                    folder / "new.spacy",
                    folder / way,
                    dev=folder / "dev.spacy",
                    hyperparameters=hyperparameters,
                    **options,
                )
                yield way, spacy.load(folder / way)


def f1(scores: LabelScores, labels: Sequence[str]) -> float:
    """The micro F1 of some labels, in percent."""
    return 100 * sum((scores.counts.get(label, PRF()) for label in labels), PRF()).f1


def read(path: Path) -> List[Doc]:
    return read_references(path, spacy.blank("en"), Report(), spans_key=None)


def showing(docs: Sequence[Doc], labels: Sequence[str]) -> List[Doc]:
    """Copies of documents that have the relations of some labels alone."""
    copies = [doc.copy() for doc in docs]
    for doc in copies:
        set_relations(doc, [rel for rel in get_relations(doc) if rel.label in labels])
    return copies


def table(rows: Dict[str, List[Sequence[float]]]) -> str:
    """Means over seeds, in Markdown."""
    lines = ["| | old | new | all | all, seed by seed | CPU s |", "|---|---|---|---|---|---|"]
    for name, runs in rows.items():
        means = [f"{statistics.fmean(values):.1f}" for values in zip(*runs)]
        each = ", ".join(f"{run[2]:.1f}" for run in runs)
        lines.append(f"| {name} | {' | '.join(means[:3])} | {each} | {float(means[3]):.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
