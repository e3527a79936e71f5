"""EntityMarkers and PackedMarkers: what the contract of pair models does not say."""

import warnings

import numpy
import pytest
import torch
from spacy.util import fix_random_seed
from thinc.api import set_dropout_rate

from rel_component.errors import ConfigError
from rel_component.models.optimizers import EncoderAdam
from rel_component.models.pairs.entity_markers import build_entity_markers
from rel_component.models.pairs.packed_markers import build_packed_markers

from ...contracts.pair_models import (
    MENTIONS,
    N_LABELS,
    TEXT,
    assert_pairs_do_not_see_each_other,
    predicted,
)
from ...encoders import KINDS, tiny_encoder
from ...helpers import make_candidates, make_doc

both = pytest.mark.parametrize("build", [build_entity_markers, build_packed_markers])


def initialised(build, docs, *, encoder=None, **options):
    """A model without dropout, whose output layer is not all zeros."""
    fix_random_seed(0)
    model = build(name=encoder or tiny_encoder(), **options)
    model.initialize(X=(docs, make_candidates(docs)), Y=model.ops.alloc2f(1, N_LABELS))
    set_dropout_rate(model, 0.0)
    rng = numpy.random.default_rng(0)
    for node in model.walk():
        if node.has_ref("output_layer"):
            layer = node.get_ref("output_layer")
            layer.set_param("W", rng.normal(size=layer.get_param("W").shape).astype("float32"))
    return model


def trained(model, docs, *, steps=1, **options):
    """The optimizer of a few steps towards the last label."""
    sgd = EncoderAdam(0.01, **options)
    for _ in range(steps):
        Y, backprop = model.begin_update((docs, make_candidates(docs)))
        backprop(Y - numpy.eye(N_LABELS, dtype="float32")[[-1] * len(Y)])
        model.finish_update(sgd)
    return sgd


@pytest.fixture
def doc(vocab):
    return make_doc(vocab, TEXT, MENTIONS)


@pytest.fixture
def long_doc(vocab):
    """Far more pieces than an encoder of 64 positions reads at a time."""
    words = ["a"] * 150
    mentions = [(i, i + 1, "X") for i in (3, 30, 60, 100, 148)]
    return make_doc(vocab, words, mentions)


# Encoders


@both
@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.slow
def test_every_supported_kind_of_encoder(build, kind, doc):
    if build is build_packed_markers and kind in ("mpnet", "modernbert"):
        pytest.skip("refused")
    model = initialised(build, [doc], encoder=tiny_encoder(kind))
    before = predicted(model, [doc])
    assert numpy.abs(before - before.mean(axis=0)).max() > 1e-3  # pairs differ
    trained(model, [doc], steps=15)
    after = predicted(model, [doc])
    assert ((after - numpy.eye(N_LABELS)[-1]) ** 2).sum() < ((before - [0, 0, 1]) ** 2).sum()
    loaded = build(name="/no/such/folder").from_bytes(model.to_bytes())
    numpy.testing.assert_array_equal(predicted(loaded, [doc]), after)


@both
@pytest.mark.parametrize("kind", ["deberta", "deberta-v2", "distilbert", "roberta"])
def test_pairs_do_not_see_each_other(build, kind, doc):
    model = initialised(build, [doc], encoder=tiny_encoder(kind))
    assert_pairs_do_not_see_each_other(model, doc, rtol=1e-3)


@both
def test_other_kinds_of_encoders_are_refused(build, doc):
    with pytest.raises(ConfigError, match="'ernie'; supported: bert, roberta"):
        initialised(build, [doc], encoder=tiny_encoder("ernie"))


@pytest.mark.parametrize("kind", ["mpnet", "modernbert"])
def test_encoders_that_packed_markers_cannot_use(kind, doc):
    with pytest.raises(ConfigError, match=f"'{kind}', whose attention.*take EntityMarkers"):
        initialised(build_packed_markers, [doc], encoder=tiny_encoder(kind))


@both
@pytest.mark.filterwarnings("ignore:This CPU has no instructions for bfloat16")
def test_half_precision_on_a_cpu(build, doc):
    exact = initialised(build, [doc])
    fast = initialised(build, [doc], precision="bfloat16")
    expected, found = predicted(exact, [doc]), predicted(fast, [doc])
    assert found.dtype == numpy.float32
    assert 0.0 < numpy.abs(found - expected).max() < 0.1 * numpy.abs(expected).max()
    trained(fast, [doc])
    assert {p.dtype for p in fast.shims[0]._model.parameters()} == {torch.float32}


@both
@pytest.mark.parametrize("instructions", [True, False])
def test_half_precision_in_training_where_the_cpu_is_made_for_it(
    build, doc, instructions, monkeypatch
):
    capabilities = {"avx512_bf16": instructions}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    exact = initialised(build, [doc])
    model = initialised(build, [doc], precision="auto")
    numpy.testing.assert_array_equal(predicted(model, [doc]), predicted(exact, [doc]))
    outputs = []
    for each in (exact, model):
        fix_random_seed(0)
        outputs.append(each.begin_update(([doc], make_candidates([doc])))[0])
    assert (outputs[0] != outputs[1]).any() == instructions


@both
def test_moving_averages_are_what_is_evaluated_and_saved(build, doc):
    model = initialised(build, [doc])
    sgd = trained(model, [doc], steps=3, use_averages=True)
    last = predicted(model, [doc])
    with model.use_params(sgd.averages):
        averaged = predicted(model, [doc])
        saved = model.to_bytes()
        for name, parameter in model.shims[0]._model.named_parameters():
            if (model.shims[0].id, name) in sgd.averages:
                expected = sgd.averages[model.shims[0].id, name]
                numpy.testing.assert_array_equal(parameter.detach().numpy(), expected)
    assert numpy.abs(averaged - last).max() > 1e-3
    with pytest.raises(KeyError), model.shims[0].use_params(sgd.averages):
        raise KeyError
    numpy.testing.assert_array_equal(predicted(model, [doc]), last)
    loaded = build(name="/no/such/folder").from_bytes(saved)
    numpy.testing.assert_array_equal(predicted(loaded, [doc]), averaged)


# Long texts


def test_pairs_that_fit_into_no_window_are_reported(long_doc):
    model = initialised(build_entity_markers, [long_doc])
    with pytest.warns(UserWarning, match="10 of 20 pairs do not fit into one window of 62 pieces"):
        assert numpy.isfinite(predicted(model, [long_doc])).all()


@both
def test_every_part_of_a_long_text_counts(build, vocab):
    def scored(word, place):
        words = ["a"] * 150
        words[place] = word
        doc = make_doc(vocab, words, [(i, i + 1, "X") for i in (3, 30, 120, 148)])
        candidates = make_candidates([doc])
        rows = [tuple(pair) in ((0, 1), (2, 3)) for pair in candidates.pairs]
        return predicted(model, [doc], candidates.select(numpy.asarray(rows)))

    model = initialised(build, [make_doc(vocab, "a b", [(0, 1, "X"), (1, 2, "X")])])
    neither = scored("a", 0)
    early, late = (numpy.abs(scored("met", place) - neither).max(axis=1) for place in (20, 130))
    assert early[0] > 1e-4 > early[1]
    assert late[1] > 1e-4 > late[0]


@pytest.mark.parametrize("block_size", [1, 3, 7])
@both
@pytest.mark.slow
def test_the_size_of_blocks_does_not_matter(build, block_size, long_doc, doc):
    docs = [doc, long_doc, doc]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of distant pairs
        expected = predicted(initialised(build, docs), docs)
        model = initialised(build, docs, block_size=block_size, max_pieces=100)
        numpy.testing.assert_allclose(predicted(model, docs), expected, rtol=1e-3, atol=1e-4)
        Y, _ = model.begin_update((docs, make_candidates(docs)))
    numpy.testing.assert_allclose(Y, expected, rtol=1e-3, atol=1e-4)


@both
def test_gradients_do_not_depend_on_the_size_of_blocks(build, doc, long_doc):
    def gradients(**options):
        model = initialised(build, [doc, long_doc], **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of distant pairs
            Y, backprop = model.begin_update(([doc, long_doc], make_candidates([doc, long_doc])))
        backprop(numpy.ones_like(Y) / len(Y))
        return {key: p.grad for key, p in model.shims[0]._model.named_parameters()}

    whole, parts = gradients(), gradients(block_size=6, max_pieces=100)
    for key, gradient in whole.items():
        if gradient is not None:
            torch.testing.assert_close(parts[key], gradient, rtol=1e-2, atol=1e-4, msg=key)


# EntityMarkers


def sequences_of(model, doc):
    """What the encoder reads for each pair, as text."""
    read = []
    module = model.shims[0]._model
    hook = module.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    predicted(model, [doc])
    hook.remove()
    (sequences,) = read
    bounds = zip(sequences.bounds[:-1], sequences.bounds[1:])
    piece = module.tokenizer.backend_tokenizer.id_to_token
    texts = [[piece(number) for number in sequences.ids[a:b]] for a, b in bounds]
    return [" ".join(pieces).replace(" ##", "") for pieces in texts]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"markers": "untyped"},
            "[CLS] [HEAD] acme [/HEAD] met [TAIL] cy [/TAIL] [SEP]",
        ),
        (
            {"markers": "typed"},
            "[CLS] [HEAD:ORG] acme [/HEAD:ORG] met [TAIL:PERSON] cy [/TAIL:PERSON] [SEP]",
        ),
        (
            {"markers": "punctuation"},
            "[CLS] @ * org * acme @ met # ^ person ^ cy # [SEP]",
        ),
        (
            {"markers": "punctuation", "type_words": {"ORG": "of", "PERSON": "in"}},
            "[CLS] @ * of * acme @ met # ^ in ^ cy # [SEP]",
        ),
        ({"markers": "mask"}, "[CLS] [HEAD:ORG] met [TAIL:PERSON] [SEP]"),
        ({"markers": "context"}, "[CLS] [HEAD] met [TAIL] [SEP]"),
    ],
    ids=lambda value: value.get("markers") if isinstance(value, dict) else "",
)
def test_what_the_encoder_reads(vocab, options, expected):
    doc = make_doc(vocab, "Acme met Cy", [(0, 1, "ORG"), (2, 3, "PERSON")])
    model = initialised(build_entity_markers, [doc], **options)
    there, back = sequences_of(model, doc)
    assert there == expected
    assert back != there
    assert numpy.isfinite(predicted(model, [doc])).all()


@pytest.mark.parametrize("markers", ["mask", "context"])
def test_masked_names_do_not_count(vocab, markers):
    spans = [(0, 1, "PERSON"), (2, 3, "PERSON")]
    one, other = make_doc(vocab, "Ada met Cy", spans), make_doc(vocab, "Zoe met Ernest", spans)
    model = initialised(build_entity_markers, [one], markers=markers)
    numpy.testing.assert_array_equal(predicted(model, [one]), predicted(model, [other]))


def test_types_that_training_did_not_have_get_untyped_markers(vocab):
    known = make_doc(vocab, "Ada met Cy", [(0, 1, "PERSON"), (2, 3, "PERSON")])
    model = initialised(build_entity_markers, [known])
    other = make_doc(vocab, "Ada met Cy", [(0, 1, "NEW"), (2, 3, "PERSON")])
    assert sequences_of(model, other)[0] == (
        "[CLS] [HEAD] ada [/HEAD] met [TAIL:PERSON] cy [/TAIL:PERSON] [SEP]"
    )


def test_directions_that_share_a_sequence(doc):
    model = initialised(build_entity_markers, [doc], share_directions=True)
    assert len(sequences_of(model, doc)) == 10
    Y = predicted(model, [doc])
    assert Y.shape == (20, N_LABELS)
    assert numpy.abs(Y[0::2] - Y[1::2]).max() > 1e-3  # each pair is followed by its mirror image


@pytest.mark.parametrize(
    ("representation", "n_vectors"),
    [(["cls"], 1), (["start"], 2), (["mean"], 2), (["between"], 1), (["cls", "mean"], 3)],
)
def test_representations(doc, representation, n_vectors):
    model = initialised(build_entity_markers, [doc], representation=representation)
    assert model.shims[0]._model.n_features == 16 * n_vectors
    Y = predicted(model, [doc])
    assert numpy.abs(Y - Y.mean(axis=0)).max() > 1e-4


@pytest.mark.parametrize("representation", [[], ["cls", "sum"]])
def test_unknown_representations_are_refused(representation):
    with pytest.raises(ConfigError, match="accepted: cls, start, mean, between"):
        build_entity_markers(name="x", representation=representation)


# PackedMarkers


@pytest.mark.parametrize("kind", ["bert", "electra", "roberta"])
@pytest.mark.parametrize("marker_layer", [0, 1])
def test_markers_pass_the_layers_of_the_encoder_unseen(kind, marker_layer, doc):
    """The layers of the encoder itself, over text and two markers and with a mask, give the same."""
    model = initialised(
        build_packed_markers,
        [doc],
        encoder=tiny_encoder(kind),
        marker_layer=marker_layer,
        mark_mentions=False,
    )
    module = model.shims[0]._model.eval()
    calls = []
    hook = module.head.register_forward_hook(lambda _, inputs, output: calls.append(output))
    outputs = []
    keep = module.register_forward_hook(lambda _, inputs, output: outputs.append(output))
    predicted(model, [doc])
    hook.remove()
    keep.remove()
    (starts,), (_, markers) = calls, outputs[-1]  # (n_groups, 2 and 3, width)
    ids = torch.tensor([module.tokenizer.backend_tokenizer.encode(doc.text).ids])
    n = ids.shape[1]
    mask = torch.full((n + 2, n + 2), -1e9)
    mask[:, :n] = 0.0  # everything sees the text
    mask[n:, n:] = 0.0  # markers see each other
    with torch.no_grad():
        embeddings = module.encoder.get_input_embeddings()(ids)
        text = module.encoder(inputs_embeds=embeddings, output_hidden_states=True)
        for group, expected in zip(starts, markers):
            states = torch.cat([text.hidden_states[marker_layer][0], group])[None]
            for layer in module.encoder.encoder.layer[marker_layer:]:
                states = layer(states, attention_mask=mask[None, None])[0]
            torch.testing.assert_close(states[0, n:], expected[:2], rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(states[0, 0], expected[2], rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(
                states[0, :n], text.last_hidden_state[0], rtol=1e-3, atol=1e-4
            )


@pytest.mark.parametrize("mark_mentions", [True, False])
def test_marks_on_all_mentions(vocab, mark_mentions):
    """A type of a third mention matters to a pair if the text is read with the types."""

    def scored(third):
        doc = make_doc(vocab, TEXT, [*MENTIONS[:2], (4, 5, third)])
        candidates = make_candidates([doc])
        first = numpy.asarray([tuple(pair) == (0, 1) for pair in candidates.pairs])
        return predicted(model, [doc], candidates.select(first))

    doc = make_doc(vocab, TEXT, MENTIONS)
    model = initialised(build_packed_markers, [doc], mark_mentions=mark_mentions)
    assert (numpy.abs(scored("ORG") - scored("GPE")).max() > 1e-4) == mark_mentions


@pytest.mark.parametrize("marker_layer", [-1, 2])
def test_a_layer_that_the_encoder_does_not_have(marker_layer, doc):
    with pytest.raises(ConfigError, match=r"marker_layer must lie in \[0, 1\]"):
        initialised(build_packed_markers, [doc], marker_layer=marker_layer)
