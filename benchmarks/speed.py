"""What pair models cost beside their encoder, and how they grow with the mentions of a document.

    python benchmarks/speed.py DOCS.spacy --encoder FOLDER [--repeats 3] [--output FILE]
    python benchmarks/speed.py DOCS.spacy --pipeline FOLDER... [--gold-entities] [--repeats 3]

One thread, or with ``--gpu-id`` a GPU. The first table has every ordered pair of annotated mentions of
DOCS.spacy as a candidate. In each repetition every model, and its encoder alone, reads the same batches
in turn; the ratio of their times is reported, because absolute times vary. The models are not trained:
it costs the same.

The second table has one document with N mentions, each pair of them a candidate, and a process for
each row, so that its peak memory is known, that above what the process had before (Linux), or of the
arrays on the GPU. Prints Markdown and writes JSON.

With trained pipelines, in place of all that: what they cost from raw text, or from annotated mentions,
to relations, beside the encoder of the first alone on the same batches in turn.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy
import spacy
import torch
from accuracy import CONFIGS, MODELS
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch
from thinc.api import Config, CupyOps, Model, get_current_ops, require_gpu, set_gpu_allocator

from rel_component.candidates import Candidates, configure_candidate_pairs
from rel_component.corpora.corpus import make_relation_corpus
from rel_component.layers.windows import make_windows
from rel_component.layers.word_pieces import split_into_pieces
from rel_component.mentions import read_mentions
from rel_component.pipelines import entity_finders, mentions_key
from rel_component.schema import RelationSchema

EXTRACTOR = "relation_extractor"
N_LABELS = 10
SIZES = (10, 50, 100, 200, 400)


def build(model: str, encoder: str, docs: List[Doc]) -> Model:
    """The model of a recipe, initialised."""
    config = Config().from_disk(CONFIGS / f"{MODELS[model]}.cfg", interpolate=False)
    config["paths"]["encoder"] = encoder
    block = config.interpolate()["components"]["relation_extractor"]["model"]
    built = spacy.registry.resolve({"model": block})["model"]
    sample = docs[:10]
    built.initialize(X=(sample, candidates_of(sample)), Y=built.ops.alloc2f(1, N_LABELS))
    return built


def candidates_of(docs: List[Doc]) -> Candidates:
    """Every ordered pair of mentions."""
    return configure_candidate_pairs()(docs, read_mentions(docs), RelationSchema())


def encoder_alone(model: Model) -> Callable[[List[Doc]], Any]:
    """A pass of a model's encoder over the texts, in the batches that the model would make."""
    if model.has_ref("tok2vec"):
        return model.get_ref("tok2vec").predict  # type: ignore[no-any-return]  # untyped reference
    shim, max_pieces = model.shims[0], model.attrs["max_pieces"]
    module = shim._model

    def encode(docs: List[Doc]) -> Any:
        before, after = module.special_ids
        pieces = split_into_pieces(module.tokenizer, docs)
        windows = make_windows(pieces, module.max_pieces, before=before, after=after)
        module.eval()
        with torch.no_grad():
            return module.encode(windows.ids, windows.bounds, max_pieces)

    return encode


def ratios(path: Path, encoder: str, batch_size: int, repeats: int) -> List[Dict[str, Any]]:
    """Time of each model as a multiple of that of its encoder."""
    nlp = spacy.blank("en")
    docs = [eg.predicted for eg in make_relation_corpus(path, gold_entities=True)(nlp)]
    batches = [(batch, candidates_of(batch)) for batch in minibatch(docs, batch_size)]
    n_pairs = sum(candidates.n_pairs for _, candidates in batches)
    models = {name: build(name, encoder, docs) for name in MODELS}
    alone = {name: encoder_alone(model) for name, model in models.items()}
    seconds: Dict[str, List[Tuple[float, float]]] = {name: [] for name in models}
    for repeat in range(repeats + 1):
        totals = {name: [0.0, 0.0] for name in models}
        for batch, candidates in batches if repeat else batches[:1]:  # the first time to warm up
            for name, model in models.items():
                totals[name][0] += _time(partial(alone[name], batch))
                totals[name][1] += _time(partial(model.predict, (batch, candidates)))
        if repeat:
            for name, (encoder_seconds, model_seconds) in totals.items():
                seconds[name].append((encoder_seconds, model_seconds))
    return [
        {
            "model": name,
            "ratio": statistics.median(b / a for a, b in pairs),
            "lowest": min(b / a for a, b in pairs),
            "highest": max(b / a for a, b in pairs),
            "pairs_per_second": statistics.median(n_pairs / b for _, b in pairs),
            "docs_per_second": statistics.median(len(docs) / b for _, b in pairs),
            "seconds": statistics.median(b for _, b in pairs),
        }
        for name, pairs in seconds.items()
    ]


def pipeline_ratios(
    path: Path, folders: List[Path], batch_size: int, repeats: int, gold_entities: bool
) -> List[Dict[str, Any]]:
    """Time of pipelines in float32, as multiples of that of the encoder of the first one."""
    pipelines = [spacy.load(folder, config=_in_float32(folder)) for folder in folders]
    first = pipelines[0]
    has_shared = first.has_pipe("shared_encoder")
    alone = encoder_alone(first.get_pipe("shared_encoder" if has_shared else EXTRACTOR).model)
    docs = [eg.predicted for eg in make_relation_corpus(path)(first)]
    seconds: List[List[float]] = []
    for repeat in range(repeats + 1):
        totals = [0.0] * (1 + len(pipelines))
        inputs = [_inputs(nlp, path, gold_entities) for nlp in pipelines]
        for start in range(0, len(docs), batch_size):
            part = slice(start, start + batch_size)
            totals[0] += _time(partial(alone, docs[part]))
            for n, (nlp, given) in enumerate(zip(pipelines, inputs), 1):
                left_out = entity_finders(nlp, mentions_key(nlp)) if gold_entities else ()
                with nlp.select_pipes(disable=left_out):
                    totals[n] += _time(lambda nlp=nlp, docs=given[part]: list(nlp.pipe(docs)))
        if repeat:  # the first time to warm up
            seconds.append(totals)
    rows = []
    for n, folder in enumerate(folders, 1):
        ratios = [totals[n] / totals[0] for totals in seconds]
        rows.append(
            {
                "pipeline": str(folder),
                "ratio": statistics.median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
                "seconds / 1,000": 1000 * statistics.median(t[n] for t in seconds) / len(docs),
                "docs_per_second": len(docs) / statistics.median(t[n] for t in seconds),
            }
        )
    return rows


def _in_float32(folder: Path) -> Dict[str, str]:
    """Settings with which the encoders of a pipeline compute in float32."""
    components = Config().from_disk(folder / "config.cfg", interpolate=False)["components"]
    blocks = {
        "shared_encoder.model": components.get("shared_encoder", {}).get("model", {}),
        f"{EXTRACTOR}.model.tok2vec": components[EXTRACTOR]["model"].get("tok2vec", {}),
    }
    return {
        f"components.{name}.precision": "float32"
        for name, block in blocks.items()
        if "precision" in block
    }


def _inputs(nlp: Language, path: Path, gold_entities: bool) -> List[Union[str, Doc]]:
    """What a pipeline is given: documents with the annotated mentions, or texts."""
    key = mentions_key(nlp)
    examples = make_relation_corpus(path, gold_entities=gold_entities, spans_key=key)(nlp)
    docs = [eg.predicted for eg in examples]
    return list(docs) if gold_entities else [doc.text for doc in docs]


def make_document(n_mentions: int, tokens_per_mention: int = 5) -> Doc:
    """A document of single-token mentions."""
    n_tokens = n_mentions * tokens_per_mention
    doc = Doc(spacy.blank("en").vocab, words=["word"] * n_tokens)
    places = range(0, n_tokens, tokens_per_mention)
    doc.ents = [Span(doc, place, place + 1, label="X") for place in places]
    return doc


def growth(model_name: str, encoder: str, n_mentions: int) -> Dict[str, Any]:
    """Time and peak memory of one document; to be run in a process of its own."""
    small, large = make_document(2), make_document(n_mentions)
    model = build(model_name, encoder, [small])
    alone = encoder_alone(model)
    model.predict(([small], candidates_of([small])))
    _start_peak()
    before = _memory_mb()
    encoder_seconds = min(_time(lambda: alone([large])) for _ in range(2))
    with_encoder = _memory_mb(peak=True)
    candidates = candidates_of([large])
    _start_peak()
    seconds = min(_time(lambda: model.predict(([large], candidates))) for _ in range(2))
    return {
        "model": model_name,
        "mentions": n_mentions,
        "tokens": len(large),
        "pairs": candidates.n_pairs,
        "seconds": seconds,
        "encoder_seconds": encoder_seconds,
        "peak_mb": _memory_mb(peak=True) - before,
        "encoder_mb": with_encoder - before,
        "logits_mb": candidates.n_pairs * N_LABELS * 4 / 2**20,
    }


def _on_gpu() -> bool:
    return isinstance(get_current_ops(), CupyOps)


def _start_peak() -> None:
    """Forget how much memory was once in use; of a process only on Linux, see proc(5)."""
    if _on_gpu():
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")


def _memory_mb(peak: bool = False) -> float:
    """Memory in use now or at its peak: what the process holds, or on a GPU its arrays."""
    if _on_gpu():
        read = torch.cuda.max_memory_allocated if peak else torch.cuda.memory_allocated
        return read() / 2**20
    key = "VmHWM" if peak else "VmRSS"
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(key)).split()[1]) / 1024


def _time(function: Callable[[], Any]) -> float:
    """Seconds: of the process, or with a GPU on the clock, until the GPU has done its part."""
    clock = time.perf_counter if _on_gpu() else time.process_time
    start = clock()
    function()
    if _on_gpu():
        torch.cuda.synchronize()
    return clock() - start


def _in_process(name: str, encoder: str, n_mentions: int, gpu_id: int) -> Dict[str, Any]:
    command = [sys.executable, __file__, "--encoder", encoder, "--gpu-id", str(gpu_id)]
    command += ["--one", name, str(n_mentions)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output.splitlines()[-1]))


def markdown(rows: List[Dict[str, Any]]) -> str:
    """A table of rows with the same keys."""

    def show(value: Any) -> str:
        return f"{value:.3g}" if isinstance(value, float) else f"{value}"

    lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0])]
    lines += [" | ".join(show(value) for value in row.values()) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def main(arguments: Optional[List[str]] = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("docs", type=Path, nargs="?")
    parser.add_argument("--encoder", help="a folder, or a name on a hub")
    parser.add_argument("--pipeline", type=Path, nargs="+", help="trained pipelines")
    parser.add_argument("--gold-entities", action="store_true", help="of --pipeline")
    parser.add_argument("--batch-size", type=int, default=32, help="documents")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gpu-id", type=int, default=-1)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/speed.json"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    numpy.random.seed(0)
    if args.gpu_id >= 0:
        set_gpu_allocator("pytorch")
        require_gpu(args.gpu_id)
    if args.one:
        print(json.dumps(growth(args.one[0], args.encoder, int(args.one[1]))))
        return
    if args.pipeline:
        sizes = args.batch_size, args.repeats
        print(markdown(pipeline_ratios(args.docs, args.pipeline, *sizes, args.gold_entities)))
        return
    if not args.encoder:
        parser.error("give --encoder or --pipeline")
    results: Dict[str, Any] = {}
    if args.docs:
        results["ratios"] = ratios(args.docs, args.encoder, args.batch_size, args.repeats)
        print(f"All ordered pairs of {args.docs}, batches of {args.batch_size} documents\n")
        print(markdown(results["ratios"]) + "\n")
    names = ("SpanPair", "PackedMarkers")
    results["growth"] = [
        _in_process(name, args.encoder, n, args.gpu_id) for name in names for n in SIZES
    ]
    print(markdown(results["growth"]))
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
