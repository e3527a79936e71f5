"""Data sets as the library of the Hugging Face hub saves them."""

import json

import pytest

from rel_component.converters.format import detect_format

from .files import notes, read, read_text

WORDS = ["Jobs", "founded", "Apple"]
SENTENCE = "<e1>Jobs</e1> founded <e2>Apple</e2>"
HEAD = {"text": "apple", "type": "Q312", "indices": [[2]]}
TAIL = {"text": "jobs", "type": "Q19837", "indices": [[0]]}
CARD = """\
---
license: other
dataset_info:
  features:
  - name: sentence
    dtype: string
  - name: relation
    dtype:
      class_label:
        names:
          '0': Cause(e1,e2)
          '1': Founder(e2,e1)
---
# A data set
"""


def relations(annotated):
    if annotated.words is None:
        words = {m.id: annotated.text[m.start : m.end] for m in annotated.mentions}
    else:
        words = {m.id: " ".join(annotated.words[m.start : m.end]) for m in annotated.mentions}
    return [(words[r.head], r.label, words[r.tail]) for r in annotated.relations]


def labelled(names):
    return {"names": names, "_type": "ClassLabel"}


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"sentence": SENTENCE, "relation": "Founder(e2,e1)"}, [("Apple", "Founder", "Jobs")]),
        ({"sentence": SENTENCE, "relation": "org:founded"}, [("Jobs", "org:founded", "Apple")]),
        ({"sentence": SENTENCE, "relation": "Other"}, []),
        (
            {"tokens": WORDS, "head": HEAD, "tail": TAIL, "relation": "P112"},
            [("Apple", "P112", "Jobs")],
        ),
        (
            {"token": WORDS, "h": {"pos": [2, 3]}, "t": {"pos": [0, 1]}, "relation": "P112"},
            [("Apple", "P112", "Jobs")],
        ),
        (
            {
                "tokens": ["Steve", *WORDS],
                "ner_tags": ["B-PER", "E-PER", "O", "S-ORG"],
                "relations": {"head": [1], "tail": [0], "label": ["by"]},
            },
            [("Apple", "by", "Steve Jobs")],
        ),
    ],
)
def test_forms_of_data_sets(tmp_path, record, found):
    (annotated,), report = read_text(tmp_path, json.dumps(record), "hub", on_error="stop")
    assert relations(annotated) == found
    assert (report.negatives, report.notes) == (int(not found), {})
    assert detect_format(tmp_path / "data") == "hub"


def test_knowledge_base_ids_and_mentions_of_one_entity(tmp_path):
    head = {**HEAD, "indices": [[2], [0]]}
    record = {"tokens": WORDS, "head": head, "tail": {**TAIL, "indices": [[1]]}, "relation": "P1"}
    (annotated,), _ = read_text(tmp_path, json.dumps(record), "hub", on_error="stop")
    assert [m.kb_id for m in annotated.mentions] == ["Q312", "Q312", "Q19837"]
    assert annotated.clusters == [["head0", "head1"]]


@pytest.mark.parametrize("place", [{"pos": [2, 3]}, {"indices": [[2]]}])
def test_types_beside_knowledge_base_ids(tmp_path, place):
    entity = {"id": "Q312", "type": "ORG", **place}
    record = {"tokens": WORDS, "h": entity, "t": {"id": "Q1", "pos": [0, 1]}, "relation": "P1"}
    (annotated,), _ = read_text(tmp_path, json.dumps(record), "hub", on_error="stop")
    assert [(m.kb_id, m.label) for m in annotated.mentions] == [("Q312", "ORG"), ("Q1", "ENTITY")]


def test_names_of_labels_stand_beside_the_file(tmp_path):
    record = {"sentence": SENTENCE, "relation": 1}
    _, report = read_text(tmp_path, json.dumps(record), "hub")
    assert 'line 1: "relation": expected a string, got 1; names of labels by' in report.problems[0]
    (tmp_path / "README.md").write_text(CARD, encoding="utf8")
    (annotated,), _ = read(tmp_path / "data", "hub")
    assert relations(annotated) == [("Apple", "Founder", "Jobs")]
    info = {"features": {"relation": labelled(["a", "b"])}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info), encoding="utf8")
    (annotated,), _ = read(tmp_path / "data", "hub")
    assert relations(annotated) == [("Jobs", "b", "Apple")]


@pytest.mark.parametrize("by_column", [False, True])
def test_names_of_labels_in_lists(tmp_path, by_column):
    types = labelled(["Org", "Peop"])
    fields = {"type": types, "start": {"dtype": "int32", "_type": "Value"}}
    sequence = {"feature": fields, "_type": "Sequence"}
    features = {"entities": sequence if by_column else [fields], "relations": [{"type": types}]}
    info = tmp_path / "dataset_info.json"
    info.write_text(json.dumps({"features": features}), encoding="utf8")
    entities = [{"type": 1, "start": 0, "end": 1}, {"type": 0, "start": 2, "end": 3}]
    if by_column:
        entities = {"type": [1, 0], "start": [0, 2], "end": [1, 3]}
    record = {"tokens": WORDS, "entities": entities}
    record["relations"] = [{"head": 0, "tail": 1, "type": 1}]
    (annotated,), _ = read_text(tmp_path, json.dumps(record), "spert", on_error="stop")
    assert [m.label for m in annotated.mentions] == ["Peop", "Org"]
    assert relations(annotated) == [("Jobs", "Peop", "Apple")]


def test_docred_by_column(tmp_path):
    vertex = [
        [{"name": w, "sent_id": 0, "pos": [i, i + 1], "type": "X"}] for i, w in enumerate("ab")
    ]
    labels = {"head": [0], "tail": [1], "relation_id": ["P1"], "evidence": [[0]]}
    record = {"title": "t", "sents": [["a", "b"]], "vertexSet": vertex, "labels": labels}
    (annotated,), _ = read_text(tmp_path, json.dumps(record), "docred", on_error="stop")
    assert relations(annotated) == [("a", "P1", "b")]


@pytest.mark.parametrize(("end", "found"), [(3, "founded Apple"), (2, "founded Apple")])
def test_ends_of_tacred_on_the_hub(tmp_path, end, found):
    record = {"token": WORDS, "relation": "r", "subj_type": "A", "obj_type": "B"}
    record |= {"subj_start": 1, "subj_end": end, "obj_start": 0, "obj_end": 1}
    (annotated,), report = read_text(tmp_path, [record], "tacred", on_error="stop")
    mention = annotated.mentions[0]
    assert " ".join(WORDS[mention.start : mention.end]) == found
    message = "files whose ends of mentions were taken for exclusive ones"
    assert list(notes(report)) == ([message] if end == 3 else [])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"sentence": "<e1>Jobs</e1>", "relation": "r"}, "expected one <e1>...</e1> and one <e2>"),
        (
            {"tokens": WORDS, "head": {}, "tail": TAIL, "relation": "r"},
            'of a mention under "indices"',
        ),
        (
            {"tokens": WORDS, "head": HEAD, "relation": "r"},
            '"tail": expected an object, got nothing',
        ),
        ({"tokens": WORDS, "h": {"pos": [1]}, "t": {}, "relation": "r"}, "first token and an end"),
        ({"tokens": WORDS, "ner_tags": ["O"]}, "expected 3 tags, got 1"),
        (
            {"tokens": WORDS, "ner_tags": [0, 0, 0]},
            "got 0; names of labels by number are read from",
        ),
        ({"tokens": WORDS, "ner_tags": ["O", "B-", "O"]}, "expected tags such as B-PER"),
        ({"tokens": WORDS}, '"ner_tags": expected a list, got nothing'),
    ],
)
def test_problems_name_the_place(tmp_path, record, message):
    found, report = read_text(tmp_path, json.dumps(record), "hub")
    assert found == []
    assert message in report.problems[0]
    assert f"{tmp_path / 'data'}, line 1" in report.problems[0]
