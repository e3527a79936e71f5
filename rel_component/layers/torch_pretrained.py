"""Pretrained encoders with their tokenizers: loading, refusing, saving without pickle.

A saved encoder is data. Its configuration, its tokenizer and its weights are saved, the weights in the
safetensors format (https://github.com/huggingface/safetensors), and it is built again without network,
without files and without code of its own. What is saved may come from anybody: kinds, options and names
of files are those listed here, and no size is believed that the weights do not have.
"""

import inspect
import json
import logging
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, Iterator, Mapping, Optional, Tuple

import srsly
import torch
from safetensors.torch import load, save
from tokenizers import Tokenizer
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, AutoTokenizer
from transformers import PreTrainedTokenizerFast as FastTokenizer
from transformers.activations import ACT2FN

from ..errors import ConfigError, shown
from .torch_int8 import to_int8, weights_to_int8

SUPPORTED = (
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "electra",
    "distilbert",
    "deberta",
    "deberta-v2",
)
"""Values of ``model_type`` in the configuration of supported encoders; DeBERTa v3 is a deberta-v2."""

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    # in pipelines of earlier versions, and not read
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
)
"""The names that files of a saved tokenizer may have."""

_NO_POOLER = ("bert", "roberta", "xlm-roberta", "camembert")

# Options beside the arguments of the class of a configuration: of all encoders, and of DeBERTa.
_MORE_OPTIONS = (
    *("model_type", "pruned_heads", "is_decoder", "add_cross_attention"),
    *("chunk_size_feed_forward", "attention_head_size", "conv_act", "conv_groups"),
    *("conv_kernel_size", "embedding_size", "norm_rel_ebd", "pooler_hidden_size"),
    *("position_buckets", "share_att_key", "talking_head"),
)
# Other options are left out when an encoder is loaded. These would take code or weights from elsewhere.
_REFUSED = re.compile(
    "auto_map|attn_implementation$|backbone|quantization|use_kernel|kernel_config"
)
_LARGEST = 1 << 24  # of numbers in a configuration
_MAX_POSITIONS = 1 << 16  # DeBERTa has no weights that would limit its window

_SPECIAL_TOKENS = [f"{name}_token" for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")]


def load_pretrained(name: str, options: Mapping[str, Any], reset_layers: int) -> Tuple[Any, Any]:
    """Load an encoder and its tokenizer from a folder or a hub.

    Code that comes with an encoder is neither run nor asked about, unless the options say so.

    Args:
        name: a folder, or the name of a model on a hub.
        options: more arguments of ``from_pretrained``, e.g. a revision.
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
    with _named_errors(name):
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, **options)
    if not tokenizer.is_fast:
        raise ConfigError(
            f"The tokenizer of {name!r} gives no character offsets: convert it to a fast one with "
            "the package transformers (tokenizer.json)."
        )
    pooler = _without_pooler(config)
    with _named_errors(name), _without_unused_weights_warning():
        encoder = AutoModel.from_pretrained(name, config=config, **pooler, **options)
    _reset_layers(encoder, reset_layers)
    return encoder.float(), tokenizer


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
    is_distilbert = encoder.config.model_type == "distilbert"
    layers = (encoder.transformer if is_distilbert else encoder.encoder).layer
    if not 0 <= n_layers <= len(layers):
        raise ConfigError(f"reset_layers must lie in [0, {len(layers)}], got {n_layers}")
    for layer in layers[len(layers) - n_layers :]:
        layer.apply(encoder._init_weights)


def encoder_to_bytes(module: Optional[Any]) -> bytes:
    """Serialise a :class:`~rel_component.layers.torch_encoder.PretrainedEncoder`; None: no bytes."""
    if module is None:
        return b""
    config = module.encoder.config
    known = _known_options(config.model_type)
    settings = json.loads(config.to_json_string())
    # safetensors refuses parameters that share memory
    weights = {name: value.contiguous().clone() for name, value in module.state_dict().items()}
    message = {
        "config": json.dumps({key: value for key, value in settings.items() if key in known}),
        "options": module.options(),
        "tokenizer": _tokenizer_files(module.tokenizer),
        "weights": save(weights),
    }
    return srsly.msgpack_dumps(message)


def encoder_from_bytes(
    build: Callable[..., Any], in_int8: bool, _old: Any, data: bytes, device: torch.device
) -> Optional[Any]:
    """Build an encoder from what :func:`encoder_to_bytes` returned.

    Args:
        build: class of the module, called with encoder, tokenizer and the options of the module.
        in_int8: whether linear layers shall be in int8; they are rounded if they were saved in float32.
        _old: the module before; it does not count.
        data: the serialised module.
        device: where it goes.

    Raises:
        ConfigError: if the data is not that of a supported encoder, or its parts do not fit together.
    """
    if not data:
        return None
    message = srsly.msgpack_loads(data)
    parts = {"config": str, "options": dict, "tokenizer": dict, "weights": bytes}
    if not isinstance(message, dict) or {key: type(x) for key, x in message.items()} != parts:
        raise ConfigError(f"no saved encoder; expected the parts {', '.join(parts)}")
    weights = load(message["weights"])
    config = _read_config(message["config"], weights)
    tokenizer = _read_tokenizer(message["tokenizer"], config.vocab_size)
    arguments = inspect.signature(build).parameters.keys() - {"encoder", "tokenizer"}
    if not message["options"].keys() <= arguments:
        raise ConfigError(f"options {shown(message['options'])}; accepted: {sorted(arguments)}")

    was_int8 = any(value.dtype == torch.int8 for value in weights.values())
    if was_int8 and not in_int8:
        raise ConfigError(
            'weights in int8, which do not become those in float32 again; set precision to "int8", or '
            "take the pipeline that this one was made from"
        )

    def build_module() -> Any:
        encoder = AutoModel.from_config(config, **_without_pooler(config)).float()
        if in_int8:
            to_int8(encoder)
        return build(encoder, tokenizer, **message["options"])

    with torch.device("meta"):  # without memory, until it is known that the weights fit
        template = build_module()
        if in_int8 and not was_int8:
            weights = weights_to_int8(weights, template)
        _check_weights(weights, template)
    module = build_module()
    module.load_state_dict(weights)
    return module.to(device)


def _known_options(kind: str) -> FrozenSet[str]:
    arguments = inspect.signature(CONFIG_MAPPING[kind].__init__).parameters
    return frozenset(arguments) - {"self", "kwargs"} | frozenset(_MORE_OPTIONS)


def _read_config(text: str, weights: Mapping[str, Any]) -> Any:
    """The configuration of an encoder that has these weights."""
    settings = srsly.json_loads(text)
    kind = settings.get("model_type") if isinstance(settings, dict) else None
    if kind not in SUPPORTED:
        raise ConfigError(f"encoder of the kind {shown(kind)}; supported: {', '.join(SUPPORTED)}")
    refused = sorted(filter(_REFUSED.search, settings))
    if refused:
        raise ConfigError(
            f"encoder with the option {refused[0]!r}, which no saved encoder may have"
        )
    known = _known_options(kind)
    for key, value in settings.items():
        if key in known and not _is_sane(key, value):
            raise ConfigError(f"encoder with the option {key} = {shown(value)}, out of range")
    options = {key: value for key, value in settings.items() if key in known - {"model_type"}}
    if "pruned_heads" in options:  # keys of JSON are strings
        options["pruned_heads"] = {int(k): heads for k, heads in options["pruned_heads"].items()}
    config = AutoConfig.for_model(kind, **options)
    if config.max_position_embeddings > _MAX_POSITIONS:
        raise ConfigError(f"encoder with a window of {config.max_position_embeddings} pieces")
    # before layers are made of it
    layers = {match[1] for name in weights if (match := re.search(r"\.layer\.(\d+)\.", name))}
    if config.num_hidden_layers != len(layers):
        raise ConfigError(
            f"encoder of {config.num_hidden_layers} layers, with weights of {len(layers)}"
        )
    return config


def _is_sane(key: str, value: Any) -> bool:
    if key in ("hidden_act", "activation", "conv_act"):
        return isinstance(value, str) and value in ACT2FN
    if key == "pruned_heads":
        return isinstance(value, dict) and all(map(_is_list, value.values()))
    return _is_scalar(value) or _is_list(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 1000 and all(map(_is_scalar, value))


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (int, float)):
        return -1 <= value <= _LARGEST
    return value is None or isinstance(value, str)


def _check_weights(weights: Mapping[str, Any], module: Any) -> None:
    expected = {name: (tuple(X.shape), X.dtype) for name, X in module.state_dict().items()}
    found = {name: (tuple(X.shape), X.dtype) for name, X in weights.items()}
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            raise ConfigError(
                f"weights of {shown(name)}: expected {expected.get(name, 'none')}, "
                f"got {found.get(name, 'none')}"
            )
        if not bool(torch.isfinite(weights[name]).all()):
            raise ConfigError(f"weights of {name} that are not finite")


def _tokenizer_files(tokenizer: Any) -> Dict[str, bytes]:
    settings = {
        **tokenizer.special_tokens_map,
        "model_max_length": tokenizer.model_max_length,
        "split_special_tokens": tokenizer.split_special_tokens,
    }
    files = (tokenizer.backend_tokenizer.to_str(), json.dumps(settings))
    return {name: text.encode() for name, text in zip(TOKENIZER_FILES, files)}


def _read_tokenizer(files: Mapping[str, Any], vocab_size: int) -> Any:
    """The tokenizer, from the two files that say all about it."""
    unknown = [name for name in files if name not in TOKENIZER_FILES]
    if unknown:
        raise ConfigError(
            f"tokenizer with a file {shown(unknown[0])}; accepted: {', '.join(TOKENIZER_FILES)}"
        )
    pieces, options = (bytes(files[name]).decode("utf8") for name in TOKENIZER_FILES[:2])
    settings = json.loads(options)
    if "auto_map" in settings:
        raise ConfigError("tokenizer with code of its own (auto_map)")
    model = json.loads(pieces).get("model", {})
    vocabulary = model.get("vocab")
    # before the tokenizer takes memory for the highest number
    if isinstance(vocabulary, dict) and max(vocabulary.values(), default=0) >= vocab_size:
        raise ConfigError(f"tokenizer with pieces beyond those of an encoder of {vocab_size}")
    backend = Tokenizer.from_str(pieces)
    backend.no_padding()
    backend.no_truncation()
    layout = json.loads(backend.pre_tokenizer.__getstate__()) if backend.pre_tokenizer else {}
    special = {key: _content(settings[key]) for key in _SPECIAL_TOKENS if settings.get(key)}
    more = [_content(token) for token in settings.get("additional_special_tokens") or []]
    tokenizer: Any = FastTokenizer(
        tokenizer_object=backend,
        **special,
        additional_special_tokens=more,
        model_max_length=int(settings.get("model_max_length") or _MAX_POSITIONS),
        split_special_tokens=bool(settings.get("split_special_tokens")),
        # as it is, or the class would set it
        add_prefix_space=layout.get("add_prefix_space", False),
    )
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise ConfigError("tokenizer without pieces for the beginning and the end of a text")
    highest = max(tokenizer.get_vocab().values())
    if highest >= vocab_size:
        raise ConfigError(f"tokenizer with a piece {highest}, and an encoder of {vocab_size}")
    return tokenizer


def _content(token: Any) -> str:
    """The text of a special token, which some tokenizers describe in more detail."""
    return str(token["content"] if isinstance(token, dict) else token)
