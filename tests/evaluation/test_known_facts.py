import pytest
from spacy.training import Example

from rel_component.evaluation.known_facts import read_facts
from rel_component.evaluation.scoring import score_relations

from ..helpers import make_doc

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


def new_facts(eg, train_facts, **options):
    scores = score_relations([eg], known_facts=train_facts, **options)
    return [scores[f"rel_new_facts_micro_{key}"] for key in "prf"]


ADA, BOB, BOB_TOO = (0, "F", 1), (2, "F", 3), (2, "F", 4)


@pytest.mark.parametrize(
    ("gold", "predicted", "scores"),
    [
        # a known fact that is found counts neither as found nor as missed; one new fact is missed
        ([ADA, BOB, BOB_TOO], [ADA, BOB], [1.0, 0.5, pytest.approx(2 / 3)]),
        # repeating a known fact where it is not stated stays wrong
        ([BOB], [ADA, BOB], [0.5, 1.0, pytest.approx(2 / 3)]),
        # a known fact that is missed does not count
        ([ADA, BOB], [BOB], [1.0, 1.0, 1.0]),
    ],
)
def test_new_facts(vocab, train, gold, predicted, scores):
    assert new_facts(example(vocab, gold, predicted), train) == scores


def test_symmetric_facts_are_known_both_ways(vocab):
    known = read_facts(
        [make_doc(vocab, "Acme and Brix", [(0, 1, "ORG"), (2, 3, "ORG")], [(0, "P", 1)])],
        symmetric=["P"],
    )
    eg = example(vocab, [(3, "P", 1), (2, "F", 3)], [(1, "P", 3), (2, "F", 3)])
    assert new_facts(eg, known, symmetric=["P"]) == [1.0, 1.0, 1.0]
    assert (
        new_facts(example(vocab, [(3, "P", 1)], [(1, "P", 3)]), known, symmetric=["P"])[2] is None
    )


def test_without_known_facts_there_is_no_such_score(vocab):
    eg = example(vocab, [(2, "F", 3)], [(2, "F", 3)])
    assert "rel_new_facts_micro_f" not in score_relations([eg])
