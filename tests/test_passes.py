"""Numbers of updates in the config: what a training of a few passes over the documents takes."""

import random
from itertools import islice

import numpy
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training.initialize import init_nlp
from spacy.util import load_config_from_str, load_model_from_config

from rel_component.errors import ConfigError, DataError
from rel_component.passes import configure_passes
from rel_component.spacy_files import write_docs

CONFIG = """
[nlp]
lang = "xx"
pipeline = {pipeline}

[components]
{components}

[corpora]

[corpora.train]
@readers = "rel_component.RelationCorpus.v1"
path = {path}
shuffle = true

[corpora.dev]
@readers = "rel_component.RelationCorpus.v1"
path = {path}

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 0
gpu_allocator = null
max_epochs = {max_epochs}
max_steps = {max_steps}

[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 4

[training.optimizer]
@optimizers = "Adam.v1"

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
warmup_steps = 1
total_steps = 2
initial_rate = 0.01

[initialize]

[initialize.after_init]
@callbacks = "rel_component.passes.v1"
{options}
"""
RECOGNIZER = """
[components.span_recognizer]
factory = "span_recognizer"

[components.span_recognizer.model]
@architectures = "rel_component.SpanScorer.v1"

[components.span_recognizer.model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 4
depth = 1
embed_size = 10
window_size = 1
maxout_pieces = 1
subword_features = false
"""


@pytest.fixture
def write(tmp_path, vocab):
    def write(n_docs):
        path = tmp_path / f"{n_docs}.spacy"
        docs = [Doc(vocab, words=["Ada", f"{i}"]) for i in range(n_docs)]
        for doc in docs:
            doc.ents = [doc.char_span(0, 3, label="PERSON")]
        write_docs(docs, path)
        return path

    return write


def config_of(path, options="", max_epochs=-1, max_steps=0, recognizer=False, overrides=None):
    text = CONFIG.format(
        path="null" if path is None else f'"{path}"',
        options=options,
        max_epochs=max_epochs,
        max_steps=max_steps,
        pipeline='["span_recognizer"]' if recognizer else "[]",
        components=RECOGNIZER if recognizer else "",
    )
    return load_config_from_str(text, overrides=overrides or {}, interpolate=False)


def numbers(nlp):
    training = nlp.config["training"]
    rate = training["optimizer"]["learn_rate"]
    return (
        training["max_steps"],
        rate["total_steps"],
        rate["warmup_steps"],
        training["eval_frequency"],
        training["patience"],
    )


@pytest.mark.parametrize(
    ("n_docs", "options", "expected"),
    [
        # three batches a pass
        (10, "passes = 10\nwarmup = 0.1\nevaluations = 5", (30, 30, 3, 6, 0)),
        (10, "passes = 0.7\nevaluations = 1\npatience = 0.5", (2, 2, 0, 2, 2)),
        (10, "passes = 10.5\nevaluations = 10", (30, 30, 2, 3, 0)),  # 32 at first
        (10, "passes = 1\nevaluations = 10", (3, 3, 0, 1, 0)),
        # one batch a pass
        (3, "passes = 20\nwarmup = 1.0\nevaluations = 2\npatience = 0.65", (20, 20, 20, 10, 13)),
        (1, "passes = 0.1", (1, 1, 0, 1, 0)),
    ],
)
def test_numbers_are_shares_of_the_passes(n_docs, options, expected, write):
    assert numbers(init_nlp(config_of(write(n_docs), options))) == expected


@pytest.mark.parametrize(
    ("limit", "passes", "total"),
    [(12, 10, 12), (100, 10, 30), (2, 0.5, 2), (500, 1000, 500), (-1, 10, 30)],
)
def test_max_steps_limits_the_passes(limit, passes, total, write):
    options = f"passes = {passes}\nevaluations = 1"
    assert numbers(init_nlp(config_of(write(10), options, max_steps=limit)))[:2] == (total, total)


@pytest.mark.parametrize(
    ("max_epochs", "passes", "limit", "total"),
    [(0, 10, 0, 30), (4, 10, 0, 12), (40, 10, 0, 30), (4, 1000, 20, 12)],
)
def test_max_epochs_limits_the_passes(max_epochs, passes, limit, total, write):
    options = f"passes = {passes}\nevaluations = 1"
    nlp = init_nlp(config_of(write(10), options, max_epochs=max_epochs, max_steps=limit))
    assert numbers(nlp)[0] == total


def test_a_saved_config_counts_anew(write, tmp_path):
    """The written ``max_steps`` is no limit of the next training, over more documents."""
    nlp = init_nlp(config_of(write(10), "passes = 10\nevaluations = 5"))
    nlp.to_disk(tmp_path / "saved")
    saved = spacy.util.load_config(tmp_path / "saved" / "config.cfg", interpolate=False)
    assert saved["training"]["max_steps"] == 30
    saved["corpora"]["train"]["path"] = str(write(40))
    assert numbers(init_nlp(saved))[0] == 100
    saved["training"]["max_steps"] = 50
    assert numbers(init_nlp(saved))[0] == 50


def test_a_loaded_pipeline_resumes_training_with_the_numbers(write, tmp_path):
    nlp = init_nlp(config_of(write(10), "passes = 10\nwarmup = 0.1"))
    nlp.to_disk(tmp_path / "saved")
    for one in (nlp, spacy.load(tmp_path / "saved")):
        one._optimizer = None
        schedule = one.resume_training().schedules["learn_rate"]
        rates = list(islice(schedule, 30))  # the optimizer has taken the first one
        assert rates[-1] == 0.0
        assert max(rates) == rates[2]


def test_a_schedule_of_sizes_and_a_reference_to_other_numbers(write):
    config = config_of(write(10), "passes = 2\nevaluations = 1")
    config["training"]["max_steps"] = "${training.optimizer.learn_rate.total_steps}"
    config["training"]["batcher"]["size"] = {
        "@schedules": "compounding.v1",
        "start": 1.0,
        "stop": 4.0,
        "compound": 2.0,
    }
    assert numbers(init_nlp(config))[0] == 2 * 4  # batches of 1, 2, 4 and 3


def test_a_rate_that_does_not_change(write):
    config = config_of(write(10), "passes = 10")
    config["training"]["optimizer"]["learn_rate"] = 0.001
    training = init_nlp(config).config["training"]
    assert training["max_steps"] == 30
    assert training["optimizer"]["learn_rate"] == 0.001


def test_recognisers_annotate_after_a_share(write, tmp_path):
    config = config_of(write(10), "passes = 10\nannotate_after = 0.4", recognizer=True)
    nlp = init_nlp(config)
    assert nlp.get_pipe("span_recognizer").annotate_after == 12
    nlp.to_disk(tmp_path / "saved")
    assert spacy.load(tmp_path / "saved").get_pipe("span_recognizer").annotate_after == 12
    config["training"]["frozen_components"] = ["span_recognizer"]
    config["components"]["span_recognizer"] = {"source": str(tmp_path / "saved")}
    config["initialize"]["after_init"]["annotate_after"] = 0.5
    assert init_nlp(config).get_pipe("span_recognizer").annotate_after == 12


def test_counting_leaves_no_trace_in_random_numbers(write):
    nlp = load_model_from_config(config_of(write(10)), auto_fill=True)
    states = random.getstate(), numpy.random.get_state()[1].tolist()
    configure_passes()(nlp)
    assert (random.getstate(), numpy.random.get_state()[1].tolist()) == states


def test_examples_of_another_place(write):
    nlp = load_model_from_config(config_of(None), auto_fill=True)
    before = numbers(nlp)
    nlp.initialize()
    assert numbers(nlp) == before


def test_no_documents(write):
    with pytest.raises(DataError, match="no documents"):
        init_nlp(config_of(write(0)))


@pytest.mark.parametrize(
    "options",
    [
        {"passes": 0},
        {"passes": float("nan")},
        {"warmup": 1.5},
        {"annotate_after": 240},
        {"patience": -0.1},
        {"evaluations": 0},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        configure_passes(**options)
