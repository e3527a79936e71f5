"""Saved encoders: data, read back without network, without pickle and without code of their own.

The configuration of an encoder, its tokenizer and its weights are saved, the weights in the safetensors
format (https://github.com/huggingface/safetensors). What is saved may come from anybody: kinds, options
and names of files are those listed here, and no size is believed that the weights do not have.
"""

import inspect
import json
import re
from typing import Any, Callable, Mapping, Optional

import srsly
import torch
from safetensors.torch import load, save

from ..errors import ConfigError, shown
from .piece_tokenizer import read_tokenizer, tokenizer_files
from .torch_bert import BertConfig, BertEncoder
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
    "mpnet",
    "modernbert",
)
"""Values of ``model_type`` in the configuration of supported encoders; DeBERTa v3 is a deberta-v2."""

# Other options are left out when an encoder is loaded. These would take code or weights from elsewhere.
_REFUSED = re.compile(
    "auto_map|attn_implementation$|backbone|quantization|use_kernel|kernel_config"
)
_LARGEST = 1 << 24  # of numbers in a configuration
_MAX_POSITIONS = 1 << 16  # DeBERTa has no weights that would limit its window


def own_encoder(encoder: Any) -> Optional[BertEncoder]:
    """The same encoder without transformers; None if it is not of the usual form.

    Args:
        encoder: a model of transformers, without a pooling layer.
    """
    if encoder.config._attn_implementation != "sdpa":
        return None
    config = BertConfig.of(encoder.config.to_dict(), _LARGEST)
    if config is None:
        return None
    with torch.device("meta"):
        own = BertEncoder(config)
    own.load_state_dict(encoder.state_dict(), assign=True)
    return own


def encoder_to_bytes(module: Optional[Any]) -> bytes:
    """Serialise a :class:`~rel_component.layers.torch_encoder.PretrainedEncoder`; None: no bytes."""
    if module is None:
        return b""
    config = module.encoder.config
    if isinstance(config, BertConfig):
        settings = config.to_dict()
    else:
        from .torch_pretrained import known_options

        known = known_options(config.model_type)
        settings = json.loads(config.to_json_string())
        settings = {key: value for key, value in settings.items() if key in known}
    # safetensors refuses parameters that share memory
    weights = {name: value.contiguous().clone() for name, value in module.state_dict().items()}
    message = {
        "config": json.dumps(settings),
        "options": module.options(),
        "tokenizer": tokenizer_files(module.tokenizer),
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
    tokenizer = read_tokenizer(message["tokenizer"], config.vocab_size)
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
        encoder = _build_encoder(config)
        if in_int8:
            to_int8(encoder)
        return build(encoder, tokenizer, **message["options"])

    with torch.device("meta"):  # without memory, until it is known that the weights fit
        module = build_module()
        if in_int8 and not was_int8:
            weights = weights_to_int8(weights, module)
        _check_weights(weights, module)
    if isinstance(config, BertConfig):
        # tensors of their own: those of safetensors lie anywhere, and the fastest kernels want borders
        module.load_state_dict({name: X.clone() for name, X in weights.items()}, assign=True)
    else:  # modules of transformers compute more than weights when they are made
        module = build_module()
        module.load_state_dict(weights)
    return module.to(device)


def _build_encoder(config: Any) -> Any:
    if isinstance(config, BertConfig):
        return BertEncoder(config)
    from .torch_pretrained import build_encoder

    return build_encoder(config)


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
    config: Any = BertConfig.of(settings, _LARGEST) or _other_config(kind, settings)
    if config.max_position_embeddings > _MAX_POSITIONS:
        raise ConfigError(f"encoder with a window of {config.max_position_embeddings} pieces")
    # before layers are made of it
    layers = {match[1] for name in weights if (match := re.search(r"\.layers?\.(\d+)\.", name))}
    if config.num_hidden_layers != len(layers):
        raise ConfigError(
            f"encoder of {config.num_hidden_layers} layers, with weights of {len(layers)}"
        )
    return config


def _other_config(kind: str, settings: Mapping[str, Any]) -> Any:
    """A configuration of transformers, for an encoder that is not built like BERT."""
    from .torch_pretrained import is_activation, known_options, make_config

    def is_sane(key: str, value: Any) -> bool:
        if key in ("hidden_act", "activation", "conv_act", "hidden_activation"):
            return is_activation(value)
        if key == "pruned_heads":
            return isinstance(value, dict) and all(map(_is_list, value.values()))
        return _is_scalar(value) or _is_list(value)

    known = known_options(kind)
    options = {key: value for key, value in settings.items() if key in known}
    for key, value in options.items():
        if not is_sane(key, value):
            raise ConfigError(f"encoder with the option {key} = {shown(value)}, out of range")
    return make_config(options)


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
