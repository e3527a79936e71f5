"""Scores of links, counted by hand."""

import pytest
from spacy.tokens import Span
from spacy.training import Example

from rel_component.evaluation.links import score_links
from rel_component.linking.links import write_links

from ..helpers import make_doc


def doc_of(vocab, links):
    doc = make_doc(vocab, "a b c d e f")
    doc.ents = [Span(doc, i, i + 1, "X", kb_id=name) for i, name in links.items()]
    return doc


def test_links(vocab):
    gold = {0: "Q1", 1: "Q2", 2: "Q3", 3: "", 4: "NIL", 5: "Q99"}
    found = {0: "Q1", 1: "Q7", 3: "Q1", 4: "", 5: ""}
    eg = Example(doc_of(vocab, found), doc_of(vocab, gold))
    scores = score_links([eg], known=lambda name: name != "Q99")
    assert scores["links_p"] == pytest.approx(1 / 3)  # a, not b and d
    assert scores["links_r"] == pytest.approx(1 / 3)  # c is not found
    assert scores["links_accuracy"] == 0.5
    assert (scores["links_nil_p"], scores["links_nil_r"]) == (1.0, pytest.approx(2 / 3))
    assert (scores["links_n"], scores["links_nil_n"]) == (3, 3)
    assert score_links([eg])["links_n"] == 4


def test_recall_of_candidates(vocab):
    predicted = doc_of(vocab, {0: "", 1: ""})
    rows = [{"id": f"Q{i}", "name": "", "score": 0.9} for i in range(12)]
    write_links(predicted, predicted.ents, [rows, rows[:3]], 0.5)
    eg = Example(predicted, doc_of(vocab, {0: "Q11", 1: "Q0"}))
    assert score_links([eg])["links_recall_at"] == {"1": 0.5, "10": 0.5, "50": 1.0}


def test_documents_without_links_do_not_count(vocab):
    eg = Example(doc_of(vocab, {0: "Q1"}), doc_of(vocab, {0: ""}))
    assert set(score_links([eg]).values()) == {None}


def test_types_that_count(vocab):
    eg = Example(doc_of(vocab, {0: "Q1"}), doc_of(vocab, {0: "Q1"}))
    assert score_links([eg], labels=["X"])["links_f"] == 1.0
    assert score_links([eg], labels=["Y"])["links_f"] is None
