"""A corpus of entities for configs/general_entities.cfg, of Re-DocRED and the business corpus.

    python scripts/general_entities.py DATA OUTPUT

DATA holds the folder redocred. OUTPUT is given train.spacy and dev.spacy. The types are PERSON, ORG,
LOC, DATE and MISC; numbers are left out.
"""

import argparse
import random
from pathlib import Path
from typing import Any, Dict, Iterator, List

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.documents import bare_copy
from rel_component.files import write_docs

BUSINESS = Path(__file__).parent.parent / "assets" / "business_train.jsonl"
TYPES = {"PER": "PERSON", "TIME": "DATE", "GPE": "LOC", "PRODUCT": "MISC"}
LEFT_OUT = {"NUM"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder with the public data sets")
    parser.add_argument("output", type=Path)
    parser.add_argument("--dev", type=float, default=0.08, help="share of the documents")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    nlp = spacy.blank("en")
    train: List[Doc] = []
    dev: List[Doc] = []
    for docs in (list(wikipedia(args.data, nlp)), list(business(nlp))):
        random.Random(args.seed).shuffle(docs)
        n_dev = round(args.dev * len(docs))
        dev += docs[:n_dev]
        train += docs[n_dev:]
    random.Random(args.seed).shuffle(train)
    args.output.mkdir(parents=True, exist_ok=True)
    write_docs(train, args.output / "train.spacy")
    write_docs(dev, args.output / "dev.spacy")
    print(f"{len(train)} documents to train on, {len(dev)} to evaluate on")


def wikipedia(data: Path, nlp: Language) -> Iterator[Doc]:
    for record in srsly.read_json(data / "redocred" / "dev_revised.json"):
        words: List[str] = []
        starts: List[bool] = []
        begins: List[int] = []
        for sentence in record["sents"]:
            begins.append(len(words))
            starts += [i == 0 for i in range(len(sentence))]
            words += sentence
        # the encoder reads words, so that missing spaces do no harm
        doc = Doc(nlp.vocab, words=words, sent_starts=starts)
        found: Dict[Any, Span] = {}
        for entity in record["vertexSet"]:
            for mention in entity:
                start, end = (begins[mention["sent_id"]] + place for place in mention["pos"])
                if mention["type"] not in LEFT_OUT:
                    found[start, end] = Span(doc, start, end, label=_type(mention["type"]))
        doc.ents = spacy.util.filter_spans(found.values())
        yield doc


def business(nlp: Language) -> Iterator[Doc]:
    for doc in convert_file(BUSINESS, "auto", nlp, Report(on_error="skip")):
        copy = bare_copy(doc)
        copy.ents = [Span(copy, ent.start, ent.end, label=_type(ent.label_)) for ent in doc.ents]
        yield copy


def _type(name: str) -> str:
    return TYPES.get(name, name)


if __name__ == "__main__":
    main()
