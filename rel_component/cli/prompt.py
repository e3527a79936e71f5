"""``spacy rel prompt``."""

from pathlib import Path
from typing import Annotated, Optional

import srsly
from typer import Context, Option

from .messages import check_outputs, msg, notice, print_json, printable, use_device
from .options import GpuId, Json, Limit, OneText, PromptedModel, TextLang, TextsPath, given_texts


def prompt_cli(
    context: Context,
    model: PromptedModel,
    input_path: TextsPath = None,
    text: OneText = None,
    lang: TextLang = "auto",
    limit: Limit = 1,
    batch: Annotated[
        Optional[Path],
        Option(help="JSONL file to write for a batch endpoint: the requests of all documents"),
    ] = None,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Show exactly what would be sent to the language model, and how long it is. Sends nothing."""
    from ..converters.records import write_records
    from ..inference.prompts import batch_requests, prompts
    from ..pipelines import load_pipeline

    source = context.get_parameter_source("limit")
    if batch is not None and source is not None and source.name == "DEFAULT":
        limit = 0
    texts = given_texts(input_path, text, limit)
    use_device(gpu_id)
    nlp = load_pipeline(model, lang)
    if batch is not None:
        check_outputs(batch, inputs=[model, input_path])
        write_records(batch_requests(nlp, texts), batch)
        notice(f"{batch}: upload it, and let rel_component.replay.v1 read the answers")
        return
    i = 0
    for i, prompt in enumerate(prompts(nlp, texts), start=1):
        if json:
            print_json(prompt)
            continue
        tokens = "unknown until sent" if prompt["tokens"] is None else str(prompt["tokens"])
        msg.divider(f"Request {i}, tokens: {tokens}")
        for message in prompt["messages"]:
            content = "\n".join(map(printable, message["content"].split("\n")))
            print(f"[{message['role']}]\n{content}\n")
        print(f"[schema of the answer]\n{srsly.json_dumps(prompt['schema'], indent=2)}")
    if not i:
        notice("nothing would be sent: there are no mentions that a relation may hold between")
