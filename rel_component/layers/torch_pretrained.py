"""Pretrained encoders with their tokenizers, from a folder or a hub, by the package transformers.

Importing this takes seconds: what loads a saved pipeline does so for encoders alone that
:mod:`.torch_bert` does not compute.
"""

import inspect
import logging
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, Mapping, Tuple

from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, AutoTokenizer
from transformers.activations import ACT2FN

from ..errors import ConfigError, shown
from .piece_tokenizer import PieceTokenizer
from .torch_saved import SUPPORTED, own_encoder

_NO_POOLER = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")

_NO_OPTIONS = frozenset(
    {"self", "kwargs", "sparse_pred_ignore_index"}
)  # the last is of pretraining
# Options beside the arguments of the class of a configuration: of all encoders, and of DeBERTa.
_MORE_OPTIONS = (
    *("model_type", "pruned_heads", "is_decoder", "add_cross_attention"),
    *("chunk_size_feed_forward", "attention_head_size", "conv_act", "conv_groups"),
    *("conv_kernel_size", "embedding_size", "norm_rel_ebd", "pooler_hidden_size"),
    *("position_buckets", "share_att_key", "talking_head"),
)


def load_pretrained(name: str, options: Mapping[str, Any], reset_layers: int) -> Tuple[Any, Any]:
    """Load an encoder and its tokenizer from a folder or a hub.

    Code that comes with an encoder is neither run nor asked about, unless the options say so.

    Args:
        name: a folder, or the name of a model on a hub.
        options: more arguments of ``from_pretrained``, e.g. a revision, and other values for options
            of the encoder, e.g. its dropout.
        reset_layers: number of the last layers that are given random weights.

    Raises:
        ConfigError: if there is no encoder or it is damaged, of an unsupported kind or has fewer
            layers, or if there is no fast tokenizer.
    """
    options = {"trust_remote_code": False, **options}
    with _named_errors(name):
        config = AutoConfig.from_pretrained(name, **options)
    if config.model_type not in SUPPORTED:
        raise ConfigError(
            f"The encoder {name!r} is of the kind {config.model_type!r}; supported: "
            f"{', '.join(SUPPORTED)}."
        )
    settings = config.to_dict()  # has them already
    options = {key: value for key, value in options.items() if key not in settings}
    with _named_errors(name):
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, **options)
    if not tokenizer.is_fast:
        raise ConfigError(
            f"The tokenizer of {name!r} gives no character offsets: convert it to a fast one with "
            "the package transformers (tokenizer.json)."
        )
    _never_compile(config)
    pooler = _without_pooler(config)
    with _named_errors(name), _without_unused_weights_warning():
        encoder = AutoModel.from_pretrained(name, config=config, **pooler, **options)
    _reset_layers(encoder, reset_layers)
    encoder = encoder.float()
    return own_encoder(encoder) or encoder, PieceTokenizer.of(tokenizer)


def known_options(kind: str) -> FrozenSet[str]:
    """The options that an encoder of this kind may have."""
    arguments = inspect.signature(CONFIG_MAPPING[kind].__init__).parameters
    return frozenset(arguments) - _NO_OPTIONS | frozenset(_MORE_OPTIONS)


def is_activation(name: Any) -> bool:
    """Whether this is the name of a function between two layers."""
    return isinstance(name, str) and name in ACT2FN


def make_config(options: Mapping[str, Any]) -> Any:
    """A configuration.

    Args:
        options: as JSON has them, with ``model_type``.
    """
    arguments = dict(options)
    kind = arguments.pop("model_type")
    if "pruned_heads" in arguments:  # keys of JSON are strings
        heads = arguments["pruned_heads"].items()
        arguments["pruned_heads"] = {int(layer): numbers for layer, numbers in heads}
    return AutoConfig.for_model(kind, **arguments)


def build_encoder(config: Any) -> Any:
    """An encoder with random weights.

    Args:
        config: see :func:`make_config`.
    """
    _never_compile(config)
    return AutoModel.from_config(config, **_without_pooler(config)).float()


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """One error for the many that transformers raises, of which some are long and name no encoder."""
    try:
        yield
    except Exception as err:
        where = "in this folder" if Path(name).is_dir() else "in a folder or on a hub of that name"
        raise ConfigError(
            f"The encoder {shown(name)} cannot be loaded: there has to be a configuration, a fast "
            f"tokenizer and weights {where} (config.json, tokenizer.json, model.safetensors). Set "
            '--paths.encoder, or run "python -m spacy project run encoder" for the default one. '
            f"({type(err).__name__}: {str(err).strip():.200})"
        ) from err


def _never_compile(config: Any) -> None:
    """Keep ModernBERT from PyTorch's compiler, which would compile it anew for each length."""
    if config.model_type == "modernbert":
        config.reference_compile = False


def _without_pooler(config: Any) -> Dict[str, bool]:
    return {"add_pooling_layer": False} if config.model_type in _NO_POOLER else {}


@contextmanager
def _without_unused_weights_warning() -> Iterator[None]:
    """Hide that weights of the checkpoint are not used: pooler and pretraining head never are."""

    def is_actionable(record: logging.LogRecord) -> bool:
        return "were not used when initializing" not in record.getMessage()

    logger = logging.getLogger("transformers.modeling_utils")
    logger.addFilter(is_actionable)
    try:
        yield
    finally:
        logger.removeFilter(is_actionable)


def _reset_layers(encoder: Any, n_layers: int) -> None:
    kind = encoder.config.model_type
    if kind == "modernbert":
        layers = encoder.layers
    else:
        layers = (encoder.transformer if kind == "distilbert" else encoder.encoder).layer
    if not 0 <= n_layers <= len(layers):
        raise ConfigError(f"reset_layers must lie in [0, {len(layers)}], got {n_layers}")
    for layer in layers[len(layers) - n_layers :]:
        layer.apply(encoder._init_weights)
