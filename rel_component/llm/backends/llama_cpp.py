"""GGUF models, run by a llama.cpp server in this process."""

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from ...errors import ConfigError
from ...packages import import_package
from ..types import Message
from .chat_completion import message_dicts
from .connection import Connection
from .openai import OpenAIBackend
from .sampling import check_sampling

_BATCH = 512  # prompt tokens between two checks whether the answer is still wanted
_MOST_THREADS = 8  # that nobody has asked for
_COUNT_TIMEOUT = 60.0
_BLOCK, _BLOCKS = 65_536, 16  # bytes of a model that are hashed at a place, and places


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

    The model is loaded with the first request. Answers are constrained to the schema while they are
    written.

    Args:
        path: the GGUF file.
        context_window: tokens of prompt and answer together. Memory is reserved for them,
            `n_parallel` times.
        n_parallel: requests that are answered at the same time.
        n_threads: threads to compute with; None: half of the processors that this process may use, 8
            at most, because threads that wait for a busy processor take the time of others.
        n_gpu_layers: layers that are computed on the GPU, if there is one; -1: as many as fit.
        temperature: 0: the most probable answer.
        max_tokens: the most tokens of an answer.
        seed: seed of the sampling. Sample n of a request has the seed ``seed + n``.
        logprobs: give the log-probabilities of the tokens: as the model sees them, before the
            schema rules any out.

    Raises:
        ConfigError: if there is no such file, it cannot be read or an option is out of range.
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
    parameters: Dict[str, Any] = {
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
    }
    if logprobs:
        parameters.update(logprobs=True, top_logprobs=1)
    return LlamaCppBackend(
        settings={
            "backend": "rel_component.llama_cpp.v1",
            "model": file.name,
            "size": file.stat().st_size,
            "digest": _digest(file),
            "context_window": context_window,
            "parameters": parameters,
        },
        formats=("json_schema", "text"),
        context_window=context_window,
        max_tokens=max_tokens,
        concurrency=n_parallel,
        path=str(file),
        n_threads=n_threads,
        n_gpu_layers=n_gpu_layers,
    )


@dataclass
class LlamaCppBackend(OpenAIBackend):
    """A model behind a llama.cpp server of this process; see :func:`llama_cpp_backend`.

    The server stops when the backend is collected.

    Attributes:
        path: the GGUF file.
        n_threads: threads to compute with; None: as many as :func:`llama_cpp_backend` says.
        n_gpu_layers: layers that are computed on the GPU.
    """

    path: str = ""
    n_threads: Optional[int] = None
    n_gpu_layers: int = -1
    _server: Any = field(default=None, init=False, repr=False, compare=False)

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """Number of tokens of a prompt, including those of the chat template."""
        prompt = self._post("apply-template", messages=message_dicts(messages))["prompt"]
        tokenized = self._post("tokenize", content=prompt, add_special=True, parse_special=True)
        return len(tokenized["tokens"])

    def _post(self, path: str, **fields: Any) -> Any:
        connection = self._connected()
        import openai

        request = connection.client.post(
            f"{self._server.listening_address}/{path}", cast_to=object, body=fields
        )
        try:
            return connection.call(request, _COUNT_TIMEOUT)
        except (openai.OpenAIError, TimeoutError) as err:
            error = self._error(err, self._key(), _COUNT_TIMEOUT)
        raise error

    def _connect(self) -> Connection:
        import_package("openai", "llm-local")
        password = secrets.token_urlsafe()
        self._server = self._start(password)
        self.read_key = lambda: password
        self.base_url = f"{self._server.listening_address}/v1"
        # no proxy on the way
        return Connection("AsyncOpenAI", trust_env=False, api_key=password, base_url=self.base_url)

    def _start(self, password: str) -> Any:
        """A server on a free port of this machine, behind a password."""
        xllamacpp = import_package("xllamacpp", "llm-local")
        n_parallel = self.concurrency or 1
        params = xllamacpp.CommonParams()
        params.model.path = self.path
        params.n_parallel = n_parallel
        params.n_ctx = (self.context_window or 0) * n_parallel
        params.n_batch = params.n_ubatch = _BATCH
        params.n_gpu_layers = self.n_gpu_layers
        n_threads = _default_threads() if self.n_threads is None else self.n_threads
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = n_threads
        params.hostnames, params.port, params.ui = ["127.0.0.1"], 0, False
        params.api_keys = [password]
        params.verbosity, params.warmup, params.offline = -1, False, True
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as err:
            raise ConfigError(f"llama.cpp cannot load {self.path!r}: {err}") from err


def _digest(file: Path) -> str:
    """A hash of blocks from all over a file: other weights may have the same name and size."""
    last = max(0, file.stat().st_size - _BLOCK)
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            for k in range(_BLOCKS):
                stream.seek(last * k // (_BLOCKS - 1))
                digest.update(stream.read(_BLOCK))
    except OSError as err:
        raise ConfigError(f"{str(file)!r} cannot be read: {err.strerror}") from err
    return digest.hexdigest()


def _default_threads() -> int:
    of_process = getattr(os, "sched_getaffinity", None)
    n_processors = len(of_process(0)) if of_process else os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, n_processors // 2))
