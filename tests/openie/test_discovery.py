"""Schemas are drafted from what texts state."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from rel_component.annotations import set_relations
from rel_component.openie.discovery import draft_schema, find_predicates
from rel_component.schema import RelationSchema
from rel_component.types import Relation

from ..cli.helpers import run

NAMES = ["Ann", "Bob", "Carl", "Acme", "Bolt", "Core"]


def make_doc(vocab, *relations):
    """A document with relations between names, of persons and firms."""
    doc = Doc(vocab, words=[*NAMES, "."], sent_starts=[True] + [False] * 6)
    spans = {
        name: Span(doc, i, i + 1, "PERSON" if i < 3 else "ORG") for i, name in enumerate(NAMES)
    }
    found = [
        Relation(spans[head], label, spans[tail], 0.5, (), *polarity)
        for head, label, tail, *polarity in relations
    ]
    set_relations(doc, found)
    return doc


def test_predicates_are_counted_with_their_types(vocab):
    docs = [
        make_doc(vocab, ("Ann", "lead", "Acme"), ("Bob", "lead", "Bolt", "negated")),
        make_doc(vocab, ("Ann", "know", "Bob")),
    ]
    lead, know = find_predicates(docs)
    assert (lead.label, lead.count, lead.negated, lead.documents) == ("lead", 2, 1, {0})
    assert (lead.heads, lead.tails) == ({"PERSON": 2}, {"ORG": 2})
    assert lead.examples == ["<head>Ann</head> Bob Carl <tail>Acme</tail> Bolt Core ."]
    assert (know.label, know.count) == ("know", 1)


def test_a_passive_with_its_agent_is_the_active(vocab):
    doc = make_doc(vocab, ("Acme", "be own by", "Ann"), ("Bob", "own", "Bolt"))
    (own,) = find_predicates([doc])
    assert own.forms == {"be own by": 1, "own": 1}
    assert "<head>Ann</head> Bob Carl <tail>Acme</tail> Bolt Core ." in own.examples
    assert own.pairs == {("ann", "acme"), ("bob", "bolt")}


def test_predicates_between_the_same_names_are_joined(vocab):
    pairs = [("Ann", "Acme"), ("Bob", "Bolt"), ("Carl", "Core")]
    relations = [(head, "acquire", tail) for head, tail in pairs]
    relations += [(head, "take over", tail) for head, tail in pairs[:2]]
    relations += [("Ann", "visit", "Acme"), ("Ann", "visit", "Core"), ("Bob", "visit", "Core")]
    acquire, visit = find_predicates([make_doc(vocab, *relations)])
    assert acquire.forms == {"acquire": 3, "take over": 2}
    assert visit.label == "visit"


def test_a_draft_says_what_it_rests_on(vocab, tmp_path):
    docs = [make_doc(vocab, ("Ann", "be head of", "Acme"), ("Ann", "know", "Bob"))] * 2
    schema = draft_schema(find_predicates(docs))
    assert schema.labels == ("BE_HEAD_OF", "KNOW")
    head_of = schema["BE_HEAD_OF"]
    assert (head_of.head, head_of.tail, head_of.inferred) == (("PERSON",), ("ORG",), True)
    assert head_of.aliases == ("be head of",)
    assert schema.reasons["KNOW"][0] == "2 statements in 2 documents: 2 'know'"
    schema.to_file(tmp_path / "draft.yaml")
    assert "# 2 statements" in (tmp_path / "draft.yaml").read_text(encoding="utf8")
    assert RelationSchema.from_file(tmp_path / "draft.yaml").to_dict() == schema.to_dict()


def test_rare_predicates_and_too_many_are_left_out(vocab):
    relations = [("Ann", "know", "Bob"), ("Ann", "lead", "Acme"), ("Ann", "own", "Acme")]
    predicates = find_predicates([make_doc(vocab, *relations), make_doc(vocab, *relations[:2])])
    assert draft_schema(predicates).labels == ("KNOW", "LEAD")
    assert draft_schema(predicates, min_count=1, most=1).labels == ("KNOW",)


def test_vowels_that_are_marks_stay_in_labels(vocab):
    docs = [make_doc(vocab, ("Ann", "के पिता", "Bob"), ("Ann", "पति", "Bob"))] * 2
    assert {*draft_schema(find_predicates(docs)).labels} == {"के_पिता", "पति"}


@pytest.mark.parametrize(
    "label", ["\n- x: y\n", "#", "'\"\x00", "a: b", "\u2028", "x" * 500, "NO_RELATION"]
)
def test_hostile_labels_make_no_other_schema(vocab, tmp_path, label):
    docs = [make_doc(vocab, ("Ann", label, "Acme"))] * 2
    schema = draft_schema(find_predicates(docs))
    schema.to_file(tmp_path / "draft.yaml")
    assert RelationSchema.from_file(tmp_path / "draft.yaml").labels == schema.labels


def test_nothing_is_drafted_from_nothing():
    assert find_predicates([]) == []
    assert len(draft_schema([])) == 0
    assert find_predicates([spacy.blank("en")("")]) == []


def test_a_file_without_texts_gives_no_schema(tmp_path):
    spacy.blank("en").to_disk(tmp_path / "nlp")
    (tmp_path / "texts.txt").write_text(" \n", encoding="utf8")
    output = run("discover", tmp_path / "nlp", tmp_path / "texts.txt", "-o", tmp_path / "a", code=1)
    assert "texts.txt: there is no text in it" in output
    assert not (tmp_path / "a").exists()
