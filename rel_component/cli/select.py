"""``spacy rel select``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .add_labels import Pipeline
from .messages import check_outputs, msg, print_json, progress, use_device
from .options import TEXTS, GpuId, Json, Limit, MaxLength, TextLang, given_texts


def select_cli(
    model: Pipeline,
    input_path: Annotated[Path, Argument(help=TEXTS)],
    output: Annotated[Path, Argument(help="File for the documents to annotate")],
    n: Annotated[int, Option("--n", min=1, help="The most documents to choose")] = 50,
    diversity: Annotated[
        float, Option("--diversity", min=0, max=1, help="How much unlike documents are preferred")
    ] = 0.5,
    format_name: Annotated[str, Option("--format", help="Annotation format of the file")] = "jsonl",
    lang: TextLang = "auto",
    limit: Limit = 0,
    max_length: MaxLength = None,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Choose the texts to annotate next: those that a pipeline is unsure of, and unlike others."""
    from ..converters.writing import writable_format
    from ..evolution.select import select
    from ..pipelines import load_pipeline

    check_outputs(output, inputs=[input_path])
    writable_format(format_name, output)
    use_device(gpu_id)
    nlp = load_pipeline(model, lang)
    nlp.max_length = max_length or nlp.max_length
    texts = given_texts(input_path, limit=limit, max_length=nlp.max_length)
    found = select(nlp, progress(texts), n, diversity=diversity)
    found.write(output, format_name)
    if json:
        print_json(found.to_dict())
        return
    counts = found.to_dict()
    for label, count in sorted(counts["labels"].items()):
        msg.info(f"{count} for {label or 'texts without pairs'}")
    msg.good(f"{output}: {counts['selected']} of {counts['read']} documents, the best ones first")
