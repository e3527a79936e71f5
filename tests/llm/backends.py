"""Language models that are functions, and short ways to write requests."""

import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from rel_component.errors import LLMError
from rel_component.llm.client.client import LLMClient, configure_llm_client
from rel_component.llm.types import AnswerFormat, Backend, Message, Reply, Request, Usage

Answer = Union[str, Reply, LLMError]

USAGE = Usage(requests=1, input_tokens=10, output_tokens=5)


def ask(text: str, **fields: Any) -> Request:
    """A request of one message."""
    return Request((Message("user", text),), **fields)


def question(request: Request) -> str:
    """The text of the last message."""
    return request.messages[-1].content


def echo(request: Request) -> Answer:
    """An answer that repeats the question."""
    return f"echo {question(request)}"


def client_of(backend: Backend, **options: Any) -> LLMClient:
    """A client with options of a config, or objects in their place, and `sleep` and `clock`."""
    names = ("concurrency", "attempts", "timeout")
    plain = {name: options.pop(name) for name in names if name in options}
    return configure_llm_client(**plain)(backend, **options)


def at_once(seconds: float) -> None:
    """Sleep for no time."""


@dataclass
class FakeClock:
    """A clock that only runs while one sleeps.

    now: the time. sleeps: the seconds of each sleep.
    """

    now: float = 0.0
    sleeps: List[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass
class FunctionBackend:
    """A backend that asks a function, and notes what it was asked.

    answer: called with each request; errors that it returns are raised.
    calls: the questions of each call. formats: the format of each call.
    most: the most calls that ran at a time.
    """

    answer: Callable[[Request], Answer] = echo
    settings: Dict[str, Any] = field(default_factory=lambda: {"model": "function"})
    formats: Sequence[AnswerFormat] = ("json_schema", "text")
    batch_size: int = 1
    concurrency: Optional[int] = None
    context_window: Optional[int] = None
    max_tokens: int = 10
    n_tokens: Optional[int] = 10
    calls: List[List[str]] = field(default_factory=list)
    used_formats: List[AnswerFormat] = field(default_factory=list)
    most: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0

    @property
    def asked(self) -> List[str]:
        """All questions."""
        return [question for call in list(self.calls) for question in call]

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        answer_format: AnswerFormat,
        timeout: Optional[float] = None,
    ) -> List[Reply]:
        with self._lock:
            self.calls.append([question(request) for request in requests])
            self.used_formats.append(answer_format)
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            return [self._reply(request) for request in requests]
        finally:
            with self._lock:
                self._running -= 1

    def _reply(self, request: Request) -> Reply:
        answer = self.answer(request)
        if isinstance(answer, LLMError):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(answer, usage=USAGE)

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        return self.n_tokens
