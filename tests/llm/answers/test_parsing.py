import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.answers.statements import (
    MAX_DEPTH,
    StatedArgument,
    StatedEntity,
    StatedRelation,
    states_nothing,
)
from rel_component.llm.prompting.answer_schema import (
    label_answer,
    relations_answer,
)
from rel_component.llm.types import OutputToken, Reply

KEYS = ("head", "label", "tail")
ALL_KEYS = [KEYS, ("subject", "relation", "object"), ("Kopf", "Art", "Ziel")]
ITEM = '{"head": "M1", "label": "OWNS", "tail": "M2"}'
GOOD = f'{{"relations": [{ITEM}, {ITEM}]}}'

names = st.text(min_size=1, max_size=12).map(str.strip).filter(bool)
triples = st.lists(st.tuples(names, names, names), max_size=5)
entities = st.lists(st.tuples(names, names), max_size=4)


def read(text, finish_reason="stop", **options):
    return read_statements(Reply(text, finish_reason), **options)


def stated(statements):
    """The relations as texts, ids and labels."""
    return [
        (rel.head and rel.head.name, rel.label, rel.tail and rel.tail.name)
        for rel in statements.relations
    ]


@given(triples, st.sampled_from(ALL_KEYS))
def test_good_replies_are_read_in_full(relations, keys):
    statements = read(relations_answer(keys, relations), keys=keys)
    assert stated(statements) == relations
    assert (statements.as_asked, statements.problems) == (True, {})


@given(entities, triples)
def test_good_replies_with_entities_are_read_in_full(listed, relations):
    statements = read(relations_answer(KEYS, relations, listed))
    assert [(entity.text, entity.type) for entity in statements.entities] == listed
    assert stated(statements) == relations
    assert (statements.as_asked, statements.problems) == (True, {})


@given(names)
def test_good_replies_about_pairs_are_read(label):
    statements = read(label_answer("label", label))
    assert stated(statements) == [(None, label, None)]
    assert statements.as_asked


plain_names = st.text("abÄß漢😀 .-'0", min_size=1, max_size=12).map(str.strip).filter(bool)
plain_triples = st.lists(st.tuples(plain_names, plain_names, plain_names), min_size=1, max_size=5)


@given(plain_triples, st.sampled_from(["[{}]", "{}\n{}", "```json\n[{}]\n```", "[{},]"]))
def test_objects_in_other_forms_are_read_in_full(relations, form):
    separator = "\n" if form == "{}\n{}" else ",\n"
    items = separator.join(json.dumps(dict(zip(KEYS, relation))) for relation in relations)
    statements = read(items if form == "{}\n{}" else form.replace("{}", items))
    assert stated(statements) == relations
    assert (statements.as_asked, statements.problems) == (False, {})


@pytest.mark.parametrize(
    ("text", "as_asked"),
    [
        (GOOD, True),
        ("\ufeff" + GOOD, True),
        ('{"relations": []}', True),
        ('{"entities": [], "relations": []}', True),
        ('{"entities": []}', False),
        ('{"label": "OWNS"}', True),
        ('{"label": null}', False),
        ('{"relations": [["M1", "OWNS", "M2"]]}', False),
        ('{"relations": [{"head": 1, "label": "OWNS", "tail": 2}]}', False),
        ('{"relations": [{"head": "M1", "label": "OWNS", "tail": "M2", "score": 1}]}', False),
        ('{"entities": [{"text": "A"}], "relations": []}', False),
        ('{"relations": [], "note": ""}', False),
        ('{"Relations": []}', False),
        (f"{GOOD}.", False),
        (f"[{ITEM}]", False),
        (ITEM, False),
        ('{"relations": [], "relations": []}', False),
        ('{"answer": "OWNS"}', False),
        ("{}", False),
        ("null", False),
        ("None", False),
    ],
)
def test_what_was_asked_for(text, as_asked):
    statements = read(text)
    assert statements.as_asked is as_asked
    assert statements.problems == {}


def test_all_that_an_item_says():
    head = {"id": 3, "text": " Apple ", "type": "ORG"}
    listed = [{"id": "e", "name": "Apple", "category": "ORG"}, "Oslo"]
    item = {"head": head, "label": " OWNS", "tail": "Oslo", "tail_type": "GPE"}
    statements = read(json.dumps({"entities": listed, "relations": [item]}))
    assert statements.entities == (StatedEntity("Apple", "ORG", "e"), StatedEntity("Oslo"))
    assert statements.relations == (
        StatedRelation(
            StatedArgument("Apple", "3", "ORG"), "OWNS", StatedArgument("Oslo", None, "GPE")
        ),
    )


def test_values_that_are_nested_too_deeply_are_counted():
    text = "[" * (MAX_DEPTH + 1) + ITEM + "]" * (MAX_DEPTH + 1)
    assert read(text).problems == {"malformed_item": 1}


def scores(text, keys=KEYS):
    """The scores of relations where each character is a token of probability 1/2."""
    tokens = tuple(OutputToken(character, math.log(0.5)) for character in text)
    return [rel.score for rel in read_statements(Reply(text, tokens=tokens), keys=keys).relations]


def test_a_score_is_the_probability_of_the_tokens_of_the_label():
    relations = [("OWNS", "label", "M2"), ("M1", "OWNS", '"label": "x"')]
    assert scores(relations_answer(KEYS, relations)) == pytest.approx([0.5**5, 0.5**4])
    assert scores(relations_answer(("a", "text", "b"), relations), ("a", "text", "b")) == (
        pytest.approx([0.5**5, 0.5**4])
    )
    assert scores('{"label": " OWNS"}') == pytest.approx([0.5**4])


def test_only_strict_json_has_scores():
    for text in (f"```\n{GOOD}\n```", "(M1, OWNS, M2)", GOOD.replace('"', "'")):
        assert set(scores(text)) == {None}


@pytest.mark.parametrize(
    "label", ["NO_RELATION", "no_relation", "None", "no relation.", "n/a", "null"]
)
def test_labels_for_nothing(label):
    assert states_nothing(label)


@pytest.mark.parametrize(
    "label", ["OWNS", "NO_RELATIVE_OF", "nonexistent", "", "has no relations with a" * 9]
)
def test_labels_for_something(label):
    assert not states_nothing(label)


@pytest.mark.parametrize("end", range(len(GOOD)))
def test_a_reply_that_was_cut_off_loses_its_incomplete_statement_only(end):
    statements = read(GOOD[:end], "length")
    assert stated(statements) == [("M1", "OWNS", "M2")] * GOOD[:end].count("}")
    assert statements.problems == {"truncated": 1}


pieces = st.sampled_from(
    ['{"', '"}', "[", "]", "{", "}", ":", ",", "'", '"', "\\", "\n", "head", "label", "tail", "M1",
     "relations", "entities", "<think>", "</think>", "```", "null", "//", "/*", "(", ")", "|", "->",
     "\ud800", " "]
)  # fmt: skip
finish_reasons = st.sampled_from(["stop", "length"])


@given(st.lists(pieces, max_size=40).map("".join) | st.text(), finish_reasons)
def test_any_text_can_be_read(text, finish_reason):
    assert all(count > 0 for count in read(text, finish_reason).problems.values())


@given(st.data())
def test_any_good_reply_with_damage_can_be_read(data):
    text = relations_answer(KEYS, data.draw(triples), data.draw(entities))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 5)))
        text = text[:start] + data.draw(pieces | st.text(max_size=3)) + text[end:]
    read(text, data.draw(finish_reasons))
