"""Formats are recognised by what is in their files."""

from pathlib import Path

import pytest
import spacy

from rel_component import registry
from rel_component.converters.convert import convert_file
from rel_component.converters.format import (
    EXAMPLE,
    AnnotationFormat,
    detect_format,
    get_format,
    get_formats,
)
from rel_component.converters.formats.jsonl import FORMAT
from rel_component.converters.report import Report
from rel_component.errors import ConfigError, DataError

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ('{"text": "a"}\n', "jsonl"),
        ('{"text": "a", "entities": [], "relations": [], "Comments": []}', "doccano"),
        ('{"text": "a", "label": []}\n{"text": "a", "label": [[0, 1, "X"]]}', "doccano"),
        ('{"text": "a", "spans": []}', "prodigy"),
        ('\ufeff{"text": "a"}\r\n\r\n', "jsonl"),
        ('[{"data": {"text": "a"}, "predictions": []}]', "label_studio"),
        ('{"text": "a", "annotations": [{"label": 1, "start_offset": 0}]}', "doccano"),
        ('{\n  "text": "a",\n  "entities": []\n}\n{\n  "text": "b', "jsonl"),
        ('[ {"tokens": ["a"], "entities": [], "relations": []},', "spert"),
        ('{"text": "\\ud800", "entities": []}\n{"text": "a"}', "jsonl"),
    ],
)
def test_few_annotations_are_enough(tmp_path, text, format):
    path = tmp_path / "data"
    path.write_bytes(text.encode())
    assert detect_format(path) == format


@pytest.mark.parametrize("before", ["", '{"text": "a"}\n'])
def test_a_long_document_is_recognised(tmp_path, before):
    path = tmp_path / "data"
    path.write_text(before + '{"text": "' + "a" * 2_000_000 + '"}\n', encoding="utf8")
    assert detect_format(path) == "jsonl"


def test_the_example_in_messages_is_of_the_format(tmp_path):
    path = tmp_path / "data"
    path.write_text(EXAMPLE, encoding="utf8")
    assert detect_format(path) == "jsonl"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"Some text.\n", "it begins with 'Some text.', which looks like none of"),
        (b"3", "if it is one of bioc, brat"),
        ("café".encode("latin1"), "not UTF-8 (unexpected end of data); save it as UTF-8"),
        (b"\xff\x00", "not UTF-8 (invalid start byte)"),
        (b"[]", "a list of objects or one object a line was expected"),
        (b"[3]", "a list of objects or one object a line was expected"),
        (b'\n{"text": "a",\n', "line 2: broken JSON: Expecting property name"),
        (b'{"content": "a", "spans": []}', "the keys content, spans look like no known format"),
        (b'{"content": "a", "entities": []}', "the nearest is spert, whose have entities"),
        (b"{}", 'The package\'s own format has lines such as {"text": "Jobs founded Apple", '),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path, content, message):
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        detect_format(path)
    assert message in str(error.value)


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_of_lines_has_no_documents(tmp_path, content):
    path = tmp_path / "data.jsonl"
    path.write_text(content)
    report = Report()
    assert list(convert_file(path, "auto", spacy.blank("en"), report)) == []
    assert report.problems == []


def test_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(ConfigError, match="an empty folder"):
        detect_format(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"A text.")
    with pytest.raises(ConfigError, match="no files of brat, webanno, xmi in it, which end with"):
        detect_format(tmp_path)


def test_a_typo_in_the_name_of_a_format():
    with pytest.raises(ConfigError, match="'docano', did you mean \"doccano\"\\?; available: bioc"):
        get_format("docano")


def test_two_formats_fit(monkeypatch):
    other = AnnotationFormat("other", "a twin", read=FORMAT.read, looks_like=FORMAT.looks_like)
    monkeypatch.setattr(registry.converters, "get_all", lambda: {"other": other, "jsonl": FORMAT})
    with pytest.raises(ConfigError, match=r"own\.jsonl could be jsonl or other; name the one"):
        detect_format(DATA / "own.jsonl")


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        detect_format(tmp_path / "nothing")


def test_what_is_registered_must_be_a_format(monkeypatch):
    monkeypatch.setattr(registry.converters, "get_all", lambda: {"old": FORMAT.read})
    with pytest.raises(ConfigError, match=r"entry point old .* expected an AnnotationFormat"):
        get_formats()
