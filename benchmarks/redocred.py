"""Relations of whole documents on Re-DocRED: EntityPair beside ATLOP, over one encoder, in one run.

    python benchmarks/redocred.py DATA --encoder FOLDER [--passes 20] [--models ...] [--test]

DATA is the folder of Re-DocRED's files. Its development part is split once and for all into 400
documents to learn from and 100 to choose by; with ``--test`` both models are read on the test part
as well, once. Mentions and clusters are given. Both models see the same documents as often, in
batches of four, and are taken as they are at the end. Runs that are in the output folder are not
repeated. Ign F1 leaves out facts of the documents that were learned from. ``--clusters`` scores
EntityPair with other clusters besides: those of the rules, none, or those that a pipeline with a
coref_resolver, made by ``benchmarks/coreference.py``, finds among the mentions. Unknown arguments are
passed on to ``spacy train``.
"""

import argparse
import random
import resource
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import atlop
import spacy
import srsly
import torch
from accuracy import CONFIGS, run_spacy
from coreference import KEY as CLUSTERED
from spacy.tokens import Doc
from spacy.training import Example

from rel_component.converters.documents import read_documents
from rel_component.converters.report import Report
from rel_component.evaluation.document_scores import (
    Entities,
    document_relations,
    read_entity_facts,
    score_entities,
)
from rel_component.evaluation.evaluate import predict_docs
from rel_component.mentions import replace_clusters
from rel_component.schema import RelationSchema
from rel_component.spacy_files import read_docs, write_docs

N_TRAIN = 400
_GROUP = "mentions"

GIVEN = {
    "nlp.pipeline": '["shared_encoder","relation_extractor"]',
    "corpora.train.gold_entities": "true",
    "corpora.dev.gold_entities": "true",
    "corpora.dev.gold_clusters": "true",
    "initialize.after_init.annotate_after": "null",
    "training.score_weights.ents_f": "0.0",
    "training.score_weights.rel_micro_f": "1.0",
    # thresholds are those that each pair has learned, as ATLOP's
    "training.before_to_disk": "null",
    "initialize.after_init.evaluations": "1",
    "initialize.after_init.patience": "0.0",
}
"""Settings of ``document.cfg`` for given mentions and clusters."""

_Scores = Dict[str, Any]


def convert(data: Path, folder: Path, limits: Dict[str, int], parts: Sequence[str]) -> None:
    """Write the parts as .spacy files, and the schema of the documents to learn from."""
    for part in parts:
        file = data / ("test_revised.json" if part == "test" else "dev_revised.json")
        if (folder / f"{part}.spacy").exists():
            continue
        nlp, report = spacy.blank("en"), Report(on_error="skip")
        docs = list(read_documents(file, nlp, report, format_name="docred", spans_key=_GROUP))
        if part != "test":
            random.Random(0).shuffle(docs)
            docs = docs[:N_TRAIN] if part == "train" else docs[N_TRAIN:]
            docs = docs[: limits[part]]
        folder.mkdir(parents=True, exist_ok=True)
        write_docs(docs, folder / f"{part}.spacy")
        if part == "train":
            schema = RelationSchema.from_docs(docs)
            # both directions of a relation are annotated, and each counts
            types = [
                replace(kind, symmetric=False, asymmetric=False, inverse=None)
                for kind in schema.values()
            ]
            RelationSchema(types).to_file(folder / "schema.yaml")


def run_entity_pair(folder: Path, target: Path, args: argparse.Namespace, more: List[str]) -> None:
    """Train the recipe with given mentions and clusters."""
    settings = {
        **GIVEN,
        "paths.train": folder / "train.spacy",
        "paths.dev": folder / "dev.spacy",
        "paths.schema": folder / "schema.yaml",
        "paths.encoder": args.encoder,
        "system.seed": args.seed,
        "initialize.after_init.passes": args.passes,
    }
    flags = [text for key, value in settings.items() for text in (f"--{key}", str(value))]
    config = str(CONFIGS / "document.cfg")
    run_spacy(["train", config, "--output", str(target), *flags, *more], target / "train.log")


def score_entity_pair(
    target: Path, docs: Sequence[Doc], facts: Any, clusters: str = "given"
) -> _Scores:
    """Scores of a trained pipeline, with given clusters or others, see :func:`with_clusters`."""
    nlp = spacy.load(target / "model-last")
    found = docs if clusters == "given" else with_clusters(docs, clusters)
    examples, _ = predict_docs(nlp, found, gold_entities=True, gold_tokens=True, progress=iter)
    relations = (
        document_relations(Example(eg.predicted, doc), spans_key=_GROUP)
        for eg, doc in zip(examples, docs)
    )
    return score_entities(relations, facts)


def with_clusters(docs: Sequence[Doc], source: str) -> List[Doc]:
    """The documents with no clusters (``none``), those of ``rules``, or those of a pipeline."""
    nlp = spacy.blank("en")
    if source == "rules":
        nlp.add_pipe("name_coref", config={"spans_key": _GROUP})
    elif source != "none":
        nlp = spacy.load(source, exclude=["span_recognizer"])
    copies = []
    for doc in docs:
        copy = Doc(nlp.vocab).from_bytes(doc.to_bytes())
        replace_clusters(copy, [])
        copy.spans[CLUSTERED] = copy.spans[_GROUP]
        copies.append(nlp(copy))
    return copies


def run_atlop(folder: Path, target: Path, args: argparse.Namespace, more: List[str]) -> None:
    """Train ATLOP on the same documents."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)  # as the recipe has it
    labels = RelationSchema.from_file(folder / "schema.yaml").labels
    model = atlop.Atlop(args.encoder, 1 + len(labels))
    docs = list(read_docs(folder / "train.spacy", spacy.blank("en")))
    atlop.train(
        model,
        [(_read(model, doc), document_relations(Example(doc, doc))) for doc in docs],
        labels,
        passes=args.passes,
        rates=tuple(args.atlop_rates),
        seed=args.seed,
    )
    torch.save(model.state_dict(), target / "atlop.pt")
    srsly.write_json(target / "atlop.json", [args.encoder, labels])


def score_atlop(target: Path, docs: Sequence[Doc], facts: Any) -> _Scores:
    """Scores of a trained ATLOP."""
    encoder, labels = srsly.read_json(target / "atlop.json")
    model = atlop.Atlop(encoder, 1 + len(labels))
    model.load_state_dict(torch.load(target / "atlop.pt", weights_only=True))
    relations = [document_relations(Example(doc, doc)) for doc in docs]
    for one, doc in zip(relations, docs):
        one.predicted = atlop.predict(model, _read(model, doc), labels)
    return score_entities(relations, facts)


def _read(model: atlop.Atlop, doc: Doc) -> atlop.Input:
    members = Entities(doc, ()).members
    return model.read(doc, [[(span.start, span.end) for span in group] for group in members])


MODELS: Dict[str, Sequence[Callable[..., Any]]] = {
    "EntityPair": (run_entity_pair, score_entity_pair),
    "ATLOP": (run_atlop, score_atlop),
}
COLUMNS = {
    "all": "F1",
    "new_facts": "Ign F1",
    "within_sentence": "intra",
    "across_sentences": "inter",
    "far": "inter > 5",
    "evidence": "evidence F1",
}


def run(name: str, folder: Path, args: argparse.Namespace, more: List[str]) -> _Scores:
    """Train and score one model, unless that is done; its scores by part, and CPU seconds."""
    train, score = MODELS[name]
    target = folder / name / f"seed{args.seed}"
    path = target / "scores.json"
    scores: _Scores = srsly.read_json(path) if path.exists() else {}
    if not scores:
        target.mkdir(parents=True, exist_ok=True)
        start, wall = _cpu_seconds(), time.perf_counter()
        train(folder, target, args, more)
        scores["cpu_seconds"] = _cpu_seconds() - start
        scores["seconds"] = time.perf_counter() - wall
    facts = read_entity_facts(read_docs(folder / "train.spacy", spacy.blank("en")))
    sources = ["given", *(args.clusters if name == "EntityPair" else [])]
    for part, source in product(["dev", *(["test"] if args.test else [])], sources):
        key = part if source == "given" else f"{part}, {Path(source).name} clusters"
        if key not in scores:
            docs = list(read_docs(folder / f"{part}.spacy", spacy.blank("en")))
            scores[key] = score(target, docs, facts, *([] if source == "given" else [source]))
    srsly.write_json(path, scores)
    return scores


def _cpu_seconds() -> float:
    """Of this process and those that it has waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(one.ru_utime + one.ru_stime for one in used)


def table(results: Dict[str, _Scores], passes: float) -> str:
    """The scores in Markdown."""
    lines = [
        f"| model | part | {' | '.join(COLUMNS.values())} | P | R | CPU s a pass |",
        f"|{'---|' * (len(COLUMNS) + 5)}",
    ]
    for name, scores in results.items():
        for part, found in scores.items():
            if part.startswith(("dev", "test")):
                cells = [f"{100 * found[group]['f']:.2f}" for group in COLUMNS]
                cells += [f"{100 * found['all'][key]:.2f}" for key in "pr"]
                cells.append(f"{scores['cpu_seconds'] / passes:.0f}")
                lines.append(f"| {name} | {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", required=True, help="a folder, or a name on a hub")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--passes", type=float, default=20)
    parser.add_argument("--n-train", type=int, default=N_TRAIN, help="the most documents")
    parser.add_argument("--n-dev", type=int, default=100, help="the most documents")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--clusters", nargs="+", default=[], help="rules, none, or the folder of a pipeline"
    )
    parser.add_argument("--test", action="store_true", help="read the test part, too")
    parser.add_argument(
        "--atlop-rates",
        type=float,
        nargs=2,
        default=[1e-4, 5e-4],
        help="learning rates of its encoder and of its new layers; the paper's: 5e-5 1e-4",
    )
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/redocred"))
    args, more = parser.parse_known_args(arguments)
    parts = ["train", "dev", *(["test"] if args.test else [])]
    convert(args.data, args.output, {"train": args.n_train, "dev": args.n_dev}, parts)
    results = {name: run(name, args.output, args, more) for name in args.models}
    text = table(results, args.passes)
    print(f"python benchmarks/redocred.py {' '.join(arguments or sys.argv[1:])}\n\n{text}")
    (args.output / "redocred.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
