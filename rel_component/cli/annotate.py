"""``spacy rel annotate``."""

from pathlib import Path
from typing import Annotated, Optional

from typer import Argument, Option
from wasabi import msg

from .messages import clear_errors, print_json, progress, use_device
from .options import TEXTS, GpuId, Json, Limit, PromptedModel, given_texts


def annotate_cli(
    model: PromptedModel,
    input_path: Annotated[Path, Argument(help=TEXTS)],
    output_path: Annotated[Path, Argument(help="The .spacy file for documents to train on")],
    review: Annotated[
        Optional[Path], Option(help="File for the documents that a person should look at")
    ] = None,
    review_format: Annotated[str, Option(help="Annotation format of that file")] = "doccano",
    min_score: Annotated[
        Optional[float], Option(help="The least score of all relations of a document to train on")
    ] = None,
    limit: Limit = 0,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Let a language model annotate raw texts, as training data and for review."""
    from ..files import write_docs
    from ..inference.annotate import annotate

    with clear_errors():
        use_device(gpu_id)
        texts = progress(given_texts(input_path, limit=limit))
        triage = annotate(model, texts, min_score=min_score)
        write_docs(triage.sure, output_path)
        if review is not None:
            triage.write_review(review, review_format)
    counts = triage.to_dict()
    if json:
        print_json(counts)
        return
    msg.good(f"{output_path}: {counts['sure']} documents to train on")
    for reason, count in counts["reasons"].items():
        msg.info(f"{count} for review: {reason}")
    if review is not None:
        msg.good(f"{review}: {counts['unsure']} documents to look at, the least sure ones first")
    elif counts["unsure"]:
        msg.warn("documents for review were left out; --review FILE writes them")
    usage = counts["usage"]
    cost = "not known" if usage["cost"] is None else f"{usage['cost']:.4g}"
    msg.info(
        f"requests: {usage['requests']}, from the cache: {usage['cache_hits']}, cost: {cost}, "
        f"tokens: {usage['input_tokens']} in, {usage['output_tokens']} out"
    )
