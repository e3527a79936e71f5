"""The contract of pair models, over every registered architecture that returns one.

A new pair model is tested here as soon as it is registered. Its builder says that it returns a
``PairModelT``; if it has an argument `tok2vec`, or `name` for a pretrained encoder, it is given a small
one, and its other arguments have defaults.
"""

from dataclasses import replace

import numpy
import pytest
import srsly

from ..gradients import assert_gradients
from ..helpers import fixed_tok2vec, make_candidates, make_doc
from ..lines import most_runs_of_a_line
from .pair_models import (
    MENTIONS,
    N_LABELS,
    TEXT,
    assert_pairs_do_not_see_each_other,
    built,
    clustered,
    every_model,
    initialised,
    predicted,
    takes,
)


@pytest.fixture
def doc(vocab):
    """20 candidate pairs."""
    return make_doc(vocab, TEXT, MENTIONS)


@pytest.fixture
def empty(vocab):
    return make_doc(vocab, "")


@pytest.fixture
def single(vocab):
    """One mention and no pair."""
    return make_doc(vocab, "Ada sleeps", MENTIONS[:1])


@every_model
def test_logits_have_a_row_per_pair_and_a_column_per_label(name, doc, single):
    docs = [doc, single, doc]
    assert predicted(initialised(name, docs), docs).shape == (40, N_LABELS)


@every_model
def test_the_direction_of_a_pair_matters(name, doc):
    Y = predicted(initialised(name, [doc]), [doc])  # each pair is followed by its mirror image
    assert numpy.abs(Y[0::2] - Y[1::2]).max() > 1e-3


@every_model
@pytest.mark.parametrize("kinds", [["single"], ["empty"], ["empty", "empty"]])
def test_documents_without_pairs(name, doc, kinds, request):
    model = initialised(name, [doc])
    docs = [request.getfixturevalue(kind) for kind in kinds]
    assert predicted(model, docs).shape == (0, N_LABELS)


@every_model
def test_training_on_a_batch_without_pairs(name, single, empty):
    docs = [single, empty]
    model = initialised(name, docs)
    Y, backprop = model.begin_update((docs, make_candidates(docs)))
    assert Y.shape == (0, N_LABELS)
    backprop(Y)


@every_model
def test_a_batch_scores_like_its_documents(name, vocab, doc, single, empty):
    other = make_doc(vocab, "Acme Labs hired Ada", [(0, 2, "ORG"), (3, 4, "PERSON")])
    docs = [empty, other, doc, single, other, empty]
    model = initialised(name, docs)
    expected = numpy.concatenate([predicted(model, [doc]) for doc in docs])
    numpy.testing.assert_allclose(predicted(model, docs), expected, rtol=1e-4, atol=1e-5)


@every_model
def test_training_without_dropout_scores_like_prediction(name, doc):
    model = initialised(name, [doc])
    Y, _ = model.begin_update(([doc], make_candidates([doc])))
    numpy.testing.assert_allclose(Y, predicted(model, [doc]), rtol=1e-4, atol=1e-5)


@every_model
def test_pairs_do_not_see_each_other(name, doc):
    assert_pairs_do_not_see_each_other(initialised(name, [doc]), doc)


@every_model
def test_nested_mentions(name, vocab):
    doc = make_doc(vocab, TEXT, [(0, 6, "GROUP"), (0, 1, "PERSON"), (2, 6, "X")], spans_key="sc")
    candidates = make_candidates([doc], spans_key="sc")
    Y = predicted(initialised(name, [doc]), [doc], candidates)
    assert Y.shape == (6, N_LABELS)
    assert numpy.isfinite(Y).all()


@every_model
def test_a_saved_model_needs_nothing_else(name, doc):
    model = initialised(name, [doc])
    options = {"name": "/no/such/folder"} if takes(name, "name") else {}
    loaded = built(name, **options).from_bytes(model.to_bytes())
    numpy.testing.assert_array_equal(predicted(loaded, [doc]), predicted(model, [doc]))


@every_model
def test_a_copy_scores_the_same(name, doc):
    model = initialised(name, [doc])
    copy = srsly.pickle_loads(srsly.pickle_dumps(model))
    numpy.testing.assert_array_equal(predicted(copy, [doc]), predicted(model, [doc]))


@every_model
def test_resizing_keeps_the_logits_of_the_old_labels(name, doc):
    model = initialised(name, [doc])
    if "resize_output" not in model.attrs:
        pytest.skip("takes no label after its training")
    before = predicted(model, [doc])
    resized = model.attrs["resize_output"](model, N_LABELS + 2)
    after = predicted(resized, [doc])
    assert resized.get_dim("nO") == after.shape[1] == N_LABELS + 2
    numpy.testing.assert_allclose(after[:, :N_LABELS], before, rtol=1e-4, atol=1e-5)
    loaded = built(name).from_bytes(resized.to_bytes())
    numpy.testing.assert_array_equal(predicted(loaded, [doc]), after)


@every_model
def test_many_mentions_take_no_loop_over_pairs(name, vocab):
    model = initialised(name, [make_doc(vocab, TEXT, MENTIONS)])
    if model.attrs.get("sequence_per_pair"):
        pytest.skip("encodes a sequence for each pair")
    n = 60
    doc = make_doc(vocab, ["x"] * n, [(i, i + 1, "X") for i in range(n)])
    n_pairs = n * (n - 1)
    assert predicted(model, [doc]).shape == (n_pairs, N_LABELS)
    # a loop over pairs, or over those of one direction, runs a line as many times
    assert most_runs_of_a_line(lambda: predicted(model, [doc])) < n_pairs / 4


# Entities of several mentions


@every_model
def test_every_mention_of_an_entity_counts(name, doc):
    model = initialised(name, [doc])
    one, other = (
        predicted(model, [doc], clustered(doc, entities))
        for entities in ([0, 1, 2, 0, 1], [0, 1, 2, 1, 0])
    )
    assert numpy.abs(one - other).max() > 1e-4


@every_model
@pytest.mark.parametrize(
    ("entities", "numbers"),
    [([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]), ([0, 1, 2, 0, 1], [2, 0, 1])],
    ids=["one mention each", "several mentions"],
)
def test_the_numbers_of_the_entities_do_not_matter(name, doc, entities, numbers):
    model = initialised(name, [doc])
    candidates = clustered(doc, entities)
    numbers = numpy.asarray(numbers, dtype="int32")
    renumbered = replace(
        candidates, entities=numbers[candidates.entities], pairs=numbers[candidates.pairs]
    )
    numpy.testing.assert_allclose(
        predicted(model, [doc], renumbered),
        predicted(model, [doc], candidates),
        rtol=1e-4,
        atol=1e-5,
    )


# Gradients


def weights_of(Y):
    return numpy.random.default_rng(3).normal(size=Y.shape).astype("float32")


def assert_gradient(model, X, values, gradient, message="", **options):
    """Compare a gradient of the weighted sum of the logits with differences."""
    dY = weights_of(model.predict(X))

    def loss():
        return float((model.predict(X).astype("float64") * dY).sum())

    assert_gradients(loss, values, gradient, message, **options)


@every_model
def test_numeric_gradient_of_the_token_vectors(name, vocab, doc, empty):
    if not takes(name, "tok2vec"):
        pytest.skip("has an encoder of its own")
    docs = [doc, empty, make_doc(vocab, "Acme hired Ada", [(0, 1, "ORG"), (2, 3, "PERSON")])]
    rng = numpy.random.default_rng(0)
    vectors = [rng.normal(size=(len(doc), 8)).astype("float32") for doc in docs]
    tok2vec = fixed_tok2vec(vectors)
    model = initialised(name, docs, tok2vec)
    candidates = make_candidates(docs)
    Y, backprop = model.begin_update((docs, candidates))
    backprop(weights_of(Y))
    assert [grad.shape for grad in tok2vec.attrs["grad"]] == [X.shape for X in vectors]
    for i in (0, 2):
        X = (docs, candidates)
        assert_gradient(model, X, vectors[i], tok2vec.attrs["grad"][i], n_cells=12)


@pytest.mark.slow
@every_model
@pytest.mark.parametrize(
    "entities", [[0, 1, 2, 3, 4], [0, 1, 2, 0, 1]], ids=["mentions", "clusters"]
)
def test_numeric_gradient_of_the_parameters(name, doc, entities):
    vectors = numpy.random.default_rng(0).normal(size=(len(doc), 8)).astype("float32")
    model = initialised(name, [doc], fixed_tok2vec([vectors]))
    candidates = clustered(doc, entities)
    Y, backprop = model.begin_update(([doc], candidates))
    backprop(weights_of(Y))
    for node in model.walk():
        for param in node.param_names:
            if node.has_grad(param):
                assert_gradient(
                    model,
                    ([doc], candidates),
                    node.get_param(param),
                    node.get_grad(param),
                    message=f"{node.name}.{param}",
                    n_cells=2,  # each takes four passes of the model
                )


@pytest.mark.slow
@every_model
def test_numeric_gradient_of_the_parameters_of_an_encoder(name, doc):
    model = initialised(name, [doc])
    shims = [shim for node in model.walk() for shim in node.shims]
    if not shims:
        pytest.skip("has no encoder of its own")
    candidates = make_candidates([doc])
    Y, backprop = model.begin_update(([doc], candidates))
    backprop(weights_of(Y))
    parameters = [pair for shim in shims for pair in shim._model.named_parameters()]
    for key, parameter in parameters:
        gradient = parameter.grad
        if gradient is not None and gradient.abs().max() > 0.1:
            # single precision and maxima make differences of a whole encoder coarse
            assert_gradient(
                model,
                ([doc], candidates),
                parameter.data.numpy(),
                gradient.numpy(),
                n_cells=2,
                message=key,
                atol=0.02 * float(gradient.abs().max()) + 0.02,
            )


@every_model
def test_every_parameter_has_a_gradient(name, doc):
    model = initialised(name, [doc])
    Y, backprop = model.begin_update(([doc], make_candidates([doc])))
    backprop(weights_of(Y))
    for node in model.walk():
        for param in node.param_names:
            assert node.has_grad(param), f"{node.name}.{param}"
            assert node.get_grad(param).any(), f"{node.name}.{param}"
