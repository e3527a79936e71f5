import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.llm.answers.parsing import is_no_relation, parse_answer
from rel_component.llm.answers.stated import Argument, StatedEntity, StatedRelation
from rel_component.llm.answers.statements import MAX_CHARACTERS
from rel_component.llm.prompting.answer_schema import (
    entities_and_relations_answer,
    label_answer,
    relations_answer,
)

KEYS = ("head", "label", "tail")
USUAL_KEYS = [KEYS, ("subject", "relation", "object"), ("entity1", "relation", "entity2")]
ITEM = '{"head": "M1", "label": "OWNS", "tail": "M2"}'
GOOD = f'{{"relations": [{ITEM}, {ITEM}]}}'

names = st.text(min_size=1, max_size=12).map(str.strip).filter(bool)
triples = st.lists(st.tuples(names, names, names), max_size=5)
entities = st.lists(st.tuples(names, names), max_size=4)


def stated(answer):
    """The relations as texts, ids and labels."""
    return [
        (
            rel.head and (rel.head.text or rel.head.id),
            rel.label,
            rel.tail and (rel.tail.text or rel.tail.id),
        )
        for rel in answer.relations
    ]


@given(triples, st.sampled_from(USUAL_KEYS))
def test_good_answers_are_read_in_full(relations, keys):
    text = relations_answer(keys, relations)
    answer = parse_answer(text)
    assert stated(answer) == relations
    assert (answer.clean, answer.problems) == (True, {})
    for rel in answer.relations:
        if rel.label.isascii() and rel.label.isalnum():
            assert text.startswith(rel.label, rel.position)


@given(entities, triples)
def test_good_answers_with_entities_are_read_in_full(found, relations):
    answer = parse_answer(entities_and_relations_answer(KEYS, found, relations))
    assert [(entity.text, entity.type) for entity in answer.entities] == found
    assert stated(answer) == relations
    assert (answer.clean, answer.problems) == (True, {})


@given(names)
def test_good_answers_about_pairs_are_read(label):
    answer = parse_answer(label_answer("label", label))
    assert stated(answer) == [(None, label, None)]
    assert answer.clean


@given(triples.filter(bool), st.sampled_from(["{}", "[{}]", "{}\n{}", "```json\n{}\n```", "{},"]))
def test_objects_in_other_forms_are_read_in_full(relations, form):
    items = [json.dumps(dict(zip(KEYS, relation))) for relation in relations]
    if form == "{}\n{}":
        text = "\n".join(items)
    else:
        text = form.replace("{}", ",\n".join(items) if "[" in form else f"[{', '.join(items)}]")
    answer = parse_answer(text)
    assert stated(answer) == relations
    assert (answer.clean, answer.problems) == (False, {})


@pytest.mark.parametrize("keys", [("Kopf", "Art", "Ziel"), ("from_entity", "link", "to_entity")])
def test_other_names_of_the_parts(keys):
    text = relations_answer(keys, [("M1", "OWNS", "M2")])
    answer = parse_answer(text, keys=keys)
    assert (stated(answer), answer.clean) == ([("M1", "OWNS", "M2")], True)
    assert parse_answer(text).problems == {"malformed_item": 1}


@pytest.mark.parametrize(
    ("text", "clean"),
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
def test_clean_is_what_was_asked_for(text, clean):
    answer = parse_answer(text)
    assert answer.clean is clean
    assert answer.problems == {}


def test_all_that_an_item_says():
    head = {"id": 3, "text": " Apple ", "type": "ORG"}
    text = json.dumps(
        {
            "entities": [{"id": "e", "name": "Apple", "category": "ORG"}, "Oslo"],
            "relations": [{"head": head, "label": " OWNS", "tail": "Oslo", "tail_type": "GPE"}],
        }
    )
    answer = parse_answer(text)
    assert answer.entities == (StatedEntity("Apple", "ORG", "e"), StatedEntity("Oslo"))
    (relation,) = answer.relations
    assert relation == StatedRelation(
        Argument("Apple", "3", "ORG"), "OWNS", Argument("Oslo", None, "GPE"), text.index("OWNS")
    )
    for part in (relation.label, relation.head.text, answer.entities[0].text):
        assert type(part) is str


def test_positions_count_from_the_start_of_the_answer():
    for text in (GOOD, f"\ufeff{GOOD}", f"<think>OWNS</think> OWNS: {GOOD}", "(M1, OWNS, M2)"):
        answer = parse_answer(text)
        assert [text.startswith("OWNS", rel.position) for rel in answer.relations] == [True] * len(
            answer.relations
        )
    first, second = parse_answer(GOOD).relations
    assert (first.position, second.position) == (GOOD.index("OWNS"), GOOD.rindex("OWNS"))


def test_the_label_is_not_taken_for_a_name_that_is_the_same():
    text = '{"relations": [{"head": "OWNS", "label": "OWNS", "tail": "M2"}]}'
    assert parse_answer(text).relations[0].position == text.rindex("OWNS")


@pytest.mark.parametrize(
    "label", ["NO_RELATION", "no_relation", "None", "no relation.", "n/a", "null"]
)
def test_labels_for_nothing(label):
    assert is_no_relation(label)


@pytest.mark.parametrize(
    "label", ["OWNS", "NO_RELATIVE_OF", "nonexistent", "", "has no relations with a" * 9]
)
def test_labels_for_something(label):
    assert not is_no_relation(label)


@pytest.mark.parametrize("end", range(len(GOOD)))
def test_whole_items_of_a_cut_answer_are_read(end):
    answer = parse_answer(GOOD[:end], finish_reason="length")
    whole = [i for i in (1, 2) if end >= [0, *_ends(GOOD, '"M2"')][i]]
    assert stated(answer) == [("M1", "OWNS", "M2")] * len(whole)
    assert answer.problems == {"truncated": 1}


def _ends(text, part):
    first = text.index(part) + len(part)
    return [first, text.index(part, first) + len(part)]


@given(st.text())
def test_any_text_can_be_read(text):
    for finish_reason in ("stop", "length"):
        answer = parse_answer(text, finish_reason=finish_reason)
        assert all(count > 0 for count in answer.problems.values())


pieces = st.sampled_from(
    [
        '{"',
        '"}',
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "'",
        '"',
        "\\",
        "\n",
        "head",
        "label",
        "tail",
        "M1",
        "relations",
        "entities",
        "<think>",
        "</think>",
        "```",
        "null",
        "//",
        "/*",
        "(",
        ")",
        "|",
        "->",
        "\ud800",
        " ",
    ]
)


@given(st.lists(pieces, max_size=40).map("".join))
def test_any_pieces_of_answers_can_be_read(text):
    parse_answer(text)


@given(st.data())
def test_any_good_answer_with_damage_can_be_read(data):
    text = entities_and_relations_answer(KEYS, data.draw(entities), data.draw(triples))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 5)))
        text = text[:start] + data.draw(pieces | st.text(max_size=3)) + text[end:]
    parse_answer(text, finish_reason=data.draw(st.sampled_from(["stop", "length"])))


MB = 1_000_000
HOSTILE = {
    "brackets": "[" * MB,
    "braces": "{" * MB,
    "both": "[{" * (MB // 2),
    "closed": "[]" * (MB // 2),
    "parentheses": "[a" + "(a" * (MB // 2),
    "quotes": '{"' + '"' * MB,
    "single quotes": "['" + "'a" * (MB // 2),
    "quotes and words": '["' + '"a' * (MB // 2),
    "quotes and spaces": '["' + '" ' * (MB // 2),
    "backslashes": '{"' + "\\" * MB,
    "backslashes and line breaks": '["' + '\\\n"' * (MB // 3),
    "line breaks": '{"' + "\n" * MB,
    "colons": "{" + "a:" * (MB // 2),
    "commas": "[" + "," * MB,
    "spaces": '["a"' + " " * MB,
    "one long word": "[" + "a" * MB,
    "comments": "[" + "/* " * (MB // 3),
    "nested objects": '{"a":' * (MB // 5),
    "nested and closed": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "lists that are JSON": "[" * 900 + "]" * 900 + " " * MB,
    "small objects": "[" + ",\n".join(['{"a":1}'] * 100_000) + "]",
    "lines of small objects": '{"a":1}\n' * 100_000,
    "strings": "[" + '"abcdefghij",' * (MB // 13) + '"a"]',
    "a string in a string": json.dumps(["[" * MB]),
    "thinking": "<think>" * (MB // 7),
    "words": "Apple " * (MB // 6),
    "bars": "a|b|" * (MB // 4),
    "triples": "(a, b, c)\n" * (MB // 10),
    "parts": "head: a\n" * (MB // 8),
    "digits": "9" * MB,
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_anything_is_read_in_time(text):
    start = time.process_time()
    answer = parse_answer(text)
    assert time.process_time() - start < 1.5
    assert answer.relations or answer.problems or not answer.clean


def test_many_relations_are_all_read():
    text = f'{{"relations": [{", ".join([ITEM] * 20_000)}]}}'
    assert len(text) > MAX_CHARACTERS
    answer = parse_answer(text)
    assert (len(answer.relations), answer.clean) == (20_000, True)


def test_what_is_not_json_and_too_long_is_counted():
    answer = parse_answer((ITEM + "\n") * 10_000)
    assert len(answer.relations) == MAX_CHARACTERS // (len(ITEM) + 1)
    assert answer.problems == {"truncated": 1}


def test_a_normal_answer_takes_less_than_a_millisecond():
    text = f'{{"relations": [{", ".join([ITEM] * 10)}]}}'
    best = min(_seconds(parse_answer, text) for _ in range(20))
    assert best < 0.001


def _seconds(function, *arguments):
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start
