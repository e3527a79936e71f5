"""The converters on the public data sets, where there is a copy of them."""

from dataclasses import replace

import pytest
import spacy

from rel_component.converters.convert import convert_file
from rel_component.converters.format import detect_format, get_format
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file

from ..public_data import DATA, needs_public_data


@needs_public_data
@pytest.mark.parametrize(
    ("file", "format", "documents", "mentions", "relations", "negatives"),
    [
        ("conll04/conll04_train.json", "spert", 922, 3377, 1283, 0),
        ("conll04/conll04_dev.json", "spert", 231, 893, 343, 0),
        ("conll04/conll04_test.json", "spert", 288, 1079, 422, 0),
        ("semeval2010_task8/TEST_FILE_FULL.TXT", "semeval", 2717, 5434, 2263, 454),
        ("rel_tutorial/annotations.jsonl", "prodigy", 149, 466, 229, 34),
    ],
)
def test_nothing_is_lost(file, format, documents, mentions, relations, negatives):
    report = Report(on_error="stop")
    docs = list(convert_file(DATA / file, format, spacy.blank("en"), report, alignment="expand"))
    assert len(docs) == report.documents == documents
    assert (report.mentions, report.relations, report.negatives) == (mentions, relations, negatives)
    assert sum(len(doc._.rel) for doc in docs) == relations


@needs_public_data
@pytest.mark.parametrize(
    ("file", "format"),
    [
        ("conll04/conll04_test.json", "spert"),
        ("semeval2010_task8/TEST_FILE_FULL.TXT", "semeval"),
        ("rel_tutorial/annotations.jsonl", "prodigy"),
    ],
)
def test_what_is_written_is_what_was_read(tmp_path, file, format):
    assert detect_format(DATA / file) == format
    report = Report(on_error="stop")
    nlp = spacy.blank("en")
    first = list(get_format(format).read(DATA / file, report))
    write_file(first, tmp_path / "written", format, nlp, report)
    second = list(get_format(format).read(tmp_path / "written", report))
    assert [replace(a, place="") for a in second] == [replace(a, place="") for a in first]
