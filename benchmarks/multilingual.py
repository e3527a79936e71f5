"""Relations in German by a pair model that learned from English alone.

    python benchmarks/multilingual.py DATA --encoder encoders/e5_small [--seeds ...] [--passes ...]

DATA holds the folders fewrel, fewrel_train64 and fewrel_de: 50 German sentences, translated from FewRel,
of each of 19 relations, and 50 of OTHER, which is no relation here. The mentions are given. SpanPair
learns from English sentences of the 19 relations, and from some of all others as OTHER; the embeddings
of the encoder are frozen and its attention has no dropout.

The English test has as many sentences of a relation as the German one: first those that the German
ones were translated from, as far as they are here, then others. A sentence that shares many of its rare
words with a German one is never learned from. English is in lower case throughout, since FewRel's
training relations are in no other; German is read as it is written, and in lower case. Runs that are in
the output folder are not repeated. Unknown arguments are passed on to ``spacy train``.
"""

import json
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import spacy
import srsly
from accuracy import Dataset, make_parser, train_model

from rel_component.annotations import get_relations, set_relations
from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.documents import relation_keys
from rel_component.evaluation.evaluate import evaluate
from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema
from rel_component.spacy_files import write_docs

OTHER = "OTHER"
SYMMETRIC = ("P26", "P3373")  # spouse, sibling
N_TEST, N_DEV, N_TRAIN, N_TRAIN_OTHER = 50, 10, 100, 150
TESTS = {
    "english": "English",
    "german": "German, as it is written",
    "german_lower": "German, in lower case",
    "english_originals": "English, those that were translated",
    "german_originals": "German, the same sentences, as written",
}
SCORES = ("micro_p", "micro_r", "micro_f", "macro_f")
RECIPE = "transformer"
_ENCODER = "components.relation_extractor.model.tok2vec"
_RARE = 60  # sentences with a word
_MAYBE, _SURE = 0.3, 0.5  # shares of the rare words of a sentence that its translation has, too

Sentence = Dict[str, Any]  # of FewRel
Sentences = Dict[str, List[Sentence]]  # by relation


class Pair(NamedTuple):
    """A German sentence, and the English one that it may be a translation of."""

    share: float
    german: Sentence
    english: Sentence


def prepare(data: Path, folder: Path) -> None:
    """Write the documents of training and tests, unless that is done."""
    if (folder / "train.spacy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    parts = split(*read(data))
    labels = sorted(parts["german"].keys() - {OTHER})
    schema = RelationSchema(RelationType(key, symmetric=key in SYMMETRIC) for key in labels)
    schema.to_file(folder / "schema.yaml")
    for part, sentences in reversed(parts.items()):  # train at last
        path = folder / f"{part}.json"
        path.write_text(json.dumps(sentences), encoding="utf8")
        docs = list(convert_file(path, "fewrel", spacy.blank("xx"), Report(on_error="skip")))
        for doc in docs:
            if get_relations(doc)[0].label == OTHER:
                set_relations(doc, [])
        write_docs(docs, folder / f"{part}.spacy")


def read(data: Path) -> Tuple[Sentences, Sentences]:
    """English and German sentences, with those of all other relations under OTHER."""
    german: Sentences = srsly.read_json(data / "fewrel_de" / "fewrelde.json")
    english: Sentences = {label: [] for label in german}
    for file in ("fewrel_train64/train_wiki_sample.json", "fewrel/val_wiki.json"):
        for label, sentences in srsly.read_json(data / file).items():
            english[label if label in german else OTHER] += map(lower, sentences)
    return english, german


def lower(sentence: Sentence) -> Sentence:
    return {**sentence, "tokens": [token.lower() for token in sentence["tokens"]]}


def split(english: Sentences, german: Sentences) -> Dict[str, Sentences]:
    """The sentences of each part, by relation."""
    rng = random.Random(0)
    names = ("train", "dev", *TESTS)
    parts: Dict[str, Sentences] = {name: {label: [] for label in german} for name in names}
    parts["german"] = german
    parts["german_lower"] = {label: list(map(lower, found)) for label, found in german.items()}
    pairs = find_originals(english, german)
    similar = {text(eg) for found in pairs.values() for _, _, eg in found}
    for label, sentences in english.items():
        sure = [pair for pair in pairs[label] if pair.share >= _SURE]
        parts["german_originals"][label] = [pair.german for pair in sure]
        originals = parts["english_originals"][label] = [pair.english for pair in sure]
        rest = [eg for eg in sentences if text(eg) not in similar]
        rng.shuffle(rest)
        test = parts["english"][label] = [*originals, *rest[: N_TEST - len(originals)]]
        seen = set(map(text, test))
        rest = [eg for eg in rest if text(eg) not in seen]
        parts["dev"][label] = rest[:N_DEV]
        n_train = N_TRAIN_OTHER if label == OTHER else N_TRAIN
        parts["train"][label] = rest[N_DEV : N_DEV + n_train]
    # a sentence may be one of several relations, each of another pair
    kept = {
        text(eg) for name in ("dev", "english") for found in parts[name].values() for eg in found
    }
    for label, sentences in parts["train"].items():
        parts["train"][label] = [eg for eg in sentences if text(eg) not in kept]
    return parts


def text(sentence: Sentence) -> str:
    return " ".join(sentence["tokens"])


def find_originals(english: Sentences, german: Sentences) -> Dict[str, List[Pair]]:
    """For each German sentence the most similar English one, by the names and numbers in both.

    Returns:
        Pairs of the same relation, of which no English sentence is in two.
    """
    counts = Counter(word for found in english.values() for eg in found for word in words(eg))
    pairs: Dict[str, List[Pair]] = {}
    for label, sentences in german.items():
        rare = [{word for word in words(eg) if counts[word] < _RARE} for eg in english[label]]
        places: Dict[str, List[int]] = defaultdict(list)
        for i, found in enumerate(rare):
            for word in found:
                places[word].append(i)
        possible = []
        for k, sentence in enumerate(sentences):
            shared = Counter(i for word in words(sentence) for i in places.get(word, ()))
            possible += [(n / len(rare[i]), i, k) for i, n in shared.items() if n > 1]
        taken: Tuple[Set[int], Set[int]] = (set(), set())
        pairs[label] = []
        for share, i, k in sorted(possible, reverse=True):
            if share >= _MAYBE and i not in taken[0] and k not in taken[1]:
                taken[0].add(i)
                taken[1].add(k)
                pairs[label].append(Pair(share, sentences[k], english[label][i]))
    return pairs


def words(sentence: Sentence) -> Set[str]:
    return {word for word in re.split(r"\W+", text(sentence).lower()) if len(word) > 2}


def measure(folder: Path, target: Path) -> Dict[str, Dict[str, float]]:
    """Scores of a trained pipeline, by test."""
    nlp = spacy.load(target / "model-best")
    results = {}
    for part in TESTS:
        scores, mistakes = evaluate(
            nlp, folder / f"{part}.spacy", gold_entities=True, n_resamples=0
        )
        right = [
            relation_keys(get_relations(eg.predicted), SYMMETRIC)
            == relation_keys(get_relations(eg.reference), SYMMETRIC)
            for eg in mistakes.examples
        ]
        results[part] = {
            "documents": len(right),
            "right": sum(right) / len(right),
            **{key: scores[f"rel_{key}"] for key in SCORES},
        }
    return results


def table(results: Sequence[Dict[str, Dict[str, float]]]) -> str:
    """Means over the seeds, in Markdown."""
    columns = ["sentences", "all right", "P", "R", "micro F1", "macro F1"]
    lines = [f"| | {' | '.join(columns)} |", "|" + "---|" * (len(columns) + 1)]
    for part, name in TESTS.items():
        keys = ("right", *SCORES)
        means = [100 * sum(run[part][key] for run in results) / len(results) for key in keys]
        cells = " | ".join(f"{mean:.1f}" for mean in means)
        lines.append(f"| {name} | {results[0][part]['documents']:,} | {cells} |")
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run what is missing, and print the table."""
    parser = make_parser(__doc__, seeds=[0])
    parser.set_defaults(output=Path("benchmarks/results/multilingual"))
    parser.add_argument("--passes", type=int, default=5, help="over the training documents")
    args, more = parser.parse_known_args(arguments)
    prepare(args.data, args.output)
    settings = {
        f"{_ENCODER}.frozen_embeddings": True,
        f"{_ENCODER}.transformer_config": '{"attention_probs_dropout_prob": 0.0}',
        "corpora.train.augmenter.level": 0.0,  # the mentions have no types
        "paths.schema": str(args.output / "schema.yaml"),
        "paths.encoder": args.encoder,
    }
    dataset = Dataset({}, (), "rel_micro_f", 8, args.passes, {RECIPE: settings})
    flags = ["--gpu-id", str(args.gpu_id), *more]
    if args.precision is not None:
        flags += [f"--{_ENCODER}.precision", args.precision]
    results = []
    for seed in args.seeds:
        target = args.output / f"seed{seed}"
        if not (target / "scores.json").exists():
            paths = (args.output / "train.spacy", args.output / "dev.spacy")
            train_model(dataset, RECIPE, seed, paths, target, flags, evaluate_epochs=True)
            srsly.write_json(target / "scores.json", measure(args.output, target))
        results.append(srsly.read_json(target / "scores.json"))
    print(f"python benchmarks/multilingual.py {' '.join(arguments or sys.argv[1:])}\n")
    print(table(results))


if __name__ == "__main__":
    main()
