"""How sure a model is of pairs, and what it notes in documents."""

import numpy
import pytest
from spacy.tokens import Doc, DocBin

from rel_component.errors import DataError
from rel_component.margins import note_unsure_pairs, pair_margins, unsure_pairs
from rel_component.schema import RelationSchema, RelationType

from .helpers import make_candidates, make_doc

SCHEMA = RelationSchema(
    [
        RelationType("FOUNDED_BY", "", ("ORG",), ("PERSON",)),
        RelationType("HIRED", "", ("ORG",), ("PERSON",)),
        RelationType("LEADS", "", ("PERSON",), ("ORG",)),
    ]
)
MENTIONS = [(0, 1, "ORG"), (2, 3, "PERSON"), (4, 5, "PERSON")]


@pytest.fixture
def docs(vocab):
    """A document with two pairs of mentions, of both directions each, and one without pairs."""
    return [make_doc(vocab, "Acme hired Ada and Bo", MENTIONS), make_doc(vocab, "nobody here")]


@pytest.mark.parametrize(
    ("exclusive", "row", "margin", "label"),
    [
        (True, [0.5, 0.3, 0.1, 0.1], 0.2, 0),
        (True, [0.1, 0.3, 0.55, 0.05], 0.25, 1),
        (True, [0.1, 0.2, 0.1, 0.6], 0.1, 0),  # LEADS is no answer between these types
        (False, [0.9, 0.4, 0.5], 0.2, 1),
        (False, [0.05, 0.95, 0.5], 0.9, 0),
    ],
)
def test_the_margin_of_a_pair(docs, exclusive, row, margin, label):
    candidates = make_candidates(docs, SCHEMA)
    probabilities = numpy.asarray([row] * candidates.n_pairs, dtype="float32")
    margins = pair_margins(docs, candidates, probabilities, exclusive=exclusive)
    assert margins.values[0] == pytest.approx(margin)
    assert margins.labels[0] == label


def test_no_pairs_and_no_labels_have_margins_too(docs):
    for schema, rows in ((SCHEMA, docs[1:]), (RelationSchema(), docs)):
        candidates = make_candidates(rows, schema)
        probabilities = numpy.ones((candidates.n_pairs, 1 + len(schema)), dtype="float32")
        margins = pair_margins(rows, candidates, probabilities, exclusive=True)
        assert margins.values.tolist() == [1.0] * candidates.n_pairs


def test_a_pair_is_noted_once_whatever_its_direction(docs):
    candidates = make_candidates(docs, SCHEMA)
    sure, unsure = [0.9, 0.1, 0.0, 0.0], [0.5, 0.1, 0.0, 0.4]
    rows = [unsure if list(pair) == [1, 0] else sure for pair in candidates.pairs]
    values = numpy.asarray(rows, dtype="float32")
    note_unsure_pairs(docs, candidates, values, 0.3, exclusive=True)
    saved = DocBin(docs=docs, store_user_data=True).to_bytes()
    first, second = (
        unsure_pairs(doc) for doc in DocBin().from_bytes(saved).get_docs(docs[0].vocab)
    )
    assert first == ({frozenset({(0, 4), (11, 14)})}, 2)
    assert second == (frozenset(), 0)
    note_unsure_pairs(docs, candidates, values, 0.0, exclusive=True, attr="links")
    assert unsure_pairs(docs[0]) == first
    assert unsure_pairs(docs[0], "links") == (frozenset(), 2)
    joined = Doc.from_docs([docs[1], docs[0], docs[0]])
    places = [frozenset({(start, start + 4), (start + 11, start + 14)}) for start in (12, 34)]
    assert unsure_pairs(joined) == (set(places), 4)
    assert unsure_pairs(joined[3:].as_doc(copy_user_data=True)).pairs == {
        frozenset((a - 17, b - 17) for a, b in places[1])
    }


def test_what_is_not_noted_and_what_is_something_else(docs):
    assert unsure_pairs(docs[0]) is None
    docs[0].user_data["._.", "rel_component.unsure.rel", 0, 0] = {"pairs": [3]}
    with pytest.raises(DataError, match="expected pairs of places, and their number"):
        unsure_pairs(docs[0])
