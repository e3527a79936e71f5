"""Prompts to a real language model of 135 million parameters: it is hardly ever right, but in form."""

import pytest
import spacy

from rel_component.llm.types import REPORT_KEY

from ..helpers import make_doc

pytest.importorskip("xllamacpp", reason="needs xllamacpp")

pytestmark = pytest.mark.slow

TEXT = "Apple was founded by Steve Jobs in Cupertino, California. Tim Cook now leads the company."
ENTITIES = [
    ("Apple", "ORG"),
    ("Steve Jobs", "PERSON"),
    ("Cupertino", "GPE"),
    ("California", "GPE"),
    ("Tim Cook", "PERSON"),
]
SCHEMA = {
    "relations": [
        {"label": "FOUNDED_BY", "head": ["ORG"], "tail": ["PERSON"]},
        {"label": "LOCATED_IN", "head": ["ORG", "GPE"], "tail": ["GPE"], "asymmetric": True},
        {"label": "CEO_OF", "head": ["PERSON"], "tail": ["ORG"]},
    ]
}


@pytest.fixture
def backend(gguf):
    return {
        "@rel_llm_backends": "rel_component.llama_cpp.v1",
        "path": gguf,
        "n_threads": 1,
        "context_window": 1024,
        "max_tokens": 200,
        "logprobs": True,
    }


def pipeline(backend, **config):
    nlp = spacy.blank("en")
    patterns = [{"label": label, "pattern": text} for text, label in ENTITIES]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    options = {
        "backend": backend,
        "relation_schema": SCHEMA,
        "max_relations": 2,
        "max_entities": 3,
        "on_failure": "raise",
        **config,
    }
    nlp.add_pipe("llm_relation_extractor", config=options)
    return nlp


def check(doc):
    report = doc.user_data[REPORT_KEY]
    assert report["valid"] == report["questions"] > 0
    assert report["usage"]["input_tokens"] > 0
    assert {rel.label for rel in doc._.rel} <= {"FOUNDED_BY", "LOCATED_IN", "CEO_OF"}
    assert all(rel.head.text in TEXT and rel.tail.text in TEXT for rel in doc._.rel)
    assert all(rel.score is not None for rel in doc._.rel)
    assert doc.text == TEXT


@pytest.mark.parametrize("n_examples", [0, 1])
def test_given_mentions_are_related(backend, n_examples):
    nlp = pipeline(backend, template="triples.v1", n_examples=n_examples)
    shown = make_doc(
        nlp.vocab, "Acme is in Oslo", [(0, 1, "ORG"), (3, 4, "GPE")], [(0, "LOCATED_IN", 1)]
    )
    nlp.get_pipe("llm_relation_extractor").set_examples([shown], nlp)
    doc = nlp(TEXT)
    check(doc)
    # the schema of the answer rules these out
    assert not {"argument_types", "unknown_mention"} & doc.user_data[REPORT_KEY]["dropped"].keys()


def test_entities_are_found(backend):
    check(pipeline(backend, mentions="found", template="triples.v1")(TEXT))


def test_pairs_are_asked_about(backend):
    check(pipeline(backend, template="pairs.v1")(TEXT))
