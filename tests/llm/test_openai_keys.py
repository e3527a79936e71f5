"""Keys reach the server, and nothing else."""

import json
import pickle
import traceback

import pytest

from rel_component.errors import ConfigError, LLMRefused, LLMUnavailable
from rel_component.llm.backends.openai import openai_backend
from rel_component.llm.types import Message, Request

from .server import KEY

REQUEST = Request((Message("user", "Does Ada work?"),), {"enum": ["yes", "no"]})


def backend_of(server):
    return openai_backend("m", base_url=server.url, api_key_env="TEST_KEY")


def answer(backend):
    (reply,) = backend([REQUEST], answer_format="json_schema")
    return reply


def test_the_key_is_sent(server):
    answer(backend_of(server))
    assert server.calls[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("variable", ["NOT_SET", None])
def test_a_server_may_need_no_key(server, variable):
    answer(openai_backend("m", base_url=server.url, api_key_env=variable))
    assert "Authorization" not in server.calls[0].headers


def test_openai_needs_a_key():
    with pytest.raises(LLMRefused, match="environment variable OPENAI_API_KEY holds no key"):
        answer(openai_backend("m"))


def test_a_function_may_give_new_keys(server):
    keys = iter(["one", "two"])
    backend = openai_backend("m", base_url=server.url, api_key=lambda: next(keys))
    answer(backend)
    answer(backend)
    sent = [call.headers["Authorization"] for call in server.calls]
    assert sent == ["Bearer one", "Bearer two"]


def test_a_key_is_no_option():
    with pytest.raises(ConfigError, match="environment variable") as caught:
        openai_backend("m", api_key=KEY)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", [f"http://me:{KEY}@host/v1", f"http://host/v1?key={KEY}"])
def test_a_url_with_a_secret_is_refused(url):
    with pytest.raises(ConfigError, match="neither a password nor a query") as caught:
        openai_backend("m", base_url=url)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-\nbroken", "sk-\N{SNOWMAN}"])
def test_keys_that_no_header_can_hold(server, monkeypatch, key):
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(LLMRefused, match="TEST_KEY holds no valid key") as caught:
        answer(backend_of(server))
    assert "sk-" not in str(caught.value)


def test_blanks_around_a_key_are_dropped(server, monkeypatch):
    monkeypatch.setenv("TEST_KEY", f" {KEY}\n")
    answer(backend_of(server))
    assert server.calls[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize("pad", [0, 490])
def test_no_error_holds_the_key(server, status, pad):
    echoed = f"{'x' * pad} Bearer {KEY} sk-very%2Fsecret%2Bkey"
    server.say(status=status, body=json.dumps({"error": {"message": echoed}}).encode())
    with pytest.raises((LLMRefused, LLMUnavailable)) as caught:
        answer(backend_of(server))
    shown = "".join(traceback.format_exception(caught.value)) + repr(pickle.dumps(caught.value))
    assert "sk-very" not in shown
    assert caught.value.__context__ is None
