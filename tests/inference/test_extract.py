"""``extract`` and the reading of texts, as Python users call them."""

import json
import multiprocessing

import pytest
import spacy
from spacy.language import Language

from rel_component import extract, read_texts
from rel_component.errors import ConfigError, DataError, RelComponentError
from rel_component.inference.extract import find_evidence
from rel_component.types import Relation

from . import trap


@Language.component("test_neighbours")
def relate_neighbours(doc):
    doc._.rel = [(head, "BEFORE", tail) for head, tail in zip(doc.ents, doc.ents[1:])]
    return doc


@Language.component("test_nothing", assigns=["doc.ents"])
def do_nothing(doc):
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
    acme, orbit = first["entities"]
    assert acme == {"id": "T1", "start": 0, "end": 4, "label": "ORG", "text": "Acme"}
    (relation,) = first["relations"]
    assert relation == {"head": "T1", "label": "BEFORE", "tail": orbit["id"], "score": 1.0}
    assert second == {"text": "Nothing .", "entities": [], "relations": []}
    json.dumps([first, second])


def test_records_keep_their_fields(nlp):
    given = {"id": 7, "text": "Acme", "meta": {"a": 1}, "source": "web", "entities": []}
    (record, other) = extract(nlp, [("Acme", given), ("Acme", {"text": "of a page"})])
    assert (record["id"], record["text"]) == (7, "Acme")
    assert record["meta"] == {"a": 1, "source": "web"}
    assert (other["text"], other["meta"]) == ("Acme", {"text": "of a page"})
    assert len(record["entities"]) == 1


def test_texts_before_an_error_are_processed(nlp):
    def texts():
        yield "Acme"
        raise DataError("broken")

    records = extract(nlp, texts())
    assert next(records)["text"] == "Acme"
    with pytest.raises(DataError, match="broken"):
        next(records)


def test_pipelines_without_relations():
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler")
    for pipes in ([], ["sentencizer"], ["test_nothing"]):
        for name in pipes:
            nlp.add_pipe(name)
        with pytest.raises(ConfigError, match="no component that finds relations"):
            extract(nlp, [])


@pytest.mark.parametrize("has_sentences", [True, False])
def test_evidence_is_the_sentences_of_head_and_tail(has_sentences):
    nlp = spacy.blank("en")
    doc = nlp("Ada left. Bo runs Acme. It is old. Cy came.")
    if has_sentences:
        nlp.add_pipe("sentencizer")(doc)
    ada, bo, acme, cy = (doc[i : i + 1] for i in (0, 3, 5, 11))
    relations = [Relation(*pair) for pair in ((bo, "R", acme), (acme, "R", ada), (cy, "R", bo))]
    assert find_evidence(doc, relations) == [
        "Bo runs Acme.",
        "Ada left. Bo runs Acme.",
        "Bo runs Acme. ... Cy came.",
    ]
    assert find_evidence(nlp(""), []) == []


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


def test_an_error_of_another_process_is_one_line():
    nlp = spacy.blank("en")
    nlp.add_pipe(trap.NAME)
    message = r"failed: ValueError: a text to fail at; extract_files \(--output\) lists"
    with pytest.raises(RelComponentError, match=message):
        list(extract(nlp, ["Acme", "RAISE"], n_process=2))


def test_the_end_of_a_process_is_an_error():
    nlp = spacy.blank("en")
    nlp.add_pipe(trap.NAME)
    with pytest.raises(RelComponentError, match="ended with exit code 3"):
        list(extract(nlp, ["Acme", "EXIT"], n_process=2, batch_size=1))


def test_processes_end_when_no_more_documents_are_wanted(nlp):
    texts = ["Acme bought Orbit ." * 500] * 100  # more than pipes hold
    records = extract(nlp, texts, n_process=2, batch_size=1)
    next(records)
    assert len(multiprocessing.active_children()) == 2
    records.close()
    assert multiprocessing.active_children() == []


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
    assert list(read_texts(tmp_path / "a.txt")) == [
        ("one", {"id": 1, "text": "one"}),
        (" two ", {"id": 3, "text": " two "}),
    ]
    assert list(read_texts(str(tmp_path / "b.jsonl"))) == [("one", {"text": "one", "id": 1})]
