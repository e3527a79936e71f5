import pytest
from spacy.training import Example

from rel_component.annotations import get_relations
from rel_component.audit.known_facts import ignore_known, read_facts
from rel_component.evaluation.scoring import score_relations

from ..helpers import facts, make_doc

WORDS = "Ada founded Acme ; Bob founded Brix and Acme"
MENTIONS = [(0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "PERSON"), (6, 7, "ORG"), (8, 9, "ORG")]


def example(vocab, gold, predicted):
    return Example(
        make_doc(vocab, WORDS, MENTIONS, predicted), make_doc(vocab, WORDS, MENTIONS, gold)
    )


@pytest.fixture
def train(vocab):
    doc = make_doc(vocab, "ADA started Acme", [(0, 1, "PERSON"), (2, 3, "ORG")], [(0, "F", 1)])
    return read_facts([doc])


def test_facts_are_names_without_case(train):
    assert train == {("ada", "F", "acme")}


def test_known_facts_count_neither_as_found_nor_as_missed(vocab, train):
    # gold: a known one that is found, a new one that is found, a new one that is missed
    gold = [(0, "F", 1), (2, "F", 3), (2, "F", 4)]
    eg = example(vocab, gold, [(0, "F", 1), (2, "F", 3)])
    assert score_relations([eg])["rel_micro_f"] == pytest.approx(4 / 5)
    (new,) = ignore_known([eg], train)
    scores = score_relations([new])
    assert (scores["rel_micro_p"], scores["rel_micro_r"]) == (1.0, 0.5)


def test_repeating_a_known_fact_where_it_is_not_stated_stays_wrong(vocab, train):
    eg = example(vocab, [(2, "F", 3)], [(0, "F", 1), (2, "F", 3)])
    (new,) = ignore_known([eg], train)
    assert score_relations([new])["rel_micro_p"] == 0.5


def test_missed_known_facts_do_not_count(vocab, train):
    (new,) = ignore_known([example(vocab, [(0, "F", 1), (2, "F", 3)], [(2, "F", 3)])], train)
    assert score_relations([new])["rel_micro_f"] == 1.0


def test_symmetric_facts_are_known_both_ways(vocab):
    facts_both = read_facts(
        [make_doc(vocab, "Acme and Brix", [(0, 1, "ORG"), (2, 3, "ORG")], [(0, "P", 1)])],
        symmetric=["P"],
    )
    eg = example(vocab, [(3, "P", 1)], [(1, "P", 3)])
    (new,) = ignore_known([eg], facts_both, symmetric=["P"])
    assert facts(new.reference) == facts(new.predicted) == []


def test_the_examples_are_left_as_they_were(vocab, train):
    eg = example(vocab, [(0, "F", 1)], [(0, "F", 1)])
    (new,) = ignore_known([eg], train)
    assert len(get_relations(eg.reference)) == len(get_relations(eg.predicted)) == 1
    assert [ent.text for ent in new.predicted.ents] == [ent.text for ent in eg.predicted.ents]
