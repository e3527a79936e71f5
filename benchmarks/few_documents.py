"""Learning curves on public data: what `spacy rel init-config` makes of a few annotated documents.

    python benchmarks/few_documents.py DATA --encoder FOLDER [--datasets ...] [--sizes ...] [--seeds ...]

DATA holds the folders conll04, semeval2010_task8 and biored. Documents are drawn at random from the
training part, smaller draws are parts of larger ones, and thresholds and the best epoch are chosen on
150 documents of dev. A pipeline is evaluated on test once or, to choose settings, with ``--on check``
on 300 documents of the training part that are in no draw. CoNLL04 is measured with given entities and
from raw text, the business corpus from raw text, SemEval-2010 Task 8, which has no dev part, with 500
documents of its training part as dev, and BioRED by sentences with two mentions or more, whose
mentions are related where their concepts are. FOLDER may also be a general pipeline, which goes on
learning where mentions are given. Runs that are in the output folder are not repeated. The results are
printed as Markdown and written as JSON.
"""

import random
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import spacy
import srsly
from accuracy import make_parser, run_spacy
from spacy.tokens import Doc
from spacy.util import filter_spans

from rel_component.annotations import get_relations, set_relations
from rel_component.documents import relation_key, relation_keys
from rel_component.evaluation.evaluate import predict
from rel_component.pipelines import find_extractor
from rel_component.spacy_files import read_docs, write_docs
from rel_component.types import Relation

ASSETS = Path(__file__).parent.parent / "assets"
_GROUPS = ("recall beyond ten tokens", "recall of labels with fewer than 30 relations")
N_DEV, N_CHECK, SIZES = 150, 300, (25, 50, 100, 200, 400)


class Dataset(NamedTuple):
    """Files by part, how they are converted, and whether the mentions are given."""

    parts: Dict[str, str]
    convert: Sequence[str] = ()
    given: bool = True
    sentences: bool = False
    schema: Optional[str] = None


_CONLL04 = {part: f"conll04/conll04_{part}.json" for part in ("train", "dev", "test")}
DATASETS = {
    "conll04": Dataset(_CONLL04, schema=str(ASSETS / "conll04_schema.yaml")),
    "conll04_raw": Dataset(_CONLL04, given=False),
    "semeval": Dataset(
        {
            "train": "semeval2010_task8/TRAIN_FILE.TXT",
            "test": "semeval2010_task8/TEST_FILE_FULL.TXT",
        },
        ["--format", "semeval", "--alignment", "expand"],
    ),
    "biored": Dataset(
        {part: f"biored/{part.capitalize()}.PubTator" for part in ("train", "dev", "test")},
        ["--alignment", "expand", "--spans-key", "mentions", "--on-error", "skip"],
        sentences=True,
    ),
    "business": Dataset(
        {part: str(ASSETS / f"business_{part}.jsonl") for part in ("train", "dev", "test")},
        given=False,
    ),
}


def prepare(name: str, data: Path, folder: Path, seeds: Iterable[int]) -> None:
    """Convert a data set and draw its documents, unless that is done."""
    dataset = DATASETS[name]
    for part, file in dataset.parts.items():
        target = folder / f"{part}_all.spacy"
        if not target.exists():
            command = ["rel", "convert", str(data / file), str(target), *dataset.convert]
            run_spacy(command, folder / f"convert_{part}.log")
            if dataset.sentences:
                write_docs(_sentences(_read(target)), target)
    train = list(_read(folder / "train_all.spacy"))
    random.Random(0).shuffle(train)
    if "dev" in dataset.parts:
        dev = list(_read(folder / "dev_all.spacy"))
        random.Random(0).shuffle(dev)
    else:
        dev, train = train[:500], train[500:]
    parts = {
        "dev": dev[:N_DEV],
        "check": train[-N_CHECK:],
        "test": _read(folder / "test_all.spacy"),
    }
    for seed in seeds:
        pool = train[:-N_CHECK]
        random.Random(seed).shuffle(pool)
        parts.update({f"train_{size}_{seed}": pool[:size] for size in SIZES})
        parts[f"train_all_{seed}"] = train
    for part, docs in parts.items():
        if not (folder / f"{part}.spacy").exists():
            write_docs(docs, folder / f"{part}.spacy")


def _sentences(docs: Iterable[Doc]) -> Iterator[Doc]:
    """Sentences with two mentions or more; mentions of related concepts are related in each."""
    sentencizer = spacy.blank("en").add_pipe("sentencizer")
    for doc in docs:
        related: Dict[Tuple[str, str], Set[str]] = defaultdict(set)
        for rel in get_relations(doc):
            related[rel.head.kb_id_, rel.tail.kb_id_].add(rel.label)
        doc.set_ents(filter_spans(doc.spans["mentions"]))
        doc.spans.clear()
        for sent in sentencizer(doc).sents:
            found = sent.as_doc()
            pairs = [(head, tail) for head in found.ents for tail in found.ents]
            relations = [
                (head, label, tail)
                for head, tail in pairs
                if head.kb_id_ and head.kb_id_ != tail.kb_id_
                for label in sorted(related[head.kb_id_, tail.kb_id_])
            ]
            if len(found.ents) > 1:
                set_relations(found, relations)
                yield found


def _read(path: Path) -> Iterator[Doc]:
    return read_docs(path, spacy.blank("en"))


def run(
    name: str, size: str, seed: int, on: str, output: Path, encoder: str, more: Sequence[str]
) -> Dict[str, Any]:
    """Train with the config that `init-config` writes, and evaluate; returns the scores."""
    folder = output / name
    target = folder / f"{size}_{seed}"
    scores_path = target / f"{on}.json"
    if scores_path.exists():
        return dict(srsly.read_json(scores_path))
    train = folder / f"train_{size}_{seed}.spacy"
    given = ["--gold-entities"] * DATASETS[name].given
    if not (target / "model-best").exists():
        paths = [str(train), "--dev", str(folder / "dev.spacy"), "--output", str(target / "config")]
        start = ["--encoder", encoder, *given]
        if (Path(encoder) / "config.cfg").is_file():  # a pipeline, which reads what labels mean
            start = ["--pipeline", encoder]
            start += ["--schema", str(DATASETS[name].schema)] if DATASETS[name].schema else []
        run_spacy(["rel", "init-config", *paths, *start], target / "init.log")
        settings = ["--output", str(target), "--system.seed", str(seed), *more]
        run_spacy(["train", str(target / "config/config.cfg"), *settings], target / "train.log")
    model, docs = str(target / "model-best"), folder / f"{on}.spacy"
    command = ["rel", "evaluate", model, str(docs), "--output", str(target / "evaluation.json")]
    run_spacy([*command, *given], target / "evaluate.log")
    scores = dict(srsly.read_json(target / "evaluation.json"))
    scores["recall"] = _recalls(model, docs, _read(train), given=bool(given))
    srsly.write_json(scores_path, scores)
    return scores


def _recalls(model: str, docs: Path, train: Iterable[Doc], *, given: bool) -> Dict[str, float]:
    """Recall of relations beyond ten tokens, and of labels with fewer than 30 in training."""
    nlp = spacy.load(model)
    extractor = find_extractor(nlp)
    symmetric = extractor.schema.symmetric_labels if extractor is not None else ()
    n_seen = Counter(rel.label for doc in train for rel in get_relations(doc))
    examples, _ = predict(nlp, docs, gold_entities=given, gold_tokens=True, limit=0, progress=iter)
    found: Dict[str, List[bool]] = {group: [] for group in _GROUPS}
    for eg in examples:
        keys = relation_keys(get_relations(eg.predicted), symmetric)
        for rel in get_relations(eg.reference):
            right = relation_key(rel, symmetric) in keys
            if _distance(rel) > 10:
                found[_GROUPS[0]].append(right)
            if n_seen[rel.label] < 30:
                found[_GROUPS[1]].append(right)
    return {group: statistics.fmean(rights) for group, rights in found.items() if rights}


def _distance(rel: Relation) -> int:
    return max(rel.head.start, rel.tail.start) - min(rel.head.end, rel.tail.end)


def table(results: Dict[Tuple[str, str], List[Dict[str, Any]]]) -> str:
    """Means over the seeds, in Markdown."""
    columns = ["data set", "documents", "seeds", "micro F1", "macro F1", *_GROUPS]
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for (name, size), runs in results.items():
        scores = [[s["rel_micro_f"] for s in runs], [s["rel_macro_f"] for s in runs]]
        for group in _GROUPS:
            scores.append([s["recall"][group] for s in runs if group in s["recall"]])
        cells = [f"{100 * statistics.fmean(values):.1f}" if values else "" for values in scores]
        lines.append(f"| {name} | {size} | {len(runs)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = make_parser(__doc__, seeds=[0, 1, 2])
    parser.set_defaults(output=Path("benchmarks/results/few_documents"))
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=DATASETS)
    parser.add_argument(
        "--sizes", nargs="+", default=["50", "100"], choices=[*map(str, SIZES), "all"]
    )
    parser.add_argument("--on", default="test", choices=["check", "test"])
    args, more = parser.parse_known_args(arguments)
    if (Path(args.encoder) / "config.cfg").is_file():
        args.datasets = [name for name in args.datasets if DATASETS[name].given]
    results: Dict[Tuple[str, str], List[Dict[str, Any]]] = defaultdict(list)
    for name in args.datasets:
        prepare(name, args.data, args.output / name, args.seeds)
        for size in args.sizes:
            for seed in args.seeds:
                scores = run(name, size, seed, args.on, args.output, args.encoder, more)
                results[name, size].append(scores)
    text = table(results)
    print(f"python benchmarks/few_documents.py {' '.join(arguments or sys.argv[1:])}\n\n{text}")
    (args.output / f"{args.on}.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
