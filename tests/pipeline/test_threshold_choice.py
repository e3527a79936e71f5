"""Thresholds that are chosen on annotated documents when a pipeline is saved."""

import logging
from dataclasses import replace
from functools import partial

import numpy
import pytest
import spacy
from spacy.cli.train import train
from spacy.tokens import DocBin

from rel_component.corpora.corpus import make_relation_corpus
from rel_component.decoding import ThresholdDecoder
from rel_component.documents import relation_keys
from rel_component.errors import ConfigError, DataError
from rel_component.evaluation.threshold_choice import (
    configure_choose_thresholds,
    describe_choice,
    record_decoding,
)
from rel_component.evaluation.thresholds import THRESHOLDS
from rel_component.llm.types import REPORT_KEY
from rel_component.schema import RelationSchema, RelationType

from ..encoders import TINY_TOK2VEC
from ..helpers import make_doc, make_example
from ..llm.pipelines import make_pipeline, replay

MODEL = {
    "@architectures": "rel_component.SpanPair.v1",
    "hidden_size": 16,
    "tok2vec": TINY_TOK2VEC,
}
MULTIPLE = {"exclusive": False, "loss": {"@losses": "rel_component.binary_cross_entropy.v1"}}
ADAPTIVE = {
    "exclusive": False,
    "adaptive_threshold": True,
    "loss": {"@losses": "rel_component.adaptive_threshold.v1"},
}
ORG, PERSON = (0, 1, "ORG"), (3, 4, "PERSON")


def references(vocab, label="HIRES"):
    """Where Acme may hire Ada, two of five documents say that it does; foundings are certain."""
    return [
        make_doc(vocab, "Acme may hire Ada", [ORG, PERSON], [(0, label, 1)] * (i % 5 < 2))
        for i in range(20)
    ] + [
        make_doc(vocab, "Orbit was founded_by Bo", [ORG, PERSON], [(0, "FOUNDED_BY", 1)])
        for _ in range(4)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "dev.spacy"
    vocab = spacy.blank("xx").vocab
    DocBin(docs=references(vocab), store_user_data=True).to_disk(path)
    return path


def callback(data, **options):
    return configure_choose_thresholds(make_relation_corpus(data), **options)


def learned(data, *, steps=30, nlp=None, **config):
    """A pipeline that knows how probable a hiring is."""
    spacy.util.fix_random_seed(0)
    if nlp is None:
        nlp = spacy.blank("xx")
        nlp.add_pipe("relation_extractor", config={"model": MODEL, **config})
    examples = list(make_relation_corpus(data)(nlp))
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def model_bytes(data):
    return learned(data).to_bytes()


@pytest.fixture
def nlp(model_bytes):
    """The pipeline; each test has its own."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("relation_extractor", config={"model": MODEL})
    return nlp.from_bytes(model_bytes)


def decoder_of(nlp):
    return nlp.get_pipe("relation_extractor").decoder


def evaluated(nlp, data):
    return nlp.evaluate(list(make_relation_corpus(data)(nlp)))


# In training


@pytest.mark.slow
def test_training_saves_the_thresholds_and_tells_the_gain(tmp_path, caplog):
    nlp = spacy.blank("xx")
    data = tmp_path / "dev.spacy"  # with a label that cannot be a key of a config
    DocBin(docs=references(nlp.vocab, "org:hires"), store_user_data=True).to_disk(data)
    nlp.add_pipe("relation_extractor", config={"model": MODEL})
    config = nlp.config.copy()
    corpus = {"@readers": "rel_component.RelationCorpus.v1", "path": str(data)}
    config["corpora"] = {"train": corpus, "dev": corpus}
    config["training"] |= {"max_steps": 20, "eval_frequency": 10}
    config["training"]["optimizer"]["learn_rate"] = 0.01
    config["training"]["batcher"] = {"@batchers": "spacy.batch_by_sequence.v1", "size": 30}
    config["training"]["before_to_disk"] = {
        "@callbacks": "rel_component.choose_thresholds.v1",
        "corpus": corpus,
        "min_support": 4,
    }
    config.to_disk(tmp_path / "config.cfg")
    with caplog.at_level(logging.INFO, logger="spacy"):
        train(tmp_path / "config.cfg", tmp_path / "out")
    nlp = spacy.load(tmp_path / "out" / "model-best")
    decoder = decoder_of(nlp)
    assert decoder.threshold is not None
    assert set(decoder.label_thresholds) == {"FOUNDED_BY", "org:hires"}
    told = nlp.meta["performance"]["rel_thresholds"]["relation_extractor"]
    assert told["threshold"] == pytest.approx(decoder.threshold)
    assert told["thresholds"] == pytest.approx(decoder.label_thresholds)
    assert (told["n_relations"], told["n_docs"]) == (12, 24)
    assert told["micro_f"]["before"] == pytest.approx(2 * 4 / (4 + 12))
    assert told["micro_f"]["after"] == pytest.approx(2 * 12 / (24 + 12))
    assert evaluated(nlp, data)["rel_micro_f"] == pytest.approx(told["micro_f"]["after"])
    assert f"threshold {decoder.threshold:g}" in caplog.text
    # what was chosen is in use when training evaluates again, and the start remains the config's
    assert "micro F1 50.0 -> 66.7" in caplog.text


def test_thresholds_of_a_loaded_pipeline_can_be_replaced(nlp, data, tmp_path):
    callback(data, min_support=4)(nlp).to_disk(tmp_path)
    common, own = decoder_of(nlp).threshold, decoder_of(nlp).label_thresholds
    assert nlp.get_pipe_config("relation_extractor")["decoder"]["thresholds"] == own
    place = "components.relation_extractor.decoder"
    for chosen, expected in (
        ({"threshold": 0.5, "thresholds": None}, (0.5, {})),
        ({"thresholds.HIRES": 0.9}, (common, {**own, "HIRES": 0.9})),
    ):
        overrides = {f"{place}.{key}": value for key, value in chosen.items()}
        decoder = decoder_of(spacy.load(tmp_path, config=overrides))
        assert (decoder.threshold, decoder.label_thresholds) == expected


@pytest.mark.parametrize("label", ["@misc", "a:b", "a.b", '"\n'])
def test_thresholds_of_labels_that_are_no_keys_are_saved(label, nlp, data, tmp_path):
    path = tmp_path / "dev.spacy"
    DocBin(docs=references(nlp.vocab, label), store_user_data=True).to_disk(path)
    types = [RelationType("FOUNDED_BY"), RelationType(label)]
    nlp.get_pipe("relation_extractor").schema = RelationSchema(types)
    callback(path, min_support=4)(nlp).to_disk(tmp_path / "model")
    assert decoder_of(nlp).label_thresholds.keys() >= {label}
    assert decoder_of(spacy.load(tmp_path / "model")) == decoder_of(nlp)


# What is chosen


def test_each_choice_starts_from_the_config(nlp, data):
    choose = callback(data)
    assert decoder_of(choose(nlp)) == decoder_of(choose(nlp))
    told = nlp.meta["performance"]["rel_thresholds"]["relation_extractor"]
    assert told["micro_f"]["before"] == pytest.approx(2 * 4 / (4 + 12))


def test_where_the_documents_speak_against_others_the_decoder_stays(nlp, data, tmp_path):
    docs = [
        make_doc(
            nlp.vocab, doc.text, [ORG, PERSON], [(0, "FOUNDED_BY", 1)] * (doc[1].text == "was")
        )
        for doc in references(nlp.vocab)
    ]  # nobody is hired
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "certain.spacy")
    callback(tmp_path / "certain.spacy")(nlp)
    assert decoder_of(nlp) == ThresholdDecoder()
    assert nlp.get_pipe_config("relation_extractor")["decoder"]["threshold"] is None
    told = nlp.meta["performance"]["rel_thresholds"]["relation_extractor"]
    assert told["micro_f"] == {"before": 1.0, "after": 1.0}


def test_where_f1_is_high_only_a_certain_gain_replaces_the_decoder(nlp, data, tmp_path):
    docs = references(nlp.vocab)
    certain = [doc for doc in docs if doc[1].text == "was"]
    DocBin(docs=docs[:4] + 3 * certain, store_user_data=True).to_disk(tmp_path / "high.spacy")
    callback(tmp_path / "high.spacy")(nlp)  # 2 of 4 hires, 12 foundings
    assert decoder_of(nlp) == ThresholdDecoder()
    told = nlp.meta["performance"]["rel_thresholds"]["relation_extractor"]
    assert told["micro_f"]["before"] == pytest.approx(2 * 12 / (12 + 14))


@pytest.mark.parametrize("texts", [["Acme"], ["Acme may hire Ada", ""]])
def test_documents_without_relations_choose_nothing(nlp, texts, tmp_path):
    docs = [make_doc(nlp.vocab, text, [ORG] if text else []) for text in texts]
    DocBin(docs=docs).to_disk(tmp_path / "none.spacy")
    callback(tmp_path / "none.spacy")(nlp)
    assert decoder_of(nlp) == ThresholdDecoder()


DECODERS = (
    {},
    {"one_direction": True},
    {"overlapping": False, "mention_weight": 0.5},
)


@pytest.mark.parametrize(
    "labels", [{}, MULTIPLE, ADAPTIVE], ids=["exclusive", "several", "learned"]
)
def test_what_is_left_out_after_decoding_is_what_a_higher_threshold_leaves_out(labels):
    """Between overlapping mentions of which some are improbable."""
    nlp = spacy.blank("xx")
    config = {"model": MODEL, "spans_key": "sc", "rescue_entities": True, **labels}
    extractor = nlp.add_pipe("relation_extractor", config=config)
    spans = [(start, start + n, "X") for start in range(4) for n in (1, 2)]
    facts = [(0, "A", 3), (3, "B", 0), (1, "A", 0)]
    examples = [
        make_example(make_doc(nlp.vocab, text, spans, facts, spans_key="sc"), spans, spans_key="sc")
        for text in ("Acme hired Ada in Oslo", "Bo met Ada once more", "never mind Bo or Acme")
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(8):
        nlp.update(examples, sgd=optimizer)
    docs = [eg.predicted for eg in examples]
    for doc in docs:
        doc.spans["sc"].attrs["scores"] = numpy.linspace(0.2, 1.0, len(spans))
    with record_decoding(nlp, {"relation_extractor": extractor}) as records:
        assert list(nlp.pipe(docs)) == docs
    record = records["relation_extractor"]
    decided = record.decode(extractor.decoder)
    assert all(set(doc._.rel) == set(decided[id(doc)]) for doc in docs)
    for options in DECODERS:
        decoder = ThresholdDecoder(threshold=THRESHOLDS[0], **options)
        lowest = record.decode(decoder)
        n_kept = set()
        for threshold in THRESHOLDS:
            found = record.decode(replace(decoder, threshold=threshold))
            for doc in docs:
                kept = [rel for rel in lowest[id(doc)] if rel.score >= threshold]
                assert relation_keys(kept) == relation_keys(found[id(doc)])
                n_kept.add(len(kept))
        assert len(n_kept) > 2


# Which components


def extractor_of(nlp, name, **config):
    return nlp.add_pipe("relation_extractor", name=name, config={"model": MODEL, **config})


@pytest.mark.filterwarnings("ignore:.* both write doc")
def test_each_trained_relation_extractor_has_its_choice(data):
    nlp = spacy.blank("xx")
    extractor_of(nlp, "one")
    extractor_of(nlp, "two", attr="rel", **MULTIPLE)
    extractor_of(nlp, "frozen")
    learned(data, nlp=nlp, steps=15)
    nlp.config["training"]["frozen_components"] = ["frozen"]
    callback(data)(nlp)
    assert set(nlp.meta["performance"]["rel_thresholds"]) == {"one", "two"}
    assert nlp.get_pipe("frozen").decoder == ThresholdDecoder()
    assert nlp.get_pipe("two").decoder.threshold < 0.5


def test_a_decoder_of_another_package_is_left_alone(nlp, data):
    extractor = nlp.get_pipe("relation_extractor")
    extractor.decoder = decoder = partial(ThresholdDecoder())
    callback(data)(nlp)
    assert extractor.decoder is decoder
    assert "rel_thresholds" not in nlp.meta.get("performance", {})


@pytest.mark.filterwarnings("ignore:.* both write doc")
def test_no_language_model_is_asked(nlp, data, tmp_path):
    other = make_pipeline(replay(tmp_path))
    extractor = other.add_pipe("relation_extractor", config={"model": MODEL})
    extractor.from_bytes(nlp.get_pipe("relation_extractor").to_bytes())
    examples = list(make_relation_corpus(data)(other))
    configure_choose_thresholds(lambda nlp: examples)(other)
    assert not any(REPORT_KEY in eg.predicted.user_data for eg in examples)
    assert extractor.decoder.threshold is not None


def test_clear_errors(nlp, data, tmp_path):
    with pytest.raises(ConfigError, match=r"no relation_extractor .*only \[\]; .* = null"):
        callback(data)(spacy.blank("xx"))
    DocBin().to_disk(tmp_path / "empty.spacy")
    with pytest.raises(DataError, match="no documents"):
        callback(tmp_path / "empty.spacy")(nlp)
    with pytest.raises(ConfigError, match=r"least must lie in \[0, 1\], got 2"):
        callback(data, least=2)
    with pytest.raises(ConfigError, match="min_support must be 1 or more, got 0"):
        callback(data, min_support=0)


@pytest.mark.parametrize(("after", "told"), [(0.4, "may be chance"), (0.6, "there")])
def test_a_loss_is_told(after, told):
    scores = {key: {"before": 0.5, "after": after} for key in ("micro_f", "macro_f")}
    choice = {"threshold": 0.2, "thresholds": {}, "n_docs": 3, "n_relations": 9, **scores}
    assert describe_choice(choice).endswith(told)
