"""Token vectors of a pretrained encoder, alone and shared by components."""

import logging
import pickle
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import pytest
import spacy
import torch
from spacy.pipeline import Tok2Vec
from transformers import AutoModel, AutoTokenizer

from rel_component.errors import ConfigError
from rel_component.layers import torch_encoder, torch_token_encoder
from rel_component.layers.torch_adapters import Adapted, without_adapters
from rel_component.models.encoder import build_encoder, build_listener
from rel_component.models.optimizers import EncoderAdam
from rel_component.relation_types import RelationType
from rel_component.schema import RelationSchema

from ..encoders import KINDS, tiny_encoder
from ..gradients import assert_gradients
from ..helpers import facts, make_doc, make_example

TEXTS = ("Ada and Bo of Acme Labs met Cy in Oslo", "", "Acme hired Ada")
ENCODER = "rel_component.Encoder.v1"
LISTENER = "rel_component.EncoderListener.v1"
COMMON = ("bert", "deberta-v2")


@pytest.fixture
def docs(vocab):
    return [make_doc(vocab, text) for text in TEXTS]


@pytest.fixture
def model(docs):
    model = build_encoder(tiny_encoder())
    model.initialize(X=docs)
    return model


def test_vectors_are_the_means_of_the_word_pieces(model, docs):
    encoder = AutoModel.from_pretrained(tiny_encoder()).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder())
    words = [token.text for token in docs[0]]
    encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        states = encoder(**encoded).last_hidden_state[0].numpy()
    owners = numpy.asarray([-1 if i is None else i for i in encoded.word_ids()])
    expected = numpy.stack([states[owners == i].mean(axis=0) for i in range(len(words))])
    numpy.testing.assert_allclose(model.predict(docs)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_token_inside_of_a_piece_has_the_vector_of_that(model, vocab):
    doc = make_doc(vocab, ["an", "d", "Ada"], spaces=[False, True, False])
    whole = make_doc(vocab, ["and", "Ada"])
    numpy.testing.assert_allclose(model.predict([doc])[0], model.predict([whole])[0][[0, 0, 1]])


def test_a_batch_gives_what_single_documents_give(model, docs):
    together = model.predict(docs)
    assert [len(vectors) for vectors in together] == [len(doc) for doc in docs]
    for doc, vectors in zip(docs, together):
        numpy.testing.assert_allclose(vectors, model.predict([doc])[0], rtol=1e-4, atol=1e-5)
    assert model.predict([docs[1]])[0].shape == (0, model.get_dim("nO"))
    assert model.predict([]) == []


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind not in COMMON)) for kind in KINDS],
)
def test_threads_get_what_one_gets(kind, docs):
    model = build_encoder(tiny_encoder(kind))
    model.initialize(X=docs)
    module = model.shims[0]._model
    for layer in module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.9
    expected = model.predict(docs)
    module.train()  # as after an update
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(model.predict, [docs] * 40):
            for one, other in zip(found, expected, strict=True):
                numpy.testing.assert_array_equal(one, other)
    assert not module.training


def test_adapters_are_left_out_in_one_thread_alone(docs):
    model = build_encoder(tiny_encoder(), adapter_rank=2)
    model.initialize(X=docs)
    for layer in model.shims[0]._model.modules():
        if isinstance(layer, Adapted):
            torch.nn.init.normal_(layer.up, std=0.5)
    expected = numpy.concatenate(model.predict(docs))
    with without_adapters(), ThreadPoolExecutor(1) as pool:
        found = numpy.concatenate(pool.submit(model.predict, docs).result())
        assert not numpy.allclose(numpy.concatenate(model.predict(docs)), expected)
    numpy.testing.assert_array_equal(found, expected)


def test_small_batches_of_pieces_and_long_texts(docs, vocab):
    long = make_doc(vocab, " ".join(TEXTS) * 40)
    whole, parts = (build_encoder(tiny_encoder(), max_pieces=size) for size in (4096, 16))
    for encoder in (whole, parts):
        encoder.initialize(X=docs)
    for one, other in zip(whole.predict([*docs, long]), parts.predict([*docs, long])):
        numpy.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert numpy.isfinite(whole.predict([long])[0]).all()


def test_windows_of_a_long_text_are_encoded_some_at_a_time(docs, vocab, model, monkeypatch):
    long = [*docs, make_doc(vocab, " ".join(TEXTS) * 40)]
    expected = model.predict(long)
    monkeypatch.setattr(torch_token_encoder, "_MAX_ROWS", 100)  # one window or two
    for one, other in zip(model.predict(long), expected, strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_numeric_gradient(model, docs):
    rng = numpy.random.default_rng(0)
    weights = [rng.normal(size=X.shape).astype("float32") for X in model.predict(docs)]

    def loss():
        parts = zip(model.predict(docs), weights)
        return float(sum((X.astype("float64") * w).sum() for X, w in parts))

    module = model.shims[0]._model
    for layer in module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    _, backprop = model.begin_update(docs)
    backprop(weights)
    for key in ("word_embeddings.weight", "output.dense.weight"):
        name, parameter = next(
            (n, p) for n, p in module.encoder.named_parameters() if n.endswith(key)
        )
        gradient = parameter.grad.numpy()
        atol = 0.02 * float(numpy.abs(gradient).max()) + 0.02
        assert_gradients(loss, parameter.data.numpy(), gradient, name, n_cells=3, atol=atol)


def test_frozen_embeddings_stay_as_they_are_while_the_encoder_learns(docs):
    model = build_encoder(tiny_encoder(), frozen_embeddings=True)
    model.initialize(X=docs)
    before = {n: p.detach().clone() for n, p in model.shims[0]._model.named_parameters()}
    vectors, backprop = model.begin_update(docs)
    backprop(vectors)
    model.finish_update(EncoderAdam(0.1))
    after = dict(model.shims[0]._model.named_parameters())
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "encoder.embeddings.word_embeddings.weight" not in changed
    assert {n for n in before if "encoder.layer." in n and n.endswith("dense.weight")} <= changed


def test_options_of_the_encoder_can_be_chosen(docs):
    model = build_encoder(
        tiny_encoder("bert"), transformer_config={"attention_probs_dropout_prob": 0.25}
    )
    model.initialize(X=docs)
    assert model.shims[0]._model.encoder.config.attention_probs_dropout_prob == 0.25


def test_a_saved_encoder_needs_nothing_else(model, docs):
    loaded = build_encoder("/no/such/folder").from_bytes(model.to_bytes())
    for one, other in zip(model.predict(docs), loaded.predict(docs)):
        numpy.testing.assert_array_equal(one, other)


def test_a_spawned_process_gets_a_module_as_bytes(model, docs, monkeypatch):
    monkeypatch.setattr(torch_encoder, "get_spawning_popen", object)
    state = model.shims[0].__getstate__()
    assert isinstance(state["_model"], bytes)
    spawned = pickle.loads(pickle.dumps(model))
    numpy.testing.assert_allclose(spawned.predict(docs)[0], model.predict(docs)[0], rtol=1e-5)


@pytest.mark.parametrize(
    "kind",
    [*COMMON, *(pytest.param(k, marks=pytest.mark.slow) for k in ("distilbert", "modernbert"))],
)
def test_the_last_layers_can_start_anew(docs, kind):
    spacy.util.fix_random_seed(0)
    models = [build_encoder(tiny_encoder(kind), reset_layers=n) for n in (0, 1)]
    for model in models:
        model.initialize(X=docs)
    old, new = (dict(m.shims[0]._model.named_parameters()) for m in models)
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed
    assert all(re.search(r"\.layers?\.1\.", name) for name in changed)


def test_a_pooler_that_is_not_used_is_no_warning(docs, caplog):
    logging.getLogger("transformers").addHandler(caplog.handler)
    build_encoder(tiny_encoder("bert")).initialize(X=docs)
    assert caplog.records == []
    AutoModel.from_pretrained(tiny_encoder("bert"), add_pooling_layer=False)
    logging.getLogger("transformers").removeHandler(caplog.handler)
    assert "pooler.dense.weight" in caplog.text


def test_clear_errors(docs):
    with pytest.raises(ConfigError, match='precision "float16" needs a GPU'):
        build_encoder(tiny_encoder(), precision="float16")
    with pytest.raises(ConfigError, match="reset_layers must lie in"):
        build_encoder(tiny_encoder(), reset_layers=3).initialize(X=docs)
    with pytest.raises(ConfigError, match="max_pieces"):
        build_encoder(tiny_encoder(), max_pieces=0)
    with pytest.raises(ConfigError, match="not initialised"):
        build_encoder(tiny_encoder()).predict(docs)


@pytest.mark.parametrize("files", [None, (), ("config.json",), ("config.json", "tokenizer.json")])
def test_an_encoder_that_is_not_there_or_not_whole(files, docs, tmp_path):
    folder = tmp_path / "not" / "there"
    if files is not None:
        folder.mkdir(parents=True)
        for name in files:
            shutil.copy(Path(tiny_encoder(), name), folder)
    model = build_encoder(str(folder))
    with pytest.raises(ConfigError, match="project run encoder"):
        model.initialize(X=docs)


def test_a_cpu_that_would_be_slow_in_bfloat16(monkeypatch):
    monkeypatch.setattr("rel_component.layers.torch_encoder.has_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match="no instructions for bfloat16"):
        build_encoder(tiny_encoder(), precision="bfloat16")


# Shared


def listener(**options):
    return {"@architectures": LISTENER, **options}


def pipeline(pairs=None):
    """All components that may listen, spaCy's recogniser among them, whose width is not set."""
    nlp = spacy.blank("en")
    encoder = {"@architectures": ENCODER, "name": str(tiny_encoder())}
    nlp.add_pipe("shared_encoder", config={"model": encoder})
    recognizer = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": False,
        "tok2vec": listener(grad_factor=0.1),
    }
    nlp.add_pipe("ner", config={"model": recognizer})
    scorer = {"@architectures": "rel_component.SpanScorer.v1", "tok2vec": listener()}
    nlp.add_pipe("span_recognizer", config={"model": scorer, "min_score": 0.5})
    pairs = pairs or {"@architectures": "rel_component.SpanPair.v1", "tok2vec": listener()}
    nlp.add_pipe("relation_extractor", config={"model": pairs, "spans_key": "mentions"})
    return nlp


def examples_of(nlp):
    hired = [(0, 1, "ORG"), (2, 3, "PERSON")]
    left = [(0, 1, "PERSON"), (2, 3, "ORG")]
    references = [
        make_doc(nlp.vocab, "Acme hired Ada", hired, [(1, "WORKS_AT", 0)]),
        make_doc(nlp.vocab, "", []),
        make_doc(nlp.vocab, "Bo left Oslo", left),
    ]
    return [make_example(reference, []) for reference in references]


def learned(nlp, examples, **options):
    """The optimizer with which a pipeline has learned one relation."""
    spacy.util.fix_random_seed(0)
    nlp.initialize(lambda: examples)
    extractor = nlp.get_pipe("relation_extractor")
    extractor.schema = RelationSchema([RelationType("WORKS_AT", head=("PERSON",), tail=("ORG",))])
    sgd = EncoderAdam(0.005, encoder_scale=0.5, **options)
    for _ in range(40):
        losses = nlp.update(examples, sgd=sgd)
    assert losses["relation_extractor"] < 0.1
    assert facts(nlp("Acme hired Ada")) == [("Ada", "WORKS_AT", "Acme")]
    return sgd


@pytest.fixture(scope="module")
def taught():
    """A pipeline that has learned one relation, and its optimizer."""
    nlp = pipeline()
    return nlp, learned(nlp, examples_of(nlp), use_averages=True)


@pytest.fixture(scope="module")
def joint(taught):
    return taught[0]


@pytest.mark.filterwarnings("ignore:.*W033.*")
def test_components_share_an_encoder_and_all_teach_it(taught, tmp_path):
    nlp, sgd = taught
    nlp.to_disk(tmp_path)
    doc, empty = spacy.load(tmp_path).pipe(["Acme hired Ada", ""])
    assert facts(doc) == [("Ada", "WORKS_AT", "Acme")]
    assert len(empty) == 0
    # averages are of all parameters, those of the encoder included
    before = nlp("Acme hired Ada").tensor.copy()
    with nlp.use_params(sgd.averages):
        assert numpy.abs(nlp("Acme hired Ada").tensor - before).max() > 1e-6
    numpy.testing.assert_allclose(nlp("Acme hired Ada").tensor, before, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:.*W033.*")
def test_a_pipeline_that_has_just_learned_can_be_pickled(joint):
    copy = pickle.loads(pickle.dumps(joint))
    assert facts(copy("Acme hired Ada")) == [("Ada", "WORKS_AT", "Acme")]


@pytest.mark.filterwarnings("ignore:.*W033.*")
@pytest.mark.parametrize("annotates", [["ner"], ["shared_encoder", "ner"]])
def test_spacy_annotates_entities_during_an_update(joint, annotates, monkeypatch):
    nlp = spacy.util.load_model_from_config(joint.config).from_bytes(joint.to_bytes())
    seen = []
    monkeypatch.setattr(
        nlp.get_pipe("relation_extractor"), "update", lambda batch, **_: seen.extend(batch)
    )
    nlp.update(examples_of(nlp), annotates=annotates, exclude=["span_recognizer"])
    entities = [[(ent.text, ent.label_) for ent in eg.predicted.ents] for eg in seen]
    assert entities == [
        [("Acme", "ORG"), ("Ada", "PERSON")],
        [],
        [("Bo", "PERSON"), ("Oslo", "ORG")],
    ]


@pytest.mark.filterwarnings("ignore:.*W033.*")
@pytest.mark.parametrize("given", ["ruler", "code"])
def test_mentions_may_come_from_elsewhere(joint, given):
    nlp = spacy.util.load_model_from_config(joint.config).from_bytes(joint.to_bytes())
    nlp.disable_pipes("ner", "span_recognizer")
    if given == "ruler":
        ruler = nlp.add_pipe("entity_ruler", first=True)
        names = {"Acme": "ORG", "Ada": "PERSON"}
        ruler.add_patterns([{"label": v, "pattern": k} for k, v in names.items()])
        doc = nlp("Acme hired Ada")
    else:
        doc = nlp(make_doc(nlp.vocab, "Acme hired Ada", [(0, 1, "ORG"), (2, 3, "PERSON")]))
    assert facts(doc) == [("Ada", "WORKS_AT", "Acme")]


@pytest.mark.filterwarnings("ignore:.*W033.*")
@pytest.mark.slow
def test_marker_models_are_a_second_pass():
    packed = {"@architectures": "rel_component.PackedMarkers.v1", "name": str(tiny_encoder())}
    nlp = pipeline(packed)
    learned(nlp, examples_of(nlp))


@pytest.mark.slow
def test_components_listen_to_spacy_transformers_too(vocab):
    pytest.importorskip("spacy_transformers")
    nlp = spacy.blank("en")
    encoder = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(tiny_encoder()),
        "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
    }
    nlp.add_pipe("transformer", config={"model": encoder})
    ear = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    scorer = {"@architectures": "rel_component.SpanScorer.v1", "tok2vec": ear}
    nlp.add_pipe("span_recognizer", config={"model": scorer, "min_score": 0.5})
    pairs = {"@architectures": "rel_component.SpanPair.v1", "tok2vec": ear}
    nlp.add_pipe("relation_extractor", config={"model": pairs, "spans_key": "mentions"})
    examples = [eg for eg in examples_of(nlp) if len(eg.predicted)]
    learned(nlp, examples)
    # in a batch, the vectors of a document are padded to those of the longest one
    batch = ["Ada works for Acme."] * 9 + ["Ada works for Acme. " * 5]
    loaded = spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert [doc.text for doc in loaded.pipe(batch)] == batch


def test_a_listener_weighs_its_gradient(vocab, docs):
    encoder = Tok2Vec(vocab, build_encoder(tiny_encoder()))
    encoder.model.initialize(X=docs)
    ear = build_listener(grad_factor=0.25)
    ear.set_dim("nO", encoder.model.get_dim("nO"))
    received = []
    vectors = encoder.model.predict(docs)
    ear.receive(ear.get_batch_id(docs), vectors, received.append)
    outputs, backprop = ear.begin_update(docs)
    assert outputs is vectors
    backprop([numpy.ones_like(X) for X in vectors])
    numpy.testing.assert_array_equal(received[0][0], numpy.full_like(vectors[0], 0.25))
