"""Tokens that are merged or split between the encoder and the components that read its vectors."""

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span

from rel_component.errors import ConfigError
from rel_component.pipeline.shared_encoder import DEFAULT_TOK2VEC

from ..helpers import make_doc, make_example

TEXT = "Mary Ann Lee founded Globex in New York City"
MENTIONS = [(0, 3, "PERSON"), (4, 5, "ORG"), (6, 9, "GPE")]
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96}


@Language.component("split_first", retokenizes=True)
def split_first(doc):
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[0], ["Ma", "ry"], heads=[doc[0], doc[0]])
    return doc


def pipeline(encoder, words=TEXT, mentions=MENTIONS):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    nlp.add_pipe(encoder, config={"model": DEFAULT_TOK2VEC})
    model = {"@architectures": "rel_component.SpanPair.v1", "tok2vec": LISTENER}
    nlp.add_pipe("relation_extractor", config={"model": model})
    examples = [make_example(make_doc(nlp.vocab, words, mentions, [(0, "FOUNDED", 1)]))]
    nlp.initialize(lambda: examples)
    ruler.add_patterns([{"label": "PERSON", "pattern": "Mary Ann Lee"}])
    ruler.add_patterns([{"label": "ORG", "pattern": "Globex"}])
    return nlp


@pytest.fixture(scope="module")
def pipelines():
    return {encoder: pipeline(encoder) for encoder in ("shared_encoder", "tok2vec")}


@pytest.mark.parametrize(
    ("encoder", "change"),
    [
        ("shared_encoder", "split_first"),
        ("shared_encoder", "merge_entities"),
        ("tok2vec", "merge_entities"),
    ],
)
def test_vectors_of_other_tokens_are_refused(pipelines, encoder, change):
    nlp = pipelines[encoder]
    nlp.add_pipe(change, before="relation_extractor")
    try:
        with pytest.raises(
            ConfigError, match=r"relation_extractor: tokens of 'Mary Ann .*merged or"
        ):
            nlp(TEXT)
    finally:
        nlp.remove_pipe(change)


def test_an_error_handler_loses_the_documents_at_fault_alone(pipelines):
    nlp, errors = pipelines["shared_encoder"], []
    nlp.add_pipe("merge_entities", before="relation_extractor")
    nlp.set_error_handler(lambda name, component, docs, error: errors.append((name, docs, error)))
    try:
        docs = [*nlp.pipe(["Globex is old", TEXT, "", "Ann left"])]
        assert [doc.text for doc in docs] == ["Globex is old", "", "Ann left"]
    finally:
        nlp.remove_pipe("merge_entities")
        nlp.set_error_handler(spacy.util.raise_error)
    ((name, (doc,), error),) = errors
    assert (name, doc.text, type(error)) == ("relation_extractor", TEXT, ConfigError)


@pytest.mark.parametrize("place", [{"first": True}, {"last": True}])
def test_other_places_are_as_good_as_any(pipelines, place):
    nlp = pipelines["shared_encoder"]
    nlp.add_pipe("merge_entities", **place)
    try:
        nlp(nlp(TEXT)).to_bytes()
    finally:
        nlp.remove_pipe("merge_entities")


def test_an_encoder_of_its_own_sees_merged_tokens():
    nlp = spacy.blank("en")
    nlp.add_pipe("span_recognizer")
    nlp.add_pipe("merge_entities")
    nlp.add_pipe("relation_extractor", config={"spans_key": "mentions"})
    examples = [make_example(make_doc(nlp.vocab, TEXT, MENTIONS, [(0, "FOUNDED", 1)]))]
    nlp.initialize(lambda: examples)
    doc = nlp.make_doc(TEXT)
    doc.ents = [Span(doc, start, end, label=label) for start, end, label in MENTIONS]
    doc = nlp(doc)
    assert [ent.text for ent in doc.ents] == ["Mary Ann Lee", "Globex", "New York City"]
    assert len(doc) == len(make_doc(nlp.vocab, TEXT)) - 4
    assert {"Mary Ann Lee", "Globex"} <= {span.text for span in doc.spans["mentions"]}


def test_tokens_with_white_space_inside_are_no_change_where_training_had_them():
    words = ["Mary Ann Lee", "founded", "Globex"]
    nlp = pipeline("tok2vec", words, [(0, 1, "PERSON"), (2, 3, "ORG")])
    nlp.add_pipe("merge_entities", before="relation_extractor")
    assert len(nlp(TEXT)) == 7
