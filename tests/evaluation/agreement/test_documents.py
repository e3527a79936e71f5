"""Which documents annotators share."""

import pytest

from ...helpers import make_doc
from .helpers import ACME, ADA, ALL, OSLO, TEXT, annotate, one_each, share


def problems(shared):
    return [(p.kind, p.id, "".join(p.annotators), "".join(p.lacking)) for p in shared.problems]


def test_documents_are_matched_by_text_in_any_order(vocab):
    first = [annotate(vocab, text=f"Ada runs Acme in Rome{i} .") for i in range(3)]
    shared = share(first, first[::-1])
    assert [doc.docs for doc in shared.docs] == [[doc, doc] for doc in first]
    assert (shared.problems, shared.n_single, shared.n_docs) == ([], 0, {"a": 3, "b": 3})


def test_documents_that_not_all_have_are_reported(vocab):
    docs = [annotate(vocab, text=f"Ada runs Acme in Rome{i} .", id=i) for i in range(3)]
    shared = share(docs, docs[1:], docs[2:])
    assert [[doc is not None for doc in row.docs] for row in shared.docs] == [
        [True, True, False],
        [True, True, True],
    ]
    assert problems(shared) == [("missing", "0", "a", "bc"), ("missing", "1", "ab", "c")]
    assert shared.n_single == 1
    assert str(shared.problems[0]) == "0, 'Ada runs Acme in Rome0 . ': only a, not b, c"


def test_documents_of_one_id_with_other_texts_are_reported(vocab):
    shared = one_each(annotate(vocab, id=7), annotate(vocab, text=TEXT + " Yes", id=7))
    assert shared.docs == []
    assert problems(shared) == [("text differs", "7", "a", "b"), ("text differs", "7", "b", "a")]
    assert "differs for b" in str(shared.problems[0])


@pytest.mark.parametrize("ids", [(1, 2), (1, None), (None, None)])
def test_documents_of_one_text_are_one_whatever_their_ids(vocab, ids):
    shared = one_each(*(annotate(vocab, id=id) for id in ids))
    assert len(shared.docs) == 1
    assert shared.docs[0].id == ("" if ids[0] is None else "1")


def test_ids_tell_equal_texts_apart(vocab):
    one, two = annotate(vocab, id=1), annotate(vocab, id=2)
    shared = share([one, two], [two, one])
    assert [doc.docs for doc in shared.docs] == [[one, one], [two, two]]


def test_equal_documents_without_ids_are_reported(vocab):
    first, again = annotate(vocab), annotate(vocab)
    shared = share([first, again], [first])
    assert shared.docs[0].docs[0] is first
    assert problems(shared) == [("repeated", "", "a", "")]
    assert "more than once" in str(shared.problems[0])
    assert shared.problems[0].annotators == ["a"]


def test_tokens_may_differ(vocab):
    whole = make_doc(vocab, ["Ada-Labs"], [(0, 1, "ORG")], spaces=[False])
    split = make_doc(vocab, ["Ada", "-", "Labs"], [(0, 3, "ORG")], spaces=[False] * 3)
    assert one_each(whole, split).docs[0].agreed == {(0, 8, "ORG")}


def test_arguments_of_relations_are_mentions(vocab):
    doc = annotate(vocab, [(0, "RUNS", 1)], spans_key="mentions")
    (shared,) = one_each(doc, annotate(vocab)).docs
    assert shared.annotations[0].mentions == {(0, 3, "PERSON"), (9, 13, "ORG")}
    assert shared.agreed == shared.annotations[0].mentions


def test_mentions_of_a_span_group_have_to_be_probable(vocab):
    doc = annotate(vocab, spans_key="mentions")
    doc.spans["mentions"].attrs["scores"] = [0.9, 0.5, 0.4]
    (shared,) = one_each(doc, annotate(vocab), spans_key="mentions").docs
    assert [key[2] for key in sorted(shared.annotations[0].mentions)] == ["PERSON", "ORG"]
    assert len(shared.annotations[1].mentions) == len(ALL)


def test_a_symmetric_relation_has_no_direction(vocab):
    one, other = annotate(vocab, [(0, "KNOWS", 1)]), annotate(vocab, [(1, "KNOWS", 0)])
    (shared,) = one_each(one, other, symmetric=["KNOWS"]).docs
    assert shared.annotations[0] == shared.annotations[1]
    (shared,) = one_each(one, other).docs
    assert shared.annotations[0] != shared.annotations[1]


def test_labels_of_a_pair_are_in_alphabetical_order(vocab):
    doc = annotate(vocab, [(0, "RUNS", 1), (0, "OWNS", 1)], [ADA, ACME, OSLO])
    assert [*one_each(doc, doc).docs[0].annotations[0].labels.values()] == [("OWNS", "RUNS")]
