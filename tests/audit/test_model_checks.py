"""Checks with a pipeline: one that reads and one that knows names by heart."""

import json

import pytest
import spacy
from spacy.language import Language

from rel_component.annotations import get_relations, set_relations
from rel_component.audit.documents import AuditedDoc, Split
from rel_component.audit.model_checks import check_disagreement, check_rewritten
from rel_component.audit.name_groups import check_name_groups
from rel_component.audit.name_lists import NameGroups
from rel_component.audit.predictor import Predictor
from rel_component.audit.rewriting import assign_names, rewrite
from rel_component.errors import ConfigError

from ..helpers import make_doc
from .corpora import SCHEMA, group, make_context

MENTIONS = [(0, 1, "PERSON"), (2, 3, "ORG")]


@Language.component("audit_reader")
def reader(doc):
    """PERSON leads ORG, if the text says so."""
    found = [
        (head, "LEADS", tail, 0.9)
        for head in doc.ents
        for tail in doc.ents
        if (head.label_, tail.label_) == ("PERSON", "ORG") and doc[tail.start - 1].text == "leads"
    ]
    set_relations(doc, found)
    return doc


@Language.component("audit_knower")
def knower(doc):
    """People called Ada lead whatever comes."""
    heads = [ent for ent in doc.ents if "Ada" in ent.text]
    tails = [ent for ent in doc.ents if ent.label_ == "ORG"]
    set_relations(doc, [(head, "LEADS", tail, None) for head in heads for tail in tails])
    return doc


@pytest.fixture
def nlp():
    return spacy.blank("en")


def check(checked, nlp, docs, component, *names):
    nlp.add_pipe(component)
    return checked(make_context(docs), Predictor(nlp, name=component), *names)


@pytest.fixture
def prompted(tmp_path):
    """A pipeline that is prompted for relations between the mentions of a span group."""
    reply = {"relations": [{"head": "M1", "label": "LEADS", "tail": "M2"}]}
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"text": json.dumps(reply)}), encoding="utf8")
    config = {
        "backend": {"@rel_llm_backends": "rel_component.replay.v1", "path": str(path)},
        "relation_schema": SCHEMA.to_dict(),
        "spans_key": "mentions",
    }
    nlp = spacy.blank("en")
    nlp.add_pipe("llm_relation_extractor", config=config)
    return nlp


@pytest.fixture
def docs(nlp):
    return [
        make_doc(nlp.vocab, "Ada leads Acme", MENTIONS, [(0, "LEADS", 1)]),
        make_doc(nlp.vocab, "Bob leads Brix", MENTIONS, [(0, "LEADS", 1)]),
        make_doc(nlp.vocab, "Ada left Corv", MENTIONS),
    ]


def column(section, number):
    return {row[0]: row[number] for row in section.tables[0].rows}


def test_disagreement(nlp, docs):
    section = check(check_disagreement, nlp, docs, "audit_knower")
    (added,) = group(section, "It predicts something else or more")
    (missed,) = group(section, "It does not find what is annotated")
    assert (added.places[0].doc.index, missed.places[0].doc.index) == (2, 1)
    assert added.message == "(Ada, LEADS, Corv); annotated: no relation."
    assert column(section, 3) == {"train": 0.5}


def test_new_facts_are_scored_alone(nlp, docs):
    texts = ["Ada leads Acme", "Bob leads Corv", "Ada leads Brix"]
    held_out = [make_doc(nlp.vocab, text, MENTIONS, [(0, "LEADS", 1)]) for text in texts]
    nlp.add_pipe("audit_knower")
    section = check_disagreement(make_context(docs, held_out), Predictor(nlp))
    assert column(section, 3) == {"train": 0.5, "test": pytest.approx(0.8)}
    assert column(section, 4) == {"train": None, "test": pytest.approx(2 / 3)}


def test_other_labels_come_before_additional_relations(nlp, docs):
    docs[0] = make_doc(nlp.vocab, "Ada leads Acme", MENTIONS, [(0, "FOUNDED", 1)])
    section = check(check_disagreement, nlp, docs, "audit_knower")
    first, second = group(section, "It predicts something else or more")
    assert "annotated: (Ada, FOUNDED, Acme)" in first.message
    assert "no relation" in second.message


def test_a_pipeline_that_reads_finds_everything_under_other_names(nlp, docs):
    section = check(check_rewritten, nlp, docs, "audit_reader")
    assert column(section, 4) == {"as they are": 1, "names exchanged": 1, "names masked": 1}
    assert section.groups == []


def test_a_pipeline_that_knows_names_does_not(nlp, docs):
    section = check(check_rewritten, nlp, docs[:1], "audit_knower")
    # there is no other name of a person to exchange with
    assert column(section, 4) == {"as they are": 1, "names exchanged": 1, "names masked": 0}
    section = check(check_rewritten, spacy.blank("en"), docs, "audit_knower")
    assert column(section, 4)["names masked"] == 0
    assert group(section, "Scores depend on names")


def test_components_that_find_mentions_are_left_out(nlp, docs):
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Ada"}])
    section = check(check_disagreement, nlp, docs, "audit_reader")
    assert column(section, 3) == {"train": 1.0}
    assert "entity_ruler" in nlp.pipe_names


GROUPS = NameGroups({"a": (("Ada", "One"), ("Ada",)), "b": (("Bea", "Two"), ("Bea",))})


def test_groups_of_names(nlp, docs):
    docs = docs * 20
    section = check(check_name_groups, nlp, docs, "audit_knower", GROUPS)
    assert column(section, 3) == {"a": 1.0, "b": 0.0}
    assert section.figures["relations counted"] == 40
    assert section.figures["largest difference of recall"] == 1.0
    (finding,) = group(section, "Groups with lower recall")
    assert finding.message.startswith("b: recall 0.0 of 40 relations, and 100.0")


def test_groups_that_fare_the_same(nlp, docs):
    section = check(check_name_groups, nlp, docs, "audit_reader", GROUPS)
    assert column(section, 3) == {"a": 1.0, "b": 1.0}
    assert column(section, 5)["a"] == pytest.approx(0.9)
    assert section.groups == []


def test_the_type_of_the_names_has_to_occur(nlp, docs):
    groups = NameGroups(GROUPS.groups, "CITY")
    with pytest.raises(ConfigError, match=r"ORG, PERSON.*--names-type"):
        check(check_name_groups, nlp, docs, "audit_reader", groups)


def test_reading_names(tmp_path):
    path = tmp_path / "names.yaml"
    path.write_text("a: [Ada One, Bo]\nb: [Cy]\n", encoding="utf8")
    assert NameGroups.read(path).groups == {"a": (("Ada", "One"), ("Bo",)), "b": (("Cy",),)}


NESTED = "&a [x,x], &b [*a,*a,*a,*a], &c [*b,*b,*b,*b], &d [*c,*c,*c,*c], &e [*d,*d,*d,*d]"


@pytest.mark.parametrize(
    "text",
    [
        "[a, b]",
        "a: [Ada]",
        "a: Ada\nb: [Bo]",
        "a: []\nb: [Bo]",
        "a: [1]\nb: [Bo]",
        "a: {",
        f"a: [{NESTED}]\nb: [Bo]",
        "a: [" + "[" * 1500,
        "a: [[" + "x, " * 150 + "]]\nb: [Bo]",
    ],
)
def test_names_that_cannot_be_used(tmp_path, text):
    path = tmp_path / "names.yaml"
    path.write_text(text, encoding="utf8")
    with pytest.raises(ConfigError, match=r"names\.yaml") as caught:
        NameGroups.read(path)
    assert len(str(caught.value)) < len(str(path)) + 300


def audited(vocab, *args, **options):
    spans_key = options.get("spans_key")
    return AuditedDoc(Split("train", []), 0, make_doc(vocab, *args, **options), spans_key)


def test_rewriting_moves_mentions(vocab):
    doc = audited(vocab, "Ada Lovelace leads Acme .", [(0, 2, "PERSON"), (3, 4, "ORG")])
    text = rewrite(doc, {(0, 2): ("Bo",), (3, 4): ("Brix", "and", "Sons")})
    assert " ".join(text.words) == "Bo leads Brix and Sons ."
    assert text.spans == [(0, 1, "PERSON"), (2, 5, "ORG")]


def test_mentions_that_overlap_keep_their_words(vocab):
    mentions = [(0, 2, "ORG"), (0, 1, "PERSON"), (3, 4, "ORG")]
    doc = audited(vocab, "Ada Works owns Acme", mentions, spans_key="sc")
    text = rewrite(doc, {(0, 1): ("X",), (0, 2): ("Y",), (3, 4): ("Z",)})
    assert text.words == ["Ada", "Works", "owns", "Z"]


def test_parts_of_names_get_the_same_part_of_the_new_name(vocab):
    mentions = [(0, 2, "PERSON"), (3, 4, "PERSON"), (5, 6, "PERSON"), (7, 8, "PERSON")]
    doc = audited(vocab, "Ada Lovelace : Lovelace , Ada , Cy", mentions)
    names = assign_names(doc, {"PERSON": [("Grace", "B.", "Hopper"), ("Di",)]})
    assert names == {
        (0, 2): ("Grace", "B.", "Hopper"),
        (3, 4): ("Hopper",),
        (5, 6): ("Grace",),
        (7, 8): ("Di",),
    }


def test_a_pipeline_does_not_change_the_documents(nlp, docs):
    check(check_rewritten, nlp, docs, "audit_knower")
    assert docs[0].text == "Ada leads Acme "
    assert len(get_relations(docs[1])) == 1


def test_a_prompted_pipeline_with_a_span_group_finds_relations(prompted):
    doc = make_doc(prompted.vocab, "Ada leads Acme", MENTIONS, [(0, "LEADS", 1)])
    predictor = Predictor(prompted, spans_key="mentions")
    (table,) = check_disagreement(make_context([doc]), predictor).tables
    assert table.rows[0][:4] == ["train", 1.0, 1.0, 1.0]
