"""What a format cannot hold is left behind, and the report says so; files are written as they come."""

import json
from dataclasses import replace
from weakref import ref

import pytest
import spacy

from rel_component.converters.annotated import (
    Annotated,
    AnnotatedEvent,
    AnnotatedMention,
    AnnotatedRelation,
)
from rel_component.converters.format import get_format, get_formats
from rel_component.converters.report import Report
from rel_component.converters.writing import _LOST, write_file
from rel_component.errors import ConfigError, DataError
from rel_component.spacy_files import read_docs, write_docs

NLP = spacy.blank("en")

FULL = Annotated(
    place="here",
    words=["Ilse", "Brandt", "founded", "Nordwind", "."],
    spaces=[True, True, True, False, False],
    mentions=[
        AnnotatedMention("T1", 0, 2, "PERSON", kb_id="Q1", attributes={"sure": True}),
        AnnotatedMention("T2", 3, 4, "ORG"),
        AnnotatedMention("T3", 1, 2, ""),
        AnnotatedMention("T4", 0, 4, "EVENT", fragments=((0, 1), (3, 4))),
    ],
    relations=[
        AnnotatedRelation("T2", "T1", "BY", 0.5, "R1", (0,), {"sure": True}),
        AnnotatedRelation("T4", "T1", "IN"),
    ],
    clusters=[["T1", "T3"]],
    sentence_starts=[0, 4],
    meta={"id": "d1", "source": "press"},
    events=[AnnotatedEvent("FOUNDING", (("by", "T1"), ("of", "T2")), score=0.5, id="E1")],
)
WRITABLE = [name for name, format in get_formats().items() if format.write is not None]


def write(documents, path, format, *, on_error="skip", **options):
    report = Report(on_error=on_error)
    write_file(documents, path, format, NLP, report, **options)
    return report


@pytest.mark.parametrize("format", WRITABLE)
def test_what_does_not_fit_is_noted(tmp_path, format):
    holds = {*get_format(format).holds}
    if get_format(format).unit == "characters":
        holds.add("spaces")  # a text has them
    if "sentences" not in holds:
        holds.add("several_sentences")  # lost with all sentences
    report = write([FULL], tmp_path / "out", format)
    for facet, message in _LOST.items():
        noted = f"{message} {format} does not hold" in report.notes
        assert noted == (facet not in holds), facet
    messages = "\n".join(report.problems)
    noted = f"mentions without a label {format} does not hold" in report.notes
    assert noted == ("unlabelled" not in holds)
    assert ("a discontinuous mention" in messages) == ("fragments" not in holds)


def test_a_left_out_mention_takes_its_relations_along(tmp_path):
    report = write([FULL], tmp_path / "out.json", "label_studio")
    assert report.skipped == {"document": 0, "mention": 1, "relation": 1}
    assert (report.documents, report.mentions, report.relations) == (1, 2, 1)
    with pytest.raises(DataError, match="here, mention T4: a discontinuous mention"):
        write([FULL], tmp_path / "other.json", "label_studio", on_error="stop")
    assert not (tmp_path / "other.json").exists()


def test_a_mention_without_label_in_a_relation_is_a_problem(tmp_path):
    annotated = replace(FULL, relations=[AnnotatedRelation("T3", "T2", "BY")])
    report = write([annotated], tmp_path / "out.jsonl", "doccano")
    assert "mention T3: a mention without a label" in report.problems[0]
    assert "its mention T3 was left out" in report.problems[-1]


def test_prodigy_ends_are_inclusive_in_tokens(tmp_path):
    write([FULL], tmp_path / "out.jsonl", "prodigy")
    record = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf8"))
    assert record["spans"][0] == {
        "start": 0,
        "end": 11,
        "token_start": 0,
        "token_end": 1,
        "label": "PERSON",
    }
    (arc,) = record["relations"]
    assert (arc["head"], arc["child"], arc["label"]) == (3, 1, "BY")
    assert arc["head_span"] == record["spans"][1]


def test_doccano_names_are_numbers(tmp_path):
    report = write([FULL], tmp_path / "out.jsonl", "doccano")
    record = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf8"))
    assert [entity["id"] for entity in record["entities"]] == [0, 1]
    assert record["relations"] == [{"id": 0, "from_id": 1, "to_id": 0, "type": "BY"}]
    assert report.notes["documents whose annotations got numbers for names"][0] == 2


def test_doccano_offsets_are_utf16_units(tmp_path):
    emoji = Annotated("here", text="😄 Ilse", mentions=[AnnotatedMention(1, 2, 6, "PERSON")])
    write([emoji], tmp_path / "out.jsonl", "doccano")
    record = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf8"))
    entity = record["entities"][0]
    assert (entity["start_offset"], entity["end_offset"], record["offset_unit"]) == (3, 7, "utf-16")


def test_texts_are_tokenized_where_a_format_needs_words(tmp_path):
    text = Annotated("here", text="Ilse's.", mentions=[AnnotatedMention(1, 0, 4, "PERSON")])
    cut = replace(text, mentions=[AnnotatedMention(1, 0, 3, "PERSON")])
    report = write([text, cut], tmp_path / "out.json", "spert")
    first, second = json.loads((tmp_path / "out.json").read_text(encoding="utf8"))
    assert first["tokens"] == ["Ilse", "'s", "."]
    assert first["entities"] == [{"type": "PERSON", "start": 0, "end": 1}]
    assert second["entities"] == []
    assert (report.documents, report.mentions, report.skipped["mention"]) == (2, 1, 1)
    assert "do not begin and end with a token" in report.problems[0]
    with pytest.raises(DataError, match="here, mention 1: characters 0:3"):
        write([cut], tmp_path / "other.json", "spert", on_error="stop")


def test_brat_does_not_allow_white_space_in_labels(tmp_path):
    mentions = [AnnotatedMention(1, 0, 4, "A B"), AnnotatedMention(2, 5, 8, "C")]
    annotated = Annotated("here", text="Ilse ran.", mentions=mentions)
    annotated.relations = [AnnotatedRelation(2, 1, "X")]
    report = write([annotated], tmp_path / "out", "brat")
    assert "white space in labels: 'A B'" in report.problems[0]
    assert "its mention 1 was left out" in report.problems[1]
    lines = (tmp_path / "out" / "document000001.ann").read_text(encoding="utf8")
    assert lines == "T1\tC 5 8\tran\n"


def test_brat_notes_attributes_that_do_not_fit(tmp_path):
    attributes = {"two words": True, "number": 3, "#Note": "a\nb", "list": ["a", "b"]}
    mention = AnnotatedMention(1, 0, 1, "X", kb_id="a b", attributes=attributes)
    documents = [Annotated("here", text="a b", mentions=[mention], meta={"id": "../b"})]
    report = write(documents, tmp_path / "out", "brat")
    assert {message: count for message, (count, _) in report.notes.items()} == {
        "documents whose ids are no names of files": 1,
        "attributes that brat does not allow": 2,
        "line breaks of notes that brat does not allow": 1,
        "knowledge-base ids that brat does not allow": 1,
    }


def test_no_brat_files_remain_of_what_fails(tmp_path):
    fine = replace(FULL, mentions=FULL.mentions[:2], relations=[], clusters=[], events=[])
    bad = replace(fine, mentions=[AnnotatedMention(1, 0, 1, "a b")])
    with pytest.raises(DataError, match="white space in labels"):
        write([fine, bad], tmp_path / "out", "brat", on_error="stop")
    assert list(tmp_path.iterdir()) == []
    write([fine], tmp_path / "one.ann", "brat")
    before = (tmp_path / "one.ann").read_bytes()
    with pytest.raises(DataError, match="holds one document"):
        write([FULL, fine], tmp_path / "one.ann", "brat", on_error="stop")
    assert (tmp_path / "one.ann").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.ann", "one.txt"]


def test_brat_needs_a_folder_of_its_own(tmp_path):
    (tmp_path / "a.ann").write_text("", encoding="utf8")
    (tmp_path / "a.txt").write_text("", encoding="utf8")
    for path in (tmp_path, tmp_path / "a.txt"):
        with pytest.raises(ConfigError, match="name a folder of its own"):
            write([FULL], path, "brat")


def test_a_brat_file_has_one_document(tmp_path):
    report = write([FULL, FULL], tmp_path / "one.ann", "brat")
    assert "a .ann file holds one document" in report.problems[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.ann", "one.txt"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"relations": []}, "needs one pair of mentions, got 3 without relation"),
        ({"text": "a <e1>"}, "texts with tags"),
        ({"relations": [AnnotatedRelation(1, 2, "a b")]}, "letters, digits and hyphens, not 'a b'"),
        ({"relations": [AnnotatedRelation(1, 2, "Other")]}, "hyphens, not 'Other'"),
        ({"relations": [AnnotatedRelation(1, 3, "X")]}, "mentions that overlap"),
        ({}, "does not hold mentions without relation"),
    ],
)
def test_semeval_problems(tmp_path, changes, message):
    mentions = [AnnotatedMention(i, a, b, "X") for i, a, b in [(1, 0, 1), (2, 2, 3), (3, 0, 2)]]
    annotated = Annotated(
        "here", text="a b c", mentions=mentions, relations=[AnnotatedRelation(1, 2, "X")]
    )
    report = write([replace(annotated, **changes)], tmp_path / "out", "semeval")
    assert message in report.problems[0]


def test_formats_that_are_only_read(tmp_path, monkeypatch):
    readable = replace(get_format("jsonl"), write=None)
    formats = {"jsonl": readable, "csv": get_format("csv")}
    monkeypatch.setattr("rel_component.registry.converters.get_all", lambda: formats)
    with pytest.raises(ConfigError, match="jsonl is only read; formats to write: csv"):
        write([FULL], tmp_path / "out", "jsonl")


def test_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf8")
    with pytest.raises(DataError, match="cannot be written"):
        write([FULL], tmp_path / "file" / "out.jsonl", "jsonl")


@pytest.mark.parametrize("format", ["jsonl", "doccano", "label_studio", "prodigy", "csv", "spert"])
def test_documents_are_written_as_they_come(tmp_path, format):
    references = []

    def documents():
        for _ in range(50):
            annotated = replace(FULL, mentions=FULL.mentions[:2], relations=[], clusters=[])
            references.append(ref(annotated))
            yield annotated
            del annotated
            assert sum(reference() is not None for reference in references) <= 2

    report = write(documents(), tmp_path / "out", format)
    assert report.documents == len(references) == 50


@pytest.mark.parametrize("name", ["jsonl", "doccano", "prodigy", "label_studio", "spert", "csv"])
def test_documents_are_read_as_they_come(tmp_path, name):
    path = tmp_path / "out"
    few = replace(FULL, mentions=FULL.mentions[:2], relations=[], clusters=[])
    write([few] * 2000, path, name)
    with path.open("ab") as file:
        file.write(b"\xff")  # would be an error if it were read
    documents = get_format(name).read(path, Report())
    assert next(documents).meta.get("id", "d1") == "d1"


def test_a_list_on_one_line_is_read_as_it_comes(tmp_path):
    path = tmp_path / "out"
    write([replace(FULL, mentions=FULL.mentions[:2], relations=[])] * 2000, path, "spert")
    path.write_bytes(path.read_bytes().replace(b"\n", b"") + b"\xff")
    assert next(get_format("spert").read(path, Report())).meta["id"] == "d1"


def docs(n):
    for number in range(n):
        yield NLP.make_doc(f"Document {number}")


def test_shards_are_written_as_they_come_and_appear_together(tmp_path):
    def watched():
        for number, doc in enumerate(docs(7)):
            assert len(list(tmp_path.rglob("*.spacy"))) == number // 3
            assert not (tmp_path / "out").exists()
            with pytest.raises(DataError, match=r"no \.spacy file"):  # as after a kill
                next(read_docs(tmp_path, NLP))
            yield doc

    write_docs(watched(), tmp_path / "out", shard_size=3)
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == ["000001.spacy", "000002.spacy", "000003.spacy"]
    texts = [doc.text for doc in read_docs(tmp_path, NLP)]
    assert texts == [f"Document {number}" for number in range(7)]


def test_no_shards_remain_of_what_fails(tmp_path):
    def failing():
        yield from docs(3)
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        write_docs(failing(), tmp_path / "out", shard_size=2)
    assert list(tmp_path.iterdir()) == []


def test_shards_need_a_folder_without_others(tmp_path):
    write_docs(docs(1), tmp_path / "one.spacy")
    with pytest.raises(ConfigError, match="has files in it"):
        write_docs(docs(1), tmp_path, shard_size=1)
    with pytest.raises(ConfigError, match="need a folder"):
        write_docs(docs(1), tmp_path / "two.spacy", shard_size=1)
    with pytest.raises(ConfigError, match="expected 0 or more"):
        write_docs(docs(1), tmp_path / "two", shard_size=-1)
