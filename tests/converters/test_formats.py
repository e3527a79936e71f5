"""Each format on a file of the form that its tool writes: what is read, and what is said of the rest."""

import json

import pytest
import spacy

from rel_component.converters.convert import convert_file
from rel_component.converters.format import detect_format, get_format
from rel_component.converters.report import Report
from rel_component.errors import DataError
from rel_component.inference.extract import to_record

from .files import DATA, notes, read, read_text

NLP = spacy.blank("en")


def facts(annotated):
    """Text of the head, label and text of the tail of each relation."""
    texts = {
        mention.id: annotated.text[mention.start : mention.end] for mention in annotated.mentions
    }
    return [(texts[rel.head], rel.label, texts[rel.tail]) for rel in annotated.relations]


@pytest.mark.parametrize(
    ("name", "format", "documents", "mentions", "relations"),
    [
        ("own.jsonl", "jsonl", 3, 6, 3),
        ("doccano.jsonl", "doccano", 2, 6, 4),
        ("doccano_spans.jsonl", "doccano", 3, 5, 0),
        ("label_studio.json", "label_studio", 3, 7, 7),
        ("prodigy.jsonl", "prodigy", 2, 4, 1),
        ("brat", "brat", 2, 7, 4),
        ("relations.csv", "csv", 3, 4, 2),
        ("semeval.txt", "semeval", 2, 4, 1),
        ("spert.json", "spert", 2, 2, 1),
        ("docred.json", "docred", 2, 10, 3),
        ("tacred.json", "tacred", 2, 4, 1),
        ("crossre.json", "crossre", 2, 3, 3),
        ("dygie.jsonl", "dygie", 2, 7, 2),
        ("fewrel.json", "fewrel", 3, 7, 3),
        ("spacy_llm.yml", "spacy_llm", 2, 3, 2),
        ("spacy_llm.jsonl", "spacy_llm", 2, 5, 3),
        ("webanno.tsv", "webanno", 1, 6, 3),
    ],
)
def test_nothing_is_lost(name, format, documents, mentions, relations):
    found, report = read(name, format)
    assert len(found) == documents
    assert sum(len(annotated.mentions) for annotated in found) == mentions
    assert sum(len(annotated.relations) for annotated in found) == relations
    assert report.problems == []


def test_spert_numbers_are_those_of_tokens_and_entities():
    first, _ = read("spert.json", "spert")[0]
    mentions = [(first.words[m.start : m.end], m.label) for m in first.mentions]
    assert mentions == [(["Jobs"], "Peop"), (["Apple"], "Org")]
    assert [(r.head, r.label, r.tail) for r in first.relations] == [(0, "Founded", 1)]


def test_own_details():
    annotated = read("own.jsonl", "jsonl", "skip")[0][0]
    assert [mention.kb_id for mention in annotated.mentions] == ["Q1", "", "", ""]
    assert annotated.mentions[2].attributes == {"sure": True}
    relation = annotated.relations[0]
    assert (relation.id, relation.score, relation.evidence) == ("R1", 0.25, (0,))
    assert (annotated.clusters, annotated.sentence_starts) == ([["T2", "T4"]], [0, 55])
    assert annotated.meta == {"id": "d1", "source": "press", "year": 2026}


def test_only_another_text_of_a_mention_is_an_attribute(tmp_path):
    ends = '"start": 0, "end": 3, "label": "X"'
    mentions = f'{{"id": 1, {ends}, "text": "Ann"}}, {{"id": 2, {ends}, "text": "Anna"}}'
    content = f'{{"text": "Ann", "entities": [{mentions}]}}'
    (annotated,) = read_text(tmp_path, content, "jsonl")[0]
    assert [mention.attributes for mention in annotated.mentions] == [{}, {"text": "Anna"}]


def test_fragments_have_their_older_name_too(tmp_path):
    mention = '{"id": 1, "start": 0, "end": 3, "label": "X", "pieces": [[0, 1], [2, 3]]}'
    content = f'{{"text": "a b", "entities": [{mention}]}}'
    (annotated,) = read_text(tmp_path, content, "jsonl")[0]
    assert annotated.mentions[0].fragments == ((0, 1), (2, 3))


def test_doccano_relations():
    first, _ = read("doccano.jsonl", "doccano", "skip")[0]
    assert facts(first) == [
        ("Nordwind Energy", "foundedAt", "4 May 1998"),
        ("Nordwind Energy", "foundedBy", "Ilse Brandt"),
        ("Nordwind Energy", "foundedBy", "Jörg Müller"),
    ]
    assert [relation.id for relation in first.relations] == [9, 10, 11]
    assert first.meta == {"id": 7, "source": "press"}


def test_doccano_counts_in_utf16_units_today_and_in_characters_before():
    (_, today), report = read("doccano.jsonl", "doccano", "skip")
    assert facts(today) == [("firemen", "drive", "firetrucks")]
    assert today.meta["Comments"] == ["looks odd"]
    (*_, before), _ = read("doccano_spans.jsonl", "doccano", "skip")
    assert [before.text[m.start : m.end] for m in before.mentions] == ["😄", "label2"]
    assert notes(report) == {
        "documents with emojis and the like whose offsets were taken for UTF-16 units": 1
    }


def test_doccano_offsets_within_an_emoji(tmp_path):
    line = json.dumps({"text": "😄 a", "label": [[1, 2, "X"]], "offset_unit": "utf-16"})
    (annotated,), report = read_text(tmp_path, line, "doccano")
    assert annotated.mentions == []
    assert "UTF-16 units 1:2 are not a range of characters" in report.problems[0]


def test_doccano_labels_by_number_are_refused(tmp_path):
    line = '{"text": "a", "annotations": [{"label": 1, "start_offset": 0, "end_offset": 1}]}'
    _, report = read_text(tmp_path, line, "doccano")
    assert "text labels" in report.problems[0]


@pytest.mark.parametrize("count", [1, 2])
def test_objects_over_several_lines(tmp_path, count):
    lines = (DATA / "doccano.jsonl").read_text(encoding="utf8").splitlines()
    text = "\n" + "\n".join(json.dumps(json.loads(line), indent=4) for line in lines[:count])
    expected, _ = read("doccano.jsonl", "doccano", "skip")
    found, report = read_text(tmp_path, text, "doccano")
    assert [facts(annotated) for annotated in found] == [facts(a) for a in expected[:count]]
    assert report.problems == []
    assert detect_format(tmp_path / "data") == "doccano"
    with pytest.raises(DataError, match=f"object {count}: broken JSON"):
        read_text(tmp_path, text[:-20], "doccano")


def test_objects_over_several_lines_name_their_place(tmp_path):
    text = '{\n"id": 7, "text": 1\n}\n8'
    _, report = read_text(tmp_path, text, "doccano")
    assert "object 1, document 7: " in report.problems[0]
    assert "object 2: expected an object, got 8" in report.problems[1]


def test_label_studio_annotations_and_predictions():
    (annotated, emojis, predicted), report = read("label_studio.json", "label_studio", "skip")
    assert facts(annotated) == [
        ("Nordwind Energy", "FOUNDED_BY", "Ilse Brandt"),
        ("Ilse Brandt", "FOUNDER_OF", "Nordwind Energy"),
    ]
    assert annotated.mentions[0].attributes == {"text": ["a company"]}
    assert annotated.meta == {"id": 101, "source": "press", "completed_by": 2}
    assert facts(emojis) == [
        ("annotation", "SAME", "This"),
        ("This", "SAME", "annotation"),
        ("annotation", "NEAR", "This"),
        ("This", "NEAR", "annotation"),
    ]
    assert [relation.score for relation in predicted.relations] == [0.75]
    assert report.rejected == 1
    assert notes(report) == {
        "tasks with several annotations, of which the first was read; for those of each annotator, "
        "divide the file by completed_by": 1,
        "results that are neither labels nor relations": 1,
        "regions with several labels: one mention for each, relations with the first one": 1,
        "relations in both directions: one each way": 1,
        "tasks without annotations, whose first prediction was read": 1,
        "tasks that nobody has annotated were left out": 1,
    }


def test_label_studio_regions_count_as_most_of_them_do(tmp_path):
    found = [(2, 3, "a"), (6, 7, "b")]  # only the second tells that they are UTF-16 units
    results = [
        {
            "id": text,
            "type": "labels",
            "value": {"start": start, "end": end, "text": text, "labels": ["X"]},
        }
        for start, end, text in found
    ]
    task = label_studio_task(*results, text="😄aaa b")
    (annotated,), _ = read_text(tmp_path, task, "label_studio")
    assert [(mention.start, mention.end) for mention in annotated.mentions] == [(1, 2), (5, 6)]


def label_studio_task(*results, text="Ilse Brandt"):
    return json.dumps([{"data": {"text": text}, "annotations": [{"result": results}]}])


REGION = {"id": "a", "type": "labels", "value": {"start": 0, "end": 4, "labels": ["X"]}}
RELATION = {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["X"]}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({**REGION, "value": {**REGION["value"], "text": "Anna"}}, "its text is 'Anna', but 0:4"),
        ({**REGION, "value": {**REGION["value"], "labels": []}}, "no label"),
        ({**REGION, "value": {**REGION["value"], "start": "/p[1]"}}, "it goes from '/p[1]' to 4"),
        ({**REGION, "value": {**REGION["value"], "end": 40}}, "0:40 are not a range"),
        ({**REGION, "type": "hypertextlabels"}, "mention a: a region of type hypertextlabels"),
        ({**RELATION, "direction": "up"}, "expected left, right or bi, got 'up'"),
        ({**RELATION, "labels": []}, "relation of a to b: a relation needs a label"),
        (RELATION, "its mention a does not exist"),
        ({"type": "relation"}, '"from_id": expected a string, got nothing'),
    ],
)
def test_label_studio_problems(tmp_path, result, message):
    with pytest.raises(DataError) as stopped:
        read_text(tmp_path, label_studio_task(result), "label_studio", on_error="stop")
    assert message in str(stopped.value)
    assert str(tmp_path / "data") in str(stopped.value)


def test_label_studio_texts_may_have_any_name(tmp_path):
    task = {"data": {"article": "Ilse Brandt"}, "annotations": [{"result": [REGION]}]}
    (annotated,), _ = read_text(tmp_path, json.dumps([task]), "label_studio")
    assert (annotated.text, annotated.meta) == ("Ilse Brandt", {})


@pytest.mark.parametrize(
    ("data", "region", "text"),
    [
        ({"file": "brandt-01", "article": "Ilse Brandt"}, {"text": "Ilse"}, "Ilse Brandt"),
        ({"file": "brandt-01", "article": "Ilse Brandt"}, {}, None),
        ({"short": "Ilse", "long": "Ilse Brandt"}, {"text": "Ilse"}, None),
        ({"short": "Ilse", "text": "Ilse Brandt"}, {"text": "Ilse"}, "Ilse Brandt"),
    ],
)
def test_label_studio_text_is_the_string_that_fits_the_regions(tmp_path, data, region, text):
    result = [{**REGION, "value": {**REGION["value"], **region}}]
    task = {"id": 5, "data": data, "annotations": [{"result": result}]}
    found, report = read_text(tmp_path, json.dumps([task]), "label_studio")
    assert [annotated.text for annotated in found] == ([] if text is None else [text])
    if text is None:
        assert 'document 0, id 5: "data": expected a string under' in report.problems[0]


def test_label_studio_json_min_has_no_relations(tmp_path):
    label = {"start": 0, "end": 4, "text": "Ilse", "labels": ["X"]}
    task = {"id": 5, "text": "Ilse Brandt", "label": [label], "annotator": 1, "annotation_id": 2}
    _, report = read_text(tmp_path, json.dumps([task]), "label_studio")
    assert "document 0, id 5: JSON-MIN, which has no relations" in report.problems[0]
    assert detect_format(tmp_path / "data") == "label_studio"


def prodigy_example(relation, **fields):
    tokens = [
        {"text": text, "start": start, "end": start + len(text), "id": i, "ws": i == 0}
        for i, (text, start) in enumerate([("Ilse", 0), ("reads", 5)])
    ]
    spans = [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PERSON"}]
    example = {"text": "Ilse reads", "tokens": tokens, "spans": spans, "relations": [relation]}
    return json.dumps({**example, **fields})


BARE = {
    "head": 1,
    "child": 0,
    "label": "SUBJECT",
    "head_span": {"start": 5, "end": 10, "token_start": 1, "token_end": 1, "label": None},
    "child_span": {"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "PERSON"},
}


def test_prodigy_relations_of_tokens_without_label(tmp_path):
    (annotated,), report = read_text(tmp_path, prodigy_example(BARE), "prodigy")
    assert (len(annotated.mentions), annotated.relations) == (1, [])
    assert report.skipped == {"document": 0, "mention": 0, "relation": 1}
    assert 'line 1, relation SUBJECT of 1 to 0: its "head_span" has no' in report.problems[0]
    with pytest.raises(DataError, match="line 1, relation SUBJECT of 1 to 0"):
        read_text(tmp_path, prodigy_example(BARE), "prodigy", on_error="stop")


def test_texts_of_several_prodigy_annotators_are_noted(tmp_path):
    sessions = [{"_annotator_id": "a"}, {"_session_id": "b"}, {"_session_id": None}, {}]
    lines = [prodigy_example({**BARE, "label": "No-rel"}, **session) for session in sessions]
    documents, report = read_text(tmp_path, "\n".join([*lines, *lines]), "prodigy")
    assert len(documents) == 8
    ((message, (count, first)),) = report.notes.items()
    assert "spacy rel agreement --merged joins them" in message
    assert (count, first[-6:]) == (2, "line 2")


def test_prodigy_negatives_of_tokens_without_label(tmp_path):
    text = prodigy_example({**BARE, "label": "No-rel"})
    (annotated,), report = read_text(tmp_path, text, "prodigy", on_error="stop")
    assert (len(annotated.mentions), annotated.relations) == (1, [])
    assert report.negatives == 1


def test_prodigy_relations_by_number_need_tokens(tmp_path):
    text = prodigy_example({"head": 1, "child": 0, "label": "SUBJECT"}, tokens=[])
    _, report = read_text(tmp_path, text, "prodigy")
    assert '"head": token 1, but the example has no "tokens"' in report.problems[0]


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ('{"text": "Ilse", "spans": [], "_view_id": "relations", "url": "x"}', "prodigy"),
        ('{"sentence": ["Ilse"], "ner": [], "relations": [], "url": "x"}', "crossre"),
        ('{"text": "Ilse", "entities": [], "url": "x"}', "jsonl"),
        ('{"text": "Ilse", "entities": [], "url": "x"}', "doccano"),
        ('{"tokens": ["Ilse"], "entities": [], "url": "x"}', "spert"),
        ('{"sentences": [["Ilse"]], "ner": [[]], "url": "x"}', "dygie"),
        ('{"sents": [["Ilse"]], "vertexSet": [], "url": "x"}', "docred"),
        ('{"document": "Ilse", "tokens": [], "url": "x"}', "ubiai"),
        ('{"data": {"text": "Ilse"}, "url": "x", "annotations": [{"result": []}]}', "label_studio"),
        (
            '{"tokens": ["Ilse", "reads"], "h": ["", null, [[0]]], "t": ["", null, [[1]]], '
            '"relation": "x", "url": "x"}',
            "fewrel",
        ),
        (
            '[{"token": ["Ilse", "reads"], "relation": "no_relation", "url": "x", "subj_start": 0, '
            '"subj_end": 0, "subj_type": "A", "obj_start": 1, "obj_end": 1, "obj_type": "B"}]',
            "tacred",
        ),
    ],
)
def test_other_fields_are_kept_and_written_again(tmp_path, text, format):
    (annotated,), report = read_text(tmp_path, text, format, on_error="stop")
    assert (annotated.meta["url"], report.notes) == ("x", {})
    get_format(format).write([annotated], tmp_path / "out", Report())
    (again,), _ = read(tmp_path / "out", format)
    assert again.meta == annotated.meta


def test_prodigy_tokens_and_examples_without_relations():
    (first, second), report = read("prodigy.jsonl", "prodigy", "skip")
    assert first.words == ["Jobs", "founded", "NeXT", "Computer", "in", "1985"]
    spans = [(mention.start, mention.end, mention.label) for mention in first.mentions]
    assert spans == [(0, 1, "PERSON"), (2, 4, "ORG"), (5, 6, "DATE")]
    assert [(r.head, r.label, r.tail) for r in first.relations] == [(1, "FOUNDED_BY", 0)]
    assert (second.text, len(second.mentions)) == ("Ilse Brandt owns it.", 1)
    assert (report.rejected, report.negatives) == (2, 1)


def test_brat_lines():
    (annotated, empty), report = read("brat", "brat", "skip")
    assert facts(annotated) == [
        ("Nordwind", "Origin", "Sweden"),
        ("Energy and power units", "Subject-of", "Sunwave"),
        ("joint venture", "Org", "Sunwave"),
        ("joint venture", "Org", "Nordwind"),
    ]
    mentions = {mention.id: mention for mention in annotated.mentions}
    assert mentions["T2"].attributes == {}
    assert annotated.events[0].attributes == {"polarity": "negated"}
    assert mentions["T3"].attributes == {"Speculation": True}
    assert mentions["T4"].attributes == {"#AnnotatorNotes": "the country, not the band"}
    assert mentions["T4"].kb_id == "Wikipedia:5058739"
    assert mentions["T7"].fragments == ((81, 87), (98, 103))
    assert annotated.relations[0].attributes == {"Confidence": "High"}
    assert annotated.relations[1].attributes == {"argument names": ["Subject", "Object"]}
    assert annotated.clusters == [["T1", "T5"]]
    assert (annotated.meta, empty.meta) == ({"id": "agency-01"}, {"id": "empty"})
    assert notes(report) == {
        "texts without an .ann file were left out": 1,
        "fragments of mentions with only white space between them were joined": 1,
        "events: read as relations from their triggers to their arguments": 1,
        "notes that are broken or of something unknown": 1,
    }


def test_brat_fragments_on_two_lines_are_one_mention():
    (annotated, _), _ = read("brat", "brat", "skip")
    (phrase,) = [mention for mention in annotated.mentions if mention.label == "Phrase"]
    assert annotated.text[phrase.start : phrase.end] == "power company\nbased in"
    assert phrase.fragments == ()


def test_one_brat_file():
    (annotated,), _ = read("brat/agency-01.ann", "brat", "skip")
    assert annotated.meta == {"id": "agency-01"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T1\tORG 0\tIlse", "expected a type, a start and an end"),
        ("T1\tORG 0 4\tAnna", "its text is 'Anna', but 0:4 of the document is 'Ilse'"),
        ("T1\tORG 0 99\tIlse", "its text is 'Ilse', but 0:99"),
        ("T1\tORG 0 99", "0:99 are not a range of a text of 12"),
        ("R1\tOwns Arg1:T1 Arg2:T2", "its mention T1 does not exist"),
        ("R1\tOwns Arg1:T1", "expected a type and two arguments"),
        ("E1\tOwns", "expected roles and what fills them"),
        ("E1\tOwns:T9 Theme:T8", "its mention T9 does not exist"),
        ("Ilse", "not an annotation: 'Ilse'"),
    ],
)
def test_brat_problems(tmp_path, line, message):
    (tmp_path / "data.txt").write_text("Ilse Brandt\n", encoding="utf8")
    _, report = read_text(tmp_path, line + "\n", "brat", file="data.ann")
    assert message in report.problems[0]
    assert "data.ann" in report.problems[0]


def test_brat_arguments_in_the_other_order(tmp_path):
    (tmp_path / "data.txt").write_text("Acme Ilse\n", encoding="utf8")
    lines = "T1\tP 5 9\tIlse\nT2\tO 0 4\tAcme\nR1\tFOUNDED_BY Arg2:T1 Arg1:T2\n"
    (annotated,), _ = read_text(tmp_path, lines, "brat", file="data.ann")
    (relation,) = annotated.relations
    assert (relation.head, relation.tail, relation.attributes) == ("T2", "T1", {})


def test_brat_needs_the_text(tmp_path):
    documents, report = read_text(tmp_path, "", "brat", file="data.ann")
    assert documents == []
    assert "data.txt: cannot be read" in report.problems[0]


def test_brat_names_of_knowledge_base_entries(tmp_path):
    (tmp_path / "data.txt").write_text("Ilse reads", encoding="utf8")
    lines = "T1\tP 0 4\tIlse\nT2\tV 5 10\treads\n"
    lines += "N1\tReference T1 Staff:7\tIlse Brandt\nN2\tReference T2 Verbs:8\treads\n"
    (annotated,), report = read_text(tmp_path, lines, "brat", file="data.ann")
    assert [mention.kb_id for mention in annotated.mentions] == ["Staff:7", "Verbs:8"]
    assert notes(report) == {"names of knowledge-base entries, which are not read": 1}


def test_brat_in_utf16_units(tmp_path):
    (tmp_path / "data.txt").write_text("🚒 Ilse", encoding="utf8")
    (annotated,), _ = read_text(tmp_path, "T1\tP 3 7\tIlse\n", "brat", file="data.ann")
    assert (annotated.mentions[0].start, annotated.mentions[0].end) == (2, 6)


def test_csv_groups_rows():
    (first, second, third), _ = read("relations.csv", "csv", "skip")
    assert facts(first) == [
        ("Nordwind", "FOUNDED_BY", "Ilse Brandt"),
        ("Ilse Brandt", "LIVES_IN", "Hamburg"),
    ]
    assert [len(annotated.mentions) for annotated in (first, second, third)] == [3, 1, 0]
    assert first.meta == {"id": "d1"}


HEADER = "text,head_start,head_end,head_label,tail_start,tail_end,tail_label,label,score,head\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a b,0,1,X,2,3,X,Y,,b", "\"head\": its text is 'b', but 0:1 of the document is 'a'"),
        ("a b,0,1,X,2,3,X,Y,2,", '"score": expected a number from 0 to 1'),
        ("a b,0,1,X,2,3,X,Y,maybe,", '"score": expected a number from 0 to 1'),
        ("a b,x,1,X,2,3,X,Y,,", '"head_start": expected a number of characters'),
        ("a b,,,,2,3,X,Y,,", "a tail without a head"),
        ("a b,0,1,X,2,9,X,Y,,", "characters 2:9 are not a range"),
        ("a b,0,1,X,2,3,X,,,", "a relation needs a label"),
        ("a b,0,1", "expected 10 fields, got 3"),
        ('a b,"0"1,1,X,2,3,X,Y,,', "broken CSV"),
        ('"a b,0,1,X,2,3,X,Y,,', "broken CSV"),
    ],
)
def test_csv_problems(tmp_path, row, message):
    with pytest.raises(DataError) as stopped:
        read_text(tmp_path, HEADER + row + "\n", "csv", on_error="stop")
    assert message in str(stopped.value)
    assert "line" in str(stopped.value)


def test_csv_rows_of_a_document_that_lie_apart(tmp_path):
    rows = "".join(f"{text},0,1,X,2,3,X,Y,,\n" for text in ("a b", "c d", "a b"))
    with pytest.raises(DataError, match="line 4: rows of 'a b' that lie apart from its first ones"):
        read_text(tmp_path, HEADER + rows, "csv", on_error="stop")
    found, report = read_text(tmp_path, HEADER + rows, "csv")
    assert (len(found), report.skipped["document"]) == (2, 1)


def test_csv_of_two_tables_has_the_documents_of_both(tmp_path):
    documents = ((1, "a b"), (2, "c d"), (1, "e f"), (2, "g h"))
    rows = "".join(f"{number},{text},0,1,X,2,3,X,Y,,\n" for number, text in documents)
    found, report = read_text(tmp_path, f"document,{HEADER}{rows}", "csv")
    assert ([len(annotated.relations) for annotated in found], report.problems) == ([1] * 4, [])


def test_csv_needs_its_header(tmp_path):
    with pytest.raises(DataError, match="expected a header with the columns head_end, "):
        read_text(tmp_path, "text,label\n", "csv")


def test_csv_takes_long_texts(tmp_path):
    (annotated,), _ = read_text(tmp_path, HEADER + "x" * 200_000 + "," * 9 + "\n", "csv")
    assert len(annotated.text) == 200_000


def test_a_broken_list_names_the_document(tmp_path):
    report = Report(on_error="skip")
    path = tmp_path / "data.json"
    path.write_text((DATA / "spert.json").read_text(encoding="utf8")[:-10], encoding="utf8")
    documents = get_format("spert").read(path, report)
    assert next(documents).meta == {"id": 7}
    with pytest.raises(DataError, match="document 1: broken JSON"):
        next(documents)


@pytest.mark.parametrize("format", ["docred", "label_studio", "spert", "tacred"])
@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"])
def test_an_empty_file_is_no_list(tmp_path, format, text):
    with pytest.raises(DataError, match="document 0: broken JSON: expected a list of objects"):
        read_text(tmp_path, text, format)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "meta": {"x": NaN}}', "not a finite number"),
        ('{"text": "a", "meta": {"x": 1e999}}', "not a finite number"),
        ('{"text": "a", "meta": {"x": 123456789012345678901}}', "more than 64 bits"),
        ('{"text": "half \\ud83d"}', "surrogates not allowed"),
        ('{"text": "a", "meta": {"x": ' + "[" * 200 + "]" * 200 + "}}", "levels deep"),
        ('{"text": ' + "[" * 100_000, "broken JSON"),
        ('{"text": "a", "meta": {"x": 1, "x": 2}}', "the key 'x' occurs twice"),
    ],
)
def test_json_that_no_other_program_reads(tmp_path, line, message):
    documents, report = read_text(tmp_path, line, "jsonl")
    assert documents == []
    assert message in report.problems[0]


def test_a_text_too_long_for_the_tokenizer(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"text": "a" * 1_000_001}), encoding="utf8")
    report = Report(on_error="skip")
    assert list(convert_file(path, "jsonl", NLP, report)) == []
    assert "1000001 characters; the tokenizer takes 1000000" in report.problems[0]


def test_polarity_of_relations(tmp_path):
    records = [
        {"head": 2, "tail": 1, "label": "FOUNDED_BY", "polarity": "negated"},
        {"head": 1, "tail": 2, "label": "KNOWS", "polarity": "doubtful"},
    ]
    ends = {1: (0, 3), 2: (13, 17)}
    entities = [
        {"id": i, "start": start, "end": end, "label": "X"} for i, (start, end) in ends.items()
    ]
    record = {"text": "Ada has left Acme.", "entities": entities, "relations": records}
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(record), encoding="utf8")
    (doc,) = convert_file(path, "jsonl", spacy.blank("en"), Report())
    assert [rel.polarity for rel in doc._.rel] == ["", "negated"]
    known, other = sorted(to_record(doc)["relations"], key=lambda rel: rel["label"])
    assert (known["polarity"], other["attributes"]) == ("negated", {"polarity": "doubtful"})
