import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rel_component.llm.answers.loose_json import BareText, Text, loose_values

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    JSON.filter(lambda value: isinstance(value, (dict, list))),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_json_is_read_as_json(value, ascii, indent):
    found = loose_values(json.dumps(value, ensure_ascii=ascii, indent=indent))
    assert (found.values, found.is_open, found.is_cut) == ([value], False, False)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("nothing", []),
        ("[1, 2", [[1]]),
        ('[1, "2" ', [[1, "2"]]),
        ('{"a": 1,}', [{"a": 1}]),
        ("{'a': 'Bart's bar', 'b': None}", [{"a": "Bart's bar", "b": None}]),
        ('{"a": "the "Rock" of "Cashel""}', [{"a": 'the "Rock" of "Cashel"'}]),
        ('{a: Steve Jobs (PERSON), "b": TRUE}', [{"a": "Steve Jobs (PERSON)", "b": True}]),
        ('{"a": 1 // one\n, /* two */ "b": 2 # three\n}', [{"a": 1, "b": 2}]),
        ('[("a", "b"), (c, d)]', [[["a", "b"], ["c", "d"]]]),
        ("{“a”: “b”}", [{"a": "b"}]),
        ('{"a": "b\nc", "d": 1}', [{"a": "b\nc", "d": 1}]),
        ('{"a": "b\\\'c\\n\\u00e9"}', [{"a": "b'c\né"}]),
        ('{"a": [1, {"b": 2}', [{"a": [1, {"b": 2}]}]),
        ('{"a": [1}, 2]}', [{"a": [1]}]),
        ('[{"a": 1]]', [[{"a": 1}]]),
        ('{"a": 1 {"b": 2}', [{"a": 1}, {"b": 2}]),
        ('{"a": 1, "b": 2, "a": 3, "b": 4}', [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ('{{"a": 1}}', [[{"a": 1}]]),
        ('{"a": "b, \n"c": "d"}', [{"c": "d"}]),
        ('{"a": ', [{}]),
        ('{"a": "b', [{}]),
        ('x {"a": 1} y [2] z', [{"a": 1}, [2]]),
    ],
)
def test_what_is_not_quite_json(text, values):
    assert loose_values(text).values == values


@pytest.mark.parametrize(
    ("text", "is_open", "is_cut"),
    [
        ('[{"a": 1}]', False, False),
        ('[{"a": 1}', True, False),
        ('[{"a": 1}, ', True, False),
        ('[{"a": "b', True, True),
        ('[{"a": b', True, True),
        ('[{"a": ', True, True),
        ('{"a": "b\n"c": 1}', False, False),
    ],
)
def test_whether_the_text_ends_too_soon(text, is_open, is_cut):
    found = loose_values(text)
    assert (found.is_open, found.is_cut) == (is_open, is_cut)
    assert found.end == len(text)


def test_strings_know_their_places():
    text = """x {"head": 'M1', label: FOUNDED BY, "t": “M2”} """
    (value,) = loose_values(text).values
    assert list(value) == ["head", "label", "t"]
    for part in (*value, *value.values()):
        assert isinstance(part, Text)
        assert text.startswith(part, part.start)
    assert isinstance(value["label"], BareText)
    assert not isinstance(value["head"], BareText)


def test_brackets_that_are_too_deep_are_read_by_themselves():
    text = "[" * 50 + '{"a": 1}' + "]" * 50
    assert {"a": 1} in [item for value in loose_values(text).values for item in _leaves(value)]


def _leaves(value):
    return (
        [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]
    )
