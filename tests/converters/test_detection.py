"""Formats are recognised by what is in their files."""

from pathlib import Path

import pytest

from rel_component import registry
from rel_component.converters.format import AnnotationFormat, detect_format, get_formats
from rel_component.converters.formats.jsonl import FORMAT
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


def test_a_long_document_is_recognised(tmp_path):
    path = tmp_path / "data"
    path.write_text('{"text": "a"}\n{"text": "' + "a" * 2_000_000 + '"}\n', encoding="utf8")
    assert detect_format(path) == "jsonl"


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"Some text.\n", b"{}", b"[]", b"\xff\x00", b"3"]
)
def test_nothing_fits(tmp_path, content):
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="none of the known formats; say --format"):
        detect_format(path)
    with pytest.raises(ConfigError, match="say --format if it is one of brat"):
        detect_format(tmp_path)


def test_two_formats_fit(monkeypatch):
    other = AnnotationFormat("other", "a twin", read=FORMAT.read, looks_like=FORMAT.looks_like)
    monkeypatch.setattr(registry.converters, "get_all", lambda: {"other": other, "jsonl": FORMAT})
    with pytest.raises(ConfigError, match=r"own\.jsonl could be jsonl or other; say --format"):
        detect_format(DATA / "own.jsonl")


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        detect_format(tmp_path / "nothing")


def test_what_is_registered_must_be_a_format(monkeypatch):
    monkeypatch.setattr(registry.converters, "get_all", lambda: {"old": FORMAT.read})
    with pytest.raises(ConfigError, match=r"entry point old .* expected an AnnotationFormat"):
        get_formats()
