"""The vectors of pairs that LabelPair compares with its labels."""

import numpy
import pytest

from rel_component.models.pairs.label_pair import pair_vectors
from rel_component.models.pairs.label_scorer import unit_rows

from ...contracts.pair_models import MENTIONS, N_LABELS, TEXT, built
from ...gradients import assert_gradients
from ...helpers import fixed_tok2vec, make_candidates, make_doc

WEIGHT = 0.5


@pytest.fixture
def docs(vocab):
    return [make_doc(vocab, TEXT, MENTIONS), make_doc(vocab, TEXT, MENTIONS[:2])]


@pytest.fixture
def model(docs):
    """A model before its training, whose corrections are zero, over vectors that are given."""
    rng = numpy.random.default_rng(0)
    vectors = [rng.normal(size=(len(doc), 8)).astype("float32") for doc in docs]
    options = {"window": 1, "mention_weight": WEIGHT}
    model = built("rel_component.LabelPair.v1", fixed_tok2vec(vectors), **options)
    logits = model.ops.alloc2f(1, N_LABELS)
    return model.initialize(X=(docs, make_candidates(docs)), Y=logits)


def test_mentions_count_beside_the_tokens_of_the_sentence(model, docs):
    rows = model.get_ref("tok2vec").attrs["vectors"][1]
    sentence = rows[:4].mean(axis=0)  # both mentions, what is between them, and a token after them
    expected = unit_rows(numpy, [sentence + WEIGHT * (rows[0] + rows[2])])
    found = pair_vectors(model, docs, make_candidates(docs))[-2:]  # in both directions
    numpy.testing.assert_allclose(found, [expected[0]] * 2, rtol=1e-4)


def test_mentions_have_gradients(model, docs):
    X = docs, make_candidates(docs)
    tok2vec = model.get_ref("tok2vec")
    Y, backprop = model.begin_update(X)
    weights = numpy.random.default_rng(1).normal(size=Y.shape).astype("float32")
    backprop(weights)
    for vectors, gradient in zip(tok2vec.attrs["vectors"], tok2vec.attrs["grad"]):
        assert_gradients(
            lambda: float((model.predict(X).astype("float64") * weights).sum()), vectors, gradient
        )
