"""Windows over long texts, and batches of sequences."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.layers.windows import make_windows, padded_batches
from rel_component.layers.word_pieces import WordPieces

BEFORE, AFTER = 101, 102


def pieces_of(n, first=1000):
    ids = numpy.arange(first, first + n, dtype="int32")
    return WordPieces(ids, numpy.arange(n + 1), numpy.zeros((0, 2), dtype="int32"))


def windows_of(lengths, size, **options):
    pieces = [pieces_of(n, 1000 * (i + 1)) for i, n in enumerate(lengths)]
    return make_windows(pieces, size, before=BEFORE, after=AFTER, **options), pieces


def test_short_texts_have_a_window_each():
    windows, _ = windows_of([2, 0, 3], 3)
    assert windows.ids.tolist() == [
        *(BEFORE, 1000, 1001, AFTER),
        *(BEFORE, AFTER),
        *(BEFORE, 3000, 3001, 3002, AFTER),
    ]
    assert windows.bounds.tolist() == [0, 4, 6, 11]
    assert windows.home.tolist() == [1, 2, 7, 8, 9]


def test_a_long_text_is_covered_by_overlapping_windows():
    windows, _ = windows_of([10], 4)
    assert windows.first_pieces.tolist() == [0, 2, 4, 6]
    assert windows.lengths.tolist() == [4, 4, 4, 4]


def test_pieces_are_at_home_near_the_middle_of_a_window():
    windows, _ = windows_of([10], 4)
    window = numpy.searchsorted(windows.bounds, windows.home, side="right") - 1
    assert window.tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_windows_overlap_as_little_as_they_may():
    for overlap, starts in ((0.5, [0, 2, 4, 6]), (0.25, [0, 3, 6]), (0.0, [0, 3, 6])):
        windows, _ = windows_of([10], 4, overlap=overlap)
        assert windows.first_pieces.tolist() == starts


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
    st.integers(2, 12),
    st.sampled_from([0.0, 0.125, 0.5]),
)
def test_every_piece_has_a_home_with_its_own_id(lengths, size, overlap):
    windows, pieces = windows_of(lengths, size, overlap=overlap)
    expected = numpy.concatenate([part.ids for part in pieces])
    assert windows.ids[windows.home].tolist() == expected.tolist()
    assert (windows.lengths <= size).all()


@given(st.integers(1, 60), st.integers(2, 12), st.data())
def test_runs_of_up_to_half_a_window_fit_into_the_nearest(n, size, data):
    windows, _ = windows_of([3, n], size)
    start = data.draw(st.integers(0, n - 1))
    end = data.draw(st.integers(start + 1, min(n, start + max(size // 2, 1))))
    run = numpy.asarray([start + 3]), numpy.asarray([end + 3])
    nearest = windows.nearest(numpy.asarray([1]), *run)
    assert windows.contain(nearest, *run).all()
    rows = windows.rows(nearest, *run)
    ids = windows.ids[int(rows[0][0]) : int(rows[1][0])]
    assert ids.tolist() == list(range(2000 + start, 2000 + end))


def test_a_run_without_pieces_takes_the_row_after_it():
    windows, _ = windows_of([3], 4)
    at = numpy.asarray([0, 0, 0]), numpy.asarray([0, 2, 3])
    begin, end = windows.rows(at[0], at[1], at[1])
    assert begin.tolist() == [1, 3, 4]
    assert end.tolist() == [2, 4, 5]


def bounds_of(lengths):
    return numpy.cumsum([0, *lengths]).astype("int32")


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=10), st.integers(1, 50), st.integers(0, 50)
)
def test_batches_hold_every_row_once(lengths, max_pieces, min_pieces):
    seen = []
    for rows in padded_batches(bounds_of(lengths), max_pieces, min_pieces):
        assert rows.size <= max_pieces or len(rows) == 1
        for row in rows:
            n = int((row >= 0).sum())
            assert row.tolist() == [*range(row[0], row[0] + n), *[-1] * (len(row) - n)]
        seen += rows[rows >= 0].tolist()
    assert sorted(seen) == list(range(sum(lengths)))


@pytest.mark.parametrize(
    ("lengths", "max_pieces", "min_pieces", "shapes"),
    [
        ([1, 8, 1, 8], 16, 0, [(2, 8), (2, 1)]),
        ([1, 8, 1, 8], 99, 0, [(2, 8), (2, 1)]),
        ([1, 8, 1, 8], 99, 99, [(4, 8)]),
        ([7, 8], 99, 0, [(2, 8)]),
        ([30, 1], 16, 0, [(1, 30), (1, 1)]),
    ],
    ids=["full", "too short", "too small to be split", "short, but not much", "a long one alone"],
)
def test_batches_are_of_similar_lengths(lengths, max_pieces, min_pieces, shapes):
    batches = padded_batches(bounds_of(lengths), max_pieces, min_pieces)
    assert [rows.shape for rows in batches] == shapes


@pytest.mark.parametrize("size", [2, 3, 7])
def test_documents_do_not_share_windows(size):
    windows, _ = windows_of([9, 9], size)
    of_first = windows.ids[: windows.bounds[windows.first_windows[1]]]
    assert not set(of_first) & set(range(2000, 3000))
