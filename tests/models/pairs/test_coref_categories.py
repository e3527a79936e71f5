"""What the words of two mentions say about their coreference."""

import pytest

from rel_component.models.pairs.coref_categories import _SIZES, N_CATEGORIES, pair_categories

from ...helpers import make_candidates, make_doc

KINDS = ["same pronoun", "other pronoun", "pronoun and entity", "match", "contained", "other"]
MATCHES = ["none", "word", "head", "words", "text"]


def columns_of(vocab, first, second):
    """Kind, pronouns, forms, match and distance of a pair, each counted from 0."""
    words = [*first.split(), "and", *second.split()]
    n = len(first.split())
    doc = make_doc(vocab, words, [(0, n, "M"), (n + 1, len(words), "M")])
    (row, _) = pair_categories([doc], make_candidates([doc])).tolist()
    begins = [sum(_SIZES[:i]) for i in range(len(_SIZES))]
    assert all(0 <= cell - begin < size for cell, begin, size in zip(row, begins, _SIZES))
    assert max(row) < N_CATEGORIES
    return [cell - begin for cell, begin in zip(row, begins)]


@pytest.mark.parametrize(
    ("first", "second", "kind", "match"),
    [
        ("I", "my", "same pronoun", "none"),
        ("he", "her", "other pronoun", "none"),
        ("Ada", "she", "pronoun and entity", "none"),
        ("Ada Lovelace", "ada lovelace", "match", "text"),
        ("the IBM", "IBM", "match", "words"),
        ("Ada Lovelace", "Lovelace", "contained", "head"),
        ("Ada Lovelace", "Ada", "contained", "word"),
        ("a king of Spain", "the king", "contained", "head"),
        ("the boss 's wife", "her boss", "contained", "word"),
        ("the company", "Apple", "other", "none"),
        ("red house", "red door", "other", "word"),
    ],
)
def test_kinds_and_matches(vocab, first, second, kind, match):
    columns = columns_of(vocab, first, second)
    assert (KINDS[columns[0]], MATCHES[columns[3]]) == (kind, match)


def test_pronouns_of_other_languages_are_known_by_their_tag(vocab):
    doc = make_doc(vocab, "Ada und sie", [(0, 1, "M"), (2, 3, "M")])
    doc[2].pos_ = "PRON"
    (row, _) = pair_categories([doc], make_candidates([doc])).tolist()
    assert KINDS[row[0]] == "pronoun and entity"


def test_the_order_of_a_pair_matters(vocab):
    assert columns_of(vocab, "the king", "he") != columns_of(vocab, "he", "the king")


def test_no_pairs(vocab):
    docs = [make_doc(vocab, ""), make_doc(vocab, "the of", [(0, 2, "M")])]
    assert pair_categories(docs, make_candidates(docs)).shape == (0, 5)
