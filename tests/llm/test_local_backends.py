import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

from rel_component.errors import (
    ConfigError,
    FormatUnsupported,
    LLMRefused,
    LLMUnavailable,
    PromptTooLong,
)
from rel_component.llm.backends.llama_cpp import llama_cpp_backend
from rel_component.llm.backends.transformers import transformers_backend
from rel_component.llm.types import Message, Request

from .models import CHAT_TEMPLATE, save_tiny_model

pytestmark = pytest.mark.slow

NAMES = ["Ada", "Acme", "Zoë 漢字"]
SCHEMA = {
    "type": "object",
    "properties": {
        "names": {"type": "array", "items": {"enum": NAMES}, "maxItems": 3, "uniqueItems": True}
    },
    "required": ["names"],
    "additionalProperties": False,
}
MESSAGES = (Message("user", "Ada works for Acme. Reply in JSON with the names."),)
PLAIN = Request(MESSAGES)
STRUCTURED = Request(MESSAGES, SCHEMA)
STORY = Request((Message("user", "Tell me a long story about a ship."),))
TOO_LONG = Request((Message("user", "word " * 600),), SCHEMA)


@pytest.fixture(params=["llama", "tiny"])
def backend(request):
    return request.getfixturevalue(request.param)


def answer(backend, request=STRUCTURED, answer_format="json_schema", **options):
    (reply,) = backend([request], answer_format=answer_format, **options)
    return reply


def names(reply):
    data = json.loads(reply.text)
    assert list(data) == ["names"]
    assert set(data["names"]) <= set(NAMES)
    return data["names"]


def spelled(reply):
    return "".join(token.text for token in reply.tokens)


def test_the_limit_of_tokens_cuts_an_answer_off(backend):
    reply = answer(backend, STORY)
    assert (reply.finish_reason, reply.usage.output_tokens) == ("length", backend.max_tokens)


def test_tokens_spell_the_answer(backend):
    for reply in (answer(backend), answer(backend, PLAIN)):
        assert spelled(reply) == reply.text != ""
        assert all(token.logprob <= 0 for token in reply.tokens)


@pytest.mark.parametrize(
    ("request_", "timeout", "error", "message"),
    [
        (TOO_LONG, None, PromptTooLong, "context"),
        (Request(MESSAGES, {"type": "nonsense"}), None, FormatUnsupported, "nonsense"),
        (STORY, 0.001, LLMUnavailable, r"not complete|No answer within"),
    ],
    ids=["too long", "no schema", "no time"],
)
def test_failures(backend, request_, timeout, error, message):
    with pytest.raises(error, match=message):
        answer(backend, request_, timeout=timeout)


def test_samples_at_temperature_0_would_be_the_same(backend):
    with pytest.raises(ConfigError, match="needs a temperature above 0"):
        answer(backend, Request(MESSAGES, SCHEMA, sample=1))


def test_samples_differ_and_can_be_repeated(backend, gguf, tiny_folder, llama):
    options = {"temperature": 1.0, "max_tokens": 12, "seed": 5}
    if backend is llama:
        warm = llama_cpp_backend(gguf, n_threads=1, context_window=512, **options)
    else:
        warm = transformers_backend(tiny_folder, **options)
    samples = [answer(warm, Request(MESSAGES, sample=n)).text for n in range(4)]
    assert len(set(samples)) > 1
    assert answer(warm, Request(MESSAGES, sample=2)).text == samples[2]


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (llama_cpp_backend, {"temperature": -1.0}),
        (llama_cpp_backend, {"max_tokens": 0}),
        (llama_cpp_backend, {"n_parallel": 0}),
        (llama_cpp_backend, {"context_window": 0}),
        (transformers_backend, {"temperature": -1.0}),
        (transformers_backend, {"max_tokens": 0}),
        (transformers_backend, {"batch_size": 0}),
    ],
)
def test_options_out_of_range(make, options, tmp_path):
    model = tmp_path / "model"
    model.touch()
    with pytest.raises(ConfigError, match="must be at least"):
        make(str(model), **options)


def test_other_weights_in_a_file_of_the_same_name_and_size_are_another_model(tmp_path):
    file = tmp_path / "model.gguf"
    found = []
    for byte in (b"a", b"b"):
        file.write_bytes(b"GGUF" + byte * 200_000)
        found.append(llama_cpp_backend(str(file)).settings)
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("make", "module"), [(llama_cpp_backend, "xllamacpp"), (transformers_backend, "llguidance")]
)
def test_packages_that_are_not_installed(make, module, request, monkeypatch):
    model = request.getfixturevalue("gguf" if make is llama_cpp_backend else "tiny_folder")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"{module} is not installed.*pip install .*'{module}>="):
        answer(make(model))


# llama.cpp


def test_requests_of_several_threads_get_their_own_answers(llama):
    requests = [Request((Message("user", "word " * n),), SCHEMA) for n in range(1, 5)]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda request: answer(llama, request), requests))
    counts = [llama.count_tokens(request.messages) for request in requests]
    assert [reply.usage.input_tokens for reply in replies] == counts


def test_a_gguf_file_has_to_be_there():
    with pytest.raises(ConfigError, match=r"There is no file 'nowhere\.gguf'"):
        llama_cpp_backend("nowhere.gguf")


def test_a_file_that_is_no_model(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"llama\.cpp cannot load"):
        answer(llama_cpp_backend(str(file)))


# transformers


def test_a_batch_is_answered_like_its_requests(tiny):
    other = Request((Message("user", "Who?"),), {"enum": ["nobody", "somebody"]})
    requests = [STRUCTURED, PLAIN, other]
    alone = [answer(tiny, request).text for request in requests]
    assert [reply.text for reply in tiny(requests, answer_format="json_schema")] == alone
    assert tiny([], answer_format="json_schema") == []


def test_samples_do_not_depend_on_the_rest_of_the_batch(tiny_folder):
    backend = transformers_backend(tiny_folder, temperature=1.5, max_tokens=60)
    requests = [Request(MESSAGES, SCHEMA, sample=n) for n in range(6)]
    replies = backend(requests, answer_format="json_schema")
    assert [answer(backend, request).text for request in requests] == [r.text for r in replies]
    # The characters of the last name have several tokens each.
    assert any(NAMES[2] in names(reply) for reply in replies)


def test_log_probabilities_are_those_of_the_model(tiny):
    import torch

    loaded = tiny._loaded()
    ids = loaded.prompt(MESSAGES)
    for token in answer(tiny, PLAIN).tokens:  # greedily, as the answer was written
        with torch.no_grad():
            logprobs = loaded.model(torch.tensor([ids])).logits[0, -1].log_softmax(dim=-1)
        ids.append(int(logprobs.argmax()))
        assert token.logprob == pytest.approx(float(logprobs.max()), abs=1e-4)


def test_log_probabilities_do_not_know_the_schema(tiny):
    total = numpy.exp([token.logprob for token in answer(tiny).tokens])
    assert total.max() < 0.9  # most tokens are the only ones allowed


def test_the_context_window_cuts_an_answer_off(tiny_folder):
    backend = transformers_backend(tiny_folder, max_tokens=60)
    window = backend.count_tokens(MESSAGES) + 5
    backend = transformers_backend(tiny_folder, max_tokens=60, context_window=window)
    reply = answer(backend, PLAIN)
    assert (reply.finish_reason, reply.usage.output_tokens) == ("length", 5)


def test_the_context_window_is_that_of_the_model(tiny_folder):
    assert transformers_backend(tiny_folder).context_window == 256


def test_formats_that_are_not_needed(tiny):
    with pytest.raises(FormatUnsupported, match="json_object"):
        answer(tiny, answer_format="json_object")


def test_a_model_without_a_chat_template(tmp_path):
    folder = save_tiny_model(tmp_path, chat_template=None)
    with pytest.raises(ConfigError, match="has no chat template"):
        answer(transformers_backend(folder))


def test_a_chat_template_that_refuses_roles(tmp_path):
    refusal = (
        "{% if messages[0]['role'] == 'system' %}"
        "{{ raise_exception('System role not supported') }}{% endif %}"
    )
    backend = transformers_backend(save_tiny_model(tmp_path, chat_template=refusal + CHAT_TEMPLATE))
    with pytest.raises(LLMRefused, match="System role not supported"):
        answer(backend, Request((Message("system", "x"), *MESSAGES)))


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ConfigError, match="cannot be loaded"):
        answer(transformers_backend(str(tmp_path)))


@pytest.mark.filterwarnings("default")  # transformers warns of its own conversion
def test_transformers_and_llama_cpp_agree_on_a_gguf_file(gguf, llama):
    pytest.importorskip("accelerate", reason="transformers needs accelerate for GGUF files")
    folder, file = os.path.split(gguf)
    backend = transformers_backend(
        folder, gguf_file=file, local_files_only=True, max_tokens=40, logprobs=True
    )
    assert backend.count_tokens(MESSAGES) == llama.count_tokens(MESSAGES)
    structured, plain = backend([STRUCTURED, PLAIN], answer_format="json_schema")
    names(structured)
    expected = answer(llama, PLAIN)
    assert plain.tokens[0].text == expected.tokens[0].text
    assert plain.tokens[0].logprob == pytest.approx(expected.tokens[0].logprob, abs=0.3)
