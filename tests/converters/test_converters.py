"""Each format: what it reads, and how it names what is wrong."""

import json

import pytest
import spacy

from rel_component.converters.convert import convert as convert_to
from rel_component.converters.convert import convert_file
from rel_component.converters.format import get_format
from rel_component.converters.report import Report
from rel_component.errors import ConfigError, DataError
from rel_component.schema import RelationSchema, RelationType

NLP = spacy.blank("en")

OWN = {
    "id": "d1",
    "text": "Apple was founded by Steve Jobs.",
    "entities": [
        {"id": "T1", "start": 0, "end": 5, "label": "ORG"},
        {"id": "T2", "start": 21, "end": 31, "label": "PERSON"},
    ],
    "relations": [{"head": "T1", "tail": "T2", "label": "FOUNDED_BY"}],
    "meta": {"source": "here"},
}

SEMEVAL = """1\t"The <e1>fire</e1> was caused by a <e2>spark</e2>."
Cause-Effect(e2,e1)
Comment:

2\t"The <e1>child</e1> sat in the <e2>garden</e2>."
Other
Comment: none
"""
SPERT = json.loads(get_format("spert").sample)[0]
PRODIGY = json.loads(get_format("prodigy").sample)


def convert(tmp_path, content, format, *, on_error="stop", name="data", **options):
    path = tmp_path / name
    path.write_text(content, encoding="utf8")
    report = Report(on_error=on_error)
    return list(convert_file(path, format, NLP, report, **options)), report


def own(**changes):
    return json.dumps({**OWN, **changes}) + "\n"


def triples(doc):
    return [(rel.head.text, rel.label, rel.tail.text) for rel in doc._.rel]


def test_own_format(tmp_path):
    docs, report = convert(tmp_path, own(), "jsonl")
    assert triples(docs[0]) == [("Apple", "FOUNDED_BY", "Steve Jobs")]
    assert [(ent.text, ent.label_) for ent in docs[0].ents] == [
        ("Apple", "ORG"),
        ("Steve Jobs", "PERSON"),
    ]
    assert docs[0].user_data["meta"] == {"id": "d1", "source": "here"}
    assert (report.documents, report.mentions, report.relations) == (1, 2, 1)


def test_duplicates_are_counted(tmp_path):
    docs, report = convert(tmp_path, own(relations=OWN["relations"] * 2), "jsonl")
    assert (len(docs[0]._.rel), report.relations, report.duplicates) == (1, 1, 1)


def test_documents_without_annotations_are_kept(tmp_path):
    docs, _ = convert(tmp_path, '{"text": "Nothing here."}\n\n{"text": ""}\n', "jsonl")
    assert [len(doc._.rel) for doc in docs] == [0, 0]
    assert [doc.text for doc in docs] == ["Nothing here.", ""]


def test_sentences_are_set(tmp_path):
    docs, _ = convert(tmp_path, '{"text": "One here. Two there."}', "jsonl")
    assert len(list(docs[0].sents)) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": ', "line 1: broken JSON"),
        ("3", "line 1: expected an object"),
        ('{"id": 5}', 'line 1, document 5: "text": expected a string, got nothing'),
        (
            own(entities=[{"id": "T1", "start": "0", "end": 5, "label": "X"}]),
            '"start": expected an',
        ),
        (own(entities=[3]), '"entities"[0]: expected an object'),
        (own(entities=[{"id": 1, "start": 0, "end": 99, "label": "X"}], relations=[]), "0:99"),
        (own(entities=[{"id": 1, "start": 4, "end": 4, "label": "X"}], relations=[]), "4:4"),
        (own(entities=[{"id": 1, "start": 0, "end": 3, "label": "X"}], relations=[]), "'App'"),
        (own(entities=[*OWN["entities"], OWN["entities"][0]]), "two mentions have this id"),
        (own(relations=[{"head": "T1", "tail": "T9", "label": "X"}]), "T9 does not exist"),
        (own(relations=[{"head": "T1", "tail": "T1", "label": "X"}]), "same mention"),
        (
            own(entities=[{"id": 1, "start": 5, "end": 6, "label": "X"}], relations=[]),
            "white space",
        ),
    ],
)
def test_problems_name_file_line_and_document(tmp_path, line, message):
    with pytest.raises(DataError) as stopped:
        convert(tmp_path, line, "jsonl")
    assert message in str(stopped.value)
    assert str(tmp_path / "data") in str(stopped.value)
    _, report = convert(tmp_path, line, "jsonl", on_error="skip")
    assert sum(report.skipped.values()) == len(report.problems) >= 1


def test_skipping_keeps_the_rest(tmp_path):
    bad = own(entities=[OWN["entities"][0], {**OWN["entities"][1], "end": 29}])
    docs, report = convert(tmp_path, own() + "{\n" + bad + own(id="d4"), "jsonl", on_error="skip")
    assert [len(doc._.rel) for doc in docs] == [1, 0, 1]
    assert report.skipped == {"document": 1, "mention": 1, "relation": 1}
    assert "its mention T2 was left out" in report.problems[2]


def test_a_line_that_is_not_utf8(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b'{"text": "caf\xe9"}\n')
    with pytest.raises(DataError, match="not UTF-8"):
        list(convert_file(path, "jsonl", NLP, Report()))


@pytest.mark.parametrize(
    ("start", "end", "mode", "text", "note"),
    [
        (5, 9, "strict", "U.S.", None),
        (4, 10, "strict", "U.S.", "mentions had white space at their ends, which was left out"),
        (5, 8, "strict", None, None),
        (5, 8, "expand", "U.S.", "mentions were widened to whole tokens"),
        (6, 14, "contract", "firm", "mentions were narrowed to whole tokens"),
        (6, 8, "contract", None, None),
    ],
)
def test_alignment_modes(tmp_path, start, end, mode, text, note):
    entity = {"id": 1, "start": start, "end": end, "label": "ORG"}
    line = own(text="The  U.S. firm's head", entities=[entity], relations=[])
    (doc,), report = convert(tmp_path, line, "jsonl", on_error="skip", alignment=mode)
    assert [ent.text for ent in doc.ents] == ([text] if text else [])
    expected = "tokens there are ['U.S.'] (--alignment expand takes 'U.S.')"
    assert all(problem.endswith(expected) for problem in report.problems)
    assert len(report.problems) == (text is None)
    assert report.notes == (
        {note: (1, f"{tmp_path / 'data'}, line 1, document d1, mention 1")} if note else {}
    )


def test_overlapping_mentions_need_a_span_group(tmp_path):
    nested = [*OWN["entities"], {"id": "T3", "start": 27, "end": 31, "label": "NAME"}]
    with pytest.raises(DataError, match="--spans-key"):
        convert(tmp_path, own(entities=nested), "jsonl")
    docs, report = convert(tmp_path, own(entities=nested), "jsonl", spans_key="mentions")
    assert len(docs[0].spans["mentions"]) == report.mentions == 3


def test_the_schema_is_enforced(tmp_path):
    schema = RelationSchema([RelationType("FOUNDED_BY", head=("ORG",), tail=("ORG",))])
    with pytest.raises(DataError, match="does not hold between ORG and PERSON"):
        convert(tmp_path, own(), "jsonl", schema=schema)
    with pytest.raises(DataError, match="unknown label 'FOUNDED_BY'"):
        convert(tmp_path, own(), "jsonl", schema=RelationSchema([RelationType("OTHER")]))


def test_unknown_format(tmp_path):
    with pytest.raises(ConfigError, match=r"available: .*jsonl, .*spert"):
        convert(tmp_path, "", "nonsense")


@pytest.mark.parametrize(
    ("format", "content", "message"),
    [
        ("spert", "[", "broken JSON"),
        ("spert", "{}", "expected a list"),
        ("spert", "[3]", "document 0: expected an object"),
        ("spert", [{**SPERT, "tokens": [1]}], "orig_id 7"),
        ("spert", [{**SPERT, "entities": [{"type": "X", "start": 2, "end": 9}]}], "tokens 2:9"),
        ("semeval", "nonsense\n", "line 1: expected a number"),
        ("semeval", '1\t"A <e1>b</e1>."\nOther\n', "document 1: expected one <e1>"),
        ("semeval", '1\t"A <e1>b</e1> <e2>c</e2>."\nX\n', "expected a relation such as"),
        ("semeval", '4\t"A <e1>b</e1> <e2>c</e2>."\n', "document 4: no relation follows"),
        ("semeval", '4\t"A <e1>b</e1>."\n5\t"A."\nOther\n', "document 4: no relation follows"),
        (
            "prodigy",
            {**PRODIGY, "relations": [{"head": 40, "child": 0, "label": "X"}]},
            "there is no token 40",
        ),
        (
            "prodigy",
            {**PRODIGY, "relations": [{"head": 1, "child": 0, "label": "X"}]},
            "no span ends with token 1",
        ),
        ("prodigy", {**PRODIGY, "relations": [{"head": 0}]}, '"label": expected a string'),
    ],
)
def test_problems(tmp_path, format, content, message):
    with pytest.raises(DataError) as stopped:
        convert(tmp_path, content if isinstance(content, str) else json.dumps(content), format)
    assert message in str(stopped.value)


def test_semeval(tmp_path):
    docs, report = convert(tmp_path, SEMEVAL, "semeval")
    assert triples(docs[0]) == [("spark", "Cause-Effect", "fire")]
    assert docs[0].text == "The fire was caused by a spark."
    assert [len(docs[1].ents), len(docs[1]._.rel), report.negatives] == [2, 0, 1]


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("BY", [("Apple", "BY", "Jobs")]),
        *((label, []) for label in ("No-rel", "NO_RELATION", "no_rel")),
    ],
)
def test_prodigy_arcs_point_to_last_tokens_or_say_there_is_none(tmp_path, label, found):
    arcs = [{"head": 2, "child": 0, "label": label}]
    (doc,), report = convert(tmp_path, json.dumps({**PRODIGY, "relations": arcs}), "prodigy")
    assert (triples(doc), report.negatives) == (found, not found)


def test_relations_labelled_so_are_negatives_unless_the_schema_declares_them(tmp_path):
    relations = [{**OWN["relations"][0], "label": "no_relation"}]
    (doc,), report = convert(tmp_path, own(relations=relations), "jsonl")
    assert (triples(doc), report.negatives) == ([], 1)
    schema = RelationSchema.from_dict({"relations": ["no_relation"]})
    (doc,), report = convert(tmp_path, own(relations=relations), "jsonl", schema=schema)
    assert (len(triples(doc)), report.negatives) == (1, 0)


def test_a_file_is_converted_in_python(tmp_path):
    (tmp_path / "data").write_text(own() + own(id="d2", relations=[]), encoding="utf8")
    seen = []
    report = convert_to(
        tmp_path / "data",
        tmp_path / "train.spacy",
        schema=RelationSchema([RelationType("OTHER")]),
        on_error="skip",
        progress=lambda documents: (seen.append(annotated) or annotated for annotated in documents),
    )
    assert (report.documents, report.relations, report.skipped["relation"]) == (2, 0, 1)
    assert len(seen) == 2
    report = convert_to(tmp_path / "train.spacy", tmp_path / "back.jsonl", to="jsonl")
    assert (report.documents, report.mentions) == (2, 4)
