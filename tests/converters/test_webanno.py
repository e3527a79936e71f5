"""WebAnno TSV 3: what its user guide shows, and what a file can get wrong."""

import pytest
import spacy

from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
from rel_component.converters.format import get_format
from rel_component.converters.formats.inception.tsv_escapes import (
    escape_text,
    escape_value,
    split_cell,
    unescape_text,
    unescape_value,
)
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file
from rel_component.errors import ConfigError, DataError

from .files import notes, read_text

NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
RELATION = f"#T_RL=webanno.custom.Relation|value|BT_{NER}"
TEST = "This is a test ."


def tsv(layers, rows, text=TEST, version="3.3"):
    """A file; columns of its rows are separated by spaces."""
    lines = ["\t".join(row.split(" ")) + "\t" for row in rows.splitlines()]
    return "\n".join(
        [f"#FORMAT=WebAnno TSV {version}", *layers, "", "", f"#Text={text}", *lines, ""]
    )


def read(tmp_path, content, on_error="skip"):
    return read_text(tmp_path, content, "webanno", file="data.tsv", on_error=on_error)


def mentions(annotated):
    units = annotated.words if annotated.words is not None else annotated.text
    glue = " " if annotated.words is not None else ""
    return [(glue.join(units[m.start : m.end]), m.label) for m in annotated.mentions]


def relations(annotated):
    texts = dict(zip([m.id for m in annotated.mentions], mentions(annotated)))
    return [(texts[r.head][0], r.label, texts[r.tail][0]) for r in annotated.relations]


def document(words, mention_list=(), relation_list=(), **options):
    items = [AnnotatedMention(i, *mention) for i, mention in enumerate(mention_list)]
    links = [AnnotatedRelation(*relation) for relation in relation_list]
    return Annotated("d", words=words, mentions=items, relations=links, **options)


def write(documents, path, on_error="skip"):
    report = Report(on_error=on_error)
    write_file(documents, path, "webanno", spacy.blank("en"), report)
    return report


def test_stacked_annotations_of_a_relation(tmp_path):
    rows = """1-1 0-4 This * _ _
1-2 5-7 is _ _ _
1-3 8-9 a _ _ _
1-4 10-14 test _ _ _
1-5 15-16 . *[1]|*[2] * 1-1[0_1]"""
    (annotated,), _ = read(tmp_path, tsv([f"#T_SP={NER}|value", RELATION], rows))
    found = [(".", "NamedEntity"), (".", "NamedEntity")]
    assert mentions(annotated) == [("This", "NamedEntity"), *found]
    assert relations(annotated) == [("This", "Relation", ".")]
    assert annotated.relations[0].tail == annotated.mentions[1].id


def test_a_mention_of_several_tokens(tmp_path):
    rows = "1-1 0-3 Ms. NNP PER[1]|PERpart[2]\n1-2 4-8 Haag NNP PER[1]"
    layers = ["#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue"]
    (annotated,), report = read(
        tmp_path, tsv([*layers, f"#T_SP={NER}|value"], rows, text="Ms. Haag")
    )
    assert mentions(annotated) == [("Ms. Haag", "PER"), ("Ms.", "PERpart")]
    (message,) = report.notes
    assert message == "tokens with annotations of the layer POS, which are not read"


def test_chains_are_clusters(tmp_path):
    rows = """1-1 0-2 He pr[1] coref->1-1
1-2 3-7 shot _ _
1-3 8-15 himself pr[1] coref->1-2
1-4 16-20 with _ _
1-5 21-24 his pr[1] *->1-3
1-6 25-33 revolver _ _
1-7 33-34 . _ _"""
    layer = "#T_CH=de.tudarmstadt.ukp.dkpro.core.api.coref.type.CoreferenceLink"
    text = "He shot himself with his revolver."
    (annotated,), _ = read(
        tmp_path, tsv([f"{layer}|referenceType|referenceRelation"], rows, text=text)
    )
    assert mentions(annotated) == [("He", ""), ("himself", ""), ("his", "")]
    assert annotated.clusters == [[1, 2, 3]]
    assert annotated.spaces == [True] * 5 + [False] * 2


def test_offsets_are_utf16_units(tmp_path):
    rows = """1-1 0-1 I _
1-2 2-6 like _
1-3 7-9 it _
1-4 10-12 😊 *
1-5 13-14 . _"""
    (annotated,), _ = read(
        tmp_path, tsv(["#T_SP=webanno.custom.Span|value"], rows, text="I like it 😊 .")
    )
    assert mentions(annotated) == [("😊", "Span")]


def test_slots_are_reported(tmp_path):
    rows = """2-1 0-3 Bob _ _ _ bob
2-2 4-13 auctioned transaction seller;goods 2-1;2-3[4] _
2-3 14-17 the _ _ _ clock[4]
2-4 18-23 clock _ _ _ clock[4]"""
    frame, role = "webanno.custom.Frame", "ROLE_webanno.custom.Frame:Roles_webanno.custom.RolesLink"
    layers = [f"#T_SP={frame}|FE|{role}|webanno.custom.Lu", "#T_SP=webanno.custom.Lu|luvalue"]
    (annotated,), report = read(tmp_path, tsv(layers, rows, text="Bob auctioned the clock"))
    expected = [("auctioned", "transaction"), ("Bob", "bob"), ("the clock", "clock")]
    assert mentions(annotated) == expected
    assert list(report.notes.values()) == [(1, str(tmp_path / "data.tsv"))]


def test_parts_of_tokens_are_read_as_characters(tmp_path):
    rows = "1-1 0-5 plays _\n1-1.1 0-4 play VERB\n1-1.2 4-5 s *"
    (annotated,), report = read(tmp_path, tsv([f"#T_SP={NER}|value"], rows, text="plays"))
    assert annotated.text == "plays"
    assert mentions(annotated) == [("play", "VERB"), ("s", "NamedEntity")]
    assert "tokens were not kept" in next(iter(report.notes))


def test_relations_of_tokens(tmp_path):
    base = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
    rows = """1-1 0-4 This _ _ _ _
1-2 5-7 is _ _ _ _
1-3 8-9 a _ _ _ _
1-4 10-14 test _ _ _ _
1-5 15-16 . true 42 nsubj 1-1"""
    layer = f"#T_RL=webanno.custom.ComplexRelation|boolValue|integerValue|value|BT_{base}"
    (annotated,), _ = read(tmp_path, tsv([layer], rows))
    assert mentions(annotated) == [("This", "Token"), (".", "Token")]
    assert relations(annotated) == [("This", "nsubj", ".")]
    assert annotated.relations[0].attributes == {
        "layer": "webanno.custom.ComplexRelation",
        "boolValue": "true",
        "integerValue": "42",
    }


def test_lines_of_windows_and_sentences_of_several_lines(tmp_path):
    rows = "1-1 0-3 One A\n1-2 4-7 two _"
    content = tsv([f"#T_SP={NER}|value"], rows, text="One\n#Text=two").replace("\n", "\r\n")
    (annotated,), _ = read(tmp_path, content)
    assert annotated.text == "One\ntwo"
    assert mentions(annotated) == [("One", "A")]


@pytest.mark.parametrize("value", ["a|b[1]", "_", "*", "a->1-1", "\\", "\\n", "\t\n;", "😊"])
def test_values_are_escaped(value):
    cell = escape_value(value)
    assert unescape_value(cell) == value
    assert split_cell(f"{cell}|{cell}") == [cell, cell]


@pytest.mark.parametrize("text", ["a\\tb", "\t\r\f\b", "\x00\x1f", "#Text=", "\\", "\x0b\x85"])
def test_texts_are_escaped(text):
    assert unescape_text(escape_text(text)) == text


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (("TSV 3.3", "TSV 3.1"), "line 1: expected"),
        (("0-4\tThis", "0-5\tThis"), "line 7: 'This' is not at 0-5"),
        (("1-2\t", "1-1\t"), "line 8: two tokens have the number 1-1"),
        (("1-2\t5-7\tis", "1-2\t2-4\tis"), "line 8: token 1-2 does not follow"),
        (
            ("\tis\tA[1]\t_\t_\t", "\tis\tA[1]\t_"),
            "line 8: expected 3 columns after the token, got 2",
        ),
        (("\tis\tA[1]\t_\t_\t", "\tis\tA[1]\t_\t"), "line 8: column 6 is empty; expected _"),
        (("1-2\t", "x\t"), "line 8: expected the number of a token"),
        (("#Text=", "#Txt="), 'line 7: expected "#Text="'),
        (("1-1[1_0]", "9-1"), "line 10: there is no token 9-1"),
        (("1-1[1_0]", "1-1[7_0]"), "line 10: expected one annotation of the layer NamedEntity"),
        (("1-1[1_0]", "there"), "line 10: expected the number of a token, got 'there'"),
    ],
)
def test_errors_name_the_line(broken, message, tmp_path):
    rows = """1-1 0-4 This A[1] _ _
1-2 5-7 is A[1] _ _
1-3 8-9 a _ _ _
1-4 10-14 test B r 1-1[1_0]
1-5 15-16 . _ _ _"""
    content = tsv([f"#T_SP={NER}|value", RELATION], rows)
    assert read(tmp_path, content, "stop")[0][0].relations
    assert broken[0] in content
    with pytest.raises(DataError) as raised:
        read(tmp_path, content.replace(*broken, 1), "stop")
    assert str(raised.value).startswith(f"{tmp_path / 'data.tsv'}, {message}")


def test_what_is_written(tmp_path):
    annotated = document(
        ["Ilse", "Brandt", "founded", "X|Y", "."],
        [(0, 2, "PER"), (3, 4, "ORG", "Q1"), (3, 4, "A_B")],
        [(1, 0, "founded_by"), (2, 0, "r")],
        spaces=[True, True, True, False, False],
    )
    report = write([annotated], tmp_path / "one.tsv")
    assert (tmp_path / "one.tsv").read_text(encoding="utf8").split("\n") == [
        "#FORMAT=WebAnno TSV 3.3",
        f"#T_SP={NER}|identifier|value",
        RELATION,
        "",
        "",
        "#Text=Ilse Brandt founded X|Y.",
        "1-1\t0-4\tIlse\t*[1]\tPER[1]\tfounded\\_by|r\t1-4[2_1]|1-4[3_1]\t",
        "1-2\t5-11\tBrandt\t*[1]\tPER[1]\t_\t_\t",
        "1-3\t12-19\tfounded\t_\t_\t_\t_\t",
        "1-4\t20-23\tX|Y\tQ1[2]|*[3]\tORG[2]|A\\_B[3]\t_\t_\t",
        "1-5\t23-24\t.\t_\t_\t_\t_\t",
        "",
    ]
    assert (report.problems, report.notes) == ([], {})


def test_the_annotators_of_an_exported_project_are_told_apart(tmp_path):
    content = tsv([], "1-1 0-4 This\n1-2 5-7 is\n1-3 8-9 a\n1-4 10-14 test\n1-5 15-16 .")
    for name in ("annotation/d/anna", "annotation/d/ben", "annotation/d/INITIAL_CAS"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.tsv").write_text(content, encoding="utf8")
    other = tmp_path / "annotation" / "e" / "anna.tsv"
    other.parent.mkdir()
    other.write_text(tsv([], "1-1 0-2 So", text="So"), encoding="utf8")
    report = Report()
    found = list(get_format("webanno").read(tmp_path, report))
    assert [annotated.meta["id"] for annotated in found] == [
        "annotation/d/anna",
        "annotation/d/ben",
        "annotation/e/anna",
    ]
    assert [(message.split(",")[0][:40], n) for message, n in notes(report).items()] == [
        ("files INITIAL_CAS", 1),
        ("documents whose text another file has as", 1),
    ]


def test_a_folder_has_a_file_for_each_document(tmp_path):
    folder = tmp_path / "out"
    ids = ["a", "b/c", "A", None]
    written = [document(["Yes"], meta={} if id is None else {"id": id}) for id in ids]
    report = write(written, folder)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.tsv")) == [
        "a.tsv",
        "b/c.tsv",
        "document000003.tsv",
        "document000004.tsv",
    ]
    assert report.notes["documents whose ids are no names of files"][0] == 1
    found = list(get_format("webanno").read(folder, report))
    assert [annotated.words for annotated in found] == [["Yes"]] * 4
    with pytest.raises(ConfigError, match="a folder of its own"):
        write(written, folder)


def test_white_space_is_no_token(tmp_path):
    words = ["One", "\n", "two", "\n\n", "Three"]
    annotated = document(words, [(0, 2, "A"), (1, 2, "B")], sentence_starts=[0, 4])
    annotated.spaces = [False] * 5
    report = write([annotated], tmp_path / "one.tsv")
    assert report.skipped["mention"] == 1
    assert set(report.notes) == {
        "white space at the ends of mentions",
        "white space between sentences, written as spaces",
    }
    (found,) = get_format("webanno").read(tmp_path / "one.tsv", Report())
    assert (found.text, mentions(found)) == ("One\ntwo  Three", [("One", "A")])


def test_tokens_with_tabs_are_a_problem(tmp_path):
    report = write([document(["a\tb"])], tmp_path / "one.tsv")
    assert "has a tab or line break in it" in report.problems[0]
    assert not (tmp_path / "one.tsv").exists()


NUMBERS = """\
#FORMAT=WebAnno TSV 3.2
#T_SP=webanno.custom.Referent|entity|centering
#T_RL=webanno.custom.Coref|type|BT_webanno.custom.Referent


#Text=Ann met Bob and won
1-1\t0-3\tAnn\t{}\t_\t_\t
1-2\t4-7\tmet\t{}\t_\t_\t
1-3\t8-11\tBob\t{}\t_\t_\t
1-4\t12-15\tand\t{}\t_\t_\t
1-5\t16-19\twon\t{}\tdisc\t1-3[2_3]\t
"""
AGAIN = "numbers that another mention has too, of other tokens or another label"
UNKNOWN = "features whose numbers no annotation of their token has, read by place"


@pytest.mark.parametrize(
    ("cells", "mentions", "noted"),
    [
        (  # another column has other numbers
            ["person[1]\tcf1[1]", "_\t_", "person[2]\tcf2[2]", "_\t_", "event[3]\tcf5[1]"],
            [("Ann", "person", "cf1"), ("Bob", "person", "cf2"), ("won", "event", "cf5")],
            UNKNOWN,
        ),
        (  # the columns have the same numbers in another order
            ["person[1]\tcf1[1]", "_\t_", "a[4]|b[2]\tcf2[2]|cf4[4]", "a[4]\tcf4[4]", "c[3]\t*[3]"],
            [
                ("Ann", "person", "cf1"),
                ("Bob and", "a", "cf4"),
                ("Bob", "b", "cf2"),
                ("won", "c", None),
            ],
            None,
        ),
        (  # numbers begin again
            ["a[1]\t*[1]", "_\t_", "b[2]\t*[2]", "b[2]|c[1]\t*[2]|x[1]", "d[3]\t*[3]"],
            [("Ann", "a", None), ("Bob and", "b", None), ("and", "c", "x"), ("won", "d", None)],
            AGAIN,
        ),
        (  # a number without its annotation
            ["a[1]\tx[5]|y[1]", "_\t_", "b[2]\t*[2]", "_\t_", "d[3]\t*[3]"],
            [("Ann", "a", "y"), ("Ann", "Referent", "x"), ("Bob", "b", None), ("won", "d", None)],
            UNKNOWN,
        ),
    ],
)
def test_columns_are_matched_by_number(tmp_path, cells, mentions, noted):
    (annotated,), report = read_text(tmp_path, NUMBERS.format(*cells), "webanno")
    words = annotated.words
    found = [
        (" ".join(words[m.start : m.end]), m.label, m.attributes.get("centering"))
        for m in annotated.mentions
    ]
    assert found == mentions
    by_id = {m.id: name for m, (name, _, _) in zip(annotated.mentions, found)}
    assert [(by_id[r.head][:3], r.label, by_id[r.tail]) for r in annotated.relations] == [
        ("Bob", "disc", "won")
    ]
    assert (report.problems, notes(report)) == ([], {noted: 1} if noted else {})
