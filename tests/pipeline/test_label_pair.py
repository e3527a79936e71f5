"""Training of a relation extractor whose model reads its labels."""

import numpy
import pytest
import spacy
from spacy.training import Example

from rel_component.documents import ask_only
from rel_component.errors import ConfigError
from rel_component.models.encoder import encode_sentences

from ..encoders import TINY_TOK2VEC
from ..helpers import facts
from .label_readers import examples, found, learned, pipeline


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"adaptive_threshold": False}, marks=pytest.mark.slow),
        pytest.param({"adaptive_threshold": False, "exclusive": True}, marks=pytest.mark.slow),
    ],
)
def test_it_learns_two_sentences_in_both_directions(options, trained):
    nlp = learned(**options) if options else trained
    founded, met = examples(nlp)
    assert found(nlp, founded) == [("ada", "FOUNDED", "acme")]
    assert sorted(found(nlp, met)) == [("bo", "MET", "cy"), ("cy", "MET", "bo")]


def test_only_adapters_learn_and_labels_are_read_as_before(trained):
    new = learned(steps=0)
    texts = ["ada met bo", ""]
    old, now = (
        encode_sentences(nlp.get_pipe("shared_encoder").model, texts) for nlp in (new, trained)
    )
    numpy.testing.assert_array_equal(old, now)
    doc = examples(new)[0].predicted
    vectors = [nlp.get_pipe("shared_encoder").model.predict([doc])[0] for nlp in (new, trained)]
    assert numpy.abs(vectors[0] - vectors[1]).max() > 1e-3


@pytest.mark.parametrize("shared", [True, False])
def test_an_encoder_that_reads_labels_learns_through_adapters(shared):
    nlp = learned(steps=0, adapter_rank=0, shared=shared)
    data = examples(nlp)
    with pytest.raises(ConfigError, match=r"encoder that reads the labels.* adapter_rank = 16"):
        nlp.update(data)


def test_a_frozen_encoder_needs_no_adapters():
    nlp = learned(steps=0, adapter_rank=0)
    data = examples(nlp)
    options = {"exclude": ["shared_encoder"], "annotates": ["shared_encoder"]}
    assert nlp.update(data, **options)["relation_extractor"] > 0


def test_labels_need_a_sentence_encoder():
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "relation_extractor",
        config={"model": {"@architectures": "rel_component.LabelPair.v1", "tok2vec": TINY_TOK2VEC}},
    )
    with pytest.raises(ConfigError, match="there is none of the kind"):
        nlp.initialize(lambda: examples(nlp))


def test_a_document_is_asked_about_its_labels_only(trained):
    founded = examples(trained)[0]
    ask_only(founded.predicted, ["MET"])
    assert found(trained, founded) == []
    extractor = trained.get_pipe("relation_extractor")
    trained.get_pipe("shared_encoder")(founded.predicted)
    values = extractor.predict([founded.predicted]).values
    assert values[:, 0].max() == 0.0


def test_what_is_not_asked_is_not_learned():
    nlp = spacy.blank("en")
    extractor = nlp.add_pipe("relation_extractor")
    data = examples(nlp)
    nlp.initialize(lambda: data)
    for eg in data:
        ask_only(eg.predicted, ["MET"])
    kept = []
    original = extractor.model._func

    def watch(model, X, is_train):
        Y, backprop = original(model, X, is_train)
        return Y, lambda dY: kept.append(dY) or backprop(dY)

    extractor.model._func = watch
    nlp.update(data, drop=0.0)
    (d_logits,) = kept
    column = extractor.output_labels.index("FOUNDED")
    assert not d_logits[:, column].any()
    assert d_logits[:, 3 - column].any()


def test_bad_askings_are_refused(trained):
    eg = examples(trained)[0]
    eg.predicted.user_data["asked_labels"] = "MET"
    with pytest.raises(ValueError, match="expected a list of labels"):
        found(trained, Example(eg.predicted, eg.reference))


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        ("Encoder", {"name": "x", "adapter_rank": -1}, "adapter_rank must lie in"),
        ("LabelPair", {"tok2vec": TINY_TOK2VEC, "window": -1}, "window must be 0 or more"),
        (
            "LabelPair",
            {"tok2vec": TINY_TOK2VEC, "mention_weight": -0.1},
            "mention_weight must be a",
        ),
        ("LabelPair", {"tok2vec": TINY_TOK2VEC, "n_prototypes": 0}, "n_prototypes must be 1"),
        ("LabelPair", {"tok2vec": TINY_TOK2VEC, "scale": 0.0}, "scale above 0"),
    ],
)
def test_options_out_of_range(architecture, options, message):
    config = {"@architectures": f"rel_component.{architecture}.v1", **options}
    with pytest.raises(ConfigError, match=message):
        spacy.registry.resolve({"model": config})


@pytest.mark.parametrize("options", [{}, {"shared": False, "consistency": 1.0}])
def test_labels_vary_in_training_alone(options):
    nlp = learned(steps=0, label_variation=1.0, **options)
    scorer = nlp.get_pipe("relation_extractor").model.get_ref("output_layer")
    own, seen = scorer.attrs["labels"], []
    inner = scorer._func

    def look(model, X, is_train):
        seen.append(model.attrs["labels"])
        return inner(model, X, is_train)

    scorer._func = look
    data = examples(nlp)
    for _ in range(2):
        nlp.update(data, sgd=False)
    nlp(data[0].predicted)
    scorer._func = inner
    assert seen[2] is own
    assert not numpy.allclose(seen[0], seen[1])
    numpy.testing.assert_allclose(numpy.linalg.norm(seen[0], axis=1), 1, atol=1e-5)
    assert scorer.attrs["labels"] is own


@pytest.mark.slow
def test_varied_labels_are_learned():
    nlp = learned(label_variation=1.0)
    for example in examples(nlp):
        assert found(nlp, example) == facts(example.reference)


def test_a_variation_out_of_range():
    with pytest.raises(ConfigError, match=r"label_variation must lie in \[0, 1\], got 2"):
        pipeline(label_variation=2)
