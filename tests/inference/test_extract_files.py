"""``extract_files``: forms of results, runs that go on or must not, and what is left behind."""

import gzip
import json
import shutil
import threading
from pathlib import Path

import pytest
import spacy

from rel_component import extract
from rel_component.errors import ConfigError, DataError
from rel_component.graph.merge import merged_files
from rel_component.inference import shards as shards_module
from rel_component.inference.executor import Resources, get_executor
from rel_component.inference.extract_files import extract_files
from rel_component.inference.manifest import NAME, pipeline_fingerprint
from rel_component.inference.sources import Source, SourceReport
from rel_component.spacy_files import read_docs

from ..llm.backends import FunctionBackend, client_of
from ..llm.pipelines import TEXT, make_pipeline, replay
from . import trap
from .full_disk import largest_file

TEXTS = [f"Acme {'and more ' * (i % 4)}bought Orbit {i} ." for i in range(9)]


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    patterns = [{"label": "ORG", "pattern": name} for name in ("Acme", "Orbit")]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("test_trap")
    return nlp


@pytest.fixture(scope="module")
def pipeline(nlp, tmp_path_factory):
    path = tmp_path_factory.mktemp("pipeline") / "rules"
    nlp.to_disk(path)
    return path


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("\n".join(TEXTS), encoding="utf8")
    return path


def run(pipeline, source, output, **options):
    options = {"shard_size": 4, "batch_size": 2, **options}
    return extract_files(pipeline, source, output, **options)


def interrupt(pipeline, source, output, *, after, **options):
    """Stop a run after some shards."""
    seen = []

    def stop(summary):
        seen.append(summary.documents)
        if len(seen) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(pipeline, source, output, progress=stop, **options)


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def test_records_are_those_of_extract(nlp, texts, tmp_path):
    summary = run(nlp, texts, tmp_path / "new" / "out.jsonl")
    given = [(text, {"id": i}) for i, text in enumerate(TEXTS, start=1)]
    assert lines(tmp_path / "new" / "out.jsonl") == list(extract(nlp, given))
    assert (summary.documents, summary.relations, summary.failures) == (9, 9, 0)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.jsonl"]
    assert summary.share == 1.0


def test_no_more_documents_than_are_wanted(nlp, texts, tmp_path):
    assert run(nlp, texts, tmp_path / "out.jsonl", limit=5).documents == 5
    assert [record["text"] for record in lines(tmp_path / "out.jsonl")] == TEXTS[:5]


def test_texts_in_memory_and_nothing_at_all(nlp, tmp_path):
    assert run(nlp, [("Acme", {"id": "a"}), "Orbit"], tmp_path / "a.jsonl").documents == 2
    assert [record.get("id") for record in lines(tmp_path / "a.jsonl")] == ["a", None]
    for ending in ("jsonl", "parquet", "spacy"):
        assert run(nlp, [], tmp_path / f"none.{ending}").documents == 0
        assert (tmp_path / f"none.{ending}").exists()


@pytest.mark.parametrize("ending", ["jsonl.gz", "jsonl.zst", "spacy"])
def test_forms_of_results_are_read_back(ending, nlp, texts, tmp_path):
    pytest.importorskip("zstandard")
    run(nlp, texts, tmp_path / f"out.{ending}")
    found = Source(tmp_path / f"out.{ending}").documents(SourceReport())
    if ending == "spacy":
        docs = list(read_docs(tmp_path / "out.spacy", spacy.blank("en")))
        assert [str(rel) for doc in docs for rel in doc._.rel] == ["(Acme, BEFORE, Orbit)"] * 9
    else:
        assert [document.text for document in found] == TEXTS
    if ending.endswith("gz"):
        assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).count(b"\n") == 9


def test_tables_have_a_row_for_each_relation_or_document(nlp, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    given = [("Acme bought Orbit. It left.", {"id": 7, "lang": "en"}), ("Nothing.", {})]
    run(nlp, given, tmp_path / "a.parquet", shard_size=1)
    (row,) = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert list(row.values()) == [
        *("7", "Acme", "ORG", 0, 4, "BEFORE", "Orbit", "ORG", 12, 17, 1.0, ""),
        "Acme bought Orbit.",
    ]
    run(nlp, given, tmp_path / "b.parquet", to="parquet_documents")
    first, second = parquet.read_table(tmp_path / "b.parquet").to_pylist()
    assert (first["id"], first["meta"], second["id"]) == ("7", '{"lang": "en"}', None)
    assert [entity["text"] for entity in first["entities"]] == ["Acme", "Orbit"]
    assert first["relations"][0]["score"] == 1.0
    assert second["relations"] == []
    run(nlp, tmp_path / "b.parquet", tmp_path / "c.parquet", to="parquet_documents")
    assert (tmp_path / "c.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_meta_data_with_names_of_the_format_are_kept(nlp, tmp_path):
    odd = {"events": "3", "sentences": ["Acme."], "clusters": 0, "meta": "{x", "text": "other"}
    own = {"entities": [], "relations": [{"head": 1, "tail": 2, "label": "R"}], "sentences": [0]}
    given = [{"body": "Acme", **odd}, {"body": "Acme", "meta": '{"entities": 1}', **own}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, given)), encoding="utf8")
    run(nlp, Source(tmp_path / "in.jsonl", text="body"), tmp_path / "out.jsonl")
    assert [record["meta"] for record in lines(tmp_path / "out.jsonl")] == [odd, {"entities": 1}]
    run(nlp, tmp_path / "out.jsonl", tmp_path / "again.jsonl")
    assert lines(tmp_path / "again.jsonl") == lines(tmp_path / "out.jsonl")


def test_an_interrupted_run_goes_on(nlp, texts, tmp_path):
    run(nlp, texts, tmp_path / "whole.jsonl")
    out = tmp_path / "out.jsonl"
    interrupt(nlp, texts, out, after=2)
    assert not out.exists()
    with pytest.raises(ConfigError, match="--resume goes on with it, or delete the folder"):
        run(nlp, texts, out)
    summary = run(nlp, texts, out, resume=True)
    assert (summary.documents, summary.resumed) == (9, 8)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not (tmp_path / "out.jsonl.parts").exists()
    assert run(nlp, texts, out, resume=True).resumed == 0  # there is nothing to go on with


def test_what_a_killed_run_had_not_finished_does_not_stay(nlp, texts, tmp_path):
    out = tmp_path / "out"
    interrupt(nlp, texts, out, after=1, shards=True)
    for name in (
        "000001.jsonl.1f2e3d4c.part",
        f"{NAME}.1f2e3d4c",
        f"{NAME}.1f2e3d4c.5a6b7c8d.part",
    ):
        (out / name).touch()
    run(nlp, texts, out, shards=True, resume=True)
    names = ["000000.jsonl", "000001.jsonl", "000002.jsonl", NAME]
    assert sorted(file.name for file in out.iterdir()) == names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_score": 0.5}, "options.min_score was None, is 0.5"),
        ({"labels": ["BEFORE"]}, r"options.labels was \[\], is \['BEFORE'\]"),
        ({"shard_size": 5}, "options.shard_size was 4, is 5"),
        ({"text": "text changed"}, r"source\..*in\.txt was \[.*\], is \["),
        ({"pipeline": "other"}, "pipeline.config.cfg has changed"),
        ({"code": "x = 2"}, "options.code has changed"),
    ],
)
def test_a_run_does_not_go_on_with_something_else(change, message, pipeline, texts, tmp_path):
    own, code = shutil.copytree(pipeline, tmp_path / "own"), tmp_path / "code.py"
    code.write_text("x = 1", encoding="utf8")
    interrupt(own, texts, tmp_path / "out", after=1, shards=True, code=code)
    if "text" in change:
        texts.write_text(change.pop("text"), encoding="utf8")
    if "pipeline" in change:
        config = (own / "config.cfg").read_text(encoding="utf8")
        (own / "config.cfg").write_text(config + "\n", encoding="utf8")
        change = {}
    if "code" in change:
        code.write_text(change.pop("code"), encoding="utf8")
    before = sorted(file.name for file in (tmp_path / "out").iterdir())
    with pytest.raises(ConfigError, match=message):
        run(own, texts, tmp_path / "out", resume=True, shards=True, code=code, **change)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == before


def test_a_damaged_manifest_is_an_error(nlp, texts, tmp_path):
    interrupt(nlp, texts, tmp_path / "out", after=1, shards=True)
    manifest = tmp_path / "out" / "_manifest.jsonl"
    with manifest.open("ab") as output:
        output.write(b'{"shard": 1}\n')
    with pytest.raises(DataError, match=r"_manifest\.jsonl, line 3: no line of a manifest"):
        run(nlp, texts, tmp_path / "out", resume=True, shards=True)
    manifest.write_bytes(b"nonsense\n")
    with pytest.raises(DataError, match="line 1: damaged"):
        run(nlp, texts, tmp_path / "out", resume=True, shards=True)


def test_counts_of_a_manifest_are_numbers(nlp, texts, tmp_path):
    run(nlp, texts, tmp_path / "out", shards=True)
    manifest = tmp_path / "out" / "_manifest.jsonl"
    content = manifest.read_text(encoding="utf8").replace('"counts": {}', '"counts": {"a": "b"}')
    manifest.write_text(content, encoding="utf8")
    with pytest.raises(DataError, match="line 2: no line of a manifest"):
        run(nlp, texts, tmp_path / "out", shards=True, resume=True)


def test_two_runs_do_not_write_to_one_folder(nlp, texts, tmp_path):
    pytest.importorskip("fcntl")

    def run_again(summary):
        with pytest.raises(ConfigError, match="another process writes there now"):
            run(nlp, texts, tmp_path / "out.jsonl", resume=True)

    assert run(nlp, texts, tmp_path / "out.jsonl", progress=run_again).documents == 9


def test_files_of_the_user_stay(nlp, texts, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine", encoding="utf8")
    with pytest.raises(ConfigError, match=r"has files such as notes\.txt"):
        run(nlp, texts, tmp_path / "own", shards=True)
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["notes.txt"]
    (tmp_path / "own" / "notes.txt").rename(tmp_path / "own" / "20240131.jsonl")
    with pytest.raises(ConfigError, match=r"has files such as 20240131\.jsonl"):
        run("no pipeline", texts, tmp_path / "own", shards=True)
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["20240131.jsonl"]


def test_texts_are_not_overwritten(nlp, texts, tmp_path):
    for source, output in [
        (texts, texts),
        (tmp_path / "*.txt", texts),
        (tmp_path, tmp_path / "new"),
    ]:
        for shards in (False, source is tmp_path):
            with pytest.raises(ConfigError, match="belongs to the texts of"):
                run(nlp, source, output, shards=shards)
    assert texts.read_text(encoding="utf8").splitlines() == TEXTS


def test_a_folder_is_no_file_of_results(nlp, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="it is a folder"):
        run(nlp, texts, ".")


@pytest.mark.parametrize(
    ("pattern", "output", "shards"),
    [
        ("**/*.jsonl", "new.jsonl", False),
        ("*/*.jsonl", "new", True),
        ("*.parts/*.jsonl", "new.jsonl", False),
    ],
)
def test_results_do_not_become_texts(pattern, output, shards, nlp, tmp_path):
    with pytest.raises(ConfigError, match="belongs to the texts of"):
        run(nlp, tmp_path / pattern, tmp_path / output, shards=shards)
    assert list(tmp_path.iterdir()) == []


def test_a_run_over_a_pattern_goes_on_beside_its_texts(nlp, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(
            "".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf8"
        )
    pattern, out = tmp_path / "**" / "*.jsonl", tmp_path / "out.jsonl.gz"
    interrupt(nlp, pattern, out, after=2, to="jsonl.gz")
    assert run(nlp, pattern, out, to="jsonl.gz", resume=True).documents == 18
    assert run(nlp, [*TEXTS, "RAISE"], out).failures_path.name == "out.jsonl.gz.failures.jsonl"
    assert run(nlp, pattern, out, to="jsonl.gz").documents == 18


def test_a_run_that_can_go_on_is_not_deleted_by_one_that_cannot(nlp, texts, tmp_path):
    interrupt(nlp, texts, tmp_path / "out.jsonl", after=1)
    before = sorted((tmp_path / "out.jsonl.parts").iterdir())
    with pytest.raises(ConfigError, match="not finished"):
        run(nlp, TEXTS, tmp_path / "out.jsonl")
    assert sorted((tmp_path / "out.jsonl.parts").iterdir()) == before
    shutil.rmtree(tmp_path / "out.jsonl.parts")

    def run_again(summary):
        if summary.documents == 4:
            with pytest.raises(ConfigError, match="not finished"):
                run(nlp, TEXTS, tmp_path / "out.jsonl")

    assert run(nlp, TEXTS, tmp_path / "out.jsonl", progress=run_again).documents == 9


def test_failures_that_are_missing_are_made_again(nlp, tmp_path):
    (tmp_path / "in.txt").write_text("Acme\nRAISE\n", encoding="utf8")
    run(nlp, tmp_path / "in.txt", tmp_path / "out", shards=True)
    (tmp_path / "out" / "_000000.failures.jsonl").unlink()
    summary = run(nlp, tmp_path / "in.txt", tmp_path / "out", shards=True, resume=True)
    assert (summary.documents, summary.resumed, len(summary.first_failures)) == (1, 0, 1)


def test_a_device_has_no_files_beside_it(nlp, tmp_path):
    summary = run(nlp, ["Acme", "RAISE"], "/dev/null")
    assert len(summary.failures_path.read_text(encoding="utf8").splitlines()) == 1
    summary.failures_path.unlink()
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "out.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real" / "out.jsonl")
    run(nlp, ["Acme", "RAISE"], tmp_path / "link.jsonl")
    assert (tmp_path / "real" / "out.jsonl.failures.jsonl").exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_what_fails_is_listed_and_does_not_stop_the_run(nlp, tmp_path):
    source = tmp_path / "in.jsonl"
    records = [{"id": i, "text": text} for i, text in enumerate([*TEXTS, "RAISE", "Acme RAISE"])]
    odd = ["{broken", *map(json.dumps, records[:5]), "[]", *map(json.dumps, records[5:]), '"']
    source.write_text("\n".join(odd), encoding="utf8")
    summary = run(nlp, source, tmp_path / "out.jsonl", on_error="skip")
    assert (summary.documents, summary.failures, summary.counts["skipped"]) == (9, 5, 3)
    failures = lines(tmp_path / "out.jsonl.failures.jsonl")
    assert summary.failures_path == tmp_path / "out.jsonl.failures.jsonl"
    assert [failure["place"].partition(", ")[2] for failure in failures] == [
        *("line 1", "line 7", "line 14", "line 12, document 9", "line 13, document 10"),
    ]
    assert [failure.get("id") for failure in failures] == [None, None, None, 9, 10]
    assert failures[-1]["reason"] == "ValueError: a text to fail at"
    run(nlp, ["RAISE"], tmp_path / "out.spacy")
    assert lines(tmp_path / "out.jsonl.failures.jsonl") == failures
    run(nlp, TEXTS, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl.failures.jsonl").exists()


@pytest.mark.parametrize("shards", [False, True])
def test_documents_that_failed_are_tried_again(shards, nlp, texts, tmp_path, monkeypatch):
    out, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    options = {"resume": True, "retry_failed": True, "shards": shards}
    run(nlp, texts, whole, shards=shards)
    monkeypatch.setattr(trap, "REFUSED", ["Orbit 5"])
    summary = run(nlp, texts, out, **options)
    assert (summary.documents, summary.failed) == (8, 1)
    monkeypatch.undo()
    with largest_file(10), pytest.raises(DataError, match="3 finished shards are in"):
        run(nlp, texts, out, **options)
    summary = run(nlp, texts, out, **options)
    assert (summary.documents, summary.resumed, summary.failed) == (9, 5, 0)
    for name in ["000000.jsonl", "000001.jsonl", "000002.jsonl"] if shards else [""]:
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"in.txt", "out.jsonl", "whole.jsonl"}
    assert sorted(out.glob("*failures*")) == []


def test_after_an_error_of_the_source_a_run_can_go_on(nlp, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join([*(json.dumps({"text": t}) for t in TEXTS), "{"]), encoding="utf8")
    message = r"line 10: .*--resume --on-error skip leaves it out.*; 2 finished shards are in"
    with pytest.raises(DataError, match=message):
        run(nlp, source, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    summary = run(nlp, source, tmp_path / "out.jsonl", resume=True, on_error="skip")
    assert (summary.documents, summary.resumed, summary.counts["skipped"]) == (9, 8, 1)


def test_a_disk_that_is_full_leaves_what_is_finished(nlp, texts, tmp_path):
    run(nlp, texts, tmp_path / "whole.jsonl")
    size = (tmp_path / "whole.jsonl").stat().st_size
    message = r"out\.jsonl: cannot be written: File too large"
    with largest_file(size - 1), pytest.raises(DataError, match=message):
        run(nlp, texts, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    assert run(nlp, texts, tmp_path / "out.jsonl", resume=True).resumed == 9
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_long_documents_make_small_shards(nlp, tmp_path, monkeypatch):
    monkeypatch.setattr(shards_module, "_MOST_CHARACTERS", 100)
    long = [("Acme " * 10, {}), ("Acme", {"notes": "x" * 80}), ("Acme", {}), ("a", {})]
    run(nlp, long, tmp_path / "out", shards=True)
    assert [
        (line["first"], line["documents"])
        for line in lines(tmp_path / "out" / "_manifest.jsonl")[1:]
    ] == [(0, 1), (1, 1), (2, 2)]


def test_questions_about_many_documents_are_in_flight(tmp_path):
    together = threading.Barrier(8)

    def answer(request):
        together.wait(10)  # as many as the client allows, whatever the size of a batch
        return '{"relations": []}'

    backend = FunctionBackend(answer)
    nlp = make_pipeline(replay(tmp_path))
    nlp.get_pipe("llm_relation_extractor").client = client_of(backend, concurrency=8)
    texts = [f"{TEXT} {i}" for i in range(16)]
    summary = run(nlp, texts, tmp_path / "out.jsonl", batch_size=2, shard_size=16)
    assert (summary.documents, backend.most) == (16, 8)


def test_shards_are_documents_for_the_next_step(nlp, texts, tmp_path):
    run(nlp, texts, tmp_path / "out", shards=True)
    shards = sorted((tmp_path / "out").glob("0*.jsonl"))
    with merged_files(shards) as graph:
        assert graph.counts()["edges"] == 1
    again = run(nlp, tmp_path / "out", tmp_path / "again.jsonl")
    assert (again.documents, again.relations) == (9, 9)


def test_options_that_do_not_fit(nlp, pipeline, texts, tmp_path):
    for given in ({"limit": -1}, {"batch_size": 0}):
        with pytest.raises(ConfigError, match=r"expected . or more documents"):
            run(nlp, texts, tmp_path / "out.jsonl", **given)
    out = tmp_path / "out.jsonl"
    for options, message in (
        ({"timeout": 5}, "local cannot stop a document"),
        ({"timeout": -1}, "more than 0 seconds"),
        ({"shard_size": 0}, "1 or more documents"),
        ({"resources": Resources(0)}, "1 or more"),
        ({"resources": Resources(2)}, "give its name or path"),
        ({"executor": "local", "resources": Resources(2)}, "one worker"),
        ({"executor": "proces"}, 'did you mean "process"'),
        ({"to": "xml"}, "expected one of jsonl"),
        ({"retry_failed": True}, "give --resume, too"),
        ({"on_error": "ignore"}, "'ignore': expected stop or skip"),
        ({"labels": "FOUNDED_BY"}, "'FOUNDED_BY': expected a list"),
        ({"labels": [1]}, "expected a list of types"),
        ({"min_score": 1.5}, "1.5: expected a number from 0 to 1"),
        ({"min_score": float("nan")}, "expected a number from 0 to 1"),
        ({"labels": ["CEO"], "code": "nowhere.py"}, "cannot be imported"),
    ):
        with pytest.raises(ConfigError, match=message):
            run(nlp, texts, out, **options)
    with pytest.raises(ConfigError, match="--resume needs files"):
        run(nlp, TEXTS, out, resume=True)
    with pytest.raises(ConfigError, match="no component that finds relations"):
        run(spacy.blank("en"), texts, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt"]


def test_what_tells_a_pipeline_from_others(nlp, pipeline, tmp_path):
    assert {"config.cfg", "meta.json"} < set(pipeline_fingerprint(pipeline))
    assert pipeline_fingerprint(nlp) == pipeline_fingerprint(nlp)
    config = tmp_path / "a.cfg"
    config.write_text('[nlp]\nlang = "en"\n\n[paths]\nschema = "s.yaml"\n', encoding="utf8")
    (tmp_path / "s.yaml").write_text("a", encoding="utf8")
    before = pipeline_fingerprint(config)
    assert set(before) == {"a.cfg", "s.yaml"}
    (tmp_path / "s.yaml").write_text("b", encoding="utf8")
    assert pipeline_fingerprint(config) != before


@pytest.mark.slow
def test_a_pipeline_that_cannot_be_loaded_is_an_error_of_the_run(tmp_path, texts):
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(ConfigError, match="no component that finds relations"):
        run(tmp_path / "blank", texts, tmp_path / "out.jsonl", executor="process")
    with pytest.raises(ConfigError, match="nowhere cannot be loaded"):
        run("nowhere", texts, tmp_path / "out.jsonl", executor=get_executor("process"))
    assert not (tmp_path / "out.jsonl.parts").exists()
    assert Path(trap.__file__).exists()
