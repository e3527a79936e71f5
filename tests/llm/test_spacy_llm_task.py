"""The task for spacy-llm, in a pipeline of spacy-llm."""

import json
from typing import Callable, Iterable

import pytest
import spacy

from ..helpers import facts

spacy_llm = pytest.importorskip("spacy_llm.registry", reason="spacy-llm is not installed")

SCHEMA = {"relations": [{"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"]}]}
TEXT = "Coca-Cola was founded by Ada Bell."
PATTERNS = [{"label": "ORG", "pattern": "Coca-Cola"}, {"label": "PERSON", "pattern": "Ada Bell"}]


@pytest.fixture
def prompts():
    """The prompts that were sent."""
    return []


@pytest.fixture
def pipeline(prompts):
    """Makes a pipeline of spacy-llm, whose model says the same to every prompt."""

    def make(answer, **task):
        class Model:
            context_length = 4096

            def __call__(self, batch: Iterable[Iterable[str]]) -> Iterable[Iterable[str]]:
                for document in batch:
                    prompts.append(list(document))
                    yield [answer] * len(prompts[-1])

        def model() -> Callable[[Iterable[Iterable[str]]], Iterable[Iterable[str]]]:
            return Model()

        spacy_llm.registry.llm_models.register("rel_component.test_model", func=model)
        nlp = spacy.blank("en")
        nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)
        task = {"@llm_tasks": "rel_component.REL.v1", "relation_schema": SCHEMA, **task}
        config = {"task": task, "model": {"@llm_models": "rel_component.test_model"}}
        nlp.add_pipe("llm", config=config)
        return nlp

    return make


def test_relations_on_the_document_that_came_in(pipeline, prompts):
    nlp = pipeline('{"relations": [{"head": "M1", "label": "founded by", "tail": "M2"}]}')
    doc = nlp(TEXT)
    assert facts(doc) == [("Coca-Cola", "FOUNDED_BY", "Ada Bell")]
    assert doc.text == TEXT
    assert doc.user_data["rel_llm"]["repaired"] == {"label_spelling": 1}
    assert "<M1>Coca-Cola</M1>" in prompts[0][0]
    assert [facts(doc) for doc in nlp.pipe([TEXT, "", TEXT])][1] == []


def test_entities_are_found(pipeline):
    answer = {
        "entities": [{"text": "Coca-Cola", "type": "ORG"}, {"text": "Ada Bell", "type": "PERSON"}],
        "relations": [{"head": "Coca-Cola", "label": "FOUNDED_BY", "tail": "Ada Bell"}],
    }
    doc = pipeline(json.dumps(answer), mentions="found")(TEXT)
    assert facts(doc) == [("Coca-Cola", "FOUNDED_BY", "Ada Bell")]
    assert [span.text for span in doc.spans["llm_entities"]] == ["Coca-Cola", "Ada Bell"]


def test_documents_survive_serialisation(pipeline):
    nlp = pipeline('{"relations": [{"head": "M1", "label": "FOUNDED_BY", "tail": "M2"}]}')
    doc = nlp(TEXT)
    assert facts(spacy.tokens.Doc(nlp.vocab).from_bytes(doc.to_bytes())) == facts(doc)


def test_examples_of_spacy_llm(pipeline, prompts, tmp_path):
    path = tmp_path / "examples.yml"
    path.write_text(
        """
- text: U.S. Steel was founded by J.P. Morgan.
  ents:
    - {label: ORG, start_char: 0, end_char: 10}
    - {label: PERSON, start_char: 26, end_char: 37}
  relations:
    - {dep: 0, dest: 1, relation: FOUNDED_BY}
""",
        encoding="utf8",
    )
    reader = {"@misc": "rel_component.read_prompt_examples.v1", "path": str(path)}
    nlp = pipeline('{"relations": []}', examples=reader)
    nlp.initialize()
    nlp.get_pipe("entity_ruler").add_patterns(PATTERNS)
    assert facts(nlp(TEXT)) == []
    assert "<M1>U.S. Steel</M1> was founded by <M2>J.P. Morgan</M2>" in prompts[-1][0]


def test_events_are_asked_about_by_their_pairs(pipeline):
    roles = {"buyer": {"max": 1}, "seller": {"max": 1}}
    nlp = pipeline("{}", relation_schema={"events": [{"label": "DEAL", "roles": roles}]})
    assert nlp.get_pipe("llm")._task.labels == ("DEAL:buyer>seller",)
