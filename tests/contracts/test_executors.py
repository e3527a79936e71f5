"""What every registered executor must do, by this package and by others."""

import json
from importlib.metadata import entry_points

import pytest
import spacy

from rel_component.errors import ConfigError
from rel_component.inference.executor import Executor, Resources
from rel_component.inference.extract_files import extract_files

from ..inference import trap

EXECUTORS = {
    entry.name: entry.load()
    for entry in sorted(entry_points(group="rel_component_executors"), key=lambda e: e.name)
}
TEXTS = [f"Acme {'and more ' * (i % 5)}bought Orbit {i} ." for i in range(23)]
each_executor = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "local")) for n in EXECUTORS]
)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    nlp = spacy.blank("en")
    patterns = [{"label": "ORG", "pattern": name} for name in ("Acme", "Orbit")]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("test_trap")
    path = tmp_path_factory.mktemp("pipeline") / "trap"
    nlp.to_disk(path)
    return path


def run(name, pipeline, folder, texts, **options):
    """Run an executor with all it can; what it writes lies in the folder."""
    if not (folder / "in.txt").exists():
        (folder / "in.txt").write_text("\n".join(texts), encoding="utf8")
    executor = EXECUTORS[name]
    try:
        return extract_files(
            pipeline,
            folder / "in.txt",
            folder / "out",
            shards=True,
            executor=executor,
            resources=Resources(n_workers=2 if executor.isolates else 1),
            shard_size=5,
            batch_size=2,
            code=trap.__file__,
            **options,
        )
    except ConfigError as err:
        if "pip install" not in str(err) and "could not start" not in str(err):
            raise  # other than for want of a package or of Java
        pytest.skip(str(err))


def records(folder):
    return [json.loads(line) for file in sorted(folder.glob("0*.jsonl")) for line in read(file)]


def read(file):
    return file.read_text(encoding="utf8").splitlines()


@each_executor
def test_it_is_an_executor(name):
    assert isinstance(EXECUTORS[name], Executor)
    assert EXECUTORS[name].name == name
    assert EXECUTORS[name].description


@each_executor
def test_every_document_comes_out_once_or_is_a_failure(name, pipeline, tmp_path):
    texts = list(TEXTS)
    faults = {3: "RAISE", 9: "EXIT", 16: "HANG"} if EXECUTORS[name].isolates else {3: "RAISE"}
    for i, fault in faults.items():
        texts[i] += fault
    options = {"timeout": 5} if EXECUTORS[name].isolates else {}
    summary = run(name, pipeline, tmp_path, texts, **options)
    assert (summary.documents, summary.failures) == (23 - len(faults), len(faults))
    found = records(tmp_path / "out")
    assert [record["id"] for record in found] == [i + 1 for i in range(23) if i not in faults]
    assert [record["text"] for record in found] == [
        text for i, text in enumerate(texts) if i not in faults
    ]
    assert all(len(record["relations"]) == 1 for record in found)
    assert summary.relations == len(found)
    failures = [json.loads(line) for line in read(tmp_path / "out" / "_failures.jsonl")]
    assert [failure["id"] for failure in failures] == [i + 1 for i in faults]
    assert f"{tmp_path / 'in.txt'}, line 4" in failures[0]["place"]
    reasons = [failure["reason"] for failure in failures]
    expected = ["ValueError: a text to fail at", "its worker ended", "more than 5 seconds"]
    assert all(part in reason for part, reason in zip(expected, reasons))
    manifest = [json.loads(line) for line in read(tmp_path / "out" / "_manifest.jsonl")][1:]
    assert sorted(line["shard"] for line in manifest) == [0, 1, 2, 3, 4]
    assert sum(line["documents"] + line["failures"] for line in manifest) == 23


@each_executor
def test_a_run_goes_on_where_it_was(name, pipeline, tmp_path):
    run(name, pipeline, tmp_path, TEXTS)
    out = tmp_path / "out"
    whole = {file.name: file.read_bytes() for file in out.glob("0*")}
    assert len(whole) == 5
    missing, damaged, kept = sorted(whole)[:3]
    (out / missing).unlink()
    (out / damaged).write_bytes(b"{")
    before = (out / kept).stat()
    with (out / "_manifest.jsonl").open("ab") as manifest:
        manifest.write(b'{"shard": 4, "docum')  # as a crash leaves it
    with pytest.raises(ConfigError, match="--resume goes on"):
        run(name, pipeline, tmp_path, TEXTS)
    assert not (out / missing).exists()
    summary = run(name, pipeline, tmp_path, TEXTS, resume=True)
    assert {file.name: file.read_bytes() for file in out.glob("0*")} == whole
    assert (out / kept).stat().st_mtime_ns == before.st_mtime_ns
    assert (summary.documents, summary.resumed) == (23, 13)
