"""Evidence: sentences of relations, stored, learned and found."""

from dataclasses import replace

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from rel_component.converters.from_doc import to_annotated
from rel_component.errors import AnnotationError, ConfigError
from rel_component.evidence import EvidenceOptions
from rel_component.inference.extract import find_evidence
from rel_component.models.pairs import localized_context
from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema
from rel_component.targets import make_targets
from rel_component.types import Relation

from .contracts.pair_models import initialised
from .encoders import TINY_TOK2VEC
from .gradients import assert_gradients
from .helpers import fixed_tok2vec, make_candidates, make_doc

# the middle sentence alone says what relates Ada and Acme
TEXT = "Ada is old . She founded it . Acme is big ."
MENTIONS = [(0, 1, "PERSON"), (8, 9, "ORG")]
STARTS = [0, 4, 8]


def document(vocab, evidence=()):
    doc = make_doc(vocab, TEXT, MENTIONS, sent_starts=STARTS)
    if evidence:
        doc._.rel = [Relation(doc.ents[1], "FOUNDED_BY", doc.ents[0], 0.5, evidence)]
    return doc


def evidence_of(doc):
    return [rel.evidence for rel in doc._.rel]


def test_evidence_is_sorted_and_once(vocab):
    doc = document(vocab, [2, 1, 2])
    assert evidence_of(doc) == [(1, 2)]
    assert doc._.rel[0].to_json()["evidence"] == [1, 2]
    assert "evidence" not in make_doc(vocab, TEXT, MENTIONS, [(0, "X", 1)])._.rel[0].to_json()


@pytest.mark.parametrize(
    "copied",
    [
        lambda doc: doc.copy(),
        lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
        lambda doc: next(DocBin(docs=[doc], store_user_data=True).get_docs(doc.vocab)),
    ],
)
def test_copies_keep_evidence(vocab, copied):
    assert evidence_of(copied(document(vocab, [1]))) == [(1,)]


def test_evidence_moves_with_its_sentence(vocab):
    doc = Doc.from_docs([document(vocab, [0]), document(vocab, [1, 2])])
    assert evidence_of(doc) == [(0,), (4, 5)]
    assert evidence_of(doc[12:].as_doc(copy_user_data=True)) == [(1, 2)]


def test_json_and_exports_have_evidence(vocab):
    doc, other = document(vocab, [1]), document(vocab)
    other._.rel = doc._.rel.to_json()
    assert evidence_of(other) == [(1,)]
    assert [rel.evidence for rel in to_annotated(doc).relations] == [(1,)]
    assert find_evidence(doc, doc._.rel) == ["She founded it ."]


def test_relations_given_twice_join_their_evidence(vocab):
    doc = document(vocab)
    head, tail = doc.ents
    doc._.rel = [Relation(head, "X", tail, 1.0, [0]), Relation(head, "X", tail, 0.5, [2])]
    assert evidence_of(doc) == [(0, 2)]


@pytest.mark.parametrize(("sent_starts", "n"), [(STARTS, 3), (None, 0)])
def test_error_for_a_sentence_that_is_not_there(vocab, sent_starts, n):
    doc = make_doc(vocab, TEXT, MENTIONS, sent_starts=sent_starts)
    with pytest.raises(AnnotationError, match=f"expected numbers of sentences, and .* has {n}"):
        doc._.rel = [Relation(doc.ents[0], "X", doc.ents[1], 1.0, [3])]
    with pytest.raises(AnnotationError, match="expected numbers of sentences"):
        doc._.rel = [{**Relation(doc.ents[0], "X", doc.ents[1]).to_json(), "evidence": ["0"]}]


def test_targets_have_the_sentences_of_the_predicted_document(vocab):
    predicted = make_doc(vocab, TEXT, MENTIONS, sent_starts=[0, 8])
    candidates = make_candidates([predicted], RelationSchema([RelationType("FOUNDED_BY")]))
    targets = make_targets([Example(predicted, document(vocab, [1, 2]))], candidates)
    assert [array.tolist() for array in targets.evidence] == [[1, 1], [0, 1]]
    chosen = targets.select(numpy.asarray([False, True]))
    assert [array.tolist() for array in chosen.evidence] == [[0, 0], [0, 1]]


def test_sentences_of_mentions_are_evidence_where_none_is_annotated(vocab):
    reference = document(vocab, [1])
    head, tail = reference.ents
    reference._.rel = [*reference._.rel, Relation(head, "FOUNDED_BY", tail)]
    candidates = make_candidates([reference], RelationSchema([RelationType("FOUNDED_BY")]))
    targets = make_targets([Example(reference, reference)], candidates, mention_evidence=True)
    assert [array.tolist() for array in targets.evidence] == [[0, 0, 1], [0, 2, 1]]


def test_loss_by_hand_and_its_gradient():
    shares = numpy.asarray([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
    annotated = (numpy.asarray([0, 0, 2]), numpy.asarray([0, 1, 2]))
    options = EvidenceOptions(weight=0.5)
    value, gradient = options.loss(shares, annotated)
    divergences = [0.5 * numpy.log(0.5 / 0.5) + 0.5 * numpy.log(0.5 / 0.25), -numpy.log(0.4)]
    assert value == pytest.approx(0.5 * numpy.mean(divergences), rel=1e-6)
    assert_gradients(
        lambda: options.loss(shares, annotated)[0],
        shares,
        gradient,
        n_cells=None,
        eps=1e-6,
        rtol=1e-5,
        atol=1e-8,
    )
    nothing = (annotated[0][:0], annotated[1][:0])
    assert options.loss(shares, nothing)[0] == 0.0


def test_gradient_of_the_attention(vocab):
    doc = document(vocab)
    vectors = numpy.random.default_rng(0).normal(size=(len(doc), 8)).astype("float32")
    tok2vec = fixed_tok2vec([vectors])
    model = initialised("rel_component.EntityPair.v1", [doc], tok2vec)
    candidates = replace(make_candidates([doc]), asks_evidence=True)
    weights = numpy.random.default_rng(1).normal(size=(2, 6)).astype("float32")

    def loss():
        return float((model.predict(([doc], candidates)).astype("float64") * weights).sum())

    outputs, backprop = model.begin_update(([doc], candidates))
    assert outputs.shape == (2, 3 + 3)
    numpy.testing.assert_allclose(outputs[:, 3:].sum(axis=1), 1.0, rtol=1e-5)
    backprop(weights)
    (gradient,) = tok2vec.attrs["grad"]
    assert_gradients(loss, vectors, gradient, n_cells=20, eps=1e-2, rtol=0.03, atol=3e-3)


def test_attention_over_long_documents_is_made_block_by_block(vocab, monkeypatch):
    doc = make_doc(vocab, TEXT, [(0, 1, "PERSON"), (4, 5, "PERSON"), (8, 9, "ORG")])
    vectors = numpy.random.default_rng(0).normal(size=(len(doc), 8)).astype("float32")
    tok2vec = fixed_tok2vec([vectors])
    model = initialised("rel_component.EntityPair.v1", [doc], tok2vec)
    candidates = replace(make_candidates([doc]), asks_evidence=True)
    results = []
    for n_factors, n_cells in ((1000, 1000), (0, 2 * len(doc))):
        monkeypatch.setattr(localized_context, "_MAX_FACTORS", n_factors)
        monkeypatch.setattr(localized_context, "_MAX_CELLS", n_cells)
        outputs, backprop = model.begin_update(([doc], candidates))
        backprop(numpy.ones_like(outputs))
        results.append((outputs, tok2vec.attrs["grad"][0]))
    for whole, in_blocks in zip(*results):
        numpy.testing.assert_allclose(whole, in_blocks, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1}, "evidence.weight must be 0"),
        ({"threshold": 2}, "evidence.threshold must lie"),
    ],
)
def test_error_for_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        EvidenceOptions(**options)


def pipeline(model="EntityPair", **options):
    nlp = spacy.blank("en")
    config = {
        "model": {
            "@architectures": f"rel_component.{model}.v1",
            "tok2vec": TINY_TOK2VEC,
            "hidden_size": 32,
        },
        "evidence": {"@misc": "rel_component.evidence.v1", **options},
    }
    nlp.add_pipe("relation_extractor", config=config)
    return nlp


def test_error_for_a_model_that_finds_no_evidence():
    with pytest.raises(ConfigError, match=r"finds no evidence: use rel_component\.EntityPair"):
        pipeline("SpanPair")


def test_a_pipeline_learns_and_writes_evidence(tmp_path):
    spacy.util.fix_random_seed(0)
    nlp = pipeline(weight=1.0)
    examples = [Example(document(nlp.vocab), document(nlp.vocab, [1]))]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path)
    for trained in (nlp, spacy.load(tmp_path)):
        assert evidence_of(trained(document(nlp.vocab))) == [(1,)]
    without = make_doc(nlp.vocab, TEXT, MENTIONS)
    assert evidence_of(nlp(without)) == [()]
