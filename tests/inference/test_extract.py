"""``extract`` and the reading of texts, as Python users call them."""

import json

import pytest
import spacy
from spacy.language import Language

from rel_component import extract, read_texts
from rel_component.errors import ConfigError


@Language.component("test_neighbours")
def relate_neighbours(doc):
    doc._.rel = [(head, "BEFORE", tail) for head, tail in zip(doc.ents, doc.ents[1:])]
    return doc


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    patterns = [{"label": "ORG", "pattern": name} for name in ("Acme", "Orbit")]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("test_neighbours")
    return nlp


def test_texts_become_records_in_order(nlp):
    first, second = extract(nlp, ["Acme bought Orbit .", "Nothing ."])
    assert first["text"] == "Acme bought Orbit ."
    assert [entity["text"] for entity in first["entities"]] == ["Acme", "Orbit"]
    (relation,) = first["relations"]
    assert (relation["head"]["text"], relation["label"]) == ("Acme", "BEFORE")
    assert second == {"text": "Nothing .", "entities": [], "relations": []}
    json.dumps([first, second])


def test_records_keep_their_fields(nlp):
    (record,) = extract(nlp, [("Acme", {"id": 7, "text": "replaced"})])
    assert (record["id"], record["text"]) == (7, "Acme")


def test_texts_are_taken_one_batch_at_a_time(nlp):
    taken = []

    def texts():
        for i in range(100):
            taken.append(i)
            yield f"Acme {i}"

    records = extract(nlp, texts(), batch_size=10)
    next(records)
    assert len(taken) <= 10


def test_two_processes_extract_what_one_does(nlp):
    texts = ["Acme bought Orbit ."] * 5
    assert list(extract(nlp, texts, n_process=2, batch_size=2)) == list(extract(nlp, texts))


def test_one_string_is_not_several_texts(nlp):
    with pytest.raises(ConfigError, match="read_texts"):
        extract(nlp, "texts.jsonl")


def test_a_pipeline_that_is_not_there():
    with pytest.raises(ConfigError, match="nowhere cannot be loaded"):
        extract("nowhere", ["text"])
    with pytest.raises(ConfigError, match=r"nowhere\.cfg cannot be loaded"):
        extract("nowhere.cfg", ["text"])


def test_lines_and_objects_are_texts(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\n two \n", encoding="utf8")
    (tmp_path / "b.jsonl").write_text('{"text": "one", "id": 1}\n', encoding="utf8")
    assert list(read_texts(tmp_path / "a.txt")) == [("one", {}), (" two ", {})]
    assert list(read_texts(str(tmp_path / "b.jsonl"))) == [("one", {"text": "one", "id": 1})]
