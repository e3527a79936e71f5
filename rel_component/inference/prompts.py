"""The requests that a prompted pipeline would send."""

from typing import Any, Dict, Iterable, Iterator, List, Union

from spacy.language import Language

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
    return _prompts(nlp, require_prompted(nlp), with_records(texts))


def _prompts(nlp: Language, prompted: Any, texts: Iterator[Text]) -> Iterator[Dict[str, Any]]:
    names: List[str] = nlp.pipe_names
    backend = prompted.client.backend
    with nlp.select_pipes(disable=names[names.index(prompted.name) :]):
        for text, _ in texts:
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
