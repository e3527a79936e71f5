"""A language model: the shortest answer that satisfies the schema."""

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence

from rel_component.errors import FormatUnsupported
from rel_component.llm.types import AnswerFormat, Message, Reply, Request, Usage


@dataclass
class ShortestAnswer:
    max_tokens: int = 100
    settings: Dict[str, Any] = field(default_factory=dict)
    formats: Sequence[AnswerFormat] = ("json_schema",)
    batch_size: int = 8
    concurrency: Optional[int] = None
    context_window: Optional[int] = None

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        answer_format: AnswerFormat,
        timeout: Optional[float] = None,
    ) -> List[Reply]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Reply:
        text = "No idea." if request.schema is None else json.dumps(shortest(request.schema))
        usage = Usage(
            requests=1,
            input_tokens=self.count_tokens(request.messages),
            output_tokens=len(text.split()),
            seconds=1e-3,
        )
        return Reply(text, usage=usage)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)


def shortest(schema: Dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {key: shortest(schema["properties"][key]) for key in schema["required"]}
    if schema["type"] != "array":
        raise FormatUnsupported(f"the type {schema['type']} is not known")
    return [shortest(schema["items"])] * schema.get("minItems", 0)


def build(max_tokens: int = 100) -> ShortestAnswer:
    settings = {"backend": __name__, "model": "shortest", "max_tokens": max_tokens}
    return ShortestAnswer(max_tokens, settings)
