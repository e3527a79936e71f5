"""Models behind OpenAI's API and the many servers that speak it."""

import email.utils
import json
import math
import os
import threading
import time
import urllib.parse
import weakref
from dataclasses import dataclass, field, replace
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    Union,
)

from ...errors import ConfigError, LLMError, LLMRefused, LLMUnavailable, shown
from ..types import ANSWER_FORMATS, AnswerFormat, Message, Reply, Request, Usage
from .chat_completion import (
    endpoint_error,
    error_text,
    message_dicts,
    read_completion,
    response_format,
    without_secret,
)
from .connection import Connection, read_body
from .sampling import check_sample, check_sampling

MaxTokensParameter = Literal["max_tokens", "max_completion_tokens"]

_OPENAI_URL = "https://api.openai.com/v1"
_NO_KEY = "none"  # the SDK needs one; requests bring their own
MAX_BODY = 16_000_000
"""The most bytes of a response, unpacked, that are read; fewer for backends with few `max_tokens`."""

_BYTES_AROUND, _BYTES_OF_TOKEN = 1_000_000, 2_000  # of a token: its text, 20 others, probabilities
_DEFAULT_TIMEOUT = 600.0  # seconds; where the client has none
_NO_TIMEOUT = None  # of single reads: the whole request has one
_UNKNOWN = Usage(requests=1)  # of what was sent, and may have been computed, without a whole answer


def openai_backend(
    model: str,
    *,
    base_url: Optional[str] = None,
    api_key_env: Optional[str] = "OPENAI_API_KEY",
    api_key: Optional[Callable[[], str]] = None,
    api_version: Optional[str] = None,
    formats: Optional[List[AnswerFormat]] = None,
    temperature: Optional[float] = 0.0,
    max_tokens: int = 1024,
    max_tokens_parameter: Optional[MaxTokensParameter] = None,
    seed: Optional[int] = None,
    logprobs: bool = False,
    context_window: Optional[int] = None,
    extra_body: Optional[Dict[str, Any]] = None,
) -> "OpenAIBackend":
    """Ask a model behind an API like OpenAI's (``rel_component.openai.v1``).

    vLLM, Ollama, llama.cpp's server, TGI, Azure and many others speak it.

    Args:
        model: name of the model; on Azure, of the deployment.
        base_url: where the API lives, such as ``http://localhost:8000/v1``; on Azure, the endpoint
            of the resource. None: the environment variable ``OPENAI_BASE_URL``, or else OpenAI.
        api_key_env: environment variable that holds the key; None: send no key. Servers at
            `base_url` that need no key get none if the variable is not set.
        api_key: function that returns the key, in the place of `api_key_env`; called for each
            request.
        api_version: version of Azure's API, such as ``2024-10-21``; None: not Azure.
        formats: the formats worth trying, best first; None: all.
        temperature: 0: the most probable answer; None: what the endpoint prefers, for models that
            refuse other values.
        max_tokens: tokens that an answer may have, those of its reasoning included.
        max_tokens_parameter: the field that says so; None: ``max_completion_tokens`` for OpenAI and
            Azure, ``max_tokens`` for all others.
        seed: number that makes answers repeatable where the endpoint supports it. Sample n of a
            request has the seed ``seed + n``.
        logprobs: ask for the log-probabilities of the tokens.
        context_window: tokens of prompt and answer together; None: not known.
        extra_body: more fields of the request, such as ``{"top_p": 0.9}``.

    Raises:
        ConfigError: if an option is out of range or a secret is in a place where it would be
            stored.
    """
    if api_key is not None and not callable(api_key):
        raise ConfigError(
            "api_key must be a function that returns the key, so that no configuration holds it. "
            "Put the key into an environment variable and name it in api_key_env."
        )
    check_sampling(temperature, max_tokens)
    url = _endpoint(base_url, azure=api_version is not None)
    official = _is_official(url, api_version)
    parameter = max_tokens_parameter or ("max_completion_tokens" if official else "max_tokens")
    parameters: Dict[str, Any] = {parameter: max_tokens}
    if temperature is not None:
        parameters["temperature"] = temperature
    if seed is not None:
        parameters["seed"] = seed
    if logprobs:
        parameters.update(logprobs=True, top_logprobs=1)  # some servers send 20 if not told
    parameters.update(extra_body or {})
    return OpenAIBackend(
        settings={
            "backend": "rel_component.openai.v1",
            "model": model,
            "base_url": url,
            "api_version": api_version,
            "parameters": parameters,
            **({} if formats is None else {"formats": [*formats]}),
        },
        formats=ANSWER_FORMATS if formats is None else formats,
        context_window=context_window,
        max_tokens=max_tokens,
        base_url=url,
        api_version=api_version,
        key_env=None if api_key is not None else api_key_env,
        read_key=api_key,
        key_needed=official and api_key_env is not None,
    )


@dataclass
class OpenAIBackend:
    """A model behind an endpoint; see :func:`openai_backend` and the contract ``Backend``.

    Attributes:
        base_url: the URL of the API.
        api_version: version of Azure's API; None: not Azure.
        key_env: environment variable of the key.
        read_key: function that returns the key, in the place of `key_env`.
        key_needed: whether the endpoint refuses requests without a key.
    """

    settings: Mapping[str, Any]
    formats: Sequence[AnswerFormat]
    context_window: Optional[int]
    max_tokens: int
    base_url: str = ""
    api_version: Optional[str] = None
    key_env: Optional[str] = None
    read_key: Optional[Callable[[], str]] = field(default=None, repr=False)
    key_needed: bool = False
    batch_size: int = 1
    concurrency: Optional[int] = None
    _connection: Optional[Connection] = field(default=None, init=False, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

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
        """None: endpoints count only the prompts that they are sent."""
        return None

    def request_body(self, request: Request) -> Dict[str, Any]:
        """The body that a request would be sent with, in the best answer format."""
        messages = message_dicts(request.messages)
        fields = self._fields(request, self.formats[0])
        return {"model": self.settings["model"], "messages": messages, **fields}

    def _fields(self, request: Request, answer_format: AnswerFormat) -> Dict[str, Any]:
        """All of the body but model and messages."""
        official = _is_official(self.base_url, self.api_version)
        structure = response_format(answer_format, request.schema, lengths=not official)
        fields = dict(self.settings["parameters"])
        if structure is not None:
            fields["response_format"] = structure
        if request.sample:
            check_sample(request.sample, fields.get("temperature"))
            if "seed" in fields:
                fields["seed"] += request.sample
        return fields

    def _answer(
        self, request: Request, answer_format: AnswerFormat, timeout: Optional[float]
    ) -> Reply:
        fields = self._fields(request, answer_format)
        outcome = self._send(request, fields, _DEFAULT_TIMEOUT if timeout is None else timeout)
        # Raised here, so that no error of the SDK, with its headers and texts, is its context.
        if isinstance(outcome, LLMError):
            outcome.__context__ = None
            raise outcome
        return outcome

    def _send(
        self, request: Request, fields: Dict[str, Any], timeout: float
    ) -> Union[Reply, LLMError]:
        connection, key = self._connected(), self._key()
        import openai

        start = time.perf_counter()
        try:
            body = connection.call(self._complete(connection.client, request, fields, key), timeout)
            return read_completion(self._decoded(body), time.perf_counter() - start, key)
        except (LLMError, openai.OpenAIError, TimeoutError) as err:
            error = self._error(err, key, timeout, structured="response_format" in fields)
            if isinstance(error, LLMUnavailable) and error.usage is not None:
                error.usage = replace(error.usage, seconds=time.perf_counter() - start)
            return error

    async def _complete(
        self, client: Any, request: Request, fields: Dict[str, Any], key: str
    ) -> bytes:
        import openai

        header, scheme = (
            ("Authorization", "Bearer ") if self.api_version is None else ("api-key", "")
        )
        async with client.chat.completions.with_streaming_response.create(
            model=self.settings["model"],
            messages=message_dicts(request.messages),
            extra_headers={header: f"{scheme}{key}" if key else openai.Omit()},
            extra_body=fields,
            timeout=_NO_TIMEOUT,
        ) as response:
            try:
                return await read_body(response.iter_bytes(), self._max_body)
            except Exception as err:  # the SDK does not say which HTTP library raises here
                message = f"The response broke off: {shown(err, 200)}"
                raise LLMUnavailable(message, usage=_UNKNOWN) from None

    @property
    def _max_body(self) -> int:
        return min(MAX_BODY, _BYTES_AROUND + _BYTES_OF_TOKEN * self.max_tokens)

    def _decoded(self, body: bytes) -> Any:
        if len(body) > self._max_body:
            raise LLMUnavailable(
                f"The response has more than {self._max_body:,} bytes, too many for "
                f"{self.max_tokens} tokens (max_tokens).",
                usage=_UNKNOWN,
            )
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as err:
            raise LLMUnavailable(f"The response is not JSON: {err}", usage=_UNKNOWN) from None

    def _error(
        self, err: Exception, key: str, timeout: float, *, structured: bool = False
    ) -> LLMError:
        """The error of this package for an error of the SDK, without the key."""
        import openai

        error: LLMError
        if isinstance(err, LLMError):
            error = err
        elif isinstance(err, openai.APIStatusError):
            error = self._status_error(err, key, structured=structured)
        elif isinstance(err, TimeoutError):
            error = LLMUnavailable(f"No answer within {timeout:g} seconds.", usage=_UNKNOWN)
        elif isinstance(err, openai.APIConnectionError):
            error = self._connection_error(err.__cause__ or err)
        else:
            error = LLMRefused(f"The request could not be sent: {err}")
        error.args = tuple(without_secret(str(arg), key) for arg in error.args)
        return error

    def _connection_error(self, cause: BaseException) -> LLMError:
        message = f"No answer from {self.base_url}: {str(cause) or repr(cause)}"
        if "CERTIFICATE_VERIFY_FAILED" in message:
            return LLMRefused(
                f"{message}. If you trust the server, name the file with the certificate of its "
                "authority in the environment variable SSL_CERT_FILE."
            )
        if "WRONG_VERSION_NUMBER" in message or "RECORD_LAYER_FAILURE" in message:
            return LLMRefused(
                f"{message}. If the server does not speak TLS, base_url needs http://."
            )
        return LLMUnavailable(message)

    def _status_error(self, err: Any, key: str, *, structured: bool) -> LLMError:
        status, headers = err.status_code, err.response.headers
        text = error_text(_json_or_text(err.body), key)
        if status in (401, 403):
            source = f"the environment variable {self.key_env}" if self.key_env else "api_key"
            text += f" Check the key in {source} and what it gives access to."
        elif status == 404:
            text += f" Check the model {self.settings['model']!r} and {self.base_url}."
        elif "location" in headers and 300 <= status < 400:
            text = (
                f"it redirects to {shown(headers['location'], 200)}. Redirects are not followed, as "
                "the text of the document would go there; if it may, set base_url to that address."
            )
        return endpoint_error(
            status, text, structured=structured, retry_after=_retry_after(headers)
        )

    def _key(self) -> str:
        source = f"The environment variable {self.key_env}"
        if self.read_key is not None:
            source, key = "The function api_key", self.read_key()
        else:
            key = os.environ.get(self.key_env, "") if self.key_env else ""
        key = key.strip()
        if not key and self.key_needed:
            raise LLMRefused(f"{source} holds no key for {self.base_url}. Set it.")
        if not (key.isascii() and key.isprintable()):
            raise LLMRefused(f"{source} holds no valid key: it has characters no key can have.")
        return key

    def _connected(self) -> Connection:
        """The connection, made with the first request."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
                weakref.finalize(self, self._connection.close)
        return self._connection

    def _connect(self) -> Connection:
        if self.api_version is None:
            return Connection("AsyncOpenAI", api_key=_NO_KEY, base_url=self.base_url)
        return Connection(
            "AsyncAzureOpenAI",
            api_key=_NO_KEY,
            azure_endpoint=self.base_url,
            api_version=self.api_version,
        )


def _retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds to wait before the next attempt, or None if the endpoint does not say.

    ``Retry-After`` holds seconds or a date
    (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
    """
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after", "")
    try:
        seconds = float(value) if milliseconds is None else float(milliseconds) / 1000
    except ValueError:
        try:
            seconds = max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
        except (ValueError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _json_or_text(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf8", "replace")


def _is_official(url: str, api_version: Optional[str]) -> bool:
    """Whether the endpoint is OpenAI's own, there or on Azure."""
    return api_version is not None or url.rstrip("/") == _OPENAI_URL


def _endpoint(base_url: Optional[str], *, azure: bool) -> str:
    """The URL of the API, without anything secret in it."""
    variable = "AZURE_OPENAI_ENDPOINT" if azure else "OPENAI_BASE_URL"
    url = base_url or os.environ.get(variable) or ("" if azure else _OPENAI_URL)
    parts = urllib.parse.urlsplit(url)
    if "@" in url or parts.query:
        raise ConfigError(
            "base_url must hold neither a password nor a query, because it is stored. "
            "Put the key into an environment variable and name it in api_key_env."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"base_url must be a URL such as 'http://localhost:8000/v1', got {shown(url)}. "
            f"Where it is not given, the environment variable {variable} says it."
        )
    return url
