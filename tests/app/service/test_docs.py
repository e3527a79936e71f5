"""The examples of docs/server.md, sent to a server."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rel_component.app.service.limits import Limits

DOCS = (Path(__file__).parents[3] / "docs" / "server.md").read_text(encoding="utf8")


def examples(language, client):
    found = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found
    return [
        block.replace("localhost:8000", f"127.0.0.1:{client.port}").replace(
            "8000", str(client.port)
        )
        for block in found
        if "create_app" not in block
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.slow
def test_requests_of_curl(client):
    (block,) = examples("bash", client)
    done = subprocess.run(
        ["bash", "-c", block.replace("curl ", "curl -sS --no-progress-meter -w '\\n' ")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    one, several, *lines, schema = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert (one["id"], one["relations"][0]["label"]) == (1, "FOUNDED_BY")
    assert [document.get("id") for document in several["documents"]] == [None, 2]
    assert lines[0]["relations"][0]["label"] == "FOUNDED_BY"
    assert lines[1]["id"] == 2
    assert schema["entities"] == ["ORG", "PERSON"]


def test_clients_in_python(client, capsys):
    for block in examples("python", client):
        exec(compile(block, "docs/server.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Acme FOUNDED_BY Ada Bell ")
    assert [line[0] for line in lines[1:]] == ["0", "1", "2"]
    assert all("FOUNDED_BY" in line for line in lines)


def test_defaults_are_those_of_the_table():
    limits = Limits()
    for value in (limits.max_length, limits.max_explained, limits.max_waiting):
        assert f"| {value:,} |" in DOCS
    assert f"| {limits.max_texts}, 2 MiB |" in DOCS
    assert limits.max_body == 2 << 20
    assert f"| {limits.timeout:g} |" in DOCS
