"""Documents that tell the model what to do, and a model that does it."""

import json
import re
from pathlib import Path

import pytest

from rel_component.llm.types import REPORT_KEY

from ..helpers import facts
from .pipelines import ENTITIES, make_pipeline, replay

LINES = (Path(__file__).parent / "injections.jsonl").read_text(encoding="utf8").splitlines()
CASES = [json.loads(line) for line in LINES]
MODES = ("given", "found")
TYPES = {"ORG", "PERSON", "GPE"}
TEMPLATES = ["relations.v1", "triples.v1", "subject_relation_object.v1"]


@pytest.fixture
def obedient(tmp_path):
    """Makes a pipeline whose model says what was recorded."""

    def make(reply, mode, **options):
        return make_pipeline(replay(tmp_path, {"text": reply}), mentions=mode, **options)

    return make


def assert_sound(doc, text):
    """Only labels of the schema, only spans of the document, and nothing else has changed."""
    assert doc.text == text
    found = list(doc.spans.get("llm_entities", []))
    for rel in doc._.rel:
        assert rel.label in ("FOUNDED_BY", "LOCATED_IN")
        found += [rel.head, rel.tail]
    for span in found:
        assert span.doc is doc
        assert 0 <= span.start < span.end <= len(doc)
        assert span.label_ in TYPES
    assert {ent.text for ent in doc.ents} == {text for text, _ in ENTITIES}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.slow
def test_obeying_the_document_is_of_no_use(obedient, case, mode):
    doc = obedient(case[mode]["reply"], mode)(case["text"])
    assert_sound(doc, case["text"])
    assert [list(fact) for fact in facts(doc)] == case[mode]["expected"]
    report = doc.user_data[REPORT_KEY]
    assert report["failures"] == ()
    assert sum(report["dropped"].values()) > 0 or case[mode]["expected"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_in_a_document_looks_like_our_marks(obedient, mode, template):
    nlp = obedient("", mode, template=template)
    find_entities, extractor = (nlp.get_pipe(name) for name in nlp.pipe_names)
    for case in CASES:
        doc = find_entities(nlp.make_doc(case["text"]))
        (question,) = extractor.questions(doc)
        prompt = question.messages[-1].content
        tags = re.findall(r"</?document\b[^>]*>", prompt, re.IGNORECASE)
        assert tags == ["<document>", "</document>"]
        marks = re.findall(r"</?M\d+\b[^>]*>", prompt, re.IGNORECASE)
        n_mentions = len(question.mentions) if mode == "given" else 0
        assert sorted(marks) == sorted(
            mark for i in range(1, n_mentions + 1) for mark in (f"<M{i}>", f"</M{i}>")
        )
