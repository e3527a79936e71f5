"""Requests to a language model, its replies, and the contract of backends."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Dict, List, Literal, Mapping, Optional, Protocol, Sequence, Tuple

from ..errors import LLMError, shown

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

ONE_PROCESS = (
    "A language model is asked by the one process that has loaded it, so that its budget holds: call "
    "nlp.pipe with n_process=1 (--n-process 1), and raise `concurrency` in the client block of the "
    "component for more requests in flight; or load the pipeline anew in the other process."
)
"""Why several processes are refused."""

REPORT_KEY = "rel_llm"
"""Key in ``doc.user_data`` of the report on questions, costs, drops and failures."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: who speaks.
        content: the text.
    """

    role: Role
    content: str


@dataclass(frozen=True)
class Request:
    """One request to a language model.

    Attributes:
        messages: the conversation so far.
        schema: JSON schema of the answer; None: free text.
        sample: number of the sample, where several answers to the same messages are drawn.
    """

    messages: Tuple[Message, ...]
    schema: Optional[JsonSchema] = None
    sample: int = 0


@dataclass(frozen=True)
class Usage:
    """Requests, tokens, time and cost of one or more replies.

    Attributes:
        requests: requests that were paid for, including failed attempts that were charged.
        cache_hits: replies taken from the cache, which cost nothing.
        input_tokens: tokens of the prompts.
        cached_tokens: the part of `input_tokens` that the endpoint had in its own prompt cache.
        output_tokens: tokens of the answers.
        seconds: time from sending each request to its reply, summed up, without time in queues.
        cost: in the currency of the prices; None: the prices are not known.
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
        numbers = (number.name for number in fields(self) if number.name != "cost")
        sums = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        return Usage(**sums, cost=sum(costs) if costs else None)

    def to_dict(self) -> Dict[str, Any]:
        """All attributes by name, as JSON can hold them."""
        return asdict(self)


@dataclass(frozen=True)
class OutputToken:
    """A token of an answer.

    Attributes:
        text: its characters.
        logprob: natural logarithm of its probability.
    """

    text: str
    logprob: float


@dataclass(frozen=True)
class Reply:
    """An answer of a language model.

    Attributes:
        text: the answer.
        finish_reason: ``stop`` if the answer is complete, ``length`` if the limit of tokens cut it
            off, or another word of the endpoint.
        usage: tokens, time and cost of the answer.
        tokens: the tokens with their log-probabilities, if the endpoint gives them. Their texts
            joined are `text`.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    tokens: Tuple[OutputToken, ...] = ()

    def with_usage(self, usage: Usage) -> "Reply":
        """A copy of the reply with other usage."""
        return replace(self, usage=usage)

    def to_dict(self) -> Dict[str, Any]:
        """The reply as JSON can hold it."""
        tokens = [[token.text, token.logprob] for token in self.tokens]
        return {**asdict(self), "tokens": tokens}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Reply":
        """The reply that :meth:`to_dict` was called on.

        Args:
            data: all of its keys but ``text`` may be missing.

        Raises:
            TypeError: if `data` has other keys or values of other types.
        """
        fields: Dict[str, Any] = dict(data)
        if not isinstance(fields["text"], str):
            raise TypeError(f"text is {shown(fields['text'])}; it has to be a string")
        fields["usage"] = Usage(**fields.get("usage", {}))
        fields["tokens"] = tuple(OutputToken(*token) for token in fields.get("tokens", ()))
        return cls(**fields)


@dataclass(frozen=True)
class Outcome:
    """The reply to a request, or the error in its place.

    Attributes:
        request: the request, as it was given.
        reply: the answer; that of the follow-up request, if there was one and it was answered.
        error: why there is no reply.
        usage: everything that was paid for the request, including its follow-up request and failed
            attempts.
    """

    request: Request
    reply: Optional[Reply] = None
    error: Optional[LLMError] = None
    usage: Usage = field(default_factory=Usage)


class Backend(Protocol):
    """A language model, local or behind an endpoint.

    A backend sends one batch and returns or raises. It does not retry, wait, cache or count:
    :class:`rel_component.llm.client.client.LLMClient` does that for all backends. It is called from
    several threads.

    Attributes:
        settings: the kind of backend, model, endpoint and parameters: everything that determines
            the answers, as JSON can hold it, without secrets. It is part of the key of the cache.
        formats: the answer formats worth trying, best first.
        batch_size: the most requests for one call; 1 for endpoints that take one at a time.
        concurrency: the most simultaneous calls; None: the backend sets no limit.
        context_window: tokens of prompt and answer together; None: not known.
        max_tokens: the most tokens of an answer.
    """

    settings: Mapping[str, Any]
    formats: Sequence[AnswerFormat]
    batch_size: int
    concurrency: Optional[int]
    context_window: Optional[int]
    max_tokens: int

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        answer_format: AnswerFormat,
        timeout: Optional[float] = None,
    ) -> List[Reply]:
        """Answer requests, in their order.

        Args:
            requests: at most `batch_size`.
            answer_format: how to ask for a structured answer; requests without a schema are asked
                for text.
            timeout: seconds to wait for the answers; None: the backend decides.

        Returns:
            One reply for each request.

        Raises:
            LLMUnavailable: if another attempt may succeed: no connection, time out, a server error,
                a body that is not an answer; with the time to wait if the endpoint names one.
            FormatUnsupported: if the endpoint does not know `answer_format`.
            LLMRefused: if another attempt is of no use.
        """
        ...

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """Number of tokens of a prompt, or None if the backend cannot tell without sending it.

        Args:
            messages: the prompt.
        """
        ...
