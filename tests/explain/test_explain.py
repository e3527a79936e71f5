"""Explanations of small models that learned one thing each."""

import json

import numpy
import pytest
import spacy
from spacy.tokens import DocBin

from rel_component.annotations import get_relations
from rel_component.documents import ask_only
from rel_component.errors import ConfigError, DataError
from rel_component.evolution.migrate import migrate_extractor
from rel_component.evolution.migration import Migration
from rel_component.explain.attributions import TOKENS, gradients, occlusions, pooling
from rel_component.explain.counterfactuals import counterfactuals
from rel_component.explain.explanation import explain, explain_document
from rel_component.explain.faithfulness import (
    agreement,
    comprehensiveness,
    random_weights,
    sufficiency,
)
from rel_component.explain.neighbours import PairIndex, build_index
from rel_component.explain.page import render_explanations
from rel_component.explain.probe import Probe, log_odds, vary
from rel_component.types import Relation

from ..encoders import TINY_TOK2VEC, tiny_encoder
from ..helpers import make_doc, make_example

ORG, PERSON = (0, 1, "ORG"), (3, 4, "PERSON")
ENCODER = {"@architectures": "rel_component.Encoder.v1", "name": tiny_encoder()}
SPAN_PAIR = {"@architectures": "rel_component.SpanPair.v1", "hidden_size": 16}
MODELS = {
    "span_pair": {**SPAN_PAIR, "tok2vec": TINY_TOK2VEC},
    "encoder": {**SPAN_PAIR, "tok2vec": ENCODER},
    "entity_pair": {
        "@architectures": "rel_component.EntityPair.v1",
        "hidden_size": 16,
        "tok2vec": TINY_TOK2VEC,
    },
    "markers": {
        "@architectures": "rel_component.EntityMarkers.v1",
        "name": tiny_encoder(),
        "hidden_size": 16,
    },
}


def references(vocab):
    """That Ada met Acme is a relation; that she was with it, or was not met, is none."""
    return [
        make_doc(
            vocab,
            f"Acme {verb} and Ada . Bo of Orbit",
            [ORG, PERSON],
            [(0, "MET", 1)] * (verb == "met"),
            sent_starts=[0, 5],
        )
        for verb in ("met", "in", "met", "of")
    ]


def learned(model, steps=25, **config):
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("xx")
    nlp.add_pipe("relation_extractor", config={"model": model, **config})
    examples = [make_example(doc, sent_starts=[0, 5]) for doc in references(nlp.vocab)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def nlp():
    return learned(MODELS["span_pair"])


def asked(nlp, text="Acme met and Ada . Bo of Orbit"):
    doc = make_doc(nlp.vocab, text, [ORG, PERSON], sent_starts=[0, 5])
    return doc, Relation(doc.ents[0], "MET", doc.ents[1])


def sums_of_gradients(model):
    return [float(node.get_grad(name).sum()) for node in model.walk() for name in node.grad_names]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.slow
def test_relations_of_each_model_can_be_explained(name):
    nlp = learned(MODELS[name])
    extractor = nlp.get_pipe("relation_extractor")
    doc, relation = asked(nlp)
    before = extractor.model.to_bytes(), sums_of_gradients(extractor.model)
    found = explain(nlp, doc, relation)
    assert (extractor.model.to_bytes(), sums_of_gradients(extractor.model)) == before
    assert found.probability == pytest.approx(
        {rel.label: rel.score for rel in get_relations(nlp(doc))}["MET"], abs=1e-5
    )
    assert all(len(weights) == len(doc) for weights in found.attributions.values())
    assert all(numpy.isfinite(weights).all() for weights in found.attributions.values())
    if name in ("span_pair", "encoder"):
        assert "met" in dict(found.top("occlusion", 3))
        assert "met" in dict(found.top("gradient", 3))
        assert found.top("pooling between", 1)[0][0] == "met"
    if name == "span_pair":
        assert [part.is_evidence for part in found.evidence] == [True, False]
    if name == "markers":
        with pytest.raises(ConfigError, match="reads no token vectors; use occlusion"):
            explain(nlp, doc, relation, ["gradient"])
        return
    assert found.gradient_of == (
        "embeddings of word pieces" if name == "encoder" else "token vectors"
    )
    if name == "entity_pair":
        with pytest.raises(ConfigError, match="is no SpanPair; use gradient or occlusion"):
            pooling(Probe(nlp, doc, relation))


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"exclusive": False, "loss": {"@losses": "rel_component.binary_cross_entropy.v1"}},
        {
            "exclusive": False,
            "adaptive_threshold": True,
            "loss": {"@losses": "rel_component.adaptive_threshold.v1"},
        },
    ],
)
def test_the_gradient_is_that_of_the_log_odds(config):
    nlp = learned(MODELS["span_pair"], steps=3, **config)
    probe = Probe(nlp, *asked(nlp))
    logits = numpy.asarray(
        [0.3, -0.7, 1.1][: len(nlp.get_pipe("relation_extractor").output_labels)]
    )
    value, slope = log_odds(probe.extractor, "MET", logits)
    for j, moved in enumerate(numpy.eye(len(logits)) * 1e-6):
        numeric = (log_odds(probe.extractor, "MET", logits + moved)[0] - value) / 1e-6
        assert slope[j] == pytest.approx(numeric, abs=1e-4)
    (weights,), of = gradients([probe])
    assert of == TOKENS
    assert numpy.isfinite(weights).all()


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_part_of_a_split_label_is_explained_as_the_whole_was(exclusive):
    loss = "cross_entropy" if exclusive else "binary_cross_entropy"
    loss = {"@losses": f"rel_component.{loss}.v1"}
    nlp = learned(MODELS["span_pair"], steps=3, exclusive=exclusive, loss=loss)
    doc, relation = asked(nlp)
    before = explain(nlp, doc, relation)
    parts = {"SAW": {"tail": ["PERSON"]}, "VISITED": {"tail": ["ORG"]}}
    migrate_extractor(
        nlp.get_pipe("relation_extractor"), Migration.from_dict({"split": {"MET": parts}})
    )
    part, other = (Relation(relation.head, label, relation.tail) for label in parts)
    after = explain(nlp, doc, part)
    assert after.probability == pytest.approx(before.probability, rel=1e-4)
    for name, weights in before.attributions.items():
        assert weights.any() or name.startswith("pooling")
        assert after.attributions[name] == pytest.approx(weights, abs=1e-5), name
    assert explain(nlp, doc, other, []).probability == 0
    ask_only(doc, ["VISITED"])
    assert explain(nlp, doc, part, []).probability == 0


def test_a_changed_copy_keeps_mentions_sentences_and_groups(vocab):
    doc = make_doc(vocab, "Acme did not hire Ada .", [ORG, (4, 5, "PERSON")], sent_starts=[0])
    doc.spans["coref_clusters_1"] = [doc[0:1], doc[4:5]]
    variant = vary(doc, {2: (), 4: ("Grace", "Hopper")})
    assert variant.doc.text.strip() == "Acme did hire Grace Hopper ."
    assert [(ent.text, ent.label_) for ent in variant.doc.ents] == [
        ("Acme", "ORG"),
        ("Grace Hopper", "PERSON"),
    ]
    assert [span.text for span in variant.doc.spans["coref_clusters_1"]] == ["Acme", "Grace Hopper"]
    assert len(list(variant.doc.sents)) == 1
    assert doc.text.startswith("Acme did not hire Ada")


def test_a_changed_copy_keeps_the_norms_of_its_words():
    doc = make_doc(spacy.blank("xx").vocab, "Acme wo n't hire Ada .", [])
    doc[1].norm_, doc[2].norm_ = "will", "not"
    copy = vary(doc, {0: ("The", "firm"), 2: ("never",), 3: ()}).doc
    assert [token.norm_ for token in copy] == ["the", "firm", "will", "never", "ada", "."]


def test_counterfactuals(nlp):
    found = {
        change.change: change
        for change in counterfactuals(Probe(nlp, *asked(nlp, "Acme met not Ada . Bo of Orbit")))
    }
    assert found["negation removed"].text.startswith("Acme met Ada .")
    assert found["names masked"].text.startswith("[MASK] met not [MASK]")
    assert not {"Acme", "Ada"} & set(found["names invented"].text.split())
    assert "direction reversed" in found


def test_faithful_weights_are_better_than_random_ones(nlp):
    probe = Probe(nlp, *asked(nlp))
    (weights,) = occlusions([probe])
    noise = random_weights(len(weights))
    assert comprehensiveness(probe, weights) > comprehensiveness(probe, -weights)
    assert sufficiency(probe, weights) <= sufficiency(probe, -weights)
    assert agreement(weights, weights) == pytest.approx(1)
    assert abs(agreement(weights, noise)) < 1
    assert (occlusions([probe], max_tokens=3)[0] != 0).sum() <= 3


def test_an_explanation_is_json_and_a_page(nlp):
    doc, _ = asked(nlp, "Acme met and <b>Ada</b> . Bo of Orbit")
    (found,) = explain_document(nlp, nlp(doc))
    json.dumps(found.to_json(), allow_nan=False)
    page = render_explanations([found], title="<script>")
    assert "<b>" not in page
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page
    assert "<script" not in page
    assert explain_document(nlp, doc, labels=["OWNS"]) == []


def test_what_cannot_be_explained(nlp):
    doc, relation = asked(nlp)
    with pytest.raises(
        ConfigError, match=r'method .gradeint.; accepted: .* did you mean "gradient"'
    ):
        explain(nlp, doc, relation, ["gradeint"])
    with pytest.raises(ConfigError, match="does not know the label 'OWNS'; it knows MET"):
        explain(nlp, doc, Relation(relation.head, "OWNS", relation.tail))
    with pytest.raises(ConfigError, match=r"'Acme' and 'Bo' are no candidate pair"):
        explain(nlp, doc, Relation(doc[0:1], "MET", doc[5:6]))
    with pytest.raises(ConfigError, match="has no trained relation_extractor"):
        explain(spacy.blank("xx"), doc, relation)


def test_the_nearest_training_pairs(nlp, tmp_path):
    DocBin(docs=references(nlp.vocab), store_user_data=True).to_disk(tmp_path / "train.spacy")
    assert build_index(nlp, tmp_path / "train.spacy", tmp_path / "pairs") == 2
    index = PairIndex.load(tmp_path / "pairs")
    first, _ = explain(nlp, *asked(nlp), methods=[], index=index).neighbours
    assert (first.label, first.head, first.tail) == ("MET", "Acme", "Ada")
    assert first.similarity == pytest.approx(1, abs=1e-3)
    other = learned(MODELS["entity_pair"], steps=0)
    other.to_bytes()  # its weights have a checksum now
    with pytest.raises(ConfigError, match="vectors of another pipeline"):
        explain(other, *asked(other), methods=[], index=index)


def test_documents_of_an_index_pass_the_components_before_the_extractor_once(tmp_path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("tok2vec", config={"model": TINY_TOK2VEC})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    candidates = {"@misc": "rel_component.candidate_pairs.v1", "max_sentence_distance": 0}
    nlp.add_pipe(
        "relation_extractor",
        config={"model": {**SPAN_PAIR, "tok2vec": listener}, "candidates": candidates},
    )
    examples = [make_example(doc, sent_starts=[0, 5]) for doc in references(nlp.vocab)]
    nlp.initialize(lambda: examples)

    def write(*relations):
        mentions = [ORG, PERSON, (5, 6, "PERSON")]
        doc = make_doc(nlp.vocab, "Acme met and Ada . Bo of Orbit", mentions, relations)
        DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "train.spacy")

    write((0, "MET", 1), (1, "MET", 0), (0, "MET", 2))
    model = nlp.get_pipe("tok2vec").model
    forward, n_passes = model._func, []
    model._func = lambda *x, **options: n_passes.append(1) or forward(*x, **options)
    assert build_index(nlp, tmp_path / "train.spacy", tmp_path / "pairs") == 2  # of one sentence
    assert {record["text"] for record in PairIndex.load(tmp_path / "pairs").records} == {
        "Acme met and Ada ."
    }
    assert len(n_passes) == 2  # in the pipeline, and of the copy that is asked about
    write((0, "SAW", 1))
    with pytest.raises(ConfigError, match="does not know the label 'SAW'; it knows MET"):
        build_index(nlp, tmp_path / "train.spacy", tmp_path / "pairs")


@pytest.mark.parametrize("content", [b"", b"no index", b"\xff" * 100, b"\x80\x04K\x01."])
def test_a_file_that_is_no_index(tmp_path, content):
    (tmp_path / "pairs").write_bytes(content)
    with pytest.raises(DataError, match=r"pairs: no index of training pairs"):
        PairIndex.load(tmp_path / "pairs")


def test_attention_of_head_and_tail(monkeypatch):
    nlp = learned(MODELS["encoder"], steps=2)
    doc, relation = asked(nlp)
    found = explain(nlp, doc, relation, [], attention_layer=-1).attributions
    assert list(found) == ["attention of head", "attention of tail"]
    for weights in found.values():
        assert (weights >= 0).all()
        assert 0 < weights.sum() < 1
        assert weights[0] == weights[3] == 0
    first = explain(nlp, doc, relation, [], attention_layer=0)
    assert not numpy.allclose(found["attention of head"], first.attributions["attention of head"])
    assert "attention of head, which is no explanation" in render_explanations([first])
    with pytest.raises(ConfigError, match="layer 2: the encoder gives the attention of 2 layers"):
        explain(nlp, doc, relation, [], attention_layer=2)
    other = learned(MODELS["span_pair"], steps=0)
    with pytest.raises(ConfigError, match="reads no encoder of this package"):
        explain(other, *asked(other), [], attention_layer=-1)


def test_attention_in_several_windows_is_that_of_the_window_of_each_piece():
    nlp = learned(MODELS["encoder"], steps=0)
    encoder = nlp.get_pipe("relation_extractor").model.get_ref("tok2vec").shims[0]._model
    encoder.encoder.config.max_position_embeddings = 12
    doc, relation = asked(nlp)
    found = explain(nlp, doc, relation, [], attention_layer=-1).attributions
    assert all(0 < weights.sum() < 1 for weights in found.values())


def test_relations_of_a_document_have_the_explanations_that_each_has_alone():
    nlp = learned(MODELS["encoder"], steps=2)
    doc = make_doc(
        nlp.vocab,
        "Acme met and Ada . Bo of Orbit",
        [ORG, PERSON, (5, 6, "PERSON"), (7, 8, "ORG")],
        [(0, "MET", 1), (3, "MET", 2)],
        sent_starts=[0, 5],
    )
    together = explain_document(nlp, doc, ["gradient", "occlusion", "pooling", "evidence"])
    assert len(together) == 2
    for found in together:
        alone = explain(nlp, doc, found.relation, ["gradient", "occlusion", "pooling"])
        assert found.attributions.keys() == alone.attributions.keys()
        for method, weights in alone.attributions.items():
            assert weights == pytest.approx(found.attributions[method], abs=1e-4), method
    assert "occlusion" not in explain_document(nlp, doc)[0].attributions
