"""Pairs of antecedent and anaphor, and the clusters that are decoded from their scores."""

import numpy
import pytest

from rel_component.coreference.antecedents import (
    COREFERENCE,
    configure_antecedent_pairs,
    decode_clusters,
    distinct_mentions,
    gold_pairs,
)
from rel_component.errors import ConfigError
from rel_component.mentions import read_mentions

from ..helpers import make_doc, make_example

WORDS = "Ada met Bo and Cy and ada left"
MENTIONS = [(0, 1, "M"), (2, 3, "M"), (4, 5, "M"), (6, 7, "M")]


def pairs_of(doc, n=50):
    mentions = read_mentions([doc])
    return configure_antecedent_pairs(n)([doc], mentions, COREFERENCE)


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (50, [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]),
        # the last mention has the words of the first
        (2, [(0, 1), (0, 2), (1, 2), (0, 3), (2, 3)]),
        (1, [(0, 1), (1, 2), (0, 3)]),
    ],
)
def test_the_nearest_mentions_and_the_last_one_of_the_same_words(vocab, n, expected):
    candidates = pairs_of(make_doc(vocab, WORDS, MENTIONS), n)
    assert [tuple(pair) for pair in candidates.pairs.tolist()] == expected


def test_pairs_are_linear_in_the_mentions(vocab):
    n = 5000
    doc = make_doc(vocab, ["x", "y"] * (n // 2), [(i, i + 1, "M") for i in range(n)])
    assert pairs_of(doc).n_pairs == 50 * n - 50 * 51 // 2


def decoded(doc, scores, **options):
    scores = numpy.asarray(scores, dtype="float32")
    (clusters,) = decode_clusters([doc], pairs_of(doc), scores, **options)
    return [[span.text for span in cluster] for cluster in clusters]


def test_the_most_probable_entity_is_joined(vocab):
    doc = make_doc(vocab, WORDS, MENTIONS)
    # the pairs Ada Bo, Ada Cy, Bo Cy, Ada ada, Bo ada, Cy ada
    assert decoded(doc, [-1.0, 0.5, 0.7, 2.0, 1.9, -3.0]) == [["Ada", "ada"], ["Bo", "Cy"]]
    # Bo and Cy are together more probable
    assert decoded(doc, [-1.0, 0.5, 0.7, 2.0, 1.9, 1.0]) == [["Bo", "Cy", "ada"]]
    assert decoded(doc, [-1.0, -1.0, 300.0, 1.0, -300.0, -1.0]) == [["Ada", "ada"], ["Bo", "Cy"]]


def test_an_entity_is_more_probable_than_none(vocab):
    doc = make_doc(vocab, WORDS, MENTIONS)
    scores = [-1.0, 0.5, 0.7, 2.0, 1.9, -3.0]
    assert decoded(doc, scores, null_score=1.0) == [["Ada", "ada"]]
    assert decoded(doc, scores, null_score=9.0) == []
    assert decoded(doc, scores, null_score=1.0, singletons=True) == [["Ada", "ada"], ["Bo"], ["Cy"]]


def test_gold_pairs_are_aligned_by_characters(vocab):
    reference = make_doc(vocab, WORDS, MENTIONS)
    reference.spans["coref_clusters_1"] = [reference[0:1], reference[6:7]]
    reference.spans["coref_clusters_2"] = [reference[2:3], reference[6:7], reference[1:4]]
    example = make_example(reference)
    candidates = pairs_of(example.predicted)
    gold = candidates.pairs[gold_pairs([example], candidates)]
    assert gold.tolist() == [[0, 3]]  # of two clusters the first counts
    mentions = distinct_mentions([example.predicted], "none", gold=[reference])
    assert mentions.spans.tolist() == [[0, 1], [1, 4], [2, 3], [4, 5], [6, 7]]


def test_no_mentions(vocab):
    doc = make_doc(vocab, "a b")
    candidates = pairs_of(doc)
    assert not len(gold_pairs([make_example(doc)], candidates))
    none = numpy.zeros(0, dtype="float32")
    assert decode_clusters([doc], candidates, none, singletons=True) == [[]]


def test_a_number_out_of_range():
    with pytest.raises(ConfigError, match="max_antecedents must be 1 or more, got 0"):
        configure_antecedent_pairs(0)
