"""Parses in Universal Dependencies are read by the same rules, on hand-made parses."""

import pytest
from spacy.language import BaseDefaults
from spacy.tokens import Doc
from spacy.vocab import create_vocab

from rel_component.openie.parses import read_parse
from rel_component.openie.relations import Options, open_relations


@pytest.fixture(scope="module")
def french():
    """Of a language by its name alone: the tokenizer of French takes seconds to make."""
    return create_vocab("fr", BaseDefaults)


def make_doc(vocab, rows):
    words, heads, deps, pos, lemmas, morphs = zip(*(row.split("/") for row in rows.split()))
    morphs = [morph.replace("_", "=") for morph in morphs]
    return Doc(
        vocab,
        words=list(words),
        heads=[int(head) for head in heads],
        deps=list(deps),
        pos=list(pos),
        lemmas=list(lemmas),
        morphs=morphs,
    )


COPULA = """
    Macron/3/nsubj/PROPN/Macron/ est/3/cop/AUX/être/ le/3/det/DET/le/ chef/3/ROOT/NOUN/chef/
    de/6/case/ADP/de/ la/6/det/DET/le/ France/3/nmod/PROPN/France/ ././3/punct/PUNCT/./
""".replace("././3", "./3")
PASSIVE = """
    Elle/2/nsubj:pass/PRON/elle/ est/2/aux:pass/AUX/être/ vue/2/ROOT/VERB/voir/VerbForm_Part
    par/4/case/ADP/par/ Paul/2/obl:agent/PROPN/Paul/ à/6/case/ADP/à/ Lyon/2/obl/PROPN/Lyon/
"""
NEGATED = """
    Anne/3/nsubj/PROPN/Anne/ ne/3/advmod/ADV/ne/Polarity_Neg pas/3/advmod/ADV/pas/Polarity_Neg
    vend/3/ROOT/VERB/vendre/ Dacia/3/obj/PROPN/Dacia/ ,/7/punct/PUNCT/,/
    dit/3/parataxis/VERB/dire/ Paul/6/nsubj/PROPN/Paul/
"""
RELATIVE = """
    Hugo/6/nsubj/PROPN/Hugo/ qui/3/nsubj/PRON/qui/PronType_Rel a/3/aux:tense/AUX/avoir/
    écrit/0/acl:relcl/VERB/écrire/ un/5/det/DET/un/ roman/3/obj/NOUN/roman/
    vit/6/ROOT/VERB/vivre/ à/8/case/ADP/à/ Paris/6/obl/PROPN/Paris/
"""


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (COPULA, ["(Macron, être, le chef de la France)"]),
        (PASSIVE, ["(Elle, être voir par, Paul)"]),
        (NEGATED, ["(Anne, vendre, Dacia)"]),
        (RELATIVE, ["(Hugo, vivre à, Paris)", "(Hugo, écrire, un roman)"]),
    ],
)
def test_clauses_of_universal_dependencies(french, rows, expected):
    assert sorted(map(str, open_relations(make_doc(french, rows)))) == expected


def test_negation_and_attribution_of_universal_dependencies(french):
    (rel,) = open_relations(make_doc(french, NEGATED))
    assert rel.polarity == "negated"
    assert (rel.statement.attribution.word, rel.statement.attribution.source.text) == (
        "dire",
        "Paul",
    )


def test_further_arguments_keep_their_prepositions(french):
    (rel,) = open_relations(make_doc(french, PASSIVE))
    assert [(role, span.text) for role, span in rel.statement.arguments] == [("à", "Lyon")]


def test_the_kind_of_labels_may_be_given(french):
    doc = make_doc(french, "Anne/1/nsubj/PROPN/Anne/ lit/1/ROOT/VERB/lire/ tout/1/dobj/PRON/tout/")
    assert read_parse(doc).deps == read_parse(doc, universal=False).deps
    assert len(open_relations(doc, Options(universal=False))) == 1
