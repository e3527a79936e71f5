import pytest

from rel_component.audit.duplicates import check_duplicates
from rel_component.audit.leakage import check_leakage
from rel_component.schema import RelationSchema, RelationType

from ..helpers import make_doc
from .corpora import group, make_context

WORDS = "On Monday the shipyard said that Ada leads Acme and nobody else does ."
MENTIONS = [(6, 7, "PERSON"), (8, 9, "ORG")]
COPIED = "Held-out documents that are in training"
SENTENCES = "Held-out sentences that are in training"


@pytest.fixture
def doc(vocab):
    def make(words=WORDS, relations=((0, "LEADS", 1),), **options):
        return make_doc(vocab, words, MENTIONS, relations, **options)

    return make


@pytest.fixture
def other(vocab):
    return make_doc(vocab, "Rain fell on the harbour for a week .")


@pytest.mark.parametrize("copy", [WORDS, WORDS.upper(), WORDS.replace(" .", " !")])
def test_the_same_text_without_case_and_marks(doc, other, copy):
    section = check_duplicates(make_context([doc(), other, doc(copy)]))
    (finding,) = group(section, "The same text")
    assert [place.doc.index for place in finding.places] == [0, 2]
    assert section.figures["documents that repeat another one"] == 1


def test_the_same_text_with_another_annotation_is_an_error(doc, other):
    section = check_duplicates(make_context([doc(), other, doc(relations=())]))
    (finding,) = group(section, "The same text, annotated differently")
    assert finding.severity == "error"
    assert not group(section, "The same text")


def test_the_direction_of_a_symmetric_relation_is_no_other_annotation(doc, other):
    copies = [doc(relations=[(0, "MET", 1)]), doc(relations=[(1, "MET", 0)])]
    schema = RelationSchema([RelationType("MET", symmetric=True)])
    section = check_duplicates(make_context([*copies, other], schema=schema))
    assert [found.title for found in section.groups] == ["The same text"]


def test_near_duplicates(doc, other):
    section = check_duplicates(make_context([other, doc(), doc(WORDS.replace("Monday", "Friday"))]))
    (finding,) = group(section, "Near-duplicates")
    assert [place.doc.index for place in finding.places] == [1, 2]


def test_documents_without_words_are_no_duplicates(vocab):
    docs = [make_doc(vocab, ""), make_doc(vocab, ""), make_doc(vocab, "."), make_doc(vocab, ".")]
    assert check_duplicates(make_context(docs)).groups == []


def test_copies_across_parts_are_leaks_and_no_duplicates(doc, other):
    context = make_context([other, doc()], [doc()])
    assert check_duplicates(context).groups == []
    (finding,) = group(check_leakage(context), COPIED)
    assert finding.severity == "error"
    assert [(place.doc.split.name, place.doc.index) for place in finding.places] == [
        ("test", 0),
        ("train", 1),
    ]


def test_near_copies_across_parts_are_warnings(doc, other):
    context = make_context([other, doc()], [doc(WORDS.replace("Monday", "Friday"))])
    (finding,) = group(check_leakage(context), COPIED)
    assert finding.severity == "warning"


def test_copied_sentences(doc, vocab):
    words = "Rain fell . " + WORDS
    mentions = [(start + 3, end + 3, label) for start, end, label in MENTIONS]
    test = make_doc(vocab, words, mentions, [(0, "LEADS", 1)], sent_starts=[0, 3])
    short = make_doc(vocab, "Rain fell .", sent_starts=[0])
    section = check_leakage(make_context([doc(sent_starts=[0]), short], [test], similarity=0.99))
    (finding,) = group(section, SENTENCES)
    assert finding.severity == "error"
    assert "with 1 relations" in finding.message


def test_shares_of_what_training_knows(doc, vocab):
    test = make_doc(
        vocab,
        "Ada leads ACME and Brix while Acme owns Ada",
        [(0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "ORG"), (6, 7, "ORG")],
        [(0, "LEADS", 1), (0, "LEADS", 2), (0, "FOUNDED", 3)],
    )
    section = check_leakage(make_context([doc()], [test]))
    row = section.tables[0].rows[0]
    # names: ada, acme, acme of four; pairs: ada and acme, twice of three; facts: one of three
    assert row == ["test", 1, 0, 0, 0.75, pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert section.figures["share of new facts in test"] == pytest.approx(2 / 3)
    assert len(group(section, "Held-out facts that are in training")) == 1


def test_without_held_out_splits_there_is_nothing_to_compare(doc):
    section = check_leakage(make_context([doc(), doc()]))
    assert section.groups == section.tables == []
    assert "--test" in section.intro
