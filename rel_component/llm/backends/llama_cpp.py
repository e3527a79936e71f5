"""GGUF models, run in this process by llama.cpp."""

import http.client
import json
import secrets
import time
import urllib.parse
from dataclasses import InitVar, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ...errors import ConfigError, LLMError, LLMUnavailable
from ..client.per_process import PerProcess
from ..types import AnswerFormat, Message, Reply, Request
from .chat_completion import (
    endpoint_error,
    error_text,
    message_dicts,
    read_completion,
    response_format,
)
from .sampling import check_sample, check_sampling

_BATCH = 512  # prompt tokens between two looks at the clock


def llama_cpp_backend(
    path: str,
    *,
    context_window: int = 4096,
    n_parallel: int = 1,
    n_threads: Optional[int] = None,
    n_gpu_layers: int = -1,
    temperature: float = 0.0,
    max_tokens: int = 1024,
    seed: int = 0,
    logprobs: bool = False,
) -> "LlamaCppBackend":
    """Run a GGUF model in this process (``rel_component.llama_cpp.v1``).

    The model is loaded with the first request, once for each process. Answers are constrained to
    the schema while they are written.

    Args:
        path: the GGUF file.
        context_window: tokens of prompt and answer together. Memory is reserved for them,
            `n_parallel` times.
        n_parallel: requests that are answered at the same time.
        n_threads: threads to compute with; None: as llama.cpp chooses.
        n_gpu_layers: layers that are computed on the GPU, if there is one; -1: as many as fit.
        temperature: 0: the most probable answer.
        max_tokens: tokens that an answer may have.
        seed: of the sampling. Sample n of a request has the seed ``seed + n``.
        logprobs: give the log-probabilities of the tokens: as the model sees them, before the
            schema rules any out.

    Raises:
        ConfigError: if there is no such file or an option is out of range.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ConfigError(f"There is no file {str(file)!r}. path must name a GGUF file.")
    check_sampling(temperature, max_tokens)
    if context_window < 1 or n_parallel < 1:
        raise ConfigError(
            "context_window and n_parallel must be at least 1, "
            f"got {context_window} and {n_parallel}"
        )
    return LlamaCppBackend(
        settings={
            "backend": "rel_component.llama_cpp.v1",
            "model": file.name,
            "size": file.stat().st_size,
            "context_window": context_window,
            "parameters": {
                "temperature": temperature,
                "max_tokens": max_tokens,
                "seed": seed,
                "logprobs": logprobs,
            },
        },
        context_window=context_window,
        max_tokens=max_tokens,
        concurrency=n_parallel,
        start=partial(
            _start,
            str(file),
            context_window=context_window,
            n_parallel=n_parallel,
            n_threads=n_threads,
            n_gpu_layers=n_gpu_layers,
        ),
    )


@dataclass
class LlamaCppBackend:
    """A model in this process; see :func:`llama_cpp_backend` and the contract ``Backend``.

    Attributes:
        start: loads the model.
    """

    settings: Mapping[str, Any]
    context_window: Optional[int]
    max_tokens: int
    concurrency: Optional[int]
    start: InitVar[Callable[[], "_Server"]]
    formats: Sequence[AnswerFormat] = ("json_schema", "text")
    batch_size: int = 1
    _server: PerProcess["_Server"] = field(init=False, repr=False, compare=False)

    def __post_init__(self, start: Callable[[], "_Server"]) -> None:
        self._server = PerProcess(start)

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        answer_format: AnswerFormat,
        timeout: Optional[float] = None,
    ) -> List[Reply]:
        """Answer requests; see the contract ``Backend``."""
        return [self._answer(request, answer_format, timeout) for request in requests]

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """Number of tokens of a prompt, those of the chat template included."""
        return self._server().count_tokens(messages)

    def _answer(self, request: Request, format: AnswerFormat, timeout: Optional[float]) -> Reply:
        fields = dict(self.settings["parameters"])
        check_sample(request.sample, fields["temperature"])
        fields["seed"] += request.sample
        fields["messages"] = message_dicts(request.messages)
        structure = response_format(format, request.schema)
        if structure is not None:
            fields["response_format"] = structure
        if fields["logprobs"]:
            fields["top_logprobs"] = 1
        server = self._server()
        start = time.perf_counter()
        completion = server.complete(fields, None if timeout is None else start + timeout)
        return read_completion(completion, time.perf_counter() - start)


@dataclass
class _Server:
    """A running llama.cpp. password: of its HTTP interface."""

    server: Any
    password: str = field(repr=False)

    def complete(self, fields: Dict[str, Any], deadline: Optional[float]) -> Dict[str, Any]:
        """The chat completion for a request. It comes in pieces, so that it can be broken off."""
        pieces: List[Dict[str, Any]] = []

        def late(piece: Dict[str, Any]) -> bool:
            pieces.append(piece)
            return deadline is not None and time.perf_counter() > deadline

        stream = {
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
        }
        structured = "response_format" in fields
        try:
            self.server.handle_chat_completions({**fields, **stream}, late)
        except ValueError as err:
            raise _error(400, str(err), structured) from None
        if pieces and "error" in pieces[-1]:
            status = pieces[-1]["error"].get("code", 500)
            raise _error(status, pieces[-1], structured)
        completion = _joined(pieces)
        if completion["choices"][0]["finish_reason"] is None:
            raise LLMUnavailable("The answer was not complete in time.")
        return completion

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Number of tokens that the chat template makes of messages."""
        prompt = self._post("/apply-template", {"messages": message_dicts(messages)})["prompt"]
        options = {"add_special": True, "parse_special": True}
        return len(self._post("/tokenize", {"content": prompt, **options})["tokens"])

    def _post(self, path: str, body: Dict[str, Any]) -> Any:
        """What is asked over HTTP, because the package has no other way to ask it."""
        address = urllib.parse.urlsplit(self.server.listening_address)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        try:
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.password}",
            }
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise _error(response.status, answer)
        return answer


def _start(
    path: str,
    *,
    context_window: int,
    n_parallel: int,
    n_threads: Optional[int],
    n_gpu_layers: int,
) -> _Server:
    try:
        import xllamacpp
    except ImportError:
        raise ConfigError(
            "The package xllamacpp is not installed. Run: pip install 'rel-component[llm-local]'"
        ) from None
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_parallel = n_parallel
    params.n_ctx = context_window * n_parallel
    params.n_batch = params.n_ubatch = _BATCH
    params.n_gpu_layers = n_gpu_layers
    if n_threads is not None:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = n_threads
    # It serves HTTP as well, which cannot be switched off: on a free port, behind a password.
    params.hostnames, params.port, params.ui = ["127.0.0.1"], 0, False
    password = secrets.token_urlsafe()
    params.api_keys = [password]
    params.verbosity, params.warmup, params.offline = -1, False, True
    try:
        return _Server(xllamacpp.Server(params), password)
    except (RuntimeError, ValueError) as err:
        raise ConfigError(f"llama.cpp cannot load {path!r}: {err}") from err


def _error(status: int, body: Any, structured: bool = False) -> LLMError:
    return endpoint_error(status, error_text(body), structured=structured, source="llama.cpp")


def _joined(pieces: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """The pieces of a streamed chat completion as one."""
    texts: List[str] = []
    tokens: List[Any] = []
    finish_reason: Optional[str] = None
    usage: Any = None
    for piece in pieces:
        usage = piece.get("usage") or usage
        for choice in piece["choices"]:
            texts.append(choice["delta"].get("content") or "")
            tokens.extend((choice.get("logprobs") or {}).get("content") or [])
            finish_reason = choice.get("finish_reason") or finish_reason
    choice = {
        "message": {"content": "".join(texts)},
        "finish_reason": finish_reason,
        "logprobs": {"content": tokens} if tokens else None,
    }
    return {"choices": [choice], "usage": usage}
