"""Relations that no training had, by what a schema says of them.

    python benchmarks/zero_shot.py DATA [--trained PIPELINE] [--untrained ENCODER] [--only ...]

PIPELINE is the general pipeline, which is trained without the relations of FewRel's validation part;
DATA holds fewrel, fewrel_train64, conll04, knowledgenet and wikidata_properties. ENCODER is compared as
it is, without training. Everything is measured on parts that were not trained on: FewRel's validation
part, CoNLL04's development part, the third fold of KnowledgeNet, six of the domains in assets/, and
sentences of assets/ in which mentions occur together without a relation.

FewRel: the pair is given, one of m relations holds, macro F1; and episodes of 5 relations with 1 or 5
examples of each, which move the vectors of the labels, accuracy. CoNLL04, KnowledgeNet and domains:
mentions are given, all pairs of a sentence or passage are asked about all labels, strict micro F1; a
passage of KnowledgeNet about the properties alone that were annotated in it, one or two as a rule.
"""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config

from rel_component.annotations import get_relations
from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.corpora.corpus import make_examples
from rel_component.models.pairs.label_scorer import mean_prototype
from rel_component.pipeline.label_reading import moved_by_examples
from rel_component.pipelines import find_extractor
from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema
from rel_component.targets import make_targets

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "scripts"))

from general_corpus import KNOWLEDGENET, passages, read_marked  # noqa: E402
from wikidata_properties import read_properties  # noqa: E402

SPLITS = {5: "fewrel_m5_ori", 10: "fewrel_m10_ori", 15: "fewrel_m15_ori"}
DOMAINS = ("claims", "encounters", "games", "geology", "jobs", "labs")  # no training has seen them
ONLY = ("fewrel", "few_shot", "conll04", "knowledgenet", "domains", "unrelated", "speed")
N_EPISODES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--trained", type=Path, help="folder of a pipeline")
    parser.add_argument("--untrained", type=Path, help="folder of an encoder")
    parser.add_argument("--only", nargs="+", choices=ONLY, default=list(ONLY))
    parser.add_argument("--offset", type=float, help="of the labels; chosen if it is not given")
    parser.add_argument("--most", type=int, default=100, help="sentences of a relation of FewRel")
    args = parser.parse_args()
    pipelines = {}
    if args.trained:
        # mentions are given
        pipelines["trained"] = spacy.load(args.trained, exclude=["span_recognizer"])
    if args.untrained:
        pipelines["untrained"] = untrained(args.untrained)
    for name, nlp in pipelines.items():
        if {"fewrel", "few_shot"} & set(args.only):
            vectors, labels, gold, ids = fewrel_vectors(nlp, args.data, args.most)
        if "fewrel" in args.only:
            splits = srsly.read_json(args.data / "fewrel_train64" / "unseen_relations.json")
            for m, split in SPLITS.items():
                score = macro_f1(vectors, labels, gold, [ids.index(key) for key in splits[split]])
                print(f"{name}: FewRel, {m} relations: macro F1 {100 * score:.1f}", flush=True)
        if "few_shot" in args.only:
            none = mean_prototype(find_extractor(nlp).model.get_ref("output_layer"))
            for shots in (1, 5):
                score = episodes(vectors, labels, none, gold, shots)
                print(f"{name}: FewRel, 5-way {shots}-shot: accuracy {100 * score:.1f}", flush=True)
        offset = None
        if name == "trained" and {*DATA_SETS, "domains", "unrelated"} & set(args.only):
            offset = best_offset(nlp, args.data) if args.offset is None else args.offset
            print(f"{name}: offset of the labels {offset:.1f}", flush=True)
        for data_set in ("conll04", "knowledgenet"):
            if data_set in args.only:
                scores = score_pairs(nlp, *DATA_SETS[data_set](nlp, args.data), offset)
                p, r, f = (100 * scores[f"rel_micro_{key}"] for key in "prf")
                print(f"{name}: {data_set}: P {p:.1f} R {r:.1f} micro F1 {f:.1f}", flush=True)
        if "domains" in args.only:
            found = [score_pairs(nlp, *read_domain(nlp, domain), offset) for domain in DOMAINS]
            p, r, f = (100 * numpy.mean([x[f"rel_micro_{key}"] for x in found]) for key in "prf")
            print(f"{name}: mean of domains: P {p:.1f} R {r:.1f} micro F1 {f:.1f}", flush=True)
        if "unrelated" in args.only:
            print(
                f"{name}: fires in {unrelated(nlp, offset)} of 100 unrelated sentences", flush=True
            )
        if "speed" in args.only:
            for n_labels in (20, 1000):
                rate = speed(nlp, args.data, n_labels)
                print(
                    f"{name}: {rate:.0f} sentences a CPU second with {n_labels} labels", flush=True
                )


def untrained(encoder: Path) -> Language:
    """The pipeline of configs/general.cfg before training."""
    config = Config().from_disk(ROOT / "configs" / "general.cfg", interpolate=False)
    config["paths"]["encoder"] = str(encoder)
    config["initialize"]["after_init"] = None
    nlp: Language = spacy.util.load_model_from_config(config.interpolate(), auto_fill=True)
    nlp.config["initialize"]["components"] = {"relation_extractor": {"labels": ["related"]}}
    doc = nlp.get_pipe("sentencizer")(nlp.make_doc("Ada met Bo"))
    nlp.initialize(lambda: [Example(doc, doc)])
    return nlp


def encoded(nlp: Language, docs: Sequence[Doc]) -> List[Doc]:
    """Documents with all that the relation extractor reads."""
    stream: Any = list(docs)
    for name, pipe in nlp.pipeline:
        if name != find_extractor(nlp).name:
            stream = pipe.pipe(stream) if hasattr(pipe, "pipe") else map(pipe, stream)
    return list(stream)


def fewrel_vectors(nlp: Language, data: Path, most: int) -> Tuple[Any, Any, Any, List[str]]:
    """Vectors of pairs and labels, the label of each pair, and the ids of the labels."""
    from rel_component.models.pairs.label_pair import pair_vectors

    path = data / "fewrel" / "val_wiki.json"
    docs: Dict[str, List[Doc]] = {}
    for reference in convert_file(path, "fewrel", nlp, Report(on_error="skip")):
        for rel in get_relations(reference)[:1]:
            docs.setdefault(rel.label, []).append(reference)
    ids = sorted(docs)
    rng = random.Random(0)
    chosen = [(key, doc) for key in ids for doc in rng.sample(docs[key], most)]
    examples = list(make_examples(nlp, (doc for _, doc in chosen)))
    properties = read_properties(data)
    extractor = find_extractor(nlp)
    extractor.set_schema(RelationSchema(properties[key] for key in ids))
    labels = extractor.model.get_ref("output_layer").attrs["labels"]
    rows: List[Any] = []
    gold: List[int] = []
    for start in range(0, len(examples), 64):
        batch = examples[start : start + 64]
        predicted = encoded(nlp, [eg.predicted for eg in batch])
        candidates = extractor.predict(predicted).candidates
        vectors = pair_vectors(extractor.model, predicted, candidates)
        spans = candidates.mentions.spans[candidates.representatives[candidates.pairs]]
        for i, eg in enumerate(batch):
            rel = get_relations(eg.reference)[0]
            wanted = [[rel.head.start, rel.head.end], [rel.tail.start, rel.tail.end]]
            found = (spans == wanted).all(axis=(1, 2)) & (candidates.pair_docs == i)
            if found.any():  # not two mentions of the same tokens
                rows.append(vectors[found.argmax()])
                gold.append(ids.index(rel.label))
    return numpy.stack(rows), labels, numpy.asarray(gold), ids


def macro_f1(vectors: Any, labels: Any, gold: Any, chosen: List[int]) -> float:
    rows = numpy.isin(gold, chosen)
    predicted = numpy.asarray(chosen)[(vectors[rows] @ labels[chosen].T).argmax(axis=1)]
    scores = []
    for k in chosen:
        both = ((predicted == k) & (gold[rows] == k)).sum()
        scores.append(2 * both / max((predicted == k).sum() + (gold[rows] == k).sum(), 1))
    return float(numpy.mean(scores))


def episodes(vectors: Any, labels: Any, none: Any, gold: Any, shots: int) -> float:
    """Accuracy of one query of each of 5 relations, by label vectors that examples have moved."""
    rng = numpy.random.default_rng(0)
    rows = [numpy.flatnonzero(gold == k) for k in range(len(labels))]
    right = 0
    for _ in range(N_EPISODES):
        chosen = rng.choice(len(labels), 5, replace=False)
        picked = [rng.choice(rows[k], shots + 1, replace=False) for k in chosen]
        shown = vectors[numpy.concatenate([p[1:] for p in picked])]
        moved, shifts = moved_by_examples(
            labels[chosen], numpy.repeat(numpy.arange(5), shots), shown, none
        )
        queries = vectors[[p[0] for p in picked]]
        right += int(((queries @ moved.T + shifts).argmax(axis=1) == numpy.arange(5)).sum())
    return right / (5 * N_EPISODES)


def best_offset(nlp: Language, data: Path) -> float:
    """What is added to the log-odds of labels for the best micro F1 on other folds of KnowledgeNet."""
    extractor = find_extractor(nlp)
    references, schema = read_knowledgenet(nlp, data, folds=(1,))
    extractor.set_schema(schema, offset=0.0)
    examples = list(make_examples(nlp, references))
    docs = encoded(nlp, [eg.predicted for eg in examples])
    scores, targets = [], []
    for start in range(0, len(docs), 64):
        candidates, probabilities = extractor.predict(docs[start : start + 64])
        clipped = numpy.clip(probabilities.astype("float64"), 1e-12, 1 - 1e-6)
        scores.append(numpy.log(clipped / (1 - clipped)))
        targets.append(make_targets(examples[start : start + 64], candidates).values)
    log_odds, right = numpy.concatenate(scores), numpy.concatenate(targets) > 0

    def f1(offset: float) -> float:
        found = log_odds + offset > 0
        return float(2 * (found & right).sum() / max(found.sum() + right.sum(), 1))

    return max(numpy.arange(0, 12, 0.25).tolist(), key=f1)


def score_pairs(
    nlp: Language, references: Iterator[Doc], schema: RelationSchema, offset: Optional[float]
) -> Dict[str, Any]:
    """Scores of the relations between given mentions."""
    extractor = find_extractor(nlp)
    extractor.set_schema(schema, offset=offset)
    examples = list(make_examples(nlp, references))
    docs = encoded(nlp, [eg.predicted for eg in examples])
    for start in range(0, len(docs), 64):
        batch = docs[start : start + 64]
        extractor.set_annotations(batch, extractor.predict(batch))
    return extractor.score(examples)


def read_conll04(nlp: Language, data: Path) -> Tuple[Iterator[Doc], RelationSchema]:
    path = data / "conll04" / "conll04_dev.json"
    schema = RelationSchema.from_file(ROOT / "assets" / "conll04_schema.yaml")
    return convert_file(path, "spert", nlp, Report(on_error="skip")), schema


def read_knowledgenet(
    nlp: Language, data: Path, folds: Sequence[int] = (3,)
) -> Tuple[Iterator[Doc], RelationSchema]:
    # entities have no types there
    types = [
        RelationType(label, text, (head,), (tail,), symmetric=label == "SPOUSE", inferred=True)
        for label, (text, head, tail) in KNOWLEDGENET.items()
    ]
    path = data / "knowledgenet" / "folds123.jsonl"
    return passages(path, nlp, folds, set(KNOWLEDGENET)), RelationSchema(types)


def read_domain(nlp: Language, name: str) -> Tuple[Iterator[Doc], RelationSchema]:
    path = ROOT / "assets" / "domains" / name
    schema = RelationSchema.from_file(path.with_suffix(".yaml"))
    return read_marked(path.with_suffix(".txt"), nlp, {label: label for label in schema}), schema


DATA_SETS = {"conll04": read_conll04, "knowledgenet": read_knowledgenet}


def unrelated(nlp: Language, offset: Optional[float]) -> int:
    """Sentences in which something is found that nobody says, asked about the business schema."""
    extractor = find_extractor(nlp)
    extractor.set_schema(
        RelationSchema.from_file(ROOT / "assets" / "business_schema.yaml"), offset=offset
    )
    references = convert_file(
        ROOT / "assets" / "unrelated.jsonl", "auto", nlp, Report(on_error="skip")
    )
    docs = encoded(nlp, [eg.predicted for eg in make_examples(nlp, references)])
    extractor.set_annotations(docs, extractor.predict(docs))
    return sum(bool(get_relations(doc)) for doc in docs)


def speed(nlp: Language, data: Path, n_labels: int) -> float:
    """Sentences of CoNLL04 a CPU second, from tokens and given entities on."""
    properties = list(read_properties(data).values())[1 : n_labels + 1]
    extractor = find_extractor(nlp)
    labels = [
        RelationType(f"{i}: {kind.label}", kind.description) for i, kind in enumerate(properties)
    ]
    extractor.set_schema(RelationSchema(labels))
    best = 0.0
    for _ in range(3):
        references, _ = read_conll04(nlp, data)
        docs = [eg.predicted for eg in make_examples(nlp, references)]
        start = time.process_time()
        for _ in nlp.pipe(docs, batch_size=64):
            pass
        best = max(best, len(docs) / (time.process_time() - start))
    return best


if __name__ == "__main__":
    main()
