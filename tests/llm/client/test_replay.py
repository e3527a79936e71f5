import json

import pytest

from rel_component.errors import (
    DataError,
    LLMRefused,
    LLMUnavailable,
    PromptTooLong,
    RelComponentError,
)
from rel_component.llm.backends.batch import request_id
from rel_component.llm.backends.replay import record_replies, replay_backend
from rel_component.llm.types import Message, OutputToken, Reply, Request, Usage

from ..backends import FunctionBackend, ask

SCHEMA = {"type": "object"}


@pytest.fixture
def replay(tmp_path):
    def replay(*records):
        path = tmp_path / "replies.jsonl"
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        path.write_text("\n".join(lines), encoding="utf-8")
        return replay_backend(str(path))

    return replay


def of(question, **record):
    return {"messages": [{"role": "user", "content": question}], **record}


def texts(backend, *requests):
    return [reply.text for reply in backend(requests, answer_format="json_schema")]


def test_records_without_messages_answer_in_their_order(replay):
    backend = replay({"text": "one"}, {"text": "two\u2028"})
    assert texts(backend, ask("a"), ask("b")) == ["one", "two\u2028"]


def test_used_up_records_are_an_error(replay):
    backend = replay({"text": "one"})
    texts(backend, ask("a"))
    with pytest.raises(LLMRefused, match=r"no record without messages is left.*'a'"):
        texts(backend, ask("a"))


def test_a_record_with_messages_answers_them_as_often_as_asked(replay):
    backend = replay({"text": "any"}, of("a", text="A"), of("b", text="B"))
    assert texts(backend, ask("b"), ask("a"), ask("b"), ask("c")) == ["B", "A", "B", "any"]


def test_several_records_with_the_same_messages_take_turns(replay):
    backend = replay(of("a", text="1"), of("a", text="2"))
    assert texts(backend, ask("a"), ask("a"), ask("a")) == ["1", "2", "2"]


def test_roles_belong_to_messages(replay):
    backend = replay(of("a", text="A"))
    with pytest.raises(LLMRefused):
        texts(backend, Request((Message("system", "a"),)))


@pytest.mark.parametrize(("field", "value"), [("schema", SCHEMA), ("sample", 1)])
def test_records_may_insist_on_schema_and_sample(replay, field, value):
    backend = replay(of("a", text="special", **{field: value}), of("a", text="general"))
    asked = ask("a", **{field: value})
    assert texts(backend, ask("a"), asked) == ["general", "special"]


def test_all_of_a_reply(replay):
    usage = {"requests": 1, "input_tokens": 3, "output_tokens": 2}
    record = {
        "text": "ab",
        "finish_reason": "length",
        "usage": usage,
        "tokens": [["a", -0.5], ["b", -1.0]],
    }
    (reply,) = replay(record)([ask("a")], answer_format="text")
    tokens = (OutputToken("a", -0.5), OutputToken("b", -1.0))
    assert reply == Reply("ab", "length", Usage(**usage), tokens)


def test_errors_are_raised(replay):
    backend = replay(
        of("a", error="LLMUnavailable", text="busy", retry_after=2),
        of("a", text="ready"),
        of("b", error="PromptTooLong"),
    )
    with pytest.raises(LLMUnavailable, match="busy") as caught:
        texts(backend, ask("a"))
    assert caught.value.retry_after == 2
    assert texts(backend, ask("a")) == ["ready"]
    with pytest.raises(PromptTooLong):
        texts(backend, ask("b"))


def test_a_later_answer_counts_where_a_request_of_a_batch_failed(replay):
    body = {"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}]}
    name = request_id(ask("a"))
    backend = replay(
        {"custom_id": name, "response": {"status_code": 500, "body": {}}},
        {"custom_id": name, "response": {"status_code": 200, "body": body}},
    )
    assert texts(backend, ask("a"), ask("a")) == ["A", "A"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", r"line 2: The line is not JSON"),
        (b"[]", r"line 2: A record is an object with keys of"),
        (b'{"answer": ""}', r"line 2: A record is an object with keys of .*'answer'"),
        (b"{}", r"line 2: A record needs a text or an error"),
        (b'{"text": 1}', r"line 2: A record needs a text or an error"),
        (b'{"error": "Busy"}', r"line 2: error must be one of .*, got 'Busy'"),
        (b'{"text": "", "usage": {"tokens": 1}}', r"line 2: usage or tokens"),
        (b'{"text": "\xff"}', r"replies.jsonl: Recorded replies must be UTF-8"),
    ],
)
def test_lines_that_are_no_records(tmp_path, line, message):
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b'{"text": "fine"}\n' + line)
    with pytest.raises(DataError, match=message):
        replay_backend(str(path))


def test_a_file_that_is_not_there():
    with pytest.raises(DataError, match=r"nowhere\.jsonl: .* cannot be read"):
        replay_backend("nowhere.jsonl")


def test_other_records_have_other_settings(replay):
    assert replay({"text": "a"}).settings != replay({"text": "b"}).settings


def test_what_was_recorded_is_replayed(tmp_path):
    usage = Usage(requests=1, input_tokens=3)
    reply = Reply("yes\n", "length", usage, (OutputToken("yes\n", -0.25),))
    recorder = record_replies(FunctionBackend(lambda request: reply), tmp_path / "new.jsonl")
    requests = [ask("a\u2028", schema=SCHEMA), ask("b", sample=2)]
    assert recorder(requests, answer_format="json_schema") == [reply, reply]
    replayed = replay_backend(str(tmp_path / "new.jsonl"))
    assert replayed(requests[::-1], answer_format="json_schema") == [reply, reply]
    with pytest.raises(LLMRefused):
        replayed([ask("b", sample=3)], answer_format="json_schema")


def test_errors_are_recorded(tmp_path):
    errors = iter([LLMUnavailable("busy", retry_after=3.0), PromptTooLong("long")])
    recorder = record_replies(FunctionBackend(lambda request: next(errors)), tmp_path / "new.jsonl")
    asked = [[ask("a")], [ask("b")]]
    before = [_raised(recorder, requests) for requests in asked]
    replayed = replay_backend(str(tmp_path / "new.jsonl"))
    after = [_raised(replayed, requests) for requests in asked]
    assert list(map(repr, after)) == list(map(repr, before))
    assert after[0].retry_after == 3.0


def _raised(backend, requests):
    with pytest.raises(RelComponentError) as caught:
        backend(requests, answer_format="text")
    return caught.value


def test_a_recorder_looks_like_its_backend(tmp_path):
    inner = FunctionBackend(concurrency=3, context_window=99)
    recorder = record_replies(inner, tmp_path / "new.jsonl")
    names = ("settings", "formats", "batch_size", "concurrency", "context_window", "max_tokens")
    assert all(getattr(recorder, name) == getattr(inner, name) for name in names)
    assert recorder.count_tokens(ask("a").messages) == inner.n_tokens
