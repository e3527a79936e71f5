"""What encoders cost: parameters, size on disk, reading texts, and learning from them.

    python benchmarks/encoders.py FOLDER OTHER... [--docs FILE] [--repeats 3]

Each encoder and the first one take turns over the same documents, on one thread in float32; CPU
seconds count, and the median of the ratios is reported, because absolute times vary. An update is one of
the joint recipe with the first four documents; with frozen embeddings as well where they are most of the
parameters. Prints Markdown.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.util import load_model_from_config
from speed import encoder_alone
from thinc.api import Config

from rel_component.converters.documents import read_references
from rel_component.converters.report import Report
from rel_component.corpora.corpus import make_examples

ROOT = Path(__file__).parents[1]
SPANS_KEY = "mentions"
N_UPDATE = 4
WARM_UP = 1


def build(folder: Path, docs: Path, limit: int) -> Tuple[Language, Any, List[Example]]:
    """The joint recipe over an encoder, its optimizer, and documents to learn from."""
    config = Config().from_disk(ROOT / "configs" / "joint.cfg", interpolate=False)
    config["paths"]["encoder"] = str(folder)
    config["components"]["shared_encoder"]["model"]["precision"] = "float32"
    nlp = load_model_from_config(config, auto_fill=True)
    references = read_references(docs, nlp, Report(), spans_key=SPANS_KEY, limit=limit)
    made = make_examples(nlp, references, gold_entities=False, spans_key=SPANS_KEY)
    examples = list(made)
    return nlp, nlp.initialize(lambda: examples), examples


def read(nlp: Language, _: Any, examples: List[Example]) -> None:
    """Pass all texts through the encoder."""
    encoder_alone(nlp.get_pipe("shared_encoder").model)([eg.predicted for eg in examples])


def learn(nlp: Language, sgd: Any, examples: List[Example]) -> None:
    """Update once."""
    nlp.update(examples[:N_UPDATE], sgd=sgd)


def in_turn(run: Callable[..., None], systems: Sequence[Any], repeats: int) -> Tuple[float, float]:
    """The median of the CPU seconds of the last system, and of their ratio to those of the first."""
    seconds: List[List[float]] = []
    for _ in range(WARM_UP + repeats):
        both = []
        for system in systems:
            start = time.process_time()
            run(*system)
            both.append(time.process_time() - start)
        seconds.append(both)
    measured = seconds[WARM_UP:]
    last = statistics.median(row[-1] for row in measured)
    return last, statistics.median(row[-1] / row[0] for row in measured)


def costs(folder: Path, first: Any, system: Any, repeats: int) -> Iterator[Dict[str, Any]]:
    """The rows of an encoder, the last with frozen embeddings if these are most of it."""
    nlp, _, examples = system
    model = nlp.get_pipe("shared_encoder").model
    module = model.shims[0]._model
    n_parameters = sum(p.numel() for p in module.parameters())
    n_rest = n_parameters - module.encoder.get_input_embeddings().weight.numel()
    seconds, ratio = in_turn(read, (first, system), repeats)
    row = {
        "encoder": str(folder),
        "M parameters": n_parameters / 1e6,
        "without pieces": n_rest / 1e6,
        "MB": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6,
        "CPU s / 1,000 tokens": 1000 * seconds / sum(len(eg.reference) for eg in examples),
        "ratio": ratio,
    }
    for frozen in (False, True) if n_rest < n_parameters / 3 else (False,):
        model.attrs["frozen_embeddings"] = frozen
        seconds, ratio = in_turn(learn, (first, system), repeats)
        learned = {"CPU s an update": seconds, "ratio of updates": ratio}
        yield {**row, "encoder": f"{folder}{', frozen' if frozen else ''}", **learned}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("encoders", type=Path, nargs="+", help="folders; the first is the measure")
    parser.add_argument("--docs", type=Path, default=ROOT / "assets" / "business_dev.jsonl")
    parser.add_argument("--limit", type=int, default=16, help="the most documents; 0: all")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    spacy.util.fix_random_seed(0)
    first = build(args.encoders[0], args.docs, args.limit)
    for n, folder in enumerate(args.encoders):
        system = build(folder, args.docs, args.limit) if n else first
        for row in costs(folder, first, system, args.repeats):
            if system is first:
                print(f"| {' | '.join(row)} |\n|{'---|' * len(row)}")
            cells = [f"{c:.3g}" if isinstance(c, float) else str(c) for c in row.values()]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
