from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.answers.relations import MAX_ERRORS, validate_statements
from rel_component.llm.answers.statements import (
    StatedArgument,
    StatedEntity,
    StatedRelation,
    Statements,
)
from rel_component.llm.types import Reply
from rel_component.schema import RelationSchema, RelationType

from ..business import ENTITY_TYPES, SCHEMA, TEXT, business_doc, business_mentions

DOC = business_doc()
MENTIONS = business_mentions(DOC)


def relation(head, label, tail, head_type=None, tail_type=None):
    """A relation between texts."""
    return StatedRelation(
        StatedArgument(head, type=head_type), label, StatedArgument(tail, type=tail_type)
    )


def answer(*relations, entities=()):
    return Statements(
        tuple(relation(*parts) for parts in relations),
        tuple(StatedEntity(*parts) for parts in entities),
    )


def found(relations, entities=(), **options):
    """What an answer that names entities says."""
    options = {"entity_types": ENTITY_TYPES, **options}
    return validate_statements(answer(*relations, entities=entities), DOC, SCHEMA, **options)


def given_mentions(relations, entities=(), **options):
    """What an answer about given mentions says."""
    stated = answer(*relations, entities=entities)
    return validate_statements(stated, DOC, SCHEMA, mentions=MENTIONS, **options)


def facts(reply):
    return [(rel.head.text, rel.label, rel.tail.text) for rel in reply.relations]


def entities(reply):
    return sorted((span.start, span.text, span.label_) for span in reply.entities)


FOUNDED = ("Apple", "FOUNDED_BY", "Steve Jobs")
IDS = ("M1", "FOUNDED_BY", "M2")


def test_a_good_answer_is_valid():
    reply = given_mentions([IDS])
    assert facts(reply) == [FOUNDED]
    assert (reply.dropped, reply.repaired, reply.errors, reply.valid) == ({}, {}, [], True)
    assert reply.relations[0].head is MENTIONS["M1"]
    assert reply.entities == []


@pytest.mark.parametrize("relations", [("M2", "FOUNDED_BY", "M1"), ("M2", "FOUNDED_BY", "M5")])
def test_types_that_are_only_expected_neither_drop_nor_exchange(relations):
    schema = RelationSchema([replace(SCHEMA["FOUNDED_BY"], inferred=True)])
    reply = validate_statements(answer(relations), DOC, schema, mentions=MENTIONS)
    ((head, _, tail),) = [(rel.head, rel.label, rel.tail) for rel in reply.relations]
    assert (head, tail) == (MENTIONS[relations[0]], MENTIONS[relations[2]])
    assert (reply.dropped, reply.repaired) == ({}, {})


def test_labels_that_differ_in_marks_alone_are_others():
    schema = RelationSchema([RelationType("पिता"), RelationType("पति")])
    reply = validate_statements(answer(("M1", "पिता।", "M2")), DOC, schema, mentions=MENTIONS)
    assert [rel.label for rel in reply.relations] == ["पिता"]


def test_an_expected_type_is_supplied():
    schema = RelationSchema([replace(SCHEMA["FOUNDED_BY"], inferred=True)])
    reply = validate_statements(answer(FOUNDED), DOC, schema, entity_types=ENTITY_TYPES)
    ((rel, *_),) = [reply.relations]
    assert (rel.head.label_, rel.tail.label_) == ("ORG", "PERSON")


def test_an_answer_that_is_not_clean_is_not_valid():
    reply = validate_statements(
        read_statements(Reply('[{"head": "M1", "label": "FOUNDED_BY", "tail": "M2"}]')),
        DOC,
        SCHEMA,
        mentions=MENTIONS,
    )
    assert (facts(reply), reply.errors, reply.valid) == ([FOUNDED], [], False)


def test_problems_of_the_answer_are_drops():
    reply = validate_statements(
        Statements(problems={"not_json": 1, "malformed_item": 2}), DOC, SCHEMA
    )
    assert reply.dropped == {"not_json": 1, "malformed_item": 2}
    assert reply.errors == [
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
        (FOUNDED, [("Apple", "GPE"), ("Apple", "ORG")], ("ORG", "PERSON"), {"type_from_schema": 1}),
    ],
)
def test_types(stated, listed, types, repaired):
    reply = found([stated], listed)
    (rel,) = reply.relations
    assert (rel.head.label_, rel.tail.label_) == types
    assert (reply.dropped, reply.repaired) == ({}, repaired)


@pytest.mark.parametrize(
    ("stated", "listed", "dropped"),
    [
        (("Apple", "LOCATED_IN", "California", None, "GPE"), [], {"wrong_type": 1}),
        (("Apple", "LOCATED_IN", "California", "COMPANY", "GPE"), [], {"wrong_type": 1}),
        ((*FOUNDED, "GPE", "PERSON"), [], {"argument_types": 1}),
        (FOUNDED, [("Apple", "GPE")], {"argument_types": 1}),
    ],
)
def test_types_that_do_not_fit(stated, listed, dropped):
    reply = found([stated], listed)
    assert (facts(reply), reply.dropped, reply.repaired) == ([], dropped, {})


@pytest.mark.parametrize("kind", ["x" * 61, "\ud800", "a\x00b", " "])
def test_where_any_type_is_accepted_it_has_to_be_a_word(kind):
    reply = found([], [("Apple", kind), ("Steve Jobs", "FOUNDER")], entity_types=())
    assert entities(reply) == [(4, "Steve Jobs", "FOUNDER")]
    assert reply.dropped == {"wrong_type": 1}


def test_where_any_type_is_accepted_none_is_needed():
    schema = RelationSchema.from_dict({"relations": ["MADE"]})
    stated = answer(("Apple", "MADE", "California"), entities=[("Tim Cook", "")])
    reply = validate_statements(stated, DOC, schema)
    assert entities(reply) == [(9, "California", ""), (11, "Tim Cook", ""), (15, "Apple", "")]
    assert (reply.dropped, reply.repaired) == ({}, {})


# The entities that come out


def test_entities_are_those_of_relations_and_the_first_place_of_those_that_are_only_stated():
    listed = [("Apple", "ORG"), ("Tim Cook", "PERSON"), ("california", "GPE")]
    reply = found([("Tim Cook", "LEADS", "Apple")], listed)
    assert entities(reply) == [
        (9, "California", "GPE"),
        (11, "Tim Cook", "PERSON"),
        (15, "Apple", "ORG"),
    ]


def test_an_entity_of_another_type_than_that_of_the_relation_comes_out_too():
    reply = found([(*FOUNDED, "ORG", "PERSON")], [("Apple", "GPE")])
    assert entities(reply) == [
        (0, "Apple", "GPE"),
        (0, "Apple", "ORG"),
        (4, "Steve Jobs", "PERSON"),
    ]


def test_an_entity_that_is_listed_twice_comes_out_once():
    reply = found([], [("Apple", "ORG"), ("Apple", ""), ("apple", "ORG"), ("the Apple", "org")])
    assert entities(reply) == [(0, "Apple", "ORG")]
    assert reply.dropped == {}


def test_an_entity_of_a_dropped_relation_comes_out_if_it_is_listed():
    reply = found([("Apple", "OWNS", "California")], [("Apple", "ORG")])
    assert entities(reply) == [(0, "Apple", "ORG")]


def test_names_are_those_of_the_list():
    listed = [("U.S.", "GPE", "e1"), ("Coca-Cola", "ORG")]
    for tail in ("the U.S.", "u.s", "e1"):
        reply = found([("Coca-Cola", "LOCATED_IN", tail)], listed)
        assert facts(reply) == [("Coca-Cola", "LOCATED_IN", "U.S.")]


def test_only_the_window_counts():
    reply = found([FOUNDED, ("Tim Cook", "LEADS", "Apple")], window=DOC[11:18])
    assert facts(reply) == [("Tim Cook", "LEADS", "Apple")]
    assert reply.dropped == {"not_in_text": 1}


# Given mentions


@pytest.mark.parametrize(
    "head",
    ["M1", "m1", "[M1]", "<M1>", "1", "M1: Apple", "M1 (ORG)", "<M1>Apple</M1>", "Apple (M1)",
     "ENT0", "[ENT0]", "the apple"],
)  # fmt: skip
def test_ids_and_names_of_mentions(head):
    assert facts(given_mentions([(head, "FOUNDED_BY", "M2")])) == [FOUNDED]


@pytest.mark.parametrize(
    "head",
    ["M0", "M11", "M01x", "E1", "M1: Steve Jobs", "Steve Jobs (M1)", "Microsoft", "Appple",
     "M" + "9" * 5000, "١", "\ud800"],
)  # fmt: skip
def test_what_is_no_mention(head):
    reply = given_mentions([(head, "FOUNDED_BY", "M2")])
    assert (facts(reply), reply.dropped) == ([], {"unknown_mention": 1})


def test_numbers_mean_nothing_where_they_start_at_0():
    reply = given_mentions([("0", "FOUNDED_BY", "1"), ("1", "FOUNDED_BY", "2"), IDS])
    assert (facts(reply), reply.dropped) == ([FOUNDED], {"unknown_mention": 2})


def test_the_nearest_mention_of_a_name():
    reply = given_mentions([("Coca-Cola", "PARTNER_OF", "Apple"), ("Tim Cook", "LEADS", "Apple")])
    assert [rel.tail for rel in reply.relations] == [MENTIONS["M6"], MENTIONS["M6"]]


def test_a_mention_of_the_name_that_the_schema_allows_though_another_is_nearer():
    city = Span(DOC, MENTIONS["M6"].start, MENTIONS["M6"].end, label="GPE")
    mentions = {**MENTIONS, "M6": city}
    reply = validate_statements(
        answer(("Tim Cook", "LEADS", "Apple")), DOC, SCHEMA, mentions=mentions
    )
    assert [rel.tail for rel in reply.relations] == [MENTIONS["M1"]]


def test_entities_beside_given_mentions():
    reply = given_mentions([("E1", "FOUNDED_BY", "M2")], [("Apple", "ORG", "E1"), ("Oslo", "GPE")])
    assert facts(reply) == [FOUNDED]
    assert (reply.dropped, reply.entities) == ({"unknown_mention": 1}, [])


def test_a_name_of_the_schema_goes_before_a_word_for_nothing():
    schema = RelationSchema.from_dict({"relations": ["none", "OWNS"]})
    stated = answer(("M1", "none", "M2"), ("M1", "NO_RELATION", "M2"))
    reply = validate_statements(stated, DOC, schema, mentions=MENTIONS)
    assert (facts(reply), reply.dropped) == ([("Apple", "none", "Steve Jobs")], {})


def test_open_labels():
    labels = ["was  started by", "founded-by", "x" * 61, "\ud800", "a\x00b", " ", "works for"]
    reply = given_mentions([("M1", label, "M2") for label in labels], open_labels=True)
    assert [rel.label for rel in reply.relations] == ["was started by", "FOUNDED_BY", "works for"]
    assert reply.dropped == {"unknown_label": 4}


def test_labels_that_could_be_two_are_unknown():
    schema = RelationSchema.from_dict({"relations": ["OWNS", "owns", "=>"]})
    stated = answer(("M1", "Owns", "M2"), ("M1", "***", "M2"), ("M1", "owns", "M2"))
    reply = validate_statements(stated, DOC, schema, mentions=MENTIONS)
    assert (facts(reply), reply.dropped) == (
        [("Apple", "owns", "Steve Jobs")],
        {"unknown_label": 2},
    )


def test_errors_are_few_and_short():
    reply = found([("x" * 10_000, "y" * 10_000, "z"), *[("x" * 10_000, "LEADS", "z")] * 100])
    assert sum(reply.dropped.values()) == 101
    assert len(reply.errors) == MAX_ERRORS
    assert max(map(len, reply.errors)) < 200


NAMES = st.sampled_from(
    ["Apple", "apple", "Steve Jobs", "Steve Jbs", "M1", "M2", "M3", "M99", "ENT0", "0", "1", "7",
     "U.S.", "the", "2011", "Coca-Cola (ORG)", "Zoe O'Neil", "California [GPE]", "", "\ud800"]
) | st.text(max_size=8)  # fmt: skip
LABELS = st.sampled_from(
    [*SCHEMA, "FOUNDER_OF", "founded by", "NO_RELATION", "OWNS", "", "\x00"]
) | st.text(max_size=8)
TYPES = st.sampled_from([*ENTITY_TYPES, "org", "DATE", "", "\ud800"])
ARGUMENTS = st.none() | st.builds(
    StatedArgument, st.none() | NAMES, st.none() | NAMES, st.none() | TYPES
)
ANSWERS = st.builds(
    Statements,
    st.lists(st.builds(StatedRelation, ARGUMENTS, LABELS, ARGUMENTS), max_size=6).map(tuple),
    st.lists(st.builds(StatedEntity, NAMES, TYPES, st.none() | NAMES), max_size=4).map(tuple),
)
WINDOWS = st.tuples(st.integers(0, len(DOC)), st.integers(0, len(DOC))).map(sorted)


@given(ANSWERS, WINDOWS, st.booleans(), st.floats(0, 100))
def test_any_answer_gives_labels_of_the_schema_and_spans_of_the_window(
    stated, window, is_typed, min_similarity
):
    start, end = window
    reply = validate_statements(
        stated,
        DOC,
        SCHEMA,
        window=DOC[start:end],
        entity_types=ENTITY_TYPES if is_typed else (),
        min_similarity=min_similarity,
    )
    _check(stated, reply)
    for span in reply.entities:
        assert start <= span.start < span.end <= end
    sides = [side for rel in reply.relations for side in (rel.head, rel.tail)]
    assert {(s.start, s.end, s.label_) for s in sides} <= {
        (s.start, s.end, s.label_) for s in reply.entities
    }


@given(ANSWERS, st.booleans())
def test_any_answer_gives_labels_of_the_schema_and_given_mentions(stated, is_pair):
    mentions = {key: MENTIONS[key] for key in ("M1", "M2")} if is_pair else MENTIONS
    pair = ("M1", "M2") if is_pair else None
    reply = validate_statements(stated, DOC, SCHEMA, mentions=mentions, pair=pair)
    _check(stated, reply)
    given = list(map(id, mentions.values()))
    assert all(id(s) in given for rel in reply.relations for s in (rel.head, rel.tail))


def _check(stated, reply):
    keys = set()
    for rel in reply.relations:
        assert SCHEMA[rel.label].allows(rel.head.label_, rel.tail.label_)
        assert (rel.head.start, rel.head.end) != (rel.tail.start, rel.tail.end)
        keys.add((rel.head.start, rel.label, rel.tail.start, rel.head.end, rel.tail.end))
    assert len(keys) == len(reply.relations) <= len(stated.relations)
    assert "".join(reply.errors).isprintable()
    assert DOC.text == TEXT
    assert not DOC.ents


@given(ANSWERS)
def test_every_statement_comes_out_or_is_counted(stated):
    relations = [rel for rel in stated.relations if rel.head and rel.tail]
    stated = Statements(
        tuple(rel for rel in relations if rel.label.isupper() and "NO_" not in rel.label)
    )
    reply = validate_statements(stated, DOC, SCHEMA, mentions=MENTIONS)
    assert len(reply.relations) + sum(reply.dropped.values()) == len(stated.relations)
