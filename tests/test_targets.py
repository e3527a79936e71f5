"""Targets: annotated relations on the rows of candidate pairs, and the pairs that are learned from."""

from dataclasses import replace

import numpy
import pytest
from spacy.training import Example

from rel_component.errors import ConfigError
from rel_component.schema import RelationSchema, RelationType
from rel_component.targets import PairSampling, make_targets, sample_negatives, to_distribution

from .helpers import make_candidates, make_doc, make_example

TEXT = "Ada joined Acme in Oslo"
ADA, ACME, OSLO = (0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "GPE")
LABELS = ("JOINED", "NEAR")
SCHEMA = RelationSchema([RelationType("JOINED"), RelationType("NEAR", symmetric=True)])


def targets_of(examples, **options):
    candidates = make_candidates([eg.predicted for eg in examples], SCHEMA, **options)
    return make_targets(examples, candidates), candidates


def positives(targets, candidates):
    """Head, tail and label of the cells that are 1; head and tail by position among mentions."""
    rows, columns = targets.values.nonzero()
    cells = zip(candidates.pairs[rows].tolist(), columns, strict=True)
    return [(head, tail, LABELS[column]) for (head, tail), column in cells]


def test_a_relation_marks_its_pair_and_direction(vocab):
    reference = make_doc(vocab, TEXT, [ADA, ACME, OSLO], [(1, "JOINED", 0)])
    assert positives(*targets_of([make_example(reference)])) == [(1, 0, "JOINED")]


def test_a_symmetric_relation_marks_both_directions(vocab):
    reference = make_doc(vocab, TEXT, [ADA, ACME, OSLO], [(2, "NEAR", 1)])
    found = positives(*targets_of([make_example(reference)]))
    assert sorted(found) == [(1, 2, "NEAR"), (2, 1, "NEAR")]


def test_a_pair_can_have_several_labels(vocab):
    relations = [(0, "JOINED", 1), (0, "NEAR", 1)]
    reference = make_doc(vocab, TEXT, [ADA, ACME], relations)
    found = positives(*targets_of([make_example(reference)]))
    assert sorted(found) == [(0, 1, "JOINED"), (0, 1, "NEAR"), (1, 0, "NEAR")]


def test_examples_of_a_batch_do_not_mix(vocab):
    first = make_doc(vocab, TEXT, [ADA, ACME], [(0, "JOINED", 1)])
    second = make_doc(vocab, TEXT, [ADA, ACME, OSLO], [(2, "JOINED", 0)])
    found = positives(*targets_of([make_example(first), make_example(second)]))
    assert found == [(0, 1, "JOINED"), (4, 2, "JOINED")]


@pytest.mark.parametrize(
    ("words", "spaces", "mentions"),
    [
        (["Ada", "joined", "Ac", "me"], [True, True, False, False], [(0, 1, "X"), (2, 4, "X")]),
        (["A", "da", "joined", "Acme"], [False, True, True, False], [(0, 2, "X"), (3, 4, "X")]),
        (["Ada joined", "Acme"], [True, False], [(1, 2, "X")]),
    ],
    ids=["tail split", "head split", "head merged"],
)
def test_mentions_are_matched_by_characters(vocab, words, spaces, mentions):
    reference = make_doc(vocab, "Ada joined Acme", [ADA, ACME], [(0, "JOINED", 1)])
    predicted = make_doc(vocab, words, mentions, spaces=spaces)
    targets, candidates = targets_of([Example(predicted, reference)])
    expected = [(0, 1, "JOINED")] if len(mentions) == 2 else []
    assert positives(targets, candidates) == expected
    assert targets.n_uncovered == 1 - len(expected)


def test_entity_types_of_the_prediction_do_not_matter(vocab):
    reference = make_doc(vocab, TEXT, [ADA, ACME], [(0, "JOINED", 1)])
    example = make_example(reference, [(0, 1, "GPE"), (2, 3, "DATE")])
    assert positives(*targets_of([example])) == [(0, 1, "JOINED")]


@pytest.mark.parametrize(
    ("types", "marked"),
    [
        (["GPE", "ORG"], {"ORG"}),  # one of them is right
        (["GPE", "TEAM"], {"GPE", "TEAM"}),  # none is
        (["GPE"], {"GPE"}),
    ],
)
def test_mentions_of_several_types(vocab, types, marked):
    reference = make_doc(vocab, TEXT, [ADA, ACME], [(0, "JOINED", 1)])
    mentions = [ADA, *((2, 3, label) for label in types)]
    predicted = make_doc(vocab, TEXT, mentions, spans_key="sc")
    targets, candidates = targets_of([Example(predicted, reference)], spans_key="sc")
    tails = candidates.pairs[targets.positive][:, 1]
    assert {vocab.strings[int(t)] for t in candidates.mentions.types[tails]} == marked
    assert targets.n_uncovered == 0


@pytest.mark.parametrize(
    ("mentions", "n_uncovered"),
    [
        ([ADA, ACME, OSLO], 0),
        ([ADA, ACME], 1),
        ([ADA, (2, 4, "ORG"), OSLO], 2),
        ([ADA], 2),
        ([], 2),
    ],
)
def test_relations_without_a_pair_are_counted(vocab, mentions, n_uncovered):
    relations = [(0, "JOINED", 1), (2, "NEAR", 1)]
    reference = make_doc(vocab, TEXT, [ADA, ACME, OSLO], relations)
    targets, _ = targets_of([make_example(reference, mentions)])
    assert (targets.n_gold, targets.n_uncovered) == (2, n_uncovered)


def test_relations_of_pairs_that_were_filtered_out_are_counted(vocab):
    reference = make_doc(vocab, TEXT, [ADA, ACME, OSLO], [(0, "JOINED", 2), (0, "JOINED", 1)])
    targets, _ = targets_of([make_example(reference)], max_token_distance=1)
    assert (targets.n_gold, targets.n_uncovered) == (2, 1)


def test_unknown_labels_are_not_counted(vocab):
    relations = [(0, "OWNS", 1), (1, "BUYS", 0), (0, "JOINED", 1)]
    reference = make_doc(vocab, TEXT, [ADA, ACME], relations)
    targets, _ = targets_of([make_example(reference)])
    assert (targets.n_gold, targets.n_uncovered) == (1, 0)


def test_all_mentions_of_an_entity_stand_for_it(vocab):
    reference = make_doc(vocab, "Ada says she joined", [ADA, (2, 3, "PERSON"), (3, 4, "X")])
    _, she, joined = reference.ents
    reference._.rel = [(she, "JOINED", joined)]
    example = make_example(reference)
    candidates = make_candidates([example.predicted], SCHEMA)
    clustered = replace(
        candidates,
        entities=numpy.asarray([0, 0, 1], dtype="int32"),
        pairs=numpy.asarray([[0, 1]], dtype="int32"),
        lengths=numpy.asarray([1], dtype="int32"),
    )
    assert make_targets([example], clustered).values.tolist() == [[1.0, 0.0]]


def test_no_pairs(vocab):
    targets, _ = targets_of([make_example(make_doc(vocab, TEXT))])
    assert targets.values.shape == (0, 2)


def test_exclusive_targets_are_distributions():
    values = numpy.asarray([[0, 0], [0, 1], [1, 1]], dtype="float32")
    expected = [[1, 0, 0], [0, 0, 1], [0, 0.5, 0.5]]
    numpy.testing.assert_array_equal(to_distribution(values), expected)


# Sampling


@pytest.fixture
def example(vocab):
    """Three annotated mentions, of which two are predicted."""
    reference = make_doc(vocab, TEXT, [ADA, ACME, OSLO], [(0, "JOINED", 1)])
    return make_example(reference, [ADA, ACME])


@pytest.mark.parametrize(("mentions", "n_mentions"), [("both", 3), ("predicted", 2)])
def test_mentions(example, mentions, n_mentions):
    assert len(PairSampling(mentions=mentions).read_mentions([example], None)) == n_mentions


@pytest.mark.parametrize(("ratio", "n_pairs"), [(None, 6), (0.0, 1), (2.0, 3)])
def test_pairs_are_chosen_with_their_targets(example, ratio, n_pairs):
    candidates = make_candidates([example.reference], SCHEMA)
    targets = make_targets([example], candidates)
    sampling = PairSampling(negative_ratio=ratio)
    candidates, targets = sampling.choose(candidates, targets)
    assert candidates.n_pairs == len(targets.values) == n_pairs
    assert candidates.pairs[targets.positive].tolist() == [[0, 1]]


@pytest.mark.parametrize(("ratio", "n_negative"), [(0, 0), (1.5, 3), (2, 4), (9, 6)])
def test_negatives_are_sampled_in_proportion(ratio, n_negative):
    positive = numpy.asarray([True, False] * 2 + [False] * 4)
    keep = sample_negatives(positive, ratio)
    assert keep[positive].all()
    assert keep[~positive].sum() == n_negative


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"negative_ratio": -1.0}, "negative_ratio must be 0 or more, got -1"),
        ({"mentions": "all"}, 'mentions must be "both" or "predicted", got \'all\''),
    ],
)
def test_errors_for_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        PairSampling(**options)
