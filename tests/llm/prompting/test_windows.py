"""Long documents in parts that fit."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.errors import PromptTooLong
from rel_component.llm.prompting.windows import PromptLimits, split_windows
from rel_component.llm.types import Message

from ...helpers import make_doc


def at_most(n_tokens):
    return lambda window: window[1] - window[0] <= n_tokens


def test_a_short_document_is_one_window(vocab):
    assert split_windows(make_doc(vocab, "a b c"), at_most(3)) == [(0, 3)]


@pytest.mark.parametrize(
    ("size", "overlap", "expected"),
    [
        (6, 0, [(0, 6), (6, 9)]),
        (6, 1, [(0, 6), (3, 9)]),
        (5, 1, [(0, 3), (3, 6), (6, 9)]),
        (6, 5, [(0, 6), (3, 9)]),
    ],
)
def test_windows_are_whole_sentences(vocab, size, overlap, expected):
    doc = make_doc(vocab, "a b . c d . e f .", sent_starts=[0, 3, 6])
    assert split_windows(doc, at_most(size), overlap=overlap) == expected


def test_full_stops_end_sentences_where_there_are_none(vocab):
    doc = make_doc(vocab, "a b . c d ? e f g")
    assert split_windows(doc, at_most(6), overlap=0) == [(0, 6), (6, 9)]


def test_a_long_sentence_is_cut(vocab):
    doc = make_doc(vocab, "a b c d e f g h . i", sent_starts=[0, 9])
    assert split_windows(doc, at_most(5), overlap=0) == [(0, 4), (4, 9), (9, 10)]


@pytest.mark.parametrize("end", [*"!？．。｡।॥؟۔"])
def test_sentences_end_in_all_scripts(vocab, end):
    doc = make_doc(vocab, f"a b c d {end} f g")
    assert split_windows(doc, at_most(5), overlap=0) == [(0, 5), (5, 7)]


def test_no_border_lies_in_a_mention(vocab):
    doc = make_doc(vocab, "a b c New York City g h", [(3, 6, "GPE")])
    assert split_windows(doc, at_most(5), overlap=0, mentions=doc.ents) == [(0, 3), (3, 8)]
    doc = make_doc(vocab, "we use Yahoo ! Mail here .", [(2, 5, "ORG")])
    assert split_windows(doc, at_most(5), overlap=0, mentions=doc.ents) == [(0, 2), (2, 7)]


def test_a_mention_that_does_not_fit_moves_no_border(vocab):
    doc = make_doc(vocab, "a b c d New York . h i j k", sent_starts=[0, 7])
    mentions = [doc[0:11], doc[4:6]]
    assert split_windows(doc, at_most(7), overlap=0, mentions=mentions) == [(0, 7), (7, 11)]
    assert split_windows(doc, at_most(4), overlap=0, mentions=mentions)[:2] == [(0, 3), (3, 7)]


@pytest.mark.parametrize(
    ("text", "n_tokens"), [("abcdef", 2), ("阿里巴巴集团", 6), ("บริษัท", 6), ("\ud800", 1)]
)
def test_tokens_that_nobody_counts_are_estimated_by_bytes(text, n_tokens):
    assert PromptLimits().tokens([Message("user", text)]) == n_tokens + 8


def test_nothing_fits(vocab):
    with pytest.raises(PromptTooLong, match="even with a single token"):
        split_windows(make_doc(vocab, "a b c"), at_most(0))


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=12),
    size=st.integers(1, 10),
    overlap=st.integers(0, 3),
)
def test_windows_cover_the_document_and_fit(vocab, lengths, size, overlap):
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    doc = make_doc(vocab, ["x"] * sum(lengths), sent_starts=starts)
    windows = split_windows(doc, at_most(size), overlap=overlap)
    assert {i for start, end in windows for i in range(start, end)} == set(range(len(doc)))
    assert all(0 < end - start <= size for start, end in windows)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(windows))
