"""What every registered annotation format must do, by this package and by others.

A format is tested as soon as it is registered: its sample is read, recognised, written and damaged.
"""

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from rel_component.converters.checks import check_documents
from rel_component.converters.convert import convert_file
from rel_component.converters.format import HEAD_LENGTH, AnnotationFormat
from rel_component.converters.report import Report
from rel_component.converters.writing import keep_what_fits
from rel_component.errors import ConfigError, DataError

from ..converters.files import facts
from ..converters.strategies import everything, pairs

NLP = spacy.blank("en")
ENTRIES = {entry.name: entry for entry in entry_points(group="rel_component_converters")}
FORMATS = {name: entry.load() for name, entry in sorted(ENTRIES.items())}
OURS = [name for name, entry in ENTRIES.items() if entry.value.startswith("rel_component.")]
each_format = pytest.mark.parametrize("name", FORMATS)

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


@pytest.fixture(autouse=True)
def _installed(name):
    """Skip formats that need a package which is not there; they say how to install it."""
    message = missing_package(name)
    if message is not None:
        pytest.skip(message)


@cache
def missing_package(name):
    """What a format says that needs a package which is not there."""
    with TemporaryDirectory() as folder:
        try:
            read(name, save(name, Path(folder)))
        except ConfigError as err:
            if "pip install" not in str(err):
                raise
            return str(err)
    return None


def save(name, folder):
    """Write the sample of a format; the path to read it from."""
    sample = FORMATS[name].sample
    files = {f"sample{FORMATS[name].folder or ''}": sample} if isinstance(sample, str) else sample
    for file, text in files.items():
        (folder / file).write_bytes(text.encode("utf8"))
    return folder / next(iter(files))


def read(name, path, on_error="stop"):
    report = Report(on_error=on_error)
    return list(check_documents(FORMATS[name].read(path, report), report)), report


def write(name, annotated, path):
    """Write a document, or as much of it as the format holds."""
    report = Report(on_error="skip")
    FORMATS[name].write([annotated], path, report)
    return report


@each_format
def test_it_is_a_format_with_a_sample(name):
    assert isinstance(FORMATS[name], AnnotationFormat)
    assert FORMATS[name].name == name
    assert FORMATS[name].description
    assert FORMATS[name].sample


@each_format
def test_the_sample_has_no_problem(name, tmp_path):
    found, report = read(name, save(name, tmp_path))
    n_mentions = sum(len(annotated.mentions) for annotated in found)
    n_relations = sum(len(annotated.relations) for annotated in found)
    n_events = sum(len(annotated.events) for annotated in found)
    assert n_mentions
    assert n_relations or n_events
    assert report.problems == []
    docs = list(convert_file(save(name, tmp_path), name, NLP, report, spans_key="mentions"))
    assert len(docs) == len(found) == report.documents
    counts = (report.mentions, report.relations, report.events)
    assert counts == (n_mentions, n_relations, n_events)


@each_format
def test_its_files_are_recognised(name, tmp_path):
    path = save(name, tmp_path)
    head = path.read_text(encoding="utf8")[:HEAD_LENGTH]
    fitting = {other for other in {*OURS, name} if FORMATS[other].looks_like(head)}
    assert fitting == {name}
    if FORMATS[name].folder is not None:
        assert path.suffix == FORMATS[name].folder
        assert [facts(a) for a in read(name, tmp_path)[0]] == [
            facts(a) for a in read(name, path)[0]
        ]


@each_format
def test_files_of_other_formats_are_not_recognised(name, tmp_path):
    for other in set(OURS) - {name}:
        head = save(other, tmp_path).read_text(encoding="utf8")
        assert FORMATS[name].looks_like(head) is False
    for text in ("", "\n", "A text.\n", "{}", "[]", "3", "a,b\n1,2\n", "<a/>"):
        assert FORMATS[name].looks_like(text) is False


@each_format
def test_the_sample_is_written_as_it_was_read(name, tmp_path):
    if FORMATS[name].write is None:
        pytest.skip("a format that is only read")
    found, _ = read(name, save(name, tmp_path))
    for i, annotated in enumerate(found):
        annotated = keep_what_fits(annotated, FORMATS[name], Report())
        report = write(name, annotated, tmp_path / f"written{i}")
        assert report.problems == []
        (again,), _ = read(name, tmp_path / f"written{i}")
        assert facts(again) == facts(annotated)


@each_format
@settings(max_examples=15)
@given(data=st.data())
def test_what_is_written_comes_back(name, data):
    check_round_trip(name, data.draw(everything(tokens=FORMATS[name].unit == "tokens")))


@each_format
@settings(max_examples=15)
@given(data=st.data())
def test_a_pair_of_mentions_comes_back(name, data):
    check_round_trip(name, data.draw(pairs(tokens=FORMATS[name].unit == "tokens")))


def check_round_trip(name, annotated):
    if FORMATS[name].write is None:
        pytest.skip("a format that is only read")
    expected = keep_what_fits(annotated, FORMATS[name], Report(on_error="skip"))
    with TemporaryDirectory() as folder:
        report = write(name, expected, Path(folder) / "written")
        if not (Path(folder) / "written").exists():
            assert report.skipped["document"]
            return
        found, reading = read(name, Path(folder) / "written")
        assert reading.problems == []
        if not report.problems and not report.notes:
            assert [facts(again) for again in found] == [facts(expected)]
        names = {relation.id for relation in expected.relations} - {None}
        if names and not report.problems and not report.notes:
            assert names <= {relation.id for again in found for relation in again.relations}
        for i, again in enumerate(found):
            path = Path(folder) / f"again{i}"
            report = write(name, again, path)
            assert report.problems == []
            assert [facts(third) for third in read(name, path)[0]] == [facts(again)]


def damaged(content, edits):
    for where, length, inserted in edits:
        position = int(where * (len(content) + 1))
        content = content[:position] + inserted + content[position + length :]
    return content


@each_format
@settings(max_examples=20)
@given(edits=EDITS)
def test_damaged_files(name, edits):
    """Any bytes give documents or errors that name the file; nothing is lost in silence."""
    with TemporaryDirectory() as folder:
        path = save(name, Path(folder))
        path.write_bytes(damaged(path.read_bytes(), edits))
        head = path.read_text(encoding="utf-8-sig", errors="replace")
        assert all(isinstance(other.looks_like(head), bool) for other in FORMATS.values())
        for on_error in ("stop", "skip"):
            report = Report(on_error=on_error)
            try:
                docs = list(convert_file(path, name, NLP, report, spans_key="mentions"))
            except DataError as err:
                report.problems.append(str(err))
                report.skipped["document"] += 1
            else:
                assert len(docs) == report.documents
            assert all(str(path.with_suffix("")) in problem for problem in report.problems)
            assert len(report.problems) == sum(report.skipped.values())
