"""Recorded answers in the place of a language model, for tests without one."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type, Union

from ... import errors
from ...errors import DataError, LLMError, LLMRefused, LLMUnavailable
from ..types import (
    ANSWER_FORMATS,
    AnswerFormat,
    Backend,
    JsonSchema,
    Message,
    OutputToken,
    Reply,
    Request,
    Usage,
)
from .chat_completion import message_dicts

_KEYS = ("messages", "schema", "sample", "text", "finish_reason", "usage", "tokens")
_ERROR_KEYS = ("error", "retry_after")
_ERRORS: Dict[str, Type[LLMError]] = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, LLMError)
}


def replay_backend(
    path: str, *, max_tokens: int = 1024, context_window: Optional[int] = None
) -> "ReplayBackend":
    """Answer with recorded replies (``rel_component.replay.v1``).

    A request is answered by the records with its messages, one after the other; the last of them
    stays. A request without such a record is answered by the records without messages, one after
    the other and each once.

        - messages: ``[{"role", "content"}, ...]`` of the request; none: any request;
        - schema, sample: of the request; none: any;
        - text, finish_reason, usage, tokens (text and log-probability of each): of the reply;
        - error: name of an error that is raised with the text as its message, such as
          ``LLMUnavailable``, which may have retry_after, in seconds, too.
    max_tokens: tokens that an answer may have, for whoever asks.
    context_window: tokens of prompt and answer together, for whoever asks.

    Args:
        path: JSONL file of records, which have a text or an error, and may have the rest:

    Raises:
        DataError: if the file cannot be read; the message names the line.
    """
    file = Path(path).expanduser()
    try:
        content = file.read_bytes()
        lines = content.decode("utf-8").split("\n")
    except OSError as err:
        raise DataError(f"Recorded replies cannot be read: {err.strerror}", place=path) from err
    except UnicodeDecodeError as err:
        raise DataError(f"Recorded replies must be UTF-8: {err}", place=path) from err
    records = [
        _read_record(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()
    ]
    return ReplayBackend(
        settings={
            "backend": "rel_component.replay.v1",
            "model": file.name,
            "digest": hashlib.sha256(content).hexdigest(),
        },
        path=path,
        records=records,
        context_window=context_window,
        max_tokens=max_tokens,
    )


def record_replies(backend: Backend, path: Union[str, Path]) -> "RecordingBackend":
    """A backend that appends what passes through it to a file for :func:`replay_backend`.

    Args:
        backend: who answers.
        path: JSONL file; it is made if there is none.
    """
    return RecordingBackend(
        backend=backend,
        path=str(path),
        settings=backend.settings,
        formats=backend.formats,
        batch_size=backend.batch_size,
        concurrency=backend.concurrency,
        context_window=backend.context_window,
        max_tokens=backend.max_tokens,
    )


@dataclass
class _Record:
    """A recorded reply and which requests it answers.

    Attributes:
        messages, schema, sample: of these requests; None: any.
        reply: the answer, or the message of an error.
        error, retry_after: the error and, if it has one, its time to wait.
    """

    messages: Optional[List[Dict[str, str]]]
    schema: Optional[JsonSchema]
    sample: Optional[int]
    reply: Reply
    error: Optional[Type[LLMError]] = None
    retry_after: Optional[float] = None
    used: bool = False

    def answers(self, request: Request) -> bool:
        """Whether it was recorded for a request."""
        return (
            self.messages == message_dicts(request.messages)
            and self.schema in (None, request.schema)
            and self.sample in (None, request.sample)
        )


@dataclass
class ReplayBackend:
    """Recorded replies; see :func:`replay_backend` and the contract ``Backend``.

    One call at a time, so that records without messages answer in their order.
    """

    settings: Mapping[str, Any]
    path: str
    records: List[_Record] = field(repr=False)
    context_window: Optional[int]
    max_tokens: int
    formats: Sequence[AnswerFormat] = ANSWER_FORMATS
    batch_size: int = 1
    concurrency: Optional[int] = 1

    def __call__(
        self,
        requests: Sequence[Request],
        *,
        answer_format: AnswerFormat,
        timeout: Optional[float] = None,
    ) -> List[Reply]:
        """Answer requests; see the contract ``Backend``."""
        return [self._answer(request) for request in requests]

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """None: nobody counted them."""
        return None

    def _answer(self, request: Request) -> Reply:
        record = self._find(request)
        record.used = True
        if record.error is LLMUnavailable:
            raise LLMUnavailable(record.reply.text, retry_after=record.retry_after)
        if record.error is not None:
            raise record.error(record.reply.text)
        return record.reply

    def _find(self, request: Request) -> _Record:
        found = [record for record in self.records if record.answers(request)]
        others = [record for record in self.records if record.messages is None]
        for record in found or others:
            if not record.used:
                return record
        if found:
            return found[-1]
        last = request.messages[-1].content if request.messages else ""
        raise LLMRefused(
            f"{self.path} has no record for this request, and no record without messages is left. "
            f"Record it with record_replies. It ends with {last[-200:]!r}."
        )


@dataclass
class RecordingBackend:
    """A backend that is listened to; see :func:`record_replies`."""

    backend: Backend
    path: str
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
        """Answer requests; see the contract ``Backend``."""
        try:
            replies = self.backend(requests, answer_format=answer_format, timeout=timeout)
        except LLMError as err:
            outcome: Dict[str, Any] = {"text": str(err), "error": type(err).__name__}
            if isinstance(err, LLMUnavailable) and err.retry_after is not None:
                outcome["retry_after"] = err.retry_after
            self._append((request, outcome) for request in requests)
            raise
        self._append((r, _reply_to_json(reply)) for r, reply in zip(requests, replies))
        return replies

    def count_tokens(self, messages: Sequence[Message]) -> Optional[int]:
        """Number of tokens of a prompt, or None if the backend cannot tell."""
        return self.backend.count_tokens(messages)

    def _append(self, outcomes: Iterable[Tuple[Request, Dict[str, Any]]]) -> None:
        lines = [
            {
                "messages": message_dicts(request.messages),
                "schema": request.schema,
                "sample": request.sample,
                **outcome,
            }
            for request, outcome in outcomes
        ]
        # One write without a buffer: records of other threads come before or after it.
        with open(self.path, "ab", buffering=0) as file:
            file.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())


def _reply_to_json(reply: Reply) -> Dict[str, Any]:
    return {
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "usage": reply.usage.to_dict(),
        "tokens": [[token.text, token.logprob] for token in reply.tokens],
    }


def _read_record(line: str, place: str) -> _Record:
    try:
        data = json.loads(line)
    except ValueError as err:
        raise DataError(f"The line is not JSON: {err}", place=place) from err
    if not isinstance(data, dict) or set(data) - {*_KEYS, *_ERROR_KEYS}:
        raise DataError(
            f"A record is an object with keys of {[*_KEYS, *_ERROR_KEYS]}, got {data!r}",
            place=place,
        )
    error = data.get("error")
    if error is not None and error not in _ERRORS:
        raise DataError(f"error must be one of {sorted(_ERRORS)}, got {error!r}", place=place)
    if not isinstance(data.get("text", "" if error else None), str):
        raise DataError("A record needs a text or an error.", place=place)
    try:
        reply = Reply(
            text=data.get("text", ""),
            finish_reason=data.get("finish_reason", "stop"),
            usage=Usage(**(data.get("usage") or {"requests": 1})),
            tokens=tuple(OutputToken(*token) for token in data.get("tokens") or []),
        )
    except TypeError as err:
        raise DataError(f"usage or tokens are not as recorded: {err}", place=place) from err
    return _Record(
        messages=data.get("messages"),
        schema=data.get("schema"),
        sample=data.get("sample"),
        reply=reply,
        error=None if error is None else _ERRORS[error],
        retry_after=data.get("retry_after"),
    )
