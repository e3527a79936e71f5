"""Further attempts, pauses and answer formats."""

import threading

import pytest

from rel_component.errors import ConfigError, FormatUnsupported, LLMRefused, LLMUnavailable
from rel_component.llm.client.sending import LONGEST_PAUSE
from rel_component.llm.types import ANSWER_FORMATS

from ..backends import FunctionBackend, ask, at_once, client_of, echo, question

SCHEMA = {"type": "object"}
CRASH = LLMUnavailable("crash", status=500)


def failing(times, error):
    """Answers after some failures."""
    errors = [error] * times
    return lambda request: errors.pop() if errors else echo(request)


def test_a_request_is_sent_again_until_it_is_answered():
    backend = FunctionBackend(failing(3, LLMUnavailable("down")))
    (outcome,) = client_of(backend, sleep=at_once).stream([ask("a")])
    assert outcome.reply.text == "echo a"
    assert len(backend.calls) == 4


def test_attempts_are_limited():
    backend = FunctionBackend(lambda request: LLMUnavailable("down", status=502))
    (outcome,) = client_of(backend, attempts=3, sleep=at_once).stream([ask("a")])
    assert str(outcome.error) == "down (given up after 3 attempts)"
    assert outcome.error.status == 502
    assert len(backend.calls) == 3


def test_waits_are_random_below_a_bound_that_doubles(clock):
    backend = FunctionBackend(lambda request: LLMUnavailable("down"))
    client = client_of(backend, attempts=9, sleep=clock.sleep, concurrency=1)
    list(client.stream(ask(str(n)) for n in range(40)))
    for n in range(8):
        waits = clock.sleeps[n::8]
        bound = min(2.0**n, 60.0)
        assert 0 <= min(waits) < 0.5 * bound < max(waits) <= bound


def test_refused_requests_are_not_sent_again():
    backend = FunctionBackend(lambda request: LLMRefused("no"))
    list(client_of(backend, sleep=at_once).stream([ask("a")]))
    assert len(backend.calls) == 1


def test_the_time_that_an_endpoint_asks_for_is_waited(clock):
    backend = FunctionBackend(failing(1, LLMUnavailable("busy", retry_after=30)))
    client = client_of(backend, sleep=clock.sleep, clock=clock)
    assert [outcome.reply.text for outcome in client.stream([ask("a")])] == ["echo a"]
    assert 30 <= clock.now <= 31


def test_the_pause_that_an_endpoint_asks_for_holds_for_all(clock):
    sent, failed = {}, threading.Event()

    def answer(request):
        if question(request) == "0" and not failed.is_set():
            return LLMUnavailable("busy", retry_after=30)
        sent[question(request)] = clock.now
        return echo(request)

    def sleep(seconds):
        failed.set()
        clock.sleep(seconds)

    client = client_of(FunctionBackend(answer), sleep=sleep, clock=clock)
    stream = client.stream(after_first())
    assert all(outcome.reply for outcome in stream)
    assert min(sent.values()) >= 30


def after_first():
    yield ask("0")
    yield ask("1")


def test_a_pause_that_is_too_long_is_an_error():
    backend = FunctionBackend(lambda request: LLMUnavailable("busy", retry_after=3600))
    client = client_of(backend, concurrency=1, sleep=at_once)
    first, second = client.stream([ask("a"), ask("b")])
    assert LONGEST_PAUSE < first.error.retry_after == 3600
    assert "asks to wait for 3600 s" in str(second.error)
    assert backend.asked == ["a"]


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_a_pause_that_is_too_long_ends_no_run(schema, clock):
    def answer(request):
        return LLMUnavailable("busy", status=503, retry_after=3600)

    client = client_of(FunctionBackend(answer), concurrency=1, sleep=at_once, clock=clock)
    outcomes = list(client.stream(ask(text, schema=schema) for text in "abc"))
    assert all(isinstance(outcome.error, LLMUnavailable) for outcome in outcomes)


# Answer formats


class Picky(FunctionBackend):
    """Fails for formats that it does not know."""

    def __init__(self, known, error, **options):
        super().__init__(formats=ANSWER_FORMATS, **options)
        self.known, self.error = known, error

    def __call__(self, requests, *, answer_format, timeout=None):
        replies = super().__call__(requests, answer_format=answer_format)
        if answer_format not in self.known:
            raise self.error
        return replies


def structured(*texts):
    return [ask(text, schema=SCHEMA) for text in texts]


def picky_client(*args):
    backend = Picky(*args)
    return backend, client_of(backend, sleep=at_once, concurrency=1)


@pytest.mark.parametrize("formats", [(), ("json",), ("text", "xml")])
def test_formats_that_are_not_known(formats):
    with pytest.raises(ConfigError, match="json_object_schema"):
        client_of(FunctionBackend(formats=formats))


def test_a_format_that_is_not_supported_is_tried_once():
    backend, client = picky_client(["json_object"], FormatUnsupported("unknown"))
    assert all(outcome.reply for outcome in client.stream(structured("a", "b")))
    assert backend.used_formats == [*ANSWER_FORMATS[:3], "json_object"]


def test_the_error_stays_if_no_format_is_supported():
    backend, client = picky_client([], FormatUnsupported("unknown"))
    (outcome,) = client.stream(structured("a"))
    assert isinstance(outcome.error, FormatUnsupported)
    assert backend.used_formats == list(ANSWER_FORMATS)


def test_a_schema_that_is_refused_leaves_the_format_to_others():
    backend, client = picky_client(ANSWER_FORMATS, FormatUnsupported("too many values"))
    list(client.stream(structured("a")))
    backend.known = ["text"]
    list(client.stream(structured("b")))
    backend.known = ANSWER_FORMATS
    list(client.stream(structured("c")))
    assert backend.used_formats == ["json_schema", *ANSWER_FORMATS, "json_schema"]


def test_the_second_crash_tries_the_next_formats():
    backend, client = picky_client(["json_object"], CRASH)
    assert all(outcome.reply for outcome in client.stream(structured("a", "b")))
    assert backend.used_formats == ["json_schema", *ANSWER_FORMATS[:3], "json_object"]


@pytest.mark.parametrize(
    "error",
    [
        LLMUnavailable("busy", status=503),
        LLMUnavailable("no connection"),
        LLMUnavailable("wait", status=500, retry_after=0.0),
    ],
    ids=["busy", "connection", "retry after"],
)
def test_other_failures_do_not(error):
    backend, client = picky_client([], error)
    list(client.stream(structured("a")))
    assert backend.used_formats == ["json_schema"] * 5


def test_no_format_is_given_up_once_it_has_brought_an_answer():
    backend, client = picky_client(["json_schema"], CRASH)
    list(client.stream(structured("a")))
    backend.known = []
    (outcome,) = client.stream(structured("b"))
    assert outcome.error
    assert set(backend.used_formats) == {"json_schema"}


def test_a_format_that_was_tried_in_vain_is_not_kept():
    backend, client = picky_client([], CRASH)
    list(client.stream(structured("a")))
    assert len(backend.used_formats) == 5 + len(ANSWER_FORMATS) - 1  # each of them once
    backend.used_formats.clear()
    backend.known = ANSWER_FORMATS
    list(client.stream(structured("b")))
    assert backend.used_formats == ["json_schema"]


def test_free_text_is_asked_for_as_text_and_says_nothing_of_the_formats():
    backend, client = picky_client(["text"], FormatUnsupported("unknown"))
    list(client.stream([ask("free"), *structured("a"), ask("free")]))
    assert backend.used_formats == ["text", *ANSWER_FORMATS, "text"]
