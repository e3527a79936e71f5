"""What the relation extractor costs beside its encoder, and how it grows with the mentions.

    python benchmarks/speed.py PIPELINE DOCS.spacy [--repeats 5]

PIPELINE is trained by configs/transformer.cfg, DOCS.spacy has its documents. Both times are taken in
turn in one run on one thread, on the same batches, and their ratio is reported, because absolute times
vary. The second table has one document with N mentions, every ordered pair of them a
candidate, over random token vectors of width 384.
"""

import argparse
import statistics
import time
import tracemalloc
from pathlib import Path
from typing import Any, Callable, List, Tuple

import numpy
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch
from thinc.api import Model

from rel_component.candidates import configure_candidate_pairs
from rel_component.corpus import make_relation_corpus
from rel_component.mentions import read_mentions
from rel_component.pair_models.span_pair import build_span_pair
from rel_component.schema import RelationSchema


def pipeline_ratio(nlp: Language, path: Path, repeats: int) -> None:
    """Time of the pipeline as a multiple of that of its transformer alone.

    The two components take turns on the same batches, so that both see the same machine.
    """
    transformer, extractor = nlp.get_pipe("transformer"), nlp.get_pipe("relation_extractor")
    corpus = make_relation_corpus(path, gold_entities=True)

    def run() -> List[float]:
        docs = [eg.predicted for eg in corpus(nlp)]
        seconds = [0.0, 0.0]
        for batch in minibatch(docs, nlp.batch_size):
            for i, component in enumerate((transformer, extractor)):
                start = time.process_time()
                batch = list(component.pipe(batch, batch_size=nlp.batch_size))
                seconds[i] += time.process_time() - start
        return seconds

    for title, use_schema in (("pairs of the schema", True), ("all ordered pairs", False)):
        extractor.candidates = configure_candidate_pairs(use_schema=use_schema)
        run()
        ratios = sorted((alone + added) / alone for alone, added in (run() for _ in range(repeats)))
        print(
            f"{title}: time(pipeline) / time(transformer) median {statistics.median(ratios):.3f}, "
            f"from {ratios[0]:.3f} to {ratios[-1]:.3f}"
        )


def make_document(n_mentions: int, tokens_per_mention: int = 5) -> Tuple[Doc, int]:
    """A document of single-token mentions."""
    nlp = spacy.blank("en")
    n_tokens = n_mentions * tokens_per_mention
    doc = Doc(nlp.vocab, words=["word"] * n_tokens)
    doc.ents = [
        Span(doc, i * tokens_per_mention, i * tokens_per_mention + 1, label="X")
        for i in range(n_mentions)
    ]
    return doc, n_tokens


def growth(n_mentions: int, width: int = 384, n_labels: int = 10) -> None:
    """Time and peak memory of one document."""
    doc, n_tokens = make_document(n_mentions)
    vectors = numpy.random.default_rng(0).normal(size=(n_tokens, width)).astype("float32")
    tok2vec: Model = Model(
        "fixed", lambda model, docs, is_train: ([vectors for _ in docs], lambda dY: docs)
    )
    model = build_span_pair(tok2vec)
    candidates = configure_candidate_pairs()
    schema = RelationSchema()

    def score() -> Any:
        batch = candidates([doc], read_mentions([doc]), schema)
        return batch, model.predict(([doc], batch))

    batch = candidates([doc], read_mentions([doc]), schema)
    model.initialize(X=([doc], batch), Y=numpy.zeros((1, n_labels), dtype="float32"))
    seconds = min(_time(score) for _ in range(3))
    tracemalloc.start()
    score()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{n_mentions:>9} {batch.n_pairs:>9} {seconds:>9.3f} {peak / 2**20:>9.1f}")


def _time(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(arguments: List[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pipeline", nargs="?")
    parser.add_argument("docs", type=Path, nargs="?")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if args.pipeline:
        pipeline_ratio(spacy.load(args.pipeline), args.docs, args.repeats)
    print(f"{'mentions':>9} {'pairs':>9} {'seconds':>9} {'peak MB':>9}")
    for n_mentions in (10, 50, 100, 200, 400):
        growth(n_mentions)


if __name__ == "__main__":
    main()
