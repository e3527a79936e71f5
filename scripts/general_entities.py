"""A corpus of entities for configs/general_entities.cfg, of Re-DocRED and the business corpus.

    python scripts/general_entities.py DATA OUTPUT

DATA holds the folder redocred. OUTPUT is given train.spacy and dev.spacy. The types are PERSON, ORG,
LOC, DATE and MISC; numbers are left out.
"""

import argparse
import random
from pathlib import Path
from typing import Iterable, Iterator, List

import spacy
from spacy.tokens import Doc, Span

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.documents import bare_copy
from rel_component.spacy_files import write_docs

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
    for path in (args.data / "redocred" / "dev_revised.json", BUSINESS):
        converted = convert_file(path, "auto", nlp, Report(on_error="skip"))
        docs = list(with_types(converted))
        random.Random(args.seed).shuffle(docs)
        n_dev = round(args.dev * len(docs))
        dev += docs[:n_dev]
        train += docs[n_dev:]
    random.Random(args.seed).shuffle(train)
    args.output.mkdir(parents=True, exist_ok=True)
    write_docs(train, args.output / "train.spacy")
    write_docs(dev, args.output / "dev.spacy")
    print(f"{len(train)} documents to train on, {len(dev)} to evaluate on")


def with_types(docs: Iterable[Doc]) -> Iterator[Doc]:
    """Copies of documents with nothing but their entities, of the types that are trained."""
    for doc in docs:
        # the encoder reads words, so that missing spaces do no harm
        copy = bare_copy(doc)
        copy.ents = [
            Span(copy, ent.start, ent.end, label=TYPES.get(ent.label_, ent.label_))
            for ent in doc.ents
            if ent.label_ not in LEFT_OUT
        ]
        yield copy


if __name__ == "__main__":
    main()
