"""The component ``span_recognizer`` in a pipeline."""

import numpy
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from rel_component.errors import ConfigError
from rel_component.mentions import scored_mentions

from ..encoders import TINY_TOK2VEC
from ..helpers import make_doc, make_example, train

HIRED = "Acme Labs hired Ada"
MENTIONS = [(0, 2, "ORG"), (3, 4, "PERSON")]
MODEL = {
    "@architectures": "rel_component.SpanScorer.v1",
    "hidden_size": 32,
    "max_width": 4,
    "tok2vec": TINY_TOK2VEC,
}


def pipeline(**config):
    config.setdefault("max_mentions", 1.0)  # texts are short
    nlp = spacy.blank("en")
    nlp.add_pipe("span_recognizer", config={"model": MODEL, **config})
    return nlp


def examples_of(nlp, mentions=MENTIONS, spans_key=None):
    references = [
        make_doc(nlp.vocab, HIRED, mentions, spans_key=spans_key),
        make_doc(nlp.vocab, "Bo left Orbit", [(0, 1, "PERSON"), (2, 3, "ORG")]),
        make_doc(nlp.vocab, ""),
    ]
    return [make_example(reference, []) for reference in references]


@pytest.fixture(scope="module")
def nlp():
    spacy.util.fix_random_seed(0)
    nlp = pipeline()
    train(nlp, examples_of(nlp))
    return nlp


def entities(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def test_learns_to_find_entities(nlp):
    assert entities(nlp(HIRED)) == MENTIONS
    assert nlp.get_pipe("span_recognizer").labels == ("ORG", "PERSON")
    scores = nlp.evaluate(examples_of(nlp))
    assert scores["ents_f"] == 1.0
    assert set(scores["ents_per_type"]) == {"ORG", "PERSON"}


def test_a_stream_gives_what_single_calls_give(nlp):
    texts = [HIRED, "", "Bo left Orbit", "x"] * 3
    for doc, text in zip(nlp.pipe(texts, batch_size=5), texts):
        alone = nlp(text)
        assert entities(doc) == entities(alone)
        found, expected = (scored_mentions(d, "mentions") for d in (doc, alone))
        assert [str(span) for span, _ in found] == [str(span) for span, _ in expected]
        numpy.testing.assert_allclose(
            [score for _, score in found], [score for _, score in expected], rtol=1e-4
        )


def test_initialising_again_begins_to_count_updates_anew():
    nlp = pipeline(annotate_after=1)
    data = examples_of(nlp)
    for _ in range(2):
        nlp.initialize(lambda: data)
        nlp.get_pipe("span_recognizer").update(data)  # that of the pipeline is given copies
        assert not any("mentions" in eg.predicted.spans for eg in data)


@pytest.mark.parametrize("way", ["disk", "bytes"])
def test_round_trip(nlp, tmp_path, way):
    if way == "disk":
        nlp.to_disk(tmp_path)
        loaded = spacy.load(tmp_path)
    else:
        loaded = pipeline().from_bytes(nlp.to_bytes())
    assert entities(loaded(HIRED)) == MENTIONS


def test_nested_mentions_are_learned_from_the_span_group():
    nested = [(0, 1, "PERSON"), (0, 2, "ORG"), (3, 4, "PERSON")]
    nlp = pipeline()
    train(nlp, examples_of(nlp, nested, "mentions"))
    doc = nlp(HIRED)
    found = {(s.start, s.end, s.label_) for s, score in scored_mentions(doc, "mentions")}
    assert found == set(nested)
    assert len(doc.ents) == 2
    assert nlp.evaluate(examples_of(nlp, nested, "mentions"))["mentions_f"] == 1.0


@pytest.mark.parametrize(("after", "annotated"), [(0, True), (1, True), (2, False), (None, False)])
def test_components_after_it_see_what_it_finds_while_it_learns(nlp, after, annotated):
    nlp = pipeline(annotate_after=after).from_bytes(nlp.to_bytes())
    seen = []

    class Watcher:
        is_trainable = True

        def __call__(self, doc):
            return doc

        def update(self, examples, **_):
            seen.append([entities(eg.predicted) for eg in examples])

    spacy.Language.component("watcher", func=Watcher())
    nlp.add_pipe("watcher")
    examples = examples_of(nlp)
    for _ in range(2):
        nlp.update(examples)
    assert seen[-1][0] == (MENTIONS if annotated else [])
    assert entities(examples[0].predicted) == []  # a copy was annotated


def test_entities_of_components_before_it_stay(nlp):
    doc = nlp.make_doc(HIRED)
    doc.ents = [Span(doc, 1, 2, label="PLACE")]
    assert entities(nlp(doc)) == [(1, 2, "PLACE"), (3, 4, "PERSON")]


def test_mentions_may_be_no_entities(nlp):
    recognizer = nlp.get_pipe("span_recognizer")
    doc = nlp.make_doc(HIRED)
    doc.ents = [Span(doc, 3, 4, label="PLACE")]
    recognizer.write_ents = False
    try:
        recognizer(doc)
    finally:
        recognizer.write_ents = True
    assert entities(doc) == [(3, 4, "PLACE")]
    found = {(s.start, s.end) for s, score in scored_mentions(doc, "mentions") if score > 0.5}
    assert found == {(0, 2), (3, 4)}


def test_a_new_type_leaves_the_others_as_they_are():
    nlp = pipeline()
    train(nlp, examples_of(nlp))
    recognizer = nlp.get_pipe("span_recognizer")
    assert recognizer.add_label("GPE") == 1
    assert recognizer.add_label("GPE") == 0
    assert entities(nlp(HIRED)) == MENTIONS
    sgd = nlp.resume_training()
    sgd.learn_rate = 0.01
    more = make_example(make_doc(nlp.vocab, "Bo left Oslo", [(2, 3, "GPE")]), [])
    for _ in range(60):
        nlp.update([*examples_of(nlp), more], sgd=sgd)
    assert (2, 3, "GPE") in entities(nlp("Bo left Oslo"))


def test_mentions_that_are_too_long_are_reported():
    nlp = pipeline()
    doc = make_doc(nlp.vocab, "The Company of the Long Name", [(0, 6, "ORG")])
    with pytest.warns(UserWarning, match="1 of 1 annotated mentions have more than max_width = 4"):
        nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])


def test_types_that_are_none_of_its_labels_are_reported_once():
    nlp = pipeline()
    nlp.initialize(lambda: examples_of(nlp))
    other = make_example(make_doc(nlp.vocab, "Bo left Oslo", [(2, 3, "GPE")]), [])
    with pytest.warns(UserWarning, match="mentions of the types GPE, which are none of its"):
        nlp.update([other])
    nlp.update([other])


def test_clear_errors(nlp):
    with pytest.raises(ConfigError, match="min_score must lie in"):
        pipeline(min_score=2.0)
    with pytest.raises(ConfigError, match="max_mentions"):
        pipeline(max_mentions=0)
    with pytest.raises(ConfigError, match="annotate_after"):
        pipeline(annotate_after=-1)
    with pytest.raises(ConfigError, match="not initialised"):
        pipeline()("a text")
    empty = make_doc(nlp.vocab, "a b")
    with pytest.raises(ConfigError, match="no entity in the examples"):
        pipeline().initialize(lambda: [Example(empty, empty)])


def test_training_on_empty_documents(nlp):
    empty = Doc(nlp.vocab)
    recognizer = nlp.get_pipe("span_recognizer")
    assert recognizer.update([Example(empty, empty)]) == {"span_recognizer": 0.0}
