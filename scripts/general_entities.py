"""A corpus of entities for configs/general_entities.cfg, of Re-DocRED, the business corpus and domains.

    python scripts/general_entities.py DATA OUTPUT [--leave-out DOMAIN ...]

DATA holds the folder redocred. OUTPUT is given train.spacy and dev.spacy. The types are PERSON, ORG,
LOC, DATE and MISC; numbers are left out, and so are common nouns but those of substances and diseases.
"""

import argparse
import random
from pathlib import Path
from typing import Iterable, Iterator, List

import spacy
from general_corpus import read_domains
from spacy.tokens import Doc, Span

from rel_component.converters.convert import convert_file
from rel_component.converters.report import Report
from rel_component.documents import bare_copy
from rel_component.spacy_files import write_docs

ASSETS = Path(__file__).parent.parent / "assets"
TYPES = {
    "PERSON": "PER CHARACTER FIGURE SAINT",
    "ORG": "AGENCY CHARITY CLUB COURT EXCHANGE FARM FORCE HOSPITAL MISSION MUSEUM NEWSPAPER OUTLET "
    "PARTY RESTAURANT SCHOOL TEAM",
    "LOC": "GPE STATE SITE VENUE FACILITY BUILDING STADIUM STATION SHRINE VOLCANO RESERVE MONUMENT "
    "REALM PLANT",
    "DATE": "TIME",
}
"""What is trained as an entity type beside the type itself; the rest is MISC."""
TYPE_OF = {kind: name for name, kinds in TYPES.items() for kind in [name, *kinds.split()]}
NUMBERS = (
    "NUM AMOUNT AREA COUNT DOSE DURATION INTERVAL MONEY NUMBER QUANTITY RATE RATING SANCTION "
    "TEMPERATURE TOLL UNIT VALUE VERSION"
)
SUBSTANCES = "CHEM CONDITION DISEASE DISORDER DRUG GENE NUTRIENT PRODUCT PROTEIN SUBSTANCE VACCINE"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder with the public data sets")
    parser.add_argument("output", type=Path)
    parser.add_argument("--leave-out", nargs="*", default=[], help="domains")
    parser.add_argument("--dev", type=float, default=0.08, help="share of the documents")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    nlp = spacy.blank("en")
    train: List[Doc] = []
    dev: List[Doc] = []
    parts: List[Iterable[Doc]] = [
        convert_file(path, "auto", nlp, Report(on_error="skip"))
        for path in (args.data / "redocred" / "dev_revised.json", ASSETS / "business_train.jsonl")
    ]
    parts.append(read_domains(args.data, nlp, {}, {*args.leave_out}).docs)
    for part in parts:
        docs = list(with_types(part))
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
            Span(copy, ent.start, ent.end, label=TYPE_OF.get(ent.label_, "MISC"))
            for ent in doc.ents
            if is_name(ent)
        ]
        yield copy


def is_name(ent: Span) -> bool:
    """Whether a mention is trained as an entity."""
    if ent.label_ in TYPE_OF or ent.label_ in SUBSTANCES.split():
        return True
    return ent.label_ not in NUMBERS.split() and not ent.text.islower()


if __name__ == "__main__":
    main()
