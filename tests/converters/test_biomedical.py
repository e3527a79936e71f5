"""Formats of biomedical corpora, on documents of the form that they are published in."""

import json

import pytest
import spacy

from rel_component import convert
from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
from rel_component.converters.format import detect_format
from rel_component.converters.report import Report
from rel_component.converters.writing import write_file

from .files import facts, notes, read, read_text

NLP = spacy.blank("en")

TITLE = "1|t|A new deletion in NIS\n1|a|ITD is caused by p.439 in 🧬 NIS, PAX8 and TSHR.\n"
MENTIONS = """\
1\t18\t21\tNIS\tGene\t6528
1\t22\t25\tITD\tDisease\tD050033
1\t39\t44\tp.439\tVariant\tp|DEL|439_443|
1\t50\t53\tNIS\tGene\t6528
1\t55\t68\tPAX8 and TSHR\tGene\t7849,7253
1\t18\t21\tNIS\tSequence\t-
"""


def pubtator(tmp_path, lines, on_error="skip"):
    return read_text(tmp_path, TITLE + MENTIONS + lines + "\n", "pubtator", on_error=on_error)


def test_concepts_of_pubtator_are_entities(tmp_path):
    lines = "1\tCauses\tp|DEL|439_443|\tD050033\tNovel\n1\tBinds\t7253\t6528\n"
    (annotated,), report = pubtator(tmp_path, lines, on_error="stop")
    assert annotated.text.split("\n") == [line[4:] for line in TITLE.splitlines()]
    texts = [annotated.text[m.start : m.end] for m in annotated.mentions]
    found = [(texts[r.head], r.label, texts[r.tail], r.attributes) for r in annotated.relations]
    assert found == [
        ("p.439", "Causes", "ITD", {"novelty": "Novel"}),
        ("PAX8 and TSHR", "Binds", "NIS", {"concepts": [["7253", "6528"]]}),
    ]
    assert annotated.clusters == [[0, 3]]
    assert [m.kb_id for m in annotated.mentions][-2:] == ["7849,7253", ""]
    assert (annotated.meta, report.notes) == ({"id": "1"}, {})


def test_relations_of_one_of_the_concepts_of_a_mention_come_back(tmp_path):
    lines = "1\tBinds\t7849\t6528\n1\tBinds\t7253\t6528\n1\tBinds\t7849,7253\tD050033\n"
    found, _ = pubtator(tmp_path, lines, on_error="stop")
    write_file(found, tmp_path / "direct", "pubtator", NLP, Report(on_error="stop"))
    convert(tmp_path / "direct", tmp_path / "a.spacy", spans_key="m", on_error="skip")
    convert(tmp_path / "a.spacy", tmp_path / "docs", to="pubtator", spans_key="m")
    for name in ("direct", "docs"):  # a Doc holds one relation of the two
        written = (tmp_path / name).read_text(encoding="utf8").splitlines()
        assert [line for line in written if "Binds" in line] == lines.splitlines()


def test_types_before_concepts_of_pubtator_3(tmp_path):
    (annotated,), _ = pubtator(tmp_path, "1\tCauses\tGene|6528\tDisease|D050033\n", on_error="stop")
    assert [(r.head, r.tail) for r in annotated.relations] == [(0, 1)]


def test_documents_of_pubtator_need_no_blank_line(tmp_path):
    text = "1|t|A\n1|a|b c\n1\t2\t3\tb\tX\t-\n2|t|D\r\n2|a|\r\n2\t0\t1\tD\tX\r\n"
    (first, second), report = read_text(tmp_path, text, "pubtator", on_error="stop")
    assert [first.text, second.text] == ["A\nb c", "D"]
    assert [len(annotated.mentions) for annotated in (first, second)] == [1, 1]
    assert report.notes == {}


@pytest.mark.parametrize(
    ("line", "message", "skipped"),
    [
        ("1\t0\t3\tThe\tX\t-", "its text is 'The', but 0:3 of the document is 'A n'", "mention"),
        ("2\t0\t1\tA\tX\t-", "expected a line of document '1'", "mention"),
        ("1\tCauses\tD9\t6528", "no mention has the concept 'D9'", "relation"),
        ("1\tCauses", "expected a relation and two concepts", "relation"),
        ("1\tCauses\t6528\t6528", "head and tail are the same mention", "relation"),
        ("1\t0\t99999999999999999\tA\tX\t-", "expected a start and an end", "mention"),
    ],
)
def test_problems_of_pubtator(tmp_path, line, message, skipped):
    _, report = pubtator(tmp_path, line)
    assert message in report.problems[0]
    assert str(tmp_path / "data") in report.problems[0]
    assert report.skipped[skipped] == 1


def test_entities_without_a_concept_are_written_to_pubtator(tmp_path):
    places = enumerate([(0, 3), (8, 10), (12, 15)])
    annotated = Annotated(
        "d",
        "Ada\nmet Bo. She",
        mentions=[AnnotatedMention(i, *place, "P") for i, place in places],
        relations=[AnnotatedRelation(1, 2, "met")],
        clusters=[[0, 2]],
        meta={"id": "7"},
    )
    report = Report()
    write_file([annotated], tmp_path / "written", "pubtator", NLP, report)
    (again,), _ = read(tmp_path / "written", "pubtator")
    assert facts(again) == facts(annotated)
    assert notes(report) == {}


def annotation(name, offset, text, **infons):
    locations = [{"offset": offset, "length": len(text)}]
    infons.setdefault("type", "Gene")
    return {"id": name, "infons": infons, "text": text, "locations": locations}


def relation(*refids, roles=("Arg1", "Arg2"), **infons):
    nodes = [{"refid": name, "role": role} for name, role in zip(refids, roles)]
    return {"id": "R1", "infons": {"type": "binds", **infons}, "nodes": nodes}


def passage(offset, text, *annotations, **more):
    return {"offset": offset, "infons": {}, "text": text, "annotations": annotations, **more}


def sentence(offset, text, *annotations, relations=()):
    return {**passage(offset, text, *annotations), "relations": relations}


TWO = passage(0, "ab cd", annotation("1", 0, "ab"), annotation("2", 3, "cd"))


def bioc(tmp_path, document, on_error="stop"):
    content = {"source": "s", "date": "", "key": "", "infons": {}, "documents": [document]}
    return read_text(tmp_path, content, "bioc", on_error=on_error)


def relations_of(annotated):
    texts = {m.id: annotated.text[m.start : m.end] for m in annotated.mentions}
    return [(texts[r.head], r.label, texts[r.tail]) for r in annotated.relations]


def test_bioc_counts_characters_of_the_document(tmp_path):
    sentences = [
        sentence(6, "x y.", annotation("3", 6, "x"), relations=[relation("1", "3")]),
        sentence(11, "z", annotation("4", 11, "z")),
    ]
    later = passage(6, "", annotation("5", 8, "y"), sentences=sentences)
    document = {"id": "d", "infons": {"year": "2026"}, "passages": [TWO, later], "pmid": 7}
    document["annotations"] = [annotation("6", 3, "cd x")]
    document["relations"] = [relation("5", "2")]
    (annotated,), report = bioc(tmp_path, document)
    assert annotated.text == "ab cd\nx y. z"
    texts = [annotated.text[m.start : m.end] for m in annotated.mentions]
    assert texts == ["ab", "cd", "x", "z", "y", "cd\nx"]
    assert relations_of(annotated) == [("ab", "binds", "x"), ("y", "binds", "cd")]
    assert annotated.sentence_starts == [6, 11]
    assert annotated.relations[0].attributes == {"roles": ["Arg1", "Arg2"]}
    assert (annotated.meta, report.notes) == ({"id": "d", "year": "2026", "pmid": 7}, {})


@pytest.mark.parametrize(
    ("infons", "found"),
    [
        ({"entity1": "Q1", "entity2": "Q2", "novel": "No"}, ("ab", "binds", "cd")),
        ({"Disease": "Q2", "Chemical": "Q1"}, ("cd", "binds", "ab")),
        ({"role1": {"identifier": "Q1"}, "role2": {"identifier": "Q2"}}, ("ab", "binds", "cd")),
    ],
)
def test_relations_of_concepts_in_bioc(infons, found, tmp_path):
    mentions = [annotation("0", 0, "ab", identifier="Q1"), annotation("1", 3, "cd", MESH="Q2")]
    mentions.append(annotation("2", 6, "ef", identifier="Q1"))
    document = {"passages": [passage(0, "ab cd ef", *mentions)], "relations": [relation(**infons)]}
    (annotated,), report = bioc(tmp_path, document)
    assert relations_of(annotated) == [found]
    assert annotated.clusters == [["0", "2"]]
    assert annotated.relations[0].attributes == ({"novel": "No"} if "novel" in infons else {})
    assert report.notes == {}


def test_roles_and_scores_of_bioc(tmp_path):
    relations = [relation("1", "2", roles=("object", "subject"), score="0.25")]
    (annotated,), _ = bioc(tmp_path, {"passages": [TWO], "relations": relations})
    assert relations_of(annotated) == [("cd", "binds", "ab")]
    assert [r.score for r in annotated.relations] == [0.25]
    assert annotated.relations[0].attributes == {"roles": ["subject", "object"]}


def test_bioc_in_utf16_units(tmp_path):
    text = "🧬 ab"
    document = {"passages": [passage(7, text, annotation("1", 10, "ab"), annotation("1", 9, "ab"))]}
    (annotated,), report = bioc(tmp_path, document)
    assert [annotated.text[m.start : m.end] for m in annotated.mentions] == ["ab", "ab"]
    assert list(notes(report)) == ["annotations with one id, of which relations are of the first"]


@pytest.mark.parametrize("as_lines", [False, True])
def test_lists_and_lines_of_bioc_documents(tmp_path, as_lines):
    documents = [{"id": str(i), "passages": [TWO]} for i in range(2)]
    lines = "\n".join(json.dumps(document) for document in documents)
    found, _ = read_text(tmp_path, lines if as_lines else documents, "bioc", on_error="stop")
    assert [annotated.meta["id"] for annotated in found] == ["0", "1"]
    assert detect_format(tmp_path / "data") == "bioc"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"passages": [passage(0, "ab", annotation("1", 0, "cd"))]}, "its text is 'cd', but 0:2"),
        ({"passages": [passage(5, "ab", annotation("1", 0, "ab"))]}, "no passage has character 0"),
        ({"passages": [passage(0, "ab", {"id": "1"})]}, "1: an annotation without location"),
        ({"passages": [passage(0, "ab", annotation("1", 9, ""))]}, "9:9 are not in a passage"),
        ({"passages": [TWO], "relations": [relation("1", "9")]}, "its mention 9 does not exist"),
        ({"passages": [TWO], "relations": [relation("1")]}, "1 annotations and 0 concepts"),
        ({"passages": [{"text": "ab"}]}, '"offset": expected an integer'),
        ({"passages": 1}, '"passages": expected a list, got 1'),
        (3, "document 0: expected an object, got 3"),
    ],
)
def test_problems_of_bioc(tmp_path, document, message):
    _, report = bioc(tmp_path, document, on_error="skip")
    assert message in report.problems[0]
    assert f"{tmp_path / 'data'}, line 1, document 0" in report.problems[0]


A1 = "T1\tProtein 0 3\tp53\nT2\tProtein 13 16\tTNF\n"
A2 = """\
*\tEquiv T1 T2
T3\tRegulation 4 12\tincludes
E1\tRegulation:T3 Theme:T2 Cause:T1
R1\tSubunit-Complex Arg1:T1 Arg2:T2
M1\tSpeculation E1
N1\tOntoBiotope Annotation:T1 Referent:OBT:0017
"""


@pytest.mark.parametrize("name", ["", "a.a1", "a.a2"])
def test_two_files_of_bionlp_are_one(tmp_path, name):
    for ending, text in (("txt", "p53 includes TNF"), ("a1", A1), ("a2", A2)):
        (tmp_path / f"a.{ending}").write_text(text, encoding="utf8")
    assert detect_format(tmp_path / name) == "brat"
    (annotated,), report = read(tmp_path / name, "brat")
    assert relations_of(annotated) == [
        ("p53", "Subunit-Complex", "TNF"),
        ("includes", "Theme", "TNF"),
        ("includes", "Cause", "p53"),
    ]
    assert annotated.mentions[0].kb_id == "OntoBiotope:OBT:0017"
    assert annotated.events[0].attributes == {"modality": "possible"}
    assert (annotated.clusters, annotated.meta) == ([["T1", "T2"]], {"id": "a"})
    message = "events: read as relations from their triggers to their arguments"
    assert notes(report) == {message: 1}


def test_problems_of_bionlp_name_the_file(tmp_path):
    (tmp_path / "a.txt").write_text("p53 includes TNF", encoding="utf8")
    (tmp_path / "a.a2").write_text("T3\tRegulation 4 9\tincludes\n", encoding="utf8")
    _, report = read_text(tmp_path, A1, "brat", file="a.a1")
    assert f"{tmp_path / 'a.a2'}, line 1: its text is '" in report.problems[0]
