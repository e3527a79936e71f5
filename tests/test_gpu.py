"""Results on a GPU equal those on a CPU."""

import numpy
import pytest
import spacy
import torch
from spacy.cli.train import train
from spacy.tokens import Doc
from thinc.api import (
    get_current_ops,
    prefer_gpu,
    set_current_ops,
    set_dropout_rate,
    torch2xp,
    use_ops,
)

from rel_component.losses import (
    configure_adaptive_threshold,
    configure_binary_cross_entropy,
    configure_cross_entropy,
    configure_focal,
    with_agreement,
)
from rel_component.models.optimizers import EncoderAdam
from rel_component.spacy_files import write_docs

from .contracts.pair_models import MENTIONS, built, every_model, initialised, takes
from .contracts.pair_models import TEXT as TEXT_OF_PAIRS
from .encoders import tiny_encoder
from .helpers import make_candidates, make_doc, make_example
from .test_recipes import ROOT

pytestmark = pytest.mark.gpu

TEXT = "Acme was founded by Ann Lee in Oslo"
ENTITIES = [(0, 1, "ORG"), (4, 6, "PERSON"), (7, 8, "GPE")]
RELATIONS = [(0, "FOUNDED_BY", 1), (0, "LOCATED_IN", 2)]


@pytest.fixture
def gpu():
    """Whatever is built in the test is built on the GPU, except under ``use_ops("numpy")``."""
    pytest.importorskip("cupy")
    before = get_current_ops()
    if not prefer_gpu():
        pytest.skip("needs a GPU")
    yield
    set_current_ops(before)


def on_host(array):
    return get_current_ops().to_numpy(array)


def assert_close(on_gpu, on_cpu, *, rtol=1e-3, atol=1e-4, message=""):
    numpy.testing.assert_allclose(on_host(on_gpu), on_cpu, rtol=rtol, atol=atol, err_msg=message)


def trained():
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    extractor = nlp.add_pipe("relation_extractor")
    examples = [make_example(make_doc(nlp.vocab, TEXT, ENTITIES, RELATIONS))]
    sgd = nlp.initialize(lambda: examples)
    losses = [nlp.update(examples, sgd=sgd)["relation_extractor"] for _ in range(20)]
    scored = extractor.predict([examples[0].predicted])
    return losses, extractor.model.ops.to_numpy(scored.values)


def test_training_and_prediction(gpu):
    on_gpu = trained()
    with use_ops("numpy"):
        on_cpu = trained()
    assert on_gpu[0][-1] < 0.1 * on_gpu[0][0]
    numpy.testing.assert_array_equal(on_gpu[1].argmax(axis=1), on_cpu[1].argmax(axis=1))


# Pair models


@every_model
def test_logits_and_gradients_of_a_pair_model(gpu, name, vocab):
    docs = [make_doc(vocab, TEXT_OF_PAIRS, MENTIONS), make_doc(vocab, ""), make_doc(vocab, "Ada")]
    candidates = make_candidates(docs)
    with use_ops("numpy"):
        on_cpu = initialised(name, docs)
        expected, gradients = logits_and_gradients(on_cpu, docs, candidates)
    on_gpu = built(name).from_bytes(on_cpu.to_bytes())
    set_dropout_rate(on_gpu, 0.0)
    logits, found = logits_and_gradients(on_gpu, docs, candidates)
    assert isinstance(logits, get_current_ops().xp.ndarray)
    assert_close(logits, expected)
    assert found.keys() == gradients.keys()
    for key, gradient in gradients.items():
        scale = max(1.0, float(numpy.abs(gradient).max()))
        assert_close(found[key] / scale, gradient / scale, message=key)


def logits_and_gradients(model, docs, candidates):
    """Of a weighted sum of the logits, by place in the model and name of the parameter."""
    logits, backprop = model.begin_update((docs, candidates))
    weights = numpy.random.default_rng(3).normal(size=logits.shape).astype("float32")
    backprop(model.ops.asarray(weights))
    gradients = {
        f"{i} {node.name}.{param}": model.ops.to_numpy(node.get_grad(param))
        for i, node in enumerate(model.walk())
        for param in node.param_names
        if node.has_grad(param)
    }
    for shim in model.shims:
        for key, parameter in shim._model.named_parameters():
            if parameter.grad is not None:
                gradients[key] = parameter.grad.cpu().numpy()
    return logits, gradients


@every_model
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision(gpu, name, precision, vocab):
    if not takes(name, "precision"):
        pytest.skip("has no encoder of its own")
    docs = [make_doc(vocab, TEXT_OF_PAIRS, MENTIONS)]
    with use_ops("numpy"):
        on_cpu = initialised(name, docs)
        expected = on_cpu.predict((docs, make_candidates(docs)))
    on_gpu = built(name, precision=precision).from_bytes(on_cpu.to_bytes())
    logits = on_gpu.predict((docs, make_candidates(docs)))
    assert_close(logits, expected, rtol=0.05, atol=0.05 * float(numpy.abs(expected).max()))


# Losses and the optimizer


@pytest.mark.parametrize(
    ("loss", "exclusive"),
    [
        (configure_cross_entropy(), True),
        (configure_cross_entropy({"A": 2.0}), True),
        (configure_focal(), True),
        (configure_focal(0.5, {"A": 2.0}), False),
        (configure_binary_cross_entropy({"B": 0.5}), False),
        (configure_adaptive_threshold(), False),
    ],
)
@pytest.mark.parametrize("agreement", [False, True])
def test_a_loss_and_its_gradient(gpu, loss, exclusive, agreement):
    options = {"labels": ("NO_RELATION", "A", "B"), "exclusive": exclusive}
    rng = numpy.random.default_rng(0)
    targets = numpy.eye(3, dtype="float32")[rng.integers(0, 3, 8)]
    logits = rng.normal(size=(16 if agreement else 8, 3)).astype("float32")
    if agreement:
        loss = with_agreement(loss, 0.5)
    expected = loss(logits, targets, **options)
    asarray = get_current_ops().asarray
    found = loss(asarray(logits), asarray(targets), **options)
    assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-4)
    assert_close(found[1], expected[1], atol=1e-6)


@pytest.mark.parametrize("one_by_one", [True, False])
def test_an_update_of_an_encoder(gpu, one_by_one):
    on_gpu = updated("cuda", one_by_one)
    with use_ops("numpy"):
        on_cpu = updated("cpu", one_by_one)
    for found, expected in zip(on_gpu, on_cpu):
        assert_close(found, expected, rtol=1e-5, atol=1e-6)


def updated(device, one_by_one):
    """A parameter and its moving average after three updates."""
    rng = numpy.random.default_rng(0)
    parameter = torch.nn.Parameter(torch.tensor(rng.normal(size=(4, 3)), device=device).float())
    optimizer = EncoderAdam(0.1, use_averages=True)
    for _ in range(3):
        parameter.grad = torch.tensor(rng.normal(size=(4, 3)), device=device).float()
        if one_by_one:
            arrays = (torch2xp(tensor) for tensor in (parameter.data, parameter.grad))
            optimizer((1, "encoder.W"), *arrays)
        else:
            optimizer.update_parameters(1, {"encoder.W": parameter})
    return torch2xp(parameter.data), optimizer.averages[1, "encoder.W"]


# The recipes, from the command to the saved pipeline

TEXTS = [
    (TEXT, ENTITIES, RELATIONS),
    (
        "Bo Day runs Nord in Rome",
        [(0, 2, "PERSON"), (3, 4, "ORG"), (5, 6, "GPE")],
        [(1, "LOCATED_IN", 2)],
    ),
    ("Nobody met Ann Lee", [(2, 4, "PERSON")], []),
]


@pytest.fixture
def corpus(tmp_path, vocab):
    write_docs((make_doc(vocab, *text) for text in TEXTS), tmp_path / "docs.spacy")
    return tmp_path / "docs.spacy"


@pytest.mark.parametrize("precision", ["auto", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("recipe", "encoder", "entities"),
    [
        ("joint", "components.shared_encoder.model", False),
        ("transformer", "components.relation_extractor.model.tok2vec", True),
        ("packed", "components.relation_extractor.model", True),
        ("markers", "components.relation_extractor.model", True),
    ],
)
def test_a_recipe(gpu, recipe, encoder, entities, precision, corpus, tmp_path):
    overrides = {
        "paths.train": str(corpus),
        "paths.dev": str(corpus),
        "paths.encoder": tiny_encoder(),
        "system.gpu_allocator": "pytorch",
        "training.max_steps": 60,
        "initialize.after_init.passes": 60,
        "initialize.after_init.warmup": 5 / 60,
        "initialize.after_init.evaluations": 2,
        "initialize.after_init.patience": 0.0,
        "training.optimizer.use_averages": True,
        "corpora.train.augmenter": None,
        f"{encoder}.precision": precision,
    }
    if recipe == "joint":
        overrides["initialize.after_init.annotate_after"] = 1 / 3
    train(ROOT / "configs" / f"{recipe}.cfg", tmp_path / recipe, use_gpu=0, overrides=overrides)
    on_gpu = found(tmp_path / recipe / "model-last", entities)
    with use_ops("numpy"):
        exact = {f"{encoder}.precision": "float32"}
        on_cpu = found(tmp_path / recipe / "model-last", entities, exact)
    assert on_gpu
    assert on_gpu.keys() == on_cpu.keys()
    tolerance = 2e-3 if precision == "auto" else 0.05
    for key, score in on_gpu.items():
        assert score == pytest.approx(on_cpu[key], abs=tolerance)


def found(folder, entities, config=None):
    """Probabilities of all relations that the thresholds let through, by document and relation."""
    nlp = spacy.load(
        folder, config={"components.relation_extractor.decoder.threshold": 0.0, **(config or {})}
    )
    docs = [
        make_doc(nlp.vocab, text, mentions) if entities else Doc(nlp.vocab, words=text.split())
        for text, mentions, _ in TEXTS
    ]
    return {
        (i, str(relation)): relation.score
        for i, doc in enumerate(nlp.pipe(docs))
        for relation in doc._.rel
    }
