"""Candidate pairs: each option by hand, all of them together against a double loop."""

from itertools import permutations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from rel_component.errors import ConfigError
from rel_component.schema import RelationSchema, RelationType

from .helpers import make_candidates, make_doc
from .lines import most_runs_of_a_line

# tokens   0    1      2    3    4 .  5  6     7  8 .
TEXT = "Ada joined Acme Labs .  Bo likes Oslo ."
ADA, ACME, BO, OSLO = (0, 1, "PERSON"), (2, 4, "ORG"), (5, 6, "PERSON"), (7, 8, "GPE")
MENTIONS = [ADA, ACME, BO, OSLO]
TYPES = ("PERSON", "ORG", "GPE")


def sentences(vocab, mentions=MENTIONS, **options):
    return make_doc(vocab, TEXT, mentions, sent_starts=[0, 5], **options)


def pairs_of(candidates):
    """Start and end of head and tail of each pair."""
    spans = [tuple(span) for span in candidates.mentions.spans.tolist()]
    return [(spans[head], spans[tail]) for head, tail in candidates.pairs.tolist()]


def both_ways(*pairs):
    return {(h[:2], t[:2]) for pair in pairs for h, t in (pair, pair[::-1])}


def test_candidates_carry_the_schema_that_was_asked_with(vocab):
    schema = RelationSchema([RelationType("FOUNDED_BY", "founder of an organisation")])
    candidates = make_candidates([sentences(vocab)], schema)
    assert candidates.schema is schema
    assert candidates.twice().schema is schema
    assert candidates.select(numpy.zeros(candidates.n_pairs, dtype=bool)).schema is schema


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (0, []),
        (1, [(ADA, ACME), (ACME, BO), (BO, OSLO)]),
        (2, [(ADA, ACME), (ACME, BO), (BO, OSLO)]),
        (3, [(ADA, ACME), (ACME, BO), (BO, OSLO), (ACME, OSLO)]),
        (4, [(ADA, ACME), (ACME, BO), (BO, OSLO), (ACME, OSLO), (ADA, BO)]),
    ],
)
def test_max_token_distance(vocab, distance, expected):
    found = pairs_of(make_candidates([sentences(vocab)], max_token_distance=distance))
    assert set(found) == both_ways(*expected)


def test_neighbours_and_nested_mentions_have_distance_zero(vocab):
    mentions = [(0, 3, "ORG"), (1, 2, "GPE"), (3, 4, "ORG"), (5, 6, "ORG")]
    doc = make_doc(vocab, "a b c d e f", mentions, spans_key="sc")
    found = pairs_of(make_candidates([doc], spans_key="sc", max_token_distance=0))
    assert set(found) == both_ways(((0, 3), (1, 2)), ((0, 3), (3, 4)))


@pytest.mark.parametrize(
    ("distance", "expected"), [(0, [(ADA, ACME), (BO, OSLO)]), (None, [*permutations(MENTIONS, 2)])]
)
def test_max_sentence_distance(vocab, distance, expected):
    found = pairs_of(make_candidates([sentences(vocab)], max_sentence_distance=distance))
    assert len(found) == len(set(found))
    assert set(found) == both_ways(*expected)


def test_an_empty_doc_needs_no_sentences(vocab):
    docs = [make_doc(vocab, ""), sentences(vocab)]
    assert make_candidates(docs, max_sentence_distance=0).lengths.tolist() == [0, 4]


def test_the_schema_filters_by_types_and_direction(vocab):
    schema = RelationSchema([RelationType("A", head=("PERSON",), tail=("ORG", "GPE"))])
    found = pairs_of(make_candidates([sentences(vocab)], schema))
    assert found == [((0, 1), (2, 4)), ((0, 1), (7, 8)), ((5, 6), (2, 4)), ((5, 6), (7, 8))]


def test_a_pair_needs_one_label_that_is_allowed(vocab):
    types = [
        RelationType("A", head=("PERSON",), tail=("GPE",)),
        RelationType("B", head=("ORG",), tail=("PERSON",)),
    ]
    found = pairs_of(make_candidates([sentences(vocab, [ACME, BO])], RelationSchema(types)))
    assert found == [((2, 4), (5, 6))]


def test_the_schema_is_ignored_on_request(vocab):
    schema = RelationSchema([RelationType("A", head=("NONE",))])
    assert make_candidates([sentences(vocab)], schema, use_schema=False).n_pairs == 12


def test_select_keeps_some_pairs(vocab):
    candidates = make_candidates([sentences(vocab, [ADA, ACME])] * 2)
    selected = candidates.select(numpy.asarray([False, True, False, False]))
    assert (selected.pairs.tolist(), selected.lengths.tolist()) == ([[1, 0]], [1, 0])


@pytest.mark.parametrize(
    ("name", "least"), [("max_token_distance", 0), ("max_sentence_distance", 0), ("max_pairs", 2)]
)
def test_errors_for_numbers_out_of_range(name, least):
    with pytest.raises(ConfigError, match=f"{name} must be {least} or more, got {least - 1}"):
        make_candidates([], **{name: least - 1})


def test_error_for_sentence_distance_without_sentences(vocab):
    with pytest.raises(ConfigError, match="needs sentence boundaries: add a sentencizer"):
        make_candidates([make_doc(vocab, TEXT, MENTIONS)], max_sentence_distance=0)


# Clusters


# tokens    0   1      2   3     4    5 .  6   7     8    9 .
CLUSTERED = "He leads Acme . Ada Byron of Acme . She likes Oslo ."


def clustered(vocab, **options):
    """He, Ada Byron and She are one entity, both Acme another; ``works`` is in a cluster alone."""
    mentions = [(0, 1, "PER"), (2, 3, "ORG"), (4, 6, "PER"), (7, 8, "ORG"), (9, 10, "PER")]
    mentions.append((11, 12, "GPE"))
    doc = make_doc(vocab, CLUSTERED, mentions, sent_starts=[0, 4, 9], spans_key="sc", **options)
    doc.spans["coref_clusters_2"] = [doc[2:3], doc[7:8], doc[1:2]]
    doc.spans["coref_clusters_10"] = [doc[11:12], doc[0:1]]
    doc.spans["coref_clusters_1"] = [doc[9:10], doc[0:1], doc[4:6]]
    return doc


def cluster_pairs(docs, schema=None, **options):
    return make_candidates(docs, schema, spans_key="sc", clusters="coref_clusters", **options)


def test_mentions_of_a_cluster_are_one_entity(vocab):
    candidates = cluster_pairs([clustered(vocab)] * 2)
    assert candidates.entities.tolist() == [0, 1, 0, 1, 0, 2, 3, 4, 3, 4, 3, 5]
    pairs = [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
    assert candidates.pairs.tolist() == pairs + [[h + 3, t + 3] for h, t in pairs]
    assert candidates.lengths.tolist() == [6, 6]


def test_clusters_are_read_on_request_alone(vocab):
    assert make_candidates([clustered(vocab)], spans_key="sc").entities.tolist() == [*range(6)]
    others = make_candidates([clustered(vocab)], spans_key="sc", clusters="other")
    assert others.entities.tolist() == [*range(6)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_token_distance": 1}, {(0, 1), (0, 2)}),
        ({"max_sentence_distance": 0}, {(0, 1), (0, 2)}),
        ({"max_sentence_distance": 1}, {(0, 1), (0, 2), (1, 2)}),
        ({"max_token_distance": 0}, set()),
    ],
)
def test_distances_are_those_of_the_nearest_mentions(vocab, options, expected):
    candidates = cluster_pairs([clustered(vocab)], **options)
    assert {tuple(sorted(pair)) for pair in candidates.pairs.tolist()} == expected


def test_a_name_represents_its_entity(vocab):
    doc = clustered(vocab)
    assert cluster_pairs([doc]).representatives.tolist() == [0, 1, 5]
    for i in (4, 5, 7):
        doc[i].pos_ = "PROPN"
    assert cluster_pairs([doc]).representatives.tolist() == [2, 3, 5]
    doc.ents = [Span(doc, 9, 10, label="PER")]
    for token in doc:
        token.pos_ = "X"
    candidates = cluster_pairs([doc])
    assert candidates.representatives.tolist() == [4, 1, 5]
    assert candidates.twice().representatives.tolist() == [4, 1, 5, 10, 7, 11]


def test_an_entity_has_the_type_of_its_representative(vocab):
    schema = RelationSchema([RelationType("LEADS", head=("PER",), tail=("ORG",))])
    candidates = cluster_pairs([clustered(vocab)], schema)
    assert candidates.pairs.tolist() == [[0, 1]]


def test_the_cap_holds_for_entities(vocab):
    doc = entities(vocab, 60)
    for i in range(20):
        doc.spans[f"coref_clusters_{i}"] = [doc[j : j + 1] for j in range(i, 60, 20)]
    assert make_candidates([doc], clusters="coref_clusters").n_pairs == 20 * 19
    candidates, _ = capped([doc], max_pairs=100, clusters="coref_clusters")
    assert 0 < candidates.n_pairs <= 100


# The cap


def entities(vocab, n):
    return make_doc(vocab, ["x"] * n, [(i, i + 1, "X") for i in range(n)])


def capped(docs, **options):
    with pytest.warns(UserWarning, match="has more than max_pairs") as caught:
        candidates = make_candidates(docs, **options)
    return candidates, len(caught)


def test_the_cap_keeps_the_nearest_mentions_with_one_warning_for_a_batch(vocab):
    candidates, n_warnings = capped([entities(vocab, 10)] * 3, max_pairs=40)
    distances = numpy.abs(candidates.pairs[:, 0] - candidates.pairs[:, 1])
    assert set(distances.tolist()) == {1, 2}
    assert n_warnings == 1


@pytest.mark.parametrize("max_pairs", [2, 10, 17, 18, 40, 89])
def test_the_cap_holds(vocab, max_pairs):
    candidates, _ = capped([entities(vocab, 10)], max_pairs=max_pairs)
    assert candidates.n_pairs <= max_pairs


def test_the_cap_leaves_small_documents_alone(vocab):
    candidates, _ = capped([entities(vocab, 10), entities(vocab, 6)], max_pairs=40)
    assert candidates.lengths[1] == 30
    assert make_candidates([entities(vocab, 10)], max_pairs=90).n_pairs == 90


@pytest.mark.parametrize("clusters", [None, "coref_clusters"])
def test_many_mentions_take_no_loop_over_pairs(vocab, clusters):
    doc = entities(vocab, 400)
    doc.spans["coref_clusters_1"] = [doc[0:1], doc[399:400]]
    n = 400 if clusters is None else 399
    assert make_candidates([doc], clusters=clusters).n_pairs == n * (n - 1)
    assert most_runs_of_a_line(lambda: make_candidates([doc], clusters=clusters)) < 10 * n


# All options against a double loop

N_TOKENS = 12


@st.composite
def mention_lists(draw):
    spans = st.tuples(st.integers(0, N_TOKENS - 1), st.integers(1, 5), st.sampled_from(TYPES))
    drawn = draw(st.lists(spans, max_size=6))
    return [(start, min(start + length, N_TOKENS), kind) for start, length, kind in drawn]


def brute_force(mentions, sent_starts, token_distance, sentence_distance, rel_type):
    """Heads and tails of one document, by the words of the documentation."""

    def sentence(mention):
        return sum(0 < start <= mention[0] for start in sent_starts)

    def wanted(head, tail):
        first, second = sorted((head, tail))
        if head[:2] == tail[:2]:
            return False
        if token_distance is not None and second[0] - first[1] > token_distance:
            return False
        n_sentences = abs(sentence(head) - sentence(tail))
        if sentence_distance is not None and n_sentences > sentence_distance:
            return False
        return rel_type is None or rel_type.allows(head[2], tail[2])

    return sorted((h, t) for h in set(mentions) for t in set(mentions) if wanted(h, t))


@given(
    documents=st.lists(mention_lists(), max_size=3),
    sent_starts=st.sets(st.integers(1, N_TOKENS - 1), max_size=3),
    token_distance=st.none() | st.integers(0, 6),
    sentence_distance=st.none() | st.integers(0, 2),
    rel_type=st.none()
    | st.builds(
        RelationType,
        label=st.just("A"),
        head=st.sets(st.sampled_from(TYPES)).map(tuple),
        tail=st.sets(st.sampled_from(TYPES)).map(tuple),
        symmetric=st.booleans(),
    ),
)
def test_pairs_are_those_of_a_double_loop(
    vocab, documents, sent_starts, token_distance, sentence_distance, rel_type
):
    docs = [
        make_doc(vocab, ["x"] * N_TOKENS, mentions, spans_key="sc", sent_starts={0, *sent_starts})
        for mentions in documents
    ]
    candidates = make_candidates(
        docs,
        RelationSchema([] if rel_type is None else [rel_type]),
        spans_key="sc",
        max_token_distance=token_distance,
        max_sentence_distance=sentence_distance,
    )
    rows = [
        (*map(int, span), vocab.strings[int(kind)])
        for span, kind in zip(candidates.mentions.spans, candidates.mentions.types, strict=True)
    ]
    for i, mentions in enumerate(documents):
        pairs = candidates.pairs[candidates.pair_docs == i]
        found = sorted((rows[head], rows[tail]) for head, tail in pairs)
        options = (sent_starts, token_distance, sentence_distance, rel_type)
        assert found == brute_force(mentions, *options)
