"""What weakly labelled documents add to a few annotated ones.

    python benchmarks/distant.py DATA GENERAL ENCODER [--annotated 100] [--weak 500] [--updates 300]

DATA holds knowledgenet. Facts are those that its second fold states between names; texts are the
passages of that fold without their annotations: GENERAL finds the mentions, ``rel distant`` annotates
them; with ``agree`` GENERAL has a say as well, which is asked about the labels by their descriptions.
SpanPair over ENCODER, which learns nothing, is trained on annotated passages of the first fold, alone
and with weak ones, with the same number of updates, and a hundred others choose the threshold. Strict
micro F1 on 300 passages of the third fold, arguments given, is printed as Markdown.
"""

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import spacy
import srsly
from incremental import encode_once
from spacy.language import Language
from spacy.tokens import Doc, Span
from zero_shot import KNOWLEDGENET, passages

from rel_component import RelationSchema
from rel_component.annotations import get_relations, set_relations
from rel_component.corpora.corpus import make_examples
from rel_component.evaluation.counts import PRF
from rel_component.evolution.learning import Hyperparameters, learn, prepare, score_labels
from rel_component.evolution.weak_labels import Facts, weak_labels
from rel_component.pipelines import find_extractor
from rel_component.relation_types import RelationType
from rel_component.types import Relation

BATCH_SIZE = 8
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
TYPES = {
    "person": "PERSON",
    "organization": "ORG",
    "school": "ORG",
    "party": "ORG",
    "place": "LOC",
    "country": "LOC",
    "date": "DATE",
}
PRONOUNS = {
    "he",
    "she",
    "his",
    "her",
    "it",
    "its",
    "they",
    "their",
    "him",
    "who",
    "i",
    "my",
    "we",
    "our",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("general", type=Path, help="folder of the general pipeline")
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--annotated", type=int, default=100, help="documents")
    parser.add_argument("--texts", type=int, default=700, help="passages to look for facts in")
    parser.add_argument("--weak", type=int, default=500, help="documents, at most")
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = parser.parse_args()
    nlp = spacy.load(args.general)
    path = args.data / "knowledgenet" / "folds123.jsonl"
    labels = set(KNOWLEDGENET)
    few, test = (list(passages(path, nlp, [fold], labels)) for fold in (1, 3))
    for docs in (few, test):
        random.Random(0).shuffle(docs)
    few, dev, test = few[: args.annotated], few[args.annotated :][:100], test[:300]
    plain, agreed = weak(path, nlp, args.texts, args.weak)
    vectors: Dict[str, Any] = {}
    print("| trained on | documents | relations | seed | threshold | P | R | F1 | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, docs in {
        "annotated": few,
        "annotated and weak": few + plain,
        "annotated and weak, agreed": few + agreed,
    }.items():
        n_relations = sum(len(get_relations(doc)) for doc in docs)
        for seed in args.seeds:
            start = time.process_time()
            trained = train(docs, args.encoder, vectors, args.updates, seed)
            threshold = max(THRESHOLDS, key=lambda value: score(trained, dev, value).f1)
            counts = score(trained, test, threshold)
            figures = (counts.precision, counts.recall, counts.f1)
            row = " | ".join(f"{100 * figure:.1f}" for figure in figures)
            row = f"{threshold} | {row}"
            seconds = time.process_time() - start
            print(
                f"| {name} | {len(docs)} | {n_relations} | {seed} | {row} | {seconds:.0f} |",
                flush=True,
            )


def score(nlp: Language, docs: List[Doc], threshold: float) -> PRF:
    """The counts of all labels."""
    extractor: Any = find_extractor(nlp)
    extractor.decoder = replace(extractor.decoder, threshold=threshold)
    return sum(score_labels(nlp, docs, given=True).counts.values(), PRF())


def weak(path: Path, nlp: Language, n_texts: int, n: int) -> Tuple[List[Doc], List[Doc]]:
    """Weakly labelled passages of the second fold: all, and those that a pipeline agrees with."""
    records = [record for record in srsly.read_jsonl(path) if record["fold"] == 2]
    random.Random(0).shuffle(records)
    records = records[:n_texts]
    facts = Facts(fact for record in records for fact in named_facts(record))
    with nlp.select_pipes(disable=[find_extractor(nlp).name]):
        parsed = {doc.text: doc for doc in nlp.pipe(record["text"] for record in records)}
    known = spacy.blank("en", vocab=nlp.vocab)  # what finds mentions, once for both
    known.tokenizer = lambda text: parsed[text].copy()
    find_extractor(nlp).set_schema(typed_schema())
    found = []
    for agree in (None, nlp):
        result = weak_labels(known, parsed, facts, agree=agree)
        print(f"<!-- {'agreed' if agree else 'all'}: {result.to_dict()} -->", flush=True)
        random.Random(0).shuffle(result.docs)
        found.append([untyped(doc) for doc in result.docs[:n]])
    return found[0], found[1]


def named_facts(record: Dict[str, Any]) -> Iterator[Tuple[str, str, str]]:
    """The facts that a passage states between names."""
    for fact in record["facts"]:
        head, tail = (record["text"][slice(*fact[end])] for end in ("head", "tail"))
        if fact["label"] in KNOWLEDGENET and not {head.lower(), tail.lower()} & PRONOUNS:
            yield head, fact["label"], tail


def typed_schema() -> RelationSchema:
    """The labels with the types of entities that the general pipeline finds."""
    return RelationSchema(
        RelationType(label, text, (TYPES[head],), (TYPES[tail],))
        for label, (text, head, tail) in KNOWLEDGENET.items()
    )


def untyped(doc: Doc) -> Doc:
    """A document as passages are, whose entities are of one type."""
    places = [
        (rel.head.start, rel.head.end, rel.label, rel.tail.start, rel.tail.end)
        for rel in get_relations(doc)
    ]
    entities = {
        (span.start, span.end): Span(doc, span.start, span.end, label="ENTITY") for span in doc.ents
    }
    doc.set_ents(list(entities.values()))
    found = [Relation(entities[a, b], label, entities[c, d]) for a, b, label, c, d in places]
    set_relations(doc, found)
    return doc


def train(
    docs: List[Doc], encoder: Path, vectors: Dict[str, Any], updates: int, seed: int
) -> Language:
    """A pipeline that has learned from documents."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en", vocab=docs[0].vocab)
    model = {"@architectures": "rel_component.Encoder.v1", "name": str(encoder)}
    nlp.add_pipe("shared_encoder", config={"model": model})
    listener = {"@architectures": "rel_component.EncoderListener.v1"}
    pair_model = {"@architectures": "rel_component.SpanPair.v1", "tok2vec": listener}
    extractor = nlp.add_pipe("relation_extractor", config={"model": pair_model})
    for label in sorted(KNOWLEDGENET):
        extractor.add_label(label)
    nlp.initialize(lambda: list(make_examples(nlp, docs[:100])))
    encode_once(nlp, vectors)
    epochs = max(round(updates * BATCH_SIZE / len(docs)), 1)
    hyperparameters = Hyperparameters(epochs=epochs, batch_size=BATCH_SIZE, seed=seed)
    learn(nlp, prepare(nlp, docs, None, given=True), hyperparameters)
    return nlp


if __name__ == "__main__":
    main()
