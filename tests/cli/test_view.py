import json
import re
import signal
import subprocess
import sys
from functools import partial
from urllib.request import Request, urlopen

import pytest

from .conftest import TEXT
from .helpers import run, run_json


def data_of(path):
    text = path.read_text(encoding="utf8")
    (found,) = re.findall(r'<script type="application/json" id="rel-data">(.*?)</script>', text)
    return json.loads(found)


def test_documents_become_a_page(data, tmp_path):
    for source in (data, data.with_suffix(".jsonl")):
        output = run("view", source, "-o", tmp_path / "page.html")
        assert "page.html: 1 documents" in " ".join(output.split())
        page = data_of(tmp_path / "page.html")
        assert page["documents"][0]["record"]["text"] == TEXT
        assert (page["compared"], page["review"]) == (False, False)


def test_what_a_pipeline_finds_becomes_a_page(model, data, tmp_path):
    texts, page = tmp_path / "texts.txt", tmp_path / "page.html"
    texts.write_text(TEXT, encoding="utf8")
    run("view", model, texts, "-o", page)
    (document,) = data_of(page)["documents"]
    assert [rel["label"] for rel in document["relations"]] == ["FOUNDED_BY", "LOCATED_IN"]
    assert document["statuses"] == []
    texts.with_suffix(".jsonl").write_text(json.dumps({"text": TEXT, "id": 7}), encoding="utf8")
    run("view", model, texts.with_suffix(".jsonl"), "-o", page)
    assert data_of(page)["documents"][0]["title"] == "7"
    shown = run_json("view", model, data, "-o", page)
    assert shown == {"documents": 1, "relations": 2, "output": str(page)}
    assert data_of(page)["documents"][0]["statuses"] == ["right", "right"]


def test_documents_are_compared_with_others(data, tmp_path):
    run("view", data, data.with_suffix(".jsonl"), "-o", tmp_path / "page.html")
    assert data_of(tmp_path / "page.html")["documents"][0]["statuses"] == ["right", "right"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --output page.html, or --serve"),
        (["-o", "a.html", "--review", "b.jsonl"], "--review needs --serve"),
        (["-o", "a.html", "--serve", "--review", "a.html"], "two outputs cannot go to one file"),
    ],
)
def test_options_that_do_not_fit_together(data, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in run("view", data, *options, code=1)


def test_an_evaluation_becomes_a_page(model, data, tmp_path):
    output = run("evaluate", model, data, "--html", tmp_path / "page.html")
    assert "F1" in output
    page = data_of(tmp_path / "page.html")
    assert (page["compared"], page["status"]) == (True, "mistakes")
    assert "Precision and recall by threshold" in (tmp_path / "page.html").read_text("utf8")


@pytest.mark.slow
def test_a_review_is_served_until_it_is_interrupted(data, tmp_path):
    path = tmp_path / "reviewed.jsonl"
    command = [sys.executable, "-m", "spacy", "rel", "view", str(data), "--serve", "--no-browser"]
    # tests that run in the background have an interrupt ignored, and so would what they start
    interruptible = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [*command, "--review", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    ) as process:
        address = None
        while address is None:
            address = re.search(r"http://127\.0\.0\.1:\d+/[-\w]+/", process.stdout.readline())
        with urlopen(address[0]) as answer:
            key = re.search(r'"documents": \[\{"key": "([^"]+)"', answer.read().decode())[1]
        body = json.dumps({key: {"done": True, "relations": []}}).encode()
        with urlopen(Request(f"{address[0]}review", body, {"Content-Type": "application/json"})):
            pass
        process.send_signal(signal.SIGINT)
        assert "1 documents done" in " ".join(process.stdout.read().split())
        assert process.wait() == 0
    assert json.loads(path.read_text(encoding="utf8"))["relations"] == []


def test_documents_are_not_replaced_by_their_page(data, tmp_path):
    documents = tmp_path / data.name
    documents.write_bytes(data.read_bytes())
    assert "take the place of the documents" in run("view", documents, "-o", documents, code=1)
    assert documents.read_bytes() == data.read_bytes()
