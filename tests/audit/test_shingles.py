import numpy
import pytest

from rel_component.audit.shingles import find_similar, jaccard, shingles


def text(*words):
    return shingles(numpy.asarray(words, dtype="uint64"))


@pytest.mark.parametrize(
    ("words", "n"), [((), 0), ((1,), 1), ((1, 2), 1), ((1, 2, 3), 2), ((1, 2, 1, 2), 2)]
)
def test_shingles_are_the_distinct_pairs_of_neighbours(words, n):
    assert len(text(*words)) == n


def test_order_matters():
    assert jaccard(text(1, 2), text(2, 1)) == 0.0


def test_jaccard_similarity():
    # 12 23 34 and 12 23 35: two of four
    assert jaccard(text(1, 2, 3, 4), text(1, 2, 3, 5)) == 0.5
    assert jaccard(text(), text()) == 0.0


def test_similar_texts_are_found_among_others():
    rng = numpy.random.default_rng(0)
    words = rng.integers(1, 2**63, size=(300, 30), dtype="uint64")
    changed = words[:50].copy()
    changed[:, 15] = 7
    texts = [shingles(row) for row in [*words, *changed]]
    found = find_similar(texts, 0.8)
    assert [(i, j) for i, j, _ in found] == [(i, 300 + i) for i in range(50)]
    assert all(similarity == jaccard(texts[i], texts[j]) for i, j, similarity in found)


def test_many_equal_texts_are_paired_with_neighbour_and_first():
    found = find_similar([text(1, 2, 3)] * 100, 1.0)
    assert len(found) == 99 + 98


def test_empty_texts_resemble_nothing():
    assert find_similar([text(), text(), text(1)], 0.5) == []
