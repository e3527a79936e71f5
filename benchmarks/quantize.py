"""What int8 gains and loses, from raw text to relations and in the encoder alone, on one CPU thread.

    python benchmarks/quantize.py PIPELINE DOCS.spacy [--repeats 5] [--limit 0] [--no-f1]

The pipeline is loaded in float32 and in int8, which take turns over the same texts; CPU seconds count,
and the median of the ratios is reported, because absolute times vary. Prints Markdown.
"""

import argparse
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List

import spacy
import torch
from spacy.util import minibatch
from speed import encoder_alone

from rel_component import evaluate
from rel_component.spacy_files import read_docs


def seconds(run: Callable[[], Any]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("docs", type=Path)
    parser.add_argument("--component", default="shared_encoder")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=int, default=0, help="the most documents; 0: all")
    parser.add_argument("--no-f1", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    setting = f"components.{args.component}.model.precision"
    pipelines = {p: spacy.load(args.pipeline, config={setting: p}) for p in ("float32", "int8")}
    times: Dict[str, List[Dict[str, float]]] = {"pipeline": [], "encoder": []}
    for repeat in range(args.repeats + 1):
        found: Dict[str, Dict[str, float]] = {"pipeline": {}, "encoder": {}}
        for precision, nlp in pipelines.items():
            docs = list(read_docs(args.docs, nlp))[: args.limit or None]
            texts = [doc.text for doc in docs]
            alone = encoder_alone(nlp.get_pipe(args.component).model)
            found["pipeline"][precision] = seconds(lambda t=texts, n=nlp: list(n.pipe(t)))
            batches = list(minibatch(docs, nlp.batch_size))
            found["encoder"][precision] = seconds(lambda b=batches, a=alone: [a(x) for x in b])
        if repeat:  # the first time to warm up
            for name, row in found.items():
                times[name].append(row)
    print("| | float32, s | int8, s | ratio | lowest | highest |\n|---|---|---|---|---|---|")
    for name, rows in times.items():
        ratios = [row["float32"] / row["int8"] for row in rows]
        middle = [statistics.median(row[p] for row in rows) for p in pipelines]
        cells = [*middle, statistics.median(ratios), min(ratios), max(ratios)]
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    if not args.no_f1:
        score = partial(evaluate, data_path=args.docs, limit=args.limit, n_resamples=0)
        f1 = [100 * score(nlp).scores["rel_micro_f"] for nlp in pipelines.values()]
        print(f"| F1 of relations, % | {f1[0]:.2f} | {f1[1]:.2f} | | | |")


if __name__ == "__main__":
    main()
