"""Documents with what is agreed."""

import pytest

from rel_component.evaluation.agreement.merging import merge_agreed
from rel_component.types import Relation

from ...helpers import facts, make_doc
from .helpers import ACME, ADA, ALL, OSLO, annotate, one_each, share

RUNS, IN = (0, "RUNS", 1), (1, "IN", 2)


def entities(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_what_all_agree_on_is_kept(vocab):
    first = annotate(vocab, [RUNS, IN], id=3, sent_starts=[0, 2])
    merged = merge_agreed(one_each(first, annotate(vocab, [RUNS], [ADA, ACME])))
    (doc,) = merged.docs
    assert entities(doc) == [("Ada", "PERSON"), ("Acme", "ORG")]
    assert facts(doc) == [("Ada", "RUNS", "Acme")]
    assert doc.text == first.text
    assert doc.user_data["meta"] == {"id": 3}
    assert [sent.start for sent in doc.sents] == [0, 2]
    assert merged.to_dict() == {
        "documents": 1,
        "mentions": 2,
        "relations": 1,
        "left_out": {"documents": 0, "mentions": {"votes": 1}, "relations": {"votes": 1}},
    }
    assert entities(first) == [("Ada", "PERSON"), ("Acme", "ORG"), ("Oslo", "GPE")]


@pytest.mark.parametrize(
    ("min_votes", "labels"), [(None, []), (3, []), (2, ["RUNS"]), (1, ["RUNS", "IN"])]
)
def test_a_majority_can_be_enough(vocab, min_votes, labels):
    shared = one_each(annotate(vocab, [RUNS]), annotate(vocab, [RUNS, IN]), annotate(vocab))
    (doc,) = merge_agreed(shared, min_votes=min_votes).docs
    assert [label for _, label, _ in facts(doc)] == labels


def test_entities_cannot_overlap(vocab):
    wide = annotate(vocab, [(0, "RUNS", 1)], [ADA, (2, 5, "ORG")])
    merged = merge_agreed(one_each(annotate(vocab), wide, annotate(vocab)), min_votes=1)
    assert entities(merged.docs[0]) == [("Ada", "PERSON"), ("Acme", "ORG"), ("Oslo", "GPE")]
    assert merged.mentions_left_out == {"overlap": 1}
    assert merged.relations_left_out == {"mentions": 1}


def test_of_as_many_votes_the_longer_mention_is_kept(vocab):
    merged = merge_agreed(
        one_each(annotate(vocab), annotate(vocab, [], [ADA, (2, 5, "ORG")])), min_votes=1
    )
    assert entities(merged.docs[0]) == [("Ada", "PERSON"), ("Acme in Oslo", "ORG")]
    assert merged.mentions_left_out == {"overlap": 2}


def test_mentions_of_a_span_group_can(vocab):
    mentions = [(2, 5, "ORG"), OSLO]
    docs = [annotate(vocab, [(0, "IN", 1)], mentions, spans_key="sc") for _ in range(2)]
    (doc,) = merge_agreed(one_each(*docs, spans_key="sc"), spans_key="sc").docs
    assert [span.text for span in doc.spans["sc"]] == ["Acme in Oslo", "Oslo"]
    assert facts(doc) == [("Acme in Oslo", "IN", "Oslo")]
    assert doc.ents == ()


def test_mentions_that_cut_tokens_are_counted(vocab):
    whole = make_doc(vocab, ["Ada-Labs"], spaces=[False])
    split = [
        make_doc(vocab, ["Ada", "-", "Labs"], [(0, 1, "PERSON")], spaces=[False] * 3)
        for _ in range(2)
    ]
    merged = merge_agreed(one_each(whole, *split), min_votes=2)
    assert entities(merged.docs[0]) == []
    assert merged.mentions_left_out == {"tokens": 1}


def test_documents_that_too_few_have_are_left_out(vocab):
    docs = [annotate(vocab, text=f"Ada runs Acme in Rome{i} .") for i in range(3)]
    shared = share(docs, docs[:2], docs[:1])
    for min_votes, kept, left_out in ((None, 2, 1), (2, 2, 1), (3, 1, 2)):
        merged = merge_agreed(shared, min_votes=min_votes)
        assert (len(merged.docs), merged.documents_left_out) == (kept, left_out)
        assert merged.mentions == kept * len(ALL)


def test_relations_keep_the_polarity_that_is_agreed_on(vocab):
    docs = [annotate(vocab) for _ in "ab"]
    for doc, polarity in zip(docs, ("negated", "asserted")):
        ada, acme, oslo = doc.ents
        negated = Relation(ada, "RUNS", acme, polarity="negated")
        doc._.rel = [negated, Relation(acme, "IN", oslo, polarity=polarity)]
    merged = merge_agreed(one_each(*docs))
    assert [(rel.label, rel.polarity) for rel in merged.docs[0]._.rel] == [("RUNS", "negated")]
    assert merged.relations_left_out == {"polarity": 1}
