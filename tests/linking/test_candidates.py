"""Candidates of mentions, their features, and the layer over them."""

from collections import Counter

import numpy
import pytest
from spacy.tokens import Span
from thinc.api import NumpyOps

from rel_component.errors import ConfigError
from rel_component.linking.candidates import FEATURES, CandidateFinder, LinkCandidates
from rel_component.linking.learning import learn_links, right_candidates, seen_in
from rel_component.linking.scorer import build_candidate_scorer, fit, link_loss

from ..helpers import make_doc
from .entities import make_kb


def feature(match, name):
    return dict(zip(match.entities.tolist(), match.features[:, FEATURES.index(name)].tolist()))


@pytest.fixture(scope="module")
def finder():
    return CandidateFinder(make_kb())


def test_features_of_a_name(finder):
    match = finder.match("ibm", "ORG")
    assert match.entities.tolist()[:2] == [0, 1]
    assert feature(match, "same name")[1] == 1.0
    assert feature(match, "same letters")[0] == 0.0
    assert feature(match, "ambiguity")[0] == pytest.approx(numpy.log(2))
    assert feature(match, "prior")[0] > 0 > feature(match, "prior")[1]
    assert feature(match, "type")[0] == 1.0
    assert feature(finder.match("ibm", "GPE"), "other type")[0] == 1.0
    assert feature(finder.match("ibm", "THING"), "other type")[0] == 0.0


def test_a_name_is_found_while_another_thread_clears_what_is_kept(finder, monkeypatch):
    class Cleared(dict):
        def __setitem__(self, key, value):
            self.clear()

    expected = finder.match("ibm", "ORG").entities.tolist()
    for name in ("_cache", "_found"):
        monkeypatch.setattr(finder, name, Cleared())
    assert finder.match("ibm", "ORG").entities.tolist() == expected


def test_a_name_without_letters_has_no_candidates(finder, vocab):
    doc = make_doc(vocab, "? ibm", [(0, 1, "ORG"), (1, 2, "ORG")])
    found = finder.find([doc, make_doc(vocab, "")], [doc.ents, []])
    assert found.lengths[0] == 0
    assert found.features.shape == (len(found.entities), len(FEATURES))
    assert len(finder.find([], []).entities) == 0


def test_longer_names_of_the_document(finder, vocab):
    text = "Bernie Sanders came . Sanders left . It is lead ( Pb ) , Pb"
    mentions = [
        *((0, 2, "PERSON"), (4, 5, "PERSON")),
        *((9, 10, "CHEMICAL"), (11, 12, "CHEMICAL"), (14, 15, "CHEMICAL")),
    ]
    doc = make_doc(vocab, text, mentions)
    found = finder.find([doc], [doc.ents])
    best = [found.entities[start] for start in found.starts]
    assert best == [2, 2, 5, 5, 5]
    elsewhere = found.features[:, FEATURES.index("meant elsewhere")]
    longer = found.features[:, FEATURES.index("longer name")]
    assert elsewhere[found.starts[1]] == longer[found.starts[1]] == 1.0


def test_a_name_that_is_in_the_text_as_a_whole(finder, vocab):
    doc = make_doc(vocab, "Sanders : Bernie Sanders", [(0, 1, "PERSON")])
    found = finder.find([doc], [doc.ents])
    marked = found.features[:, FEATURES.index("in the text")] == 1.0
    assert found.entities[marked].tolist() == [2]


def test_learned_names(vocab):
    doc = make_doc(vocab, "Bernie is in LA , IBM , Ada", [])
    linked = [
        Span(doc, 0, 1, "PER", kb_id="Q3"),
        Span(doc, 3, 4, "GPE", kb_id="NIL"),
        Span(doc, 5, 6, "ORG", kb_id="Q2"),
        Span(doc, 7, 8, "PER", kb_id="Q99"),
    ]
    learned = learn_links(make_kb(), linked)
    assert learned.kb.names(2) == ["Bernie Sanders", "Bernie"]
    assert (learned.kb.find("Q99"), learned.kb.names(7)) == (7, ["Ada"])
    assert learned.names == {"ada": {"Q99": 1}, "bernie": {"Q3": 1}, "ibm": {"Q2": 1}}
    assert learned.given == {("ibm", "Q2")}
    assert learned.types == {"ORG": ["ORG"], "PER": ["PERSON"]}

    finder = CandidateFinder(learned.kb, learned=learned.names, given=learned.given)
    match = finder.match("IBM", "ORG")
    assert feature(match, "share in training")[1] == 1.0
    assert feature(match, "not seen in training")[0] == 1.0
    spans = [Span(doc, 0, 1, "PER"), Span(doc, 5, 6, "ORG")]
    hidden = finder.find([doc], [spans], hidden=[seen_in(linked)])
    # what this document alone has taught does not count for it
    assert right_candidates(learned.kb, hidden, ["Q3", "Q2"])[1] >= 0
    assert hidden.features[:, FEATURES.index("share in training")].max() == 0.0
    assert 7 not in hidden.entities


def test_the_loss_is_that_of_a_softmax_with_no_link():
    candidates = LinkCandidates(
        entities=numpy.arange(3, dtype="int32"),
        features=numpy.zeros((3, len(FEATURES)), dtype="float32"),
        lengths=numpy.asarray([2, 0, 1], dtype="int32"),
    )
    logits = numpy.asarray([1.0, 0.0, 2.0], dtype="float32")
    loss, gradient = link_loss(logits, candidates, numpy.asarray([0, -1, -1], dtype="int32"))
    first, second = numpy.exp([1.0, 0.0, 0.0]), numpy.exp([2.0, 0.0])
    expected = numpy.log(first.sum()) - 1.0 + numpy.log(second.sum())
    assert loss == pytest.approx(expected, rel=1e-5)
    shares = first / first.sum()
    assert gradient == pytest.approx([shares[0] - 1, shares[1], second[0] / second.sum()], abs=1e-5)


def test_weights_are_fitted():
    n = 200
    rng = numpy.random.default_rng(0)
    features = rng.random((2 * n, len(FEATURES)), dtype="float32")
    context = FEATURES.index("context")
    features[0::2, context], features[1::2, context] = 1.0, 0.0
    candidates = LinkCandidates(
        numpy.arange(2 * n, dtype="int32"), features, numpy.full(n, 2, dtype="int32")
    )
    right = numpy.zeros(n, dtype="int32")
    model = build_candidate_scorer({"context": 0.0})
    before, _ = link_loss(model.predict(features)[:, 0], candidates, right)
    fit(model, candidates, right, steps=50)
    after, _ = link_loss(model.predict(features)[:, 0], candidates, right)
    assert after < before / 2
    assert model.get_param("W")[0, context] > 1.0


def test_weights_have_names():
    model = build_candidate_scorer({"prior": 7.0}, bias=-1.0)
    model.ops = NumpyOps()
    assert model.get_param("W")[0, FEATURES.index("prior")] == 7.0
    with pytest.raises(ConfigError, match='did you mean "prior"'):
        build_candidate_scorer({"priors": 1.0})


def test_seen_in_counts_names_with_ids(vocab):
    doc = make_doc(vocab, "IBM ibm x")
    spans = [Span(doc, i, i + 1, "ORG", kb_id=name) for i, name in enumerate(("Q1", "Q1", ""))]
    assert seen_in(spans) == Counter({("ibm", "Q1"): 2})
