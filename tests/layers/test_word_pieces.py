"""Pieces belong to the token in which they begin."""

import numpy
import pytest
import tokenizers
from transformers import AutoTokenizer

from rel_component.layers.piece_tokenizer import PieceTokenizer
from rel_component.layers.word_pieces import (
    insert_pieces,
    split_into_pieces,
    tokens_inside_pieces,
)

from ..encoders import tiny_encoder
from ..helpers import make_doc


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(tiny_encoder())


def by_token(tokenizer, doc):
    (pieces,) = split_into_pieces(tokenizer, [doc])
    texts = tokenizer.convert_ids_to_tokens(pieces.ids.tolist())
    return [texts[a:b] for a, b in zip(pieces.starts, pieces.starts[1:])]


@pytest.mark.parametrize(
    ("words", "spaces", "expected"),
    [
        (["Ada", "and"], [True, False], [["a", "##d", "##a"], ["and"]]),
        (["A", "b", "'s", "x"], [False, False, True, False], [["a"], ["##b"], ["'", "s"], ["x"]]),
        (["an", "d", "x"], [False, True, False], [["and"], [], ["x"]]),
        (["a", " \n ", "\u200b", "b"], [True, False, True, False], [["a"], [], [], ["b"]]),
        (["a", "\U0001f600", "b"], [True, True, False], [["a"], ["[UNK]"], ["b"]]),
    ],
    ids=["words", "within a word", "a piece over two tokens", "dropped", "unknown"],
)
def test_pieces_of_each_token(tokenizer, vocab, words, spaces, expected):
    assert by_token(tokenizer, make_doc(vocab, words, spaces=spaces)) == expected


def test_only_the_first_pieces_of_an_endless_token_count(tokenizer, vocab):
    doc = make_doc(vocab, ["a", "'" * 1000, "b"])
    assert [len(pieces) for pieces in by_token(tokenizer, doc)] == [1, 256, 1]


def test_documents_without_text(tokenizer, vocab):
    docs = [make_doc(vocab, ""), make_doc(vocab, "a"), make_doc(vocab, "")]
    assert [len(pieces) for pieces in split_into_pieces(tokenizer, docs)] == [0, 1, 0]
    assert [p.starts.tolist() for p in split_into_pieces(tokenizer, docs[:1])] == [[0]]


def test_tokens_inside_of_a_piece(tokenizer, vocab):
    words = ["an", "d", "\u200b", "x"]  # the third one is dropped
    docs = [make_doc(vocab, words, spaces=[False, True, True, False]) for _ in range(2)]
    pieces = split_into_pieces(tokenizer, docs)
    assert pieces[0].inside.tolist() == [[1, 0]]
    assert tokens_inside_pieces(pieces).tolist() == [[1, 0], [5, 2]]
    more = insert_pieces(pieces[0], numpy.asarray([0, 1], dtype="int32"), tokenizer.mask_token_id)
    assert more.inside.tolist() == [[1, 1]]


def test_characters_of_chinese_lie_inside_of_pieces(vocab):
    model = tokenizers.models.Unigram(
        [("<unk>", 0.0), ("▁", -1.0), ("北京", -1.0), ("公司", -1.0)], unk_id=0
    )
    metaspace = tokenizers.Tokenizer(model)
    metaspace.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer = PieceTokenizer(metaspace, {}, model_max_length=512, split_special_tokens=False)
    doc = make_doc(vocab, list("北京公司"), spaces=[False] * 4)
    (pieces,) = split_into_pieces(tokenizer, [doc])
    bounds = zip(pieces.starts, pieces.starts[1:])
    texts = [[metaspace.id_to_token(int(i)) for i in pieces.ids[a:b]] for a, b in bounds]
    assert texts == [["▁", "北京"], [], ["公司"], []]
    assert pieces.inside.tolist() == [[1, 1], [3, 2]]


def test_spaces_that_count_as_part_of_a_piece(vocab):
    """A tokenizer like SentencePiece gives offsets with the space before a word."""
    vocabulary = {"▁a": 0, "▁b": 1, "c": 2, "▁": 3, "a": 4, "b": 5, "?": 6}
    model = tokenizers.models.BPE(vocabulary, [("▁", "a"), ("▁", "b")], unk_token="?")
    metaspace = tokenizers.Tokenizer(model)
    metaspace.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    options = {"model_max_length": 512, "split_special_tokens": False}
    tokenizer = PieceTokenizer(metaspace, {}, **options)
    doc = make_doc(vocab, ["a", "b", "c"], spaces=[True, False, False])
    (pieces,) = split_into_pieces(tokenizer, [doc])
    assert pieces.starts.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], [["and"], ["b", "##o"], ["a"]]),
        ([1], [["and"], ["[MASK]", "b", "##o"], ["a"]]),
        ([2, 0, 0], [["[MASK]", "[MASK]", "and"], ["b", "##o"], ["[MASK]", "a"]]),
    ],
)
def test_pieces_inserted_before_tokens(tokenizer, vocab, tokens, expected):
    (pieces,) = split_into_pieces(tokenizer, [make_doc(vocab, "and bo a")])
    tokens = numpy.asarray(tokens, dtype="int32")
    more = insert_pieces(pieces, tokens, tokenizer.mask_token_id)
    bounds = zip(more.starts[:-1], more.starts[1:])
    assert [tokenizer.convert_ids_to_tokens(more.ids[a:b]) for a, b in bounds] == expected


def test_pieces_inserted_into_no_text(tokenizer, vocab):
    (pieces,) = split_into_pieces(tokenizer, [make_doc(vocab, "")])
    assert len(insert_pieces(pieces, numpy.zeros(0, dtype="int32"), 4)) == 0
