"""``spacy rel prompt``."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language

from ..errors import DataError
from ..pipelines import load_pipeline, require_prompted
from .extract import Source, read_texts
from .messages import clear_errors, printer


def prompt_cli(
    model: str = Arg(..., help="A pipeline with llm_relation_extractor, or a config of one"),
    input_path: Optional[Path] = Arg(None, help="Texts, as for extract; - for stdin"),
    text: Optional[str] = Opt(None, "--text", "-t", help="A text to read instead of a file"),
    limit: int = Opt(1, "--limit", "-l", help="Documents to show"),
    json: bool = Opt(False, "--json", help="Print JSONL: messages, schema of the answer, tokens"),
) -> None:
    """Show exactly what would be sent to the language model, and how long it is. Sends nothing."""
    with clear_errors():
        if (text is None) == (input_path is None):
            raise DataError("give a file or --text, one of them")
        sources = iter([(text, {})]) if text is not None else read_texts(input_path or Path("-"))
        nlp = load_pipeline(model)
        prompted = require_prompted(nlp, model)
        msg = printer(json=json)
        for i, prompt in enumerate(prompts(nlp, prompted, sources, limit=limit)):
            if json:
                print(srsly.json_dumps(prompt))
                continue
            tokens = "unknown until sent" if prompt["tokens"] is None else str(prompt["tokens"])
            msg.divider(f"Request {i + 1}, tokens: {tokens}")
            for message in prompt["messages"]:
                print(f"[{message['role']}]\n{message['content']}\n")
            print(f"[schema of the answer]\n{srsly.json_dumps(prompt['schema'], indent=2)}")


def prompts(
    nlp: Language, prompted: Any, sources: Iterator[Source], *, limit: int = 1
) -> Iterator[Dict[str, Any]]:
    """The requests that texts give rise to, as plain data with their numbers of tokens.

    Args:
        nlp: the pipeline; the components before the prompted one run.
        prompted: the component.
        sources: texts with their records.
        limit: the most texts.
    """
    names: List[str] = nlp.pipe_names
    later = names[names.index(prompted.name) :]
    backend = prompted.client.backend
    with nlp.select_pipes(disable=later):
        for n, (text, _) in enumerate(sources):
            if n == limit:
                return
            for question in prompted.questions(nlp(text)):
                yield {
                    "messages": [
                        {"role": message.role, "content": message.content}
                        for message in question.messages
                    ],
                    "schema": question.schema,
                    "sample": question.sample,
                    "tokens": backend.count_tokens(question.messages),
                }
