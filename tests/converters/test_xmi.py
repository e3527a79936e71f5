"""UIMA CAS XMI of INCEpTION."""

import sys
from dataclasses import replace
from shutil import copytree

import pytest

from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
from rel_component.converters.formats.inception.xmi_writer import write_xmi
from rel_component.converters.report import Report
from rel_component.errors import ConfigError, DataError

from . import files

pytest.importorskip("cassis")

EXAMPLE = files.DATA / "xmi"


@pytest.fixture
def folder(tmp_path):
    copytree(EXAMPLE, tmp_path / "xmi")
    return tmp_path / "xmi"


def read(path, on_error="stop"):
    return files.read(path, "xmi", on_error)


def replace_in(path, old, new):
    text = path.read_text(encoding="utf8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf8")


def test_an_export_of_inception():
    (annotated,), report = read(EXAMPLE)
    words = annotated.words
    found = [(" ".join(words[m.start : m.end]), m.label, m.kb_id) for m in annotated.mentions]
    assert found == [
        ("Ilse", "PER", ""),
        ("Nordwind AG", "ORG", "http://www.wikidata.org/entity/Q101"),
        ("founded", "Token", ""),
        ("left", "Token", ""),
        ("She", "", ""),
    ]
    relations = [(r.head, r.label, r.tail, r.attributes) for r in annotated.relations]
    assert relations == [
        (2, "founded_by", 1, {"certain": True}),
        (3, "Before", 4, {"layer": "webanno.custom.Before"}),
    ]
    assert annotated.clusters == [[1, 5]]
    assert annotated.sentence_starts == [0, 5]
    assert annotated.meta == {"id": "nordwind.txt"}
    assert list(report.notes) == ["annotations of the layer POS, which are not read"]


def test_offsets_are_utf16_units(folder):
    (annotated,), _ = read(folder / "nordwind.xmi")
    assert annotated.words[:3] == ["Ilse", "🚢", "founded"]


def test_texts_with_line_breaks_are_kept_as_they_are(folder):
    replace_in(folder / "nordwind.xmi", "AG She", "AG&#10;She")
    (annotated,), report = read(folder)
    assert annotated.text == "Ilse 🚢 founded Nordwind AG\nShe left ."
    mention = annotated.mentions[1]
    assert annotated.text[mention.start : mention.end] == "Nordwind AG"
    assert any("tokens were not kept" in message for message in report.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('begin="0" end="4" value', 'begin="0" end="400" value', "not XMI of this type system"),
        ('begin="5" end="7"', 'begin="5" end="6"', "not XMI of this type system"),
        ('begin="8" end="15"', 'begin="8"', "characters 7:0 are not a range of a text of 37"),
        (
            'members="8 19 20 21 24 25 26',
            'members="8 19 20 21 24 25',
            "a relation Before whose Governor",
        ),
        (" 60 61 62", " 60 62", "annotation 61: a link of a chain"),
        ("type3:NamedEntity", "custom:Person", "not XMI of this type system"),
        (' Governor="41"', "", "a relation founded_by whose Governor"),
        ('sofaString="', 'sofaURI="', "a document without text"),
        ("<cas:View", "<cas:View <", "not XMI of this type system"),
    ],
)
def test_errors_name_the_file(old, new, message, folder):
    replace_in(folder / "nordwind.xmi", old, new)
    with pytest.raises(DataError) as raised:
        read(folder)
    assert str(raised.value).startswith(str(folder / "nordwind.xmi"))
    assert message in str(raised.value)


def test_only_the_first_view_is_read(folder):
    view = '<cas:Sofa xmi:id="2" sofaNum="2" sofaID="other" sofaString="Other"/>'
    replace_in(folder / "nordwind.xmi", "<cas:View", view + "<cas:View")
    (annotated,), report = read(folder)
    assert len(annotated.mentions) == 5
    assert "views but the first one, which are not read" in report.notes


def test_chains_that_go_round_have_an_end(folder):
    replace_in(folder / "nordwind.xmi", 'referenceType="pr"', 'next="60"')
    (annotated,), _ = read(folder)
    assert annotated.clusters == [[1, 5]]


def annotated_document(words, **fields):
    mentions = [AnnotatedMention(0, 0, 1, "PER"), AnnotatedMention(1, 0, 1, "ORG")]
    relations = [AnnotatedRelation(0, 1, "leads")]
    document = Annotated(place="here", words=words, mentions=mentions, relations=relations)
    return replace(document, **fields)


def test_what_xml_does_not_allow_is_left_out(tmp_path):
    report = Report(on_error="skip")
    bad = AnnotatedMention(1, 1, 2, "\x01")
    documents = [
        annotated_document(["a\x00"]),
        annotated_document(["Ilse"], meta={"id": "\x02"}),
        annotated_document(["Ilse", "left"], mentions=[AnnotatedMention(0, 0, 1, "PER"), bad]),
        annotated_document(
            ["Ilse", "left"],
            mentions=[AnnotatedMention(0, 0, 1, "PER"), AnnotatedMention(1, 1, 2, "ORG")],
            relations=[AnnotatedRelation(0, 1, "\ufffe")],
        ),
    ]
    write_xmi(documents, tmp_path / "out", report)
    assert report.skipped == {"document": 2, "mention": 1, "relation": 2}
    assert [problem.partition(": ")[2] for problem in report.problems] == [
        *["a character that XML does not allow in its text or id"] * 2,
        "a character that XML does not allow in its label or id",
        "its mention 1 was left out",
        "a character that XML does not allow in its label",
    ]
    found, _ = read(tmp_path / "out")
    assert [len(annotated.mentions) for annotated in found] == [1, 2]


def test_the_type_system_of_other_files_stays(folder):
    before = (folder / "TypeSystem.xml").read_bytes()
    with pytest.raises(ConfigError, match=r"TypeSystem\.xml is that of other files"):
        write_xmi([annotated_document(["Ilse"])], folder / "new.xmi", Report())
    assert (folder / "TypeSystem.xml").read_bytes() == before
    assert not (folder / "new.xmi").exists()


def test_two_files_share_a_type_system(tmp_path):
    for name in ("one.xmi", "two.xmi"):
        write_xmi([annotated_document(["Ilse"], relations=[])], tmp_path / name, Report())
    assert len(read(tmp_path)[0]) == 2


def test_links_stand_for_the_first_mention_of_their_characters(tmp_path):
    report = Report()
    document = annotated_document(["Ilse"], relations=[], clusters=[[1]])
    write_xmi([document], tmp_path / "one.xmi", report)
    assert list(report.notes) == [
        "clusters with a mention of the same characters as another mention"
    ]
    (annotated,), _ = read(tmp_path / "one.xmi")
    assert annotated.clusters == [[1]]
    assert [mention.label for mention in annotated.mentions] == ["PER", "ORG"]


def test_a_file_without_type_system(folder):
    (folder / "TypeSystem.xml").unlink()
    with pytest.raises(DataError, match=r"TypeSystem\.xml: cannot be read"):
        read(folder)


def test_entities_of_other_files_are_not_read(folder):
    secret = folder / "secret.txt"
    secret.write_text("secret", encoding="utf8")
    path = folder / "nordwind.xmi"
    start = f"?><!DOCTYPE x [<!ENTITY file SYSTEM '{secret.as_uri()}'>]>"
    replace_in(path, "?>", start)
    replace_in(path, "She left .", "&file;")
    _, report = read(folder, "skip")
    assert report.skipped["document"] == 1
    assert "secret" not in report.problems[0].replace("secret.txt", "")


def test_archives_are_named(folder):
    (folder / "nordwind.xmi").write_bytes(b"PK\x03\x04...")
    with pytest.raises(DataError, match="a ZIP archive; unpack it"):
        read(folder)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cassis", None)
    with pytest.raises(ConfigError, match="pip install 'dkpro-cassis"):
        read(EXAMPLE)
