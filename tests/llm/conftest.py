"""Caches, clocks, an endpoint, and language models that are loaded once for all tests."""

import pytest

from rel_component.llm.backends.llama_cpp import llama_cpp_backend
from rel_component.llm.backends.transformers import transformers_backend
from rel_component.llm.client.cache import ReplyCache

from .backends import FakeClock
from .models import gguf_file, save_tiny_model
from .server import KEY, ChatServer


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    """An endpoint that repeats questions."""
    with ChatServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    cache = ReplyCache(tmp_path / "folder" / "cache.db")
    yield cache
    cache.close()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(scope="session")
def gguf():
    """The file of a real model of 135 million parameters."""
    file = gguf_file()
    if file is None:
        pytest.skip("needs a small language model: python -m spacy project run llm")
    return str(file)


@pytest.fixture(scope="session")
def llama(gguf):
    """The real model in this process."""
    return llama_cpp_backend(
        gguf, n_threads=1, n_parallel=2, context_window=512, max_tokens=40, logprobs=True
    )


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A tiny model with random weights."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return transformers_backend(tiny_folder, max_tokens=60, logprobs=True, batch_size=3)
