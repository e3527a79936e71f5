"""From documents to questions."""

import json

import pytest

from rel_component.errors import ConfigError, PromptTooLong
from rel_component.llm.prompting.examples import ExampleSelector, PromptExample
from rel_component.llm.prompting.possible import PossibleRelations
from rel_component.llm.prompting.prompts import Prompter
from rel_component.llm.prompting.template import PromptTemplate
from rel_component.llm.prompting.windows import PromptLimits
from rel_component.schema import RelationSchema, RelationType

from ...helpers import make_doc

SCHEMA = RelationSchema(
    [
        RelationType("FOUNDED_BY", "The tail founded the head.", ("ORG",), ("PERSON",)),
        RelationType("LOCATED_IN", "", ("ORG", "GPE"), ("GPE",)),
    ]
)
ORG, PERSON, CITY, STATE = (0, 1, "ORG"), (4, 6, "PERSON"), (7, 8, "GPE"), (9, 10, "GPE")
TEXT = "Apple was founded by Steve Jobs in Cupertino , California ."


def count_words(messages):
    return sum(len(message.content.split()) for message in messages)


def prompter(template="relations.v1", schema=SCHEMA, examples=(), window=None, **options):
    return Prompter(
        schema,
        PromptTemplate.load(template),
        ExampleSelector(examples),
        PromptLimits(window, 10, count_words),
        **options,
    )


def ask(doc, *args, **options):
    return prompter(*args, **options).questions(doc, list(doc.ents))


@pytest.fixture
def doc(vocab):
    return make_doc(vocab, TEXT, [ORG, PERSON, CITY, STATE])


@pytest.fixture
def shown(vocab):
    doc = make_doc(vocab, "Acme in Oslo", [(0, 1, "ORG"), (2, 3, "GPE")], [(0, "LOCATED_IN", 1)])
    return PromptExample.from_doc(doc)


def properties(question):
    return question.schema["properties"]["relations"]["items"]["properties"]


def enumerations(question):
    """Heads, labels and tails of each kind of relation that an answer may state."""
    items = question.schema["properties"]["relations"]["items"]
    kinds = [kind["properties"] for kind in items.get("anyOf", [items])]
    return [tuple(part["enum"] for part in kind.values()) for kind in kinds]


def test_one_question_with_the_mentions_by_id(doc):
    (question,) = ask(doc)
    assert [message.role for message in question.messages] == ["system", "user"]
    assert "<M1>Apple</M1> was founded by <M2>Steve Jobs</M2>" in question.messages[1].content
    assert "M3: Cupertino (GPE)" in question.messages[1].content
    assert question.mentions["M2"].text == "Steve Jobs"


def test_answers_may_only_relate_mentions_of_the_right_types(doc):
    (question,) = ask(doc)
    assert enumerations(question) == [
        (["M1"], ["FOUNDED_BY"], ["M2"]),
        (["M1", "M3", "M4"], ["LOCATED_IN"], ["M3", "M4"]),
    ]


def test_labels_with_the_same_arguments_are_one_kind(doc):
    schema = RelationSchema(
        [RelationType("A", "", ("ORG",), ("GPE",)), RelationType("B", "", ("ORG",), ("GPE",))]
    )
    (question,) = ask(doc, schema=schema)
    assert enumerations(question) == [(["M1"], ["A", "B"], ["M3", "M4"])]


def test_a_symmetric_label_may_be_stated_either_way(doc):
    schema = RelationSchema([RelationType("A", "", ("ORG",), ("PERSON",), symmetric=True)])
    (question,) = ask(doc, schema=schema)
    assert enumerations(question) == [(["M1"], ["A"], ["M2"]), (["M2"], ["A"], ["M1"])]


def test_labels_for_which_there_are_no_mentions_are_left_out(vocab):
    (question,) = ask(make_doc(vocab, TEXT, [ORG, CITY]))
    assert enumerations(question) == [(["M1", "M2"], ["LOCATED_IN"], ["M2"])]


def test_the_number_of_relations_is_limited(doc):
    (question,) = ask(doc)  # ORG-PERSON, ORG-GPE twice, GPE-GPE twice
    assert question.schema["properties"]["relations"]["maxItems"] == 10
    (question,) = ask(doc, max_relations=3)
    assert question.schema["properties"]["relations"]["maxItems"] == 3


def test_entities_to_be_found(doc):
    (question,) = ask(doc, mentions_given=False)
    entities = question.schema["properties"]["entities"]["items"]["properties"]
    assert entities["type"]["enum"] == ["ORG", "PERSON", "GPE"]
    assert "enum" not in properties(question)["head"]
    assert "<M1>" not in question.messages[-1].content
    (question,) = ask(doc, mentions_given=False, entity_types=["ORG"])
    entities = question.schema["properties"]["entities"]["items"]["properties"]
    assert entities["type"]["enum"] == ["ORG"]


def test_keys_are_those_of_the_template(doc):
    (question,) = ask(doc, "triples.v1")
    kinds = question.schema["properties"]["relations"]["items"]["anyOf"]
    assert list(kinds[0]["properties"]) == ["entity1", "relation", "entity2"]


def test_open_labels(doc):
    (question,) = ask(doc, "open.v1", schema=RelationSchema())
    assert properties(question)["label"] == {"type": "string", "maxLength": 60}


def test_one_question_for_each_pair_that_the_schema_allows(doc):
    questions = ask(doc, "pairs.v1")
    labels = {q.pair: q.schema["properties"]["label"]["enum"] for q in questions}
    assert labels == {
        ("M1", "M2"): ["FOUNDED_BY", "NO_RELATION"],
        ("M1", "M3"): ["LOCATED_IN", "NO_RELATION"],
        ("M1", "M4"): ["LOCATED_IN", "NO_RELATION"],
        ("M3", "M4"): ["LOCATED_IN", "NO_RELATION"],
        ("M4", "M3"): ["LOCATED_IN", "NO_RELATION"],
    }
    assert "From M1, Apple (ORG), to M2, Steve Jobs (PERSON)" in questions[0].messages[1].content


@pytest.mark.parametrize(
    ("other", "pairs"),
    [((), [("M1", "M2")]), (("PARENT_OF",), [("M1", "M2"), ("M2", "M1")])],
)
def test_pairs_with_symmetric_labels_alone_are_asked_about_once(vocab, other, pairs):
    schema = RelationSchema([RelationType("SPOUSE", symmetric=True), *map(RelationType, other)])
    doc = make_doc(vocab, "Ann married Bob .", [(0, 1, "PERSON"), (2, 3, "PERSON")])
    assert [question.pair for question in ask(doc, "pairs.v1", schema=schema)] == pairs


def test_a_schema_is_asked_once_for_types_that_many_pairs_have(vocab, monkeypatch):
    asked = []
    labels = property(lambda schema: asked.append(1) or ("SPOUSE",))
    monkeypatch.setattr(RelationSchema, "symmetric_labels", labels)
    doc = make_doc(vocab, "A B C D", [(i, i + 1, "PERSON") for i in range(4)])
    mentions = {f"M{i}": span for i, span in enumerate(doc.ents)}
    schema = RelationSchema([RelationType("SPOUSE", symmetric=True)])
    possible = PossibleRelations(schema, open_labels=False)
    asked.clear()
    assert len(possible.pairs(mentions)) == 6
    assert len(asked) == 1


def test_any_pair_may_have_a_relation_whose_types_are_only_expected(doc):
    schema = RelationSchema([RelationType("FOUNDED_BY", head=("ORG",), inferred=True)])
    assert len(ask(doc, "pairs.v1", schema=schema)) == 4 * 3
    (question,) = ask(doc, "relations.v1", schema=schema)
    assert "FOUNDED_BY (usually head: ORG; tail: any)" in question.messages[0].content
    assert properties(question)["head"]["enum"] == ["M1", "M2", "M3", "M4"]


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        ("", []),
        ("Nothing here", []),
        (TEXT, [ORG]),
        (TEXT, [PERSON, CITY]),
    ],
)
@pytest.mark.parametrize("template", ["relations.v1", "pairs.v1"])
def test_nothing_is_asked_where_no_relation_is_possible(vocab, words, mentions, template):
    assert ask(make_doc(vocab, words, mentions), template) == []


def test_several_samples_are_several_questions(doc):
    assert [question.sample for question in ask(doc, n_samples=3)] == [0, 1, 2]


def test_examples_are_turns_before_the_question(doc, shown):
    (question,) = ask(doc, examples=[shown])
    roles = [message.role for message in question.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert "<M1>Acme</M1> in <M2>Oslo</M2>" in question.messages[1].content
    assert json.loads(question.messages[2].content) == {
        "relations": [{"head": "M1", "label": "LOCATED_IN", "tail": "M2"}]
    }


def test_examples_without_given_mentions(doc, shown):
    (question,) = ask(doc, "subject_relation_object.v1", examples=[shown], mentions_given=False)
    assert json.loads(question.messages[2].content) == {
        "entities": [{"text": "Acme", "type": "ORG"}, {"text": "Oslo", "type": "GPE"}],
        "relations": [{"subject": "Acme", "relation": "LOCATED_IN", "object": "Oslo"}],
    }


def test_examples_of_pairs_show_one_without_relation(doc, shown):
    question = ask(doc, "pairs.v1", examples=[shown])[0]
    answers = [json.loads(m.content) for m in question.messages if m.role == "assistant"]
    assert answers == [{"label": "LOCATED_IN"}, {"label": "NO_RELATION"}]


@pytest.mark.parametrize("options", [{"symmetric": True}, {"inverse": "OTHER"}])
def test_examples_of_pairs_do_not_deny_what_follows_from_their_relations(vocab, options):
    schema = RelationSchema([RelationType("SPOUSE", **options)])
    mentions = [(0, 1, "PERSON"), (2, 3, "PERSON")]
    example = PromptExample.from_doc(
        make_doc(vocab, "Ann married Bob", mentions, [(0, "SPOUSE", 1)])
    )
    doc = make_doc(vocab, "Eve married Max", mentions)
    question = ask(doc, "pairs.v1", schema=schema, examples=[example])[0]
    answers = [json.loads(m.content) for m in question.messages if m.role == "assistant"]
    assert answers == [{"label": "SPOUSE"}]


def test_long_documents_are_asked_about_in_windows(vocab):
    words = f"{TEXT} {TEXT.replace('Apple', 'Pear')}".split()
    mentions = [(s + 11 * k, e + 11 * k, t) for k in range(2) for s, e, t in (ORG, PERSON, CITY)]
    doc = make_doc(vocab, words, mentions, sent_starts=[0, 11])
    (whole,) = ask(doc)
    size = count_words(whole.messages) + 10
    assert len(ask(doc, window=size)) == 1
    questions = ask(doc, window=size - 1)
    assert [question.window for question in questions] == [(0, 11), (11, 22)]
    assert list(questions[1].mentions) == ["M4", "M5", "M6"]
    assert "<M4>Pear</M4>" in questions[1].messages[-1].content
    assert all(count_words(question.messages) <= size - 11 for question in questions)


def test_examples_give_way_to_long_documents(doc, shown):
    (without,) = ask(doc)
    (question,) = ask(doc, examples=[shown], window=count_words(without.messages) + 12)
    assert question.messages == without.messages


def test_windows_without_two_mentions_are_not_asked_about(vocab):
    words = f"{TEXT} Nothing else is said in this second sentence at all .".split()
    doc = make_doc(vocab, words, [ORG, PERSON], sent_starts=[0, 11])
    (whole,) = ask(doc)
    assert [q.window for q in ask(doc, window=count_words(whole.messages) + 9)] == [(0, 11)]


def test_a_window_that_is_too_small(doc):
    with pytest.raises(PromptTooLong):
        ask(doc, window=50)


def test_estimated_tokens_are_rather_too_many(doc):
    (question,) = ask(doc)
    assert PromptLimits(100, 10).tokens(question.messages) > 1.3 * count_words(question.messages)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schema": RelationSchema()}, "no relation types"),
        ({"template": "pairs.v1", "mentions_given": False}, "asks about pairs of mentions"),
    ],
)
def test_options_have_to_fit(options, message):
    with pytest.raises(ConfigError, match=message):
        prompter(**options)


def test_the_document_stays_as_it_is(doc):
    before = doc.to_bytes()
    ask(doc)
    assert doc.to_bytes() == before
