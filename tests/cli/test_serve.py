"""``spacy rel serve``."""

import json
import os
import signal
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest

from ..app.service.conftest import serving
from .conftest import TEXT, TEXTS
from .helpers import run, run_json


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token-env", "NO_SUCH_VARIABLE"], "there is no such variable, or it is empty"),
        (["--token-env", "A", "--token-file", __file__], "give --token-env or --token-file"),
        (["--token-file", __file__], "the token: expected printable ASCII characters"),
        (["--port", "1", "--host", "256.0.0.1"], "port 1 of 256.0.0.1: "),
    ],
)
@pytest.mark.slow
def test_options_that_cannot_be(model, options, message):
    assert message in " ".join(run("serve", model, *options, code=1).split())


def test_pipelines_that_cannot_be_served(rules, tmp_path):
    assert "no component that finds relations" in run("serve", rules, code=1)
    assert "cannot be loaded" in run("serve", tmp_path / "missing", code=1)


def test_language_models_that_do_not_answer_are_told_of(config):
    with serving(str(config)) as client:
        texts = [*TEXTS, "Orbit knows Bo Lee."]  # there are three replies
        status, answer = client.json("/extract", {"texts": texts})
        assert status == 200
        assert answer["documents"][0]["relations"][0]["label"] == "FOUNDED_BY"
        error = "the language model has not answered all questions about this text"
        assert answer["documents"][3] == {"error": error}
        assert client.json("/extract", {"text": "Acme hired Bo Lee."}) == (502, {"error": error})


@pytest.mark.slow
def test_a_server_ends_with_the_answers_that_it_owes(model, tmp_path):
    (tmp_path / "token").write_text("s3cret\n", encoding="utf8")
    command = [sys.executable, "-m", "spacy", "rel", "serve", str(model), "--port", "0", "--json"]
    command += ["--token-file", str(tmp_path / "token")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = json.loads(process.stdout.readline())["address"]
        assert address.startswith("http://127.0.0.1:")
        body = json.dumps({"text": TEXT, "id": 1}).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer s3cret"}
        with urlopen(Request(f"{address}/extract", body, headers)) as answer:
            served = json.load(answer)
        arguments = f"/proc/{process.pid}/cmdline"
        if os.path.exists(arguments):
            with open(arguments, encoding="utf8") as source:
                assert "s3cret" not in source.read()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == ""
        assert process.wait() == 0
    extracted = run_json("extract", model, "--text", TEXT)
    assert served == {"id": 1, **extracted}
