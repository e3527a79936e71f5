"""Chat completions: the wire format that servers and local runtimes have in common.

https://platform.openai.com/docs/api-reference/chat
"""

import codecs
import re
import reprlib
import urllib.parse
from itertools import accumulate
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...errors import FormatUnsupported, LLMError, LLMRefused, LLMUnavailable, PromptTooLong
from ..types import AnswerFormat, JsonSchema, Message, OutputToken, Reply, Usage

_SCHEMA_NAME = "answer"
_MAX_ERROR_CHARS = 500
_MAX_SHOWN = 10 * _MAX_ERROR_CHARS  # characters of a message in which the secret is looked for
_MAX_REASON_CHARS = 40
_MIN_PART = 8  # characters of a secret that are no accident
_MIN_SECRET_CHARS = 16  # a shorter one, such as "password", may be a word of an answer
_BROKEN = ("error", "abort")  # reasons why an answer ended, as OpenRouter and vLLM say them
_MAX_COUNT = 10**12  # tokens; more are no number of tokens
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _MAX_ERROR_CHARS

_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window)|prompt is too long|input is too long"
    r"|longer than the maximum model length|tokens?\b.*\bmust be <=|input token count.*exceeds",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT = re.compile(
    r"response_format|json[ _-]?schema|json_object|structured[ _]outputs?|guided|grammar",
    re.IGNORECASE,
)
_NO_QUOTA = re.compile(r"insufficient_quota|billing_hard_limit", re.IGNORECASE)

_TOO_LARGE = re.compile(r"request too large|must be reduced", re.IGNORECASE)
_TRANSIENT = frozenset({408, 409, 425, 429})
_NOT_ABOUT_CONTENT = frozenset({401, 403, 404})


def message_dicts(messages: Sequence[Message]) -> List[Dict[str, str]]:
    """Messages in the form that endpoints and chat templates take."""
    return [{"role": message.role, "content": message.content} for message in messages]


def response_format(
    answer_format: AnswerFormat, schema: Optional[JsonSchema], *, lengths: bool = True
) -> Optional[Dict[str, Any]]:
    """The field ``response_format`` of a request, or None if it has to be left out.

    Args:
        answer_format: how to ask for a structured answer.
        schema: JSON schema of the answer; None: free text.
        lengths: whether the endpoint accepts lengths of strings, as OpenAI's own does not
            (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas).
    """
    if schema is None or answer_format == "text":
        return None
    if not lengths:
        schema = _without_lengths(schema)
    if answer_format == "json_schema":
        return {
            "type": "json_schema",
            "json_schema": {"name": _SCHEMA_NAME, "strict": True, "schema": schema},
        }
    if answer_format == "json_object_schema":
        return {"type": "json_object", "schema": schema}
    return {"type": "json_object"}


def _without_lengths(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key != "maxLength"}
        return {key: _without_lengths(value) for key, value in kept.items()}
    if isinstance(schema, list):
        return [_without_lengths(value) for value in schema]
    return schema


def read_completion(body: Any, seconds: float, secret: str = "") -> Reply:
    """The answer in the body of a response.

    Args:
        body: the decoded JSON.
        seconds: time from the request to the response.
        secret: the key, which no error message may hold.

    Raises:
        LLMUnavailable: if the body has no answer, or one that broke off.
    """
    bill = _bill(body, seconds)
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        raise LLMUnavailable(f"The response has no answer: {error_text(body, secret)}", usage=bill)
    message = choice["message"]
    finish_reason = choice.get("finish_reason")
    if choice.get("error") or finish_reason in _BROKEN:
        raise LLMUnavailable(f"The answer broke off: {error_text(choice, secret)}", usage=bill)
    if not isinstance(finish_reason, str) or not 0 < len(finish_reason) <= _MAX_REASON_CHARS:
        finish_reason = "stop"
    text = _content(message)
    if isinstance(message.get("refusal"), str) and not text:
        text, finish_reason = message["refusal"], "refusal"
    if text is None and finish_reason != "stop":
        text = ""  # cut off or filtered before its first word: it is charged, and final
    if not isinstance(text, str):
        raise LLMUnavailable(
            f"The content of the answer is not a text: {error_text(message, secret)}", usage=bill
        )
    return Reply(
        text=text.replace(secret, "***") if len(secret) >= _MIN_SECRET_CHARS else text,
        finish_reason=without_secret(finish_reason, secret),
        usage=bill,
        tokens=_read_tokens(choice.get("logprobs"), text),
    )


def _content(message: Mapping[str, Any]) -> Any:
    """The content of an answer: a text, the texts in a list of parts, or the arguments of a tool."""
    content, calls = message.get("content"), message.get("tool_calls")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
        return "".join(texts) or content
    if not content and isinstance(calls, list):
        functions = [call.get("function") for call in calls if isinstance(call, dict)]
        stated = [call.get("arguments") for call in functions if isinstance(call, dict)]
        return "\n".join(part for part in stated if isinstance(part, str)) or content
    return content


def output_tokens(tokens: Iterable[Tuple[bytes, float]], text: str) -> Tuple[OutputToken, ...]:
    """The tokens that spell an answer, or none if it does not begin and end with a token.

    Tokens before and after it, such as reasoning, a fence or the end of the text, are left out. A
    character whose bytes are spread over several tokens belongs to the last of them; the others
    have no text.

    Args:
        tokens: bytes and log-probability of each token.
        text: the answer.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    found = [OutputToken(decoder.decode(piece), logprob) for piece, logprob in tokens]
    if found:  # an answer that was cut off within a character
        rest = decoder.decode(b"", final=True)
        found[-1] = OutputToken(found[-1].text + rest, found[-1].logprob)
    start = "".join(token.text for token in found).rfind(text)
    offsets = accumulate((len(token.text) for token in found), initial=0)
    end = start + len(text)
    spelling = [token for offset, token in zip(offsets, found) if start <= offset < end]
    return tuple(spelling) if "".join(token.text for token in spelling) == text else ()


def endpoint_error(
    status: int,
    text: str,
    *,
    structured: bool,
    retry_after: Optional[float] = None,
) -> LLMError:
    """The error for a response with an error status.

    Args:
        status: HTTP status.
        text: the message of the endpoint.
        structured: whether the request asked for a structured answer.
        retry_after: seconds to wait, if the endpoint named them.
    """
    message = f"The endpoint answered {status}: {text}"
    about_content = status not in _TRANSIENT | _NOT_ABOUT_CONTENT
    if (
        status == 413
        or (status == 429 and _TOO_LARGE.search(text))  # more than is allowed in a minute
        or (about_content and status < 500 and _TOO_LONG.search(text))
    ):
        return PromptTooLong(f"{message} Shorten the text or take a model with a larger context.")
    # Some servers answer 500 to a response_format that they do not know.
    if structured and about_content and _FORMAT.search(text):
        return FormatUnsupported(message)
    if status >= 500 or (status in _TRANSIENT and not _NO_QUOTA.search(text)):
        return LLMUnavailable(message, retry_after=retry_after, status=status)
    return LLMRefused(message)


def error_text(body: Any, secret: str = "") -> str:
    """The error message in a body, on one line, shortened, and without the secret."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        named = [_shown(error[key]) for key in ("type", "code", "param") if error.get(key)]
        error = " ".join([error["message"], f"({', '.join(named)})" if named else ""])
    line = without_secret(" ".join(_shown(error).split()), secret)  # before the line is shortened
    return line if len(line) <= _MAX_ERROR_CHARS else f"{line[:_MAX_ERROR_CHARS]}..."


def without_secret(text: str, secret: str) -> str:
    """The text with stars for the secret, also where it is quoted for URLs.

    Endpoints may show a part of it only, so parts of eight characters or more are left out too.
    """
    for found in {secret, urllib.parse.quote(secret, safe="")} - {""}:
        parts = {found[i : i + _MIN_PART] for i in range(max(1, len(found) - _MIN_PART + 1))}
        anywhere = "|".join(map(re.escape, parts))
        shown = {
            place
            for match in re.finditer(f"(?=({anywhere}))", text)
            for place in range(*match.span(1))
        }
        kept = [char if i not in shown else "\0" for i, char in enumerate(text)]
        text = re.sub("\0+", "***", "".join(kept)) if shown else text
    return text


def _shown(value: Any) -> str:
    """The start of a value from outside, whatever its size."""
    return value[:_MAX_SHOWN] if isinstance(value, str) else _REPR.repr(value)


def _bill(body: Any, seconds: float) -> Usage:
    """The usage; without tokens if the body names none, as it may have been computed all the same."""
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict):
        return Usage(requests=1, seconds=seconds)
    details = usage.get("prompt_tokens_details")
    return Usage(
        requests=1,
        input_tokens=_count(usage.get("prompt_tokens")),
        cached_tokens=_count(details.get("cached_tokens") if isinstance(details, dict) else None),
        output_tokens=_count(usage.get("completion_tokens")),
        seconds=seconds,
    )


def _count(value: Any) -> int:
    """The number of tokens; 0, which is not known, for anything that cannot be one."""
    return value if type(value) is int and 0 < value <= _MAX_COUNT else 0


def _read_tokens(logprobs: Any, text: str) -> Tuple[OutputToken, ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    try:
        return output_tokens([_read_token(token) for token in content], text)
    except (
        AttributeError,
        KeyError,
        OverflowError,
        TypeError,
        ValueError,
    ):  # the answer can be used without tokens
        return ()


def _read_token(token: Dict[str, Any]) -> Tuple[bytes, float]:
    piece = token.get("bytes")
    return token["token"].encode() if piece is None else bytes(list(piece)), float(token["logprob"])
