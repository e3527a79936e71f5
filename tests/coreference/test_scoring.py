"""Scores of clusters, against a scorer of others and by hand."""

from itertools import groupby
from statistics import mean

import pytest
import scorch.scores
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.training import Example

from rel_component.coreference.scoring import CoreferenceScores, score_clusters
from rel_component.mentions import set_clusters

# A cluster for each mention, of which those of number 0 are no mention at all.
CLUSTERINGS = st.lists(st.integers(0, 5), max_size=12).map(
    lambda numbers: [
        {i for i, _ in members}
        for number, members in groupby(
            sorted(enumerate(numbers), key=lambda x: x[1]), lambda x: x[1]
        )
        if number
    ]
)
ORACLES = {"muc": scorch.scores.muc, "b3": scorch.scores.b_cubed, "ceafe": scorch.scores.ceaf_e}


NLP = spacy.blank("en")


def score(*pairs, singletons=True):
    scores = CoreferenceScores(singletons=singletons)
    for gold, found in pairs:
        scores.add(gold, found)
    return scores.to_dict("x")


def check_equal(gold, found, scores):
    for name, oracle in ORACLES.items():
        ours = [scores[f"x_{name}_{key}"] for key in "rpf"]
        # scorch fails where the clusters share nothing: it divides by NumPy's zero
        expected = oracle(gold, found) if scores["x_mentions_f"] else (0, 0, 0)
        assert ours == pytest.approx(expected), name
    assert scores["x_conll_f"] == pytest.approx(mean(scores[f"x_{name}_f"] for name in ORACLES))


@settings(max_examples=50)
@given(CLUSTERINGS, CLUSTERINGS)
def test_a_document_equals_the_reference_implementation(gold, found):
    check_equal(gold, found, score((gold, found)))
    without = [[cluster for cluster in side if len(cluster) > 1] for side in (gold, found)]
    check_equal(*without, score((gold, found), singletons=False))


@settings(max_examples=50)
@given(st.lists(st.tuples(CLUSTERINGS, CLUSTERINGS), max_size=4))
def test_a_corpus_equals_one_document_of_all(pairs):
    together = [
        [
            {(d, mention) for mention in cluster}
            for d, pair in enumerate(pairs)
            for cluster in pair[side]
        ]
        for side in (0, 1)
    ]
    check_equal(*together, score(*pairs))
    assert score(*pairs) == pytest.approx(score(together))


@pytest.mark.parametrize(
    ("gold", "found"),
    [
        ([], []),
        (["ab"], []),
        ([], ["ab"]),
        (["a"], ["a"]),
        (["ab"], ["cd"]),
        (["abc", "defg"], ["ab", "cd", "fghi"]),
        (["abc", "de", "f"], ["abcdef"]),
        (["abcdef"], ["abc", "de", "f"]),
        (["ab", "cd", "ef"], ["bc", "de", "fa"]),
    ],
)
def test_hand_made_clusters(gold, found):
    check_equal([set(c) for c in gold], [set(c) for c in found], score((gold, found)))


def test_lea_of_its_paper():
    """Moosavi and Strube 2016, section 3: 0.24 and 0.33."""
    scores = score((["abc", "defg"], ["ab", "cd", "fghi"]))
    assert scores["x_lea_r"] == pytest.approx((3 * 1 / 3 + 4 * 1 / 6) / 7)
    assert scores["x_lea_p"] == pytest.approx((2 * 1 + 2 * 0 + 4 * 1 / 6) / 8)
    assert (scores["x_mentions_p"], scores["x_mentions_r"]) == (6 / 8, 6 / 7)


def test_lea_links_a_single_mention_to_itself():
    # right: a; b is single on one side only; recall (1 + 0 + 2 * 0) / 4
    scores = score((["a", "b", "cd"], ["a", "bc"]))
    assert (scores["x_lea_r"], scores["x_lea_p"]) == (1 / 4, 1 / 3)
    assert score((["a", "b", "cd"], ["a", "bc"]), singletons=False)["x_lea_r"] == 0


def test_a_mention_in_two_clusters_counts_in_the_first():
    assert score((["ab", "cd"], ["ab", "bcd"])) == score((["ab", "cd"], ["ab", "cd"]))


def test_many_clusters():
    gold = [(i, i + 1) for i in range(0, 1000, 2)]
    found = [(i, i + 1) for i in range(1, 999, 2)]  # a chain over all of them
    scores = score((gold, found))
    assert (scores["x_n"], scores["x_muc_f"]) == (500, 0)
    assert scores["x_ceafe_r"] == pytest.approx(499 * 0.5 / 500)


def test_documents_compare_mentions_by_characters():
    reference = NLP.make_doc("Ann met her. She left.")
    predicted = spacy.tokens.Doc(
        NLP.vocab, words=["Ann", "met", "her", ".", "She left", "."], spaces=[1, 1, 0, 1, 0, 0]
    )
    set_clusters(reference, [[reference[0:1], reference[2:3], reference[4:5]], [reference[5:6]]])
    set_clusters(predicted, [[predicted[0:1], predicted[2:3]]])
    scores = score_clusters([Example(predicted, reference)])
    assert (scores["coref_mentions_p"], scores["coref_mentions_r"]) == (1.0, 0.5)
    assert scores["coref_no_singletons_mentions_r"] == pytest.approx(2 / 3)
    assert (scores["coref_n"], scores["coref_no_singletons_n"]) == (2, 1)


def test_without_annotated_clusters_there_are_no_scores():
    predicted = NLP("Ann left. Ann")
    set_clusters(predicted, [[predicted[0:1], predicted[3:4]]])
    scores = score_clusters([Example(predicted, NLP("Ann left. Ann"))])
    assert set(scores.values()) == {None}
