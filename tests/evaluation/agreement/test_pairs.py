"""Pairs of mentions as units."""

import numpy
import pytest

from rel_component.errors import ConfigError
from rel_component.evaluation.agreement.pairs import PairLimits, RelationCounts, rate_pairs
from rel_component.schema import RelationSchema, RelationType

from .helpers import ACME, ADA, ALL, OSLO, annotate, one_each, share

RUNS, IN = (0, "RUNS", 1), (1, "IN", 2)
# Units: Ada-Acme, Ada-Oslo, Acme-Ada, Acme-Oslo, Oslo-Ada, Oslo-Acme.


def rated(shared, *limits):
    pairs = rate_pairs(shared, PairLimits(*limits))
    return pairs, [ratings.tolist() for ratings in pairs.ratings]


def test_each_ordered_pair_is_a_unit(vocab):
    pairs, ratings = rated(one_each(annotate(vocab, [RUNS, IN]), annotate(vocab, [RUNS])))
    assert pairs.categories == [(), ("RUNS",), ("IN",)]
    assert ratings == [[[1, 1], [0, 0], [0, 0], [2, 0], [0, 0], [0, 0]]]
    assert (pairs.n_pairs, pairs.n_complete, pairs.n_unrelated) == (6, 6, 4)
    assert pairs.labels == ["IN", "RUNS"]


def test_several_labels_are_one_category_and_each_a_variable(vocab):
    both = annotate(vocab, [RUNS, (0, "OWNS", 1)])
    pairs, ratings = rated(one_each(both, annotate(vocab, [RUNS])))
    assert pairs.categories == [(), ("OWNS", "RUNS"), ("RUNS",)]
    assert ratings[0][0] == [1, 2]
    votes = pairs.label_votes(
        pairs.ratings[0], pairs.reversed[0]
    )  # labels OWNS and RUNS; against and for
    assert votes[0].tolist() == [[[0, 1], [0, 1]], [[1, 0], [0, 1]]]
    assert votes[1].tolist() == [[[1, 0], [1, 0]], [[1, 0], [1, 0]]]


def test_only_mentions_that_all_agree_on_make_units(vocab):
    other = annotate(vocab, [RUNS], [ADA, ACME, (4, 5, "ORG")])
    pairs, ratings = rated(one_each(annotate(vocab, [RUNS, IN]), other))
    assert ratings == [[[1, 1], [0, 0]]]
    assert pairs.relations == {"a": RelationCounts(1, not_agreed=1), "b": RelationCounts(1)}


def test_who_does_not_have_a_document_has_no_rating(vocab):
    doc = annotate(vocab, [RUNS], [ADA, ACME])
    other = annotate(vocab, [], [ADA, ACME], text="Ada runs Acme .")
    pairs, ratings = rated(share([doc, other], [doc, other], [doc]))
    assert ratings == [[[1, 1, 1], [0, 0, 0]], [[0, 0, -1], [0, 0, -1]]]
    assert (pairs.n_pairs, pairs.n_complete, pairs.n_unrelated) == (4, 2, 3)
    assert pairs.votes(pairs.ratings[1])[0].tolist() == [[1, 0], [1, 0], [0, 0]]
    assert pairs.label_votes(pairs.ratings[1], pairs.reversed[1])[0].tolist() == [
        [[1, 0]],
        [[1, 0]],
        [[0, 0]],
    ]


def test_mentions_of_the_same_tokens_are_no_pair(vocab):
    doc = annotate(vocab, [(0, "SAME", 1)], [ADA, (0, 1, "BOSS"), ACME], spans_key="mentions")
    pairs, ratings = rated(one_each(doc, doc, spans_key="mentions"))
    assert len(ratings[0]) == 4
    assert pairs.relations["a"] == RelationCounts(outside=1)


def test_documents_of_the_same_types_look_at_the_schema_once(vocab, monkeypatch):
    schema = RelationSchema([RelationType("RUNS", head=("PERSON",), tail=("ORG",))])
    asked, allows = [], schema.allows
    monkeypatch.setattr(schema, "allows", lambda *args: asked.append(args) or allows(*args))
    docs = [annotate(vocab, [RUNS], [ADA, ACME]) for _ in range(3)]
    rated(share(docs, docs), schema)
    assert len(asked) == len(set(asked)) == 4


def test_the_schema_limits_the_pairs(vocab):
    schema = RelationSchema(
        [
            RelationType("RUNS", head=("PERSON",), tail=("ORG",)),
            RelationType("NEAR", head=("ORG",), tail=("GPE",), symmetric=True),
        ]
    )
    doc = annotate(vocab, [RUNS, (2, "NEAR", 1), (2, "IN", 0)])
    pairs, ratings = rated(one_each(doc, doc, symmetric=["NEAR"]), schema)
    # Ada-Acme, and Acme-Oslo where the symmetric relation counts
    assert ratings == [[[1, 1], [2, 2]]]
    assert pairs.relations["a"] == RelationCounts(entering=2, outside=1)
    assert rated(one_each(doc, doc), RelationSchema())[0].n_pairs == 6


def test_a_symmetric_relation_is_no_agreement_in_the_other_direction(vocab):
    people = [ADA, (2, 3, "PERSON"), (4, 5, "PERSON")]
    docs = [annotate(vocab, [(0, "KNOWS", k)], people) for k in (1, 2)]
    _, ratings = rated(one_each(*docs, symmetric=["KNOWS"]))
    assert ratings == [[[1, 0], [0, 1], [0, 0]]]  # Ada-Acme, Ada-Oslo, Acme-Oslo


def test_reversed_pairs_do_not_vote_on_symmetric_labels(vocab):
    doc = annotate(vocab, [(1, "NEAR", 0), (1, "RUNS", 0)], [ADA, ACME])
    pairs, ratings = rated(one_each(doc, doc, symmetric=["NEAR"]))
    assert ratings == [[[1, 1], [2, 2]]]  # NEAR from Ada to Acme, RUNS from Acme to Ada
    near, runs = numpy.moveaxis(pairs.label_votes(pairs.ratings[0], pairs.reversed[0])[:, 0], 1, 0)
    assert near.tolist() == [[0, 1], [0, 0]]
    assert runs.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("distance", "n_pairs"), [(0, 2), (1, 8), (2, 12), (None, 12)])
def test_the_distance_in_sentences_limits_the_pairs(vocab, distance, n_pairs):
    text = "Ada met Bo . Acme is . Oslo is"
    mentions = [ADA, (2, 3, "PERSON"), (4, 5, "ORG"), (7, 8, "GPE")]
    docs = [annotate(vocab, [], mentions, text=text, sent_starts=s) for s in (None, [0, 4, 7])]
    assert rated(one_each(*docs), None, distance)[0].n_pairs == n_pairs


def test_a_distance_needs_sentences(vocab):
    doc = annotate(vocab)
    with pytest.raises(ConfigError, match="needs sentence boundaries"):
        rated(one_each(doc, doc), None, 0)
    with pytest.raises(ConfigError, match="0 or more, got -1"):
        rated(one_each(doc, doc), None, -1)


@pytest.mark.parametrize("mentions", [(), (OSLO,)])
def test_no_pairs(vocab, mentions):
    doc = annotate(vocab, mentions=mentions, sent_starts=[0])
    pairs, _ = rated(one_each(doc, annotate(vocab, mentions=ALL)), RelationSchema(), 0)
    assert pairs.ratings[0].shape == (0, 2)
    assert isinstance(pairs.votes(pairs.ratings[0]), numpy.ndarray)
