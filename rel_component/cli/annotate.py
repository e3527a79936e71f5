"""``spacy rel annotate``."""

from pathlib import Path
from typing import Annotated, Any, Dict, Optional

from typer import Argument, Exit, Option

from .messages import (
    SOME_FAILED,
    check_outputs,
    first_problems,
    msg,
    notice,
    print_failures,
    print_json,
    progress,
    use_device,
)
from .options import (
    TEXTS,
    GpuId,
    Json,
    Limit,
    MaxLength,
    OnTextError,
    PromptedModel,
    TextLang,
    given_texts,
)


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
    lang: TextLang = "auto",
    limit: Limit = 0,
    on_error: OnTextError = "stop",
    max_length: MaxLength = None,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Let a language model annotate raw texts, as training data and for review.

    Its answers are kept beside the output, unless the pipeline has a cache: a run that was interrupted
    goes on where it was, and one with another --min-score costs nothing.
    """
    from ..converters.report import SKIP_HINT, Report
    from ..converters.writing import writable_format
    from ..files import check_ending
    from ..inference.annotate import annotate
    from ..pipelines import load_pipeline
    from ..spacy_files import write_docs

    check_outputs(output_path, review, inputs=[model, input_path])
    check_ending(output_path, docs=True)
    writable_format(review_format, review)
    use_device(gpu_id)
    nlp = load_pipeline(model, lang)
    nlp.max_length = max_length or nlp.max_length
    report = Report(on_error=on_error, hint=SKIP_HINT)
    texts = given_texts(input_path, limit=limit, report=report, max_length=nlp.max_length)
    replies = output_path.with_name(f"{output_path.name}.replies")
    triage = annotate(nlp, progress(texts), min_score=min_score, replies=replies)
    for problem in first_problems(report.problems, more=""):
        notice(problem, "yellow")
    print_failures(triage.failures)
    if triage.failures and triage.reasons.count("not answered") == triage.n_docs:
        raise Exit(1)
    write_docs(triage.sure, output_path)
    if review is not None:
        triage.write_review(review, review_format)
    counts = triage.to_dict()
    if json:
        print_json(counts)
    else:
        _print_counts(counts, output_path, review)
    if triage.failures:
        raise Exit(SOME_FAILED)


def _print_counts(counts: Dict[str, Any], output_path: Path, review: Optional[Path]) -> None:
    show = msg.good if counts["sure"] else msg.warn
    show(f"{output_path}: {counts['sure']} documents to train on")
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
