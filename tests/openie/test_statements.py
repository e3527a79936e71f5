"""What sentences state: negation, attribution, modality and coordination are all kept."""

from collections import Counter
from pathlib import Path

import pytest
import srsly

from rel_component.openie.relations import Options, open_relations
from rel_component.openie.tuples import Choices

from .parsers import load_parser

HERE = Path(__file__).parent


def sentences(lang, **options):
    rows = srsly.read_jsonl(HERE / f"statements_{lang}.jsonl")
    return [pytest.param(lang, row, id=row["text"], **options) for row in rows]


def stated(relation):
    told = relation.statement.attribution
    source = told and [told.word, told.source and told.source.text]
    polarity, modality = relation.polarity, relation.statement.modality
    return [relation.head.text, relation.label, relation.tail.text, polarity, modality, source]


def read(lang, text, **choices):
    return open_relations(load_parser(lang)(text), Options(Choices(**choices)))


@pytest.mark.parametrize(
    ("lang", "row"), [*sentences("en"), *sentences("fr", marks=pytest.mark.slow)]
)
def test_statements_are_found_as_they_are_meant(lang, row):
    found = [stated(relation) for relation in read(lang, row["text"])]
    assert [one for one in row["statements"] if one not in found] == []


def test_the_sentences_are_sixty_of_all_kinds():
    rows = [s for row in srsly.read_jsonl(HERE / "statements_en.jsonl") for s in row["statements"]]
    polarities, modalities = Counter(row[3] for row in rows), Counter(row[4] for row in rows)
    assert len(list(srsly.read_jsonl(HERE / "statements_en.jsonl"))) >= 60
    assert min(polarities["negated"], sum(row[5] is not None for row in rows)) >= 15
    assert len(modalities) == 5


def test_further_arguments_have_their_roles():
    (found,) = read("en", "The bank bought the insurer from Ann in May for a billion.")
    assert [(role, span.text) for role, span in found.statement.arguments] == [
        ("from", "Ann"),
        ("in", "May"),
        ("for", "a billion"),
    ]
    assert [span.text for span in found.statement.predicate] == ["bought"]


def test_a_predicate_may_have_gaps():
    found = read("en", "The team has not often won.\nDid the bank ever buy the insurer?")
    assert [[span.text for span in one.statement.predicate] for one in found] == [
        ["Did", "ever buy"]
    ]


@pytest.mark.parametrize(
    ("text", "label", "choices"),
    [
        ("The singer, a native of Boston, left the city.", "be", {"appositions": True}),
        ("The company's office burned down in May.", "be", {"possessives": True}),
    ],
)
def test_nouns_are_read_by_choice(text, label, choices):
    more = [stated(one) for one in read("en", text, **choices)]
    less = [stated(one) for one in read("en", text, **dict.fromkeys(choices, False))]
    assert len(more) == len(less) + 1
    assert all(one in more for one in less)


def test_joined_arguments_may_be_kept_together():
    (found,) = read("en", "Ann and Bob hired Carol and Dave.", split=False)
    assert (found.head.text, found.tail.text) == ("Ann and Bob", "Carol and Dave")


@pytest.mark.parametrize("n", [2, 12, 200])
def test_long_lists_are_split_up_to_a_limit(n):
    names = ", ".join(["Bob"] * (n - 1))
    found = read("en", f"Ann hired {names} and Carol.")
    assert 1 <= len(found) <= 40
