"""Which candidate pairs are learned from."""

import pickle

import numpy
import pytest

from rel_component.errors import ConfigError
from rel_component.sampling import PairSampling, sample_negatives
from rel_component.schema import RelationSchema, RelationType
from rel_component.targets import make_targets

from .helpers import make_candidates, make_doc, make_example

TEXT = "Ada joined Acme in Oslo"
ADA, ACME, OSLO = (0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "GPE")


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
    schema = RelationSchema([RelationType("JOINED")])
    candidates = make_candidates([example.reference], schema)
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


def test_pickle():
    sampling = PairSampling("predicted", 2.0)
    assert pickle.loads(pickle.dumps(sampling)) == sampling
