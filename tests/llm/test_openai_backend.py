import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from rel_component.errors import (
    ConfigError,
    FormatUnsupported,
    LLMRefused,
    LLMUnavailable,
    PromptTooLong,
)
from rel_component.llm.backends.openai import openai_backend
from rel_component.llm.types import ANSWER_FORMATS, Message, OutputToken, Request

from .server import KEY

MESSAGES = (Message("system", "You know people."), Message("user", "Does Ada work? In JSON."))
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
PLAIN = Request(MESSAGES)
STRUCTURED = Request(MESSAGES, SCHEMA)


@pytest.fixture
def endpoint(server):
    server.say(text="yes")
    return server


def backend_of(endpoint, **options):
    return openai_backend("m", base_url=endpoint.url, api_key_env="TEST_KEY", **options)


def answer(backend, request=PLAIN, answer_format="json_schema", **options):
    (reply,) = backend([request], answer_format=answer_format, **options)
    return reply


def failing(endpoint, status, error, **headers):
    text = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    endpoint.say(status=status, headers=headers, body=text)
    return backend_of(endpoint)


USAGE = {"prompt_tokens": 7, "completion_tokens": 2}


def body(choice=(), usage=USAGE, **message):
    """A chat completion."""
    message = {"role": "assistant", "content": "yes", **message}
    choices = [{"message": message, "finish_reason": "stop", **dict(choice)}]
    return json.dumps({"choices": choices, "usage": usage}).encode()


def test_what_is_sent(endpoint):
    backend = backend_of(endpoint, seed=3, extra_body={"top_p": 0.5})
    reply = answer(backend)
    assert (reply.text, reply.finish_reason) == ("yes", "stop")
    (call,) = endpoint.calls
    assert call.path == "/v1/chat/completions"
    assert call.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You know people."},
            {"role": "user", "content": "Does Ada work? In JSON."},
        ],
        "max_tokens": 1024,
        "temperature": 0.0,
        "seed": 3,
        "top_p": 0.5,
    }


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        (
            "json_schema",
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
            },
        ),
        ("json_object_schema", {"type": "json_object", "schema": SCHEMA}),
        ("json_object", {"type": "json_object"}),
        ("text", None),
    ],
)
def test_each_format_has_its_response_format(endpoint, format, expected):
    answer(backend_of(endpoint), STRUCTURED, format)
    assert endpoint.calls[0].body.get("response_format") == expected


def test_usage_is_read_and_time_is_measured(endpoint):
    details = {"prompt_tokens_details": {"cached_tokens": 5}}
    endpoint.say(body=body(usage={**USAGE, **details}))
    found = answer(backend_of(endpoint)).usage
    assert (found.requests, found.input_tokens, found.cached_tokens) == (1, 7, 5)
    assert found.output_tokens == 2
    assert found.seconds > 0


def test_usage_may_be_missing(endpoint):
    endpoint.say(body=body(usage=None))
    found = answer(backend_of(endpoint)).usage
    assert (found.requests, found.input_tokens, found.output_tokens) == (1, 0, 0)


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://api.openai.com/v1", "max_completion_tokens"), ("http://x/v1", "max_tokens")],
)
def test_the_field_for_the_limit_of_tokens_depends_on_the_endpoint(url, name):
    assert openai_backend("m", base_url=url).settings["parameters"][name] == 1024
    chosen = openai_backend("m", base_url=url, max_tokens_parameter="max_tokens")
    assert "max_tokens" in chosen.settings["parameters"]


def test_answers_in_another_format_are_kept_apart():
    first, second = (openai_backend("m", formats=formats) for formats in (None, ["text"]))
    assert first.settings != second.settings


def test_no_temperature_is_sent_if_there_is_none(endpoint):
    answer(backend_of(endpoint, temperature=None))
    assert "temperature" not in endpoint.calls[0].body


def test_samples_have_seeds_of_their_own(endpoint):
    backend = backend_of(endpoint, seed=3, temperature=1.0)
    answer(backend, Request(MESSAGES, sample=2))
    assert endpoint.calls[0].body["seed"] == 5


def test_samples_at_temperature_0_would_be_the_same(endpoint):
    with pytest.raises(ConfigError, match="needs a temperature above 0"):
        answer(backend_of(endpoint), Request(MESSAGES, sample=1))


def test_a_refusal_is_an_answer(endpoint):
    endpoint.say(body=body(content=None, refusal="I would rather not."))
    reply = answer(backend_of(endpoint))
    assert (reply.text, reply.finish_reason) == ("I would rather not.", "refusal")


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_that_ended_before_its_first_word_is_empty(endpoint, reason):
    endpoint.say(body=body(content=None, choice={"finish_reason": reason}))
    reply = answer(backend_of(endpoint))
    assert (reply.text, reply.finish_reason) == ("", reason)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"[" * 100_000,
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b'"a text"',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"error": {"message": "overloaded", "code": 502}}',
        body(content=None),
        body(content=["yes"]),
    ],
)
def test_bodies_without_an_answer(endpoint, content):
    endpoint.say(body=content)
    with pytest.raises(LLMUnavailable):
        answer(backend_of(endpoint))


def test_an_answer_that_is_none_is_paid_for(endpoint):
    endpoint.say(body=body(content=None))
    with pytest.raises(LLMUnavailable) as caught:
        answer(backend_of(endpoint))
    assert (caught.value.usage.requests, caught.value.usage.input_tokens) == (1, 7)


@pytest.mark.parametrize("choice", [{"finish_reason": "error"}, {"error": {"code": 502}}])
def test_an_answer_that_broke_down_upstream_is_none(endpoint, choice):
    endpoint.say(body=body(choice))
    with pytest.raises(LLMUnavailable, match="broke off") as caught:
        answer(backend_of(endpoint))
    assert caught.value.usage.input_tokens == 7


@pytest.mark.parametrize(
    ("said", "timeout"),
    [
        ({"cut": 20}, None),
        ({"body": b"no JSON"}, None),
        ({"body": b'{"error": {"message": "overloaded", "code": 502}}'}, None),
        ({"body": body(content=["yes"], usage=None)}, None),
        ({"trickle": 0.02}, 0.1),
    ],
)
def test_what_was_sent_in_vain_is_a_request(endpoint, said, timeout):
    endpoint.say(**said)
    with pytest.raises(LLMUnavailable) as caught:
        answer(backend_of(endpoint), timeout=timeout)
    assert caught.value.usage.requests == 1
    assert caught.value.usage.seconds > 0


def test_a_body_that_breaks_off(endpoint):
    endpoint.say(cut=20)
    with pytest.raises(LLMUnavailable, match="broke off"):
        answer(backend_of(endpoint))


def test_a_body_that_cannot_be_unpacked(endpoint):
    endpoint.say(headers={"Content-Encoding": "gzip"})
    with pytest.raises(LLMUnavailable):
        answer(backend_of(endpoint))


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(LLMUnavailable, match="No answer from") as caught:
        answer(openai_backend("m", base_url=url))
    assert caught.value.usage is None


def test_no_answer_in_time():
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        backend = openai_backend("m", base_url=f"http://127.0.0.1:{mute.getsockname()[1]}/v1")
        with pytest.raises(LLMUnavailable, match=r"within 0\.05 seconds"):
            answer(backend, timeout=0.05)


def test_an_answer_that_trickles_is_out_of_time(endpoint):
    endpoint.say(trickle=0.02)
    with pytest.raises(LLMUnavailable, match=r"within 0\.1 seconds"):
        answer(backend_of(endpoint), timeout=0.1)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_statuses_that_pass(endpoint, status):
    with pytest.raises(LLMUnavailable, match=f"{status}: busy") as caught:
        answer(failing(endpoint, status, {"message": "busy"}))
    assert (caught.value.status, caught.value.retry_after) == (status, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "5", "Retry-After-Ms": "250"}, 0.25),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0.0),
    ],
)
def test_the_time_to_wait(endpoint, headers, seconds):
    with pytest.raises(LLMUnavailable) as caught:
        answer(failing(endpoint, 429, {"message": "busy"}, **headers))
    assert caught.value.retry_after == seconds


def test_a_point_in_time_to_wait_for(endpoint):
    date = formatdate(time.time() + 3600, usegmt=True)
    with pytest.raises(LLMUnavailable) as caught:
        answer(failing(endpoint, 429, {"message": "busy"}, **{"Retry-After": date}))
    assert 3000 < caught.value.retry_after <= 3600


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported"),
        (400, "Failed to parse the JSON schema"),
        (422, "unknown variant `json_schema`, expected `json_object`"),
        (500, 'response_format type must be one of "text" or "json_object"'),
    ],
)
def test_formats_that_the_endpoint_does_not_know(endpoint, status, message):
    with pytest.raises(FormatUnsupported):
        answer(failing(endpoint, status, {"message": message}), STRUCTURED)


def test_a_request_without_a_format_has_no_wrong_format(endpoint):
    with pytest.raises(LLMRefused) as caught:
        answer(failing(endpoint, 400, {"message": "bad grammar"}))
    assert type(caught.value) is LLMRefused


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "This model's maximum context length is 8192 tokens."}),
        (400, {"message": "too many tokens", "code": "context_length_exceeded"}),
        (400, {"message": "exceeds the available context size", "type": "x"}),
        (400, {"message": "prompt is too long: 213462 tokens > 200000 maximum"}),
        (422, {"message": "`inputs` tokens + `max_new_tokens` must be <= 4096"}),
        (413, {"message": "Payload Too Large"}),
        (429, {"message": "Request too large: the input must be reduced"}),
    ],
)
def test_prompts_that_are_too_long(endpoint, status, error):
    with pytest.raises(PromptTooLong):
        answer(failing(endpoint, status, error), STRUCTURED)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, {"message": "wrong"}, "TEST_KEY"),
        (403, {"message": "no"}, "TEST_KEY"),
        (404, {"message": "unknown model"}, "'m'"),
        (400, {"message": "bad", "param": "top_p"}, "bad .top_p."),
        (400, b"<html>\n bad</html>", "<html> bad</html>"),
        (429, {"message": "pay", "code": "insufficient_quota"}, "pay"),
    ],
)
def test_refusals_say_what_to_check(endpoint, status, error, expected):
    with pytest.raises(LLMRefused, match=f"{status}.*{expected}") as caught:
        answer(failing(endpoint, status, error))
    assert type(caught.value) is LLMRefused


def test_azure(endpoint):
    url = endpoint.url.removesuffix("/v1")
    backend = openai_backend(
        "deployed", base_url=url, api_version="2024-10-21", api_key_env="TEST_KEY"
    )
    answer(backend)
    (call,) = endpoint.calls
    assert call.path == "/openai/deployments/deployed/chat/completions?api-version=2024-10-21"
    assert call.headers["api-key"] == KEY
    assert endpoint.calls[0].body["max_completion_tokens"] == 1024


def test_the_package_may_be_missing(endpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ConfigError, match=r"openai is not installed.*pip install .*'openai>=3"):
        answer(backend_of(endpoint))


def test_azure_needs_an_endpoint():
    with pytest.raises(ConfigError, match="AZURE_OPENAI_ENDPOINT"):
        openai_backend("m", api_version="2024-10-21")


def test_the_endpoint_may_come_from_the_environment(endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    backend = openai_backend("m", api_key_env="TEST_KEY")
    assert answer(backend).text == "yes"
    assert backend.settings["base_url"] == endpoint.url


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature must be at least 0, got -1.0"),
        ({"max_tokens": 0}, "max_tokens must be at least 1, got 0"),
        ({"base_url": "localhost:8000"}, "got 'localhost:8000'"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        openai_backend("m", **options)


def logprobs_body(text, tokens):
    content = [{"token": t, "bytes": b, "logprob": -float(n)} for n, (t, b) in enumerate(tokens)]
    return body(content=text, choice={"logprobs": {"content": content}})


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("yes!", [("yes", None), ("!", None)], ["yes", "!"]),
        ("é.", [("\\xc3", [0xC3]), ("\\xa9", [0xA9]), (".", [46])], ["", "é", "."]),
        ("yes", [("yes", [121, 101, 115]), ("<|im_end|>", None)], ["yes"]),
        ("{}", [("```", None), ("\n", None), ("{}", None), ("\n```", None)], ["{}"]),
        ("yes", [("yes?", None), ("yes", None)], ["yes"]),
        ("yes", [(" yes", None)], []),
        ("no", [("yes", None)], []),
        ("yes", [("yes", 3)], []),
        ("é", [("\\xc3", [0xC3])], []),
    ],
)
def test_tokens_spell_the_answer_or_are_dropped(endpoint, text, tokens, expected):
    endpoint.say(body=logprobs_body(text, tokens))
    reply = answer(backend_of(endpoint, logprobs=True))
    assert [token.text for token in reply.tokens] == expected
    assert endpoint.calls[0].body["logprobs"] is True


def test_tokens_have_their_log_probabilities(endpoint):
    endpoint.say(body=logprobs_body("yes!", [("yes", None), ("!", None)]))
    reply = answer(backend_of(endpoint, logprobs=True))
    assert reply.tokens == (OutputToken("yes", 0.0), OutputToken("!", -1.0))


def test_many_threads_at_a_time(endpoint):
    backend = backend_of(endpoint)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: answer(backend).text, range(40)))
    assert replies == ["yes"] * 40


# With a real model behind a real server:


@pytest.fixture
def real(llama, monkeypatch):
    llama.count_tokens(MESSAGES)  # starts the server
    monkeypatch.setenv("TEST_KEY", llama.read_key())
    return openai_backend(
        "any", base_url=llama.base_url, api_key_env="TEST_KEY", max_tokens=40, logprobs=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("format", ANSWER_FORMATS)
def test_a_real_answer_in_each_format(real, format):
    reply = answer(real, STRUCTURED, format)
    if format in ("json_schema", "json_object_schema"):
        assert json.loads(reply.text)["answer"] in ("yes", "no")
    assert reply.usage.input_tokens > 0
    assert 0 < reply.usage.output_tokens <= 40
    assert "".join(token.text for token in reply.tokens) == reply.text != ""
    assert all(token.logprob <= 0 for token in reply.tokens)


@pytest.mark.slow
def test_a_real_refusal(real, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-wrong")
    with pytest.raises(LLMRefused, match="TEST_KEY"):
        answer(real, STRUCTURED)
