"""Texts come from files of all kinds, and from files that are not as they should be."""

import csv
import gzip
import io
import json
import sys

import pytest
import spacy

from rel_component.errors import ConfigError, DataError
from rel_component.inference import streams
from rel_component.inference.sources import Source, SourceReport, given_documents
from rel_component.spacy_files import write_docs

TEXTS = ["Acme bought Orbit.", 'A "quoted", longer\ttext ö', "third"]
RECORDS = [{"id": f"d{i}", "text": text, "date": f"200{i}"} for i, text in enumerate(TEXTS)]
EXPECTED = [(r["text"], {"id": r["id"], "date": r["date"]}) for r in RECORDS]


def jsonl(records=RECORDS):
    return "".join(json.dumps(record) + "\n" for record in records)


def table(delimiter=",", records=RECORDS):
    output = io.StringIO()
    writer = csv.DictWriter(output, records[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(records)
    return output.getvalue()


def write_parquet(path, records=RECORDS):
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(records), path)


def write_spacy(path):
    nlp = spacy.blank("en")
    docs = [nlp(record["text"]) for record in RECORDS]
    for doc, record in zip(docs, RECORDS):
        doc.user_data["meta"] = {"id": record["id"], "date": record["date"]}
    write_docs(docs, path)


def write_zst(path, text):
    path.write_bytes(
        b"".join(  # several frames, as appended files have
            pytest.importorskip("zstandard").compress(line.encode())
            for line in text.splitlines(True)
        )
    )


WRITERS = {
    "a.jsonl": lambda path: path.write_text(jsonl(), encoding="utf8"),
    "list.json": lambda path: path.write_text(json.dumps(RECORDS, indent=1), encoding="utf8"),
    "a.jsonl.gz": lambda path: path.write_bytes(gzip.compress(jsonl().encode())),
    "list.json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(RECORDS).encode())),
    "lines.json.gz": lambda path: path.write_bytes(
        gzip.compress("".join(json.dumps(record, indent=1) for record in RECORDS).encode())
    ),
    "a.jsonl.zst": lambda path: write_zst(path, jsonl()),
    "a.csv": lambda path: path.write_text(table(), encoding="utf-8-sig"),
    "a.tsv": lambda path: path.write_text(table("\t"), encoding="utf8"),
    "a.csv.gz": lambda path: path.write_bytes(gzip.compress(table().encode())),
    "a.parquet": write_parquet,
    "a.spacy": write_spacy,
}


def read(path, on_error="stop", **options):
    source, report = Source(path, **options), SourceReport(on_error)
    found = [(document.text, document.record) for document in source.documents(report)]
    return found, [f"{failure.place}: {failure.reason}" for failure in report.take()]


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_of_each_kind(name, tmp_path):
    WRITERS[name](tmp_path / name)
    assert read(tmp_path / name) == (EXPECTED, [])
    assert read(tmp_path / "*.*")[0] == EXPECTED
    assert read(tmp_path)[0] == EXPECTED


def test_lines_are_documents_and_in_folders_files_are(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("\ufeffone\n\ntwo\n", encoding="utf8")
    (tmp_path / "sub" / "a.txt.gz").write_bytes(gzip.compress(b"three\nfour"))
    (tmp_path / "_failures.jsonl").write_text("{", encoding="utf8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "c.txt").write_text("none", encoding="utf8")
    (tmp_path / "d.txt.1f2e3d4c.part").write_text("cut sh", encoding="utf8")
    assert read(tmp_path / "b.txt")[0] == [("one", {"id": 1}), ("two", {"id": 3})]
    assert read(tmp_path)[0] == [
        ("\ufeffone\n\ntwo\n".lstrip("\ufeff"), {"id": "b.txt"}),
        ("three\nfour", {"id": "sub/a.txt.gz"}),
    ]
    pattern = tmp_path / "**" / "*.txt*"
    assert [record["id"] for _, record in read(pattern)[0]] == [
        f"{tmp_path}/b.txt:1",
        f"{tmp_path}/b.txt:3",
        f"{tmp_path}/sub/a.txt.gz:1",
        f"{tmp_path}/sub/a.txt.gz:2",
    ]
    assert len(read(tmp_path, format_name="lines")[0]) == 4


def test_columns_have_names(tmp_path):
    rows = [{"id": 1, "key": "k", "body": "Acme", "a": "x", "b": "y"}]
    (tmp_path / "a.csv").write_text(table(";", rows), encoding="utf8")
    names = {"text": "body", "id": "key"}
    others = {"record_id": "1", "a": "x", "b": "y"}
    assert read(tmp_path / "a.csv", **names)[0] == [("Acme", {"id": "k", **others})]
    assert read(tmp_path / "a.csv", meta=["id"], **names)[0] == [
        ("Acme", {"id": "k", "record_id": "1"})
    ]
    assert read(tmp_path / "a.csv", meta=["a"], **names)[0] == [("Acme", {"id": "k", "a": "x"})]
    write_parquet(tmp_path / "a.parquet", rows)
    assert read(tmp_path / "a.parquet", meta=[], **names)[0] == [("Acme", {"id": "k"})]
    with pytest.raises(DataError, match=r"no column 'text', only id, key, body"):
        read(tmp_path / "a.parquet")
    for wrong in ({"id": "ky"}, {"meta": ["ky"]}):
        with pytest.raises(DataError, match=r"no column 'ky', only id, key, body"):
            read(tmp_path / "a.parquet", **{**names, **wrong})
        with pytest.raises(
            DataError, match=r"expected a header with the columns body, .*ky.*, got"
        ):
            read(tmp_path / "a.csv", **{**names, **wrong})


def test_standard_input(monkeypatch):
    for content in (jsonl(), json.dumps(RECORDS)):
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content.encode())))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert read("-", format_name="jsonl")[0] == EXPECTED
    assert Source("-").fingerprint() is None
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ConfigError, match="standard input is closed"):
        read("-")


def test_odd_lines_stop_or_are_left_out(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    odd = ["{", '{"txt": 1}', "[]", '{"text": "' + "x" * 200 + '"}', '{"text": "\\ud800"}']
    path.write_bytes(gzip.compress("\n".join([jsonl(), *odd, jsonl()]).encode() + b"\n\xff\n"))
    found, problems = read(path, "skip", max_length=100)
    assert found == EXPECTED * 2
    assert [problem.split(":")[0].rpartition(" ")[2] for problem in problems] == list("56789") + [
        "14"
    ]
    with pytest.raises(DataError, match="line 5"):
        read(path)


def test_long_lines_are_not_in_memory(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" + b"x" * 3_000_000 + b"\ntwo"))
    found, problems = read(path, "skip", max_length=1000)
    assert [text for text, _ in found] == ["one", "two"]
    assert problems == [f"{path}, line 2: the line has more than 4,000 bytes"]


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.zst"])
def test_bombs_are_not_read_to_their_end(name, tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "_FREE", 1 << 16)
    monkeypatch.setattr(streams, "_MOST_TIMES", 100)
    path, content = tmp_path / name, b"\n" * 20_000_000
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(content))
    else:
        path.write_bytes(pytest.importorskip("zstandard").compress(content))
    with pytest.raises(DataError, match="100 times as large as its compressed bytes"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl.gz", gzip.compress(jsonl().encode(), mtime=0)[:-9], "damaged"),
        ("a.jsonl.gz", b"no gzip", "cannot be read: Not a gzipped file"),
        ("a.jsonl.zst", b"no zstandard", "damaged"),
        ("a.csv", b"a,b\n1,2\n", "expected a header with the columns text"),
        ("a.csv", b'text\n"open', "line 2: broken CSV"),
        ("a.csv", b"text,a,a\n1,2,3\n", "line 1: the header has the column 'a' more than once"),
        ("a.csv", "text,a\n".encode("utf-16"), "line 1: not UTF-8: the byte 0xff"),
        ("a.json.gz", gzip.compress(b'[{"text": "a"}, {"text', mtime=0), "document 1: broken JSON"),
        ("a.parquet", b"PAR1 or not", "no Parquet that can be read"),
        ("a.spacy", b"", "the file is empty"),
        ("a.txt", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_broken_files_are_one_error_or_one_problem(name, content, message, tmp_path):
    (tmp_path / "b.jsonl").write_text(jsonl(), encoding="utf8")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)
    found, problems = read(tmp_path, "skip")
    assert [pair for pair in found if "date" in pair[1]][-3:] == EXPECTED
    assert len(problems) == 1
    assert name in problems[0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (b"b,caf\xe9", "line 3: not UTF-8: the byte 0xe9"),
        (b'b,"open', "line 3: broken CSV: ',' expected after"),
        (b'b,"x"y', "line 3: broken CSV"),
        (b'b,"two\nlines"x', "line 3: broken CSV"),
        (b"b", "line 3: expected 2 fields, got 1"),
    ],
)
def test_a_bad_row_costs_no_other(row, problem, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\na,"1"\n' + row + b'\nc,"3"\nd,"4\n5"\n')
    found, problems = read(path, "skip")
    assert [(record["id"], text) for text, record in found] == [
        *(("a", "1"), ("c", "3"), ("d", "4\n5"))
    ]
    assert problem in problems[0]
    assert len(problems) == 1 + (b"lines" in row)  # what is after a quote in the row is one more
    with pytest.raises(DataError, match="line"):
        read(path)


def test_quotes_that_never_match_are_not_read_for_ever(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("text,a\n" + 'x","\n' * 20_000, encoding="utf8")
    found, problems = read(path, "skip")
    assert not found
    assert len(problems) < 10
    assert problems[-1].startswith(f"{path}, lines ")
    assert " to 20001: broken CSV" in problems[-1]


def test_numbers_that_json_does_not_have_are_missing_values(tmp_path):
    report = SourceReport("skip")
    nan = float("nan")
    given = [("a", {"id": nan, "x": [nan, (1, 2)]}), (None, {}), ("\ud800", {}), ("b", {"id": 1})]
    records = [document.record for document in given_documents(given, report)]
    assert records == [{"x": [None, [1, 2]]}, {"id": 1}]
    assert [failure.place for failure in report.take()] == ["text 2", "text 3"]
    write_parquet(tmp_path / "a.parquet", [{"id": nan, "text": "a"}, {"id": 2.0, "text": "b"}])
    assert read(tmp_path / "a.parquet")[0] == [("a", {}), ("b", {"id": 2.0})]


@pytest.mark.slow
def test_zstandard_that_was_cut_short_is_an_error(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    line = json.dumps({"text": "Acme bought Orbit."}).encode() + b"\n"
    frames = [
        zstandard.ZstdCompressor(write_checksum=checksum).compress(line * 20_000)
        for checksum in (True, False)
    ]
    skipped = b"\x51\x2a\x4d\x18\x03\0\0\0abc"
    whole = frames[0] + skipped + frames[1]
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(whole)
    assert len(read(path)[0]) == 40_000
    for end in (3, 7, 12, len(frames[0]) - 1, len(frames[0]) + 5, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match="damaged: the file ends before its content does"):
            read(path)


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.spacy.gz"])
def test_what_is_compressed_inside_is_not_compressed(name, tmp_path):
    (tmp_path / name).write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(DataError, match="are read from plain files"):
        read(tmp_path / name)


def test_cells_that_python_cannot_hold_are_an_error(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    far = arrow.array([10**15], arrow.timestamp("s"))
    table = arrow.table({"text": ["Acme"], "date": far})
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no Parquet that can be read"):
        read(tmp_path / "a.parquet")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.txt: cannot be read: No such file"):
        read(tmp_path / "nowhere.txt")
    with pytest.raises(DataError, match="cannot be read: File name too long"):
        Source("n" * 300).fingerprint()
    for nothing in (tmp_path, tmp_path / "*.jsonl"):
        with pytest.raises(DataError, match="no file there"):
            read(nothing)
    with pytest.raises(ConfigError, match='did you mean "jsonl"'):
        Source("a", "json")


def test_files_are_those_of_the_fingerprint(tmp_path):
    source = Source(tmp_path / "*.txt")
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(name, encoding="utf8")
        if name == "a":
            source.fingerprint()
    found = [[d.text for d in source.documents(SourceReport())] for _ in range(2)]
    assert found == [["a"], ["a", "b"]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("**/*.jsonl", ["a"]), ("*.parts/0*", ["0"]), ("**/_*.jsonl", ["_b"]), ("", ["a"])],
)
def test_what_runs_leave_is_passed_over(pattern, expected, tmp_path):
    (tmp_path / "out.jsonl.parts").mkdir()
    for name in ("a", "_b", "a.failures", "out.jsonl.parts/0"):
        (tmp_path / f"{name}.jsonl").write_text("{}", encoding="utf8")
    assert [file.stem for file, _ in Source(tmp_path / pattern).files()] == expected


def test_how_much_has_been_read(tmp_path):
    for name in "abcd":
        (tmp_path / f"{name}.txt").write_text("12345", encoding="utf8")
    source = Source(tmp_path)
    assert source.share is None
    assert [source.share for _ in source.documents(SourceReport())] == [0.25, 0.5, 0.75, 1.0]
