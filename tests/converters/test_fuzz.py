"""Any bytes give documents or errors that name the file; nothing else happens, and nothing is lost."""

from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from rel_component.converters.convert import convert_file
from rel_component.converters.format import get_formats
from rel_component.converters.report import Report
from rel_component.errors import DataError

DATA = Path(__file__).parent / "data"
NLP = spacy.blank("en")
FILES = {
    "jsonl": "own.jsonl",
    "doccano": "doccano.jsonl",
    "label_studio": "label_studio.json",
    "prodigy": "prodigy.jsonl",
    "brat": "brat/agency-01.ann",
    "csv": "relations.csv",
    "semeval": "semeval.txt",
    "spert": "spert.json",
}
SNIPPETS = [b'"', b"\\", b"\n", b"\t", b"\xff", b"\xef\xbb\xbf", b"{", b"]", b"null", b"-1", b"1e9"]
SNIPPETS += [b"9" * 30, b'"\\ud83d"', b"true", b";", b":", b"T1", b"\r", b"\x00", "🚒".encode()]
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=4)),
    ),
    min_size=1,
    max_size=4,
)


def edited(content, edits):
    for where, length, inserted in edits:
        position = int(where * (len(content) + 1))
        content = content[:position] + inserted + content[position + length :]
    return content


def convert(path, format, on_error):
    """The report of a conversion and what stopped it, None if nothing did."""
    report = Report(on_error=on_error)
    try:
        n_docs = sum(1 for _ in convert_file(path, format, NLP, report, spans_key="mentions"))
    except DataError as err:
        return report, str(err)
    assert n_docs == report.documents
    return report, None


@pytest.mark.parametrize("format", FILES)
@given(edits=EDITS)
def test_broken_files(format, edits):
    with TemporaryDirectory() as folder:
        copytree(DATA / "brat", Path(folder) / "brat")
        path = Path(folder) / FILES[format]
        path.write_bytes(edited((DATA / FILES[format]).read_bytes(), edits))
        head = path.read_text(encoding="utf-8-sig", errors="replace")
        assert all(isinstance(other.looks_like(head), bool) for other in get_formats().values())
        _, stopped = convert(path, format, "stop")
        report, broken = convert(path, format, "skip")
        for problem in (stopped, broken, *report.problems):
            assert problem is None or str(path.with_suffix("")) in problem
        assert len(report.problems) == sum(report.skipped.values())
        if broken is None and path.suffix == ".jsonl":
            lines = path.read_bytes().decode("utf-8-sig").split("\n")
            n_lines = sum(bool(line.strip()) for line in lines)
            assert report.documents + report.skipped["document"] + report.rejected == n_lines


@given(st.binary(max_size=40))
def test_a_broken_brat_text(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "brat"
        copytree(DATA / "brat", path)
        (path / "agency-01.txt").write_bytes(content)
        report, broken = convert(path, "brat", "skip")
        assert broken is None
        assert report.documents + report.skipped["document"] == 2
