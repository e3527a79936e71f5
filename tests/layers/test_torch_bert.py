"""Encoders that are built like BERT give what transformers gives."""

import subprocess
import sys

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from rel_component.layers.piece_tokenizer import PieceTokenizer
from rel_component.layers.torch_saved import own_encoder

from ..encoders import tiny_encoder

IMPORTED = "import sys, rel_component.layers.torch_token_encoder; print(*sys.modules)"


def both(kind, **options):
    path = tiny_encoder(kind)
    config = AutoConfig.from_pretrained(path, **options)
    theirs = AutoModel.from_pretrained(path, config=config, add_pooling_layer=False)
    return theirs, own_encoder(theirs)


@pytest.mark.parametrize("mask", [[[1] * 5, [1] * 5], [[1, 1, 1, 0, 0], [1] * 5]])
@pytest.mark.parametrize("kind", ["bert", "roberta", "camembert", "xlm-roberta"])
def test_states_are_those_of_transformers(kind, mask):
    theirs, own = both(kind)
    inputs = {
        "inputs_embeds": torch.randn(2, 5, 16),
        "attention_mask": torch.tensor(mask),
        "output_hidden_states": True,
    }
    with torch.no_grad():
        expected, found = theirs.eval()(**inputs), own.eval()(**inputs)
    there = inputs["attention_mask"].bool()
    pairs = zip(found.hidden_states, expected.hidden_states, strict=True)
    for X, Y in [(found.last_hidden_state, expected.last_hidden_state), *pairs]:
        torch.testing.assert_close(X[there], Y[there])


def test_attention_is_that_of_transformers():
    theirs, own = both("bert", attn_implementation="eager")
    assert own is None  # whoever asks for another implementation has it
    _, own = both("bert")
    ids = torch.tensor([[2, 7, 9, 3]])
    with torch.no_grad():
        expected = theirs.eval()(input_ids=ids, output_attentions=True).attentions
        found = own.eval()(input_ids=ids, output_attentions=True).attentions
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("dropout", "mask"),
    [(0.1, [[1, 1, 1, 1], [1, 1, 1, 1]]), (0.0, [[1, 1, 1, 1], [1, 1, 1, 0]])],
)
def test_a_step_of_training_is_that_of_transformers(dropout, mask):
    options = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    gradients = []
    for encoder in both("bert", **options):
        for parameter in encoder.parameters():
            parameter.grad = None  # the two share their weights
        torch.manual_seed(1)
        embeddings = encoder.get_input_embeddings()(torch.tensor([[2, 7, 9, 3], [2, 8, 3, 0]]))
        inputs = {"inputs_embeds": embeddings, "attention_mask": torch.tensor(mask)}
        states = encoder.train()(**inputs).last_hidden_state
        states[inputs["attention_mask"].bool()].square().sum().backward()
        gradients.append({name: p.grad for name, p in encoder.named_parameters()})
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_act": "relu"},
        {"position_embedding_type": "relative_key"},
        {"is_decoder": True},
        {"chunk_size_feed_forward": 2},
        {"hidden_dropout_prob": True},
    ],
)
def test_other_forms_are_left_to_transformers(options):
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 8}
    sizes |= {"vocab_size": 9, "num_hidden_layers": 1, **options}
    config = AutoConfig.for_model("bert", **sizes)
    assert own_encoder(AutoModel.from_config(config)) is None


def test_a_tokenizer_knows_the_special_pieces_of_transformers():
    theirs = AutoTokenizer.from_pretrained(tiny_encoder())
    own = PieceTokenizer.of(theirs)
    own.add_pieces(["[H]", "[MASK]", "[H]"])
    theirs.add_special_tokens({"additional_special_tokens": ["[H]", "[MASK]"]})
    assert own.special_tokens_map == theirs.special_tokens_map
    assert own.added_tokens_encoder == theirs.added_tokens_encoder
    assert own.get_vocab() == theirs.get_vocab()
    assert len(own) == len(theirs)
    for text in ("Ada[H] met, x", "[MASK]a", ""):
        assert own.split(text) == theirs(text, add_special_tokens=False)["input_ids"]


@pytest.mark.slow
def test_to_load_an_encoder_needs_no_transformers():
    command = [sys.executable, "-c", IMPORTED]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "tokenizers" in modules
    assert not {"transformers", "torch._dynamo", "sympy"} & set(modules)
