"""Requests in a file for the batch endpoints of hosted models, and the files of their answers.

https://platform.openai.com/docs/guides/batch
"""

import hashlib
import json
from typing import Any, Dict, Mapping, Tuple, Union

from ...errors import ConfigError, DataError, LLMError, LLMRefused, shown
from ..types import Backend, Reply, Request
from .chat_completion import error_text, message_dicts, read_completion

_URL = "/v1/chat/completions"


def batch_request(backend: Backend, request: Request) -> Dict[str, Any]:
    """A request as a line of the file that is uploaded.

    Args:
        backend: the endpoint; nothing is sent to it.
        request: the request.

    Raises:
        ConfigError: if the backend is no endpoint.
    """
    if not hasattr(backend, "request_body"):
        raise ConfigError(
            f"{backend.settings.get('backend')} has no batches; rel_component.openai.v1 has"
        )
    body = backend.request_body(request)
    return {"custom_id": request_id(request), "method": "POST", "url": _URL, "body": body}


def request_id(request: Request) -> str:
    """The name of a request by which its answer is found: a hash of all that it asks."""
    asked = [message_dicts(request.messages), request.schema, request.sample]
    return hashlib.sha256(json.dumps(asked, separators=(",", ":")).encode()).hexdigest()


def read_batch_answer(
    data: Mapping[str, Any], place: str
) -> Tuple[Dict[str, str], Union[Reply, LLMError]]:
    """Read a line of the files with the answers and with the errors.

    Args:
        data: the line, an object with a ``custom_id``.
        place: file and line, for messages.

    Returns:
        The name of the request, as a question of a record, and its reply or error.

    Raises:
        DataError: if the line is none of a batch.
    """
    name, response = data["custom_id"], data.get("response")
    response = {} if response is None else response
    if not isinstance(name, str) or not isinstance(response, dict):
        raise DataError(f"no line of answers to a batch: {shown(dict(data))}", place=place)
    status = response.get("status_code")
    reply: Union[Reply, LLMError]
    if status == 200:
        try:
            reply = read_completion(response.get("body"), 0.0)
        except LLMError as err:
            reply = LLMRefused(str(err))
    else:
        error = data.get("error") or response.get("body")
        reply = LLMRefused(f"status {status} of the batch: {error_text(error)}")
    return {"custom_id": name}, reply
