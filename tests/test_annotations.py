"""``doc._.rel``: what can be assigned, how it is read, and that it survives what spaCy does."""

import copy
import json
import pickle
from functools import partial

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span

from rel_component.annotations import (
    RelationView,
    clear_relations,
    get_relations,
    install_extension,
    set_relations,
)
from rel_component.errors import AnnotationError, ExtensionConflict
from rel_component.types import Relation, Statement

from .helpers import facts, make_doc
from .lines import most_runs_of_a_line

PERSON, ORG, CITY = (0, 1, "PERSON"), (3, 5, "ORG"), (6, 7, "GPE")
EMPLOYED = ("Ada", "WORKS_AT", "Acme Labs")
LOCATED = ("Acme Labs", "LOCATED_IN", "Oslo")


@pytest.fixture
def doc(vocab):
    """Two relations: Ada works at Acme Labs, which is located in Oslo."""
    relations = [(1, "LOCATED_IN", 2, 0.5), (0, "WORKS_AT", 1)]
    return make_doc(vocab, "Ada works at Acme Labs in Oslo", [PERSON, ORG, CITY], relations)


@pytest.fixture
def other_extension():
    """Registers ``doc._.rel`` the way that another package would, for one test."""
    Doc.set_extension("rel", default=[], force=True)
    yield
    Doc.remove_extension("rel")
    install_extension()


# Reading


def test_the_relations_are_a_sequence_in_document_order(doc):
    view = doc._.rel
    assert [(rel.label, rel.score) for rel in view] == [("WORKS_AT", 1.0), ("LOCATED_IN", 0.5)]
    assert (view[1].head.label_, view[1].tail.label_) == ("ORG", "GPE")
    assert len(view) == 2
    assert view[-1] == view[1]
    assert view[:1] == [view[0]]
    with pytest.raises(TypeError):
        view[0] = None


def test_a_new_doc_has_an_empty_view(vocab):
    assert list(Doc(vocab, words=["Ada"])._.rel) == []


def test_between_is_directed_and_needs_the_same_tokens(doc):
    person, org, _ = doc.ents
    assert [rel.label for rel in doc._.rel.between(person, org)] == ["WORKS_AT"]
    assert doc._.rel.between(org, person) == []
    assert doc._.rel.between(doc[0:1], doc[3:4]) == []


def test_of_finds_head_and_tail(doc):
    assert [rel.label for rel in doc._.rel.of(doc.ents[1])] == ["WORKS_AT", "LOCATED_IN"]
    assert [rel.label for rel in doc._.rel.of(doc.ents[0])] == ["WORKS_AT"]


def test_contains_a_relation(doc):
    person, org, city = doc.ents
    assert Relation(person, "WORKS_AT", org) in doc._.rel
    assert Relation(person, "WORKS_AT", city) not in doc._.rel


def test_to_json_has_offsets_in_tokens_and_characters(doc):
    head = {"text": "Ada", "label": "PERSON", "start": 0, "end": 1, "start_char": 0, "end_char": 3}
    tail = {
        "text": "Acme Labs",
        "label": "ORG",
        "start": 3,
        "end": 5,
        "start_char": 13,
        "end_char": 22,
    }
    expected = {"head": head, "label": "WORKS_AT", "tail": tail, "score": 1.0}
    assert doc._.rel.to_json()[0] == expected


def test_knowledge_base_ids_are_kept(doc, vocab):
    ada, acme, oslo = doc.ents
    linked = Span(doc, oslo.start, oslo.end, "GPE", kb_id="Q585")
    doc._.rel = [(acme, "LOCATED_IN", linked), (ada, "WORKS_AT", acme)]
    copy = Doc(vocab).from_bytes(doc.to_bytes())
    works_at, located_in = copy._.rel
    assert (located_in.head.kb_id_, located_in.tail.kb_id_) == ("", "Q585")
    assert located_in.to_json()["tail"]["kb_id"] == "Q585"
    assert "kb_id" not in located_in.to_json()["head"]
    assert (works_at.head.kb_id_, works_at.tail.kb_id_) == ("", "")


def test_a_view_shows_the_relations_of_its_time(doc):
    view = doc._.rel
    doc._.rel = []
    assert (len(view), len(doc._.rel)) == (2, 0)


def test_a_view_is_copied_as_what_cannot_change_and_pickled_with_its_document(doc):
    view = doc._.rel
    assert copy.copy(view) is view
    for other in (copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
        assert other.doc is not doc
        assert other.to_json() == view.to_json()


def test_the_dict_form_is_made_once(doc, monkeypatch):
    view, made = doc._.rel, []
    as_dict = RelationView.as_dict
    monkeypatch.setattr(RelationView, "as_dict", lambda self: made.append(1) or as_dict(self))
    assert (0, 3) in view
    assert view.get((0, 3)) == view[0, 3]
    assert list(view.keys()) == [(0, 3), (3, 6)]
    assert made == [1]


def test_dict_access(doc):
    view = doc._.rel
    assert view.as_dict() == {(0, 3): {"WORKS_AT": 1.0}, (3, 6): {"LOCATED_IN": 0.5}}
    assert dict(view.items()) == view.as_dict()
    assert list(view.values()) == [{"WORKS_AT": 1.0}, {"LOCATED_IN": 0.5}]
    assert view[(3, 6)] == {"LOCATED_IN": 0.5}
    assert (6, 3) not in view
    assert view.get((0, 6), {}) == {}


def test_str_shows_triples(doc):
    expected = "[(Ada, WORKS_AT, Acme Labs), (Acme Labs, LOCATED_IN, Oslo)]"
    assert repr(doc._.rel) == expected


def test_views_compare_with_views_lists_and_dicts(doc):
    view = doc._.rel
    assert view == RelationView(doc)
    assert view == list(view)
    assert view == view.as_dict()
    assert view != []


# Assigning


@pytest.mark.parametrize("kind", [Relation, lambda *parts: parts], ids=["Relation", "tuple"])
@pytest.mark.parametrize(("score", "expected"), [((), 1.0), ((0.25,), 0.25)])
def test_assign_relations_and_tuples(doc, kind, score, expected):
    doc._.rel = [kind(doc.ents[2], "HOSTS", doc.ents[1], *score)]
    assert [(rel.label, rel.score) for rel in doc._.rel] == [("HOSTS", expected)]


def test_assign_a_view(doc):
    before = doc._.rel
    doc._.rel = before
    assert doc._.rel == before


def test_assign_the_dict_form(doc):
    doc._.rel = {(0, 3): {"WORKS_AT": 1.0, "FOUNDED": 0.0}, (3, 0): {"WORKS_AT": 0.0}}
    assert facts(doc) == [EMPLOYED]


def test_relations_can_be_removed(doc):
    doc.copy()._.rel = []  # not those of the copied document
    assert len(doc._.rel) == 2
    clear_relations(doc)
    assert len(doc._.rel) == 0


def test_of_equal_relations_the_highest_score_stays(doc):
    person, org, _ = doc.ents
    doc._.rel = [(person, "WORKS_AT", org, score) for score in (0.2, 0.9, 0.4)]
    assert [rel.score for rel in doc._.rel] == [0.9]


@pytest.mark.parametrize(
    ("scores", "polarity"),
    [((0.2, 0.9), "planned"), ((None, 0.0), "planned"), ((0.5, 0.5), "negated")],
)
def test_of_equal_relations_the_polarity_of_the_best_stays(doc, scores, polarity):
    person, org, _ = doc.ents
    doc._.rel = [
        Relation(person, "WORKS_AT", org, score, (), given)
        for score, given in zip(scores, ("negated", "planned"))
    ]
    assert [rel.polarity for rel in doc._.rel] == [polarity]


def test_one_pair_can_have_several_labels(doc):
    person, org, _ = doc.ents
    doc._.rel = [(person, "WORKS_AT", org), (person, "FOUNDED", org)]
    assert doc._.rel.as_dict() == {(0, 3): {"WORKS_AT": 1.0, "FOUNDED": 1.0}}


def test_a_tail_may_come_before_its_head(doc):
    person, _, city = doc.ents
    doc._.rel = [(city, "HOME_OF", person)]
    assert facts(doc) == [("Oslo", "HOME_OF", "Ada")]


def test_nested_mentions_that_share_a_token_do_not_collide(vocab):
    doc = Doc(vocab, words=["Bank", "of", "Oslo", "board"])
    bank, board = Span(doc, 0, 3, label="ORG"), Span(doc, 0, 4, label="GROUP")
    doc._.rel = [(board, "PART_OF", bank), (bank, "HAS", board)]
    assert facts(doc) == [
        ("Bank of Oslo", "HAS", "Bank of Oslo board"),
        ("Bank of Oslo board", "PART_OF", "Bank of Oslo"),
    ]


def test_the_user_data_of_others_is_left_alone(doc):
    doc.user_data["mine"] = 1
    doc._.rel = []
    assert doc.user_data["mine"] == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda doc: ["WORKS_AT"], "Cannot store 'WORKS_AT' .*expected a Relation"),
        (lambda doc: [(None, "X", doc.ents[0])], "The head of .* is not a Span"),
        (lambda doc: 5, "Cannot store 5: expected a list"),
        (
            lambda doc: [(doc.ents[0], "X", doc.ents[1], 2.0)],
            "the score is 2.0, and no probability",
        ),
        (lambda doc: [(doc.ents[0], "X", doc.ents[1], float("nan"))], "the score is nan"),
        (lambda doc: [(doc.ents[0], "X", doc.ents[1], "x")], "the score is 'x'"),
        (lambda doc: {(0, 3): {"X": "x"}}, "the score is 'x'"),
        (lambda doc: [{"head": 5}], "The head of .* is 5: expected an object with start_char"),
        (lambda doc: [{**doc._.rel[0], "tail": {}}], "The tail of .* expected an object with"),
        (lambda doc: [{**doc._.rel[0], "label": None}], "The label of .* is not a string"),
        (
            lambda doc: [{**doc._.rel[0], "tail": {**doc._.rel[0]["tail"], "end_char": 21}}],
            "Characters 13:21 of .* do not begin and end with a token",
        ),
        (
            lambda doc: [{**doc._.rel[0], "tail": {**doc._.rel[0]["tail"], "text": "Oslo"}}],
            "Characters 13:22 of .* or are not the tail 'Oslo'",
        ),
        (lambda doc: [(doc.ents[0], "X", None)], "The tail of .* is not a Span"),
        (
            lambda doc: [(doc.ents[0], "X", doc.copy().ents[2])],
            "The tail 'Oslo' belongs to another Doc",
        ),
        (lambda doc: [(doc.ents[0], "X", doc[2:2])], "has no tokens"),
        (lambda doc: [(doc.ents[0], "", doc.ents[1])], "The label of .* is not a string"),
        (lambda doc: [(doc.ents[0], 3, doc.ents[1])], "The label of .* is not a string"),
        (lambda doc: {0: {"X": 1.0}}, r"expected \(head.start, tail.start\)"),
        (lambda doc: {(0, 4): {"X": 1.0}}, r"No entity in doc\.ents starts at token 4"),
    ],
)
def test_errors_for_values_that_are_no_relations(doc, value, message):
    with pytest.raises(AnnotationError, match=message):
        doc._.rel = value(doc)
    assert len(doc._.rel) == 2


# Surviving


def through_doc_bin(doc):
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    return next(DocBin().from_bytes(data).get_docs(doc.vocab))


@pytest.mark.parametrize(
    "copied",
    [
        lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
        through_doc_bin,
        lambda doc: doc.copy(),
        lambda doc: pickle.loads(pickle.dumps(doc)),
    ],
    ids=["bytes", "DocBin", "copy", "pickle"],
)
def test_copies_keep_relations(doc, copied):
    assert get_relations(copied(doc)).to_json() == get_relations(doc).to_json()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 7, [EMPLOYED, LOCATED]),
        (0, 5, [EMPLOYED]),
        (3, 7, [LOCATED]),
        (0, 4, []),  # cuts Acme Labs
        (4, 7, []),
        (1, 3, []),
    ],
)
def test_as_doc_keeps_the_relations_inside(doc, start, end, expected):
    assert facts(doc[start:end].as_doc(copy_user_data=True)) == expected


def test_as_doc_drops_a_relation_whose_tail_precedes_it(doc):
    person, _, city = doc.ents
    doc._.rel = [(city, "HOME_OF", person)]
    assert facts(doc[3:7].as_doc(copy_user_data=True)) == []


def test_from_docs_shifts_relations(doc, vocab):
    second = make_doc(vocab, "Bo likes Oslo", [(0, 1, "PERSON"), (2, 3, "GPE")], [(0, "LIKES", 1)])
    merged = Doc.from_docs([doc, second])
    assert facts(merged) == [EMPLOYED, LOCATED, ("Bo", "LIKES", "Oslo")]
    assert [(rel.head.start, rel.tail.start) for rel in merged._.rel] == [(0, 3), (3, 6), (7, 9)]


def test_retokenizer_merge_keeps_relations(doc):
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[3:5])
    assert facts(doc) == [EMPLOYED, LOCATED]
    assert doc._.rel.as_dict() == {(0, 3): {"WORKS_AT": 1.0}, (3, 5): {"LOCATED_IN": 0.5}}


def test_retokenizer_split_keeps_relations(doc):
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[6], ["Os", "lo"], heads=[doc[5], doc[5]])
    assert facts(doc) == [EMPLOYED, LOCATED]


@pytest.mark.parametrize(
    "dumps",
    [json.dumps, partial(json.dumps, indent=1), srsly.json_dumps],
    ids=["json", "indented", "srsly"],
)
def test_what_doc_to_json_gives_is_read_by_from_json(doc, dumps):
    linked = Span(doc, 6, 7, "GPE", kb_id="Q585")
    doc._.rel = [*doc._.rel, (doc[3:4], "NEAR", linked, None)]
    written = json.loads(dumps(doc.to_json(underscore=["rel"])))
    assert written["_"]["rel"] == doc._.rel.to_json()
    assert Doc(doc.vocab).from_json(written)._.rel.to_json() == doc._.rel.to_json()


def test_a_doc_without_relations_is_written_as_well(vocab):
    doc = Doc(vocab, words=["Ada"])
    assert json.dumps(doc.to_json(underscore=["rel"])["_"]) == '{"rel": []}'
    doc._.rel = doc._.rel.as_dict()
    assert doc._.rel == []


def test_the_dict_form_of_mentions_that_are_no_entities_can_be_assigned(vocab):
    doc = make_doc(vocab, "Bank of Oslo board", [(0, 1, "ORG")])
    bank, board = Span(doc, 0, 3, label="ORG"), Span(doc, 3, 4, label="GROUP")
    doc._.rel = [(bank, "HAS", board, 0.5)]
    before = doc._.rel.to_json()
    doc._.rel = doc._.rel.as_dict()
    assert doc._.rel.to_json() == before
    doc.spans["mentions"] = [board]
    doc._.rel = []
    doc._.rel = {(0, 3): {"HAS": 1.0}}
    assert facts(doc) == [("Bank", "HAS", "board")]


def test_the_dict_form_beside_a_group_of_tokens_that_were_merged(vocab):
    doc = make_doc(vocab, "Ada Bell left Acme Corp", [(0, 2, "PERSON"), (3, 5, "ORG")])
    doc.spans["mentions"] = list(doc.ents)
    with doc.retokenize() as retokenizer:
        for span in doc.ents:
            retokenizer.merge(span)
    doc._.rel = {(0, 2): {"LEFT": 0.5}}
    assert str(doc._.rel) == "[(Ada Bell, LEFT, Acme Corp)]"


def test_a_relation_is_a_value(doc):
    rel = doc._.rel[0]
    assert copy.copy(rel) == rel
    assert len({rel, copy.copy(rel)}) == 1
    assert rel != doc._.rel[1]
    with pytest.raises(TypeError, match="read-only"):
        rel.label = "FOUNDED"
    with pytest.raises(TypeError, match="read-only"):
        rel["label"] = "FOUNDED"


def test_the_context_of_a_relation_is_its_sentences(vocab):
    doc = make_doc(vocab, "Hi . Ada left . She likes Oslo . Bye", [(2, 3, "PERSON"), (7, 8, "GPE")])
    doc._.rel = [(doc.ents[1], "HOME_OF", doc.ents[0])]
    assert doc._.rel[0].context == doc[:]
    for start in (0, 2, 5, 9):
        doc[start].is_sent_start = True
    assert doc._.rel[0].context.text == "Ada left . She likes Oslo ."
    doc._.rel = [(doc[2:6], "LEFT", doc[2:3])]  # a mention with a sentence boundary inside
    assert doc._.rel[0].context.text == "Ada left . She likes Oslo ."


@pytest.mark.parametrize(
    "value",
    [
        "Ada", 5, None, [5], [[]], [["A", 1.0, "", "", 3]], [["A", 1.0, "", "", "x", 3]],
        [["A", 2.0, "", "", 13, 9]], [["A", float("nan"), "", "", 13, 9]], [["A", "x", "", "", 13, 9]],
        [[5, 1.0, "", "", 13, 9]], [["A", 1.0, 3, "", 13, 9]], [["A", 1.0, "", "", 13, 9.5]],
        [["A", 1.0, "", "", 13, 0]], [["A", 1.0, "", "", 13, 9, "Q1"]], {"A": 1.0},
    ],
)  # fmt: skip
def test_user_data_that_are_no_relations_are_one_clear_error(doc, value):
    doc.user_data["meta"] = {"id": "doc-7"}
    doc.user_data["._.", "rel_component.rel", 0, 3] = value
    with pytest.raises(AnnotationError, match=r"document doc-7: doc\.user_data\[.*rel_component"):
        doc._.rel  # noqa: B018


# The extension attribute


def test_an_extension_of_another_package_is_a_conflict(other_extension, doc):
    with pytest.raises(ExtensionConflict, match=r"Doc\._\.rel is already registered"):
        install_extension()
    assert doc._.rel == []


def test_adding_the_component_beside_another_extension_is_a_conflict(other_extension):
    with pytest.raises(ExtensionConflict, match='"attr": "relations"'):
        spacy.blank("en").add_pipe("relation_extractor")


def test_another_attribute_holds_relations_of_its_own(doc):
    set_relations(doc, [(doc.ents[0], "LIVES_IN", doc.ents[2])], "relations")  # not registered yet
    assert facts(doc, "relations") == [("Ada", "LIVES_IN", "Oslo")]
    for _ in range(2):
        install_extension("relations")
    try:
        assert [rel.label for rel in doc._.relations] == ["LIVES_IN"]
        assert facts(doc) == [EMPLOYED, LOCATED]
    finally:
        Doc.remove_extension("relations")


def test_a_score_may_be_unknown(doc):
    head, tail = doc.ents[:2]
    doc._.rel = [Relation(head, "A", tail, None)]
    assert [rel.score for rel in Doc(doc.vocab).from_bytes(doc.to_bytes())._.rel] == [None]
    assert doc._.rel.as_dict() == {(head.start, tail.start): {"A": 1.0}}
    doc._.rel = [Relation(head, "A", tail, None), Relation(head, "A", tail, 0.4)]
    assert [rel.score for rel in doc._.rel] == [0.4]


def test_polarity_is_kept(doc):
    ada, acme, oslo = doc.ents
    doc._.rel = [
        Relation(acme, "LOCATED_IN", oslo, 0.4, polarity="asserted"),
        Relation(acme, "LOCATED_IN", oslo, 0.9, polarity="negated"),
        Relation(ada, "WORKS_AT", acme, polarity="planned"),
    ]
    polarities = ["planned", "negated"]
    copies = [doc, Doc(doc.vocab).from_bytes(doc.to_bytes()), Doc.from_docs([doc, doc])]
    assert [[rel.polarity for rel in get_relations(each)] for each in copies] == [
        polarities,
        polarities,
        polarities * 2,
    ]
    first = doc._.rel[0]
    assert (first.to_json()["polarity"], pickle.loads(pickle.dumps(doc))._.rel[0].polarity) == (
        "planned",
        "planned",
    )
    assert first != Relation(*(first.head, first.label, first.tail), first.score)
    data = json.loads(json.dumps(doc._.rel.to_json()))
    doc._.rel = data
    assert [rel.polarity for rel in doc._.rel] == polarities
    for wrong in ("perhaps", 7, ["negated"]):
        with pytest.raises(AnnotationError, match=r"the polarity is .*; known are asserted"):
            doc._.rel = [{**data[0], "polarity": wrong}]


def test_the_dict_form_keeps_what_a_relation_has_besides_its_score(vocab):
    doc = make_doc(vocab, "Ada works at Acme Labs", [PERSON, ORG], sent_starts=[0])
    ada, acme = doc.ents
    stated = Statement(predicate=(doc[1:3],))
    doc._.rel = [Relation(ada, "WORKS_AT", acme, 0.9, (0,), "negated", stated)]
    doc._.rel = {(0, 3): {"WORKS_AT": 0.4}}
    assert list(doc._.rel) == [Relation(ada, "WORKS_AT", acme, 0.4, (0,), "negated", stated)]


def test_relations_with_evidence_are_read_in_time_that_grows_with_the_document(vocab):
    """No relation looks at all sentences."""
    n = 150
    mentions = [(place, place + 1, "X") for i in range(n) for place in (4 * i, 4 * i + 2)]
    doc = make_doc(vocab, ["a", "met", "b", "."] * n, mentions, sent_starts=range(0, 4 * n, 4))
    ents = list(doc.ents)
    doc._.rel = [Relation(ents[2 * i], "MET", ents[2 * i + 1], evidence=[i, 0]) for i in range(n)]
    assert [rel.evidence for rel in doc._.rel] == [(0,), *((0, i) for i in range(1, n))]
    assert most_runs_of_a_line(lambda: list(doc._.rel)) < n * n / 2
