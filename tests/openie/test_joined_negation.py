"""A negation counts for what it stands before, of what is joined, on hand-made parses."""

import pytest
from spacy.language import BaseDefaults
from spacy.tokens import Doc, Span
from spacy.vocab import create_vocab

from rel_component.openie.relations import open_relations


@pytest.fixture(scope="module")
def english():
    return create_vocab("en", BaseDefaults)


def make_doc(vocab, rows):
    words, heads, deps, pos = zip(*(row.split("/") for row in rows.split()))
    lemmas = [{"bought": "buy", "founded": "found"}.get(word, word.lower()) for word in words]
    return Doc(vocab, words, heads=list(map(int, heads)), deps=deps, pos=pos, lemmas=lemmas)


BOUGHT = "Apple/1/nsubj/PROPN bought/1/ROOT/VERB "


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            BOUGHT + "Beats/1/dobj/PROPN but/2/cc/CCONJ not/5/neg/PART Tidal/2/conj/PROPN",
            {"Apple buy Beats": "asserted", "Apple buy Tidal": "negated"},
        ),
        (  # the negation hangs on the first, or is joined as if it were a name
            BOUGHT + "Beats/1/dobj/PROPN but/2/cc/CCONJ not/2/neg/PART Tidal/2/conj/PROPN",
            {"Apple buy Beats": "asserted", "Apple buy Tidal": "negated"},
        ),
        (
            BOUGHT + "Beats/1/dobj/PROPN but/2/cc/CCONJ not/2/conj/PART Tidal/2/conj/PROPN",
            {"Apple buy Beats": "asserted", "Apple buy Tidal": "negated"},
        ),
        (
            BOUGHT + "not/3/neg/PART Beats/1/dobj/PROPN but/3/cc/CCONJ Tidal/3/conj/PROPN",
            {"Apple buy Beats": "negated", "Apple buy Tidal": "asserted"},
        ),
        (
            "Nobody/2/nsubj/PRON just/2/advmod/ADV bought/2/ROOT/VERB Beats/2/dobj/PROPN",
            {"Nobody buy Beats": "negated"},
        ),
        (
            BOUGHT + "no/3/det/DET shares/1/dobj/NOUN or/3/cc/CCONJ bonds/3/conj/NOUN",
            {"Apple buy no shares": "negated", "Apple buy bonds": "negated"},
        ),
        (
            BOUGHT + "not/4/preconj/PART only/2/advmod/ADV Beats/1/dobj/PROPN but/4/cc/CCONJ "
            "also/5/advmod/ADV Tidal/4/conj/PROPN",
            {"Apple buy Beats": "asserted", "Apple buy Tidal": "asserted"},
        ),
        (
            "Bob/4/nsubj/PROPN but/0/cc/CCONJ not/3/neg/PART Ann/0/conj/PROPN founded/4/ROOT/VERB "
            "Foo/4/dobj/PROPN",
            {"Bob found Foo": "asserted", "Ann found Foo": "negated"},
        ),
        (
            BOUGHT + "Beats/1/dobj/PROPN from/1/prep/ADP Bob/3/pobj/PROPN but/3/cc/CCONJ "
            "not/7/neg/PART from/3/conj/ADP Ann/7/pobj/PROPN",
            {"Apple buy Beats": "asserted"},
        ),
    ],
)
def test_each_of_what_is_joined_is_denied_or_not(english, rows, expected):
    found = open_relations(make_doc(english, rows))
    stated = {f"{one.head} {one.label} {one.tail}": one.polarity for one in found}
    assert stated == expected
    assert "Ann" not in [str(span) for one in found for _, span in one.statement.arguments]


def test_who_is_denied_may_have_done_something_else(english):
    rows = (
        BOUGHT + "Beats/1/dobj/PROPN but/2/cc/CCONJ not/5/neg/PART Tidal/2/conj/PROPN "
        "that/7/nsubj/PRON bought/5/relcl/VERB Deezer/7/dobj/PROPN"
    )
    *_, found = open_relations(make_doc(english, rows))
    assert (str(found), found.polarity) == ("(Tidal, buy, Deezer)", "asserted")


def test_further_entities_are_denied_by_themselves(english):
    rows = (
        BOUGHT + "Beats/1/dobj/PROPN but/2/cc/CCONJ not/5/neg/PART Tidal/2/conj/PROPN "
        "from/1/prep/ADP Bob/6/pobj/PROPN but/6/cc/CCONJ not/10/neg/PART from/6/conj/ADP "
        "Ann/10/pobj/PROPN"
    )
    doc = make_doc(english, rows)
    names = [Span(doc, i, i + 1, "X") for i in (0, 2, 5, 7, 11)]
    found = open_relations(doc, entities=names)
    assert {(one.label, one.tail.text, one.polarity) for one in found} == {
        ("buy", "Beats", "asserted"),
        ("buy", "Tidal", "negated"),
        ("buy from", "Bob", "asserted"),
        ("buy from", "Ann", "negated"),
    }
