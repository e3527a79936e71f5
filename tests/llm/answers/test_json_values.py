import json

import json_repair
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.llm.answers.json_values import MAX_REPAIRED, JsonReader, load_json
from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.types import Reply

ITEM = '{"head": "M1", "label": "OWNS", "tail": "M2"}'

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(text, **options):
    """The values in a text, and whether it was cut."""
    reader = JsonReader()
    return reader.values(text, **options), reader.is_cut


@given(JSON.map(lambda value: {"a": value}), st.sampled_from(["{}", "x [1] {M1} {} y", "```\n{}"]))
@pytest.mark.slow
def test_valid_json_is_found_anywhere_and_not_changed(value, around):
    assert read(around.replace("{}", json.dumps(value))) == ([value], False)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("nothing [1], {M1} and [Apple]", []),
        ('{"a": 1,}', [{"a": 1}]),
        ("{'a': 'b', 'c': None}", [{"a": "b", "c": None}]),
        ('x {"a": 1,} y [2,] {"b": 3,} z', [{"a": 1}, {"b": 3}]),
        ("{'a': 'b'}\n{'a': 'c'}", [{"a": "b"}, {"a": "c"}]),
        ('{"a": "]", b: "}"} {"a": 2}', [{"a": "]", "b": "}"}, {"a": 2}]),
        ('{"a": "b\nc"}', [{"a": "b\nc"}]),
        ('{"a": 1, "b": 2, "a": 3}', [[{"a": 1, "b": 2}, {"a": 3}]]),
    ],
)
def test_values_of_a_text(text, values):
    assert read(text) == (values, False)


@pytest.mark.parametrize(
    ("text", "values", "is_cut"),
    [
        ('[{"a": 1}', [[{"a": 1}]], False),
        ('[{"a": 1}, ', [[{"a": 1}]], False),
        ('[{"a": 1}, {"a": "b', [[{"a": 1}]], True),
        ('[{"a": 1}, {"a": "b"', [[{"a": 1}, {"a": "b"}]], False),
        ('{"a": ', [], True),
    ],
)
def test_a_value_without_end(text, values, is_cut):
    assert read(text) == (values, is_cut)


def test_a_value_that_was_cut_off_loses_what_follows_its_last_bracket():
    assert read('[{"a": 1}, {"a": "b"', is_cut=True) == ([[{"a": 1}]], True)


def test_a_name_that_occurs_twice_loses_no_value():
    assert load_json('\ufeff{"a": 1, "a": 2}') == [{"a": 1}, {"a": 2}]


HOSTILE = [
    opening + text
    for opening in ("", "[", '{"', "{'a': '", '["a", ')
    for text in ("[", "{", "(", '"', "'", '"a', "\\", '\\"', '\\\n"', "a:", ", ", "/* ", '{"a":', "```")
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.slow
def test_what_is_repaired_of_a_hostile_reply_is_bounded(text, monkeypatch):
    lengths = []

    def counted(text, **options):
        lengths.append(len(text))
        return {"a": 1}

    monkeypatch.setattr(json_repair, "repair_json", counted)
    statements = read_statements(Reply(text * 10_000))
    assert sum(lengths) <= MAX_REPAIRED
    assert sum(statements.problems.values()) > 0


@pytest.mark.parametrize("text", HOSTILE)
def test_any_hostile_text_can_be_repaired(text):
    assert read_statements(Reply(text * 100)).relations == ()


FORMS = ['{{"relations": [{}, {}, {}]}}', "[\n{},\n{},\n{}\n]", "{}\n{}\n{}"]


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_character_costs_one_statement_at_most_and_never_in_silence(form):
    text = form.format(*(ITEM.replace("M1", name) for name in ("M1", "M3", "M4")))
    whole = set(read_statements(Reply(text)).relations)
    assert len(whole) == 3
    for i in range(len(text)):
        statements = read_statements(Reply(text[:i] + text[i + 1 :]))
        assert len(whole & set(statements.relations)) >= 2
        assert len(statements.relations) + sum(statements.problems.values()) == 3


def test_broken_json_is_repaired_up_to_a_limit_and_the_rest_counted():
    item = ITEM.replace('"', "'")
    statements = read_statements(Reply(f"[{item},\n" + f"{item},\n" * 1000 + "]"))
    assert len(statements.relations) == MAX_REPAIRED // (len(item) + 2)
    assert statements.problems == {"truncated": 1}


@pytest.mark.parametrize("end", [",]}", '{"head": "M1", "la', "and so on"])
def test_statements_behind_the_limit_are_read_if_they_are_valid(end):
    statements = read_statements(Reply('{"relations": [' + f"{ITEM},\n" * 1001 + end))
    assert len(statements.relations) == 1001
    assert statements.problems == {"truncated": 1}


@pytest.mark.slow
def test_valid_json_has_no_limit():
    statements = read_statements(Reply(f'{{"relations": [{", ".join([ITEM] * 20_000)}]}}'))
    assert (len(statements.relations), statements.as_asked) == (20_000, True)
    assert len(read_statements(Reply(f"{ITEM}\n" * 10_000)).relations) == 10_000
