import json
import multiprocessing
import sqlite3
import threading

import pytest

from rel_component.errors import ConfigError
from rel_component.llm.client.cache import ReplyCache, reply_key
from rel_component.llm.types import Message, OutputToken, Reply, Request, Usage

from ..backends import ask

SETTINGS = {"model": "m", "temperature": 0.0}
BILL = Usage(1, 0, 10, 4, 5, 0.5, 0.01)


@pytest.mark.parametrize(
    "reply",
    [
        Reply("text"),
        Reply("", "length"),
        Reply("日本 \ud800 \x00", "content_filter"),
        Reply("ab", tokens=(OutputToken("a", -0.1), OutputToken("b", float("-inf")))),
    ],
    ids=["text", "cut off", "odd characters", "tokens"],
)
def test_an_answer_comes_back_without_its_bill(cache, reply):
    cache.put("key", reply.with_usage(BILL))
    assert cache.get("key") == reply.with_usage(Usage(cache_hits=1))


def test_an_answer_that_is_not_there(cache):
    assert cache.get("key") is None
    assert len(cache) == 0


def test_it_may_be_closed_and_used_again(cache):
    cache.put("a", Reply("a"))
    cache.close()
    cache.close()
    assert cache.get("a").text == "a"


def test_the_key_does_not_depend_on_the_order_of_the_settings():
    settings = dict(reversed(SETTINGS.items()))
    assert reply_key(SETTINGS, ask("a")) == reply_key(settings, ask("a"))


@pytest.mark.parametrize(
    ("settings", "request_"),
    [
        ({**SETTINGS, "model": "n"}, ask("a")),
        ({**SETTINGS, "seed": 1}, ask("a")),
        (SETTINGS, ask("b")),
        (SETTINGS, ask("a", sample=1)),
        (SETTINGS, ask("a", schema={"type": "object"})),
        (SETTINGS, Request((Message("system", "a"),))),
        (SETTINGS, Request((Message("user", "a"), Message("user", "")))),
    ],
    ids=["model", "parameter", "text", "sample", "schema", "role", "messages"],
)
def test_the_key_depends_on_all_that_makes_the_answer(settings, request_):
    assert reply_key(settings, request_) != reply_key(SETTINGS, ask("a"))


def test_the_key_depends_on_the_order_of_the_properties():
    schemas = [
        {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        for names in ("ab", "ba")
    ]
    keys = {reply_key(SETTINGS, ask("a", schema=schema)) for schema in schemas}
    assert len(keys) == 2


def foreign_database(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()


def later_version(path):
    cache = ReplyCache(path)
    cache.put("a", Reply("a"))
    cache.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()


def damaged_pages(path):
    cache = ReplyCache(path)
    for n in range(200):
        cache.put(f"{n:0200}", Reply("a" * 1000))
    cache.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("This is a text, not a database." * 100),
        lambda path: path.mkdir(),
        foreign_database,
        later_version,
        damaged_pages,
    ],
    ids=["text", "folder", "foreign", "later", "damaged"],
)
def test_what_is_not_a_cache_is_named(tmp_path, make):
    path = tmp_path / "cache.db"
    make(path)
    cache = ReplyCache(path)
    with pytest.raises(ConfigError, match=r"cache\.db cannot be used as a cache"):
        cache.get(f"{7:0200}")
    cache.close()


def test_a_foreign_database_stays_as_it_is(tmp_path):
    path = tmp_path / "theirs.db"
    foreign_database(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        ReplyCache(path).put("a", Reply("a"))
    assert path.read_bytes() == before


def test_a_damaged_answer_is_named(cache):
    cache.put("a", Reply("a"))
    connection = sqlite3.connect(cache.path)
    connection.execute("UPDATE replies SET reply = ?", (json.dumps({"text": 1}),))
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError, match="cannot be used"):
        cache.get("a")


def test_threads_share_it(cache):
    def work(first):
        for n in range(first, first + 50):
            cache.put(str(n), Reply(str(n)))
            assert cache.get(str(n)).text == str(n)

    threads = [threading.Thread(target=work, args=(25 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 225


def put_many(path, first):
    cache = ReplyCache(path)
    for n in range(first, first + 200):
        cache.put(str(n), Reply(str(n), usage=BILL))
    cache.close()


def test_processes_share_it(cache):
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=put_many, args=(cache.path, 100 * n)) for n in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    assert len(cache) == 500
    assert all(cache.get(str(n)).text == str(n) for n in range(500))


def test_no_secret_and_no_prompt_is_stored(cache):
    request = ask("the prompt")
    cache.put(reply_key({"key": "the secret"}, request), Reply("the answer"))
    cache.close()
    stored = b"".join(path.read_bytes() for path in cache.path.parent.iterdir())
    assert b"the answer" in stored
    assert b"the prompt" not in stored
    assert b"the secret" not in stored
