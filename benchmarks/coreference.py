"""Coreference on LitBank and GUM: corpora for configs/coref.cfg, and the scores of a pipeline.

    python benchmarks/coreference.py prepare DATA FOLDER [--limit N]
    python -m spacy train configs/coref.cfg --paths.train FOLDER/train.spacy \\
        --paths.dev FOLDER/dev.spacy --output OUTPUT
    python benchmarks/coreference.py score OUTPUT/model-best FOLDER

DATA holds the folders litbank and gum_coref, with train.jsonl and dev.jsonl. GUM has clusters by the
rules of OntoNotes (OntoGUM), which have no singletons, and LitBank has singletons; where it is scored
with given mentions, single mentions are entities as well. The types of mentions are not used, since
LitBank has none.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Iterator, List

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from rel_component.converters.convert import convert
from rel_component.coreference.scoring import score_clusters
from rel_component.corpora.corpus import make_examples
from rel_component.mentions import read_clusters, set_clusters
from rel_component.spacy_files import read_docs, write_docs

KEY = "coref_mentions"
FORMATS = {"litbank": "clusters", "gum_coref": "ontonotes"}
SCORES = ("conll", "muc", "b3", "ceafe", "lea", "mentions")


def prepare(data: Path, folder: Path, limit: int) -> None:
    """Write the corpora: train.spacy, dev.spacy, and the dev part of each data set."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev"):
        joined: List[Doc] = []
        for name in FORMATS:
            docs = list(_untyped(data / name / f"{part}.jsonl", FORMATS[name]))
            docs = docs[: limit or None]
            joined += docs
            if part == "dev":
                write_docs(docs, folder / f"{name}.spacy")
        write_docs(joined, folder / f"{part}.spacy")
        print(part, len(joined), "documents", sum(map(len, joined)), "tokens")


def _untyped(path: Path, format_name: str) -> Iterator[Doc]:
    nlp = spacy.blank("en")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "docs.spacy"
        convert(path, file, format_name=format_name, spans_key=KEY)
        for doc in list(read_docs(file, nlp)):
            clusters = [[_plain(span) for span in cluster] for cluster in read_clusters(doc)]
            doc.spans[KEY] = [_plain(span) for span in doc.spans[KEY]]
            set_clusters(doc, clusters)
            yield doc


def _plain(span: Span) -> Span:
    return Span(span.doc, span.start, span.end, label="MENTION")


def score(nlp: Language, folder: Path) -> None:
    """Print the scores with given mentions and from raw text, and what the resolver costs."""
    print(f"| data, mentions | {' | '.join(SCORES)} | conll without singletons | s | encoder, s |")
    print("|---" * (len(SCORES) + 4) + "|")
    for name in FORMATS:
        references = list(read_docs(folder / f"{name}.spacy", nlp))
        for given in (True, False) if nlp.has_pipe("span_recognizer") else (True,):
            nlp.get_pipe("coref_resolver").singletons = given and name == "litbank"
            examples = list(make_examples(nlp, references, gold_entities=given, spans_key=KEY))
            seconds: Dict[str, float] = {}
            for pipe_name, pipe in nlp.pipeline:
                if not (given and pipe_name == "span_recognizer"):
                    begin = time.process_time()
                    for eg in examples:
                        pipe(eg.predicted)
                    seconds[pipe_name] = time.process_time() - begin
            found: Dict[str, Any] = score_clusters(examples)
            cells = [found[f"coref_{metric}_f"] for metric in SCORES]
            cells.append(found["coref_no_singletons_conll_f"])
            row = " | ".join(f"{100 * cell:.1f}" for cell in cells)
            times = f"{sum(seconds.values()):.1f} | {seconds['shared_encoder']:.1f}"
            print(f"| {name}, {'given' if given else 'found'} | {row} | {times} |", flush=True)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command, first in (("prepare", "data"), ("score", "pipeline")):
        sub = commands.add_parser(command)
        sub.add_argument(first, type=Path)
        sub.add_argument("folder", type=Path)
        if command == "prepare":
            sub.add_argument("--limit", type=int, default=0, help="documents of each part")
    args = parser.parse_args()
    if args.command == "prepare":
        prepare(args.data, args.folder, args.limit)
    else:
        score(spacy.load(args.pipeline), args.folder)


if __name__ == "__main__":
    main()
