"""From all replies about a document to its relations."""

import json
from dataclasses import replace
from itertools import product

from rel_component.errors import LLMRefused
from rel_component.llm.answers.extraction import AnswerReader
from rel_component.llm.prompting.claims import Claims
from rel_component.llm.prompting.examples import ExampleSelector
from rel_component.llm.prompting.prompts import Prompter
from rel_component.llm.prompting.template import PromptTemplate
from rel_component.llm.prompting.windows import PromptLimits
from rel_component.llm.types import Outcome, OutputToken, Reply
from rel_component.schema import RelationSchema, RelationType
from rel_component.types import POLARITIES

from ...helpers import make_doc

SCHEMA = RelationSchema([RelationType("SPOUSE", symmetric=True)])
THERE, BACK = ("M1", "M2"), ("M2", "M1")


def extract(
    vocab, *answers, windows=None, schema=SCHEMA, polarity=False, max_relations=32, logprobs=()
):
    """What is made of answers, each of which relates some pairs by the label of the schema.

    None is no answer; with `polarity`, pairs have one behind them.
    """
    doc = make_doc(vocab, "Ann married Bob .", [(0, 1, "PERSON"), (2, 3, "PERSON")])
    prompter = Prompter(
        schema,
        PromptTemplate.load("relations.v1"),
        ExampleSelector([]),
        PromptLimits(None, 10, len),
        n_samples=1 if windows else len(answers),
        claims=Claims(polarity=polarity),
        max_relations=max_relations,
    )
    questions = prompter.questions(doc, doc.ents)
    if windows:
        questions = [replace(questions[0], window=window) for window in windows]
    outcomes = []
    for pairs in answers:
        if pairs is None:
            outcomes.append(Outcome(questions[0], error=LLMRefused("no")))
            continue
        keys = ("head", "tail", "polarity")
        stated = [{"label": schema.labels[0], **dict(zip(keys, pair))} for pair in pairs]
        text = json.dumps({"relations": stated})
        tokens = [OutputToken(text, logprobs[len(outcomes)])] if logprobs else []
        outcomes.append(Outcome(questions[0], Reply(text, tokens=tuple(tokens))))
    result = AnswerReader(prompter, keep=POLARITIES).extract(doc, questions, outcomes)
    facts = [
        (rel.head.text, rel.tail.text, rel.polarity if polarity else rel.score)
        for rel in result.relations
    ]
    return facts, dict(result.dropped)


def test_votes_for_a_symmetric_relation_count_in_both_directions(vocab):
    assert extract(vocab, [THERE], [BACK], []) == ([("Ann", "Bob", 2 / 3)], {})


def test_samples_without_a_reply_do_not_vote(vocab):
    assert extract(vocab, [THERE], [], None, None, None) == ([], {"disagreement": 1})
    assert extract(vocab, [THERE], None, None, None, None) == ([], {"disagreement": 1})
    assert extract(vocab, [THERE], [THERE], None, None) == ([("Ann", "Bob", 0.5)], {})


def test_windows_that_state_a_symmetric_relation_in_two_directions_state_it_once(vocab):
    found = extract(vocab, [BACK], [THERE], windows=[(0, 3), (0, 4)])
    assert found == ([("Bob", "Ann", None)], {})


def test_what_one_window_denies_and_another_asserts_holds_in_any_order(vocab):
    denied, asserted = [(*THERE, "negated")], [(*THERE, "asserted")]
    for answers, logprobs in product([(denied, asserted), (asserted, denied)], [(), (-1, -2)]):
        windows = [(0, 3), (0, 4)]
        found = extract(vocab, *answers, windows=windows, polarity=True, logprobs=logprobs)
        assert found == ([("Ann", "Bob", "asserted")], {})


def test_a_denial_of_the_other_direction_contradicts_nothing(vocab):
    schema = RelationSchema([RelationType("PARENT_OF", asymmetric=True)])
    answer = [(*BACK, "negated"), (*THERE, "asserted")]
    found, dropped = extract(vocab, answer, windows=[(0, 4)], schema=schema, polarity=True)
    assert {*found} == {("Ann", "Bob", "asserted"), ("Bob", "Ann", "negated")}
    assert dropped == {}
    answer = [(*THERE, "asserted"), (*BACK, "asserted")]
    found = extract(vocab, answer, windows=[(0, 4)], schema=schema, polarity=True)
    assert found == ([("Ann", "Bob", "asserted")], {"both_directions": 1})


def test_a_reply_that_is_as_long_as_it_may_be_is_counted(vocab):
    schema = RelationSchema([RelationType("KNOWS")])
    for limit, dropped in ((3, {}), (2, {"limit_reached": 1})):
        found = extract(vocab, [THERE, BACK], schema=schema, max_relations=limit)
        assert found == ([("Ann", "Bob", None), ("Bob", "Ann", None)], dropped)
