"""What is particular to the SpanPair model."""

import numpy
import pytest

from rel_component.errors import ConfigError
from rel_component.mentions import set_clusters
from rel_component.models.pairs import mention_pairs, pair_scorer, pair_tables
from rel_component.models.pairs.span_pair import build_span_pair

from ...contracts.pair_models import MENTIONS, TEXT, predicted
from ...helpers import fixed_tok2vec, make_candidates, make_doc


@pytest.fixture
def doc(vocab):
    return make_doc(vocab, TEXT, MENTIONS)


def initialised(doc, **options):
    vectors = numpy.random.default_rng(0).normal(size=(len(doc), 8)).astype("float32")
    model = build_span_pair(fixed_tok2vec([vectors]), **options)
    model.initialize(X=([doc], make_candidates([doc])), Y=model.ops.alloc2f(1, 2))
    return model


@pytest.mark.parametrize("block_size", [1, 3, 19, 20, 21])
def test_blocks_do_not_change_the_logits(doc, block_size):
    model = initialised(doc)
    expected = predicted(model, [doc])
    model.get_ref("scorer").attrs["block_size"] = block_size
    numpy.testing.assert_allclose(predicted(model, [doc]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("outside", [0, 1])
def test_tables_over_many_tokens_are_made_around_a_block_of_pairs(doc, outside, monkeypatch):
    model = initialised(doc, outside=outside, block_size=2)
    expected = predicted(model, [doc])
    for module in (pair_scorer, pair_tables):
        monkeypatch.setattr(module, "MAX_TOKENS", 2)
    sizes, table = [], pair_tables.RangeMax
    monkeypatch.setattr(
        pair_tables,
        "RangeMax",
        lambda ops, X, **options: (sizes.append(len(X)), table(ops, X, **options))[1],
    )
    numpy.testing.assert_allclose(predicted(model, [doc]), expected, rtol=1e-4, atol=1e-5)
    assert 0 < max(sizes) < len(doc)


@pytest.mark.parametrize(("context", "matters"), [(True, True), (False, False)])
def test_only_with_context_do_the_tokens_between_matter(doc, context, matters):
    model = initialised(doc, context=context, outside=0)
    before = predicted(model, [doc])
    model.get_ref("tok2vec").attrs["vectors"][0][1] += 5.0  # "and", part of no mention
    changed = numpy.abs(predicted(model, [doc]) - before).max(axis=1) > 1e-4
    assert changed[:2].all() == matters  # Ada and Bo
    assert changed.any() == matters


@pytest.mark.parametrize(("outside", "matters"), [(0, False), (5, False), (6, True)])
def test_tokens_outside_of_a_pair_matter_up_to_their_distance(doc, outside, matters):
    model = initialised(doc, outside=outside)
    before = predicted(model, [doc])
    model.get_ref("tok2vec").attrs["vectors"][0][8] += 5.0  # "in", the sixth token after Bo
    changed = numpy.abs(predicted(model, [doc]) - before).max(axis=1) > 1e-4
    assert changed[:2].all() == matters  # Ada and Bo
    assert changed[:2].any() == matters


def test_the_product_matters(doc):
    model = initialised(doc)
    before = predicted(model, [doc])
    model.get_ref("scorer").get_ref("head_factor").get_param("W")[:] = 0.0
    assert numpy.abs(predicted(model, [doc]) - before).max() > 1e-4
    assert "head_factor" not in initialised(doc, product=False).ref_names


@pytest.mark.parametrize(
    "options", [{"max_context": 6}, {"max_context": 0}, {"outside": -1}, {"block_size": 0}]
)
def test_errors_for_numbers_out_of_range(doc, options):
    with pytest.raises(ConfigError, match=r"must be|or more"):
        initialised(doc, **options)


def test_vectors_of_empty_documents_may_have_no_width(doc):
    model = initialised(doc)
    empty = make_doc(doc.vocab, "")
    model.get_ref("tok2vec").attrs["vectors"] = [numpy.zeros((0, 0), dtype="float32")]
    assert predicted(model, [empty]).shape == (0, 2)


def test_the_nearest_mentions_of_entities_are_found_some_pairs_at_a_time(vocab, monkeypatch):
    mentions = [(i, i + 1, "ORG") for i in range(9)]
    doc = make_doc(vocab, "a b c d e f g h i", mentions)
    clusters = ([0, 4, 8], [1, 7], [2, 3])
    set_clusters(doc, [[doc[i : i + 1] for i in cluster] for cluster in clusters])
    candidates = make_candidates([doc], clusters="coref_clusters")
    nearest = mention_pairs.closest_mentions(candidates)
    for pair, found in zip(candidates.pairs, nearest, strict=True):
        combinations = [
            (abs(head - tail), head, tail)
            for head in numpy.flatnonzero(candidates.entities == pair[0])
            for tail in numpy.flatnonzero(candidates.entities == pair[1])
        ]
        assert tuple(found) == min(combinations)[1:]
    monkeypatch.setattr(mention_pairs, "_MAX_COMBINATIONS", 4)
    numpy.testing.assert_array_equal(mention_pairs.closest_mentions(candidates), nearest)
