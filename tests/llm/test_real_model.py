"""Prompts to a real language model of 135 million parameters: it is hardly ever right, but in form."""

import pytest

from rel_component.llm.types import REPORT_KEY

from ..helpers import make_doc
from .pipelines import TEXT, make_pipeline
from .test_injections import CASES, MODES, assert_sound

pytest.importorskip("xllamacpp", reason="needs xllamacpp")

pytestmark = pytest.mark.slow


@pytest.fixture
def pipeline(gguf):
    def make(max_tokens, **options):
        backend = {
            "@rel_llm_backends": "rel_component.llama_cpp.v1",
            "path": gguf,
            "n_threads": 1,
            "context_window": 1024,
            "max_tokens": max_tokens,
            "logprobs": True,
        }
        return make_pipeline(backend, client={"timeout": 300.0}, **options)

    return make


@pytest.mark.parametrize(
    "options",
    [{"n_examples": 0}, {"n_examples": 1}, {"mentions": "found"}, {"template": "pairs.v1"}],
    ids=lambda options: next(iter(options.values())),
)
def test_answers_are_in_form(pipeline, options):
    options = {"template": "triples.v1", **options}
    nlp = pipeline(200, max_relations=2, max_entities=3, on_failure="raise", **options)
    shown = make_doc(
        nlp.vocab, "Acme is in Oslo", [(0, 1, "ORG"), (3, 4, "GPE")], [(0, "LOCATED_IN", 1)]
    )
    nlp.get_pipe("llm_relation_extractor").set_examples([shown], nlp)
    doc = nlp(TEXT)
    report = doc.user_data[REPORT_KEY]
    assert report["valid"] == report["questions"] > 0
    assert report["usage"]["input_tokens"] > 0
    assert all(rel.score is not None for rel in doc._.rel)
    assert_sound(doc, TEXT)
    if options.get("mentions") != "found":  # the schema of the answer rules these out
        assert not {"argument_types", "unknown_mention"} & report["dropped"].keys()


@pytest.mark.parametrize("mode", MODES)
def test_injections(pipeline, mode):
    nlp = pipeline(60, mentions=mode)
    texts = [case["text"] for case in CASES[MODES.index(mode) :: 4]]  # others in each mode
    for doc, text in zip(nlp.pipe(texts), texts):
        assert_sound(doc, text)
        assert doc.user_data[REPORT_KEY]["failures"] == ()
