"""Prompts to a small local language model: are its answers of the right form, what does our part cost?

    python benchmarks/prompting.py DOCS.spacy SCHEMA.yaml MODEL.gguf [--examples TRAIN.spacy]

DOCS.spacy holds annotated documents, whose mentions are given or have to be found. The model is asked
without examples and with four. Prints the share of valid answers, statements dropped by reason, tokens
and seconds, and then the time that making prompts and reading answers takes for each document, without
the model.
Nothing is cached.
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc

from rel_component.corpora.corpus import make_relation_corpus
from rel_component.llm.answers.extraction import AnswerReader
from rel_component.llm.types import REPORT_KEY, Outcome, Reply
from rel_component.schema import RelationSchema
from rel_component.spacy_files import read_docs

HEADER = "| mentions | examples | documents | valid | relations | dropped | tokens in, out | s |"


def make_pipeline(
    backend: Dict[str, Any], schema: RelationSchema, mentions: str, examples: List[Doc]
) -> Language:
    """A pipeline that prompts."""
    nlp = spacy.blank("en")
    config = {
        "backend": backend,
        "relation_schema": schema.to_dict(),
        "mentions": mentions,
        "max_entities": 12,
        "max_relations": 8,
        "client": {"timeout": None},
    }
    extractor = nlp.add_pipe("llm_relation_extractor", config=config)
    extractor.set_examples(examples, nlp)
    return nlp


def run(nlp: Language, path: Path, limit: int) -> Tuple[int, Dict[str, Any]]:
    """Documents, and what came of the questions about them."""
    corpus = make_relation_corpus(path, limit=limit)
    start = time.perf_counter()
    docs = list(nlp.pipe([eg.predicted for eg in corpus(nlp)]))
    reports = [doc.user_data[REPORT_KEY] for doc in docs]
    dropped: Counter[str] = Counter()
    for report in reports:
        dropped.update(report["dropped"])
    return len(docs), {
        "valid": sum(report["valid"] for report in reports),
        "questions": sum(report["questions"] for report in reports),
        "failures": sum(len(report["failures"]) for report in reports),
        "relations": sum(len(doc._.rel) for doc in docs),
        "dropped": dict(dropped),
        "input_tokens": sum(report["usage"]["input_tokens"] for report in reports),
        "output_tokens": sum(report["usage"]["output_tokens"] for report in reports),
        "seconds": time.perf_counter() - start,
    }


def overhead(nlp: Language, path: Path, limit: int) -> float:
    """Milliseconds a document for prompts and for reading an answer with three relations."""
    extractor = nlp.get_pipe("llm_relation_extractor")
    prompter = extractor._prompter()
    reader = AnswerReader(prompter, keep=extractor.keep)
    docs = [eg.predicted for eg in make_relation_corpus(path, limit=limit)(nlp)]
    start = time.perf_counter()
    for doc in docs:
        questions = extractor._ask(prompter, doc)
        answer = srsly.json_dumps(
            {
                "relations": [
                    {"head": "M1", "label": label, "tail": "M2"} for label in extractor.labels[:3]
                ]
            }
        )
        outcomes = [Outcome(question, Reply(answer)) for question in questions]
        reader.extract(doc, questions, outcomes)
    return 1000 * (time.perf_counter() - start) / len(docs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("docs", type=Path)
    parser.add_argument("schema", type=Path)
    parser.add_argument("model")
    parser.add_argument("--examples", type=Path, help=".spacy file of documents to show")
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--mentions", nargs="+", default=["given", "found"])
    args = parser.parse_args()
    schema = RelationSchema.from_file(args.schema)
    backend = {
        "@rel_llm_backends": "rel_component.llama_cpp.v1",
        "path": args.model,
        "n_threads": 1,
        "max_tokens": 1024,
    }
    shown = list(read_docs(args.examples, spacy.blank("en"))) if args.examples else []
    print(HEADER)
    print("|" + "---|" * (HEADER.count("|") - 1))
    for mentions in args.mentions:
        for examples in ([], shown) if shown else ([],):
            nlp = make_pipeline(backend, schema, mentions, examples)
            n_docs, found = run(nlp, args.docs, args.limit)
            cells = (
                mentions,
                min(len(examples), 4),
                n_docs,
                f"{found['valid']} of {found['questions']}",
                found["relations"],
                ", ".join(f"{k} {n}" for k, n in sorted(found["dropped"].items())) or "-",
                f"{found['input_tokens']}, {found['output_tokens']}",
                f"{found['seconds']:.0f}",
            )
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    for mentions in args.mentions:
        nlp = make_pipeline(backend, schema, mentions, shown)
        extractor = nlp.get_pipe("llm_relation_extractor")
        extractor.client.backend.context_window = None  # no counting of tokens by the model
        print(f"prompt and reading, {mentions}: {overhead(nlp, args.docs, 231):.2f} ms a document")


if __name__ == "__main__":
    main()
