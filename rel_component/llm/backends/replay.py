"""Recorded replies in the place of a language model, for tests without one."""

import copy
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union, cast

from ... import errors
from ...errors import DataError, LLMError, LLMRefused, LLMUnavailable, shown
from ..types import ANSWER_FORMATS, AnswerFormat, Backend, Message, Reply, Request
from .batch import read_batch_answer, request_id
from .chat_completion import message_dicts

_QUESTION_KEYS = ("messages", "schema", "sample")
_REPLY_KEYS = ("text", "finish_reason", "usage", "tokens")
_ERROR_KEYS = ("error", "retry_after")
_ERRORS = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, LLMError)
}


def replay_backend(
    path: str, *, max_tokens: int = 1024, context_window: Optional[int] = None
) -> "ReplayBackend":
    """Answer with recorded replies (``rel_component.replay.v1``).

    A record is an object with a text or an error, and may have the rest:

    - messages: ``[{"role", "content"}, ...]`` of the request; missing: any request;
    - schema, sample: those of the request; missing: any;
    - text, finish_reason, usage, tokens (text and log-probability of each): those of the reply;
    - error: name of an error that is raised with the text as its message, such as
      ``LLMUnavailable``, which may have retry_after, in seconds, too.

    The lines of answers to a batch (:mod:`.batch`) are records, too, which have a ``custom_id`` in the
    place of messages. Errors of a request count only where there is no reply to it.

    A request is answered by the records with its messages, one after the other; the last of them
    stays. A request without such a record is answered by the records without messages, one after
    the other and each once.

    Args:
        path: JSONL file of records; :func:`record_replies` makes one.
        max_tokens: the most tokens of an answer, for prompts that have to leave room for it.
        context_window: tokens of prompt and answer together; None: no limit.

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
    return ReplayBackend(
        settings={
            "backend": "rel_component.replay.v1",
            "model": file.name,
            "digest": hashlib.sha256(content).hexdigest(),
        },
        path=path,
        records=[
            _read_record(line, f"{path}, line {n}")
            for n, line in enumerate(lines, 1)
            if line.strip()
        ],
        context_window=context_window,
        max_tokens=max_tokens,
    )


def record_replies(backend: Backend, path: Union[str, Path]) -> Backend:
    """A backend that appends requests and replies to a file for :func:`replay_backend`.

    Args:
        backend: the language model that answers.
        path: JSONL file; it is made if there is none.
    """
    return cast(Backend, _RecordingBackend(backend, Path(path)))


@dataclass
class _Record:
    """A recorded reply or error, with what has to be equal in the requests that it answers."""

    question: Mapping[str, Any]
    reply: Union[Reply, LLMError]
    used: bool = False


@dataclass
class ReplayBackend:
    """Recorded replies; see :func:`replay_backend` and the contract ``Backend``.

    It takes one call at a time, so that records without messages answer in their order.
    """

    settings: Mapping[str, Any]
    path: str
    records: List[_Record] = field(repr=False)
    context_window: Optional[int]
    max_tokens: int
    formats: Sequence[AnswerFormat] = ANSWER_FORMATS
    batch_size: int = 1
    concurrency: Optional[int] = 1

    def __post_init__(self) -> None:
        self._others: List[_Record] = []
        self._batched: Dict[str, List[_Record]] = {}
        for record in self.records:
            name = record.question.get("custom_id")
            of_name = self._others if name is None else self._batched.setdefault(name, [])
            of_name.append(record)

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
        """None: replies are recorded without a tokenizer."""
        return None

    def _answer(self, request: Request) -> Reply:
        record = self._find(request)
        record.used = True
        if isinstance(record.reply, LLMError):
            raise copy.copy(record.reply)
        return record.reply

    def _find(self, request: Request) -> _Record:
        of_batch = self._batched.get(request_id(request), [])
        # the answer to a request that failed in an earlier batch
        answered = [record for record in of_batch if isinstance(record.reply, Reply)]
        asked = _question(request)
        of_messages = (
            record
            for record in self._others
            if "messages" in record.question and record.question.items() <= asked.items()
        )
        of_request = answered or of_batch or [*of_messages]
        of_any = [record for record in self._others if "messages" not in record.question]
        for record in of_request or of_any:
            if not record.used:
                return record
        if of_request:
            return of_request[-1]
        last = request.messages[-1].content if request.messages else ""
        raise LLMRefused(
            f"{self.path} has no record for this request, and no record without messages is left. "
            f"Record it with record_replies. It ends with {last[-200:]!r}."
        )


class _RecordingBackend:
    """A backend whose replies are recorded; see :func:`record_replies`."""

    def __init__(self, backend: Backend, path: Path) -> None:
        self._backend = backend
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def __call__(self, requests: Sequence[Request], **options: Any) -> List[Reply]:
        try:
            replies = self._backend(requests, **options)
        except LLMError as err:
            record: Dict[str, Any] = {"text": str(err), "error": type(err).__name__}
            if isinstance(err, LLMUnavailable):
                record["retry_after"] = err.retry_after
            self._append([{**_question(request), **record} for request in requests])
            raise
        pairs = zip(requests, replies)
        self._append([{**_question(request), **reply.to_dict()} for request, reply in pairs])
        return replies

    def _append(self, records: Sequence[Mapping[str, Any]]) -> None:
        # One write without a buffer: records of other threads come before or after it.
        with open(self._path, "ab", buffering=0) as file:
            file.write("".join(f"{json.dumps(record)}\n" for record in records).encode())


def _question(request: Request) -> Dict[str, Any]:
    messages = message_dicts(request.messages)
    return {"messages": messages, "schema": request.schema, "sample": request.sample}


def _read_record(line: str, place: str) -> _Record:
    try:
        data = json.loads(line)
    except ValueError as err:
        raise DataError(f"The line is not JSON: {err}", place=place) from err
    if isinstance(data, dict) and "custom_id" in data:
        return _Record(*read_batch_answer(data, place))
    keys = (*_QUESTION_KEYS, *_REPLY_KEYS, *_ERROR_KEYS)
    if not isinstance(data, dict) or set(data) - {*keys}:
        raise DataError(
            f"A record is an object with keys of {[*keys]}, got {shown(data)}", place=place
        )
    data = {key: value for key, value in data.items() if value is not None}
    question = {key: data.pop(key) for key in _QUESTION_KEYS if key in data}
    error, retry_after = (data.pop(key, None) for key in _ERROR_KEYS)
    if error is not None and error not in _ERRORS:
        raise DataError(f"error must be one of {sorted(_ERRORS)}, got {shown(error)}", place=place)
    if not isinstance(data.get("text", "" if error else None), str):
        raise DataError("A record needs a text or an error.", place=place)
    if error is not None:
        options = {} if retry_after is None else {"retry_after": retry_after}
        return _Record(question, _ERRORS[error](data.get("text", ""), **options))
    try:
        return _Record(question, Reply.from_dict({"usage": {"requests": 1}, **data}))
    except TypeError as err:
        raise DataError(f"usage or tokens are not as recorded: {err}", place=place) from err
