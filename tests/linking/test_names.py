"""Forms of names, and longer forms of them in a text."""

import pytest
from spacy.tokens import Span

from rel_component.linking.names import expansions, find_abbreviations, folded, loose_key

from ..helpers import make_doc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Zürich-West ", "zurich west"),
        ("β-catenin", "β catenin"),
        ("CaCl(2)", "cacl 2"),
        ("...", ""),
        ("東京", "東京"),
        ("שָׁלוֹם", "שלום"),
        ("İzmir, Й", "izmir и"),
    ],
)
def test_folded(text, expected):
    assert folded(text) == expected


@pytest.mark.parametrize(
    ("first", "second"), [("कमल", "कमला"), ("มานะ", "มานี"), ("ハナコ", "バナコ"), ("রাম", "রমা")]
)
def test_vowels_and_voice_marks_tell_names_apart(first, second):
    assert folded(first) != folded(second)
    assert " " not in folded(first) + folded(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Diabetes Mellitus, Type 2", "type II diabetes mellitus"),
        ("Neoplasms of the Colon", "colon neoplasm"),
        ("Allergies", "allergy"),
    ],
)
def test_names_with_the_same_words(first, second):
    assert loose_key(folded(first)) == loose_key(folded(second))


def test_words_that_are_no_plurals_stay():
    assert loose_key("virus sepsis mass") == "mass sepsis virus"
    assert loose_key("the") == "the"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patients with lupus nephritis (LN) came.", {"LN": "lupus nephritis"}),
        ("International Business Machines (IBM)", {"IBM": "International Business Machines"}),
        ("IBM (International Business Machines)", {"IBM": "International Business Machines"}),
        ("hepatocyte nuclear factor-6 (HNF-6; see 2)", {"HNF-6": "hepatocyte nuclear factor-6"}),
        ("We saw this (Fig) in 2010 (see below).", {}),
        ("He came (X).", {}),
        ("((((", {}),
    ],
)
def test_abbreviations(text, expected):
    assert find_abbreviations(text) == expected


def test_longer_names_in_a_document(vocab):
    text = "Bernie Sanders of Acme Corporation ( AC ) spoke . Sanders left AC to Mary Lee"
    mentions = [
        *((0, 2, "PERSON"), (3, 5, "ORG"), (6, 7, "ORG")),
        *((10, 11, "PERSON"), (12, 13, "ORG"), (14, 16, "PERSON")),
    ]
    doc = make_doc(vocab, text, mentions)
    found = dict(zip([ent.text for ent in doc.ents], expansions(doc, doc.ents)))
    assert found == {
        "Bernie Sanders": [],
        "Acme Corporation": [],
        "AC": [("Acme Corporation", True)],
        "Sanders": [("Bernie Sanders", False)],
        "Mary Lee": [],
    }


def test_a_longer_name_of_another_type_does_not_count(vocab):
    doc = make_doc(vocab, "Paris Hilton is in Paris", [(0, 2, "PERSON"), (4, 5, "GPE")])
    mentions = [doc.ents[0], doc.ents[1], Span(doc, 0, 1, "PERSON")]
    assert expansions(doc, mentions) == [[], [], [("Paris Hilton", False)]]
