"""The contract of language models: everything registered in ``spacy_rel_llm_backends`` keeps it."""

import json
from contextlib import ExitStack, suppress
from importlib import import_module
from importlib.metadata import entry_points

import pytest
import spacy
from thinc.api import Config

from rel_component.errors import LLMError
from rel_component.llm.types import ANSWER_FORMATS, Message, Request
from rel_component.registry import llm_backends

from ..llm.backends import client_of
from . import backend_options
from .backend_options import ANSWERS

KEY = "sk-contract"
MAX_TOKENS = 60
NAMES = ["Ada", "Acme", "Oslo"]
SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"enum": NAMES}, "maxItems": 2}},
    "required": ["names"],
    "additionalProperties": False,
}
REQUESTS = [Request((Message("user", question),), SCHEMA) for question in ANSWERS]
FREE = Request(REQUESTS[0].messages)


def options_function(entry):
    """The function of ``backend_options`` for a backend of this package, or None."""
    short_name = entry.name.removeprefix("rel_component.").removesuffix(".v1")
    return getattr(backend_options, short_name, None)


def parameter(entry):
    marks = [backend_options.marks.get(options_function(entry))]
    return pytest.param(entry, id=entry.name, marks=[mark for mark in marks if mark is not None])


@pytest.fixture(
    scope="module",
    params=[parameter(entry) for entry in entry_points(group="spacy_rel_llm_backends")],
)
def config(request, tmp_path_factory):
    """A config with a backend."""
    entry, folder = request.param, tmp_path_factory.mktemp("backend")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTRACT_KEY", KEY)
        ours = options_function(entry)
        theirs = getattr(import_module(entry.module), "contract_options", None)
        options = ours(folder, stack) if ours else theirs(folder) if theirs else {}
        yield {"backend": {"@rel_llm_backends": entry.name, "max_tokens": MAX_TOKENS, **options}}


@pytest.fixture(scope="module")
def backend(config):
    assert config["backend"]["@rel_llm_backends"] in llm_backends.get_all()
    return spacy.registry.resolve(config)["backend"]


@pytest.fixture(scope="module")
def replies(backend):
    """Its answers to the questions."""
    return answers(backend)


def answers(backend, requests=tuple(REQUESTS), answer_format=None):
    size, answer_format = backend.batch_size, answer_format or backend.formats[0]
    batches = [requests[i : i + size] for i in range(0, len(requests), size)]
    return [reply for batch in batches for reply in backend(batch, answer_format=answer_format)]


def texts(replies):
    return [reply.text for reply in replies]


def test_configs_are_kept_and_make_equal_backends(config, backend):
    again = Config().from_str(Config(config).to_str())
    assert again == config
    assert spacy.registry.resolve(again)["backend"].settings == backend.settings


def test_settings_tell_backends_and_models_apart(config, backend):
    name = config["backend"]["@rel_llm_backends"]
    if name.startswith("rel_component."):
        assert backend.settings["backend"] == name
    assert backend.settings["model"]
    assert json.loads(json.dumps(backend.settings)) == backend.settings


def test_limits_and_formats(backend):
    assert set(backend.formats) <= set(ANSWER_FORMATS)
    assert backend.formats
    assert backend.batch_size >= 1
    assert backend.concurrency is None or backend.concurrency >= 1
    assert backend.max_tokens == MAX_TOKENS


def test_replies_come_in_the_order_of_the_requests(backend, replies):
    backwards = answers(backend, REQUESTS[::-1])
    assert texts(backwards[::-1]) == texts(replies)
    assert len(replies) == len(REQUESTS)


def test_answers_satisfy_the_schema(backend, replies):
    if "json_schema" not in backend.formats:
        pytest.skip("it does not promise that")
    for reply in replies:
        data = json.loads(reply.text)
        assert list(data) == ["names"]
        assert set(data["names"]) <= set(NAMES)
        assert reply.finish_reason == "stop"


def test_each_format_is_answered(backend):
    for answer_format in backend.formats:
        (reply,) = answers(backend, REQUESTS[:1], answer_format)
        assert reply.text


def test_a_request_without_a_schema_is_answered(backend):
    (reply,) = answers(backend, [FREE])
    assert reply.text


def test_usage(backend, replies):
    for request, reply in zip(REQUESTS, replies):
        assert (reply.usage.requests, reply.usage.cache_hits) == (1, 0)
        assert 0 < reply.usage.output_tokens <= backend.max_tokens
        assert reply.usage.seconds > 0
        assert backend.count_tokens(request.messages) in (None, reply.usage.input_tokens)


def test_a_client_answers_with_it(backend, replies):
    outcomes = [*client_of(backend).stream(REQUESTS)]
    assert texts(outcome.reply for outcome in outcomes) == texts(replies)


@pytest.mark.parametrize(
    ("request_", "timeout"),
    [
        (Request((Message("user", "word " * 5000),), SCHEMA), None),
        (Request(REQUESTS[0].messages, {"type": "nonsense"}), None),
        (REQUESTS[0], 1e-6),
    ],
    ids=["too long", "no schema", "no time"],
)
def test_failures_are_errors_of_language_models(backend, replies, request_, timeout):
    with suppress(LLMError):  # no other error; or it makes something of the request
        (reply,) = backend([request_], answer_format=backend.formats[0], timeout=timeout)
        assert reply.usage.requests == 1
    assert texts(answers(backend)) == texts(replies)


def test_no_secret_is_kept(backend, replies):
    assert KEY not in f"{backend!r} {backend.settings} {vars(backend)}"
