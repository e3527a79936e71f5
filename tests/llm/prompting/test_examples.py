"""Few-shot examples: made of documents, and chosen for a prompt."""

import numpy
import pytest

from rel_component.errors import ConfigError
from rel_component.llm.prompting.examples import ExampleSelector, PromptExample

from ...helpers import make_doc


def example(text, *labels, vector=None):
    mentions = ((0, 1, "ORG"), (2, 3, "ORG"))
    relations = tuple((0, label, 1) for label in labels)
    vector = None if vector is None else numpy.asarray(vector, dtype="float32")
    return PromptExample(text, mentions, relations, vector)


def texts(examples):
    return [example.text for example in examples]


def test_an_example_of_a_document(vocab):
    mentions = [(2, 3, "GPE"), (0, 1, "ORG")]
    doc = make_doc(vocab, "Acme in Oslo", mentions, [(1, "LOCATED_IN", 0)])
    made = PromptExample.from_doc(doc)
    assert made.mentions == ((0, 4, "ORG"), (8, 12, "GPE"))
    assert made.relations == ((0, "LOCATED_IN", 1),)
    assert PromptExample.from_dict(made.to_dict()) == made


def test_mentions_of_a_span_group_may_nest(vocab):
    mentions = [(0, 3, "ORG"), (2, 3, "GPE")]
    doc = make_doc(vocab, "Bank of Oslo", mentions, [(0, "IN", 1)], spans_key="mentions")
    assert PromptExample.from_doc(doc, spans_key="mentions").relations == ((0, "IN", 1),)


@pytest.mark.parametrize("words", ["Coca - Cola", "U.S. firms"])
def test_punctuation_in_names_stays(vocab, words):
    doc = make_doc(vocab, words, [(0, 1, "ORG")])
    assert PromptExample.from_doc(doc).text == doc.text


def test_fixed_examples_are_the_first_that_bring_in_labels():
    pool = [example("1", "A"), example("2", "A"), example("3", "B"), example("4")]
    assert texts(ExampleSelector(pool, n_examples=2)("?")) == ["3", "1"]
    assert texts(ExampleSelector(pool, n_examples=3)("?")) == ["4", "3", "1"]
    assert texts(ExampleSelector(pool, n_examples=9)("?")) == ["4", "3", "2", "1"]
    assert texts(ExampleSelector(pool, n_examples=0)("?")) == []


def test_a_text_is_no_example_for_itself():
    pool = [example("1", "A"), example("2", "A")]
    assert texts(ExampleSelector(pool)("1")) == ["2"]


def test_random_examples_depend_on_the_text_alone():
    pool = [example(str(i), "AB"[i % 2]) for i in range(20)]
    choices, again = (
        [texts(ExampleSelector(pool, n_examples=2, selection="random")(text)) for text in "xyz"]
        for _ in range(2)
    )
    assert choices == again
    assert len(set(map(tuple, choices))) == 3


def test_a_text_with_other_white_space_is_no_example_for_itself():
    choose = ExampleSelector([example("Acme is\n in Oslo.", "A"), example("other", "A")])
    assert texts(choose("Acme is in  Oslo. ")) == ["other"]


def test_the_nearest_example_stands_last():
    pool = [
        example("north", "A", vector=[0, 1]),
        example("east", "A", vector=[5, 0]),
        example("south", "B", vector=[0, -2]),
    ]
    choose = ExampleSelector(pool, n_examples=2, selection="nearest")
    assert texts(choose("?", numpy.asarray([3, 1], "f4"))) == ["south", "east"]
    assert texts(choose("?", numpy.asarray([1, 3], "f4"))) == ["south", "north"]


@pytest.mark.parametrize("vector", [None, [0, 0]])
def test_the_nearest_needs_vectors(vector):
    with pytest.raises(ConfigError, match=r"needs vectors.*shared_encoder"):
        ExampleSelector([example("1", vector=vector)], selection="nearest")


def test_numbers_are_checked():
    with pytest.raises(ConfigError, match="n_examples must be 0 or more"):
        ExampleSelector(n_examples=-1)
