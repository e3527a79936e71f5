"""Quotes and polarities that replies state, checked against the document."""

import json
from collections import Counter

import pytest
import spacy

from rel_component.llm.answers.claims import QuotedText
from rel_component.llm.answers.parsing import read_statements
from rel_component.llm.answers.relations import validate_statements
from rel_component.llm.prompting.claims import MAX_QUOTE, Claims, example_quote
from rel_component.llm.types import Reply

from ..business import SCHEMA, business_doc, business_mentions

BOTH = Claims(quote=True, polarity=True)
SAID = {"quote": "Apple was founded by Steve Jobs", "polarity": "asserted"}
FOUNDED = {"head": "M1", "label": "FOUNDED_BY", "tail": "M2"}


@pytest.fixture(scope="module")
def doc():
    nlp = spacy.blank("en")
    return nlp.add_pipe("sentencizer")(business_doc())


def read(doc, reply, claims=BOTH, **options):
    text = reply if isinstance(reply, str) else json.dumps(reply)
    statements = read_statements(Reply(text), claims=claims)
    mentions = business_mentions(doc)
    options = {"mentions": mentions, "claims": claims, **options}
    return validate_statements(statements, doc, SCHEMA, **options)


def test_a_quote_in_the_document_is_evidence(doc):
    leads = {"head": "M5", "label": "LEADS", "tail": "M6", "quote": "Tim Cook\n has led  Apple"}
    found = read(doc, {"relations": [{**FOUNDED, **SAID}, {**leads, "polarity": "planned"}]})
    assert [(rel.evidence, rel.polarity) for rel in found.relations] == [
        ((0,), "asserted"),
        ((1,), "planned"),
    ]
    assert found.valid
    assert found.relations[0].to_json()["polarity"] == "asserted"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quote": "Apple was started by Steve Jobs"}, "quote_not_in_text"),
        ({"quote": "pple was founded by Steve Jobs"}, "quote_not_in_text"),
        ({"quote": "apple was founded"}, "quote_not_in_text"),
        ({"quote": "..."}, "quote_not_in_text"),
        ({"quote": "Apple " * 1000}, "quote_not_in_text"),
        ({"quote": ["Apple", "Paris"]}, "quote_not_in_text"),
        ({"quote": " "}, "no_quote"),
        ({"quote": None}, "no_quote"),
        ({"quote": 7}, "no_quote"),
        ({"polarity": "perhaps"}, "unknown_polarity"),
        ({"polarity": None}, "unknown_polarity"),
    ],
)
def test_what_is_not_said_is_dropped_and_counted(doc, change, reason):
    found = read(doc, {"relations": [{**FOUNDED, **SAID, **change}]})
    assert (found.relations, found.dropped) == ([], Counter([reason]))
    assert len(found.errors) == 1
    assert len(found.errors[0]) < 400


@pytest.mark.parametrize(
    "reply",
    [
        {"relations": [{**FOUNDED, "evidence": SAID["quote"], "modality": "Asserted"}]},
        {"relations": [{**FOUNDED, **SAID, "quote": "<M1>Apple</M1> was founded by"}]},
        f"Here it is: ```json\n{json.dumps([{**FOUNDED, **SAID, 'polarity': 'affirmed'}])}\n```",
        {"relations": [{**FOUNDED, **SAID, "quote": ["was founded", "by Steve Jobs"]}]},
    ],
)
def test_other_forms_are_read(doc, reply):
    (rel,) = read(doc, reply).relations
    assert (rel.label, rel.evidence, rel.polarity) == ("FOUNDED_BY", (0,), "asserted")


def test_other_notations_quote_as_far_as_they_can(doc):
    row = ["M1", "FOUNDED_BY", "M2", SAID["quote"]]
    (rel,) = read(doc, [row], Claims(quote=True)).relations
    assert rel.evidence == (0,)
    assert read(doc, "(M1, FOUNDED_BY, M2)").dropped == {"no_quote": 1}


def test_a_question_about_a_pair(doc):
    pair = {"pair": ("M1", "M2")}
    found = read(doc, {"label": "FOUNDED_BY", **SAID}, **pair)
    assert found.valid
    assert [rel.polarity for rel in found.relations] == ["asserted"]
    found = read(doc, {"label": "NO_RELATION", "quote": "", "polarity": "asserted"}, **pair)
    assert (found.relations, found.valid) == ([], True)


def test_nothing_is_checked_that_was_not_asked_for(doc):
    (rel,) = read(doc, {"relations": [{**FOUNDED, "quote": "No such words"}]}, Claims()).relations
    assert (rel.evidence, rel.polarity) == ((), "")


def test_a_document_may_say_both(doc):
    negated = {**FOUNDED, **SAID, "polarity": "negated"}
    found = read(doc, {"relations": [negated, {**FOUNDED, **SAID}, negated]})
    assert [rel.polarity for rel in found.relations] == ["negated", "asserted"]
    assert found.dropped == {"duplicate": 1}


def test_of_several_places_the_nearest_is_taken(doc):
    mentions = business_mentions(doc)
    near = QuotedText(doc).sentences("Apple", (mentions["M7"], mentions["M9"]))
    assert near == {2}
    assert QuotedText(doc, doc[:4]).sentences("Coca-Cola", (mentions["M1"],)) is None
    plain = business_doc()
    assert QuotedText(plain).sentences("Apple", (plain[0:1],)) == set()


def test_words_of_a_language_without_spaces():
    nlp = spacy.blank("zh")
    nlp.add_pipe("sentencizer")
    doc = nlp("史蒂夫创立了苹果公司。他住在加州。")
    assert QuotedText(doc).sentences("创立了苹果", (doc[0:1],)) == {0}
    assert QuotedText(doc).sentences("创立了 香蕉", (doc[0:1],)) is None


def test_a_long_document_is_searched_in_bounded_time():
    doc = spacy.blank("en")("a " * 20_000)
    assert QuotedText(doc).sentences("a", (doc[0:1],)) == set()
    assert QuotedText(doc).sentences("a " * 900 + "b", (doc[0:1],)) is None


def test_answers_of_examples():
    text = "Ada, who was born in Oslo, " + "x" * 1000
    assert example_quote(text, [(21, 25), (0, 3)]) == "Ada, who was born in Oslo"
    assert len(example_quote(text, [(0, 3), (1000, 1010)])) == MAX_QUOTE
    assert BOTH.values("words", "") == {"quote": "words", "polarity": "asserted"}
    assert Claims().values("words", "planned") == Claims().schema() == {}
