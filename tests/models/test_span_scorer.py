"""The model that scores spans as mentions."""

import numpy
import pytest
import spacy
from thinc.api import set_dropout_rate

from rel_component.errors import ConfigError
from rel_component.models import span_scorer
from rel_component.models.span_scorer import build_span_scorer
from rel_component.pipeline.recognition import enumerate_spans

from ..gradients import assert_gradients
from ..helpers import fixed_tok2vec, make_doc

WIDTH, N_OUTPUTS, MAX_WIDTH = 8, 3, 3


@pytest.fixture
def docs(vocab):
    return [make_doc(vocab, text) for text in ("a b c d e", "", "f", "g h")]


def token_vectors(docs):
    rng = numpy.random.default_rng(0)
    return [rng.normal(size=(len(doc), WIDTH)).astype("float32") for doc in docs]


def initialised(docs, vectors, **options):
    """A model without dropout over fixed token vectors, with weights that are not zero."""
    model = build_span_scorer(
        fixed_tok2vec(vectors), hidden_size=16, max_width=MAX_WIDTH, **options
    )
    X = (docs, enumerate_spans(docs, MAX_WIDTH))
    model.initialize(X=X, Y=model.ops.alloc2f(1, N_OUTPUTS))
    set_dropout_rate(model, 0.0)
    return model, X


def test_spans_are_ordered_and_stay_within_their_documents(docs):
    spans = enumerate_spans(docs[1:], MAX_WIDTH)  # of one and of two tokens
    assert spans.tolist() == [[0, 1], [1, 2], [1, 3], [2, 3]]
    assert len(enumerate_spans(docs[:1], 2)) == 5 + 4
    assert enumerate_spans([docs[1]], 2).shape == (0, 2)
    assert enumerate_spans([], 2).shape == (0, 2)


def test_a_batch_scores_like_its_documents(docs):
    vectors = token_vectors(docs)
    model, X = initialised(docs, vectors)
    Y = model.predict(X)
    assert Y.shape == (len(X[1]), N_OUTPUTS)
    one_by_one = []
    for doc, values in zip(docs, vectors):
        model.get_ref("tok2vec").attrs["vectors"] = [values]
        one_by_one.append(model.predict(([doc], enumerate_spans([doc], MAX_WIDTH))))
    numpy.testing.assert_allclose(Y, numpy.concatenate(one_by_one), rtol=1e-5, atol=1e-6)


def test_blocks_and_training_score_the_same(docs):
    vectors = token_vectors(docs)
    model, X = initialised(docs, vectors)
    blockwise, _ = initialised(docs, vectors, block_size=4)
    blockwise.from_bytes(model.to_bytes())
    Y, _ = model.begin_update(X)
    numpy.testing.assert_allclose(model.predict(X), Y, rtol=1e-5, atol=1e-6)
    numpy.testing.assert_allclose(blockwise.predict(X), Y, rtol=1e-5, atol=1e-6)


def test_many_tokens_are_projected_in_parts(docs, monkeypatch):
    vectors = token_vectors(docs)
    model, X = initialised(docs, vectors)
    Y = model.predict(X)
    widths = []
    project = model.get_ref("first")._func
    monkeypatch.setattr(span_scorer, "_MAX_TOKENS", MAX_WIDTH + 2)  # of 8 tokens, 2 at a time
    model.get_ref("first")._func = lambda layer, tokens, is_train: (
        widths.append(len(tokens)),
        project(layer, tokens, is_train),
    )[1]
    numpy.testing.assert_allclose(model.predict(X), Y, rtol=1e-5, atol=1e-6)
    assert widths == [5, 5, 4, 2]


def test_numeric_gradients(docs):
    vectors = token_vectors(docs)
    model, X = initialised(docs, vectors)
    dY = numpy.random.default_rng(3).normal(size=model.predict(X).shape).astype("float32")

    def loss():
        return float((model.predict(X).astype("float64") * dY).sum())

    _, backprop = model.begin_update(X)
    backprop(dY)
    d_vectors = model.get_ref("tok2vec").attrs["grad"]
    assert [grad.shape for grad in d_vectors] == [values.shape for values in vectors]
    for values, gradient in zip(vectors, d_vectors):
        if len(values):
            assert_gradients(loss, values, gradient)
    n_checked = 0
    for node in model.walk():
        for name in node.param_names:
            message = f"{node.name}.{name}"
            assert_gradients(loss, node.get_param(name), node.get_grad(name), message)
            n_checked += 1
    assert n_checked == 10  # four affine layers, widths and shapes


def test_the_shape_of_a_token_counts():
    vocab = spacy.blank("en").vocab  # knows shapes
    docs = [make_doc(vocab, text) for text in ("a b", "A b")]
    vectors = token_vectors(docs)[:1] * 2
    for options, differ in ({}, True), ({"shape_size": 0}, False):
        model, X = initialised(docs, vectors, **options)
        lower, upper = model.predict(X).reshape(2, 3, -1)
        assert (numpy.abs(lower - upper).max() > 1e-4) == differ


def test_training_on_a_batch_without_spans(docs):
    model, _ = initialised(docs, token_vectors(docs))
    empty = [docs[1]]
    model.get_ref("tok2vec").attrs["vectors"] = token_vectors(empty)
    Y, backprop = model.begin_update((empty, enumerate_spans(empty, MAX_WIDTH)))
    assert Y.shape == (0, N_OUTPUTS)
    backprop(Y)


def test_more_outputs_leave_the_others_as_they_are(docs):
    model, X = initialised(docs, token_vectors(docs))
    before = model.predict(X)
    model.attrs["resize_output"](model, N_OUTPUTS + 1)
    after = model.predict(X)
    numpy.testing.assert_allclose(after[:, :N_OUTPUTS], before, rtol=1e-6)
    assert (after[:, N_OUTPUTS] < -5).all()


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="max_width"):
        build_span_scorer(fixed_tok2vec([]), max_width=0)
