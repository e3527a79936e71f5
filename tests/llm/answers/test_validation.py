import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from rel_component.llm.answers.parsing import Answer, parse_answer
from rel_component.llm.answers.stated import Argument, StatedEntity, StatedRelation
from rel_component.llm.answers.validation import MAX_ERRORS, validate_answer
from rel_component.schema import RelationSchema

from ..business import ENTITY_TYPES, SCHEMA, TEXT, business_doc, business_mentions

DOC = business_doc()
MENTIONS = business_mentions(DOC)


def relation(head, label, tail, head_type=None, tail_type=None):
    """A relation between texts."""
    return StatedRelation(Argument(head, type=head_type), label, Argument(tail, type=tail_type))


def answer(*relations, entities=()):
    return Answer(
        tuple(relation(*parts) for parts in relations),
        tuple(StatedEntity(*parts) for parts in entities),
    )


def found(relations, entities=(), **options):
    """What an answer that names entities says."""
    options = {"entity_types": ENTITY_TYPES, **options}
    return validate_answer(answer(*relations, entities=entities), DOC, SCHEMA, **options)


def given_mentions(relations, entities=(), **options):
    """What an answer about given mentions says."""
    stated = answer(*relations, entities=entities)
    return validate_answer(stated, DOC, SCHEMA, mentions=MENTIONS, **options)


def facts(reading):
    return [(rel.head.text, rel.label, rel.tail.text) for rel in reading.relations]


def entities(reading):
    return sorted((span.start, span.text, span.label_) for span in reading.entities)


FOUNDED = ("Apple", "FOUNDED_BY", "Steve Jobs")
IDS = ("M1", "FOUNDED_BY", "M2")


def test_a_good_answer_is_valid():
    reading = given_mentions([IDS])
    assert facts(reading) == [FOUNDED]
    assert (reading.dropped, reading.repaired, reading.errors, reading.valid) == ({}, {}, [], True)
    assert reading.relations[0].head is MENTIONS["M1"]
    assert reading.entities == []


def test_an_answer_that_is_not_clean_is_not_valid():
    reading = validate_answer(
        parse_answer('[{"head": "M1", "label": "FOUNDED_BY", "tail": "M2"}]'),
        DOC,
        SCHEMA,
        mentions=MENTIONS,
    )
    assert (facts(reading), reading.errors, reading.valid) == ([FOUNDED], [], False)


def test_problems_of_the_answer_are_drops():
    reading = validate_answer(Answer(problems={"not_json": 1, "malformed_item": 2}), DOC, SCHEMA)
    assert reading.dropped == {"not_json": 1, "malformed_item": 2}
    assert reading.errors == [
        "the answer: it is not JSON",
        "the answer: each relation needs head, label and tail",
    ]


# The types of entities that the answer names


@pytest.mark.parametrize(
    ("stated", "listed", "types", "repaired"),
    [
        ((*FOUNDED, "ORG", "PERSON"), [], ("ORG", "PERSON"), {}),
        (FOUNDED, [("Apple", "ORG"), ("Steve Jobs", "PERSON")], ("ORG", "PERSON"), {}),
        (FOUNDED, [], ("ORG", "PERSON"), {"type_from_schema": 2}),
        (FOUNDED, [("Apple", "ORG")], ("ORG", "PERSON"), {"type_from_schema": 1}),
        ((*FOUNDED, "org", "PERSON"), [], ("ORG", "PERSON"), {"type_spelling": 1}),
        ((*FOUNDED, "COMPANY", "PERSON"), [], ("ORG", "PERSON"), {"type_from_schema": 1}),
        ((*FOUNDED, "ORG", "PERSON"), [("Apple", "GPE")], ("ORG", "PERSON"), {}),
        (("Apple (ORG)", "FOUNDED_BY", "Steve Jobs", None, "PERSON"), [], ("ORG", "PERSON"), {}),
        (
            ("Apple", "LOCATED_IN", "California"),
            [("Apple", "GPE"), ("Apple", "ORG"), ("California", "GPE")],
            ("GPE", "GPE"),
            {},
        ),
        (
            FOUNDED,
            [("Apple", "GPE"), ("Apple", "ORG"), ("Steve Jobs", "PERSON")],
            ("ORG", "PERSON"),
            {},
        ),
    ],
)
def test_types(stated, listed, types, repaired):
    reading = found([stated], listed)
    (rel,) = reading.relations
    assert (rel.head.label_, rel.tail.label_) == types
    assert (reading.dropped, reading.repaired) == ({}, repaired)


@pytest.mark.parametrize(
    ("stated", "listed", "dropped"),
    [
        (("Apple", "LOCATED_IN", "California", None, "GPE"), [], {"wrong_type": 1}),
        (("Apple", "LOCATED_IN", "California", "COMPANY", "GPE"), [], {"wrong_type": 1}),
        ((*FOUNDED, "GPE", "PERSON"), [], {"argument_types": 1}),
        (FOUNDED, [("Apple", "GPE")], {"argument_types": 1}),
        (
            FOUNDED,
            [("Apple", "GPE"), ("Steve Jobs", "NOBODY")],
            {"argument_types": 1, "wrong_type": 1},
        ),
    ],
)
def test_types_that_do_not_fit(stated, listed, dropped):
    reading = found([stated], listed)
    assert (facts(reading), reading.dropped, reading.repaired) == ([], dropped, {})


@pytest.mark.parametrize("kind", ["x" * 61, "\ud800", "a\x00b", " "])
def test_where_any_type_is_accepted_it_has_to_be_a_word(kind):
    reading = found([], [("Apple", kind), ("Steve Jobs", "FOUNDER")], entity_types=())
    assert entities(reading) == [(4, "Steve Jobs", "FOUNDER")]
    assert reading.dropped == {"wrong_type": 1}


def test_where_any_type_is_accepted_none_is_needed():
    schema = RelationSchema.from_dict({"relations": ["MADE"]})
    stated = answer(("Apple", "MADE", "California"), entities=[("Tim Cook", "")])
    reading = validate_answer(stated, DOC, schema)
    assert entities(reading) == [(9, "California", ""), (11, "Tim Cook", ""), (15, "Apple", "")]
    assert (reading.dropped, reading.repaired) == ({}, {})


# The entities that come out


def test_entities_are_those_of_relations_and_the_first_place_of_those_that_are_only_stated():
    listed = [
        ("Apple", "ORG"),
        ("Tim Cook", "PERSON"),
        ("california", "GPE"),
        ("Steve Jobs", "PERSON"),
    ]
    reading = found([("Tim Cook", "LEADS", "Apple")], listed)
    assert entities(reading) == [
        (4, "Steve Jobs", "PERSON"),
        (9, "California", "GPE"),
        (11, "Tim Cook", "PERSON"),
        (15, "Apple", "ORG"),
    ]


def test_an_entity_of_another_type_than_that_of_the_relation_comes_out_too():
    reading = found([(*FOUNDED, "ORG", "PERSON")], [("Apple", "GPE")])
    assert entities(reading) == [
        (0, "Apple", "GPE"),
        (0, "Apple", "ORG"),
        (4, "Steve Jobs", "PERSON"),
    ]


def test_an_entity_that_is_listed_twice_comes_out_once():
    reading = found([], [("Apple", "ORG"), ("Apple", ""), ("apple", "ORG"), ("the Apple", "org")])
    assert entities(reading) == [(0, "Apple", "ORG")]
    assert reading.dropped == {}


def test_an_entity_of_a_dropped_relation_comes_out_if_it_is_listed():
    reading = found([("Apple", "OWNS", "California")], [("Apple", "ORG")])
    assert entities(reading) == [(0, "Apple", "ORG")]


def test_names_are_those_of_the_list():
    listed = [("U.S.", "GPE", "e1"), ("Coca-Cola", "ORG")]
    for tail in ("the U.S.", "u.s", "e1"):
        reading = found([("Coca-Cola", "LOCATED_IN", tail)], listed)
        assert facts(reading) == [("Coca-Cola", "LOCATED_IN", "U.S.")]


def test_only_the_window_counts():
    reading = found([FOUNDED, ("Tim Cook", "LEADS", "Apple")], window=DOC[11:18])
    assert facts(reading) == [("Tim Cook", "LEADS", "Apple")]
    assert reading.dropped == {"not_in_text": 1}


# Given mentions


@pytest.mark.parametrize(
    "head",
    [
        "M1",
        "m1",
        "[M1]",
        "<M1>",
        "1",
        "M1: Apple",
        "M1 (ORG)",
        "<M1>Apple</M1>",
        "Apple (M1)",
        "ENT0",
        "[ENT0]",
        "the apple",
    ],
)
def test_ids_and_names_of_mentions(head):
    assert facts(given_mentions([(head, "FOUNDED_BY", "M2")])) == [FOUNDED]


@pytest.mark.parametrize(
    "head",
    [
        "M0",
        "M11",
        "M01x",
        "E1",
        "M1: Steve Jobs",
        "Steve Jobs (M1)",
        "Microsoft",
        "Appple",
        "M" + "9" * 5000,
        "١",
        "\ud800",
    ],
)
def test_what_is_no_mention(head):
    reading = given_mentions([(head, "FOUNDED_BY", "M2")])
    assert (facts(reading), reading.dropped) == ([], {"unknown_mention": 1})


def test_numbers_mean_nothing_where_they_start_at_0():
    reading = given_mentions([("0", "FOUNDED_BY", "1"), ("1", "FOUNDED_BY", "2"), IDS])
    assert (facts(reading), reading.dropped) == ([FOUNDED], {"unknown_mention": 2})


def test_the_nearest_mention_of_a_name():
    reading = given_mentions([("Coca-Cola", "PARTNER_OF", "Apple"), ("Tim Cook", "LEADS", "Apple")])
    assert [rel.tail for rel in reading.relations] == [MENTIONS["M6"], MENTIONS["M6"]]


def test_a_mention_of_the_name_that_the_schema_allows_though_another_is_nearer():
    city = Span(DOC, MENTIONS["M6"].start, MENTIONS["M6"].end, label="GPE")
    mentions = {**MENTIONS, "M6": city}
    reading = validate_answer(
        answer(("Tim Cook", "LEADS", "Apple")), DOC, SCHEMA, mentions=mentions
    )
    assert [rel.tail for rel in reading.relations] == [MENTIONS["M1"]]


def test_entities_beside_given_mentions():
    reading = given_mentions(
        [("E1", "FOUNDED_BY", "M2")], [("Apple", "ORG", "E1"), ("Oslo", "GPE")]
    )
    assert facts(reading) == [FOUNDED]
    assert (reading.dropped, reading.entities) == ({"unknown_mention": 1}, [])


def test_a_name_of_the_schema_goes_before_a_word_for_nothing():
    schema = RelationSchema.from_dict({"relations": ["none", "OWNS"]})
    stated = answer(("M1", "none", "M2"), ("M1", "NO_RELATION", "M2"))
    reading = validate_answer(stated, DOC, schema, mentions=MENTIONS)
    assert (facts(reading), reading.dropped) == ([("Apple", "none", "Steve Jobs")], {})


@pytest.mark.parametrize(
    ("label", "fact", "repaired"),
    [
        ("FOUNDED_BY", FOUNDED, {}),
        ("FOUNDER_OF", FOUNDED, {"inverse_label": 1, "reversed_direction": 1}),
        ("LEADS", ("Steve Jobs", "LEADS", "Apple"), {"reversed_direction": 1}),
    ],
)
def test_a_label_is_about_the_pair_in_question(label, fact, repaired):
    stated = Answer((StatedRelation(None, label, None),))
    reading = validate_answer(stated, DOC, SCHEMA, mentions=MENTIONS, pair=("M1", "M2"))
    assert (facts(reading), reading.repaired) == ([fact], repaired)


def test_open_labels():
    labels = ["was  started by", "founded-by", "x" * 61, "\ud800", "a\x00b", " ", "works for"]
    reading = given_mentions([("M1", label, "M2") for label in labels], open_labels=True)
    assert [rel.label for rel in reading.relations] == ["was started by", "FOUNDED_BY", "works for"]
    assert reading.dropped == {"unknown_label": 4}


def test_labels_that_could_be_two_are_unknown():
    schema = RelationSchema.from_dict({"relations": ["OWNS", "owns", "=>"]})
    stated = answer(("M1", "Owns", "M2"), ("M1", "***", "M2"), ("M1", "owns", "M2"))
    reading = validate_answer(stated, DOC, schema, mentions=MENTIONS)
    assert (facts(reading), reading.dropped) == (
        [("Apple", "owns", "Steve Jobs")],
        {"unknown_label": 2},
    )


def test_errors_are_few_and_short():
    reading = found([("x" * 10_000, "y" * 10_000, "z"), *[("x" * 10_000, "LEADS", "z")] * 100])
    assert sum(reading.dropped.values()) == 101
    assert len(reading.errors) == MAX_ERRORS
    assert max(map(len, reading.errors)) < 200


NAMES = st.sampled_from(
    ["Apple", "apple", "Steve Jobs", "Steve Jbs", "M1", "M2", "M3", "M99", "ENT0", "0", "1", "7",
     "U.S.", "the", "2011", "Coca-Cola (ORG)", "Zoe O'Neil", "California [GPE]", "", "\ud800"]
) | st.text(max_size=8)  # fmt: skip
LABELS = st.sampled_from(
    [*SCHEMA, "FOUNDER_OF", "founded by", "NO_RELATION", "OWNS", "", "\x00"]
) | st.text(max_size=8)
TYPES = st.sampled_from([*ENTITY_TYPES, "org", "DATE", "", "\ud800"])
ARGUMENTS = st.none() | st.builds(Argument, st.none() | NAMES, st.none() | NAMES, st.none() | TYPES)
ANSWERS = st.builds(
    Answer,
    st.lists(st.builds(StatedRelation, ARGUMENTS, LABELS, ARGUMENTS), max_size=6).map(tuple),
    st.lists(st.builds(StatedEntity, NAMES, TYPES, st.none() | NAMES), max_size=4).map(tuple),
)
WINDOWS = st.tuples(st.integers(0, len(DOC)), st.integers(0, len(DOC))).map(sorted)


@given(ANSWERS, WINDOWS, st.booleans(), st.floats(0, 100))
def test_any_answer_gives_labels_of_the_schema_and_spans_of_the_window(
    stated, window, is_typed, min_similarity
):
    start, end = window
    reading = validate_answer(
        stated,
        DOC,
        SCHEMA,
        window=DOC[start:end],
        entity_types=ENTITY_TYPES if is_typed else (),
        min_similarity=min_similarity,
    )
    _check(stated, reading)
    for span in reading.entities:
        assert start <= span.start < span.end <= end
    sides = [side for rel in reading.relations for side in (rel.head, rel.tail)]
    assert {(s.start, s.end, s.label_) for s in sides} <= {
        (s.start, s.end, s.label_) for s in reading.entities
    }


@given(ANSWERS, st.booleans())
def test_any_answer_gives_labels_of_the_schema_and_given_mentions(stated, is_pair):
    mentions = {key: MENTIONS[key] for key in ("M1", "M2")} if is_pair else MENTIONS
    pair = ("M1", "M2") if is_pair else None
    reading = validate_answer(stated, DOC, SCHEMA, mentions=mentions, pair=pair)
    _check(stated, reading)
    given = list(map(id, mentions.values()))
    assert all(id(s) in given for rel in reading.relations for s in (rel.head, rel.tail))


def _check(stated, reading):
    keys = set()
    for rel in reading.relations:
        assert SCHEMA[rel.label].allows(rel.head.label_, rel.tail.label_)
        assert (rel.head.start, rel.head.end) != (rel.tail.start, rel.tail.end)
        keys.add((rel.head.start, rel.label, rel.tail.start, rel.head.end, rel.tail.end))
    assert len(keys) == len(reading.relations) <= len(stated.relations)
    assert "".join(reading.errors).isprintable()
    assert DOC.text == TEXT
    assert not DOC.ents


@given(ANSWERS)
def test_every_statement_comes_out_or_is_counted(stated):
    relations = [rel for rel in stated.relations if rel.head and rel.tail]
    stated = Answer(
        tuple(rel for rel in relations if rel.label.isupper() and "NO_" not in rel.label)
    )
    reading = validate_answer(stated, DOC, SCHEMA, mentions=MENTIONS)
    assert len(reading.relations) + sum(reading.dropped.values()) == len(stated.relations)


def test_ten_relations_take_less_than_a_millisecond():
    item = '{"head": "M%d", "label": "PARTNER_OF", "tail": "M%d"}'
    named = '{"head": "Apple", "label": "FOUNDED_BY", "tail": "Steve Jobs"}'
    listed = '{"text": "Apple", "type": "ORG"}, {"text": "Steve Jobs", "type": "PERSON"}'
    replies = {
        f'{{"relations": [{", ".join(item % (i, i + 1) for i in range(1, 11))}]}}': MENTIONS,
        f'{{"entities": [{listed}], "relations": [{", ".join([named] * 10)}]}}': None,
    }
    for reply, mentions in replies.items():
        assert min(_seconds(reply, mentions) for _ in range(20)) < 0.001


def _seconds(reply, mentions):
    start = time.process_time()
    validate_answer(parse_answer(reply), DOC, SCHEMA, mentions=mentions, entity_types=ENTITY_TYPES)
    return time.process_time() - start
