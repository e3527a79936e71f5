"""Relations that come task by task: what `spacy rel add-labels` forgets, against joint training.

    python benchmarks/incremental.py DATA ENCODER [--train 60] [--test 20] [--tasks 8] [--ways ...]
        [--model LabelPair]

DATA holds the folder fewrel_train64, whose 64 relations come in tasks of equal size, in a random order,
and wikidata_properties, which describes them; LabelPair reads that, SpanPair knows examples alone.
The pipeline is trained on the first task; each further one is added by ``rel_component.add_labels`` with
the sentences of its own labels and a memory of ten of each earlier label. ENCODER stays as it is, or
learns adapters with ``--adapters``. Afterwards the pair of a sentence is given, and the most probable of
all labels that were seen until then counts: accuracy after each task, and that of a training on all of
them at once. The results are printed as Markdown.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from rel_component import RelationSchema, add_labels
from rel_component.annotations import get_relations, set_relations
from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.corpora.corpus import make_examples
from rel_component.evolution.learning import Hyperparameters, choose_memory, learn, prepare
from rel_component.pipelines import find_extractor
from rel_component.relation_types import RelationType
from rel_component.spacy_files import write_docs
from rel_component.targets import make_targets

sys.path.append(str(Path(__file__).parent.parent / "scripts"))

from wikidata_properties import read_properties

WAYS: Dict[str, Dict[str, Any]] = {
    "add-labels, memory": {"memory": True},
    "add-labels": {},
    "fine-tuning": {"complete": True, "distillation": 0.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--train", type=int, default=60, help="sentences of a relation")
    parser.add_argument("--test", type=int, default=20, help="sentences of a relation")
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--memory", type=int, default=10, help="sentences of each earlier label")
    parser.add_argument("--model", choices=("SpanPair", "LabelPair"), default="SpanPair")
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--adapters", type=int, help="their rank; none: the encoder learns nothing")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learn-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0, help="of the order, and of the draw")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    types, docs = read_fewrel(args.data)
    labels = list(types)
    rng.shuffle(labels)
    train, test = {}, {}
    for label in labels:
        drawn = rng.sample(docs[label], args.train + args.test)
        train[label], test[label] = drawn[: args.train], drawn[args.train :]
    size = len(labels) // args.tasks
    tasks = [labels[start : start + size] for start in range(0, len(labels), size)]
    hyperparameters = Hyperparameters(
        epochs=args.epochs,
        learn_rate=args.learn_rate,
        batch_size=args.batch_size,
        train=("shared_encoder",) if args.adapters else (),
        seed=args.seed,
    )
    print("| | " + " | ".join(str(size * (i + 1)) for i in range(len(tasks))) + " | CPU s |")
    print("|---" * (len(tasks) + 2) + "|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors: Optional[Dict[str, Any]] = None if args.adapters else {}
        start = time.process_time()
        learned = partial(
            trained,
            args.encoder,
            hyperparameters=hyperparameters,
            vectors=vectors,
            rank=args.adapters,
            architecture=args.model,
        )
        nlp = learned([types[label] for label in labels], sentences(labels, train))
        found = answers(nlp, labels, test)
        print_row("all at once", ["-"] * (len(tasks) - 1) + [percent(found)], start)
        first = learned([types[label] for label in tasks[0]], sentences(tasks[0], train))
        first.to_disk(folder / "first")
        before = percent(answers(first, tasks[0], test))
        for way in args.ways:
            start = time.process_time()
            nlp = load(folder / "first", vectors)
            cells = [before]
            for i in range(1, len(tasks)):
                options = dict(WAYS[way])
                if options.pop("memory", False):
                    options["memory"] = folder / "memory.spacy"
                    write_docs(remembered(tasks[:i], train, args.memory), options["memory"])
                place = folder / f"{way}{i}"
                added = [types[label] for label in tasks[i]]
                with_task(nlp, added, train, test, place, options, hyperparameters)
                nlp = load(place, vectors)
                found = answers(nlp, [label for task in tasks[: i + 1] for label in task], test)
                cells.append(percent(found))
            print_row(way, cells, start)
            print(f"<!-- {way}: {confusions(found)} -->", flush=True)


def print_row(name: str, cells: Sequence[str], start: float) -> None:
    print(f"| {name} | {' | '.join(cells)} | {time.process_time() - start:.0f} |", flush=True)


def read_fewrel(data: Path) -> Tuple[Dict[str, RelationType], Dict[str, List[Doc]]]:
    """Relations by name, in the order of their ids, and the sentences of each with distinct mentions."""
    properties = read_properties(data)
    path = data / "fewrel_train64" / "train_wiki_sample.json"
    found: Dict[str, List[Doc]] = {}
    for doc in convert_file(path, "fewrel", spacy.blank("en"), Report(on_error="skip")):
        for rel in get_relations(doc)[:1]:
            doc.set_ents(sorted((rel.head, rel.tail)))
            doc.spans.clear()
            set_relations(doc, [(rel.head, properties[rel.label].label, rel.tail)])
            found.setdefault(rel.label, []).append(doc)
    types = [properties[key] for key in sorted(found)]
    return {kind.label: kind for kind in types}, {
        properties[key].label: found[key] for key in found
    }


def sentences(labels: Sequence[str], by_label: Dict[str, List[Doc]]) -> List[Doc]:
    """The sentences of some labels."""
    return [doc for label in labels for doc in by_label[label]]


def trained(
    encoder: Path,
    types: Sequence[RelationType],
    docs: Sequence[Doc],
    hyperparameters: Hyperparameters,
    vectors: Optional[Dict[str, Any]],
    rank: Optional[int] = None,
    architecture: str = "SpanPair",
) -> Language:
    """A pipeline that has learned some labels, over an encoder or adapters of some rank in it."""
    nlp = spacy.blank("en", vocab=docs[0].vocab)
    spacy.util.fix_random_seed(hyperparameters.seed)
    name = "rel_component.Encoder.v1"
    model = {"@architectures": name, "name": str(encoder), "adapter_rank": rank or 0}
    nlp.add_pipe("shared_encoder", config={"model": model})
    listener = {"@architectures": "rel_component.EncoderListener.v1"}
    pair_model = {"@architectures": f"rel_component.{architecture}.v1", "tok2vec": listener}
    extractor = nlp.add_pipe("relation_extractor", config={"model": pair_model})
    extractor.add_types(types)
    nlp.initialize(lambda: list(make_examples(nlp, docs)))
    encode_once(nlp, vectors)
    learn(nlp, prepare(nlp, docs, None), hyperparameters)
    return nlp


def load(folder: Path, vectors: Optional[Dict[str, Any]]) -> Language:
    """A saved pipeline."""
    nlp = spacy.load(folder)
    encode_once(nlp, vectors)
    return nlp


def encode_once(nlp: Language, vectors: Optional[Dict[str, Any]]) -> None:
    """Let an encoder that learns nothing look up the vectors of texts that are known.

    Args:
        nlp: the pipeline.
        vectors: those of the tokens of each text, which are added to; None: the encoder learns.
    """
    if vectors is None:
        return
    encoder: Any = nlp.get_pipe("shared_encoder")
    encode = encoder.predict

    def look_up(docs: Sequence[Doc]) -> List[Any]:
        missing = [doc for doc in docs if doc.text not in vectors]
        vectors.update(zip((doc.text for doc in missing), encode(missing) if missing else ()))
        return [vectors[doc.text] for doc in docs]

    encoder.predict = look_up


def remembered(
    tasks: Sequence[Sequence[str]], train: Dict[str, List[Doc]], per_label: int
) -> List[Doc]:
    """Sentences of each task, chosen when it came and asked about its labels alone."""
    found = []
    for labels in tasks:
        docs = sentences(labels, train)
        found += choose_memory(docs, labels, per_label, 0, "rel")
    return found


def with_task(
    nlp: Language,
    types: Sequence[RelationType],
    train: Dict[str, List[Doc]],
    test: Dict[str, List[Doc]],
    folder: Path,
    options: Dict[str, Any],
    hyperparameters: Hyperparameters,
) -> None:
    """Teach a pipeline more labels, and write it to its own folder."""
    labels = [kind.label for kind in types]
    for name, part in (("new", train), ("test", test)):
        write_docs(sentences(labels, part), folder.with_name(f"{name}.spacy"))
    add_labels(
        nlp,
        RelationSchema(types),
        folder.with_name("new.spacy"),
        folder,
        dev=folder.with_name("test.spacy"),
        per_label=0,  # they are chosen already
        hyperparameters=hyperparameters,
        **options,
    )


def answers(
    nlp: Language, labels: Sequence[str], test: Dict[str, List[Doc]]
) -> List[Tuple[str, str]]:
    """The label of each sentence, and the most probable one of its pair."""
    extractor = find_extractor(nlp)
    columns = [extractor.output_labels.index(label) for label in labels]
    examples = prepare(nlp, sentences(labels, test), None)
    found = []
    for start in range(0, len(examples), 64):
        batch = examples[start : start + 64]
        candidates, values = extractor.predict([eg.predicted for eg in batch])
        targets = make_targets(batch, candidates, extractor.attr)
        for row in numpy.flatnonzero(targets.positive):
            gold = extractor.labels[int(targets.values[row].argmax())]
            found.append((gold, labels[int(values[row, columns].argmax())]))
    return found


def percent(found: Sequence[Tuple[str, str]]) -> str:
    """The share of right answers."""
    return f"{100 * sum(gold == said for gold, said in found) / len(found):.1f}"


def confusions(found: Sequence[Tuple[str, str]], n: int = 5) -> str:
    """The most frequent mistakes."""
    counts = Counter(f"{gold} as {said}" for gold, said in found if gold != said)
    return ", ".join(f"{pair} {count}" for pair, count in counts.most_common(n))


if __name__ == "__main__":
    main()
