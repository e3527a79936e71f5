"""Formats of biomedical corpora, on documents of the form that they are published in."""

import pytest
import spacy

from rel_component.converters.annotated import Annotated, AnnotatedMention, AnnotatedRelation
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
        ("PAX8 and TSHR", "Binds", "NIS", {}),
    ]
    assert annotated.clusters == [[0, 3]]
    assert [m.kb_id for m in annotated.mentions][-2:] == ["7849,7253", ""]
    assert (annotated.meta, report.notes) == ({"id": "1"}, {})


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
        ("2\t0\t1\tA\tX\t-", "expected a line of document 1", "mention"),
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
