"""What is said to a language model, what it says, and the contract of the backends between."""

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Literal, Mapping, Optional, Protocol, Sequence, Tuple

Role = Literal["system", "user", "assistant"]

AnswerFormat = Literal["json_schema", "json_object_schema", "json_object", "text"]
"""How an endpoint is asked for a structured answer, best first:

- ``json_schema``: constrained to a JSON schema;
- ``json_object_schema``: the type ``json_object`` with the schema beside it;
- ``json_object``: any JSON object;
- ``text``: not at all; only the prompt asks for it.
"""

ANSWER_FORMATS: Tuple[AnswerFormat, ...] = (
    "json_schema",
    "json_object_schema",
    "json_object",
    "text",
)

JsonSchema = Dict[str, Any]

REPORT_KEY = "rel_llm"
"""Key of ``doc.user_data`` under which a document says what was asked, paid, dropped and why."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation. role: who speaks. content: what is said."""

    role: Role
    content: str


@dataclass(frozen=True)
class Request:
    """One question to a language model.

    Attributes:
        messages: the conversation so far.
        schema: JSON schema that the answer has to satisfy; None: free text.
        sample: number of the answer, where several are drawn for the same question.
    """

    messages: Tuple[Message, ...]
    schema: Optional[JsonSchema] = None
    sample: int = 0


@dataclass(frozen=True)
class Usage:
    """What answers cost.

    Attributes:
        requests: requests that were paid for, failed attempts with a bill included.
        cache_hits: answers taken from the cache; they cost nothing.
        input_tokens: tokens of the prompts.
        cached_tokens: those of them that the endpoint had in its own cache.
        output_tokens: tokens of the answers.
        seconds: time from sending a request to its answer, summed up, without waiting in queues.
        cost: in the currency of the price table; None: no prices known.
    """

    requests: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: Optional[float] = None

    def __add__(self, other: "Usage") -> "Usage":
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            requests=self.requests + other.requests,
            cache_hits=self.cache_hits + other.cache_hits,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            seconds=self.seconds + other.seconds,
            cost=sum(costs) if costs else None,
        )

    def to_dict(self) -> Dict[str, Any]:
        """Plain data."""
        return {
            "requests": self.requests,
            "cache_hits": self.cache_hits,
            "input_tokens": self.input_tokens,
            "cached_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens,
            "seconds": self.seconds,
            "cost": self.cost,
        }


@dataclass(frozen=True)
class OutputToken:
    """A token of an answer. text: its characters. logprob: natural logarithm of its probability."""

    text: str
    logprob: float


@dataclass(frozen=True)
class Reply:
    """An answer of a language model.

    Attributes:
        text: what it says.
        finish_reason: ``stop`` if it is whole, ``length`` if the limit of tokens cut it off, or
            another word of the endpoint.
        usage: what it cost.
        tokens: its tokens with their log-probabilities, if the endpoint gives them. Their texts
            joined are `text`.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    tokens: Tuple[OutputToken, ...] = ()

    def with_usage(self, usage: Usage) -> "Reply":
        """The same answer with another bill."""
        return replace(self, usage=usage)


class Backend(Protocol):
    """A language model, local or behind an endpoint.

    Backends send one batch and return or raise. They do not retry, wait, cache or count: that is
    done once for all of them, in ``client.py``. They are called from several threads.

    Attributes:
        settings: what makes answers comparable: the kind of backend, model, endpoint and
            parameters, as plain data. Never a secret. It is part of the key of the cache.
        formats: the formats worth trying, best first.
        batch_size: the most requests for one call; 1 for endpoints that take one at a time.
        concurrency: the most calls at a time; None: no limit of its own.
        context_window: tokens of prompt and answer together; None: not known.
        max_tokens: tokens that an answer may have.
    """

    settings: Mapping[str, Any]
    formats: Sequence[AnswerFormat]
    batch_size: int
    concurrency: Optional[int]
    context_window: Optional[int]
    max_tokens: int

    def __call__(
        self, requests: Sequence[Request], *, format: AnswerFormat, timeout: Optional[float] = None
    ) -> List[Reply]:
        """Answer requests, in their order.

        Args:
            requests: at most `batch_size`.
            format: how to ask for structure; requests without a schema are asked for text.
            timeout: seconds to wait for the answer.

        Raises:
            LLMUnavailable: if another attempt may succeed: no connection, time out, a server error,
                a body that is not an answer; with the time to wait if the endpoint names one.
            FormatUnsupported: if the endpoint does not know `format`.
            LLMRefused: if another attempt is of no use.
        """
        ...

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """Number of tokens of a prompt, or None if the backend cannot tell without sending it."""
        ...
