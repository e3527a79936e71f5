"""What is left to adjudicate."""

import pytest

from rel_component.evaluation.agreement.disagreements import REASONS, find_disagreements

from .helpers import ACME, ADA, OSLO, TEXT, annotate, one_each

RUNS = (0, "RUNS", 1)


def found(*docs, **options):
    return find_disagreements(one_each(*docs, **options))


def short(items):
    return [(item.kind, item.reason, [item.describe(name) for name in item.says]) for item in items]


def test_nothing_to_adjudicate(vocab):
    assert found(annotate(vocab, [RUNS]), annotate(vocab, [RUNS])) == []


@pytest.mark.parametrize(
    ("mentions", "reason", "words"),
    [
        ([ADA, OSLO], "presence", "no mention"),
        ([ADA, (2, 4, "ORG"), OSLO], "span", "Acme in (ORG)"),
        ([ADA, (2, 3, "GPE"), OSLO], "type", "Acme (GPE)"),
    ],
)
def test_mentions(vocab, mentions, reason, words):
    items = found(annotate(vocab), annotate(vocab, mentions=mentions))
    assert short(items) == [("mention", reason, ["Acme (ORG)", words])]
    assert reason in REASONS["mention"]


def test_mentions_that_overlap_are_one_disagreement(vocab):
    items = found(
        annotate(vocab, mentions=[(0, 2, "A"), (3, 5, "B")]),
        annotate(vocab, mentions=[(1, 4, "C")]),
    )
    assert short(items) == [("mention", "span", ["Ada runs (A), in Oslo (B)", "runs Acme in (C)"])]


@pytest.mark.parametrize(
    ("relations", "reason", "words"),
    [
        ([], "presence", "no relation"),
        ([(1, "RUNS", 0)], "direction", "(Acme, RUNS, Ada)"),
        ([RUNS, (1, "RUNS", 0)], "direction", "(Ada, RUNS, Acme), (Acme, RUNS, Ada)"),
        ([(0, "OWNS", 1)], "label", "(Ada, OWNS, Acme)"),
        ([RUNS, (0, "OWNS", 1)], "label", "(Ada, OWNS, Acme), (Ada, RUNS, Acme)"),
    ],
)
def test_relations(vocab, relations, reason, words):
    items = found(annotate(vocab, [RUNS]), annotate(vocab, relations))
    assert short(items) == [("relation", reason, ["(Ada, RUNS, Acme)", words])]
    assert reason in REASONS["relation"]


def test_relations_between_mentions_that_differ(vocab):
    other = annotate(vocab, [RUNS], [ADA, (2, 3, "GPE")])
    items = found(annotate(vocab, [RUNS], [ADA, ACME]), other)
    assert [(item.kind, item.reason) for item in items] == [
        ("mention", "type"),
        ("relation", "mentions"),
    ]


def test_only_those_who_have_the_document_are_asked(vocab):
    docs = [annotate(vocab, [RUNS]), annotate(vocab), annotate(vocab, mentions=(), text="Nothing")]
    (item,) = found(*docs)
    assert [*item.says] == ["a", "b"]


def test_plain_data(vocab):
    first = annotate(vocab, [RUNS], [ADA, ACME], id=5)
    (item,) = found(first, annotate(vocab, [], [ADA, ACME], id=5))
    ada = {"text": "Ada", "start_char": 0, "end_char": 3}
    acme = {"text": "Acme", "start_char": 9, "end_char": 13}
    mentions = [{**ada, "label": "PERSON"}, {**acme, "label": "ORG"}]
    assert item.to_json() == {
        "doc": 0,
        "id": "5",
        "kind": "relation",
        "reason": "presence",
        "spans": [ada, acme],
        "says": {
            "a": {
                "mentions": mentions,
                "relations": [{"head": mentions[0], "label": "RUNS", "tail": mentions[1]}],
            },
            "b": {"mentions": mentions, "relations": []},
        },
        "text": TEXT + " ",
        "offset": 0,
    }


def test_the_context_is_the_sentences(vocab):
    docs = [
        annotate(vocab, mentions=mentions, text="No . Ada left . Yes", sent_starts=[0, 2, 5])
        for mentions in ([(2, 3, "PERSON")], [])
    ]
    (item,) = found(*docs)
    assert (item.text, item.to_json()["offset"]) == ("Ada left . ", 5)
    assert item.to_json()["says"]["b"] == {"mentions": []}


def test_without_sentences_the_context_is_some_words(vocab):
    text = "word " * 100 + "Ada " + "word " * 100
    docs = [
        annotate(vocab, mentions=mentions, text=text.strip())
        for mentions in ([(100, 101, "PERSON")], [])
    ]
    (item,) = found(*docs)
    assert item.text == "word " * 20 + "Ada" + " word" * 20
    assert item.document_text[item.context[0] :].startswith(item.text)
