"""Where wrong relations come from."""

import pytest

from rel_component.evaluation.mistakes import REASONS, find_mistakes

from ..helpers import make_doc, make_example

TEXT = "Ada Lovelace works at Acme Labs in Oslo"
ADA, ACME, OSLO = (0, 2, "PERSON"), (4, 6, "ORG"), (7, 8, "GPE")
GOLD = [(0, "WORKS_AT", 1)]


def mistakes_of(vocab, mentions, relations, gold=GOLD, spans_key=None, **options):
    reference = make_doc(vocab, TEXT, [ADA, ACME, OSLO], gold, spans_key=spans_key)
    example = make_example(reference, [])
    example.predicted = make_doc(vocab, TEXT, mentions, relations)
    return find_mistakes([example], spans_key=spans_key, **options)


def reasons(found):
    return [(mistake.kind, mistake.reason, mistake.instead) for mistake in found.mistakes]


def test_nothing_wrong(vocab):
    found = mistakes_of(vocab, [ADA, ACME], GOLD)
    assert found.to_dict() == {"right": 1, "missed": {}, "spurious": {}}


@pytest.mark.parametrize(
    ("mentions", "reason", "instead"),
    [
        ([ADA], "entity missed", ""),
        ([ADA, (5, 6, "ORG")], "wrong span", "Labs (ORG)"),
        ([ADA, (4, 6, "GPE")], "wrong type", "Acme Labs (GPE)"),
        ([ADA, ACME], "relation missed", ""),
        ([(0, 1, "PERSON"), OSLO], "entity missed", ""),  # the head is cut, the tail is not there
    ],
)
def test_why_a_relation_is_missed(vocab, mentions, reason, instead):
    assert reasons(mistakes_of(vocab, mentions, [])) == [("missed", reason, instead)]


@pytest.mark.parametrize(
    ("mentions", "relation", "reason", "instead"),
    [
        ([ADA, (3, 4, "ORG")], (0, "WORKS_AT", 1), "entity spurious", ""),
        ([ADA, (5, 6, "ORG")], (0, "WORKS_AT", 1), "wrong span", "Acme Labs (ORG)"),
        ([(0, 2, "ORG"), ACME], (0, "WORKS_AT", 1), "wrong type", "Ada Lovelace (PERSON)"),
        (
            [ADA, ACME],
            (1, "WORKS_AT", 0),
            "wrong direction",
            "(Ada Lovelace, WORKS_AT, Acme Labs)",
        ),
        ([ADA, ACME], (0, "FOUNDED", 1), "wrong label", "(Ada Lovelace, WORKS_AT, Acme Labs)"),
        ([ADA, OSLO], (0, "WORKS_AT", 1), "relation spurious", ""),
    ],
)
def test_why_a_relation_is_spurious(vocab, mentions, relation, reason, instead):
    found = mistakes_of(vocab, mentions, [relation])
    spurious = [mistake[1:] for mistake in reasons(found) if mistake[0] == "spurious"]
    assert spurious == [(reason, instead)]
    assert reason in REASONS


def test_annotated_mentions_of_a_span_group(vocab):
    found = mistakes_of(vocab, [ADA, OSLO], [(0, "WORKS_AT", 1)], spans_key="mentions")
    assert ("spurious", "relation spurious", "") in reasons(found)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [(None, "relation missed"), ([0.9, 0.6], "relation missed"), ([0.9, 0.3], "entity missed")],
)
def test_predicted_mentions_of_a_span_group(vocab, scores, reason):
    reference = make_doc(vocab, TEXT, [ADA, ACME], GOLD)
    example = make_example(reference, [])
    example.predicted = make_doc(vocab, TEXT, [ADA, ACME], spans_key="mentions")
    if scores:
        example.predicted.spans["mentions"].attrs["scores"] = scores
    found = find_mistakes([example], spans_key="mentions")
    assert reasons(found) == [("missed", reason, "")]


def test_a_symmetric_relation_has_no_direction(vocab):
    turned = [(1, "WORKS_AT", 0)]
    assert mistakes_of(vocab, [ADA, ACME], turned, symmetric=["WORKS_AT"]).n_right == 1
    assert mistakes_of(vocab, [ADA, ACME], turned).n_right == 0


@pytest.mark.parametrize(("label", "n_right", "n_missed"), [("KNOWS", 1, 0), ("LIKES", 0, 1)])
def test_a_symmetric_relation_in_both_directions_counts_once(vocab, label, n_right, n_missed):
    both = [(0, "KNOWS", 1), (1, "KNOWS", 0)]
    reference = make_doc(vocab, TEXT, [ADA, ACME], both)
    example = make_example(reference, [ADA, ACME], relations=[(1, label, 0)])
    found = find_mistakes([example], symmetric=["KNOWS"])
    assert (found.n_right, len(found.counts("missed"))) == (n_right, n_missed)


def test_mistakes_are_counted_and_written_with_their_text(vocab):
    found = mistakes_of(vocab, [ADA, ACME], [(1, "WORKS_AT", 0), (0, "FOUNDED", 1)])
    assert found.counts("missed") == {"wrong direction": 1}
    assert found.counts("spurious") == {"wrong direction": 1, "wrong label": 1}
    record = found.mistakes[0].to_json()
    assert record["text"] == TEXT
    assert (record["head"]["text"], record["doc"]) == ("Ada Lovelace", 0)
    assert (record["offset"], record["score"], record["id"]) == (0, None, None)
    assert [mistake.to_json()["score"] for mistake in found.mistakes[1:]] == [1.0, 1.0]


def test_records_name_the_document_and_have_null_for_nothing(vocab):
    reference = make_doc(vocab, TEXT, [ADA, ACME], [(0, "WORKS_AT", 1)])
    reference.user_data["meta"] = {"id": "doc-7"}
    (mistake,) = find_mistakes([make_example(reference, [])]).mistakes
    record = mistake.to_json()
    assert (record["id"], record["instead"], record["reason"]) == ("doc-7", None, "entity missed")
