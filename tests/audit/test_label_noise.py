from itertools import combinations

import pytest

from rel_component.audit.label_noise import check_label_noise
from rel_component.audit.name_bias import check_name_bias

from ..helpers import make_doc
from .corpora import group, make_context

TEMPLATES = {"FOUNDED": "{} once founded {} alone", "LEADS": "{} today leads {} alone"}
NAMES = ["Ada", "Bob", "Cleo", "Dan", "Eve"]
MORE = ["Gaja", "Hale"]
FIRMS = ["Acme", "Brix", "Corv", "Dune", "Elmo", "Fynn"]


def sentence(vocab, label, person, firm, annotated=True):
    """annotated: the label, True for the one that the text states, None for none."""
    label_given = label if annotated is True else annotated
    relations = [(0, label_given, 1)] if label_given else []
    words = TEMPLATES[label].format(person, firm)
    return make_doc(vocab, words, [(0, 1, "PERSON"), (3, 4, "ORG")], relations)


def firms(vocab, first, verb, second, forward=True):
    relation = (0, "OWNS", 1) if forward else (1, "OWNS", 0)
    return make_doc(vocab, f"{first} {verb} {second}", [(0, 1, "ORG"), (2, 3, "ORG")], [relation])


@pytest.fixture
def corpus(vocab):
    return [
        sentence(vocab, label, person, firm)
        for label in TEMPLATES
        for person in NAMES
        for firm in FIRMS
    ] + [firms(vocab, a, "owns", b) for a, b in combinations(FIRMS + MORE, 2)]


KINDS = [
    "The same names in near-same text, annotated differently",
    "The same types and words between, annotated the other way round",
    "Direction: the baseline classifier predicts the other one",
    "Label: the baseline classifier predicts another one",
    "Spurious: the baseline classifier predicts no relation",
    "Missing: the baseline classifier predicts a relation",
    "The same names, related the other way round elsewhere",
]


def test_a_consistent_corpus_has_no_findings(corpus):
    assert check_label_noise(make_context(corpus)).groups == []


def docs_of(section, number):
    return [finding.places[0].doc.index for finding in group(section, KINDS[number])]


def test_a_wrong_label_is_found(vocab, corpus):
    corpus[7] = sentence(vocab, "FOUNDED", "Bob", "Brix", annotated="LEADS")
    assert docs_of(check_label_noise(make_context(corpus)), 3) == [7]


def test_a_turned_direction_is_found(vocab, corpus):
    corpus[-1] = firms(vocab, "Gaja", "owns", "Hale", forward=False)
    section = check_label_noise(make_context(corpus))
    assert docs_of(section, 1) == docs_of(section, 2) == [len(corpus) - 1]
    (finding,) = group(section, KINDS[1])
    assert "the other way 27 times and this way 1 times" in finding.message


def test_a_missing_relation_is_found(vocab, corpus):
    corpus[4] = sentence(vocab, "FOUNDED", "Ada", "Elmo", annotated=None)
    assert docs_of(check_label_noise(make_context(corpus)), 5) == [4]


def test_a_spurious_relation_is_found(vocab, corpus):
    talks = [
        make_doc(vocab, f"{p} never saw {f} alone", [(0, 1, "PERSON"), (3, 4, "ORG")])
        for p in NAMES
        for f in FIRMS
    ]
    mentions = [(0, 1, "PERSON"), (3, 4, "ORG")]
    talks[3] = make_doc(vocab, "Ada never saw Dune alone", mentions, [(0, "LEADS", 1)])
    section = check_label_noise(make_context(corpus + talks))
    assert docs_of(section, 4) == [len(corpus) + 3]


def test_conflicts_between_documents_on_the_same_names(vocab, corpus):
    corpus.append(sentence(vocab, "FOUNDED", "Ada", "Acme", annotated=None))
    (finding,) = group(check_label_noise(make_context(corpus)), KINDS[0])
    assert [place.doc.index for place in finding.places] == [0, len(corpus) - 1]
    assert "the same to 100%" in finding.message


def test_names_that_are_related_the_other_way_round_elsewhere(vocab, corpus):
    corpus.append(firms(vocab, "Brix", "bought", "Acme"))
    found = group(check_label_noise(make_context(corpus)), KINDS[6])
    # once each way: either may be wrong
    assert {f.places[0].doc.index for f in found} == {60, len(corpus) - 1}
    corpus.append(firms(vocab, "Acme", "rules", "Brix"))
    (finding,) = group(check_label_noise(make_context(corpus)), KINDS[6])
    assert finding.places[0].doc.index == len(corpus) - 2


def test_a_pair_that_is_annotated_both_ways_is_no_turned_direction(vocab, corpus):
    both = [(0, "OWNS", 1), (1, "OWNS", 0)]
    corpus.append(make_doc(vocab, "Gaja owns Hale", [(0, 1, "ORG"), (2, 3, "ORG")], both))
    section = check_label_noise(make_context(corpus))
    assert not group(section, KINDS[1])
    assert not group(section, KINDS[2])


@pytest.mark.parametrize("texts", [[], ["Nothing here"], ["Ada knows Acme"]])
def test_nothing_to_learn_from(vocab, texts):
    docs = [make_doc(vocab, text, [(0, 1, "PERSON")]) for text in texts]
    context = make_context(docs)
    assert check_label_noise(context).groups == check_name_bias(context).groups == []


def test_one_document_is_not_judged(vocab):
    mentions = [(0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "ORG")]
    relations = [(0, "FOUNDED", 1), (0, "LEADS", 2)]
    context = make_context([make_doc(vocab, "Ada of Acme and Brix", mentions, relations)])
    for section in (check_label_noise(context), check_name_bias(context)):
        assert section.groups == section.tables == []


def scores(context):
    return {row[0]: row[1] for row in check_name_bias(context).tables[0].rows}


def test_what_the_text_says_cannot_be_told_from_names(corpus):
    found = scores(make_context(corpus))
    assert found["the text, without names"] == 1.0
    # 28 OWNS of 88 are known by their types, but not their direction
    assert found["entity types alone"] <= 0.7
    assert found["names alone"] < 0.8
    assert found["nothing (most frequent label)"] == pytest.approx(30 / 88)


def test_names_that_tell_the_relation_are_warned_of(vocab):
    docs = [
        sentence(vocab, "FOUNDED" if person in ("Ada", "Bob") else "LEADS", person, firm)
        for person in NAMES
        for firm in FIRMS
    ]
    section = check_name_bias(make_context(docs))
    messages = [f.message for f in group(section, "Too much can be told without reading")]
    assert any("names alone give F1 100.0" in message for message in messages)
    assert not any("types alone" in message for message in messages)
