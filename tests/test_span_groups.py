"""Span groups after tokens were merged and split."""

import numpy
import pytest
from spacy.tokens import Doc, Span, SpanGroup

from rel_component.mentions import read_clusters, scored_mentions, set_clusters
from rel_component.span_groups import MovingSpanGroup, current_spans

from .helpers import make_doc

WORDS = "Mary Ann Lee founded Globex in New York City"
SPANS = [(0, 3, "PERSON"), (1, 2, "PERSON"), (4, 5, "ORG"), (6, 9, "GPE")]
TEXTS = ["Mary Ann Lee", "Ann", "Globex", "New York City"]


def make_group(vocab, kind):
    doc = make_doc(vocab, WORDS)
    spans = [Span(doc, start, end, label=label) for start, end, label in SPANS]
    scores = numpy.asarray([0.9, 0.1, 0.8, 0.7], dtype="float32")
    doc.spans["mentions"] = kind(doc, name="mentions", spans=spans, attrs={"scores": scores})
    return doc


def merge(doc, start, end):
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[start:end])


def split(doc, i, *parts):
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[i], parts, heads=[doc[i]] * len(parts))


CHANGES = [
    (lambda doc: merge(doc, 0, 3), ["Mary Ann Lee", "Mary Ann Lee", *TEXTS[2:]]),
    (
        lambda doc: merge(doc, 2, 5),
        ["Mary Ann Lee founded Globex", "Ann", "Lee founded Globex", TEXTS[3]],
    ),
    (lambda doc: split(doc, 4, "Glo", "bex"), TEXTS),
    (
        lambda doc: (split(doc, 0, "Ma", "ry"), merge(doc, 4, 6)),  # as many tokens as before
        [*TEXTS[:2], "founded Globex", TEXTS[3]],
    ),
    (lambda doc: merge(doc, 0, 9), [WORDS] * 4),
]


@pytest.mark.parametrize(("change", "texts"), CHANGES)
@pytest.mark.parametrize("kind", [SpanGroup, MovingSpanGroup])
def test_mentions_follow_their_characters(vocab, change, texts, kind):
    doc = make_group(vocab, kind)
    change(doc)
    mentions = scored_mentions(doc, "mentions")
    assert [span.text.strip() for span, _ in mentions] == texts
    assert [span.label_ for span, _ in mentions] == [label for *_, label in SPANS]
    assert [round(score, 1) for _, score in mentions] == [0.9, 0.1, 0.8, 0.7]


@pytest.mark.parametrize(("change", "texts"), CHANGES)
@pytest.mark.parametrize(
    "use",
    [
        lambda doc: doc,
        lambda doc: doc.copy(),
        lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
        lambda doc: Doc.from_docs([doc]),
        lambda doc: Doc(doc.vocab).from_json(doc.to_json()),
    ],
)
def test_documents_with_our_groups_can_be_used(vocab, change, texts, use):
    doc = make_group(vocab, MovingSpanGroup)
    change(doc)
    used = use(doc)
    assert [span.text.strip() for span in used.spans["mentions"]] == texts


def test_a_copy_follows_too(vocab):
    doc = make_group(vocab, MovingSpanGroup).copy()
    merge(doc, 0, 3)
    group = doc.spans["mentions"]
    assert [span.text.strip() for span in group] == CHANGES[0][1]
    assert group[-1].text.strip() == "New York City"
    with pytest.raises(IndexError):
        group[4]


def test_clusters_follow_too(vocab):
    doc = make_doc(vocab, WORDS)
    set_clusters(doc, [[doc[0:3], doc[6:9]]])
    merge(doc, 6, 9)
    assert [[span.text.strip() for span in cluster] for cluster in read_clusters(doc)] == [
        ["Mary Ann Lee", "New York City"]
    ]
    doc.to_bytes()


def test_empty_spans_and_groups(vocab):
    doc = make_doc(vocab, "a b c")
    doc.spans["x"] = [doc[1:1], doc[3:3]]
    doc.spans["y"] = []
    merge(doc, 0, 2)
    assert [len(span) for span in current_spans(doc.spans["x"])] == [0, 0]
    assert current_spans(doc.spans["y"]) == []
