"""Options with which backends are tested: a function of the name of each, found by that name.

A backend without one is made with its defaults. A package of others may have a function
``contract_options(folder)`` in the module of its entry point.
"""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict

import pytest

from ..llm.models import gguf_file, save_tiny_model
from ..llm.server import ChatServer, Response

ANSWERS = {
    "Who?": {"names": ["Ada"]},
    "Who works for Acme, and where is that?": {"names": ["Ada", "Oslo"]},
}
"""Questions, and answers for backends without a model."""

SLOW = pytest.mark.slow


def llama_cpp(folder: Path, stack: ExitStack) -> Dict[str, Any]:
    file = gguf_file()
    if file is None:
        pytest.skip("needs a small language model: python -m spacy project run llm")
    return {"path": str(file), "n_threads": 1, "context_window": 512}


def transformers(folder: Path, stack: ExitStack) -> Dict[str, Any]:
    return {"model": save_tiny_model(folder), "batch_size": 2, "local_files_only": True}


def openai(folder: Path, stack: ExitStack) -> Dict[str, Any]:
    server = stack.enter_context(
        ChatServer(lambda call: Response(text=json.dumps(ANSWERS.get(call.question, {}))))
    )
    return {"model": "any", "base_url": server.url, "api_key_env": "CONTRACT_KEY"}


def replay(folder: Path, stack: ExitStack) -> Dict[str, Any]:
    records = [
        {
            "messages": [{"role": "user", "content": question}],
            "text": json.dumps(answer),
            "usage": {"requests": 1, "input_tokens": 9, "output_tokens": 5, "seconds": 0.1},
        }
        for question, answer in ANSWERS.items()
    ]
    path = folder / "replies.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return {"path": str(path)}


marks = {llama_cpp: SLOW, transformers: SLOW}
