"""PackedMarkers whose pairs are pruned by a first scorer."""

from dataclasses import replace

import numpy
import pytest
import spacy
from spacy.vocab import Vocab
from thinc.api import get_current_ops

from rel_component.errors import ConfigError
from rel_component.models.pairs.first_pass import promising_pairs
from rel_component.models.pairs.mention_pairs import unordered
from rel_component.models.pairs.packed_markers import build_packed_markers
from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema

from ...contracts.pair_models import MENTIONS, N_LABELS, TEXT, predicted
from ...encoders import tiny_encoder
from ...gradients import assert_gradients
from ...helpers import make_candidates, make_doc, make_example
from .test_marker_models import initialised


@pytest.fixture
def doc(vocab):
    """20 candidate pairs, 10 regardless of direction."""
    return make_doc(vocab, TEXT, MENTIONS)


def built(docs, **options):
    model = initialised(build_packed_markers, docs, **options)
    layer = model.get_ref("first_scorer").get_ref("output_layer")
    layer.set_param("W", 0.05 * layer.get_param("W"))  # probabilities that are neither 0 nor 1
    return model


def both_scorers(model, docs):
    """Logits with markers of all pairs, and those of the first scorer."""
    candidates = replace(make_candidates(docs), asks_first=True)
    marked, first = numpy.split(predicted(model, docs, candidates), 2, axis=1)
    return marked, first


def promising(logits, pairs, *, lengths=(4,), schema=(), **options):
    """What is chosen of pairs of the mentions of some documents."""
    docs = [make_doc(Vocab(), ["x"] * n, [(i, i + 1, "X") for i in range(n)]) for n in lengths]
    candidates = make_candidates(docs, RelationSchema(map(RelationType, schema)))
    pairs = numpy.asarray(pairs, dtype="int32")
    values = numpy.asarray(logits, dtype="float32")
    options = {"least": 0.0, "per_mention": None, **options}
    return promising_pairs(get_current_ops(), values, candidates, pairs, **options).tolist()


@pytest.mark.parametrize(
    ("schema", "logits"),
    [
        # the first column is NO_RELATION: probabilities 1/2, 2/3 and 1/9
        (("a", "b"), [[0, -numpy.log(2), -numpy.log(2)], [0, 0, 0], [numpy.log(8), 0, -99]]),
        # labels that do not exclude each other: 1/2, 2/3 and 1/9
        (("a", "b"), [[0, -1], [-3, numpy.log(2)], [-numpy.log(8), -5]]),
    ],
    ids=["exclusive", "not exclusive"],
)
@pytest.mark.parametrize(
    ("least", "expected"),
    [(0.0, [1, 1, 1]), (0.1, [1, 1, 1]), (0.12, [1, 1, 0]), (0.6, [0, 1, 0]), (0.7, [0, 0, 0])],
)
def test_probable_pairs_are_chosen(schema, logits, least, expected):
    assert promising(logits, [(0, 1), (1, 2), (2, 3)], schema=schema, least=least) == expected


def test_both_directions_of_a_pair_are_chosen_if_one_is_probable():
    chosen = promising([[0, 2], [0, -9], [0, -9]], [(0, 1), (1, 0), (1, 2)], least=0.5)
    assert chosen == [True, True, False]


def test_each_document_has_a_limit_by_its_mentions():
    n = [(h, t) for h in range(4) for t in range(4) if h < t]  # 6 pairs of 4 mentions
    pairs = [*n, (4, 5)]
    logits = [[0, x] for x in (1, 6, 3, 2, 5, 4, -7)]
    chosen = promising(logits, pairs, lengths=(4, 2), per_mention=1)
    assert chosen == [False, True, True, False, True, True, True]


def test_equal_pairs_are_chosen_in_the_order_of_the_text():
    assert promising([[0, 0]] * 3, [(0, 1), (0, 2), (1, 2)], lengths=(2,), per_mention=1) == [
        True,
        True,
        False,
    ]


def test_no_pairs():
    assert promising(numpy.zeros((0, 2)), numpy.zeros((0, 2), dtype="int32")) == []


def test_pairs_regardless_of_direction():
    groups, of_pair = unordered(numpy.asarray([(3, 1), (0, 2), (1, 3), (2, 2)], dtype="int32"))
    assert groups.tolist() == [[0, 2], [1, 3], [2, 2]]
    assert of_pair.tolist() == [1, 0, 1, 2]


def test_probable_pairs_have_markers_and_others_the_logits_of_the_first_scorer(doc):
    marked, first = both_scorers(built([doc], prune=0.0), [doc])
    least = float(numpy.median(_probability(first)))
    Y = predicted(built([doc], prune=least), [doc])
    pairs = _probability(first).reshape(10, 2).max(axis=1)  # each is followed by its reverse
    chosen = numpy.repeat(pairs >= least, 2)
    assert 0 < chosen.sum() < 20
    numpy.testing.assert_allclose(Y, numpy.where(chosen[:, None], marked, first), rtol=1e-4)


def _probability(logits):
    odds = numpy.logaddexp.reduce(logits[:, 1:], axis=1) - logits[:, 0]
    return 1 / (1 + numpy.exp(-odds))


def test_the_number_of_pairs_with_markers_is_limited(doc):
    marked, _ = both_scorers(built([doc], prune=0.0), [doc])
    Y = predicted(built([doc], prune=0.0, pairs_per_mention=1), [doc])
    assert numpy.isclose(Y, marked, rtol=1e-4).all(axis=1).sum() == 10  # both directions of 5 pairs


def test_none_is_pruned_at_0_without_a_limit(doc):
    model = built([doc], prune=0.0, pairs_per_mention=None)
    numpy.testing.assert_allclose(predicted(model, [doc]), both_scorers(model, [doc])[0], rtol=1e-5)


@pytest.mark.parametrize("options", [{"prune": 0.5}, {"prune": 0.0, "pairs_per_mention": 1}])
def test_a_batch_scores_like_its_documents(options, vocab, doc):
    other = make_doc(vocab, "Acme Labs hired Ada", [(0, 2, "ORG"), (3, 4, "PERSON")])
    docs = [make_doc(vocab, ""), other, doc, make_doc(vocab, "Ada sleeps", MENTIONS[:1]), other]
    model = built([doc], **options)
    expected = numpy.concatenate([predicted(model, [doc]) for doc in docs])
    numpy.testing.assert_allclose(predicted(model, docs), expected, rtol=1e-4, atol=1e-5)


def test_what_both_scorers_say_in_training_is_what_they_say_in_use(doc):
    model = built([doc], prune=0.5)
    Y, _ = model.begin_update(([doc], replace(make_candidates([doc]), asks_first=True)))
    numpy.testing.assert_allclose(numpy.split(Y, 2, axis=1), both_scorers(model, [doc]), rtol=1e-4)


@pytest.mark.slow
def test_numeric_gradients_of_the_first_scorer(doc):
    model = built([doc], prune=0.5)
    X = ([doc], replace(make_candidates([doc]), asks_first=True))
    Y, backprop = model.begin_update(X)
    dY = numpy.random.default_rng(3).normal(size=Y.shape).astype("float32")
    dY[:, :N_LABELS] = 0.0  # the contract of pair models is about these
    backprop(dY)

    def loss():
        return float((model.predict(X).astype("float64") * dY).sum())

    for node in model.get_ref("first_scorer").walk():
        for param in node.param_names:
            values, gradient = node.get_param(param), node.get_grad(param)
            assert gradient.any(), f"{node.name}.{param}"
            assert_gradients(loss, values, gradient, f"{node.name}.{param}", n_cells=1)
    weight = model.shims[0]._model.encoder.encoder.layer[0].output.dense.weight
    atol = 0.02 * float(weight.grad.abs().max()) + 0.02
    assert_gradients(loss, weight.data.numpy(), weight.grad.numpy(), n_cells=4, atol=atol)


def test_a_saved_model_scores_the_same_and_takes_more_labels(doc):
    model = built([doc], prune=0.5)
    loaded = build_packed_markers(name="/no/such/folder", prune=0.5).from_bytes(model.to_bytes())
    numpy.testing.assert_array_equal(predicted(loaded, [doc]), predicted(model, [doc]))
    model.attrs["resize_output"](model, N_LABELS + 2)
    assert predicted(model, [doc]).shape == (20, N_LABELS + 2)
    again = build_packed_markers(name="/no/such/folder", prune=0.5).from_bytes(model.to_bytes())
    numpy.testing.assert_array_equal(predicted(again, [doc]), predicted(model, [doc]))


@pytest.mark.parametrize(
    "options", [{"prune": 1.0}, {"prune": -0.1}, {"prune": 0.1, "pairs_per_mention": 0}]
)
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match=r"must (lie in|be)"):
        build_packed_markers(name="x", **options)


@pytest.mark.parametrize("consistency", [0.0, 1.0])
def test_the_first_scorer_learns_with_the_other(vocab, consistency):
    """Where no pair gets markers, it alone knows the relations."""
    nlp = spacy.blank("en", vocab=vocab)
    model = {
        "@architectures": "rel_component.PackedMarkers.v1",
        "name": tiny_encoder(),
        "prune": 0.999999,
    }
    pipe = nlp.add_pipe("relation_extractor", config={"model": model, "consistency": consistency})
    mentions = [(0, 1, "PERSON"), (2, 4, "ORG")]
    example = make_example(make_doc(vocab, "Ada led Acme Labs", mentions, [(0, "LEADS", 1)]))
    optimizer = nlp.initialize(lambda: [example])
    optimizer.learn_rate = 0.01
    for _ in range(8):
        nlp.update([example], sgd=optimizer, drop=0.0)
    assert [rel.label for rel in pipe(example.predicted.copy())._.rel] == ["LEADS"]


def test_a_component_that_does_not_teach_the_first_scorer_refuses_it(vocab):
    nlp = spacy.blank("en", vocab=vocab)
    model = {"@architectures": "rel_component.PackedMarkers.v1", "name": "x", "prune": 0.1}
    with pytest.raises(ConfigError, match="prune"):
        nlp.add_pipe("coref_resolver", config={"model": model})
