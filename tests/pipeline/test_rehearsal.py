"""Rehearsal: what a component said before it learned other things."""

import numpy
import pytest
import spacy
from spacy.training import Example
from thinc.api import Adam

from rel_component.documents import ask_only
from rel_component.evolution.migrate import migrate_extractor
from rel_component.evolution.migration import Migration
from rel_component.losses import divergence
from rel_component.mentions import read_mentions

from ..encoders import tiny_encoder
from ..helpers import make_doc, make_example
from .saved_pipelines import make_joint

TEXT, MENTIONS = "Acme hired Ada", [(0, 1, "ORG"), (2, 3, "PERSON")]
OLD, NEW = (1, "WORKS_AT", 0), (0, "LEFT", 1)
TINY = {
    "@architectures": "rel_component.SpanPair.v1",
    "hidden_size": 8,
    "type_size": 4,
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "width": 8,
        "depth": 1,
        "embed_size": 50,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": False,
        "pretrained_vectors": None,
    },
}


def _trained(n=12, **options):
    nlp = spacy.blank("en")
    nlp.add_pipe("relation_extractor", config={"model": TINY, **options})
    example = make_example(make_doc(nlp.vocab, TEXT, MENTIONS, [OLD]))
    nlp.initialize(lambda: [example])
    sgd = Adam(0.01)
    for _ in range(n):
        nlp.update([example], sgd=sgd)
    return nlp


def _score(nlp, label="WORKS_AT"):
    doc = make_doc(nlp.vocab, TEXT, MENTIONS)
    extractor = nlp.get_pipe("relation_extractor")
    scores = extractor.predict([doc])
    return float(scores.values[1, extractor.output_labels.index(label)])


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param(
            {"exclusive": False, "loss": {"@losses": "rel_component.binary_cross_entropy.v1"}},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["exclusive", "multiple"],
)
def test_rehearsal_brings_back_what_was_forgotten(options):
    nlp = _trained(**options)
    known = _score(nlp)
    sgd = nlp.resume_training(sgd=Adam(0.01))
    empty = make_example(make_doc(nlp.vocab, TEXT, MENTIONS))
    for _ in range(10):
        nlp.update([empty], sgd=sgd)
    forgotten = _score(nlp)
    losses = {}
    for _ in range(40):
        nlp.rehearse([make_example(make_doc(nlp.vocab, TEXT, MENTIONS))], sgd=sgd, losses=losses)
    assert losses["relation_extractor"] > 0
    assert abs(_score(nlp) - known) < 0.5 * abs(forgotten - known)


def test_the_scorer_that_prunes_pairs_rehearses_what_it_said_itself():
    nlp = spacy.blank("en")
    model = {
        "@architectures": "rel_component.PackedMarkers.v1",
        "name": tiny_encoder(),
        "hidden_size": 8,
        "prune": 0.05,
    }
    extractor = nlp.add_pipe("relation_extractor", config={"model": model})
    example = make_example(make_doc(nlp.vocab, TEXT, MENTIONS, [OLD]))
    nlp.initialize(lambda: [example])
    marked, first = (
        extractor.model.get_ref(name).get_ref("output_layer") for name in ("scorer", "first_scorer")
    )
    nlp.resume_training()
    first.get_param("b")[0] += 3.0  # of NO_RELATION
    extractor.rehearse([example])
    assert first.get_grad("b")[0] > 0.01
    numpy.testing.assert_allclose(marked.get_grad("b"), 0.0, atol=1e-5)


def test_an_encoder_of_its_own_learns_in_the_rehearsal_of_a_pipeline():
    nlp = spacy.blank("en")
    encoder = {"@architectures": "rel_component.Encoder.v1", "name": tiny_encoder()}
    extractor = nlp.add_pipe("relation_extractor", config={"model": {**TINY, "tok2vec": encoder}})
    example = make_example(make_doc(nlp.vocab, TEXT, MENTIONS, [OLD]))
    nlp.initialize(lambda: [example])
    sgd = nlp.resume_training(sgd=Adam(0.01))
    extractor.model.get_ref("scorer").get_ref("output_layer").get_param("W")[0] += 1.0
    (shim,) = (shim for node in extractor.model.walk() for shim in node.shims)
    before = [values.detach().clone() for values in shim._model.parameters()]
    nlp.rehearse([example], sgd=sgd)
    assert any((old != new).any() for old, new in zip(before, shim._model.parameters()))


def test_without_a_state_there_is_nothing_to_rehearse():
    nlp = _trained(1)
    before = nlp.get_pipe("relation_extractor").model.to_bytes()
    example = make_example(make_doc(nlp.vocab, TEXT, MENTIONS))
    assert nlp.rehearse([example], sgd=nlp.create_optimizer()) == {"relation_extractor": 0.0}
    assert nlp.get_pipe("relation_extractor").model.to_bytes() == before


def test_a_label_that_comes_later_leaves_the_earlier_ones_as_they_were():
    nlp = _trained()
    known = _score(nlp)
    sgd = nlp.resume_training(sgd=Adam(0.01))
    extractor = nlp.get_pipe("relation_extractor")
    extractor.add_label("LEFT")
    extractor.distillation = 1.0
    example = make_example(make_doc(nlp.vocab, "Acme lost Ada", MENTIONS, [NEW]))
    for doc in (example.predicted, example.reference):
        ask_only(doc, ["LEFT"])
    unlabelled = make_example(make_doc(nlp.vocab, TEXT, MENTIONS))
    for doc in (unlabelled.predicted, unlabelled.reference):
        ask_only(doc, ["LEFT"])
    for _ in range(30):
        nlp.update([example, unlabelled], sgd=sgd)
    assert abs(_score(nlp) - known) < 0.1
    scores = extractor.predict([make_doc(nlp.vocab, "Acme lost Ada", MENTIONS)])
    assert scores.values[0].argmax() == extractor.output_labels.index("LEFT")


def test_what_says_all_labels_of_a_split_is_not_imitated_as_well():
    found = {}
    for distillation in (0.0, 1.0):
        spacy.util.fix_random_seed(0)
        nlp = _trained(1)
        extractor = nlp.get_pipe("relation_extractor")
        parts = {"LED": {"tail": ["ORG"]}, "KNEW": {"tail": ["PERSON"]}}
        migrate_extractor(extractor, Migration.from_dict({"split": {"WORKS_AT": parts}}))
        sgd = nlp.resume_training(sgd=Adam(0.01))
        extractor.distillation = distillation
        example = make_example(make_doc(nlp.vocab, TEXT, MENTIONS, [(1, "LED", 0)]))
        found[distillation] = [nlp.update([example], sgd=sgd) for _ in range(3)]
    assert found[0.0] == found[1.0]


def test_components_that_listen_rehearse_without_their_encoder():
    nlp = make_joint()
    encoder = nlp.get_pipe("shared_encoder").model.to_bytes()
    sgd = nlp.resume_training()
    doc = nlp(TEXT)
    for name in ("span_recognizer", "relation_extractor"):
        model = nlp.get_pipe(name).model
        scorer = model.get_ref("scorer") if model.has_ref("scorer") else model
        scorer.get_ref("output_layer").get_param("b")[0] += 1.0
    losses = {}
    doc.ents = make_doc(nlp.vocab, TEXT, MENTIONS).ents
    nlp.rehearse([Example(doc, doc.copy())], sgd=sgd, losses=losses)
    assert losses["span_recognizer"] > 0
    assert losses["relation_extractor"] > 0
    assert nlp.get_pipe("shared_encoder").model.to_bytes() == encoder
    nlp.update([make_example(make_doc(nlp.vocab, TEXT, MENTIONS))], sgd=sgd)  # with gradients again


def test_the_vectors_of_the_earlier_encoder_are_those_of_the_teacher():
    nlp = make_joint()
    nlp.resume_training()
    extractor = nlp.get_pipe("relation_extractor")
    doc = make_doc(nlp.vocab, TEXT, MENTIONS)
    nlp.get_pipe("shared_encoder")(doc)
    candidates = extractor.candidates(
        [doc], read_mentions([doc], extractor.spans_key), extractor.schema
    )
    known = extractor._teacher.logits([doc], candidates)
    doc.tensor = doc.tensor + 1.0
    nlp.get_pipe("shared_encoder").checksum = None  # as after an update
    changed = doc.tensor.copy()
    numpy.testing.assert_allclose(extractor._teacher.logits([doc], candidates), known, atol=1e-5)
    numpy.testing.assert_array_equal(doc.tensor, changed)


@pytest.mark.parametrize(("exclusive", "relative"), [(True, False), (False, False), (False, True)])
def test_the_gradient_of_the_divergence(exclusive, relative):
    rng = numpy.random.default_rng(0)
    logits, target = rng.normal(size=(2, 3, 4)).astype("float32")
    rows = numpy.asarray([True, False, True])
    options = {"exclusive": exclusive, "relative": relative, "rows": rows}
    loss, gradient = divergence(logits, target, **options)
    assert loss > 0
    assert divergence(target, target, **options)[0] == pytest.approx(0, abs=1e-6)
    for i, j in numpy.ndindex(*logits.shape):
        step = numpy.zeros_like(logits)
        step[i, j] = 1e-2
        slope = (
            divergence(logits + step, target, **options)[0]
            - divergence(logits - step, target, **options)[0]
        ) / 2e-2
        assert gradient[i, j] == pytest.approx(slope, abs=1e-3)
