"""Small encoders of every supported kind, made on the spot: no download, and done in milliseconds."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

_FOLDERS = TemporaryDirectory()
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'@*#^-"
_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
KINDS = {
    "bert": _SIZES,
    "roberta": {**_SIZES, "pad_token_id": 0},
    "electra": {**_SIZES, "embedding_size": 16},
    "distilbert": {
        "dim": 16,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 32,
        "dropout": 0.0,
        "attention_dropout": 0.0,
    },
    "deberta": {
        **_SIZES,
        "relative_attention": True,
        "pos_att_type": ["c2p", "p2c"],
        "max_relative_positions": 64,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "mpnet": {**_SIZES, "pad_token_id": 0},
    "modernbert": {
        **{key: value for key, value in _SIZES.items() if "dropout" not in key},
        **dict.fromkeys(("pad_token_id", "eos_token_id", "bos_token_id"), 0),
        **{"cls_token_id": 2, "sep_token_id": 3, "local_attention": 8},
    },
    "deberta-v2": {
        **_SIZES,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
}
"""A supported value of ``model_type``, and a configuration of that kind without dropout."""

TINY_TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 16,
    "depth": 1,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
    "pretrained_vectors": None,
}
"""The config of a tok2vec without pretrained vectors."""


@cache
def tiny_encoder(kind: str = "bert", max_position_embeddings: int = 64) -> str:
    """A folder with a small encoder and its tokenizer, whose pieces are words and single characters."""
    folder = Path(_FOLDERS.name, f"{kind}-{max_position_embeddings}")
    tokenizer = _tokenizer(max_position_embeddings)
    tokenizer.save_pretrained(folder)
    options = {"initializer_range": 0.3, **KINDS.get(kind, _SIZES)}
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        max_position_embeddings=max_position_embeddings,
        **options,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    return str(folder)


def _tokenizer(max_length: int) -> PreTrainedTokenizerFast:
    pieces = [*_SPECIAL, *_CHARACTERS, *(f"##{c}" for c in _CHARACTERS), "and", "of", "met", "in"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex("[\\x00-\\x1f\\u200b]"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
