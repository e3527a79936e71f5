import pytest

from rel_component.audit.counts import count_corpus

from ..helpers import make_doc
from .corpora import group, make_context

ADA = [(0, 1, "PERSON"), (2, 3, "ORG"), (4, 5, "ORG")]


def table(section, title):
    return next(table for table in section.tables if table.title == title)


def column(section, title, number=1):
    return {row[0]: row[number] for row in table(section, title).rows}


@pytest.fixture
def section(vocab):
    docs = [
        make_doc(vocab, "Ada leads Acme . Brix", ADA, [(0, "LEADS", 1), (0, "FOUNDED", 1)]),
        make_doc(
            vocab,
            "Ada leads Acme . Brix",
            ADA,
            [(0, "LEADS", 2), (1, "OWNS", 1)],
            sent_starts=[0, 4],
        ),
        make_doc(vocab, "Nothing ."),
    ]
    return count_corpus(make_context(docs))


def test_overview(section):
    assert column(section, "Overview") == {
        "documents": 3,
        "documents without mentions": 1,
        "documents without relations": 1,
        "sentences": 4,
        "tokens": 12,
        "mentions": 6,
        "mentions that overlap the next": 0,
        "relations": 4,
        "relations across sentences": 1,
        "relations of a mention with itself": 1,
        "pairs with several relations": 1,
    }


def test_share_of_pairs_without_relation(section):
    # 2 documents of 3 mentions: 12 ordered pairs, PERSON to ORG and ORG to ORG: 4 each are allowed
    row = table(section, "Ordered pairs without relation").rows[0]
    assert row == ["train", 12, pytest.approx(10 / 12), 8, pytest.approx(6 / 8)]
    assert section.figures["share of ordered pairs without relation"] == pytest.approx(10 / 12)


def test_counts_by_type_and_label(section):
    assert column(section, "Mentions by entity type") == {"ORG": 4, "PERSON": 2}
    assert column(section, "Relations by label") == {"LEADS": 2, "FOUNDED": 1, "OWNS": 1}
    assert ["LEADS", "PERSON", "ORG", 2, 1.0] in table(section, "Entity types by label").rows


def test_distances(section):
    rows = {row[0]: row[1:] for row in table(section, "Tokens between head and tail").rows}
    assert rows["LEADS"] == [1, 2, 2, 2, 3, 3, 3, 0.5]  # 1 and 3 tokens
    assert rows["OWNS"][0] == 0


def test_labels_with_few_examples_and_labels_without_any(section):
    found = group(section, "Labels with few examples")
    assert found[0].message.startswith("PARTNER has no examples")
    assert [len(finding.places) for finding in found] == [0, 1, 1, 2]


def test_overlapping_mentions_are_counted_once_by_their_tokens(vocab):
    mentions = [(0, 2, "ORG"), (0, 1, "PERSON"), (0, 1, "ORG"), (3, 4, "ORG")]
    doc = make_doc(vocab, "Ada Works owns Brix", mentions, spans_key="sc")
    section = count_corpus(make_context([doc], spans_key="sc"))
    assert column(section, "Overview")["mentions that overlap the next"] == 2
    # 3 places; the first one may be PERSON or ORG
    assert table(section, "Ordered pairs without relation").rows[0][1:4:2] == [6, 6]
