"""``spacy rel prompt``."""

import srsly

from .messages import msg, print_json, printable, use_device
from .options import GpuId, Json, Limit, OneText, PromptedModel, TextsPath, given_texts


def prompt_cli(
    model: PromptedModel,
    input_path: TextsPath = None,
    text: OneText = None,
    limit: Limit = 1,
    gpu_id: GpuId = -1,
    json: Json = False,
) -> None:
    """Show exactly what would be sent to the language model, and how long it is. Sends nothing."""
    from ..inference.prompts import prompts

    texts = given_texts(input_path, text, limit)
    use_device(gpu_id)
    for i, prompt in enumerate(prompts(model, texts), start=1):
        if json:
            print_json(prompt)
            continue
        tokens = "unknown until sent" if prompt["tokens"] is None else str(prompt["tokens"])
        msg.divider(f"Request {i}, tokens: {tokens}")
        for message in prompt["messages"]:
            content = "\n".join(map(printable, message["content"].split("\n")))
            print(f"[{message['role']}]\n{content}\n")
        print(f"[schema of the answer]\n{srsly.json_dumps(prompt['schema'], indent=2)}")
