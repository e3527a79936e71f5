"""Sequences with markers, written out as text."""

import numpy
import pytest

from rel_component.layers.marked_sequences import Marks, SequenceBuilder

HEAD, TAIL = Marks([-1], [-2]), Marks([-3], [-4])
NAMES = {-1: "<h>", -2: "</h>", -3: "<t>", -4: "</t>", -5: "HEAD", -6: "TAIL", 0: "^", 1: "$"}


def built(words, head, tail, marks=(HEAD, TAIL), size=100):
    ids = numpy.arange(100, 100 + len(words), dtype="int32")
    builder = SequenceBuilder(size, 0, 1)
    builder.add(ids, [head, tail], marks)
    return builder.build()


def written(sequences, words, start=0, end=None):
    texts = [NAMES.get(int(i)) or words[int(i) - 100] for i in sequences.ids[start:end]]
    return " ".join(texts)


WORDS = list("abcdefgh")


def parts(sequences, words=WORDS):
    (mentions,), (starts,), (between,) = sequences.mentions, sequences.starts, sequences.between
    return (
        [written(sequences, words, *run) for run in mentions],
        [written(sequences, words, row, row + 1) for row in starts],
        [written(sequences, words, *run) for run in between],
    )


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        ((1, 3), (4, 5), "^ a <h> b c </h> d <t> e </t> f g h $"),
        ((4, 5), (1, 3), "^ a <t> b c </t> d <h> e </h> f g h $"),
        ((0, 1), (7, 8), "^ <h> a </h> b c d e f g <t> h </t> $"),
        ((1, 2), (2, 3), "^ a <h> b </h> <t> c </t> d e f g h $"),
        ((1, 5), (2, 3), "^ a <h> b <t> c </t> d e </h> f g h $"),
        ((1, 2), (1, 5), "^ a <t> <h> b </h> c d e </t> f g h $"),
        ((1, 5), (4, 5), "^ a <h> b c d <t> e </t> </h> f g h $"),
        ((2, 2), (4, 5), "^ a b <h> </h> c d <t> e </t> f g h $"),
    ],
)
def test_markers_around_mentions(head, tail, expected):
    assert written(built(WORDS, head, tail), WORDS) == expected


def test_places_of_the_parts():
    mentions, starts, between = parts(built(WORDS, (1, 3), (5, 6)))
    assert mentions == ["b c", "f"]
    assert starts == ["<h>", "<t>"]
    assert between == ["</h> d e <t>"] * 2


REPLACED = (Marks([-5], [], True), Marks([-6], [], True))


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        ((1, 3), (4, 5), "^ a HEAD d TAIL f g h $"),
        ((1, 5), (2, 3), "^ a HEAD TAIL f g h $"),
        ((2, 3), (0, 8), "^ TAIL HEAD $"),
    ],
)
def test_mentions_that_are_replaced(head, tail, expected):
    sequences = built(WORDS, head, tail, REPLACED)
    assert written(sequences, WORDS) == expected
    assert parts(sequences)[1] == ["HEAD", "TAIL"]


def test_a_window_centred_on_the_pair():
    sequences = built(WORDS, (3, 4), (5, 6), size=9)
    assert written(sequences, WORDS) == "^ c <h> d </h> e <t> f </t> g $"
    assert sequences.n_apart == 0


def test_a_pair_at_the_end_of_a_text_has_what_comes_before_it():
    sequences = built(WORDS, (6, 7), (7, 8), size=8)
    assert written(sequences, WORDS) == "^ e f <h> g </h> <t> h </t> $"


def test_a_pair_that_does_not_fit_is_in_two_sequences():
    sequences = built(WORDS, (6, 7), (1, 2), size=7)
    assert written(sequences, WORDS) == "^ d e f <h> g </h> h $ ^ a <t> b </t> c d e $"
    assert sequences.n_apart == 1
    mentions, starts, between = parts(sequences)
    assert mentions == ["g", "b"]
    assert starts == ["<h>", "<t>"]
    assert between == ["d e f <h>", "</t> c d e"]


def test_a_mention_longer_than_a_window_is_cut_and_counted():
    sequences = built(WORDS, (0, 6), (7, 8), size=5)
    assert written(sequences, WORDS) == "^ <h> a b c </h> $ ^ f g <t> h </t> $"
    assert (sequences.n_apart, sequences.n_cut) == (1, 1)


def test_sequences_follow_each_other():
    builder = SequenceBuilder(10, 0, 1)
    for _ in range(2):
        builder.add(numpy.asarray([100, 101], dtype="int32"), [(0, 1), (1, 2)], [HEAD, TAIL])
    sequences = builder.build()
    assert sequences.bounds.tolist() == [0, 8, 16]
    assert sequences.first.tolist() == [[0, 0], [8, 8]]
    assert (sequences.mentions[1] - sequences.mentions[0] == 8).all()


def test_no_pairs():
    sequences = SequenceBuilder(10, 0, 1).build()
    assert sequences.mentions.shape == (0, 2, 2)
    assert sequences.bounds.tolist() == [0]
