"""``spacy rel extract``."""

from typing import Annotated

from typer import Option

from .messages import clear_errors, print_json, progress, use_device, write_json_lines
from .options import GpuId, Json, Limit, Model, OneText, Records, TextsPath, given_texts


def extract_cli(
    model: Model,
    input_path: TextsPath = None,
    text: OneText = None,
    output: Records = None,
    limit: Limit = 0,
    batch_size: Annotated[int, Option(min=1, help="Documents per batch")] = 64,
    n_process: Annotated[int, Option(help="Processes")] = 1,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Extract relations from raw text."""
    from ..inference.extract import extract

    with clear_errors():
        texts = given_texts(input_path, text, limit)
        use_device(gpu_id)
        records = progress(extract(model, texts, batch_size=batch_size, n_process=n_process))
        if output is not None:
            write_json_lines(output, records)
            return
        for record in records:
            if json:
                print_json(record)
                continue
            for rel in record["relations"]:
                score = "-" if rel["score"] is None else f"{rel['score']:.2f}"
                print(f"({rel['head']['text']}, {rel['label']}, {rel['tail']['text']})\t{score}")
