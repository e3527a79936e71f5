"""The corpus of many relation types that scripts/general_corpus.py makes."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import spacy

from rel_component.annotations import get_relations
from rel_component.documents import asked_labels
from rel_component.schema import RelationSchema
from rel_component.spacy_files import read_docs

SCRIPT = Path(__file__).parents[1] / "scripts" / "general_corpus.py"
DOMAINS = {path.stem for path in (SCRIPT.parents[1] / "assets" / "domains").glob("*.yaml")}
PROPERTIES = """ID,label,description,aliases,Data type,Count
P1,part of,the whole,"within, in",WikibaseItem,3
P2,mother,the parent,mum,WikibaseItem,3
"""


def sentence(words, head, tail):
    names = [" ".join(words[i] for i in tokens) for tokens in (head, tail)]
    return {"tokens": words, "h": [names[0], "Q1", [head]], "t": [names[1], "Q2", [tail]]}


@pytest.fixture
def data(tmp_path):
    fewrel = {
        "P1": [sentence(["oslo", "in", "norway"], [0], [2])],
        "P2": [sentence(["ann", "bore", "bo"], [2], [0])],
    }
    record = {
        "title": "x",
        "sents": [["Bo", "and", "Ann"], ["Oslo", "and", "Rome"], ["Bo"]],
        "vertexSet": [
            [
                {"name": "Bo", "pos": [0, 1], "sent_id": 0, "type": "PER"},
                {"name": "Bo", "pos": [0, 1], "sent_id": 2, "type": "PER"},
            ],
            [{"name": "Ann", "pos": [2, 3], "sent_id": 0, "type": "PER"}],
            [{"name": "Oslo", "pos": [0, 1], "sent_id": 1, "type": "LOC"}],
            [{"name": "Rome", "pos": [2, 3], "sent_id": 1, "type": "LOC"}],
        ],
        "labels": [
            {"h": 0, "t": 1, "r": "P2", "evidence": []},
            {"h": 2, "t": 3, "r": "P1", "evidence": [0]},
        ],
    }
    files = {
        "fewrel_train64/train_wiki_sample.json": json.dumps(fewrel),
        "redocred/dev_revised.json": json.dumps([record]),
        "wikidata_properties/wikidata-properties.csv": PROPERTIES,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf8")
    return tmp_path


@pytest.fixture
def made(data, monkeypatch):
    return lambda *options: make(data, monkeypatch, *options)


def make(data, monkeypatch, *options):
    output = data / "output"
    command = [str(SCRIPT), str(data), str(output), "--dev", "0", *options]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.syspath_prepend(SCRIPT.parent)
    runpy.run_path(str(SCRIPT), run_name="__main__")
    docs = list(read_docs(output / "train.spacy", spacy.blank("en")))
    relations = sorted(str(rel) for doc in docs for rel in get_relations(doc))
    return docs, relations, RelationSchema.from_file(output / "schema.yaml")


def test_documents_are_asked_about_the_labels_of_their_data_set(made):
    docs, relations, schema = made("--parts", "fewrel", "redocred")
    assert relations == ["(Bo, mother, Ann)", "(bo, mother, ann)", "(oslo, part of, norway)"]
    assert len(docs) == 4  # a sentence whose relation another one shows has none
    assert {asked_labels(doc) for doc in docs} == {frozenset(schema)}
    assert schema["part of"].aliases == ("within", "in")


def test_relations_are_left_out_with_their_sentences(made):
    docs, relations, schema = made("--parts", "redocred", "fewrel", "--leave-out", "P2")
    assert relations == ["(oslo, part of, norway)"]
    assert len(docs) == 2
    assert schema.labels == ("part of",)


def test_sentences_of_templates_are_asked_about_all_labels(made):
    docs, relations, schema = made(
        "--parts", "unrelated", "--most", "unrelated=99", "--repeat", "unrelated=2"
    )
    assert relations == []
    assert len(schema) == 0
    assert {asked_labels(doc) for doc in docs} == {None}
    assert all(doc.has_annotation("SENT_START") for doc in docs)  # which candidate pairs need
    assert len(docs) == 198
    assert len({doc.text for doc in docs}) == 99
    assert {ent.label_ for doc in docs for ent in doc.ents} <= {
        "PERSON",
        "ORG",
        "LOC",
        "DATE",
        "MISC",
    }
    assert all(len(doc.ents) > 1 for doc in docs)


def test_a_pair_has_the_inverse_too_and_is_not_asked_about_what_may_hold(data, made):
    fewrel = {
        "P57": [sentence(["heat", "by", "mann"], [0], [2])],
        "P86": [sentence(["alien", "with", "music", "of", "goldsmith"], [0], [4])],
    }
    # the director wrote the script: where P57 holds, P58 may hold as well
    pair = [{"h": 0, "t": 1, "r": key, "evidence": []} for key in ("P57", "P58")]
    record = {"title": "x", "sents": [], "vertexSet": [], "labels": pair}
    properties = (
        "ID,label,description,aliases\nP57,director,,\nP58,screenwriter,,\nP86,composer,,\n"
    )
    fewrel["P58"] = [sentence(["up", "by", "docter"], [0], [2])]
    (data / "fewrel_train64" / "train_wiki_sample.json").write_text(json.dumps(fewrel))
    (data / "redocred" / "dev_revised.json").write_text(json.dumps([record]))
    (data / "wikidata_properties" / "wikidata-properties.csv").write_text(properties)
    docs, relations, _ = made("--parts", "fewrel", "--leave-out", "P58")
    assert relations == [
        "(alien, composer, goldsmith)",
        "(goldsmith, composed, alien)",
        "(heat, director, mann)",
        "(mann, directed, heat)",
    ]
    docs, _, _ = made("--parts", "fewrel")
    asked = {doc.text.split()[0]: asked_labels(doc) for doc in docs}
    assert asked["heat"] == {"director", "directed", "composer", "composed"}
    assert len(asked["alien"]) == 6


def test_descriptions_lose_what_they_say_to_editors(data, made):
    text = '"seat of the club (or team). Use P276 for places - do not use for people; see P17"'
    path = data / "wikidata_properties" / "wikidata-properties.csv"
    path.write_text(f"ID,label,description,aliases\nP1,seat,{text},\nP2,head,,\n")
    _, _, schema = made("--parts", "fewrel")
    assert schema["seat"].description == "seat of the club."


def test_sentences_of_a_domain_are_asked_about_its_labels(made):
    docs, _, schema = made("--parts", "domains", "--leave-out", *(DOMAINS - {"courts", "books"}))
    assert {"REPRESENTED_BY", "represented by"} <= set(schema)
    assert {len(asked_labels(doc)) for doc in docs} == {12}
    assert schema[
        "SUED"
    ].inferred  # other types are not forbidden, so that they teach to find nothing


def test_labels_of_knowledgenet_that_other_parts_have_get_names_of_their_own(data, made):
    record = {
        "fold": 1,
        "text": "Bo founded Acme",
        "facts": [{"head": [11, 15], "label": "FOUNDED_BY", "tail": [0, 2]}],
        "annotated_properties": ["FOUNDED_BY"],
    }
    (data / "knowledgenet").mkdir()
    (data / "knowledgenet" / "folds123.jsonl").write_text(json.dumps(record))
    parts = ("--parts", "domains", "knowledgenet", "--most", "domains=0")
    (doc,), relations, schema = made(*parts, "--leave-out", *(DOMAINS - {"places"}))
    assert relations == ["(Acme, FOUNDED_BY__, Bo)"]
    assert asked_labels(doc) == {"FOUNDED_BY__"}
    assert {"FOUNDED_BY_", "SUBSIDIARY_OF_", "CEO"} <= set(schema)  # the first is of the domain
    assert not {"FOUNDED_BY", "SUBSIDIARY_OF"} & set(schema)  # which are of the business corpus


def test_entities_of_domains_get_the_types_of_the_general_pipeline(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    from general_entities import with_types

    words = ["Oslo District Court", "5 million euros", "sandstone", "aspirin", "Salt Roads", "Rome"]
    types = ["COURT", "MONEY", "ROCK", "DRUG", "GAME", "STATE"]
    doc = spacy.blank("en")(" | ".join(words))
    found = [doc.text.index(text) for text in words]
    doc.ents = [
        doc.char_span(start, start + len(text), label=label)
        for start, text, label in zip(found, words, types)
    ]
    (copy,) = with_types([doc])
    assert [(ent.text, ent.label_) for ent in copy.ents] == [
        ("Oslo District Court", "ORG"),
        ("aspirin", "MISC"),
        ("Salt Roads", "MISC"),
        ("Rome", "LOC"),
    ]
