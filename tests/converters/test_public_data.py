"""The converters on the public data sets, where there is a copy of them."""

import pytest
import spacy

from rel_component.converters.convert import convert_file
from rel_component.converters.format import detect_format
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file

from ..public_data import DATA, needs_public_data
from .files import facts, notes, read

NLP = spacy.blank("en")

pytestmark = pytest.mark.slow


@needs_public_data
@pytest.mark.parametrize(
    ("file", "format", "documents", "mentions", "relations", "negatives"),
    [
        ("conll04/conll04_train.json", "spert", 922, 3377, 1283, 0),
        ("conll04/conll04_dev.json", "spert", 231, 893, 343, 0),
        ("conll04/conll04_test.json", "spert", 288, 1079, 422, 0),
        ("semeval2010_task8/TEST_FILE_FULL.TXT", "semeval", 2717, 5434, 2263, 454),
        ("rel_tutorial/annotations.jsonl", "prodigy", 149, 466, 233, 34),
        # 35 mentions stand twice in one entity.
        ("redocred/dev_revised.json", "docred", 500, 13189 - 35, 17284, 0),
        ("fewrel/val_wiki.json", "fewrel", 11200, 22838, 11200, 0),
        # One relation is of a concept to itself.
        ("biored/Dev.PubTator", "pubtator", 100, 3533, 1162 - 1, 0),
        ("litbank/dev.jsonl", "clusters", 10, 2819, 0, 0),
    ],
)
def test_nothing_is_lost(file, format, documents, mentions, relations, negatives):
    found, report = read(DATA / file, format, "skip")
    assert report.skipped["relation"] == (1 if format == "pubtator" else 0)
    assert (len(found), report.negatives) == (documents, negatives)
    assert sum(len(annotated.mentions) for annotated in found) == mentions
    assert sum(len(annotated.relations) for annotated in found) == relations
    doubled = {"mentions that one entity lists twice": 35}
    assert notes(report) == (doubled if format == "docred" else {})


@needs_public_data
@pytest.mark.parametrize(
    ("file", "format", "documents", "relations", "duplicates"),
    [
        ("conll04/conll04_test.json", "spert", 288, 422, 0),
        ("rel_tutorial/annotations.jsonl", "prodigy", 149, 229, 4),
        # Two entities of one document have the same only mention, and 8 relations in common.
        ("redocred/dev_revised.json", "docred", 500, 17276, 8),
    ],
)
def test_nothing_is_lost_in_docs(file, format, documents, relations, duplicates):
    report, options = Report(on_error="stop"), {"alignment": "expand", "spans_key": "mentions"}
    docs = list(convert_file(DATA / file, format, NLP, report, **options))
    assert len(docs) == report.documents == documents
    assert (report.relations, report.duplicates) == (relations, duplicates)
    assert sum(len(doc._.rel) for doc in docs) == relations


@needs_public_data
@pytest.mark.parametrize(
    ("file", "format"),
    [
        ("conll04/conll04_test.json", "spert"),
        ("semeval2010_task8/TEST_FILE_FULL.TXT", "semeval"),
        ("rel_tutorial/annotations.jsonl", "prodigy"),
        ("redocred/dev_revised.json", "docred"),
        ("biored/Dev.PubTator", "pubtator"),
        ("litbank/dev.jsonl", "clusters"),
        ("gum_coref/dev.jsonl", "clusters"),
    ],
)
def test_what_is_written_is_what_was_read(tmp_path, file, format):
    assert detect_format(DATA / file) == format
    first, _ = read(DATA / file, format, "skip")
    report = Report(on_error="stop")
    write_file(first, tmp_path / "written", format, NLP, report)
    again, _ = read(tmp_path / "written", format)
    assert [facts(annotated) for annotated in again] == [facts(annotated) for annotated in first]
