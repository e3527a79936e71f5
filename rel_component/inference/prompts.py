"""The requests that a prompted pipeline would send."""

from typing import Any, Dict, Iterable, Iterator, List, Set, Union

from spacy.language import Language

from ..llm.backends.batch import batch_request
from ..llm.backends.chat_completion import message_dicts
from ..llm.types import Request
from ..pipelines import PipelineSource, load_pipeline, require_prompted
from .texts import Text, with_records


def prompts(nlp: PipelineSource, texts: Iterable[Union[str, Text]]) -> Iterator[Dict[str, Any]]:
    """Make the requests that a prompted pipeline would send for texts; nothing is sent.

    Args:
        nlp: a pipeline with a component that prompts a language model, its name or path, or the path of
            its config. The components before that one run.
        texts: texts, or pairs of a text and a record.

    Returns:
        A record for each request: its ``messages``, the JSON ``schema`` of the answer, the number of the
        ``sample``, and the number of ``tokens``, None if only the language model knows it.

    Raises:
        ConfigError: if no component prompts a language model.
    """
    nlp = load_pipeline(nlp)
    backend = require_prompted(nlp).client.backend
    return (
        {
            "messages": message_dicts(question.messages),
            "schema": question.schema,
            "sample": question.sample,
            "tokens": backend.count_tokens(question.messages),
        }
        for question in _questions(nlp, with_records(texts))
    )


def batch_requests(
    nlp: PipelineSource, texts: Iterable[Union[str, Text]]
) -> Iterator[Dict[str, Any]]:
    """Make the lines of a file for the batch endpoint of a hosted model; nothing is sent.

    The pipeline with the backend ``rel_component.replay.v1`` reads the files of the answers.

    Args:
        nlp: see :func:`prompts`; its backend is an endpoint.
        texts: texts, or pairs of a text and a record.

    Returns:
        A line for each request; equal ones are one.

    Raises:
        ConfigError: if no component prompts a language model, or its backend is no endpoint.
    """
    nlp = load_pipeline(nlp)
    backend = require_prompted(nlp).client.backend
    seen: Set[str] = set()
    for question in _questions(nlp, with_records(texts)):
        line = batch_request(backend, question)
        if line["custom_id"] not in seen:
            seen.add(line["custom_id"])
            yield line


def _questions(nlp: Language, texts: Iterator[Text]) -> Iterator[Request]:
    prompted = require_prompted(nlp)
    names: List[str] = nlp.pipe_names
    with nlp.select_pipes(disable=names[names.index(prompted.name) :]):
        for text, _ in texts:
            yield from prompted.questions(nlp(text))
