"""What every registered language model must do.

A new one is tested here as soon as it is registered. It is made with its defaults and `max_tokens`;
`OPTIONS` has what ours need beside that, such as a model.
"""

import json
import multiprocessing
import pickle
from importlib.metadata import entry_points
from typing import Any, Dict

import pytest
import spacy
from thinc.api import Config

from rel_component.llm.types import ANSWER_FORMATS, Message, Request

from ..llm.models import gguf_file, save_tiny_model, start_llama_server

NAMES = ["Ada", "Acme", "Oslo"]
SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"enum": NAMES}, "maxItems": 2}},
    "required": ["names"],
    "additionalProperties": False,
}
KEY = "sk-contract"
MAX_TOKENS = 60
QUESTIONS = ["Who?", "Who works for Acme, and where is that?"]
REQUESTS = [Request((Message("user", question),), SCHEMA) for question in QUESTIONS]
FREE = Request(REQUESTS[0].messages)


def _gguf() -> str:
    file = gguf_file()
    if file is None:
        pytest.skip("needs a small language model: python -m spacy project run llm")
    return str(file)


def _llama_cpp(folder: Any) -> Dict[str, Any]:
    return {"path": _gguf(), "n_threads": 1, "context_window": 512}


def _transformers(folder: Any) -> Dict[str, Any]:
    return {"model": save_tiny_model(folder), "batch_size": 2, "local_files_only": True}


def _replay(folder: Any) -> Dict[str, Any]:
    answers = [{"names": ["Ada"]}, {"names": ["Ada", "Oslo"]}]
    records = [
        {
            "messages": [{"role": "user", "content": question}],
            "text": json.dumps(answer),
            "usage": {"requests": 1, "input_tokens": 9, "output_tokens": 5, "seconds": 0.1},
        }
        for question, answer in zip(QUESTIONS, answers)
    ]
    path = folder / "replies.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return {"path": str(path)}


OPTIONS = {
    "rel_component.llama_cpp.v1": _llama_cpp,
    "rel_component.openai.v1": lambda folder: {"model": "any", "api_key_env": "CONTRACT_KEY"},
    "rel_component.replay.v1": _replay,
    "rel_component.transformers.v1": _transformers,
}


@pytest.fixture(scope="module", autouse=True)
def _key():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTRACT_KEY", KEY)
        yield


@pytest.fixture(scope="module")
def server():
    return start_llama_server(_gguf(), KEY, context_window=512)


BACKENDS = sorted(entry.name for entry in entry_points(group="spacy_rel_llm_backends"))


@pytest.fixture(scope="module", params=BACKENDS)
def config(request, tmp_path_factory):
    """A config with a backend."""
    name = request.param
    options = OPTIONS[name](tmp_path_factory.mktemp("backend")) if name in OPTIONS else {}
    if name == "rel_component.openai.v1":
        server = request.getfixturevalue("server")
        options["base_url"] = f"{server.listening_address}/v1"
    return {"backend": {"@rel_llm_backends": name, "max_tokens": MAX_TOKENS, **options}}


@pytest.fixture(scope="module")
def backend(config):
    return spacy.registry.resolve(config)["backend"]


@pytest.fixture(scope="module")
def replies(backend):
    """Its answers to the questions."""
    return answers(backend)


def answers(backend, requests=tuple(REQUESTS), answer_format="json_schema"):
    size = backend.batch_size
    batches = [requests[i : i + size] for i in range(0, len(requests), size)]
    return [reply for batch in batches for reply in backend(batch, answer_format=answer_format)]


def texts(replies):
    return [reply.text for reply in replies]


def test_configs_are_kept_and_make_equal_backends(config, backend):
    again = Config().from_str(Config(config).to_str())
    assert again == config
    assert spacy.registry.resolve(again)["backend"].settings == backend.settings


def test_what_a_backend_says_of_itself(config, backend):
    assert backend.settings["backend"] == config["backend"]["@rel_llm_backends"]
    assert backend.settings["model"]
    assert json.loads(json.dumps(backend.settings)) == backend.settings
    assert set(backend.formats) <= set(ANSWER_FORMATS)
    assert backend.formats[0] == "json_schema"
    assert backend.batch_size >= 1
    assert backend.concurrency is None or backend.concurrency >= 1
    assert backend.max_tokens == MAX_TOKENS


def test_replies_come_in_the_order_of_the_requests(backend, replies):
    backwards = answers(backend, REQUESTS[::-1])
    assert texts(backwards[::-1]) == texts(replies)
    assert len(replies) == len(REQUESTS)


def test_answers_satisfy_the_schema(replies):
    for reply in replies:
        data = json.loads(reply.text)
        assert list(data) == ["names"]
        assert set(data["names"]) <= set(NAMES)
        assert reply.finish_reason == "stop"


def test_each_format_is_answered(backend):
    for format in backend.formats:
        (reply,) = answers(backend, REQUESTS[:1], format)
        assert reply.text


def test_a_request_without_a_schema_is_answered(backend):
    (reply,) = answers(backend, [FREE])
    assert reply.text


def test_usage(backend, replies):
    for request, reply in zip(REQUESTS, replies):
        assert reply.usage.requests == 1
        assert 0 < reply.usage.output_tokens <= backend.max_tokens
        assert reply.usage.seconds > 0
        assert reply.usage.cache_hits == 0
        assert backend.count_tokens(request.messages) in (None, reply.usage.input_tokens)


def test_copies_answer_alike(backend, replies):
    copy = pickle.loads(pickle.dumps(backend))
    assert copy.settings == backend.settings
    assert texts(answers(copy)) == texts(replies)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
def test_forked_processes_answer_alike(backend, replies):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=lambda: queue.put(texts(answers(backend))))
    process.start()
    try:
        assert queue.get(timeout=60) == texts(replies)
    finally:
        process.kill()
        process.join()


def test_no_secret_is_kept(backend, replies):
    shown = f"{backend!r} {backend.settings} {pickle.dumps(backend)!r}"
    assert KEY not in shown
