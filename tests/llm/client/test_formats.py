import pytest

from rel_component.errors import ConfigError, FormatUnsupported, LLMUnavailable
from rel_component.llm.client.client import LLMClient
from rel_component.llm.client.formats import Descent, FormatLadder
from rel_component.llm.client.retries import RetryPolicy
from rel_component.llm.types import ANSWER_FORMATS

from ..backends import FunctionBackend, ask

QUICK = RetryPolicy(first_wait=0.0)
SCHEMA = {"type": "object"}


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


def run(backend, requests, **options):
    client = LLMClient(backend, retries=QUICK, max_concurrency=1, **options)
    return list(client.stream(requests))


@pytest.mark.parametrize("formats", [(), ("json",), ("text", "xml")])
def test_formats_that_are_not_known(formats):
    with pytest.raises(ConfigError, match="json_object_schema"):
        FormatLadder(formats)


def test_a_format_that_is_not_supported_is_tried_once():
    backend = Picky(["json_object"], FormatUnsupported("unknown"))
    outcomes = run(backend, structured("a", "b"))
    assert all(outcome.reply for outcome in outcomes)
    assert backend.used_formats == [*ANSWER_FORMATS[:3], "json_object"]


def test_the_error_stays_if_no_format_is_supported():
    backend = Picky([], FormatUnsupported("unknown"))
    (outcome,) = run(backend, structured("a"))
    assert isinstance(outcome.error, FormatUnsupported)
    assert backend.used_formats == list(ANSWER_FORMATS)


def test_the_second_crash_tries_the_next_format():
    backend = Picky(["json_object"], LLMUnavailable("crash", status=500))
    outcomes = run(backend, structured("a", "b"))
    assert all(outcome.reply for outcome in outcomes)
    assert backend.used_formats == [
        "json_schema",
        "json_schema",
        "json_object_schema",
        "json_object_schema",
        "json_object",
        "json_object",
    ]


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
    backend = Picky([], error)
    run(backend, structured("a"))
    assert backend.used_formats == ["json_schema"] * QUICK.attempts


def test_no_format_is_given_up_once_it_has_brought_an_answer():
    backend = Picky(["json_schema"], LLMUnavailable("crash", status=500))
    client = LLMClient(backend, retries=QUICK, max_concurrency=1)
    list(client.stream(structured("a")))
    backend.known = []
    (outcome,) = client.stream(structured("b"))
    assert outcome.error
    assert set(backend.used_formats) == {"json_schema"}


def test_a_format_that_was_tried_in_vain_is_not_kept():
    backend = Picky([], LLMUnavailable("crash", status=500))
    client = LLMClient(backend, retries=QUICK, max_concurrency=1)
    list(client.stream(structured("a")))
    backend.used_formats.clear()
    backend.known = ANSWER_FORMATS
    list(client.stream(structured("b")))
    assert backend.used_formats == ["json_schema"]


def test_a_descent_ends_where_others_have_got_an_answer():
    ladder = FormatLadder(ANSWER_FORMATS)
    crash = LLMUnavailable("crash", status=500)
    lost, other = Descent(ladder), Descent(ladder)
    assert [lost.failed(crash), lost.failed(crash)] == [False, True]
    assert lost.format() == "json_object_schema"
    other.answered()
    lost.answered()
    assert Descent(ladder).format() == "json_schema"
    assert lost.format() == "json_schema"


def test_a_format_that_is_not_supported_after_crashes_is_skipped_for_that_request():
    ladder = FormatLadder(ANSWER_FORMATS)
    crash = LLMUnavailable("crash", status=500)
    descent = Descent(ladder)
    assert [descent.failed(crash), descent.failed(crash)] == [False, True]
    assert descent.unsupported()
    assert descent.format() == "json_object"
    assert Descent(ladder).format() == "json_schema"


def test_free_text_is_asked_for_as_text_and_says_nothing_of_the_formats():
    backend = Picky(["text"], FormatUnsupported("unknown"))
    run(backend, [ask("free"), *structured("a"), ask("free")])
    assert backend.used_formats == ["text", *ANSWER_FORMATS, "text"]
